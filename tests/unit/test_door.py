"""The door, without a network: which bytes are a request, which requests may become a WebSocket, and the answers."""

from __future__ import annotations

import base64
import itertools

import h11
import pytest
import wsproto
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.net.door import check_upgrade
from elizad.net.errors import Refusal
from elizad.net.head import Head, HeadReader
from elizad.net.http import render_refusal
from tests.support.peers import HANDSHAKE, request

CAP = 2048


def decide(pieces: list[bytes]) -> Head | int | None:
    """The head, the status of the refusal, or None for "more is needed"."""
    reader = HeadReader(CAP)
    try:
        for piece in pieces:
            head = reader.feed(piece)
            if head is not None:
                return head
    except Refusal as refusal:
        return refusal.status
    return None


def head_of(data: bytes) -> Head:
    head = HeadReader(16_384).feed(data)
    assert head is not None
    return head


def status_of(data: bytes) -> int:
    """What the door answers to a whole request; 101 when it lets it through."""
    try:
        check_upgrade(head_of(data))
    except Refusal as refusal:
        return refusal.status
    return 101


LINES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([f"{name}: {value}".encode() for name, value in HANDSHAKE.items()]),
        st.sampled_from([b"Host: \xff", b"Host: xn--a", b"Content-Length: 0", b"Transfer-Encoding: chunked", b" fold"]),
    ),
    max_size=12,
)
NEARLY = st.builds(
    lambda first, lines, end, rest: b"\r\n".join([first, *lines]) + end + rest,
    st.sampled_from(
        [b"GET /echo HTTP/1.1", b"GET /echo?x=%20 HTTP/1.1", b"POST * HTTP/1.0", b"GET http://h/ HTTP/1.1"]
    ),
    LINES,
    st.sampled_from([b"\r\n\r\n", b"\n\n", b"\n\r\n", b"\r\n", b""]),
    st.binary(max_size=30),
)
ANY_BYTES = st.one_of(st.binary(max_size=3000), NEARLY)


@given(ANY_BYTES)
@example(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
@example(request(Host=b"\xff\xfe"))
@example(request(Connection=b"\xffpgrade"))
@example(request(Sec_WebSocket_Protocol=b"\xe9"))
@example(request(Host="xn--"))
def test_any_bytes_are_a_head_a_refusal_or_not_enough(data: bytes) -> None:
    decision = decide([data])
    assert decision is None or isinstance(decision, Head) or 400 <= decision <= 599
    if isinstance(decision, Head):
        assert decision.path.startswith("/")
        text = decision.method + decision.path + decision.query + "".join(map("".join, decision.headers))
        assert text.isascii()
        assert text.replace("\t", "").isprintable()


@given(ANY_BYTES, st.lists(st.integers(0, 3000), max_size=6))
@example(b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * CAP + b"\r\n\r\n", [10, CAP])
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", list(range(27)))
@example(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", [1, 2, 3])
def test_however_the_bytes_are_cut_the_decision_is_the_same(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert decide(pieces) == decide([data]) == decide([bytes([byte]) for byte in data])


EXTRA = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(list(HANDSHAKE)), st.text(st.characters(codec="latin-1"), max_size=10)),
        st.tuples(
            st.sampled_from(["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Cookie", "Content-Length"]),
            st.text(st.characters(codec="latin-1"), max_size=20),
        ),
    ),
    max_size=2,
)


@given(EXTRA, st.permutations(list(HANDSHAKE.items())))
@example([("Sec-WebSocket-Protocol", "a, b")], list(HANDSHAKE.items()))
def test_what_is_let_through_does_wsproto_no_harm(extra: list[tuple[str, str]], wanted: list[tuple[str, str]]) -> None:
    """wsproto is shown a handshake of ours instead; but even this one would be safe."""
    lines = [f"{name}: {value}" for name, value in [*extra, *wanted]]
    data = "\r\n".join(["GET /echo HTTP/1.1", *lines, "", ""]).encode("latin-1")
    head = decide([data])
    if not isinstance(head, Head):
        return
    try:
        check_upgrade(head)
    except Refusal:
        return
    connection = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    connection.receive_data(data)
    (event,) = connection.events()
    assert isinstance(event, wsproto.events.Request)
    assert connection.send(wsproto.events.AcceptConnection()).startswith(b"HTTP/1.1 101 ")


class TestHead:
    def test_parts(self) -> None:
        head = head_of(b"GET /a%20b/c?d=%41&e HTTP/1.1\r\nHost: h\r\nX-Two: 1\r\nx-two: 2\r\n\r\nrest")
        assert (head.method, head.path, head.query, head.http_version) == ("GET", "/a%20b/c", "d=%41&e", "1.1")
        assert head.headers == (("host", "h"), ("x-two", "1"), ("x-two", "2"))
        assert head.header("x-two") == "1"
        assert head.values("x-two") == ("1", "2")
        assert head.header("x-three") is None

    def test_what_follows_is_kept(self) -> None:
        reader = HeadReader(CAP)
        assert reader.feed(request() + b"\x81\x80") is not None
        assert reader.rest == b"\x81\x80"

    def test_secrets_are_not_in_repr(self) -> None:
        head = head_of(request("/echo?token=hush", Authorization="Bearer hush"))
        assert "hush" not in repr(head)

    @pytest.mark.parametrize("size", [CAP - 1, CAP])
    def test_as_large_as_allowed(self, size: int) -> None:
        data = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
        data += b"x" * (size - len(data) - 4) + b"\r\n\r\n"
        assert len(data) == size
        assert isinstance(decide([data]), Head)

    def test_larger(self) -> None:
        data = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
        data += b"x" * (CAP + 1 - len(data) - 4) + b"\r\n\r\n"
        assert decide([data]) == 431
        assert decide([data[: CAP + 1]]) == 431
        assert decide([data[:CAP]]) is None

    @pytest.mark.parametrize(
        "data",
        [
            b"\x16\x03\x01",
            b"\r\n",
            b"GARBAGE\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: \x80\r\n\r\n",
            b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
            b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET //a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ],
    )
    def test_malformed(self, data: bytes) -> None:
        assert decide([data]) == 400

    def test_another_protocol_version(self) -> None:
        assert decide([b"GET / HTTP/2.0\r\nHost: a\r\n\r\n"]) == 505
        assert decide([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) in (400, 505)


class TestUpgrade:
    def test_the_plain_one(self) -> None:
        assert check_upgrade(head_of(request())) == HANDSHAKE["Sec-WebSocket-Key"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"Upgrade": "WebSocket"},
            {"Upgrade": "h2c, websocket"},
            {"Connection": "keep-alive, UPGRADE"},
            {"Host": "example.org:443"},
            {"Host": "192.0.2.1"},
            {"Host": "[2001:db8::1]:8765"},
            {"Host": "a_b.internal."},
            {"Content_Length": "0"},
            {"Sec_WebSocket_Extensions": "permessage-deflate; client_max_window_bits"},
            {"Sec_WebSocket_Protocol": "chat"},
            {"Origin": "null"},
        ],
        ids=str,
    )
    def test_what_honest_clients_vary(self, changes: dict[str, str]) -> None:
        assert status_of(request(**changes)) == 101

    @pytest.mark.parametrize(
        ("status", "changes"),
        [
            (426, {"Upgrade": None}),
            (400, {"Upgrade": "h2c"}),
            (400, {"Upgrade": "websocketx"}),
            (400, {"Connection": None}),
            (400, {"Connection": "keep-alive"}),
            (400, {"Host": ""}),
            (400, {"Host": "a b"}),
            (400, {"Host": "a/b"}),
            (400, {"Host": "a@b"}),
            (400, {"Host": "a:b"}),
            (400, {"Host": "[::1"}),
            (400, {"Host": "-"}),
            (426, {"Sec_WebSocket_Version": None}),
            (426, {"Sec_WebSocket_Version": "8"}),
            (426, {"Sec_WebSocket_Version": "13, 8"}),
            (426, {"Sec_WebSocket_Version": "13\r\nSec-WebSocket-Version: 13"}),
            (400, {"Sec_WebSocket_Key": None}),
            (400, {"Sec_WebSocket_Key": ""}),
            (400, {"Sec_WebSocket_Key": "short"}),
            (400, {"Sec_WebSocket_Key": base64.b64encode(bytes(15)).decode()}),
            (400, {"Sec_WebSocket_Key": base64.b64encode(bytes(17)).decode()}),
            (400, {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=!"}),
            (400, {"Sec_WebSocket_Key": HANDSHAKE["Sec-WebSocket-Key"] + "\r\nSec-WebSocket-Key: x"}),
            (400, {"Content_Length": "5"}),
            (400, {"Transfer_Encoding": "chunked"}),
            (405, {"line": "POST /echo HTTP/1.1"}),
            (405, {"line": "HEAD /echo HTTP/1.1"}),
            (505, {"line": "GET /echo HTTP/1.0"}),
        ],
        ids=str,
    )
    def test_what_is_refused(self, status: int, changes: dict[str, str | None]) -> None:
        assert status_of(request(**changes)) == status

    def test_a_refused_version_is_told_the_right_one(self) -> None:
        with pytest.raises(Refusal) as caught:
            check_upgrade(head_of(request(Sec_WebSocket_Version="8")))
        assert ("Sec-WebSocket-Version", "13") in caught.value.headers

    def test_a_refused_method_is_told_the_right_one(self) -> None:
        with pytest.raises(Refusal) as caught:
            check_upgrade(head_of(request(line="PUT /echo HTTP/1.1")))
        assert ("Allow", "GET") in caught.value.headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 426, 431, 503, 505])
def test_a_refusal_is_one_whole_http_response(status: int) -> None:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(render_refusal(Refusal(status, "because", (("X-Extra", "1"),))))
    response, body, end = client.next_event(), client.next_event(), client.next_event()
    assert isinstance(response, h11.Response)
    assert response.status_code == status
    headers = dict(response.headers)
    assert (headers[b"connection"], headers[b"x-extra"]) == (b"close", b"1")
    assert isinstance(body, h11.Data)
    assert body.data == b"because\n"
    assert isinstance(end, h11.EndOfMessage)
    assert client.next_event() is h11.NEED_DATA or client.their_state is h11.MUST_CLOSE


def test_an_upgrade_that_is_required_is_named_as_a_connection_option() -> None:
    data = render_refusal(Refusal(426, "because", (("Upgrade", "websocket"),)))
    assert b"\r\nUpgrade: websocket\r\n" in data
    assert b"\r\nConnection: upgrade, close\r\n" in data
