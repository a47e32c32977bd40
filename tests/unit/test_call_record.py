"""Recordings of calls, and how two compare."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from elizad.call.record import Entry, Head, Ledger, compare, first_difference, ledger_of, line, read_record

END = '{"type":"assistant_end"}'


def say(text: str) -> str:
    return json.dumps({"type": "assistant_input", "text": text})


def ledger(*frames: str, platform: str = "hume") -> Ledger:
    """Frames with ">" in front are the platform's, with "<" the server's."""
    result = Ledger(platform)
    for frame in frames:
        (result.sent if frame[0] == ">" else result.received)(frame[1:])
    return result


def outcomes(then: Ledger, now: Ledger) -> dict[int, Literal["same", "words", "different"]]:
    return {c.request: c.outcome for c in compare(then, now)}


def test_a_recording_reads_back_as_it_was_written() -> None:
    head = Head(1, "retell", "call_7")
    entries = [Entry(0.0, "in", '{"é":1}'), Entry(1.25, "out", "x\ny"), Entry(2.0, "in", close=1000)]
    text = line(head) + "".join(map(line, entries))
    assert text.splitlines()[0] == '{"elizad_call":1,"as":"retell","name":"call_7"}'
    assert read_record(text.splitlines()) == (head, entries)


def test_a_recording_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no recording of elizad call"):
        read_record(['{"elizad_call":2,"as":"hume"}'])


def test_answers_are_the_same_to_the_letter_or_in_words_or_not() -> None:
    then = ledger(">{}", "<" + say("One. "), "<" + say("Two."), "<" + END, ">{}", "<" + say("Three."), "<" + END)
    assert outcomes(then, then) == {0: "same", 1: "same", 2: "same"}
    recut = ledger(">{}", "<" + say("One. Two."), "<" + END, ">{}", "<" + say("Three."), "<" + END)
    assert outcomes(then, recut) == {0: "same", 1: "words", 2: "same"}
    other = ledger(">{}", "<" + say("One. "), "<" + say("2."), "<" + END, ">{}", "<" + say("Three."))
    assert outcomes(then, other) == {0: "same", 1: "different", 2: "different"}
    assert outcomes(then, ledger(">{}")) == {0: "same", 1: "different", 2: "different"}


def test_of_an_interrupted_answer_only_the_beginning_counts() -> None:
    then = ledger(">{}", "<" + say("One. "), ">{}", "<" + say("Two."), "<" + END)
    assert then.replies[1].interrupted
    longer = ledger(">{}", "<" + say("One. "), "<" + say("And a half."), ">{}", "<" + say("Two."), "<" + END)
    assert outcomes(then, longer)[1] == "same"
    assert outcomes(then, ledger(">{}", ">{}", "<" + say("Two."), "<" + END))[1] == "same"
    assert outcomes(then, ledger(">{}", "<" + say("Uno. "), ">{}", "<" + say("Two."), "<" + END))[1] == "different"


def test_retells_answers_are_sorted_by_their_ids_and_pings_do_not_count() -> None:
    def response(number: int, text: str, complete: bool) -> str:
        return json.dumps(
            {"response_type": "response", "response_id": number, "content": text, "content_complete": complete}
        )

    def request(number: int) -> str:
        return json.dumps({"interaction_type": "response_required", "response_id": number, "transcript": []})

    def pong(stamp: int) -> str:
        return json.dumps({"response_type": "ping_pong", "timestamp": stamp})

    def call(stamp: int) -> Ledger:
        return ledger(
            '<{"response_type":"config","config":{}}',
            "<" + response(0, "Hello.", True),
            ">" + json.dumps({"interaction_type": "update_only", "transcript": []}),
            ">" + request(1),
            "<" + pong(stamp),
            "<" + response(1, "One", False),
            ">" + request(2),
            "<" + response(1, " late", False),
            "<" + response(2, "Two", True),
            platform="retell",
        )

    then = call(1)
    assert [(r.text, r.ended, r.interrupted) for r in then.replies.values()] == [
        ("Hello.", True, False),
        ("One late", False, True),
        ("Two", True, False),
    ]
    assert set(outcomes(then, call(2)).values()) == {"same"}


def test_a_ledger_of_a_recording() -> None:
    record = read_record(
        [
            line(Head(1, "hume")),
            line(Entry(0.1, "out", "{}")),
            line(Entry(0.2, "in", say("Yes."))),
            line(Entry(0.3, "in", close=1000)),
        ]
    )
    assert ledger_of(record).replies[1].text == "Yes."


def test_where_two_answers_part() -> None:
    assert first_difference("abc", "abd") == 2
    assert first_difference("abc", "abcd") == 3
    assert first_difference("", "") == 0
