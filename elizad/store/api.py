"""What every store does, and the records that go in and out. Knows nothing of what a record's payload means."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

MAX_ID_CHARS: Final = 256
"""Of a session's id. It is a name: a UUID has 36."""


class Key(NamedTuple):
    """Which session: ids of two platforms have nothing to do with each other."""

    platform: str
    id: str


class SessionRecord(msgspec.Struct, frozen=True):
    """One session as it is stored.

    `version` grows with every change, on whatever machine it is made. `heard_s` is when the caller was last heard, in
    Unix time.
    """

    key: Key
    version: int
    heard_s: float
    payload: bytes


class Save(NamedTuple):
    """A record to be kept.

    `is_new` allows it to begin a session. Without it there must be one: who has removed a session in the meantime does
    not want it back.
    """

    record: SessionRecord
    is_new: bool


class Store(Protocol):
    """Where sessions are kept.

    Every method may raise StoreError (elizad.errors): then nothing is known, and it may be called again. What was not
    heard for longer than the store keeps it is not there any more. Cancelling: what was being done may be done or not,
    but not halfway.
    """

    @property
    def kind(self) -> str:
        """What the store is called in the configuration."""

    async def load(self, key: Key) -> SessionRecord | None:
        """Return a session; None if there is none."""

    async def save(self, saves: Sequence[Save]) -> list[int | None]:
        """Keep each record that is newer than what is there, all at once, on disk if the store has one.

        Each key may come once.

        Returns:
            The versions that are now there, in order. One that is not the record's own is a newer one; None: there is
            no such session, and the record was not allowed to begin it.
        """

    async def latest(self, limit: int | None = None, platforms: Collection[str] = ()) -> list[SessionRecord]:
        """Return the sessions, the last heard first, `limit` of them at most; with `platforms`, theirs alone."""

    async def forget(self, key: Key) -> bool:
        """Remove a session so that nothing of it is left; whether there was one."""

    async def forget_older_than(self, heard_s: float) -> int:
        """Remove those last heard before this (Unix time), so that nothing is left, and return how many they were."""

    async def close(self) -> None:
        """Let go of files and connections."""
