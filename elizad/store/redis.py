"""Sessions in Redis, for several machines behind one address. Needs `elizad[redis]`; the only importer of coredis.

A session is one hash with an expiry. What is newer is decided in Redis itself, so that of two machines that answer the
same session neither overwrites what the other has kept since.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import trio
from coredis import Redis
from coredis.exceptions import RedisError, ResponseError
from coredis.retry import NoRetryPolicy

from elizad.errors import StoreError
from elizad.store.api import Key, Save, SessionRecord

T = TypeVar("T")

# Redis answers in a millisecond; a call has long gone on without it, and a save is tried again.
_PATIENCE_S: Final = 2.0
_AGAIN_S: Final = 1.0  # until a pool that has broken down is made anew

_CONNECTIONS: Final = 4  # commands share them, and none of ours takes long

_AT_ONCE: Final = 200  # sessions in one call of the script, which nobody else's command can interrupt: a millisecond
_PREFIX: Final = "elizad:session:"

logging.getLogger("coredis").setLevel(logging.CRITICAL)  # what goes wrong is told once, by whoever uses the store

# KEYS: the sessions; ARGV: for each its version, heard_s, payload, seconds to keep it, and "1" if it may be new.
# Versions are compared as text of equal length: numbers in Lua are exact to 53 bits only.
_SAVE: Final = """
local versions = {}
for i, key in ipairs(KEYS) do
    local at = (i - 1) * 5
    local there = redis.call("HGET", key, "version")
    if (there and there < ARGV[at + 1]) or (not there and ARGV[at + 5] == "1") then
        there = ARGV[at + 1]
        redis.call("HSET", key, "version", there, "heard_s", ARGV[at + 2], "payload", ARGV[at + 3])
        redis.call("PEXPIRE", key, ARGV[at + 4])
    end
    versions[i] = there or ""
end
return versions
"""

_READ: Final = """
local rows = {}
for i, key in ipairs(KEYS) do
    rows[i] = redis.call("HMGET", key, "version", "heard_s", "payload")
end
return rows
"""


class RedisStore:
    """A Store. Made by `open_redis`, which keeps `run` running beside it."""

    kind: Final = "redis"

    def __init__(self, url: str, keep_s: float, clock: Callable[[], float] = time.time) -> None:
        """Raises: ValueError for an address that is none."""
        self._url = url
        self._keep_s = keep_s
        self._clock = clock
        self._client: Redis[bytes] | None = None
        self._broken = trio.Event()
        parts = urlsplit(url)
        if not (parts.scheme in ("redis", "rediss") and parts.hostname) and not (parts.scheme == "unix" and parts.path):
            raise ValueError("no address of a Redis: redis://HOST:PORT/NUMBER, rediss://... for TLS, or unix:///PATH")
        self._make()

    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Keep a pool of connections; one that has failed is thrown away whole. Never returns. Cancelling: safe."""
        task_status.started()
        while True:
            self._broken = trio.Event()
            try:
                async with self._make() as self._client:
                    await self._broken.wait()
            except* Exception:
                pass  # whoever wanted something of it has been told
            self._client = None
            await trio.sleep(_AGAIN_S)

    async def load(self, key: Key) -> SessionRecord | None:
        return await self._ask(lambda redis: self._load(redis, _PREFIX + ":".join(key)))

    async def save(self, saves: Sequence[Save]) -> list[int | None]:
        versions: list[int | None] = []
        for begin in range(0, len(saves), _AT_ONCE):
            some = saves[begin : begin + _AT_ONCE]
            versions += await self._ask(lambda redis, some=some: self._save(redis, some))  # type: ignore[misc]
        return versions

    async def latest(self, limit: int | None = None, platforms: Collection[str] = ()) -> list[SessionRecord]:
        found = await self._ask(lambda redis: self._all(redis, platforms))
        return sorted(found, key=lambda record: -record.heard_s)[:limit]

    async def forget(self, key: Key) -> bool:
        return await self._ask(lambda redis: redis.delete([_PREFIX + ":".join(key)])) > 0

    async def forget_older_than(self, heard_s: float) -> int:
        old = [record.key for record in await self.latest() if record.heard_s < heard_s]
        return sum([await self.forget(key) for key in old])

    async def close(self) -> None:
        self._broken.set()

    def _make(self) -> Redis[bytes]:
        try:
            return Redis.from_url(
                self._url,
                retry_policy=NoRetryPolicy(),  # a save is tried again by whoever wanted it
                max_connections=_CONNECTIONS,
                connect_timeout=_PATIENCE_S,
                stream_timeout=_PATIENCE_S,
                **_verified(self._url),
            )
        except TypeError as error:  # a query string with a word that is no option
            raise ValueError(str(error)) from None

    async def _ask(self, question: Callable[[Redis[bytes]], Awaitable[T]]) -> T:
        """Raises: StoreError."""
        client, broken = self._client, self._broken
        try:
            with trio.fail_after(_PATIENCE_S):
                while client is None:
                    await trio.sleep(0.01)
                    client, broken = self._client, self._broken
                return await question(client)
        except ResponseError as error:
            raise StoreError(f"Redis: {error}") from None
        except (trio.TooSlowError, RedisError, RuntimeError, OSError) as error:
            if self._client is client:
                self._client = None
            broken.set()
            slow = isinstance(error, trio.TooSlowError)
            raise StoreError(f"Redis: {f'no answer within {_PATIENCE_S} s' if slow else error}") from None

    async def _load(self, redis: Redis[bytes], name: str) -> SessionRecord | None:
        return self._record(name, await redis.hmget(name, ["version", "heard_s", "payload"]))

    def _record(self, name: str, row: Sequence[bytes | None]) -> SessionRecord | None:
        version, heard, payload = row
        if version is None or heard is None or payload is None or float(heard) < self._clock() - self._keep_s:
            return None
        platform, _, id = name.removeprefix(_PREFIX).partition(":")
        return SessionRecord(Key(platform, id), int(version), float(heard), payload)

    async def _all(self, redis: Redis[bytes], platforms: Collection[str]) -> list[SessionRecord]:
        every = {name.decode() async for name in redis.scan_iter(match=_PREFIX + "*", count=1000)}  # it may repeat one
        names = [name for name in every if not platforms or name.removeprefix(_PREFIX).partition(":")[0] in platforms]
        found: list[SessionRecord | None] = []
        for begin in range(0, len(names), _AT_ONCE):
            some = names[begin : begin + _AT_ONCE]
            rows = cast("list[list[bytes | None]]", await redis.eval(_READ, some, []))
            found += [self._record(name, row) for name, row in zip(some, rows, strict=True)]
        return [record for record in found if record is not None]

    async def _save(self, redis: Redis[bytes], saves: Sequence[Save]) -> list[int | None]:
        values: list[str | bytes | int] = []
        for record, is_new in saves:
            keep_ms = max(int((record.heard_s + self._keep_s - self._clock()) * 1000), 1)
            values += [f"{record.version:020}", repr(record.heard_s), record.payload, keep_ms, int(is_new)]
        names = [_PREFIX + ":".join(save.record.key) for save in saves]
        versions = await redis.eval(_SAVE, names, values)
        assert isinstance(versions, list)
        return [int(cast(bytes, version)) if version else None for version in versions]


@asynccontextmanager
async def open_redis(url: str, keep_s: float, clock: Callable[[], float] = time.time) -> AsyncIterator[RedisStore]:
    """A store for the length of the block. Nothing is connected before it is needed.

    Raises: ValueError for an address that is none.
    """
    store = RedisStore(url, keep_s, clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(store.run)
        yield store
        nursery.cancel_scope.cancel()


def _verified(url: str) -> dict[str, Any]:
    """A certificate that nobody looks at protects nothing, and by default coredis looks neither at issuer nor name."""
    return {"ssl_context": ssl.create_default_context()} if url.startswith("rediss:") else {}
