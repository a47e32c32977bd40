"""Safety: what is heard as danger and what is not, counted over tables of phrases, and what is answered."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest

from elizad.conversation.safety import DANGERS, HELP, TEXTS, Help, Safety, danger_in
from elizad.conversation.said import AlreadySaid, mark
from elizad.speech.numerals import spell_out
from elizad.types import Role, Utterance

TABLES = Path(__file__).parent / "safety"
NO_DANGER = "-"


class Phrase(NamedTuple):
    wanted: str
    text: str


def table(name: str) -> list[Phrase]:
    lines = (TABLES / name).read_text(encoding="utf-8").splitlines()
    phrases = [Phrase(*line.split(None, 1)) for line in lines if line.strip() and not line.startswith("#")]
    assert {phrase.wanted for phrase in phrases} <= {NO_DANGER, *DANGERS}
    assert len({phrase.text for phrase in phrases}) == len(phrases)
    return phrases


class Measure(NamedTuple):
    precision: float
    recall: float
    right_kind: float


def measure(phrases: list[Phrase]) -> Measure:
    heard = [(phrase.wanted, danger_in(phrase.text) or NO_DANGER) for phrase in phrases]
    hits = sum(wanted != NO_DANGER != got for wanted, got in heard)
    found = sum(got != NO_DANGER for _, got in heard)
    there = sum(wanted != NO_DANGER for wanted, _ in heard)
    return Measure(hits / found, hits / there, sum(wanted == got for wanted, got in heard) / len(heard))


KNOWN, UNSEEN = table("phrases.txt"), table("unseen.txt")


@pytest.mark.parametrize("phrase", KNOWN, ids=lambda phrase: phrase.text)
def test_a_known_phrase_is_heard_as_it_is_meant(phrase: Phrase) -> None:
    assert (danger_in(phrase.text) or NO_DANGER) == phrase.wanted


def test_the_known_phrases_are_many_and_of_every_kind() -> None:
    assert len(KNOWN) >= 300
    for kind in (NO_DANGER, *DANGERS):
        assert sum(phrase.wanted == kind for phrase in KNOWN) >= 15


def test_phrases_that_nobody_thought_of_are_mostly_heard_as_they_are_meant() -> None:
    precision, recall, right_kind = measure(UNSEEN)
    assert len(UNSEEN) >= 75
    assert precision >= 0.9
    assert recall >= 0.8
    assert right_kind >= 0.85


def test_case_marks_and_apostrophes_make_no_difference() -> None:
    for phrase in KNOWN:
        for text in (phrase.text.upper(), phrase.text.replace("'", "’"), f"Well... {phrase.text}!"):
            assert (danger_in(text) or NO_DANGER) == phrase.wanted, text


def test_everyday_talk_raises_no_alarm() -> None:
    said = (TABLES.parent / "utterances" / "doctor.txt").read_text(encoding="utf-8").splitlines()
    utterances = [line for line in said if line and line[0] not in "# -"]
    alarms = {text for text in utterances if danger_in(text)}
    assert len(utterances) > 200
    assert len(alarms) == 5
    assert {"i want to kill myself", "he hit me"} <= alarms


def test_no_text_takes_long() -> None:
    words = re.findall(r"[a-z']+", (resources.files("elizad.conversation") / "safety.txt").read_text("utf-8"))
    chance = random.Random(7)
    danger_in("compiled now")
    began = time.perf_counter()
    for _ in range(60):
        some = chance.sample(words, chance.choice([1, 2, 4, 20, 300]))
        danger_in(" ".join(chance.choice(some) for _ in range(700))[:2000])
    assert (time.perf_counter() - began) / 60 < 0.15  # 5 ms each, on a machine of its own


# -- what is answered ----------------------------------------------------------------------------------------------


def texts(help_here: Help) -> Iterator[str]:
    safety = Safety(help_here)
    phrases = {
        "suicide": "I want to die",
        "self_harm": "I cut myself",
        "abuse": "he hits me",
        "violence": "I will kill him",
    }
    for heard in (*phrases.values(), "my brother killed himself"):
        said: list[Utterance] = []
        while True:
            answer = safety.answer(heard, AlreadySaid(said))
            assert answer is not None
            if any(answer[1] == utterance.text for utterance in said):
                break
            yield answer[1]
            said += Utterance(Role.ASSISTANT, answer[1]), Utterance(Role.USER, heard)


@pytest.mark.parametrize("locale", HELP)
def test_every_answer_is_fit_to_be_said(locale: str) -> None:
    said = list(texts(HELP[locale]))  # type: ignore[index]
    assert len(said) == sum(map(len, TEXTS.values()))
    for text in said:
        assert text == spell_out(text), "what is spoken would differ"
        assert not re.search(r"[\d{}]|\s,|,,|\.\.", text)
        assert text[-1] in ".?"
        assert len(text.split()) < 60
    assert sum(HELP[locale].emergency in text or HELP[locale].line in text for text in said) == len(said)  # type: ignore[index]


def test_the_first_answers_point_to_both() -> None:
    for danger in DANGERS:
        assert "{emergency}" in TEXTS[danger][0]
        assert any("{line}" in text for text in TEXTS[danger])


@pytest.mark.parametrize(
    ("locale", "emergency", "line"),
    [
        ("us", "nine one one", "nine eight eight"),
        ("ca", "nine one one", "nine eight eight"),
        ("uk", "nine nine nine", "one one six, one two three"),
        ("ie", "one one two", "one one six, one two three"),
        ("eu", "one one two", "a crisis line in your country"),
        ("au", "triple zero", "thirteen, eleven, fourteen"),
        ("nz", "one one one", "one seven three seven"),
        ("neutral", "your local emergency number", "a crisis line where you live"),
    ],
)
def test_the_numbers(locale: str, emergency: str, line: str) -> None:
    assert HELP[locale].emergency == emergency  # type: ignore[index]
    assert line in HELP[locale].line  # type: ignore[index]


def test_own_numbers_and_texts_and_digits_one_by_one() -> None:
    safety = Safety(
        Help("112", "the night line on 0800 1111"), {"suicide": ["Call {line}, or {emergency}."], "abuse": []}
    )
    assert safety.answer("I want to die", AlreadySaid()) == (
        "suicide",
        "Call the night line on zero eight zero zero one one one one, or one one two.",
    )
    answer = safety.answer("he hits me", AlreadySaid())
    assert answer is not None
    assert answer[1].startswith("I'm sorry. Nobody has the right")


def test_what_was_said_already_is_not_said_again_at_once() -> None:
    marks = [mark(text) for danger in DANGERS for text in TEXTS[danger]]
    assert len(set(marks)) == len(marks)
    assert len(list(texts(HELP["us"]))) == len(marks)
