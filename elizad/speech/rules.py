"""What a rule of the spoken form is: a pattern, and the words it is replaced with. No rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["Rule", "apply", "spaced", "word_before"]

_AFTER_MARK = ",.;:!?"
_BEFORE = 12  # characters looked at for the word before: longer than any word that a rule asks for


class Rule(NamedTuple):
    """Each match of `pattern` becomes what `speak` says of it; a match it returns unchanged is left to later rules.

    The rule is tried only on a text that has one of the characters in `signs`, or on any if `signs` is empty. A pattern
    must be linear: bounded repeats, or starts kept apart by a lookbehind. It is fastest when it begins with the
    character that it is about, so that lookbehinds stand after that: `\\d(?<!\\w\\d)`, not `(?<!\\w)\\d`.
    """

    signs: str
    pattern: re.Pattern[str]
    speak: Callable[[re.Match[str]], str]


def apply(rules: Iterable[Rule], text: str) -> str:
    """`text` after each of `rules` in turn. Rules may only bring in signs that no later rule asks for."""
    present = set(text)
    for signs, pattern, speak in rules:
        if not signs or not present.isdisjoint(signs):
            text = pattern.sub(speak, text)
    return text


def spaced(match: re.Match[str], words: str) -> str:
    """`words` in place of `match`, with a space wherever they would else touch a letter, a digit or a mark."""
    text, start, end = match.string, match.start(), match.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and (before.isalnum() or before in _AFTER_MARK):
        words = " " + words
    return words + " " if after.isalnum() else words


def word_before(match: re.Match[str]) -> str:
    """The word before `match`, in lower case and without a point; "" if white space does not part them."""
    start = match.start()
    before = match.string[max(start - _BEFORE, 0) : start]
    if not before[-1:].isspace():
        return ""
    words = before.split()
    return words[-1].lower().removesuffix(".") if words else ""
