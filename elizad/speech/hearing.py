"""What the caller said -> words: a key for each, which rules match, and how the caller spelt it.

Recognised speech has no marks and no capitals, but fillers and stutters; typed speech has all of the marks. Knows no
script, and does not change the person (person.py does).
"""

from __future__ import annotations

from typing import Final

from elizad.speech.context import repair
from elizad.speech.contractions import EXPANDED
from elizad.speech.everyday import ACRONYMS, EVERYDAY
from elizad.speech.tokens import cut

__all__ = ["hear"]

_LONGEST: Final = 45  # characters; no word of English is longer, and no listener follows one (a link, keyboard noise)
_UNSAYABLE: Final = "something"
_EMPHASIS: Final = 5  # letters: a longer word in capitals is emphasis, a shorter one may be an acronym


def hear(text: str) -> tuple[list[str], list[str]]:
    """Return the keys and the spellings of `text`, in two lists of equal length. `,` and `.` end clauses.

    No mark stands at the beginning or the end, and no two together. No key but these two has a point in it.
    """
    keys: list[str] = []
    said: list[str] = []
    start = 0  # of the sentence
    capitals: list[int] = []  # where this sentence has words that are not all in small letters
    hushed = False  # after a filler, whose comma goes with it
    for token in cut(text):
        if token == "," or token == ".":
            if token == "." and capitals:
                _settle(said, start, capitals)
                capitals = []
            if keys and not (hushed and token == ","):
                if keys[-1] == "," or keys[-1] == ".":
                    keys.pop(), said.pop()
                keys.append(token)
                said.append(token)
            if token == ".":
                start = len(keys)
            hushed = False
            continue
        key = token.upper()
        expanded = EXPANDED.get(key)
        if expanded is not None:
            if expanded[0]:
                keys += expanded[0]
                said += expanded[1]
                hushed = False
            else:
                hushed = True
                if keys and keys[-1] == ",":
                    keys.pop(), said.pop()
            continue
        hushed = False
        if not token.islower():
            capitals.append(len(said))
        if not token.isalpha():
            if key.endswith("'S"):
                keys += key[:-2], "'S"
                said += token[:-2], "'s"
                continue
            key = key.replace(".", "-").rstrip("-")
            if key in EXPANDED:
                keys += EXPANDED[key][0]
                said += EXPANDED[key][1]
                continue
        keys.append(key)
        said.append(token if len(token) <= _LONGEST else _UNSAYABLE)
    if capitals:
        _settle(said, start, capitals)
    repair(keys, said)
    while keys and (keys[-1] == "," or keys[-1] == "."):
        keys.pop(), said.pop()
    return keys, said


def _settle(said: list[str], start: int, capitals: list[int]) -> None:
    """Give one sentence its everyday case: the capital of its first word goes, and so does shouting."""
    shouted = [at for at in capitals if at < len(said) and len(said[at]) > 1 and said[at].isupper()]
    if shouted:
        loud = len(shouted) * 2 > len(said) - start
        for at in shouted:
            word = said[at]
            if word in ACRONYMS and not (loud and word in EVERYDAY):
                continue
            if loud or len(word) > _EMPHASIS or word in EVERYDAY:
                said[at] = word.lower()
    first = capitals[0]
    if first == start and said[first].upper() in EVERYDAY:
        said[first] = said[first].lower()
