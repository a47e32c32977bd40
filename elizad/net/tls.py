"""TLS at the door: one connection's stream, and the certificate that new connections get.

The certificate can change while the daemon runs. What was accepted with the old one lives on with it.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from pathlib import Path
from typing import Final, Literal, NoReturn

import trio

from elizad.errors import ElizadError
from elizad.net.errors import PeerClosed, Refusal, TlsFailed

_LOOK_S: Final = 60.0
"""Between two looks at the files: a renewed certificate has weeks of the old one left, and a look is two stat(2)."""

_DAY_S: Final = 86_400.0

_SOON_DAYS: Final = 7
"""Who renews by machine does so a month before the end (certbot, Caddy): a week before it something is wrong."""

_HANDSHAKE: Final = 0x16
"""The first byte of a TLS connection: a record of type handshake (RFC 8446 section 5.1)."""

_FLIGHTS: Final = 8
"""Rounds in which a handshake with ourselves must be over; TLS 1.2 takes two."""

_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED of openssl/x509_vfy.h
_NOT_YET: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID

log = logging.getLogger("elizad.net")

Which = Literal["certificate", "key"]


class BadCertificate(ElizadError):
    """A certificate and its key cannot be used. `which` file is at fault; the message is for the operator."""

    def __init__(self, which: Which, message: str) -> None:
        self.which = which
        super().__init__(message)


class Certificate:
    """The files of a certificate chain and its private key, both PEM, and the SSLContext made of them.

    `warning` is what will trouble callers although the files can be used (it has expired, ...), or "".
    """

    def __init__(self, certificate: str, key: str) -> None:
        """Raises: BadCertificate."""
        self._paths = certificate, key
        self._looked_at = -_LOOK_S
        self._seen = self._signature()
        self._context, self.warning = _load(certificate, key)

    def secure(self, stream: trio.SocketStream) -> TlsStream:
        """`stream` as the server's side of TLS, with the newest certificate. The handshake is still to come."""
        self._look()
        return TlsStream(stream, self._context)

    def reload(self) -> None:
        """Read the files again; connections from now on get what is in them.

        Raises: BadCertificate, and then the old certificate stays.
        """
        self._seen = self._signature()
        self._context, self.warning = _load(*self._paths)

    def _look(self) -> None:
        """Reload when the files have changed. Looks once in a minute at most, and logs what comes of it."""
        now = trio.current_time()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        if self._signature() == self._seen:
            return
        try:
            self.reload()
        except BadCertificate as error:
            # Often one file has been replaced and the other not yet: then that one changes next.
            fields = {"file": error.which, "reason": str(error)}
            log.warning("certificate not taken, the old one stays", extra={"fields": fields})
        else:
            log.info("new certificate", extra={"fields": {"warning": self.warning} if self.warning else {}})

    def _signature(self) -> tuple[tuple[int, ...] | None, ...]:
        """What differs when a file has been written, replaced or made readable."""
        return tuple(_stamp(path) for path in self._paths)


class TlsStream(trio.abc.HalfCloseableStream):
    """The server's side of TLS over a TCP connection.

    `shake_hands` comes first. A peer that turns out not to speak TLS is answered in the clear: after its Refusal all
    goes through as it is.

    `send_eof` sends close_notify and a FIN; whatever still comes is then read raw, to be thrown away (gate.linger).
    `aclose` closes at once. A peer that ends without close_notify has broken off: its last words may be missing.
    """

    def __init__(self, transport: trio.SocketStream, context: ssl.SSLContext) -> None:
        self.transport = transport
        self._secure: trio.SSLStream[_OpenTransport] | None = trio.SSLStream(
            _OpenTransport(transport), context, server_side=True
        )

    async def shake_hands(self, timeout_s: float) -> None:
        """Complete the handshake.

        Raises: Refusal (400), to be sent in the clear, when the peer does not speak TLS; TlsFailed when the two sides
        do not come together or `timeout_s` is over; PeerClosed when the peer leaves.
        Cancelling: the stream is of no more use.
        """
        assert self._secure is not None
        try:
            with trio.fail_after(timeout_s):
                first = await self.transport.socket.recv(1, socket.MSG_PEEK)
                if first and first[0] != _HANDSHAKE:
                    self._secure = None
                    raise Refusal(400, "this port speaks TLS: the address must begin with wss:// or https://")
                await self._secure.do_handshake()
        except trio.TooSlowError:
            raise TlsFailed(f"not complete after {timeout_s:g} s") from None
        except (trio.BrokenResourceError, OSError) as error:
            cause = error.__cause__
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
                # OpenSSL's words, such as "unsupported protocol" or "tlsv1 alert unknown ca": none are the peer's.
                reason = (cause.reason or "no reason given").lower().replace("_", " ")
                raise TlsFailed(reason) from None
            raise PeerClosed(1006, "left during the TLS handshake", by_peer=True) from None

    @property
    def socket(self) -> trio.socket.SocketType:
        """Of the TCP connection: for its addresses, not for its bytes."""
        return self.transport.socket

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """See trio.abc.ReceiveStream. Cancelling: loses nothing."""
        stream = self.transport if self._secure is None else self._secure
        return await stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See trio.abc.SendStream. Cancelling: the stream is of no more use."""
        stream = self.transport if self._secure is None else self._secure
        await stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See trio.abc.SendStream. Cancelling: safe."""
        await self.transport.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Say that no more will come. Cancelling: the stream is of no more use."""
        secure, self._secure = self._secure, None
        await (self.transport.send_eof() if secure is None else secure.aclose())

    async def aclose(self) -> None:
        """Close at once, without close_notify. Cancelling: it is closed all the same."""
        await self.transport.aclose()


class _OpenTransport(trio.abc.Stream):
    """What SSLStream has to do with: when it closes, which it does behind its close_notify, only our half closes."""

    def __init__(self, transport: trio.SocketStream) -> None:
        self._transport = transport

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._transport.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._transport.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._transport.send_eof()


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _load(certificate: str, key: str) -> tuple[ssl.SSLContext, str]:
    """The context for these files, and what is to be said about them. Raises: BadCertificate."""
    chain = _read("certificate", certificate, b"-----BEGIN CERTIFICATE-----", "no certificate in PEM format")
    _read("key", key, b"PRIVATE KEY-----", "no private key in PEM format")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        trust.load_verify_locations(cadata=chain.decode("ascii", "replace"))
    except ssl.SSLError:
        raise BadCertificate("certificate", f"{certificate} holds a certificate that cannot be read") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # TLS 1.2 lets a peer ask for a new handshake, and so for our private key's work, as often as it likes.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except _PassphraseNeeded:
        raise BadCertificate("key", f"{key} is encrypted, and a daemon cannot ask for the passphrase") from None
    except OSError as error:  # SSLError is one
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        if reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate("key", f"{key} is not the key of the certificate {certificate}") from None
        # What OpenSSL finds wrong with a certificate it names: EE_KEY_TOO_SMALL, CA_MD_TOO_WEAK.
        which: Which = "certificate" if reason.startswith(("EE_", "CA_")) else "key"
        path = certificate if which == "certificate" else key
        raise BadCertificate(which, f"{path} is refused by OpenSSL: {reason.lower().replace('_', ' ')}") from None
    return context, _try_out(context, trust)


def _read(which: Which, path: str, mark: bytes, lacking: str) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadCertificate(which, f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if mark not in data:
        raise BadCertificate(which, f"{path} holds {lacking}")
    return data


class _PassphraseNeeded(Exception):
    """OpenSSL would ask for a passphrase, on the terminal."""


def _no_passphrase() -> NoReturn:
    raise _PassphraseNeeded


def _try_out(context: ssl.SSLContext, trust: ssl.SSLContext) -> str:
    """Call ourselves in memory, trusting this very certificate: what a caller would find wrong with it, or "".

    Whether callers trust who signed it cannot be known here.
    """
    trust.check_hostname = False
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_caller = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = trust.wrap_bio(to_caller, to_server)
    server = context.wrap_bio(to_server, to_caller, server_side=True)
    try:
        for _ in range(_FLIGHTS):
            for side in (caller, server):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    pass
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return "the certificate has expired"
        if error.verify_code == _NOT_YET:
            return "the certificate is not valid yet"
        return f"callers will not take the certificate: {error.verify_message}"
    found = caller.getpeercert() or {}
    days = (ssl.cert_time_to_seconds(str(found["notAfter"])) - time.time()) / _DAY_S
    return f"the certificate expires in {max(days, 0):.0f} days" if days < _SOON_DAYS else ""
