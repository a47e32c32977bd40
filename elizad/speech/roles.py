"""Subject or object: whether the caller's "you" is said back as "I" or "me", and whether a "we" is a "you".

Works on the keys of one clause as they were heard. A guess from the neighbours, not a parse; person_cases.txt in the
tests says what it must get right.
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
    listed,
)

__all__ = [
    "AFTER_SUBJECT", "CHOICE", "QUESTIONS", "inverts", "is_finite", "is_joined", "is_pair", "key_at", "say_we",
    "say_you", "verb_after",
]  # fmt: skip

CHOICE: Final = listed("and or")
QUESTIONS: Final = listed("what who whom where when why how which whose")
AFTER_SUBJECT: Final = ADVERBS | listed("too both all")
"""What can stand between a subject and its verb."""

_GROUPS: Final = listed("both guys people folks lot")
_COUNTS: Final = listed("all two three")  # "you two are", but "I owe you two pounds" and "you all day"
_SUBJECTS: Final = listed("i you he she it we they this that there")
_NOT_YOURS: Final = listed("am is was has does isn't wasn't hasn't doesn't")  # no verb of "you", but for a slip
_OWNING: Final = listed("have had do did")  # main verbs too: "they have you"
_STATES: Final = listed("like want know think need love hate understand mean care believe trust")
_LIKENESS: Final = BE | listed(
    "feel feels felt seem seems seemed look looks looked sound sounds sounded act acts acted"
)
_NOT_DOING: Final = listed("thing nothing something anything everything morning evening wedding king ring string")
_VERBAL: Final = ("ED", "ATE", "IZE", "IFY")
_SHORT: Final = 4  # letters: "red" and "late" are no verbs
_PLURALS: Final = listed("are were have should could can will would must might")


def key_at(heard: Sequence[str], index: int) -> str:
    """Return the key at `index`; outside of the clause, the empty one."""
    return heard[index] if 0 <= index < len(heard) else ""


def say_you(heard: Sequence[str], index: int) -> str:
    """Say the "you" at `index` back: "I", "me", or "we" and "us" for "you two"."""
    before, following = key_at(heard, index - 1), key_at(heard, index + 1)
    verb = verb_after(heard, index)
    if following in _GROUPS or following in _COUNTS:
        after = verb_after(heard, index + 1)
        if following in _GROUPS or is_finite(after) or not after:
            return "we" if before not in PREPOSITIONS and is_finite(after) else "us"
    if before in PREPOSITIONS:
        return "me"
    if inverts(heard, index - 1) or (before == "NOT" and verb and inverts(heard, index - 2)):
        return "I"
    if not verb:
        return "me"
    if following in CHOICE and index + 2 < len(heard):
        first = not before or before in CONJUNCTIONS or (before in CLAUSE_VERBS and before not in CAUSATIVES)
        return "I" if first and any(map(is_finite, heard[index + 3 : index + 5])) else "me"
    if _acts(heard, index - 1):
        return _after_verb(before, verb)
    if is_finite(verb):
        return "me" if before == "LIKE" and not _is_clause_like(heard, index - 1) else "I"
    if not before and verb in _NOT_YOURS:
        return "I"  # "you was": a slip that is put right
    if before not in CONJUNCTIONS or before in CHOICE or before == "LIKE" or verb.endswith("ING"):
        return "me"
    return "me" if verb in PREPOSITIONS or verb in CONJUNCTIONS or verb in DETERMINERS else "I"


def say_we(heard: Sequence[str], index: int) -> str:
    """Say "we" or "us" back as "you", unless it is what caller and listener may do together: "can we", "let us"."""
    before = key_at(heard, index - 1)
    if before == "LET" or before in AUXILIARIES or key_at(heard, index + 1) in ("ALL", "BOTH"):
        return heard[index].lower()
    return "you"


def inverts(heard: Sequence[str], index: int) -> bool:
    """Whether an auxiliary of "you" at `index` stands before its subject, as in a question."""
    word = key_at(heard, index)
    if word not in AUXILIARIES or word in _NOT_YOURS:
        return word == "DARE" and key_at(heard, index - 1) == "HOW"
    before = key_at(heard, index - 1)
    if word in _OWNING:
        return not before or before in CONJUNCTIONS or not QUESTIONS.isdisjoint(heard[:index])
    return before not in _SUBJECTS or (before in ("THAT", "THIS") and word not in BE)


def verb_after(heard: Sequence[str], index: int) -> str:
    """Return the first word after the subject at `index` that is no adverb: its verb, if it is a subject."""
    index += 1
    while index < len(heard) and heard[index] in AFTER_SUBJECT:
        index += 1
    return key_at(heard, index)


def is_finite(word: str) -> bool:
    """Whether `word` can be the verb of "I": one that is known, or that looks like it."""
    if word in FINITE or word in AUXILIARIES:
        return word not in _NOT_YOURS
    return len(word) > _SHORT and word.endswith(_VERBAL)


def is_pair(heard: Sequence[str], index: int) -> bool:
    """Whether the "and" at `index` joins "you" and "I" to the two of us."""
    pair = {key_at(heard, index - 1), key_at(heard, index + 1)}
    if pair == {"YOU", "ME"}:
        return True
    if pair != {"YOU", "I"}:
        return False
    before = key_at(heard, index - 2)
    takes_object = (
        before in VERBS and before not in AUXILIARIES and (before not in CLAUSE_VERBS or before in CAUSATIVES)
    )
    return not takes_object or key_at(heard, index + 2) in _PLURALS


def is_joined(heard: Sequence[str], index: int) -> bool:
    """Whether the subject at `index` is one of two, "my mother and I", so that its verb is plural either way."""
    if key_at(heard, index - 1) not in CHOICE:
        return False
    start = index - 2
    if not any(word in VERBS or word in AUXILIARIES for word in heard[: index - 1]):
        return True
    if key_at(heard, start - 1) in DETERMINERS:
        start -= 1
    before = key_at(heard, start - 1)
    return before == "" or before in CLAUSE_VERBS or before in CONJUNCTIONS


def _acts(heard: Sequence[str], index: int) -> bool:
    """Whether the word at `index` is a verb here, not a noun ("the help") or "like" as a conjunction."""
    word = key_at(heard, index)
    if word == "LIKE":
        before = key_at(heard, index - 1)
        return before == "" or before == "TO" or before in _SUBJECTS or before in AUXILIARIES - BE
    if word in VERBS or word in CLAUSE_VERBS or word in GIVERS or word in CAUSATIVES:
        before = key_at(heard, index - 1)
        return before not in DETERMINERS or before in ("THAT", "WHAT", "THIS", "WHICH", "ALL")
    return word.endswith("ING") and word not in _NOT_DOING


def _is_clause_like(heard: Sequence[str], index: int) -> bool:
    """Whether the "like" at `index` begins a clause: "it feels like you ...", not "people like you ..."."""
    before = key_at(heard, index - 1)
    return before in _LIKENESS or before in ADVERBS


def _after_verb(before: str, verb: str) -> str:
    """Decide for a "you" between the verbs `before` and `verb`."""
    finite = is_finite(verb)
    if before in GIVERS and verb not in AUXILIARIES:
        return "me"
    if before in CLAUSE_VERBS and finite:
        return "me" if before in CAUSATIVES and verb not in AUXILIARIES and verb not in _STATES else "I"
    return "I" if finite and verb in AUXILIARIES and before not in CAUSATIVES else "me"
