"""HTTP with bodies over one guarded connection: what is read, what is refused, and peers that mean no good."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from elizad.net.addresses import Peer
from elizad.net.errors import Refusal
from elizad.net.guard import serve_connection
from elizad.net.head import Head
from elizad.net.heartbeat import Heartbeat
from elizad.net.http import Answer, Ask
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from tests.support.peers import echo, read_all

JSON = "application/json"


class Shop:
    """A Site under /shop/ that says what it was asked."""

    body_bytes = 100
    body_timeout_s = 3.0

    def __init__(self) -> None:
        self.asked: list[Ask] = []

    def covers(self, path: str) -> bool:
        return path.startswith("/shop/")

    def admit(self, head: Head, client: Peer, peer: Peer) -> None:
        if head.query == "no":
            raise Refusal(401, "not you", (("WWW-Authenticate", "Bearer"),))

    async def answer(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        match ask.head.path.removeprefix("/shop/"):
            case "bug":
                raise RuntimeError("a bug of ours")
            case "slow":
                await trio.sleep_forever()
            case "full":
                raise Refusal(413, "too much")
            case "none":
                return Answer(204)
        return Answer(200, ask.body[::-1], JSON, (("X-Shop", "open"),))

    def refuse(self, refusal: Refusal) -> Answer:
        return Answer(refusal.status, f'"{refusal.reason}"'.encode(), JSON, refusal.headers)

    def headers(self, head: Head) -> Sequence[tuple[str, str]]:
        return (("Vary", "Origin"),)


class Visit:
    """One connection over memory: `pieces` are sent, with seconds to wait between them."""

    def __init__(self, *pieces: bytes | float, hang_up: bool = False) -> None:
        self.pieces = pieces
        self.hang_up = hang_up
        self.shop = Shop()
        self.tally = Tally()
        self.answer = b""
        self.seconds = 0.0

    async def run(self) -> None:
        near, far = trio.testing.memory_stream_pair()
        began = trio.current_time()

        async def talk() -> None:
            try:
                for piece in self.pieces:
                    if isinstance(piece, bytes):
                        await far.send_all(piece)
                    else:
                        await trio.sleep(piece)
                if self.hang_up:
                    await far.send_eof()
            except trio.BrokenResourceError:
                pass

        async def read() -> None:
            self.answer = await read_all(far)
            self.seconds = trio.current_time() - began

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            nursery.start_soon(read)
            serve = partial(serve_connection, near, echo, routes=(), limits=Limits(), tally=self.tally, site=self.shop)
            nursery.start_soon(partial(serve, heartbeat=Heartbeat(ping_interval_s=20, ping_timeout_s=20)))

    @property
    def status(self) -> int:
        return int(self.answer.split(b" ", 2)[1]) if self.answer else 0

    @property
    def body(self) -> bytes:
        return self.answer.partition(b"\r\n\r\n")[2]


def post(*headers: str, path: str = "/shop/x", method: str = "POST", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: a", *headers, "", ""]).encode()


async def visit(*pieces: bytes | float, hang_up: bool = False) -> Visit:
    visit = Visit(*pieces, hang_up=hang_up)
    await visit.run()
    assert visit.tally.bugs == 0
    return visit


@pytest.mark.parametrize("cut", [0, 1, 30, 50])
async def test_a_body_comes_whole_however_it_is_cut(autojump_clock: MockClock, cut: int) -> None:
    data = post("Content-Length: 5") + b"abcde"
    found = await visit(data[: len(data) - cut], 0.5, data[len(data) - cut :]) if cut else await visit(data)
    assert (found.status, found.body) == (200, b"edcba")
    assert found.shop.asked[0].body == b"abcde"
    head = found.answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert {b"X-Shop: open", b"Vary: Origin", b"Content-Type: application/json", b"Connection: close"} <= set(head)
    assert found.tally.refusals == {}


async def test_what_the_site_is_told_and_what_is_not_shown(autojump_clock: MockClock) -> None:
    found = await visit(
        post("Content-Length: 9", "X-Secret: hush-hush", path="/shop/a%20b?key=hush-hush") + b"hush-hush"
    )
    (ask,) = found.shop.asked
    assert (ask.head.method, ask.head.path, ask.head.query, ask.peer) == (
        "POST",
        "/shop/a%20b",
        "key=hush-hush",
        "unknown",
    )
    assert len(ask.conn) == 6
    assert "hush-hush" not in repr(ask)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH", "POST", "OPTIONS", "ODD"])
async def test_without_a_length_there_is_no_body(autojump_clock: MockClock, method: str) -> None:
    found = await visit(post(method=method) + b"GET /shop/y HTTP/1.1\r\n\r\n")
    assert found.status == 200
    assert [ask.body for ask in found.shop.asked] == [b""]
    assert found.answer.count(b"HTTP/1.1") == 1, "one request per connection"


async def test_head_gets_no_body_and_204_no_length(autojump_clock: MockClock) -> None:
    found = await visit(post("Content-Length: 3", method="HEAD") + b"abc")
    assert (found.status, found.body) == (200, b"")
    assert b"Content-Length: 3" in found.answer
    found = await visit(post(path="/shop/none"))
    assert (found.status, found.body) == (204, b"")
    assert b"Content-" not in found.answer


async def test_what_comes_behind_the_body_is_not_looked_at(autojump_clock: MockClock) -> None:
    found = await visit(post("Content-Length: 3") + b"abc" + post("Content-Length: 1") + b"z", 0.1, b"\x00" * 1000)
    assert (found.status, found.body) == (200, b"cba")
    assert len(found.shop.asked) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Transfer-Encoding: chunked"], 411),
        (["Transfer-Encoding: chunked", "Content-Length: 3"], 411),
        (["Content-Length: 101"], 413),
        (["Content-Length: 99999999999999999999"], 413),
        (["Content-Length: 999999999999999999999999"], 400),
        (["Content-Length: -1"], 400),
        (["Content-Length: 1.0"], 400),
        (["Content-Length: 0x3"], 400),
        (["Content-Length: 3", "Content-Length: 4"], 400),
        (["Transfer-Encoding: gzip"], 0),
    ],
)
async def test_a_length_that_is_none(autojump_clock: MockClock, headers: list[str], status: int) -> None:
    found = await visit(post(*headers) + b"3\r\nabc\r\n0\r\n\r\n")
    if status:
        assert found.status == status
    assert 400 <= found.status < 500
    assert found.shop.asked == []
    assert found.tally.refusals[found.status] == 1


async def test_the_same_length_twice_is_one(autojump_clock: MockClock) -> None:
    assert (await visit(post("Content-Length: 3", "Content-Length: 3") + b"abc")).body == b"cba"


async def test_the_longest_body_is_taken(autojump_clock: MockClock) -> None:
    assert (await visit(post("Content-Length: 100") + b"x" * 100)).status == 200


async def test_a_slow_body_has_its_time(autojump_clock: MockClock) -> None:
    drops = [piece for _ in range(50) for piece in (b"x", 0.1)]
    found = await visit(post("Content-Length: 90"), *drops)
    assert found.status == 408
    assert b"not complete after 3 s" in found.body
    assert found.seconds < 6
    assert found.shop.asked == []


async def test_a_body_that_ends_too_soon(autojump_clock: MockClock) -> None:
    found = await visit(post("Content-Length: 5") + b"abc", hang_up=True)
    assert (found.status, found.body) == (400, b'"the body is shorter than its Content-Length"')
    assert found.shop.asked == []


async def test_nobodys_body_is_read_who_may_not_come_in(autojump_clock: MockClock) -> None:
    found = await visit(post("Content-Length: 90", path="/shop/x?no"))
    assert (found.status, found.body) == (401, b'"not you"')
    assert b"WWW-Authenticate: Bearer" in found.answer
    assert b"Vary: Origin" in found.answer
    assert found.seconds < 2.5, "only the last words were lingered over"
    assert found.tally.refused_for == {"not you": 1}


async def test_a_program_that_waits_to_be_told_to_go_on(autojump_clock: MockClock) -> None:
    found = await visit(post("Content-Length: 3", "Expect: 100-continue"), 0.5, b"abc")
    assert found.answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert (await visit(post("Content-Length: 3", "Expect: 100-continue") + b"abc")).status == 200
    refused = await visit(post("Content-Length: 101", "Expect: 100-continue"))
    assert refused.answer.startswith(b"HTTP/1.1 413 ")


async def test_a_site_that_refuses_takes_too_long_or_has_a_bug(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert (await visit(post(path="/shop/full"))).status == 413
    slow = await visit(post(path="/shop/slow"))
    assert (slow.status, slow.body) == (503, b'"this takes too long just now"')
    assert slow.seconds < 25
    bug = Visit(post("Content-Length: 2", path="/shop/bug?key=hush") + b"hu")
    await bug.run()
    assert (bug.status, bug.body, bug.tally.bugs) == (500, b'"internal error"', 1)
    assert "a bug of ours" not in bug.answer.decode()
    assert "hush" not in caplog.text


async def test_a_peer_that_leaves_is_nobodys_fault(autojump_clock: MockClock) -> None:
    for data in (post("Content-Length: 5")[:20], b"", post("Content-Length: 5") + b"ab"):
        near, far = trio.testing.memory_stream_pair()
        tally = Tally()
        await far.send_all(data) if data else None
        await far.aclose()
        heartbeat = Heartbeat(ping_interval_s=20, ping_timeout_s=20)
        await serve_connection(near, echo, routes=(), limits=Limits(), heartbeat=heartbeat, tally=tally, site=Shop())
        assert tally.bugs == 0


async def test_a_site_has_its_paths_and_no_more(autojump_clock: MockClock) -> None:
    for path in ("/shop", "/shopping", "/%73hop/x", "/x/shop/", "/"):
        found = await visit(post(path=path))
        assert (found.status, found.shop.asked) == (404, [])
    assert (await visit(post(path="/shop/../x"))).shop.asked[0].head.path == "/shop/../x"


TOKENS = st.sampled_from(
    [
        "Content-Length: 5",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Expect: 100-continue",
        "Expect: x",
        "Connection: keep-alive",
        "Upgrade: websocket",
        "Content-Length: 5, 5",
        "Content-Encoding: gzip",
        "X: ",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TOKENS, max_size=4), st.binary(max_size=200), st.sampled_from(["1.0", "1.1"]), st.booleans())
def test_whatever_comes_gets_one_answer_and_finds_no_bug(
    headers: list[str], data: bytes, version: str, hang_up: bool
) -> None:
    found = Visit(post(*headers, version=version) + data, hang_up=hang_up)
    trio.run(found.run, clock=MockClock(autojump_threshold=0))
    assert found.tally.bugs == 0
    assert found.status in (100, 200, 400, 408, 411, 413)
