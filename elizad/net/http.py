"""Small HTTP: one request per connection, with a body if somebody wants one, one whole response, and then the end.

Not a web server: pages are made of nothing, and a Site answers all requests under its paths.
"""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import trio

from elizad.net.addresses import Peer
from elizad.net.errors import PeerClosed, Refusal
from elizad.net.head import Head

TEXT: Final = "text/plain; charset=utf-8"

_ANSWER_S: Final = 20.0  # longer than any store is waited for; who asks has given up by then
_DIGITS: Final = 12  # of a Content-Length; no memory has so much room


class Page(NamedTuple):
    """What a path shows."""

    status: int
    body: bytes
    content_type: str = TEXT


Pages = Mapping[str, Callable[[], Awaitable[Page]]]
"""Path -> what makes the page. It is awaited for each request, and must be quick."""

NO_PAGES: Final[Pages] = {}


@dataclass(frozen=True, slots=True)
class Ask:
    """A whole request. Query, headers and body hold secrets: they are not in repr and must not be logged."""

    conn: str
    """A short name for the connection, for the log."""
    peer: str
    """The client's address as text."""
    head: Head = field(repr=False)
    body: bytes = field(default=b"", repr=False)


class Answer(NamedTuple):
    """What a Site answers."""

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: tuple[tuple[str, str], ...] = ()


class Site(Protocol):
    """Answers the requests under some paths. Its refusals, and the network's, look as it wants them to."""

    @property
    def body_bytes(self) -> int:
        """The longest body that is read."""

    @property
    def body_timeout_s(self) -> float:
        """For the body to come in."""

    def covers(self, path: str) -> bool:
        """Whether this path, as sent, is one of the site's."""

    def admit(self, head: Head, client: Peer, peer: Peer) -> None:
        """See that a request may come in, before its body is read; `peer` may speak for `client`. Raises: Refusal."""

    async def answer(self, ask: Ask) -> Answer:
        """Answer a request that was let in. Raises: Refusal. Cancelling: must be safe."""

    def refuse(self, refusal: Refusal) -> Answer:
        """Return how a refusal is told."""

    def headers(self, head: Head) -> Sequence[tuple[str, str]]:
        """Return what every response to this request has, whatever it says."""


def render_response(
    status: int,
    body: bytes,
    headers: Sequence[tuple[str, str]] = (),
    *,
    content_type: str = TEXT,
    head_only: bool = False,
) -> bytes:
    """Return a whole HTTP/1.1 response, after which the connection is closed."""
    # An Upgrade header must be named by Connection too (RFC 9110 section 7.8).
    connection = "upgrade, close" if any(name == "Upgrade" for name, _ in headers) else "close"
    # A response that has no body by its status has no length either (RFC 9110 section 8.6).
    about = () if status == 204 else (f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
    lines = [
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
        *(f"{name}: {value}" for name, value in headers),
        *about,
        f"Connection: {connection}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (b"" if head_only else body)


def render_refusal(refusal: Refusal, head: Head | None = None) -> bytes:
    """Return the answer to a request that is refused, as far as it was understood: its reason in one line."""
    head_only = head is not None and head.method == "HEAD"  # no body then (RFC 9110 section 9.3.2)
    return render_response(refusal.status, f"{refusal.reason}\n".encode(), refusal.headers, head_only=head_only)


async def render_page(pages: Pages, head: Head) -> bytes | None:
    """Return the response to a request for a page, or None when no page has its path.

    Raises: Refusal (405) for a method that a page does not have.
    Cancelling: safe.
    """
    make = pages.get(head.path)
    if make is None:
        return None
    if head.method not in ("GET", "HEAD"):
        raise Refusal(405, "only GET and HEAD are understood here", (("Allow", "GET, HEAD"),))
    status, body, content_type = await make()
    return render_response(status, body, content_type=content_type, head_only=head.method == "HEAD")


async def exchange(
    stream: trio.abc.Stream, head: Head, early: bytes, site: Site, client: Peer, peer: Peer, conn: str
) -> bytes:
    """Let a request of `site` in, read its body, have it answered, and return the response.

    `early` is what came behind the head. What comes behind the body is not looked at.

    Raises: Refusal, and PeerClosed when the client has left. Cancelling: safe.
    """
    site.admit(head, client, peer)
    body = await read_body(stream, head, early, most_bytes=site.body_bytes, timeout_s=site.body_timeout_s)
    try:
        with trio.fail_after(_ANSWER_S):
            answer = await site.answer(Ask(conn, str(client), head, body))
    except trio.TooSlowError:
        raise Refusal(503, "this takes too long just now") from None
    return render_answer(site, head, answer)


def render_answer(site: Site, head: Head, answer: Answer) -> bytes:
    """Return the response of a site."""
    headers = (*answer.headers, *site.headers(head))
    is_head = head.method == "HEAD"
    return render_response(answer.status, answer.body, headers, content_type=answer.content_type, head_only=is_head)


async def read_body(stream: trio.abc.Stream, head: Head, early: bytes, *, most_bytes: int, timeout_s: float) -> bytes:
    """Read the body that belongs to `head`, of which `early` is the beginning.

    Raises: Refusal (400 for one that ends too soon, 408, 411, 413); PeerClosed. Cancelling: what was read is lost.
    """
    if head.values("transfer-encoding"):
        raise Refusal(411, "a body needs a Content-Length here, and no Transfer-Encoding")
    given = head.header("content-length") or "0"
    if not (given.isascii() and given.isdigit()):
        raise Refusal(400, "the Content-Length is not a number")
    if len(given) > _DIGITS or int(given) > most_bytes:
        raise Refusal(413, f"a body of more than {most_bytes} bytes is not taken")
    length = int(given)
    body = bytearray(early[:length])
    try:
        with trio.fail_after(timeout_s):
            if len(body) < length and head.has_token("expect", "100-continue"):
                await stream.send_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            while len(body) < length:
                data = await stream.receive_some(length - len(body))
                if not data:
                    raise Refusal(400, "the body is shorter than its Content-Length")
                body += data
    except trio.TooSlowError:
        raise Refusal(408, f"the body was not complete after {timeout_s:g} s") from None
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        raise PeerClosed(1006, "left inside its request", by_peer=True) from None
    return bytes(body)
