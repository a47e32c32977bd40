"""Text meant for the ear: no digit is left, signs and common abbreviations are words.

Pure text. The rules stand in dates.py, quantities.py, signs.py and abbreviations.py; here is their order.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

from elizad.speech.abbreviations import expand, may_need
from elizad.speech.dates import DATES, TIMES, YEARS
from elizad.speech.number_words import MAX_DIGITS, digits, number, plural
from elizad.speech.quantities import AMOUNT, BEFORE_TIMES, QUANTITIES
from elizad.speech.rules import Rule, apply, spaced, word_before
from elizad.speech.signs import SIGNS, speak_addresses, speak_signs

__all__ = ["spell_out"]

_MAX_TEXT_DIGITS: Final = 64  # of one text: num2words takes up to 20 us a digit; a text with more is hardly talk

_BEYOND: Final = r"²³¹¼½¾\u0660-\u1fff\u2070-\U0010ffff"  # no digit but ASCII's is outside of these
_FOREIGN: Final = re.compile(rf"[{_BEYOND}]")
_SPECIAL: Final = re.compile(rf"[0-9~≈<>{SIGNS}{_BEYOND}]")  # without any, only abbreviations are left to expand
_RAISED: Final = ("<super>", "<sub>", "<fraction>")
_DIGIT: Final = re.compile(r"[0-9]")
_DIGIT_RUN: Final = re.compile(r"[0-9]+")
_DIGIT_EDGE: Final = re.compile(r"(?<=[^\W_])(?=[0-9])|(?<=[0-9])(?=[^\W_])|(?<=[,.;:!?])(?=[0-9])")
_DIGIT_WORDS: Final = str.maketrans({digit: digits(digit) for digit in "0123456789"})
_LONG_RUN: Final = re.compile(rf"[0-9]{{{MAX_DIGITS + 1},}}")

_PHONE_DIGITS: Final = 7  # the least of a telephone number
_PHONE: Final = re.compile(
    r"(?<![\w.,/$€£-])(?:"
    r"\+\d(?:[ ()-]{0,2}\d){7,14}"  # +1 (415) 555-2671
    r"|(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}"  # (415) 555-2671
    r"|\(?0\d{2,4}\)? \d{3,4} ?\d{3,4}|0\d{9,10}"  # 020 7946 0018
    r"|\d{3}-\d{4}"  # 555-1234
    r"|\d{4}(?:[ -]\d{4}){3}"  # a card
    r")(?![\w/]|[.,-]\d)"
)
_DIALLING: Final = frozenset(
    {*("call", "called", "calling", "dial", "dialled", "phone", "phoned", "ring", "rang", "text", "texted")}
)
_LABELS: Final = {
    "apt": "apartment",
    "ch": "chapter",
    "fig": "figure",
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "vol": "volume",
}
_COMPARED: Final = {"~": "about", "≈": "about", "<": "less than", ">": "more than"}


def spell_out(text: str) -> str:
    """`text` with numbers, dates, times, money, addresses, signs and common abbreviations as words.

    The result holds no digit of any script; spelling it out again changes nothing; all else stays where it is. Dates
    like 3/4/2026 are read month first, telephone numbers digit by digit with a comma after each group. Time is linear
    in the length of the text: one with more than 64 digits has each of them read alone.
    """
    if _SPECIAL.search(text) is None and not may_need(text):
        return text
    if _FOREIGN.search(text):
        text = _FOREIGN.sub(_ascii_digits, text)
    text = speak_addresses(text)
    if count := len(_DIGIT.findall(text)):
        if count > _MAX_TEXT_DIGITS:
            text = _DIGIT_EDGE.sub(" ", text).translate(_DIGIT_WORDS)
        else:
            if count >= _PHONE_DIGITS:
                text = _PHONE.sub(_grouped_digits, text)
                text = _LONG_RUN.sub(_grouped_digits, text)
            text = apply(_RULES, text)
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


def _emergency(match: re.Match[str]) -> str:
    return digits(match[0]) if match[0] == "911" or word_before(match) in _DIALLING else match[0]


def _labelled(match: re.Match[str]) -> str:
    return f"{_LABELS[match['label'].lower()]} "


def _letters(match: re.Match[str]) -> str:
    """ "A4" -> "A 4", "MP3" -> "M P 3", "COVID-19" -> "covid 19"."""
    run = match[1]
    return f"{run.lower() if len(run) > 3 else ' '.join(run)} "


_RULES: Final = (
    Rule("", re.compile(r"\d{3}(?<![\w$€£.,:/-]\d{3})(?![\w%:/-]|[.,]\d)"), _emergency),
    *DATES,
    *BEFORE_TIMES,
    *TIMES,
    *QUANTITIES,
    *YEARS,
    Rule("#", re.compile(r"#\s?(?=\d)"), lambda match: "number "),
    Rule(".", re.compile(r"\b(?P<label>Nos?|(?ai:apt|ch|fig|pp?|vol))\.\s?(?=\d)"), _labelled),
    Rule("~≈<>", re.compile(r"[~≈<>]\s?(?=\d)"), lambda match: f"{_COMPARED[match[0][0]]} "),
    Rule("", re.compile(r"([A-Z](?<![^\W\d_][A-Z])[A-Z]*)-?(?=\d)"), _letters),
    Rule("s", re.compile(rf"({AMOUNT})s\b"), lambda match: spaced(match, plural(number(match[1])))),
    Rule("", re.compile(rf"{AMOUNT}|\.(?<![\w.]\.)\d+"), lambda match: spaced(match, number(match[0]))),
)
