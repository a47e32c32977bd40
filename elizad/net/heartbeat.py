"""One task that finds the peers that are gone, for all connections: half-open TCP says nothing by itself.

It costs an idle connection one entry in a table. A ping that is due is written by a task of its own, which lasts as
long as the write and is bounded by its deadline, so that one peer that does not read holds up nobody.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import trio

from elizad.net.tally import Tally

_TICK_S: Final = 1.0
"""How often everyone is looked at: fine against 20 s, and a pass costs 2 microseconds a connection."""


class Watched(Protocol):
    """What the heartbeat needs of a connection; `WebSocket` is one."""

    def silent_s(self, now: float) -> float: ...
    async def ping(self) -> None: ...
    async def abort(self, reason: str) -> None: ...


class Due(enum.Enum):
    """What a silence calls for."""

    NOTHING = enum.auto()
    PING = enum.auto()
    ABORT = enum.auto()


def what_is_due(silent_s: float, *, pinged: bool, interval_s: float, timeout_s: float) -> Due:
    """What to do about a peer that has been silent for `silent_s`, and was `pinged` in this silence or not."""
    if silent_s < interval_s:
        return Due.NOTHING
    if not pinged:
        return Due.PING
    return Due.ABORT if silent_s >= interval_s + timeout_s else Due.NOTHING


class Heartbeat:
    """The table of live connections, and the task `run` that walks it."""

    def __init__(self, *, ping_interval_s: float, ping_timeout_s: float, tally: Tally | None = None) -> None:
        self._interval_s = ping_interval_s
        self._timeout_s = ping_timeout_s
        self._tally = tally
        self._pinged: dict[Watched, bool] = {}

    def __len__(self) -> int:
        return len(self._pinged)

    @contextmanager
    def watching(self, connection: Watched) -> Iterator[None]:
        """Look after `connection` for the length of the block."""
        self._pinged[connection] = False
        try:
            yield
        finally:
            del self._pinged[connection]

    async def run(self) -> None:
        """Never returns. Cancelling: safe; a ping that was being written ends its connection."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(_TICK_S)
                now = trio.current_time()
                for connection in tuple(self._pinged):
                    self._look_at(connection, now, nursery)

    def _look_at(self, connection: Watched, now: float, nursery: trio.Nursery) -> None:
        silent_s = connection.silent_s(now)
        pinged = self._pinged[connection] and silent_s >= self._interval_s
        due = what_is_due(silent_s, pinged=pinged, interval_s=self._interval_s, timeout_s=self._timeout_s)
        if due is Due.PING:
            nursery.start_soon(connection.ping)
        elif due is Due.ABORT:
            if self._tally is not None:
                self._tally.silent += 1
            nursery.start_soon(connection.abort, f"nothing was heard for {silent_s:.0f} s")
        self._pinged[connection] = pinged or due is Due.PING
