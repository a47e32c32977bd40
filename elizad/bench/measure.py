"""The measurements: what is asked of each server in a round, the two taking turns at every row.

The order is that of a server's life: start, first answer, idle lines while it is fresh, then turns. The memory of idle
lines is what the process has grown by. The CPU time of a turn is that of the whole process while it had nothing else to
do: calls are opened and closed outside of what is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from elizad.bench.caller import Caller, LoadFailed
from elizad.bench.figures import Book, Row
from elizad.bench.orders import Answered, First, Held, Hold, Talk, Talked
from elizad.bench.plan import CPU_CALLS, LATENCY_HISTORY, LOAD_SHARE, TURNS, WATCH_S, Plan
from elizad.bench.process import rss_bytes, wake_ups, woken
from elizad.bench.servers import Server

Tell = Callable[[str, str], None]
"""Called with what is measured next, and of which server."""

_START_S: Final = 30.0  # for the slowest server on a busy machine
_LOOK_S: Final = 0.5  # how often it is looked at whether a server that does not answer has ended
_WARM_UP_S: Final = 1.5  # elizad loads some things a second after its start
_WARM_UP_HISTORY: Final = 20
_LATER_S: Final = 3.0  # by then elizad has loaded what its start does not wait for, which belongs to no connection
_SETTLE_S: Final = 0.3  # until what was opened or closed last is done with
_BUSY: Final = 0.9  # of a core: a process with one thread has no more
_LATE_SHARE: Final = 0.25  # of a p99, the load's own lateness; then it shows in it
_FEW: Final = 20  # connections: what the first ones load belongs to none

_START: Final = Row("start", "start of the process to first answered turn", "s")
_IDLE: Final = Row("idle", "memory of an idle connection", "B")


class Round:
    """One round of measurements; `servers` are elizad and, if there is one, the peer."""

    def __init__(self, plan: Plan, servers: Sequence[Server], caller: Caller, book: Book, tell: Tell) -> None:
        self._plan = plan
        self._servers = servers
        self._caller = caller
        self._book = book
        self._tell = tell

    def run(self) -> None:
        """Measure all that is wanted but the start. Raises: LoadFailed, OSError."""
        rows = self._plan.rows
        if "idle" in rows or "wakeups" in rows:
            self._each("idle calls", self._idle)
        if "cpu" in rows or "latency" in rows:
            self._each("warming up", self._warm_up)
        for history in self._plan.histories if "cpu" in rows else ():
            self._each(f"turns, history {history}", partial(self._cpu, history=history))
        if "latency" in rows:
            self._latency()

    def _each(self, what: str, measure: Callable[[Server], None]) -> None:
        for server in self._servers:
            self._tell(what, server.name)
            measure(server)

    # -- idle ---------------------------------------------------------------------------------------------------------

    def _idle(self, server: Server) -> None:
        if not (pids := server.pids):
            return
        number = self._plan.idle
        time.sleep(_LATER_S)
        self._hold(server, _FEW, talk=True)
        self._hold(server, 0)
        before = rss_bytes(pids)
        self._hold(server, number)
        self._book.add(_IDLE, server.name, (rss_bytes(pids) - before) / number)
        self._hold(server, number, talk=True)
        after = rss_bytes(pids)
        each = Row("idle-call", "memory of an idle call, after a turn", "B")
        self._book.add(each, server.name, (after - before) / number)
        self._book.add(Row("idle-all", f"memory in all, {number} idle calls", "B"), server.name, after)
        if "wakeups" in self._plan.rows:
            for some in (number, number // 10, 0):
                self._hold(server, some, talk=True)
                self._wake_ups(server, pids, some)
        self._hold(server, 0)

    def _wake_ups(self, server: Server, pids: list[int], number: int) -> None:
        self._tell(f"wake-ups with {number} calls", server.name)
        before, began = wake_ups(pids), time.perf_counter()
        time.sleep(WATCH_S)
        per_s = woken(before, wake_ups(pids)) / (time.perf_counter() - began)
        self._book.add(Row(f"wakeups-{number}", f"wake-ups a second, {number} idle calls", ""), server.name, per_s)

    def _hold(self, server: Server, calls: int, *, talk: bool = False) -> None:
        self._caller.do(Hold(server.target, calls, talk), Held)
        time.sleep(_SETTLE_S)

    # -- turns --------------------------------------------------------------------------------------------------------

    def _talk(self, server: Server, history: int, calls: int, seconds: float, rate: float | None = None) -> Talked:
        return self._caller.do(Talk(server.target, server.pids, history, calls, TURNS, seconds, rate), Talked)

    def _warm_up(self, server: Server) -> None:
        self._talk(server, _WARM_UP_HISTORY, CPU_CALLS, min(_WARM_UP_S, self._plan.seconds))

    def _cpu(self, server: Server, history: int) -> None:
        talked = self._talk(server, history, CPU_CALLS, self._plan.seconds)
        what = f"history {history} ({talked.bytes_per_turn / 1000:.3g} kB)"
        if server.pids:
            self._book.add(
                Row(f"cpu-{history}", f"CPU of a turn, {what}", "s"), server.name, talked.cpu_s / talked.turns
            )
        rate, most = talked.turns / talked.elapsed_s, talked.turns / talked.load_s
        self._book.add(Row(f"rate-{history}", f"turns a second, {what}", "", False), server.name, rate)
        self._book.add(Row(f"load-{history}", f"the load itself could ask for, {what}", "", False), server.name, most)
        if rate > _BUSY * most:
            self._book.note(
                f"{what}: the load was the limit of {server.name}'s turns a second. The CPU of a turn holds."
            )

    def _latency(self) -> None:
        calls, judge = self._plan.calls, self._servers[-1]
        self._tell("how much it can carry", judge.name)
        most = self._talk(judge, LATENCY_HISTORY, calls, self._plan.seconds)
        carried = most.turns / most.elapsed_s
        self._book.add(Row("carried", f"turns a second, {calls} calls", "", False), judge.name, carried)
        if most.load_s > _BUSY * most.elapsed_s:
            self._book.note(f"{judge.name} can carry more than the load could ask for: its {LOAD_SHARE:.0%} are less.")
        for server in self._servers:
            self._tell(f"{calls} calls", server.name)
            talked = self._talk(server, LATENCY_HISTORY, calls, self._plan.seconds, LOAD_SHARE * carried)
            for name, value in (("p50", talked.p50_s), ("p99", talked.p99_s)):
                title = f"{name} to first words, {calls} calls, {LOAD_SHARE:.0%} of what {judge.name} can carry"
                self._book.add(Row(name, title, "s"), server.name, value)
            if talked.late_p99_s > _LATE_SHARE * talked.p99_s:
                self._book.note(f"The load was late itself: a part of the p99 of {server.name} may be its own.")
            if talked.waited > talked.turns / 20:
                self._book.note(
                    f"{server.name} fell behind: turns were due before the reply to the one before had ended."
                )


def started(server: Server, caller: Caller, book: Book | None) -> None:
    """Wait until a server answers; take down how long that was, if it was started here. Raises: LoadFailed."""
    until = time.perf_counter() + _START_S
    while (at := caller.do(First(server.target, _LOOK_S), Answered).at) is None:
        if server.ended or time.perf_counter() > until:
            raise LoadFailed(f"nobody listens at {server.target.host}:{server.target.port}")
    if book is not None and server.started_at is not None:
        book.add(_START, server.name, at - server.started_at)
