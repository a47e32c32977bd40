"""Pings, pongs and closes of the peer, which are read and answered without trio-websocket."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.errors import RemoteError
from elizad.net.errors import PeerClosed, Stalled
from elizad.net.judge import Judge
from tests.support.opened import LIMITS, ending, opened
from tests.support.peers import CLOSE, PING, PONG, TEXT, close_code, frame, frames_in, read_all

HELD = replace(LIMITS, messages_per_s=2)  # twenty at once


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> list[Judge]:
    """Every trio-websocket that is called in."""
    called: list[Judge] = []

    def call(*args: object) -> Judge:
        called.append(Judge(*args))  # type: ignore[arg-type]
        return called[-1]

    monkeypatch.setattr("elizad.net.ws.Judge", call)
    return called


class TestPings:
    @pytest.mark.parametrize("size", [0, 1, 125])
    async def test_a_ping_is_answered_with_what_it_holds(
        self, size: int, judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(PING, b"x" * size) + frame(TEXT, b"hello"))
            assert await ws.receive() == "hello"
            assert await far.receive_some() == frame(PONG, b"x" * size, masked=False)
            assert not judges

    async def test_a_ping_that_comes_in_pieces(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.receive)
            for byte in frame(PING, b"still there?"):
                await far.send_all(bytes([byte]))
                await wait_all_tasks_blocked()
            assert frames_in(await far.receive_some()) == [(PONG, b"still there?")]
            assert not judges
            await far.send_all(frame(TEXT))

    async def test_pings_between_fragments(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            parts = [frame(TEXT, b"My", fin=False), frame(0, b" house", fin=False), frame(0, b" is quiet.")]
            await far.send_all(frame(PING, b"1").join(parts) + frame(PING, b"2") + frame(TEXT, b"Is it?"))
            assert await ws.receive() == "My house is quiet."
            assert await ws.receive() == "Is it?"
            assert frames_in(await far.receive_some()) == [(PONG, b"1"), (PONG, b"1"), (PONG, b"2")]
            assert len(judges) == 1, "for the fragments"

    @pytest.mark.parametrize(
        "data",
        [frame(PING, b"x" * 126), frame(PING, b"x", fin=False), frame(PING, b"x", masked=False), frame(PONG, rsv=1)],
        ids=["126 bytes", "a fragment", "not masked", "a reserved bit"],
    )
    async def test_one_that_is_wrong_is_judged(
        self, data: bytes, judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            await far.send_all(frame(PING, b"right") + data + frame(PING, b"too late"))
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.fault, len(judges)) == (1002, False, 1002, 1)
            nursery.start_soon(ws.close)
            await wait_all_tasks_blocked()
            pong, (opcode, payload) = frames_in(await far.receive_some())
            assert pong == (PONG, b"right")
            assert (opcode, close_code(payload)) == (CLOSE, 1002)
            await far.aclose()

    async def test_a_flood_of_pings_counts_as_messages(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened(limits=HELD) as (ws, far), trio.open_nursery() as nursery:
            await far.send_all(frame(PING) * 21)
            end = await ending(ws)
            assert (end.code, end.reason) == (1008, "more than 2 messages a second")
            assert (ws.fault, ws.exceeded) == (1008, "messages_per_s")
            nursery.start_soon(ws.close)
            await wait_all_tasks_blocked()
            *pongs, (opcode, payload) = frames_in(await far.receive_some())
            assert pongs == [(PONG, b"")] * 20
            assert (opcode, close_code(payload)) == (CLOSE, 1008)
            assert not judges
            await far.aclose()

    async def test_pings_and_messages_are_counted_together(self, autojump_clock: MockClock) -> None:
        async with opened(limits=HELD) as (ws, far):
            await far.send_all((frame(PING) + frame(TEXT, b"x")) * 11)
            for _ in range(10):
                assert await ws.receive() == "x"
            assert (await ending(ws)).code == 1008
            await far.aclose()

    async def test_the_last_message_is_one_too_many(self, autojump_clock: MockClock) -> None:
        async with opened(limits=HELD) as (ws, far):
            await far.send_all(frame(PING) * 20 + frame(TEXT, b"x"))
            with pytest.raises(RemoteError) as caught:
                await ws.receive()
            assert (caught.value.code, ws.exceeded) == (1008, "messages_per_s")
            await far.aclose()

    async def test_a_flood_of_pings_leaves_turns_to_others(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            turns = 0

            async def take_turns() -> None:
                nonlocal turns
                while True:
                    await trio.lowlevel.checkpoint()
                    turns += 1

            await far.send_all(frame(PING) * 1000 + frame(TEXT, b"x"))
            nursery.start_soon(take_turns)
            assert await ws.receive() == "x"
            assert turns >= 1000
            nursery.cancel_scope.cancel()

    async def test_a_ping_is_not_answered_before_somebody_receives(self, autojump_clock: MockClock) -> None:
        async with opened(early=frame(PING) * 3) as (ws, far):
            await wait_all_tasks_blocked()
            await ws.send(["first"])
            assert frames_in(await far.receive_some()) == [(TEXT, b"first")]

    async def test_a_pong_waits_for_a_slow_write(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with (
            opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far),
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(ws.send, ["x" * 300])
            await wait_all_tasks_blocked()
            nursery.start_soon(far.send_all, frame(PING, b"?") + frame(TEXT, b"hello"))
            messages: list[str] = []

            async def receive() -> None:
                messages.append(await ws.receive())

            nursery.start_soon(receive)
            await wait_all_tasks_blocked()
            assert messages == [], "who does not read is not read from"
            data = b""
            while len(data) < 304 + 3:
                data += await far.receive_some(50)
            assert frames_in(data) == [(TEXT, b"x" * 300), (PONG, b"?")]
            await wait_all_tasks_blocked()
            assert messages == ["hello"]
            assert not judges
            await far.aclose()

    async def test_a_cancelled_read_neither_loses_nor_tears_a_pong(self, autojump_clock: MockClock) -> None:
        async with (
            opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far),
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(far.send_all, frame(PING, b"one") + frame(PING, b"two") + frame(TEXT, b"hello"))
            data = b""
            for _ in range(4):
                with trio.move_on_after(1) as scope:
                    await ws.receive()
                assert scope.cancelled_caught
                data += await far.receive_some(2)
            nursery.start_soon(ws.send, ["answer"])
            messages: list[str] = []

            async def receive() -> None:
                messages.append(await ws.receive())

            nursery.start_soon(receive)
            while len(data) < 5 + 5 + 8:
                data += await far.receive_some(2)
            assert sorted(frames_in(data)) == [(TEXT, b"answer"), (PONG, b"one"), (PONG, b"two")]
            await wait_all_tasks_blocked()
            assert messages == ["hello"]
            await far.aclose()

    async def test_a_close_comes_behind_a_pong_that_is_on_its_way(self, autojump_clock: MockClock) -> None:
        async with (
            opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far),
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(far.send_all, frame(PING, b"?"))
            with trio.move_on_after(1):
                await ws.receive()
            nursery.start_soon(ws.close, 1001)
            data = b""
            while len(data) < 3 + 4:
                data += await far.receive_some(2)
            assert frames_in(data) == [(PONG, b"?"), (CLOSE, b"\x03\xe9")]
            await far.send_all(frame(CLOSE, b"\x03\xe9"))

    async def test_a_pong_that_is_not_read_ends_the_connection(
        self, judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        line = trio.testing.lockstep_stream_pair()
        async with opened(pair=line) as (ws, far), trio.open_nursery() as nursery:
            start = trio.current_time()
            nursery.start_soon(far.send_all, frame(PING))
            assert isinstance(await ending(ws), Stalled)
            assert trio.current_time() - start == pytest.approx(10)
            assert not judges

    async def test_leaving_does_not_wait_for_a_pong(self, autojump_clock: MockClock) -> None:
        with trio.move_on_after(5) as scope:
            async with opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(far.send_all, frame(PING))
                    await ws.receive()
        assert scope.cancelled_caught
        assert trio.current_time() == pytest.approx(5)


class TestPongs:
    async def test_nobody_is_surprised_by_a_pong(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(PONG, b"unasked") + frame(TEXT, b"hello") + frame(PONG))
            assert await ws.receive() == "hello"
            await ws.send(["yes"])
            assert frames_in(await far.receive_some()) == [(TEXT, b"yes")]
            assert not judges

    async def test_a_pong_is_a_sign_of_life_and_no_message(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.receive)
            await trio.sleep(25)
            heard_at = ws.heard_at
            assert ws.silent_s(trio.current_time()) == pytest.approx(25)
            await far.send_all(frame(PONG))
            await trio.sleep(5)
            assert ws.silent_s(trio.current_time()) == pytest.approx(5)
            assert ws.heard_at == heard_at
            await far.send_all(frame(TEXT))

    async def test_pongs_count_as_messages(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened(limits=HELD) as (ws, far):
            await far.send_all(frame(PONG) * 21)
            assert (await ending(ws)).code == 1008
            await far.aclose()
        assert not judges


class TestCloses:
    async def test_a_close_as_the_first_frame(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened(early=frame(CLOSE, b"\x03\xe8bye") + frame(TEXT, b"?") + frame(PING)) as (ws, far):
            end = await ending(ws)
            assert (end.code, end.reason, end.by_peer, ws.fault) == (1000, "bye", True, None)
            assert (await ending(ws)).code == 1000, "and again"
            with pytest.raises(PeerClosed):
                await ws.send(["too late"])
            await ws.ping()
        assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe8bye")]
        assert not judges

    @pytest.mark.parametrize("data", [b"\x03\xf4", b"\x03\xf5again"], ids=["1012", "1013"])
    async def test_a_code_that_is_not_in_the_rfc_is_judged(
        self, data: bytes, judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(CLOSE, data))
            end = await ending(ws)
            assert (end.code, end.reason, end.by_peer, ws.fault) == (close_code(data), data[2:].decode(), True, None)
        assert frames_in(await read_all(far)) == [(CLOSE, data)]
        assert len(judges) == 1

    async def test_a_close_in_the_middle_of_a_message(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, b"My house", fin=False) + frame(CLOSE, b"\x03\xe9"))
            end = await ending(ws)
            assert (end.code, end.by_peer) == (1001, True)
        assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe9")]

    async def test_a_cancelled_read_does_not_lose_a_close(self, autojump_clock: MockClock) -> None:
        async with (
            opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far),
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(far.send_all, frame(CLOSE, b"\x03\xe8"))
            with trio.move_on_after(1) as scope:
                await ws.receive()
            assert scope.cancelled_caught
            nursery.start_soon(ws.close, 1011)
            data = b""
            while len(data) < 4:
                data += await far.receive_some(1)
            assert frames_in(data) == [(CLOSE, b"\x03\xe8")]
            assert await far.receive_some() == b""
        assert ws.verdict is not None
        assert (ws.verdict.code, ws.verdict.by_peer) == (1000, True)

    async def test_a_close_whose_answer_is_not_read_does_not_hold_us(self, autojump_clock: MockClock) -> None:
        async with (
            opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far),
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(far.send_all, frame(CLOSE, b"\x03\xe8"))
            with trio.move_on_after(1):
                await ws.receive()
            start = trio.current_time()
            await ws.close()
            assert trio.current_time() - start == pytest.approx(2)
