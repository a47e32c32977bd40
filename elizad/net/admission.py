"""Which route a request asks for, and whether this client may have it. Pure. No message in here holds a token."""

from __future__ import annotations

import hmac
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from elizad.net.addresses import Peer, Sources
from elizad.net.errors import Refusal
from elizad.net.head import Head

Keeper = Callable[[Head, Peer], None]


@dataclass(frozen=True, slots=True)
class Route:
    """A WebSocket path, and who may use it.

    `path` is compared byte for byte with the path as sent. With `tokens`, a request must present one of them: as the
    value of a query parameter in `token_params`, as `Authorization: Bearer`, as the value of a header in
    `token_headers` (lower case), or as a path segment straight after `path`. With `has_tail`, one more last path
    segment belongs to the protocol (a call id) and must be there.

    With `allow_from`, the client's address must be in it. With `origins`, an Origin header must be one of them, byte
    for byte; only browsers send one, so a request without it is no browser's and passes.

    A `keeper` is asked as well: it raises Refusal for a request that may not come in, and is told who is connected,
    whomever that is speaking for.
    """

    name: str
    path: str
    tokens: tuple[str, ...] = field(default=(), repr=False)
    token_params: tuple[str, ...] = ("token",)
    token_headers: tuple[str, ...] = ()
    has_tail: bool = False
    allow_from: Sources = field(default_factory=Sources)
    origins: tuple[str, ...] = ()
    keeper: Keeper | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """A route, and the path segments that the request had beyond it."""

    route: Route
    token_segment: str | None = field(default=None, repr=False)
    tail: str = ""
    """Percent-decoded; "" when the route has none. The peer chose it."""


def find_route(routes: Sequence[Route], head: Head) -> Found:
    """The route that `head` asks for. The longest path wins where several fit.

    Raises: Refusal (404).
    """
    for route in sorted(routes, key=lambda route: len(route.path), reverse=True):
        found = _match(route, head.path)
        if found is not None:
            return found
    raise Refusal(404, "nothing is served at this path")


def _match(route: Route, path: str) -> Found | None:
    if path == route.path:
        return None if route.has_tail else Found(route)
    base = route.path.rstrip("/") + "/"
    if not path.startswith(base):
        return None
    segments = path[len(base) :].split("/")
    if not all(segments):
        return None
    tail = urllib.parse.unquote(segments.pop(), errors="replace") if route.has_tail else ""
    if not segments:
        return Found(route, None, tail)
    if route.tokens and len(segments) == 1:
        return Found(route, urllib.parse.unquote(segments[0], errors="replace"), tail)
    return None


def admit(found: Found, head: Head, client: Peer, peer: Peer = "unknown") -> None:
    """See that the client may be there, and presents a token of its route if that has any.

    `peer` is who is connected: the client, or a proxy that speaks for it.

    Raises: Refusal: 403 for an address or origin that is not listed; 401 when no token was presented, 403 when none of
    those presented is right; and what the route's keeper says.
    """
    route = found.route
    if route.allow_from and client not in route.allow_from:
        raise Refusal(403, "this address is not accepted here")
    if route.origins and not set(head.values("origin")) <= set(route.origins):
        raise Refusal(403, "pages of this origin are not accepted here")
    if route.keeper is not None:
        route.keeper(head, peer)
    if not route.tokens:
        return
    presented = [token for token in _presented(found, head) if token]
    if not presented:
        raise Refusal(401, "this path needs a token", (("WWW-Authenticate", "Bearer"),))
    # Every pair is compared, so the time says neither which token was close nor how close.
    matches = [
        hmac.compare_digest(theirs.encode(), ours.encode()) for theirs in presented for ours in found.route.tokens
    ]
    if not any(matches):
        raise Refusal(403, "this token is not accepted here")


def _presented(found: Found, head: Head) -> Iterator[str]:
    if found.token_segment is not None:
        yield found.token_segment
    for name, value in urllib.parse.parse_qsl(head.query, errors="replace"):
        if name in found.route.token_params:
            yield value
    for value in head.values("authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "bearer":
            yield credentials.strip()
    for name in found.route.token_headers:
        yield from head.values(name)
