"""The calling side of a WebSocket over memory streams: the handshake, every kind of frame, and every way to end."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from elizad.net.dial import DialFailed, Place, handshake, parse_url
from elizad.net.errors import PeerClosed, Stalled
from elizad.net.line import MAX_MESSAGE_BYTES, Binary, Closed, Line, Ping, Pong, Text
from tests.support.backends import accept
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, frame, read_response_head

PLACE = Place("example.test", 8765, "/llm?token=x")


def server_frame(opcode: int, payload: bytes = b"", **how: bool | int) -> bytes:
    return frame(opcode, payload, masked=False, **how)  # type: ignore[arg-type]


def unmask(data: bytes) -> list[tuple[int, bytes]]:
    """A client's frames, which are short here and must be masked."""
    frames = []
    while data:
        assert data[1] & 0x80, "a client masks"
        size, start = data[1] & 0x7F, 2
        assert size < 126
        mask, body = data[start : start + 4], data[start + 4 : start + 4 + size]
        frames.append((data[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))))
        data = data[start + 4 + size :]
    return frames


@asynccontextmanager
async def opened(early: bytes = b"") -> AsyncIterator[tuple[Line, trio.testing.MemorySendStream, trio.abc.Stream]]:
    near, far = trio.testing.memory_stream_pair()
    async with far:
        yield Line(near, early, write_timeout_s=3.0), near, far


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place", "authority"),
    [
        ("ws://h:8765/llm?token=x", Place("h", 8765, "/llm?token=x"), "h:8765"),
        ("wss://h", Place("h", 443, "/", tls=True), "h"),
        ("https://h/a b#c", Place("h", 443, "/a%20b", tls=True), "h"),
        ("ws://[::1]:80/é", Place("::1", 80, "/%C3%A9"), "[::1]"),
        ("ws://bücher.example/x", Place("xn--bcher-kva.example", 80, "/x"), "xn--bcher-kva.example"),
        ("ws+unix:/run/e.sock:/llm?a=b", Place("localhost", 0, "/llm?a=b", unix="/run/e.sock"), "localhost"),
        ("ws+unix:/run/e.sock", Place("localhost", 0, "/", unix="/run/e.sock"), "localhost"),
    ],
)
def test_addresses(url: str, place: Place, authority: str) -> None:
    assert parse_url(url) == place
    assert place.authority == authority


@pytest.mark.parametrize(
    "url", ["", "h:80", "ftp://h", "ws://", "ws:///x", "ws://h:99999", "ws://h:x", "ws://a b/", "ws+unix:x", "ws://[x"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"an address looks like|a host name that cannot be"):
        parse_url(url)


# -- the handshake ---------------------------------------------------------------------------------------------------


async def ask(answer: bytes | None, *headers: tuple[str, str]) -> tuple[bytes, bytes]:
    """Return what came behind the answer, and the request. Without an answer it is a right one, with more behind."""
    near, far = trio.testing.memory_stream_pair()
    request = b""

    async def serve() -> None:
        nonlocal request
        request = await read_response_head(far)
        await far.send_all(accept(request) + b"more" if answer is None else answer)
        await far.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        try:
            return await handshake(near, PLACE, headers), request
        except DialFailed as failed:
            found = failed
    raise found


async def test_a_handshake_asks_for_a_websocket_and_keeps_what_came_behind_the_answer() -> None:
    early, request = await ask(None, ("Authorization", "Bearer x"), ("host", "other.test"))
    assert early == b"more"
    head = request.decode()
    assert head.startswith("GET /llm?token=x HTTP/1.1\r\n")
    for line in ("host: other.test", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Authorization: Bearer x"):
        assert re.search(rf"(?i)\r\n{line}\r\n", head)
    assert "example.test" not in head
    key = re.search(r"(?i)sec-websocket-key: (\S+)", head)
    assert key is not None
    assert len(key[1]) == 24
    assert re.search(r"(?i)\r\nHost: example.test:8765\r\n", (await ask(None))[1].decode())


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nno key\n", "status 401", "401 Unauthorized: no key"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "status 200", "the server answered 200 OK"),
        (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "handshake",
            "wrong Sec-WebSocket-Acc",
        ),
        (b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "handshake", 'lacks "Upgrade: websocket"'),
        (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", "handshake", 'lacks "Connection: Upgrade"'),
        (b"220 smtp.example.test\r\n", "not http", "is not HTTP"),
        (b"", "closed", "closed the connection instead"),
    ],
)
async def test_another_answer_is_told_in_words(answer: bytes, kind: str, words: str) -> None:
    with pytest.raises(DialFailed) as caught:
        await ask(answer)
    assert caught.value.kind == kind
    assert words in str(caught.value)


async def test_a_header_that_cannot_be_is_no_crash() -> None:
    near, _far = trio.testing.memory_stream_pair()
    with pytest.raises(DialFailed, match="these headers cannot be sent"):
        await handshake(near, PLACE, [("bad header", "x")])


# -- frames ----------------------------------------------------------------------------------------------------------


async def test_every_kind_of_frame_is_seen() -> None:
    async with opened(early=server_frame(TEXT, b"early")) as (line, _, far):
        assert await line.receive() == Text("early")
        await far.send_all(
            server_frame(TEXT, "hé".encode()[:2], fin=False)
            + server_frame(PING, b"p")
            + server_frame(0, "hé".encode()[2:])
            + server_frame(BINARY, b"\x00\x01")
            + server_frame(PONG, b"unasked")
        )
        assert [await line.receive() for _ in range(4)] == [
            Ping(b"p"),
            Text("hé"),
            Binary(b"\x00\x01"),
            Pong(b"unasked", None),
        ]
        assert unmask(await far.receive_some()) == [(PONG, b"p")]


async def test_what_is_sent_together_is_one_write_and_masked() -> None:
    async with opened() as (line, _, far):
        await line.send(["one", "zwei"], ping=b"f")
        assert unmask(await far.receive_some()) == [(TEXT, b"one"), (TEXT, b"zwei"), (PING, b"f")]


async def test_a_pong_tells_how_long_it_took(autojump_clock: trio.testing.MockClock) -> None:
    async with opened() as (line, _, far):
        await line.send([], ping=b"f")
        assert line.pings_open == {b"f"}
        await trio.sleep(0.5)
        await far.send_all(server_frame(PONG, b"f"))
        frame_ = await line.receive()
        assert isinstance(frame_, Pong)
        assert frame_.latency_s == pytest.approx(0.5)
        assert line.pings_open == set()


async def test_the_peers_close_is_answered_and_is_the_end() -> None:
    async with opened() as (line, _, far):
        await far.send_all(server_frame(CLOSE, b"\x03\xf3broken"))
        assert await line.receive() == await line.receive() == Closed(1011, "broken", "peer")
        assert unmask(await far.receive_some()) == [(CLOSE, b"\x03\xf3broken")]
        with pytest.raises(PeerClosed) as caught:
            await line.send(["x"])
        assert (caught.value.code, caught.value.by_peer) == (1011, True)


async def test_our_close_gets_the_peers_code() -> None:
    async with opened() as (line, _, far):
        await line.close(1000)
        await line.close(1000)
        assert unmask(await far.receive_some()) == [(CLOSE, b"\x03\xe8")]
        await far.send_all(server_frame(TEXT, b"last") + server_frame(CLOSE, b"\x03\xe9"))
        assert await line.receive() == Text("last")
        assert await line.receive() == Closed(1001, "", "us")


async def test_an_end_without_a_close_frame_is_1006_whoever_was_to_close() -> None:
    async with opened() as (line, _, far):
        await far.send_eof()  # type: ignore[attr-defined]
        assert await line.receive() == Closed(1006, "", "peer")
    async with opened() as (line, _, far):
        await line.close()
        await far.send_eof()  # type: ignore[attr-defined]
        assert await line.receive() == Closed(1006, "", "us")


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (frame(TEXT, b"x", masked=True), 1002, "masked"),
        (server_frame(TEXT, b"x", rsv=4), 1002, "Reserved bit"),
        (server_frame(3), 1002, "Invalid opcode"),
        (server_frame(TEXT, b"\xff"), 1007, "can't decode"),
        (server_frame(CLOSE, b"\x03\xed"), 1002, "local-only"),
        (server_frame(0, b"x"), 1002, "unexpected CONTINUATION"),
    ],
)
async def test_what_breaks_the_rules_of_frames_is_a_fault_and_answered_with_its_code(
    data: bytes, code: int, words: str
) -> None:
    async with opened() as (line, _, far):
        await far.send_all(data)
        closed = await line.receive()
        assert isinstance(closed, Closed)
        assert (closed.code, closed.by) == (code, "fault")
        assert words in closed.reason
        assert unmask(await far.receive_some()) == [(CLOSE, code.to_bytes(2, "big"))]


async def test_a_message_without_end_is_a_fault_and_takes_no_memory_without_end() -> None:
    async with opened() as (line, _, far):
        part = server_frame(TEXT, b"x" * 60_000, fin=False)
        async with trio.open_nursery() as nursery:

            async def flood() -> None:
                await far.send_all(part)
                for _ in range(MAX_MESSAGE_BYTES // 60_000 + 1):
                    await far.send_all(server_frame(0, b"x" * 60_000, fin=False))

            nursery.start_soon(flood)
            closed = await line.receive()
        assert isinstance(closed, Closed)
        assert (closed.code, closed.by) == (1009, "fault")


class _Deaf(trio.abc.Stream):
    """A peer that does not read."""

    closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.sleep_forever()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.sleep_forever()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.sleep_forever()
        return b""

    async def aclose(self) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()


async def test_a_peer_that_does_not_read_is_given_up_and_nothing_follows(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stream = _Deaf()
    line = Line(stream, b"", write_timeout_s=3.0)
    began = trio.current_time()
    with pytest.raises(Stalled, match="did not read for 3 s"):
        await line.send(["x"])
    assert trio.current_time() - began == pytest.approx(3.0)
    assert stream.closed


async def test_a_send_that_is_cancelled_ends_the_line(autojump_clock: trio.testing.MockClock) -> None:
    stream = _Deaf()
    line = Line(stream, b"", write_timeout_s=3.0)
    with trio.move_on_after(1.0) as scope:
        await line.send(["x"])
    assert scope.cancelled_caught
    assert stream.closed
