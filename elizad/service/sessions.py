"""All sessions of a daemon: loads with a deadline, saves behind the calls' backs.

No call waits for a store longer than it must: a load has `load_timeout_s`, and what comes later is used from the next
turn on. Of each session one save waits at most, the newest, and all that wait are written together; what a record
holds can be made as late as then. A store that fails costs calls their past, and nothing else: it is told once, and
tried again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Literal

import trio

from elizad.errors import StoreError
from elizad.service.saving import Loading, Payload, Saving, Waiting
from elizad.service.trouble import Trouble
from elizad.store.api import Key, Save, SessionRecord, Store

log = logging.getLogger("elizad.service")

Durability = Literal["turn", "relaxed"]

_GATHER_S: Final = 0.25
"""How long relaxed saves gather before they are written: with the writing, well under the second that may be lost."""

_HOLD_S: Final = 1.0
"""How long the end of a turn waits for the disk at most: whoever waits longer for it takes the line for dead."""

_AGAIN_S: Final = 5.0
"""Between two tries of a store that fails: a disk does not become empty in less."""

_SWEEP_S: Final = 3600.0
"""Between two looks for what has grown too old, when nothing is saved in between."""

_FLUSH_S: Final = 5.0
"""For the last saves when the daemon stops: a healthy store needs a hundredth of it."""

_READERS: Final = 4  # loads at once; a file has one reader anyway, and Redis is asked over one connection
_MOST_LOADS: Final = 1000  # waiting; a thousand calls that come back at once
_MOST_SAVES: Final = 10_000  # waiting; at about 1 KB each
_PACKED_AT_ONCE: Final = 20  # half a millisecond, in which no call is answered


@dataclass(slots=True)
class SessionTally:
    """Counts, for the metrics. Totals since the start."""

    loads: int = 0
    late: int = 0
    """Loads that took longer than a call waits for them."""
    saves: int = 0
    unawaited: int = 0
    """Turns that were ended although their save was not done, having waited as long as they may."""
    outdated: int = 0
    """Saves that came to nothing, since another machine had saved something newer."""
    load_failures: int = 0
    save_failures: int = 0
    """Saves that failed, were not tried for want of room, or were not done when the daemon stopped."""
    unreadable: int = 0
    forgotten: int = 0
    """Sessions that were removed while a call used them."""
    save_s: float = 0.0
    """Seconds that the store needed for saves, in all."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the configuration says of sessions."""

    durability: Durability = "relaxed"
    load_timeout_s: float = 0.05
    keep_transcript: bool = False


class Sessions:
    """One per daemon. `run` must run; before it does, loads wait and saves gather."""

    def __init__(
        self,
        open_store: Callable[[], AbstractAsyncContextManager[Store]],
        options: SessionOptions,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options: Final = options
        self.holds_turns: Final = options.durability == "turn"
        """Whether the end of a turn waits for its save."""
        self.tally: Final = SessionTally()
        self.now_s: Final = clock
        self._open_store = open_store
        self._wanted, self._requests = trio.open_memory_channel[tuple[Key, Loading]](_MOST_LOADS)
        self._waiting: dict[Key, Waiting] = {}
        self._writing: dict[Key, Waiting] = {}
        self._something = trio.Event()
        self._reading = Trouble("sessions cannot be read", "sessions can be read again")
        self._keeping = Trouble("sessions are not kept", "sessions are kept again")
        self._one_writer = trio.Lock()
        self._store: Store | None = None

    def about(self) -> dict[str, object]:
        """Return how it goes, for whoever shows it."""
        trouble = self._keeping.why or self._reading.why
        return {"state": trouble or "ok", "waiting": len(self._waiting)}

    async def run(self) -> None:
        """Serve loads and saves. Never returns. Cancelling: what waits is not saved; call `flush` before."""
        # The first use of a store opens it, which takes longer than a call waits; so let it be nobody's.
        self._wanted.send_nowait((Key("", ""), Loading()))
        async with self._open_store() as self._store, trio.open_nursery() as nursery:
            for _ in range(_READERS):
                nursery.start_soon(self._read, self._store, self._requests.clone())
            await self._write(self._store)

    # -- loads ---------------------------------------------------------------------------------------------------

    async def load(self, key: Key, notice: Callable[[], None] = lambda: None) -> Loading:
        """Look for a session, and wait for as long as a call may; it can become known later, and `notice` be called.

        Cancelling: the store is asked all the same.
        """
        loading = Loading(notice)
        self.tally.loads += 1
        waiting = self._waiting.get(key) or self._writing.get(key)
        if waiting is not None and (record := waiting.record()) is not None:
            # Newer than what the store has, and a store never waits for itself.
            loading.record = record
            loading.version = record.version if waiting.exists() else None
            loading.end()
            await trio.lowlevel.checkpoint()
            return loading
        try:
            self._wanted.send_nowait((key, loading))
        except trio.WouldBlock:
            self._failed(loading)
            return loading
        with trio.move_on_after(self.options.load_timeout_s):
            await loading.done.wait()
        if not loading.done.is_set():
            self.tally.late += 1
        return loading

    async def _read(self, store: Store, requests: trio.MemoryReceiveChannel[tuple[Key, Loading]]) -> None:
        async for key, loading in requests:
            try:
                loading.record = await store.load(key)
            except StoreError as error:
                self._reading.tell(error)
                self._failed(loading)
                continue
            self._reading.is_over()
            loading.version = None if loading.record is None else loading.record.version
            loading.end()

    def _failed(self, loading: Loading) -> None:
        self.tally.load_failures += 1
        loading.end(failed=True)

    # -- what is asked for from outside of a call: it waits for the store ------------------------------------------

    async def fetch(self, key: Key) -> SessionRecord | None:
        """Return one, saved or about to be; None for none. Raises: StoreError. Cancelling: safe."""
        loading = await self.load(key)
        await loading.done.wait()
        if loading.failed:
            raise StoreError(self._reading.why or "too much is asked of the store")
        return loading.record

    async def latest(self, platform: str, limit: int | None = None) -> list[SessionRecord]:
        """Return what there is of a platform, saved or about to be, the last heard first, `limit` at most.

        Raises: StoreError. Cancelling: safe.
        """
        unsaved = [*self._writing.values(), *self._waiting.values()]  # they may be saved before the store has answered
        found = {record.key: record for record in await self._there().latest(limit, (platform,))}
        for waiting in (*unsaved, *self._writing.values(), *self._waiting.values()):
            if waiting.key.platform == platform and (record := waiting.record()) is not None:
                found[waiting.key] = record
        return sorted(found.values(), key=lambda record: -record.heard_s)[:limit]

    async def forget(self, key: Key) -> bool:
        """Remove one, and what waits to be saved of it; whether there was one.

        Raises: StoreError. Cancelling: it may be done or not.
        """
        async with self._one_writer:
            waiting = self._waiting.pop(key, None)
            for saving in waiting.of if waiting else ():
                saving.is_gone = True
                self._settle(saving, saving.wanted)
            return await self._there().forget(key) or waiting is not None

    async def save_now(self, saving: Saving, payload: bytes, heard_s: float) -> None:
        """As `save`, but wait for it; what cannot be saved now is not kept waiting.

        Raises: StoreError. Cancelling: it may be done or not.
        """
        store = self._there()
        self.save(saving, payload, heard_s)
        if not await self._save_all(store):
            self._waiting.pop(saving.key, None)
            raise StoreError(self._keeping.why)

    def _there(self) -> Store:
        """Raises: StoreError."""
        if self._store is None:
            raise StoreError("the store is not open yet")
        return self._store

    # -- saves ---------------------------------------------------------------------------------------------------

    def save(self, saving: Saving, payload: Payload, heard_s: float | None = None) -> None:
        """Have `payload` saved soon; it takes the place of one that still waits. Does not wait.

        What makes it is asked when it is to be saved, or when somebody else wants the session. By default it counts as
        heard now.
        """
        if saving.is_gone:
            return
        now_s = self.now_s()
        # As time goes by, and onwards in any case: whichever machine heard the caller last has the highest.
        version = int(now_s * 1000)
        if version <= saving.newest:
            version = saving.newest + 1
        saving.newest = saving.wanted = version
        if self.holds_turns:
            saving.wanted_at = trio.current_time()
        waiting = self._waiting.get(saving.key)
        if waiting is None:
            if len(self._waiting) >= _MOST_SAVES:
                self.tally.save_failures += 1
                saving.settled = version
                return
            waiting = self._waiting[saving.key] = Waiting(saving.key)
            self._something.set()
        waiting.put(version, now_s if heard_s is None else heard_s, payload, saving)

    def held_until(self, loading: Loading | None, saving: Saving | None) -> float:
        """Return until when, in trio's time, the end of a turn has to wait for its save; in the past if it need not.

        `loading` is given as long as there can be no save because of it.
        """
        if not self.holds_turns or self._keeping.why:
            return -math.inf
        if loading is not None:
            return loading.wanted_at + _HOLD_S  # what is not known yet cannot be saved either
        if saving is None:
            return -math.inf
        if saving.settled >= saving.wanted:
            return -math.inf
        until = saving.wanted_at + _HOLD_S
        if until <= trio.current_time() and saving.given_up != saving.wanted:
            saving.given_up = saving.wanted
            self.tally.unawaited += 1
            log.warning("turn ended before it was kept", extra={"fields": {"proto": saving.key.platform}})
        return until

    async def flush(self) -> None:
        """Save all that waits, if the store can; for the end. Cancelling: the rest is lost."""
        with trio.move_on_after(_FLUSH_S):
            if self._store is not None and self._waiting:
                await self._save_all(self._store)
        if self._waiting:
            self.tally.save_failures += len(self._waiting)
            log.error("sessions lost", extra={"fields": {"sessions": len(self._waiting), "why": self._keeping.why}})

    async def _write(self, store: Store) -> None:
        while True:
            well = await self._save_all(store)  # the first time nothing, to see how the store is
            if not well:
                await trio.sleep(_AGAIN_S)
                continue
            with trio.move_on_after(_SWEEP_S):
                await self._something.wait()
                if self.options.durability == "relaxed":
                    await trio.sleep(_GATHER_S)

    async def _save_all(self, store: Store) -> bool:
        """Save what waits, all at once; whether that was done."""
        async with self._one_writer:
            self._something = trio.Event()
            batch = self._writing = self._waiting
            self._waiting = {}
            began = trio.current_time()
            there: list[int | None] | None = None
            try:
                there = await store.save(await self._packed(batch))
            except StoreError as error:
                self._keeping.tell(error)
            finally:
                self._writing = {}
                if there is None:
                    self._put_back(batch)
            if there is None:
                return False
            self._keeping.is_over()
            self.tally.save_s += trio.current_time() - began
            for one, version in zip(batch.values(), there, strict=True):
                self._saved(one, version)
            return True

    async def _packed(self, batch: dict[Key, Waiting]) -> list[Save]:
        """Return what there is to save; for whom there is nothing, it is over. Cancelling: safe."""
        saves: list[Save] = []
        for number, one in enumerate(list(batch.values()), 1):
            if (record := one.record()) is not None:
                saves.append(Save(record, not one.exists()))
            else:
                del batch[one.key]
                for saving in one.of:
                    self._settle(saving, one.version)
            if number % _PACKED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return saves

    def _saved(self, one: Waiting, there: int | None) -> None:
        """Tell the calls what became of their save; `there` is the version that the store now has."""
        newer = self._waiting.get(one.key)
        self.tally.saves += there == one.version
        self.tally.outdated += there is not None and there != one.version
        self.tally.forgotten += there is None
        if there is None and newer is not None:
            newer.of = [saving for saving in newer.of if saving not in one.of]
            if not newer.of:
                del self._waiting[one.key]
        for saving in (*one.of, *(newer.of if newer is not None else ())):
            saving.exists = there is not None
        for saving in one.of:
            saving.is_gone = there is None
            saving.newest = max(saving.newest, there or 0)
            self._settle(saving, one.version)

    def _put_back(self, batch: dict[Key, Waiting]) -> None:
        """Let what could not be saved wait again, unless something newer does; no turn waits for it any longer."""
        for key, one in batch.items():
            self.tally.save_failures += 1
            newer = self._waiting.setdefault(key, one)
            if newer is not one:
                newer.of += [saving for saving in one.of if saving not in newer.of]
            for saving in one.of:
                self._settle(saving, one.version)
        if batch:
            self._something.set()

    def _settle(self, saving: Saving, version: int) -> None:
        saving.settled = max(saving.settled, version)
        if self.holds_turns:  # else nobody waits for it
            saving.notice()
