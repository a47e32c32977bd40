"""The stream that trio-websocket is given: it gets what we pass on to it, and to close it is to leave it.

Whoever receives reads the transport, takes whole text messages out of it and passes the rest on. trio-websocket only
reads by itself when nobody receives any more: while we close, to see the peer's half of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from elizad.net.frames import FrameReader, Passed
from elizad.net.gate import GatedStream
from elizad.net.limits import Limits
from elizad.net.throttle import Bucket

_CLOSE_BYTE: Final = 0x88
"""The first byte of a close frame, FIN and opcode 8 (RFC 6455 section 5.2)."""

FRAMES_AT_ONCE: Final = 128
"""Handed to wsproto before others get their turn: 2 ms at 15 microseconds each."""

_MOST_FRAMES: Final = 16_384
"""Without a whole message among them. A message of 4 MiB in fragments of 4 KiB has 1024; a ping each second makes as
many in four hours. It bounds what wsproto does not count: empty fragments, pings and pongs."""


class KeptStream(GatedStream):
    """The transport stays open for our last words when trio-websocket has closed this."""

    __slots__ = (
        "_closing",
        "_count",
        "_handshaking",
        "_over",
        "_passed",
        "_settled",
        "_work",
        "asked",
        "close_sent",
        "close_written",
        "frames",
        "is_left",
        "is_waiting",
        "overfed",
        "rate",
        "receiving",
        "too_many",
    )

    def __init__(self, transport: trio.abc.Stream, limits: Limits, settled: trio.Event, replay: bytes, early: bytes):
        super().__init__(transport, write_timeout_s=limits.write_timeout_s, replay=replay, early=early)
        self.frames = FrameReader(limits.max_message_bytes)
        self._handshaking = True
        self._count = 0
        self._passed = b""  # for trio-websocket
        self._over = False  # nothing more will come
        self._closing = False
        self._work = trio.Event()  # there is something to do for trio-websocket
        self.asked: Callable[[], object] = lambda: None
        """Called when trio-websocket has read all that it was given and wants more, or will read no more."""
        self.is_waiting = False  # whether trio-websocket wants more and has not got it
        self._settled = settled
        self.is_left = False
        self.receiving = False
        self.take_at_most(limits.messages_per_s)
        self.overfed = ""
        self.close_sent = False
        self.close_written = trio.Event()

    # -- for whoever receives --------------------------------------------------------------------------------------

    def take_at_most(self, messages_per_s: float) -> None:
        """Hold the peer to so many from here on."""
        self.rate = Bucket(messages_per_s, trio.current_time())
        self.too_many = f"more than {messages_per_s:g} messages a second"

    async def read(self) -> bool:
        """Wait for more from the peer; whether there was any. Cancelling: loses nothing."""
        try:
            data = await super().receive_some()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if data:
            self.frames.feed(data)
        else:
            self.end()
        return bool(data)

    def end(self) -> None:
        """Nothing more comes for trio-websocket."""
        self._over = True
        self._work.set()

    def forget_frames(self) -> None:
        """A whole message has been taken: count from here."""
        self._count = 0

    def pass_on(self, passed: Passed) -> None:
        """Give trio-websocket something to read, unless it is more than any peer may send."""
        self._admit(passed)
        self._passed += passed.data
        self.is_waiting = False
        self._work.set()

    async def done(self) -> None:
        """Wait until trio-websocket wants more, or has come to its end. Cancelling: safe."""
        if not self.is_left:
            done = trio.Event()
            self.asked = done.set
            await done.wait()

    def stop_receiving(self) -> None:
        """Nobody receives any more, for now."""
        self.receiving = False
        if self._closing:
            self._work.set()

    def begin_closing(self) -> None:
        """From now on trio-websocket reads by itself when nobody receives."""
        self._closing = True
        self._work.set()

    def leave(self) -> None:
        """trio-websocket will not read any more."""
        self.is_left = True
        self._settled.set()
        self.asked()

    # -- for trio-websocket ----------------------------------------------------------------------------------------

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self.is_left:
            await trio.lowlevel.checkpoint()
            raise trio.ClosedResourceError("trio-websocket has left this stream")
        if self._handshaking:
            self._handshaking = False
            return await super().receive_some(max_bytes)
        while True:
            if self.overfed:
                raise trio.BrokenResourceError(self.overfed)
            if self._passed:
                data, self._passed = self._passed, b""
                return data
            if self._over:
                return b""
            if self._closing and not self.receiving:
                await self._read_alone()
                continue
            self.is_waiting = True
            self.asked()
            self._work = trio.Event()
            await self._work.wait()
            self.is_waiting = False

    async def _read_alone(self) -> None:
        self.frames.pass_all()
        passed = self.frames.next(FRAMES_AT_ONCE)
        if isinstance(passed, Passed):
            await trio.lowlevel.checkpoint()
            self.pass_on(passed)
        else:
            await self.read()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_left:
            await trio.lowlevel.checkpoint()
            raise trio.ClosedResourceError("trio-websocket has left this stream")
        # trio-websocket sends one frame at a time, or the answer to the handshake.
        closing = len(data) > 0 and data[0] == _CLOSE_BYTE
        self.close_sent = self.close_sent or closing
        await super().send_all(data)
        if closing:
            self.close_written.set()
            self._settled.set()

    async def aclose(self) -> None:
        self.leave()
        await trio.lowlevel.checkpoint()

    def _admit(self, passed: Passed) -> None:
        self._count += passed.frames
        if not self.rate.take(trio.current_time(), passed.controls):
            self.overfed = self.too_many
        if self._count > _MOST_FRAMES:
            self.overfed = "too many frames without a whole message"


class ReaderTask:
    """Stands in for the nursery in which wrap_server_stream starts its reader: what that raises stays in here."""

    __slots__ = (
        "_nursery",
        "_scope",
        "done",
        "failure",
        "settled",
        "stream",
    )

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self.done = trio.Event()
        self.settled = trio.Event()
        """It is certain how the connection ends: a close frame is out, the stream is left, or the reader is done."""
        self.failure: Exception | None = None
        self.stream: KeptStream | None = None

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """As of a nursery; once."""
        self._nursery.start_soon(self._run, task)

    async def stop(self) -> None:
        """Cancel the reader and wait until it is gone."""
        self._scope.cancel()
        await self.done.wait()

    async def _run(self, task: Callable[[], Awaitable[None]]) -> None:
        try:
            with self._scope:
                await task()
        except Exception as failure:
            self.failure = failure
        finally:
            self.settled.set()
            self.done.set()
            if self.stream is not None:
                self.stream.leave()
