"""A WebSocket over a line in memory, opened, with the peer's end in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from elizad.net.errors import PeerClosed
from elizad.net.head import Head, HeadReader
from elizad.net.limits import Limits
from elizad.net.ws import WebSocket, accept_websocket
from tests.support import peers

LIMITS = Limits(max_message_bytes=1000, write_timeout_s=10, close_timeout_s=2, messages_per_s=1e6)


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
