"""A front door to knock at, and the pieces of a hand-made peer: requests and frames that no library would send."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import trio

from elizad.net.admission import Route
from elizad.net.guard import Handler, Request, serve_connection
from elizad.net.heartbeat import Heartbeat
from elizad.net.limits import Limits
from elizad.net.listeners import Listener, TcpAddress, open_listeners
from elizad.net.server import serve
from elizad.net.tally import Tally
from elizad.net.tls import Certificate
from elizad.net.ws import WebSocket

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA

HANDSHAKE = {
    "Host": "elizad.test",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The answer to that key, from RFC 6455 section 1.3."""


def request(target: str = "/echo", line: str | None = None, **changes: str | bytes | None) -> bytes:
    """A handshake. A keyword changes a header (`Sec_WebSocket_Key=...`); None leaves it out."""
    headers: dict[str, str | bytes | None] = {**HANDSHAKE, **{k.replace("_", "-"): v for k, v in changes.items()}}
    out = (line or f"GET {target} HTTP/1.1").encode() + b"\r\n"
    for name, value in headers.items():
        if value is not None:
            out += name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return out + b"\r\n"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """One client frame (RFC 6455 section 5.2). The mask is fixed: it hides nothing here."""
    size = len(payload)
    short = size if size < 126 else 126 if size < 65_536 else 127
    head = bytes([fin << 7 | rsv << 4 | opcode, masked << 7 | short])
    head += b"" if size < 126 else struct.pack("!H", size) if size < 65_536 else struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = b"\x01\x02\x03\x04"
    key = (mask * (size // 4 + 1))[:size]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + mask + body


def frames_in(data: bytes | bytearray) -> list[tuple[int, bytes]]:
    """Server frames as (opcode, payload). Every byte must belong to a whole frame."""
    frames = []
    while data:
        assert not data[1] & 0x80, "a server does not mask"
        size, start = data[1], 2
        if size == 126:
            size, start = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127:
            size, start = struct.unpack("!Q", data[2:10])[0], 10
        assert len(data) >= start + size, "a torn frame"
        frames.append((data[0] & 0x0F, bytes(data[start : start + size])))
        data = data[start + size :]
    return frames


def close_code(payload: bytes) -> int:
    code: int = struct.unpack("!H", payload[:2])[0]
    return code


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Everything until the peer closes or resets."""
    data = bytearray()
    try:
        async for part in stream:
            data += part
    except trio.BrokenResourceError:
        pass
    return bytes(data)


async def read_response_head(stream: trio.abc.ReceiveStream) -> bytes:
    """Up to the blank line, a byte at a time so that nothing behind it is lost."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        part = await stream.receive_some(1)
        assert part, f"the connection ended after {data!r}"
        data += part
    return data


async def echo(ws: WebSocket, request: Request) -> None:
    """Send every message back until the peer goes."""
    while True:
        await ws.send([await ws.receive()])


@dataclass
class Front:
    """A running front door."""

    listeners: list[Listener]
    tally: Tally
    heartbeat: Heartbeat
    connections: trio.Nursery
    accepting: trio.CancelScope = field(default_factory=trio.CancelScope)

    @property
    def url(self) -> str:
        return self.listeners[0].url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def open(self, target: str = "/echo") -> trio.SocketStream:
        """A raw connection after the handshake."""
        stream = await self.connect()
        await stream.send_all(request(target))
        head = await read_response_head(stream)
        assert head.startswith(b"HTTP/1.1 101 "), head
        return stream

    async def echoes(self) -> None:
        """A fresh, honest client is answered."""
        stream = await self.open()
        async with stream:
            await stream.send_all(frame(TEXT, b"My house is quiet."))
            answer = b""
            while len(answer) < 20:
                part = await stream.receive_some()
                assert part
                answer += part
            assert frames_in(answer) == [(TEXT, b"My house is quiet.")]
            await stream.send_all(frame(CLOSE, b"\x03\xe8"))
            assert frames_in(await read_all(stream)) == [(CLOSE, b"\x03\xe8")]

    async def is_empty(self) -> bool:
        """Whether every connection's task has ended; waits for it for a short while."""
        with trio.move_on_after(5):
            while self.connections.child_tasks:  # noqa: ASYNC110  # a nursery has no event for that
                await trio.sleep(0.01)
        return not self.connections.child_tasks and self.tally.connections_open == 0 and not len(self.heartbeat)


@asynccontextmanager
async def open_front(
    handler: Handler = echo,
    *,
    limits: Limits | None = None,
    routes: Sequence[Route] = (Route("echo", "/echo"),),
    certificate: Certificate | None = None,
) -> AsyncIterator[Front]:
    """A front door on a free port of this machine, in this event loop."""
    limits = limits or Limits()
    tally = Tally()
    heartbeat = Heartbeat(ping_interval_s=limits.ping_interval_s, ping_timeout_s=limits.ping_timeout_s, tally=tally)
    listeners = await open_listeners([TcpAddress("127.0.0.1", 0)], certificate)
    serve_one = partial(
        serve_connection, handler=handler, routes=routes, limits=limits, heartbeat=heartbeat, tally=tally
    )
    async with trio.open_nursery() as outer, trio.open_nursery() as connections:
        front = Front(listeners, tally, heartbeat, connections)
        outer.start_soon(heartbeat.run)

        async def accept(task_status: trio.TaskStatus[None]) -> None:
            with front.accepting:
                await serve(
                    listeners,
                    serve_one,
                    connections_nursery=connections,
                    max_connections=limits.max_connections,
                    tally=tally,
                    task_status=task_status,
                )

        await outer.start(accept)
        yield front
        outer.cancel_scope.cancel()
