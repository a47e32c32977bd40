"""Backends of our own making for a platform to call, good ones and wrong ones: one server, a path for each.

Those that a WebSocket library can be made to be run on the `websockets` package in a thread; those that break the
WebSocket itself are written byte by byte, on trio.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Self

import trio
from websockets.asyncio.server import ServerConnection, serve

from tests.support.peers import TEXT, frame

Backend = Callable[[ServerConnection], Awaitable[None]]

PACE_S: Final = 0.05  # between the chunks of a reply, so that there is something to interrupt


class Backends:
    """A server in a thread; `url(name)` is where the backend of that name answers."""

    def __init__(self, backends: Mapping[str, Backend], tls: ssl.SSLContext | None = None) -> None:
        self._backends = backends
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._port = 0
        self._stop: asyncio.Event | None = None
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []

    def url(self, name: str) -> str:
        return f"ws{'s' if self._tls else ''}://127.0.0.1:{self._port}/{name}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with serve(self._answer, "127.0.0.1", 0, ssl=self._tls, ping_interval=None, close_timeout=1) as server:
            self._port = next(iter(server.sockets)).getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    async def _answer(self, ws: ServerConnection) -> None:
        assert ws.request is not None
        self.paths.append(ws.request.path)
        self.headers.append(dict(ws.request.headers.raw_items()))
        name = re.split(r"[/?]", ws.request.path)[1]
        with contextlib.suppress(Exception):  # the caller has gone
            await self._backends[name](ws)


# -- Hume ------------------------------------------------------------------------------------------------------------

HUME_REPLY: Final = ("I hear you. ", "Tell me more about that. ", "Take your time.")


def say(text: Any, **more: Any) -> str:
    return json.dumps({"type": "assistant_input", "text": text, **more})


END: Final = json.dumps({"type": "assistant_end"})


async def hume_reply(ws: ServerConnection, payload: dict[str, Any]) -> None:
    for text in HUME_REPLY:
        await ws.send(say(text))
        await asyncio.sleep(PACE_S)
    await ws.send(END)


def hume(
    reply: Callable[[ServerConnection, dict[str, Any]], Awaitable[None]] = hume_reply, *, stops: bool = True
) -> Backend:
    """A backend that answers every payload with `reply`, and stops at a newer one unless `stops` is False."""

    async def backend(ws: ServerConnection) -> None:
        tasks: list[asyncio.Task[None]] = []
        try:
            async for raw in ws:
                if stops:
                    for task in tasks:
                        task.cancel()
                tasks.append(asyncio.create_task(_quietly(reply, ws, json.loads(raw))))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return backend


async def _quietly(work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    with contextlib.suppress(Exception):  # the caller has gone
        await work(*arguments)


def hume_frames(*frames: str | bytes) -> Backend:
    """A backend that answers every payload with these frames at once."""

    async def reply(ws: ServerConnection, payload: dict[str, Any]) -> None:
        for each in frames:
            await ws.send(each)

    return hume(reply)


# -- Retell ----------------------------------------------------------------------------------------------------------


def response(number: Any, content: Any, complete: Any, **more: Any) -> str:
    return json.dumps(
        {"response_type": "response", "response_id": number, "content": content, "content_complete": complete, **more}
    )


def config(**settings: Any) -> str:
    return json.dumps({"response_type": "config", "config": settings})


GREETING: Final = response(0, "Hello, what is troubling you?", True)


def tool(kind: str, **fields: Any) -> str:
    return json.dumps({"response_type": f"tool_call_{kind}", "tool_call_id": "a", **fields})


async def retell_reply(ws: ServerConnection, number: int, said: str) -> None:
    if "goodbye" in said.lower():
        await ws.send(response(number, "Take care.", True, end_call=True))
        return
    for text in ("I hear you. ", "Tell me more about that. ", "Take your time."):
        await ws.send(response(number, text, False))
        await asyncio.sleep(PACE_S)
    await ws.send(response(number, "", True))


def retell(
    reply: Callable[[ServerConnection, int, str], Awaitable[None]] = retell_reply,
    *,
    opening: tuple[str | bytes, ...] = (config(auto_reconnect=True), GREETING),
    again: tuple[str | bytes, ...] | None = (config(auto_reconnect=True), response(0, "", True)),
    pong_after_s: float | None = 0.0,
    stops: bool = True,
) -> Backend:
    """A backend with this opening, and another on a reconnect (None: the same); None for `pong_after_s` is never."""
    known: set[str] = set()

    async def backend(ws: ServerConnection) -> None:
        assert ws.request is not None
        call_id = ws.request.path
        for each in again if again is not None and call_id in known else opening:
            await ws.send(each)
        known.add(call_id)
        replies: list[asyncio.Task[None]] = []
        pongs: set[asyncio.Task[None]] = set()

        async def pong(stamp: int) -> None:
            assert pong_after_s is not None
            await asyncio.sleep(pong_after_s)
            await ws.send(json.dumps({"response_type": "ping_pong", "timestamp": stamp}))

        try:
            async for raw in ws:
                message = json.loads(raw)
                if message["interaction_type"] == "ping_pong":
                    if pong_after_s is not None:
                        pongs.add(asyncio.create_task(_quietly(pong, message["timestamp"])))
                elif message["interaction_type"] in ("response_required", "reminder_required"):
                    if stops:
                        for task in replies:
                            task.cancel()
                    said = message["transcript"][-1]["content"] if message["transcript"] else ""
                    replies.append(asyncio.create_task(_quietly(reply, ws, message["response_id"], said)))
        finally:
            for task in [*replies, *pongs]:
                task.cancel()
            await asyncio.gather(*replies, *pongs, return_exceptions=True)

    return backend


def retell_frames(make: Callable[[int], list[str | bytes]]) -> Backend:
    """A backend that answers every request with the frames that `make` makes of its id."""

    async def reply(ws: ServerConnection, number: int, said: str) -> None:
        for each in make(number):
            await ws.send(each)

    return retell(reply)


# -- byte by byte ----------------------------------------------------------------------------------------------------

Raw = Callable[[trio.SocketStream, bytes], Awaitable[None]]


def accept(request: bytes, *more: str, key: bytes | None = None) -> bytes:
    """The answer to a handshake; `key` replaces what is accepted."""
    match = re.search(rb"Sec-WebSocket-Key: (\S+)", request, re.IGNORECASE)
    assert match is not None
    digest = hashlib.sha1((key or match[1]) + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", *more]
    lines.append(f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}")
    return "\r\n".join([*lines, "", ""]).encode()


def answers(*frames: bytes) -> Raw:
    """Opens, waits for the first payload, sends these bytes, and then takes what comes without a word, not a pong."""

    async def serve_one(stream: trio.SocketStream, request: bytes) -> None:
        await stream.send_all(accept(request))
        await stream.receive_some()
        await stream.send_all(b"".join(frames))
        while await stream.receive_some():
            pass

    return serve_one


def refuses(answer: bytes) -> Raw:
    async def serve_one(stream: trio.SocketStream, request: bytes) -> None:
        await stream.send_all(answer)

    return serve_one


def text_frame(text: str, **how: Any) -> bytes:
    return frame(TEXT, text.encode(), **{"masked": False, **how})


@asynccontextmanager
async def raw_server(serve_one: Raw) -> AsyncIterator[str]:
    """Serves on a free port with what was written byte by byte; yields the address."""

    async def connection(stream: trio.SocketStream) -> None:
        request = b""
        try:
            while b"\r\n\r\n" not in request:
                part = await stream.receive_some()
                if not part:
                    return
                request += part
            await serve_one(stream, request)
        except trio.BrokenResourceError:
            pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, connection, 0, host="127.0.0.1"))
        yield f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}/llm"
        nursery.cancel_scope.cancel()
