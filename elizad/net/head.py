"""Bytes to a request head, with no I/O: the first half of the door. h11 parses; limits and alphabet are ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import h11

from elizad.net.errors import Refusal

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
"""The end of a head, as h11 sees it."""

_NOT_PRINTABLE: Final = re.compile(rb"[^\t\r\n\x20-\x7e]")
"""RFC 9110 section 5.5 calls bytes above 0x7f in field values obsolete. No platform sends any, and decoding them is
what kills wsproto."""

_TARGET: Final = re.compile(r"(?P<path>/[^?#]*)(?:\?(?P<query>[^#]*))?")
"""Origin form (RFC 9112 section 3.2.1). h11 has already excluded blanks and control characters."""


@dataclass(frozen=True, slots=True)
class Head:
    """A request head. All text is printable ASCII. Query and header values hold secrets, so repr leaves them out."""

    method: str
    path: str
    """As sent: not percent-decoded."""
    query: str = field(default="", repr=False)
    """After the first `?`, as sent."""
    http_version: str = "1.1"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names in lower case, in the order sent."""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of the header `name` (lower case)."""
        return tuple(value for key, value in self.headers if key == name)

    def header(self, name: str) -> str | None:
        """The first value of the header `name` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)

    def has_token(self, name: str, token: str) -> bool:
        """Whether the comma-separated header `name` holds `token`, in any case and in any of its lines."""
        return any(token == part.strip().lower() for value in self.values(name) for part in value.split(","))


class HeadReader:
    """Collects the bytes of one head. Feed until a Head comes out; then `rest` is what came after it.

    However the bytes are cut, the outcome is the same.
    """

    def __init__(self, head_bytes: int) -> None:
        self._head_bytes = head_bytes
        self._buffer = bytearray()
        self._searched = 0
        self.rest = b""

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> Head | None:
        """The head, or None when more bytes are needed.

        Raises: Refusal (400, 431, 505) when these bytes are not, or can no longer become, an acceptable head.
        """
        self._buffer += data
        if self._buffer and self._buffer[0] <= 0x20:
            # A request line starts with a letter. Above all this is TLS (0x16): refuse now, not at the deadline.
            raise Refusal(400, "this is not an HTTP request")
        end = _BLANK_LINE.search(self._buffer, max(0, self._searched - 2))
        self._searched = len(self._buffer)
        if (end.end() if end else len(self._buffer)) > self._head_bytes:
            raise Refusal(431, f"the request head is larger than {self._head_bytes} bytes")
        if end is None:
            return None
        self.rest = bytes(self._buffer[end.end() :])
        return _parse(bytes(self._buffer[: end.end()]))


def _parse(data: bytes) -> Head:
    """One whole head. Raises: Refusal (400, 505)."""
    if _NOT_PRINTABLE.search(data):
        raise Refusal(400, "the request head holds bytes that are not printable ASCII")
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(data))
    try:
        connection.receive_data(data)
        request = connection.next_event()
    except h11.RemoteProtocolError:
        # h11's own text can quote the request, so it stays here.
        raise Refusal(400, "the request head is not valid HTTP/1.1") from None
    if not isinstance(request, h11.Request):
        raise Refusal(400, "the request head is not valid HTTP/1.1")
    version = request.http_version.decode("ascii")
    if version not in ("1.0", "1.1"):
        raise Refusal(505, "only HTTP/1.1 is spoken here")
    target = _TARGET.fullmatch(request.target.decode("ascii"))
    if target is None:
        raise Refusal(400, "the request target must be a path, such as /name?query")
    return Head(
        method=request.method.decode("ascii"),
        path=target["path"],
        query=target["query"] or "",
        http_version=version,
        headers=tuple((name.decode("ascii"), value.decode("ascii")) for name, value in request.headers),
    )
