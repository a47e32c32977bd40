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
from elizad.net.admission import Route, admit, find_route
from elizad.net.door import read_head
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
    """What was asked for, as far as a call needs it while it lasts. The query holds secrets: it must not be logged."""

    conn: str
    """A short name for this connection, for the log."""
    peer: str
    """The client's address as text, as a trusted proxy told it; "unix", or "unknown" when it had gone already."""
    route: Route
    tail: str = ""
    """The last path segment of a route with `has_tail`, decoded. The peer chose it."""
    query: str = field(default="", repr=False)

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
    visit = _Visit(stream, limits, tally, visitors or Visitors(limits.connections_per_address, limits.handshakes_per_s))
    try:
        opened = await visit.begin(routes, pages, site)
        if opened is not None:
            ws, request = opened
            async with ws:
                tally.upgrades += 1
                try:
                    with heartbeat.watching(ws):
                        await _call(handler, ws, request, tally)
                finally:
                    _count(ws, tally)
    except* TlsFailed as group:
        tally.tls_failed += 1
        log.info("no TLS", extra={"fields": {**visit.where, "reason": _first(group, TlsFailed).reason}})
    except* PeerClosed as group:
        log.debug("left", extra={"fields": {**visit.where, "reason": _first(group, PeerClosed).reason}})
    except* (trio.BrokenResourceError, trio.ClosedResourceError):
        log.debug("left", extra={"fields": {**visit.where, "reason": "the connection was lost"}})
    except* Exception as group:
        tally.bugs += 1
        log.error("bug", exc_info=group, extra={"fields": visit.where})
    finally:
        visit.end()
        await close_now(stream)


class _Visit:
    """A connection until its call begins, and what has to be known of it as long as it lasts: thousands are open.

    So what is in a request's head is in the frames of `begin` alone, and gone when that returns.
    """

    __slots__ = ("_counted", "_limits", "_name", "_peer", "_stream", "_tally", "_visitors", "conn")

    def __init__(self, stream: trio.abc.Stream, limits: Limits, tally: Tally, visitors: Visitors) -> None:
        self.conn = base64.b32encode(secrets.token_bytes(4))[:6].decode("ascii").lower()
        self._peer, port = peer_of(stream)
        self._name = _name(self._peer, port)
        self._counted: Peer | None = None  # whom we have counted, beyond those who are counted when they connect
        self._stream = stream
        self._limits = limits
        self._tally = tally
        self._visitors = visitors

    @property
    def where(self) -> dict[str, object]:
        """What the log calls this connection."""
        return {"conn": self.conn, "peer": self._name}

    async def begin(self, routes: Sequence[Route], pages: Pages, site: Site | None) -> tuple[WebSocket, Request] | None:
        """Read the request, and answer it unless it opens a call: None when it was answered.

        Raises: PeerClosed, TlsFailed. Cancelling: the visit is over.
        """
        stream, limits = self._stream, self._limits
        client = self._peer
        refused: Callable[[Refusal], bytes] = render_refusal
        try:
            if isinstance(stream, TlsStream):
                await stream.shake_hands(limits.handshake_timeout_s)
            head, early = await read_head(stream, head_bytes=limits.head_bytes, timeout_s=limits.head_timeout_s)
            refused = partial(render_refusal, head=head)
            response = await render_page(pages, head)
            if response is None:
                client = self._client_of(head)
                if site is None or not site.covers(head.path):
                    found = find_route(routes, head)
                    admit(found, head, client, self._peer)
                    ws = accept_websocket(stream, head, early, limits)
                    return ws, Request(self.conn, self._name, found.route, found.tail, head.query)
                refused = partial(_refused_by, site, head)
                response = await self._exchange(head, early, site, client)
        except Refusal as refusal:
            response = await self._refuse(refusal, client, refused)
        if response:
            await _respond(stream, response, limits.close_timeout_s)
        return None

    def end(self) -> None:
        """Do not count it any longer."""
        if self._counted is not None:
            self._visitors.leave(self._counted)

    def _client_of(self, head: Head) -> Peer:
        """Whom this is, now that its head is known, and count it if only the head can tell. Raises: Refusal (429)."""
        visitors = self._visitors
        client = visitors.client_of(self._peer, head)
        if client != self._peer:
            self._name = _name(client)
        if visitors.is_proxy(self._peer):
            limit = visitors.enter(client)
            if limit is not None:
                self._tally.limited[limit] += 1
                raise Refusal(429, "too many connections from this address", (("Retry-After", "5"),))
            self._counted = client
        return client

    async def _exchange(self, head: Head, early: bytes, site: Site, client: Peer) -> bytes:
        """Return what `site` answers. Raises: Refusal, PeerClosed."""
        try:
            return await exchange(self._stream, head, early, site, client, self._peer, self.conn)
        except Exception as error:
            if isinstance(error, ElizadError):
                raise
            self._tally.bugs += 1
            log.exception("bug", extra={"fields": self.where})
            return _refused_by(site, head, Refusal(500, "internal error"))

    async def _refuse(self, refusal: Refusal, client: Peer, refused: Callable[[Refusal], bytes]) -> bytes:
        """Count and log a refusal, and hold it back if there were many. Return the answer, or nothing for none."""
        tally = self._tally
        tally.refusals[refusal.status] += 1
        tally.refused_for[refusal.reason] += 1
        fields = {**self.where, "status": refusal.status, "reason": refusal.reason}
        answer = refused(refusal)
        if refusal.status in _WRONG and self._visitors.is_slowed(client):
            fields["slowed"] = True
            tally.slowed += 1
            if not await self._visitors.hold_back():
                answer = b""
        log.info("refused", extra={"fields": fields})
        return answer


def _refused_by(site: Site, head: Head, refusal: Refusal) -> bytes:
    return render_answer(site, head, site.refuse(refusal))


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
