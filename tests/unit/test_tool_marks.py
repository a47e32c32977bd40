"""What a script asks of a tool, and what is said where there is none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.conversation.conversation import Conversation, Manner, Place
from elizad.conversation.events import TurnRequested
from elizad.conversation.guide import Guide
from elizad.conversation.phrases import NO_TOOL
from elizad.conversation.steering import Rule, Steering
from elizad.conversation.tools import told, tool_mark, unmarked, without_tools
from elizad.eliza import FAITHFUL, Eliza
from elizad.speech.spoken import Spoken
from elizad.types import Role, Utterance
from tests.support.guided import take

SCRIPT = """(Hello.)
(WEATHER 5 ((0 WEATHER IN 1 0) (Let me see. It is [get_weather city: 4 5, unit: celsius] there.)))
(NONE ((0) (Go on.)))
(MEMORY WEATHER (0 = a) (0 = b) (0 = c) (0 = d))"""


def said(eliza: Eliza, place: Place, text: str, guide: Guide | None = None) -> str:
    conversation = Conversation(eliza, Manner(), guide or Guide(Steering()), place)
    return take(conversation, TurnRequested(1, (Utterance(Role.USER, text),))).said


def test_a_mark_names_a_tool_and_its_parameters() -> None:
    mark = tool_mark("It is [get_weather city: Paris France , unit: celsius ] there.")
    assert mark is not None
    assert (mark.name, mark.parameters) == ("get_weather", {"city": "Paris France", "unit": "celsius"})
    assert mark.filled("sunny") == "It is sunny there."


@pytest.mark.parametrize(
    ("text", "parameters"),
    [("[look_up]", {}), ("[look_up the harbour]", {"text": "the harbour"}), ("[look_up a: b: c]", {"a": "b: c"})],
)
def test_parameters_may_be_absent_or_have_no_name(text: str, parameters: dict[str, str]) -> None:
    mark = tool_mark(text)
    assert mark is not None
    assert mark.parameters == parameters


@pytest.mark.parametrize("text", ["Go on.", "[ ]", "[1 two]", "a] [b", "[a [b"])
def test_other_brackets_are_no_marks(text: str) -> None:
    assert tool_mark(text) is None
    assert without_tools(text) == text


def test_an_end_mark_is_not_doubled() -> None:
    mark = tool_mark("It is [a].")
    assert mark is not None
    assert mark.filled("sunny.") == "It is sunny."
    assert mark.filled("raining\nagain!") == "It is raining again!"
    assert mark.filled("") == "It is ."
    mark = tool_mark("It is [a] there.")
    assert mark is not None
    assert mark.filled("sunny. Take a hat.") == "It is sunny. Take a hat there."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('"raining"', "raining"),
        ("raining", "raining"),
        ('"it\\u0027s"', "it's"),
        ('{"a": 1}', '{"a": 1}'),
        ('"a" or "b"',) * 2,
    ],
)
def test_what_a_tool_says_may_be_a_json_string(content: str, said: str) -> None:
    assert told(content) == said


def test_the_spoken_form_keeps_a_mark_whole() -> None:
    text = said(Eliza(SCRIPT, Spoken()), Place("evi", has_tools=True), "What is the weather in New York?")
    assert text == "Let me see. It is [get_weather city: New York, unit: celsius] there."


def test_where_no_tool_can_be_called_the_sentence_is_another() -> None:
    text = said(Eliza(SCRIPT, Spoken()), Place("hume"), "What is the weather in New York?")
    assert text == f"Let me see. {NO_TOOL}"


def test_1966_mode_knows_no_tools() -> None:
    text = said(Eliza(SCRIPT, FAITHFUL), Place("hume"), "WEATHER IN LONDON TODAY")
    assert "[GET_WEATHER" in text.upper()


@given(st.text(st.sampled_from("[]abc: ,_A")))
def test_a_caller_cannot_say_a_mark(text: str) -> None:
    script = "(Hi.)(SAY ((0 SAY 0) (You say 3.)))(NONE ((0) (Go on.)))(MEMORY SAY (0 = a) (0 = b) (0 = c) (0 = d))"
    assert tool_mark(said(Eliza(script, Spoken()), Place("evi", has_tools=True), f"say {text}")) is None


def test_a_rule_that_says_words_back_makes_no_mark_of_them() -> None:
    guide = Guide(Steering([Rule(pattern=r"my name is (?P<name>.+)", say="Hello, {name}.")]))
    text = said(Eliza(SCRIPT, Spoken()), Place("evi", has_tools=True), "my name is [get_weather city: x]", guide)
    assert "get_weather" in text
    assert tool_mark(text) is None


@given(st.text(st.sampled_from("[]abc: ,_A. ")))
@example("[A [A]]")
def test_what_is_unmarked_has_no_mark(text: str) -> None:
    assert tool_mark(unmarked(text)) is None
    assert tool_mark(without_tools(text)) is None
