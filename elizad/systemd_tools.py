"""`elizad systemd`: make the daemon a service, and take it away again."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from elizad.ops.config import Settings

SUMMARY: Final = "make the daemon a service of systemd, or take it away again"

COMMANDS: Final = {
    "install": "put program, units and a configuration in place and start the service; again, to upgrade it",
    "uninstall": "stop the service and take away what was installed; configuration and state stay",
    "refresh": "check the configuration and copy what it names to the service; the unit does this on a reload",
}

_EPILOG: Final = """\
what install does:
  the program    is copied to --prefix, unless it runs from there: a service cannot look into a home directory
  the config     is /etc/elizad/config.toml; one that exists is never touched
  the units      go to /etc/systemd/system, with the addresses and files that the configuration names beside them
  the service    is started, or restarted: calls that come meanwhile wait and are not refused

Run install again after changing an address or the name of a file in the configuration, and with a newer
version to upgrade. For other changes: systemctl reload elizad
"""

_MOST_WORKERS: Final = 64


def add_options(command: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of `elizad systemd` and return what runs it."""
    command.epilog = _EPILOG
    tools = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        tool = tools.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
        options = tool.add_argument_group("options")
        options.add_argument("-h", "--help", action="help", help="show this and exit")
        tool.set_defaults(tool={"install": _install, "uninstall": _uninstall, "refresh": _refresh}[name])
        if name == "refresh":
            continue
        options.add_argument(
            "--prefix", metavar="DIR", type=_folder, default="/opt/elizad", help="where the program is (/opt/elizad)"
        )
        if name == "install":
            options.add_argument(
                "--workers", metavar="N", type=_workers, default=1, help="so many processes that share the calls (1)"
            )
        else:
            options.add_argument("--purge", action="store_true", help="take away configuration and state as well")
        options.add_argument("--dry-run", action="store_true", help="print every file and command, and do nothing")

    def run(args: argparse.Namespace) -> int:
        tool: Callable[[argparse.Namespace], int] = args.tool
        return tool(args)

    return run


def _install(args: argparse.Namespace) -> int:
    from elizad.ops.install import install
    from elizad.ops.unit_files import CONFIG

    install(_checked, args.prefix, args.workers, print, dry_run=args.dry_run)
    if not args.dry_run:
        print(f"elizad runs. Configuration: {CONFIG}. Log: journalctl -fu 'elizad*'.")
        print(f"How it is: {args.prefix}/bin/elizad status")
    return 0


def _uninstall(args: argparse.Namespace) -> int:
    from elizad.ops.install import uninstall
    from elizad.ops.unit_files import CONFIG

    uninstall(args.prefix, print, purge=args.purge, dry_run=args.dry_run)
    if not args.dry_run and not args.purge:
        print(f"{CONFIG.parent} and /var/lib/elizad are left as they are (--purge takes them away).")
    return 0


def _refresh(args: argparse.Namespace) -> int:
    from elizad.errors import StartError
    from elizad.ops.credentials import publish
    from elizad.ops.unit_files import CONFIG

    runtime = os.environ.get("RUNTIME_DIRECTORY")
    if not runtime:
        raise StartError("RUNTIME_DIRECTORY is not set: this is for the unit's ExecReload=, see systemctl reload")
    # What lies where it really is counts here, and not the copies that the service was given before.
    os.environ.pop("CREDENTIALS_DIRECTORY", None)
    settings = _checked()
    try:
        publish(CONFIG, settings, Path(runtime))
    except OSError as error:
        raise StartError(f"{runtime} cannot be written: {error}") from error
    return 0


def _checked() -> Settings:
    """Read the installed configuration and all that it names. Raises: ConfigError with every problem."""
    from elizad.current import prepare
    from elizad.errors import ConfigError
    from elizad.ops import config
    from elizad.ops.unit_files import CONFIG

    settings = config.load(CONFIG if CONFIG.exists() else None)
    try:
        prepare(settings)
    except ConfigError as error:
        raise ConfigError(error.problems, str(CONFIG)) from None
    return settings


def _folder(text: str) -> Path:
    path = Path(text).absolute()
    if len(path.parts) < 3 or any(not (char.isalnum() or char in "/._-") for char in str(path)):
        raise argparse.ArgumentTypeError(f'"{text}" is no folder for a program: choose one such as /opt/elizad')
    if path.parts[1] in ("root", "home", "tmp", "run"):
        raise argparse.ArgumentTypeError(f'"{text}": a service cannot look there: choose a folder such as /opt/elizad')
    return path


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f'"{text}" is no number from 1 to {_MOST_WORKERS}')
    return int(text)
