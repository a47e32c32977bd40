"""How the daemon is right now: the figures behind `elizad status` and the status line that systemd shows.

Reads the counts when asked, and keeps only what counts alone cannot tell: how many turns the last seconds brought.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final, Literal

import msgspec
import trio

from elizad import __version__
from elizad.net.tally import Tally
from elizad.ops.lag import LoopLag
from elizad.service.meter import Histogram, Meter

_EVERY_S: Final = 1.0
_WINDOW: Final = 10
"""Seconds over which turns are averaged: long enough to be a number, short enough to be now."""

State = Literal["starting", "ready", "reloading", "draining"]


class Latency(msgspec.Struct, frozen=True):
    """A histogram since the start, and its percentiles in milliseconds; None when nothing was counted."""

    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]


class Platform(msgspec.Struct, frozen=True):
    """What one platform has asked of us."""

    live: int
    calls: int
    turns: int
    superseded: int


class Status(msgspec.Struct, frozen=True):
    """The page `/status`. Totals are since the start; seconds and bytes are in the names."""

    version: str
    pid: int
    state: str
    uptime_s: float
    config: str
    script: str
    mode: str
    calls_live: int
    connections_live: int
    connections: int
    turns: int
    turns_per_s: float
    turns_failed: int
    platforms: dict[str, Platform]
    first_chunk: Latency
    turn: Latency
    loop_lag: Latency
    refusals: dict[str, int]
    bugs: int
    memory_bytes: int
    cpu_s: float
    open_files: int
    store: dict[str, object]
    reload_refused: bool = False


class Vitals:
    """`state` and `reload_refused` are for whoever starts and stops the daemon to set.

    `about` says what is in effect now.
    """

    def __init__(
        self,
        meter: Meter,
        tally: Tally,
        lag: LoopLag,
        about: Callable[[], Mapping[str, str]],
        store: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self.state: State = "starting"
        self.reload_refused = False  # until the next one that is not
        self._meter = meter
        self._tally = tally
        self._lag = lag
        self._about = about
        self._store = store
        self._began = time.monotonic()
        self._turns: deque[int] = deque([0], maxlen=_WINDOW + 1)

    async def run(self) -> None:
        """Never returns. Cancelling: safe."""
        while True:
            await trio.sleep(_EVERY_S)
            self._turns.append(self._meter.turns.total())

    @property
    def calls_live(self) -> int:
        """Calls that are open now."""
        return self._meter.live.total()

    @property
    def turns_per_s(self) -> float:
        """Turns begun a second, over the last ten."""
        seconds = (len(self._turns) - 1) * _EVERY_S
        return (self._turns[-1] - self._turns[0]) / seconds if seconds else 0.0

    def line(self) -> str:
        """One line for a person: "42 calls, 3.1 turns/s, script doctor"."""
        calls = f"{self.calls_live} call{'' if self.calls_live == 1 else 's'}"
        if self.state == "draining":
            return f"draining: {calls} left"
        refused = "; the last reload was refused, see the log" if self.reload_refused else ""
        return f"{calls}, {self.turns_per_s:.1f} turns/s, script {self._about()['script']}{refused}"

    def status(self) -> Status:
        """Return everything. Reads /proc, so not for the loop."""
        meter, tally, about = self._meter, self._tally, self._about()
        names = sorted({*meter.calls, *meter.turns, *meter.live})
        # Copies, each made in one go: this runs in a thread, and the loop goes on counting.
        refusals = {**tally.refused_for, **{name: count for name, count in dict(tally.limited).items() if count}}
        if tally.turned_away:
            refusals["max_connections"] = tally.turned_away
        if tally.tls_failed:
            refusals["TLS handshake failed"] = tally.tls_failed
        return Status(
            version=__version__,
            pid=os.getpid(),
            state=self.state,
            uptime_s=round(time.monotonic() - self._began, 1),
            config=about["config"],
            script=about["script"],
            mode=about["mode"],
            calls_live=self.calls_live,
            connections_live=tally.connections_open,
            connections=tally.connections,
            turns=meter.turns.total(),
            turns_per_s=round(self.turns_per_s, 2),
            turns_failed=meter.failed,
            platforms={
                name: Platform(meter.live[name], meter.calls[name], meter.turns[name], meter.superseded[name])
                for name in names
            },
            first_chunk=_latency(meter.first_chunk_s),
            turn=_latency(meter.turn_s),
            loop_lag=_latency(self._lag.histogram),
            refusals=dict(sorted(refusals.items())),
            bugs=tally.bugs,
            memory_bytes=_resident_bytes(),
            cpu_s=round(time.process_time(), 2),
            open_files=len(os.listdir("/proc/self/fd")),
            store=dict(self._store()),
            reload_refused=self.reload_refused,
        )


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """Return the value below which `share` of those counted lie, read off a histogram; None when there are none.

    Within a bucket values are taken to lie evenly, as Prometheus does it; beyond the last bound it is the last bound.
    """
    sums = list(accumulate(counts))
    if not sums or sums[-1] == 0:
        return None
    wanted = share * sums[-1]
    at = next(index for index, total in enumerate(sums) if total >= wanted and counts[index])
    if at == len(bounds):
        return bounds[-1]
    low = bounds[at - 1] if at else 0.0
    return low + (bounds[at] - low) * (wanted - (sums[at] - counts[at])) / counts[at]


def percentiles_ms(bounds: Sequence[float], counts: Sequence[int]) -> list[float | None]:
    """Return the 50th, 95th and 99th percentile in milliseconds."""
    found = [quantile(bounds, counts, share) for share in (0.5, 0.95, 0.99)]
    return [None if value is None else float(f"{value * 1000:.3g}") for value in found]


def _latency(histogram: Histogram) -> Latency:
    p50, p95, p99 = percentiles_ms(histogram.bounds, histogram.counts)
    return Latency(sum(histogram.counts), p50, p95, p99, histogram.bounds, tuple(histogram.counts))


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
