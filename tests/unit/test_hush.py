"""Words that are never said aloud: gone in every form, and what is left is still a sentence."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.hush import Hush

HUSH = Hush(["damn", "fucking", "Acme", "acme corp", "hell"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Tell me of your Acme.", "Tell me of that."),
        ("Why do you hate Acme?", "Why do you hate that?"),
        ("You work at ACME CORP and you like it.", "You work at that and you like it."),
        ("Your fucking boss said so?", "Your boss said so?"),
        ("What is a damn idiot?", "What is an idiot?"),
        ("So, damn, what now?", "So, what now?"),
        ("How the hell did that happen?", "How did that happen?"),
        ("Damn. Why is that?", "Why is that?"),
        ("Damn.", "I see."),
        ("You say Acme's boss is bad.", "You say boss is bad."),
        ("TELL ME OF YOUR DAMN CAT", "TELL ME OF YOUR CAT"),
        ("Damnation, Acmeville and he'll shell out.", "Damnation, Acmeville and he'll shell out."),
        ("YOUR ACME AGAIN", "THAT AGAIN"),
        ("Why?", "Why?"),
        ("", ""),
    ],
)
def test_what_is_left(text: str, wanted: str) -> None:
    assert HUSH(text) == wanted


def test_nothing_is_touched_when_nothing_is_hushed() -> None:
    assert Hush()("A  text , as it is .") == "A  text , as it is ."
    assert HUSH("A  text , as it is .") == "A  text , as it is ."


WORDS = st.sampled_from(["a", "that", "see", "i", "your", "b c", "c", "b", "of", "the", "x"])


@given(
    st.lists(WORDS, min_size=1, max_size=4),
    st.lists(WORDS | st.sampled_from([",", ".", "?", "and", "did", "X's"]), max_size=14),
)
def test_no_word_comes_through_whatever_the_text(never: list[str], text: list[str]) -> None:
    said = Hush(never)(" ".join(text))
    for word in never:
        assert not re.search(rf"(?<!\w){re.escape(word)}(?!['’]?\w)", said, re.IGNORECASE), said
    assert said == said.strip()


def test_long_texts_are_quick() -> None:
    began = time.perf_counter()
    for text in ("damn " * 2000, "a the damn, " * 1000, "of your " * 2000, "acme " * 2000):
        HUSH(text)
    assert time.perf_counter() - began < 2
