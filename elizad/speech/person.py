"""The person turned round: "I gave my book to you" is said back as "you gave your book to me".

One clause at a time, word for word: the lists stay as long as they were, so that the parts of a decomposition still fit
(a word may become two, "aren't" -> "am not"). Knows no script; prose.py makes the reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from elizad.speech.verbs import (
    ADVERBS,
    AUXILIARIES,
    BE,
    CAUSATIVES,
    CLAUSE_VERBS,
    CONJUNCTIONS,
    DETERMINERS,
    FINITE,
    GIVERS,
    PREPOSITIONS,
    VERBS,
)

__all__ = ["mirror"]

# Whatever stands beside them.
_ALWAYS: Final = {
    "I": "you",
    "ME": "you",
    "MY": "your",
    "MYSELF": "yourself",
    "YOUR": "my",
    "YOURS": "mine",
    "YOURSELF": "myself",
    "YOURSELVES": "ourselves",
    "OUR": "your",
    "OURS": "yours",
    "OURSELVES": "yourselves",
}
# The verbs of "I" said back with "you", and the other way round; slips like "you was" are put right on the way.
_WITH_YOU: Final = {
    "AM": "are", "WAS": "were", "IS": "are", "HAS": "have", "DOES": "do", "WASN'T": "weren't", "ISN'T": "aren't",
    "HASN'T": "haven't", "DOESN'T": "don't",
}  # fmt: skip
_WITH_I: Final = {
    "ARE": "am", "WERE": "was", "IS": "am", "HAS": "have", "DOES": "do", "AREN'T": "am not", "WEREN'T": "wasn't",
    "ISN'T": "am not", "HASN'T": "haven't", "DOESN'T": "don't",
}  # fmt: skip
_VERBS: Final = _WITH_YOU.keys() | _WITH_I.keys()
_TURNED: Final = _ALWAYS.keys() | {"YOU", "MINE", "WE", "US"}
_CHOICE: Final = frozenset(("AND", "OR"))
_US: Final = frozenset("ALL BOTH TWO THREE GUYS PEOPLE FOLKS LOT".split())
_MINES: Final = frozenset("A AN THE COAL GOLD SALT LAND SILVER COPPER TIN OLD".split())
_NUMBERED: Final = frozenset("WAR PART CHAPTER VITAMIN TYPE".split())
_ALWAYS_SUBJECT_BEFORE: Final = frozenset("AND OR NOR NEITHER SO".split())
_QUESTION: Final = frozenset("WHAT WHO WHOM WHERE WHEN WHY HOW WHICH WHOSE".split())
_SUBJECTS: Final = frozenset("I YOU HE SHE IT WE THEY THIS THAT THERE".split())
_SOMETIMES_ADVERB: Final = ADVERBS | {"TOO", "NOT", "BOTH", "ALL"}
_FEELINGS: Final = frozenset(
    "AFRAID SURE SORRY GLAD HAPPY SAD CONVINCED CERTAIN ANGRY UPSET SURPRISED GRATEFUL LUCKY WORRIED SCARED".split()
)


def mirror(heard: Sequence[str], keys: Sequence[str], said: list[str]) -> list[str]:
    """Return how the words of one clause are said back. All three are equally long, and so is what is returned."""
    turned = said
    if heard != keys:
        turned = [
            word.lower() if key != before and word.isupper() and len(word) > 1 else word
            for before, key, word in zip(heard, keys, said, strict=True)
        ]
    if _TURNED.isdisjoint(heard):
        return turned
    turned = turned.copy()
    for index, word in enumerate(heard):
        if word in _ALWAYS:
            turned[index] = _ALWAYS[word]
        elif word == "YOU":
            turned[index] = _you(heard, index)
        elif word == "WE" or word == "US":
            turned[index] = _we(heard, index)
        elif word == "MINE" and _at(heard, index - 1) not in _MINES:
            turned[index] = "yours"
    _pair(heard, turned)
    for index, word in enumerate(heard):
        if word in _VERBS:
            verb = _agreed(heard, turned, index)
            if verb is not None:
                turned[index] = verb
    return turned


def _at(heard: Sequence[str], index: int) -> str:
    return heard[index] if 0 <= index < len(heard) else ""


def _pair(heard: Sequence[str], turned: list[str]) -> None:
    """Put "you and I" and "you and me" in the polite order: both mean the two of us, whoever says it."""
    for index in range(1, len(heard) - 1):
        if heard[index] in _CHOICE:
            pair = heard[index - 1], heard[index + 1]
            if pair in (("YOU", "I"), ("I", "YOU")) and not _is_verb(_at(heard, index - 2)):
                if _at(heard, index + 2) not in AUXILIARIES or pair == ("YOU", "I") or index == 1:
                    turned[index - 1], turned[index + 1] = "you", "I"
            elif pair in (("YOU", "ME"), ("ME", "YOU")):
                turned[index - 1], turned[index + 1] = "you", "me"


def _is_verb(word: str) -> bool:
    return word in VERBS or word in AUXILIARIES


def _is_noun_use(heard: Sequence[str], index: int) -> bool:
    """Whether the verb-like word at `index` is a noun: "the help", "my work"."""
    return _at(heard, index - 1) in DETERMINERS and _at(heard, index - 1) not in (
        "THAT",
        "WHAT",
        "THIS",
        "WHICH",
        "ALL",
    )


def _next(heard: Sequence[str], index: int) -> str:
    """Return the first word after `index` that is no adverb."""
    index += 1
    while index < len(heard) and heard[index] in _SOMETIMES_ADVERB:
        index += 1
    return heard[index] if index < len(heard) else ""


def _inverts(heard: Sequence[str], index: int) -> bool:
    """Whether the auxiliary at `index` stands before its subject, as in a question."""
    before = _at(heard, index - 1)
    if before == "NOT":
        before = _at(heard, index - 2)
    return before not in _SUBJECTS or (before in ("THAT", "THIS") and index == 1 and heard[index] not in BE)


def _you(heard: Sequence[str], index: int) -> str:
    """Say "you" back as "I" or "me"."""
    before = _at(heard, index - 1)
    following = _at(heard, index + 1)
    if following in _US and before not in AUXILIARIES:
        group = _next(heard, index + 1)
        return "we" if (group in AUXILIARIES or group in FINITE) and before not in PREPOSITIONS else "us"
    if before in PREPOSITIONS:
        return "me"
    verb = _next(heard, index)
    if before in AUXILIARIES and _inverts(heard, index - 1):
        return "I"
    if before == "NOT" and _at(heard, index - 2) in AUXILIARIES and _inverts(heard, index - 2) and verb:
        return "I"
    if before == "DARE" and _at(heard, index - 2) == "HOW":
        return "I"
    if not verb:
        return "me"
    finite = verb in AUXILIARIES and verb not in ("DOES", "HAS", "IS", "WAS", "DOESN'T", "HASN'T", "ISN'T", "WASN'T")
    if verb in FINITE:
        finite = True
    noun = before in VERBS and _is_noun_use(heard, index - 1)
    if before in VERBS and not noun:
        if before in GIVERS and verb not in AUXILIARIES:
            return "me"
        if (
            before in CAUSATIVES
            and (verb in FINITE or not finite)
            and not (before in CLAUSE_VERBS and verb in AUXILIARIES)
        ):
            return "me"
        if before in CLAUSE_VERBS:
            return "I" if finite else "me"
        return "I" if verb in AUXILIARIES and finite else "me"
    if finite:
        return "I"
    if verb.endswith("ING") and verb not in VERBS:
        return "me"
    if not before:
        return "I" if verb in ("WAS", "IS", "HAS", "DOES") else "me"
    if before in _CHOICE or verb in PREPOSITIONS or verb in CONJUNCTIONS or verb in DETERMINERS:
        return "me"
    return "I" if before in CONJUNCTIONS else "me"


def _we(heard: Sequence[str], index: int) -> str:
    """The caller's "we" is a "you", but what "we" might do together stays as it is: "can we talk", "let us"."""
    before = _at(heard, index - 1)
    word = heard[index].lower()
    if before in ("CAN", "COULD", "SHALL", "SHOULD", "MAY", "LET") or _at(heard, index + 1) in ("ALL", "BOTH"):
        return word
    return "you"


def _agreed(heard: Sequence[str], turned: Sequence[str], index: int) -> str | None:
    """Return the form of the verb at `index` that goes with its subject as it is said back; None: as it was."""
    word = heard[index]
    left = index - 1
    while left >= 0 and (heard[left] in _SOMETIMES_ADVERB):
        left -= 1
    subject = _at(heard, left) if left >= 0 else ""
    if subject == "I" or (subject == "ME" and word == "AM"):
        return None if turned[left] != "you" or _is_joined(heard, left) else _WITH_YOU.get(word)
    if subject == "YOU":
        return _WITH_I.get(word) if turned[left] == "I" and not _is_joined(heard, left) else None
    right = index + 1
    if _at(heard, right) == "NOT":
        right += 1
    subject = _at(heard, right)
    if subject == "YOU" and turned[right] == "I" and _inverts(heard, index):
        return _WITH_I.get(word) if word in ("ARE", "WERE", "AREN'T", "WEREN'T") else None
    if subject == "I":
        if word == "AM":
            return "are"
        if word in ("WAS", "WASN'T") and _asks(heard, index):
            return _WITH_YOU[word]
    return None


def _is_joined(heard: Sequence[str], index: int) -> bool:
    """Whether the subject at `index` is one of two, "my mother and I", so that its verb is plural either way."""
    if _at(heard, index - 1) not in _CHOICE:
        return False
    return not any(_is_verb(word) for word in heard[: index - 1])


def _asks(heard: Sequence[str], index: int) -> bool:
    before = _at(heard, index - 1)
    return (
        before in ("", "NOR", "NEITHER", "SO", "NEVER", "THEN", "AND", "NOT")
        or before in _QUESTION
        or (_at(heard, index - 2) in _QUESTION and before not in _SUBJECTS)
    )
