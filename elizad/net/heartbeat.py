"""One task that looks after time for all connections: who is gone, who has nothing to say, whose call is too long.

Half-open TCP says nothing by itself, so who is silent is pinged.

It costs an idle connection one entry in a table. A ping that is due is written by a task of its own, which lasts as
long as the write and is bounded by its deadline, so that one peer that does not read holds up nobody. So does a close.
"""

from __future__ import annotations

import enum
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import trio

from elizad.net.tally import Tally
from elizad.types import CloseCode

log = logging.getLogger("elizad.net")

_TICK_S: Final = 1.0
"""How often everyone is looked at: fine against 20 s, and a pass costs 3 microseconds a connection."""

_AT_ONCE: Final = 256
"""Connections that are looked at before others get their turn: under a millisecond."""


class Watched(Protocol):
    """What the heartbeat needs of a connection; `WebSocket` is one."""

    opened_at: float
    heard_at: float

    def silent_s(self, now: float) -> float: ...
    async def ping(self) -> None: ...
    async def close(self, code: int, reason: str) -> None: ...
    async def abort(self, reason: str) -> None: ...


class Due(enum.Enum):
    """What a silence calls for."""

    NOTHING = enum.auto()
    PING = enum.auto()
    ABORT = enum.auto()
    CLOSE = enum.auto()


_NOTHING: Final = (Due.NOTHING, -math.inf)


def what_is_due(silent_s: float, *, pinged: bool, interval_s: float, timeout_s: float) -> Due:
    """What to do about a peer that has been silent for `silent_s`, and was `pinged` in this silence or not."""
    if silent_s < interval_s:
        return Due.NOTHING
    if not pinged:
        return Due.PING
    return Due.ABORT if silent_s >= interval_s + timeout_s else Due.NOTHING


class Watching:
    """A row in the table of a Heartbeat, for the length of a `with` block."""

    __slots__ = ("_connection", "_table")

    def __init__(self, table: dict[Watched, tuple[Due, float]], connection: Watched) -> None:
        self._table = table
        self._connection = connection

    def __enter__(self) -> None:
        self._table[self._connection] = _NOTHING

    def __exit__(self, *_error: object) -> None:
        del self._table[self._connection]


class Heartbeat:
    """The table of live connections, and the task `run` that walks it."""

    def __init__(
        self,
        *,
        ping_interval_s: float,
        ping_timeout_s: float,
        idle_s: float = math.inf,
        call_s: float = math.inf,
        tally: Tally | None = None,
    ) -> None:
        self._interval_s = ping_interval_s
        self._timeout_s = ping_timeout_s
        self._idle_s = idle_s
        self._call_s = call_s
        self._tally = tally or Tally()
        self._done: dict[Watched, tuple[Due, float]] = {}  # what was done last about each, and when

    def __len__(self) -> int:
        return len(self._done)

    def watching(self, connection: Watched) -> Watching:
        """Look after `connection` for the length of a `with` block."""
        return Watching(self._done, connection)

    async def run(self) -> None:
        """Never returns. Cancelling: safe; a ping that was being written ends its connection."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(_TICK_S)
                for number, connection in enumerate(tuple(self._done), 1):
                    if connection in self._done:
                        self._look_at(connection, trio.current_time(), nursery)
                    if number % _AT_ONCE == 0:
                        await trio.lowlevel.checkpoint()

    def _look_at(self, connection: Watched, now: float, nursery: trio.Nursery) -> None:
        done, done_at = self._done[connection]
        if done is Due.CLOSE:
            return  # under way, with a deadline of its own
        if now - connection.opened_at >= self._call_s:
            self._close(connection, "call_s", f"a call lasts {self._call_s:g} s at most", nursery)
            return
        if now - connection.heard_at >= self._idle_s:
            self._close(connection, "idle_s", f"no message came for {self._idle_s:g} s", nursery)
            return
        silent_s = connection.silent_s(now)
        # A ping counts in the silence it was made in; after its answer the next one may have lasted as long already.
        pinged = done is Due.PING and done_at > now - silent_s
        due = what_is_due(silent_s, pinged=pinged, interval_s=self._interval_s, timeout_s=self._timeout_s)
        if due is Due.PING:
            self._done[connection] = due, now
            nursery.start_soon(self._do, connection.ping)
        elif due is Due.ABORT:
            self._tally.silent += 1
            nursery.start_soon(self._do, connection.abort, f"nothing was heard for {silent_s:.0f} s")

    def _close(self, connection: Watched, limit: str, reason: str, nursery: trio.Nursery) -> None:
        self._tally.limited[limit] += 1
        self._done[connection] = Due.CLOSE, trio.current_time()
        # Never 1000: Retell would take that for a wish to hang up.
        nursery.start_soon(self._do, connection.close, CloseCode.POLICY, reason)

    async def _do(self, act: Callable[..., Awaitable[None]], *args: object) -> None:
        """What goes wrong with one connection is no matter for the others."""
        try:
            await act(*args)
        except Exception:
            self._tally.bugs += 1
            log.exception("bug")
