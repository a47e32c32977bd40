"""The conversation at a terminal: who speaks in the margin, line editing, and the explanation of each reply."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from elizad.eliza import Step
from elizad.talk import Talker

_WIDTH: Final = 88  # lines longer than this are hard to read
_MARGIN: Final = 7  # room for the speaker's name


def converse(talker: Talker, script: str, mode: str) -> int:
    """Talk with a person until Ctrl-D or Ctrl-C and return the exit code. The history is forgotten at the end."""
    try:
        import readline  # gives input() its editing; not in every Python build

        readline.set_auto_history(True)
    except ImportError:
        pass
    console = Console(width=min(Console().width, _WIDTH), highlight=False)
    about = Text.assemble(("ELIZA", "bold green"), "  script ", (script, "bold"), f", {mode} mode")
    console.print(Panel(about.append("   Ctrl-D ends the conversation", "dim"), expand=False))
    _say(console, talker.opening())
    while True:
        try:
            text = input(_prompt(console))
        except (EOFError, KeyboardInterrupt):
            console.print("\n[dim]The conversation has ended. Nothing of it was kept.[/]")
            return 0
        reply = talker.answer(_printable(text))
        if reply.steps:
            _explain(console, reply.steps)
        _say(console, reply.text)
        if reply.ends:
            return 0


def _printable(text: str) -> str:
    """Take out what a terminal can put into a line that is no text: bytes that were not UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _prompt(console: Console) -> str:
    label = "you".rjust(_MARGIN - 2)
    if console.is_terminal and console.color_system and not console.no_color:
        # \001 and \002 tell readline what takes no room on the line.
        return f"\n\001\033[1;36m\002{label}\001\033[0m\002  "
    return f"\n{label}  "


def _say(console: Console, text: str) -> None:
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=_MARGIN - 2, justify="right", style="bold green")
    line.add_column()
    line.add_row("eliza", Text(text))
    console.print(line)


def _explain(console: Console, steps: list[Step]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="dim cyan")
    table.add_column(style="dim")
    for step in steps:
        table.add_row(step.label, Text(step.detail))
    console.print(Padding(table, (0, 0, 0, _MARGIN)))
