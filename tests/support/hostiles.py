"""Peers that mean harm to a daemon, or are broken beyond telling the difference. Each is a function of the fort.

The daemon of these has short deadlines and no limits on how fast anything comes, so that nothing but the deadlines, the
bounds and the one loop stands between a flood and everybody else.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Final

from tests.support.fort import ENDS, PATIENCE_S, Fort, Peer, ask
from tests.support.leavers import probes
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, close_code, frame, frames_in, request

MESSAGE_BYTES: Final = 200_000

CONFIG: Final = f"""
[speech]
chunk = "word"
pace_s = 0.001

[limits]
head_timeout_s = 1
handshake_timeout_s = 1
write_timeout_s = 0.5
close_timeout_s = 0.1
ping_interval_s = 1
ping_timeout_s = 1
idle_s = 5  # an unanswered ping ends a connection after 3 s at the latest, and that must be seen first
max_message_bytes = {MESSAGE_BYTES}
messages_per_s = 100_000
handshakes_per_s = 10_000
"""

Attack = Callable[[Fort], None]

ATTACKS: Final[dict[str, Attack]] = {}

_TOO_BIG: Final = frame(TEXT, b"x" * (MESSAGE_BYTES + 1))
_PINGS: Final = frame(PING, b"x" * 125) * 200
_POLICY: Final = 'elizad_faults_total{code="1008"}'  # found in the bytes; a deadline is counted elsewhere
_WHILE_S: Final = 1.0  # well under idle_s, on however slow a machine
_SMALL: Final = 4096  # a receive buffer that is soon full


def attack(function: Attack) -> Attack:
    """Add to the table, under its name as a sentence."""
    ATTACKS[function.__name__.replace("_", " ")] = function
    return function


def flood(peer: Peer, data: bytes, seconds: float = PATIENCE_S) -> None:
    """Send it until thrown out."""
    deadline = time.monotonic() + seconds
    while peer.send(data):
        assert time.monotonic() < deadline, "nobody stops this"


def drip(peer: Peer, data: bytes, pause_s: float) -> None:
    """Send it a byte at a time until the daemon says something, or throws us out."""
    peer.socket.settimeout(pause_s)
    for byte in data:
        try:
            peer.received += peer.socket.recv(65_536)
            break
        except TimeoutError:
            if not peer.send(bytes([byte])):
                break
        except ConnectionError:
            break
    else:
        raise AssertionError("all of it was taken")
    peer.socket.settimeout(PATIENCE_S)


# -- slow ------------------------------------------------------------------------------------------------------------


@attack
def slow_head(fort: Fort) -> None:
    peer = fort.connect()
    drip(peer, request("/llm", X="x" * 1000), 0.03)
    assert peer.refusal() == 408


@attack
def two_hundred_that_say_nothing(fort: Fort) -> None:
    peers = [fort.connect() for _ in range(200)]
    fort.is_answered()
    assert {peer.refusal() for peer in peers} == {408}


@attack
def slow_body_of_a_request(fort: Fort) -> None:
    peer = fort.connect()
    peer.send(b"POST /llm HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    drip(peer, b"x" * 1000, 0.03)
    assert peer.refusal() == 405


@attack
def slow_body_of_a_message(fort: Fort) -> None:
    """It is heard from, so it is not silent; but it never says anything whole."""
    peer = fort.call()
    drip(peer, frame(TEXT, b"x" * 1000), 0.05)
    assert peer.close_code() == 1008


@attack
def slow_message_of_fragments(fort: Fort) -> None:
    peer = fort.call(frame(TEXT, b"x", fin=False))
    drip(peer, frame(0, b"x", fin=False) * 200, 0.05)
    assert peer.close_code() == 1008


@attack
def a_message_byte_by_byte(fort: Fort) -> None:
    peer = fort.call()
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in ask("My mother hates me."):
        peer.send(bytes([byte]))
    assert "mother" in peer.turn() or "family" in peer.turn()


@attack
def slow_reader_with_full_buffers(fort: Fort) -> None:
    """It asks and asks, reads a byte now and then, and has 60 bytes an answer to fetch."""
    stalled = fort.count("elizad_stalled_total")
    peer = fort.call(path="/llm-websocket/slow-reader", receive_bytes=_SMALL)
    keepalive = frame(TEXT, b'{"interaction_type":"ping_pong","timestamp":1}') * 500
    began = time.monotonic()
    peer.socket.settimeout(0.1)
    while time.monotonic() - began < PATIENCE_S:
        try:
            peer.socket.sendall(keepalive)
            peer.socket.recv(1)
        except TimeoutError:
            continue  # it no longer reads us, since we do not read it
        except OSError:
            break
    fort.wait_for_count("elizad_stalled_total", stalled)


@attack
def pings_and_never_reads(fort: Fort) -> None:
    """Row 8: the pong waits for the lock of the writer, inside the reader."""
    stalled = fort.count("elizad_stalled_total")
    flood(fort.call(receive_bytes=_SMALL), _PINGS)
    fort.wait_for_count("elizad_stalled_total", stalled)


@attack
def asks_two_hundred_times_and_reads_late(fort: Fort) -> None:
    """Row 4: what a newer turn cuts off leaves no torn frame behind."""
    peer = fort.call(b"".join(ask(f"I am sad about {number}.") for number in range(200)))
    fort.is_answered()
    peer.socket.settimeout(0.3)
    try:
        while part := peer.socket.recv(65_536):
            peer.received += part
    except TimeoutError:
        pass  # all is said
    said = [one for one in frames_in(peer.received) if one[0] != PING]
    assert said[-1] == (TEXT, ENDS)


@attack
def never_answers_a_ping(fort: Fort) -> None:
    """Row 9, and what a peer looks like that has gone without a word."""
    silent = fort.count("elizad_silent_total")
    peer = fort.call()
    assert [opcode for opcode, _ in frames_in(peer.rest())] == [PING]
    fort.wait_for_count("elizad_silent_total", silent)


@attack
def resets_when_it_is_pinged(fort: Fort) -> None:
    peer = fort.call()
    peer.read_until(lambda received: received == frame(PING, masked=False), "a ping")
    peer.reset()


# -- too much --------------------------------------------------------------------------------------------------------


@attack
def ping_flood_that_is_read(fort: Fort) -> None:
    """Nobody else waits for it: up to ten thousand answers, and an honest call among them."""
    peer = fort.call()
    began = time.monotonic()
    for number in range(50):
        peer.send(frame(PING) * 200)
        peer.read_until(lambda received: len(received) >= 400, "the pongs")
        assert {opcode for opcode, _ in frames_in(peer.received)} <= {PING, PONG}
        peer.received.clear()
        if number == 5:
            fort.is_answered()
        if time.monotonic() - began > _WHILE_S:
            break
    assert number >= 5
    peer.send(ask())
    assert peer.turn()


@attack
def pings_without_end(fort: Fort) -> None:
    peer = fort.call()
    peer.send(frame(PING) * 17_000)
    assert peer.close_code() == 1008


@attack
def close_flood(fort: Fort) -> None:
    peer = fort.call()
    peer.send(frame(CLOSE, b"\x03\xe8") * 5000)
    assert peer.close_code() == 1000


@attack
def pings_after_the_close(fort: Fort) -> None:
    """Row 2."""
    peer = fort.call()
    peer.send(frame(CLOSE, b"\x03\xe8") + frame(PING) * 5000)
    assert peer.close_code() == 1000


@attack
def pings_while_we_close(fort: Fort) -> None:
    """Row 2: a pong is not allowed any more, and must not be an error of ours."""
    peer = fort.call()
    peer.send(frame(BINARY, b"x") + frame(PING) * 50)
    peer.read_until(bool, "our close")
    peer.send(frame(PING) * 50)
    assert peer.close_code() == 1003


@attack
def pings_after_a_message_that_is_too_big(fort: Fort) -> None:
    peer = fort.call()
    peer.send(_TOO_BIG + frame(PING) * 50)
    assert peer.close_code() == 1009


@attack
def two_messages_that_are_too_big(fort: Fort) -> None:
    peer = fort.call()
    peer.send(_TOO_BIG * 2)
    assert peer.close_code() == 1009


@attack
def far_too_big_and_not_to_be_stopped(fort: Fort) -> None:
    """Row 5: our close arrives although the rest is still coming, and the line is closed."""
    peer = fort.call()
    peer.send(frame(TEXT, b"x" * 5_000_000))
    assert peer.close_code() == 1009


@attack
def large_characters(fort: Fort) -> None:
    """Row 10: bytes count, not characters."""
    peer = fort.call()
    peer.send(frame(TEXT, "𝄞".encode() * (MESSAGE_BYTES // 4 + 1)))
    assert peer.close_code() == 1009


@attack
def empty_fragments_without_end(fort: Fort) -> None:
    """Row 10."""
    faults = fort.count(_POLICY)
    peer = fort.call(frame(TEXT, b"", fin=False))
    flood(peer, frame(0, b"", fin=False) * 2000)
    fort.wait_for_count(_POLICY, faults)


@attack
def fragments_of_one_byte_without_end(fort: Fort) -> None:
    faults = fort.count(_POLICY)
    peer = fort.call(frame(TEXT, b"x", fin=False))
    flood(peer, frame(0, b"x", fin=False) * 2000)
    fort.wait_for_count(_POLICY, faults)


@attack
def sent_with_the_request_and_answered(fort: Fort) -> None:
    """Row 7: frames that are there before the 101 is."""
    peer = fort.call(ask() * 20)
    assert peer.turn()


@attack
def megabytes_with_the_request(fort: Fort) -> None:
    """Row 7: they wait in the kernel, and are looked at one message at a time."""
    data = request("/llm") + frame(TEXT, b"x" * 38_000_000)
    before = fort.resident_bytes()
    peer = fort.connect()
    assert not peer.send(data), "nobody reads so much of it"
    answer, _, frames = peer.rest().partition(b"\r\n\r\n")  # the reset may have overtaken it
    assert not answer or answer.startswith(b"HTTP/1.1 101 "), answer
    assert not frames or [close_code(payload) for _, payload in frames_in(frames)] == [1009]
    assert fort.resident_bytes() - before < 8_000_000


@attack
def as_many_headers_as_fit(fort: Fort) -> None:
    peer = fort.connect()
    peer.send(request("/llm")[:-2] + b"a:\r\n" * 4000 + b"\r\n" + ask())
    peer.read_until(lambda received: ENDS in received, "an answer")


@attack
def megabytes_of_head(fort: Fort) -> None:
    peer = fort.connect()
    peer.send(request("/llm", X="x" * 8_000_000))
    assert peer.refusal() == 431


@attack
def fifty_probes_of_a_port_scanner(fort: Fort) -> None:
    """Row 6: they left 50 tasks behind."""
    for data, waits, rst in probes():
        peer = fort.connect()
        peer.send(data)
        if waits:
            time.sleep(0.005)
        if rst:
            peer.reset()
        else:
            peer.close()
