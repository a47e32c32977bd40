"""What elizad writes to standard error: one line per event, for a terminal, a journal or a machine.

A record is a short constant text and its data in `extra={"fields": {...}}`; this module only renders. Whatever a peer
may have chosen is escaped, so that no value can forge a line or command a terminal. A record that cannot be rendered is
still named, and writing a log line never raises.
"""

from __future__ import annotations

import datetime
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TextIO

import msgspec

from elizad.ops.repeats import Repeats
from elizad.ops.visible import quoted, visible

Render = Callable[[logging.LogRecord], str]

# The priorities of syslog, as a prefix of the line (man sd-daemon).
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))

_BARE_VALUE: Final = re.compile(r'[^\s"=\\]+')
_NOT_IN_A_KEY: Final = re.compile(r"[^\w.-]", re.ASCII)
_OURS: Final = ("elizad", "__main__")


def configure(level: str, format: str = "auto", color: str = "auto", stream: TextIO | None = None) -> None:
    """Send every log record to `stream` (standard error by default), as the [log] table says.

    May be called again, as after a reload. Loggers that are not ours are heard from warning upwards; in full at debug.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    stream = sys.stderr if stream is None else stream
    root = logging.getLogger()
    write_sums(all_of_them=True)
    for lines in _writers():
        root.removeHandler(lines)
    if stream is not None:  # standard error may be closed: then nobody reads
        root.addHandler(Lines(stream, renderer(format, color, stream), is_journal(stream)))
    root.setLevel(threshold if level == "debug" else max(threshold, logging.WARNING))
    logging.getLogger("elizad").setLevel(threshold)


def write_sums(*, all_of_them: bool = False) -> None:
    """Write how many lines were held back of what repeats itself (see repeats.py). To be called every second or so."""
    for lines in _writers():
        for record in lines.repeats.sums(all_of_them=all_of_them):
            lines.emit(record)


def renderer(format: str, color: str, stream: TextIO) -> Render:
    """Return the function that makes the lines of one record for `stream`."""
    journal = is_journal(stream)
    if format == "rich" or (format == "auto" and (color == "always" or _is_terminal(stream))):
        from elizad.ops.columns import Columns  # rich is slow to import, and a journal does without

        return Columns(stream, color, clock=not journal, terminal=_is_terminal(stream))
    if format == "json":
        return bare_json_line if journal else json_line
    return journal_line if journal else plain_line


def is_journal(stream: TextIO) -> bool:
    """Whether `stream` is a connection to the systemd journal (man systemd.exec, $JOURNAL_STREAM)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or not a file at all
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the data of a record, by key; a logger that is not ours is named."""
    data = getattr(record, "fields", {})
    if not isinstance(data, Mapping):
        data = {"fields": data}
    found: dict[str, object] = {}
    if record.name.partition(".")[0] not in _OURS:
        found["logger"] = record.name
    for key, value in data.items():
        name = _NOT_IN_A_KEY.sub("_", str(key)) or "_"
        while name in found or name in ("time", "level", "event", "exception", "stack"):
            name += "_"  # the words of the line itself cannot be taken
        found[name] = value
    return found


def plain_line(record: logging.LogRecord) -> str:
    """Return the record as logfmt: key=value pairs on one line, with the time in UTC."""
    return f"time={_utc(record)} {journal_line(record)}"


def journal_line(record: logging.LogRecord) -> str:
    """Return the record as logfmt without the time, which the journal keeps itself."""
    pairs: list[tuple[str, object]] = [("level", level_name(record)), ("event", record.getMessage())]
    pairs += [*fields(record).items(), *_trouble(record)]
    return " ".join(f"{key}={value_text(value)}" for key, value in pairs)


def bare_json_line(record: logging.LogRecord) -> str:
    """Return the record as JSON without the time, which the journal keeps itself."""
    return _json(record, {})


def json_line(record: logging.LogRecord) -> str:
    """Return the record as one JSON object on one line."""
    return _json(record, {"time": _utc(record)})


def _json(record: logging.LogRecord, head: Mapping[str, object]) -> str:
    data = {**head, "level": level_name(record), "event": record.getMessage(), **fields(record)}
    data.update(_trouble(record))
    try:
        text = msgspec.json.encode(data, enc_hook=_text).decode()
    except Exception:  # what is not UTF-8, keys that are not strings, ...: keep the values that JSON can hold
        text = msgspec.json.encode({key: _json_value(value) for key, value in data.items()}).decode()
    # JSON itself leaves alone what is beyond ASCII, as C1 controls and bidirectional overrides.
    return text if text.isprintable() else "".join(_json_escape(char) for char in text)


def value_text(value: object) -> str:
    """Return a value as logfmt: bare where its end is plain to see, else quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = _text(value)
    return text if text.isprintable() and _BARE_VALUE.fullmatch(text) else quoted(text)


def level_name(record: logging.LogRecord) -> str:
    return record.levelname.lower()


class Lines(logging.Handler):
    """Writes what `render` makes of a record, in one write. Under the journal every line begins with its priority.

    Of what repeats itself too often only the first lines are written; `repeats` has counted the others.
    """

    def __init__(self, stream: TextIO, render: Render, journal: bool = False) -> None:
        super().__init__()
        self._stream = stream
        self._render = render
        self._journal = journal
        self.repeats = Repeats()
        self.addFilter(self.repeats)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(record, self._lines(record))
        except Exception:
            pass  # nobody is there to be told: the place to tell it is the one that fails

    def _lines(self, record: logging.LogRecord) -> str:
        try:
            return self._render(record)
        except Exception as fault:  # arguments that do not fit the text, ...
            names = {key: getattr(record, key) for key in ("name", "levelno", "levelname", "created")}
            data = {"unrenderable": type(fault).__name__}
            return self._render(logging.makeLogRecord({**names, "msg": _text(record.msg), "fields": data}))

    def _write(self, record: logging.LogRecord, text: str) -> None:
        if self._journal:
            text = "\n".join(f"<{_priority(record)}>{line}" for line in text.split("\n"))
        try:
            self._stream.write(text + "\n")
        except UnicodeEncodeError:
            self._stream.write(text.encode("ascii", "backslashreplace").decode() + "\n")
        self._stream.flush()


def _writers() -> list[Lines]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, Lines)]


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as fault:
        return f"<{type(value).__name__} without a text: {type(fault).__name__}>"


def _json_value(value: object) -> msgspec.Raw | str:
    try:
        return msgspec.Raw(msgspec.json.encode(value, enc_hook=_text))
    except Exception:
        return visible(_text(value))


def _trouble(record: logging.LogRecord) -> Iterator[tuple[str, str]]:
    if record.exc_info:
        yield "exception", "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    if record.stack_info:
        yield "stack", record.stack_info


def _utc(record: logging.LogRecord) -> str:
    moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _priority(record: logging.LogRecord) -> int:
    return next(priority for level, priority in _PRIORITIES if record.levelno >= level)


def _json_escape(char: str) -> str:
    if char.isprintable():
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
