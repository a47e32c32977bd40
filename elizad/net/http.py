"""Small HTTP responses: one per connection, whole, and then the connection ends. Not a web server."""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

from elizad.net.errors import Refusal
from elizad.net.head import Head

TEXT: Final = "text/plain; charset=utf-8"


class Page(NamedTuple):
    """What a path shows."""

    status: int
    body: bytes
    content_type: str = TEXT


Pages = Mapping[str, Callable[[], Awaitable[Page]]]
"""Path -> what makes the page. It is awaited for each request, and must be quick."""

NO_PAGES: Final[Pages] = {}


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
    lines = [
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        f"Connection: {connection}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (b"" if head_only else body)


def render_refusal(refusal: Refusal) -> bytes:
    """Return the answer to a request that is refused: its reason in one line."""
    return render_response(refusal.status, f"{refusal.reason}\n".encode(), refusal.headers)


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
