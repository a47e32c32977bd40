"""To call a server: an address in, an open line out, with a deadline on all of it.

ws://, wss:// and ws+unix: addresses, headers of one's own, and TLS with or without looking at the certificate. The
handshake is written and read here, so that a refusal can be told in words; frames are the business of line.py.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import secrets
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import h11
import trio

from elizad.errors import ElizadError
from elizad.net.line import READ_BYTES, Line

OPEN_TIMEOUT_S: Final = 7.0  # what Retell gives a connection attempt; nobody who waits on a telephone waits longer

WRITE_TIMEOUT_S: Final = 10.0  # as the daemon's own: longer than any hiccup of a link that can carry a conversation

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3

_BODY_CHARS: Final = 120  # of a refusal's body are quoted at most; the first line says what there is to say

_SHAPES: Final = "an address looks like ws://host:port/path, wss://host/path or ws+unix:/run/x.sock:/path"


class DialFailed(ElizadError):
    """No line could be opened. `kind` is a short word for tables: refused, timeout, tls, name, "status 404", ..."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to dial. `unix` is the path of a socket in the file system, or None; `target` is path and query."""

    host: str
    port: int
    target: str
    tls: bool = False
    unix: str | None = None

    @property
    def authority(self) -> str:
        """Host and port for the Host header, a scheme's own port left out (RFC 6455 section 4.1)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.unix or self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def parse_url(text: str) -> Place:
    """Read "ws://host:port/path?query", "wss://...", or "ws+unix:/path/of.sock" with ":/path?query" behind it.

    http: and https: are taken as ws: and wss:, as platforms do. A fragment is left out.

    Raises: ValueError with a sentence.
    """
    if text.startswith("ws+unix:"):
        path, _, target = text.removeprefix("ws+unix:").partition(":")
        if not path.startswith("/"):
            raise ValueError(f"{text!r} names no file by its absolute path: {_SHAPES}")
        return Place("localhost", 0, _target(target or "/"), unix=path)
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
    except ValueError as wrong:
        raise ValueError(f"{text!r} cannot be read ({wrong}): {_SHAPES}") from None
    if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is no address to dial: {_SHAPES}")
    try:
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"{text!r} has a host name that cannot be") from None
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", host):
        raise ValueError(f"{text!r} has a host name that cannot be")
    tls = parts.scheme in ("wss", "https")
    target = _target((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return Place(host, port if port is not None else 443 if tls else 80, target, tls)


def _target(text: str) -> str:
    return urllib.parse.quote(text, safe="/?:@!$&'()*+,;=%~#[]{}|^-._\"<>\\`").translate(
        {ord(char): f"%{ord(char):02X}" for char in '#[]{}|^"<>\\`'}
    )


@asynccontextmanager
async def dial(
    place: Place,
    headers: Sequence[tuple[str, str]] = (),
    *,
    insecure: bool = False,
    open_timeout_s: float = OPEN_TIMEOUT_S,
    write_timeout_s: float = WRITE_TIMEOUT_S,
) -> AsyncIterator[Line]:
    """Open a line, with `headers` added to the handshake; `insecure` takes any certificate.

    On leaving the transport is closed at once: to part in peace, close the line and wait for Closed before.

    Raises: DialFailed, when the line is not open after `open_timeout_s` or cannot be opened.
    Cancelling: the transport is closed at once.
    """
    stream: trio.abc.Stream | None = None
    try:
        try:
            with trio.fail_after(open_timeout_s):
                stream = await _connect(place, insecure)
                early = await handshake(stream, place, headers)
        except trio.TooSlowError:
            what = "could not be reached" if stream is None else "did not answer the handshake"
            raise DialFailed("timeout", f"{_name(place)} {what} within {open_timeout_s:g} s") from None
        yield Line(stream, early, write_timeout_s)
    finally:
        if stream is not None:
            await trio.aclose_forcefully(stream)


def _name(place: Place) -> str:
    return place.unix or place.authority


async def _connect(place: Place, insecure: bool) -> trio.abc.Stream:
    try:
        if place.unix is not None:
            return await trio.open_unix_socket(place.unix)
        stream = await trio.open_tcp_stream(place.host, place.port)
    except OSError as error:
        kind, words = _why(error)
        raise DialFailed(kind, f"{_name(place)}: {words}") from None
    if not place.tls:
        return stream
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    secure = trio.SSLStream(stream, context, server_hostname=place.host, https_compatible=True)
    try:
        await secure.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        cause = error.__cause__
        words = "the connection broke in the TLS handshake"
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = f"its certificate is not trusted: {cause.verify_message} (--insecure takes it all the same)"
        elif isinstance(cause, ssl.SSLError):
            words = f"TLS failed: {(cause.reason or 'no reason given').lower().replace('_', ' ')}"
        raise DialFailed("tls", f"{_name(place)}: {words}") from None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secure


def _why(error: OSError) -> tuple[str, str]:
    """The kind and the words of a failed connect; trio groups what happened at each address of a name."""
    first: BaseException | None = error
    if error.errno is None and error.__cause__ is not None:
        first = error.__cause__
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
    number = first.errno if isinstance(first, OSError) else None
    if isinstance(first, OSError) and type(first).__name__ == "gaierror":
        return "name", "there is no such host"
    if number in (errno.EMFILE, errno.ENFILE):
        return "files", "no file descriptor is left on this side (ulimit -n)"
    if number is None:
        return "connect", str(first)
    return "refused" if number == errno.ECONNREFUSED else errno.errorcode.get(number, "connect"), os.strerror(number)


async def handshake(stream: trio.abc.Stream, place: Place, headers: Sequence[tuple[str, str]]) -> bytes:
    """Ask for a WebSocket and check the answer (RFC 6455 section 4.1); return what came behind it.

    Raises: DialFailed. Cancelling: the stream is of no more use.
    """
    key = base64.b64encode(secrets.token_bytes(16))
    http = h11.Connection(h11.CLIENT)
    try:
        request = http.send(
            h11.Request(method="GET", target=place.target, headers=_headers(place.authority, key, headers))
        )
    except h11.LocalProtocolError as error:
        raise DialFailed("header", f"these headers cannot be sent: {error}") from None
    assert request is not None
    try:
        await stream.send_all(request)
        event = await _next_event(stream, http)
        if isinstance(event, h11.InformationalResponse) and event.status_code == 101:
            _check(dict(event.headers), key)
            return http.trailing_data[0]
        if isinstance(event, h11.InformationalResponse | h11.Response):
            raise DialFailed(f"status {event.status_code}", await _refusal(stream, http, event))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        raise DialFailed("reset", "the server dropped the connection during the handshake") from None
    except h11.RemoteProtocolError as error:
        raise DialFailed("not http", f"the answer to the handshake is not HTTP: {error}") from None
    raise DialFailed("closed", "the server closed the connection instead of answering the handshake")


def _headers(authority: str, key: bytes, given: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    fixed = {
        "Host": authority.encode(),
        "Upgrade": b"websocket",
        "Connection": b"Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": b"13",
    }
    ours = {name.lower() for name, _ in given}
    kept = [(name.encode(), value) for name, value in fixed.items() if name.lower() not in ours]
    return kept + [(name.encode("latin-1", "replace"), value.encode()) for name, value in given]


async def _next_event(stream: trio.abc.Stream, http: h11.Connection) -> object:
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            data = bytes(await stream.receive_some(READ_BYTES))
            if not data and http.their_state is h11.SEND_RESPONSE:
                if http.trailing_data[0]:
                    raise DialFailed("not http", "the answer to the handshake is not HTTP, or not all of it")
                return h11.ConnectionClosed()
            http.receive_data(data)
        elif not (isinstance(event, h11.InformationalResponse) and event.status_code != 101):
            return event


async def _refusal(
    stream: trio.abc.Stream, http: h11.Connection, event: h11.InformationalResponse | h11.Response
) -> str:
    """The status and the first line of the body."""
    reason = bytes(event.reason).decode("latin-1")
    words = f"the server answered {event.status_code} {reason}".rstrip()
    body = await _next_event(stream, http)
    if isinstance(body, h11.Data):
        line = bytes(body.data[: 4 * _BODY_CHARS]).decode("utf-8", "replace").strip().partition("\n")[0][:_BODY_CHARS]
        words += f": {line}" if line else ""
    return words


def _check(answer: dict[bytes, bytes], key: bytes) -> None:
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    if answer.get(b"upgrade", b"").lower() != b"websocket":
        raise DialFailed("handshake", 'the answer to the handshake lacks "Upgrade: websocket"')
    if b"upgrade" not in [word.strip() for word in answer.get(b"connection", b"").lower().split(b",")]:
        raise DialFailed("handshake", 'the answer to the handshake lacks "Connection: Upgrade"')
    if answer.get(b"sec-websocket-accept", b"").strip() != accept:
        raise DialFailed("handshake", "the answer to the handshake has a wrong Sec-WebSocket-Accept")
    for name in (b"sec-websocket-protocol", b"sec-websocket-extensions"):
        if name in answer:
            raise DialFailed("handshake", f"the answer to the handshake has {name.decode()}, which nobody asked for")
