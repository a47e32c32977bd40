"""Sessions in a file: real files, real threads, other processes beside us, and what can go wrong with a disk."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from elizad.errors import StoreError
from elizad.store.api import Key, Save, Store
from elizad.store.opening import session_file
from elizad.store.sqlite import SqliteStore
from tests.support.store_contract import ANN, BEN, KEEP_S, MAX_SESSIONS, Clock, StoreContract, record

NOBODY = 65534
_LOOK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(*connection.execute("SELECT version FROM sessions").fetchone())
connection.close()
"""


class TestSqlite(StoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "state" / "sessions.sqlite3"

    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Store]:
        store = SqliteStore(self.path, KEEP_S, MAX_SESSIONS, clock=clock)
        yield store
        await store.close()

    async def test_it_outlives_the_process(self, clock: Clock) -> None:
        saved = record(ANN, 1, clock)
        async with self.open(clock) as store:
            await store.save([Save(saved, True)])
        async with self.open(clock) as store:
            assert await store.load(ANN) == saved
        assert sorted(path.name for path in self.path.parent.iterdir()) == ["sessions.sqlite3"], "no log is left behind"

    async def test_only_its_owner_can_read_it(self, clock: Clock) -> None:
        old = os.umask(0)
        try:
            async with self.open(clock) as store:
                await store.save([Save(record(ANN, 1, clock), True)])
                modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in self.path.parent.iterdir()}
        finally:
            os.umask(old)
        assert set(modes) == {"sessions.sqlite3", "sessions.sqlite3-wal", "sessions.sqlite3-shm"}
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE(self.path.parent.stat().st_mode) == 0o700

    async def test_a_file_that_others_could_read_is_closed_to_them(self, clock: Clock) -> None:
        self.path.parent.mkdir()
        self.path.touch(0o644)
        async with self.open(clock) as store:
            await store.load(ANN)
        assert stat.S_IMODE(self.path.stat().st_mode) == 0o600

    async def test_what_is_forgotten_cannot_be_read_from_the_disk(self, clock: Clock) -> None:
        """Neither from the file nor from its log, while a daemon has it open; nor what was overwritten before."""
        secrets = [b"my-mother-%04d-" % n * 20 for n in range(300)]
        async with self.open(clock) as daemon, self.open(clock) as tool:
            for version in (1, 2):
                saves = [
                    Save(record(Key("hume", f"id-{n:04}"), version, clock, secret + b"v%d" % version * 9), True)
                    for n, secret in enumerate(secrets[:MAX_SESSIONS])
                ]
                await daemon.save(saves)
            assert b"my-mother-0000-" in self._bytes()
            assert await tool.forget(Key("hume", "id-0000"))
            after = self._bytes()
            assert b"my-mother-0000-" not in after
            assert b"id-0000" not in after
            assert b"my-mother-0001-" in after
            assert await tool.forget_older_than(clock() + 1) == MAX_SESSIONS - 1
            assert b"my-mother" not in self._bytes()
            assert await daemon.save([Save(record(ANN, 1, clock), True)]) == [1], "the daemon goes on"

    def _bytes(self) -> bytes:
        # By another process: to open and close a database's file is to lose SQLite's locks on it.
        return subprocess.run(["cat", *self.path.parent.iterdir()], capture_output=True, check=True).stdout

    @pytest.mark.parametrize("seed", [15, 24])
    async def test_nor_what_sqlite_has_moved_about(self, clock: Clock, seed: int) -> None:
        """Records that grow and shrink are moved from page to page. With these seeds copies of some are left behind."""
        chance = random.Random(seed)
        store = SqliteStore(self.path, KEEP_S, 10_000, sync=False, clock=clock)
        version, newest = 0, dict[int, int]()
        for _ in range(60):
            saves = []
            for number in chance.sample(range(100), 10):
                version += 1
                newest[number] = version
                words = b"words-%04d-" % number * chance.randint(5, 150)
                saves.append(Save(record(Key("hume", f"id-{number:04}"), version, clock, words, ago_s=-version), True))
            await store.save(saves)
        kept = sorted(newest.values())[-10:]
        await store.forget_older_than(clock() + kept[0])
        await store.close()
        left = self._bytes()
        for number, when in newest.items():
            found = b"words-%04d" % number in left or b"id-%04d" % number in left
            assert found is (when in kept)

    async def test_what_has_grown_too_old_is_overwritten_as_well(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(Key("hume", str(n)), 1, clock, b"my-mother" * 99), True) for n in range(40)])
            clock.now += KEEP_S + 1
            await store.save([Save(record(BEN, 1, clock), True)])
        assert b"my-mother" not in self._bytes()

    async def test_readers_do_not_wait_for_a_writer(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 1, clock), True)])
            with sqlite3.connect(self.path, isolation_level=None) as other:
                other.execute("BEGIN IMMEDIATE")
                with trio.fail_after(1):
                    assert await store.load(ANN) is not None
                other.execute("ROLLBACK")
            other.close()

    async def test_a_file_of_the_first_schema_is_brought_up_to_date(self, clock: Clock) -> None:
        self.path.parent.mkdir()
        connection = sqlite3.connect(self.path)
        connection.executescript(
            "CREATE TABLE sessions (platform TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,"
            " heard_s REAL NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (platform, id));"
            f"INSERT INTO sessions VALUES ('hume', 'ann', 4, {clock()}, x'01'); PRAGMA user_version = 1"
        )
        connection.close()
        async with self.open(clock) as store:
            found = await store.load(ANN)
            assert found is not None
            assert (found.version, found.payload) == (4, b"\x01")
        connection = sqlite3.connect(self.path)
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'sessions_by_heard'").fetchone()
        connection.close()

    async def test_a_file_of_a_later_schema_is_left_alone(self, clock: Clock) -> None:
        self.path.parent.mkdir()
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        async with self.open(clock) as store:
            with pytest.raises(StoreError, match="written by a newer elizad"):
                await store.save([Save(record(ANN, 1, clock), True)])

    async def test_a_file_that_is_no_database(self, clock: Clock) -> None:
        self.path.parent.mkdir()
        self.path.write_bytes(b"once upon a time " * 1000)
        async with self.open(clock) as store:
            with pytest.raises(StoreError, match=r"sessions\.sqlite3: file is not a database"):
                await store.load(ANN)
            with pytest.raises(StoreError):
                await store.save([Save(record(ANN, 1, clock), True)])
            self.path.unlink()
            assert await store.save([Save(record(ANN, 1, clock), True)]) == [1], "a file that is taken away heals it"
        assert self.path.read_bytes()[:6] == b"SQLite"

    async def test_a_database_with_a_hole_in_it(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(Key("hume", str(n)), 1, clock, b"x" * 3000), True) for n in range(40)])
        with self.path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(self.path.stat().st_size - 4096))
        async with self.open(clock) as store:
            with pytest.raises(StoreError, match=r"sessions\.sqlite3"):
                await store.save([Save(record(ANN, 1, clock), True)])

    async def test_a_file_that_is_removed_while_it_is_open(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 1, clock), True)])
            assert await store.load(ANN) is not None
            shutil.rmtree(self.path.parent)
            assert await store.load(ANN) is None
            assert await store.save([Save(record(ANN, 2, clock), False)]) == [None]
            assert await store.save([Save(record(BEN, 1, clock), True)]) == [1]
            assert self.path.exists()

    async def test_a_path_that_is_a_folder(self, clock: Clock) -> None:
        self.path.mkdir(parents=True)
        async with self.open(clock) as store:
            with pytest.raises(StoreError, match="is a directory"):
                await store.load(ANN)

    async def test_a_folder_that_cannot_be_written(self, clock: Clock) -> None:
        self.path.parent.mkdir(mode=0o755)
        with _as_nobody(self.path):
            self.path.parent.chmod(0o555) if os.geteuid() != NOBODY else None
            async with self.open(clock) as store:
                with pytest.raises(StoreError, match="permission denied"):
                    await store.save([Save(record(ANN, 1, clock), True)])

    async def test_a_file_that_belongs_to_somebody_else(self, clock: Clock) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root can give a file to somebody else")
        async with self.open(clock) as store:
            await store.load(ANN)
        self.path.parent.chmod(0o777)
        with _as_nobody(self.path):
            async with self.open(clock) as store:
                with pytest.raises(StoreError, match="permission denied"):
                    await store.load(ANN)

    async def test_a_full_disk_and_room_again(self, clock: Clock) -> None:
        """The disk is as full as one page allows; what had been kept is still there, and later it works again."""
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 1, clock), True)])
            assert isinstance(store, SqliteStore)
            writer = store._writer._open
            assert writer is not None
            writer.execute("PRAGMA max_page_count = 1")
            saves = [Save(record(Key("hume", str(n)), 1, clock, b"x" * 4000), True) for n in range(20)]
            with pytest.raises(StoreError, match="database or disk is full"):
                await store.save(saves)
            assert [found.key for found in await store.latest()] == [ANN], "nothing of a failed save is there"
            assert await store.save(saves) == [1] * 20

    async def test_a_file_that_may_not_grow(self, clock: Clock) -> None:
        """A limit of the system (RLIMIT_FSIZE), in a process of its own: the write itself fails."""
        program = f"""
import resource, signal, trio
from pathlib import Path
from elizad.errors import StoreError
from elizad.store.api import Key, Save, SessionRecord
from elizad.store.sqlite import SqliteStore

async def main():
    store = SqliteStore(Path({str(self.path)!r}), 1e9, 100)
    key = Key("hume", "ann")
    await store.save([Save(SessionRecord(key, 1, {clock()}, b"small"), True)])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        await store.save([Save(SessionRecord(key, 2, {clock()}, b"x" * 500_000), True)])
    except StoreError as error:
        print("failed:", error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print("there:", (await store.load(key)).version)
    print("again:", await store.save([Save(SessionRecord(key, 3, {clock()}, b"x" * 500_000), True)]))
    await store.close()

trio.run(main)
"""
        done = await trio.run_process(
            [sys.executable, "-c", program], capture_stdout=True, capture_stderr=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        lines = done.stdout.decode().splitlines()
        assert lines[0].startswith("failed: ")
        assert lines[1:] == ["there: 1", "again: [3]"]

    async def test_other_processes_come_and_go(self, clock: Clock) -> None:
        """The last one that closes a database takes its log along: it must know that we are still there."""
        look = [sys.executable, "-c", _LOOK, str(self.path)]
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 0, clock), True)])
            await store.load(ANN)  # both connections are there now
            for version in range(1, 4):
                await store.save([Save(record(ANN, version, clock), False)])
                found = await trio.run_process(look, capture_stdout=True)
                assert found.stdout.split() == [b"%d" % version]
                assert (self.path.parent / "sessions.sqlite3-wal").exists()

    async def test_another_process_may_write_it_anew_meanwhile(self, clock: Clock) -> None:
        async with self.open(clock) as daemon, self.open(clock) as tool:
            await daemon.save([Save(record(BEN, 0, clock), True)])
            for version in range(1, 30):
                await daemon.save([Save(record(ANN, version, clock), True)])
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(tool.forget, ANN)
                    nursery.start_soon(daemon.save, [Save(record(BEN, version, clock), False)])
                    nursery.start_soon(daemon.load, BEN)
            found = await daemon.load(BEN)
            assert found is not None
            assert found.version == 29


@contextmanager
def _as_nobody(path: Path) -> Iterator[None]:
    """Root may do everything, so be somebody else meanwhile; the folders above must let them through."""
    if os.geteuid() != 0:
        yield
        return
    opened = [(folder, folder.stat().st_mode) for folder in path.parents if not folder.stat().st_mode & stat.S_IXOTH]
    for folder, mode in opened:
        folder.chmod(mode | stat.S_IXOTH)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for folder, mode in opened:
            folder.chmod(mode)


def test_where_the_file_is() -> None:
    assert session_file("/a/b.sqlite3", {"STATE_DIRECTORY": "/var/lib/elizad"}) == Path("/a/b.sqlite3")
    assert session_file("", {"STATE_DIRECTORY": "/var/lib/elizad:/more"}) == Path("/var/lib/elizad/sessions.sqlite3")
    assert session_file("", {"XDG_STATE_HOME": "/s"}) == Path("/s/elizad/sessions.sqlite3")
    home = Path.home() / ".local/state/elizad/sessions.sqlite3"
    assert session_file("", {}) == session_file("", {"XDG_STATE_HOME": "not/absolute"}) == home


def test_sqlite_is_not_used_on_the_event_loop(tmp_path: Path) -> None:
    """A slow statement holds up whoever waits for it and nobody else."""

    async def main() -> int:
        store = SqliteStore(tmp_path / "sessions.sqlite3", KEEP_S, MAX_SESSIONS)
        ticks = 0
        await store.load(ANN)
        with sqlite3.connect(tmp_path / "sessions.sqlite3", isolation_level=None, check_same_thread=False) as other:
            other.execute("BEGIN IMMEDIATE")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store.save, [Save(record(ANN, 1, Clock()), True)])
                for _ in range(20):
                    await trio.sleep(0.01)
                    ticks += 1
                other.execute("COMMIT")
        other.close()
        await store.close()
        return ticks

    assert trio.run(main) == 20


def test_the_library_is_found_by_the_interpreter_that_runs_us() -> None:
    done = subprocess.run([sys.executable, "-c", "import sqlite3; print(sqlite3.threadsafety)"], capture_output=True)
    assert done.stdout.strip() == b"3", "SQLite must be built to be used by several threads"
