"""A conversation in the terminal. With input from a pipe it is a filter: a line in, a reply line out."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final, TextIO, cast

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from elizad.eliza import Eliza, State, Step
from elizad.errors import EndlessScript
from elizad.mind import make_eliza
from elizad.ops.config import ScriptMode, Settings

_WIDTH: Final = 88  # lines longer than this are hard to read
_MARGIN: Final = 7  # room for the speaker's name


def talk(script: str | None, mode: ScriptMode | None, trace: bool, settings: Settings) -> int:
    """Talk until the end of input and return the exit code; what is not given comes from the settings.

    Raises:
        ConfigError: the script cannot be used.
    """
    mode = mode or settings.eliza.mode
    name = script or settings.eliza.script
    eliza = make_eliza(name, mode)
    if sys.stdin.isatty() and sys.stdout.isatty():
        return _at_terminal(eliza, trace, f"script [b]{name}[/b], {mode} mode")
    return _filter(eliza, trace, sys.stdin.buffer, sys.stdout, sys.stderr)


def _filter(eliza: Eliza, trace: bool, lines: BinaryIO, out: TextIO, err: TextIO) -> int:
    """Print the opening line, then one line for each line of input. The explanation of `trace` goes to `err`."""
    cast("sys.TextIOWrapper", out).reconfigure(encoding="utf-8", errors="surrogatepass")  # type: ignore[name-defined]
    print(eliza.opening, file=out, flush=True)
    state = eliza.start()
    for number, line in enumerate(lines, 1):
        try:
            text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            print(f"elizad: input line {number} is not UTF-8 (byte {error.start + 1}): not heard", file=err)
            print(file=out, flush=True)
            continue
        state, reply, steps = _answer(eliza, state, text, trace)
        for step in steps:
            print(f"{step.label}: {step.detail}", file=err)
        print(reply, file=out, flush=True)
    return 0


def _answer(eliza: Eliza, state: State, text: str, trace: bool) -> tuple[State, str, list[Step]]:
    """Answer one utterance; a script that goes in circles costs the reply, and the conversation goes on."""
    steps: list[Step] = []
    try:
        state, reply = eliza.reply(state, text, steps if trace else None)
    except EndlessScript as error:
        print(f"elizad: {error}", file=sys.stderr)
        reply = ""
    return state, reply, steps


def _at_terminal(eliza: Eliza, trace: bool, what: str) -> int:
    """Talk with a person: line editing and a history that is forgotten at the end."""
    try:
        import readline  # gives input() its editing; not in every Python build

        readline.set_auto_history(True)
    except ImportError:
        pass
    console = Console(width=min(Console().width, _WIDTH), highlight=False)
    console.print(Panel(f"[bold green]ELIZA[/]  {what}   [dim]Ctrl-D ends the conversation[/]", expand=False))
    _say(console, eliza.opening)
    state = eliza.start()
    while True:
        try:
            text = input(_prompt(console))
        except (EOFError, KeyboardInterrupt):
            console.print("\n[dim]The conversation has ended. Nothing of it was kept.[/]")
            return 0
        state, reply, steps = _answer(eliza, state, _printable(text), trace)
        if steps:
            _explain(console, steps)
        _say(console, reply)


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
