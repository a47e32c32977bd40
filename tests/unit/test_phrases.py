"""Goodbyes and fields."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.phrases import FAREWELL, REPEAT, SILENCE, fill_fields
from elizad.conversation.wording import letter_runs
from elizad.speech.farewell import PARTING, is_goodbye


@pytest.mark.parametrize(
    "utterance",
    [
        *("bye", "Goodbye!", "good bye", "okay thank you bye", "Thanks for your help. Bye bye", "see you tomorrow"),
        *(
            "well I have to go now, goodbye Eliza",
            "take care",
            "So long, doctor",
            "ok bye now thanks",
            "I've got to run, bye",
            "Good night.",
            "Okay, goodnight doctor",
            "Thanks, talk to you later",
            "\N{LATIN SMALL LETTER LONG S}o long",
            "ta\N{KELVIN SIGN}e care",
        ),
    ],
)
def test_a_goodbye_is_known(utterance: str) -> None:
    assert is_goodbye(utterance)
    assert not PARTING.isdisjoint(letter_runs(utterance))


WORDS = st.sampled_from(
    "bye BYE goodbye good night goodnight see you ya take care so long talk to you later now".split()
)
MARKS = st.sampled_from([" ", ", ", "-", "_", "' ", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}"])


@given(st.lists(st.tuples(WORDS, MARKS), min_size=1, max_size=5))
def test_whoever_looks_for_its_words_first_misses_no_goodbye(said: list[tuple[str, str]]) -> None:
    utterance = "".join(chain(*said))
    if is_goodbye(utterance):
        assert not PARTING.isdisjoint(letter_runs(utterance))


@pytest.mark.parametrize(
    "utterance",
    [
        *("", "thank you", "I said goodbye to her", "bye the way, my mother called", "he left without a goodbye"),
        *("I take care of my father", "goodbye is such a sad word", "can you see you are wrong", "bye " * 200),
        *("I want to see you", "Good to see you again", "I need to talk to you", "I want a good night", "Night"),
        *("It was a very good night", "I never have a good night's sleep"),
    ],
)
def test_other_talk_is_not(utterance: str) -> None:
    assert not is_goodbye(utterance)


@pytest.mark.parametrize(
    ("text", "without", "with_values"),
    [
        ("Hello {name}, how are you?", "Hello, how are you?", "Hello Ann Lee, how are you?"),
        ("Hello, {name}!", "Hello!", "Hello, Ann Lee!"),
        ("{name}, good {time}.", "good.", "Ann Lee, good morning."),
        ("No fields.  Kept as it is ", "No fields.  Kept as it is ", "No fields.  Kept as it is "),
    ],
)
def test_fields(text: str, without: str, with_values: str) -> None:
    assert fill_fields(text, {}) == without
    assert fill_fields(text, {"name": " Ann\n Lee", "time": "morning", "other": "{name}"}) == with_values


def test_nothing_is_said_twice_running() -> None:
    assert len(set(REPEAT)) == len(REPEAT) > 1
    assert len(set(SILENCE)) == len(SILENCE) > 1
    assert FAREWELL
