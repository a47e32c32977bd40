"""What every platform's adapter keeps to, whatever it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.commands import AnswerKeepalive, Command, EndTurn, Interject, Publish, Speak, TuneAgent
from elizad.conversation.events import Ignored, KeepaliveRequested, TurnRequested
from elizad.errors import RemoteError
from elizad.protocols.catalogue import Adapter, CallInfo, catalogue
from elizad.protocols.retell import RetellOptions

ADAPTERS: list[Callable[[], Adapter]] = [
    lambda make=make: make(CallInfo("call-1"))  # type: ignore[misc]
    for make in catalogue(RetellOptions()).values()
]
BOTH = pytest.mark.parametrize("make", ADAPTERS, ids=list(catalogue(RetellOptions())))

FIELDS = [
    *("messages", "message", "role", "content", "type", "time", "custom_session_id"),
    *("interaction_type", "response_id", "timestamp", "transcript", "call", "retell_llm_dynamic_variables"),
]
VALUES = st.sampled_from(
    ["user", "agent", "assistant", "response_required", "reminder_required", "update_only", "ping_pong", "call_details"]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=24,
)
MESSAGES = st.one_of(st.text(max_size=40), JUNK.map(json.dumps))
WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


def requests(adapter: Adapter, number: int) -> str:
    """Return a message that asks this platform's server for a turn."""
    said = [{"role": "user", "content": f"word {number}"}]
    if adapter.name == "hume":
        return json.dumps({"messages": said})
    return json.dumps({"interaction_type": "response_required", "response_id": number, "transcript": said})


@BOTH
@given(messages=st.lists(MESSAGES, max_size=6))
def test_garbage_gives_events_or_a_remote_error(make: Callable[[], Adapter], messages: list[str]) -> None:
    adapter = make()
    adapter.opening()
    last = 0
    for message in messages:
        try:
            events = adapter.receive(message)
        except RemoteError as error:
            assert error.code in (1003, 1007, 1008)
            assert error.reason
            continue
        for event in events:
            assert isinstance(event, TurnRequested | KeepaliveRequested | Ignored)
            if isinstance(event, TurnRequested) and event.turn:
                assert event.turn > last
                last = event.turn


@BOTH
@given(pieces=st.lists(WORDS, max_size=4))
def test_what_is_said_survives_the_wire(make: Callable[[], Adapter], pieces: list[str]) -> None:
    adapter = make()
    adapter.opening()
    [event] = adapter.receive(requests(adapter, 1))
    assert isinstance(event, TurnRequested)
    frames = [frame for text in pieces for frame in adapter.send([Speak(event.turn, text)])]
    said = [json.loads(frame) for frame in frames]
    assert "".join(frame.get("text", frame.get("content")) for frame in said) == "".join(pieces)
    [end] = adapter.send([EndTurn(event.turn)])
    assert "end" in end or json.loads(end)["content_complete"] is True


@BOTH
def test_an_older_turn_keeps_its_name_while_newer_ones_are_read(make: Callable[[], Adapter]) -> None:
    adapter = make()
    adapter.opening()
    turns = []
    for number in range(1, 5):
        [event] = adapter.receive(requests(adapter, number * 10))
        assert isinstance(event, TurnRequested)
        turns.append(event.turn)
    first, last = (adapter.send([Speak(turn, "x")])[0] for turn in (turns[0], turns[-1]))
    if adapter.name == "retell":
        assert json.loads(first)["response_id"] == 10
        assert json.loads(last)["response_id"] == 40


@BOTH
@pytest.mark.parametrize(
    "command",
    [
        AnswerKeepalive(1),
        EndTurn(0, hang_up=True),
        EndTurn(0, transfer_number="+15550100"),
        EndTurn(0, press_digits="12#"),
        Interject(1, "Excuse me", complete=False, may_be_interrupted=False),
        TuneAgent(responsiveness=0.5, interruption_sensitivity=1, reminder_after_s=9.5, reminder_count=0),
        Publish({"mood": ["calm", 1]}),
    ],
    ids=lambda command: type(command).__name__,
)
def test_every_command_is_written_or_left_out(make: Callable[[], Adapter], command: Command) -> None:
    adapter = make()
    adapter.opening()
    for frame in adapter.send([command]):
        message = json.loads(frame)
        assert isinstance(message, dict)
        assert None not in message.values()
        if adapter.name == "retell":
            assert message["response_type"]
