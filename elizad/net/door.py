"""The door: reads one request head under a deadline, and says whether it may become a WebSocket.

What it lets through can no longer make wsproto or trio-websocket raise. It refuses in plain HTTP/1.1, one answer per
connection.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import trio

from elizad.net.errors import PeerClosed, Refusal
from elizad.net.head import Head, HeadReader

_HOST: Final = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""host[:port] in ASCII: a name, an IPv4 address or a bracketed IPv6 address (RFC 3986 section 3.2.2, without
percent-encoding and without the odder characters of reg-name, which no DNS name has)."""

_KEY_BYTES: Final = 16
"""RFC 6455 section 4.1: the nonce is 16 bytes, base64-encoded."""


async def read_head(stream: trio.abc.ReceiveStream, *, head_bytes: int, timeout_s: float) -> tuple[Head, bytes]:
    """The request head, and the bytes that came with it but belong to what follows (at most `head_bytes`).

    Raises: Refusal (400, 408, 431, 505); PeerClosed when the peer left before its head was complete.
    Cancelling: safe; what was read is lost.
    """
    reader = HeadReader(head_bytes)
    try:
        with trio.move_on_after(timeout_s):
            while data := bytes(await stream.receive_some(head_bytes)):
                head = reader.feed(data)
                if head is not None:
                    return head, reader.rest
            raise _left(reader)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        raise _left(reader) from None
    raise Refusal(408, f"the request head was not complete after {timeout_s:g} s")


def _left(reader: HeadReader) -> PeerClosed:
    return PeerClosed(1006, "left inside its request" if len(reader) else "left without a request", by_peer=True)


def check_upgrade(head: Head) -> str:
    """See that `head` is a WebSocket handshake (RFC 6455 section 4.2.1); the Sec-WebSocket-Key.

    Raises: Refusal: 405 and 505 for another method and HTTP/1.0, 426 for a plain request or another version of the
    protocol, 400 for anything malformed.
    """
    if head.method != "GET":
        raise Refusal(405, "only GET is understood here", (("Allow", "GET"),))
    if not head.values("upgrade"):
        raise Refusal(426, "this path speaks WebSocket", (("Upgrade", "websocket"),))
    if head.http_version != "1.1":
        raise Refusal(505, "a WebSocket handshake needs HTTP/1.1")
    if not head.has_token("upgrade", "websocket"):
        raise Refusal(400, "the Upgrade header must name websocket")
    if not head.has_token("connection", "upgrade"):
        raise Refusal(400, "the Connection header must name upgrade")
    if not _HOST.fullmatch(_one(head, "host")):
        raise Refusal(400, "the Host header must be host[:port] in ASCII")
    if head.values("transfer-encoding") or any(value != "0" for value in head.values("content-length")):
        raise Refusal(400, "a WebSocket handshake has no body")
    if head.values("sec-websocket-version") != ("13",):
        raise Refusal(426, "only version 13 of the protocol is spoken here", (("Sec-WebSocket-Version", "13"),))
    key = _one(head, "sec-websocket-key")
    try:
        valid = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        valid = False
    if not valid:
        raise Refusal(400, "the Sec-WebSocket-Key header must be 16 bytes in base64")
    return key


def _one(head: Head, name: str) -> str:
    values = head.values(name)
    if len(values) != 1:
        raise Refusal(400, f"a WebSocket handshake has exactly one {name.title()} header")
    return values[0]
