"""Steering: which rule fires, what it says and what then; the clock; what is disclosed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.conversation.clock import AFTER_THE_END, Clock, time_words
from elizad.conversation.commands import EndTurn
from elizad.conversation.conversation import Conversation, Manner, Place
from elizad.conversation.events import Ask, TurnRequested
from elizad.conversation.guide import Guide
from elizad.conversation.hush import Hush
from elizad.conversation.safety import Safety
from elizad.conversation.said import AlreadySaid, as_it_is, mark
from elizad.conversation.steering import Decision, Rule, Steering, TurnContext
from elizad.eliza import Eliza
from elizad.speech.numerals import spell_out
from elizad.speech.spoken import Spoken
from elizad.types import Role, Utterance
from tests.support.calls import SCRIPT
from tests.support.guided import HumeCall, agent, take, user

SAY = Rule(say="Said by the rule, for sure.")


def rule(**conditions: Any) -> Rule:
    return Rule(**{"say": "Said by the rule, for sure.", **conditions})


def looked(one: Rule, **now: Any) -> Decision | None:
    return Steering([one]).look(TurnContext(**{"heard": "hello there", **now}))


def said(*texts: str) -> AlreadySaid:
    """A transcript in which we have said these, a turn each."""
    return AlreadySaid([one for text in texts for one in (Utterance(Role.ASSISTANT, text), Utterance(Role.USER, "x"))])


# -- conditions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "now", "fires"),
    [
        (rule(), {}, True),
        (rule(words=("refund",)), {}, False),
        (rule(words=("refund", "hello")), {}, True),
        (rule(pattern="l{2}o there$"), {}, True),
        (rule(pattern="^there"), {}, False),
        (rule(words=("hello",), pattern="^there"), {}, False),
        (rule(expression="Anger", score=0.6), {"expressions": {"Anger": 0.6}}, True),
        (rule(expression="Anger", score=0.6), {"expressions": {"Anger": 0.59}}, False),
        (rule(expression="Anger", score=0.6), {}, False),
        (rule(from_turn=2), {"turn": 1}, False),
        (rule(from_turn=2), {"turn": 2}, True),
        (rule(to_turn=2), {"turn": 2}, True),
        (rule(to_turn=2), {"turn": 3}, False),
        (rule(seconds_left=60.0), {"seconds_left": 60.0}, True),
        (rule(seconds_left=60.0), {"seconds_left": 60.1}, False),
        (rule(seconds_left=60.0), {"seconds_left": -5.0}, True),
        (rule(seconds_left=60.0), {"seconds_left": None}, False),
        (rule(platform="hume"), {"platform": "hume"}, True),
        (rule(platform="hume"), {"platform": "retell"}, False),
        (rule(known_caller=True), {"known": True, "turn": 1}, True),
        (rule(known_caller=True), {"known": True, "turn": 2}, False),
        (rule(known_caller=True), {"known": False, "turn": 1}, False),
        (rule(context=("vip",)), {"context": ("the caller is a VIP",)}, True),
        (rule(context=("vip",)), {"context": ("nothing",), "heard": "vip"}, False),
    ],
)
def test_a_rule_fires_when_all_its_conditions_hold(one: Rule, now: dict[str, Any], fires: bool) -> None:
    assert looked(one, **now) == (Decision("steer[0]", SAY.say, "stay") if fires else None)


def test_the_first_that_fires_decides() -> None:
    rules = [rule(words=("refund",), name="a"), rule(words=("hello",), name="b", then="end"), rule(name="c")]
    assert Steering(rules).look(TurnContext("hello")) == Decision("b", SAY.say, "end")
    assert Steering(rules).look(TurnContext("what")) == Decision("c", SAY.say, "stay")
    assert Steering(rules[:2]).look(TurnContext("what")) is None


def test_a_limit_is_counted_in_what_was_said() -> None:
    twice = rule(limit=2, say="Well, {name}, we close at six on Fridays.")
    texts = ["Well, Ann, we close at six on Fridays. And you?", "well Bob we close at six on fridays"]
    assert looked(twice, said=said()) is not None
    assert looked(twice, said=said(texts[0], "Something else.")) is not None
    assert looked(twice, said=said(*texts)) is None
    assert looked(twice, said=said(texts[0], "Well, Ann, we close")) is not None  # broken off: not heard


def test_a_limit_is_counted_in_what_was_heard_of_the_text() -> None:
    once = rule(limit=1, say="The room for {name} costs $20, and we close at 9:30.")
    heard = "The room for Ann costs twenty dollars, and we close at nine thirty."
    for spoken, fires in ((spell_out, False), (as_it_is, True)):
        look = Steering([once], said_as=spoken).look(TurnContext("hello there", said=said(heard)))
        assert (look is not None) is fires


def test_a_warning_with_numbers_is_given_once() -> None:
    clock = Clock(0, 60.0, "In 1 minute or so, at 9:30, we end.", "Call 24/7. Goodbye.", spell_out)
    now = TurnContext("so", seconds_left=30, said=said("In one minute or so, at nine thirty, we end."))
    assert Steering((), None, clock).look(now) is None
    over = TurnContext("so", seconds_left=0, said=said(spell_out(clock.closing)))
    assert Steering((), None, clock).look(over) == Decision("time: over", AFTER_THE_END, "end")


def test_fields_come_from_the_match_the_call_and_the_turn() -> None:
    one = rule(
        say="{name} of {company}, turn {turn} on {platform}, {time_left} left. {unknown}",
        pattern=r"i am (?P<name>\w+)",
    )
    decision = looked(
        one,
        heard="Hi, I am Ann",
        variables={"company": "Acme", "name": "Bob"},
        platform="hume",
        turn=3,
        seconds_left=170,
    )
    assert decision is not None
    assert decision.say == "Ann of Acme, turn 3 on hume, three minutes left."


def test_what_a_caller_says_cannot_bring_in_fields_or_be_long() -> None:
    one = rule(say="Hello {what}.", pattern=r"say (?P<what>.+)")
    decision = looked(one, heard="say {secret} " + "x" * 400, variables={"secret": "s"})
    assert decision is not None
    assert decision.say == "Hello {secret} " + "x" * 71 + "."


@given(st.text(max_size=80), st.integers(1, 99), st.floats(-100, 4000) | st.none())
def test_any_turn_is_decided(heard: str, turn: int, left: float | None) -> None:
    rules = [
        rule(words=("a b",), say="{turn}"),
        rule(pattern=r"(?P<x>\w+)\?", then="go_on"),
        rule(to_turn=3, then="end"),
    ]
    clock = Clock(900, 60, "Nearly {time_left}.", "Over now, goodbye to you and thanks.")
    decision = Steering(rules, Safety(), clock).look(TurnContext(heard, turn, seconds_left=left))
    assert decision is None or (decision.rule and "{" not in decision.say.replace(heard, ""))


# -- safety and the clock, before and beside the rules -----------------------------------------------------------

CLOCK = Clock(600.0, 60.0, "You have about {time_left} with me now.", "That is all for today, take good care.")


def test_safety_comes_before_everything() -> None:
    steering = Steering([rule(then="end")], Safety(), CLOCK)
    decision = steering.look(TurnContext("I want to die", seconds_left=-100))
    assert decision is not None
    assert (decision.rule, decision.then) == ("safety: suicide", "stay")


@pytest.mark.parametrize(
    ("left", "before", "wanted"),
    [
        (61.0, [], None),
        (60.0, [], Decision("time: warning", "You have about one minute with me now.", "go_on")),
        (30.0, ["You have about one minute with me now."], None),
        (0.0, [], Decision("time: over", CLOCK.closing, "end")),
        (-9.0, [CLOCK.closing], Decision("time: over", AFTER_THE_END, "end")),
        (None, [], None),
    ],
)
def test_the_time_is_told_once_and_then_over(left: float | None, before: list[str], wanted: Decision | None) -> None:
    assert Steering((), None, CLOCK).look(TurnContext("so", seconds_left=left, said=said(*before))) == wanted


def test_the_warning_stands_before_what_a_rule_says_but_not_before_an_end() -> None:
    now = TurnContext("hello", seconds_left=50)
    assert Steering([rule(name="r")], None, CLOCK).look(now) == Decision(
        "time: warning; r", f"You have about one minute with me now. {SAY.say}", "stay"
    )
    assert Steering([rule(then="end")], None, CLOCK).look(now) == Decision("steer[0]", SAY.say, "end")
    assert Steering((), None, CLOCK).look(now._replace(leaving=True)) is None


def test_the_end_is_the_sooner_one_and_leaves_time_for_the_closing_remark() -> None:
    assert Clock(600).seconds_left(10, 1800) == 590
    assert Clock(7200).seconds_left(10, 1800) == 1770
    assert Clock(0).seconds_left(10, 1800) == 1770
    assert Clock(0).seconds_left(10, None) is None


def test_texts_that_are_empty_say_and_end_nothing() -> None:
    assert Steering((), None, Clock(600)).look(TurnContext("so", seconds_left=-100)) is None


def test_time_in_words() -> None:
    found = [time_words(seconds) for seconds in (1800, 125, 90, 89, 45, 44, 20, 19, 8, 7, -4, None)]
    assert found == [
        "thirty minutes", "two minutes", "two minutes", "one minute", "one minute", "half a minute", "half a minute",
        "ten seconds", "ten seconds", "five seconds", "no time", "",
    ]  # fmt: skip


# -- in a conversation -------------------------------------------------------------------------------------------


def eliza() -> Eliza:
    return Eliza(SCRIPT, Spoken(), max_steps=1000)


def call(*rules: Rule, **guide: Any) -> HumeCall:
    return HumeCall(eliza(), Guide(Steering(rules, guide.pop("safety", None), guide.get("clock", Clock())), **guide))


def test_stay_go_on_and_end() -> None:
    plain = call().say("my cat")
    assert call(rule(then="stay")).say("my cat") == SAY.say
    assert call(rule(then="go_on")).say("my cat") == f"{SAY.say} {plain}"
    turn = call(rule(then="end")).reply([user("my cat")])
    assert turn.said == SAY.say
    assert turn.cues[-1].commands[-1] == EndTurn(turn.number, hang_up=True)
    assert turn.steered == "steer[0]"


def test_a_steered_turn_is_part_of_the_fold() -> None:
    steered, plain = call(rule(words=("cat",))), call()
    for text in ("my cat", "my dog", "my cat", "my house"):
        replies = steered.say(text), plain.say(text)
    assert replies[0] == replies[1]


def test_who_takes_leave_is_not_kept_by_a_rule_that_goes_on_and_is_by_one_that_stays() -> None:
    def hangs_up(one: HumeCall) -> bool:
        end = one.reply([user("goodbye")]).cues[-1].commands[-1]
        return isinstance(end, EndTurn) and end.hang_up

    assert hangs_up(call())
    assert hangs_up(call(rule(then="go_on")))
    assert not hangs_up(call(rule(then="stay")))


def test_safety_answers_instead_of_the_mirror_each_time_otherwise() -> None:
    one = call(safety=Safety())
    first, second, third = (one.say("I want to kill myself") for _ in range(3))
    assert len({first, second, third}) == 3
    assert "computer program" in first
    assert one.say("I could kill for a coffee") != one.say("my cat")


def test_the_disclosure_is_said_once_before_everything() -> None:
    said_first = "You are talking to a computer program."
    one = call(disclosure=said_first)
    greeting = one.reply([user("Speak your greeting to the user.")]).said
    assert greeting == f"{said_first} Good day, I listen."
    first = one.say("my cat")
    assert first.startswith(said_first)
    assert said_first not in one.say("my cat")
    greeted = call(disclosure=said_first)
    greeted.thread.append(agent(greeting))
    assert said_first not in greeted.say("my cat")
    deaf = call(disclosure=said_first)
    deaf.say("my cat")
    deaf.thread[-1] = agent("something that the platform wrote down in other words")
    assert said_first not in deaf.say("my dog")


def test_what_is_hushed_is_hushed_last() -> None:
    one = call(rule(words=("tell",), say="The Acme is closed."), hush=Hush(["Acme", "sister"]))
    assert one.say("tell me") == "That is closed."
    assert one.say("my Acme") == "Tell me of that."
    assert "Acme" not in one.say("my Acme and my sister")


def test_a_silence_after_the_end_ends_the_call() -> None:
    conversation = Conversation(eliza(), Manner(), Guide(Steering((), None, CLOCK), CLOCK), Place("retell"))
    soon = take(conversation, TurnRequested(1, ask=Ask.SILENCE), 599)
    over = take(conversation, TurnRequested(2, ask=Ask.SILENCE), 600)
    assert not _hangs_up(soon)
    assert (over.said, _hangs_up(over)) == (CLOCK.closing, True)


def _hangs_up(turn: Any) -> bool:
    return bool(turn.cues[-1].commands[-1].hang_up)


def test_platform_session_variables_and_time_reach_the_rules() -> None:
    one = rule(say="{platform} {session} {company} {time_left}", then="stay")
    guide = Guide(Steering([one], None, Clock(600)), Clock(600))
    conversation = Conversation(eliza(), Manner(), guide, Place("retell"))
    event = TurnRequested(1, (Utterance(Role.USER, "x"),), session="s1", variables={"company": "Acme"})
    assert take(conversation, event, 420).said == "retell s1 Acme three minutes"


@given(st.lists(st.sampled_from(["my cat", "refund", "I want to die", "so", "", "bye"]), min_size=1, max_size=7))
def test_a_payload_is_steered_in_the_same_way_on_a_fresh_connection_as_on_a_used_one(turns: list[str]) -> None:
    rules = (
        rule(words=("refund",), limit=1),
        rule(words=("so",), limit=1, then="go_on", say="Only one time, I tell you."),
    )
    used = call(*rules, safety=Safety(), disclosure="You are talking to a program now.")
    for text in turns:
        used.thread.append(user(text))
        reply = used.reply(used.thread)
        fresh = call(*rules, safety=Safety(), disclosure="You are talking to a program now.").reply(used.thread)
        assert (fresh.said, fresh.steered) == (reply.said, reply.steered)
        used.thread.append(agent(reply.said))


# -- what was said already ---------------------------------------------------------------------------------------


def test_a_text_is_known_again_by_its_longest_stretch() -> None:
    assert mark("Hello {name}, we close at six on Fridays, as a rule.") == " we close at six on fridays "
    assert mark("{name}") == ""
    assert mark("Yes.") == " yes "


def test_pieces_of_one_reply_are_one_turn() -> None:
    transcript = [
        Utterance(Role.ASSISTANT, "We close at"),
        Utterance(Role.OTHER, "tool"),
        Utterance(Role.ASSISTANT, "six."),
    ]
    already = AlreadySaid(transcript)
    assert already.times([" we close at six "]) == 1
    assert already.turns_since([" we close at six "]) == 0
    assert already.turns_since([" seven "]) is None
    assert said("a b", "c", "d").turns_since([" a b "]) == 2
