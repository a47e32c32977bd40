"""Text meant for the ear: no digit is left, signs and common abbreviations are words.

Pure text. The rules stand in number_rules.py, signs.py and abbreviations.py.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

from elizad.speech.abbreviations import expand, may_need
from elizad.speech.number_words import MAX_DIGITS, digits
from elizad.speech.rules import apply, spaced
from elizad.speech.signs import SIGNS, speak_addresses, speak_signs

__all__ = ["spell_out"]

_MAX_TEXT_DIGITS: Final = 64  # of one text: num2words takes up to 20 us a digit; a text with more is hardly talk

_EARLY: Final = "²³¹¼½¾"
# With these, all digits but ASCII's. Said the other way round, as what it is, it takes 12 ms to compile.
_BEYOND: Final = r"[^\x00-\u065f\u2000-\u206f]"
_FOREIGN: Final = re.compile(rf"[{_EARLY}]|{_BEYOND}")
_SPECIAL: Final = re.compile(rf"[0-9~≈<>{SIGNS}{_EARLY}]|{_BEYOND}")  # without any, only abbreviations are left
_PLAIN: Final = bytes(byte for byte in range(128) if _SPECIAL.match(chr(byte)) is None)  # the same, many at once
_RAISED: Final = ("<super>", "<sub>", "<fraction>")
_DIGIT: Final = re.compile(r"[0-9]")
_DIGIT_RUN: Final = re.compile(r"[0-9]+")
_DIGIT_EDGE: Final = re.compile(r"(?<=[^\W_])(?=[0-9])|(?<=[0-9])(?=[^\W_])|(?<=[,.;:!?])(?=[0-9])")
_DIGIT_WORDS: Final = str.maketrans({digit: digits(digit) for digit in "0123456789"})
_LONG_RUN: Final = re.compile(rf"[0-9]{{{MAX_DIGITS + 1},}}")

_PHONE_DIGITS: Final = 7  # the least of a telephone number


def spell_out(text: str) -> str:
    """`text` with numbers, dates, times, money, addresses, signs and common abbreviations as words.

    The result holds no digit of any script; spelling it out again changes nothing; all else stays where it is. Dates
    like 3/4/2026 are read month first, telephone numbers digit by digit with a comma after each group. Time is linear
    in the length of the text: one with more than 64 digits has each of them read alone.
    """
    plain = text.isascii() and not text.encode("ascii").translate(None, _PLAIN)
    if (plain or _SPECIAL.search(text) is None) and not may_need(text):
        return text
    if _FOREIGN.search(text):
        text = _FOREIGN.sub(_ascii_digits, text)
    text = speak_addresses(text)
    if count := len(_DIGIT.findall(text)):
        if count > _MAX_TEXT_DIGITS:
            text = _DIGIT_EDGE.sub(" ", text).translate(_DIGIT_WORDS)
        else:
            from elizad.speech.number_rules import PHONE, RULES  # much to compile, and most talk has no digit

            if count >= _PHONE_DIGITS:
                text = PHONE.sub(_grouped_digits, text)
                text = _LONG_RUN.sub(_grouped_digits, text)
            text = apply(RULES, text)
    return expand(speak_signs(text))


def _ascii_digits(match: re.Match[str]) -> str:
    """A digit of another script, or one that is raised, in a circle or half of a fraction sign, in ASCII."""
    char, before = match[0], match.string[match.start() - 1 : match.start()]
    if char in "²³" and before.isalnum():
        return " squared" if char == "²" else " cubed"
    plain, apart = _in_ascii(char)
    return " " + plain if apart and before.isalnum() else plain


@lru_cache(1024)  # characters of one text; the look-ups take 5 us each
def _in_ascii(char: str) -> tuple[str, bool]:
    """The character with ASCII digits, and whether it must not join a number before it (10⁶, 2½)."""
    plain = unicodedata.normalize("NFKC", char)
    if char.isalpha() or not any(part.isdigit() for part in plain):
        return char, False
    plain = "".join([str(unicodedata.digit(part, part)) for part in plain])
    return plain, unicodedata.decomposition(char).startswith(_RAISED)


def _grouped_digits(match: re.Match[str]) -> str:
    """Digit by digit, with a comma after each group; a run of more than six goes in threes and a last four."""
    groups = []
    for run in _DIGIT_RUN.findall(match[0]):
        short = (len(run) - 4) % 3 if len(run) > 6 else 0
        cuts = [0, *range(short or 3, len(run) - 3, 3), len(run)] if len(run) > 6 else [0, len(run)]
        groups += [digits(run[start:end]) for start, end in pairwise(cuts)]
    words = ", ".join(groups)
    return spaced(match, f"plus {words}" if match[0].startswith("+") else words)
