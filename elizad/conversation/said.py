"""What we have said already: read from the transcript, because nothing else is the same on every machine.

A text is known again by six words that stand in it side by side. One that was broken off before them was not heard,
and counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from elizad.types import Role, Utterance

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_FIELD: Final = re.compile(r"\{\w+\}")
_ENOUGH: Final = 6  # words; fewer are said by chance


def plain_words(text: str) -> str:
    """Return the words of `text` in small letters, with a space before and after each."""
    words = _WORD.findall(text.replace("’", "'").casefold())
    return f" {' '.join(words)} " if words else ""


def mark(template: str) -> str:
    """Return the words by which `template`, a text with `{name}` fields, is known again; empty if it has none."""
    stretches = [plain_words(stretch).split() for stretch in _FIELD.split(template)]
    longest = max(stretches, key=len)[:_ENOUGH]
    return f" {' '.join(longest)} " if longest else ""


class AlreadySaid:
    """What the agent's side of a transcript holds. The transcript is only looked at when somebody asks."""

    def __init__(self, transcript: Iterable[Utterance] = ()) -> None:
        self._transcript = transcript
        self._turns: list[str] | None = None

    def times(self, marks: Sequence[str]) -> int:
        """Return in how many turns of ours one of `marks` stands."""
        return sum(any(one in turn for one in marks) for turn in self._read())

    def turns_since(self, marks: Sequence[str]) -> int | None:
        """Return how many turns of ours came after the last that holds one of `marks`; None if none does."""
        turns = self._read()
        for back, turn in enumerate(reversed(turns)):
            if any(one in turn for one in marks):
                return back
        return None

    def _read(self) -> list[str]:
        """Put what was said without a word of the caller between together: platforms cut a reply into sentences."""
        if self._turns is None:
            turns: list[list[str]] = []
            going_on = False
            for role, text in self._transcript:
                if role is Role.ASSISTANT:
                    if not going_on:
                        turns.append([])
                    turns[-1].append(text)
                    going_on = True
                elif role is Role.USER and text:
                    going_on = False
            self._turns = [plain_words(" ".join(texts)) for texts in turns]
        return self._turns
