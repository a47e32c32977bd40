"""Sessions in memory: gone when the daemon ends. Bounded in number and in time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from typing import Final

from elizad.store.api import Key, Save, SessionRecord


class MemoryStore:
    """A Store. Beyond `max_sessions` the one that was not used for longest goes first."""

    kind: Final = "memory"

    def __init__(self, keep_s: float, max_sessions: int, clock: Callable[[], float] = time.time) -> None:
        self._keep_s = keep_s
        self._max_sessions = max_sessions
        self._clock = clock
        self._records: OrderedDict[Key, SessionRecord] = OrderedDict()  # the one last used at the end

    async def load(self, key: Key) -> SessionRecord | None:
        found = self._records.get(key)
        if found is None or found.heard_s < self._clock() - self._keep_s:
            self._records.pop(key, None)
            return None
        self._records.move_to_end(key)
        return found

    async def save(self, saves: Sequence[Save]) -> list[int | None]:
        versions: list[int | None] = []
        for record, is_new in saves:
            there = await self.load(record.key)
            if (there is None and is_new) or (there is not None and record.version > there.version):
                self._records[record.key] = there = record
                self._records.move_to_end(record.key)
            versions.append(None if there is None else there.version)
        while len(self._records) > self._max_sessions:
            self._records.popitem(last=False)
        return versions

    async def latest(self, limit: int | None = None, platforms: Collection[str] = ()) -> list[SessionRecord]:
        oldest_s = self._clock() - self._keep_s
        wanted = (record for key, record in self._records.items() if not platforms or key.platform in platforms)
        here = (record for record in wanted if record.heard_s >= oldest_s)
        return sorted(here, key=lambda record: -record.heard_s)[:limit]

    async def forget(self, key: Key) -> bool:
        return self._records.pop(key, None) is not None

    async def forget_older_than(self, heard_s: float) -> int:
        old = [key for key, record in self._records.items() if record.heard_s < heard_s]
        for key in old:
            del self._records[key]
        return len(old)

    async def close(self) -> None:
        self._records.clear()
