"""Keeps a flood of one event from drowning the log: the first few are written, the rest are counted.

    refused  peer=192.0.2.1:4711 status=403 reason="this token is not accepted here"      (20 of these)
    refused  status=403 reason="this token is not accepted here" more_like_this=312 in_seconds=10

Only equal events are folded: the same logger, level, text and reason. What happened in a call is never folded.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Final

MOST: Final = 20
"""Of one event in one window: enough to see who does it and how, and no more than a screen."""

WINDOW_S: Final = 10.0
"""After this long it may be a new story; and whoever watches a log waits no longer for the sum."""

_KINDS: Final = 200
"""Different events that are counted at a time. There are a few dozen; more can only be a fault of ours."""

_NEVER: Final = frozenset({"call opened", "call closed"})
"""These two are the record of who called; a line for each call is promised."""

_TELLING: Final = ("reason", "status", "why", "error")
"""The fields that make an event another one. Their values are words of ours and never a peer's."""


class _Run:
    """One event in one window."""

    __slots__ = ("begun", "record", "seen")

    def __init__(self, record: logging.LogRecord, now: float) -> None:
        self.record = record
        self.begun = now
        self.seen = 1


class Repeats(logging.Filter):
    """Lets through what is not a repetition too many; `sums` has what was held back. For one handler."""

    def __init__(
        self, most: int = MOST, window_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._runs: dict[Hashable, _Run] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is to be written (logging calls this)."""
        if record.levelno < logging.INFO or record.msg in _NEVER:
            return True
        key = _key(record)
        run, now = self._runs.get(key), self._clock()
        if run is None or (now - run.begun >= self._window_s and run.seen <= self._most):
            if run is not None or len(self._runs) < _KINDS:
                self._runs[key] = _Run(record, now)
            return True
        run.seen += 1
        run.record = record
        return run.seen <= self._most

    def sums(self, *, all_of_them: bool = False) -> list[logging.LogRecord]:
        """Return a record for every event whose window is over and of which some were held back; forget those.

        To be asked every second or so, and with `all_of_them` at the end.
        """
        now = self._clock()
        over = [key for key, run in self._runs.items() if all_of_them or now - run.begun >= self._window_s]
        runs = [self._runs.pop(key) for key in over]
        return [_sum(run, self._most, now) for run in runs if run.seen > self._most]


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    data = getattr(record, "fields", None)
    return data if isinstance(data, Mapping) else {}


def _key(record: logging.LogRecord) -> Hashable:
    data = _fields(record)
    kind = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelno, record.msg, kind, *(str(data.get(name)) for name in _TELLING)


def _sum(run: _Run, most: int, now: float) -> logging.LogRecord:
    data = {name: value for name, value in _fields(run.record).items() if name in _TELLING}
    more = {"more_like_this": run.seen - most, "in_seconds": round(now - run.begun)}
    return logging.makeLogRecord(
        {
            "name": run.record.name,
            "levelno": run.record.levelno,
            "levelname": run.record.levelname,
            "msg": run.record.getMessage(),
            "fields": {**data, **more},
        }
    )
