"""Money, percentages, units, ordinals, fractions and versions, as words. Rules only; numerals.py applies them."""

from __future__ import annotations

import re
from typing import Final

from elizad.speech.dates import MONTHS
from elizad.speech.number_words import MAX_DIGITS, cardinal, digits, number, ordinal, plural
from elizad.speech.rules import Rule, spaced, word_before

__all__ = ["AMOUNT", "BEFORE_TIMES", "QUANTITIES"]

AMOUNT: Final = r"\d(?:\d{0,2}(?:,\d{3})+(?!\d)|\d*)(?:\.\d+)?"  # 7, 1,000 and 3.5, but of 3,5 only the 3

_CURRENCIES: Final = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "¢": ("cent", "cents", "", ""),
}
_SCALES: Final = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion", "B": "billion"}
_SCALE: Final = r"(?:\s?(?P<scale>thousand|million|billion|trillion|bn|[kKmMB])\b)?"
_CENTS: Final = re.compile(r"\.(\d{1,2})$")

_DASH: Final = re.compile(r"(?:[-–—]|\s[-–—]\s)(?=\d)")

_UNITS: Final = {
    "%": ("percent", "percent"),
    "°": ("degree", "degrees"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "cm": ("centimetre", "centimetres"),
    "ft": ("foot", "feet"),
    "g": ("gram", "grams"),
    "GB": ("gigabyte", "gigabytes"),
    "hr": ("hour", "hours"),
    "hrs": ("hours", "hours"),
    "in": ("inch", "inches"),
    "kg": ("kilogram", "kilograms"),
    "km": ("kilometre", "kilometres"),
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "kph": ("kilometre per hour", "kilometres per hour"),
    "l": ("litre", "litres"),
    "lb": ("pound", "pounds"),
    "lbs": ("pounds", "pounds"),
    "m": ("metre", "metres"),
    "MB": ("megabyte", "megabytes"),
    "mg": ("milligram", "milligrams"),
    "min": ("minute", "minutes"),
    "mins": ("minutes", "minutes"),
    "ml": ("millilitre", "millilitres"),
    "mm": ("millimetre", "millimetres"),
    "mph": ("mile per hour", "miles per hour"),
    "oz": ("ounce", "ounces"),
    "sec": ("second", "seconds"),
    "secs": ("seconds", "seconds"),
    "TB": ("terabyte", "terabytes"),
}
_ATTACHED: Final = frozenset({"g", "in", "l", "m"})  # "6in", but not "6 in a row"
_UNIT: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))

_DATE_CUES: Final = frozenset({"on", "since", "until", "by", "before", "after", "from"})
_PAIRS: Final = frozenset({(24, 7), (9, 11), (7, 11), (20, 20)})  # said as two numbers; so are shares of a hundred


def _money(match: re.Match[str]) -> str:
    amount, scale = match["amount"], match["scale"]
    one, many, cent, cents = _CURRENCIES[match["sign"]]
    if _describes(match):
        many, cents = one, cent  # "a $20 bill"
    large = f" {_SCALES.get(scale, scale)}" if scale else ""
    if match["last"]:
        return spaced(match, f"{number(amount)} to {number(match['last'])}{large} {many}")
    part = _CENTS.search(amount)
    if large or part is None or not cent:
        return spaced(match, f"{number(amount)}{large} {one if amount == '1' and not large else many}")
    whole, small = amount[: part.start()], int(part[1].ljust(2, "0"))
    coins = f"{cardinal(small)} {cent if small == 1 else cents}"
    if whole in ("", "0"):
        return spaced(match, coins)
    words = f"{number(whole)} {one if whole == '1' else many}"
    return spaced(match, f"{words} and {coins}" if small else words)


def _money_after(match: re.Match[str]) -> str:
    amount = match["amount"]
    one, many, _, _ = _CURRENCIES[match["sign"]]
    return spaced(match, f"{number(amount)} {one if amount == '1' or _describes(match) else many}")


def _measure(match: re.Match[str]) -> str:
    amount, unit = match["amount"], match["unit"]
    if match["space"] and unit in _ATTACHED:
        return match[0]
    return spaced(match, f"{number(amount)} {_UNITS[unit][amount != '1' and not _describes(match)]}")


def _describes(match: re.Match[str]) -> bool:
    """Whether an article before it makes the quantity an adjective: "a $20 bill", "a 5km run"."""
    return word_before(match) in ("a", "an")


def _height(match: re.Match[str]) -> str:
    return spaced(match, f"{cardinal(int(match[1]))} foot {cardinal(int(match[2]))}")


def _ordinal(match: re.Match[str]) -> str:
    run = match[1].replace(",", "")
    return spaced(match, ordinal(int(run)) if len(run) <= MAX_DIGITS else f"{digits(run)}th")


def _dotted(match: re.Match[str]) -> str:
    groups = match[0].split(".")
    if len(groups) == 4:
        return spaced(match, " dot ".join(map(digits, groups)))  # an address of the internet
    return spaced(match, " point ".join(map(number, groups)))


def _slash(match: re.Match[str]) -> str:
    """24/7 and 50/50 as a pair, 12/25 as a date, 1/2 as a fraction, 7/10 as a mark, 120/80 as "over"."""
    whole, top, bottom = match["whole"], int(match["top"]), int(match["bottom"])
    if whole and 0 < top < bottom:
        return spaced(match, f"{number(whole)} and {_fraction(top, bottom, 'a')}")
    lead = f"{number(whole)} " if whole else ""
    cue = word_before(match) in _DATE_CUES
    if (top, bottom) in _PAIRS or top + bottom == 100:
        words = f"{cardinal(top)} {cardinal(bottom)}"
    elif 1 <= top <= 12 and 1 <= bottom <= 31 and (cue or (bottom > 12 and bottom != 16)):
        words = f"{MONTHS[top - 1]} {ordinal(bottom)}"
    elif 0 < top <= bottom and (bottom in (10, 100) or top == bottom):
        words = f"{cardinal(top)} out of {cardinal(bottom)}"
    elif 0 < top < bottom <= 16:
        words = _fraction(top, bottom, "one")
    else:
        words = f"{number(match['top'])} over {number(match['bottom'])}"
    return spaced(match, lead + words)


def _fraction(top: int, bottom: int, one: str) -> str:
    part = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    if top == 1:
        return f"{one} {part}"
    return f"{cardinal(top)} {'halves' if bottom == 2 else plural(part)}"


def _range(match: re.Match[str]) -> str:
    """ "3-5" is "3 to 5", "5 - 3 =" a sum, and "1-2-3" is counted."""
    dashes = len(_DASH.findall(match[0]))
    if dashes == 1 and match["equals"] is not None:
        return _DASH.sub(" minus ", match[0])
    return _DASH.sub(" to " if dashes == 1 else " ", match[0])


BEFORE_TIMES: Final = (
    Rule("-–−", re.compile(r"[-–−](?<![\w)\]%°][-–−])(?=[$€£¥]?\.?\d)"), lambda match: "minus "),
    Rule(".", re.compile(r"\d(?<![\w.,]\d)\d*(?:\.\d+){2,}(?![\w]|[.,]\d)"), _dotted),
    Rule(
        "$€£¥₹",
        re.compile(
            rf"(?P<sign>[$€£¥₹])\s?(?P<amount>{AMOUNT}|\.\d+)(?:\s?[-–]\s?(?P=sign)?(?P<last>{AMOUNT}))?{_SCALE}"
        ),
        _money,
    ),
    Rule("'’′", re.compile(r"(\d)['’′](\d{1,2})(?![\d'’])[\"”″]?"), _height),
    Rule("-–—", re.compile(rf"\d[\d.,:]*[%°]?(?:{_DASH.pattern}[\d.,:]*\d)+(?=(?P<equals>\s*=)?)"), _range),
    Rule("x×", re.compile(r"\s?[x×](?:(?<=\d[x×])|(?<=\d\s[x×])\s)(?=\d)"), lambda match: " by "),
    Rule("x×", re.compile(r"[x×](?<=\d[x×])(?!\w)"), lambda match: " times"),
)

QUANTITIES: Final = (
    Rule(":", re.compile(r":(?<=\d:)(?=\d)"), lambda match: " to "),
    Rule("$€£¥₹¢", re.compile(rf"(?P<amount>{AMOUNT})\s?(?P<sign>[$€£¥₹¢])(?!\.?\d)"), _money_after),
    Rule("", re.compile(rf"(?P<amount>{AMOUNT})(?P<space>\s?)(?P<unit>{_UNIT})(?![\w°])"), _measure),
    Rule("tdTD", re.compile(r"(\d[\d,]*)(?:st|nd|rd|th)\b", re.IGNORECASE), _ordinal),
    Rule(
        "/⁄",
        re.compile(r"(?<![\w./])(?:(?P<whole>\d+)\s)?(?P<top>\d+)\s?[/⁄]\s?(?P<bottom>\d+)(?![\w/⁄])"),
        _slash,
    ),
)
