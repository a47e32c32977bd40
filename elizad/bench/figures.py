"""What was measured, round by round, and what it comes to: medians, their spread, and ratios. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table. `unit` is of what was measured: "s", "B" or "" for a number; `less` of it is better."""

    key: str
    title: str
    unit: str
    less: bool = True


class Spread(NamedTuple):
    """The median of several rounds, the least and the most."""

    median: float
    low: float
    high: float


@dataclass
class Book:
    """The figures of all rounds, by row and server, and what is to be said of them."""

    rows: dict[str, Row] = field(default_factory=dict)
    values: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, words: str) -> None:
        """Say something below the table, once."""
        if words not in self.notes:
            self.notes.append(words)

    def add(self, row: Row, server: str, value: float) -> None:
        """Take down a figure of a server in this round."""
        self.rows.setdefault(row.key, row)
        self.values.setdefault((row.key, server), []).append(value)

    def of(self, key: str, server: str) -> Spread | None:
        """Return a server's figure, or None when there is none."""
        return spread(self.values.get((key, server), ()))

    def ratio(self, key: str, ours: str, theirs: str) -> Spread | None:
        """Return how many times theirs ours is, of the rounds in which both were measured."""
        return spread(ratios(self.values.get((key, ours), ()), self.values.get((key, theirs), ())))


def spread(values: Sequence[float]) -> Spread | None:
    """Return median, least and most; None of nothing."""
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return the ratio of each round: what made a round slow, made both slow."""
    return [a / b for a, b in zip(ours, theirs, strict=False) if b > 0]
