"""The arguments of `elizad script`. Brings nothing along that --help can do without."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

SUMMARY: Final = "tools for writing scripts"

COMMANDS: Final = {
    "check": "look for what can never happen, never ends or would sound wrong aloud in a script",
    "show": "show the keywords of a script, or the rules of one keyword",
}

Run = Callable[[argparse.Namespace], int]


def add_options(command: argparse.ArgumentParser) -> Run:
    """Add the arguments of `elizad script` and return what runs it."""
    command.epilog = (
        "exit codes:\n"
        "   0  shown, or checked and nothing found\n"
        "   1  checked, and something found\n"
        "   2  wrong usage, or no such keyword\n"
        "  78  the script does not load"
    )
    tools = command.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def check(args: argparse.Namespace) -> int:
        from elizad import script_tools

        return script_tools.check(args.script)

    def show(args: argparse.Namespace) -> int:
        from elizad import script_tools

        return script_tools.show(args.script, args.keyword)

    runs: dict[str, Run] = {"check": check, "show": show}
    for name, summary in COMMANDS.items():
        tool = tools.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
        tool.add_argument_group("options").add_argument("-h", "--help", action="help", help="show this and exit")
        arguments = tool.add_argument_group("arguments")
        arguments.add_argument("script", metavar="FILE|NAME", help="a script file, or the name of a packaged script")
        if name == "show":
            arguments.add_argument(
                "keyword", metavar="KEYWORD", nargs="?", help="show all about this one; also NONE and MEMORY"
            )
        tool.set_defaults(tool=runs[name])

    def run(args: argparse.Namespace) -> int:
        tool: Run = args.tool
        return tool(args)

    return run
