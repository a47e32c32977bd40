"""Accepts connections: a loop per listener, a cap on all of them, and calm when files run out."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from elizad.net.addresses import Peer, group_of
from elizad.net.gate import close_now, linger
from elizad.net.http import render_response
from elizad.net.listeners import Listener, Transport
from elizad.net.tally import Tally
from elizad.net.visitors import Visitors, peer_of

log = logging.getLogger("elizad.net")

_TURNED_AWAY_AT_ONCE: Final = 32
"""Peers that are being told to come back later, beyond max_connections; the next ones hear nothing."""

_TURN_AWAY_S: Final = 1.0
"""For telling them: a descriptor each, while we are short of everything."""

_PAUSE_S: Final = 0.1
"""After an accept that failed for want of files or memory: soon enough for callers, rare enough for the processor."""

_COMPLAIN_S: Final = 60.0
"""Between two log lines about that."""

_SHORTAGES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_TOO_MANY: Final = {503: b"too many connections\n", 429: b"too many connections from this address\n"}

Serve = Callable[[Transport], Awaitable[None]]


async def serve(
    listeners: Sequence[Listener],
    serve_one: Serve,
    *,
    connections_nursery: trio.Nursery,
    max_connections: int,
    tally: Tally,
    visitors: Visitors | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Accept on every listener and run `serve_one(stream)` for each connection in `connections_nursery`; never returns.

    `serve_one` must not raise (see guard.serve_connection); its stream is closed when it returns. Above
    `max_connections` a peer is answered 503, and one whose address has too many, as `visitors` count them, 429. Peers
    that are trusted proxies are not counted here: they speak for others.

    Raises: OSError when a listener fails for good.
    Cancelling: closes the listeners at once. Connections live on in `connections_nursery`.
    """
    front = _Front(serve_one, connections_nursery, max_connections, tally, visitors)
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(front.accept_from, listener)
        task_status.started()


class _Front:
    def __init__(
        self,
        serve_one: Serve,
        nursery: trio.Nursery,
        max_connections: int,
        tally: Tally,
        visitors: Visitors | None,
    ) -> None:
        self._serve_one = serve_one
        self._nursery = nursery
        self._max_connections = max_connections
        self._tally = tally
        self._visitors = visitors
        self._being_turned_away = 0
        self._complained_at: dict[str, float] = {}

    async def accept_from(self, listener: Listener) -> None:
        async with listener:
            while True:
                try:
                    stream = await listener.accept()
                except OSError as error:
                    if error.errno not in _SHORTAGES:
                        raise
                    self._complain(logging.ERROR, "cannot accept", error=error.strerror)
                    await trio.sleep(_PAUSE_S)
                else:
                    await self._place(stream)

    async def _place(self, stream: Transport) -> None:
        peer, _ = peer_of(stream)
        limit, status = self._enter(peer)
        if limit is None:
            self._tally.connections_open += 1
            self._tally.connections += 1
            self._nursery.start_soon(self._hold, stream, peer)
            return
        self._complain(logging.WARNING, "turned away", limit=limit, peer=group_of(peer))
        if self._being_turned_away < _TURNED_AWAY_AT_ONCE:
            self._being_turned_away += 1
            self._nursery.start_soon(self._turn_away, stream, status)
        else:
            await close_now(stream)

    def _enter(self, peer: Peer) -> tuple[str | None, int]:
        """Which limit keeps `peer` out, or None, and then it is counted; and the HTTP status that says so."""
        if self._tally.connections_open >= self._max_connections:
            self._tally.turned_away += 1
            return "max_connections", 503
        if self._is_counted(peer) and self._visitors is not None:
            limit = self._visitors.enter(peer)
            if limit is not None:
                self._tally.limited[limit] += 1
            return limit, 429
        return None, 0

    def _is_counted(self, peer: Peer) -> bool:
        return self._visitors is not None and not self._visitors.is_proxy(peer)

    async def _hold(self, stream: Transport, peer: Peer) -> None:
        try:
            await self._serve_one(stream)
        finally:
            self._tally.connections_open -= 1
            if self._is_counted(peer) and self._visitors is not None:
                self._visitors.leave(peer)
            await close_now(stream)

    async def _turn_away(self, stream: Transport, status: int) -> None:
        """Say why without reading the request."""
        try:
            with trio.move_on_after(_TURN_AWAY_S):
                await stream.send_all(render_response(status, _TOO_MANY[status], (("Retry-After", "5"),)))
                await stream.send_eof()
                await linger(stream, _TURN_AWAY_S)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._being_turned_away -= 1
            await close_now(stream)

    def _complain(self, level: int, event: str, **fields: object) -> None:
        """Log it, unless the same was logged within the last minute."""
        now = trio.current_time()
        what = f"{event} {fields.get('limit')}"
        if now - self._complained_at.get(what, -_COMPLAIN_S) >= _COMPLAIN_S:
            self._complained_at[what] = now
            log.log(level, event, extra={"fields": {**fields, "open": self._tally.connections_open}})
