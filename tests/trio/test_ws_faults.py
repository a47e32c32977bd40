"""What a hostile or a slow peer can do to one WebSocket, over memory streams."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from elizad.net.errors import PeerClosed, Refusal, Stalled
from elizad.net.head import Head
from elizad.net.ws import accept_websocket
from tests.support.opened import LIMITS, ending, head, opened
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, close_code, frame, frames_in, read_all


class TestFaults:
    @pytest.mark.parametrize(
        ("code", "data"),
        [
            (1002, frame(TEXT, b"x", masked=False)),
            (1002, frame(0x3, b"x")),
            (1002, frame(0xB, b"x")),
            (1002, frame(TEXT, b"x", rsv=4)),
            (1002, frame(0, b"x")),
            (1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"y")),
            (1002, frame(PING, b"x", fin=False)),
            (1002, bytes([0x89, 0xFE, 0, 126, 1, 2, 3, 4])),
            (1002, frame(CLOSE, b"\x03")),
            (1002, frame(CLOSE, b"\x03\xee")),
            (1007, frame(TEXT, b"\xff")),
            (1007, frame(TEXT, b"\xed\xa0\x80")),
            (1007, frame(TEXT, b"\xc3", fin=False) + frame(0, b"(")),
            (1007, frame(CLOSE, b"\x03\xe8\xff")),
            (1009, frame(TEXT, b"x" * 1001)),
            (1009, frame(TEXT, b"x" * 600, fin=False) + frame(0, b"x" * 600)),
        ],
        ids=lambda value: value[:12].hex() if isinstance(value, bytes) else str(value),
    )
    async def test_what_is_wrong_is_told_to_the_peer_and_to_us(
        self, code: int, data: bytes, autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            await far.send_all(data)
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.fault) == (code, False, code)
            nursery.start_soon(ws.close)
            ((opcode, payload),) = frames_in(await far.receive_some())
            assert (opcode, close_code(payload)) == (CLOSE, code)
            await far.aclose()

    async def test_a_ping_while_we_close_is_contained(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1000)
            assert frames_in(await far.receive_some()) == [(CLOSE, b"\x03\xe8")]
            await far.send_all(frame(PING))
            start = trio.current_time()
            assert await far.receive_some() == b"", "the line is half-closed, so that the peer can finish"
            assert trio.current_time() == start
            await far.aclose()
        assert ws.bug is None

    async def test_a_ping_while_our_close_is_on_its_way_does_not_tear_it(self, autojump_clock: MockClock) -> None:
        async with opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1000)
            await trio.testing.wait_all_tasks_blocked()
            await far.send_all(frame(PING))
            await trio.testing.wait_all_tasks_blocked()
            assert frames_in(await far.receive_some(2) + await far.receive_some(2)) == [(CLOSE, b"\x03\xe8")]
            await far.send_all(frame(CLOSE, b"\x03\xe8"))
            await far.aclose()

    async def test_a_message_that_is_too_big_and_a_ping_in_one_read(self, autojump_clock: MockClock) -> None:
        async with opened(early=frame(TEXT, b"x" * 1001) + frame(PING)) as (ws, far):
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.bug) == (1009, False, None)
            await far.send_eof()  # type: ignore[attr-defined]
        ((opcode, payload),) = frames_in(await read_all(far))
        assert (opcode, close_code(payload)) == (CLOSE, 1009)

    async def test_two_messages_that_are_too_big_in_one_read(self, autojump_clock: MockClock) -> None:
        async with opened(early=frame(TEXT, b"x" * 1001) * 2) as (ws, far):
            assert (await ending(ws)).code == 1009
            await far.send_eof()  # type: ignore[attr-defined]
        assert len(frames_in(await read_all(far))) == 1

    async def test_empty_fragments_without_end(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            await far.send_all(frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 25_000)
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.fault) == (1008, False, 1008)
            nursery.start_soon(ws.close)
            ((opcode, payload),) = frames_in(await far.receive_some())
            assert (opcode, close_code(payload)) == (CLOSE, 1008)
            await far.aclose()

    async def test_the_bound_on_frames_is_for_those_without_a_message(
        self, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("elizad.net.gate._MOST_FRAMES", 20)
        async with opened() as (ws, far):
            for number in range(30):
                await far.send_all(frame(PONG) * 10 + frame(TEXT, str(number).encode()))
                assert await ws.receive() == str(number)
            await far.send_all(frame(PONG) * 21)
            assert (await ending(ws)).code == 1008

    async def test_a_flood_of_small_frames_leaves_turns_to_others(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            turns = 0

            async def take_turns() -> None:
                nonlocal turns
                while True:
                    await trio.lowlevel.checkpoint()
                    turns += 1

            await far.send_all(frame(PONG) * 10_000 + frame(TEXT, b"x"))
            nursery.start_soon(take_turns)
            assert await ws.receive() == "x"
            assert turns >= 70
            nursery.cancel_scope.cancel()

    async def test_a_bug_in_the_reader_is_told_from_the_peers_faults(
        self, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
    ) -> None:
        async def fail(*_args: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("trio_websocket.WebSocketConnection._handle_message_event", fail)
        async with opened() as (ws, far):
            await far.send_all(frame(BINARY))
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.fault) == (1011, False, None)
            assert isinstance(ws.bug, ZeroDivisionError)
            with pytest.raises(PeerClosed):
                await ws.send(["too late"])
        ((opcode, payload),) = frames_in(await read_all(far))
        assert (opcode, close_code(payload)) == (CLOSE, 1011)


class TestSlowPeers:
    async def test_a_peer_that_does_not_read_is_given_up(self, autojump_clock: MockClock) -> None:
        async with opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far):
            start = trio.current_time()
            with pytest.raises(Stalled):
                await ws.send(["long"])
            assert trio.current_time() - start == pytest.approx(10)
            assert ws.stalled
            assert isinstance(await ending(ws), Stalled)
            with pytest.raises(Stalled):
                await ws.send(["more"])
            await ws.ping()
        assert frames_in(await read_all(far)) == [(TEXT, b"long")], "and nothing after it"

    async def test_after_a_cancelled_send_nothing_more_is_sent(self, autojump_clock: MockClock) -> None:
        async with opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far):
            with trio.move_on_after(1):
                await ws.send(["long"])
            with pytest.raises(PeerClosed):
                await ws.send(["more"])
            assert (await ending(ws)).code == 1006
        assert frames_in(await read_all(far)) == [(TEXT, b"long")], "and nothing after it"

    async def test_a_pong_that_is_not_read_ends_the_connection(self, autojump_clock: MockClock) -> None:
        line = trio.testing.lockstep_stream_pair()
        async with opened(pair=line) as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(far.send_all, frame(PING))
            assert isinstance(await ending(ws), Stalled)

    async def test_a_close_that_is_not_read_does_not_hold_us(self, autojump_clock: MockClock) -> None:
        async with opened(pair=trio.testing.lockstep_stream_pair()) as (ws, _far):
            start = trio.current_time()
            await ws.close(1000)
            assert trio.current_time() - start == pytest.approx(2)

    async def test_a_peer_that_does_not_take_the_handshake(self, autojump_clock: MockClock) -> None:
        near, _far = trio.testing.lockstep_stream_pair()
        with pytest.raises(PeerClosed) as caught:
            async with accept_websocket(near, head(), b"", replace(LIMITS, handshake_timeout_s=3)):
                raise AssertionError("unreachable")
        assert caught.value.code == 1006
        assert trio.current_time() == pytest.approx(3)

    async def test_a_handshake_that_is_none_is_refused(self, autojump_clock: MockClock) -> None:
        near, _far = trio.testing.memory_stream_pair()
        with pytest.raises(Refusal):
            async with accept_websocket(near, Head("GET", "/"), b"", LIMITS):
                raise AssertionError("unreachable")
