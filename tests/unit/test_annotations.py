"""Brace groups at the end of what a caller said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.speech.annotations import Expression, context, parse_expressions, split_annotations

CASES = [
    ("I am tired.", "I am tired.", ()),
    ("I am tired. {very tired, quite anxious}", "I am tired.", ("very tired, quite anxious",)),
    ("hello {Context: caller is Ann}", "hello", ("Context: caller is Ann",)),
    ("hello {very sad} {Context: from Leeds}", "hello", ("very sad", "Context: from Leeds")),
    ("hello {Context: from Leeds} {very sad}", "hello", ("Context: from Leeds", "very sad")),
    ("hello{very sad}{slightly calm}", "hello", ("very sad", "slightly calm")),
    ("hello {Context: likes {braces} {a lot}}", "hello", ("Context: likes {braces} {a lot}",)),
    ("  hello \n{very sad}\n\t{ slightly calm } \n", "hello", ("very sad", "slightly calm")),
    ("{Context: first call}", "", ("Context: first call",)),
    ("hello {}", "hello", ("",)),
    ("a {group} in the middle", "a {group} in the middle", ()),
    ("a {group} in the middle {very calm}", "a {group} in the middle", ("very calm",)),
    ("a stray }", "a stray }", ()),
    ("a stray } {very calm}", "a stray }", ("very calm",)),
    ("a stray {", "a stray {", ()),
    ("hello {Context: a smile :} here}", "hello", ("Context: a smile :} here",)),
    ("hello {Context: a frown :{ here}", "hello", ("Context: a frown :", "here")),
    ("hello {very sad} {Context: a smile :} here}", "hello {very sad}", ("Context: a smile :} here",)),
    ("", "", ()),
    (" \n", "", ()),
]


@pytest.mark.parametrize(("content", "words", "groups"), CASES)
def test_trailing_groups_are_split_from_the_words(content: str, words: str, groups: tuple[str, ...]) -> None:
    assert split_annotations(content) == (words, groups)


def test_hostile_runs_of_braces_are_read_once() -> None:
    many = 100_000
    assert split_annotations("{" * many) == ("{" * many, ())
    assert split_annotations("}" * many) == ("}" * many, ())
    assert split_annotations("x" + "{}" * many) == ("x", ("",) * many)
    words, groups = split_annotations("x" + "{" * many + "}" * many)
    assert (words, [len(group) for group in groups]) == ("x", [2 * many - 2])


@given(
    st.text("ab .{}", max_size=30).filter(lambda text: not text.rstrip().endswith("}")),
    st.lists(st.tuples(st.text("ab ,:", max_size=12), st.sampled_from(["", " ", "\n "])), max_size=4),
)
def test_whatever_was_appended_comes_off(words: str, groups: list[tuple[str, str]]) -> None:
    content = words + "".join(f"{space}{{{group}}}" for group, space in groups)
    assert split_annotations(content) == (words.strip(), tuple(group.strip() for group, _ in groups))


@given(st.text(max_size=60) | st.text("{} aC:", max_size=60))
def test_words_never_end_in_a_balanced_group(content: str) -> None:
    words, groups = split_annotations(content)
    assert content.strip().startswith(words)
    assert split_annotations(words) == (words, ())
    assert all(group in content for group in groups)


EXPRESSIONS = [
    ("quite anxious", (Expression("quite", "anxious"),)),
    ("very slightly excited, very amused", (Expression("very slightly", "excited"), Expression("very", "amused"))),
    ("extremely surprise (positive)", (Expression("extremely", "surprise (positive)"),)),
    ("moderately empathic pain", (Expression("moderately", "empathic pain"),)),
    ("", None),
    ("Context: quite anxious", None),
    ("quite", None),
    ("quite anxious,", None),
    ("anxious", None),
]


@pytest.mark.parametrize(("group", "expressions"), EXPRESSIONS)
def test_expressions_are_read_or_refused_whole(group: str, expressions: tuple[Expression, ...] | None) -> None:
    assert parse_expressions(group) == expressions


@pytest.mark.parametrize("tail", ["a", "a ", "a, very "])
def test_hostile_expressions_are_refused(tail: str) -> None:
    assert parse_expressions("very " + tail * 50_000) is None


def test_context_texts_are_picked_out_in_order() -> None:
    _, groups = split_annotations("hi {Context: from Leeds} {very sad} {Context:new here}")
    assert context(groups) == ("from Leeds", "new here")
