"""Retell's side of its LLM socket: ids, updates, pings, and what Retell would make of what a server sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.call.events import Answer, Chunk, End, Finding, HangUp, Meaning, Note
from elizad.call.retell import GRACE_S, RetellPlatform
from elizad.net.line import Closed


def response(number: Any, content: Any, complete: Any, **more: Any) -> str:
    return json.dumps(
        {"response_type": "response", "response_id": number, "content": content, "content_complete": complete, **more}
    )


def typed(kind: str, **fields: Any) -> str:
    return json.dumps({"response_type": kind, **fields})


def config(**settings: Any) -> str:
    return typed("config", config=settings)


def opened(*frames: str, **how: Any) -> RetellPlatform:
    """A call on which these frames have come; by default a greeting."""
    retell = RetellPlatform("call_7", epoch_s=1_700_000_000, **how)
    assert retell.open(0.0) == []
    for frame in frames or (response(0, "Hello.", True),):
        assert rules(retell.receive(frame, 0.1)) == []
    return retell


def rules(meanings: list[Meaning]) -> list[str]:
    return [m.rule.name for m in meanings if isinstance(m, Finding)]


def sent(frames: list[str]) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in frames]


def words(message: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["role"], entry["content"]) for entry in message["transcript"]]


def test_an_utterance_is_updates_and_a_request_with_the_whole_transcript() -> None:
    user_turn, partial, request = sent(opened().say("I can not sleep", 3.0))
    assert (user_turn["interaction_type"], user_turn["turntaking"]) == ("update_only", "user_turn")
    assert words(user_turn) == [("agent", "Hello.")]
    assert words(partial) == [("agent", "Hello."), ("user", "I can")]
    assert "turntaking" not in partial
    assert (request["interaction_type"], request["response_id"]) == ("response_required", 1)
    assert words(request) == [("agent", "Hello."), ("user", "I can not sleep")]
    spoken = request["transcript"][1]["words"]
    assert [word["word"] for word in spoken] == ["I", "can", "not", "sleep"]
    assert spoken[0]["start"] == 3.0 < spoken[0]["end"] <= spoken[1]["start"]


def test_ids_grow_and_the_agents_turn_is_announced_before_it_speaks() -> None:
    retell = opened()
    retell.say("yes", 1.0)
    first = retell.receive(response(1, "I see. ", False), 1.1)
    assert [type(m) for m in first] == [Answer, Chunk]
    assert isinstance(first[0], Answer)
    assert sent(first[0].frames)[0]["turntaking"] == "agent_turn"
    assert [type(m) for m in retell.receive(response(1, "Go on.", False), 1.2)] == [Chunk]
    assert [type(m) for m in retell.receive(response(1, "", True), 1.3)] == [End]
    assert sent(retell.say("no", 2.0))[-1]["response_id"] == 2
    assert sent(retell.silence(3.0))[-1] | {"transcript": 0} == {
        "interaction_type": "reminder_required",
        "response_id": 3,
        "transcript": 0,
    }


def test_an_interrupted_reply_is_cut_in_the_transcript_and_written_once() -> None:
    retell = opened()
    retell.say("yes", 1.0)
    retell.receive(response(1, "This is a long reply that nobody waits for.", False), 2.0)
    (update,) = sent(retell.interrupt(3.0))
    assert (update["turntaking"], words(update)[-1]) == ("user_turn", ("agent", "This is a long"))
    request = sent(retell.say("stop", 3.5))[-1]
    assert words(request)[-2:] == [("agent", "This is a long"), ("user", "stop")]


def test_older_words_under_way_are_dropped_and_later_they_are_a_fault() -> None:
    retell = opened()
    retell.say("a", 1.0)
    retell.say("b", 1.5)
    assert retell.receive(response(1, "old", False), 1.6) == []
    retell.settled(2.0)
    assert retell.receive(response(1, "old", False), 2.0 + GRACE_S / 2) == []
    assert rules(retell.receive(response(1, "old", False), 2.1 + GRACE_S)) == ["after-barge-in"]
    assert retell.turns[-1].text == ""


def test_config_asks_for_details_pings_and_tool_calls() -> None:
    retell = RetellPlatform("call_7", epoch_s=1_700_000_000, variables={"name": "Ann"})
    retell.open(0.0)
    meanings = retell.receive(config(auto_reconnect=True, call_details=True, transcript_with_tool_calls=True), 0.5)
    (answer,) = [m for m in meanings if isinstance(m, Answer)]
    (details,) = sent(answer.frames)
    assert details["interaction_type"] == "call_details"
    assert details["call"]["call_id"] == "call_7"
    assert details["call"]["retell_llm_dynamic_variables"] == {"name": "Ann"}
    frames, findings = retell.tick(0.5)
    assert (sent(frames), findings) == ([{"interaction_type": "ping_pong", "timestamp": 1_700_000_000_500}], [])
    assert retell.next_due == 2.5
    retell.receive(typed("tool_call_invocation", tool_call_id="t", name="look", arguments="{}"), 0.6)
    retell.receive(typed("tool_call_result", tool_call_id="t", content="found"), 0.7)
    entries = sent(retell.say("yes", 1.0))[-1]["transcript_with_tool_calls"]
    assert [entry["role"] for entry in entries] == ["tool_call_invocation", "tool_call_result", "user"]


def test_without_auto_reconnect_there_are_no_pings_and_no_reconnect() -> None:
    retell = opened(config(call_details=False), response(0, "", True))
    assert retell.next_due == float("inf")
    assert retell.reconnected() is None


def test_a_late_ping_pong_and_one_that_never_comes() -> None:
    retell = opened(config(auto_reconnect=True), response(0, "", True))
    retell.tick(1.0)
    assert retell.receive(typed("ping_pong", timestamp=1), 2.9) == []
    retell.tick(3.0)
    assert rules(retell.receive(typed("ping_pong", timestamp=1), 5.5)) == ["ping-pong"]
    retell.tick(5.6)
    retell.tick(8.0)
    assert retell.unanswered() == 2
    _, findings = retell.tick(11.0)
    assert ["not answered for 5 s" in finding.words for finding in findings] == [True]


def test_end_call_hangs_up_when_the_words_are_complete() -> None:
    retell = opened()
    retell.say("goodbye", 1.0)
    assert [type(m) for m in retell.receive(response(1, "Bye.", True, end_call=True), 1.1)][-1] is HangUp
    retell = opened()
    retell.say("goodbye", 1.0)
    retell.interrupt(1.05)
    assert HangUp not in [type(m) for m in retell.receive(response(1, "Bye.", True, end_call=True), 1.1)]


def test_a_reconnect_keeps_the_transcript_and_must_not_greet() -> None:
    retell = opened(config(auto_reconnect=True), response(0, "Hello.", True))
    retell.say("yes", 1.0)
    retell.receive(response(1, "I see.", True), 1.1)
    again = retell.reconnected()
    assert again is not None
    again.open(0.0)
    assert rules(again.receive(response(0, "Hello.", True), 0.1)) == ["greets-twice"]
    request = sent(again.say("still there?", 1.0))[-1]
    assert words(request)[:3] == [("agent", "Hello."), ("user", "yes"), ("agent", "I see.")]


@pytest.mark.parametrize(
    ("frame", "rule", "said"),
    [
        ("x", "not-json", "a frame is not JSON"),
        ('"x"', "not-json", "holds a string"),
        ("{}", "no-response-type", "no response_type"),
        ('{"response_type":3}', "wrong-type", "an integer instead of a string"),
        (typed("speech"), "unknown-type", '"speech" is not known'),
        (response("1", "", True), "wrong-type", '"response_id" of response is a string instead of an integer'),
        (response(True, "", True), "wrong-type", "true or false instead of an integer"),
        (response(1.0, "", True), "wrong-type", "a number instead of an integer"),
        (response(1, None, True), "wrong-type", '"content" of response is null'),
        (response(1, "", "true"), "wrong-type", '"content_complete" of response is a string'),
        (response(1, "", 1), "wrong-type", "an integer instead of true or false"),
        (response(1, "", True, transfer_number=5), "wrong-type", '"transfer_number" of response'),
        (response(1, "", True, transfer_number=None), "null", "leave it out"),
        (response(1, "", True, mood="x"), "unknown-field", '"mood"'),
        (response(1, "", False, end_call=True), "actions", "does not complete"),
        (response(1, "", True, end_call=True, digit_to_press="1"), "actions", "end_call and digit_to_press at once"),
        (response(1, "", True, digit_to_press="x"), "range", "keys of a telephone"),
        (response(2, "", True), "unasked", "has response_id 2, and the newest request has 1"),
        (response(-1, "", True), "unasked", "has response_id -1"),
        (response(0, "Hello again.", True), "after-end", "words for response_id 0"),
        (config(), "config-first", "after the first response"),
        (typed("config"), "missing-field", 'config lacks "config"'),
        (typed("ping_pong", timestamp="now"), "wrong-type", '"timestamp" of ping_pong'),
        (typed("update_agent", agent_config={"reminder_trigger_ms": 0}), "range", "not above 0"),
        (typed("update_agent", agent_config={"responsiveness": 1.5}), "range", "between 0 and 1"),
        (typed("update_agent", agent_config={"reminder_max_count": -1}), "range", "below 0"),
        (typed("tool_call_invocation", tool_call_id="a", name="f", arguments={}), "wrong-type", "an object instead"),
        (typed("tool_call_invocation", tool_call_id="a", name="f", arguments="[]"), "tools", "no JSON object"),
        (typed("tool_call_result", tool_call_id="b", content=""), "tools", "belongs to no tool call"),
        (typed("metadata", metadata=[]), "wrong-type", "an array instead of an object"),
        (typed("agent_interrupt", interrupt_id=1, content="x"), "missing-field", 'lacks "content_complete"'),
    ],
)
def test_a_rule_that_is_broken_is_named(frame: str, rule: str, said: str) -> None:
    retell = opened()
    retell.say("yes", 1.0)
    findings = [m for m in retell.receive(frame, 1.1) if isinstance(m, Finding)]
    assert [f.rule.name for f in findings] == [rule]
    assert said in findings[0].words
    assert findings[0].turn == 1


def test_what_retell_drops_has_no_effect() -> None:
    retell = opened()
    retell.say("yes", 1.0)
    for frame in (response("1", "a", True), response(1, "a", "true"), response(0, "a", True), response(9, "a", True)):
        retell.receive(frame, 1.1)
    assert (retell.turns[-1].chunks, retell.turns[-1].ended_at) == ([], None)


def test_after_completion_words_and_ends_are_faults() -> None:
    retell = opened()
    retell.say("yes", 1.0)
    retell.receive(response(1, "I see.", True), 1.1)
    assert rules(retell.receive(response(1, "More.", False), 1.2)) == ["after-end"]
    assert rules(retell.receive(response(1, "", True), 1.2)) == ["two-ends"]


@pytest.mark.parametrize(
    ("code", "said"),
    [(1000, "a hang-up"), (1005, "error_llm_websocket_open"), (1006, "reconnect"), (1011, "a failure")],
)
def test_what_a_close_means(code: int, said: str) -> None:
    (finding,) = opened().closed(Closed(code, "", "peer"), 1.0)
    assert finding.rule.name == "hang-up"
    assert said in finding.words


_KEYS = ["response_type", "response_id", "content", "content_complete", "config", "agent_config", "arguments", "x"]
_VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["response", "config", "update_agent", "{}"])
_OBJECTS = st.dictionaries(
    st.sampled_from(_KEYS), _VALUES | st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=2)
)


@given(st.lists(_OBJECTS.map(json.dumps) | st.text(max_size=20), max_size=5))
def test_whatever_comes_is_judged_and_never_raises(frames: list[str]) -> None:
    retell = RetellPlatform("call_7")
    retell.open(0.0)
    for number, frame in enumerate(frames):
        for meaning in retell.receive(frame, float(number)):
            assert isinstance(meaning, Finding | Chunk | End | Note | Answer | HangUp)
        retell.say("yes", number + 0.5)
