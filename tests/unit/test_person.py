"""The person turned round. Most of what is expected stands in person_cases.txt, which is meant to be extended."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.speech.hearing import hear
from elizad.speech.person import mirror
from tests.support.everyday import mirrored_clauses

CASES = Path(__file__).with_name("person_cases.txt")
SUBSTITUTES = {
    "I": "YOU", "ME": "YOU", "MY": "YOUR", "MINE": "YOURS", "MYSELF": "YOURSELF", "AM": "ARE",
    "YOU": "I", "YOUR": "MY", "YOURS": "MINE", "YOURSELF": "MYSELF",
}  # fmt: skip


def cases() -> list[tuple[str, str]]:
    lines = (line.strip() for line in CASES.read_text(encoding="utf-8").splitlines())
    pairs = [line.split(" -> ") for line in lines if line and not line.startswith("#")]
    return [(caller, back) for caller, back in pairs]


def said_back(text: str, substitutes: dict[str, str]) -> str:
    heard, said = hear(text)
    keys = [substitutes.get(key, key) for key in heard]
    spelt = [substitutes.get(key, word) for key, word in zip(heard, said, strict=True)]
    return " ".join(mirror(heard, keys, spelt)).replace(" 's", "'s")


def test_the_table_is_long_and_says_nothing_twice() -> None:
    callers = [caller for caller, _ in cases()]
    assert len(callers) > 300
    assert len(set(callers)) == len(callers)


@pytest.mark.parametrize(("caller", "back"), cases())
def test_is_said_back(caller: str, back: str) -> None:
    assert said_back(caller, SUBSTITUTES) == back


@pytest.mark.parametrize(("caller", "back"), cases())
def test_does_not_depend_on_the_script_s_substitutes(caller: str, back: str) -> None:
    assert said_back(caller, {}) == back


@given(mirrored_clauses())
def test_generated_clauses_are_said_back(pair: tuple[str, str]) -> None:
    caller, back = pair
    assert said_back(caller, SUBSTITUTES) == back


def test_other_substitutes_are_the_script_s_and_never_shout() -> None:
    assert mirror(["MOM", "LIED"], ["MOTHER", "LIED"], ["MOTHER", "lied"]) == ["mother", "lied"]
    assert mirror(["NASA", "LIED"], ["NASA", "LIED"], ["NASA", "lied"]) == ["NASA", "lied"]


def test_leaves_what_it_is_given_alone() -> None:
    heard, said = ["I", "ARE", "YOU"], ["I", "are", "you"]
    assert mirror(heard, heard, said) != said
    assert (heard, said) == (["I", "ARE", "YOU"], ["I", "are", "you"])


OTHERS = (
    "WE",
    "US",
    "ARE",
    "WAS",
    "WERE",
    "IS",
    "AREN'T",
    "NOT",
    "AND",
    "LIKE",
    "THINK",
    "THAT",
    "HAVE",
    "DO",
    "IF",
    "WISH",
)
WORDS = st.sampled_from([*SUBSTITUTES, *OTHERS, "TO", "GAVE", "X"])


@given(st.lists(WORDS, max_size=12))
@example([])
@example(["AREN'T", "NOT", "YOU"])
@example(["AND"])
def test_any_words_keep_their_number_and_their_neighbours(heard: list[str]) -> None:
    said = [key.lower() for key in heard]
    back = mirror(heard, heard, said)
    assert len(back) == len(said)
    assert all(back)
    untouched = [
        (word, turned) for key, word, turned in zip(heard, said, back, strict=True) if key in ("X", "TO", "GAVE")
    ]
    assert all(word == turned for word, turned in untouched)
