"""When each chunk of a reply is due. Pure numbers: whoever has a clock adds the start of the turn."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["due_times"]


def due_times(chunks: Sequence[str], pace_s: float) -> list[float]:
    """Offsets in seconds from the start of the turn, one for each chunk: the first is 0, then one every `pace_s`.

    A pace of 0 makes all chunks due at once.
    """
    return [number * pace_s for number in range(len(chunks))]
