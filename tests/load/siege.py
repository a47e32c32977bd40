"""python -m tests.load.siege: thousands of open calls, some of the peers hostile, and every honest turn answered.

The daemon is the real one, on loopback. Ends by itself, and with 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field

import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.load.figures import House, Report, spread
from tests.load.hostile import WAYS, attack
from tests.load.peer import LINES, Lost, call, sources

_TURN_S = 15.0  # a turn that takes longer counts as not answered; a caller would have hung up
_END_S = 30.0  # for the daemon to be as it was before
_LAG_S = 0.02  # how often our own loop is looked at


@dataclass
class Plan:
    calls: int
    hostile: int
    turns: int
    period_s: float
    """Seconds between two turns of one call."""
    ramp_s: float
    """Seconds over which the calls are opened."""

    @property
    def honest(self) -> int:
        return self.calls - self.hostile


@dataclass
class Seen:
    """What the callers saw."""

    open: int = 0
    most_open: int = 0
    answered: int = 0
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    trouble: Counter[str] = field(default_factory=Counter)
    words: dict[tuple[int, int], str] = field(default_factory=dict)
    """What was said to the n-th turn of those who began with a line: all must hear the same."""
    attempts: int = 0
    lag: list[float] = field(default_factory=list)


async def _honest(index: int, plan: Plan, port: int, source: str, begin: trio.Event, seen: Seen) -> None:
    await trio.sleep(plan.ramp_s * index / plan.honest)
    first_line = index % len(LINES)
    try:
        async with call(port, source, first_line) as caller:
            seen.open += 1
            seen.most_open = max(seen.most_open, seen.open)
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(caller.idle)
                    await begin.wait()
                    nursery.cancel_scope.cancel()
                start = trio.current_time() + plan.period_s * index / plan.honest
                for turn in range(plan.turns):
                    await trio.sleep_until(start + turn * plan.period_s)
                    with trio.fail_after(_TURN_S):
                        reply, first_s, whole_s = await caller.turn()
                    if seen.words.setdefault((first_line, turn), reply) != reply:
                        raise Lost("other words than another caller heard")
                    seen.answered += 1
                    seen.first.append(first_s)
                    seen.whole.append(whole_s)
                with trio.fail_after(_TURN_S):
                    await caller.leave()
            finally:
                seen.open -= 1
    except* Lost as group:
        seen.trouble[str(group.exceptions[0])] += 1
    except* trio.TooSlowError:
        seen.trouble[f"no answer within {_TURN_S:g} s"] += 1
    except* (OSError, trio.BrokenResourceError) as group:
        seen.trouble[str(group.exceptions[0]) or "the line was reset"] += 1


async def _watch(seen: Seen) -> None:
    """How late our own loop is: what it shares with the daemon's figures."""
    while True:
        due = trio.current_time() + _LAG_S
        await trio.sleep_until(due)
        seen.lag.append(trio.current_time() - due)


async def _run(plan: Plan, house: House, report: Report, progress: Progress) -> None:
    seen, begin = Seen(), trio.Event()
    async with call(house.port, "127.0.0.1", 0) as caller:  # whatever is loaded when first needed
        await caller.turn()
        await caller.leave()
    before = await house.baseline()
    opened = progress.add_task("calls open", total=plan.honest)
    turns = progress.add_task("turns answered", total=plan.honest * plan.turns)

    async def show() -> None:
        while True:
            progress.update(opened, completed=seen.most_open)
            progress.update(turns, completed=seen.answered)
            await trio.sleep(0.2)

    def note() -> None:
        seen.attempts += 1

    async with trio.open_nursery() as watch:
        watch.start_soon(_watch, seen)
        watch.start_soon(show)
        async with trio.open_nursery() as enemies:
            # As many addresses as a small botnet has beside those of a platform.
            for number, source in zip(range(plan.hostile), sources(2, 20), strict=False):
                enemies.start_soon(attack, WAYS[number % len(WAYS)], house.port, source, note)
            async with trio.open_nursery() as honest:
                for number, source in zip(range(plan.honest), sources(1, 100), strict=False):
                    honest.start_soon(_honest, number, plan, house.port, source, begin, seen)
                await trio.sleep(plan.ramp_s + 1)
                with trio.move_on_after(_TURN_S):
                    while seen.open + sum(seen.trouble.values()) < plan.honest:  # noqa: ASYNC110
                        await trio.sleep(0.1)
                open_at_once, idle, began = seen.open, house.look(), trio.current_time()
                begin.set()
            busy_s = trio.current_time() - began
            peak = house.look()
            enemies.cancel_scope.cancel()
        watch.cancel_scope.cancel()
    after = await house.quiet(before.files, _END_S)
    left = await house.metric("elizad_connections_live")
    bugs = await house.metric("elizad_bugs_total")

    wanted = plan.honest * plan.turns
    report.figure("calls open at once", f"{open_at_once} honest, {plan.hostile} hostile peers beside them")
    report.figure("hostile attempts", f"{seen.attempts} in {len(WAYS)} ways")
    report.figure("honest turns answered", f"{seen.answered} of {wanted}, {seen.answered / busy_s:.0f} a second")
    report.figure("first words after", spread(seen.first))
    report.figure("whole reply after", spread(seen.whole))
    report.figure("our own loop late by", spread(seen.lag))
    report.figure("daemon's processor", f"{100 * (peak.cpu_s - idle.cpu_s) / busy_s:.0f} % of a core while talking")
    report.figure(
        "daemon's memory",
        f"{before.rss:.0f} MiB before, {idle.rss:.0f} with all open, {after.peak:.0f} at most, {after.rss:.0f} after",
    )
    report.figure(
        "memory of a call",
        f"{1024 * (idle.rss - before.rss) / max(1, open_at_once):.0f} KiB, the hostile ones' share included",
    )
    report.figure("open files", f"{before.files} before, {idle.files} in it, {after.files} after")
    report.figure("threads", f"{before.threads} before, {after.threads} after")
    for what, times in seen.trouble.most_common(5):
        report.figure("trouble", f"{times} x {what}")
    report.promise(open_at_once == plan.honest, "every honest call was open at the same time")
    report.promise(
        seen.answered == wanted and not seen.trouble, "every honest turn was answered, in the same words for all"
    )
    report.promise(left == 0 and after.files <= before.files, "no connection and no open file is left")
    report.promise(bugs == 0, "no error of the daemon's own")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.siege", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--calls", type=int, default=5000, help="open at once, the hostile ones included")
    parser.add_argument("--hostile", type=int, default=100, help="of them")
    parser.add_argument("--turns", type=int, default=4, help="of each honest call")
    parser.add_argument("--period", type=float, default=12.0, metavar="S", help="seconds between two turns of a call")
    parser.add_argument("--ramp", type=float, default=25.0, metavar="S", help="seconds for all calls to open")
    given = parser.parse_args(argv)
    plan = Plan(given.calls, given.hostile, given.turns, given.period, given.ramp)
    report = Report(f"siege: {plan.calls} calls, {plan.hostile} of them hostile")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # A hostile peer's reconnection is a connection too, until the daemon is done with the one before.
    with House(plan.calls + 20 * plan.hostile + 100) as house:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            trio.run(_run, plan, house, report, progress)
        code, errors = house.stop()
    report.promise(code == 0 and not errors, "the daemon ended as asked, with no error in its log")
    for line in errors[:5]:
        print(line, end="", file=sys.stderr)
    return report.show()


if __name__ == "__main__":
    sys.exit(main())
