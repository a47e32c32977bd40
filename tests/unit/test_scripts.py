"""The packaged scripts: all of each can be said, and nothing in them would sound wrong aloud."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import pytest

from elizad.eliza import scripts
from elizad.eliza.diction import FAITHFUL
from elizad.eliza.engine import Eliza, Step
from elizad.eliza.match import is_number
from elizad.eliza.script import Say, Script, Transformation
from elizad.speech.spoken import Spoken
from tests.support.reach import unreached
from tests.support.talk import table, transcript

HERE = Path(__file__).parent
NAMES = scripts.names()
TABLES = {name: table(HERE / "utterances" / f"{name}.txt") for name in NAMES}
TRANSCRIPTS = sorted((HERE / "transcripts").glob("*.txt"))
# What a script must have at least: keywords that can answer, reassemblies.
LEAST = {"doctor": (80, 350), "frontdesk": (30, 120)}


ELIZAS = {name: Eliza(scripts.read(name), Spoken()) for name in NAMES}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def eliza(name: str) -> Eliza:
    return ELIZAS[name]


def _transformations(script: Script) -> list[tuple[str, Transformation]]:
    return [(rule.keyword, transformation) for rule in script.all_rules for transformation in rule.transformations]


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


def test_a_script_is_as_rich_as_it_should_be(name: str, eliza: Eliza) -> None:
    script = eliza.script
    keywords, reassemblies = LEAST[name]
    # Helper rules, whose names no caller can say, do not count.
    assert sum(rule.active and "." not in keyword for keyword, rule in script.rules.items()) >= keywords
    assert len(_replies(script)) >= reassemblies
    silence_and_words = [one for one in script.none.transformations if one.decomposition.lay(["X", "Y", "Z"])]
    assert len(silence_and_words[0].reassemblies) >= 15


def test_every_reassembly_and_memory_form_is_reached(name: str, eliza: Eliza) -> None:
    places, forms = unreached(eliza, [exchange.utterance for exchange in TABLES[name]])
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


def test_scripts_work_in_1966_mode_too(name: str) -> None:
    eliza = Eliza(scripts.read(name), FAITHFUL)
    assert eliza.opening == eliza.opening.upper()
    _, reply = eliza.reply(eliza.start(), "My mother is very ill.")
    assert reply
    assert reply == reply.upper()


def test_the_tables_are_long_enough() -> None:
    assert len(TABLES["doctor"]) >= 150
    assert len(TABLES["frontdesk"]) >= 30
    for exchanges in TABLES.values():
        assert len({exchange.utterance for exchange in exchanges}) == len(exchanges)


def test_what_is_said_gets_the_reply_of_the_table(name: str, eliza: Eliza) -> None:
    wrong = []
    for utterance, wanted, line in TABLES[name]:
        _, reply = eliza.reply(eliza.start(), utterance)
        if reply != wanted:
            wrong.append(f"utterances/{name}.txt:{line}\n  said:   {utterance}\n  wanted: {wanted}\n  got:    {reply}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_transcript_is_said_again_word_for_word(path: Path) -> None:
    eliza = ELIZAS["doctor"]
    opening, exchanges = transcript(path)
    assert eliza.opening == opening
    assert len(exchanges) >= 15
    state = eliza.start()
    for utterance, wanted, line in exchanges:
        state, reply = eliza.reply(state, utterance)
        assert reply == wanted, f"{path.name}:{line}: {utterance}"


def _is_catch_all(trace: list[Step]) -> bool:
    """Whether the reply is one of those that NONE has for any words whatever."""
    details = {step.label: step.detail for step in trace}
    elements = re.findall(r"\d+:(.*?)=\[", details.get("decomposition", ""))
    return details.get("rule") == "NONE" and all(map(is_number, elements)) and elements != ["0"]  # which is silence


def test_few_replies_are_catch_alls(name: str, eliza: Eliza) -> None:
    """In long calls of everyday talk under 15 in 100 replies, silence not counted, are such as fit anything."""
    said = [exchange.utterance for exchange in TABLES[name] if exchange.utterance]
    said += [
        turn.utterance for path in TRANSCRIPTS for turn in transcript(path)[1] if turn.utterance and name == "doctor"
    ]
    chance = random.Random(1966)
    catch_alls = turns = 0
    for _ in range(20):
        state = eliza.start()
        for utterance in chance.sample(said, min(60, len(said))):
            trace: list[Step] = []
            state, _reply = eliza.reply(state, utterance, trace)
            catch_alls += _is_catch_all(trace)
            turns += 1
    assert catch_alls < 0.15 * turns


def test_no_reply_comes_twice_running_in_long_calls(name: str, eliza: Eliza) -> None:
    """Whatever is said, the same thing over and over included."""
    said = [exchange.utterance for exchange in TABLES[name]]
    chance = random.Random(1967)
    for _ in range(30):
        state, before = eliza.start(), eliza.opening
        topics = chance.sample(said, 6)
        for _ in range(60):
            utterance = chance.choice(topics)
            state, reply = eliza.reply(state, utterance)
            assert reply != before, utterance
            before = reply
    for utterance in said:
        state, before = eliza.start(), eliza.opening
        for _ in range(12):
            state, reply = eliza.reply(state, utterance)
            assert reply != before, utterance
            before = reply
