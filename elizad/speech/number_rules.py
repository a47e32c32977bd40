"""What is made of digits: the rules of dates.py and quantities.py in their order, with what is left over at the end.

Pure text. Loaded with the first digit.
"""

from __future__ import annotations

import re
from typing import Final

from elizad.speech.dates import DATES, TIMES, YEARS
from elizad.speech.number_words import digits, number, plural
from elizad.speech.quantities import AMOUNT, BEFORE_TIMES, QUANTITIES
from elizad.speech.rules import Rule, spaced, word_before

__all__ = ["PHONE", "RULES"]

PHONE: Final = re.compile(
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


def _emergency(match: re.Match[str]) -> str:
    return digits(match[0]) if match[0] == "911" or word_before(match) in _DIALLING else match[0]


def _labelled(match: re.Match[str]) -> str:
    return f"{_LABELS[match['label'].lower()]} "


def _letters(match: re.Match[str]) -> str:
    """ "A4" -> "A 4", "MP3" -> "M P 3", "COVID-19" -> "covid 19"."""
    run = match[1]
    return f"{run.lower() if len(run) > 3 else ' '.join(run)} "


RULES: Final = (
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
