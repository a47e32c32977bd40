"""How a connection can end before its time. None of these is a bug of ours.

ElizadError
├── Refusal          we answer a request with an HTTP status instead of opening a connection
└── PeerClosed       the connection has ended, whoever ended it
    ├── Stalled      the peer stopped reading, so we ended it
    └── TlsFailed    the two sides did not come to speak TLS
"""

from __future__ import annotations

from elizad.errors import ElizadError


class Refusal(ElizadError):
    """An HTTP answer that is not a WebSocket: `status`, one line of `reason`, and extra headers.

    `reason` goes to the peer and into the log: it is our words and never quotes the request.
    """

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        super().__init__(f"{status} {reason}")


class PeerClosed(ElizadError):
    """The connection has ended with `code` (RFC 6455 section 7.4.1; 1006 when no close frame was seen).

    `by_peer` is False when we ended it: we closed, or found a fault in what the peer sent, or gave it up. `reason`
    is the peer's own text when `by_peer` is True: it can hold anything.
    """

    def __init__(self, code: int, reason: str, *, by_peer: bool) -> None:
        self.code = code
        self.reason = reason
        self.by_peer = by_peer
        super().__init__(f"{code} {reason}" if reason else str(code))


class Stalled(PeerClosed):
    """The peer did not read for the whole of write_timeout_s. What it has of the last message is unknown."""

    def __init__(self, reason: str) -> None:
        super().__init__(1006, reason, by_peer=False)


class TlsFailed(PeerClosed):
    """The TLS handshake came to nothing. `reason` is our words, or OpenSSL's."""

    def __init__(self, reason: str) -> None:
        super().__init__(1006, reason, by_peer=False)
