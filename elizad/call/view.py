"""A call by hand in a terminal: the conversation on the left, the wire and the timing of every turn on the right.

Typing on over a reply interrupts it, and so does Ctrl-C. When the call is over its transcript is left on the screen.
"""

from __future__ import annotations

import os
import sys
import termios
import tty
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio
from rich.console import Console, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from elizad.call.events import Chunk, End, Finding, HangUp, Happening, Note, Ponged, Received, Said, Sent
from elizad.call.keys import Editor, Key, Line
from elizad.call.numbers import seconds
from elizad.call.phone import Call
from elizad.call.plain import closing
from elizad.call.turns import Turn
from elizad.net.errors import PeerClosed
from elizad.net.line import Closed
from elizad.ops.visible import visible

_REFRESH_S: Final = 0.05  # twenty pictures a second: words that stream in look as if they did

_KEPT: Final = 500  # lines that can be on any screen

_PING_S: Final = 5.0  # how often the round trip is measured

_TURNS: Final = 6  # rows of the timing table

_HINT: Final = "Enter says it · Ctrl-C interrupts · ... is silence · Ctrl-D hangs up"


class Screen:
    """What is drawn; also the observer of the call."""

    def __init__(self, title: str) -> None:
        self.editor = Editor()
        self.hint = _HINT
        self._title = title
        self._said: deque[tuple[str, str, Turn | str]] = deque(maxlen=_KEPT)
        self._wire: deque[Text] = deque(maxlen=_KEPT)
        self._turns: deque[Turn] = deque(maxlen=_TURNS)
        self._latency = ""

    def __call__(self, at: float, happening: Happening) -> None:
        """Take note of what happens on the call."""
        match happening:
            case Sent(frame):
                self._frame(at, "→", "cyan", frame)
            case Received(frame):
                self._frame(at, "←", "green", frame)
            case Said(turn, text):
                self._say("you", "bold cyan", text)
                self._turns.append(turn)
            case Chunk(turn, _) | End(turn):
                if not any(entry[2] is turn for entry in self._said):
                    self._say("agent", "bold green", turn)
                if not any(known is turn for known in self._turns):
                    self._turns.append(turn)
            case Finding(rule, words):
                self._say("!", "yellow" if rule.advice else "bold red", f"{rule.title}: {words}")
            case Note(words) | HangUp(_, words):
                self._say("·", "dim", words)
            case Ponged(latency_s):
                self._latency = f"   ping {seconds(latency_s)}"
            case Closed():
                self._say("·", "dim", closing(happening))

    def _say(self, who: str, style: str, what: Turn | str) -> None:
        self._said.append((who, style, what))

    def _frame(self, at: float, arrow: str, style: str, frame: str) -> None:
        size = f"{len(frame):>6}"
        self._wire.append(
            Text.assemble((f"{at:8.3f} ", "dim"), (arrow, style), (f"{size} ", "dim"), visible(frame[:400]))
        )

    def render(self, console: Console, now: float) -> Layout:
        """Draw the whole screen."""
        layout = Layout()
        layout.split_column(Layout(name="body"), Layout(name="input", size=3))
        layout["body"].split_row(Layout(name="left", ratio=3), Layout(name="right", ratio=2))
        layout["right"].split_column(Layout(name="timing", size=_TURNS + 3), Layout(name="wire"))
        width, height = console.size
        left = max(10, width * 3 // 5 - 4)
        head = Text.assemble((self._title, "bold"), (f"   {now:.0f} s{self._latency}", "dim"))
        layout["left"].update(Panel(self._conversation(console, left, height - 5), title=head, title_align="left"))
        layout["timing"].update(Panel(self._timing(), title="timing", title_align="left", border_style="dim"))
        wire = Text("\n", no_wrap=True, overflow="ellipsis").join(list(self._wire)[-max(1, height - _TURNS - 8) :])
        wire.no_wrap, wire.overflow = True, "ellipsis"
        layout["wire"].update(Panel(wire, title="wire", title_align="left", border_style="dim"))
        typed = Text(no_wrap=True).append(visible(self.editor.text)[-(width - 8) :]).append("▏", "blink")
        layout["input"].update(Panel(typed, subtitle=self.hint, subtitle_align="left", border_style="cyan"))
        return layout

    def _conversation(self, console: Console, width: int, height: int) -> Text:
        lines: list[Text] = []
        for who, style, what in list(self._said)[-height:]:
            words = _reply(what) if isinstance(what, Turn) else Text(visible(what), style="" if who == "you" else style)
            for number, part in enumerate(words.wrap(console, max(4, width - 7))):
                lines.append(Text.assemble((f"{who if number == 0 else '':>5}  ", style), part))
        return Text("\n").join(lines[-height:])

    def _timing(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("turn", "first words", "end", "chunks"):
            table.add_column(heading, justify="right", no_wrap=True)
        for turn in self._turns:
            first = "…" if turn.first_s is None else seconds(turn.first_s)
            end = "cut" if turn.interrupted_at is not None else "…"
            end = end if turn.whole_s is None else seconds(turn.whole_s)
            table.add_row(str(turn.number), first, end, str(len(turn.chunks)))
        return table


def _reply(turn: Turn) -> Text:
    """The words, with those that the caller did not hear dimmed."""
    words = " ".join(turn.text.split())
    if turn.interrupted_at is None:
        return Text(visible(words) + (" ▁" if turn.ended_at is None else ""))
    heard = " ".join("".join(turn.heard()).split())
    return Text.assemble(visible(heard), (visible(words[len(heard) :]) + " — cut", "dim strike"))


async def by_hand(call: Call, screen: Screen, console: Console) -> None:
    """Let somebody at the terminal hold the call, until they hang up or the call is over.

    Cancelling: the terminal is as it was before.
    """
    with _keyboard() as keyboard, Live(console=console, screen=True, auto_refresh=False) as live:
        async with trio.open_nursery() as nursery:

            async def draw() -> None:
                while True:
                    live.update(screen.render(console, call.now), refresh=True)
                    await trio.sleep(_REFRESH_S)

            async def measure() -> None:
                try:
                    while call.closed is None:
                        await call.ping()
                        await trio.sleep(_PING_S)
                except PeerClosed:
                    pass  # the reader says so

            async def until_over() -> None:
                await call.wait_for(lambda: call.closed is not None or call.ended_by_agent, float("inf"))
                nursery.cancel_scope.cancel()

            nursery.start_soon(draw)
            nursery.start_soon(measure)
            nursery.start_soon(until_over)
            try:
                while await _obey(call, screen, await _read(keyboard)):
                    pass
            except PeerClosed:
                pass  # as above
            nursery.cancel_scope.cancel()


async def _obey(call: Call, screen: Screen, data: bytes) -> bool:
    """Do what was typed, and return whether the call goes on."""
    for action in screen.editor.feed(data):
        turn = call.turn
        speaking = turn is not None and turn.open
        if action is Key.END or (action is Key.INTERRUPT and screen.hint != _HINT and not speaking):
            return False
        if action is Key.INTERRUPT:
            if speaking:
                await call.interrupt()
            else:
                screen.hint = "nothing to interrupt · Ctrl-C again hangs up"
        elif isinstance(action, Line) and action.text.strip():
            screen.hint = _HINT
            if action.text.strip() == "...":
                await call.silence()
            else:
                await call.say(action.text.strip())
    return bool(data)


@contextmanager
def _keyboard() -> Iterator[int]:
    """The terminal's input, a byte at a time and with Ctrl-C as one of them; afterwards it is as it was."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        raw = termios.tcgetattr(keyboard)
        raw[3] &= ~termios.ISIG
        termios.tcsetattr(keyboard, termios.TCSADRAIN, raw)
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


async def _read(keyboard: int) -> bytes:
    await trio.lowlevel.wait_readable(keyboard)
    try:
        return os.read(keyboard, 1024)
    except OSError:  # the terminal has gone
        return b""
