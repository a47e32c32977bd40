"""The answer that makes a request a WebSocket. Whether it may be one is asked at the door."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server puts behind the peer's key before it digests it (RFC 6455 section 1.3)."""

_ANSWER: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


def welcome(key: str) -> bytes:
    """Return the answer to a handshake with this Sec-WebSocket-Key (RFC 6455 section 4.2.2)."""
    digest = hashlib.sha1(key.encode("ascii") + _GUID, usedforsecurity=False).digest()
    return _ANSWER % base64.b64encode(digest)
