"""The packaged scripts: all of each can be said, and nothing in them would sound wrong aloud."""

from __future__ import annotations

import itertools

import pytest

from elizad.eliza import scripts
from elizad.eliza.diction import FAITHFUL
from elizad.eliza.engine import Eliza
from elizad.eliza.script import Say, Script, Transformation
from elizad.speech.spoken import Spoken
from tests.support.reach import unreached

NAMES = scripts.names()
# What a script must have at least: keywords that can answer, reassemblies.
LEAST = {"doctor": (80, 350), "frontdesk": (30, 120)}


@pytest.fixture(scope="module", params=NAMES)
def eliza(request: pytest.FixtureRequest) -> Eliza:
    return Eliza(scripts.read(request.param), Spoken())


def _transformations(script: Script) -> list[tuple[str, Transformation]]:
    rules = (*script.rules.values(), script.none)
    return [(rule.keyword, transformation) for rule in rules for transformation in rule.transformations]


def _replies(script: Script) -> list[tuple[int, str]]:
    """Return the script text of all that can be said, with its line."""
    texts = [
        (transformation.line, one.parts)
        for _, transformation in _transformations(script)
        for one in transformation.reassemblies
        if isinstance(one, Say)
    ]
    texts += [(0, form.parts) for form in script.memory_forms]
    return [(line, " ".join(str(p) if isinstance(p, int) else p.said for p in parts)) for line, parts in texts]


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_as_rich_as_it_should_be(name: str) -> None:
    script = Eliza(scripts.read(name), Spoken()).script
    keywords, reassemblies = LEAST[name]
    # Helper rules, whose names no caller can say, do not count.
    assert sum(rule.active and "." not in keyword for keyword, rule in script.rules.items()) >= keywords
    assert len(_replies(script)) >= reassemblies
    silence_and_words = [one for one in script.none.transformations if one.decomposition.match(["X", "Y", "Z"])]
    assert len(silence_and_words[0].reassemblies) >= 15


def test_every_reassembly_and_memory_form_is_reached(eliza: Eliza) -> None:
    places, forms = unreached(eliza)
    assert not places
    assert not forms


def test_a_rule_never_says_the_same_twice_running(eliza: Eliza) -> None:
    """With at least two reassemblies in turn, and no text written twice, no reply can follow itself."""
    for keyword, transformation in _transformations(eliza.script):
        says = sum(isinstance(one, Say) for one in transformation.reassemblies)
        assert says != 1, f"{keyword}, line {transformation.line}"
    texts = sorted((text, line) for line, text in _replies(eliza.script))
    for (text, line), (after, another) in itertools.pairwise(texts):
        assert text != after, f"lines {line} and {another}: {text}"


def test_replies_are_short_and_have_no_digits_and_one_end_mark(eliza: Eliza) -> None:
    for line, text in _replies(eliza.script):
        assert 1 <= len(text.split()) <= 26, f"line {line}: {text}"
        assert text[-1] in ".?", f"line {line}: {text}"
        assert ".." not in text, f"line {line}: {text}"
        assert not any(word.isupper() and word not in ("I", "A") and word.isalpha() for word in text.split())


@pytest.mark.parametrize("name", NAMES)
def test_scripts_work_in_1966_mode_too(name: str) -> None:
    eliza = Eliza(scripts.read(name), FAITHFUL)
    assert eliza.opening == eliza.opening.upper()
    _, reply = eliza.reply(eliza.start(), "My mother is very ill.")
    assert reply
    assert reply == reply.upper()
