"""A call as plain lines: what was said on standard output, everything else about it on standard error.

"> " begins what the caller said and "< " a reply, so that two runs can be compared with diff. What a server sends is
made visible before it is printed.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from elizad.call.check import Verdict
from elizad.call.events import Chunk, End, Finding, HangUp, Happening, Note, Said
from elizad.call.numbers import seconds
from elizad.call.record import Comparison, first_difference
from elizad.call.turns import Turn
from elizad.net.line import Closed
from elizad.ops.visible import visible

_FRAME_CHARS: Final = 300  # of a frame are shown at most; a transcript can be long

_CONTEXT_CHARS: Final = 30  # before the place where two answers part


class PlainLines:
    """An observer of a call that prints."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = _console(out)
        self._err = _console(err)
        self._speaking: Turn | None = None

    def __call__(self, at: float, happening: Happening) -> None:
        """Print what is worth a line."""
        match happening:
            case Said(_, text):
                self._cut()
                self._out.print(Text.assemble(("> ", "bold cyan"), visible(text)))
            case Chunk(turn, _):
                if self._speaking is not None and self._speaking is not turn:
                    self._cut()
                self._speaking = turn
            case End(turn):
                self._say(turn, "")
                self._tell(timing(turn))
            case Finding(rule, words, _, turn_number):
                kind = "advice" if rule.advice else "violation"
                self._tell(f"{kind} in turn {turn_number}: {rule.title}: {words}", "yellow" if rule.advice else "red")
            case Note(text):
                self._tell(text)
            case HangUp(_, why):
                self._tell(why)
            case Closed():
                self._cut()
                self._tell(closing(happening))
            case _:
                pass

    def _cut(self) -> None:
        """A reply that did not end."""
        if self._speaking is not None and self._speaking.ended_at is None:
            self._say(self._speaking, " —")

    def _say(self, turn: Turn, mark: str) -> None:
        self._speaking = None
        words = re.sub(r"\s+", " ", turn.text).strip()
        self._out.print(Text.assemble(("< ", "bold green"), visible(words), mark))

    def _tell(self, words: str, style: str = "dim") -> None:
        self._err.print(Text(f"  {visible(words)}", style=style))


def _console(file: TextIO) -> Console:
    return Console(file=file, highlight=False, soft_wrap=True, emoji=False)


def timing(turn: Turn) -> str:
    """When the words came, in a line."""
    name = f"turn {turn.number}" if turn.said is not None or turn.number else "opening"
    parts = []
    if turn.first_s is not None:
        parts.append(f"first words {seconds(turn.first_s)}")
    if turn.whole_s is not None:
        parts.append(f"end {seconds(turn.whole_s)}")
    pieces = len(turn.chunks)
    return f"{name}: {', '.join([*parts, f'{pieces} chunk' + 's' * (pieces != 1)])}"


def closing(closed: Closed) -> str:
    """How the call ended, in a line."""
    reason = f" ({closed.reason})" if closed.reason else ""
    if closed.by == "fault":
        return f"the line was closed: {closed.reason}"
    if closed.code == 1006:
        return "the line is gone"
    return f"the server closed with {closed.code}{reason}" if closed.by == "peer" else f"hung up: {closed.code}{reason}"


def print_verdict(verdict: Verdict, file: TextIO) -> None:
    """Print what a check has found."""
    out = _console(file)
    groups = verdict.grouped()
    for rule, found in groupby(groups, lambda group: group[0].rule):
        kind, style = ("advice", "bold yellow") if rule.advice else ("violation", "bold red")
        out.print(Text.assemble((f"{kind}: {rule.title}", style), (f"  [{rule.name}]", "dim")))
        for finding, count in found:
            more = f" ({count} times)" if count > 1 else ""
            _field(out, f"turn {finding.turn}" if finding.turn else "opening", finding.words + more)
            if finding.frame:
                long = len(finding.frame) > _FRAME_CHARS
                _field(out, "frame", finding.frame[:_FRAME_CHARS] + " …" * long)
        _field(out, "rule", f"{rule.text} ({rule.source})")
    broken = sum(not finding.rule.advice for finding, _ in groups)
    advice = len(groups) - broken
    seen = f"{_many(verdict.turns, 'turn')}, {_many(verdict.barge_ins, 'barge-in')}"
    seen += f", {verdict.connections} connections" if verdict.connections > 1 else ""
    if not broken:
        out.print(Text.assemble(("clean", "bold green"), f": no rule was broken ({seen})"))
    else:
        out.print(Text.assemble((_many(broken, "violation"), "bold red"), f" ({seen})"))
    if advice:
        out.print(Text(f"{advice} more for consideration", style="dim"))
    if not verdict.barge_ins and verdict.connections:
        out.print(Text("no barge-in was seen: every reply had ended before it could be interrupted", style="dim"))
    if verdict.unsaid:
        out.print(Text(f"the agent ended the call; {_many(verdict.unsaid, 'step')} not taken", style="dim"))


def print_comparison(comparisons: Sequence[Comparison], file: TextIO) -> None:
    """Print how a replay went: what differs, then the sum."""
    out = _console(file)
    for comparison in comparisons:
        if comparison.outcome != "different":
            continue
        start = max(0, first_difference(comparison.then, comparison.now) - _CONTEXT_CHARS)
        lead = "…" if start else ""
        out.print(Text(f"answer {comparison.request} differs", style="bold red"))
        _field(out, "then", lead + comparison.then[start:] or "nothing")
        _field(out, "now", lead + comparison.now[start:] or "nothing")
    answers = [c for c in comparisons if c.request or c.then or c.now]
    same = sum(c.outcome == "same" for c in answers)
    words = sum(c.outcome == "words" for c in answers)
    line = f"{_many(len(answers), 'answer')}: {same} the same to the letter"
    line += f", {words} in the same words but cut or written in another way" if words else ""
    line += f", {len(answers) - same - words} different" if same + words < len(answers) else ""
    out.print(Text(line, style="bold green" if same + words == len(answers) else "bold red"))


def _field(out: Console, name: str, words: str) -> None:
    body = textwrap.shorten(visible(words), 1000, placeholder=" …")
    out.print(Text.assemble((f"  {name:<8}", "dim"), body))


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
