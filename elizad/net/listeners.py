"""Where the daemon listens: addresses as text, and listening sockets with the URL that reaches them."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import trio

from elizad.net.addresses import parse_address
from elizad.net.gate import close_now
from elizad.net.tls import Certificate, TlsStream

BACKLOG: Final = 4096
"""Connections that the kernel completes before we accept them. As many as Linux allows by default (somaxconn since
5.4): after a restart every platform reconnects at once, and one that waits some milliseconds beats one that is
dropped. A longer queue would only hide that accepting is slower than arriving."""

_PORT_TRIES: Final = 5
"""How often one port is sought that is free on every address of a name, when any port will do."""

_UNIX_PATH_BYTES: Final = 107
"""Room in sockaddr_un (unix(7)), without the final zero byte."""

_TCP: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\]|(?P<name>(?:(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?)?))"
    r":(?P<port>[0-9]{1,5})"
)

_EVERYWHERE: Final = ("0.0.0.0", "::")

_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)
"""A name such as localhost often has an IPv6 address on a machine without IPv6."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """`host` "" means every interface; `port` 0 means any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The absolute `path` of a socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


Address = TcpAddress | UnixAddress


def parse_listen(text: str) -> Address:
    """Read "127.0.0.1:8765", "localhost:8765", "[::1]:8765", ":8765" (every interface) or "unix:/run/x.sock".

    Raises: ValueError with a sentence for the operator.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or path.endswith("/") or "\0" in path:
            raise ValueError(f"{text!r} must name a file by its absolute path, as in unix:/run/elizad.sock")
        if len(os.fsencode(path)) > _UNIX_PATH_BYTES:
            raise ValueError(f"the path of a Unix socket has at most {_UNIX_PATH_BYTES} bytes, and {path!r} has more")
        return UnixAddress(path)
    match = _TCP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not host:port, [IPv6]:port, :port or unix:/path")
    port = int(match["port"])
    if port > 65_535:
        raise ValueError(f"{text!r} has a port above 65535")
    return TcpAddress(match["v6"] or match["name"] or "", port)


Transport = trio.SocketStream | TlsStream
"""What is accepted: a connection as it is, or one with TLS over it."""


class Listener(trio.abc.Listener[Transport]):
    """A listening socket. `url` is how to reach it: ws://host:port, with the real port, wss://, or ws+unix:/path.

    With a `certificate`, connections speak TLS.
    """

    def __init__(
        self,
        sock: trio.socket.SocketType,
        url: str,
        *,
        certificate: Certificate | None = None,
        owned_path: str | None = None,
    ) -> None:
        self.url = url
        self._certificate = certificate
        self.socket = sock
        self._listener = trio.SocketListener(sock)
        self._owned_path = owned_path
        self._owned_inode = _inode(owned_path) if owned_path else None

    async def accept(self) -> Transport:
        """See trio.abc.Listener. A TLS handshake is still to come. Raises: OSError, among them EMFILE."""
        stream = await self._listener.accept()
        return stream if self._certificate is None else self._certificate.secure(stream)

    def renew(self, certificate: Certificate | None) -> None:
        """Speak TLS with another certificate from now on. Whether it is spoken at all stays as it is."""
        if self._certificate is not None and certificate is not None:
            self._certificate = certificate

    async def aclose(self) -> None:
        """Close the socket, and remove its file if it is still ours. Cancelling: it is closed all the same."""
        if self._owned_path and self._owned_inode == _inode(self._owned_path):
            # Before the close: whoever starts next may already have put its own file there.
            os.unlink(self._owned_path)
        self._owned_path = None
        await self._listener.aclose()


async def open_listeners(
    addresses: Iterable[Address], certificate: Certificate | None = None, *, reuse_port: bool = False
) -> list[Listener]:
    """Listen at every one of `addresses`, or at none.

    A name with several addresses gets a listener for each, all on one port where that is possible. With a
    `certificate` those at TCP addresses speak TLS; a Unix socket leads no further than this machine, and does not.
    With `reuse_port` other processes of the same user may listen at the same TCP addresses if they ask for it too, and
    each connection goes to one of them (SO_REUSEPORT, socket(7)).

    Raises: OSError that names the address.
    Cancelling: closes what is open.
    """
    opened: list[Listener] = []
    try:
        for address in addresses:
            try:
                if isinstance(address, UnixAddress):
                    opened.append(_open_unix(address))
                else:
                    opened += await _open_tcp(address, certificate, reuse_port=reuse_port)
            except OSError as error:
                raise OSError(error.errno, f"cannot listen on {address}: {error.strerror or error}") from error
    except BaseException:
        for listener in opened:
            await close_now(listener)
        raise
    return opened


def adopt_listener(sock: socket.socket, certificate: Certificate | None = None) -> Listener:
    """A listener over a socket that listens already, as systemd passes them. Its file, if any, is not ours to remove.

    `certificate` as for `open_listeners`.

    Raises: OSError when it is not a listening stream socket.
    """
    if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise OSError(errno.EINVAL, f"file descriptor {sock.fileno()} is not a listening stream socket")
    sock.setblocking(False)
    if sock.family == socket.AF_UNIX:
        certificate = None
    return Listener(trio.socket.from_stdlib_socket(sock), _url(sock, certificate), certificate=certificate)


def are_those_of(listeners: Sequence[Listener], addresses: Sequence[Address]) -> bool:
    """Whether sockets that were passed to us are where we should listen. A name may stand for any address."""
    names = [listener.socket.getsockname() for listener in listeners]
    return all(any(_fits(name, address) for name in names) for address in addresses) and all(
        any(_fits(name, address) for address in addresses) for name in names
    )


def _fits(name: object, address: Address) -> bool:
    if isinstance(address, UnixAddress):
        return name == address.path
    if not isinstance(name, tuple) or name[1] != address.port:
        return False
    if not address.host:
        return name[0] in _EVERYWHERE
    wanted = parse_address(address.host)
    return wanted is None or wanted == parse_address(name[0])


def _url(sock: socket.socket, certificate: Certificate | None = None) -> str:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"ws+unix:{os.fsdecode(name)}"
    return f"{'ws' if certificate is None else 'wss'}://{TcpAddress(name[0], name[1])}"


async def _open_tcp(address: TcpAddress, certificate: Certificate | None, *, reuse_port: bool) -> list[Listener]:
    found = await trio.socket.getaddrinfo(
        address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    targets = list(dict.fromkeys((family, sockaddr) for family, _type, _proto, _name, sockaddr in found))
    for tries_left in reversed(range(_PORT_TRIES)):
        try:
            sockets = _bind_all(targets, same_port=address.port == 0 and tries_left > 0, reuse_port=reuse_port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and address.port == 0 and tries_left:
                continue  # The port that one address got is taken on another.
            raise
        return [
            Listener(trio.socket.from_stdlib_socket(sock), _url(sock, certificate), certificate=certificate)
            for sock in sockets
        ]
    raise AssertionError("the last try returns or raises")


def _bind_all(
    targets: Sequence[tuple[int, tuple[object, ...]]], *, same_port: bool, reuse_port: bool
) -> list[socket.socket]:
    """Listening sockets for those targets that exist on this machine. Raises: OSError, with none left open."""
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    port = 0
    try:
        for family, sockaddr in targets:
            name = (sockaddr[0], port, *sockaddr[2:]) if port else sockaddr
            try:
                sock = _bind(family, name, reuse_port=reuse_port)
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                absent = error
                continue
            sockets.append(sock)
            if same_port:
                port = sock.getsockname()[1]
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    if not sockets:
        raise absent or OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return sockets


def _bind(family: int, sockaddr: object, *, reuse_port: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if family != socket.AF_UNIX:
            # A restart need not wait for the old connections' TIME_WAIT.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # The IPv4 side has a socket of its own.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(sockaddr)  # type: ignore[arg-type]  # what getaddrinfo returned
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _open_unix(address: UnixAddress) -> Listener:
    _remove_stale(address.path)
    sock = _bind(socket.AF_UNIX, address.path)
    return Listener(trio.socket.from_stdlib_socket(sock), _url(sock), owned_path=address.path)


def _remove_stale(path: str) -> None:
    """Remove the socket file of a process that is gone. Raises: OSError when it is alive, or no socket at all."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "the file exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass  # Its queue is full: somebody is listening.
    raise OSError(errno.EADDRINUSE, "another process is listening there")


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
