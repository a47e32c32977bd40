"""Every limit of the configuration at the real daemon: what the peer sees, what counts it, and that the next is served.

What `handshake_timeout_s` bounds can only be seen with TLS or with a broken kernel: see test_tls and tests/trio.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.support.daemon import Daemon
from tests.support.metrics import ADMIN, counts, page_url
from tests.support.peers import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    close_code,
    frame,
    frames_in,
    read_all,
    read_response_head,
    request,
)

GREET = frame(TEXT, b'{"messages":[]}')
END = b'{"type":"assistant_end"}'


class Door:
    """A daemon with some limits, and its counts."""

    def __init__(self, daemon: Daemon) -> None:
        self._page = page_url(daemon)
        self.port = int(daemon.url.rpartition(":")[2])

    async def connect(self, source: str = "127.0.0.1") -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port, local_address=source)

    async def call(self, source: str = "127.0.0.1") -> trio.SocketStream:
        """A connection after the handshake."""
        stream = await self.connect(source)
        await stream.send_all(request("/llm"))
        head = await read_response_head(stream)
        assert head.startswith(b"HTTP/1.1 101 "), head
        return stream

    async def knock(self, source: str = "127.0.0.1") -> int:
        """The status that a handshake is answered with."""
        async with await self.connect(source) as stream:
            await stream.send_all(request("/llm"))
            return int((await read_response_head(stream)).split()[1])

    async def refusal(self, source: str = "127.0.0.1", data: bytes = b"") -> bytes:
        """The first line of the answer to `data`, and all there is."""
        stream = await self.connect(source)
        async with stream:
            await stream.send_all(data or request("/llm"))
            return (await read_all(stream)).partition(b"\r\n")[0]

    async def counts(self) -> dict[str, float]:
        return await trio.to_thread.run_sync(counts, self._page)

    async def has_counted(self, name: str, wanted: float = 1) -> None:
        """See that a count comes to `wanted`: most are made when a connection is over, after the peer saw its end."""
        deadline = trio.current_time() + 20
        while (found := (await self.counts()).get(name, 0)) != wanted:
            assert trio.current_time() < deadline, f"{name} is {found} and not {wanted}"
            await trio.sleep(0.05)


@asynccontextmanager
async def door(limits: str) -> AsyncIterator[Door]:
    """A daemon whose [limits] are `limits`; when the block is over, it must be as good as new."""
    daemon = Daemon(config=f"[limits]\n{limits}\n{ADMIN}")
    await trio.to_thread.run_sync(daemon.__enter__)
    try:
        with trio.fail_after(60):
            found = Door(daemon)
            yield found
            while (await found.counts())["elizad_connections_live"]:  # noqa: ASYNC110  # it is in another process
                await trio.sleep(0.05)
            async with await found.call("127.0.0.9") as stream:
                assert await answer(stream, GREET)
            assert (await found.counts())["elizad_bugs_total"] == 0
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(daemon.__exit__, None, None, None)


async def answer(stream: trio.SocketStream, data: bytes) -> list[str]:
    """The texts of one turn."""
    await stream.send_all(data)
    received = b""
    while not received.endswith(END):
        part = await stream.receive_some()
        assert part, received
        received += part
    return [json.loads(payload)["text"] for _, payload in frames_in(received)[:-1]]


async def last_close(stream: trio.SocketStream) -> tuple[int, str]:
    """The code and reason that the connection is closed with."""
    opcode, payload = frames_in(await read_all(stream))[-1]
    assert opcode == CLOSE
    return close_code(payload), payload[2:].decode()


def says(text: str) -> bytes:
    return frame(TEXT, json.dumps({"messages": [{"role": "user", "content": text}]}).encode())


async def test_connections_in_all() -> None:
    async with door("max_connections = 2") as limited:
        async with await limited.call(), await limited.call():
            assert await limited.refusal() == b"HTTP/1.1 503 Service Unavailable"
            await limited.has_counted("elizad_connections_turned_away_total")


async def test_connections_of_one_address() -> None:
    async with door("connections_per_address = 2") as limited:
        async with await limited.call(), await limited.connect():
            assert await limited.refusal() == b"HTTP/1.1 429 Too Many Requests"
            async with await limited.call("127.0.0.2") as other:
                assert await answer(other, GREET)
            await limited.has_counted('elizad_limited_total{limit="connections_per_address"}')


async def test_handshakes_of_one_address_a_second() -> None:
    async with door("handshakes_per_s = 0.5") as limited:
        statuses = []
        while 429 not in statuses:
            statuses.append(await limited.knock())
        assert statuses.count(101) >= 5, "ten seconds' worth"
        assert await limited.knock("127.0.0.2") == 101
        refused = 1
        while await limited.knock() == 429:
            refused += 1
            await trio.sleep(0.3)
        await limited.has_counted('elizad_limited_total{limit="handshakes_per_s"}', refused)


async def test_bytes_of_a_head() -> None:
    async with door("head_bytes = 1024") as limited:
        line = await limited.refusal(data=request("/llm", X_Long="x" * 1024))
        assert line == b"HTTP/1.1 431 Request Header Fields Too Large"
        await limited.has_counted('elizad_refusals_total{status="431"}')


async def test_seconds_for_a_head() -> None:
    async with door("head_timeout_s = 0.3") as limited:
        start = trio.current_time()
        assert await limited.refusal(data=request("/llm")[:-2]) == b"HTTP/1.1 408 Request Timeout"
        assert trio.current_time() - start < 10
        await limited.has_counted('elizad_refusals_total{status="408"}')


async def test_bytes_of_a_message() -> None:
    async with door("max_message_bytes = 131072") as limited:
        async with await limited.call() as stream:
            await stream.send_all(frame(TEXT, b" " * 131_073))
            code, reason = await last_close(stream)
            assert (code, "131072" in reason) == (1009, True)
        await limited.has_counted('elizad_faults_total{code="1009"}')


async def test_messages_a_second() -> None:
    async with door("messages_per_s = 2") as limited:
        async with await limited.call() as stream:
            for _ in range(20):  # ten seconds' worth, each answered
                assert await answer(stream, GREET)
            await stream.send_all(GREET * 60)  # however long that took
            assert await last_close(stream) == (1008, "more than 2 messages a second")
        await limited.has_counted('elizad_limited_total{limit="messages_per_s"}')
        await limited.has_counted('elizad_faults_total{code="1008"}')


async def test_characters_of_an_utterance() -> None:
    words = "I am sad because of my sister who is ill, and of all that she has said to me so "
    async with door("utterance_chars = 80") as limited:
        replies = []
        for text in (words + "but then I remember my brother", words):
            async with await limited.call() as stream:
                replies.append(await answer(stream, says(text)))
        assert len(words) == 80
        assert replies[0] == replies[1]


async def test_seconds_without_a_message() -> None:
    async with door("idle_s = 3") as limited:
        async with await limited.call() as idle, await limited.call() as talking:
            ended = trio.Event()

            async def talk() -> None:
                while not ended.is_set():
                    await answer(talking, GREET)
                    await trio.sleep(0.2)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk)
                assert await last_close(idle) == (1008, "no message came for 3 s")
                ended.set()
            assert await answer(talking, GREET)
        await limited.has_counted('elizad_limited_total{limit="idle_s"}')


async def test_seconds_of_a_call() -> None:
    async with door("call_s = 2") as limited:
        async with await limited.call() as stream:
            start = trio.current_time()
            assert await answer(stream, GREET)
            assert await last_close(stream) == (1008, "a call lasts 2 s at most")
            assert 1.9 < trio.current_time() - start < 10
        await limited.has_counted('elizad_limited_total{limit="call_s"}')
        await limited.has_counted('elizad_closes_total{code="1008"}')


async def test_seconds_for_a_write() -> None:
    async with door("write_timeout_s = 0.5\nmessages_per_s = 100_000") as limited:
        stream = await limited.connect()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await stream.send_all(request("/llm"))
        with pytest.raises(trio.BrokenResourceError):
            while True:  # answers that are never fetched
                await stream.send_all(frame(PING, b"x" * 125) * 200)
        await stream.aclose()
        await limited.has_counted("elizad_stalled_total")


async def test_pings_and_seconds_for_their_answer() -> None:
    async with door("ping_interval_s = 1\nping_timeout_s = 1") as limited:
        async with await limited.call() as stream:
            start = trio.current_time()
            assert frames_in(await read_all(stream)) == [(PING, b"")]
            assert 1.9 < trio.current_time() - start < 10
        await limited.has_counted("elizad_silent_total")


async def test_seconds_for_the_peers_half_of_a_close() -> None:
    async with door("close_timeout_s = 0.5") as limited:
        async with await limited.call() as stream:
            await stream.send_all(frame(BINARY, b"\0"))
            start = trio.current_time()
            assert (await last_close(stream))[0] == 1003  # and not a word from us
            assert trio.current_time() - start < 10
