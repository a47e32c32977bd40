"""A call whose turns somebody else's mind answers: memory sockets, a fake clock, and responders of every kind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.agent import Respond, Turn
from elizad.conversation.conversation import Manner
from elizad.eliza import Eliza
from elizad.protocols.catalogue import Adapter
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.retell import RetellLlm, RetellOptions
from elizad.service.connection import Connection
from elizad.service.meter import Meter
from elizad.service.responder import Borrowed, Patience
from elizad.service.voice import Voice
from tests.support.calls import SCRIPT, MemorySocket

PATIENCE = Patience(first_text_s=1, turn_s=10, holding="One moment.", apology="Sorry.")


def delegated_call(
    respond: Respond, adapter: Adapter | None = None, manner: Manner | None = None
) -> tuple[MemorySocket, Connection]:
    socket = MemorySocket()
    voice = Voice(Eliza(SCRIPT), manner or Manner(), borrowed=Borrowed(respond, PATIENCE))
    return socket, Connection(socket, adapter or HumeClm(), voice, "test", Meter())


def payload(*turns: str) -> str:
    messages = [{"message": {"role": "user", "content": text}} for text in turns]
    between = {"message": {"role": "assistant", "content": "something"}}
    return json.dumps(
        {"messages": [m for pair in zip(messages, [between] * len(turns), strict=True) for m in pair][:-1]}
    )


def said(socket: MemorySocket) -> list[str]:
    """Return what was said; `.` stands for the end of a turn."""
    return [json.loads(frame).get("text", ".") for frame in socket.frames]


async def test_it_is_given_the_turn_and_what_it_yields_is_spoken(autojump_clock: MockClock) -> None:
    turns: list[Turn] = []

    async def respond(turn: Turn) -> AsyncIterator[str]:
        turns.append(turn)
        turn.session.data["turns"] = turn.session.data.get("turns", 0) + 1
        yield "You said "
        await trio.sleep(0.1)
        yield f"{turn.utterance}. Number {turn.session.data['turns']}."

    socket, connection = delegated_call(respond)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("hello {very calm}"))
        await trio.sleep(1)
        socket.say(payload("hello", "my cat"))
        await trio.sleep(1)
        assert said(socket) == ["You said hello. ", "Number 1.", ".", "You said my cat. ", "Number 2.", "."]
        socket.hang_up()
    assert turns[1].platform == "hume"
    assert [utterance.text for utterance in turns[1].transcript] == ["hello", "something", "my cat"]
    assert turns[1].ask_eliza() == "TELL ME OF YOUR CAT"


async def test_barge_in_cancels_it_and_nothing_of_the_old_turn_follows(autojump_clock: MockClock) -> None:
    cleaned: list[str] = []

    async def respond(turn: Turn) -> AsyncIterator[str]:
        try:
            for number in range(5):
                yield f"{turn.utterance} {number}. "
                await trio.sleep(0.5)
        finally:
            cleaned.append(turn.utterance)

    socket, connection = delegated_call(respond)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("old"))
        await trio.sleep(0.7)
        socket.say(payload("old", "new"))
        await trio.sleep(30)
        assert said(socket) == ["old 0. ", "old 1. ", *(f"new {n}. " for n in range(5)), "."]
        assert cleaned == ["old", "new"]
        socket.hang_up()


async def test_pings_are_answered_while_it_thinks_and_its_goodbye_hangs_up(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        await trio.sleep(0.5)
        yield "Until next time."

    socket, connection = delegated_call(respond, RetellLlm(RetellOptions(), "call-1"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        await wait_all_tasks_blocked()
        before = len(socket.frames)
        transcript = [{"role": "user", "content": "goodbye"}]
        socket.say(json.dumps({"interaction_type": "response_required", "response_id": 1, "transcript": transcript}))
        await trio.sleep(0.1)
        socket.say('{"interaction_type":"ping_pong","timestamp":9}')
        await trio.sleep(2)
        frames = [json.loads(frame) for frame in socket.frames[before:]]
        assert [frame["response_type"] for frame in frames] == ["ping_pong", "response", "response"]
        assert frames[1]["content"] == "Until next time."
        assert frames[2] == {
            "response_type": "response",
            "response_id": 1,
            "content": "",
            "content_complete": True,
            "end_call": True,
        }
        socket.hang_up()


async def test_a_slow_or_broken_one_costs_words_and_not_the_call(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        if turn.utterance == "break":
            raise RuntimeError("no such table")
        await trio.sleep(3)
        yield "At last."

    socket, connection = delegated_call(respond)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("slow"))
        await trio.sleep(20)
        socket.say(payload("slow", "break"))
        await trio.sleep(20)
        assert said(socket) == ["One moment. ", "At last.", ".", "Sorry.", "."]
        socket.hang_up()


async def test_stopping_lets_it_finish_and_a_lost_line_does_not_wait_for_it(autojump_clock: MockClock) -> None:
    ended: list[float] = []

    async def respond(turn: Turn) -> AsyncIterator[str]:
        try:
            yield "First. "
            await trio.sleep(5)
            yield "Second."
        finally:
            ended.append(trio.current_time())

    socket, connection = delegated_call(respond)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("hello"))
        await trio.sleep(1)
        connection.stop()
    assert said(socket) == ["First. ", "Second.", "."]
    assert socket.closed is not None

    socket, connection = delegated_call(respond)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("hello"))
        await trio.sleep(1)
        lost = trio.current_time()
        socket.hang_up()
    assert ended[1] == lost
    assert trio.current_time() == lost


async def test_a_paced_reply_keeps_its_pace_however_fast_it_comes(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        yield "One. Two. Three."

    socket, connection = delegated_call(respond, manner=Manner(pace_s=2))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        start = trio.current_time()
        socket.say(payload("hello"))
        await trio.sleep(30)
        assert [round(when - start) for when, _ in socket.writes] == [0, 2, 4]
        assert said(socket) == ["One. ", "Two. ", "Three.", "."]
        socket.hang_up()


async def test_a_caller_who_leaves_at_once_is_no_bug(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        yield "Nobody hears this."

    socket, connection = delegated_call(respond)
    for text in ("one", "two"):
        socket.say(payload(text))
    socket.hang_up()
    with trio.fail_after(60):
        await connection.run()
    assert connection.ending.code == 1000
