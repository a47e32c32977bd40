"""What a load has measured, for people and for machines; and its progress while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final, TextIO

import msgspec
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from elizad.call.load import Plan, Tally
from elizad.call.numbers import bar, histogram, seconds, summarise

_BAR_CHARS: Final = 40

_PROGRESS_S: Final = 0.2  # as often as an eye can follow numbers


@contextlib.contextmanager
def progress(plan: Plan, tally: Tally, nursery: trio.Nursery, err: TextIO) -> Iterator[None]:
    """Draw a bar on `err` while the block runs, if that is a terminal."""
    console = Console(file=err)
    if not console.is_terminal:
        yield
        return
    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[calls]} calls open, {task.fields[errors]} errors"),
        TimeElapsedColumn(),
    ]
    # auto_refresh would be a thread that competes with what is measured.
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as shown:
        job = shown.add_task("turns", total=plan.calls * plan.turns, calls=0, errors=0)

        async def draw() -> None:
            while True:
                errors = sum(tally.errors.values())
                shown.update(job, completed=len(tally.whole), calls=tally.open_calls, errors=errors, refresh=True)
                await trio.sleep(_PROGRESS_S)

        nursery.start_soon(draw)
        yield


def as_json(plan: Plan, tally: Tally) -> str:
    """One line for machines; times in seconds."""

    def numbers(values: Any) -> dict[str, float]:
        s = summarise(values)
        return {"count": s.number, "p50": s.p50, "p90": s.p90, "p99": s.p99, "max": s.most}

    out = {
        "calls": plan.calls,
        "turns": plan.turns,
        "rate": plan.rate,
        "answered": len(tally.whole),
        "turns_per_s": tally.turns_per_s,
        "first_s": numbers(tally.first),
        "whole_s": numbers(tally.whole),
        "opening_s": numbers(tally.opening),
        "most_calls_open": tally.most_open,
        "late_turns": tally.late_turns,
        "errors": dict(sorted(tally.errors.items())),
        "elapsed_s": tally.elapsed_s,
        "caller": {"cpu": tally.cpu, "lag_p99_s": tally.lag_s, "is_the_limit": tally.we_are_the_limit},
    }
    return msgspec.json.encode(out).decode()


def print_report(plan: Plan, tally: Tally, file: TextIO) -> None:
    """A table, a histogram, the errors by kind, and what it cost us."""
    out = Console(file=file, highlight=False)
    asked = plan.calls * plan.turns
    out.print(
        Text.assemble(
            (f"{len(tally.whole)}", "bold"),
            f" of {asked} turns answered in {seconds(tally.answering_s)}: ",
            (f"{tally.turns_per_s:.1f} turns per second", "bold green"),
            f"; at most {tally.most_open} calls at once",
        ),
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "p50", "p90", "p99", "max"):
        table.add_column(heading, justify="right" if heading else "left", header_style="dim")
    for name, values in (("first words", tally.first), ("whole turn", tally.whole), ("opening a call", tally.opening)):
        s = summarise(values)
        if s.number:
            table.add_row(name, *(seconds(value) for value in (s.p50, s.p90, s.p99, s.most)))
    if table.row_count:
        out.print(table)
    _draw(out, tally)
    for kind, count in tally.errors.most_common():
        out.print(Text.assemble((f"{count:>7}  ", "bold red"), kind), soft_wrap=True)
    if not tally.errors:
        out.print("no errors")
    if tally.late_turns:
        what = "a caller would have spoken before the reply had ended"
        out.print(Text(f"{tally.late_turns} turns came later than the rate asks for: {what}", style="yellow"))
    cost = f"elizad call itself: {tally.cpu:.0%} of a core, its loop late by {seconds(tally.lag_s)} (p99)"
    out.print(Text(cost, style="dim"), soft_wrap=True)
    if tally.we_are_the_limit:
        words = "It, or this machine, was the limit: these numbers are not the server's alone. Ask for less."
        out.print(Text(words, style="bold yellow"), soft_wrap=True)


def _draw(out: Console, tally: Tally) -> None:
    buckets = histogram(tally.first)
    if not buckets:
        return
    most = max(bucket.number for bucket in buckets)
    out.print(Text("time to first words", style="dim"))
    for bucket in buckets:
        label = f"{seconds(bucket.low):>8} … {seconds(bucket.high):>7}"
        drawn = bar(bucket.number, most, _BAR_CHARS)
        out.print(Text.assemble((label, "dim"), " ", (f"{drawn:<{_BAR_CHARS}}", "green"), f" {bucket.number}"))
