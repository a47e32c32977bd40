"""Ways of putting something: what fits, what cannot be read, and that no text takes long."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.said import plain_words
from elizad.conversation.wording import Signs, Ways, _read, check, letter_runs, written_out


@pytest.mark.parametrize(
    ("way", "text", "fits"),
    [
        ("refund", "I want a REFUND!", True),
        ("refund", "refunded", False),
        ("refund*", "refunded", True),
        ("opening|office hours", "what are your office hours?", True),
        ("opening|office hours", "hours of opening", False),
        ("(just) want to go", "I just wanna go", True),
        ("(just) want to go", "I want to go", True),
        ("(just) want to go", "I want just to go", False),
        ("[money back|refund] please", "my money back please", True),
        ("kill ... myself", "kill all of the lot myself", True),
        ("kill ... myself", "kill one two three four five myself", False),
        ("can't go on", "I cannot go on", True),
        ("i am not", "I’m not", True),
        ("i am not", "im not", True),
        ("it is", "It's", True),
        ("he would", "he'd", True),
        ("mother's house", "my mother's house", True),
        ("what", "", False),
    ],
)
def test_what_fits(way: str, text: str, fits: bool) -> None:
    assert (Ways([way]).search(written_out(text)) is not None) == fits


@pytest.mark.parametrize(
    ("way", "why"),
    [
        ("", "no word that must be there"),
        ("...", "no word that must be there"),
        ("(a) (b)", "no word that must be there"),
        ("...a|", "has an empty choice"),
        ("a ...", "gap at its edge"),
        ("... a", "gap at its edge"),
        ("a ... b ... c ... d", "more than 2 gaps"),
        ("a (b", "a bracket too many"),
        ("a b]", "a bracket too many"),
        ("(1) (2) (3) (4) (5) (6) (7) (8) (9) a", "8 words that may be missing"),
        ("!", "has an empty choice"),
    ],
)
def test_what_cannot_be_read_says_why(way: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        check(way)


@given(st.text(max_size=40))
def test_written_out_words_stay_as_they_are(text: str) -> None:
    once = written_out(text)
    assert written_out(once) == once
    assert once == " " or (once.startswith(" ") and once.endswith(" ") and "  " not in once)
    assert plain_words(once).split() == once.split()


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9),
)
def test_plain_words_fit_where_they_stand_side_by_side(way: list[str], text: list[str]) -> None:
    stands = any(text[at : at + len(way)] == way for at in range(len(text)))
    assert (Ways([" ".join(way)]).search(written_out(" ".join(text))) is not None) == stands


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b|cc", "cc*", "(b)", "...", "dd", "[a b|cc]"]), min_size=1, max_size=4),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.sampled_from(["a", "b", "cc", "ccc", "dd"]), max_size=9),
)
def test_where_there_is_no_sign_there_is_no_way(several: list[list[str]], text: list[str]) -> None:
    try:
        ways = [Ways([" ".join(way)]) for way in several]
    except ValueError:
        return
    heard = written_out(" ".join(text))
    plain = [re.search(f"(?<= )(?:{_read(way)[0]})", heard) for one in ways for way in one.ways]
    found = [one.search(heard) for one in ways]
    assert [one and one.span() for one in found] == [one and one.span() for one in plain]
    assert Signs(ways).are_among(letter_runs(heard)) or not any(found)


SAID = st.lists(
    st.sampled_from(
        ["need", "n't", "can't", "CANT", "won't", "gonna", "let's", "he", "'s", "'d", "'ve", "'", "’", "it"]
    )
    | st.sampled_from([" ", " ", " ", ".", "_", "5", "ß", "É", "\u2019s ", "-"])
).map("".join)


@given(SAID | st.text(max_size=20))
def test_there_is_a_sign_in_the_text_of_all_that_is_written_out(text: str) -> None:
    heard = written_out(text)
    for word in heard.split():
        for way in (word, f"{word[:2]}*"):
            ways = Ways([way])
            assert Signs([ways]).are_among(letter_runs(text)) or ways.search(heard) is None  # "em*" is "them*"


def test_signs_are_words_of_which_each_way_needs_all() -> None:
    signs = Signs([Ways(["kill|end ... myself", "die"]), Ways(["sui*"])])
    assert signs.are_among(letter_runs(" i may end all myself "))
    assert not signs.are_among(letter_runs(" i may end it "))
    assert not signs.are_among(letter_runs(" i see myself "))
    assert signs.are_among(letter_runs(" suing him "))
    assert not signs.are_among(letter_runs(" i died "))


def test_without_leaves_a_mark_and_keeps_words_apart() -> None:
    ways = Ways(["kill time"])
    assert ways.without(" i kill time here ") == " i # here "
    assert Ways(["i here"]).search(ways.without(" i kill time here ")) is None


def test_cover_is_certain() -> None:
    assert Ways(["refund"]).cover("a refund please")
    assert Ways(["a|b c"]).cover("a|b c")
    assert not Ways(["refund please"]).cover("refund")
    assert not Ways(["refund"]).cover("refund|return")


def test_no_text_takes_long() -> None:
    ways = Ways(
        ["(a) (b) (a|b) (c|a) (b) (a) (b|c) (a) a ... b ... z", "a ... a ... zz", "(a) (a) (a) (a) (a) (a) (a) (a) a x"]
    )
    chance = random.Random(5)
    began = time.perf_counter()
    for _ in range(10):
        text = " " + " ".join(chance.choice("ab") for _ in range(1000)) + " z zz x "
        ways.search(text)
    assert (time.perf_counter() - began) / 10 < 0.5
