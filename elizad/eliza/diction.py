"""The casing seam: how words come in from the caller and go out in replies.

The engine works on keys, which are words after the character filter, and carries beside each key how a reply would
spell it. 1966 mode spells every word as its key; the spoken mode (elizad.speech) keeps the caller's own case and
repairs pronouns. Nothing else differs between the modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from elizad.eliza.characters import filter_text
from elizad.eliza.parser import Spelling, filtered


class Diction(Protocol):
    """How one mode hears and speaks."""

    @property
    def messages(self) -> tuple[str, str, str, str]:
        """What is said when a rule fits nothing, by LIMIT 1 to 4."""

    @property
    def max_memories(self) -> int | None:
        """How many sentences are remembered; beyond it the oldest is forgotten. None: no bound, as in 1966."""

    @property
    def max_keywords(self) -> int | None:
        """How many keywords of a clause are tried; the back of a longer stack is dropped. None: all, as in 1966."""

    def spelling(self, source: str) -> Spelling:
        """Return how the words of this script are spelt in replies."""

    def hear(self, text: str) -> tuple[list[str], list[str]]:
        """Cut what the caller said into words: their keys, and how the caller spelt them. Delimiters are words.

        Who asks may change the spellings.
        """

    def mirror(self, heard: Sequence[str], keys: Sequence[str], said: list[str]) -> list[str]:
        """Return how the words of the kept clause are said back.

        `heard` are the keys before substitution, `keys` after it; `said` has the caller's spelling, and the script's
        where a word was substituted.
        """

    def utter(self, words: Sequence[str]) -> str:
        """Make one reply of its words."""


def tokenise(text: str) -> list[str]:
    """Cut filtered text into words: at spaces only, with `,` and `.` always words of their own."""
    return [word for word in text.replace(",", " , ").replace(".", " . ").split(" ") if word]


class Faithful:
    """1966 mode: capitals in, capitals out."""

    messages: Final = ("PLEASE CONTINUE", "HMMM", "GO ON , PLEASE", "I SEE")
    max_memories: Final = None
    max_keywords: Final = None

    def spelling(self, source: str) -> Spelling:
        return filtered

    def hear(self, text: str) -> tuple[list[str], list[str]]:
        keys = tokenise(filter_text(text))
        return keys, keys.copy()

    def mirror(self, heard: Sequence[str], keys: Sequence[str], said: list[str]) -> list[str]:
        return said

    def utter(self, words: Sequence[str]) -> str:
        return " ".join(filter(None, words))


FAITHFUL: Final = Faithful()
