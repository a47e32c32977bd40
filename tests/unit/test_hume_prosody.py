"""Hume's prosody scores, expression groups and context: of the newest words only, and only what makes sense."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.events import TurnRequested
from elizad.conversation.scores import AllScores
from elizad.eliza.expressions import NAMES
from elizad.errors import RemoteError
from elizad.protocols.hume_clm import HumeClm
from tests.support.guided import agent, user


def event(*thread: Any) -> TurnRequested:
    [one] = HumeClm().receive(json.dumps({"messages": thread}))
    assert isinstance(one, TurnRequested)
    return one


def raw(models: str, content: str = "hello") -> TurnRequested:
    [one] = HumeClm().receive(f'{{"messages":[{{"role":"user","content":"{content}","models":{models}}}]}}')
    assert isinstance(one, TurnRequested)
    return one


def test_scores_arrive_by_their_names() -> None:
    scores = {name: 0.01 * at for at, name in enumerate(NAMES)}
    assert event(user("hello", scores)).expressions == scores


@pytest.mark.parametrize(
    ("models", "wanted"),
    [
        ("null", {}),
        ("{}", {}),
        ("5", {}),
        ('{"prosody":null}', {}),
        ('{"prosody":[1]}', {}),
        ('{"prosody":{}}', {}),
        ('{"prosody":{"scores":null}}', {}),
        ('{"prosody":{"scores":[0.5]}}', {}),
        ('{"face":{"scores":{"Joy":0.5}}}', {}),
        ('{"prosody":{"scores":{"Joy":0.5}}}', {"Joy": 0.5}),
        ('{"prosody":{"scores":{"Joy":1,"Awe":0}}}', {"Joy": 1.0, "Awe": 0.0}),
        (
            '{"prosody":{"scores":{"Joy":0.5,"Awe":-0.1,"Fear":1.01,"Pain":1e400,"Love":12345678901234567890123}}}',
            {"Joy": 0.5},
        ),
        ('{"prosody":{"scores":{"Joy":0.5,"Awe":"0.9","Fear":null,"Pain":true,"Love":[1],"Envy":{}}}}', {"Joy": 0.5}),
        ('{"prosody":{"scores":{"Joy":0.5,"joy":0.9,"Hunger":0.9,"":1}}}', {"Joy": 0.5}),
        ('{"prosody":{"scores":{"Joy":5,"Awe":0.1,"Joy":0.5}}}', {"Joy": 0.5, "Awe": 0.1}),
        ('{"prosody":{"scores":{"Joy":0.5,"Awe":0.1,"Joy":5}}}', {"Awe": 0.1}),
        ('{"prosody":{"scores":{"Joy":0.5,"Awe":0.1,"Joy":0.7}}}', {"Joy": 0.7, "Awe": 0.1}),
        ('{"prosody":{"scores":{"Jo\\u0079":0.5}},"x":{"prosody":1}}', {"Joy": 0.5}),
    ],
)
def test_what_makes_no_sense_is_not_heard_and_the_rest_is(models: str, wanted: dict[str, float]) -> None:
    assert raw(models).expressions == wanted


def test_only_the_newest_words_count_and_of_several_in_a_row_the_last() -> None:
    older, newer = user("hello", {"Joy": 0.5}), user("so", {"Fear": 0.6})
    assert event(older, agent("Yes?"), newer).expressions == {"Fear": 0.6}
    assert event(older, newer).expressions == {"Fear": 0.6}
    assert event(older, user("so")).expressions == {}
    assert event(older, agent("Yes?")).expressions == {"Joy": 0.5}


def test_groups_are_a_second_source() -> None:
    words = "so it is {very tired, quite anxious, rather purple} {Context: vip caller}"
    one = event(user("so it is {very tired, quite anxious} {Context: vip caller}"))
    assert one.expressions == {"Tiredness": 0.75, "Anxiety": 0.6}
    assert one.context == ("vip caller",)
    assert one.transcript[-1].text == "so it is"
    assert event(user("so {very tired}", {"Joy": 0.5})).expressions == {"Joy": 0.5}
    assert event(user(words)).expressions == {}  # a group that cannot be read says nothing
    assert raw('{"prosody":{"scores":{"Joy":-1}}}', "so {very tired}").expressions == {"Tiredness": 0.75}


def test_a_long_context_is_cut_and_many_are_not_read() -> None:
    one = event(user("hello " + "{Context: " + "x" * 5000 + "}"))
    assert [len(text) for text in one.context] == [2000]
    assert len(event(user("hello" + " {Context: a}" * 30)).context) <= 8


SCORE = st.floats(0, 1) | st.sampled_from([0, 1, -0.0])
ODD = st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans() | st.none() | st.text(max_size=2)


def is_score(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1  # type: ignore[operator]


@given(
    st.dictionaries(st.sampled_from(NAMES), SCORE)
    | st.dictionaries(st.sampled_from([*NAMES, "joy", "Hunger", ""]), SCORE | ODD | st.just([0.5]))
)
def test_every_score_that_makes_sense_is_heard_and_no_other(scores: dict[str, Any]) -> None:
    heard = event(user("hello", scores)).expressions
    assert heard == {name: value for name, value in scores.items() if name in NAMES and is_score(value)}
    assert all(type(value) is float for value in heard.values())


@given(
    st.lists(SCORE, min_size=len(NAMES), max_size=len(NAMES)),
    st.permutations(NAMES),
    st.dictionaries(st.sampled_from([*NAMES, "joy", "Hunger"]), SCORE | ODD | st.just([0.5]), max_size=2),
)
def test_all_scores_are_heard_in_any_order_and_what_is_odd_among_them_is_not(
    values: list[float], names: list[str], odd: dict[str, Any]
) -> None:
    whole = {**dict(zip(names, values, strict=True)), **odd}
    adapter, thread = HumeClm(), [user("hello"), user("so", whole)]
    heard = []
    for number in (1, 2):  # read at first with all of the thread, and then alone
        [one] = adapter.receive(json.dumps({"messages": thread[-number:]}))
        [two] = adapter.receive(json.dumps({"messages": [*thread[-number:], agent("Yes?"), user("yes", whole)]}))
        assert isinstance(one, TurnRequested)
        assert isinstance(two, TurnRequested)
        heard += [one.expressions, two.expressions]
    assert heard == [{name: value for name, value in whole.items() if name in NAMES and is_score(value)}] * 4


def test_all_scores_are_a_mapping() -> None:
    values = tuple(0.01 * at for at in range(len(NAMES)))
    whole = dict(zip(NAMES, values, strict=True))
    scores = AllScores(*values)
    assert scores == whole
    assert whole == scores
    assert list(scores.values()) == list(whole.values())
    assert list(scores.items()) == list(whole.items())
    assert list(scores) == list(scores.keys()) == list(NAMES)
    assert len(scores) == len(NAMES)
    assert repr(scores) == repr(whole)
    assert "Joy" in scores
    assert scores["Joy"] == scores.get("Joy") == whole["Joy"]
    assert "joy" not in scores
    assert scores.get("joy", -1.0) == -1.0
    with pytest.raises(KeyError):
        scores["joy"]


def test_of_all_scores_those_that_make_sense_are_in_the_mapping() -> None:
    odd, sound = itertools.cycle([-0.1, 1.5, 1e300]), {"Joy": 0.5, "Awe": 0.0, "Fear": 1.0}
    scores = AllScores(*(sound.get(name, next(odd)) for name in NAMES))
    assert scores == sound
    assert len(scores) == 3
    assert "Love" not in scores
    assert scores.get("Love") is None
    assert scores
    assert not AllScores(*[2.0] * len(NAMES))
    models = json.dumps({"prosody": {"scores": dict.fromkeys(NAMES, 2.5)}})
    assert raw(models, "so {very tired}").expressions == {"Tiredness": 0.75}


@given(
    st.recursive(
        st.none() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["prosody", "scores", "Joy", "Fear"]), inner, max_size=3)
        ),
        max_leaves=9,
    )
)
def test_any_models_give_scores_between_0_and_1(models: Any) -> None:
    try:
        one = event({"role": "user", "content": "hello", "models": models})
    except RemoteError:
        return  # an infinity, which JSON has no word for
    assert set(one.expressions) <= set(NAMES)
    assert all(0 <= value <= 1 for value in one.expressions.values())
