"""Sessions in a file, with SQLite. The only importer of sqlite3; nothing here runs on the event loop.

Readers do not wait for the writer (write-ahead log), so there are two connections, each with one owner at a time. A
connection that has failed is given up, and the next use makes a new one: a disk that was full can have room again.

What is removed is overwritten (secure_delete); `forget` also writes the file anew and empties the log, so that nothing
of it can be read from the disk's files afterwards.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import trio

from elizad.errors import StoreError
from elizad.store.api import Key, Save, SessionRecord

T = TypeVar("T")

# What makes each version of the schema out of the one before; PRAGMA user_version says how many were applied.
_MIGRATIONS: Final = (
    "CREATE TABLE sessions (platform TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, heard_s REAL NOT NULL,"
    " payload BLOB NOT NULL, PRIMARY KEY (platform, id))",
    "CREATE INDEX sessions_by_heard ON sessions (heard_s)",
)

# Longer than another process needs to write the file anew: a quarter of a second for 50 MB.
_BUSY_S: Final = 2.0

# The log is cut back to this after each use of more: 4 MiB are a thousand sessions.
_LOG_BYTES: Final = 4_194_304

_COLUMNS: Final = "platform, id, version, heard_s, payload"
_INSERT: Final = (
    f"INSERT INTO sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (platform, id) DO UPDATE SET"
    " version = excluded.version, heard_s = excluded.heard_s, payload = excluded.payload"
    " WHERE excluded.version > sessions.version"
)
_UPDATE: Final = (
    "UPDATE sessions SET version = ?, heard_s = ?, payload = ? WHERE platform = ? AND id = ? AND version < ?"
)
_OLDEST: Final = "DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions ORDER BY heard_s LIMIT ?)"


class SqliteStore:
    """A Store in the file at `path`, which is made, with its folder, when it is first needed.

    `sync` has every save on the disk itself before it counts; without it, in the hands of the system, which survives
    the end of this process but not that of the machine.
    """

    kind: Final = "sqlite"

    def __init__(
        self,
        path: Path,
        keep_s: float,
        max_sessions: int,
        *,
        sync: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._keep_s = keep_s
        self._max_sessions = max_sessions
        self._clock = clock
        self._reader = _Owner(path, sync=sync)
        self._writer = _Owner(path, sync=sync)

    async def load(self, key: Key) -> SessionRecord | None:
        return await self._reader.run(partial(_load, key=key, oldest_s=self._oldest_s()))

    async def save(self, saves: Sequence[Save]) -> list[int | None]:
        if not saves:  # nobody is in a hurry: the time to be thorough about what has grown too old
            await self.forget_older_than(self._oldest_s())
            return []
        return await self._writer.run(
            partial(_save, saves=saves, oldest_s=self._oldest_s(), max_sessions=self._max_sessions)
        )

    async def latest(self, limit: int | None = None, platforms: Collection[str] = ()) -> list[SessionRecord]:
        return await self._reader.run(partial(_list, limit=limit, platforms=platforms, oldest_s=self._oldest_s()))

    async def forget(self, key: Key) -> bool:
        where = "platform = ? AND id = ?"
        return await self._writer.run(partial(_forget, where=where, values=key)) > 0

    async def forget_older_than(self, heard_s: float) -> int:
        return await self._writer.run(partial(_forget, where="heard_s < ?", values=(heard_s,)))

    async def close(self) -> None:
        with trio.CancelScope(shield=True):
            await self._reader.close()
            await self._writer.close()

    def _oldest_s(self) -> float:
        return self._clock() - self._keep_s


class _Owner:
    """One connection, used by one thread at a time."""

    def __init__(self, path: Path, *, sync: bool) -> None:
        self._path = path
        self._sync = sync
        self._turn = trio.CapacityLimiter(1)
        self._open: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in a thread. Raises: StoreError. Cancelling: `work` is finished first."""
        return await trio.to_thread.run_sync(self._run, work, limiter=self._turn)

    async def close(self) -> None:
        await trio.to_thread.run_sync(self._close, limiter=self._turn)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection())
        except (sqlite3.Error, OSError, UnicodeError) as error:
            self._close()
            raise StoreError(self._in_words(error)) from None
        except BaseException:
            self._close()
            raise

    def _connection(self) -> sqlite3.Connection:
        if self._open is not None and _identity(self._path) != self._file:
            self._close()  # somebody has removed the file, or put another in its place
        if self._open is None:
            _make_private(self._path)
            self._open = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            _prepare(self._open, sync=self._sync)
            self._file = _identity(self._path)
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            try:
                self._open.close()
            except sqlite3.Error:
                pass  # it is given up because it fails
            self._open = None

    def _in_words(self, error: Exception) -> str:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return f"{self._path}: {reason[:1].lower()}{reason[1:]}"


def _make_private(path: Path) -> None:
    """See that there is a file that only its owner can read. Raises: OSError.

    One that exists must not be opened: closing it again would undo the locks of the connections that this process has
    (sqlite.org/howtocorrupt.html, section 2.2), and the next process that goes would take the log along.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # SQLite would make it with the process's umask, and gives the log the mode that the file has.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: sqlite3.Connection, *, sync: bool) -> None:
    """Set a new connection up, and make or update the tables. Raises: sqlite3.Error."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    if _schema(connection) == len(_MIGRATIONS):
        return
    with _transaction(connection):
        there = _schema(connection)  # another process may just have done it
        if there > len(_MIGRATIONS):
            raise sqlite3.DatabaseError(f"written by a newer elizad (schema {there}; this one is {len(_MIGRATIONS)})")
        for number, statement in enumerate(_MIGRATIONS[there:], there + 1):
            connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of it or nothing. Another writer is waited for at the beginning, and not in the middle.

    After an exception the connection has to be closed, which undoes what was begun.
    """
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _record(row: tuple[str, str, int, float, bytes]) -> SessionRecord:
    platform, id, version, heard_s, payload = row
    return SessionRecord(Key(platform, id), version, heard_s, payload)


def _load(connection: sqlite3.Connection, key: Key, oldest_s: float) -> SessionRecord | None:
    select = f"SELECT {_COLUMNS} FROM sessions WHERE platform = ? AND id = ? AND heard_s >= ?"
    row = connection.execute(select, (*key, oldest_s)).fetchone()
    return None if row is None else _record(row)


def _list(
    connection: sqlite3.Connection, limit: int | None, platforms: Collection[str], oldest_s: float
) -> list[SessionRecord]:
    these = f"platform IN ({', '.join('?' * len(platforms))}) AND" if platforms else ""
    select = f"SELECT {_COLUMNS} FROM sessions WHERE {these} heard_s >= ? ORDER BY heard_s DESC LIMIT ?"
    rows = connection.execute(select, (*platforms, oldest_s, -1 if limit is None else limit))
    return [_record(row) for row in rows]


def _save(
    connection: sqlite3.Connection, saves: Sequence[Save], oldest_s: float, max_sessions: int
) -> list[int | None]:
    with _transaction(connection):
        connection.execute("DELETE FROM sessions WHERE heard_s < ?", (oldest_s,))
        versions = [_save_one(connection, *save) for save in saves]
        if any(save.is_new for save in saves):
            (count,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
            connection.execute(_OLDEST, (max(count - max_sessions, 0),))
    return versions


def _save_one(connection: sqlite3.Connection, record: SessionRecord, is_new: bool) -> int | None:
    state = (record.version, record.heard_s, record.payload)
    if is_new:
        done = connection.execute(_INSERT, (*record.key, *state))
    else:
        done = connection.execute(_UPDATE, (*state, *record.key, record.version))
    if done.rowcount == 1:
        return record.version
    row = connection.execute("SELECT version FROM sessions WHERE platform = ? AND id = ?", record.key).fetchone()
    return None if row is None else int(row[0])


def _forget(connection: sqlite3.Connection, where: str, values: Sequence[str | float]) -> int:
    with _transaction(connection):
        count = connection.execute(f"DELETE FROM sessions WHERE {where}", values).rowcount
    if count:
        # secure_delete alone leaves one in some hundred behind, where SQLite had moved it before. So whatever else is
        # in the file is written anew, and what the log still holds of the old is cut off.
        connection.execute("VACUUM")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("removed, but traces are left in the log: another process is reading it")
    return count
