"""Peers that mean harm, each in its own way, over and over until they are cancelled."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from tests.load.peer import Lost, dial, text, upgrade
from tests.support.peers import PING, TEXT, frame, request

_ATTEMPT_S: Final = 8.0  # then the next; longer than the daemon bears most of them
_PAUSE_S: Final = 0.05  # between two attempts of one peer: hostile, but not a flood of packets

_BIG: Final = text(b'{"messages":[{"message":{"role":"user","content":"' + b"x " * 2_000_000 + b'"}}]}')
_DEEP: Final = text(b"[" * 100_000)
_LONG: Final = text(b'{"messages":[{"message":{"role":"user","content":"' + b"my mother my " * 5000 + b'"}}]}')
_GREET: Final = text(b'{"messages":[]}')
_PINGS: Final = frame(PING, b"x" * 125) * 200
_FRAGMENTS: Final = frame(0, b"", fin=False) * 2000

Way = Callable[[trio.SocketStream], Awaitable[None]]


async def _drain(stream: trio.SocketStream) -> None:
    while await stream.receive_some(65_536):
        pass


async def _flood(stream: trio.SocketStream, data: bytes) -> None:
    """Send `data` for ever, and read what is said to it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_drain, stream)
        while True:
            await stream.send_all(data)


async def silence(stream: trio.SocketStream) -> None:
    await _drain(stream)


async def slow_head(stream: trio.SocketStream) -> None:
    for byte in request("/llm"):
        await stream.send_all(bytes([byte]))
        await trio.sleep(0.2)


async def nonsense(stream: trio.SocketStream) -> None:
    await stream.send_all(random.randbytes(2000))
    await _drain(stream)


async def huge_head(stream: trio.SocketStream) -> None:
    await stream.send_all(request("/llm", X="x" * 1_000_000))
    await _drain(stream)


async def churn(stream: trio.SocketStream) -> None:
    await upgrade(stream)


async def ping_flood(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await _flood(stream, _PINGS)


async def empty_fragments(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await stream.send_all(frame(TEXT, b"", fin=False))
    await _flood(stream, _FRAGMENTS)


async def big_messages(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await _flood(stream, _BIG)


async def deep_json(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await _flood(stream, _DEEP)


async def long_utterances(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await _flood(stream, _LONG)


async def never_reads(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    while True:
        await stream.send_all(_GREET * 50)


async def half_a_message_and_a_reset(stream: trio.SocketStream) -> None:
    await upgrade(stream)
    await stream.send_all(_BIG[:100_000])
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


WAYS: Final[tuple[Way, ...]] = (
    silence,
    slow_head,
    nonsense,
    huge_head,
    churn,
    ping_flood,
    empty_fragments,
    big_messages,
    deep_json,
    long_utterances,
    never_reads,
    half_a_message_and_a_reset,
)


async def attack(way: Way, port: int, source: str, note: Callable[[], None]) -> None:
    """Do it over and over; `note` is called for each attempt. Never returns. Cancelling: safe."""
    while True:
        note()
        try:
            with trio.move_on_after(_ATTEMPT_S):
                async with await dial(port, source) as stream:
                    await way(stream)
        except* (OSError, Lost, trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # turned away or thrown out, as it should be
        await trio.sleep(_PAUSE_S)
