"""Common English abbreviations: which of them can end a sentence, and how they sound."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

__all__ = ["MAY_END", "NEVER_END", "expand", "may_need", "titles_at_ends"]

# Before a name. "Ms" has no longer form: a synthesiser says it right once the point is gone.
_TITLES: Final = {
    "capt": "captain",
    "col": "colonel",
    "dr": "doctor",
    "gen": "general",
    "gov": "governor",
    "hon": "honourable",
    "lt": "lieutenant",
    "maj": "major",
    "mr": "mister",
    "mrs": "missus",
    "ms": "ms",
    "mt": "mount",
    "prof": "professor",
    "rev": "reverend",
    "sgt": "sergeant",
}
_WORDS: Final = {
    "approx": "approximately",
    "ave": "avenue",
    "blvd": "boulevard",
    "co": "company",
    "corp": "corporation",
    "dept": "department",
    "e.g": "for example",
    "esp": "especially",
    "etc": "et cetera",
    "i.e": "that is",
    "inc": "incorporated",
    "incl": "including",
    "jr": "junior",
    "ltd": "limited",
    "rd": "road",
    "sr": "senior",
    "vs": "versus",
}
_CALENDAR: Final = {
    "jan": "january",
    "feb": "february",
    "aug": "august",
    "sept": "september",
    "oct": "october",
    "nov": "november",
    "dec": "december",
    "mon": "monday",
    "tues": "tuesday",
    "wed": "wednesday",
    "thurs": "thursday",
    "fri": "friday",
}
_SOUNDS: Final = _TITLES | _WORDS | _CALENDAR
# Only with a capital: "rev." may be a word that was cut off, and "gen." another.
_CAPITAL: Final = (_TITLES.keys() | _CALENDAR.keys()) - frozenset(("dr", "mr", "mrs", "ms", "prof"))

# What stands before the point, in lower case. After these a sentence goes on, whatever follows ...
NEVER_END: Final = frozenset({*_TITLES, "approx", "cf", "e.g", "esp", "i.e", "incl", "st", "vs"})

# ... and after these it ends when a capital follows. Other letters with points between them (U.S.) never end it.
MAY_END: Final = (frozenset(_WORDS) | frozenset(_CALENDAR)) - NEVER_END | {
    *("a.m", "p.m", "min", "max", "tel", "ext", "mar", "apr", "jun", "jul", "sep", "tue", "thu", "thur"),
}

_NAMES: Final = sorted([*_SOUNDS, "st"], key=len)
# The case is that of ASCII: in Unicode's, "ſ" would be an "s".
_ABBREVIATION: Final = re.compile(
    rf"(?<![\w.])((?ai:{'|'.join(map(re.escape, _NAMES))}))\.(?P<rest>[\"'”’)\]]*)(?=(?P<space>\s*)(?P<next>\w?))"
)
_TITLE_AT_END: Final = re.compile(rf"(?<![\w.])((?ai:{'|'.join(_TITLES)}))\.\.(?!\.)")
_BY_LENGTH: Final = ["|".join(map(re.escape, names)) for _, names in groupby(_NAMES, len)]  # for lookbehinds
# The same without a look at what is round it: begins with the point, so that most talk is searched in no time.
_POINT: Final = re.compile(
    r"\.(?:" + "|".join(rf"(?<=(?:{names})\.)" for names in _BY_LENGTH) + ")", re.ASCII | re.IGNORECASE
)
_LAST_TWO: Final = frozenset(name.rpartition(".")[2][-2:] for name in _NAMES)  # letters after the last point but one
_BEFORE: Final = 40  # characters looked at before "St.": the street's name, and a word before it


def may_need(text: str) -> bool:
    """Whether `expand` could change `text`: a quick look that spares most talk the search."""
    for before in text.split(".")[:-1]:
        if before[-2:].lower() in _LAST_TWO:
            return _POINT.search(text) is not None
    return False


def expand(text: str) -> str:
    """Abbreviations as the words they stand for; their point stays where it also ends the sentence.

    "Dr. Lee, etc." -> "Doctor Lee, et cetera." "St." is a saint before a name and a street after one.
    """
    return _ABBREVIATION.sub(_sound, text) if may_need(text) else text


def titles_at_ends(text: str) -> str:
    """Titles that the end of a sentence follows, and no name, as words: "to your Dr.. Why" -> "to your Doctor. Why".

    With one point only they would be taken for what goes on.
    """
    return _TITLE_AT_END.sub(lambda found: _cased(_TITLES[found[1].lower()], found[1]) + ".", text)


def _cased(words: str, written: str) -> str:
    return words.capitalize() if written[0].isupper() else words


def _sound(match: re.Match[str]) -> str:
    written, rest, next_is = match[1], match["rest"], match["next"]
    name, capital = written.lower(), written[0].isupper()
    if next_is and not (match["space"] or rest):
        return match[0]  # "co.uk", "Mr.Smith"
    if name in _CAPITAL and not capital:
        return match[0]
    if name == "st":
        street = _is_street(match)
        words, may_end = ("street", True) if street else ("saint", False)
    else:
        words, may_end = _SOUNDS[name], name in MAY_END
    after = match.end("space")
    if next_is:
        ends = may_end and next_is.isupper() and _ABBREVIATION.match(match.string, after) is None
    else:
        ends = after == len(match.string)
    return _cased(words, written) + ("." if ends else "") + rest


def _is_street(match: re.Match[str]) -> bool:
    """Whether "St." comes after a name: "5 Elm St. is small" or "on Elm St. He", but not "in St. Ives"."""
    follows = match["next"]
    if not follows or (match[1][0].isupper() and not follows.isupper()):
        return True
    before = match.string[max(match.start() - _BEFORE, 0) : match.start()].split()
    return len(before) > 1 and before[-1][0].isupper() and before[-1][-1].isalnum()
