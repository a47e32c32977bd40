"""What Linux says of a process: processor time, memory, wake-ups. Read from outside: the server does nothing for it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def family(pid: int) -> list[int]:
    """Return a process and all its descendants: a command may be a shell that starts the server."""
    parents = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = parent((entry / "stat").read_text())
            except OSError:
                continue  # it has just ended
    return descendants(pid, parents)


def descendants(pid: int, parents: Mapping[int, int]) -> list[int]:
    """Return `pid` and whoever descends from it; `parents` has everybody's parent."""
    found = [pid]
    for one in found:  # it grows meanwhile
        found += sorted(child for child, of in parents.items() if of == one)
    return found


def parent(stat: str) -> int:
    """Return the parent in /proc/PID/stat. The name before it may hold spaces and parentheses (proc_pid_stat(5))."""
    return int(stat.rpartition(")")[2].split()[1])


def cpu_s(pids: list[int]) -> float:
    """Return the processor time of the processes, user and system, as they are now.

    The clock that clock_getcpuclockid(3) names: the sum of utime and stime in /proc/PID/stat, but in nanoseconds
    instead of ticks of 10 ms. The C library makes its number of the pid in this way.

    Raises: OSError when one of them has ended.
    """
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def rss_bytes(pids: list[int]) -> int:
    """Return the resident memory of the processes. Raises: OSError."""
    # The counters in statm lag behind by some pages for each thread; this is counted when it is read.
    return 1024 * sum(field_of((_PROC / str(pid) / "smaps_rollup").read_text(), "Rss") for pid in pids)


def wake_ups(pids: list[int]) -> dict[int, int]:
    """Return how often each of their threads has gone to sleep of itself so far. Raises: OSError."""
    found = {}
    for pid in pids:
        for thread in os.listdir(_PROC / str(pid) / "task"):
            try:
                status = (_PROC / str(pid) / "task" / thread / "status").read_text()
            except OSError:
                continue  # a thread that has just ended
            found[int(thread)] = field_of(status, "voluntary_ctxt_switches")
    return found


def woken(before: Mapping[int, int], after: Mapping[int, int]) -> int:
    """Return the sum of what was added; a thread that has ended in between, an idle worker, took its count along."""
    return sum(count - before.get(thread, 0) for thread, count in after.items())


def sockets(pid: int) -> int:
    """Return how many sockets a process has open. Raises: OSError."""
    count = 0
    for entry in (_PROC / str(pid) / "fd").iterdir():
        try:
            count += os.readlink(entry).startswith("socket:")
        except OSError:
            continue  # closed meanwhile
    return count


def field_of(text: str, name: str) -> int:
    """Return the number behind "name:" in a file of /proc."""
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        if key == name:
            return int(rest.split()[0])
    raise ValueError(f"no {name} in what /proc says")
