"""One call: reader, writer and what cuts it short. Memory sockets and a fake clock."""

from __future__ import annotations

import gc
import json
import logging
import weakref
from collections.abc import Sequence

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.conversation.conversation import Conversation, Manner, Turn
from elizad.conversation.events import Event, TurnRequested
from elizad.eliza import Eliza
from elizad.errors import RemoteError
from elizad.net.errors import Stalled
from elizad.protocols.hume_clm import HumeClm
from elizad.service.connection import Connection
from elizad.service.meter import Meter
from elizad.service.registry import Registry
from elizad.service.voice import Voice
from tests.support.calls import SCRIPT, MemorySocket, make_call

PACED = Manner(pace_s=1.0)


def payload(*turns: str, session: str | None = None) -> str:
    messages = []
    for text in turns:
        messages.append({"message": {"role": "user", "content": text}})
        messages.append({"message": {"role": "assistant", "content": "something"}})
    return json.dumps({"messages": messages[:-1], "custom_session_id": session})


def texts(socket: MemorySocket) -> list[str]:
    """Return what was said; `.` stands for the end of a turn."""
    return [json.loads(frame).get("text", ".") for frame in socket.frames]


async def test_frames_that_are_due_together_are_one_write(autojump_clock: MockClock) -> None:
    socket, connection = make_call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("long"))
        await wait_all_tasks_blocked()
        assert len(socket.writes) == 1
        assert texts(socket) == ["ONE. ", "TWO. ", "THREE. ", "FOUR.", "."]
        socket.hang_up()
    assert connection.turns == 1


async def test_chunks_come_at_their_pace(autojump_clock: MockClock) -> None:
    socket, connection = make_call(PACED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        start = trio.current_time()
        socket.say(payload("long"))
        await trio.sleep(10)
        assert [round(when - start, 6) for when, _ in socket.writes] == [0, 1, 2, 3]
        assert texts(socket)[-2:] == ["FOUR.", "."]
        socket.hang_up()


@pytest.mark.parametrize("pace_s", [0.1, 0.3, 0.7, 1 / 3, 1e-9])
async def test_a_pace_that_is_no_round_number_does_not_spin(autojump_clock: MockClock, pace_s: float) -> None:
    """What is due by one sum of floats must not be early by another, or the writer would look again for ever."""
    socket, connection = make_call(Manner(unit="word", pace_s=pace_s))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        for _ in range(20):
            socket.say(payload("long"))
            await trio.sleep(10 / 3)
        socket.hang_up()
    assert texts(socket).count(".") == 20


async def test_barge_in_against_a_peer_that_reads_slowly(autojump_clock: MockClock) -> None:
    """Fifty payloads come while one write is stuck: only the newest is answered to its end, and nothing follows it."""
    socket, connection = make_call(PACED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.reading = trio.Event()
        for number in range(50):
            socket.say(payload(*["yes"] * number, "long"))
            await wait_all_tasks_blocked()
        assert socket.frames == []
        socket.reading.set()
        await trio.sleep(60)
        said = texts(socket)
        assert said.count(".") == 1
        assert said[-5:] == ["ONE. ", "TWO. ", "THREE. ", "FOUR.", "."]
        # Of the others at most the chunk that was due before the next payload was read.
        assert set(said[:-5]) <= {"ONE. "}
        socket.hang_up()


async def test_a_peer_that_does_not_read_is_not_read_either(autojump_clock: MockClock) -> None:
    socket, connection = make_call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.reading = trio.Event()
        for _ in range(50):
            socket.say(payload("yes"))
        await wait_all_tasks_blocked()
        # One superseded before it was sent, one in the writer's hands, one in the inbox, one in the reader's hands.
        assert socket._incoming.statistics().current_buffer_used >= 46
        nursery.cancel_scope.cancel()


async def test_of_what_has_come_meanwhile_only_the_newest_is_answered(autojump_clock: MockClock) -> None:
    socket, connection = make_call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.reading = trio.Event()
        for turns in (["yes"], ["yes", "my boat"], ["yes", "my boat and my dog"]):
            socket.say(payload(*turns))
            await wait_all_tasks_blocked()
        socket.reading.set()
        await wait_all_tasks_blocked()
        assert texts(socket) == ["GO ON", ".", "TELL ME OF YOUR BOAT AND YOUR DOG", "."]
        assert connection.turns == 3
        socket.hang_up()


async def test_nothing_is_sent_to_a_caller_who_has_gone_meanwhile(autojump_clock: MockClock) -> None:
    for end in (1000, None):
        socket, connection = make_call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.reading = trio.Event()
            socket.say(payload("yes"))
            await wait_all_tasks_blocked()
            socket.say(payload("yes", "my boat"))
            if end is None:
                socket.say("[")
            else:
                socket.hang_up(end)
            await wait_all_tasks_blocked()
            socket.reading.set()
        assert texts(socket) == ["GO ON", "."]
        assert socket.closed is not None
        assert socket.closed[0] == (end or 1007)


async def test_a_peer_that_is_found_gone_by_the_writer(autojump_clock: MockClock) -> None:
    class Stuck(MemorySocket):
        async def send(self, frames: Sequence[str]) -> None:
            raise Stalled("did not read for 10 s")

    socket = Stuck()
    connection = Connection(socket, HumeClm(), Voice(Eliza(SCRIPT), Manner()), "test", Meter())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("yes"))
    assert connection.ending.why == "we closed: did not read for 10 s"
    assert socket.closed is not None


async def test_a_call_in_which_nobody_speaks_is_one_task(autojump_clock: MockClock) -> None:
    for how in ("hang up", "nonsense", "stop"):
        socket, connection = make_call()
        async with trio.open_nursery() as nursery:
            tasks = trio.lowlevel.current_statistics().tasks_living
            nursery.start_soon(connection.run)
            await wait_all_tasks_blocked()
            assert trio.lowlevel.current_statistics().tasks_living == tasks + 1
            match how:
                case "hang up":
                    socket.hang_up(1000)
                case "nonsense":
                    socket.say("[")
                case "stop":
                    connection.stop()
        assert socket.closed is not None
        assert socket.closed[0] == {"hang up": 1000, "nonsense": 1007, "stop": 1001}[how]
        assert not socket.writes


async def test_of_a_turn_that_is_over_nothing_is_held_that_only_it_needed(autojump_clock: MockClock) -> None:
    class Scores(dict[str, float]):
        pass

    class Words(str):
        pass

    held: list[weakref.ref[Scores] | weakref.ref[Words]] = []

    class Clm(HumeClm):
        def receive(self, text: str) -> list[Event]:
            scores = Scores({"Joy": 0.5})
            assert isinstance(text, Words)
            held.extend([weakref.ref(scores), weakref.ref(text)])
            return [
                replace(event, expressions=scores) if isinstance(event, TurnRequested) else event
                for event in super().receive(str(text))
            ]

    socket, connection = make_call(adapter=Clm())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        for turns in (["yes"], ["yes", "my boat"]):
            socket.say(Words(payload(*turns)))
            await wait_all_tasks_blocked()
            gc.collect()
            assert [kept() for kept in held] == [None] * len(held)
        assert len(held) == 4
        socket.hang_up()


async def test_bad_input_ends_the_call_with_its_code(autojump_clock: MockClock) -> None:
    socket, connection = make_call(PACED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("long"))
        await trio.sleep(1.5)
        socket.say("no json")
    assert socket.closed is not None
    assert socket.closed[0] == 1007
    assert connection.ending.why.startswith("bad input: not JSON")
    assert texts(socket) == ["ONE. ", "TWO. "]


async def test_a_binary_message_ends_the_call(autojump_clock: MockClock) -> None:
    socket, connection = make_call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.fail(RemoteError(1003, "only text"))
    assert socket.closed == (1003, "only text")


async def test_a_bug_costs_an_apology_and_not_the_call(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Conversation, event: TurnRequested, elapsed_s: float) -> Turn:
        raise ZeroDivisionError("deep inside")

    socket, connection = make_call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        with monkeypatch.context() as patch:
            patch.setattr(Conversation, "on", fail)
            socket.say(payload("yes"))
            await wait_all_tasks_blocked()
        assert texts(socket)[0].startswith("I'm sorry")
        assert texts(socket)[-1] == "."
        socket.say(payload("I need rest"))
        await wait_all_tasks_blocked()
        assert texts(socket)[-2:] == ["WHAT WOULD REST CHANGE", "."]
        socket.hang_up()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ZeroDivisionError" in caplog.text


async def test_stop_lets_the_turn_finish_and_says_goodbye(autojump_clock: MockClock) -> None:
    socket, connection = make_call(PACED)
    registry = Registry()
    async with trio.open_nursery() as nursery:
        with registry.entered(connection):
            nursery.start_soon(connection.run)
            socket.say(payload("long"))
            await trio.sleep(0.5)
            assert len(registry) == 1
            await registry.drain(0)
            await trio.sleep(1)
            assert socket.closed is None
            await trio.sleep(10)
    assert len(registry) == 0
    assert texts(socket)[-2:] == ["FOUR.", "."]
    assert socket.closed == (1001, "the server is going away")


async def test_stop_ends_an_idle_call_at_once_and_one_that_comes_late(autojump_clock: MockClock) -> None:
    socket, connection = make_call()
    late, latecomer = make_call()
    registry = Registry()
    async with trio.open_nursery() as nursery:
        with registry.entered(connection):
            nursery.start_soon(connection.run)
            await wait_all_tasks_blocked()
            start = trio.current_time()
            await registry.drain(0)
            await wait_all_tasks_blocked()
        with registry.entered(latecomer):
            await latecomer.run()
        assert trio.current_time() == start
    assert socket.closed == late.closed == (1001, "the server is going away")


@pytest.mark.parametrize("after_s", [0.0, 0.5, 1.0, 2.5, 3.0])
async def test_cancelled_in_any_state_it_leaves_no_task_and_no_torn_frame(
    autojump_clock: MockClock, after_s: float
) -> None:
    socket, connection = make_call(PACED)
    before = trio.lowlevel.current_statistics().tasks_living
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        socket.say(payload("long"))
        await trio.sleep(after_s)
        nursery.cancel_scope.cancel()
    assert trio.lowlevel.current_statistics().tasks_living == before
    for frame in socket.frames:
        json.loads(frame)


async def test_utterances_are_logged_at_debug_only(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    for level, seen in ((logging.INFO, False), (logging.DEBUG, True)):
        caplog.clear()
        caplog.set_level(level, "elizad")
        socket, connection = make_call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.say(payload("my xyzzy"))
            await wait_all_tasks_blocked()
            socket.hang_up()
        logged = " ".join(str(record.__dict__) for record in caplog.records)
        assert ("xyzzy" in logged) is seen


async def test_what_is_kept_of_the_peers_goodbye() -> None:
    socket, connection = make_call()
    assert isinstance(connection, Connection)
    socket.hang_up(1001)
    await connection.run()
    assert connection.ending.code == 1001
    assert connection.ending.why == "the peer closed"
