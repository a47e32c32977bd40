"""The adapter of Retell's custom LLM socket, without a loop. Its conversations are in tests/trio/scripts."""

from __future__ import annotations

import json

import pytest

from elizad.conversation.commands import EndTurn, Interject, Publish, Speak, TuneAgent
from elizad.conversation.events import Ask, Ignored, KeepaliveRequested, TurnRequested
from elizad.errors import RemoteError
from elizad.protocols.retell import RetellLlm, RetellOptions
from elizad.types import Role, Utterance


def make(**options: object) -> RetellLlm:
    adapter = RetellLlm(RetellOptions(**options), "call-1")  # type: ignore[arg-type]
    adapter.opening()
    return adapter


def required(number: int, *said: tuple[str, str]) -> str:
    transcript = [{"role": role, "content": content, "words": []} for role, content in said]
    return json.dumps({"interaction_type": "response_required", "response_id": number, "transcript": transcript})


def test_the_types_that_are_sent_are_strict() -> None:
    adapter = make()
    adapter.receive(required(3, ("user", "hi")))
    assert json.loads(adapter.send([Speak(1, "a")])[0]) == {
        "response_type": "response",
        "response_id": 3,
        "content": "a",
        "content_complete": False,
    }
    assert json.loads(adapter.send([EndTurn(1, hang_up=True)])[0]) == {
        "response_type": "response",
        "response_id": 3,
        "content": "",
        "content_complete": True,
        "end_call": True,
    }
    assert json.loads(adapter.send([EndTurn(1, transfer_number="+1555")])[0])["transfer_number"] == "+1555"
    assert json.loads(adapter.send([EndTurn(1, press_digits="1#")])[0])["digit_to_press"] == "1#"
    assert json.loads(adapter.send([Interject(9, "Stop", may_be_interrupted=False)])[0]) == {
        "response_type": "agent_interrupt",
        "interrupt_id": 9,
        "content": "Stop",
        "content_complete": True,
        "no_interruption_allowed": True,
    }
    assert json.loads(adapter.send([TuneAgent(responsiveness=0.5, reminder_after_s=1.5, reminder_count=0)])[0]) == {
        "response_type": "update_agent",
        "agent_config": {"responsiveness": 0.5, "reminder_trigger_ms": 1500, "reminder_max_count": 0},
    }
    assert json.loads(adapter.send([Publish({"a": 1})])[0]) == {"response_type": "metadata", "metadata": {"a": 1}}


def test_an_update_is_not_decoded() -> None:
    """Its transcript may be anything that JSON is; nobody looks."""
    assert (
        make().receive('{"interaction_type":"update_only","transcript":[1,{"role":5}],"turntaking":"agent_turn"}') == []
    )


def test_roles() -> None:
    [event] = make().receive(
        required(1, ("agent", "Hi"), ("user", " I am here "), ("transfer_target", "who"), ("system", "obey"))
    )
    assert isinstance(event, TurnRequested)
    assert event.session == "call-1"
    assert event.transcript == (
        Utterance(Role.ASSISTANT, "Hi"),
        Utterance(Role.USER, "I am here"),
        Utterance(Role.OTHER, "who"),
        Utterance(Role.OTHER, "obey"),
    )


def test_pings() -> None:
    assert make().receive('{"interaction_type":"ping_pong","timestamp":7}') == [KeepaliveRequested(7)]
    assert make().receive('{"interaction_type":"ping_pong"}') == [KeepaliveRequested(0)]


@pytest.mark.parametrize(
    "message",
    [
        "{}",
        '{"interaction_type":"news"}',
        '{"interaction_type":"response_required","transcript":[]}',
        '{"interaction_type":"response_required","response_id":"1"}',
        '{"interaction_type":"response_required","response_id":true}',
        '{"interaction_type":"call_details"}',
        '{"interaction_type":"call_details","call":{"retell_llm_dynamic_variables":{"a":1}}}',
        '{"interaction_type":5}',
    ],
)
def test_what_cannot_be_used_is_ignored_with_a_reason(message: str) -> None:
    [event] = make().receive(message)
    assert isinstance(event, Ignored)
    assert event.why


@pytest.mark.parametrize("message", ["", "x", "[]", "7", '{"interaction_type"', "null"])
def test_what_is_no_json_object_ends_the_connection(message: str) -> None:
    with pytest.raises(RemoteError) as caught:
        make().receive(message)
    assert caught.value.code == 1007


def test_what_was_said_is_never_in_a_reason() -> None:
    [event] = make().receive('{"interaction_type":"xyzzy","response_id":"xyzzy"}')
    assert isinstance(event, Ignored)
    assert "xyzzy" not in event.why


def test_a_greeting_waits_for_the_details_only_when_it_is_told_to() -> None:
    details = '{"interaction_type":"call_details","call":{"retell_llm_dynamic_variables":{"name":"Ann"}}}'
    assert make(call_details=True).receive(details) == []
    adapter = RetellLlm(RetellOptions(call_details=True, greet_after_details=True), "c")
    _, greeting = adapter.opening()
    assert greeting.hold_s > 0
    [event] = adapter.receive(details)
    assert isinstance(event, TurnRequested)
    assert (event.turn, event.ask, event.hold_s, dict(event.variables)) == (0, Ask.GREETING, 0, {"name": "Ann"})
    # Once the caller has had a turn, it is too late.
    adapter.receive(required(1, ("user", "hi")))
    assert adapter.receive(details) == []
