"""What one connection, and all of them together, may cost. Plain numbers with their units in their names."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Final

RESERVED_FILES: Final = 64
"""Descriptors that are not connections: 32 peers being turned away, listeners, the store, the log, epoll."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of `net`. Seconds and bytes."""

    head_bytes: int = 16_384
    """A request head; h11 and most servers stop at 8 to 64 KiB, and no platform sends more than 2 KiB."""
    head_timeout_s: float = 5.0
    """From accept to the last byte of the head: a platform takes one round trip, a slowloris takes for ever."""
    handshake_timeout_s: float = 5.0
    """For TLS, two round trips and some arithmetic; and again for our answer to the upgrade, 129 bytes into an empty
    socket buffer, where any wait at all is a fault."""
    max_message_bytes: int = 4 * 1024 * 1024
    """One whole message in UTF-8: platforms resend the transcript, about 1 KiB an utterance with its scores."""
    write_timeout_s: float = 10.0
    """One write, however many frames: longer than any hiccup of a link that can still carry a conversation."""
    close_timeout_s: float = 2.0
    """For the peer's half of a close, or for it to read our last words: a few round trips to anywhere on earth."""
    max_connections: int = 900
    """In all: what fits under the usual soft RLIMIT_NOFILE of 1024 beside RESERVED_FILES."""
    connections_per_address: int = 600
    """Of one address, or one IPv6 network of 64 bits. Retell calls from a single address, which so has the most of
    max_connections; but nobody alone can have all."""
    handshakes_per_s: float = 50.0
    """New connections of one address in a second on average, ten seconds' worth at once: all calls of a platform may
    come back together after a restart, and it tries three times, three seconds apart. 50 calls a second, opened and
    left again at once, take a tenth of a processor."""
    messages_per_s: float = 50.0
    """Messages of one connection in a second on average, ten seconds' worth at once; each 64 KiB begun counts as one,
    and so does a ping. Retell's updates come at the rate at which words are recognised, 10 a second at the very most,
    and a Hume payload of 1 MiB, the largest there is, counts as 17: twice a second is 34."""
    idle_s: float = 1900.0
    """Without a message. EVI ends every chat after 1800 s, so after that nobody is there."""
    call_s: float = 7500.0
    """Of one connection: Retell's longest call is two hours, EVI's half an hour."""
    ping_interval_s: float = 20.0
    """Silence before we ask; below the 30 to 60 s after which common proxies and NATs drop a quiet connection."""
    ping_timeout_s: float = 20.0
    """Silence after we asked before the peer counts as gone: several retransmissions of a lost packet."""


def file_limit() -> int:
    """The soft RLIMIT_NOFILE of this process (getrlimit(2)): how many descriptors it may hold."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft


def check_file_limit(max_connections: int, soft_limit: int) -> None:
    """See that so many connections can be open at once under a soft RLIMIT_NOFILE of `soft_limit`.

    Raises: ValueError, with a sentence that names both numbers.
    """
    if soft_limit == resource.RLIM_INFINITY:
        return
    if max_connections + RESERVED_FILES > soft_limit:
        raise ValueError(
            f"{max_connections} connections and {RESERVED_FILES} other files do not fit under the limit of "
            f"{soft_limit} open files: raise LimitNOFILE= (or ulimit -n), or allow at most "
            f"{max(0, soft_limit - RESERVED_FILES)} connections"
        )
