"""The stream between a WebSocket and its transport: a gate on input, one deadline on each write, and counters.

It knows nothing of frames. It must not be handed to two owners: one task reads, several may write.
"""

from __future__ import annotations

import errno
import operator
import os
from typing import Final

import trio

READ_BYTES: Final = 65_536
"""One read. A resent transcript of 20 KiB arrives in one system call, where trio-websocket's own 4 KiB takes five."""

LINGER_BYTES: Final = 16 * 1024 * 1024
"""What `linger` reads and drops at most: the rest of a message that was too big, and a bound on a peer's patience."""


class GatedStream(trio.abc.Stream):
    """A Stream over `transport` that first gives `replay`, then waits for `open_gate`, then gives `early`, then reads.

    So a handshake can be completed on bytes that were read elsewhere while everything that belongs after it stays
    where it costs nothing: in `early`, whose size the caller has bounded, and in the kernel.

    Every write has `write_timeout_s`. A write that does not complete, because the time ran out or the writer was
    cancelled, may have sent part of a frame, so the transport is closed at once and stays closed; `stalled` tells
    the first reason from the second.
    """

    __slots__ = (
        "_closed",
        "_early",
        "_gate",
        "_is_drained",
        "_reading_since",
        "_replay",
        "_sending",
        "_socket",
        "_write_lock",
        "_write_timeout_s",
        "bytes_in",
        "bytes_out",
        "stalled",
        "transport",
    )

    def __init__(
        self, transport: trio.abc.Stream, *, write_timeout_s: float, replay: bytes = b"", early: bytes = b""
    ) -> None:
        self.transport = transport
        self._write_timeout_s = write_timeout_s
        self._replay = replay
        self._early = early
        self._gate = trio.Event()
        self._write_lock = trio.Lock()
        self._socket = transport.socket if isinstance(transport, trio.SocketStream) else None
        self._is_drained = True  # the last read took all that there was
        self._sending = False
        self._closed = False
        self._reading_since: float | None = None
        self.stalled = False
        self.bytes_in = len(early)
        self.bytes_out = 0

    def open_gate(self) -> None:
        """Let through what comes after `replay`."""
        self._gate.set()

    def silent_s(self, now: float) -> float:
        """For how many seconds, at trio time `now`, a read has waited for the peer; 0 when nobody is reading.

        Time in which we do not read says nothing about the peer, so it does not count.
        """
        return 0.0 if self._reading_since is None else max(0.0, now - self._reading_since)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """See trio.abc.ReceiveStream; `max_bytes` is READ_BYTES unless given.

        Cancelling: loses nothing.
        """
        max_bytes = READ_BYTES if max_bytes is None else operator.index(max_bytes)
        if max_bytes < 1:
            raise ValueError("max_bytes must be 1 or more")
        if self._closed:
            await trio.lowlevel.checkpoint()
            raise trio.ClosedResourceError("this stream is closed")
        if self._replay:
            await trio.lowlevel.checkpoint()
            data, self._replay = self._replay[:max_bytes], self._replay[max_bytes:]
            return data
        if not self._gate.is_set():
            await self._gate.wait()
            if self._closed:
                raise trio.ClosedResourceError("this stream was closed behind its gate")
        if self._early:
            await trio.lowlevel.checkpoint()
            data, self._early = self._early[:max_bytes], self._early[max_bytes:]
            return data
        if self._reading_since is not None:
            raise trio.BusyResourceError("another task is reading from this stream")
        self._reading_since = trio.current_time()
        try:
            if self._socket is not None:
                data = await self._read_socket(self._socket, max_bytes)
            else:
                data = bytes(await self.transport.receive_some(max_bytes))
        finally:
            self._reading_since = None
        self.bytes_in += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See trio.abc.SendStream; waits for a `write` under way.

        Raises: BrokenResourceError when the peer is gone or has not read for write_timeout_s (`stalled`).
        Cancelling: closes the transport, since part of `data` may be on its way.
        """
        if self._sending:
            raise trio.BusyResourceError("another task is in send_all")
        self._sending = True
        try:
            await trio.lowlevel.checkpoint()
            await self.write(data)
        finally:
            self._sending = False

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """As `send_all`, but for any number of tasks: each piece is written whole, one after the other.

        What the socket's buffer takes at once is written without a checkpoint.
        """
        try:
            self._write_lock.acquire_nowait()
        except trio.WouldBlock:
            await self._write_lock.acquire()
        try:
            if self._closed:
                raise trio.ClosedResourceError("this stream is closed")
            sent = self._write_socket(data)
            if sent < len(data):
                await self._write_rest(memoryview(data)[sent:])
            self.bytes_out += len(data)
        finally:
            self._write_lock.release()

    async def _read_socket(self, socket: trio.socket.SocketType, max_bytes: int) -> bytes:
        """As SocketStream.receive_some, without the four calls between it and the system's, and their checkpoints."""
        if self._is_drained:
            await self._until_readable(socket)
        else:
            await trio.lowlevel.checkpoint()
        while True:
            try:
                data = os.read(socket.fileno(), max_bytes)
            except BlockingIOError:
                await self._until_readable(socket)
            except OSError as error:
                if error.errno == errno.EBADF:
                    raise trio.ClosedResourceError("this socket was already closed") from None
                raise trio.BrokenResourceError(f"socket connection broken: {error}") from error
            else:
                self._is_drained = len(data) < max_bytes
                return data

    async def _until_readable(self, socket: trio.socket.SocketType) -> None:
        if socket.fileno() < 0:
            await trio.lowlevel.checkpoint()
            raise trio.ClosedResourceError("this socket was already closed")
        await trio.lowlevel.wait_readable(socket)

    def _write_socket(self, data: bytes | bytearray | memoryview) -> int:
        """Write what the socket's buffer takes at once; how many bytes that is."""
        if self._socket is None:
            return 0
        try:
            return os.write(self._socket.fileno(), data)
        except OSError:
            return 0  # it is full, or gone: the slow way tells which

    async def _write_rest(self, data: memoryview) -> None:
        try:
            with trio.fail_after(self._write_timeout_s):
                await self.transport.send_all(data)
        except trio.TooSlowError:
            self.stalled = True
            await self.cut()
            message = f"the peer did not read for {self._write_timeout_s:g} s"
            raise trio.BrokenResourceError(message) from None
        except trio.Cancelled:
            await self.cut()
            raise

    async def wait_send_all_might_not_block(self) -> None:
        """See trio.abc.SendStream."""
        if self._sending:
            raise trio.BusyResourceError("another task is in send_all")
        self._sending = True
        try:
            await self.transport.wait_send_all_might_not_block()
        finally:
            self._sending = False

    async def send_eof(self) -> None:
        """After the writes under way, tell the peer that no more will come, if the transport can.

        Raises: BrokenResourceError, ClosedResourceError. Cancelling: safe.
        """
        async with self._write_lock:
            if isinstance(self.transport, trio.abc.HalfCloseableStream):
                await self.transport.send_eof()

    async def aclose(self) -> None:
        """Close the transport. Cancelling: it is closed all the same."""
        self._closed = True
        self._gate.set()
        await self.transport.aclose()

    async def cut(self) -> None:
        """Close the transport without ceremony, at once. Cancelling: it is closed all the same."""
        self._closed = True
        self._gate.set()
        await close_now(self.transport)


async def close_now(resource: trio.abc.AsyncResource) -> None:
    """Close without ceremony. As trio.aclose_forcefully, but never with a Cancelled of its own.

    In a `finally` such a Cancelled would take the place of the exception that is on its way, and be swallowed with it.
    """
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
