"""A WebSocket of whole messages: the handshake, whole texts, pings and the peer's close; judge.py has all the rest.

What is usual is read and written here, in the tasks of whoever receives and sends. trio-websocket is called in by the
first frame that is not: a fragment, a binary message, something wrong.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Final

import trio

from elizad.errors import RemoteError
from elizad.net.door import check_upgrade
from elizad.net.errors import PeerClosed, Stalled
from elizad.net.frames import CLOSE, PING, PONG, Control, FrameReader, Passed, close_frame, control_frame, text_frame
from elizad.net.gate import Gate, linger
from elizad.net.handshake import welcome
from elizad.net.head import Head
from elizad.net.judge import FRAMES_AT_ONCE, Judge
from elizad.net.limits import Limits
from elizad.types import CloseCode

_PING: Final = control_frame(PING)

_SOUND: Final = 4
"""By default 200 messages a second, pieces of 5 ms. Hume's Python SDK sends what a sound card gives it, often 10."""


class WebSocket:
    """One connection, made by `accept_websocket` and open in an `async with` block.

    One task may receive, any may send, ping and close.
    """

    # fmt: off
    __slots__ = (
        "_closing", "_frames", "_gate", "_handed_over", "_judge", "_limits", "_nursery", "_receiving",
        "_verdict", "_welcome", "exceeded", "fault", "heard_at", "opened_at",
    )
    # fmt: on

    def __init__(self, stream: trio.abc.Stream, key: str, early: bytes, limits: Limits) -> None:
        nursery = trio.lowlevel.current_task().parent_nursery
        assert nursery is not None, "only the event loop itself has none"
        self._nursery = nursery  # for tasks of ours: that of the task which has us open, so it outlives us
        self._welcome = welcome(key)
        self._gate = Gate(stream, limits, len(early))
        self._frames = FrameReader(limits.max_message_bytes)
        self._frames.feed(early)
        self._limits = limits
        self._judge: Judge | None = None
        self._verdict: PeerClosed | None = None
        self._closing: trio.Event | None = None  # set when we have closed
        self._receiving = False
        self._handed_over: trio.Event | None = None  # set when whoever receives has made room for who closes
        self.opened_at = self.heard_at = trio.current_time()
        """In trio's time: when the connection was opened, and when the last whole message was taken."""
        self.exceeded = ""  # the limit that the peer's messages exceeded, by its name
        self.fault: int | None = None
        """The close code for what was found wrong in the peer's bytes; None while nothing was."""

    @property
    def bytes_in(self) -> int:
        """Bytes received after the request head."""
        return self._gate.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes sent, the answer to the handshake included."""
        return self._gate.bytes_out

    @property
    def stalled(self) -> bool:
        """Whether a write ran out of time: the peer did not read."""
        return self._gate.stalled

    @property
    def verdict(self) -> PeerClosed | None:
        """How the connection ended; None while it is open."""
        return self._verdict

    @property
    def bug(self) -> Exception | None:
        """What trio-websocket raised though nothing was wrong, or None. It has ended the connection."""
        if self._judge is None or self._verdict is None or self._verdict.code != CloseCode.INTERNAL_ERROR:
            return None
        return self._judge.failure

    # -- opening and leaving ---------------------------------------------------------------------------------------

    async def __aenter__(self) -> WebSocket:
        try:
            with trio.fail_after(self._limits.handshake_timeout_s):
                await self._gate.write(self._welcome)
        except (trio.TooSlowError, trio.BrokenResourceError, trio.ClosedResourceError):
            await self._gate.cut()
            raise PeerClosed(CloseCode.ABNORMAL, "left during the handshake", by_peer=True) from None
        self._welcome = b""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.close()
            elif isinstance(error, Exception):
                await self.close(CloseCode.INTERNAL_ERROR, "internal error")
        finally:
            await self._gate.cut()
            with trio.CancelScope(shield=True):  # not for long: nothing can be written or read any more
                if self._judge is not None:
                    await self._judge.stop()
                await self._gate.written()

    def expect_sound(self) -> None:
        """Take _SOUND times as many messages a second: a microphone is sent in small pieces."""
        self._gate.take_at_most(_SOUND * self._limits.messages_per_s)

    # -- receiving -------------------------------------------------------------------------------------------------

    def receive(self) -> Coroutine[Any, Any, str]:
        """Wait for the next whole message, where only text is understood.

        Raises: RemoteError 1003 for a binary message, and as `receive_any`. Cancelling: loses nothing.
        """
        return self._receive(only_text=True)  # type: ignore[return-value]  # no bytes come of it

    def receive_any(self) -> Coroutine[Any, Any, str | bytes]:
        """Wait for the next whole message; bytes are a binary one.

        Raises: RemoteError 1008 for more than messages_per_s, and 1009 for a text that is larger than
        max_message_bytes only in UTF-8: close with them. PeerClosed when the connection has ended. Cancelling: loses
        nothing.
        """
        return self._receive(only_text=False)

    async def _receive(self, *, only_text: bool) -> str | bytes:
        if self._verdict is not None:
            raise await self._end()
        gate, frames = self._gate, self._frames
        self._receiving = True
        try:
            message: str | bytes | None = None
            if gate.writing is not None or (self._judge is not None and self._judge.is_busy):
                message = await self._answered()
            elif not frames.is_empty:
                await trio.lowlevel.checkpoint()  # a peer that sends many at once is not served alone
            while message is None:
                if self._verdict is not None:  # we have closed
                    raise await self._end()
                if frames.is_empty:
                    try:
                        data = await gate.read(frames.expected)
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        data = b""
                    if not data:
                        raise self._lost()
                    if self._verdict is None:
                        message = frames.take(data)
                    else:
                        frames.feed(data)  # type: ignore[unreachable]  # closed meanwhile: whoever closes reads it
                    continue
                found = frames.next(FRAMES_AT_ONCE)
                if isinstance(found, str):
                    message = found
                elif found is not None:
                    message = await self._look_at(found)
        finally:
            self._receiving = False
            if self._handed_over is not None:
                self._handed_over.set()
        self.heard_at = now = gate.clock.current_time()
        if trouble := gate.admit_message(now, len(message)):
            self.fault, self.exceeded = CloseCode.POLICY, "messages_per_s"
            raise RemoteError(CloseCode.POLICY, trouble)
        if self._judge is None:
            return message  # a text that was read here, and is not too large
        if isinstance(message, bytes):
            if only_text:
                self.fault = CloseCode.UNSUPPORTED_DATA
                raise RemoteError(CloseCode.UNSUPPORTED_DATA, "only text messages are understood here")
            return message
        most = self._limits.max_message_bytes
        # trio-websocket counts characters; bytes are counted only where that can make a difference.
        if len(message) * 4 > most and not message.isascii() and len(message.encode()) > most:
            self.fault = CloseCode.TOO_BIG
            raise RemoteError(CloseCode.TOO_BIG, f"a message is larger than {most} bytes")
        return message

    async def _look_at(self, found: Control | Passed) -> str | bytes | None:
        """Do what a frame asks for that is no whole text; a message if it has ended one.

        Raises: PeerClosed. Cancelling: loses nothing.
        """
        frames, controls = (1, 1) if isinstance(found, Control) else (found.frames, found.controls)
        if trouble := self._gate.admit_frames(frames, controls):
            self.exceeded = "messages_per_s" if trouble == self._gate.too_many else ""
            self._verdict = self._found(CloseCode.POLICY, trouble)
        elif isinstance(found, Passed):
            self._call_judge().pass_on(found)
        elif found.kind == PONG:
            await trio.lowlevel.checkpoint()  # a sign of life, and nothing more
        else:
            if found.kind == CLOSE:
                code = int.from_bytes(found.payload[:2], "big") or CloseCode.NO_STATUS
                self._verdict = PeerClosed(code, found.payload[2:].decode(), by_peer=True)
            self._gate.write_soon(control_frame(CLOSE if found.kind == CLOSE else PONG, found.payload), self._nursery)
        return await self._answered()

    async def _answered(self) -> str | bytes | None:
        """Wait until what came is answered, and for what trio-websocket makes of it; a message, if it has ended one.

        Raises: PeerClosed. Cancelling: loses nothing.
        """
        await self._gate.written()
        if self._verdict is not None:
            raise await self._end()
        if self._judge is None:
            return None
        try:
            return await self._judge.message()
        except trio.EndOfChannel:
            raise await self._end() from None

    # -- sending ---------------------------------------------------------------------------------------------------

    async def send(self, frames: Sequence[str]) -> None:
        """Send each of `frames` as one text message, all in one write; what fits into the socket, without a checkpoint.

        Raises: Stalled when the peer did not read for write_timeout_s; PeerClosed when the connection has ended.
        Cancelling: ends the connection without a close frame, since part of a frame may be on its way.
        """
        if (self._verdict or self._judge) and self._has_ended:
            raise await self._end()
        data = b"".join(map(text_frame, frames))
        if not data:
            await trio.lowlevel.checkpoint()
            return
        try:
            if (sent := self._gate.write_at_once(data)) < len(data):
                await self._gate.write_rest(data, sent)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise self._lost() from None

    async def ping(self) -> None:
        """Send an empty ping. The answer is a sign of life (`silent_s`) and is not waited for.

        Does nothing on a connection that has ended, or ends meanwhile. Cancelling: as for `send`.
        """
        if self._has_ended:
            return
        try:
            await self._gate.write(_PING)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._lost()

    def silent_s(self, now: float) -> float:
        """For how many seconds, at trio time `now`, we have waited for the peer to say anything at all."""
        return self._gate.silent_s(now)

    # -- closing ---------------------------------------------------------------------------------------------------

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
        try:
            with trio.move_on_after(self._limits.close_timeout_s) as patience:
                if self._has_ended:
                    await self._part_from(await self._end(), patience)
                else:
                    self._verdict = PeerClosed(code, reason, by_peer=False)
                    await self._gate.written()
                    if code == CloseCode.ABNORMAL or not await self._say_goodbye(code, reason):
                        await self._part(patience)
                await self._gate.send_eof()  # TLS: without its close_notify the peer would call this a broken line
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # The peer has gone in the middle of it.
        finally:
            try:
                await self._gate.cut()
            finally:
                self._closing.set()

    async def abort(self, reason: str) -> None:
        """Close the transport at once, without a close frame, because of `reason`.

        Cancelling: it is closed all the same.
        """
        self._verdict = self._verdict or PeerClosed(CloseCode.ABNORMAL, reason, by_peer=False)
        await self._gate.cut()

    async def _say_goodbye(self, code: int, reason: str) -> bool:
        """Our half of a close that we begin, and the peer's; whether there was one, or the end of the line."""
        self._gate.write_soon(close_frame(code, reason), self._nursery)
        if self._receiving:  # it is woken by whatever comes
            self._handed_over = trio.Event()
            await self._handed_over.wait()
        frames = self._frames
        while not frames.has_closed:
            found = frames.next(FRAMES_AT_ONCE)
            if found is None:
                if not (data := await self._gate.read()):
                    return True
                frames.feed(data)
                continue
            if isinstance(found, Control) and found.kind != PONG:
                return found.kind == CLOSE  # nobody answers a ping any more
            if self._gate.admit_frames(1, 1):
                return False
            await trio.lowlevel.checkpoint()
        return True

    async def _part_from(self, verdict: PeerClosed, patience: trio.CancelScope) -> None:
        """What is left to do when the connection has ended already."""
        await self._gate.written()
        if not verdict.by_peer and verdict.code != CloseCode.ABNORMAL:
            if self._judge is None or not self._judge.close_sent:
                await self._gate.write(close_frame(verdict.code, verdict.reason))
            await self._part(patience)

    async def _part(self, patience: trio.CancelScope) -> None:
        """Nobody answers the peer any more: see that a reset does not overtake our close frame."""
        await self._gate.send_eof()
        if self._judge is not None:
            await self._judge.stop()
        if not self._receiving:
            await linger(self._gate.transport, patience.deadline - trio.current_time())

    # -- how it ends -----------------------------------------------------------------------------------------------

    @property
    def _has_ended(self) -> bool:
        return self._verdict is not None or (self._judge is not None and self._judge.closed is not None)

    async def _end(self) -> PeerClosed:
        """How the connection has ended, once that is certain."""
        if self._verdict is None and self._judge is not None:
            await self._judge.settled.wait()
        else:
            await trio.lowlevel.checkpoint()
        if self._verdict is None:
            self._verdict = self._conclude()
        return self._verdict.with_traceback(None)

    def _lost(self) -> PeerClosed:
        """How the connection has ended when nothing can be read or written any more."""
        if self._verdict is None or self._gate.stalled:
            self._verdict = self._conclude()
        return self._verdict.with_traceback(None)

    def _conclude(self) -> PeerClosed:
        judge = self._judge
        if self._gate.stalled:
            return Stalled(f"the peer did not read for {self._limits.write_timeout_s:g} s")
        closed = None if judge is None else judge.closed
        if judge is not None and closed is None and judge.failure is not None:
            return PeerClosed(CloseCode.INTERNAL_ERROR, "internal error", by_peer=False)
        if judge is None or closed is None or closed.code == CloseCode.ABNORMAL:
            return PeerClosed(CloseCode.ABNORMAL, "the connection was lost", by_peer=True)
        # trio-websocket answers the peer's close frame and sends one for a message that is too big, in the same way.
        # For what wsproto finds wrong it sends none.
        if not judge.close_sent or judge.is_too_big:
            return self._found(closed.code, closed.reason or "")
        return PeerClosed(closed.code, closed.reason or "", by_peer=True)

    def _found(self, code: int, reason: str) -> PeerClosed:
        self.fault = code
        return PeerClosed(code, reason, by_peer=False)

    def _call_judge(self) -> Judge:
        if self._judge is None:
            self._judge = Judge(self._gate, self._limits.max_message_bytes, self._nursery)
        return self._judge


def accept_websocket(stream: trio.abc.Stream, head: Head, early: bytes, limits: Limits) -> WebSocket:
    """A WebSocket, for an `async with` block in the same task: the handshake in `head` is answered at its begin.

    `early` is what came after the head. On leaving, a connection that is still open is closed with 1000, or with 1011
    when an exception leaves; then `stream` is closed and no task remains. An exception of the body leaves as it is.

    Raises: Refusal when `head` is no valid handshake; at the begin of the block PeerClosed when the peer does not take
    the answer within handshake_timeout_s.
    Cancelling: `stream` is closed at once.
    """
    return WebSocket(stream, check_upgrade(head), early, limits)
