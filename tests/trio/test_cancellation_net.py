"""A connection cancelled after every single step it takes: nothing follows a torn frame, and nothing is left open."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
import trio.testing

from elizad.net.admission import Route
from elizad.net.errors import PeerClosed
from elizad.net.guard import Handler, Request, serve_connection
from elizad.net.heartbeat import Heartbeat
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from elizad.net.ws import WebSocket
from tests.support.peers import CLOSE, PING, PONG, TEXT, echo, frame, request

LIMITS = Limits(max_message_bytes=1000)
Pair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]


class CancelAfter(trio.abc.Instrument):
    """Cancels `scope` when the loop has taken so many steps."""

    def __init__(self, steps: int | None) -> None:
        self.scope = trio.CancelScope()
        self.steps = 0
        self._last = steps

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self._last is not None and self.steps == self._last:
            self.scope.cancel()
        self.steps += 1


async def write_all(ws: WebSocket, request: Request) -> None:
    """Say much at once, and close."""
    await ws.receive()
    await ws.send(["one", "two", "three"])
    await ws.close(1001, "going away")


async def converse(stream: trio.abc.Stream, received: bytearray) -> None:
    """An honest client that reads three bytes at a time. It answers the close."""

    async def read() -> None:
        try:
            while part := await stream.receive_some(3):
                received.extend(part)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        try:
            await stream.send_all(request()[:50])
            await stream.send_all(request()[50:])
            await stream.send_all(frame(TEXT, b"My house is quiet.") + frame(PING))
            await stream.send_all(frame(TEXT, b"x" * 200))
            await stream.send_all(frame(CLOSE, b"\x03\xe8"))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass


def run(handler: Handler, pair: Pair, steps: int | None) -> tuple[bytes, int]:
    """One connection, cancelled after so many steps of the loop; what the client got, and how many steps there were."""
    instrument = CancelAfter(steps)
    received = bytearray()

    async def main() -> None:
        near, far = pair()
        heartbeat, tally = Heartbeat(ping_interval_s=20, ping_timeout_s=20), Tally()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(converse, far, received)
            with instrument.scope:
                await serve_connection(
                    near, handler, routes=[Route("echo", "/echo")], limits=LIMITS, heartbeat=heartbeat, tally=tally
                )
        assert len(heartbeat) == 0
        assert tally.bugs == 0
        try:
            await near.send_all(b"x")
        except trio.ClosedResourceError:
            pass
        else:
            raise AssertionError("the transport is still open")

    trio.run(main, instruments=[instrument], clock=trio.testing.MockClock(autojump_threshold=0))
    return bytes(received), instrument.steps


def check_every_step(handler: Handler, pair: Pair, frames: Sequence[bytes]) -> None:
    """`frames`: what the server can say, each at most once. A pong may overtake a text, and a close an answer."""
    whole, steps = run(handler, pair, None)
    head = whole[: whole.index(b"\r\n\r\n") + 4]
    assert head.startswith(b"HTTP/1.1 101 ")
    assert is_made_of(frames, whole[len(head) :])
    assert steps > 30
    outcomes = set()
    for step in range(steps + 20):
        got, _ = run(handler, pair, step)
        outcomes.add(got)
        assert head.startswith(got[: len(head)])
        assert is_made_of(frames, got[len(head) :]), f"cancelled after {step} steps the client got {got!r}"
    assert len(outcomes) > 3


def is_made_of(frames: Sequence[bytes], data: bytes) -> bool:
    """Whether `data` is some of `frames`, each at most once, and only the last of them cut short."""
    left = list(frames)
    while data:
        piece = next((piece for piece in left if data.startswith(piece) or piece.startswith(data)), None)
        if piece is None:
            return False
        left.remove(piece)
        data = data[len(piece) :]
    return True


ECHO = [
    frame(TEXT, b"My house is quiet.", masked=False),
    frame(PONG, masked=False),
    frame(TEXT, b"x" * 200, masked=False),
    frame(CLOSE, b"\x03\xe8", masked=False),
]
SAID = [
    frame(PONG, masked=False),
    *[frame(TEXT, word, masked=False) for word in (b"one", b"two", b"three")],
    frame(CLOSE, b"\x03\xe9going away", masked=False),
    frame(CLOSE, b"\x03\xe8", masked=False),
]


def test_the_comparison_itself() -> None:
    assert is_made_of([b"ab", b"cd"], b"cdab")
    assert is_made_of([b"ab", b"cd"], b"cda")
    assert not is_made_of([b"ab", b"cd"], b"acd")
    assert not is_made_of([b"ab", b"cd"], b"abab")


def test_an_echo_over_a_line_with_room() -> None:
    check_every_step(echo, trio.testing.memory_stream_pair, ECHO)


def test_an_echo_over_a_line_that_blocks() -> None:
    check_every_step(echo, trio.testing.lockstep_stream_pair, ECHO)


def test_a_close_of_ours_over_a_line_that_blocks() -> None:
    check_every_step(write_all, trio.testing.lockstep_stream_pair, SAID)


def test_a_handler_with_tasks_of_its_own() -> None:
    async def with_tasks(ws: WebSocket, request: Request) -> None:
        feed, inbox = trio.open_memory_channel[str](1)

        async def read() -> None:
            async with feed:
                try:
                    while True:
                        await feed.send(await ws.receive())
                except PeerClosed:
                    pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            async for message in inbox:
                await ws.send([message])

    check_every_step(with_tasks, trio.testing.lockstep_stream_pair, ECHO)
