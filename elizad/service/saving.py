"""One load, and saves that wait, as calls and the keeper of all sessions know them. Nothing is stored in here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import trio

from elizad.store.api import Key, SessionRecord


class Loading:
    """A session that is being looked for. `record` and `version` are good once `is_known`."""

    __slots__ = ("_notice", "done", "failed", "record", "version", "wanted_at")

    def __init__(self, notice: Callable[[], None] = lambda: None) -> None:
        """`notice` is called when it is known, or known to have failed."""
        self.done: Final = trio.Event()
        self.wanted_at: Final = trio.current_time()
        self._notice = notice
        self.failed = False
        self.record: SessionRecord | None = None
        self.version: int | None = None
        """The one that the store has, None for no session; what waits to be saved can be newer."""

    def end(self, *, failed: bool = False) -> None:
        """Say that it is over."""
        self.failed = failed
        self.done.set()
        self._notice()

    @property
    def is_known(self) -> bool:
        """Whether it is known what there is, if only that there is nothing."""
        return self.done.is_set() and not self.failed


class Saving:
    """What one call knows of the saves of its session."""

    __slots__ = ("exists", "given_up", "is_gone", "key", "newest", "notice", "settled", "wanted", "wanted_at")

    def __init__(self, key: Key, version: int | None, notice: Callable[[], None]) -> None:
        """`version` is the one that is there; None when there is no session yet."""
        self.key: Final = key
        self.notice: Final = notice
        self.exists = version is not None
        self.is_gone = False
        """The session was removed: nothing is saved any more."""
        self.newest = version or 0
        """The highest version that is known of."""
        self.wanted = 0
        self.settled = 0
        """The version that was saved last, or given up."""
        self.wanted_at = -math.inf
        self.given_up = 0
        """The version whose turn has ended before it was saved."""

    @property
    def is_begun(self) -> bool:
        """Whether anything was saved, or is about to be."""
        return self.wanted > 0


Payload = bytes | Callable[[], bytes | None]
"""What a record holds, or what makes it when it is needed: None if there is nothing to be kept after all."""


class Waiting:
    """A record that waits to be saved, and the calls that it is of: more than one after a reconnection."""

    __slots__ = ("_heard_s", "_payload", "_record", "key", "of", "version")

    def __init__(self, key: Key) -> None:
        self.key: Final = key
        self.of: list[Saving] = []
        self.version = 0
        self._heard_s = 0.0
        self._payload: Payload | None = None
        self._record: SessionRecord | None = None

    def put(self, version: int, heard_s: float, payload: Payload, saving: Saving) -> None:
        """Take what is to be saved now, unless there is something newer."""
        if version >= self.version:
            self.version, self._heard_s, self._payload, self._record = version, heard_s, payload, None
        if saving not in self.of:
            self.of.append(saving)

    def record(self) -> SessionRecord | None:
        """Return what is to be saved, made now if it was not yet; None for nothing."""
        if self._payload is not None:
            payload = self._payload if isinstance(self._payload, bytes) else self._payload()
            self._payload = None
            if payload is not None:
                self._record = SessionRecord(self.key, self.version, self._heard_s, payload)
        return self._record

    def exists(self) -> bool:
        """Whether it is of a session that is in the store already."""
        return any(saving.exists for saving in self.of)
