"""The person turned round: "I gave my book to you" is said back as "you gave your book to me".

One clause at a time, word for word: the list stays as long as it was, so that the parts of a decomposition still fit
(a word may hold two, "aren't" -> "am not"). Knows no script; prose.py makes the reply.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from elizad.speech.roles import (
    AFTER_SUBJECT,
    CHOICE,
    QUESTIONS,
    inverts,
    is_finite,
    is_joined,
    is_pair,
    key_at,
    say_we,
    say_you,
    verb_after,
)
from elizad.speech.verbs import listed

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
_TURNED: Final = _ALWAYS.keys() | listed("you mine we us")

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
_DEPENDING: Final = _VERBS | CHOICE | listed("you mine we us")  # on what stands beside them
_PITS: Final = listed("a an the coal gold salt land silver copper tin old")  # "a coal mine" is nobody's
_BEFORE_QUESTION: Final = listed("nor neither so never then and not") | QUESTIONS | {""}
_SUBJECTS: Final = listed("he she it this that there")


def mirror(heard: Sequence[str], keys: Sequence[str], said: list[str]) -> list[str]:
    """Return how the words of one clause are said back. All lists are equally long; `said` itself is not changed."""
    turned = said.copy()
    depending: list[int] = []
    for index, word in enumerate(heard):
        if word in _ALWAYS:
            turned[index] = _ALWAYS[word]
        elif word != keys[index] and len(said[index]) > 1 and said[index].isupper():
            turned[index] = said[index].lower()
        if word in _DEPENDING:
            depending.append(index)
    if not depending or _TURNED.isdisjoint(heard):
        return turned
    verbs: list[int] = []
    for index in depending:
        word = heard[index]
        if word in _VERBS:
            verbs.append(index)
        elif word == "YOU":
            turned[index] = say_you(heard, index)
        elif word == "WE" or word == "US":
            turned[index] = say_we(heard, index)
        elif word == "MINE":
            turned[index] = "mine" if key_at(heard, index - 1) in _PITS else "yours"
        elif word in CHOICE and is_pair(heard, index):
            verbs.append(index)
    for index in verbs:
        if heard[index] in CHOICE:
            turned[index - 1] = "you"  # "you and I" are the two of us, whoever says it
            turned[index + 1] = "me" if "ME" in heard[index - 1 : index + 2] else "I"
        else:
            _agree(heard, turned, index)
    return turned


def _agree(heard: Sequence[str], turned: list[str], index: int) -> None:
    """Make the verb at `index` go with its subject as that is said back, if the subject was turned."""
    verb = heard[index]
    left = index - 1
    while left >= 0 and heard[left] in AFTER_SUBJECT:
        left -= 1
    subject = key_at(heard, left)
    if subject == "I" or subject == "WE":
        if turned[left] == "you":
            turned[index] = _WITH_YOU.get(verb, turned[index])
        return
    if subject == "YOU":
        if turned[left] == "I" and not is_joined(heard, left) and not (verb == "WERE" and _supposes(heard)):
            turned[index] = _WITH_I.get(verb, turned[index])
        return
    right = index + 2 if key_at(heard, index + 1) == "NOT" else index + 1
    subject = key_at(heard, right)
    if subject == "I" and turned[right] == "you":
        if verb == "AM" or (verb in ("WAS", "WASN'T") and _asks(heard, index)):
            turned[index] = _WITH_YOU[verb]
    elif subject == "YOU" and turned[right] == "I" and inverts(heard, index):
        form = _WITH_I.get(verb, turned[index])
        if form == "am not":  # "aren't you" -> "am I not"
            turned[index], turned[right] = "am", "I not"
        else:
            turned[index] = form


def _asks(heard: Sequence[str], index: int) -> bool:
    """Whether the "was" at `index` stands before its "I", as in a question; not so in "the trouble was I lied"."""
    before = key_at(heard, index - 1)
    return before in _BEFORE_QUESTION or (before not in _SUBJECTS and not is_finite(verb_after(heard, index + 1)))


def _supposes(heard: Sequence[str]) -> bool:
    """Whether "were" goes with any person: "I wish I were here", "if I were you"."""
    return heard[0] == "IF" or "WISH" in heard
