"""The spoken diction: ELIZA's words for the ear, from what a recogniser heard to what a synthesiser says.

It has the shape of eliza's `Diction` and knows nothing else of it. Immutable: one is shared by all conversations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from elizad.speech import hearing
from elizad.speech.everyday import FUNCTION_WORDS
from elizad.speech.numerals import spell_out
from elizad.speech.person import mirror
from elizad.speech.prose import finished, joined, long_words

__all__ = ["Spoken"]

_COMMENT: Final = re.compile(r";[^\n\r\v\f]*")  # of the script language


@dataclass(frozen=True, slots=True)
class Spoken:
    """How the spoken mode hears and speaks.

    `spell_numbers`: whether digits and abbreviations in a reply become words ("thirty", "Doctor Lee").
    """

    spell_numbers: bool = True

    # Said when the keyword's rule fits nothing, by turn: they must suit whatever was said before.
    messages: ClassVar[tuple[str, str, str, str]] = (
        "Please go on.",
        "I see.",
        "Tell me a little more about that.",
        "I am listening.",
    )
    # A call recalls one memory in four turns at most: what was said eight memories ago has grown stale, and a state
    # stays small however long the call is.
    max_memories: ClassVar[int | None] = 8
    # A clause that a person says has three or four; what has dozens is noise, and each that gives up costs a look at
    # the whole of it.
    max_keywords: ClassVar[int | None] = 16

    def spelling(self, source: str) -> Callable[[str, str], str]:
        """Return how the words of a script are spelt: as written, but all in small letters if the script has none."""
        words = _COMMENT.sub("", source)
        return _as_written if words != words.upper() else _lowered

    hear = staticmethod(hearing.hear)

    def mirror(self, heard: Sequence[str], keys: Sequence[str], said: list[str]) -> list[str]:
        """Say the clause back: persons turned round, verbs in agreement."""
        return long_words(mirror(heard, keys, said))

    def utter(self, words: Sequence[str]) -> str:
        """Make one reply of its words: never empty, one end mark, sentence case."""
        text = joined(words)
        return finished(spell_out(text) if self.spell_numbers else text)


def _lowered(written: str, key: str) -> str:
    return "I" + written[1:].lower() if key == "I" or key.startswith("I'") else written.lower()


def _as_written(written: str, key: str) -> str:
    """Keep a mixed script's spelling; capitals of small everyday words are keys that PRE or = puts into the text."""
    return _lowered(written, key) if len(key) > 1 and written == key and key in FUNCTION_WORDS else written
