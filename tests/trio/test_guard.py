"""One guarded connection: what the handler is told, how its end becomes a close, what is logged, and what is never."""

from __future__ import annotations

import gc
import logging

import pytest
import trio
from trio.testing import MockClock

from elizad.errors import RemoteError
from elizad.net.admission import Route
from elizad.net.errors import PeerClosed
from elizad.net.guard import Handler, Request, peer_name, serve_connection
from elizad.net.head import Head
from elizad.net.heartbeat import Heartbeat
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from elizad.net.ws import WebSocket
from tests.support import peers
from tests.support.peers import BINARY, CLOSE, TEXT, close_code, echo, frame, frames_in, read_all

ROUTES = (Route("echo", "/echo", tokens=("hush-hush",)), Route("tailed", "/tailed", has_tail=True))
GRANTED = "/echo?token=hush-hush"


class Visit:
    """One connection over memory, and what came of it."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.answer = b""

    async def run(self, data: bytes, handler: Handler = echo) -> None:
        near, far = trio.testing.memory_stream_pair()
        heartbeat = Heartbeat(ping_interval_s=20, ping_timeout_s=20)
        async with trio.open_nursery() as nursery:

            async def read() -> None:
                self.answer = await read_all(far)

            nursery.start_soon(read)
            await far.send_all(data)
            await serve_connection(near, handler, routes=ROUTES, limits=Limits(), heartbeat=heartbeat, tally=self.tally)
        assert len(heartbeat) == 0

    @property
    def frames(self) -> list[tuple[int, bytes]]:
        return frames_in(self.answer.partition(b"\r\n\r\n")[2])


def everything_logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = record.fields  # type: ignore[attr-defined]
    return fields


async def test_what_the_handler_is_told(autojump_clock: MockClock) -> None:
    told: list[Request] = []

    async def note(ws: WebSocket, request: Request) -> None:
        told.append(request)

    await Visit().run(peers.request("/echo/hush-hush?a=b"), note)
    await Visit().run(peers.request("/tailed/call%201"), note)
    first, second = told
    assert (first.route.name, first.path, first.tail, first.query) == ("echo", "/echo", "", "a=b")
    assert first.peer == "unknown"
    assert (second.route.name, second.tail) == ("tailed", "call 1")
    assert first.conn != second.conn
    assert len(first.conn) == 6
    assert first.conn.isalnum()
    assert "hush" not in repr(first)
    assert "a=b" not in repr(first)


@pytest.mark.parametrize(("target", "status"), [("/echo", 401), ("/echo?token=wrong-one", 403), ("/secret-path", 404)])
async def test_a_refusal_is_logged_without_what_was_asked(
    target: str, status: int, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visit = Visit()
    await visit.run(peers.request(target, Authorization="Basic wrong-one"))
    assert visit.answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert visit.tally.refusals == {status: 1}
    (record,) = [record for record in caplog.records if record.name == "elizad.net"]
    assert (record.levelno, record.getMessage()) == (logging.INFO, "refused")
    assert set(fields_of(record)) == {"conn", "peer", "status", "reason"}
    assert fields_of(record)["status"] == status
    assert "wrong-one" not in everything_logged(caplog)
    assert "secret-path" not in everything_logged(caplog)


async def test_an_admitted_call_leaves_no_secret_in_the_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visit = Visit()
    await visit.run(peers.request(GRANTED) + frame(TEXT, b"my-words") + frame(CLOSE, b"\x03\xe8"))
    assert visit.frames[-1] == (CLOSE, b"\x03\xe8")
    assert "hush" not in everything_logged(caplog)
    assert "my-words" not in everything_logged(caplog)


async def test_a_handler_that_returns_closes_with_1000(autojump_clock: MockClock) -> None:
    async def leave(ws: WebSocket, request: Request) -> None:
        await ws.send(["goodbye"])

    visit = Visit()
    await visit.run(peers.request(GRANTED), leave)
    assert visit.frames == [(TEXT, b"goodbye"), (CLOSE, b"\x03\xe8")]
    assert visit.tally.closes == {1000: 1}
    assert visit.tally.bytes_out == len(visit.answer)


async def test_the_code_of_a_remote_error_is_sent(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(ws: WebSocket, request: Request) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise RemoteError(1007, "not JSON")

    visit = Visit()
    await visit.run(peers.request(GRANTED), refuse)
    assert visit.frames == [(CLOSE, b"\x03\xefnot JSON")]
    assert visit.tally.bugs == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("kind", ["plain", "group", "with PeerClosed", "with RemoteError"])
async def test_a_bug_is_logged_with_its_traceback_and_closes_with_1011(
    kind: str, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(ws: WebSocket, request: Request) -> None:
        bug = ZeroDivisionError("ours")
        others: dict[str, list[Exception]] = {
            "with PeerClosed": [PeerClosed(1006, "", by_peer=True)],
            "with RemoteError": [RemoteError(1007, "theirs")],
        }
        if kind == "plain":
            raise bug
        raise ExceptionGroup("several", [bug, *others.get(kind, [])])

    visit = Visit()
    await visit.run(peers.request(GRANTED), fail)
    ((opcode, payload),) = visit.frames
    assert (opcode, close_code(payload)) == (CLOSE, 1011)
    assert b"ours" not in payload
    assert visit.tally.bugs == 1
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "bug")
    assert "ZeroDivisionError: ours" in caplog.text


async def test_a_bug_that_comes_with_a_cancellation_is_not_lost(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What `except Exception` does not see: a group that holds Cancelled too."""

    async def fail(ws: WebSocket, request: Request) -> None:
        async def die_last() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise ZeroDivisionError("ours")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(die_last)
            nursery.start_soon(trio.sleep_forever)

    visit = Visit()
    with trio.move_on_after(5) as scope:
        await visit.run(peers.request(GRANTED), fail)
    assert scope.cancelled_caught
    assert visit.tally.bugs == 1
    assert "ZeroDivisionError: ours" in caplog.text


async def test_a_bug_of_the_library_is_logged(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: object) -> None:
        raise ZeroDivisionError("theirs")

    monkeypatch.setattr("trio_websocket.WebSocketConnection._handle_message_event", fail)
    visit = Visit()
    await visit.run(peers.request(GRANTED) + frame(BINARY))
    assert visit.tally.bugs == 1
    assert "ZeroDivisionError: theirs" in caplog.text


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_an_end_of_the_program_passes(kind: type[BaseException], autojump_clock: MockClock) -> None:
    async def stop(ws: WebSocket, request: Request) -> None:
        raise kind

    with pytest.raises(BaseExceptionGroup) as caught:
        await Visit().run(peers.request(GRANTED), stop)
    assert caught.group_contains(kind)


async def test_who_leaves_without_a_word_is_no_news(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    near, far = trio.testing.memory_stream_pair()
    await far.aclose()
    tally = Tally()
    heartbeat = Heartbeat(ping_interval_s=20, ping_timeout_s=20)
    await serve_connection(near, echo, routes=ROUTES, limits=Limits(), heartbeat=heartbeat, tally=tally)
    assert tally.refusals == {}
    assert caplog.records == []


async def test_names_of_peers() -> None:
    one, other = trio.socket.socketpair()
    async with trio.SocketStream(one) as stream, trio.SocketStream(other):
        assert peer_name(stream) == "unix"
    assert peer_name(stream) == "unknown"
    assert peer_name(trio.testing.memory_stream_pair()[0]) == "unknown"
    for host, shown in [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")]:
        try:
            listeners = await trio.open_tcp_listeners(0, host=host)
        except OSError:
            pytest.skip(f"this machine has no {host}")
        client = await trio.open_tcp_stream(host, listeners[0].socket.getsockname()[1])
        server = await listeners[0].accept()
        assert peer_name(server) == f"{shown}:{client.socket.getsockname()[1]}"
        for resource in (client, server, *listeners):
            await resource.aclose()


async def test_nothing_of_the_head_is_kept_while_a_call_lasts(autojump_clock: MockClock) -> None:
    def heads() -> int:
        gc.collect()
        return sum(isinstance(kept, Head) for kept in gc.get_objects())

    kept: list[int] = []

    async def look(ws: WebSocket, request: Request) -> None:
        kept.append(heads())

    before = heads()
    await Visit().run(peers.request(GRANTED), look)
    assert kept == [before]
