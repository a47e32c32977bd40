"""One connection from its first byte to its last, with everything that can go wrong in it kept inside.

Nothing but a cancellation, KeyboardInterrupt and SystemExit comes out of here.
"""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

import trio

from elizad.errors import ElizadError, RemoteError
from elizad.net.addresses import Peer
from elizad.net.admission import Found, Route, admit, find_route
from elizad.net.door import check_upgrade, read_head
from elizad.net.errors import PeerClosed, Refusal, TlsFailed
from elizad.net.gate import close_now, linger
from elizad.net.head import Head
from elizad.net.heartbeat import Heartbeat
from elizad.net.http import NO_PAGES, Pages, Site, exchange, render_answer, render_page, render_refusal
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from elizad.net.tls import TlsStream
from elizad.net.visitors import Visitors, peer_of
from elizad.net.ws import WebSocket, accept_websocket
from elizad.types import CloseCode

E = TypeVar("E", bound=Exception)

log = logging.getLogger("elizad.net")

_WRONG: Final = (401, 403)
"""Statuses of requests that were not let in. A 404 or 400 gives nothing away and is not slowed."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for. Query and headers hold secrets: they are not in repr and must not be logged."""

    conn: str
    """A short name for this connection, for the log."""
    peer: str
    """The client's address as text, as a trusted proxy told it; "unix", or "unknown" when it had gone already."""
    route: Route
    tail: str = ""
    """The last path segment of a route with `has_tail`, decoded. The peer chose it."""
    query: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def path(self) -> str:
        """The path of the route: what followed it may be a token."""
        return self.route.path


Handler = Callable[[WebSocket, Request], Awaitable[None]]


async def serve_connection(
    stream: trio.abc.Stream,
    handler: Handler,
    *,
    routes: Sequence[Route],
    limits: Limits,
    heartbeat: Heartbeat,
    tally: Tally,
    pages: Pages = NO_PAGES,
    site: Site | None = None,
    visitors: Visitors | None = None,
) -> None:
    """Read the request, show a page, have `site` answer, refuse it, or open the WebSocket, run `handler` and close.

    Logs what the handler cannot. Without `visitors`, shared by all connections, nobody is counted by address.

    The connection is closed with 1000 when `handler` returns, with its code when it raises RemoteError, with 1011 when
    it raises anything else. It may let PeerClosed pass.

    Cancelling: closes the stream at once.
    """
    conn = base64.b32encode(secrets.token_bytes(4))[:6].decode("ascii").lower()
    if visitors is None:
        visitors = Visitors(limits.connections_per_address, limits.handshakes_per_s)
    peer, port = peer_of(stream)
    client, entered = peer, False
    where = {"conn": conn, "peer": _name(peer, port)}
    refused: Callable[[Refusal], bytes] = render_refusal
    try:
        try:
            if isinstance(stream, TlsStream):
                await stream.shake_hands(limits.handshake_timeout_s)
            head, early = await read_head(stream, head_bytes=limits.head_bytes, timeout_s=limits.head_timeout_s)
            if (response := await render_page(pages, head)) is not None:
                await _respond(stream, response, limits.close_timeout_s)
                return
            client = visitors.client_of(peer, head)
            if client != peer:
                where["peer"] = _name(client)
            if visitors.is_proxy(peer):
                _enter(visitors, client, tally)
                entered = True
            if site is not None and site.covers(head.path):
                refused = partial(_refused_by, site, head)
                try:
                    response = await exchange(stream, head, early, site, client, peer, conn)
                except Exception as error:
                    if isinstance(error, ElizadError):
                        raise
                    tally.bugs += 1
                    log.exception("bug", extra={"fields": where})
                    response = refused(Refusal(500, "internal error"))
                await _respond(stream, response, limits.close_timeout_s)
                return
            found = _decide(routes, head, client, peer)
        except Refusal as refusal:
            tally.refusals[refusal.status] += 1
            tally.refused_for[refusal.reason] += 1
            fields = {**where, "status": refusal.status, "reason": refusal.reason}
            answer = refused(refusal)
            if refusal.status in _WRONG and visitors.is_slowed(client):
                fields["slowed"] = True
                tally.slowed += 1
                if not await visitors.hold_back():
                    answer = b""
            log.info("refused", extra={"fields": fields})
            if answer:
                await _respond(stream, answer, limits.close_timeout_s)
            return
        request = Request(conn, where["peer"], found.route, found.tail, head.query, head.headers)
        async with accept_websocket(stream, head, early, limits) as ws:
            tally.upgrades += 1
            try:
                with heartbeat.watching(ws):
                    await _call(handler, ws, request, tally)
            finally:
                _count(ws, tally)
    except* TlsFailed as group:
        tally.tls_failed += 1
        log.info("no TLS", extra={"fields": {**where, "reason": _first(group, TlsFailed).reason}})
    except* PeerClosed as group:
        log.debug("left", extra={"fields": {**where, "reason": _first(group, PeerClosed).reason}})
    except* (trio.BrokenResourceError, trio.ClosedResourceError):
        log.debug("left", extra={"fields": {**where, "reason": "the connection was lost"}})
    except* Exception as group:
        tally.bugs += 1
        log.error("bug", exc_info=group, extra={"fields": where})
    finally:
        if entered:
            visitors.leave(client)
        await close_now(stream)


def _enter(visitors: Visitors, client: Peer, tally: Tally) -> None:
    """Count a client that came through a proxy. Raises: Refusal (429)."""
    limit = visitors.enter(client)
    if limit is not None:
        tally.limited[limit] += 1
        raise Refusal(429, "too many connections from this address", (("Retry-After", "5"),))


def _refused_by(site: Site, head: Head, refusal: Refusal) -> bytes:
    return render_answer(site, head, site.refuse(refusal))


def _decide(routes: Sequence[Route], head: Head, client: Peer, peer: Peer) -> Found:
    """Raises: Refusal."""
    found = find_route(routes, head)
    admit(found, head, client, peer)
    check_upgrade(head)
    return found


async def _respond(stream: trio.abc.Stream, response: bytes, timeout_s: float) -> None:
    """Answer in plain HTTP, and see that the answer arrives though the request may still be coming."""
    with trio.move_on_after(timeout_s):
        try:
            await stream.send_all(response)
            if isinstance(stream, trio.abc.HalfCloseableStream):
                await stream.send_eof()
            await linger(stream, timeout_s)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass


async def _call(handler: Handler, ws: WebSocket, request: Request, tally: Tally) -> None:
    """Run the handler and close the connection according to how it ends."""
    where = {"conn": request.conn, "peer": request.peer}
    code, reason = CloseCode.NORMAL, ""
    try:
        await handler(ws, request)
    except* PeerClosed:
        pass  # It has ended: nothing is left to say.
    except* RemoteError as group:
        error = _first(group, RemoteError)
        code, reason = error.code, error.reason
    except* Exception as group:
        tally.bugs += 1
        log.error("bug", exc_info=group, extra={"fields": where})
        code, reason = CloseCode.INTERNAL_ERROR, "internal error"
    await ws.close(code, reason)
    if ws.bug is not None:
        tally.bugs += 1
        log.error("bug", exc_info=ws.bug, extra={"fields": where})


def _count(ws: WebSocket, tally: Tally) -> None:
    code = ws.verdict.code if ws.verdict is not None else CloseCode.ABNORMAL
    tally.closes[code] += 1
    if ws.fault is not None:
        tally.faults[ws.fault] += 1
    if ws.exceeded:
        tally.limited[ws.exceeded] += 1
    tally.stalled += ws.stalled
    tally.bytes_in += ws.bytes_in
    tally.bytes_out += ws.bytes_out


def peer_name(stream: trio.abc.Stream) -> str:
    """The address of the peer as text: "192.0.2.1:50000", "[2001:db8::1]:50000", "unix" or "unknown".

    To be asked once, at the start: afterwards a reset can have taken it away.
    """
    return _name(*peer_of(stream))


def _name(peer: Peer, port: int = 0) -> str:
    if isinstance(peer, str) or not port:
        return str(peer)
    return f"[{peer}]:{port}" if peer.version == 6 else f"{peer}:{port}"


def _first(group: BaseExceptionGroup[E], kind: type[E]) -> E:
    """The first exception of `kind` in `group`, however deep."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error, kind)
        if isinstance(error, kind):
            return error
    raise AssertionError("except* gives no empty group")
