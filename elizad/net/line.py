"""The calling side of one open WebSocket: every frame as it came, pings and close codes included.

A library for clients hides what a check must see: binary messages, pongs and how late they are, who closed and with
which code, and what was wrong with the bytes. It knows no platform. To open one, see dial.py.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import trio
from wsproto import events
from wsproto.connection import CLIENT, Connection, ConnectionState

from elizad.net.errors import PeerClosed, Stalled
from elizad.types import CloseCode

READ_BYTES: Final = 16_384  # a reply's frames have some hundred bytes; hundreds of lines share one process

MAX_MESSAGE_BYTES: Final = 1_048_576  # a chunk of speech this long would be talked about for a day

MAX_PINGS: Final = 64  # pings without an answer that are remembered; a peer that answers none is found long before


class Text(NamedTuple):
    """One whole text message."""

    text: str


class Binary(NamedTuple):
    """One whole binary message."""

    data: bytes


class Ping(NamedTuple):
    """The peer's ping; it has been answered."""

    payload: bytes


class Pong(NamedTuple):
    """The peer's pong; `latency_s` since our ping with this payload, or None for one that nobody asked for."""

    payload: bytes
    latency_s: float | None


class Closed(NamedTuple):
    """The end. `by` says whose: "peer" closed first; "us": we did, and `code` is the peer's answer; "fault": what the
    peer sent broke RFC 6455. `code` is 1006 when no close frame came."""

    code: int
    reason: str
    by: Literal["peer", "us", "fault"]


Frame = Text | Binary | Ping | Pong | Closed


class Line:
    """One open WebSocket, from the calling side. One task receives, any may send, ping and close."""

    def __init__(self, stream: trio.abc.Stream, early: bytes, write_timeout_s: float) -> None:
        self._stream = stream
        self._write_timeout_s = write_timeout_s
        self._machine = Connection(CLIENT)
        self._ready: deque[Frame] = deque()
        self._parts: list[str] | list[bytes] = []
        self._size = 0
        self._pings: dict[bytes, float] = {}
        self._lock = trio.Lock()
        self._hung_up = False
        self._over: Closed | None = None
        self._early = early

    @property
    def pings_open(self) -> frozenset[bytes]:
        """The payloads of those pings of ours that have no answer yet."""
        return frozenset(self._pings)

    async def receive(self) -> Frame:
        """Return the next frame; after the end always the same Closed. Pings and a close are answered in here.

        Cancelling: loses nothing that has not been returned; a half-sent answer to a ping ends the line.
        """
        while not self._ready:
            if self._over is not None:
                await trio.lowlevel.checkpoint()
                return self._over
            data, self._early = self._early, b""
            if not data:
                try:
                    data = bytes(await self._stream.receive_some(READ_BYTES))
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    data = b""
            if not data:
                self._end(Closed(CloseCode.ABNORMAL, "", "us" if self._hung_up else "peer"))
            else:
                await self._take(data)
        return self._ready.popleft()

    async def send(self, texts: Sequence[str], ping: bytes | None = None) -> None:
        """Send each of `texts` as a text message, and then a ping with that payload, all in one write.

        Raises: PeerClosed when the line is closed; Stalled when the peer did not read for write_timeout_s.
        Cancelling: ends the line, since part of a frame may be on its way.
        """
        out: list[events.Event] = [events.TextMessage(data=text) for text in texts]
        if ping is not None:
            if len(self._pings) < MAX_PINGS:
                self._pings[ping] = trio.current_time()
            out.append(events.Ping(payload=ping))
        await self._send(out)

    async def ping(self) -> None:
        """Send a ping with a payload of its own. Raises and Cancelling: as for `send`."""
        await self.send((), ping=secrets.token_bytes(4))

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Send a close frame, once; whoever receives then gets Closed. Raises and Cancelling: as for `send`."""
        if not self._hung_up and self._over is None:
            self._hung_up = True
            await self._send([events.CloseConnection(code=code, reason=reason or None)])

    async def _take(self, data: bytes) -> None:
        self._machine.receive_data(data)
        for event in self._machine.events():
            if isinstance(event, events.TextMessage | events.BytesMessage):
                self._assemble(event)
            elif isinstance(event, events.Ping):
                self._ready.append(Ping(bytes(event.payload)))
                if self._machine.state is ConnectionState.OPEN:
                    await self._answer(event.response())
            elif isinstance(event, events.Pong):
                payload = bytes(event.payload)
                sent = self._pings.pop(payload, None)
                self._ready.append(Pong(payload, None if sent is None else trio.current_time() - sent))
            elif isinstance(event, events.CloseConnection):
                await self._closing(event)
            if self._over is not None:
                return

    def _assemble(self, event: events.TextMessage | events.BytesMessage) -> None:
        self._parts.append(event.data)  # type: ignore[arg-type]  # wsproto does not mix the two in one message
        self._size += len(event.data)
        if self._size > MAX_MESSAGE_BYTES:
            self._end(Closed(CloseCode.TOO_BIG, f"a message is larger than {MAX_MESSAGE_BYTES} bytes", "fault"))
        elif event.message_finished:
            parts, self._parts, self._size = self._parts, [], 0
            if isinstance(event, events.TextMessage):
                self._ready.append(Text("".join(parts)))  # type: ignore[arg-type]
            else:
                self._ready.append(Binary(b"".join(parts)))  # type: ignore[arg-type]

    async def _closing(self, event: events.CloseConnection) -> None:
        reason = event.reason or ""
        if self._machine.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED):
            by: Literal["peer", "us"] = "us" if self._hung_up else "peer"
            if self._machine.state is ConnectionState.REMOTE_CLOSING:
                await self._answer(event.response())
            self._end(Closed(int(event.code), reason, by))
        else:  # wsproto could not parse what came; `code` is how to answer that
            await self._answer(events.CloseConnection(code=event.code, reason=None))
            self._end(Closed(int(event.code), reason, "fault"))

    def _end(self, closed: Closed) -> None:
        self._over = closed
        self._ready.append(closed)

    async def _answer(self, event: events.Event) -> None:
        """Send what the peer's frame asks for, if it can still be sent."""
        try:
            await self._send([event])
        except PeerClosed:
            pass  # the next read says so

    async def _send(self, out: Sequence[events.Event]) -> None:
        async with self._lock:
            sendable = (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING)
            if self._over is not None or self._machine.state not in sendable:
                raise self._gone()
            closing = any(isinstance(event, events.CloseConnection) for event in out)
            if self._machine.state is ConnectionState.REMOTE_CLOSING and not closing:
                raise self._gone()
            data = b"".join([self._machine.send(event) for event in out])
            whole = False
            try:
                with trio.move_on_after(self._write_timeout_s) as patience:
                    await self._stream.send_all(data)
                    whole = True
                if patience.cancelled_caught:
                    raise Stalled(f"the server did not read for {self._write_timeout_s:g} s")
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                raise self._gone() from None
            finally:
                if not whole:  # part of a frame may be out: nothing may follow it
                    await trio.aclose_forcefully(self._stream)

    def _gone(self) -> PeerClosed:
        over = self._over or Closed(CloseCode.ABNORMAL, "", "peer")
        return PeerClosed(over.code, over.reason, by_peer=over.by == "peer")
