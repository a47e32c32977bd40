"""Repairs of heard words that need their neighbours: what 's and 'd stand for, fillers, stutters.

Works on keys and spellings side by side; changes nothing that is not certain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from elizad.speech.everyday import NUMBER_WORDS
from elizad.speech.verbs import ADVERBS, AUXILIARIES, BASES, BE, CONJUNCTIONS, PASTS, PREPOSITIONS, PRONOUNS, listed

__all__ = ["PAUSE", "RULED", "repair", "unstutter"]

PAUSE: Final = "(,)"
"""The key of a comma that is left of a filler between two, until it is seen whether a clause begins after it."""

_DELIMITERS: Final = ("", ",", ".")
_MAX_STUTTER: Final = 3  # words: "I want to I want to go"

_SUBJECTS: Final = listed("I HE SHE IT WE THEY THERE YOU")
_OPENERS: Final = _SUBJECTS | {"MY", "WHAT", "WHY"}
_OPEN_CALLS: Final = listed(
    "YES YEAH YEP NO NOPE WELL OH OK SO HELLO HI HEY RIGHT LOOK LISTEN ACTUALLY HONESTLY ANYWAY NOW"
)
_NO_OWNERS: Final = listed("HE SHE IT THAT THIS THERE HERE WHAT WHO WHERE WHEN WHY HOW EVERYTHING NOTHING SOMETHING")
# "my mother's ...": these can follow "is" but not an owner.
_AFTER_IS: Final = listed(
    "A AN THE NOT SO VERY TOO ALWAYS NEVER JUST STILL ALSO REALLY DEAD ILL SICK DYING LEAVING COMING GETTING GOING "
    "BEING TRYING MAKING ANGRY MAD CRAZY HERE THERE IN ON AT FROM LIKE FINE OK SAD HAPPY MY YOUR"
)
_AFTER_HAS: Final = listed("BEEN GOT GOTTEN HAD BECOME STARTED STOPPED BEGUN")
_AFTER_YOUR: Final = listed("A AN THE NOT SO SUCH WELCOME")
_NEGATIVE: Final = {
    "CAN": "CAN'T", "COULD": "COULDN'T", "DO": "DON'T", "DOES": "DOESN'T", "DID": "DIDN'T", "WILL": "WON'T",
    "WOULD": "WOULDN'T", "SHOULD": "SHOULDN'T",
}  # fmt: skip
# "Do you know", "what you know", "if you know" are no fillers, nor is "you know what" or "you know her".
_BEFORE_KNOW: Final = AUXILIARIES - BE | listed(
    "IF WHAT HOW WHO WHERE WHEN WHY AS THAT LET ALL THINK HOPE THING THINGS EVERYTHING PEOPLE SURE EVER MAKE LIKE"
)
_NO_SUBJECT_AFTER: Final = BE | PREPOSITIONS | listed("A AN THE MY HIS THEIR")  # so that "you know" is said aside
_KNOWN_THINGS: Final = listed("NOTHING ANYTHING EVERYTHING SOMETHING KING")
_INTENSIFIERS: Final = listed("SO REALLY VERY TOTALLY SUPER JUST LITERALLY")
_MEANT: Final = (
    frozenset(_DELIMITERS) | NUMBER_WORDS | listed("VERY REALLY SO TOO MUCH FAR LONG MANY BYE HA HAD NIGHT KNOCK NEVER")
)


def repair(keys: list[str], said: list[str]) -> None:
    """Repair what only neighbours tell, in place; both lists stay of equal length."""
    index = len(keys)
    while index:  # from the end, where what a rule takes out does not move the rest
        index -= 1
        if keys[index] in _RULES:
            _RULES[keys[index]](keys, said, index)
            if index > len(keys):
                index = len(keys)


def _at(keys: list[str], index: int) -> str:
    return keys[index] if 0 <= index < len(keys) else ""


def _after_adverbs(keys: list[str], index: int) -> str:
    while _at(keys, index) in ADVERBS:
        index += 1
    return _at(keys, index)


def _put(keys: list[str], said: list[str], start: int, end: int, words: str) -> None:
    keys[start:end] = words.upper().split()
    said[start:end] = words.split()


def _apostrophe_s(keys: list[str], said: list[str], index: int) -> None:
    owner, following = _at(keys, index - 1), _at(keys, index + 1)
    if _after_adverbs(keys, index + 1) in _AFTER_HAS:
        _put(keys, said, index, index + 1, "has")
    elif owner in _NO_OWNERS or following in _AFTER_IS or (owner in PRONOUNS and following.endswith("ING")):
        _put(keys, said, index, index + 1, "is")


def _apostrophe_d(keys: list[str], said: list[str], index: int) -> None:
    following = _after_adverbs(keys, index + 1)
    _put(keys, said, index, index + 1, "had" if following in PASTS or following == "BETTER" else "would")


def _not(keys: list[str], said: list[str], index: int) -> None:
    negative = _NEGATIVE.get(_at(keys, index - 1))
    if negative is not None:
        keys[index - 1 : index + 1] = [negative]
        said[index - 1 : index + 1] = [f"{said[index - 1]} {said[index]}"]


def _dont(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index + 1) == "KNOW" and _at(keys, index - 1) in _DELIMITERS:
        _put(keys, said, index, index, "I")


def _your(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index + 1) in _AFTER_YOUR:
        _put(keys, said, index, index + 1, "you are")


def _am(keys: list[str], said: list[str], index: int) -> None:
    before = _at(keys, index - 1)
    if before in NUMBER_WORDS or before[:1].isdigit():
        keys[index], said[index] = "A-M", "a.m."


def _us(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index - 1) == "THE":
        keys[index], said[index] = "U-S", "US"


def _ill(keys: list[str], said: list[str], index: int) -> None:
    following = _after_adverbs(keys, index + 1)
    if following in BASES and _at(keys, index - 1) in (*_DELIMITERS, "AND", "THEN", "SO", "THINK", "IF"):
        _put(keys, said, index, index + 1, "I will")


def _id(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index + 1) in ("LIKE", "LOVE", "RATHER", "BE", "NEVER", "SAY", "PREFER"):
        _put(keys, said, index, index + 1, "I would")


def _wont(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index - 1) in PRONOUNS or (index == 0 and _at(keys, 1) in PRONOUNS):
        _put(keys, said, index, index + 1, "won't")


def _cause(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index + 1) in _SUBJECTS or _at(keys, index + 1) == "MY":
        _put(keys, said, index, index + 1, "because")


def _but(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index - 1) in ("NOTHING", "ANYTHING", "EVERYTHING", "NOBODY", "ALL", "ANYONE", "EVERYONE"):
        keys[index] = "EXCEPT"  # no border between clauses


def _comma(keys: list[str], said: list[str], index: int) -> None:
    if index and keys[index - 1] in _OPEN_CALLS and _at(keys, index - 2) in _DELIMITERS:
        _drop(keys, said, index, index + 1)


def _pause(keys: list[str], said: list[str], index: int) -> None:
    if _opens(keys, index + 1):
        keys[index] = ","  # "I hate him, um, he lies", but not "I hate, um, him"
        _comma(keys, said, index)
    else:
        _drop(keys, said, index, index + 1)


def _opens(keys: list[str], index: int) -> bool:
    """Whether a clause is likely to begin at `index`."""
    word = _at(keys, index)
    return word in _OPENERS or (word in AUXILIARIES and _at(keys, index + 1) in _SUBJECTS)


def _know(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index - 1) != "YOU":
        return
    before, following = _at(keys, index - 2), _at(keys, index + 1)
    if before in _BEFORE_KNOW:
        return
    if before in _DELIMITERS:
        filler = following in _SUBJECTS or (following == "," and index > 1)
    elif before in _NO_SUBJECT_AFTER:
        filler = following not in ("", ",", ".", "WHAT", "WHO")
    elif before in CONJUNCTIONS or before in ("WELL", "OH"):
        filler = following not in ("", ".", "WHAT", "HOW", "WHO", "IT", "THAT", "THE", "ME", "HIM", "HER")
    else:
        filler = (
            following in _SUBJECTS
            or (following in _DELIMITERS and index > 2)
            or (following.endswith("ING") and following not in _KNOWN_THINGS)  # "always you know telling me"
        )
    if filler:
        _drop_aside(keys, said, index - 1, index + 1)


def _mean(keys: list[str], said: list[str], index: int) -> None:
    if _at(keys, index - 1) != "I" or _at(keys, index - 2) in ("WHAT", "THAT", "IF", "HOW", "WHO", "KNOW", "THINK"):
        return
    following = _at(keys, index + 1)
    if (
        following in _SUBJECTS - {"IT", "THERE"}
        or (following in ("IT", "THERE", "THAT") and _at(keys, index + 2) in BE)
        or (following == "," and _at(keys, index - 2) in _DELIMITERS)
    ):
        _drop_aside(keys, said, index - 1, index + 1)


def _like(keys: list[str], said: list[str], index: int) -> None:
    before, following = _at(keys, index - 1), _at(keys, index + 1)
    if (before == "," and following == ",") or (before in BE and following in _INTENSIFIERS):
        _drop_aside(keys, said, index, index + 1)


def _drop(keys: list[str], said: list[str], start: int, end: int) -> None:
    del keys[start:end], said[start:end]


def _drop_aside(keys: list[str], said: list[str], start: int, end: int) -> None:
    """Drop words said aside, and the commas round them."""
    if _at(keys, end) == ",":
        end += 1
    if _at(keys, start - 1) == "," and _at(keys, end) not in _DELIMITERS and not _opens(keys, end):
        start -= 1
    _drop(keys, said, start, end)


_Rule = Callable[[list[str], list[str], int], None]
_RULES: Final[dict[str, _Rule]] = {
    "'S": _apostrophe_s,
    "'D": _apostrophe_d,
    "NOT": _not,
    "DON'T": _dont,
    "YOUR": _your,
    "AM": _am,
    "US": _us,
    "ILL": _ill,
    "ID": _id,
    "WONT": _wont,
    "CAUSE": _cause,
    "BUT": _but,
    ",": _comma,
    PAUSE: _pause,
    "KNOW": _know,
    "MEAN": _mean,
    "LIKE": _like,
}
RULED: Final = frozenset(_RULES)
"""Where none of these is, there is nothing to repair."""


def _may_stutter(keys: list[str]) -> bool:
    """Whether any words come twice in a row: a quick look, for most words that come again do so far away."""
    seen: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key in seen and key != "," and key != ".":
            distance = index - seen[key]
            if distance <= _MAX_STUTTER + 1 and (
                distance == 1 or keys[index - distance + 1] == "," or keys[index - 1] == _at(keys, index - distance - 1)
            ):
                return True
        seen[key] = index
    return False


def unstutter(keys: list[str], said: list[str]) -> None:
    """Say repeated words once, in place: "my my my mother", "I was I was thinking", "no, no"."""
    if not _may_stutter(keys):
        return
    kept: list[str] = []
    spelt: list[str] = []
    seen: dict[str, int] = {}  # key -> where it was kept last
    for key, word in zip(keys, said, strict=True):
        if key in _DELIMITERS:
            kept.append(key)
            spelt.append(word)
            continue
        distance = len(kept) - seen.get(key, -_MAX_STUTTER - 2)
        if distance == 1 and _is_stutter((key,)):
            continue
        seen[key] = len(kept)
        kept.append(key)
        spelt.append(word)
        if distance > _MAX_STUTTER + 1:
            continue
        for width in (distance, distance - 1):  # without and with a comma between
            end = len(kept) - width
            again = kept[end:]
            if width < distance and kept[end - 1] == ",":
                end -= 1
            if again and end >= width and kept[end - width : end] == again and _is_stutter(again):
                del kept[end:], spelt[end:]
                seen |= zip(again, range(end - width, end), strict=True)
                break
    keys[:], said[:] = kept, spelt


def _is_stutter(words: Sequence[str]) -> bool:
    """Whether words said twice in a row were meant once; numbers and "very very" were not."""
    return len(words) <= _MAX_STUTTER and _MEANT.isdisjoint(words) and not words[-1][0].isdigit()
