"""A fold that remembers: the same outcome as one that does not, for less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.fold import Fold
from elizad.conversation.said import AlreadySaid, plain_words
from elizad.types import Role, Utterance

ITEMS = st.lists(st.integers(0, 2), max_size=5).map(tuple)
WORDS = st.sampled_from(["I see.", "Go on", "please", "", "go on please", "Tell me"])
ENTRIES = st.lists(st.tuples(st.sampled_from(Role), WORDS), max_size=8)
MARKS = [" i see "], [" go on ", " tell me "], [" go on please "]


def counting() -> tuple[Fold[int, tuple[int, ...]], list[int]]:
    taken: list[int] = []

    def step(state: tuple[int, ...], items: tuple[int, ...]) -> tuple[int, ...]:
        taken.extend(items)
        return (*state, *items)

    return Fold((), step), taken


@given(st.lists(ITEMS))
def test_the_state_is_that_of_the_items(sequences: list[tuple[int, ...]]) -> None:
    fold, _ = counting()
    for items in sequences:
        assert fold.over(items) == items
        if items:
            assert fold.before_last() == items[:-1]


def test_what_is_new_is_what_is_folded() -> None:
    fold, taken = counting()
    costs = []
    for items in ((1, 2, 3), (1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 3, 4, 6), (1, 2, 3, 4, 7, 8), (0, 2)):
        del taken[:]
        fold.over(items)
        costs.append(tuple(taken))
    assert costs == [(1, 2, 3), (), (4, 5), (6,), (7, 8), (0, 2)]


def plainly(entries: list[tuple[Role, str]], marks: list[str]) -> tuple[int, int | None]:
    """How often and since when, read off the whole transcript."""
    turns: list[str] = []
    going_on = False
    for role, text in entries:
        if role is Role.ASSISTANT:
            turns[len(turns) - going_on :] = [f"{turns[-1]} {text}" if going_on else text]
            going_on = True
        elif role is Role.USER and text:
            going_on = False
    found = [any(mark in plain_words(turn) for mark in marks) for turn in turns]
    return sum(found), found[::-1].index(True) if any(found) else None


@given(st.lists(ENTRIES, max_size=5))
def test_what_was_said_is_found_whatever_was_looked_at_before(transcripts: list[list[tuple[Role, str]]]) -> None:
    said = AlreadySaid()
    sent: list[tuple[Role, str]] = []
    for entries in transcripts:
        for now in (entries, sent := sent + entries, sent[:-1] + entries[:1]):
            said.within(tuple(Utterance(*entry) for entry in now))
            for marks in MARKS:
                assert (said.times(marks), said.turns_since(marks)) == plainly(now, marks)
