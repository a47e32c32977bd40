"""Whatever a client of EVI sends, and whenever: it gets messages that make sense, and the chat never breaks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from elizad.agent import ToolFailed, Turn
from elizad.evi.ear import Deaf, Heard, Interim, Sound, SpeechBegan
from elizad.evi.profile import Profile
from tests.support.evi import TOOLS, Client, Ears, Hum

WEATHER = {"type": "function", "name": "get_weather", "parameters": "{}"}
TEXTS = st.sampled_from(["hello", "my dog", "a long story", "what is the weather in Paris", "goodbye", "", "I sing"])

known = st.one_of(
    st.builds(lambda text: {"type": "user_input", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "assistant_input", "text": text}, TEXTS),
    st.just({"type": "pause_assistant_message"}),
    st.just({"type": "resume_assistant_message"}),
    st.just({"type": "session_settings", "tools": [WEATHER], "custom_session_id": "ann"}),
    st.just({"type": "session_settings", "context": {"text": "At sea"}, "builtin_tools": [{"name": "hang_up"}]}),
    st.just({"type": "audio_input", "data": "AAAA"}),
    st.just({"type": "tool_response", "content": "raining"}),
    st.just({"type": "tool_error", "error": "broken"}),
)
heard = st.sampled_from([SpeechBegan(1), Interim("my", 1, 2), Heard("my dog", 1, 3), Deaf("It broke.")])
steps = st.lists(st.tuples(known | heard | st.text(max_size=8), st.sampled_from([0.0, 0.0, 0.1, 1.0, 7.0, 40.0])))
minds = st.sampled_from(["eliza", "tool", "slow", "broken"])


async def tool(turn: Turn) -> AsyncIterator[str]:
    yield "Let me see. "
    try:
        yield await turn.call_tool("get_weather", {})
    except ToolFailed as failed:
        yield failed.content


async def slow(turn: Turn) -> AsyncIterator[str]:
    await trio.sleep(0.5)
    yield "Here I am. And "
    await trio.sleep(0.5)
    yield "more."


async def broken(turn: Turn) -> AsyncIterator[str]:
    yield "One. "
    raise ZeroDivisionError


MINDS = {"eliza": None, "tool": tool, "slow": slow, "broken": broken}


@settings(max_examples=60, deadline=None)
@given(steps, minds, st.integers(0, 3), st.booleans())
def test_any_chat_makes_sense(
    steps: list[tuple[dict[str, Any] | Sound | str, float]], mind: str, pieces: int, reads_slowly: bool
) -> None:
    async def chat() -> None:
        ears = Ears()
        profile = Profile(greeting="", inactivity_s=60.0, inactivity_text="Are you there?", max_duration_text="Time.")
        mouth = Hum(pieces) if pieces else None
        client = Client(profile, script=TOOLS, mouth=mouth, respond=MINDS[mind], hearing=ears, verbose=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.call.run)
            for step, pause_s in steps:
                if reads_slowly:
                    client.socket.reading = trio.Event()
                if isinstance(step, str):
                    client.socket.say(step)
                elif isinstance(step, dict):
                    calls = client.of("tool_call")
                    if step["type"].startswith("tool_"):
                        step = {**step, "tool_call_id": calls[-1]["tool_call_id"] if calls else "none"}
                    client.socket.say(json.dumps(step))
                elif ears.opened:
                    ears.hears.send_nowait(step)
                await trio.sleep(pause_s)
                client.socket.reading.set()
            await trio.sleep(20)
            client.socket.hang_up()
        makes_sense(client)

    trio.run(chat, clock=MockClock(autojump_threshold=0))


def makes_sense(client: Client) -> None:
    """See that what a client got is what the protocol has."""
    got = client.got
    assert got[0]["type"] == "chat_metadata"
    assert [message["type"] for message in got].count("chat_metadata") == 1
    spoken: dict[str, int] = {}  # id -> pieces of sound
    newest = ""
    cut_off: set[str] = set()
    open_turn = False
    for message in got[1:]:
        match message["type"]:
            case "assistant_message":
                assert message["id"] not in spoken
                assert message["message"]["content"].strip()
                newest, open_turn = message["id"], True
                spoken[newest] = 0
            case "audio_output":
                assert message["id"] == newest
                assert message["id"] not in cut_off
                assert message["index"] == spoken[newest]
                spoken[newest] += 1
            case "user_interruption":
                assert spoken
                cut_off |= set(spoken)
                open_turn = False
            case "assistant_end":
                open_turn = False
            case "error":
                assert message["code"][0] in "EI"
            case other:
                assert other in ("user_message", "tool_call", "tool_response", "tool_error")
    ended = client.call.ending
    assert ended is not None
    assert client.notes.status
    if ended.why == "the peer closed" and not client.chat.paused and not open_turn:
        said = [text for _, type, text in client.notes.events if type == "AGENT_MESSAGE"]
        assert said == [m["message"]["content"] for m in got if m["type"] == "assistant_message"]
    written = [text for _, type, text in client.notes.events if type == "USER_MESSAGE"]
    assert written == [m["message"]["content"] for m in got if m["type"] == "user_message" and not m["interim"]]
