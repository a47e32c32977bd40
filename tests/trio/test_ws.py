"""A WebSocket over memory streams: messages, endings, and what a hostile peer can do to one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from elizad.errors import RemoteError
from elizad.net.errors import PeerClosed, Refusal, Stalled
from elizad.net.head import Head, HeadReader
from elizad.net.limits import Limits
from elizad.net.ws import WebSocket, accept_websocket
from tests.support import peers
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, close_code, frame, frames_in, read_all

LIMITS = Limits(max_message_bytes=1000, write_timeout_s=10, close_timeout_s=2)


def head() -> Head:
    parsed = HeadReader(16_384).feed(peers.request())
    assert parsed is not None
    return parsed


@asynccontextmanager
async def opened(
    early: bytes = b"", limits: Limits = LIMITS, pair: tuple[trio.abc.Stream, trio.abc.Stream] | None = None
) -> AsyncIterator[tuple[WebSocket, trio.abc.Stream]]:
    """A WebSocket, and the peer's end of the line with the answer to the handshake already read."""
    near, far = pair or trio.testing.memory_stream_pair()
    answered = trio.Event()

    async def read_answer() -> None:
        assert (await peers.read_response_head(far)).startswith(b"HTTP/1.1 101 ")
        answered.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_answer)
        async with accept_websocket(near, head(), early, limits) as ws:
            await answered.wait()
            yield ws, far
    with pytest.raises(trio.ClosedResourceError):
        await near.send_all(b"x")


async def ending(ws: WebSocket) -> PeerClosed:
    with pytest.raises(PeerClosed) as caught:
        await ws.receive()
    return caught.value


class TestMessages:
    async def test_the_answer_to_the_handshake(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        async with accept_websocket(near, head(), b"", LIMITS) as ws:
            answer = await peers.read_response_head(far)
            assert b"Sec-WebSocket-Accept: " + peers.ACCEPT in answer
            assert b"Sec-WebSocket-Protocol" not in answer
            assert b"Sec-WebSocket-Extensions" not in answer
            assert ws.bytes_out == len(answer)

    async def test_text_in_and_out(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, "schön".encode()))
            assert await ws.receive() == "schön"
            await ws.send(["große", ""])
            assert frames_in(await far.receive_some()) == [(TEXT, "große".encode()), (TEXT, b"")]

    async def test_fragments_are_joined_and_a_ping_between_them_is_answered(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, b"Men are", fin=False) + frame(PING, b"?") + frame(0, b" all alike."))
            assert await ws.receive() == "Men are all alike."
            assert frames_in(await far.receive_some()) == [(PONG, b"?")]

    async def test_frames_that_came_with_the_request_are_not_lost(self, autojump_clock: MockClock) -> None:
        async with opened(early=frame(TEXT, b"one") + frame(TEXT, b"two")) as (ws, far):
            await far.send_all(frame(TEXT, b"three"))
            assert [await ws.receive() for _ in range(3)] == ["one", "two", "three"]

    async def test_all_frames_leave_in_one_write(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        carry = near.send_stream.send_all_hook
        writes = 0

        async def count() -> None:
            nonlocal writes
            writes += 1
            assert carry is not None
            await carry()

        async with opened(pair=(near, far)) as (ws, _far):
            near.send_stream.send_all_hook = count
            await ws.send(["one", "two", "x" * 70_000])
            assert writes == 1
            assert [len(payload) for _, payload in frames_in(await far.receive_some())] == [3, 3, 70_000]

    async def test_our_ping(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await ws.ping()
            assert frames_in(await far.receive_some()) == [(PING, b"")]

    async def test_a_binary_message_is_refused(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(BINARY, b"\x00"))
            with pytest.raises(RemoteError) as caught:
                await ws.receive()
            assert caught.value.code == 1003
            assert ws.fault == 1003

    async def test_size_is_bytes_of_utf8(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, b"x" * 1000) + frame(TEXT, "é".encode() * 500))
            assert len(await ws.receive()) == 1000
            assert len(await ws.receive()) == 500
            await far.send_all(frame(TEXT, "é".encode() * 501))
            with pytest.raises(RemoteError) as caught:
                await ws.receive()
            assert caught.value.code == 1009

    async def test_a_peer_that_sends_without_end_is_not_read_without_end(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            for _ in range(1000):
                await far.send_all(frame(TEXT, b"x" * 900))
            await trio.testing.wait_all_tasks_blocked()
            assert ws.bytes_in <= 65_536
            for _ in range(1000):
                await ws.receive()


class TestEndings:
    async def test_the_peer_closes(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, b"last") + frame(CLOSE, b"\x0f\xa0bye"))
            assert await ws.receive() == "last"
            end = await ending(ws)
            assert (end.code, end.reason, end.by_peer) == (4000, "bye", True)
            assert ws.fault is None
            with pytest.raises(PeerClosed):
                await ws.send(["too late"])
        assert frames_in(await read_all(far)) == [(CLOSE, b"\x0f\xa0bye")]

    async def test_the_peer_closes_without_a_code(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(CLOSE))
            assert (await ending(ws)).code == 1005
        assert frames_in(await read_all(far)) == [(CLOSE, b"")]

    @pytest.mark.parametrize("code", [1002, 1003, 1007, 1009])
    async def test_a_code_that_could_be_ours_is_the_peers_when_the_peer_sends_it(
        self, code: int, autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(CLOSE, code.to_bytes(2, "big")))
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.fault) == (code, True, None)
        assert frames_in(await read_all(far)) == [(CLOSE, code.to_bytes(2, "big"))]

    async def test_the_line_is_lost(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.aclose()
            end = await ending(ws)
            assert (end.code, end.by_peer) == (1006, True)
            with pytest.raises(PeerClosed):
                await ws.send(["too late"])

    async def test_the_line_is_lost_while_a_message_waits(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, b"waits"))
            await trio.testing.wait_all_tasks_blocked()
            await far.aclose()
            with pytest.raises(PeerClosed) as caught:
                await ws.send(["too late"])
            assert caught.value.code == 1006

    async def test_we_close_and_the_peer_answers(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001, "going away")
            assert frames_in(await far.receive_some()) == [(CLOSE, b"\x03\xe9going away")]
            await far.send_all(frame(CLOSE, b"\x03\xe9"))
            assert await far.receive_some() == b""
        assert ws.verdict is not None
        assert (ws.verdict.code, ws.verdict.by_peer) == (1001, False)

    async def test_we_close_and_the_peer_does_not_answer(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far):
            start = trio.current_time()
            await ws.close(1001, "going away")
            assert trio.current_time() - start == pytest.approx(2)
            assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe9going away")]

    async def test_we_close_though_a_message_waits_and_more_come(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            await far.send_all(frame(TEXT, b"waits") * 3)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(ws.close, 1000)
            await far.send_all(frame(TEXT, b"more") + frame(CLOSE, b"\x03\xe8"))
            assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe8")]

    async def test_who_receives_is_woken_by_our_close(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            ends: list[PeerClosed] = []

            async def receive() -> None:
                ends.append(await ending(ws))

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(ws.close, 1008)
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(ws.close, 1000)
            await far.send_all(frame(CLOSE, b"\x03\xf0"))
        assert [(end.code, end.by_peer) for end in ends] == [(1008, False)]

    async def test_a_long_reason_is_cut(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1008, "ü" * 100)
            ((opcode, payload),) = frames_in(await far.receive_some())
            assert (opcode, len(payload)) == (CLOSE, 124)
            await far.send_all(frame(CLOSE, payload[:2]))

    async def test_leaving_closes(self, autojump_clock: MockClock) -> None:
        async with opened() as (_ws, far):
            await far.send_all(frame(CLOSE, b"\x03\xe8"))
        assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe8")]

    async def test_an_exception_of_the_body_leaves_as_it_is(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        with pytest.raises(ZeroDivisionError):
            async with accept_websocket(near, head(), b"", LIMITS):
                await peers.read_response_head(far)
                raise ZeroDivisionError
        ((opcode, payload),) = frames_in(await read_all(far))
        assert (opcode, close_code(payload)) == (CLOSE, 1011)

    async def test_abort(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:

            async def receive() -> None:
                end = await ending(ws)
                assert (end.code, end.reason, end.by_peer) == (1006, "silent", False)

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await ws.abort("silent")
        assert await read_all(far) == b""


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
            assert await far.receive_some() == b"", "the line is half-closed, so that the peer can finish"
            await far.aclose()
        assert ws.bug is None

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

    async def test_a_bug_in_the_reader_is_told_from_the_peers_faults(
        self, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
    ) -> None:
        async def fail(*_args: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("trio_websocket.WebSocketConnection._handle_ping_event", fail)
        async with opened() as (ws, far):
            await far.send_all(frame(PING))
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
        async with opened(pair=trio.testing.lockstep_stream_pair()) as (ws, far):
            await far.send_all(frame(PING))
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
