"""The arguments of `elizad status`. What it does stands in status.py, imported when asked for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from elizad.net.listeners import Address

SUMMARY: Final = "show how the running daemon is"

_EPILOG: Final = """\
Asks the daemon's admin pages. Without --at: those that the configuration names (--config); else those of
systemd's workers on this machine; else those that /etc/elizad/config.toml names; else 127.0.0.1:8766.

exit codes:
    0  shown
    1  no daemon answers there
"""


def add_options(command: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of `elizad status` and return what runs it."""
    command.epilog = _EPILOG
    options = command.add_argument_group("what and how")
    options.add_argument(
        "--at",
        metavar="ADDRESS",
        action="append",
        type=_address,
        help="where the admin pages are: HOST:PORT or unix:/PATH; may be given several times",
    )
    how = options.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="stay, and show it anew every second; Ctrl-C ends it")
    how.add_argument("--json", action="store_true", help="print one line of JSON for each daemon")

    def run(args: argparse.Namespace) -> int:
        from elizad import status  # http.client is much to load, and nothing that the daemon needs

        return status.run(args)

    return run


def _address(text: str) -> Address:
    from elizad.net.listeners import parse_listen

    try:
        return parse_listen(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
