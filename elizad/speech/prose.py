"""The words of a reply -> prose: sentence case, marks where they belong, one end mark, nothing too long to say.

Knows neither script nor person. `long_words` marks the caller's words in a long clause, and `prose` cuts them short;
the mark is a character that never comes out of hearing.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from elizad.speech.abbreviations import MAY_END, NEVER_END
from elizad.speech.everyday import FUNCTION_WORDS
from elizad.speech.verbs import AUXILIARIES, PRONOUNS

__all__ = ["MAX_PART_WORDS", "long_words", "prose"]

MAX_PART_WORDS: Final = 18  # of the caller's own, said back at once: some seven seconds of speech
_LEAST_PART_WORDS: Final = 5  # what a cut leaves at least
_MARK: Final = "\x1e"
_NOTHING: Final = "I am listening."

_BORDERS: Final = frozenset(
    "and because so but which when while if although though since unless who where then after before that or".split()
)
_LOOSE: Final = frozenset("and or but so the a an my your his her of to in on at with for that because".split())
_SPACE_BEFORE_MARK: Final = re.compile(r" +([,.?!;:…])(?!\w)")
_MARKS_IN_A_ROW: Final = re.compile(r"[,;:](?=[,;:.?!…])")
_NEW_SENTENCE: Final = re.compile(r"(\S*[.?!…])[\"')]* ([^\W\d_])")
_ENDS: Final = (".", "?", "!", "…")

_ASKING: Final = frozenset(
    "what who whom whose where when why how which is are am was were do does did can could will would shall should have "
    "has had may might isn't aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't haven't hasn't".split()
)
_SUBJECTS: Final = frozenset(word.lower() for word in PRONOUNS) | frozenset(
    "your my his her their our the a an any some anything something anyone it's these those".split()
)
_AUXILIARIES: Final = frozenset(word.lower() for word in AUXILIARIES)


def long_words(words: list[str]) -> list[str]:
    """Return the caller's words of one clause, marked if there are so many that a reply must not say them all."""
    return words if len(words) <= MAX_PART_WORDS else [_MARK + word for word in words]


def prose(words: Sequence[str]) -> str:
    """Make one reply of its words. It is never empty."""
    text = " ".join(filter(None, words))
    if _MARK in text:
        text = " ".join(_shortened(text.split(" ")))
    if "  " in text or text[:1] == " ":
        text = " ".join(text.split())
    if "'s" in text:
        text = text.replace(" 's", "'s")
    if any(mark in text for mark in (" ,", " .", " ?", " !", " ;", " :", " …")):
        text = _MARKS_IN_A_ROW.sub("", _SPACE_BEFORE_MARK.sub(r"\1", text))
    return text


def finished(text: str) -> str:
    """Give a reply its end mark and its capitals."""
    text = text.strip(" ,;:-")
    if not text or not any(map(str.isalnum, text)):
        return _NOTHING
    if not text.endswith(_ENDS):
        text += "?" if _asks(text) else "."
    if not text[0].isupper():
        text = text[0].upper() + text[1:]
    return _NEW_SENTENCE.sub(_capital, text) if ". " in text or "? " in text or "! " in text else text


def _capital(found: re.Match[str]) -> str:
    word = found[1][:-1].lower()
    if found[1][-1] == "." and (word in NEVER_END or word in MAY_END or "." in word or len(word) == 1):
        return found[0]
    return found[0][:-1] + found[2].upper()


def _asks(text: str) -> bool:
    """Whether a sentence without an end mark is a question."""
    words = text.lower().split(" ", 2)
    if words[0] not in _ASKING or len(words) == 1:
        return len(words) == 1 and words[0] in ("why", "what", "who", "how", "where", "when")
    if words[0] in ("when", "where", "which", "who", "whose"):
        return words[1] in _AUXILIARIES or words[0] in ("which", "who", "whose")
    return words[0] in ("what", "why", "how", "who") or words[1] in _SUBJECTS


def _shortened(words: list[str]) -> list[str]:
    """Cut each run of the caller's words to what can be said, before a word that joins clauses if there is one."""
    kept: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if word[:1] == _MARK:
            run.append(word[1:])
        else:
            kept += run if len(run) <= MAX_PART_WORDS else run[: _end(run)]
            run = []
            kept.append(word)
    return kept[:-1]


def _end(run: list[str]) -> int:
    for end in range(MAX_PART_WORDS, _LEAST_PART_WORDS - 1, -1):
        if run[end].lower() in _BORDERS and run[end - 1].lower() not in _LOOSE:
            return end
    end = MAX_PART_WORDS
    while end > _LEAST_PART_WORDS and run[end - 1].lower() in _LOOSE:
        end -= 1
    return end
