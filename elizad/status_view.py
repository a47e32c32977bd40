"""How a status looks on a terminal: figures in columns and, when it is watched, small plots of the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from elizad.ops.vitals import Latency, Status, percentiles_ms

_POINTS: Final = 40  # one a second, and as many as an ordinary terminal has room for
_BARS: Final = " ▁▂▃▄▅▆▇█"
_WIDTH: Final = 96


class History:
    """The last seconds of a daemon that is watched: what each second brought, from the totals at its ends."""

    def __init__(self) -> None:
        self.turns_per_s: deque[float] = deque(maxlen=_POINTS)
        self.latency_ms: deque[float | None] = deque(maxlen=_POINTS)
        self._last: tuple[Status, float] | None = None

    def add(self, status: Status, now: float) -> Status:
        """Take the newest status, asked for at `now` (seconds), and return it."""
        if self._last is not None:
            before, then = self._last
            same = before.pid == status.pid and status.turns >= before.turns  # else it has been started again
            if same and now > then:
                self.turns_per_s.append((status.turns - before.turns) / (now - then))
                fresh = [new - old for new, old in zip(status.turn.counts, before.turn.counts, strict=True)]
                self.latency_ms.append(percentiles_ms(status.turn.bounds_s, fresh)[1])
        self._last = status, now
        return status


def show(status: Status, address: str, history: History | None = None) -> RenderableType:
    """Return the page for one daemon, with plots if there is a `history`."""
    head = Text.assemble(
        (f"elizad {status.version}", "bold green"),
        f"  {status.state}",
        f"  for {duration(status.uptime_s)}",
        (f"  pid {status.pid}  at {address}", "dim"),
    )
    facts = _rows(
        *([("reload", "the last one was refused: see the log")] if status.reload_refused else []),
        ("script", f"{status.script}, {status.mode} mode"),
        ("configuration", status.config),
        ("calls", f"{status.calls_live} now, {sum(p.calls for p in status.platforms.values())} in all"),
        ("turns", f"{status.turns_per_s:.1f}/s now, {status.turns} in all, {status.turns_failed} with an apology"),
        ("memory", f"{status.memory_bytes / 1e6:.0f} MB"),
        ("processor", f"{status.cpu_s:.1f} s, {100 * status.cpu_s / max(status.uptime_s, 0.1):.1f} % of the time"),
        ("open files", f"{status.open_files}, {status.connections_live} of them connections"),
        *((f"store {name}", str(value)) for name, value in status.store.items()),
    )
    parts: list[RenderableType] = [facts]
    if status.platforms:
        parts += ["", _platforms(status)]
    parts += ["", _latencies(status)]
    if status.refusals or status.bugs:
        rows = [(str(count), reason) for reason, count in sorted(status.refusals.items(), key=lambda item: -item[1])]
        if status.bugs:
            rows.insert(0, (str(status.bugs), "errors of our own: see the log"))
        parts += ["", Text("refused, and why", "bold"), _rows(*rows, numbers=True)]
    if history is not None:
        turns, waits = history.turns_per_s, history.latency_ms
        parts += ["", _plot("turns/s", turns, "green"), _plot("turn p95 ms", waits, "yellow")]
    return Panel(Group(*parts), title=head, title_align="left", width=_WIDTH, padding=(1, 2))


def sparkline(values: Iterable[float | None]) -> str:
    """Return one bar for each value, the highest full; a blank for None."""
    known = list(values)
    top = max((value for value in known if value is not None), default=0.0)
    return "".join(" " if value is None else _bar(value, top) for value in known)


def duration(seconds: float) -> str:
    """Return a span of time as people say it: its two largest units."""
    left = int(seconds)
    words: list[str] = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if left >= size or (unit == "s" and not words):
            words.append(f"{left // size} {unit}")
            left %= size
    return " ".join(words[:2])


def short(value: float) -> str:
    """Return a figure with three digits, or as many more as it takes to say it without a power of ten."""
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def _bar(value: float, top: float) -> str:
    if value <= 0:
        return _BARS[1]
    return _BARS[1 + round((len(_BARS) - 2) * value / top)]


def _plot(name: str, values: Sequence[float | None] | deque[float] | deque[float | None], style: str) -> Text:
    known = [value for value in values if value is not None]
    now = short(known[-1]) if known else "-"
    most = short(max(known)) if known else "-"
    return Text.assemble((f"{name:<13}", "dim"), (f"{sparkline(values):>{_POINTS}}", style), f"  {now}, most {most}")


def _rows(*rows: tuple[str, str], numbers: bool = False) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right" if numbers else "left", style="" if numbers else "dim")
    table.add_column()
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def _platforms(status: Status) -> Table:
    table = Table("platform", "calls now", "calls", "turns", "cut off", box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, platform in status.platforms.items():
        counts = (platform.live, platform.calls, platform.turns, platform.superseded)
        table.add_row(Text(name), *map(str, counts))
    return table


def _latencies(status: Status) -> Table:
    table = Table("milliseconds", "median", "95 %", "99 %", "of", box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, latency in (
        ("to the first words", status.first_chunk),
        ("to the end of a turn", status.turn),
        ("loop too late by", status.loop_lag),
    ):
        table.add_row(name, *_figures(latency))
    return table


def _figures(latency: Latency) -> tuple[str, ...]:
    values = (latency.p50_ms, latency.p95_ms, latency.p99_ms)
    return (*("-" if value is None else short(value) for value in values), str(latency.count))
