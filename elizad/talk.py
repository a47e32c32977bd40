"""A conversation in the terminal. With input from a pipe it is a filter: a line in, a reply line out."""

from __future__ import annotations

import io
import sys
from typing import BinaryIO, TextIO

from elizad.eliza import Eliza, State, Step
from elizad.errors import EndlessScript
from elizad.mind import make_eliza
from elizad.ops.config import ScriptMode, Settings


def talk(script: str | None, mode: ScriptMode | None, trace: bool, settings: Settings) -> int:
    """Talk until the end of input and return the exit code; what is not given comes from the settings.

    Raises:
        ConfigError: the script cannot be used.
    """
    mode = mode or settings.eliza.mode
    name = script or settings.eliza.script
    eliza = make_eliza(name, mode, spell_numbers=settings.speech.spell_numbers)
    if sys.stdin.isatty() and sys.stdout.isatty():
        from elizad.terminal import converse  # rich, which a filter does without

        return converse(eliza, trace, name, mode)
    return _filter(eliza, trace, sys.stdin.buffer, sys.stdout, sys.stderr)


def _filter(eliza: Eliza, trace: bool, lines: BinaryIO, out: TextIO, err: TextIO) -> int:
    """Print the opening line, then one line for each line of input. The explanation of `trace` goes to `err`."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8", errors="surrogatepass")
    print(eliza.opening, file=out, flush=True)
    state = eliza.start()
    for number, line in enumerate(lines, 1):
        try:
            text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            print(f"elizad: input line {number} is not UTF-8 (byte {error.start + 1}): not heard", file=err)
            print(file=out, flush=True)
            continue
        state, reply, steps = answer(eliza, state, text, trace)
        for step in steps:
            print(f"{step.label}: {step.detail}", file=err)
        print(reply, file=out, flush=True)
    return 0


def answer(eliza: Eliza, state: State, text: str, trace: bool) -> tuple[State, str, list[Step]]:
    """Answer one utterance; a script that goes in circles costs the reply, and the conversation goes on."""
    steps: list[Step] = []
    try:
        state, reply = eliza.reply(state, text, steps if trace else None)
    except EndlessScript as error:
        print(f"elizad: {error}", file=sys.stderr)
        reply = ""
    return state, reply, steps
