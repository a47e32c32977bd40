"""Common English abbreviations: how they sound, and which of them can end a sentence. Data, and nothing else."""

from __future__ import annotations

from typing import Final

__all__ = ["MAY_END", "NEVER_END", "TITLES", "WORDS"]

# Before a name. "Ms" has no longer form: a synthesiser says it right once the point is gone.
TITLES: Final = {
    "Capt": "Captain",
    "Col": "Colonel",
    "Dr": "Doctor",
    "Gen": "General",
    "Gov": "Governor",
    "Hon": "Honourable",
    "Lt": "Lieutenant",
    "Maj": "Major",
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Ms",
    "Mt": "Mount",
    "Prof": "Professor",
    "Rev": "Reverend",
    "Sgt": "Sergeant",
}

# Spoken as other words wherever they stand; the key is what stands before the point, in lower case.
WORDS: Final = {
    "approx": "approximately",
    "apt": "apartment",
    "ave": "Avenue",
    "blvd": "Boulevard",
    "co": "Company",
    "corp": "Corporation",
    "dept": "department",
    "e.g": "for example",
    "esp": "especially",
    "est": "established",
    "etc": "et cetera",
    "i.e": "that is",
    "inc": "Incorporated",
    "incl": "including",
    "jr": "Junior",
    "ltd": "Limited",
    "rd": "Road",
    "sr": "Senior",
    "vs": "versus",
}

# What stands before the point, in lower case. After these a sentence goes on, whatever follows ...
NEVER_END: Final = frozenset(title.lower() for title in TITLES) | {
    *("approx", "cf", "esp", "incl", "st", "vs"),
}

# ... and after these it ends when a capital follows. Other letters with points between them (e.g., U.S.) never end it.
MAY_END: Final = frozenset(WORDS) - NEVER_END - {"e.g", "i.e"} | {
    *("a.m", "p.m", "min", "max", "tel", "ext"),
    *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    *("mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri"),
}
