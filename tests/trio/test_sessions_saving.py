"""What calls leave behind is saved behind their backs, soon, together, and before the end. A fake clock, no disk."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from elizad.conversation.conversation import Folded, Turn
from elizad.conversation.events import TurnRequested
from elizad.mind import make_eliza
from elizad.service import session as session_module
from elizad.service import sessions as module
from elizad.service.kept import Kept, digest_of, unpack
from elizad.service.session import Session
from elizad.types import Role, Utterance
from tests.support.kept import ANN, Disk, growing, hold, opened, payload, replies, time_s

DOCTOR = make_eliza("doctor", "spoken")
DURABILITIES: tuple[module.Durability, ...] = ("relaxed", "turn")

FOUR = growing("my sister", "my boat", "my dog", "my hat")


# Saving


async def test_saves_are_gathered_and_the_newest_wins(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.save_s = 1
        await hold(node, *growing(*["yes"] * 30), gap_s=0.1)
        await trio.sleep(5)
        assert 2 <= len(node.disk.saved) <= 4
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.turns == 30
        versions = [record.version for record in node.disk.saved]
        assert versions == sorted(set(versions))


async def test_a_call_that_is_over_before_its_session_was_found_is_kept(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.load_s = 0.4
        assert await hold(node, payload("my sister"), gap_s=0.1) == ["TELL ME OF YOUR SISTER"]
        await trio.sleep(1)
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.turns == 1


async def test_only_who_waits_for_a_save_is_told_of_it(autojump_clock: MockClock) -> None:
    told = {}
    for durability in DURABILITIES:
        calls: list[float] = []
        async with opened(durability) as node:
            await trio.sleep(1)
            session = Session(node.sessions, ANN, node.eliza, lambda calls=calls: calls.append(trio.current_time()))  # type: ignore[misc]
            await session.begin(TurnRequested(1, (Utterance(Role.USER, "my sister"),), session="ann"), list)
            found = len(calls)
            folded = Folded(("my sister",), node.eliza.start())
            session.keep(TurnRequested(1, ()), Turn(1, "my sister", "", (), folded=folded))
            await trio.sleep(1)
            assert await node.disk.kept() is not None
            told[durability] = len(calls) - found
    assert told == {"relaxed": 0, "turn": 1}


async def test_what_is_kept_of_a_first_call_is_short(autojump_clock: MockClock) -> None:
    async with opened(eliza=DOCTOR) as node:
        await hold(node, *growing("my sister", "my boat", "my dog", "my hat"))
        await trio.sleep(1)
        assert len(node.disk.saved[-1].payload) < 1000
        assert unpack(node.disk.saved[-1]).origin is None
        await hold(node, payload("my dog"))
        await trio.sleep(1)
        again = unpack(node.disk.saved[-1])
        assert (again.calls, again.origin is None) == (2, False)
        assert len(node.disk.saved[-1].payload) < 2000


async def test_a_call_that_is_over_does_not_wait_for_a_dead_store(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.load_s = 60
        start = trio.current_time()
        await hold(node, payload("my sister"), gap_s=0.1)
        assert trio.current_time() - start < 2


async def test_within_a_second_everything_is_saved(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.save_s = 0.1
        for _ in range(20):
            await hold(node, *FOUR, gap_s=0.13)
            said = time_s()
            await trio.sleep(1 - 0.13)
            assert node.disk._records[ANN].heard_s >= said - 0.131


async def test_what_is_kept_of_quick_turns_is_made_once(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = 0

    def pack(kept: Kept) -> bytes:
        nonlocal packed
        packed += 1
        return made(kept)

    made = session_module.pack
    monkeypatch.setattr(session_module, "pack", pack)
    async with opened(eliza=DOCTOR) as node:
        await hold(node, payload("hello"))
        packed = 0
        await hold(node, *growing("my mother hates me", "well", "yes", "yes", "no"), gap_s=0.02)
        await trio.sleep(1)
        kept = await node.disk.kept()
    assert packed == 1
    assert kept is not None
    assert (kept.turns, kept.topic) == (5, "your mother")
    assert kept.digest == digest_of(["my mother hates me", "well", "yes", "yes", "no"])
    assert kept.digest_before == digest_of(["my mother hates me", "well", "yes", "yes"])


async def test_a_call_that_has_not_been_saved_is_as_it_was_when_another_asks(autojump_clock: MockClock) -> None:
    async with opened() as node:
        await trio.sleep(1)
        await hold(node, *growing("my sister", "yes"), gap_s=0.01)
        record = await node.sessions.fetch(ANN)
        assert record is not None
        assert unpack(record).turns == 2
        assert not node.disk.saved
        await trio.sleep(1)
        assert node.disk.saved == [record]


async def test_what_is_too_large_is_told_and_not_kept(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_module, "_MOST_BYTES", 1500)
    for durability in DURABILITIES:
        disk = Disk(time_s)
        async with opened(durability, disk=disk, keep_transcript=True) as node:
            start = trio.current_time()
            await hold(node, payload("x" * 1500), payload("my boat", session="ben"), gap_s=0.5)
            assert await node.sessions.fetch(ANN) is None
            assert trio.current_time() - start < 1.5, "nothing waits for what is not saved"
            await trio.sleep(1)
            assert [record.key.id for record in disk.saved] == ["ben"]
            assert node.sessions.about() == {"state": "ok", "waiting": 0}
        assert node.tally.unawaited == 0
    assert {record.getMessage() for record in caplog.records} == {"session too large"}


async def test_data_that_cannot_be_written_costs_neither_the_call_nor_the_others(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened() as node:
        await trio.sleep(1)
        session = Session(node.sessions, ANN, node.eliza, lambda: None)
        event = TurnRequested(1, (Utterance(Role.USER, "my sister"),), session="ann")
        await session.begin(event, list)
        for number in range(2):
            folded = Folded(("my sister",) * (number + 1), node.eliza.start())
            session.keep(event, Turn(1, "my sister", "", (), folded=folded))
            session.data["wrong"] = object()  # before it is saved
        await hold(node, payload("my boat", session="ben"))
        assert [record.key.id for record in node.disk.saved] == ["ben"]
        del session.data["wrong"]
        session.keep(event, Turn(1, "", "", (), folded=Folded(("a", "b", "c"), node.eliza.start())))
        await trio.sleep(1)
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.turns == 3
    assert {record.getMessage() for record in caplog.records} == {"session cannot be written"}


async def test_many_sessions_are_one_batch(autojump_clock: MockClock) -> None:
    async with opened() as node:
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(hold, node, payload("my boat", session=str(number)))
        assert [len(batch) for batch in node.disk.batches if batch] == [50]


async def test_a_clock_that_is_set_back_does_not_stop_saving(autojump_clock: MockClock) -> None:
    now = 2_000_000_000.0
    disk = Disk(lambda: now)
    async with opened(disk=disk) as node:
        node.sessions.now_s = lambda: now  # type: ignore[misc]
        await hold(node, *growing("my sister"))
        now -= 86_400
        await hold(node, *growing("my boat", "yes"))
        kept = await disk.kept()
        assert kept is not None
        assert (kept.calls, kept.turns) == (2, 2)


async def test_a_failing_store_is_told_once_and_catches_up(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened() as node:
        await hold(node, *growing("my sister"))
        node.disk.is_broken = True
        socket, connection = node.call()
        node.disk.load_s = 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            node.disk.is_broken = False
            socket.say(payload("my boat"))
            await trio.sleep(0.1)
            node.disk.is_broken = True
            for message in growing("my boat", "yes", "no")[1:]:
                socket.say(message)
                await trio.sleep(20)
            assert len(replies(socket)) == 3, "the call goes on"
            assert node.sessions.about() == {"state": "the disk is on fire", "waiting": 1}
            node.disk.is_broken = False
            await trio.sleep(6)
            socket.hang_up()
        kept = await node.disk.kept()
        assert kept is not None
        assert (kept.calls, kept.turns) == (2, 3)
        assert node.sessions.about() == {"state": "ok", "waiting": 0}
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [("ERROR", "sessions are not kept"), ("WARNING", "sessions are kept again")]


async def test_what_waits_has_a_bound(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SAVES", 3)
    async with opened("turn") as node:
        await trio.sleep(1)
        node.disk.save_s = 1000
        await hold(node, payload("yes", session="0"))
        for number in range(1, 10):
            await hold(node, payload("yes", session=str(number)), gap_s=1.5)
        assert node.sessions.about()["waiting"] == 3
        assert node.tally.save_failures == 6


async def test_at_the_end_everything_is_saved(autojump_clock: MockClock) -> None:
    async with opened() as node:
        await hold(node, *FOUR, gap_s=0.01)
        await node.sessions.flush()
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.turns == 4


async def test_at_the_end_a_broken_store_holds_nobody_up(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    for broken in (True, False):
        async with opened() as node:
            await trio.sleep(1)
            await hold(node, *FOUR, gap_s=0.01)
            node.disk.is_broken, node.disk.save_s = broken, 0 if broken else 1000
            start = trio.current_time()
            await node.sessions.flush()
            assert trio.current_time() - start <= 5
            assert node.tally.save_failures >= 1
    assert [record.getMessage() for record in caplog.records].count("sessions lost") == 2


# durability = "turn"


async def test_the_end_of_a_turn_waits_for_the_disk_and_its_words_do_not(autojump_clock: MockClock) -> None:
    async with opened("turn") as node:
        node.disk.save_s = 0.3
        await trio.sleep(1)
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            for number in range(3):
                start = trio.current_time()
                socket.writes.clear()
                socket.say(payload(*["long"] * (number + 1)))
                await trio.sleep(2)
                assert [round(when - start, 6) for when, _ in socket.writes] == [0, 0.3]
                assert "ONE." in socket.writes[0][1][0]
                assert socket.writes[1][1] == ['{"type":"assistant_end"}']
            socket.hang_up()


async def test_it_does_not_wait_for_ever(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async with opened("turn") as node:
        await trio.sleep(1)
        node.disk.save_s = 1000
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            start = trio.current_time()
            socket.say(payload("yes"))
            await trio.sleep(5)
            assert [round(when - start, 6) for when, _ in socket.writes] == [0, 1]
            socket.hang_up()
        assert node.tally.unawaited == 1
    assert [record.getMessage() for record in caplog.records] == ["turn ended before it was kept"]


async def test_it_does_not_wait_for_a_store_that_fails(autojump_clock: MockClock) -> None:
    async with opened("turn") as node:
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.say(payload("yes"))
            await trio.sleep(1)
            node.disk.save_s, node.disk.is_broken = 0.2, True
            for turns, waits_s in ((2, 0.2), (3, 0)):  # the first finds out, and the next ones know
                start = trio.current_time()
                socket.writes.clear()
                socket.say(payload(*["yes"] * turns))
                await trio.sleep(2)
                assert round(socket.writes[-1][0] - start, 6) == waits_s
            socket.hang_up()


async def test_a_turn_that_waits_for_the_disk_can_be_superseded(autojump_clock: MockClock) -> None:
    async with opened("turn") as node:
        await trio.sleep(1)
        node.disk.save_s = 0.5
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.say(payload("my sister"))
            await trio.sleep(0.2)
            socket.say(payload("my sister and my boat"))
            await trio.sleep(3)
            socket.hang_up()
        assert [frame for frame in socket.frames if "assistant_end" in frame] == socket.frames[-1:]
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.state.memories == ("BEFORE THIS YOU SPOKE OF YOUR SISTER AND YOUR BOAT",)


async def test_a_drain_lets_the_turn_be_kept(autojump_clock: MockClock) -> None:
    async with opened("turn") as node:
        await trio.sleep(1)
        node.disk.save_s = 0.5
        socket, connection = node.call()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            socket.say(payload("my sister"))
            await trio.sleep(0.2)
            connection.stop()
        assert socket.frames[-1] == '{"type":"assistant_end"}'
        assert await node.disk.kept() is not None
        assert socket.closed is not None
        assert socket.closed[0] == 1001
