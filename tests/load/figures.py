"""The daemon as it looks from outside, and what was promised of it: /proc, /metrics, and a table at the end."""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.request import urlopen

import trio
from rich.console import Console
from rich.table import Table

from tests.support.daemon import Daemon

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_S: Final = 20.0  # for /metrics from a daemon under load


class Look(NamedTuple):
    """What /proc says of a process. Seconds and MiB."""

    rss: float
    peak: float
    files: int
    threads: int
    cpu_s: float


class House:
    """The real daemon, with its admin pages, for so many connections."""

    def __init__(self, connections: int) -> None:
        raise_file_limit(connections + 200)
        self._daemon = Daemon(
            config=f'[limits]\nmax_connections = {connections}\n[admin]\nlisten = ["127.0.0.1:0"]\n',
        )

    def __enter__(self) -> Self:
        self._daemon.__enter__()
        self.port = int(self._daemon.url.rpartition(":")[2])
        self._pages = self._daemon.wait_for(r"admin pages on (http://[^\s\"]+)")[1]
        self._proc = Path(f"/proc/{self._daemon.process.pid}")
        return self

    def __exit__(self, kind, error, trace) -> None:  # type: ignore[no-untyped-def]
        self._daemon.__exit__(kind, error, trace)

    def stop(self) -> tuple[int, list[str]]:
        """End it with SIGTERM; its exit code, and the lines of its log that tell of an error."""
        code = self._daemon.end()
        return code, [line for line in self._daemon.log if re.search(r"level=error|Traceback|Error", line)]

    def look(self) -> Look:
        status = dict(line.split(":", 1) for line in (self._proc / "status").read_text().splitlines() if ":" in line)
        times = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return Look(
            rss=int(status["VmRSS"].split()[0]) / 1024,
            peak=int(status["VmHWM"].split()[0]) / 1024,
            files=len(os.listdir(self._proc / "fd")),
            threads=int(status["Threads"]),
            cpu_s=(int(times[11]) + int(times[12])) / _TICKS_PER_S,
        )

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        page = await trio.to_thread.run_sync(self._page)
        found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", page, re.MULTILINE)
        assert found, f"/metrics has no {name}"
        return sum(map(float, found))

    def _page(self) -> str:
        with urlopen(f"{self._pages}/metrics", timeout=_PAGE_S) as page:
            data: bytes = page.read()
        return data.decode()

    async def baseline(self) -> Look:
        """How it looks when it has nothing to do, and has loaded what the pages need."""
        await self.metric("elizad_connections_live")
        await trio.sleep(0.5)  # that connection is gone by then
        return self.look()

    async def quiet(self, files: int, patience_s: float) -> Look:
        """How it looks once every connection is gone and no more than `files` are open, or patience is over."""
        look = self.look()
        with trio.move_on_after(patience_s):
            while await self.metric("elizad_connections_live") or (look := self.look()).files > files:  # noqa: ASYNC110
                await trio.sleep(0.2)
        return look


@dataclass
class Report:
    """A table of figures and a list of promises."""

    title: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    promises: list[tuple[bool, str]] = field(default_factory=list)

    def figure(self, name: str, value: str) -> None:
        self.rows.append((name, value))

    def promise(self, kept: bool, words: str) -> None:
        self.promises.append((kept, words))

    def show(self) -> int:
        """Print it all; the exit code: 1 when a promise is broken."""
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
        table = Table(title=self.title, show_header=False, title_justify="left")
        for name, value in self.rows:
            table.add_row(name, value)
        console.print(table)
        for kept, words in self.promises:
            console.print("[green]kept  [/]" if kept else "[bold red]BROKEN[/]", words)
        return 0 if all(kept for kept, _ in self.promises) else 1


def raise_file_limit(wanted: int) -> None:
    """Take as many descriptors as the system grants. Raises: SystemExit when those are fewer than `wanted`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{wanted} open files are needed and {hard} are allowed: raise the hard limit (ulimit -Hn)")


def spread(seconds: Sequence[float]) -> str:
    """Percentiles in milliseconds."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    at = (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999))
    parts = [f"{name} {1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.0f}" for name, share in at]
    return ", ".join([*parts, f"worst {1000 * ordered[-1]:.0f} ms"])
