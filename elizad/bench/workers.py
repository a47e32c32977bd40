"""Several daemons on one port, one for each core: what they carry together, how they share calls, what one's end costs.

The port is shared in both ways that elizad knows: each daemon has a socket of its own and the kernel deals the calls
out (`reuse_port`), or all accept from one socket that they were given, as by systemd.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TextIO, get_args

import msgspec
from rich.table import Table
from rich.text import Text

from elizad.bench import servers
from elizad.bench.caller import Caller
from elizad.bench.orders import Held, Hold, Survey, Surveyed, Talk, Talked
from elizad.bench.plan import LATENCY_HISTORY, TURNS
from elizad.bench.process import cpu_s, sockets
from elizad.bench.report import Tell, console_for, machine, written
from elizad.bench.servers import Server

Way = Literal["reuse_port", "one socket"]

_HELD: Final = 60  # calls for each worker: enough to see how they are dealt out
_TALKING: Final = 64  # for each worker: each has work all the time, though the calls are not dealt out evenly
_BACKLOG: Final = 4096  # as in elizad.socket
_SETTLE_S: Final = 0.5  # until calls are opened, and until a killed one's are cut


@dataclass
class Workers:
    """What so many workers did. Lists have an entry for each worker."""

    way: Way
    number: int
    turns_per_s: float
    cpu_per_turn_s: float
    cpu_shares: list[float]
    """Of their processor time."""
    load_cpu: float
    """Of a core."""
    calls: list[int]
    """Held by each."""
    went_on: int = 0
    """Calls that had another turn after one worker was killed; with one worker nobody is killed."""
    cut: int = 0
    """Calls that were the killed one's; every one was made anew, and answered."""


def steps(most: int) -> int:
    """Return how many measurements `measure_workers` makes."""
    return len(get_args(Way)) * len(_numbers(most))


def _numbers(most: int) -> list[int]:
    return sorted({most, *(2**power for power in range(most.bit_length()))})


def measure_workers(most: int, seconds: float, load: Caller, tell: Tell) -> list[Workers]:
    """Measure 1, 2, 4, ... and `most` workers. Raises: NoServer, LoadFailed, OSError."""
    found: list[Workers] = []
    for way in get_args(Way):
        for number in _numbers(most):
            tell(len(found) + 1, f"{number} workers, {way}", "elizad")
            with _running(way, number) as running:
                found.append(_measure(way, running, seconds, load))
    return found


@contextlib.contextmanager
def _running(way: Way, number: int) -> Iterator[list[Server]]:
    """Run so many workers; each has a core as far as there are some, from the last one on: the load has the first."""
    cores = sorted(os.sched_getaffinity(0), reverse=True)
    with contextlib.ExitStack() as stack:
        port, shared = None, None
        if way == "one socket":
            shared = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG))
        else:
            port = servers.free_port()
        connections = number * (_HELD + _TALKING)
        running = [
            stack.enter_context(servers.elizad(connections, cores[index % len(cores)], port, shared))
            for index in range(number)
        ]
        for server in running:
            servers.wait_until_listening(server)
        yield running


def _measure(way: Way, running: list[Server], seconds: float, load: Caller) -> Workers:
    number, target = len(running), running[0].target
    pids = [pid for server in running for pid in server.pids]
    load.do(Talk(target, pids, LATENCY_HISTORY, _TALKING * number, TURNS, min(1.5, seconds)), Talked)  # warm up
    before = [cpu_s(server.pids) for server in running]
    talked = load.do(Talk(target, pids, LATENCY_HISTORY, _TALKING * number, TURNS, seconds), Talked)
    spent = [cpu_s(server.pids) - start for server, start in zip(running, before, strict=True)]
    time.sleep(_SETTLE_S)
    idle = [sockets(pid) for pid in pids]
    load.do(Hold(target, _HELD * number, True), Held)
    calls = [sockets(pid) - few for pid, few in zip(pids, idle, strict=True)]
    found = Workers(
        way=way,
        number=number,
        turns_per_s=talked.turns / talked.elapsed_s,
        cpu_per_turn_s=talked.cpu_s / talked.turns,
        cpu_shares=[one / sum(spent) for one in spent],
        load_cpu=talked.load_s / talked.elapsed_s,
        calls=calls,
    )
    if number > 1:
        os.kill(pids[0], signal.SIGKILL)
        time.sleep(_SETTLE_S)
        surveyed = load.do(Survey(target), Surveyed)
        found.went_on, found.cut = surveyed.went_on, surveyed.cut
    load.do(Hold(target, 0, False), Held)
    return found


def workers_json(found: list[Workers]) -> str:
    """One line for machines."""
    return msgspec.json.encode({"machine": machine(), "workers": found}).decode()


def print_workers(found: list[Workers], file: TextIO) -> None:
    """A line for each number of workers and each way."""
    out = console_for(file)
    out.print(Text(machine(), style="dim"), soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0))
    headings = ("workers", "turns a second", "CPU of a turn", "CPU of each", "calls of each", "after kill -9 of one")
    for heading in ("", *headings):
        table.add_column(heading, justify="right" if heading in headings[:3] else "left", header_style="dim")
    for one in found:
        table.add_row(
            one.way,
            str(one.number),
            written(one.turns_per_s, ""),
            written(one.cpu_per_turn_s, "s"),
            " ".join(f"{share:.0%}" for share in one.cpu_shares),
            " ".join(map(str, one.calls)),
            f"{one.went_on} calls went on, {one.cut} made anew, {sum(one.calls) - one.went_on - one.cut} lost"
            if one.number > 1
            else "",
        )
    out.print(table)
    cores, most = len(os.sched_getaffinity(0)), max(one.number for one in found)
    if cores <= most:
        busiest = max(one.load_cpu for one in found)
        words = (
            f"{most} workers and the load had {cores} core{'s' * (cores != 1)}, of which the load took up to"
            f" {busiest:.0%} of one. Workers with a core each carry what the CPU of a turn allows."
        )
        out.print(Text(words, style="yellow"), soft_wrap=True)
