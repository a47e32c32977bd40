"""Decomposition against a plain backtracking matcher, and within its bound of work."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from elizad.eliza.match import Decomposition, group_words, hints

TAGS = {"T": ["A", "B"], "U": ["C"]}
ELEMENTS = st.sampled_from(["0", "0", "1", "2", "A", "B", "C", "(*A C)", "(/T)", "(/U T)", "(A B)"])
WORDS = st.lists(st.sampled_from("ABCD"), max_size=9)


def matched(pattern: Decomposition, words: list[str]) -> list[list[str]] | None:
    places = pattern.lay(words)
    if places is None:
        return None
    return [pattern.part(words, places, number) for number in range(1, len(pattern.elements) + 1)]


def backtracking(pattern: Sequence[str], words: list[str]) -> list[list[str]] | None:
    """Return the parts with each 0 as short as possible, from left to right; the definition, slow and plain."""
    if not pattern:
        return [] if not words else None
    element = pattern[0]
    if element == "0":
        widths = range(len(words) + 1)
    elif element.isdecimal():
        widths = range(int(element), int(element) + 1)
    else:
        fits = words[:1] == [element] or (
            element.startswith("(") and bool(words) and words[0] in group_words(element, TAGS)
        )
        widths = range(1, 2) if fits else range(0)
    for width in widths:
        if width <= len(words) and (rest := backtracking(pattern[1:], words[width:])) is not None:
            return [words[:width], *rest]
    return None


@given(st.lists(ELEMENTS, min_size=1, max_size=7), WORDS)
@example(["0", "B", "0", "B"], list("BDBDB"))
@example(["0", "0"], [])
def test_pieces_find_what_backtracking_finds(pattern: list[str], words: list[str]) -> None:
    assert matched(Decomposition(pattern, TAGS), words) == backtracking(pattern, words)


@given(st.lists(ELEMENTS, min_size=1, max_size=7), WORDS)
def test_the_parts_are_the_whole_text(pattern: list[str], words: list[str]) -> None:
    parts = matched(Decomposition(pattern, TAGS), words)
    if parts is not None:
        assert len(parts) == len(pattern)
        assert [*itertools.chain(*parts)] == words


class CountedWord(str):
    """A word that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedWord.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_the_work_is_bounded_by_words_times_elements() -> None:
    words = [CountedWord("A") for _ in range(1000)]
    pattern = ["0", *["A", "A", "A", "A", "B", "0"] * 6]
    CountedWord.compared = 0
    assert matched(Decomposition(pattern), words) is None
    assert 0 < CountedWord.compared <= len(words) * len(pattern)


def test_numbers_are_ascii_and_of_any_length() -> None:
    assert matched(Decomposition(["٣"]), ["٣"]) == [["٣"]]
    assert matched(Decomposition(["9" * 5000, "0"]), ["A"]) is None
    assert matched(Decomposition(["000", "A"]), ["B", "A"]) == [["B"], ["A"]]


@given(st.lists(st.lists(ELEMENTS, min_size=1, max_size=5), max_size=5), WORDS)
def test_the_hints_leave_out_no_pattern_that_fits(patterns: list[list[str]], words: list[str]) -> None:
    compiled = [Decomposition(pattern, TAGS) for pattern in patterns]
    possible, by_word = hints(compiled)
    for word in words:
        possible |= by_word.get(word, 0)
    assert all(possible >> number & 1 for number, one in enumerate(compiled) if one.lay(words) is not None)
