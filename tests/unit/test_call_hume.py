"""Hume's side of its custom language model socket: what it sends, and what it makes of what comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.call.events import Chunk, End, Finding, Meaning, Note
from elizad.call.hume import HumePlatform
from elizad.call.turns import Turn, spoken
from elizad.eliza.expressions import NAMES
from elizad.net.line import Closed


def say(text: str, **more: Any) -> str:
    return json.dumps({"type": "assistant_input", "text": text, **more})


END = '{"type":"assistant_end"}'


def rules(meanings: list[Meaning]) -> list[str]:
    return [m.rule.name for m in meanings if isinstance(m, Finding)]


def thread(frames: list[str]) -> list[tuple[str, str]]:
    (frame,) = frames
    return [(m["message"]["role"], m["message"]["content"]) for m in json.loads(frame)["messages"]]


def test_a_payload_has_the_whole_thread_and_is_shaped_as_hume_does() -> None:
    hume = HumePlatform("sess-7", {"Sadness": 0.8})
    assert hume.open(0.0) == []
    hume.say("I can't sleep.", 2.0)
    hume.receive(say("How long? "), 2.5)
    hume.receive(say("Tell me."), 2.6)
    hume.receive(END, 2.7)
    (frame,) = hume.say("A week.", 5.0)
    payload = json.loads(frame)
    assert payload["custom_session_id"] == "sess-7"
    assert [m["type"] for m in payload["messages"]] == [
        "user_message",
        "assistant_message",
        "assistant_message",
        "user_message",
    ]
    assert [m["message"]["content"] for m in payload["messages"]] == [
        "I can't sleep.",
        "How long?",
        "Tell me.",
        "A week.",
    ]
    first, reply = payload["messages"][0], payload["messages"][1]
    assert set(first["models"]["prosody"]["scores"]) == set(NAMES)
    assert first["models"]["prosody"]["scores"]["Sadness"] == 0.8
    assert reply["models"] == {"prosody": None}
    assert 0 <= first["time"]["begin"] < first["time"]["end"] == 2000
    assert len(NAMES) == len(set(NAMES)) == 48


def test_typed_input_has_no_prosody() -> None:
    (frame,) = HumePlatform().say("hello", 1.0)
    assert json.loads(frame)["messages"][0]["models"] == {"prosody": None}


def test_a_reply_is_timed() -> None:
    hume = HumePlatform()
    hume.say("hello", 1.0)
    turn = hume.turns[-1]
    assert [type(m) for m in hume.receive(say("Hello."), 1.25)] == [Chunk]
    assert hume.receive(END, 1.5) == [End(turn)]
    assert (turn.number, turn.first_s, turn.whole_s, turn.text) == (1, 0.25, 0.5, "Hello.")
    hume.say("yes", 2.0)
    assert hume.turns[-1].number == 2


def test_of_an_interrupted_reply_the_thread_has_what_there_was_time_to_say() -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    hume.receive(say("This is a long reply that nobody waits for. "), 1.0)
    assert thread(hume.say("stop", 2.0))[1] == ("assistant", "This is a long")
    assert hume.turns[-1].barge_in


@given(st.lists(st.text(alphabet="ab .", max_size=30), max_size=5), st.floats(0, 20))
def test_what_was_spoken_begins_what_was_sent(chunks: list[str], seconds: float) -> None:
    heard = "".join(spoken(chunks, seconds))
    assert "".join(chunks).startswith(heard)
    assert len(heard) <= seconds * 15


def test_a_fresh_reply_after_an_interrupted_one_is_no_fault() -> None:
    hume = HumePlatform()
    hume.say("a", 0.0)
    hume.receive(say("old "), 0.1)
    hume.say("b", 0.2)
    hume.settled(0.3)
    assert rules(hume.receive(say("new"), 0.4)) == []
    assert rules(hume.receive(END, 0.5)) == []


def test_an_old_end_that_was_under_way_is_no_fault_once() -> None:
    hume = HumePlatform()
    hume.say("a", 0.0)
    hume.receive(say("old"), 0.1)
    hume.say("b", 0.2)
    assert rules(hume.receive(END, 0.21)) == []
    hume.settled(0.3)
    assert rules(hume.receive(say("new"), 0.4)) == []
    assert rules(hume.receive(END, 0.5)) == []
    assert hume.turns[-1].text == "new"
    assert rules(hume.receive(END, 0.6)) == ["two-ends"]


def test_of_two_ends_at_once_either_may_be_the_old_one_and_the_words_stay() -> None:
    hume = HumePlatform()
    hume.say("a", 0.0)
    hume.say("b", 0.2)
    for frame in (say("new"), END, END):
        assert rules(hume.receive(frame, 0.25)) == []
    assert (hume.turns[-1].text, hume.turns[-1].open) == ("new", False)
    hume.settled(0.3)
    assert rules(hume.receive(END, 0.4)) == ["two-ends"]


def test_an_old_end_that_comes_later_is_a_fault() -> None:
    hume = HumePlatform()
    hume.say("a", 0.0)
    hume.say("b", 0.2)
    hume.settled(0.3)
    assert rules(hume.receive(END, 0.4)) == []
    assert rules(hume.receive(say("new"), 0.5)) == ["after-barge-in"]
    assert rules(hume.receive(END, 0.6)) == ["two-ends"]


@pytest.mark.parametrize(
    ("frame", "rule", "words"),
    [
        ("{", "not-json", "a frame is not JSON"),
        ("[]", "not-json", "an array instead of a JSON object"),
        ("{}", "missing-field", 'lacks "type"'),
        ('{"type":null}', "wrong-type", "null instead of a string"),
        ('{"type":"typing"}', "unknown-type", '"typing" is not known'),
        ('{"type":"assistant_input"}', "missing-field", 'lacks "text"'),
        ('{"type":"assistant_input","text":false}', "wrong-type", "true or false instead of a string"),
        ('{"type":"assistant_end","x":1}', "end-fields", 'also has "x"'),
        (say("hello", mood="sad"), "unknown-field", '"mood"'),
        (say("hello", custom_session_id=None), "null", '"custom_session_id": null'),
        (say("Call 555 now"), "prose", '"5"'),
        (say("**Hello**"), "prose", '"**"'),
    ],
)
def test_a_rule_that_is_broken_is_named_with_the_frame(frame: str, rule: str, words: str) -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    findings = [m for m in hume.receive(frame, 1.0) if isinstance(m, Finding)]
    assert [f.rule.name for f in findings] == [rule]
    assert words in findings[0].words
    assert (findings[0].frame, findings[0].turn) == (frame, 1)


def test_a_frame_of_a_wrong_type_has_no_effect() -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    hume.receive('{"type":"assistant_input","text":7}', 0.1)
    assert hume.turns[-1].chunks == []


def test_sentences_that_run_together_are_advice() -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    assert rules(hume.receive(say("Yes."), 0.1)) == []
    assert rules(hume.receive(say("No."), 0.2)) == ["spacing"]
    assert rules(hume.receive(say(" And."), 0.3)) == []


def test_the_server_may_name_the_session_once() -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    assert [type(m) for m in hume.receive(say("Hi.", custom_session_id="a"), 0.1)] == [Note, Chunk]
    assert json.loads(hume.say("x", 1.0)[0])["custom_session_id"] == "a"
    assert rules(hume.receive(say("Hi.", custom_session_id="b"), 1.1)) == ["session"]


def test_words_before_the_first_payload_are_advice_and_heard() -> None:
    hume = HumePlatform()
    assert rules(hume.receive(say("Hello!"), 0.1)) == ["unsolicited"]
    assert rules(hume.receive(END, 0.2)) == []
    assert thread(hume.say("hi", 1.0)) == [("assistant", "Hello!"), ("user", "hi")]
    assert rules(HumePlatform().receive(END, 0.0)) == ["two-ends"]


def test_an_interruption_without_words_sends_nothing_and_cuts() -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    hume.receive(say("Well well well"), 0.1)
    assert hume.interrupt(0.2) == []
    assert not hume.turns[-1].open
    assert hume.silence(1.0) == []


def test_a_close_in_the_middle_is_a_fault_whatever_the_code() -> None:
    hume = HumePlatform()
    hume.say("hello", 0.0)
    (finding,) = hume.closed(Closed(1000, "", "peer"), 0.1)
    assert (finding.rule.name, "closed with 1000" in finding.words) == ("hang-up", True)


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_KEYS = st.sampled_from(["type", "text", "custom_session_id", "x"])
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)


@given(st.text(max_size=60) | _JSON.map(json.dumps))
def test_whatever_comes_is_judged_and_never_raises(frame: str) -> None:
    hume = HumePlatform()
    hume.receive(frame, 0.0)
    hume.say("hello", 0.0)
    for meaning in hume.receive(frame, 1.0):
        assert isinstance(meaning, Finding | Chunk | End | Note)


def test_a_turn_counts_its_first_words_and_not_its_first_frame() -> None:
    turn = Turn(1, "x", 1.0)
    turn.hear("", 1.1)
    turn.hear("a", 1.2)
    assert turn.first_s == pytest.approx(0.2)
