"""Regular expressions without backtracking: they mean what `re` means, and nobody can make one slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elizad.conversation.patterns import BadPattern, Pattern

ATOMS = st.sampled_from(["a", "b", " ", ".", r"\w", r"\d", r"\s", "[ab]", "[^a]", r"\.", "é"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        inner.map(lambda one: f"(?:{one})*"),
        inner.map(lambda one: f"(?:{one})+?"),
        inner.map(lambda one: f"(?:{one})?"),
        inner.map(lambda one: f"(?:{one}){{1,2}}"),
    ),
    max_leaves=6,
)
TEXTS = st.text("ab .1é", max_size=12)


@settings(max_examples=400, deadline=None)
@given(PATTERNS, TEXTS, st.sampled_from(["{}", "^{}", "{}$", r"\b{}\b", "^(?:{})$"]))
def test_a_pattern_fits_where_re_says_so(pattern: str, text: str, frame: str) -> None:
    pattern = frame.format(pattern)
    try:
        compiled = Pattern(pattern)
    except BadPattern as refused:
        assert "too large" in str(refused)
        return
    assert (compiled.search(text) is not None) == (re.search(pattern, text, re.IGNORECASE) is not None)


@settings(max_examples=200, deadline=None)
@example("x*", "y", "xxxy")
@given(PATTERNS, st.sampled_from(["a", "b", r"\w"]), TEXTS)
def test_a_group_holds_what_re_says(pattern: str, after: str, text: str) -> None:
    pattern = f"(?P<what>{pattern}){after}"
    if re.search(r"[*+?]\)|\)[*?]\)[*+{]", pattern):
        return  # where an empty round ends is the one thing in which engines differ
    try:
        found = Pattern(pattern).search(text)
    except BadPattern:
        return
    wanted = re.search(pattern, text, re.IGNORECASE)
    assert found == (wanted and {"what": wanted["what"]})


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        (r"my name is (?P<name>\w+)", "Well, MY NAME is Ann, you know", {"name": "Ann"}),
        (r"(?P<day>mon|tues)day(?: at (?P<hour>\d{1,2}))?", "on tuesday", {"day": "tues", "hour": ""}),
        (r"(?P<day>mon|tues)day(?: at (?P<hour>\d{1,2}))?", "monday at 12", {"day": "mon", "hour": "12"}),
        (r"(?P<greedy>a+)a", "aaaa", {"greedy": "aaa"}),
        (r"(?P<lazy>a+?)a", "aaaa", {"lazy": "a"}),
        (r"^refund", "I want a refund", None),
        (r"\$\d+\.\d\d", "it was $3.50", {}),
        (r"[]a]", "]", {}),
        (r"a{0}b", "b", {}),
    ],
)
def test_what_is_found(pattern: str, text: str, wanted: dict[str, str] | None) -> None:
    assert Pattern(pattern).search(text) == wanted


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a", "a group is never closed"),
        ("a)", "this ) closes nothing"),
        ("[a", "this [ is never closed"),
        ("*a", "* has nothing to repeat"),
        ("a|+", "+ has nothing to repeat"),
        ("a**", "two repetitions follow each other"),
        ("a{3,2}", "is no range"),
        ("a{999}", "is no range"),
        ("(?=a)b", "could make a text slow"),
        ("(?<!a)b", "could make a text slow"),
        (r"(a)\1", "is a back reference"),
        ("(?P<x>a)(?P=x)", "could make a text slow"),
        (r"\q", r"\q is not known"),
        ("\\", "a single \\"),
        ("(?P<x>a)+", "cannot be repeated"),
        ("(?P<x>a)(?P<x>b)", "two groups have the name x"),
        (r"^*", "cannot be repeated"),
        ("(a{50}){50}", "too large"),
        ("a" * 201, "too large"),
        ("(" * 100 + "a" + ")" * 100, "nested too deeply"),
        ("[z-a]", "bad character range"),
        ("[[a]", r"write \ before each mark"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern) as caught:
        Pattern(pattern)
    assert why in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("()[]{}|*+?\\^$.P<>:,0"), max_size=40), TEXTS)
def test_any_text_is_a_pattern_or_is_refused(source: str, text: str) -> None:
    try:
        Pattern(source).search(text)
    except BadPattern as refused:
        assert str(refused).startswith("not a usable regular expression, at character ")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("k", "\N{KELVIN SIGN}", True),
        ("is", "\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN SMALL LETTER LONG S}", True),
        ("\N{KELVIN SIGN}", "k", True),
        ("my name is (bo|al)", "MY NAME IS AL", True),
        ("(my )?name", "name", True),
        ("(my|your) name", "your name", True),
        ("(a|b)c|d", "d", True),
        ("(ab){2}", "abab", True),
        ("(ab){2}", "ab ab", False),
        ("my name", "my  name", False),
    ],
)
def test_a_text_is_not_given_up_for_lack_of_letters_that_it_need_not_have(pattern: str, text: str, fits: bool) -> None:
    assert (Pattern(pattern).search(text) is not None) == fits == (re.search(pattern, text, re.IGNORECASE) is not None)


def test_letters_that_every_text_needs_spare_most_texts_the_search() -> None:
    compiled = Pattern(r"(so|well) my name is (?P<name>\w+)")
    began = time.process_time()
    for _ in range(100):
        compiled.search("my father left us " * 25)
    assert time.process_time() - began < 0.05  # 1 ms; the search takes 200 of them


EVIL = [
    "(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*)*x", ".*.*.*.*.*.*x", r"(\w+\s?)*$!", "(a?){60}a{60}", "((((a*)*)*)*)*b",
    r"([a-z]+)*\d", "(a{0,9}){0,9}b", r"^(\w+ ?)+:$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", EVIL)
def test_no_pattern_is_slow_on_any_text(pattern: str) -> None:
    compiled = Pattern(pattern)
    began = time.perf_counter()
    for text in ("a" * 100_000, "a" * 499 + "!", "ab" * 250, "word " * 400, "a " * 5000):
        compiled.search(text)
    assert (time.perf_counter() - began) / 5 < 0.5  # `re` needs years for most of them; this, 10 to 60 ms
