"""ELIZA in 1966 mode against everything that is published of the original."""

from __future__ import annotations

from typing import Any

import pytest

from elizad.eliza import Eliza
from elizad.eliza.characters import filter_text
from elizad.eliza.diction import FAITHFUL, tokenise
from elizad.eliza.match import Decomposition, group_words
from elizad.eliza.memory import last_cell, slip_hash
from elizad.errors import ScriptError
from tests.support.conformance import conversations, load, needs_conformance, subtle_points

pytestmark = needs_conformance


SIX = "USE_SIX_CHAR_MATCHING_BEHAVIOR"


def test_the_data_is_complete() -> None:
    assert sum(len(turns) for _, _, turns in conversations()) == 271
    assert len(conversations()) == 13
    assert len(subtle_points()) == 99


@pytest.mark.parametrize(("script", "turns"), [pytest.param(s, t, id=n) for n, s, t in conversations()])
def test_published_conversation(script: str, turns: list[tuple[str, str]]) -> None:
    eliza = Eliza(script)
    state = eliza.start()
    for prompt, expected in turns:
        state, reply = eliza.reply(state, prompt)
        assert (prompt, reply) == (prompt, expected)


@pytest.mark.parametrize("point", [pytest.param(p, id=p["id"]) for p in subtle_points()])
def test_subtle_point(point: dict[str, Any]) -> None:
    if "error" in point:
        with pytest.raises(ScriptError) as caught:
            Eliza(point["script"])
        assert str(caught.value) == point["error"]
        return
    eliza = Eliza(point["script"])
    if "hello" in point:
        assert eliza.opening == point["hello"]
    state = eliza.start()
    for turn in point["turns"]:
        state, reply = eliza.reply(state, turn["user"])
        assert (turn["user"], reply) == (turn["user"], turn["eliza"])


@pytest.mark.parametrize("case", load("unit-script-load.json"))
def test_script_load(case: dict[str, str]) -> None:
    try:
        Eliza(case["script_text"])
        result = "success"
    except ScriptError as error:
        result = str(error)
    assert result == case["result"]


@pytest.mark.parametrize("case", load("unit-match.json"))
def test_match(case: dict[str, Any]) -> None:
    pattern = Decomposition(case["pattern"], case["tags"])
    places = pattern.lay(case["words"])
    assert (places is not None) is case["matched"]
    if places is not None:
        numbers = range(1, len(case["pattern"]) + 1)
        assert [" ".join(pattern.part(case["words"], places, number)) for number in numbers] == case["parts"]


@pytest.mark.parametrize("case", load("unit-inlist.json"))
def test_word_group(case: dict[str, Any]) -> None:
    six = case["tags"].get(SIX) == [SIX]
    assert (case["word"] in group_words(case["list"], case["tags"], six_characters=six)) is case["out"]


@pytest.mark.parametrize("case", load("unit-reassemble.json"))
def test_reassemble(case: dict[str, Any]) -> None:
    # A script cannot hold an index out of range, so only what loads can be shown on the engine.
    parts = case["parts"]
    if not all(not r.isdecimal() or 1 <= int(r) <= len(parts) for r in case["rule"]):
        pattern = " ".join(["0"] * len(parts))
        with pytest.raises(ScriptError, match="out of range"):
            Eliza(_SHELL.format(pattern=pattern, reply=" ".join(case["rule"])))
        return
    pattern = " ".join(str(len(part.split())) for part in parts)
    eliza = Eliza(_SHELL.format(pattern=f"K {pattern}", reply=" ".join(_shifted(case["rule"]))))
    _, reply = eliza.reply(eliza.start(), "K " + " ".join(parts))
    assert reply.split() == case["out"]


_SHELL = "(HELLO)(NONE ((0)(NO)))(MEMORY K (0 = A)(0 = B)(0 = C)(0 = D))(K (({pattern})({reply})))"


def _shifted(rule: list[str]) -> list[str]:
    return [str(int(item) + 1) if item.isdecimal() else item for item in rule]


def test_hash() -> None:
    for case in load("unit-hash.json"):
        assert slip_hash(int(case["datum_octal"], 8), case["bits"]) == case["out"]
    for case in load("unit-last-chunk-as-bcd.json"):
        assert f"{last_cell(case['in']):012o}" == case["octal"]
    for letter, code in load("unit-bcd-table.json").items():
        assert last_cell(letter) >> 30 == code


def test_join_and_split() -> None:
    for case in load("unit-join.json"):
        assert FAITHFUL.utter(case["in"]) == case["out"]
    # The other vectors of this file try delimiters that the program was never run with.
    cases = [case for case in load("unit-split-user-input.json") if case["punctuation"] == ",."]
    assert len(cases) == 3
    for case in cases:
        assert tokenise(case["in"]) == case["out"]


def test_character_filter() -> None:
    for case in load("unit-eliza-uppercase.json"):
        assert filter_text(case["in"]) == case["out"]
    table = {int(point): text for point, text in load("uppercase-map.json")["map"].items()}
    assert len(table) == 979
    for point in range(0x110000):
        assert filter_text(chr(point)) == table.get(point, chr(point)), hex(point)
