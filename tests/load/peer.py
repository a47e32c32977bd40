"""The calling side with as little in it as can be: thousands of these share one process with its one core."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

import trio

from tests.support.peers import CLOSE, PING, PONG, TEXT, request

LINES: Final = (
    "I can't sleep.",
    "My mother is always worried about me.",
    "I think I am tired of my work.",
    "Nobody listens to me.",
    "Yes.",
    "I dreamed about my brother again last night.",
)

_SCORES: Final = dict.fromkeys(map("expression {}".format, range(48)), 0.0625)  # Hume sends 48 with each utterance

_READ_BYTES: Final = 16_384


class Lost(Exception):
    """The line ended, or said something that no agent says, before the turn was answered."""


def text(payload: bytes) -> bytes:
    """A text frame with a mask of zeros, which costs nothing and is as good as any (RFC 6455 section 5.3)."""
    return _frame(0x80 | TEXT, payload)


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, 0x80 | size)) + b"\0\0\0\0" + payload
    if size < 65_536:
        return bytes((first, 0xFE)) + size.to_bytes(2, "big") + b"\0\0\0\0" + payload
    return bytes((first, 0xFF)) + size.to_bytes(8, "big") + b"\0\0\0\0" + payload


def sources(net: int, number: int) -> Iterator[str]:
    """Loopback addresses 127.0.`net`.1 and on, `number` of them in turn: a platform calls from several."""
    return (f"127.0.{net}.{1 + n % number}" for n in count())


async def dial(port: int, source: str) -> trio.SocketStream:
    """A TCP connection from `source` to the daemon. Raises: OSError. Cancelling: closes it."""
    sock = trio.socket.socket()
    try:
        # The port is chosen at connect, so that one port may serve for many addresses.
        sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        await sock.bind((source, 0))
        await sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def upgrade(stream: trio.SocketStream) -> bytes:
    """The WebSocket handshake; what came behind the answer. Raises: Lost, BrokenResourceError."""
    await stream.send_all(request("/llm"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = await stream.receive_some(_READ_BYTES)
        if not part:
            raise Lost("closed during the handshake")
        answer += part
    if not answer.startswith(b"HTTP/1.1 101 "):
        raise Lost(answer.partition(b"\r\n")[0].decode("latin-1"))
    return answer.partition(b"\r\n\r\n")[2]


class Caller:
    """Hume's side of one call: keeps the thread and sends all of it with each turn."""

    def __init__(self, stream: trio.SocketStream, early: bytes, first_line: int) -> None:
        self._stream = stream
        self._buffer = bytearray(early)
        self._thread: list[object] = []
        self._next = first_line

    async def turn(self) -> tuple[str, float, float]:
        """Say the next line; the whole reply, and the seconds to its first and to its last frame.

        Raises: Lost, BrokenResourceError.
        """
        said = {
            "type": "user_message",
            "message": {"role": "user", "content": LINES[self._next % len(LINES)]},
            "models": {"prosody": {"scores": _SCORES}},
        }
        self._next += 1
        self._thread.append(said)
        asked = trio.current_time()
        await self._stream.send_all(text(json.dumps({"messages": self._thread}).encode()))
        chunks: list[str] = []
        first_s = 0.0
        while (frame := await self._frame())["type"] != "assistant_end":
            if not chunks:
                first_s = trio.current_time() - asked
            chunks.append(str(frame["text"]))
        if not chunks:
            raise Lost("an end without words")
        reply = "".join(chunks)
        self._thread.append({"type": "assistant_message", "message": {"role": "assistant", "content": reply}})
        return reply, first_s, trio.current_time() - asked

    async def idle(self) -> None:
        """Answer pings until cancelled. Raises: Lost when anything else comes."""
        frame = await self._frame()
        raise Lost(f"{frame['type']} that nobody asked for")

    async def leave(self) -> None:
        """The closing handshake. Raises: Lost, BrokenResourceError."""
        await self._stream.send_all(_frame(0x80 | CLOSE, b"\x03\xe8"))
        while (await self._next_frame())[0] != CLOSE:
            pass

    async def _frame(self) -> dict[str, object]:
        while True:
            opcode, payload = await self._next_frame()
            if opcode == TEXT:
                frame: dict[str, object] = json.loads(payload)
                return frame
            if opcode == CLOSE:
                raise Lost(f"closed with {int.from_bytes(payload[:2], 'big')}")
            if opcode == PING:
                with trio.CancelScope(shield=True):  # a torn frame would be the end of the line
                    await self._stream.send_all(_frame(0x80 | PONG, payload))

    async def _next_frame(self) -> tuple[int, bytes]:
        buffer = self._buffer
        while True:
            if len(buffer) >= 2:
                size, start = buffer[1], 2
                if size >= 126:
                    start = 4 if size == 126 else 10
                    size = int.from_bytes(buffer[2:start], "big")
                if len(buffer) >= start + size:
                    opcode, payload = buffer[0] & 0x0F, bytes(buffer[start : start + size])
                    del buffer[: start + size]
                    return opcode, payload
            part = await self._stream.receive_some(_READ_BYTES)
            if not part:
                raise Lost("the line was cut")
            buffer += part


@asynccontextmanager
async def call(port: int, source: str, first_line: int) -> AsyncIterator[Caller]:
    """An open call, cut at the end. Raises: OSError, Lost, BrokenResourceError."""
    async with await dial(port, source) as stream:
        yield Caller(stream, await upgrade(stream), first_line)
