"""The accept loops: a shortage of files is met with patience, and to stop accepting is not to stop serving."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from elizad.net import server
from elizad.net.tally import Tally
from tests.support.peers import CLOSE, TEXT, frame, frames_in, open_front, read_all

Accept = Callable[[], Awaitable[trio.SocketStream]]


class FakeListener(trio.abc.Listener[trio.SocketStream]):
    def __init__(self, accept: Accept) -> None:
        self._accept = accept
        self.closed = False

    async def accept(self) -> trio.SocketStream:
        return await self._accept()

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


async def never(stream: trio.SocketStream) -> None:
    raise AssertionError("nobody connects")


async def serve(listener: FakeListener, for_s: float) -> None:
    async with trio.open_nursery() as connections:
        with trio.move_on_after(for_s):
            await server.serve(
                [listener],  # type: ignore[list-item]
                never,
                connections_nursery=connections,
                max_connections=10,
                tally=Tally(),
            )


async def test_without_files_it_tries_on_and_says_so_once_a_minute(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    async def accept() -> trio.SocketStream:
        nonlocal tries
        tries += 1
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    listener = FakeListener(accept)
    await serve(listener, for_s=150)
    assert 1000 <= tries <= 1510
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [("cannot accept", None)] * 3
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].fields == {"error": "Too many open files", "open": 0}  # type: ignore[attr-defined]
    assert listener.closed


async def test_a_listener_that_fails_for_good_is_reported(autojump_clock: MockClock) -> None:
    async def accept() -> trio.SocketStream:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    listener = FakeListener(accept)
    with pytest.raises(ExceptionGroup) as caught:
        await serve(listener, for_s=10)
    assert caught.group_contains(OSError, match="Bad file descriptor")
    assert listener.closed


async def test_to_stop_accepting_closes_the_port_and_leaves_the_calls() -> None:
    with trio.fail_after(10):
        async with open_front() as front, await front.open() as stream:
            front.accepting.cancel()
            while True:
                try:
                    await (await front.connect()).aclose()
                except OSError:
                    break
                await trio.sleep(0.01)
            await stream.send_all(frame(TEXT, b"still here"))
            assert frames_in(await stream.receive_some()) == [(TEXT, b"still here")]
            await stream.send_all(frame(CLOSE, b"\x03\xe8"))
            assert frames_in(await read_all(stream)) == [(CLOSE, b"\x03\xe8")]
            assert await front.is_empty()
