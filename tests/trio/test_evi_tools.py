"""Tools that a client of EVI declares: a responder calls one, or a script asks one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from trio.testing import MockClock

from elizad.agent import ToolFailed, Turn
from elizad.conversation.phrases import NO_TOOL
from elizad.eliza import FAITHFUL
from elizad.types import Role, Utterance
from tests.support.evi import TOOLS, Client, chatting

WEATHER = {"type": "function", "name": "get_weather", "parameters": "{}"}
AWAY = {**WEATHER, "fallback_content": "The tool is away."}


async def _asks(turn: Turn) -> AsyncIterator[str]:
    yield "Let me see. "
    try:
        yield await turn.call_tool("get_weather", {"city": "Rome"})
    except ToolFailed as failed:
        yield f"No: {failed.content}"


async def test_a_responder_calls_a_tool_and_goes_on_with_what_it_says(autojump_clock: MockClock) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.send("session_settings", tools=[AWAY])
        client.say("hello")
        await client.settle(0.5)
        (call,) = client.of("tool_call")
        id = call.pop("tool_call_id")
        assert call == {
            "type": "tool_call",
            "name": "get_weather",
            "parameters": '{"city":"Rome"}',
            "response_required": True,
            "tool_type": "function",
            "custom_session_id": None,
        }
        assert client.said == ["Let me see."]
        client.send("tool_response", tool_call_id=id, content="Sunny.", tool_name="get_weather")
        await client.settle()
    assert client.said == ["Let me see.", "Sunny."]
    assert client.types[-3:] == ["tool_response", "assistant_message", "assistant_end"]
    assert client.of("tool_response")[0]["content"] == "Sunny."
    assert ("TOOL", "FUNCTION_CALL_RESPONSE", "Sunny.") in client.notes.events


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "broken", "content": "It is broken."}, "No: It is broken."),
        ({"error": "broken"}, "No: The tool is away."),
        (None, "No: The tool is away."),
    ],
)
async def test_a_tool_that_fails_or_does_not_answer(
    autojump_clock: MockClock, answer: dict[str, str] | None, said: str
) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.send("session_settings", tools=[AWAY])
        client.say("hello")
        await client.settle(0.5)
        id = client.of("tool_call")[0]["tool_call_id"]
        if answer is not None:
            client.send("tool_error", tool_call_id=id, **answer)
        await client.settle(12)
        assert client.said[-1] == said
        client.send("tool_response", tool_call_id=id, content="late")
        await client.settle()
    assert client.types[-1] == ("tool_response" if answer is None else "error"), "each call has one answer, late or not"
    assert client.said[-1] == said
    assert len(client.of("tool_error")) == (answer is not None)


async def test_a_tool_that_nobody_has_declared_fails_at_once(autojump_clock: MockClock) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.say("hello")
        await client.settle()
    assert client.said == ["Let me see.", "No:"]
    assert not client.of("tool_call")


async def test_a_call_of_a_tool_is_given_up_when_the_caller_goes_on(autojump_clock: MockClock) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.send("session_settings", tools=[AWAY])
        client.say("hello")
        await client.settle(0.5)
        client.say("never mind")
        await client.settle(0.5)
        first, second = (call["tool_call_id"] for call in client.of("tool_call"))
        client.send("tool_response", tool_call_id=first, content="Rain")
        client.send("tool_response", tool_call_id=second, content="Sunny.")
        await client.settle()
        client.send("tool_response", tool_call_id=first, content="Rain")
        await client.settle()
    assert client.said == ["Let me see.", "Let me see.", "Sunny."]
    assert [answer["content"] for answer in client.of("tool_response")] == ["Rain", "Sunny."], "no client can know"
    assert client.types.count("error") == 1, "but one answer is enough"


# -- tools of a script -------------------------------------------------------------------------------------------------


async def test_a_script_asks_a_tool_and_says_what_it_says(autojump_clock: MockClock) -> None:
    async with chatting(Client(script=TOOLS)) as client:
        client.send("session_settings", tools=[WEATHER])
        client.say("what is the weather in Paris")
        await client.settle(3)
        assert client.said == ["Let me see."]
        (call,) = client.of("tool_call")
        assert (call["name"], call["parameters"]) == ("get_weather", '{"city":"Paris"}')
        client.send("tool_response", tool_call_id=call["tool_call_id"], content="raining. Take a coat.")
        await client.settle()
    assert client.said == ["Let me see.", "It is raining.", "Take a coat there.", "And then?"]
    assert client.types[-1] == "assistant_end"
    assert client.chat.transcript[1:] == tuple(Utterance(Role.ASSISTANT, text) for text in client.said)


@pytest.mark.parametrize(
    ("fallback", "answer", "said"),
    [
        (None, None, NO_TOOL),
        ("The office is shut.", None, "The office is shut."),
        ("The office is shut.", {"error": "E", "content": "Ask at the pier."}, "Ask at the pier."),
        (None, {"error": "E"}, NO_TOOL),
    ],
)
async def test_a_sentence_whose_tool_fails_is_another_one(
    autojump_clock: MockClock, fallback: str | None, answer: dict[str, str] | None, said: str
) -> None:
    async with chatting(Client(script=TOOLS)) as client:
        client.send("session_settings", tools=[{**WEATHER, "fallback_content": fallback}])
        client.say("what is the weather in Paris")
        await client.settle(1)
        if answer is not None:
            client.send("tool_error", tool_call_id=client.of("tool_call")[0]["tool_call_id"], **answer)
        await client.settle(9.5)
    assert client.said == ["Let me see.", said, "And then?"]
    assert client.types[-1] == "assistant_end"


@pytest.mark.parametrize("content", ["", " \n", '""'])
@pytest.mark.parametrize("fallback", [None, "The office is shut."])
async def test_a_tool_that_says_nothing_leaves_no_hole(
    autojump_clock: MockClock, fallback: str | None, content: str
) -> None:
    async with chatting(Client(script=TOOLS)) as client:
        client.send("session_settings", tools=[{**WEATHER, "fallback_content": fallback}])
        client.say("what is the weather in Paris")
        await client.settle(1)
        client.send("tool_response", tool_call_id=client.of("tool_call")[0]["tool_call_id"], content=content)
        await client.settle()
    assert client.said == ["Let me see.", fallback or NO_TOOL, "And then?"]


async def test_without_the_tool_nothing_is_asked(autojump_clock: MockClock) -> None:
    async with chatting(Client(script=TOOLS)) as client:
        client.say("what is the weather in Paris")
        await client.settle()
    assert client.said == ["Let me see.", NO_TOOL, "And then?"]
    assert not client.of("tool_call")


async def test_what_a_tool_says_asks_no_tool(autojump_clock: MockClock) -> None:
    async with chatting(Client(script=TOOLS)) as client:
        client.send("session_settings", tools=[WEATHER])
        client.say("what is the weather in Paris")
        await client.settle()
        id = client.of("tool_call")[0]["tool_call_id"]
        client.send("tool_response", tool_call_id=id, content="[get_weather city: Rome]")
        await client.settle()
    assert len(client.of("tool_call")) == 1
    assert client.said[1] == "It is (get_weather city: Rome) there."


async def test_1966_mode_asks_no_tool(autojump_clock: MockClock) -> None:
    async with chatting(Client(script=TOOLS, diction=FAITHFUL)) as client:
        client.send("session_settings", tools=[WEATHER, {**WEATHER, "name": "GET_WEATHER"}])
        client.say("WEATHER IN PARIS")
        await client.settle()
    assert not client.of("tool_call")
    assert "[GET_WEATHER" in " ".join(client.said).upper()


async def test_a_tool_is_not_called_while_paused(autojump_clock: MockClock) -> None:
    async with chatting(Client(script=TOOLS)) as client:
        client.send("session_settings", tools=[WEATHER])
        client.send("pause_assistant_message")
        client.say("what is the weather in Paris")
        await client.settle(20)
        assert not client.of("tool_call")
