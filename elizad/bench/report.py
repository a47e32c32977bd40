"""What a bench has measured, for people and for machines; and its progress while it runs."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable, Iterator
from typing import Final, TextIO

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elizad.bench.figures import Book, Row, Spread
from elizad.bench.plan import Plan
from elizad.call.numbers import seconds

Tell = Callable[[int, str, str], None]
"""Called with the round, what is measured next, and of which server."""

_WIDTH: Final = 150  # of a table in a pipe or a file: nothing is folded


@contextlib.contextmanager
def progress(rounds: int, err: TextIO) -> Iterator[Tell]:
    """Say on `err` what is being measured: in place on a terminal, else a line for each round."""
    console = Console(file=err)
    if not console.is_terminal:
        last = -1

        def line(number: int, what: str, name: str) -> None:
            nonlocal last
            if number > last:
                print(f"elizad bench: {_place(number, rounds)}", file=err, flush=True)
            last = max(number, last)

        yield line
        return
    with console.status("") as status:
        yield lambda number, what, name: status.update(f"{_place(number, rounds)}: {what}, {name}")


def _place(number: int, rounds: int) -> str:
    return f"round {number} of {rounds}" if number else "getting ready"


def as_json(plan: Plan, book: Book) -> str:
    """One line for machines; seconds and bytes."""
    rows = [
        {
            "key": key,
            "title": row.title,
            "unit": row.unit,
            "elizad": book.values.get((key, "elizad"), []),
            "peer": book.values.get((key, "peer"), []),
            "ratio": ratio._asdict() if (ratio := book.ratio(key, "elizad", "peer")) else None,
        }
        for key, row in book.rows.items()
    ]
    return msgspec.json.encode(
        {"machine": machine(), "rounds": plan.rounds, "rows": rows, "notes": book.notes}
    ).decode()


def print_table(plan: Plan, book: Book, file: TextIO) -> None:
    """The figures, then what else is worth knowing, then what is to be said of them."""
    out = console_for(file)
    rounds = "one round" if plan.rounds == 1 else f"{plan.rounds} rounds: median, least and most"
    out.print(Text(f"{machine()}; {rounds}", style="dim"), soft_wrap=True)
    paired = any(server == "peer" for _, server in book.values)
    for less, heading in ((True, "less is better"), (False, "more is better")):
        rows = [row for row in book.rows.values() if row.less is less]
        if rows:
            out.print(_table(rows, heading, book, plan.rounds > 1, paired))
    for note in book.notes:
        out.print(Text(note, style="yellow"), soft_wrap=True)


def console_for(file: TextIO) -> Console:
    """Return what prints tables that are not folded in a pipe."""
    return Console(file=file, highlight=False, width=None if file.isatty() else _WIDTH)


def machine() -> str:
    """Name the processor, the cores that may be used, and the versions that matter."""
    model = platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), model)
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} core{'s' * (cores != 1)}, Linux {platform.release()}, Python {platform.python_version()}"


def _table(rows: list[Row], heading: str, book: Book, several: bool, paired: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(heading, header_style="dim")
    for name in ("elizad", "peer", "elizad / peer") if paired else ("elizad",):
        table.add_column(name, justify="right", header_style="dim")
        if several:
            table.add_column("", style="dim", no_wrap=True)
    for row in rows:
        cells: list[Text] = [Text(row.title)]
        for spread, unit in _cells(row, book, paired):
            cells.append(
                Text("" if spread is None else written(spread.median, unit), style="bold" if unit == "x" else "")
            )
            if several:
                low_to_high = "" if spread is None else f"{written(spread.low, unit)} … {written(spread.high, unit)}"
                cells.append(Text(low_to_high))
        table.add_row(*cells)
    return table


def _cells(row: Row, book: Book, paired: bool) -> Iterator[tuple[Spread | None, str]]:
    yield book.of(row.key, "elizad"), row.unit
    if paired:
        yield book.of(row.key, "peer"), row.unit
        yield book.ratio(row.key, "elizad", "peer"), "x"


def written(value: float, unit: str) -> str:
    """Write a figure for people. Units: "s", "B", "x" for a ratio, "" for a number."""
    if unit == "s":
        return seconds(value)
    if unit == "B":
        scaled, name = (value / 1e6, "MB") if value >= 1e6 else (value / 1e3, "kB")
        return f"{scaled:,.0f} {name}" if scaled >= 100 else f"{scaled:.3g} {name}"
    if unit == "x":
        return f"{value:.2f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
