"""What `elizad script check` finds: each kind of fault, in a script that has nothing else wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.eliza import scripts
from elizad.eliza.check import Finding, _covers, _slots, as_written, inspect, pattern
from elizad.eliza.engine import Eliza
from elizad.eliza.match import Decomposition
from elizad.eliza.parser import parse_script
from elizad.errors import EndlessScript

BASE = """(Hello.)
(NONE ((0) (I see.) (Go on.)))
(MEMORY MY (0 YOUR 1 = Your 3.) (0 YOUR 1 = My 3.) (0 YOUR 1 = A 3.) (0 YOUR 1 = The 3.))
(MY = YOUR ((0) (Yours?)))
"""
FIRST = BASE.count("\n") + 1  # the line on which a rule after BASE begins


def found(rules: str, base: str = BASE) -> list[Finding]:
    return inspect(parse_script(base + rules, as_written))


def test_nothing_is_wrong_with_the_base() -> None:
    assert found("") == []


@pytest.mark.parametrize("name", scripts.names())
def test_nothing_is_wrong_with_the_packaged_scripts(name: str) -> None:
    assert inspect(parse_script(scripts.read(name), as_written)) == []


FAULTS = [
    ("(A ((0) (X.)) ((0 A 0) (Y.)))", "A", "(0 A 0) is never reached: (0) on line 5 fits all that it fits"),
    ("(A ((0 (*B C) 0) (X.)) ((B 0 C) (Y.)))", "A", "(B 0 C) is never reached: (0 (*B C) 0) on line 5 fits all"),
    ("(A ((0 1) (X.)) ((2 0) (Y.)))", "A", "(2 0) is never reached: (0 1) on line 5"),
    ("(A ((0) (X.)) (=B)) (B ((0) (Y.)))", "A", "the link (=B) is never taken"),
    ("(A.B ((0) (X.)))", "A.B", "nobody can say this keyword, and no link leads to it"),
    ("(BUT 5 ((0) (X.)))", "BUT", "nobody can say this keyword"),
    ("(ME = YOU) (A ((0 ME 0) (X.)) ((0) (Y.)))", "A", "(0 ME 0) never fits: ME has become YOU by then"),
    ("(A ((0 B. 0) (X.)) ((0) (Y.)))", "A", "(0 B. 0) never fits: B. is never part of a clause"),
    ("(A ((0 BUT 0) (X.)) ((0) (Y.)))", "A", "BUT is never part of a clause"),
    ("(ME = YOU) (A ((0 (*ME) 0) (X.)) ((0) (Y.)))", "A", "(*ME) never fits: ME has become YOU"),
    ("(ME = YOU) (A ((0 (*ME B) 0) (X.)) ((0) (Y.)))", "A", "in (*ME B), ME has become YOU by then"),
    ("(A ((0 (B C) 0) (X.)) ((0) (Y.)))", "A", "(B C) never fits: a group begins with * or /"),
    ("(A ((0 *B 0) (X.)) ((0) (Y.)))", "A", "*B needs brackets of its own"),
    ("(A ((0 (/T) 0) (X.)) ((0) (Y.)))", "A", "in (/T), nothing has the tag T"),
    (
        "(B DLIST (/T)) (C DLIST (/U)) (A ((0 (/T /U) 0) (X.)) ((0 (/U) 0) (Z.)) ((0) (Y.)))",
        "A",
        "nothing has the tag /U, and only the first slash counts",
    ),
    ("(B DLIST (/T))", "B", "no decomposition asks for the tag /T"),
    ("(A (=B)) (B (=C)) (C ((0) (PRE (x 1) (=A))))", "A", "its links never end: A -> B -> C -> A"),
    ("(A ((0 X 0) (=A)) ((0) (Y.)))", "A", "(0 X 0) leads back to itself for ever"),
    ("(A ((0) ()))", "A", "() says nothing"),
    ("(A ((0) (Well.. yes.)))", "A", "has two marks in a row"),
    ("(A ((0) (Well ?, yes.)))", "A", "has two marks in a row"),
    ("(A ((0) (Well NEVER mind.)))", "A", "shouts NEVER"),
    ("(A ((0) (It is K9.)))", "A", "has digits"),
    ("(A ((0) (Say (*this that).)))", "A", "says the brackets of (*this that)"),
    ("(A ((0) (Why so)))", "A", "has no mark at its end"),
    (f"(A ((0) ({'very ' * 31}long.)))", "A", "is 32 words long"),
]


@pytest.mark.parametrize(("rules", "keyword", "message"), FAULTS)
def test_each_fault_is_found_and_nothing_else(rules: str, keyword: str, message: str) -> None:
    findings = found(rules)
    assert {finding.keyword for finding in findings} <= {"A", "B", "C", keyword}
    mine = [finding for finding in findings if finding.keyword == keyword and message in finding.message]
    assert len(mine) == 1, findings
    assert mine[0].line == FIRST
    assert len(findings) == (3 if "never end" in message else 1), findings


def test_faults_of_none_and_memory() -> None:
    none = BASE.replace("((0) (I see.) (Go on.))", "((1 0) (I see.) (NEWKEY) (=MY))")
    assert [str(finding) for finding in found("", none)] == [
        "line 2: NONE: (=MY) leads nowhere from here: the caller's own words are said back",
        "line 2: NONE: (NEWKEY) leads nowhere from here: the caller's own words are said back",
        "line 2: NONE: no decomposition fits everything, as (0) does: the caller's words are said back",
    ]
    memory = BASE.replace("(0 YOUR 1 = The 3.)", "(0 MY (/T) = The 3.)").replace("((0) (Yours?))", "")
    assert [finding.message for finding in found("", memory)] == [
        "form 4 never fits: MY has become YOUR by then",
        "form 4: brackets count as 0 in a MEMORY form, so /T is just a word",
        "is the MEMORY keyword, but it never answers: nothing is remembered",
    ]


def test_what_is_right_is_left_alone() -> None:
    rules = """
    (A ((0 B 0) (=C) (Stop.)) ((0 X) (=A) (Out.)) (=C))
    (C ((0 (/T) 0) (NEWKEY)) ((1) (PRE (a BUT b) (=D))) ((0) (Yes, 1, and on TV, I mean.)))
    (D ((0 BUT 0) (I see, 1?)) (=A))
    (T DLIST (/T)) (HELP.D (=D)) (E (=HELP.D))
    """
    assert found(rules) == []


def test_a_script_all_in_capitals_does_not_shout() -> None:
    assert found("(A ((0) (WELL NEVER MIND)))", BASE.upper()) == []


@pytest.mark.parametrize("rules", [rules for rules, _, fault in FAULTS if "never end" in fault or "for ever" in fault])
def test_endless_is_what_the_engine_finds_endless(rules: str) -> None:
    eliza = Eliza(BASE + rules, max_steps=1000)
    with pytest.raises(EndlessScript):
        eliza.reply(eliza.start(), "a x")


ELEMENTS = st.lists(st.sampled_from(["0", "0", "1", "2", "A", "B", "(*A B)", "(*B C)", "(D)"]), min_size=1, max_size=5)
SCRIPT = parse_script(BASE)


@given(ELEMENTS, ELEMENTS, st.lists(st.lists(st.sampled_from("ABCD"), max_size=6), max_size=20))
def test_a_covered_pattern_never_fits_where_the_covering_one_does_not(
    general: list[str], special: list[str], texts: list[list[str]]
) -> None:
    if _covers(_slots(general, SCRIPT), _slots(special, SCRIPT)):
        for text in texts:
            if Decomposition(special).lay(text) is not None:
                assert Decomposition(general).lay(text) is not None, f"{pattern(general)} {pattern(special)} {text}"


@given(ELEMENTS)
def test_a_pattern_covers_itself(elements: list[str]) -> None:
    # A group without a mark fits nothing; that is another finding.
    if "(D)" not in elements:
        assert _covers(_slots(elements, SCRIPT), _slots(elements, SCRIPT))
