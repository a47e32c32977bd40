"""How often: token buckets, one alone or a bounded table of them. Pure: whoever asks says what time it is."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

BURST_S: Final = 10.0
"""How many seconds' worth may come at once. What a stalled line or a restart holds back arrives in one rush, and ten
seconds is how long we let a line stall ourselves (write_timeout_s)."""


class Bucket:
    """Lets `per_s` things pass in a second on average, and BURST_S seconds' worth at once."""

    __slots__ = ("_level", "_most", "_per_s", "_since")

    def __init__(self, per_s: float, now: float, burst_s: float = BURST_S) -> None:
        self._per_s = per_s
        self._most = max(1.0, per_s * burst_s)
        self._level = self._most
        self._since = now

    def take(self, now: float, amount: float = 1.0) -> bool:
        """Whether `amount` may pass now; of more than ever could, whether all that can may.

        What may not pass takes nothing, so trying again costs nothing.
        """
        # Every message asks: comparisons take a quarter of what calls of min and max do.
        level = self._level + (now - self._since) * self._per_s
        if level > self._most:
            level = self._most
        self._since = now
        if amount <= level:
            self._level = level - amount
            return True
        is_full = level == self._most  # then it is asked for more than could ever pass
        self._level = 0.0 if is_full else level
        return is_full


class Buckets:
    """A bucket for each name. With `most_names` of them, the one that was asked for longest ago is forgotten.

    Forgotten is full again: who commands more addresses than the table has rows is not held back by it.
    """

    def __init__(self, per_s: float, burst_s: float = BURST_S, most_names: int = 10_000) -> None:
        """10,000 rows are about 3 MB."""
        self._per_s = per_s
        self._burst_s = burst_s
        self._most_names = most_names
        self._rows: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, name: str, now: float) -> bool:
        """Whether one more may pass under `name` now."""
        bucket = self._rows.get(name)
        if bucket is None:
            bucket = self._rows[name] = Bucket(self._per_s, now, self._burst_s)
            if len(self._rows) > self._most_names:
                self._rows.popitem(last=False)
        else:
            self._rows.move_to_end(name)
        return bucket.take(now)
