"""What is asked of the sessions from outside of a call: lists, one record, saves that are waited for, and removal."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from elizad.errors import StoreError
from elizad.service.saving import Saving
from elizad.store.api import Key
from tests.support.kept import Node, opened, time_s

ONE, TWO, OTHER = Key("evi.chat", "one"), Key("evi.chat", "two"), Key("hume", "one")


def save(node: Node, key: Key, payload: bytes) -> Saving:
    saving = Saving(key, None, lambda: None)
    node.sessions.save(saving, payload)
    return saving


async def listed(node: Node, limit: int | None = None) -> list[tuple[str, bytes]]:
    return [(record.key.id, record.payload) for record in await node.sessions.latest("evi.chat", limit)]


async def test_a_list_has_what_waits_and_what_is_being_written_in_its_newest_form(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.save_s = 1
        one = save(node, ONE, b"1")
        save(node, OTHER, b"x")
        assert await listed(node) == [("one", b"1")]
        await trio.sleep(0.5)  # it is being written
        assert await listed(node) == [("one", b"1")]
        save(node, TWO, b"2")
        node.sessions.save(one, b"newer")
        assert sorted(await listed(node)) == [("one", b"newer"), ("two", b"2")]
        await trio.sleep(10)
        assert sorted(await listed(node)) == [("one", b"newer"), ("two", b"2")]
        assert len(await listed(node, 1)) == 1


async def test_a_list_that_is_asked_for_while_something_is_written_has_it(autojump_clock: MockClock) -> None:
    async with opened() as node:
        save(node, ONE, b"1")
        latest = node.disk.latest

        async def slow(limit: int | None = None, platforms: object = ()) -> list[object]:
            found = await latest(limit, ("evi.chat",))
            await trio.sleep(5)  # by now it is saved, and waits no more
            return list(found)

        node.disk.latest = slow  # type: ignore[assignment, method-assign]
        assert await listed(node) == [("one", b"1")]


async def test_what_is_removed_is_not_saved_again_by_what_waits(autojump_clock: MockClock) -> None:
    async with opened() as node:
        saving = save(node, ONE, b"1")
        assert await node.sessions.forget(ONE), "it was about to be saved"
        assert saving.is_gone
        node.sessions.save(saving, b"again")
        await trio.sleep(2)
        assert await listed(node) == []
        assert not await node.sessions.forget(ONE)


async def test_what_is_being_written_is_removed_after_it(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.save_s = 1
        save(node, ONE, b"1")
        await trio.sleep(0.5)
        assert await node.sessions.forget(ONE)
        await trio.sleep(5)
        assert await listed(node) == []
        assert ONE not in node.disk._records


async def test_a_save_that_is_waited_for_is_in_the_store_at_once_or_never(autojump_clock: MockClock) -> None:
    async with opened() as node:
        await node.sessions.save_now(Saving(ONE, None, lambda: None), b"1", 9e9)
        assert trio.current_time() == 0
        record = node.disk._records[ONE]
        assert (record.payload, record.heard_s) == (b"1", 9e9)
        node.disk.is_broken = True
        with pytest.raises(StoreError, match="on fire"):
            await node.sessions.save_now(Saving(ONE, record.version, lambda: None), b"2", time_s())
        node.disk.is_broken = False
        await trio.sleep(20)
        assert node.disk._records[ONE].payload == b"1"


async def test_one_record_is_fetched_however_long_it_takes(autojump_clock: MockClock) -> None:
    async with opened() as node:
        assert await node.sessions.fetch(ONE) is None
        save(node, ONE, b"1")
        for _ in range(2):
            found = await node.sessions.fetch(ONE)
            assert found is not None
            assert found.payload == b"1"
            await trio.sleep(2)
            node.disk.load_s = 1
        node.disk.is_broken = True
        with pytest.raises(StoreError, match="on fire"):
            await node.sessions.fetch(ONE)


async def test_a_store_that_is_not_open_yet() -> None:
    async with opened() as node:
        node.sessions._store = None
        for do in (node.sessions.latest("evi.chat"), node.sessions.forget(ONE)):
            with pytest.raises(StoreError, match="not open yet"):
                await do
