"""ELIZA's reply on small scripts of our own: what each rule of the program does, and what bounds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.eliza import FAITHFUL, Eliza, State, Step
from elizad.eliza.diction import Diction, Faithful
from elizad.eliza.scripts import names, read
from elizad.errors import EndlessScript, ScriptError

BASE = (
    "(hello there)(NONE ((0)(nothing one)(nothing two)))(MEMORY KEEP (0 = kept 1)(0 = kept 1)(0 = kept 1)(0 = kept 1))"
)


def talk(rules: str, *prompts: str) -> list[str]:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))" + rules)
    state = eliza.start()
    replies = []
    for prompt in prompts:
        state, reply = eliza.reply(state, prompt)
        replies.append(reply)
    return replies


def test_the_opening() -> None:
    assert Eliza(f"{BASE}(KEEP ((0)(x)))").opening == "HELLO THERE"


def test_rank_decides_and_reassemblies_take_turns() -> None:
    rules = "(LOW ((0)(low)))(HIGH 5 ((0)(high one)(high two)))"
    assert talk(rules, "low high", "high low", "high", "low") == ["HIGH ONE", "HIGH TWO", "HIGH ONE", "LOW"]


def test_the_first_clause_with_a_keyword_is_kept() -> None:
    assert talk("(CAT ((0)(1)))", "well, the cat sat. my dog too") == ["THE CAT SAT"]
    assert talk("(CAT ((0)(1)))", "no but the cat sat but slept") == ["THE CAT SAT"]


def test_substitution_pre_link_and_newkey() -> None:
    rules = "(ME = YOU)(HATES = HATES 3 ((0 HATES YOU)(PRE (why 1)(=WHY))(NEWKEY)))(WHY ((WHY 0)(tell why 2)))"
    assert talk(rules, "he hates me", "he hates me") == ["TELL WHY HE", "NOTHING ONE"]
    assert talk("(A (=B))(B ((0)(from b)))", "a") == ["FROM B"]


def test_a_memory_comes_back_on_the_fourth_count_when_no_keyword_is_there() -> None:
    assert talk("", "keep this", "x", "x") == ["KEEPING", "NOTHING ONE", "KEPT KEEP THIS"]


def test_a_rule_that_fits_nothing_says_a_built_in_message() -> None:
    expected = ["HMMM", "GO ON , PLEASE", "I SEE", "PLEASE CONTINUE"]
    assert talk("(ODD ((ODD ONE)(x)))", *["odd"] * 4) == expected


def test_replies_are_kept_only_if_they_hold_nothing_of_the_callers() -> None:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))(A ((0 A 0)(you said 3)(always this)(so 3)))")
    state, said = eliza.start(), []
    for prompt in ("a secret", "a thing", "a cat", "a dog", "a house", "a boat"):
        state, reply = eliza.reply(state, prompt)
        said.append(reply)
    assert said == ["YOU SAID SECRET", "ALWAYS THIS", "SO CAT", "YOU SAID DOG", "ALWAYS THIS", "SO BOAT"]
    assert list(eliza._whole.values()) == ["ALWAYS THIS"]
    assert "SECRET" not in repr(eliza._laid_out)


def test_the_state_is_a_value_and_an_old_one_is_as_good_as_new() -> None:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))(A ((0)(one)(two)))")
    before = eliza.start()
    first, reply = eliza.reply(before, "a")
    assert before == eliza.start()
    assert eliza.reply(before, "a") == (first, reply)
    assert eliza.reply(first, "a")[1] == "TWO"
    assert first != before


def test_two_conversations_share_a_script_and_nothing_else() -> None:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))(A ((0)(one)(two)))")
    one, _ = eliza.reply(eliza.start(), "a")
    assert eliza.reply(eliza.start(), "a")[1] == "ONE"
    assert eliza.reply(one, "a")[1] == "TWO"


@pytest.mark.parametrize(
    "rules",
    ["(A (=A))", "(A ((0)(=B)))(B ((0)(=A)))", "(A ((0)(PRE (1 1)(=A))))", "(A ((0)(PRE (x 1)(=B))))(B (=A))"],
    ids=["itself", "each-other", "doubling", "growing"],
)
def test_an_endless_script_is_an_error_and_never_a_hang(rules: str) -> None:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))" + rules, max_steps=2000)
    state = eliza.start()
    with pytest.raises(EndlessScript, match="2000 steps"):
        eliza.reply(state, "a b c")
    assert eliza.reply(state, "x")[1] == "NOTHING ONE"


def test_keywords_that_give_up_are_no_circle_however_many_they_are() -> None:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))(A ((0)(NEWKEY)))(B ((0)(=C)))(C ((0)(NEWKEY)))", max_steps=100)
    assert eliza.reply(eliza.start(), "a " * 5000)[1] == "NOTHING ONE"
    assert eliza.reply(eliza.start(), "b a " * 20)[1] == "NOTHING ONE"


class Brief(Faithful):
    """1966 mode that tries two keywords of a clause."""

    max_keywords = 2  # type: ignore[assignment,misc]


def test_keywords_can_have_a_bound_and_the_back_of_the_stack_goes() -> None:
    diction: Diction = Brief()
    rules = "(A ((0)(NEWKEY)))(B 5 ((0)(NEWKEY)))(C ((0)(reached)))"
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))" + rules, diction)
    assert eliza.reply(eliza.start(), "a b c")[1] == "NOTHING ONE"
    assert eliza.reply(eliza.start(), "a c b")[1] == "NOTHING ONE"
    assert eliza.reply(eliza.start(), "c b a")[1] == "REACHED"


class Forgetful(Faithful):
    """1966 mode with a bound on memories."""

    max_memories = 3  # type: ignore[assignment,misc]


def test_memories_can_have_a_bound_and_the_oldest_goes() -> None:
    diction: Diction = Forgetful()
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))", diction)
    state = eliza.start()
    for number in range(6):
        state, _ = eliza.reply(state, f"keep {number}")
    assert state.memories == ("KEPT KEEP 3", "KEPT KEEP 4", "KEPT KEEP 5")


def test_every_step_of_a_trace_says_something() -> None:
    eliza = Eliza(f"{BASE}(KEEP 1 ((0)(keeping)))(A ((0)(=B)))(B ((0)(NEWKEY)))")
    trace: list[Step] = []
    state, reply = eliza.reply(eliza.start(), "well, a word", trace)
    assert [step.label for step in trace] == [
        *("clause", "keywords"),
        *("rule", "decomposition", "reassembly", "link"),
        *("rule", "decomposition", "reassembly", "newkey"),
        *("rule", "decomposition", "reassembly"),
    ]
    assert all(step.detail for step in trace)
    assert eliza.reply(eliza.start(), "well, a word") == (state, reply)


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_at_all_is_answered(prompts: list[str]) -> None:
    eliza = DOCTOR
    state = eliza.start()
    for prompt in prompts:
        state, reply = eliza.reply(state, prompt)
        assert isinstance(reply, str)
        assert isinstance(state, State)


DOCTOR = Eliza(read("doctor"), FAITHFUL)


@pytest.mark.parametrize("name", names())
def test_the_packaged_scripts_load_in_1966_mode(name: str) -> None:
    eliza = Eliza(read(name))
    assert eliza.opening == eliza.opening.upper()
    assert eliza.reply(eliza.start(), "hello")[1]


@pytest.mark.parametrize(
    ("script", "line"),
    [("(HI)\n(NONE ((0)(X))\n", 3), ("(HI)\n\n(A 99999999999 ((0)(X)))", 3), ("(HI)\n(A ((0)(X 99999999999)))", 2)],
)
def test_load_errors_carry_the_line(script: str, line: int) -> None:
    with pytest.raises(ScriptError) as caught:
        Eliza(script)
    assert caught.value.line == line


@given(st.text(alphabet="()=;0123 AB\n", max_size=60))
def test_any_script_text_loads_or_says_why(text: str) -> None:
    try:
        Eliza(text)
    except ScriptError as error:
        assert str(error).startswith("Script error")
