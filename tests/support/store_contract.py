"""What every store does. A test module subclasses StoreContract and says how its store is opened."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager

import pytest
import trio

from elizad.store.api import Key, Save, SessionRecord, Store

DAY_S = 86_400.0
KEEP_S = 30 * DAY_S
MAX_SESSIONS = 50

ANN = Key("hume", "ann")
BEN = Key("hume", "ben")
ODD = Key("retell", "caller_id=+49 30 %_:*?[x]{y}\"'\\ ä☎ 123")


class Clock:
    """Unix time, which the test sets forward."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def record(
    key: Key, version: int, clock: Clock, payload: bytes = b"\x00payload\xff", ago_s: float = 0
) -> SessionRecord:
    return SessionRecord(key, version, clock() - ago_s, payload)


class StoreContract:
    """The tests. `open` gives a new, empty store that keeps KEEP_S and, if it bounds them, MAX_SESSIONS."""

    bounds_sessions = True

    def open(self, clock: Clock) -> AbstractAsyncContextManager[Store]:
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.mark.parametrize("key", [ANN, ODD, Key("hume", "x" * 256)])
    async def test_what_is_saved_comes_back(self, clock: Clock, key: Key) -> None:
        async with self.open(clock) as store:
            assert await store.load(key) is None
            saved = record(key, 7, clock, bytes(range(256)) * 20)
            assert await store.save([Save(saved, True)]) == [7]
            assert await store.load(key) == saved
            assert await store.load(Key("hume", "somebody else")) is None
            assert await store.load(Key("other", key.id)) is None, "an id is one platform's"

    async def test_newer_replaces_and_older_does_not(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            big = 1_790_000_000_000  # versions are milliseconds
            newer, older = record(ANN, big + 1, clock, b"newer"), record(ANN, big, clock, b"older")
            assert await store.save([Save(older, True)]) == [big]
            assert await store.save([Save(newer, False)]) == [big + 1]
            for is_new in (True, False):
                assert await store.save([Save(older, is_new)]) == [big + 1], "the newer one is told of"
            assert await store.load(ANN) == newer

    async def test_the_same_again_is_kept(self, clock: Clock) -> None:
        """A save whose answer was lost is sent again."""
        async with self.open(clock) as store:
            for _ in range(2):
                assert await store.save([Save(record(ANN, 3, clock), True)]) == [3]

    async def test_versions_are_compared_as_numbers(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 9, clock), True)])
            assert await store.save([Save(record(ANN, 10, clock), False)]) == [10]
            high = 2**53
            assert await store.save([Save(record(ANN, high, clock), False)]) == [high]
            assert await store.save([Save(record(ANN, high + 1, clock), False)]) == [high + 1]

    async def test_many_at_once_each_with_its_own_answer(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 5, clock, b"kept"), True)])
            answers = await store.save(
                [
                    Save(record(ANN, 4, clock, b"older"), False),
                    Save(record(BEN, 1, clock), True),
                    Save(record(ODD, 1, clock), False),
                ]
            )
            assert answers == [5, 1, None]
            assert (await store.load(ANN)).payload == b"kept"  # type: ignore[union-attr]
            assert await store.load(BEN) is not None
            assert await store.load(ODD) is None
            assert await store.save([]) == []

    async def test_a_batch_in_which_some_were_overtaken_and_some_removed(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            keys = [Key("hume", f"caller {number}") for number in range(45)]
            assert await store.save([Save(record(key, 5, clock), True) for key in keys[:40]]) == [5] * 40
            assert await store.forget(keys[7])
            versions = [4 if number % 10 == 3 else 6 for number in range(45)]
            saves = [Save(record(key, versions[n], clock, b"%d" % n), n >= 40) for n, key in enumerate(keys)]
            expected: list[int | None] = [5 if version == 4 else 6 for version in versions]
            expected[7], expected[43] = None, 4
            assert await store.save(saves) == expected
            for number, key in enumerate(keys):
                there = await store.load(key)
                assert (there and there.version) == expected[number]
                if there is not None and expected[number] == versions[number]:
                    assert there.payload == b"%d" % number

    async def test_what_was_forgotten_is_not_brought_back(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 1, clock), True), Save(record(BEN, 1, clock), True)])
            assert await store.forget(ANN)
            assert not await store.forget(ANN)
            assert await store.load(ANN) is None
            assert await store.load(BEN) is not None
            assert await store.save([Save(record(ANN, 2, clock), False)]) == [None]
            assert await store.load(ANN) is None
            assert await store.save([Save(record(ANN, 1, clock), True)]) == [1], "a new one may begin"

    async def test_what_was_not_heard_for_long_is_gone(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            await store.save(
                [Save(record(ANN, 1, clock, ago_s=KEEP_S - DAY_S), True), Save(record(BEN, 1, clock), True)]
            )
            assert await store.load(ANN) is not None
            clock.now += 2 * DAY_S
            assert await store.load(ANN) is None
            assert [found.key for found in await store.latest()] == [BEN]

    async def test_the_old_ones_are_forgotten_together(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            for days, key in enumerate((ANN, BEN, ODD)):
                await store.save([Save(record(key, 1, clock, ago_s=days * DAY_S), True)])
            assert await store.forget_older_than(clock() - 0.5 * DAY_S) == 2
            assert await store.forget_older_than(clock() - 0.5 * DAY_S) == 0
            assert [found.key for found in await store.latest()] == [ANN]

    async def test_the_latest_come_first(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            saved = [record(Key("hume", str(n)), 1, clock, ago_s=(n * 7) % 10) for n in range(10)]
            await store.save([Save(one, True) for one in saved])
            expected = sorted(saved, key=lambda one: -one.heard_s)
            assert await store.latest() == expected
            assert await store.latest(3) == expected[:3]
            assert await store.latest(0) == []

    async def test_the_latest_of_some_platforms(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            saved = [record(Key(("hume", "evi.chat", "evi")[n % 3], str(n)), 1, clock, ago_s=n) for n in range(9)]
            await store.save([Save(one, True) for one in saved])
            assert await store.latest(platforms=("evi",)) == saved[2::3], "not those whose name only begins so"
            assert await store.latest(2, ("evi.chat", "hume")) == [saved[0], saved[1]]
            assert await store.latest(platforms=("retell",)) == []
            assert await store.latest(platforms=("%", "*", "evi_chat")) == []

    async def test_no_more_than_allowed(self, clock: Clock) -> None:
        if not self.bounds_sessions:
            pytest.skip("this store has a bound of its own")
        async with self.open(clock) as store:
            for n in range(MAX_SESSIONS + 10):
                await store.save([Save(record(Key("hume", str(n)), 1, clock, ago_s=100 - n), True)])
            left = await store.latest()
            assert len(left) == MAX_SESSIONS
            assert left[-1].key.id == "10", "those not used for longest go"

    async def test_cancelled_it_is_done_or_not_done(self, clock: Clock) -> None:
        async with self.open(clock) as store:
            for version, after_s in enumerate((0, 0.0001, 0.0005, 0.001, 0.002, 0.005), 1):
                with trio.move_on_after(after_s):
                    await store.save([Save(record(key, version, clock, b"v%d" % version), True) for key in (ANN, BEN)])
                both = [await store.load(key) for key in (ANN, BEN)]
                assert (both[0] is None) == (both[1] is None)
                if both[0] is not None and both[1] is not None:
                    assert both[0].version == both[1].version
                    assert both[0].payload == b"v%d" % both[0].version
            assert await store.save([Save(record(ANN, 99, clock), True)]) == [99]

    async def test_many_tasks_at_once(self, clock: Clock) -> None:
        """Twenty tasks raise one session's version; the highest stands in the end, whoever came last."""
        async with self.open(clock) as store:
            await store.save([Save(record(ANN, 0, clock), True)])

            async def save(version: int) -> None:
                (there,) = await store.save([Save(record(ANN, version, clock, b"%d" % version), False)])
                assert there is not None
                assert there >= version

            async with trio.open_nursery() as nursery:
                for version in range(1, 21):
                    nursery.start_soon(save, version)
            found = await store.load(ANN)
            assert found is not None
            assert (found.version, found.payload) == (20, b"20")
