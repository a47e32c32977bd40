"""`elizad status`: asks a running daemon how it is, and shows it: as a page, live, or as JSON."""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

    from elizad.net.listeners import Address
    from elizad.ops.vitals import Status

_PATIENCE_S: Final = 3.0
"""The page costs a millisecond; a daemon that takes longer is in trouble, and that is worth knowing soon."""

_EVERY_S: Final = 1.0

_SOCKETS: Final = "/run/elizad"
"""Where the workers of elizad@.service have their admin sockets."""


def run(args: argparse.Namespace) -> int:
    """Show the status and return the exit code."""
    addresses = args.at or _addresses(args.config)
    if args.json:
        for address in addresses:
            sys.stdout.write(_fetch(address).decode())
        return 0
    from rich.console import Console

    from elizad.status_view import show

    console = Console(highlight=False)
    if not args.watch:
        for address in addresses:
            console.print(show(ask(address), str(address)))
        return 0
    try:
        _watch(addresses, console)
    except KeyboardInterrupt:
        return 0


def _watch(addresses: Sequence[Address], console: Console) -> NoReturn:
    """Show it anew every second: in place on a terminal, one page after the other into a pipe or a file."""
    from contextlib import nullcontext

    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from elizad.errors import StartError
    from elizad.status_view import History, show

    histories = {address: History() for address in addresses}
    with Live(console=console, auto_refresh=False, screen=True) if console.is_terminal else nullcontext() as live:
        while True:
            parts = []
            for address, history in histories.items():
                try:
                    parts.append(show(history.add(ask(address), time.monotonic()), str(address), history))
                except StartError as error:  # it may be starting again: keep looking
                    parts.append(Text(str(error), "red"))
            if live is not None:
                live.update(Group(*parts), refresh=True)
            else:
                console.print(Group(*parts))
            _pause(_EVERY_S)


def ask(address: Address) -> Status:
    """Return how the daemon is whose admin pages are at `address`. Raises: StartError when nobody answers."""
    import msgspec

    from elizad.errors import StartError
    from elizad.ops.vitals import Status

    try:
        return msgspec.json.decode(_fetch(address), type=Status)
    except msgspec.DecodeError as error:
        raise StartError(f"what answers at {address} is no elizad, or of another version: {error}") from None


def _fetch(address: Address) -> bytes:
    from elizad.errors import StartError

    connection = _Connection(address)
    try:
        connection.request("GET", "/status")
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise StartError(f"what answers at {address} has no /status: is that the address for calls?")
        return response.read()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise StartError(f"no daemon answers at {address}: {reason.lower()}") from None
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP to a TCP address or a Unix socket."""

    def __init__(self, address: Address) -> None:
        super().__init__("localhost", timeout=_PATIENCE_S)
        self._address = address

    def connect(self) -> None:
        from elizad.net.listeners import TcpAddress

        if isinstance(self._address, TcpAddress):
            self.sock = socket.create_connection((self._address.host or "localhost", self._address.port), _PATIENCE_S)
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_PATIENCE_S)
        self.sock.connect(self._address.path)


def _addresses(config: Path | None) -> list[Address]:
    """Where to ask when nobody says it. Raises: ConfigError, StartError."""
    from elizad.errors import StartError
    from elizad.net.listeners import UnixAddress, parse_listen
    from elizad.ops import config as configuration
    from elizad.ops.unit_files import CONFIG

    if config is None:
        try:
            sockets = sorted(Path(_SOCKETS).glob("*/admin.sock"))
        except OSError:
            sockets = []  # only root may look there
        if sockets:
            return [UnixAddress(str(path)) for path in sockets]
        if os.access(CONFIG, os.R_OK):
            config = CONFIG
    listen = configuration.load(config).admin.listen
    if not listen:
        raise StartError("admin.listen is empty: this daemon shows its pages nowhere")
    return [parse_listen(listen[0])]


def _pause(seconds: float) -> None:
    import select

    select.select([], [], [], seconds)
