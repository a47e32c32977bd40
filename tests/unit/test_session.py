"""Whose call it is: what a record says of the newest call, and a transcript that may go on with it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.eliza import Eliza
from elizad.service.kept import Digests, Kept, Said, digest_of, is_same_call, newest, pack, unpack
from elizad.service.session import for_log
from elizad.store.api import Key, SessionRecord
from tests.support.calls import SCRIPT

ELIZA = Eliza(SCRIPT)
TURNS = st.lists(st.text(max_size=6), max_size=6)


def kept(turns: list[str], call: str | None = None) -> Kept:
    start = ELIZA.start()
    return Kept(
        ELIZA.identity, start, start, len(turns), digest_of(turns), digest_of(turns[:-1]) if turns else b"", call
    )


@given(TURNS, TURNS)
def test_a_transcript_that_goes_on_is_the_same_call(turns: list[str], more: list[str]) -> None:
    assert is_same_call(kept(turns), None, turns + more)


@given(TURNS.filter(lambda turns: len(turns) > 1), st.text(max_size=6), TURNS)
def test_so_is_one_whose_last_turn_was_corrected(turns: list[str], corrected: str, more: list[str]) -> None:
    assert is_same_call(kept(turns), None, [*turns[:-1], corrected, *more])


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (["hello"], []),
        (["hello"], ["hi"]),
        (["hello", "my mother"], ["hello"]),
        (["hello", "my mother"], []),
        (["a", "b", "c"], ["a", "x", "y"]),
        (["a", "b", "c"], ["x", "b", "c", "d"]),
        (["ab", "c"], ["a", "bc"]),
        (["a", "b", "c"], ["a", "b"]),
    ],
)
def test_one_that_does_not_is_another_call(before: list[str], now: list[str]) -> None:
    assert not is_same_call(kept(before), None, now)


def test_a_platform_that_names_its_calls_is_believed() -> None:
    assert is_same_call(kept(["a", "b"], "call-1"), "call-1", [])
    assert not is_same_call(kept(["a", "b"], "call-1"), "call-2", ["a", "b"])
    assert not is_same_call(kept(["a", "b"], "call-1"), None, ["a", "b"])
    assert not is_same_call(kept(["a", "b"]), "call-1", ["a", "b"])


def test_a_digest_is_the_same_on_every_machine() -> None:
    assert digest_of([]).hex() == "cae66941d9efbd404e4d88758ea67670"
    assert digest_of(["my mother", "\ud800"]) != digest_of(["my mother", "?"])


@given(st.lists(TURNS.filter(len), max_size=6))
def test_digests_of_one_transcript_after_the_other(calls: list[list[str]]) -> None:
    digests = Digests()
    for turns in calls:
        for end in range(1, len(turns) + 1):  # the same call, as it goes on; the next one may begin in the same way
            assert digests.of(tuple(turns[:end])) == (digest_of(turns[:end]), digest_of(turns[: end - 1]))


def test_a_record_comes_back() -> None:
    made = msgspec.structs.replace(kept(["a", "b"]), topic="your mother", data={"n": [1, None]}, calls=3)
    record = SessionRecord(Key("hume", "ann"), 1, 1.0, pack(made))
    assert unpack(record) == made
    assert len(record.payload) < 400


@given(st.binary(max_size=60))
def test_whatever_is_no_record_is_told_in_one_way(payload: bytes) -> None:
    try:
        unpack(SessionRecord(Key("hume", "ann"), 1, 1.0, payload))
    except ValueError as error:
        assert "cannot be read" in str(error)


def test_a_record_of_a_later_elizad_is_read() -> None:
    fields = msgspec.msgpack.decode(pack(kept(["a"])))
    payload = msgspec.msgpack.encode({**fields, "of_the_future": 1})
    assert unpack(SessionRecord(Key("hume", "ann"), 1, 1.0, payload)) == kept(["a"])


@pytest.mark.parametrize("cursors", [5, 1.5, None, "ab", [1, 2], {"a": 1}, b"", b"\x01\x00\x02"])
def test_cursors_are_bytes_in_a_record(cursors: object) -> None:
    fields = msgspec.msgpack.decode(pack(kept(["a"])))
    fields["state"][1] = cursors
    record = SessionRecord(Key("hume", "ann"), 1, 1.0, msgspec.msgpack.encode(fields))
    if isinstance(cursors, bytes):
        assert list(unpack(record).state.cursors) == list(cursors)
    else:
        with pytest.raises(ValueError, match="cannot be read"):
            unpack(record)


def test_transcripts_are_bounded_from_their_end() -> None:
    calls = [Said(float(n), tuple(("user", f"{n}-{line} " + "x" * 1000) for line in range(40))) for n in range(10)]
    found = newest(calls)
    assert sum(len(text) for said in found for _, text in said.lines) < 200_000
    assert found[-1] == calls[-1]
    assert found[0].lines
    assert found[0].lines == calls[int(found[0].began_s)].lines[-len(found[0].lines) :]
    assert len(found) == 5


def test_a_telephone_number_does_not_get_into_the_log() -> None:
    assert for_log("caller_id=+4930123") == "caller_id=…"
    assert for_log("7f3a") == "7f3a"
