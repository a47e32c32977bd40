"""From what the configuration says of sessions to a store. Opens nothing that is not needed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal

from elizad.store.api import Store

Kind = Literal["sqlite", "memory", "redis"]

FILE_NAME: Final = "sessions.sqlite3"


def session_file(path: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file that `path` means; by default one in the folder that systemd gives a service, or the user's.

    StateDirectory= of systemd.exec(5) gives $STATE_DIRECTORY, colons between several; a user's is $XDG_STATE_HOME of
    the XDG base directory specification.
    """
    if path:
        return Path(path)
    if given := environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(given, FILE_NAME)
    home = environ.get("XDG_STATE_HOME", "")
    if not home.startswith("/"):  # the specification wants others left aside
        home = os.path.expanduser("~/.local/state")
    return Path(home, "elizad", FILE_NAME)


@asynccontextmanager
async def open_store(
    kind: Kind, *, path: str = "", url: str = "", keep_s: float, max_sessions: int, sync: bool = True
) -> AsyncIterator[Store]:
    """A store for the length of the block. What it needs may be out of order: then its methods say so, each time.

    Raises: ValueError for a `url` that is none; ImportError when `redis` needs what is not installed.
    """
    match kind:
        case "memory":
            from elizad.store.memory import MemoryStore

            yield MemoryStore(keep_s, max_sessions)
        case "sqlite":
            from elizad.store.sqlite import SqliteStore

            store = SqliteStore(session_file(path), keep_s, max_sessions, sync=sync)
            try:
                yield store
            finally:
                await store.close()
        case "redis":
            from elizad.store.redis import open_redis

            async with open_redis(url, keep_s) as redis:
                yield redis
