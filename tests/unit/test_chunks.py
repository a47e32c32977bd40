"""Where a reply may be cut for a speech synthesiser. In the tables `|` marks a cut."""

from __future__ import annotations

import re
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.speech import chunks as chunks_module
from elizad.speech.chunks import (
    FIRST_WORDS,
    MAX_WORDS,
    Unit,
    split_chunks,
    split_sentences,
)

UNITS: tuple[Unit, ...] = ("sentence", "clause", "word")

SENTENCES = [
    "Tell me more about that.",
    "I see. |Tell me more.",
    "Really?! |How so?  |Go on…",
    "  You are back.\n|Good.",
    "Well, you did it: all of it; good.",
    # abbreviations, initials and numbers do not end a sentence
    "Dr. Lee and Mrs. Stone met Prof. Ames. |They talked.",
    "Was it J. R. R. Tolkien? |Or I. M. Pei?",
    "You like fruit, e.g. pears, i.e. soft ones, etc. and nuts.",
    "You sleep at 3 a.m. or so. |You wake at 9 p.m. |Why?",
    "You bought pears, nuts, etc. |Is that so?",
    "Was it Lee vs. Stone?",
    "The U.S. and the U.K. have a Ph.D. or two.",
    "It happened on Nov. 21 at No. 5 St. James Road.",
    "You said no. |No. |Nobody came.",
    "It is 3.5 miles to 10.0.0.1. |Is that far?",
    "Write to anna.lee@example.com. |Will you?",
    "So am I. |And you?",
    "(See p. 3.) |Then go.",
    # quotes and brackets close before the white space
    "“It hurts.” |Did you say that?",
    "(You laughed.) |Why?",
    '"Why?" she asked, "why me?" |And you?',
    # an ellipsis ends a sentence only before a capital
    "Well... perhaps. |Well... |Perhaps… or not.",
    # a mark without white space ends nothing, and one without words joins what it follows
    "One.Two!Three",
    "Hello! |👋 How are you? 👋",
    "? ! Hello.",
]


@pytest.mark.parametrize("marked", SENTENCES)
def test_sentences(marked: str) -> None:
    assert split_chunks(marked.replace("|", ""), "sentence") == marked.split("|")


CLAUSES = [
    "Tell me more about that.",
    "You said so, |did you not? |Go on.",
    "You want rest; |you want peace: |who would not?",
    "You left — |or so you say – |in a hurry.",
    "You left -- |or did you? |Two- or three-year-old boys - |your boys.",
    "It was slow... |but it worked, |e.g. for your father, |Dr. Lee.",
    "You said “no,” |and you left.",
    # one word alone joins its neighbour, before or after
    "Well, tell me more.",
    "Apples, pears, |plums, nuts, figs.",
    "Tell me more, Anna.",
    "Yes. |No. |I see, Anna.",
    "It cost 1,000 pounds at 3:30, |did it not?",
]


@pytest.mark.parametrize("marked", CLAUSES)
def test_clauses(marked: str) -> None:
    assert split_chunks(marked.replace("|", ""), "clause") == marked.split("|")


WORDS = [
    "Tell |me |more.",
    "  Tell\t|me \n|more. ",
    "Dr. |Lee |paid |3.5 |pounds.",
    "You — |or |I?",
    "— You |left. 👋 |Why?",
]


@pytest.mark.parametrize("marked", WORDS)
def test_words(marked: str) -> None:
    assert split_chunks(marked.replace("|", ""), "word") == marked.split("|")


LONG = [
    # the first sentence is long: its first clause comes alone, the rest of it in one piece
    "Perhaps you already know, |deep down, what your mother would say about it, and that is why you have not asked.",
    # no mark at all: cut before a word that joins clauses, or else phrases
    "Do you often think about the people you left behind |when you moved to the city?",
    "You told her everything about the long summer |in the little white house by the sea.",
    "Tell me. |You were at home with your mother and your two sisters all through that winter |"
    "because the roads were closed and there was no work.",
    "one two three four five six seven |eight nine ten eleven twelve thirteen fourteen",
]


@pytest.mark.parametrize("marked", LONG)
def test_long_sentences_are_cut_where_a_speaker_breathes(marked: str) -> None:
    assert split_chunks(marked.replace("|", ""), "sentence") == marked.split("|")


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_and_white_space(unit: Unit) -> None:
    assert split_chunks("", unit) == []
    assert split_chunks(" \n", unit) == [" \n"]
    assert split_chunks("?! ...", unit) == ["?! ..."]


TALK = st.text("aB .!?,;:…—-\"'”)(\n5", max_size=60) | st.lists(
    st.sampled_from(
        [
            "I",
            "you",
            "and",
            "because",
            "mother,",
            "left.",
            "No?",
            "Dr.",
            "p.m.",
            "e.g.",
            "J.",
            "—",
            "3.5",
            "\n",
            "“so”",
            "...",
        ]
    )
).map(" ".join)


@given(TALK | st.text(max_size=60), st.sampled_from(UNITS))
def test_chunks_joined_are_the_reply(reply: str, unit: Unit) -> None:
    chunks = split_chunks(reply, unit)
    assert "".join(chunks) == reply
    assert all(chunks)
    for chunk, after in pairwise(chunks):
        assert chunk[-1].isspace()
        assert not after[0].isspace()
    if len(chunks) > 1:
        assert all(any(char.isalnum() or char == "_" for char in chunk) for chunk in chunks)


PLAIN = st.lists(
    st.sampled_from(["I", "it", "Why", "Dr", "etc", "on", "5", ".", "?", "!", ". ", " ", " ", "_", "-", "'", "…", "\n"])
)


@given(TALK | PLAIN.map("".join))
def test_a_plain_reply_is_cut_as_a_closer_look_cuts_it(reply: str) -> None:
    with patch.object(chunks_module, "_PLAIN", re.compile("(?!)")):
        closer = split_chunks(reply, "sentence")
    assert split_chunks(reply, "sentence") == closer
    assert split_sentences(reply) == closer or len(reply.split()) > FIRST_WORDS


@given(st.lists(st.sampled_from(["a", "and", "b,", "of", "c.", "d"]), max_size=90).map(" ".join))
def test_no_chunk_is_longer_than_a_breath(reply: str) -> None:
    for unit in ("sentence", "clause"):
        chunks = split_chunks(reply, unit)
        assert all(len(chunk.split()) <= MAX_WORDS for chunk in chunks)
        assert len("".join(chunks[:1]).split()) <= FIRST_WORDS


@given(TALK)
def test_words_are_within_clauses_within_sentences(reply: str) -> None:
    words = [word for word in reply.split() if any(char.isalnum() for char in word)]
    reply = " ".join(words[:FIRST_WORDS])  # longer sentences are cut by their length as well
    cuts = []
    for unit in UNITS:
        lengths = [len(chunk) for chunk in split_chunks(reply, unit)]
        cuts.append({sum(lengths[:count]) for count in range(len(lengths) + 1)})
    assert cuts[0] <= cuts[1] <= cuts[2]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("hostile", [". ", "?", ", ", "a, ", ".) ", "- ", "A. ", "and ", "x", " ", ")", "."])
def test_hostile_replies_are_cut_in_one_pass(hostile: str, unit: Unit) -> None:
    reply = hostile * 20_000 + "."
    assert "".join(split_chunks(reply, unit)) == reply
