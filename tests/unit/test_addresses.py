"""Whose request it is: networks as operators write them, and proxies that are believed exactly as far as trusted."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.net.addresses import HeaderName, Peer, Sources, client_of, group_of, parse_address, parse_source
from elizad.net.head import Head

PROXY = ipaddress.ip_address("10.0.0.1")
TRUSTED = Sources(["10.0.0.0/8", "2001:db8:1::/48"])


def head(name: str, *values: str) -> Head:
    return Head("GET", "/", headers=tuple((name, value) for value in values))


def xff(*values: str, peer: Peer = PROXY, trusted: Sources = TRUSTED) -> str:
    return str(client_of(peer, head("x-forwarded-for", *values), trusted, "x-forwarded-for"))


def forwarded(*values: str) -> str:
    return str(client_of(PROXY, head("forwarded", *values), TRUSTED, "forwarded"))


# Networks


@pytest.mark.parametrize(
    ("texts", "inside", "outside"),
    [
        (["100.20.5.228"], ["100.20.5.228"], ["100.20.5.229", "::ffff:6414:5e4", "unix"]),
        (["192.0.2.0/24", "2001:db8::/32"], ["192.0.2.255", "2001:db8::1"], ["192.0.3.0", "2001:db9::1", "unknown"]),
        (["unix"], ["unix"], ["127.0.0.1", "unknown"]),
        (["0.0.0.0/0"], ["1.2.3.4"], ["::1", "unix", "unknown"]),
        ([], [], ["127.0.0.1", "unix", "unknown"]),
    ],
)
def test_sources(texts: list[str], inside: list[str], outside: list[str]) -> None:
    sources = Sources(texts)
    assert bool(sources) == bool(texts)
    for text, expected in [(text, True) for text in inside] + [(text, False) for text in outside]:
        peer: Peer = text if text in ("unix", "unknown") else ipaddress.ip_address(text)  # type: ignore[assignment]
        assert (peer in sources) is expected, text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.0.2.1/24", "'192.0.2.1/24' has bits beyond its prefix; is '192.0.2.0/24' meant?"),
        ("localhost", "'localhost' is not an address, a network such as 192.0.2.0/24, or \"unix\""),
        ("192.0.2.0/33", "is not an address"),
        ("192.0.2.7:80", "is not an address"),
        ("", "is not an address"),
        ("::ffff:192.0.2.1", "write it as IPv4"),
    ],
)
def test_a_source_that_is_none_is_told_in_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_source(text)


def test_addresses() -> None:
    assert parse_address("::ffff:192.0.2.1") == ipaddress.ip_address("192.0.2.1")
    assert parse_address("fe80::1%eth0") == ipaddress.ip_address("fe80::1")
    assert parse_address("192.0.2.01") is None


def test_groups() -> None:
    assert group_of(ipaddress.ip_address("192.0.2.7")) == "192.0.2.7"
    one, other = ipaddress.ip_address("2001:db8::1"), ipaddress.ip_address("2001:db8::ffff:1:2:3")
    assert group_of(one) == group_of(other) == "2001:db8::/64"
    assert group_of(ipaddress.ip_address("2001:db8:0:1::1")) != group_of(one)
    assert group_of("unix") == "unix"


# Proxies


@pytest.mark.parametrize(
    ("values", "client"),
    [
        ((), "10.0.0.1"),
        (("203.0.113.9",), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9",), "203.0.113.9"),
        (("1.1.1.1", "203.0.113.9"), "203.0.113.9"),
        (("203.0.113.9, 10.0.0.2",), "203.0.113.9"),
        (("203.0.113.9, 10.0.0.2, 2001:db8:1::5",), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9, 10.0.0.2",), "203.0.113.9"),
        (("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("[2001:db8::9]:4711",), "2001:db8::9"),
        (("[2001:db8::9]",), "2001:db8::9"),
        (("2001:db8::9",), "2001:db8::9"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("[::ffff:203.0.113.9]:80",), "203.0.113.9"),
        (("::ffff:10.0.0.2",), "10.0.0.2"),
        (("garbage",), "10.0.0.1"),
        (("203.0.113.9, garbage",), "10.0.0.1"),
        (("203.0.113.9, garbage, 10.0.0.2",), "10.0.0.2"),
        (("203.0.113.9, ",), "10.0.0.1"),
        (("203.0.113.9:99999999",), "10.0.0.1"),
        (("203.0.113.9:",), "10.0.0.1"),
        (("[203.0.113.9]",), "10.0.0.1"),
        (("unix",), "10.0.0.1"),
        (("unknown",), "10.0.0.1"),
    ],
)
def test_x_forwarded_for(values: tuple[str, ...], client: str) -> None:
    assert xff(*values) == client


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (("for=203.0.113.9",), "203.0.113.9"),
        (("For=203.0.113.9;proto=https;by=10.0.0.1",), "203.0.113.9"),
        (("proto=https; for=203.0.113.9",), "203.0.113.9"),
        (('for="203.0.113.9:4711"',), "203.0.113.9"),
        (('for="[2001:db8::9]:4711"',), "2001:db8::9"),
        (("for=1.1.1.1, for=203.0.113.9",), "203.0.113.9"),
        (("for=1.1.1.1", "for=203.0.113.9"), "203.0.113.9"),
        (("for=203.0.113.9, for=10.0.0.2",), "203.0.113.9"),
        (("for=unknown",), "10.0.0.1"),
        (("for=_hidden",), "10.0.0.1"),
        (("proto=https",), "10.0.0.1"),
        (("for=1.1.1.1;for=203.0.113.9",), "10.0.0.1"),
        (('for="1.1.1.1, for=203.0.113.9',), "203.0.113.9"),
        (('for="1.1.1.1;x=", for=203.0.113.9',), "203.0.113.9"),
    ],
)
def test_forwarded(values: tuple[str, ...], client: str) -> None:
    assert forwarded(*values) == client


def test_who_is_not_trusted_speaks_for_nobody() -> None:
    stranger = ipaddress.ip_address("203.0.113.66")
    assert xff("100.20.5.228", peer=stranger) == "203.0.113.66"
    assert xff("100.20.5.228", trusted=Sources()) == "10.0.0.1"
    assert xff("100.20.5.228", peer="unix") == "unix"
    assert xff("100.20.5.228", peer="unknown") == "unknown"
    assert xff("100.20.5.228", peer="unix", trusted=Sources(["unix"])) == "100.20.5.228"


def test_the_header_that_is_not_configured_is_not_looked_at() -> None:
    both = Head("GET", "/", headers=(("forwarded", "for=100.20.5.228"), ("x-forwarded-for", "203.0.113.9")))
    assert str(client_of(PROXY, both, TRUSTED, "x-forwarded-for")) == "203.0.113.9"
    assert str(client_of(PROXY, both, TRUSTED, "forwarded")) == "100.20.5.228"
    assert str(client_of(PROXY, head("forwarded", "for=1.1.1.1"), TRUSTED, "x-forwarded-for")) == "10.0.0.1"


PRINTABLE = st.text([chr(code) for code in range(0x20, 0x7F)], max_size=40)
HOPS = st.one_of(
    PRINTABLE,
    st.text('fFoOrR=",;:.[]%/0123456789abcdef_ ', max_size=40),
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda address: f"for={address}"),
)
HEADER: st.SearchStrategy[HeaderName] = st.sampled_from(["x-forwarded-for", "forwarded"])


@given(HEADER, st.lists(HOPS, max_size=4))
def test_any_header_gives_an_address(header: HeaderName, values: list[str]) -> None:
    client = client_of(PROXY, head(header, *values), TRUSTED, header)
    assert isinstance(client, ipaddress.IPv4Address | ipaddress.IPv6Address)


@given(HEADER, st.lists(HOPS, max_size=4), st.ip_addresses().filter(lambda address: address not in TRUSTED))
def test_whatever_a_client_writes_the_address_that_a_trusted_proxy_appends_counts(
    header: HeaderName, written: list[str], client: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    appended = f"[{client}]" if client.version == 6 else str(client)
    line = ", ".join([*written, appended if header == "x-forwarded-for" else f'for="{appended}"'])
    found = client_of(PROXY, head(header, line), TRUSTED, header)
    assert found == (parse_address(str(client)) or client)


@given(HEADER, st.lists(HOPS, max_size=4), st.ip_addresses().filter(lambda address: address not in TRUSTED))
def test_a_stranger_is_himself(
    header: HeaderName, written: list[str], peer: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    assert client_of(peer, head(header, *written), TRUSTED, header) == peer
