"""Who may come in as EVI's client: API keys, access tokens signed with them, and this machine while there are no keys.

An access token says nothing but when it ends, and is signed with the key and secret that it was given for. So every
daemon with the same keys takes it, after a restart too, and it ends with its key. No message in here holds a secret.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from elizad.net.addresses import UNIX, Peer
from elizad.net.errors import Refusal
from elizad.net.head import Head

_PARAMS: Final = ("apiKey", "api_key", "accessToken", "access_token")
"""Older SDKs write the first of each pair, newer ones the second."""

_HEADER: Final = "x-hume-api-key"
_TOKEN: Final = re.compile(r"ea1\.([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})")
_PURPOSE: Final = b"elizad: access token 1\n"  # so that no other use of a key can ever make one
_RELAYED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""What proxies add: who asks through one may be anywhere, though the proxy is on this machine."""

_CHALLENGE: Final = (("WWW-Authenticate", "Bearer"),)
_NO_KEYS: Final = "without API keys in its configuration elizad plays EVI for programs on this machine only"


class Keys:
    """The keys of one configuration. Without any, whoever is on this machine comes in with whatever key."""

    def __init__(
        self,
        keys: Sequence[str] = (),
        origins: Sequence[str] = (),
        token_s: float = 1800.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Each of `keys` is "KEY" or "KEY:SECRET"; `origins` are web pages that may ask beside this machine's."""
        self._pairs = [(key.encode(), secret.encode()) for key, _, secret in (text.partition(":") for text in keys)]
        self._origins = frozenset(origins)
        self._own = secrets.token_bytes(32)  # signs tokens while there are no keys, when any will do
        self._clock = clock
        self.token_s: Final = token_s

    def admit(self, head: Head, peer: Peer) -> None:
        """See that a request may come in; `peer` is who is connected, whomever he speaks for.

        Raises: Refusal: 401, and 403 for a web page that is not listed where there are keys.
        """
        welcome = all(map(self.is_welcome, head.values("origin")))
        if not self._pairs:
            if not (welcome and _is_local_request(head, peer)):
                raise Refusal(401, _NO_KEYS, _CHALLENGE)
        elif not welcome:
            raise Refusal(403, "pages of this origin are not accepted here")
        else:
            presented = [text for text in _presented(head) if text]
            if not presented:
                raise Refusal(401, "an API key or an access token is needed", _CHALLENGE)
            # All are looked at, so the time says neither which was close nor how close.
            known = [self._is_known(text) for text in presented]
            if not any(known):
                raise Refusal(401, "this API key or access token is not accepted", _CHALLENGE)

    def is_welcome(self, origin: str) -> bool:
        """Whether a web page of `origin` may ask: one of this machine, one that is listed, or any if there is no list.

        Without keys no list means nobody else.
        """
        return is_local_origin(origin) or origin in self._origins or bool(self._pairs and not self._origins)

    def admit_to_issue(self, head: Head, peer: Peer) -> None:
        """See that a request for an access token may come in. Raises: Refusal as `admit`."""
        if not self._pairs:
            self.admit(head, peer)
        elif not all(map(self.is_welcome, head.values("origin"))):
            raise Refusal(403, "pages of this origin are not accepted here")
        self.issue(head)

    def issue(self, head: Head) -> str:
        """Return an access token for the key and secret in `Authorization: Basic`; without keys, for anything.

        Raises: Refusal (401).
        """
        if not self._pairs:
            return self._sign(self._own)
        given = _basic(head)
        good = [pair for pair in self._pairs if given is not None and pair[1] and _are_equal(pair, given)]
        if not good:
            challenge = (("WWW-Authenticate", 'Basic realm="key:secret"'),)
            needed = "an API key and its secret, as Basic credentials, are needed"
            raise Refusal(401, needed if given is None else "this API key and secret are not accepted", challenge)
        return self._sign(b":".join(good[0]))

    def _is_known(self, text: str) -> bool:
        given = text.encode()
        by_key = [hmac.compare_digest(given, key) for key, _ in self._pairs]
        return any(by_key) or self._is_token(text)

    def _is_token(self, text: str) -> bool:
        match = _TOKEN.fullmatch(text)
        if match is None or int(match[1]) <= self._clock():
            return False
        macs = [_mac(b":".join(pair), match[1], match[2]) for pair in self._pairs if pair[1]]
        matches = [hmac.compare_digest(match[3], mac) for mac in macs]
        return any(matches)

    def _sign(self, secret: bytes) -> str:
        until, nonce = str(int(self._clock() + self.token_s)), secrets.token_hex(16)
        return f"ea1.{until}.{nonce}.{_mac(secret, until, nonce)}"


def is_local_origin(origin: str) -> bool:
    """Whether this is a web page's origin on this machine, such as "http://localhost:3000"."""
    try:
        parts = urlsplit(origin)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.path == "" and _is_local(parts.hostname or "")


def _is_local_request(head: Head, peer: Peer) -> bool:
    """Whether whoever asks is on this machine, as far as can be seen.

    A Host that is not this machine's is a page whose name was pointed here (DNS rebinding), or a tunnel.
    """
    is_here = peer == UNIX or (not isinstance(peer, str) and peer.is_loopback)
    is_direct = not any(head.values(name) for name in _RELAYED)
    hosts = head.values("host")
    return is_here and is_direct and len(hosts) == 1 and _is_local(_host(hosts[0]))


def _host(text: str) -> str:
    """The name or address in a Host header; "" for what is none."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?", text)
    return match[1].strip("[]") if match else ""


def _is_local(host: str) -> bool:
    """Whether a host is this machine: a loopback address, or a name that always means one (RFC 6761 section 6.3)."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _presented(head: Head) -> Iterator[str]:
    for name, value in urllib.parse.parse_qsl(head.query, errors="replace"):
        if name in _PARAMS:
            yield value
    yield from head.values(_HEADER)
    for value in head.values("authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "bearer":
            yield credentials.strip()


def _basic(head: Head) -> tuple[bytes, bytes] | None:
    """Key and secret of RFC 7617's credentials; None when there are none."""
    for value in head.values("authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "basic":
            try:
                key, colon, secret = base64.b64decode(credentials.strip(), validate=True).partition(b":")
            except binascii.Error:
                return None
            return (key, secret) if colon else None
    return None


def _are_equal(ours: tuple[bytes, bytes], theirs: tuple[bytes, bytes]) -> bool:
    both = hmac.compare_digest(ours[0], theirs[0]), hmac.compare_digest(ours[1], theirs[1])
    return all(both)


def _mac(secret: bytes, until: str, nonce: str) -> str:
    return hmac.new(secret, _PURPOSE + f"{until}.{nonce}".encode(), "sha256").hexdigest()
