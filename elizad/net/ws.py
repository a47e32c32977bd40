"""A WebSocket of whole text messages, over trio-websocket. The only file that imports it or wsproto.

trio-websocket completes the handshake, assembles messages, answers pings and closes. What it must not do is decide how
a connection ends: whatever its reader raises stays in here, the stream it is given outlives its close, and the
handshake it sees is one that we wrote. Our own frames are encoded by wsproto and go to the stream in one piece.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import trio
import trio_websocket
from wsproto.frame_protocol import FrameProtocol

from elizad.errors import RemoteError
from elizad.net.door import check_upgrade
from elizad.net.errors import PeerClosed, Stalled
from elizad.net.frames import text_frame
from elizad.net.gate import READ_BYTES, close_now, linger
from elizad.net.head import Head
from elizad.net.kept import FRAMES_AT_ONCE, KeptStream, ReaderTask
from elizad.net.limits import Limits
from elizad.types import CloseCode

_ENCODER: Final = FrameProtocol(client=False, extensions=[])
"""Values to frames. A whole frame leaves no state behind in it, so one serves all connections."""

_TOO_BIG: Final = "Exceeded maximum message size"
"""How trio-websocket's reason begins when it has closed for a message that was too big."""

_SOUND: Final = 4
"""By default 200 messages a second, pieces of 5 ms. Hume's Python SDK sends what a sound card gives it, often 10."""

_QUEUE: Final = 0
"""Messages that wait between trio-websocket's reader and ours: the reader hands over one and reads the next."""


class WebSocket:
    """One open connection; made by `accept_websocket`. One task may receive, any may send, ping and close."""

    __slots__ = (
        "_closing",
        "_connection",
        "_limits",
        "_reader",
        "_stream",
        "_theirs",
        "_verdict",
        "exceeded",
        "fault",
        "heard_at",
        "opened_at",
    )

    def __init__(
        self, connection: trio_websocket.WebSocketConnection, stream: KeptStream, reader: ReaderTask, limits: Limits
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._reader = reader
        self._limits = limits
        self._verdict: PeerClosed | None = None
        self._closing: trio.Event | None = None  # set when we have closed
        self._theirs = False  # the next message, or the end, is to come from trio-websocket
        self.opened_at = self.heard_at = trio.current_time()
        """In trio's time: when the connection was opened, and when the last whole message was taken."""
        self.exceeded = ""  # the limit that the peer's messages exceeded, by its name
        self.fault: int | None = None
        """The close code for what was found wrong in the peer's bytes; None while nothing was."""

    @property
    def bytes_in(self) -> int:
        """Bytes received after the request head."""
        return self._stream.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes sent, the answer to the handshake included."""
        return self._stream.bytes_out

    @property
    def stalled(self) -> bool:
        """Whether a write ran out of time: the peer did not read."""
        return self._stream.stalled

    @property
    def verdict(self) -> PeerClosed | None:
        """How the connection ended; None while it is open."""
        return self._verdict

    @property
    def bug(self) -> Exception | None:
        """What trio-websocket's reader raised though nothing was wrong, or None. It has ended the connection."""
        return self._reader.failure if self._verdict and self._verdict.code == CloseCode.INTERNAL_ERROR else None

    def expect_sound(self) -> None:
        """Take _SOUND times as many messages a second: a microphone is sent in small pieces."""
        self._stream.take_at_most(_SOUND * self._limits.messages_per_s)

    async def receive(self) -> str:
        """The next whole message, where only text is understood.

        Raises: RemoteError 1003 for a binary message, and as `receive_any`. Cancelling: loses nothing.
        """
        message = await self.receive_any()
        if isinstance(message, bytes):
            self.fault = CloseCode.UNSUPPORTED_DATA
            raise RemoteError(CloseCode.UNSUPPORTED_DATA, "only text messages are understood here")
        return message

    async def receive_any(self) -> str | bytes:
        """The next whole message; bytes are a binary one.

        Raises: RemoteError 1008 for more than messages_per_s, and 1009 for a text that is larger than
        max_message_bytes only in UTF-8: close with them. PeerClosed when the connection has ended. Cancelling: loses
        nothing.
        """
        self._stream.receiving = True
        try:
            message = await self._next_message()
        except trio_websocket.ConnectionClosed:
            raise await self._end() from None
        finally:
            self._stream.stop_receiving()
        self._stream.forget_frames()
        self.heard_at = trio.current_time()
        if not self._stream.rate.take(self.heard_at, 1 + len(message) // READ_BYTES):
            self.fault, self.exceeded = CloseCode.POLICY, "messages_per_s"
            raise RemoteError(CloseCode.POLICY, self._stream.too_many)
        if isinstance(message, bytes):
            return message
        most = self._limits.max_message_bytes
        # trio-websocket counts characters; bytes are counted only where that can make a difference.
        if len(message) * 4 > most and not message.isascii() and len(message.encode()) > most:
            self.fault = CloseCode.TOO_BIG
            raise RemoteError(CloseCode.TOO_BIG, f"a message is larger than {most} bytes")
        return message

    async def _next_message(self) -> str | bytes:
        """The next whole message. Raises: ConnectionClosed. Cancelling: loses nothing."""
        stream, frames = self._stream, self._stream.frames
        if not frames.is_empty:
            await trio.lowlevel.checkpoint()  # a peer that sends many at once is not served alone
        while not (self._theirs or stream.is_left):
            found = frames.next(FRAMES_AT_ONCE)
            if isinstance(found, str):
                return found
            if found is None:
                self._theirs = not await stream.read()
            else:
                stream.pass_on(found)
                self._theirs = found.is_end or stream.overfed != ""
                if not self._theirs:
                    await stream.done()
        with trio.CancelScope() as scope:
            stream.asked = scope.cancel
            if stream.is_waiting:
                scope.cancel()
            message: str | bytes = await self._connection.get_message()
            self._theirs = False
            return message
        # It wants more, although it has a whole message or the peer's close: it could not answer that.
        stream.end()
        return await self._connection.get_message()

    async def send(self, frames: Sequence[str]) -> None:
        """Send each of `frames` as one text message, all in one write; what fits into the socket, without a checkpoint.

        Raises: Stalled when the peer did not read for write_timeout_s; PeerClosed when the connection has ended.
        Cancelling: ends the connection without a close frame, since part of a frame may be on its way.
        """
        if self._verdict is not None or self._connection.closed is not None:
            raise await self._end()
        data = b"".join([text_frame(frame) for frame in frames])
        if not data:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._stream.write(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise self._lost() from None

    async def ping(self) -> None:
        """Send an empty ping. The answer is a sign of life (`silent_s`) and is not waited for.

        Does nothing on a connection that has ended, or ends meanwhile. Cancelling: as for `send`.
        """
        if self._verdict is not None or self._connection.closed is not None:
            return
        try:
            await self._stream.write(bytes(_ENCODER.ping()))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._lost()

    def silent_s(self, now: float) -> float:
        """For how many seconds, at trio time `now`, we have waited for the peer to say anything at all."""
        return self._stream.silent_s(now)

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Send a close frame, give the peer close_timeout_s for its half, then close the transport in any case.

        On a connection that has ended already only the rest of that is done: a fault that was found in what the peer
        sent is answered with its own code. `reason` is cut to 123 bytes of UTF-8. A second call waits for the first.
        With ABNORMAL no close frame is sent, as when a line breaks; what was sent before still arrives.

        Cancelling: the transport is closed all the same.
        """
        if self._closing is not None:
            await self._closing.wait()
            return
        self._closing = trio.Event()
        self._stream.begin_closing()
        try:
            with trio.move_on_after(self._limits.close_timeout_s) as patience:
                if self._verdict is None and self._connection.closed is None:
                    self._verdict = PeerClosed(code, reason, by_peer=False)
                    if code == CloseCode.ABNORMAL:
                        await self._part(patience.deadline)
                        return
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._stop_waiting, nursery.cancel_scope)
                        await self._connection.aclose(code, reason or None)
                        nursery.cancel_scope.cancel()
                    if self._reader.failure is not None:
                        await self._part(patience.deadline)
                else:
                    verdict = await self._end()
                    if not verdict.by_peer and verdict.code != CloseCode.ABNORMAL:
                        if not self._stream.close_sent:
                            await self._stream.write(bytes(_ENCODER.close(verdict.code, verdict.reason)))
                        await self._part(patience.deadline)
                await self._stream.send_eof()  # TLS: without its close_notify the peer would call this a broken line
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # The peer has gone in the middle of it.
        finally:
            try:
                await self._stream.cut()
            finally:
                self._closing.set()

    async def abort(self, reason: str) -> None:
        """Close the transport at once, without a close frame, because of `reason`.

        Cancelling: it is closed all the same.
        """
        self._verdict = self._verdict or PeerClosed(CloseCode.ABNORMAL, reason, by_peer=False)
        await self._stream.cut()

    async def _stop_waiting(self, scope: trio.CancelScope) -> None:
        """Only the reader can notice the peer's half of the close: without it, wait no longer than for our own."""
        await self._reader.done.wait()
        await self._stream.close_written.wait()
        scope.cancel()

    async def _part(self, deadline: float) -> None:
        """Our close frame is out and nobody answers for the peer any more: see that a reset does not overtake it."""
        await self._stream.send_eof()
        await self._reader.stop()
        if not self._stream.receiving:  # else somebody reads, and nobody else may
            await linger(self._stream.transport, deadline - trio.current_time())

    async def _end(self) -> PeerClosed:
        """How the connection has ended, once that is certain."""
        if self._verdict is None:
            await self._reader.settled.wait()
            self._verdict = self._verdict or self._judge()
        else:
            await trio.lowlevel.checkpoint()
        return self._verdict.with_traceback(None)

    def _lost(self) -> PeerClosed:
        """How the connection has ended when a write has failed: its reader may not have noticed yet."""
        if self._verdict is None or self._stream.stalled:
            self._verdict = self._judge()
        return self._verdict.with_traceback(None)

    def _judge(self) -> PeerClosed:
        stream, found = self._stream, self._connection.closed
        if stream.stalled:
            return Stalled(f"the peer did not read for {self._limits.write_timeout_s:g} s")
        if stream.overfed:
            self.exceeded = "messages_per_s" if stream.overfed == stream.too_many else ""
            return self._found(CloseCode.POLICY, stream.overfed)
        if found is None and self._reader.failure is not None:
            return PeerClosed(CloseCode.INTERNAL_ERROR, "internal error", by_peer=False)
        if found is None or found.code == CloseCode.ABNORMAL:
            return PeerClosed(CloseCode.ABNORMAL, "the connection was lost", by_peer=True)
        # trio-websocket answers the peer's close frame and sends one for a message that is too big, in the same way.
        # For what wsproto finds wrong it sends none.
        if not stream.close_sent or (found.reason or "").startswith(_TOO_BIG):
            return self._found(found.code, found.reason or "")
        return PeerClosed(found.code, found.reason or "", by_peer=True)

    def _found(self, code: int, reason: str) -> PeerClosed:
        self.fault = code
        return PeerClosed(code, reason, by_peer=False)


@asynccontextmanager
async def accept_websocket(
    stream: trio.abc.Stream, head: Head, early: bytes, limits: Limits
) -> AsyncIterator[WebSocket]:
    """Answer the handshake in `head` and yield the open connection. `early` is what came after the head.

    On leaving, a connection that is still open is closed with 1000, or with 1011 when an exception leaves; then
    `stream` is closed and no task remains. An exception of the body leaves as it is, not in a group.

    Raises: Refusal when `head` is no valid handshake; PeerClosed when the peer does not take the answer within
    handshake_timeout_s.
    Cancelling: `stream` is closed at once.
    """
    handshake = _handshake(check_upgrade(head))
    error: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            reader = ReaderTask(nursery)
            kept = KeptStream(stream, limits, reader.settled, handshake, early)
            reader.stream = kept
            connection = await _answer(kept, reader, limits)
            ws = WebSocket(connection, kept, reader, limits)
            kept.open_gate()
            try:
                yield ws
            except Exception as exc:
                error = exc
                await ws.close(CloseCode.INTERNAL_ERROR, "internal error")
            else:
                await ws.close()
        except PeerClosed as exc:
            error = exc
        finally:
            nursery.cancel_scope.cancel()
            await close_now(stream)
    if error is not None:
        raise error


async def _answer(kept: KeptStream, reader: ReaderTask, limits: Limits) -> trio_websocket.WebSocketConnection:
    try:
        with trio.fail_after(limits.handshake_timeout_s):
            request = await trio_websocket.wrap_server_stream(
                cast(trio.Nursery, reader), kept, _QUEUE, limits.max_message_bytes, READ_BYTES
            )
            return await request.accept()
    except (trio.TooSlowError, trio_websocket.ConnectionClosed):
        raise PeerClosed(CloseCode.ABNORMAL, "left during the handshake", by_peer=True) from None


def _handshake(key: str) -> bytes:
    """The request that wsproto gets to see: the peer's key, and nothing else of what the peer wrote."""
    lines = [
        "GET / HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")
