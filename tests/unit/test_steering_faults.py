"""Rules that can never fire: `faults` tells of them, and of no others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.steering import Rule, Steering, TurnContext, faults


def rule(**conditions: Any) -> Rule:
    return Rule(**{"say": "Said by the rule, for sure.", **conditions})


@pytest.mark.parametrize(
    ("rules", "ends", "wanted"),
    [
        ([rule(words=("refund",)), rule(words=("a refund",))], False, (1, "steer[0] fires whenever this one could")),
        ([rule(), rule(words=("a",))], False, (1, "steer[0] fires whenever")),
        ([rule(words=("a", "b")), rule(words=("b",), platform="hume")], False, (1, "steer[0] fires whenever")),
        ([rule(from_turn=3), rule(from_turn=4, to_turn=9)], False, (1, "steer[0] fires whenever")),
        ([rule(to_turn=9), rule(from_turn=4, to_turn=9)], False, (1, "steer[0] fires whenever")),
        ([rule(to_turn=1), rule(known_caller=True)], False, (1, "steer[0] fires whenever")),
        ([rule(expression="Joy", score=0.3), rule(expression="Joy", score=0.6)], False, (1, "steer[0] fires whenever")),
        ([rule(seconds_left=90.0), rule(seconds_left=60.0)], False, (1, "steer[0] fires whenever")),
        ([rule(pattern="a"), rule(pattern="a", words=("b",))], False, (1, "steer[0] fires whenever")),
        ([rule(from_turn=5, to_turn=4)], False, (0, "no turn is from 5 to 4")),
        ([rule(known_caller=True, from_turn=2)], False, (0, "known_caller is about the first turn")),
        ([rule(platform="retell", seconds_left=60.0)], False, (0, "has no end unless conversation.length_s says so")),
        ([rule(platform="retell", expression="Joy")], False, (0, "Retell does not send what expression asks for")),
        ([rule(platform="retell", context=("a",))], False, (0, "Retell does not send what context asks for")),
        ([rule(score=0.9)], False, (0, "has a score of no expression")),
        ([rule(say="")], False, (0, "leaves the caller in silence")),
        ([rule(say="{name}", limit=1)], False, (0, "has a limit that cannot be kept")),
    ],
)
def test_a_rule_that_can_never_fire_is_told(rules: list[Rule], ends: bool, wanted: tuple[int, str]) -> None:
    [(index, why)] = faults(rules, call_ends=ends)
    assert index == wanted[0]
    assert wanted[1] in why


@pytest.mark.parametrize(
    "rules",
    [
        [rule(words=("refund",), limit=1), rule(words=("refund",))],
        [rule(words=("a refund",)), rule(words=("refund",))],
        [rule(platform="hume"), rule()],
        [rule(expression="Joy", score=0.6), rule(expression="Joy", score=0.3)],
        [rule(from_turn=4), rule(from_turn=3)],
        [rule(to_turn=4), rule()],
        [rule(known_caller=True), rule(to_turn=1)],
        [rule(pattern="a"), rule(pattern="b")],
        [rule(words=("a",)), rule(pattern="a")],
        [rule(context=("a",)), rule(words=("a",))],
        [rule(seconds_left=60.0), rule(seconds_left=90.0)],
        [
            rule(say="", then="end"),
        ],
        [rule(say="", then="go_on", words=("kill time",))],
    ],
)
def test_a_rule_that_can_fire_is_not(rules: list[Rule]) -> None:
    assert list(faults(rules, call_ends=False)) == []
    assert not list(faults([rule(platform="retell", seconds_left=60.0)], call_ends=True))


CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "words": st.sampled_from([("a",), ("a b",), ("b", "a")]),
        "from_turn": st.integers(0, 3),
        "to_turn": st.integers(0, 3),
        "platform": st.sampled_from(["hume", "retell"]),
        "known_caller": st.booleans(),
        "expression": st.sampled_from(["Joy", "Fear"]),
        "score": st.sampled_from([0.2, 0.5]),
        "seconds_left": st.sampled_from([10.0, 99.0]),
    },
)
NOWS = st.builds(
    TurnContext,
    heard=st.sampled_from(["a", "a b", "b", "c"]),
    turn=st.integers(1, 4),
    platform=st.sampled_from(["hume", "retell"]),
    known=st.booleans(),
    expressions=st.dictionaries(st.sampled_from(["Joy", "Fear"]), st.sampled_from([0.3, 0.6])),
    seconds_left=st.sampled_from([None, 5.0, 50.0]),
)


@given(st.lists(CONDITIONS, min_size=1, max_size=4), NOWS)
def test_what_is_told_never_to_fire_never_fires(conditions: list[dict[str, Any]], now: TurnContext) -> None:
    rules = [rule(name=str(at), **one) for at, one in enumerate(conditions)]
    decision = Steering(rules).look(now)
    if decision is not None:
        told = [why for index, why in faults(rules, call_ends=True) if index == int(decision.rule)]
        assert not [why for why in told if not why.startswith(("never fires: Retell", "has a score"))]
