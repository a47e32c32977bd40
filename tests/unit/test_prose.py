"""Words of a reply as prose. In the tables the words are those the engine hands over, cut at spaces."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.speech.prose import MAX_PART_WORDS, finished, joined, long_words

REPLIES = {
    "Why do you want tea ?": "Why do you want tea?",
    "why do you want ?": "Why do you want?",
    "your friend Anna in Paris , you say .": "Your friend Anna in Paris, you say.",
    "I see. your dog ?": "I see. Your dog?",
    "Really? tell me!": "Really? Tell me!",
    "I see . go on .": "I see. Go on.",
    "Your , .": "Your.",
    "Your , you say, , ?": "Your, you say?",
    "You said so ; and : then , no .": "You said so; and: then, no.",
    # abbreviations end no sentence and take no second point
    "Does Dr. smith know ?": "Does Dr. smith know?",
    "You get up at 6 a.m. and then ?": "You get up at 6 a.m. and then?",
    "You like pears, etc. .": "You like pears, etc.",
    "J. K. rowling .": "J. K. rowling.",
    # but a title is no name's when the sentence ends behind it
    "You see your Dr. . what for ?": "You see your Doctor. What for?",
    "So you married a prof. .": "So you married a professor.",
    # a missing end mark
    "how do you do": "How do you do?",
    "what does that suggest to you": "What does that suggest to you?",
    "do you think so": "Do you think so?",
    "do go on": "Do go on.",
    "what a pity": "What a pity.",
    "why": "Why?",
    "when you are sad you sleep": "When you are sad you sleep.",
    "when did you sleep": "When did you sleep?",
    "who is that": "Who is that?",
    "tell me more": "Tell me more.",
    "go on, ": "Go on.",
    "well…": "Well…",
    # an owner and its 's
    "your mother 's house ?": "Your mother's house?",
    "what about 's house ?": "What about house?",
    "'s house": "House.",
    # nothing to say
    "": "I am listening.",
    "? ,": "I am listening.",
    "😢": "I am listening.",
}


@pytest.mark.parametrize(("words", "reply"), REPLIES.items())
def test_is_said_as(words: str, reply: str) -> None:
    assert finished(joined(words.split(" "))) == reply


LONG = "your boss shouted at you the whole long day because the new printer in the hall broke and nobody could mend it"


def test_a_long_part_is_cut_where_a_clause_joins_and_the_script_s_words_stay() -> None:
    reply = joined(["So", *long_words(LONG.split()), "and", "it", "is", "not", "over", "?"])
    assert reply == f"So {LONG.removesuffix(' and nobody could mend it')} and it is not over?"


def test_without_a_joining_word_a_long_part_is_cut_before_words_that_lead_nowhere() -> None:
    words = [*("word" for _ in range(MAX_PART_WORDS - 2)), "of", "the", "last", "word"]
    assert joined(long_words(words)).split() == ["word"] * (MAX_PART_WORDS - 2)


def test_a_part_of_the_greatest_length_is_said_in_full() -> None:
    words = ["word"] * MAX_PART_WORDS
    assert joined(long_words(words)).split() == words


def test_a_short_part_of_a_long_clause_is_said_in_full() -> None:
    words = long_words(LONG.split())
    assert joined(["Your", *words[1:4], "?"]) == "Your boss shouted at?"


PIECES = st.one_of(
    st.sampled_from(
        [*",.?!;:…", "a.m.", "etc.", "'s", "I", "you", "", "Why", "see.", "you,", "...", "3.5", "am not", "e.g."]
    ),
    st.text("abcXYZ", min_size=1, max_size=4),
)


@given(st.lists(PIECES, max_size=12), st.lists(PIECES, max_size=40))
@example([], ["and"] * 40)
@example(["?", "!"], [])
def test_any_words_make_prose(script: list[str], caller: list[str]) -> None:
    reply = finished(joined([*script, *long_words(caller)]))
    assert reply[-1] in ".?!…"
    assert reply == " ".join(reply.split())
    assert not re.search(r" [,.?!;:…](?!\w)", reply)
    assert reply[0] == reply[0].upper()
    assert finished(reply) == reply, "finishing twice changes nothing"
