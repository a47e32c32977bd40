"""The arguments of `elizad sessions`. Brings nothing along that --help can do without."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Final

SUMMARY: Final = "look at what is kept of calls, hand it out, or remove it"

COMMANDS: Final = {
    "list": "list the sessions that are kept, the last heard first",
    "show": "show what is kept of a session",
    "export": "print all that is kept of a session, as JSON",
    "forget": "remove a session, or all that were not heard for long, so that nothing is left of them",
}

_EPILOG: Final = """\
A session's ID is the custom_session_id that Hume sends, VARIABLE=VALUE for Retell's session_variable, or
else Retell's call id. Where sessions are kept says the configuration (--config). A daemon may run meanwhile:
what is removed here is not brought back by a call that goes on.

exit codes:
    0  done
    1  there is no such session, or what is kept cannot be read
    2  wrong usage
"""

_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def add_options(command: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments of `elizad sessions` and return what runs it."""
    command.epilog = _EPILOG
    tools = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        tool = tools.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
        options = tool.add_argument_group("options")
        options.add_argument("-h", "--help", action="help", help="show this and exit")
        if name in ("list", "show"):
            options.add_argument("--json", action="store_true", help="print JSON")
        if name == "list":
            options.add_argument(
                "--limit", metavar="N", type=_count, default=100, help="so many at most; 0 lists all (100)"
            )
        else:
            nargs = "?" if name == "forget" else None
            tool.add_argument_group("arguments").add_argument("id", metavar="ID", nargs=nargs, help="of the session")
        if name == "forget":
            options.add_argument(
                "--older-than",
                metavar="TIME",
                type=_duration,
                help="all that were last heard longer ago than this: 90m, 12h, 30d, 8w",
            )
        tool.set_defaults(tool=name, usage=tool.error)

    def run(args: argparse.Namespace) -> int:
        from elizad import session_tools

        if args.tool == "forget" and (args.id is None) == (args.older_than is None):
            args.usage("either an ID, or --older-than")
        return session_tools.run(args)

    return run


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text} is no number")
    return int(text)


def _duration(text: str) -> float:
    """Return the seconds that "30d" is."""
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 90m, 12h, 30d or 8w")
    return float(match[1]) * _SECONDS[match[2]]
