"""Peers that leave: at every stage of a call, and as port scanners do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tests.support.fort import Fort, Peer, ask
from tests.support.peers import CLOSE, TEXT, frame, request


def _at_connect(fort: Fort) -> Peer:
    """Row 11: when it is looked at, its address can no longer be asked."""
    return fort.connect()


def _in_the_head(fort: Fort) -> Peer:
    peer = fort.connect()
    peer.send(request("/llm")[:60])
    return peer


def _after_the_head(fort: Fort) -> Peer:
    peer = fort.connect()
    peer.send(request("/llm"))
    return peer


def _after_a_bad_head(fort: Fort) -> Peer:
    """Row 3."""
    peer = fort.connect()
    peer.send(b"NONSENSE\r\n\r\n")
    return peer


def _after_the_upgrade(fort: Fort) -> Peer:
    return fort.call()


def _in_a_frame(fort: Fort) -> Peer:
    peer = fort.call()
    peer.send(frame(TEXT, b"x" * 1000)[:500])
    return peer


def _between_fragments(fort: Fort) -> Peer:
    peer = fort.call()
    peer.send(frame(TEXT, b"x" * 1000, fin=False))
    return peer


def _in_a_reply(fort: Fort) -> Peer:
    peer = fort.call(ask())
    peer.read_until(bool, "the first word")
    return peer


def _while_closing(fort: Fort) -> Peer:
    peer = fort.call()
    peer.send(frame(CLOSE, b"\x03\xe8"))
    return peer


STAGES: Final[dict[str, Callable[[Fort], Peer]]] = {
    "at connect": _at_connect,
    "in the head": _in_the_head,
    "after the head": _after_the_head,
    "after a bad head": _after_a_bad_head,
    "after the 101": _after_the_upgrade,
    "in a frame": _in_a_frame,
    "between fragments": _between_fragments,
    "in a reply": _in_a_reply,
    "while closing": _while_closing,
}


HELLO: Final = bytes.fromhex("1603010200010001fc0303") + bytes(range(200))  # as TLS begins

_PROBES: Final = (
    b"",
    b"\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"OPTIONS / RTSP/1.0\r\n\r\n",
    b"HELP\r\n",
    b"SSH-2.0-Probe\r\n",
    b"\x00" * 40,
    HELLO,
    b"\x03\x00\x00\x0b\x06\xe0\x00\x00\x00\x00\x00",  # RDP
    b"EHLO a\r\n",
    request("/llm")[:-30],
    request("/llm"),
)


def probes() -> Iterator[tuple[bytes, bool, bool]]:
    """Fifty of a port scanner: what it sends, whether it then waits a moment, and whether it goes with a RST."""
    for number in range(50):
        yield _PROBES[number % len(_PROBES)], number % 3 == 0, number % 2 == 0
