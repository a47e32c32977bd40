"""Dates, times of day, years and decades, as words. Rules only; numerals.py applies them."""

from __future__ import annotations

import re
from typing import Final

from elizad.speech.number_words import cardinal, ordinal, plural, year
from elizad.speech.rules import Rule, spaced, word_before

__all__ = ["DATES", "MONTHS", "TIMES", "YEARS"]

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BY_NAME: Final = (
    {name.lower(): number for number, name in enumerate(MONTHS, 1)}
    | {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
    | {"sept": 9}
)
_VERBS: Final = frozenset({"may", "march", "mar"})  # no months when they are in lower case

_DAY: Final = r"(?P<day>\d(?<![\w.,:/]\d)\d?)(?:st|nd|rd|th)?"
_TO_DAY: Final = r"(?:(?:\s?[-–]\s?|\s+to\s+)(?P<last>\d\d?)(?:st|nd|rd|th)?)?"
_YEAR: Final = r"(?:,?\s+(?P<year>[12]\d{3})(?!\d))?"
_HALF_DAY: Final = r"(?P<half>[AaPp])(?:\.\s?[Mm]\.|[Mm]\b\.?)(?!\s+I\b)"  # but not in "I am 7 am I"

_YEAR_CUES: Final = frozenset(
    {*("in", "since", "from", "until", "till", "by", "before", "after", "year", "of", "early", "late", "around")}
) | frozenset(_BY_NAME)
_NOT_COUNTED: Final = frozenset({"is", "was", "has", "as", "this", "does", "perhaps", "always", "yes", "his", "hers"})
_COUNTED: Final = frozenset({"people", "men", "women", "children", "feet", "miles", "times", "of", "more"})
_NEXT_WORD: Final = re.compile(r"\s+([a-z]+)")


def _month_day_year(month: int, day: int, in_year: int | None) -> str:
    words = f"{MONTHS[month - 1]} {ordinal(day)}"
    return words if in_year is None else f"{words}, {year(in_year)}"


def _iso_date(match: re.Match[str]) -> str:
    in_year, month, day = map(int, match.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return spaced(match, _month_day_year(month, day, in_year))


def _numeric_date(match: re.Match[str]) -> str:
    """Month first when both readings are possible ("3/4/2026" is the fourth of March), but day first between points."""
    first, second = int(match["first"]), int(match["second"])
    month, day = (second, first) if first > 12 or match["mark"] == "." else (first, second)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    in_year = int(match["year"])
    if in_year < 100:
        in_year += 2000 if in_year < 50 else 1900  # a birthday in '66 or a plan for '26
    return spaced(match, _month_day_year(month, day, in_year))


def _month_first(match: re.Match[str]) -> str:
    """The "3rd" of "March 3rd", the "3-5, 2026" of "March 3-5, 2026"; the month itself stays as it is."""
    month, day, last = word_before(match), int(match["day"]), int(match["last"] or 1)
    if month not in _BY_NAME or not (1 <= day <= 31 and 1 <= last <= 31):
        return match[0]
    if month in _VERBS and not match.string[: match.start()].rstrip(" .").endswith(month.capitalize()):
        return match[0]
    words = f"{ordinal(day)} to {ordinal(last)}" if match["last"] else ordinal(day)
    return f"{words}, {year(int(match['year']))}" if match["year"] else words


def _day_first(match: re.Match[str]) -> str:
    name, day = match["month"], int(match["day"])
    month = _BY_NAME.get(name.lower())
    if month is None or not 1 <= day <= 31 or (name in _VERBS and not match["of"]):
        return match[0]
    the = "" if match["of"] or word_before(match) == "the" else "the "
    words = f"{the}{ordinal(day)} of {MONTHS[month - 1]}"
    return spaced(match, f"{words} {year(int(match['year']))}" if match["year"] else words)


def _clock(match: re.Match[str]) -> str:
    """Twelve hours, as people say it: 14:30 is "two thirty p.m."."""
    hour, minute, half = int(match["hour"]), int(match["minute"]), (match["half"] or "").lower()
    if hour > 24:
        return match[0]
    if not half and minute == 0 and hour in (0, 24):
        return spaced(match, "midnight")
    if not half and (hour == 0 or hour > 12):
        half = "p" if 12 < hour < 24 else "a"
    words = cardinal((hour - 1) % 12 + 1)
    if minute:
        words += f" oh {cardinal(minute)}" if minute < 10 else f" {cardinal(minute)}"
    elif not half:
        words += " o'clock"
    if match["second"]:
        words += f" and {cardinal(int(match['second']))} seconds"
    return spaced(match, f"{words} {half}.m." if half else words)


def _hour(match: re.Match[str]) -> str:
    return spaced(match, f"{cardinal(int(match['hour']))} {match['half'].lower()}.m.")


def _decade(match: re.Match[str]) -> str:
    value = int(match["decade"])
    if value % 1000 == 0 or len(match["decade"]) == 2:
        return spaced(match, plural(cardinal(value)))
    return spaced(match, plural(year(value)))


def _year(match: re.Match[str]) -> str:
    """A year, unless what follows is counted: "in 1966", "1966 was long", but "1500 calories"."""
    value = int(match[0])
    if word_before(match) in _YEAR_CUES:
        return year(value)
    after = _NEXT_WORD.match(match.string, match.end())
    counted = after and (after[1] in _COUNTED or (after[1].endswith("s") and after[1] not in _NOT_COUNTED))
    return year(value) if 1500 <= value < 2100 and not counted else match[0]


DATES: Final = (
    Rule("-", re.compile(r"([12]\d{3})(?<![\w.-]\d{4})-(\d{1,2})-(\d{1,2})(?![\w-])"), _iso_date),
    Rule(
        "/.-",
        re.compile(
            r"(?P<first>\d(?<![\w./-]\d)\d?)(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)"
            r"(?P<year>[12]\d{3}|(?<=/)\d{2})(?![\w/-]|\.\d)"
        ),
        _numeric_date,
    ),
    Rule("", re.compile(rf"{_DAY}{_TO_DAY}(?![\w:/%]|[.,]\d|-\w){_YEAR}"), _month_first),
    Rule("", re.compile(rf"{_DAY}\s+(?P<of>of\s+)?(?P<month>[A-Za-z]{{3,9}})\b\.?{_YEAR}"), _day_first),
)

TIMES: Final = (
    Rule("-–", re.compile(r"[-–](?<=\d[AaPp][Mm][-–])(?=\d)"), lambda match: " to "),  # 9am-5pm
    Rule(
        ":",
        re.compile(
            r"(?P<hour>\d(?<![\w:.,]\d)\d?):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
            rf"(?:\s?{_HALF_DAY})?(?![\d:])"
        ),
        _clock,
    ),
    Rule("mM", re.compile(rf"(?P<hour>\d(?<![\w:.,]\d)\d?)\s?{_HALF_DAY}"), _hour),
)

YEARS: Final = (
    Rule("'’", re.compile(r"['’](?<![\w'’.]['’])(?=[1-9]0s\b)"), lambda match: ""),  # the '90s
    Rule("s", re.compile(r"(?P<decade>[12]\d(?<!\w\d\d)\d0|[1-9](?<!\w\d)0)['’]?s\b"), _decade),
    Rule("", re.compile(r"[12]\d{3}(?<![\w.,/$€£¥₹-]\d{4})(?![\w%/]|[.,]\d)"), _year),
)
