"""Calls beside a store that is slow, broken, or asked by somebody else to forget. A fake clock, a store in memory."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.conversation.conversation import Manner
from elizad.service import sessions as module
from elizad.store.api import Key
from tests.support.kept import ANN, Disk, growing, hold, opened, payload, replies, time_s

FOUR = growing("my sister", "my boat", "my dog", "my hat")


async def prepared(disk: Disk | None = None) -> Disk:
    """A store that has a call of Ann's."""
    disk = disk or Disk(time_s)
    async with opened(disk=disk) as node:
        await hold(node, *growing("my sister"))
    return disk


# Loading


async def test_a_call_waits_for_its_session_as_long_as_it_may(autojump_clock: MockClock) -> None:
    disk = await prepared()
    async with opened(disk=disk) as node:
        disk.load_s = 0.04
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            start = trio.current_time()
            socket.say(payload("my boat"))
            await trio.sleep(0.3)
            assert replies(socket) == ["YOUR BOAT AGAIN"]
            assert [round(when - start, 3) for when, _ in socket.writes] == [0.04]
            socket.hang_up()
        assert node.tally.late == 0


async def test_what_comes_too_late_is_used_from_the_next_turn_on(autojump_clock: MockClock) -> None:
    disk = await prepared()
    async with opened(disk=disk) as node:
        disk.load_s = 3
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            start = trio.current_time()
            for number, message in enumerate(growing("my boat", "long", "my dog"), 1):
                socket.say(message)
                await trio.sleep(0.5 if number < 2 else 5)
            # At first as if nobody knew; then the fold begins where the last call ended, from its first turn.
            assert replies(socket) == ["TELL ME OF YOUR BOAT", "ONE. TWO. THREE. FOUR.", "TELL ME OF YOUR DOG"]
            assert round(socket.writes[0][0] - start, 3) == 0.05
            socket.hang_up()
        assert node.tally.late == 1
        kept = await disk.kept()
        assert kept is not None
        assert (kept.calls, kept.turns_before, kept.turns) == (2, 1, 3)
        assert [record.key for record in disk.saved] == [ANN] * 3, "before, when it came, and at the third turn"
        assert len(kept.state.memories) == 3, "nothing of the call before was overwritten"


@pytest.mark.parametrize(("durability", "end_s"), [("turn", 0.5), ("relaxed", 0.05)])
async def test_a_turn_that_was_over_before_its_session_came_is_kept(
    autojump_clock: MockClock, durability: module.Durability, end_s: float
) -> None:
    """Its words are said in time, its state is that of the session, and with "turn" its end waits for all that."""
    disk = await prepared()
    async with opened(durability, disk=disk) as node:
        disk.load_s, disk.save_s = 0.3, 0.2
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            start = trio.current_time()
            socket.say(payload("my boat"))
            await trio.sleep(3)
            assert [round(when - start, 3) for when, _ in socket.writes] == sorted({0.05, end_s})
            socket.hang_up()
        kept = await disk.kept()
        assert kept is not None
        assert (kept.calls, kept.turns_before, kept.turns) == (2, 1, 1)
        assert len(kept.state.memories) == 2


async def test_with_turn_a_load_is_not_waited_for_either_beyond_a_second(autojump_clock: MockClock) -> None:
    async with opened("turn") as node:
        for broken, ends_s in ((False, 1.0), (True, 0.7)):
            node.disk.load_s = 1000 if not broken else 0.7
            node.disk.is_broken = broken
            socket, connection = node.call()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run)
                start = trio.current_time()
                socket.say(payload("my boat", session=f"ben {broken}"))
                await trio.sleep(3)
                assert round(socket.writes[-1][0] - start, 3) == ends_s
                socket.hang_up()


async def test_a_late_session_is_not_overwritten_by_a_call_that_does_not_know_it(autojump_clock: MockClock) -> None:
    disk = await prepared()
    before = len(disk.saved)
    async with opened(disk=disk) as node:
        disk.load_s = 1000
        await hold(node, *FOUR)
        assert len(disk.saved) == before


async def test_a_load_that_fails_is_tried_again_at_the_next_turn(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    disk = await prepared()
    async with opened(disk=disk) as node:
        disk.is_broken = True
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            for message in growing("my boat", "yes"):
                socket.say(message)
                await trio.sleep(1)
            disk.is_broken = False
            socket.say(payload("my boat", "yes", "my dog"))
            await trio.sleep(8)
            socket.hang_up()
        assert replies(socket) == ["TELL ME OF YOUR BOAT", "GO ON", "TELL ME OF YOUR DOG"]
        assert node.tally.load_failures == 2
        kept = await disk.kept()
        assert kept is not None
        assert kept.calls == 2
    events = [record.getMessage() for record in caplog.records if "read" in record.getMessage()]
    assert events == ["sessions cannot be read", "sessions can be read again"], "once each"


async def test_more_loads_than_can_wait_fail_at_once(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_LOADS", 2)
    async with opened() as node:
        node.disk.load_s = 1000
        loads = []

        async def load(number: int) -> None:
            loads.append(await node.sessions.load(Key("hume", str(number))))

        async with trio.open_nursery() as nursery:
            for number in range(10):
                nursery.start_soon(load, number)
                await wait_all_tasks_blocked()
        assert sum(load.failed for load in loads) == 10 - module._READERS - 2


# Forgetting, and others who save


async def test_what_is_forgotten_during_a_call_stays_forgotten(autojump_clock: MockClock) -> None:
    disk = await prepared()
    async with opened(disk=disk) as node:
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.say(payload("my boat"))
            await trio.sleep(0.1)  # known to the call, and its save still waits
            assert await disk.forget(ANN)
            for number in range(2, 6):
                await trio.sleep(2)
                socket.say(payload("my boat", *["hm"] * (number - 1)))
            await trio.sleep(2)
            socket.hang_up()
        assert await disk.kept() is None
        # Nor does the call itself speak of it any longer: its memory begins with its own first turn.
        assert not [said for said in replies(socket) if "SISTER" in said]
        assert "BEFORE THIS YOU SPOKE OF YOUR BOAT" in replies(socket)
        assert node.tally.forgotten == 1
        assert await hold(node, payload("my hat")) == ["TELL ME OF YOUR HAT"], "a new call begins anew"


@pytest.mark.parametrize("save_s", [0, 0.01, 0.1, 0.3, 1])
async def test_forgotten_at_any_moment_it_is_not_brought_back(autojump_clock: MockClock, save_s: float) -> None:
    """A new session this time: its first save may be waiting, under way, or done."""
    for after_s in (0.05, 0.2, 0.26, 0.3, 0.5, 0.9, 1.3, 2.0, 2.6):
        async with opened() as node:
            node.disk.save_s = save_s
            await trio.sleep(1.5)
            socket, connection = node.call()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run)
                start = trio.current_time()
                turns = 0
                while trio.current_time() - start < after_s:
                    turns += 1
                    socket.say(payload(*["my sister"] * turns))
                    await trio.sleep(0.05)
                was_there = await node.disk.forget(ANN)
                for _ in range(20):
                    turns += 1
                    socket.say(payload(*["my sister"] * turns))
                    await trio.sleep(0.2)
                socket.hang_up()
            if was_there:
                assert await node.disk.kept() is None


async def test_two_calls_at_once_on_two_machines(autojump_clock: MockClock) -> None:
    """Whoever spoke last is right, and nobody's save brings back what is older."""
    disk = Disk(time_s)
    async with opened(disk=disk) as one, opened(disk=disk) as other:
        (socket, connection), (socket_2, connection_2) = one.call(), other.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            nursery.start_soon(connection_2.run)
            for turns in range(1, 6):
                socket.say(payload(*["one"] * turns))
                await trio.sleep(0.02)
                socket_2.say(payload(*["other"] * turns))
                await trio.sleep(0.05)
            disk.save_s = 0
            await trio.sleep(2)
            newest = disk._records[ANN]
            socket.say(payload(*["one"] * 6))
            await trio.sleep(2)
            assert disk._records[ANN].version > newest.version
            socket.hang_up()
            socket_2.hang_up()
        versions = [record.version for record in disk.saved]
        assert len(versions) == len(set(versions))
        kept = await disk.kept()
        assert kept is not None
        assert kept.turns == 6


# Cancelling


@pytest.mark.parametrize("durability", ["turn", "relaxed"])
@pytest.mark.parametrize("after_s", [0, 0.02, 0.05, 0.1, 0.3, 0.5, 0.8])
async def test_a_call_that_is_cancelled_leaves_no_task_and_no_half_of_a_record(
    autojump_clock: MockClock, durability: module.Durability, after_s: float
) -> None:
    disk = await prepared()
    async with opened(durability, disk=disk) as node:
        await trio.sleep(1)
        disk.load_s, disk.save_s = 0.03, 0.4
        tasks = trio.lowlevel.current_statistics().tasks_living
        socket, connection = node.call(manner=Manner(pace_s=0.1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.say(payload("long"))
            await trio.sleep(after_s)
            nursery.cancel_scope.cancel()
        assert trio.lowlevel.current_statistics().tasks_living == tasks
        await trio.sleep(3)
        kept = await disk.kept()
        assert kept is not None
        assert (kept.calls, kept.turns) in ((1, 1), (2, 1))
        assert node.sessions.about() == {"state": "ok", "waiting": 0}


@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.5, 0.9])
async def test_sessions_that_are_cancelled_lose_nothing_that_waits(autojump_clock: MockClock, after_s: float) -> None:
    """A save that was under way may be done or not; it waits again, and doing it twice does no harm."""
    disk = Disk(time_s)
    async with opened(disk=disk) as node:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.sessions._write, disk)
            await trio.sleep(1)
            disk.save_s = 0.4
            await hold(node, payload("my sister"), gap_s=0)
            await trio.sleep(after_s)
            nursery.cancel_scope.cancel()
        await trio.sleep(2)
        await node.sessions.flush()
        assert await disk.kept() is not None
