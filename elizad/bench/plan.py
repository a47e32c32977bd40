"""What a bench measures, and how long. Brings nothing along that --help can do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

RowName = Literal["start", "idle", "cpu", "latency", "wakeups"]

MOST_CALLS: Final = 20_000  # a source address has 28,000 ports for one destination
MOST_HISTORY: Final = 2000  # 1.8 MB of payload; half an hour has a few hundred messages

CPU_CALLS: Final = 32  # enough that the server always has work, and that several payloads come at once
TURNS: Final = 9  # of a call are measured; odd, so that their history is the wanted one on average
LATENCY_HISTORY: Final = 20  # two minutes into a call
LOAD_SHARE: Final = 0.7  # of what the peer can carry
WATCH_S: Final = 22.0  # wake-ups are counted for as long as it takes to ping everybody once, at 20 s by default


@dataclass(frozen=True)
class Plan:
    """`seconds` is of turns, for each figure in a round."""

    rows: tuple[RowName, ...] = ("start", "idle", "cpu", "latency")
    rounds: int = 5
    seconds: float = 2.0
    histories: tuple[int, ...] = (0, 20, 100, 400)
    calls: int = 500
    idle: int = 1000
