"""Calls with sessions: a store that can be slow or out of order, and connections that use it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import trio
from trio.testing import wait_all_tasks_blocked

from elizad.conversation.conversation import Manner
from elizad.eliza import Eliza
from elizad.errors import StoreError
from elizad.protocols.catalogue import Adapter
from elizad.protocols.hume_clm import HumeClm
from elizad.service.connection import Connection
from elizad.service.kept import Kept, unpack
from elizad.service.meter import Meter
from elizad.service.sessions import Durability, SessionOptions, Sessions
from elizad.service.voice import Voice
from elizad.store.api import Key, Save, SessionRecord
from elizad.store.memory import MemoryStore
from tests.support.calls import SCRIPT, MemorySocket

ANN = Key("hume", "ann")
START_S = 1_790_000_000.0


class Disk(MemoryStore):
    """A store that takes its time, or fails; `batches` has what it was asked to save."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(1e9, 1000, clock)
        self.load_s = self.save_s = 0.0
        self.is_broken = False
        self.batches: list[list[SessionRecord]] = []

    async def load(self, key: Key) -> SessionRecord | None:
        await trio.sleep(self.load_s)
        self._check()
        return await super().load(key)

    async def save(self, saves: Sequence[Save]) -> list[int | None]:
        await trio.sleep(self.save_s)
        self._check()
        self.batches.append([save.record for save in saves])
        load_s, self.load_s = self.load_s, 0.0
        try:
            return await super().save(saves)
        finally:
            self.load_s = load_s

    def _check(self) -> None:
        if self.is_broken:
            raise StoreError("the disk is on fire")

    @property
    def saved(self) -> list[SessionRecord]:
        return [record for batch in self.batches for record in batch]

    async def kept(self, key: Key = ANN) -> Kept | None:
        record = self._records.get(key)
        return None if record is None else unpack(record)


class Node:
    """One daemon's sessions, and calls that use them."""

    def __init__(self, disk: Disk, sessions: Sessions, eliza: Eliza) -> None:
        self.disk = disk
        self.sessions = sessions
        self.eliza = eliza
        self.tally = sessions.tally

    def call(self, adapter: Adapter | None = None, manner: Manner | None = None) -> tuple[MemorySocket, Connection]:
        """Return a peer's socket and the connection that answers it."""
        socket, voice = MemorySocket(), Voice(self.eliza, manner or Manner())
        return socket, Connection(socket, adapter or HumeClm(), voice, "test", Meter(), self.sessions)


def time_s() -> float:
    """Unix time by trio's clock, which a test can set forward."""
    return START_S + trio.current_time()


@asynccontextmanager
async def opened(
    durability: Durability = "relaxed",
    *,
    disk: Disk | None = None,
    eliza: Eliza | None = None,
    keep_transcript: bool = False,
) -> AsyncIterator[Node]:
    """A daemon's sessions, for the length of the block; nothing is flushed at its end."""
    store = disk or Disk(time_s)

    @asynccontextmanager
    async def open_store() -> AsyncIterator[Disk]:
        yield store

    sessions = Sessions(open_store, SessionOptions(durability, 0.05, keep_transcript), time_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sessions.run)
        await wait_all_tasks_blocked()
        yield Node(store, sessions, eliza or Eliza(SCRIPT, max_steps=1000))
        nursery.cancel_scope.cancel()


def payload(*turns: str, session: str | None = "ann") -> str:
    messages = []
    for text in turns:
        messages.append({"message": {"role": "user", "content": text}})
        messages.append({"message": {"role": "assistant", "content": "something"}})
    return json.dumps({"messages": messages[:-1], "custom_session_id": session})


def replies(socket: MemorySocket) -> list[str]:
    """Return what was said, a turn at a time."""
    turns: list[str] = [""]
    for frame in socket.frames:
        message = json.loads(frame)
        if message["type"] == "assistant_end":
            turns.append("")
        else:
            turns[-1] += message["text"]
    assert turns[-1] == ""
    return turns[:-1]


async def hold(node: Node, *messages: str, gap_s: float = 2.0) -> list[str]:
    """Have a whole call, and return the replies."""
    socket, connection = node.call()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.run)
        for message in messages:
            socket.say(message)
            await trio.sleep(gap_s)
        socket.hang_up()
    return replies(socket)


def growing(*turns: str, session: str | None = "ann") -> list[str]:
    return [payload(*turns[:end], session=session) for end in range(1, len(turns) + 1)]
