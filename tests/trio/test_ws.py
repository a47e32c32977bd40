"""A WebSocket over memory streams: messages, and every way in which it can end."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from elizad.errors import RemoteError
from elizad.net.errors import PeerClosed
from elizad.net.ws import WebSocket, accept_websocket
from tests.support import peers
from tests.support.opened import LIMITS, ending, head, opened
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, close_code, frame, frames_in, read_all


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
            await far.send_all(frame(TEXT, b"My house", fin=False) + frame(PING, b"?") + frame(0, b" is quiet."))
            assert await ws.receive() == "My house is quiet."
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

    async def test_whoever_looks_while_the_peer_closes_sees_the_peer_close(self, autojump_clock: MockClock) -> None:
        async def look(ws: WebSocket, delay: int) -> None:
            for _ in range(delay):
                await trio.lowlevel.checkpoint()
            with pytest.raises(PeerClosed) as caught:
                while True:
                    await ws.send([])
            assert (caught.value.code, caught.value.by_peer, ws.fault) == (1002, True, None)

        for _ in range(5):
            async with opened() as (ws, far), trio.open_nursery() as nursery:
                nursery.start_soon(ending, ws)
                for delay in range(8):
                    nursery.start_soon(look, ws, delay)
                await far.send_all(frame(CLOSE, b"\x03\xea"))

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
