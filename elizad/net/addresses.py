"""Whose request this is: addresses and networks as text, and what a proxy says of the client it speaks for. Pure.

The rule for proxies: each appends the address that it was called from, so the list in the header is believed from its
right end, and only as far as those who wrote it are trusted.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, Literal

from elizad.net.head import Head

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

UNIX: Final = "unix"

Peer = IpAddress | Literal["unix", "unknown"]
"""Who is at the other end: an address, "unix" for a Unix socket, or "unknown" when it had gone already."""

HeaderName = Literal["x-forwarded-for", "forwarded"]

_PORT: Final = re.compile(r"[0-9]{1,5}")
_BRACKETED: Final = re.compile(r"\[(?P<host>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")

_IPV6_PREFIX: Final = 64
"""What one subscriber gets (RFC 6177 section 2): every address in it may be the same machine."""


class Sources:
    """A set of addresses: networks, and maybe the peers at Unix sockets."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Each of `texts` as `parse_source` takes it. Raises: ValueError."""
        parsed = [parse_source(text) for text in texts]
        self._unix = UNIX in parsed
        self._networks = tuple(source for source in parsed if source != UNIX)

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def __contains__(self, peer: Peer) -> bool:
        if isinstance(peer, str):
            return self._unix and peer == UNIX
        return any(peer in network for network in self._networks)


def parse_source(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | Literal["unix"]:
    """Read "192.0.2.7", "192.0.2.0/24", "2001:db8::/32" or "unix".

    Raises: ValueError with a sentence for the operator.
    """
    if text == UNIX:
        return UNIX
    try:
        network = ipaddress.ip_network(text)
    except ValueError as wrong:
        if "has host bits set" in str(wrong):
            meant = ipaddress.ip_network(text, strict=False)
            raise ValueError(f"{text!r} has bits beyond its prefix; is {str(meant)!r} meant?") from None
        raise ValueError(f'{text!r} is not an address, a network such as 192.0.2.0/24, or "unix"') from None
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError(f"{text!r} is an IPv4 address in IPv6 clothes: write it as IPv4")
    return network


def parse_address(text: str) -> IpAddress | None:
    """Read an address without a port; None when it is none. An IPv4 address mapped into IPv6 comes back as IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])  # an interface's name is of no use to anybody else
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def client_of(peer: Peer, head: Head, trusted: Sources, header: HeaderName) -> Peer:
    """Whom `peer` speaks for: itself, unless it is `trusted`; then the last in `header` that is not.

    A hop that cannot be read stands for the proxy that reported it, and so does a header that is missing. Never
    raises, whatever the header holds.
    """
    hops = _forwarded(head) if header == "forwarded" else _x_forwarded_for(head)
    while peer in trusted and hops:
        hop = _read_hop(hops.pop())
        if hop is None:
            return peer
        peer = hop
    return peer


def group_of(peer: Peer) -> str:
    """What `peer` is counted by: its IPv4 address, its IPv6 network of 64 bits, or its name."""
    if isinstance(peer, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((peer, _IPV6_PREFIX), strict=False))
    return str(peer)


def _x_forwarded_for(head: Head) -> list[str]:
    return [hop for value in head.values("x-forwarded-for") for hop in value.split(",")]


def _forwarded(head: Head) -> list[str]:
    """The values of `for` (RFC 7239 section 4), in order; "" for an element without one.

    A comma or semicolon parts even within quotation marks: no address has one, and a client's open quotation mark must
    not swallow what a proxy writes behind it.
    """
    hops = []
    for value in head.values("forwarded"):
        for element in value.split(","):
            pairs = [pair.partition("=") for pair in element.split(";")]
            named = [node for name, _, node in pairs if name.strip().lower() == "for"]
            hops.append(named[0].strip().strip('"') if len(named) == 1 else "")
    return hops


def _read_hop(text: str) -> IpAddress | None:
    """Read an address with or without port: 192.0.2.7:80, [2001:db8::7]:80, and 2001:db8::7, which RFC 7239 forbids."""
    text = text.strip()
    if (match := _BRACKETED.fullmatch(text)) is not None:
        address = parse_address(match["host"])
        return address if ":" in match["host"] else None
    host, _, port = text.partition(":")
    if _PORT.fullmatch(port):
        return parse_address(host) if "." in host else None
    return parse_address(text)
