"""Counts of what happened at the front door, for the metrics. Numbers only; nobody acts on them here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """One per daemon. All are totals since the start, except the first."""

    connections_open: int = 0
    """Now: accepted, in whatever stage, and not yet closed. This is what max_connections bounds."""
    connections: int = 0
    turned_away: int = 0
    """Met a full house: answered 503, or closed without a word when even those were too many."""
    refusals: Counter[int] = field(default_factory=Counter)
    """By HTTP status."""
    refused_for: Counter[str] = field(default_factory=Counter)
    """The same by reason, in the words that the peer is told. They are ours, and there are a few dozen."""
    slowed: int = 0
    """Refusals of those that were held back, or not even answered, because the address had had many."""
    limited: Counter[str] = field(default_factory=Counter)
    """Connections that were turned away or closed at one of the newer limits, by its name in the configuration."""
    tls_failed: int = 0
    """TLS handshakes that came to nothing, though the peer had not simply left."""
    upgrades: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    """WebSocket connections that ended, by close code, whoever closed."""
    faults: Counter[int] = field(default_factory=Counter)
    """Faults we found in what a peer sent, by the close code they were answered with."""
    stalled: int = 0
    silent: int = 0
    """Given up by the heartbeat: nothing was heard, not even the answer to a ping."""
    bugs: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    """Of the connections that have ended, the handshake included."""
