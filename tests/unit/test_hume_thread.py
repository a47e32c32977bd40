"""Reading only what is new in a payload gives what reading all of it gives, whatever the payloads are."""

from __future__ import annotations

import enum
import json
import random
import sys
import tracemalloc
from collections.abc import Iterable
from unittest import mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.eliza.expressions import NAMES
from elizad.errors import RemoteError
from elizad.protocols import hume_thread, wire
from elizad.protocols.hume_thread import Thread, ThreadReader
from elizad.types import Role, Utterance

Outcome = tuple[Thread, str | None] | tuple[int, str]


def words(thread: Thread) -> tuple[Utterance, ...]:
    return thread[0]


def outcome(reader: ThreadReader, text: str) -> Outcome:
    try:
        return reader.read(text), reader.session
    except RemoteError as error:
        return error.code, error.reason


def fresh(text: str) -> Outcome:
    """What a payload says that is the first, and is read as a long one is."""
    with mock.patch.object(hume_thread, "_BRIEF_CHARS", 0):
        return outcome(ThreadReader(), text)


def entry(role: str, words: object, *, time: int | None = None, extra: object = None) -> dict[str, object]:
    made: dict[str, object] = {"type": f"{role}_message", "message": {"role": role, "content": words}}
    if time is not None:
        made["time"] = {"begin": time, "end": time + 1}
    if extra is not None:
        made["models"] = {"prosody": {"scores": extra if isinstance(extra, dict) else {"Joy": extra}}}
    return made


ALL = dict.fromkeys(NAMES, 0.25)


WORDS = st.sampled_from(
    [
        "",
        "hello",
        "I am {here} now",
        'she said "}],{" twice',
        '],"messages":[',
        "sad {very sad, quite tired}",
        "ok {Context: a } b}",
        "Speak your greeting to the user.",
        "naïve — ’tis 🙂",
        "\\",
    ]
)
ENTRY = st.builds(
    entry,
    st.sampled_from(["user", "assistant", "tool"]),
    WORDS,
    time=st.none() | st.integers(0, 2),
    extra=st.none() | st.sampled_from([0.1, 0.9, ALL, {**ALL, "Joy": 0.5}, {**ALL, "Hunger": []}, {**ALL, "Joy": 5}]),
) | st.sampled_from([{}, {"role": "user", "content": "flat"}, {"message": None}, {"role": "user", "content": 5}])
RAW = [
    "",
    ",",
    "]",
    "}",
    '],"messages":[',
    '],"messages":[{}',
    ',{"role":"user","content":"x"}',
    "],[",
    "{}",
    ",{}",
    " ",
    ",,",
    "\\",
    '"',
    "null",
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(ENTRY, min_size=1, max_size=3)),
        st.tuples(st.just("correct"), ENTRY),
        st.tuples(st.just("edit"), st.tuples(st.integers(0, 20), ENTRY)),
        st.tuples(st.just("drop"), st.integers(1, 3)),
        st.tuples(st.just("again"), st.none()),
        st.tuples(st.just("session"), st.sampled_from([None, "a", "b", "{}", "messages"])),
        st.tuples(st.just("shape"), st.sampled_from(["object", "late", "array", "flipped", "twice"])),
        st.tuples(st.just("spaces"), st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])),
        st.tuples(st.just("cut"), st.integers(1, 40)),
        st.tuples(st.just("put"), st.tuples(st.integers(0, 60), st.sampled_from(RAW))),
    ),
    max_size=14,
)


class Payloads:
    """A platform of bad habits: what it sends next is made of what it sent last."""

    def __init__(self) -> None:
        self.entries: list[object] = []
        self.session: str | None = None
        self.shape = "object"
        self.separators = (",", ":")

    def after(self, step: tuple[str, object]) -> str:
        kind, value = step
        spoiled = ""
        if kind == "add":
            self.entries += value  # type: ignore[operator]
        elif kind == "correct":
            self.entries[-1:] = [value]
        elif kind == "edit":
            at, made = value  # type: ignore[misc]
            if self.entries:
                self.entries[at % len(self.entries)] = made
        elif kind == "drop":
            del self.entries[-value:]  # type: ignore[operator]
        elif kind == "session":
            self.session = value  # type: ignore[assignment]
        elif kind == "shape":
            self.shape = str(value)
        elif kind == "spaces":
            self.separators = value  # type: ignore[assignment]
        text = self.text()
        if kind == "cut":
            spoiled = text[:-value]  # type: ignore[operator]
        elif kind == "put":
            back, raw = value  # type: ignore[misc]
            spoiled = text[: len(text) - back] + raw + text[len(text) - back :] if back else text + raw
        return spoiled or text

    def text(self) -> str:
        messages = {"messages": self.entries}
        session = {} if self.session is None else {"custom_session_id": self.session}
        made: object = {
            "object": {**messages, **session},
            "late": {**messages, "x": self.entries[-1:], **session},
            "array": self.entries,
            "flipped": {**session, **messages},
            "twice": {**messages, "z": {**messages}},
        }[self.shape]
        return json.dumps(made, separators=self.separators, ensure_ascii=len(self.entries) % 2 == 0)


SHORT = st.sampled_from([0, 300, 16_384])  # characters of a piece to which the next is put


@given(STEPS, st.integers(0, 3), SHORT, st.integers(0, 60) | st.just(100_000))
def test_what_was_read_before_changes_nothing(
    steps: list[tuple[str, object]], most_pieces: int, short: int, most_objects: int
) -> None:
    reader, platform = ThreadReader(), Payloads()
    with (
        mock.patch.object(hume_thread, "_MOST_PIECES", most_pieces),
        mock.patch.object(hume_thread, "_SHORT_PIECE", short),
        mock.patch.object(hume_thread, "MOST_OBJECTS", most_objects),
        mock.patch.object(wire, "MOST_OBJECTS", most_objects),
        mock.patch.object(hume_thread, "_BRIEF_CHARS", min(3000, most_objects)),  # no more objects than characters
    ):
        for step in steps:
            text = platform.after(step)
            assert outcome(reader, text) == fresh(text)


@given(st.lists(st.tuples(ENTRY, st.sampled_from(["", "é", "’", "🙂"])), min_size=1, max_size=60), SHORT)
def test_a_long_call_is_kept_in_few_pieces_and_once(made: list[tuple[dict[str, object], str]], short: int) -> None:
    reader, entries = ThreadReader(), []
    for one, words in made:
        entries += [one, entry("user", words)]
        text = json.dumps({"messages": entries}, ensure_ascii=False)
        with mock.patch.object(hume_thread, "_SHORT_PIECE", short):
            assert outcome(reader, text) == fresh(text)
        if reader._after is not None:
            assert "".join((*reader._older, reader._newer, reader._ending)) == text
            assert len(reader._older) <= 16


@pytest.mark.parametrize("array", [False, True])
def test_a_thread_that_grows_is_read_once(monkeypatch: pytest.MonkeyPatch, array: bool) -> None:
    read: list[int] = []
    whole, lists = hume_thread.decode, hume_thread._lists

    def counting(decoder, text):  # type: ignore[no-untyped-def]
        read.append(len(text))
        return whole(decoder, text)

    def counting_lists(text):  # type: ignore[no-untyped-def]
        read.append(len(text))
        return lists(text)

    monkeypatch.setattr(hume_thread, "decode", counting)
    monkeypatch.setattr(hume_thread, "_lists", counting_lists)
    reader = ThreadReader()
    entries = [entry("user", "I am tired", time=0, extra=0.5)]
    for number in range(1, 40):
        text = json.dumps(entries if array else {"messages": entries, "custom_session_id": "s"})
        del read[:]
        thread = reader.read(text)
        if number > 2:
            assert 200 < sum(read) < 800, "more was decoded than what is new, and that twice"
        assert len(words(thread)) == len(entries)
        assert reader.session == (None if array else "s")
        entries += [entry("assistant", f"Why {number}?"), entry("user", f"since {number}", time=number, extra=0.5)]


def test_a_corrected_last_entry_is_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [entry("user", "hello", time=0), entry("assistant", "Yes?")] * 20
    reader = ThreadReader()
    reader.read(json.dumps({"messages": [*before, entry("user", "I am", time=1)]}))
    monkeypatch.setattr(ThreadReader, "_read_all", None)
    for said in ("I am sad", "I am sad today"):
        thread = reader.read(json.dumps({"messages": [*before, entry("user", said, time=1)]}))
        assert words(thread)[-1] == Utterance(Role.USER, said)


@pytest.mark.parametrize(
    "forged",
    [
        '],"messages":[{"role":"user","content":"b"}',
        '],"m\\u0065ssages":[{"role":"user","content":"b"}',
        '],[{"role":"user","content":"b"}',
        ",",
        ",,{}",
        " ",
        "x",
        'x{"role":"user","content":"b"}',
        ",null",
        ",1",
        ',{"role":"user","content":"b"},',
        ',{"role":"user","content":"b"}],[{}',
        ',{"role":"user","content":"\ud800"}',
        ',{"models":' + "[" * 3000 + "]" * 3000 + "}",
    ],
)
def test_what_a_whole_payload_would_not_say_is_not_read_into_it(forged: str) -> None:
    known = '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}'
    reader = ThreadReader()
    reader.read(f"{known}]}}")
    assert outcome(reader, f"{known}{forged}]}}") == fresh(f"{known}{forged}]}}")


def test_the_same_words_behind_the_thread_are_not_its_end() -> None:
    reader = ThreadReader()
    for more in ("", ',{"role":"user","content":"b"}'):
        text = '{"messages":[{"role":"user"}],"x":[{"role":"user"}' + more + "]}"
        assert outcome(reader, text) == fresh(text)


@pytest.mark.parametrize("end", [[], [entry("user", "and on")]])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hello", "jello"),
        ("Yes?", "What"),
        ("I am", "I go"),
        ("Why?", "How?"),
        ("so it", "no it"),
        ("name-a", "name-b"),
    ],
)
def test_what_has_as_many_letters_is_not_the_same(old: str, new: str, end: list[dict[str, object]]) -> None:
    entries = [entry("user", "hello"), entry("assistant", "Yes?"), entry("user", "I am")]
    reader = ThreadReader()
    for more in ([], [entry("assistant", "Why?"), entry("user", "so it is")]):
        entries += more
        text = json.dumps({"messages": entries, "custom_session_id": "name-a"})
        assert outcome(reader, text) == fresh(text)
    assert old in text
    text = json.dumps({"messages": [*entries, *end], "custom_session_id": "name-a"}).replace(old, new)
    assert outcome(reader, text) == fresh(text)


def test_objects_behind_the_thread_count_as_well() -> None:
    reader, behind = ThreadReader(), '"x":[' + ",".join(["{}"] * 99_990) + "]"
    for count in range(1, 12):
        entries = ",".join(f'{{"role":"user","content":"{number}"}}' for number in range(count))
        text = f'{{"messages":[{entries}],{behind}}}'
        assert outcome(reader, text) == fresh(text)
    assert outcome(reader, text)[0] == 1009


def test_what_was_read_is_not_held_by_what_is_remembered_of_it() -> None:
    reader, padding = ThreadReader(), "x" * 1_000_000
    tracemalloc.start()
    try:
        for count in (1, 2):
            entries = [{**entry("user", f"word {number}", time=number), "x": padding} for number in range(count)]
            reader.read(json.dumps({"messages": entries}))
            del entries
            assert tracemalloc.get_traced_memory()[0] < (count + 0.5) * len(padding)
    finally:
        tracemalloc.stop()


def test_limits_hold_for_what_is_new_too() -> None:
    reader = ThreadReader()
    one = '{"role":"user","content":"a","x":[' + ",".join(["{}"] * 24_991) + "]}"
    for count in range(1, 7):
        text = '{"messages":[' + ",".join([one] * count) + "]}"
        assert outcome(reader, text) == fresh(text)
    assert outcome(reader, text) == (1009, "more than 100000 objects in a message")
    reader = ThreadReader()
    for last in ("{}", ",".join(["{}"] * 60)):
        text = '{"messages":[' + ",".join([one] * 4) + ',{"x":[' + last + "]}]}"
        assert outcome(reader, text) == fresh(text)
    assert outcome(reader, text) == (1009, "more than 100000 objects in a message")
    reader = ThreadReader()
    for count in (1, 3_999, 4_000, 4_001):
        text = json.dumps([{"role": "user", "content": str(number)} for number in range(count)])
        assert outcome(reader, text) == fresh(text)
    assert outcome(reader, text) == (1009, "more than 4000 entries in a transcript")


def weight(thing: object, known: set[int]) -> int:
    """Bytes of a thing and of what it leads to."""
    if id(thing) in known or thing is None or isinstance(thing, bool | enum.Enum | type):
        return 0
    known.add(id(thing))
    if isinstance(thing, msgspec.Raw):
        return len(bytes(thing)) + 60
    within: Iterable[object] = ()
    if isinstance(thing, tuple):
        within = thing
    elif not isinstance(thing, str | int):
        within = [getattr(thing, name) for name in getattr(thing, "__struct_fields__", thing.__slots__)]  # type: ignore[attr-defined]
    return sys.getsizeof(thing) + sum(weight(one, known) for one in within)


def test_a_reader_keeps_one_payload_and_its_words() -> None:
    """Whatever came before: the text that led here, and what was understood of it."""
    reader, rng = ThreadReader(), random.Random(5)
    assert weight(reader, set()) < 400
    entries: list[dict[str, object]] = []
    for number in range(60):
        entries += [entry("assistant", "Go on."), entry("user", f"turn {rng.random()}", time=number, extra=0.5)]
        text = json.dumps({"messages": entries})
        thread = reader.read(text)
    said = weight(words(thread), set())
    assert weight(reader, set()) < len(text) + said + 3000  # the earlier checkpoint, and the pieces
