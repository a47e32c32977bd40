"""Sessions in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from elizad.store.api import Key, Save, Store
from elizad.store.memory import MemoryStore
from tests.support.store_contract import ANN, KEEP_S, MAX_SESSIONS, Clock, StoreContract, record


class TestMemory(StoreContract):
    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Store]:
        yield MemoryStore(KEEP_S, MAX_SESSIONS, clock)


async def test_one_that_is_read_counts_as_used() -> None:
    clock = Clock()
    store = MemoryStore(KEEP_S, 2, clock)
    for name in ("ann", "ben"):
        await store.save([Save(record(Key("hume", name), 1, clock), True)])
    await store.load(ANN)
    await store.save([Save(record(Key("hume", "cat"), 1, clock), True)])
    assert {found.key.id for found in await store.latest()} == {"ann", "cat"}
