"""Slow, rude and too many peers at a real port. After each, a fresh client is answered, and no task is left."""

from __future__ import annotations

import logging
from functools import partial

import pytest
import trio
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from elizad.net.guard import Request
from elizad.net.limits import Limits
from elizad.net.ws import WebSocket
from tests.support.peers import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    close_code,
    echo,
    frame,
    frames_in,
    read_all,
    read_response_head,
    request,
)
from tests.support.siege import PATIENCE_S, besieged, last_frame, reset


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
                assert trio.current_time() - start < PATIENCE_S / 2
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
            await ws.send(["My house is quiet."])
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
            await ws.send(["My house is quiet."])
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
                    await stream.send_all(request(line="POST / HTTP/1.1", Content_Length="5000000") + bytes(5_000_000))
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
                client.send("My house is quiet.")
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
            assert await trio.to_thread.run_sync(converse_there) == ("My house is quiet.", 1009)
            for stream in rude:
                await stream.aclose()
