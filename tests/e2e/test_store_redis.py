"""Sessions in Redis: a real server, of Debian's package, on a Unix socket."""

from __future__ import annotations

import gc
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from elizad.errors import StoreError
from elizad.store.api import Save, Store
from tests.support.daemon import Daemon, elizad
from tests.support.returning import SCRIPT, called
from tests.support.store_contract import ANN, KEEP_S, Clock, StoreContract, record

pytestmark = [
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
    # coredis leaves what it made for a connection that could not be had to the garbage collector.
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
    pytest.mark.skipif(importlib.util.find_spec("coredis") is None, reason="coredis is not installed (elizad[redis])"),
]


class Server:
    """A Redis with nothing in it. `start` and `stop` it."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._socket.parent)
        for _ in range(500):
            if self._socket.exists():
                return
            time.sleep(0.01)
        raise TimeoutError("redis-server does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._socket.unlink(missing_ok=True)
            self._process = None

    def ask(self, *command: str) -> str:
        asked = subprocess.run(["redis-cli", "-s", str(self._socket), *command], capture_output=True, check=True)
        return asked.stdout.decode().strip()


@pytest.fixture(autouse=True)
def _collect() -> Iterator[None]:
    """Let what coredis left be collected while its warning is expected."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="elizad-redis-") as name:  # a socket's path must be short
        yield Path(name)


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Server]:
    server = Server(folder)
    server.start()
    yield server
    server.stop()


class TestRedis(StoreContract):
    bounds_sessions = False

    @pytest.fixture(autouse=True)
    def _server(self, running: Server) -> None:
        self.server = running
        running.ask("FLUSHALL")

    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Store]:
        from elizad.store.redis import open_redis

        async with open_redis(self.server.url, KEEP_S, clock) as store:
            yield store

    async def test_two_machines_do_not_overwrite_each_others_newer_state(self, clock: Clock) -> None:
        async with self.open(clock) as one, self.open(clock) as other:
            await one.save([Save(record(ANN, 1, clock), True)])
            assert await other.save([Save(record(ANN, 3, clock, b"other"), False)]) == [3]
            assert await one.save([Save(record(ANN, 2, clock, b"one"), False)]) == [3]
            found = await one.load(ANN)
            assert found is not None
            assert found.payload == b"other"

    async def test_redis_itself_forgets_what_is_too_old(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 1, clock, ago_s=KEEP_S - 1000), True)])
            assert 900 < int(self.server.ask("TTL", "elizad:session:hume:ann")) <= 1000
            await store.save([Save(record(ANN, 2, clock, ago_s=KEEP_S - 0.05), False)])
            await trio.sleep(0.1)
            assert self.server.ask("EXISTS", "elizad:session:hume:ann") == "0"

    async def test_what_belongs_to_others_is_left_alone(self, clock: Clock) -> None:
        self.server.ask("SET", "theirs", "1")
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 1, clock), True)])
            assert len(await store.latest()) == 1
            assert await store.forget_older_than(clock() + 1) == 1
        assert self.server.ask("GET", "theirs") == "1"

    async def test_an_error_of_redis_is_told_in_words(self, clock: Clock) -> None:
        self.server.ask("SET", "elizad:session:hume:ann", "no hash")
        async with self.open(clock) as store:
            with pytest.raises(StoreError, match=r"Redis: .*wrong kind"):
                await store.load(ANN)
            with pytest.raises(StoreError):
                await store.save([Save(record(ANN, 1, clock), True)])
            self.server.ask("DEL", "elizad:session:hume:ann")
            assert await store.load(ANN) is None


async def test_a_server_that_is_not_there_and_comes_back(folder: Path) -> None:
    from elizad.store.redis import open_redis

    (folder / "late").mkdir()
    server, clock = Server(folder / "late"), Clock()
    async with open_redis(server.url, KEEP_S, clock) as store:
        with trio.fail_after(10):
            with pytest.raises(StoreError, match="Redis"):
                await store.load(ANN)
            server.start()
            try:
                assert await store.save([Save(record(ANN, 1, clock), True)]) == [1]
                server.stop()
                with pytest.raises(StoreError, match="Redis"):
                    await store.load(ANN)
                server.start()
                assert await store.load(ANN) is None
            finally:
                server.stop()


async def test_a_server_that_does_not_answer_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from elizad.store import redis

    monkeypatch.setattr(redis, "_PATIENCE_S", 0.2)
    path = folder / "silent.sock"
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    await listener.bind(str(path))
    listener.listen(5)
    async with redis.open_redis(f"unix://{path}", KEEP_S) as store:
        with trio.fail_after(5):
            for _ in range(3):
                with pytest.raises(StoreError, match="Redis: "):
                    await store.load(ANN)
    listener.close()


def test_an_address_that_is_none() -> None:
    from elizad.store.redis import RedisStore

    for url in ("", "nonsense", "http://localhost", "redis://", "unix://"):
        with pytest.raises(ValueError, match="redis://"):
            RedisStore(url, KEEP_S)


def test_two_daemons_share_a_session(running: Server, tmp_path: Path) -> None:
    """And `elizad sessions` looks where they do."""
    running.ask("FLUSHALL")
    (tmp_path / "test.eliza").write_text(SCRIPT)
    config = f"""
[eliza]
script = "{tmp_path}/test.eliza"
mode = "1966"
[sessions]
store = "redis"
url = "{running.url}"
durability = "turn"
"""
    with Daemon(config=config, folder=tmp_path) as one, Daemon(config=config, folder=tmp_path) as other:
        with called(one, "ann") as call:
            assert call.say("my sister") == "TELL ME OF YOUR SISTER"
        with called(other, "ann") as call:
            assert call.say("my boat") == "YOUR BOAT AGAIN"
        with called(one, "ann") as call:
            assert call.say("well") == "BEFORE THIS YOUR SISTER"
    listed = elizad("sessions", "--config", str(tmp_path / "config.toml"), "list").stdout.decode()
    assert listed.split("\t")[:2] == ["hume", "ann"]
    assert elizad("sessions", "--config", str(tmp_path / "config.toml"), "forget", "ann").returncode == 0
    assert running.ask("DBSIZE") == "0"
