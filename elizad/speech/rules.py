"""What a rule of the spoken form is: a pattern, and the words it is replaced with. No rules of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["Rule", "apply", "spaced"]

_AFTER_MARK = ",.;:!?"


class Rule(NamedTuple):
    """Each match of `pattern` becomes what `speak` says of it; a match it returns unchanged is left to later rules.

    A pattern must be linear: bounded repeats, or starts that a lookbehind keeps apart.
    """

    pattern: re.Pattern[str]
    speak: Callable[[re.Match[str]], str]


def apply(rules: Iterable[Rule], text: str) -> str:
    """`text` after each of `rules` in turn."""
    for pattern, speak in rules:
        text = pattern.sub(speak, text)
    return text


def spaced(match: re.Match[str], words: str) -> str:
    """`words` in place of `match`, with a space wherever they would else touch a letter, a digit or a sign."""
    text, start, end = match.string, match.start(), match.end()
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and not before.isspace() and (before.isalnum() or before in _AFTER_MARK):
        words = " " + words
    return words + " " if after.isalnum() else words
