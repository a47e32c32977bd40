"""Who is at the door, by address: how many connections each has, how quickly they come, and how often they are wrong.

Every table in here is bounded. Addresses are told apart as `addresses.group_of` says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import trio

from elizad.net.addresses import UNIX, HeaderName, Peer, Sources, client_of, group_of, parse_address
from elizad.net.head import Head
from elizad.net.throttle import Buckets
from elizad.net.tls import TlsStream

_WRONG_PER_S: Final = 0.1
_WRONG_BURST_S: Final = 100.0
"""Ten wrong requests are answered at once, for people who are setting things up; then one every ten seconds."""

_HOLD_S: Final = 2.0
"""How long the answer to a further one is held back: a guess a connection every two seconds."""

_HELD_AT_ONCE: Final = 32
"""Answers held back in all, each a task and a descriptor, about 30 KB; beyond, a wrong request gets no answer."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Which proxies are believed, and in which header: the other one may come from anybody."""

    proxies: Sources = field(default_factory=Sources)
    header: HeaderName = "x-forwarded-for"


class Visitors:
    """The tables. `enter` and `leave` belong together."""

    def __init__(self, connections_per_address: int, handshakes_per_s: float, trust: Trust | None = None) -> None:
        self._connections_per_address = connections_per_address
        self._trust = trust or Trust()
        self._here: Counter[str] = Counter()
        self._handshakes = Buckets(handshakes_per_s)
        self._wrong = Buckets(_WRONG_PER_S, _WRONG_BURST_S)
        self._held = 0

    @property
    def addresses(self) -> int:
        """How many addresses have a connection."""
        return len(self._here)

    def is_proxy(self, peer: Peer) -> bool:
        """Whether `peer` speaks for others: then it is they who are counted, once their request says who they are."""
        return peer in self._trust.proxies

    def client_of(self, peer: Peer, head: Head) -> Peer:
        """Whom `peer` speaks for in this request; most speak for themselves."""
        return client_of(peer, head, self._trust.proxies, self._trust.header)

    def enter(self, peer: Peer) -> str | None:
        """Count a connection of `peer`; or return the name of the limit that it would exceed, and do not count it."""
        name = group_of(peer)
        if self._here[name] >= self._connections_per_address:
            return "connections_per_address"
        if not self._handshakes.take(name, trio.current_time()):
            self._forget_if_gone(name)
            return "handshakes_per_s"
        self._here[name] += 1
        return None

    def leave(self, peer: Peer) -> None:
        """A connection that `enter` counted has ended."""
        name = group_of(peer)
        self._here[name] -= 1
        self._forget_if_gone(name)

    def is_slowed(self, peer: Peer) -> bool:
        """Count a request of `peer` that was wrong; whether there have been so many that the answer has to wait."""
        return not self._wrong.take(group_of(peer), trio.current_time())

    async def hold_back(self) -> bool:
        """Wait as long as a slowed answer is held back; False, at once, when too many wait: then there is none.

        Cancelling: safe.
        """
        if self._held >= _HELD_AT_ONCE:
            await trio.lowlevel.checkpoint()
            return False
        self._held += 1
        try:
            await trio.sleep(_HOLD_S)
        finally:
            self._held -= 1
        return True

    def _forget_if_gone(self, name: str) -> None:
        if not self._here[name]:
            del self._here[name]


def peer_of(stream: trio.abc.Stream) -> tuple[Peer, int]:
    """The peer of a connection, and its port, or 0.

    To be asked once, at the start: afterwards a reset can have taken it away.
    """
    try:
        name = stream.socket.getpeername() if isinstance(stream, trio.SocketStream | TlsStream) else None
    except OSError:
        return "unknown", 0
    if isinstance(name, tuple):
        return parse_address(name[0]) or "unknown", name[1]
    return ("unknown", 0) if name is None else (UNIX, 0)
