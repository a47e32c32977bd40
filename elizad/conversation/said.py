"""What we have said already: read from the transcript, because nothing else is the same on every machine.

A text is known again by six words that stand in it side by side. One that was broken off before them was not heard,
and counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from elizad.conversation.fold import Fold
from elizad.types import Role, Utterance

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_FIELD: Final = re.compile(r"\{\w+\}")
_ENOUGH: Final = 6  # words; fewer are said by chance


def plain_words(text: str) -> str:
    """Return the words of `text` in small letters, with a space before and after each."""
    words = _WORD.findall(text.replace("’", "'").casefold())
    return f" {' '.join(words)} " if words else ""


def as_it_is(text: str) -> str:
    """Spell nothing out."""
    return text


@lru_cache(maxsize=256)  # texts of the configuration that are asked for every turn, and then some
def mark(template: str, said_as: Callable[[str], str] = as_it_is) -> str:
    """Return the words by which `template`, a text with `{name}` fields, is known again; empty if it has none.

    `said_as` makes of a text what a caller hears: a transcript has "twenty dollars" and not "$20".
    """
    stretches = [plain_words(said_as(stretch)).split() for stretch in _FIELD.split(template)]
    longest = max(stretches, key=len)[:_ENOUGH]
    return f" {' '.join(longest)} " if longest else ""


class _Turns(NamedTuple):
    """Our turns that are over, as plain words, and the texts of the one that goes on."""

    over: tuple[str, ...] = ()
    going_on: tuple[str, ...] = ()


class _Found(NamedTuple):
    """In how many turns something stands, how many turns there are, and how many came up to the last that has it."""

    times: int = 0
    turns: int = 0
    last: int = 0


class AlreadySaid:
    """What the agent's side of a transcript holds. The transcript is only looked at when somebody asks.

    What was found is kept for a transcript that goes on from the last one: for every list of marks that is asked for,
    of which there are as many as texts in the script and the configuration.
    """

    __slots__ = ("_found", "_transcript", "_turns")
    _found: dict[tuple[str, ...], Fold[str, _Found]]  # from the first question on

    def __init__(self, transcript: tuple[Utterance, ...] = ()) -> None:
        self._transcript = transcript
        self._turns: Fold[Utterance, _Turns] | None = None  # until somebody asks: in most calls nobody does

    def within(self, transcript: tuple[Utterance, ...]) -> AlreadySaid:
        """Look at this transcript from now on."""
        self._transcript = transcript
        return self

    def times(self, marks: Sequence[str]) -> int:
        """Return in how many turns of ours one of `marks` stands."""
        return self._find(marks).times

    def turns_since(self, marks: Sequence[str]) -> int | None:
        """Return how many turns of ours came after the last that holds one of `marks`; None if none does."""
        return self.times_and_since(marks)[1]

    def times_and_since(self, marks: Sequence[str]) -> tuple[int, int | None]:
        """Return what `times` and `turns_since` do, at one look."""
        found = self._find(marks)
        return found.times, found.turns - found.last if found.times else None

    def _find(self, marks: Sequence[str]) -> _Found:
        marks = tuple(marks)
        if self._turns is None:
            self._turns, self._found = Fold(_Turns(), _speak), {}
        if marks not in self._found:

            def step(found: _Found, turns: tuple[str, ...]) -> _Found:
                times, count, last = found
                for turn in turns:
                    count += 1
                    if any(map(turn.__contains__, marks)):
                        times, last = times + 1, count
                return _Found(times, count, last)

            self._found[marks] = Fold(_Found(), step)
        over, going_on = self._turns.over(self._transcript)
        return self._found[marks].over((*over, plain_words(" ".join(going_on))) if going_on else over)


def _speak(turns: _Turns, utterances: tuple[Utterance, ...]) -> _Turns:
    """Put what was said without a word of the caller between together: platforms cut a reply into sentences."""
    over: list[str] = []
    going_on = list(turns.going_on)
    for role, text in utterances:
        if role is Role.ASSISTANT:
            going_on.append(text)
        elif role is Role.USER and text and going_on:
            over.append(plain_words(" ".join(going_on)))
            going_on = []
    return _Turns((*turns.over, *over), tuple(going_on))
