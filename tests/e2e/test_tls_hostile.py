"""TLS under attack at a real port: whatever happens in a handshake costs only the peer that does it."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from elizad.net.guard import Handler, Request
from elizad.net.limits import Limits
from elizad.net.tls import Certificate
from elizad.net.ws import WebSocket
from tests.support.certificates import client_context, files, issue
from tests.support.peers import (
    CLOSE,
    TEXT,
    Front,
    close_code,
    echo,
    frame,
    frames_in,
    open_front,
    read_all,
    read_response_head,
    request,
)
from tests.support.siege import LIMITS, PATIENCE_S, reset

CONTEXT = client_context()

Secure = trio.SSLStream[trio.SocketStream]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    found = files(tmp_path)
    return Certificate(str(found.certificate), str(found.key))


async def call(front: Front, context: ssl.SSLContext = CONTEXT) -> Secure:
    """An open WebSocket over TLS. Its end without close_notify would be BrokenResourceError."""
    stream = trio.SSLStream(await front.connect(), context, server_hostname="localhost")
    await stream.send_all(request())
    head = await read_response_head(stream)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return stream


async def is_answered(stream: Secure, text: bytes = b"My house is quiet.") -> None:
    await stream.send_all(frame(TEXT, text))
    answer = b""
    while len(answer) < len(text) + (2 if len(text) < 126 else 4 if len(text) < 65_536 else 10):
        part = await stream.receive_some()
        assert part
        answer += part
    assert frames_in(answer) == [(TEXT, text)]


async def parts(stream: Secure) -> None:
    """The closing handshake, with close_notify behind it."""
    await stream.send_all(frame(CLOSE, b"\x03\xe8"))
    data = b""
    while part := await stream.receive_some():
        data += part
    assert frames_in(data) == [(CLOSE, b"\x03\xe8")]
    await stream.aclose()


@asynccontextmanager
async def besieged(certificate: Certificate, handler: Handler = echo, limits: Limits = LIMITS) -> AsyncIterator[Front]:
    """A front door that must be as good as new when the block is over."""
    async with open_front(handler, limits=limits, certificate=certificate) as front:
        with trio.fail_after(PATIENCE_S):
            yield front
            stream = await call(front)
            await is_answered(stream)
            await parts(stream)
            assert await front.is_empty()
            assert not front.tally.bugs


@pytest.fixture(scope="module")
def hello() -> bytes:
    """A whole ClientHello."""
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        CONTEXT.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


async def test_big_messages_and_the_count_of_bytes(certificate: Certificate) -> None:
    async with besieged(certificate) as front:
        stream = await call(front)
        await is_answered(stream, b"x" * 150_000)
        await parts(stream)
        assert await front.is_empty()
        assert 150_000 < front.tally.bytes_in < 150_100
        assert 150_000 < front.tally.bytes_out < 150_300


@pytest.mark.parametrize(
    "garbage",
    [b"\x16", b"\x16" * 300, b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b"\x16\x03\x01\x00\x00" * 1000],
    ids=["one byte", "nonsense", "a long record", "empty records"],
)
async def test_garbage(certificate: Certificate, garbage: bytes) -> None:
    async with besieged(certificate) as front:
        stream = await front.connect()
        async with stream:
            try:
                await stream.send_all(garbage)
            except trio.BrokenResourceError:
                pass
            assert not (await read_all(stream)).startswith(b"HTTP/")
        assert await front.is_empty()
        assert front.tally.tls_failed == 1


async def test_a_failed_handshake_is_answered_with_its_alert(certificate: Certificate) -> None:
    async with besieged(certificate) as front, await front.connect() as stream:
        await stream.send_all(b"\x16\x03\x01\x00\x04junk")
        answer = await read_all(stream)
        assert answer[:1] == b"\x15"  # a record of type alert, RFC 8446 section 5.1


async def test_who_leaves_a_handshake_with_close_notify_has_left(certificate: Certificate, hello: bytes) -> None:
    async with besieged(certificate) as front, await front.connect() as stream:
        await stream.send_all(hello + b"\x15\x03\x03\x00\x02\x01\x00")  # RFC 8446 section 6.1
        await read_all(stream)
        assert front.tally.tls_failed == 0


async def test_a_handshake_that_stops_has_its_time(certificate: Certificate, hello: bytes) -> None:
    async with besieged(certificate) as front:
        for data in (b"", hello[:1], hello[:-1], hello):
            started = trio.current_time()
            async with await front.connect() as stream:
                await stream.send_all(data)
                await read_all(stream)
            assert LIMITS.handshake_timeout_s - 0.01 < trio.current_time() - started < PATIENCE_S
        assert front.tally.tls_failed == 4


async def test_a_handshake_byte_by_byte_holds_up_nobody(certificate: Certificate, hello: bytes) -> None:
    limits = dataclasses.replace(LIMITS, handshake_timeout_s=PATIENCE_S)
    async with besieged(certificate, limits=limits) as front:

        async def dribble() -> None:
            async with await front.connect() as stream:
                try:
                    for byte in hello:
                        await stream.send_all(bytes([byte]))
                        await trio.sleep(0.01)
                except trio.BrokenResourceError:
                    pass

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(dribble)
            await trio.sleep(0.1)
            started = trio.current_time()
            stream = await call(front)
            await is_answered(stream)
            assert trio.current_time() - started < PATIENCE_S / 2
            await parts(stream)
            nursery.cancel_scope.cancel()


async def test_fifty_probes_of_a_port_scanner(certificate: Certificate, hello: bytes) -> None:
    probes = (b"", b"\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"\0" * 40, hello[:40], hello, b"\x16\x03", request())
    async with besieged(certificate) as front:
        for number in range(50):
            stream = await front.connect()
            await stream.send_all(probes[number % len(probes)])
            if number % 3:
                await trio.sleep(0.002)
            await (reset(stream) if number % 2 else stream.aclose())
        assert await front.is_empty()
        assert front.tally.connections == 50


async def test_plain_http_is_told_so(certificate: Certificate) -> None:
    async with besieged(certificate) as front:
        for data in (request(), b"SSH-2.0-OpenSSH_9.2\r\n", b"\x80\x2e\x01\x03\x01", b"\x15\x03\x01\x00\x02\x02\x28"):
            async with await front.connect() as stream:
                await stream.send_all(data)
                assert (await read_all(stream)).startswith(b"HTTP/1.1 400 ")
        assert front.tally.refusals == {400: 4}
        assert not front.tally.tls_failed


async def test_a_peer_that_does_not_read(certificate: Certificate) -> None:
    async def flood(ws: WebSocket, request: Request) -> None:
        if await ws.receive() == "flood me":
            while True:
                await ws.send(["x" * 100_000] * 10)
        await ws.send(["My house is quiet."])
        await echo(ws, request)

    async with besieged(certificate, flood) as front:
        stream = await call(front)
        await stream.send_all(frame(TEXT, b"flood me"))
        while not front.tally.stalled:  # noqa: ASYNC110
            await trio.sleep(0.02)
        await trio.aclose_forcefully(stream)


async def test_broken_off_in_a_call_and_a_record_that_is_none(certificate: Certificate) -> None:
    async with besieged(certificate) as front:
        for data in (b"", b"\x17\x03\x03\x00\x05junk!", b"GET / HTTP/1.1\r\n\r\n"):
            stream = await call(front)
            await stream.transport_stream.send_all(data)
            await stream.transport_stream.send_eof()
            await trio.aclose_forcefully(stream)
        assert await front.is_empty()
        assert front.tally.closes == {1006: 3}


async def test_a_message_that_is_too_big_is_answered_before_the_end(certificate: Certificate) -> None:
    async with besieged(certificate) as front:
        stream = await call(front)
        try:
            await stream.send_all(frame(TEXT, b"x" * 2_000_000))
        except trio.BrokenResourceError:
            pass
        data = b""
        while part := await stream.receive_some():
            data += part
        ((opcode, payload),) = frames_in(data)
        assert (opcode, close_code(payload)) == (CLOSE, 1009)
        await trio.aclose_forcefully(stream)


async def test_a_new_certificate_is_for_new_connections(tmp_path: Path) -> None:
    found = files(tmp_path)
    certificate = Certificate(str(found.certificate), str(found.key))
    async with besieged(certificate) as front:
        old = await call(front)
        found.write(issue())
        certificate.reload()
        new = await call(front)
        shown = [stream.getpeercert(binary_form=True) for stream in (old, new)]
        assert shown[0] != shown[1]
        for stream in (old, new):
            await is_answered(stream)
            await parts(stream)
