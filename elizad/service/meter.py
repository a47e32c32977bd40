"""Counts of what calls cost and how they went, for whoever shows them. Plain numbers; nobody acts on them here."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

# Upper bounds in seconds. What ELIZA needs is well under a millisecond; a paced or slow reply takes seconds.
FIRST_CHUNK_BOUNDS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
TURN_BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Histogram:
    """Counts values by size: `counts[i]` are those up to `bounds[i]`, and the last those above every bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: Final = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Meter:
    """One per daemon. Counters by platform are totals since the start."""

    live: Counter[str] = field(default_factory=Counter)
    """Calls that are open now, by platform."""
    calls: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    """Turns that were begun."""
    superseded: Counter[str] = field(default_factory=Counter)
    """Turns that a newer one cut off: the caller spoke on, or spoke over the reply."""
    steered: Counter[str] = field(default_factory=Counter)
    """Turns in which something was said beside the mind, or instead of it: by "safety", the "time" or a "rule"."""
    failed: int = 0
    """Turns that were answered with an apology."""
    ignored: int = 0
    """Messages that said nothing we can use."""
    first_chunk_s: Histogram = field(default_factory=lambda: Histogram(FIRST_CHUNK_BOUNDS_S))
    """From the message that asked for a turn to the first words of the reply handed to the kernel."""
    turn_s: Histogram = field(default_factory=lambda: Histogram(TURN_BOUNDS_S))
    """From the message that asked for a turn to its end handed to the kernel."""

    def count_steered(self, decided: str) -> None:
        """Count a turn by the name of what decided; one's own rules count as one, since their names have no bound."""
        kind = decided.partition(": ")[0]
        self.steered[kind if kind in ("safety", "time") else "rule"] += 1
