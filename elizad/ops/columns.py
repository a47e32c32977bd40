"""Log lines for people: fixed columns, so that a busy minute reads like a table.

    01:23:45 info   k3f9    call opened              proto=hume peer=127.0.0.1

Time, level, connection, event, then the data. A terminal cuts a line at its edge; anything else gets it whole. This
module only renders; what a record holds is the business of logs.py.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from typing import Final, Literal, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from rich.traceback import Trace, Traceback

from elizad.ops.logs import fields, level_name, value_text
from elizad.ops.visible import visible

_LEVEL_WIDTH: Final = 6  # "error" and a space
_CONN_WIDTH: Final = 7  # connection ids have four to six characters
_EVENT_WIDTH: Final = 24  # most event texts
_TRACEBACK_WIDTH: Final = 120  # away from a terminal, which has an edge of its own: the width of our source lines

_LEVELS: Final = {
    "debug": ("debug", "dim"),
    "info": ("info", "green"),
    "warning": ("warn", "yellow"),
    "error": ("error", "bold red"),
    "critical": ("fatal", "bold white on red"),
}
# Colours that can be told apart on dark and on light backgrounds, and that no level has.
_CONN_COLORS: Final = ("cyan", "magenta", "blue", "bright_cyan", "bright_magenta", "bright_blue")


class Columns:
    """Renders records for `stream`; with `clock` False the time is left out, as the journal keeps it itself."""

    def __init__(self, stream: TextIO, color: str, *, clock: bool, terminal: bool) -> None:
        self._clock = clock
        self._terminal = terminal
        self._console = Console(
            file=stream,
            force_terminal=terminal,
            color_system=_color_system(color, terminal),
            no_color=False,  # decided already: NO_COLOR must not weaken "always"
            width=None if terminal else _TRACEBACK_WIDTH,
            legacy_windows=False,
        )

    def __call__(self, record: logging.LogRecord) -> str:
        with self._console.capture() as captured:
            if self._terminal:
                self._console.print(self._line(record), no_wrap=True, overflow="ellipsis")
            else:
                self._console.print(self._line(record), soft_wrap=True)  # whole, on one line
            if record.exc_info and record.exc_info[1] is not None:
                self._console.print(_traceback(record.exc_info[1]))
            if record.stack_info:
                self._console.print(Text(visible(record.stack_info, keep="\n"), "dim"), soft_wrap=True)
        return captured.get().rstrip("\n")

    def _line(self, record: logging.LogRecord) -> Text:
        data = fields(record)
        line = Text(end="\n")
        if self._clock:
            line.append(time.strftime("%H:%M:%S ", time.localtime(record.created)), "dim")
        level, style = _LEVELS.get(level_name(record), (level_name(record), "bold"))
        _column(line, level, _LEVEL_WIDTH, style)
        conn = visible(str(data.pop("conn", "")))
        _column(line, conn, _CONN_WIDTH, _CONN_COLORS[zlib.crc32(conn.encode()) % len(_CONN_COLORS)])
        event = visible(record.getMessage())
        _column(line, event, _EVENT_WIDTH, "bold" if record.levelno >= logging.WARNING else "")
        for key, value in data.items():
            line.append(f" {key}=", "dim")
            line.append(value_text(value), _value_style(value))
        line.rstrip()
        return line


def _column(line: Text, text: str, width: int, style: str) -> None:
    line.append(text, style)
    # Never less than one space, or a long entry would run into the next.
    line.append(" " * max(1, width - cell_len(text)))


def _value_style(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "magenta"
    return "cyan" if isinstance(value, int | float) else "green"


def _color_system(color: str, terminal: bool) -> Literal["auto", "256"] | None:
    if color == "always":
        return "256"  # what every terminal understands on which somebody may look at it later
    wanted = color == "auto" and terminal and not os.environ.get("NO_COLOR")
    return "auto" if wanted else None


def _traceback(error: BaseException) -> Traceback:
    # Without locals: they hold what people said.
    trace = Traceback.extract(type(error), error, error.__traceback__, show_locals=False)
    _escape(trace)
    return Traceback(trace, width=None, show_locals=False, extra_lines=1)


def _escape(trace: Trace) -> None:
    """Escape the messages of the errors in `trace`: they may quote a peer, and rich would hand them to the terminal."""
    for stack in trace.stacks:
        stack.exc_value = visible(stack.exc_value, keep="\n")
        stack.notes = [visible(note, keep="\n") for note in getattr(stack, "notes", [])]
        for member in getattr(stack, "exceptions", []):
            _escape(member)
