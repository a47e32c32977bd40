"""The listener's language model is the one that everyday.txt makes, and how its errors are counted."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from elizad.eliza import scripts

pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (elizad[voice])")

from pocketsphinx import get_model_path

from elizad.evi.listener import MODEL
from tests.bench.hearing import distance, utterances
from tests.bench.language import sentences

AGAIN = "run python -m tests.bench.language"


def ngrams(length: int) -> set[str]:
    """The sequences of so many words that the model has."""
    part = MODEL.read_text("utf-8").split(f"\\{length}-grams:\n")[1].split("\n\n")[0]
    return {" ".join(line.split()[1 : 1 + length]) for line in part.splitlines()}


def test_the_model_is_made_of_these_sentences() -> None:
    made_of = [f"<s> {sentence} </s>".split() for sentence in sentences()]
    assert {word for words in made_of for word in words} <= ngrams(1), AGAIN
    assert {" ".join(pair) for words in made_of for pair in pairwise(words)} <= ngrams(2), AGAIN
    assert {" ".join(words[at : at + 3]) for words in made_of for at in range(len(words) - 2)} == ngrams(3), AGAIN


def test_its_probabilities_are_some_of_one() -> None:
    part = MODEL.read_text("utf-8").split("\\2-grams:\n")[1].split("\n\n")[0]
    sums: dict[str, float] = {}
    for line in part.splitlines():
        probability, first, _, _ = line.split()
        sums[first] = sums.get(first, 0.0) + 10 ** float(probability)
    assert len(sums) > 1000
    assert max(sums.values()) < 1.01


def test_it_knows_the_words_that_the_scripts_look_for() -> None:
    dictionary = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8")
    sayable = {line.split(" ", 1)[0] for line in dictionary.splitlines()}
    looked_for = {word for name in scripts.names() for word in re.findall(r"[a-z']+", scripts.read(name).lower())}
    unknown = (looked_for & sayable) - ngrams(1)
    assert len(unknown) <= 0.02 * len(looked_for), f"{sorted(unknown)}: {AGAIN}"


def test_every_word_can_be_spoken() -> None:
    dictionary = Path(get_model_path("en-us/cmudict-en-us.dict")).read_text("utf-8")
    sayable = {line.split(" ", 1)[0] for line in dictionary.splitlines()}
    assert {word for sentence in sentences() for word in sentence.split()} <= sayable


def test_sentences_are_words_and_the_same_each_time() -> None:
    first = list(sentences())
    assert first == list(sentences())
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", sentence) for sentence in first)


def test_there_are_enough_utterances_to_measure_with() -> None:
    known = set(sentences())
    assert len([text for text in utterances() if text not in known]) >= 120


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("i am sad", "i am sad", 0),
        ("i am sad", "i sad", 1),
        ("i am sad", "i am so sad", 1),
        ("i am sad", "you are sad", 2),
        ("i am sad", "", 3),
        ("", "a word", 2),
    ],
)
def test_errors_are_words_wrong_missing_and_too_many(said: str, heard: str, wrong: int) -> None:
    assert distance(said.split(), heard.split()) == wrong
