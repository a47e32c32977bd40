"""What the caller said -> words: a key for each, which rules match, and how the caller spelt it.

Recognised speech has no marks and no capitals, but fillers and stutters; typed speech has all of the marks. Knows no
script, and does not change the person (person.py does).
"""

from __future__ import annotations

import sys
from typing import Final

from elizad.speech.context import PAUSE, RULED, repair, unstutter
from elizad.speech.contractions import EXPANDED
from elizad.speech.everyday import ACRONYMS, EVERYDAY
from elizad.speech.farewell import PARTING_KEYS, is_goodbye
from elizad.speech.tokens import cut, without_mark

__all__ = ["hear"]

_LONGEST: Final = 45  # characters; no word of English is longer, and no listener follows one (a link, keyboard noise)
_UNSAYABLE: Final = "something"
_EMPHASIS: Final = 5  # letters: a longer word in capitals is emphasis, a shorter one may be an acronym

# Most words need no second look.
_PLAIN: Final = {key.lower(): sys.intern(key) for key in EVERYDAY if key not in EXPANDED}
_EXPANDED: Final = {word: words for key, words in EXPANDED.items() for word in (key.lower(), key.capitalize())}
_SHORT: Final = {word: words for word, words in _EXPANDED.items() if words[0]}  # need no third
_NOTED: Final = RULED | PARTING_KEYS
_IN_TITLES: Final = ("My", "Your", "Me", "You")


def hear(text: str) -> tuple[list[str], list[str]]:
    """Return the keys and the spellings of `text`, in two lists of equal length. `,` and `.` end clauses.

    A leave-taking is one word, whatever it is wrapped in. No mark stands at the beginning or the end, and no two
    together. No key but these two has a point in it.
    """
    keys: list[str] = []
    said: list[str] = []
    words = text.split()
    if words and words[-1][-1] in ".?!":
        words[-1] = without_mark(words[-1]) or words[-1]
    start = 0  # of the sentence
    mark = ""
    for word in words:
        if word in _PLAIN:
            keys.append(_PLAIN[word])
            said.append(word)
        elif word in _EXPANDED:
            keys += _EXPANDED[word][0]
            said += _EXPANDED[word][1]
        elif not word.isalpha():
            known = without_mark(word)
            if len(keys) == start and known.istitle():
                known = known.lower()
            if known not in _PLAIN:
                break
            mark = "," if word[-1] in ",;" else "."
            keys += _PLAIN[known], mark
            said += known, mark
            if mark == ".":
                start = len(keys)
        elif not word.isascii() or len(word) > _LONGEST:
            break
        elif word.islower():
            keys.append(word.upper())
            said.append(word)
        elif word.istitle() and not (len(keys) > start and word in _IN_TITLES):
            small = word.lower()
            said.append(word if len(keys) > start or small not in _PLAIN else small)
            keys.append(word.upper())
        else:
            break
    else:  # plain words with a mark behind them at most and nothing shouted, as is usual
        if not _NOTED.isdisjoint(keys):
            if not PARTING_KEYS.isdisjoint(keys) and is_goodbye(text):
                return ["GOODBYE"], ["goodbye"]
            repair(keys, said)
        if len(set(keys)) < len(keys):
            unstutter(keys, said)
        if mark:
            _close(keys, said)
        return keys, said
    if is_goodbye(text):
        return ["GOODBYE"], ["goodbye"]
    return _hear_all(text)


def _close(keys: list[str], said: list[str]) -> None:
    """Take the marks off the end."""
    while keys and (keys[-1] == "," or keys[-1] == "."):
        del keys[-1], said[-1]


def _hear_all(text: str) -> tuple[list[str], list[str]]:
    """Hear any text but a leave-taking: what is usual is only heard quicker than here."""
    keys, said = _look_at(cut(text))
    repair(keys, said)
    unstutter(keys, said)
    _close(keys, said)
    return keys, said


def _look_at(tokens: list[str]) -> tuple[list[str], list[str]]:
    keys: list[str] = []
    said: list[str] = []
    start = 0  # of the sentence
    capitals: list[int] = []  # where this sentence has words that are not all in small letters
    hushed = -1  # where a filler was dropped, whose comma goes with it
    for token in tokens:
        plain = _PLAIN.get(token)
        if plain is not None:
            keys.append(plain)
            said.append(token)
            continue
        short = _SHORT.get(token)
        if short is not None:
            keys += short[0]
            said += short[1]
            continue
        if token == "," or token == ".":
            if token == "." and capitals:
                _settle(keys, said, start, capitals)
                capitals = []
            if token == "," and hushed == len(keys):
                if keys and keys[-1] == ",":
                    keys[-1] = PAUSE
            elif keys:
                if keys[-1] in (",", ".", PAUSE):
                    del keys[-1], said[-1]
                keys.append(token)
                said.append(token)
            if token == ".":
                start = len(keys)
            continue
        key = token.upper()
        if "." in key:
            key = key.replace(".", "-").rstrip("-")
        expanded = EXPANDED.get(key)
        if expanded is not None and (expanded[0] or token not in ACRONYMS):  # "er", but "the ER"
            if not expanded[0]:
                hushed = len(keys)
            keys += expanded[0]
            said += expanded[1]
            continue
        if not token.islower():
            capitals.append(len(said))
        if key.endswith("'S"):
            keys += key[:-2], "'S"
            said += token[:-2], "'s"
        else:
            keys.append(key)
            said.append(token if len(token) <= _LONGEST else _UNSAYABLE)
    if capitals:
        _settle(keys, said, start, capitals)
    return keys, said


def _settle(keys: list[str], said: list[str], start: int, capitals: list[int]) -> None:
    """Give one sentence its everyday case: the capital of its first word goes, and so does shouting."""
    first = capitals[0]
    if first == start and said[first].istitle() and said[first].upper() in EVERYDAY:
        said[first] = said[first].lower()
        if len(capitals) == 1:
            return
    for at in capitals:
        if said[at] in _IN_TITLES and at > start and _opens_title(said, capitals, at):
            keys[at] = f"'{keys[at]}'"  # "My Fair Lady" is nobody's lady: no rule and no person for this "My"
    shouted = [at for at in capitals if said[at].isupper() and said[at][1:2].isalpha()]
    if shouted:
        loud = len(shouted) * 2 > sum(word.isalpha() and word != "I" for word in said[start:])
        for at in shouted:
            word = said[at]
            if word in ACRONYMS and not (loud and word in EVERYDAY):
                continue
            if loud or len(word) > _EMPHASIS or word in EVERYDAY:
                said[at] = word.lower()


def _opens_title(said: list[str], capitals: list[int], at: int) -> bool:
    """Whether capitals follow the word at `at`, and more than a relative's ("I love My Mother")."""
    if at - 1 in capitals or at + 1 not in capitals:
        return False
    return at + 2 in capitals or said[at + 1].upper() not in EVERYDAY
