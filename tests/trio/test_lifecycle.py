"""Draining and watching, on a fake clock."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from elizad.ops import watch
from elizad.service.registry import Registry
from tests.support.calls import make_call


@pytest.mark.parametrize(("calls", "within_s", "gap_s"), [(1, 5, 0.01), (50, 5, 0.01), (1000, 5, 0.005), (20, 0, 0)])
async def test_calls_are_asked_to_end_one_after_the_other(
    calls: int, within_s: float, gap_s: float, autojump_clock: MockClock
) -> None:
    class Call:
        def stop(self) -> None:
            asked.append(trio.current_time())

    asked: list[float] = []
    registry = Registry()
    registry._live.update(Call() for _ in range(calls))  # type: ignore[misc]
    began = trio.current_time()
    await registry.drain(within_s)
    assert len(asked) == calls
    assert asked[0] == began
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps == pytest.approx([gap_s] * (calls - 1))
    assert trio.current_time() - began <= within_s + 0.01


async def test_one_that_comes_while_the_others_are_asked_is_asked_at_once(autojump_clock: MockClock) -> None:
    registry = Registry()
    await registry.drain(5)
    socket, connection = make_call()
    with registry.entered(connection):
        await connection.run()
    assert socket.closed == (1001, "the server is going away")


async def test_a_change_is_told_when_it_has_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_EVERY_S", 0.05)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a", encoding="utf-8")
    files = [str(one)]
    told: list[float] = []

    def change(path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        os.utime(path, ns=(0, len(text)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.changes, lambda: tuple(files), lambda: told.append(trio.current_time()))
        await trio.sleep(0.2)
        assert told == []
        for length in range(2, 12):  # somebody writes, and goes on writing
            change(one, "a" * length)
            await trio.sleep(0.02)
        await trio.sleep(0.3)
        assert len(told) == 1
        files.append(str(two))  # another file is named, and is not there: no change of a file
        await trio.sleep(0.2)
        assert len(told) == 1
        change(two, "b")
        await trio.sleep(0.3)
        assert len(told) == 2
        one.unlink()
        await trio.sleep(0.3)
        assert len(told) == 3
        nursery.cancel_scope.cancel()
