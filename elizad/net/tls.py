"""TLS at the door: one connection's stream, and the certificate that new connections get.

The certificate can change while the daemon runs. What was accepted with the old one lives on with it.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NoReturn, TypeVar

import trio

from elizad.errors import ElizadError
from elizad.net.errors import PeerClosed, Refusal, TlsFailed
from elizad.net.gate import READ_BYTES

_LOOK_S: Final = 60.0
"""Between two looks at the files: a renewed certificate has weeks of the old one left, and a look is two stat(2)."""

_DAY_S: Final = 86_400.0

_SOON_DAYS: Final = 7
"""Who renews by machine does so a month before the end (certbot, Caddy): a week before it something is wrong."""

_HANDSHAKE: Final = 0x16
"""The first byte of a TLS connection: a record of type handshake (RFC 8446 section 5.1)."""

_RECORD_BYTES: Final = 16_384
"""The most that one TLS record holds (RFC 8446 section 5.1), and so the most that one read brings."""

_ALERT_S: Final = 1.0
"""For an alert to go out: a handful of bytes, and nobody waits for them."""

_FLIGHTS: Final = 8
"""Rounds in which a handshake with ourselves must be over; TLS 1.2 takes two."""

_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED of openssl/x509_vfy.h
_NOT_YET: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID

log = logging.getLogger("elizad.net")

T = TypeVar("T")

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

    `shake_hands` comes first, unless a peer is only to be told something: sending completes the handshake too. A peer
    that turns out not to speak TLS is answered in the clear: after its Refusal all goes through as it is.

    trio.SSLStream is not used because it drops the alert that tells a peer why its handshake failed, and because its
    close_notify cannot be followed by lingering. One task may read and one may write at a time.
    """

    def __init__(self, transport: trio.SocketStream, context: ssl.SSLContext) -> None:
        self.transport = transport
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._raw = False
        self._shaken = False
        self._flushing = trio.StrictFIFOLock()

    @property
    def socket(self) -> trio.socket.SocketType:
        """Of the TCP connection: for its addresses, not for its bytes."""
        return self.transport.socket

    async def shake_hands(self, timeout_s: float) -> None:
        """Complete the handshake.

        Raises: Refusal (400), to be sent in the clear, when the peer does not speak TLS; TlsFailed when the two sides
        do not come together or `timeout_s` is over; PeerClosed when the peer leaves.
        Cancelling: the stream is of no more use.
        """
        try:
            with trio.fail_after(timeout_s):
                first = await self.transport.socket.recv(1, socket.MSG_PEEK)
                if first and first[0] != _HANDSHAKE:
                    self._raw = True
                    raise Refusal(400, "this port speaks TLS: the address must begin with wss:// or https://")
                await self._shake()
        except trio.TooSlowError:
            raise TlsFailed(f"the handshake was not complete after {timeout_s:g} s") from None
        except (trio.BrokenResourceError, OSError) as error:
            cause = error.__cause__
            # An end without a reason is a close_notify: the peer left, and was polite about it.
            if isinstance(cause, ssl.SSLError) and cause.reason and not isinstance(cause, ssl.SSLEOFError):
                # OpenSSL's words, such as "unsupported protocol" or "tlsv1 alert unknown ca": none are the peer's.
                raise TlsFailed(cause.reason.lower().replace("_", " ")) from None
            raise PeerClosed(1006, "left during the TLS handshake", by_peer=True) from None

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """See trio.abc.ReceiveStream; up to 16 KiB, a record, at a time. After `send_eof`, raw bytes to throw away.

        Raises: BrokenResourceError also for a peer that ends without close_notify: its last words may be missing.
        Cancelling: loses nothing.
        """
        if self._raw:
            return await self.transport.receive_some(max_bytes)
        await self._shake()
        await trio.lowlevel.checkpoint()
        return await self._with_input(lambda: self._tls.read(_RECORD_BYTES if max_bytes is None else max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See trio.abc.SendStream. Cancelling: part of a record may be out; close the stream."""
        if self._raw:
            await self.transport.send_all(data)
            return
        await self._shake()
        try:
            if data:
                self._tls.write(data)
        except ssl.SSLError as error:
            raise trio.BrokenResourceError("TLS is over") from error
        await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        """See trio.abc.SendStream. Cancelling: safe."""
        await self.transport.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Say that no more will come, with close_notify and FIN. Cancelling: close the stream."""
        if self._shaken and not self._raw:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass  # SSLWantReadError: the peer has not said so yet. Anything else: TLS is over.
            await self._flush()
        self._raw = True
        await self.transport.send_eof()

    async def aclose(self) -> None:
        """Close at once, without close_notify. Cancelling: it is closed all the same."""
        await self.transport.aclose()

    async def _shake(self) -> None:
        if not self._shaken:
            await self._with_input(self._tls.do_handshake)
            await self._flush()
            self._shaken = True

    async def _with_input(self, step: Callable[[], T]) -> T:
        """Take a step of TLS, with as much input as it wants. Raises: BrokenResourceError from the ssl.SSLError."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self.transport.receive_some(READ_BYTES)
                self._incoming.write(data) if data else self._incoming.write_eof()
            except ssl.SSLError as error:
                with trio.move_on_after(_ALERT_S):
                    await self._flush()  # the alert that says why
                raise trio.BrokenResourceError("TLS failed") from error

    async def _flush(self) -> None:
        async with self._flushing:
            if self._outgoing.pending:
                await self.transport.send_all(self._outgoing.read())


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
    # Calls are long and rare: to resume a session saves them nothing, and its tickets are ours to protect.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
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
