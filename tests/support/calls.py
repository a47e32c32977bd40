"""A call in memory: a real Connection with a socket that is two lists and a small script of our own behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import trio

from elizad.conversation.conversation import Manner
from elizad.conversation.guide import UNGUIDED, Guide
from elizad.eliza import Eliza
from elizad.net.errors import PeerClosed
from elizad.protocols.catalogue import Adapter
from elizad.protocols.hume_clm import HumeClm
from elizad.service.connection import Connection
from elizad.service.meter import Meter
from elizad.service.voice import Voice

SCRIPT: Final = """
(Good day, I listen)
(NONE ((0) (Go on) (I hear you) (And then)))
(MEMORY MY (0 YOUR 0 = Before this you spoke of your 3) (0 YOUR 0 = Before this you spoke of your 3)
           (0 YOUR 0 = Before this you spoke of your 3) (0 YOUR 0 = Before this you spoke of your 3))
(MY = YOUR 2 ((0 YOUR 0) (Tell me of your 3) (Your 3 again)))
(I = YOU ((0 YOU NEED 0) (What would 4 change)) ((0 YOU 0) (You 3) (Why do you 3)))
(GOODBYE ((0) (Fare well)))
(BYE (=GOODBYE))
(LONG 5 ((0) (One. Two. Three. Four.)))
(LOOP 9 ((0) (=LOOP)))
"""


class MemorySocket:
    """What a WebSocket is to a Connection. Test code plays the peer: `say`, `hang_up`, and `frames`."""

    def __init__(self) -> None:
        self._feed, self._incoming = trio.open_memory_channel[str | bytes | Exception](math.inf)
        self.heard_at = 0.0
        self.writes: list[tuple[float, list[str]]] = []
        self.closed: tuple[int, str] | None = None
        self.reading = trio.Event()
        self.reading.set()  # unset it, and the peer does not read: sends block

    def say(self, message: str | bytes) -> None:
        self._feed.send_nowait(message)

    def hang_up(self, code: int = 1000) -> None:
        self._feed.send_nowait(PeerClosed(code, "", by_peer=True))

    def fail(self, error: Exception) -> None:
        self._feed.send_nowait(error)

    @property
    def frames(self) -> list[str]:
        return [frame for _, write in self.writes for frame in write]

    async def receive(self) -> str:
        message = await self.receive_any()
        assert isinstance(message, str)
        return message

    async def receive_any(self) -> str | bytes:
        message = await self._incoming.receive()
        self.heard_at = trio.current_time()
        if isinstance(message, Exception):
            raise message
        return message

    async def send(self, frames: Sequence[str]) -> None:
        await self.reading.wait()
        self.writes.append((trio.current_time(), list(frames)))
        await trio.lowlevel.checkpoint()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = (code, reason)
        await trio.lowlevel.checkpoint()


def make_call(
    manner: Manner | None = None, adapter: Adapter | None = None, guide: Guide = UNGUIDED
) -> tuple[MemorySocket, Connection]:
    """Return a peer's socket and the connection that answers it; run `connection.run` in a nursery."""
    socket = MemorySocket()
    adapter = adapter or HumeClm()
    voice = Voice(Eliza(SCRIPT, max_steps=1000), manner or Manner(), guide=guide)
    return socket, Connection(socket, adapter, voice, "test", Meter())
