"""trio-websocket, for what is unusual: fragments, binary messages and whatever is wrong.

The only file that imports it. It is called in when the first of these comes, is shown a handshake that we wrote, and
from then on reads what is passed on to it, in a task of its own. What it must not do is decide how a connection ends:
whatever it raises stays in here, and to close its stream is to leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from elizad.net.frames import CLOSE, Passed
from elizad.net.gate import READ_BYTES, Gate

if TYPE_CHECKING:
    import trio_websocket

FRAMES_AT_ONCE: Final = 128
"""Handed to wsproto before others get their turn: 2 ms at 15 microseconds each."""

_QUEUE: Final = 1
"""Messages that wait between trio-websocket and us: it makes one, and asks for more."""

_TOO_BIG: Final = "Exceeded maximum message size"
"""How trio-websocket's reason begins when it has closed for a message that was too big."""

_HANDSHAKE: Final = (
    b"GET / HTTP/1.1\r\n"
    b"Host: localhost\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
"""What it is shown: nothing of it comes from the peer, who has had its answer."""


def load() -> None:
    """Import trio-websocket, so that the first who needs it has not to wait: it takes some 20 ms."""
    import trio_websocket  # noqa: F401


class Judge(trio.abc.Stream):
    """One trio-websocket, and the stream that it is given."""

    # fmt: off
    __slots__ = (
        "_connection", "_done", "_gate", "_is_left", "_is_whole", "_passed", "_scope", "_shown", "_wants_more", "_work",
        "close_sent", "failure", "settled",
    )
    # fmt: on

    def __init__(self, gate: Gate, max_message_bytes: int, nursery: trio.Nursery) -> None:
        """Its task is begun in `nursery`; `stop` ends it."""
        self._gate = gate
        self._connection: trio_websocket.WebSocketConnection | None = None
        self._scope = trio.CancelScope()
        self._shown = False  # whether it has seen the handshake
        self._passed = b""  # for it to read
        self._is_whole = False  # whether that ends a message, or a close, that nobody has asked for
        self._is_left = False  # whether it will not read any more
        self._work = trio.Event()  # there is something to do for it
        self._wants_more = trio.Event()  # it has read all that it was given, or will not read any more
        self.close_sent = False
        self.settled = trio.Event()
        """It is certain how the connection ends: a close frame is out, or trio-websocket does nothing more."""
        self._done = trio.Event()  # its task has ended
        self.failure: Exception | None = None
        """What trio-websocket raised."""
        nursery.start_soon(self._run, max_message_bytes)

    # -- for the WebSocket -----------------------------------------------------------------------------------------

    @property
    def closed(self) -> trio_websocket.CloseReason | None:
        """How trio-websocket has closed the connection, or is closing it; None while it has not."""
        return None if self._connection is None else self._connection.closed

    @property
    def is_too_big(self) -> bool:
        """Whether it has closed the connection for a message that was too big."""
        return self.closed is not None and (self.closed.reason or "").startswith(_TOO_BIG)

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to be learned from `message`."""
        return self._is_whole or not self._wants_more.is_set() or self._is_left or self.closed is not None

    def pass_on(self, passed: Passed) -> None:
        """Give trio-websocket something to read."""
        self._passed += passed.data
        self._is_whole = passed.is_end
        self._wants_more = trio.Event()
        self._work.set()

    async def message(self) -> str | bytes | None:
        """What trio-websocket makes of what was passed on: a message, or None when it wants more.

        Raises: EndOfChannel when it will read no more: `settled` comes before anything is concluded from it.
        Cancelling: loses nothing.
        """
        await self._wants_more.wait()
        if self._connection is None or self._is_left or self._connection.closed is not None:
            self.settled.set()
            raise trio.EndOfChannel
        if not self._is_whole:
            return None
        message: str | bytes = await self._connection.get_message()
        self._is_whole = False
        return message

    async def stop(self) -> None:
        """Cancel trio-websocket's task and wait until it is gone."""
        self._scope.cancel()
        await self._done.wait()

    async def _run(self, max_message_bytes: int) -> None:
        try:
            import trio_websocket  # much to load, and the start does not wait for it

            with self._scope:
                async with trio.open_nursery() as nursery:
                    request = await trio_websocket.wrap_server_stream(
                        nursery, self, _QUEUE, max_message_bytes, READ_BYTES
                    )
                    self._connection = await request.accept()
                    self._work.set()
        except* Exception as group:
            self.failure = group.exceptions[0]
        finally:
            self._leave()
            self._done.set()

    def _leave(self) -> None:
        self._is_left = True
        self._wants_more.set()
        self.settled.set()

    # -- for trio-websocket ----------------------------------------------------------------------------------------

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._shown:
            await trio.lowlevel.checkpoint()
            self._shown = True
            return _HANDSHAKE
        while not self._is_left:
            if self._connection is not None:  # before that, it would lose what it is given
                if self._passed:
                    data, self._passed = self._passed, b""
                    return data
                self._wants_more.set()
            self._work = trio.Event()
            await self._work.wait()
        await trio.lowlevel.checkpoint()
        raise trio.ClosedResourceError("trio-websocket has left this stream")

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_left:
            await trio.lowlevel.checkpoint()
            raise trio.ClosedResourceError("trio-websocket has left this stream")
        if self._connection is None:
            await trio.lowlevel.checkpoint()  # its answer to the handshake: the peer has had ours
            return
        # It sends one frame at a time.
        closing = len(data) > 0 and data[0] == CLOSE
        self.close_sent = self.close_sent or closing
        await self._gate.write(data)
        if closing:
            self.settled.set()

    async def wait_send_all_might_not_block(self) -> None:
        await self._gate.transport.wait_send_all_might_not_block()  # trio-websocket does not ask

    async def aclose(self) -> None:
        self._leave()
        self._work.set()
        await trio.lowlevel.checkpoint()
