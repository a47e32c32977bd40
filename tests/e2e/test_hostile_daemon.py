"""Hostile peers against the real process. Each test ends as `Fort.besieged` does: a fresh client is answered, tasks and
descriptors are back where they were, and the log has the lines that are due and no more.

The rows are those of trio-websocket's hazards; tests/e2e/test_hostile.py has them against the front door alone.
"""

from __future__ import annotations

import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import client_context, files
from tests.support.daemon import ROOT, environment
from tests.support.fort import ENDS, Fort, Peer, ask, fort
from tests.support.hostiles import ATTACKS, CONFIG, Attack
from tests.support.leavers import HELLO, STAGES, probes
from tests.support.peers import CLOSE, HANDSHAKE, PING, TEXT, frame, request

KEY = HANDSHAKE["Sec-WebSocket-Key"]


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fort]:
    """A daemon without limits on how fast anything may come."""
    with fort(CONFIG) as found:
        yield found


@pytest.mark.parametrize("peer", ATTACKS.values(), ids=list(ATTACKS))
def test_attack(besieged: Fort, peer: Attack) -> None:
    with besieged.besieged():
        peer(besieged)


@pytest.mark.parametrize("stage", STAGES)
def test_reset(besieged: Fort, stage: str) -> None:
    with besieged.besieged():
        for _ in range(5):
            STAGES[stage](besieged).reset()


@pytest.mark.parametrize("stage", STAGES)
def test_half_open(besieged: Fort, stage: str) -> None:
    """One that will say no more, and still listens: it is not waited for."""
    with besieged.besieged():
        peer = STAGES[stage](besieged)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.rest()


REFUSED: dict[str, tuple[int, bytes]] = {
    "row 1, UTF-8 in Host": (400, request("/llm", Host=b"caf\xc3\xa9")),
    "row 1, xn-- in Host": (400, request("/llm", Host="xn--")),
    "row 1, a byte above 0x7f in Connection": (400, request("/llm", Connection=b"Upgrade, \xff")),
    "row 1, a byte above 0x7f in the subprotocol": (400, request("/llm", Sec_WebSocket_Protocol=b"\xff")),
    "row 1, a byte above 0x7f in the extensions": (400, request("/llm", Sec_WebSocket_Extensions=b"\xff")),
    "row 13, a path that is none": (404, request("/")),
    "row 13, a plain request": (426, b"GET /llm HTTP/1.1\r\nHost: a\r\n\r\n"),
    "row 13, another method": (405, request(line="POST /llm HTTP/1.1")),
    "oversize head": (431, request("/llm", X="x" * 20_000)),
    "oversize request line": (431, request("/llm?" + "x" * 20_000)),
    "oversize head without an end": (431, b"GET /llm HTTP/1.1\r\nX: " + b"x" * 20_000),
    "10,000 headers": (431, request("/llm")[:-2] + b"a: b\r\n" * 10_000 + b"\r\n"),
    "absolute-form target": (400, request("http://elizad.test/llm")),
    "authority-form target": (400, request(line="CONNECT elizad.test:443 HTTP/1.1")),
    "asterisk-form target": (400, request(line="OPTIONS * HTTP/1.1")),
    "target without a slash": (400, request("llm")),
    "target with a fragment": (400, request("/llm#x")),
    "target with a byte above 0x7f": (400, request("/llm").replace(b"/llm", b"/llm\xff")),
    "target with a zero byte": (400, request("/llm\0")),
    "target that climbs": (404, request("/llm/../../etc/passwd")),
    "target in disguise": (404, request("/%6clm")),
    "target twice": (400, request(line="GET /llm /llm HTTP/1.1")),
    "no target": (400, request(line="GET HTTP/1.1")),
    "random bytes": (400, bytes(range(255, 0, -1)) + b"\r\n\r\n"),
    "HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/1.0": (505, request(line="GET /llm HTTP/1.0")),
    "HTTP/9.9": (505, request(line="GET /llm HTTP/9.9")),
    "header folded": (400, request("/llm", X="a\r\n b: c").replace(b"Host", b" Host")),
    "space before the colon": (400, request("/llm").replace(b"Host:", b"Host :")),
    "header without a name": (400, request("/llm").replace(b"Host:", b":")),
    "bare CR": (400, request("/llm", X="a\rb")),
    "Content-Length with a body": (400, request("/llm", Content_Length="5") + b"hello"),
    "Content-Length twice, not the same": (400, request("/llm", Content_Length="0\r\nContent-Length: 5")),
    "Content-Length below zero": (400, request("/llm", Content_Length="-1")),
    "Content-Length with a sign": (400, request("/llm", Content_Length="+0")),
    "Content-Length of 5,000 digits": (400, request("/llm", Content_Length="9" * 5000)),
    "Transfer-Encoding": (400, request("/llm", Transfer_Encoding="chunked") + b"0\r\n\r\n"),
    "Transfer-Encoding and Content-Length": (
        400,
        request("/llm", Transfer_Encoding="chunked", Content_Length="0") + b"0\r\n\r\n",
    ),
    "Transfer-Encoding nobody knows": (400, request("/llm", Transfer_Encoding="xchunked")),
    "no Upgrade": (426, request("/llm", Upgrade=None)),
    "Upgrade to something else": (400, request("/llm", Upgrade="h2c")),
    "Upgrade not in Connection": (400, request("/llm", Connection="keep-alive")),
    "no Connection": (400, request("/llm", Connection=None)),
    "no Host": (400, request("/llm", Host=None)),
    "Host twice": (400, request("/llm", Host="a\r\nHost: b")),
    "no key": (400, request("/llm", Sec_WebSocket_Key=None)),
    "key twice": (400, request("/llm", Sec_WebSocket_Key=f"{KEY}\r\nSec-WebSocket-Key: {KEY}")),
    "key too short": (400, request("/llm", Sec_WebSocket_Key="c2hvcnQ=")),
    "key not base64": (400, request("/llm", Sec_WebSocket_Key="!" * 24)),
    "no version": (426, request("/llm", Sec_WebSocket_Version=None)),
    "wrong version": (426, request("/llm", Sec_WebSocket_Version="8")),
    "version twice": (426, request("/llm", Sec_WebSocket_Version="13\r\nSec-WebSocket-Version: 13")),
    "TLS to a plain port": (400, HELLO),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(besieged: Fort, name: str) -> None:
    status, data = REFUSED[name]
    with besieged.besieged():
        peer = besieged.connect()
        peer.send(data)
        assert peer.refusal() == status


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Upgrade", "websocket\r\nUpgrade: websocket"),
        ("Upgrade", "h2c\r\nUpgrade: websocket"),
        ("Connection", "keep-alive\r\nConnection: Upgrade"),
    ],
)
def test_a_repeated_header_is_one_list(besieged: Fort, header: str, value: str) -> None:  # RFC 9110 section 5.3
    with besieged.besieged():
        peer = besieged.connect()
        peer.send(request("/llm", **{header: value}) + ask())
        peer.read_until(lambda received: ENDS in received, "the end of the turn")


FAULTS: dict[str, tuple[int, bytes]] = {
    "row 12, unmasked frame": (1002, frame(TEXT, b"x", masked=False)),
    "continuation of nothing": (1002, frame(0, b"x")),
    "message within a message": (1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"x")),
    "fragmented ping": (1002, frame(PING, b"x", fin=False) + frame(0, b"x")),
    "fragmented close": (1002, frame(CLOSE, b"\x03\xe8", fin=False)),
    "ping of 126 bytes": (1002, frame(PING, b"x" * 126)),
    "close of one byte": (1002, frame(CLOSE, b"x")),
    "close with a code that is not for the wire": (1002, frame(CLOSE, b"\x03\xed")),
    "close with code 0": (1002, frame(CLOSE, b"\0\0")),
    "close with a reason that is not UTF-8": (1007, frame(CLOSE, b"\x03\xe8\xff")),
    "length with its top bit set": (1002, b"\x81\xff" + b"\xff" * 8 + b"mask" + b"x" * 100),
    "length longer than it need be": (1002, b"\x81\xfe\0\x01mask" + b"x"),
    "a second request": (1002, request("/llm")),
    **{f"reserved bit {bit}": (1002, frame(TEXT, b"x", rsv=bit)) for bit in (4, 2, 1)},
    **{f"opcode {code:#x}": (1002, frame(code, b"x")) for code in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)},
    "invalid UTF-8": (1007, frame(TEXT, b"\xff\xfe")),
    "invalid UTF-8 split over fragments": (1007, frame(TEXT, b"\xe2\x82", fin=False) + frame(0, b"\x28")),
    "UTF-8 that ends in the middle": (1007, frame(TEXT, b"\xe2\x82")),
    "UTF-8 longer than it need be": (1007, frame(TEXT, b"\xc0\xaf")),
    "lone surrogate in raw bytes": (1007, frame(TEXT, b'{"messages":[{"role":"user","content":"\xed\xa0\x80"}]}')),
    "lone surrogate, escaped": (1007, frame(TEXT, b'{"messages":[{"role":"user","content":"\\ud800"}]}')),
    "deeply nested JSON": (1007, frame(TEXT, b"[" * 100_000)),
    "lone surrogate where nobody looks": (1007, frame(TEXT, b'{"messages":[],"x":"\\ud800"}')),
    "deeply nested JSON where nobody looks": (
        1007,
        frame(TEXT, b'{"messages":[],"x":' + b"[" * 90_000 + b"]" * 90_000 + b"}"),
    ),
    "deeply nested JSON where anything goes": (
        1007,
        frame(TEXT, b'{"messages":[{"time":' + b'{"a":[' * 20_000 + b"]}" * 20_000 + b"}]}"),
    ),
    "huge number where text belongs": (1007, frame(TEXT, b'{"messages":' + b"9" * 100_000 + b"}")),
    "not JSON": (1007, frame(TEXT, b"My house is quiet.")),
    "NaN": (1007, frame(TEXT, b'{"messages":[],"x":NaN}')),
    "an empty message": (1007, frame(TEXT)),
    "more objects than any call has": (1009, frame(TEXT, b'{"messages":[],"x":"' + b"{" * 100_001 + b'"}')),
    "more entries than any call has": (1009, frame(TEXT, b'{"messages":[' + b"{}," * 4000 + b"{}]}")),
    "binary": (1003, frame(2, b"x")),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(besieged: Fort, name: str) -> None:
    """What is wrong in a call is answered with its code."""
    code, data = FAULTS[name]
    with besieged.besieged():
        peer = besieged.call(data)
        assert peer.close_code() == code


def _says(content: bytes, more: bytes = b"") -> bytes:
    return frame(TEXT, b'{"messages":[{"role":"user","content":"' + content + b'"' + more + b"}]}")


ANSWERED: dict[str, bytes] = {
    "duplicate keys": _says(b"I am sad.", b',"content":"I am happy.","content":"I am sad."'),
    "huge number": _says(b"I am sad.", b',"time":' + b"9" * 100_000),
    "huge exponent": _says(b"I am sad.", b',"time":1e' + b"9" * 1000),
    "score beyond all numbers": _says(b"I am sad.", b',"models":{"prosody":{"scores":{"Anger":1e9999}}}'),
    "nested JSON where nobody looks": _says(b"I am sad.", b',"x":' + b"[" * 200 + b"]" * 200),
    "UTF-8 split in the middle of a character": (
        lambda text: frame(TEXT, text[:40], fin=False) + frame(PING) + frame(0, text[40:])
    )('{"messages":[{"role":"user","content":"é am sad."}]}'.encode()),
    "a fragment for each byte": b"".join(
        frame(TEXT if not at else 0, b'{"messages":[]}'[at : at + 1], fin=at == 14) for at in range(15)
    ),
    "long utterance": _says(b"my mother my " * 10_000),
    "zero bytes and bidirectional controls": _says(rb"I am\u0000 \u202e sad\ufeff."),
    "braces": _says(b"{" * 50_000),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_answered(besieged: Fort, name: str) -> None:
    """Odd, and allowed: it gets a turn, and the call goes on."""
    with besieged.besieged():
        peer = besieged.call(ANSWERED[name])
        peer.read_until(lambda received: ENDS in received, "the end of the turn")
        peer.received.clear()
        peer.send(ask())
        assert peer.turn()
        peer.part()


# -- a daemon as it is delivered --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock() -> Iterator[Fort]:
    """A daemon with every limit at its default, but for how long it waits for the peer's half of a close."""
    with fort("[limits]\nclose_timeout_s = 0.5\n") as found:
        yield found


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b'{"messages":[]}') * 600, 1008),
        (frame(PING) * 600, 1008),
        (frame(10) * 600, 1008),
        (frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 17_000, 1008),
        (frame(CLOSE, b"\x03\xe8") * 600, 1000),
        (frame(TEXT, b"x" * 4_194_305) + frame(PING) * 50, 1009),
        (frame(TEXT, b"[" * 4_000_000), 1007),
        (frame(TEXT, b'{"messages":[],"x":' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}"), 1007),
        (frame(TEXT, b'{"messages":' + b"9" * 4_000_000 + b"}"), 1007),
    ],
    ids=[
        *("messages", "pings", "pongs nobody asked for", "empty fragments", "closes"),
        *("a message that is too big", "deep JSON", "deep JSON where nobody looks", "four million digits"),
    ],
)
def test_flood_at_the_default_limits(stock: Fort, data: bytes, code: int) -> None:
    with stock.besieged():
        peer = stock.call()
        peer.send(data)
        assert peer.close_code() == code


def test_connections_as_fast_as_they_can(stock: Fort) -> None:
    """One address is told to slow down; others do not notice."""
    with stock.besieged(due={"turned away"}):
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 5000:
            peer = stock.connect()
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            statuses.append(peer.refusal())
            peer.close()
        assert statuses.count(404) >= 500
        assert set(statuses) == {404, 429}


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fort]:
    """A daemon that speaks TLS."""
    with fort(files(tmp_path_factory.mktemp("tls")).config + CONFIG, context=client_context()) as found:
        yield found


def _hello() -> bytes:
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("data", [request("/llm"), b"SSH-2.0-Probe\r\n", b"\r\n\r\n"], ids=["HTTP", "SSH", "blank"])
def test_plain_to_a_tls_port(secure: Fort, data: bytes) -> None:
    with secure.besieged():
        peer = secure.connect()
        peer.send(data)
        assert peer.refusal() == 400


@pytest.mark.parametrize(
    "data",
    [b"", _hello()[:100], _hello(), b"\x16\x03\x01\x00\x04junk", b"\x16\x03\x01\x00\x00" * 1000, HELLO],
    ids=["nothing", "half a hello", "a hello", "junk", "empty records", "a hello that makes no sense"],
)
def test_tls_handshake_that_comes_to_nothing(secure: Fort, data: bytes) -> None:
    with secure.besieged():
        waiting, gone = secure.connect(), secure.connect()
        for peer in (waiting, gone):
            peer.send(data)
        gone.reset()
        assert not waiting.rest().startswith(b"HTTP/")


def test_fifty_probes_of_a_tls_port(secure: Fort) -> None:
    with secure.besieged():
        for data, waits, rst in probes():
            peer = secure.connect()
            peer.send(data)
            if waits:
                time.sleep(0.005)
            if rst:
                peer.reset()
            else:
                peer.close()


@pytest.mark.parametrize(
    "data", [b"", b"\x17\x03\x03\x00\x05junk!", b"GET / HTTP/1.1\r\n\r\n"], ids=["RST", "record", "HTTP"]
)
def test_tls_broken_off_in_a_call(secure: Fort, data: bytes) -> None:
    with secure.besieged():
        raw = socket.create_connection(("127.0.0.1", secure.port))
        peer = secure.take(raw)
        line = Peer(client_context().wrap_socket(raw.dup(), server_hostname="localhost"))
        line.upgrade()
        peer.send(data)
        if data:
            peer.rest()
        peer.reset()
        line.reset()


# -- files ------------------------------------------------------------------------------------------------------------

_FEW: str = """
[limits]
max_connections = {}
connections_per_address = {}
"""


def test_more_connections_than_the_files_allow_is_no_start(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[admin]\nlisten = []\n" + _FEW.format(65, 65))
    done = subprocess.run(
        ["prlimit", "--nofile=128", sys.executable, "-m", "elizad", "--config", str(config), "--listen", "127.0.0.1:0"],
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=20,
        check=False,
    )
    assert done.returncode == 78
    assert b"65 connections and 64 other files do not fit under the limit of 128 open files" in done.stderr


def test_as_many_connections_as_the_files_allow() -> None:
    """Those beyond are turned away, and no accept ever fails."""
    with fort(_FEW.format(64, 64), files=128) as full:
        with full.besieged(served=False, due={"turned away"}):
            calls = [full.call() for _ in range(64)]
            crowd = [full.connect() for _ in range(100)]
            for peer in crowd[:10]:
                assert peer.refusal() in (503, 429)
            for peer in calls[::8]:
                peer.send(ask())
                assert peer.turn(), "who is in is served"
            full.wait_for_count("elizad_connections_turned_away_total", more_than=99)


def test_files_that_run_out_all_the_same() -> None:
    """EMFILE, as when somebody lowers the limit below what was checked at the start: calm, said once, and then over."""
    with fort("") as short:
        with short.besieged(served=False, due={"cannot accept"}):
            call = short.call()
            taken = int(short.figures()["descriptors"])
            limits = resource.prlimit(short.pid, resource.RLIMIT_NOFILE, (taken + 3, 20_000))
            crowd = [short.connect() for _ in range(30)]
            short.daemon.wait_for('event="cannot accept" .*[Tt]oo many open files')
            used = short.cpu_s()
            time.sleep(1)
            assert short.cpu_s() - used < 0.3, "it does not try again and again"
            call.send(ask())
            assert call.turn(), "who is in is served"
            for peer in crowd:
                peer.close()
            short.is_answered()
            resource.prlimit(short.pid, resource.RLIMIT_NOFILE, limits)
    assert sum("cannot accept" in line for line in short.daemon.log) == 1
