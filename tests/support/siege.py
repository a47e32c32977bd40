"""A front door under attack at a real port, which must be as good as new afterwards."""

from __future__ import annotations

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from elizad.net.guard import Handler
from elizad.net.limits import Limits
from tests.support.peers import (
    Front,
    echo,
    frames_in,
    open_front,
    read_all,
)

LIMITS = Limits(
    head_timeout_s=0.4,
    handshake_timeout_s=0.5,
    max_message_bytes=200_000,
    write_timeout_s=0.5,
    close_timeout_s=0.4,
    max_connections=60,
    messages_per_s=1e6,  # what floods do when nothing stops them
)
PATIENCE_S = 20


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
