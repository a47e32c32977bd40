"""Many measurements in few numbers: percentiles, and a histogram that a terminal can draw. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

_STEPS: Final = (1.0, 2.0, 5.0)  # bounds of a histogram, times a power of ten: people can read them

_BLOCKS: Final = " ▏▎▍▌▋▊▉█"


class Summary(NamedTuple):
    """Of measurements in seconds; all 0.0 when there were none."""

    number: int
    p50: float
    p90: float
    p99: float
    most: float


class Bucket(NamedTuple):
    """How many measurements are at least `low` and below `high`."""

    low: float
    high: float
    number: int


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of an ascending, non-empty sequence: one of the values that occurred."""
    rank = math.ceil(percent / 100 * len(ordered))
    return ordered[max(rank, 1) - 1]


def summarise(values: Sequence[float]) -> Summary:
    """Return how many, the percentiles 50, 90 and 99, and the largest."""
    if not values:
        return Summary(0, 0.0, 0.0, 0.0, 0.0)
    ordered = sorted(values)
    p50, p90, p99 = (percentile(ordered, percent) for percent in (50, 90, 99))
    return Summary(len(ordered), p50, p90, p99, ordered[-1])


def histogram(values: Sequence[float]) -> list[Bucket]:
    """Sort positive values into buckets bounded by 1, 2 and 5 times powers of ten, from the least to the largest."""
    if not values:
        return []
    floor = 1e-6  # a microsecond is below what an event loop can tell
    counts: dict[int, int] = {}
    for value in values:
        index = _index(max(value, floor))
        counts[index] = counts.get(index, 0) + 1
    first, last = min(counts), max(counts)
    return [Bucket(_bound(i), _bound(i + 1), counts.get(i, 0)) for i in range(first, last + 1)]


def _bound(index: int) -> float:
    power, step = divmod(index, len(_STEPS))
    return float(f"{_STEPS[step]:g}e{power}")


def _index(value: float) -> int:
    index = math.floor(math.log10(value)) * len(_STEPS)
    while value >= _bound(index + 1):
        index += 1
    while value < _bound(index):  # log10 rounds
        index -= 1
    return index


def bar(count: int, most: int, width: int) -> str:
    """Draw `count` so that `most` fills `width` characters; what is not nothing can be seen."""
    if count <= 0:
        return ""
    eighths = max(1, round(count / most * width * 8))
    full, rest = divmod(eighths, 8)
    return _BLOCKS[8] * full + (_BLOCKS[rest] if rest else "")


def seconds(value: float) -> str:
    """Write a duration with three digits and a unit that fits."""
    if value >= 10:
        return f"{value:.1f} s"
    if value >= 1:
        return f"{value:.2f} s"
    if value >= 0.0995:
        return f"{value * 1000:.0f} ms"
    if value >= 0.00995:
        return f"{value * 1000:.1f} ms"
    if value >= 0.000995:
        return f"{value * 1000:.2f} ms"
    return f"{value * 1e6:.0f} µs"
