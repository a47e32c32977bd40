"""The gate between a WebSocket and its transport: a bound on what comes in, one deadline on each write, and counters.

It knows nothing of frames but their number. One task reads, several may write.
"""

from __future__ import annotations

import errno
import os
from typing import Final

import trio

from elizad.net.limits import Limits
from elizad.net.throttle import Bucket

READ_BYTES: Final = 65_536
"""One read. A resent transcript of 20 KiB arrives in one system call, where trio-websocket's own 4 KiB takes five."""

_MOST_READ_BYTES: Final = 1024 * 1024  # in one read, of a message that is known to be long: a tenth of a millisecond

LINGER_BYTES: Final = 16 * 1024 * 1024
"""What `linger` reads and drops at most: the rest of a message that was too big, and a bound on a peer's patience."""

_MOST_FRAMES: Final = 16_384
"""Without a whole message among them. A message of 4 MiB in fragments of 4 KiB has 1024; a ping each second makes as
many in four hours. It bounds what wsproto does not count: empty fragments, pings and pongs."""


class Gate:
    """All that comes from `transport`, and all that goes to it.

    A write that does not complete, because the time ran out or the writer was cancelled, may have sent part of a frame,
    so the transport is closed at once and stays closed; `stalled` tells the first reason from the second. As long as
    anybody uses the gate, nobody else closes the transport.
    """

    __slots__ = (
        "_bucket",
        "_closed",
        "_fd",
        "_frames",
        "_is_drained",
        "_limits",
        "_lock",
        "_messages_per_s",
        "_reading_since",
        "bytes_in",
        "bytes_out",
        "clock",
        "stalled",
        "transport",
        "writing",
    )

    def __init__(self, transport: trio.abc.Stream, limits: Limits, early: int = 0) -> None:
        """`early` bytes were received elsewhere."""
        self.transport = transport
        self._limits = limits
        self.clock = trio.lowlevel.current_clock()  # to ask it takes half of what trio.current_time does
        # The descriptor of a plain socket, until `cut` closes it: from then on it can be another connection's.
        self._fd = transport.socket.fileno() if isinstance(transport, trio.SocketStream) else -1
        self._lock: trio.Lock | None = None  # of the writers, when one has had to wait
        self._is_drained = True  # the last read took all that there was
        self._closed = False
        self._reading_since: float | None = None
        self._frames = 0  # since the last whole message
        self.stalled = False
        self.bytes_in = early
        self.bytes_out = 0
        self.writing: trio.Event | None = None
        """Set when the last that `write_soon` was given is written, or cannot be; then there is none."""
        self.take_at_most(limits.messages_per_s)

    # -- what may come in ------------------------------------------------------------------------------------------

    def take_at_most(self, messages_per_s: float) -> None:
        """Hold the peer to so many from here on."""
        self._messages_per_s = messages_per_s
        self._bucket = Bucket(messages_per_s, trio.current_time())

    def admit_message(self, now: float, size: int) -> str | None:
        """Count a whole message, at trio time `now`; what is wrong with so many, or None."""
        self._frames = 0
        return None if self._bucket.take(now, 1 + size // READ_BYTES) else self.too_many

    def admit_frames(self, frames: int, controls: int) -> str | None:
        """Count frames that make no whole message, so many of them pings, pongs and closes; as `admit_message`."""
        self._frames += frames
        if self._frames > _MOST_FRAMES:
            return "too many frames without a whole message"
        return None if self._bucket.take(trio.current_time(), controls) else self.too_many

    @property
    def too_many(self) -> str:
        """What is said of more than messages_per_s."""
        return f"more than {self._messages_per_s:g} messages a second"

    def silent_s(self, now: float) -> float:
        """For how many seconds, at trio time `now`, a read has waited for the peer; 0 when nobody is reading.

        Time in which we do not read says nothing about the peer, so it does not count.
        """
        return 0.0 if self._reading_since is None else max(0.0, now - self._reading_since)

    async def read(self, expected: int = 0) -> bytes:
        """Wait for what comes next; nothing when no more will come.

        That is READ_BYTES at most, or more where more are `expected`.

        Raises: BrokenResourceError, ClosedResourceError. Cancelling: loses nothing.
        """
        if self._reading_since is not None:
            raise trio.BusyResourceError("another task is reading from this stream")
        if self._closed:
            await trio.lowlevel.checkpoint()
            raise trio.ClosedResourceError("this stream is closed")
        most = READ_BYTES if expected <= READ_BYTES else min(expected, _MOST_READ_BYTES)
        self._reading_since = self.clock.current_time()
        try:
            if self._fd < 0:
                data = bytes(await self.transport.receive_some(READ_BYTES))
            else:
                # As SocketStream.receive_some, without the calls between it and the system's, and their checkpoints.
                if self._is_drained:
                    await trio.lowlevel.wait_readable(self._fd)
                else:
                    await trio.lowlevel.checkpoint()
                while True:
                    try:
                        data = os.read(self._fd, most)
                        break
                    except BlockingIOError:
                        await trio.lowlevel.wait_readable(self._fd)
                self._is_drained = len(data) < most
        except OSError as error:
            if error.errno == errno.EBADF:
                raise trio.ClosedResourceError("this socket was already closed") from None
            raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
        finally:
            self._reading_since = None
        self.bytes_in += len(data)
        return data

    # -- what goes out ---------------------------------------------------------------------------------------------

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write `data` whole, for any number of tasks, one after the other.

        What the socket's buffer takes at once is written without a checkpoint.

        Raises: BrokenResourceError when the peer is gone or has not read for write_timeout_s (`stalled`);
        ClosedResourceError. Cancelling: closes the transport, since part of `data` may be on its way; while it waits
        for another write, it is safe.
        """
        sent = self.write_at_once(data)
        if sent < len(data):
            await self.write_rest(data, sent)

    def write_at_once(self, data: bytes | bytearray | memoryview) -> int:
        """Write what the socket's buffer takes at once, unless others are writing; how many bytes that is.

        If it is not all, `write_rest` has to follow before anything else can happen. Raises: ClosedResourceError.
        """
        if self._fd < 0:
            if self._closed:
                raise trio.ClosedResourceError("this stream is closed")
            return 0
        if self._lock is not None and self._lock.locked():
            return 0
        try:
            sent = os.write(self._fd, data)
        except OSError:
            return 0  # it is full, or gone: the slow way tells which
        self.bytes_out += sent
        return sent

    async def write_rest(self, data: bytes | bytearray | memoryview, sent: int) -> None:
        """Write all but the `sent` bytes that `write_at_once` has written. Raises and Cancelling: as `write`."""
        lock = self._turns()
        try:
            lock.acquire_nowait()  # without a checkpoint, at which a frame could be left torn
        except trio.WouldBlock:
            await lock.acquire()
        try:
            if self._closed:
                raise trio.ClosedResourceError("this stream is closed")
            with trio.fail_after(self._limits.write_timeout_s):
                await self.transport.send_all(memoryview(data)[sent:])
        except trio.TooSlowError:
            self.stalled = True
            await self.cut()
            message = f"the peer did not read for {self._limits.write_timeout_s:g} s"
            raise trio.BrokenResourceError(message) from None
        except trio.Cancelled:
            await self.cut()
            raise
        finally:
            lock.release()
        self.bytes_out += len(data) - sent

    def write_soon(self, data: bytes, nursery: trio.Nursery) -> None:
        """Write `data` in a task of its own, which tells nobody if it cannot: whoever reads will notice.

        For who must not tear a frame by being cancelled.
        """
        self.writing = trio.Event()
        nursery.start_soon(self._write_now, data, self.writing)

    async def written(self) -> None:
        """Wait until the last that `write_soon` was given is written, or cannot be. Cancelling: safe."""
        if self.writing is not None:
            await self.writing.wait()

    async def _write_now(self, data: bytes, done: trio.Event) -> None:
        try:
            await self.write(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            if self.writing is done:
                self.writing = None
            done.set()

    async def send_eof(self) -> None:
        """After the writes under way, tell the peer that no more will come, if the transport can.

        Raises: BrokenResourceError, ClosedResourceError. Cancelling: safe.
        """
        await self.written()
        async with self._turns():
            if isinstance(self.transport, trio.abc.HalfCloseableStream):
                await self.transport.send_eof()

    async def cut(self) -> None:
        """Close the transport without ceremony, at once. Cancelling: it is closed all the same."""
        self._closed = True
        self._fd = -1
        await close_now(self.transport)

    def _turns(self) -> trio.Lock:
        if self._lock is None:
            self._lock = trio.Lock()
        return self._lock


async def close_now(resource: trio.abc.AsyncResource) -> None:
    """Close without ceremony. As trio.aclose_forcefully, but never with a Cancelled of its own.

    In a `finally` such a Cancelled would take the place of the exception that is on its way, and be swallowed with it.
    """
    if isinstance(resource, trio.SocketStream):
        resource.socket.close()  # all that its aclose does before a checkpoint; every connection ends here, and twice
        return
    with trio.CancelScope(shield=True):
        await trio.aclose_forcefully(resource)


async def linger(stream: trio.abc.ReceiveStream, timeout_s: float) -> None:
    """Read and drop until the peer closes, LINGER_BYTES have come or `timeout_s` is over.

    For use after send_eof: a TCP socket that is closed with unread input is reset, and the reset can overtake our last
    words (RFC 9112 section 9.6). The caller closes the stream afterwards.

    Cancelling: safe.
    """
    with trio.move_on_after(timeout_s):
        try:
            dropped = 0
            while dropped < LINGER_BYTES and (data := await stream.receive_some(READ_BYTES)):
                dropped += len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
