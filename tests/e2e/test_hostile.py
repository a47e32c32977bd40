"""Hostile peers at a real port. After each of them a fresh client is answered, and no task is left.

The first class is trio-websocket's list: each of these ends or blinds a server that uses it as it comes.
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from elizad.errors import RemoteError
from elizad.net.guard import Handler, Request
from elizad.net.limits import Limits
from elizad.net.listeners import UnixAddress, open_listeners
from elizad.net.ws import WebSocket
from tests.support.peers import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Front,
    close_code,
    echo,
    frame,
    frames_in,
    open_front,
    read_all,
    read_response_head,
    request,
)

LIMITS = Limits(
    head_timeout_s=0.4,
    handshake_timeout_s=0.5,
    max_message_bytes=200_000,
    write_timeout_s=0.5,
    close_timeout_s=0.4,
    max_connections=60,
)
PATIENCE_S = 10


@asynccontextmanager
async def besieged(handler: Handler = echo, limits: Limits = LIMITS) -> AsyncIterator[Front]:
    """A front door that must be as good as new when the block is over."""
    async with open_front(handler, limits=limits) as front:
        with trio.fail_after(PATIENCE_S):
            yield front
            await front.echoes()
            assert await front.is_empty()


async def reset(stream: trio.SocketStream) -> None:
    """Close with RST instead of FIN."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()


async def refusal_of(front: Front, data: bytes) -> bytes:
    """The first line of the answer, which must be followed by the end of the connection."""
    stream = await front.connect()
    async with stream:
        await stream.send_all(data)
        answer = await read_all(stream)
    assert b"\r\nConnection: " in answer
    return answer.partition(b"\r\n")[0]


async def last_frame(stream: trio.SocketStream) -> tuple[int, bytes]:
    return frames_in(await read_all(stream))[-1]


class TestTrioWebsocketHazards:
    @pytest.mark.parametrize(
        "changes",
        [
            {"Host": b"caf\xc3\xa9"},
            {"Host": "xn--"},
            {"Connection": b"Upgrade, \xff"},
            {"Sec_WebSocket_Protocol": b"\xff"},
            {"Sec_WebSocket_Extensions": b"\xff"},
        ],
        ids=str,
    )
    async def test_1_bytes_in_headers_that_do_not_decode(self, changes: dict[str, str | bytes]) -> None:
        async with besieged() as front:
            assert await refusal_of(front, request(**changes)) == b"HTTP/1.1 400 Bad Request"
            assert front.tally.refusals == {400: 1}

    async def test_2_a_ping_while_we_close(self) -> None:
        async def leave(ws: WebSocket, request: Request) -> None:
            if await ws.receive() == "leave":
                raise RemoteError(1008, "go")
            await ws.send(["Men are all alike."])
            await echo(ws, request)

        async with besieged(leave) as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"leave") + frame(PING) * 5)
            assert await stream.receive_some(2)
            await stream.send_all(frame(PING) * 5)
            await read_all(stream)

    async def test_2_a_message_that_is_too_big_and_a_ping_in_one_burst(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 200_001) + frame(PING) * 3)
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)
        assert front.tally.faults == {1009: 1}

    async def test_2_two_messages_that_are_too_big(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 200_001) * 2)
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)

    async def test_3_bad_http_and_then_a_reset(self) -> None:
        async with besieged() as front:
            for data in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", request(Upgrade=None)):
                stream = await front.connect()
                await stream.send_all(data)
                await reset(stream)

    async def test_4_and_8_a_peer_that_does_not_read(self) -> None:
        async def flood(ws: WebSocket, request: Request) -> None:
            if await ws.receive() == "flood me":
                while True:
                    await ws.send(["x" * 100_000] * 10)
            await ws.send(["Men are all alike."])
            await echo(ws, request)

        async with besieged(flood) as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"flood me"))
            while not front.tally.stalled:  # noqa: ASYNC110
                await trio.sleep(0.02)

    async def test_8_a_peer_that_pings_and_does_not_read(self) -> None:
        async with besieged() as front, await front.open() as stream:
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await stream.send_all(frame(PING, b"x" * 125) * 500)
        assert front.tally.stalled == 1

    async def test_5_after_a_message_that_is_too_big_the_line_is_closed(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 200_001))
            with trio.fail_after(2):
                assert await last_frame(stream)

    async def test_6_fifty_probes_leave_nothing(self) -> None:
        async with besieged() as front:
            for number in range(50):
                stream = await front.connect()
                await stream.send_all(request()[: number % 5 * 30])
                await (reset(stream) if number % 2 else stream.aclose())
            assert await front.is_empty()
            assert front.tally.connections == 50
            assert not front.tally.bugs

    async def test_6_a_peer_that_says_nothing(self) -> None:
        async with besieged() as front, await front.connect() as stream:
            assert (await read_all(stream)).startswith(b"HTTP/1.1 408 ")

    async def test_7_frames_sent_with_the_request_are_answered(self) -> None:
        async with besieged() as front, await front.connect() as stream:
            await stream.send_all(request() + frame(TEXT, b"early") + frame(TEXT, b"bird"))
            await read_response_head(stream)
            await stream.send_all(frame(CLOSE, b"\x03\xe8"))
            assert frames_in(await read_all(stream)) == [(TEXT, b"early"), (TEXT, b"bird"), (CLOSE, b"\x03\xe8")]

    async def test_7_what_comes_early_is_not_hoarded(self) -> None:
        """A handler that does not receive: the peer is stopped by the kernel's buffers, not by ours."""
        release = trio.Event()
        reading: list[WebSocket] = []

        async def wait(ws: WebSocket, request: Request) -> None:
            reading.append(ws)
            if len(reading) == 1:
                await release.wait()
            await echo(ws, request)

        async with besieged(wait) as front, await front.connect() as stream:
            await stream.send_all(request())
            with trio.move_on_after(0.5):
                while True:
                    await stream.send_all(frame(TEXT, b"x" * 100_000))
            assert reading[0].bytes_in < 300_000
            release.set()

    async def test_10_empty_fragments_without_end(self) -> None:
        async with besieged() as front, await front.open() as stream:
            burst = frame(0, b"", fin=False) * 5000
            with trio.fail_after(8), pytest.raises(trio.BrokenResourceError):
                await stream.send_all(frame(TEXT, b"", fin=False))
                while True:
                    await stream.send_all(burst)
        assert front.tally.faults == {1008: 1}

    async def test_10_large_characters_count_as_bytes(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, "𝄞".encode() * 50_001))
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)

    async def test_11_a_reset_before_we_look_and_a_unix_socket(self, tmp_path: object) -> None:
        async with besieged() as front:
            (listener,) = await open_listeners([UnixAddress(f"{tmp_path}/s")])
            await listener.aclose()
            for _ in range(20):
                await reset(await front.connect())
            assert not front.tally.bugs

    @pytest.mark.parametrize(
        ("code", "data"),
        [
            (1002, frame(TEXT, b"x", masked=False)),
            (1002, frame(0x7, b"x")),
            (1002, frame(TEXT, b"x", rsv=2)),
            (1002, frame(0, b"x")),
            (1007, frame(TEXT, b"\xff\xfe")),
        ],
        ids=["unmasked", "opcode", "reserved bit", "continuation of nothing", "invalid UTF-8"],
    )
    async def test_12_a_fault_is_answered_with_its_code_and_counted(self, code: int, data: bytes) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(data)
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, code)
        assert front.tally.faults == {code: 1}
        assert front.tally.closes[code] == 1

    @pytest.mark.parametrize(
        ("line", "data"),
        [
            (b"HTTP/1.1 404 Not Found", request("/")),
            (b"HTTP/1.1 404 Not Found", request("/echo/x")),
            (b"HTTP/1.1 404 Not Found", request("/%65cho")),
            (b"HTTP/1.1 426 Upgrade Required", request(Upgrade=None)),
            (b"HTTP/1.1 426 Upgrade Required", request(Sec_WebSocket_Version="7")),
            (b"HTTP/1.1 405 Method Not Allowed", request(line="POST /echo HTTP/1.1")),
            (b"HTTP/1.1 400 Bad Request", b"\x16\x03\x01\x02\x00"),
            (b"HTTP/1.1 431 Request Header Fields Too Large", request(X="x" * 20_000)),
        ],
        ids=lambda value: value.decode("latin-1")[:40].strip(),
    )
    async def test_13_refusals_are_http(self, line: bytes, data: bytes) -> None:
        async with besieged() as front:
            assert await refusal_of(front, data) == line


class TestSlowAndRude:
    async def test_slowloris(self) -> None:
        async with besieged() as front, await front.connect() as stream:
            start = trio.current_time()

            async def drip() -> None:
                with pytest.raises(trio.BrokenResourceError):
                    for byte in request(X="x" * 10_000):
                        await stream.send_all(bytes([byte]))
                        await trio.sleep(0.03)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(drip)
                assert (await read_all(stream)).startswith(b"HTTP/1.1 408 ")
                assert trio.current_time() - start < 2
            assert front.tally.refusals == {408: 1}

    @pytest.mark.parametrize("stage", ["at once", "in the head", "after the head", "open", "in a frame", "closing"])
    async def test_a_reset_at_any_stage(self, stage: str) -> None:
        async with besieged() as front:
            for _ in range(5):
                stream = await front.connect()
                if stage == "in the head":
                    await stream.send_all(request()[:40])
                elif stage != "at once":
                    await stream.send_all(request())
                    if stage != "after the head":
                        await read_response_head(stream)
                    if stage == "in a frame":
                        await stream.send_all(frame(TEXT, b"x" * 1000)[:500])
                    if stage == "closing":
                        await stream.send_all(frame(CLOSE, b"\x03\xe8"))
                await reset(stream)
            assert await front.is_empty()
            assert not front.tally.bugs

    async def test_a_peer_that_sends_while_it_is_refused_hears_why(self) -> None:
        async with besieged() as front, await front.connect() as stream:
            await stream.send_all(
                b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000
            )
            assert (await read_all(stream)).startswith(b"HTTP/1.1 405 ")

    async def test_a_flood_of_pings_is_answered_and_others_are_served(self) -> None:
        async with besieged() as front, await front.open() as stream, trio.open_nursery() as nursery:
            pongs = 0

            async def count() -> None:
                nonlocal pongs
                data = b""
                async for part in stream:
                    data += part
                    while len(data) >= 2:
                        assert data[:2] == bytes([0x80 | PONG, 0])
                        data = data[2:]
                        pongs += 1

            nursery.start_soon(count)
            for _ in range(20):
                await stream.send_all(frame(PING) * 100)
            await front.echoes()
            while pongs < 2000:  # noqa: ASYNC110
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    async def test_one_that_never_answers_the_close(self) -> None:
        async def leave(ws: WebSocket, request: Request) -> None:
            if await ws.receive() == "leave":
                return
            await ws.send(["Men are all alike."])
            await echo(ws, request)

        async with besieged(leave) as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"leave"))
            assert frames_in(await read_all(stream)) == [(CLOSE, b"\x03\xe8")]

    async def test_binary_is_refused_with_its_code(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(BINARY, b"\x00"))
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1003)

    async def test_a_handler_that_raises_is_a_bug_and_closes_with_1011(self, caplog: pytest.LogCaptureFixture) -> None:
        async def fail(ws: WebSocket, request: Request) -> None:
            if await ws.receive() == "fail":
                raise ZeroDivisionError
            await ws.send(["Men are all alike."])
            await echo(ws, request)

        async with besieged(fail) as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"fail"))
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1011)
            assert front.tally.bugs == 1
        (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert record.getMessage() == "bug"
        assert record.exc_info is not None

    async def test_more_than_fit_are_told_so(self) -> None:
        limits = Limits(max_connections=2, close_timeout_s=0.4)
        async with besieged(limits=limits) as front:
            async with await front.open(), await front.open():
                stream = await front.connect()
                async with stream:
                    answer = await read_all(stream)
                assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
                assert b"\r\nRetry-After: " in answer
                assert (front.tally.turned_away, front.tally.connections_open) == (1, 2)
                crowd = [await front.connect() for _ in range(60)]
                while front.tally.turned_away < 61:  # noqa: ASYNC110
                    await trio.sleep(0.01)
                assert len(front.connections.child_tasks) <= 2 + 32
                for stream in crowd:
                    await stream.aclose()
            assert await front.is_empty()

    async def test_an_honest_client_among_them(self) -> None:
        def converse(url: str) -> tuple[str, int]:
            with websockets.sync.client.connect(f"{url}/echo") as client:
                client.send("Men are all alike.")
                answer = client.recv()
                assert isinstance(answer, str)
                assert client.ping().wait(5)
                with pytest.raises(ConnectionClosed) as caught:
                    client.send("x" * 300_000)
                    client.recv()
                assert caught.value.rcvd is not None
                return answer, caught.value.rcvd.code

        async with besieged() as front:
            rude = [await front.connect() for _ in range(20)]
            for stream in rude:
                await stream.send_all(b"GET ")
            converse_there = partial(converse, front.url)
            assert await trio.to_thread.run_sync(converse_there) == ("Men are all alike.", 1009)
            for stream in rude:
                await stream.aclose()
