"""One peer that is slow, floods, or sends what takes long to read does not delay the others.

An honest caller talks beside it, to the real daemon, and must get every turn. How long the turns took is printed, and
bounded widely: other tests may be running on this machine.
"""

from __future__ import annotations

import json
import socket
import statistics
from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.support.daemon import Daemon
from tests.support.peers import PING, TEXT, frame, frames_in, read_all, read_response_head, request

TURNS = 20
AT_ONCE = 3
"""Of each kind: what one cannot do, several may."""

WORST_S = 2.0
"""Alone a turn takes a millisecond. Beside transcripts that were folded in one piece it took seven."""

END = b'{"type":"assistant_end"}'

Attack = Callable[[trio.SocketStream], Awaitable[None]]


def payload(turns: int, padding: str = "", first: str = "hello") -> bytes:
    """A payload of so many turns; nothing can be kept of one that had another `first`."""
    messages = [{"role": "user", "content": first}, {"role": "assistant", "content": "Hello."}]
    for number in range(turns):
        messages.append({"role": "user", "content": f"I am sad about thing {number} and my mother {padding}"})
        messages.append({"role": "assistant", "content": "How long?"})
    return frame(TEXT, json.dumps({"messages": messages}).encode())


PADDING = "who is ill and does not say what it is that she has " * 37
LONGEST = payload(1999) + payload(1999, first="good day")
LARGEST = payload(1999, PADDING) + payload(1999, PADDING, "good day")
NOISE = frame(TEXT, json.dumps({"messages": [], "x": [{"y": "z"}] * 90_000, "w": "v" * 2_900_000}).encode())


async def repeat(stream: trio.SocketStream, data: bytes) -> None:
    """Send `data` again and again, and throw away what comes back."""

    async def fetch() -> None:
        await read_all(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fetch)
        while True:
            await stream.send_all(data)


async def floods(stream: trio.SocketStream) -> None:
    await repeat(stream, frame(TEXT, b'{"messages":[]}') * 100)


async def pings(stream: trio.SocketStream) -> None:
    await repeat(stream, frame(PING, b"x" * 125) * 200)


async def splits(stream: trio.SocketStream) -> None:
    await stream.send_all(frame(TEXT, b"", fin=False))
    await repeat(stream, frame(0, b"", fin=False) * 1000)


async def sends_the_longest(stream: trio.SocketStream) -> None:
    await repeat(stream, LONGEST)


async def sends_the_largest(stream: trio.SocketStream) -> None:
    await repeat(stream, LARGEST)


async def sends_noise(stream: trio.SocketStream) -> None:
    await repeat(stream, NOISE)


async def does_not_read(stream: trio.SocketStream) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while True:
        await stream.send_all(payload(3))


@pytest.mark.parametrize(
    ("attack", "messages_per_s"),
    [
        (floods, 50),
        (pings, 50),
        *((attack, 100_000) for attack in (floods, pings, splits, sends_the_longest, sends_the_largest, sends_noise)),
        (does_not_read, 100_000),
    ],
)
async def test_an_honest_caller_beside_one_that(attack: Attack, messages_per_s: int) -> None:
    daemon = Daemon(config=f"[limits]\nmessages_per_s = {messages_per_s}\n")
    await trio.to_thread.run_sync(daemon.__enter__)
    attacks = 0
    try:
        with trio.fail_after(120):
            port = int(daemon.url.rpartition(":")[2])

            async def attack_again_and_again() -> None:
                nonlocal attacks
                while True:
                    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                        attacks += 1
                        try:
                            await shake_hands(stream)
                            await attack(stream)
                        except* trio.BrokenResourceError:
                            pass  # Thrown out: come again.
                    await trio.sleep(0.05)

            async with trio.open_nursery() as nursery:
                for _ in range(AT_ONCE):
                    nursery.start_soon(attack_again_and_again)
                async with await trio.open_tcp_stream("127.0.0.1", port) as honest:
                    await shake_hands(honest)
                    times = await converse(honest)
                nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(daemon.__exit__, None, None, None)
    middle, worst = statistics.median(times), max(times)
    print(f"{middle * 1000:.1f} ms in the middle, {worst * 1000:.1f} ms at worst, beside {attacks} attacks")
    assert len(times) == TURNS
    assert worst < WORST_S


async def shake_hands(stream: trio.SocketStream) -> None:
    await stream.send_all(request("/llm"))
    assert (await read_response_head(stream)).startswith(b"HTTP/1.1 101 ")


async def converse(stream: trio.SocketStream) -> list[float]:
    """Hold a conversation of TURNS turns, at the pace of a quick talker, and return how many seconds each took."""
    times = []
    thread: list[dict[str, str]] = []
    for number in range(TURNS):
        await trio.sleep(0.1)
        thread.append({"role": "user", "content": f"I need thing {number}"})
        start = trio.current_time()
        await stream.send_all(frame(TEXT, json.dumps({"messages": thread}).encode()))
        received = b""
        while not received.endswith(END):
            part = await stream.receive_some()
            assert part, received
            received += part
        times.append(trio.current_time() - start)
        said = "".join(json.loads(text)["text"] for _, text in frames_in(received)[:-1])
        thread.append({"role": "assistant", "content": said})
    return times
