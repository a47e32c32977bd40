"""`elizad call` by hand: what is seen in a terminal, what keys do, and that the terminal is left as it was."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

from tests.support import backends as b
from tests.support.daemon import ROOT, Daemon, environment

SLOW = '[speech]\nchunk = "sentence"\npace_s = 4.0\n'  # as long as a slow machine may take to interrupt


async def _closes(ws: Any, payload: dict[str, Any]) -> None:
    await ws.close(1011, "too bad")


class Terminal:
    """`elizad call` in a terminal of its own; `until` waits for words on the screen, without what positions them."""

    def __init__(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (30, 120))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "elizad", "call", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm-256color"),
            cwd=ROOT,
        )
        self.screen = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def until(self, pattern: str) -> None:
        """Wait for `pattern` in what is drawn from now on."""
        deadline = time.monotonic() + 20
        drawn = ""
        while not re.search(pattern, drawn):
            assert time.monotonic() < deadline, drawn[-3000:]
            if select.select([self._ours], [], [], 0.2)[0]:
                drawn += re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", os.read(self._ours, 65536).decode(errors="replace"))
        self.screen += drawn

    def ends(self) -> int:
        """Read to the end, and return the exit code."""
        while self.process.poll() is None or select.select([self._ours], [], [], 0.1)[0]:
            if select.select([self._ours], [], [], 0.1)[0]:
                self.screen += re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", os.read(self._ours, 65536).decode(errors="replace"))
        assert termios.tcgetattr(self._theirs)[3] == self.before[3], "the terminal is as it was"
        return self.process.returncode


def test_at_a_terminal_the_call_is_seen_and_can_be_interrupted(tmp_path: Path) -> None:
    with Daemon(config=SLOW, folder=tmp_path) as slow, Terminal(f"{slow.url}/llm", "--as", "hume") as terminal:
        terminal.until("Ctrl-D hangs up")
        terminal.until(r"elizad call · hume · 127\.0\.0\.1")
        terminal.type("hellö".encode())
        terminal.until("hellö▏")
        terminal.type(b"\x7fo\r")
        terminal.until("you  hello")
        terminal.until(r"agent  \S+")
        terminal.until(r'← +\d+ \{"type":"assistant_input"')
        terminal.type(b"\x03")
        terminal.until("the caller interrupts")
        terminal.until("— cut")
        terminal.type(b"\x03")
        terminal.until("nothing to interrupt")
        terminal.type(b"my mother hates me\r")
        terminal.until(r"2 +[\d.]+ .?s +[\d.]+ .?s")
        terminal.type(b"\x04")
        assert terminal.ends() == 0
    left = terminal.screen[terminal.screen.rindex("> hello") :]
    assert "> my mother hates me" in left
    assert re.search(r"turn 1: first words [\d.]+ .?s, (end [\d.]+ .?s, )?\d chunk", left)


def test_at_a_terminal_the_end_of_the_call_is_seen() -> None:
    with b.Backends({"retell": b.retell(), "gone": b.hume(_closes)}) as server:
        with Terminal(server.url("retell"), "--as", "retell") as terminal:
            terminal.until(r"agent  Hello, what is troubling you\?")
            terminal.type(b"...\r")
            terminal.until("the caller is silent")
            terminal.type(b"goodbye\r")
            assert terminal.ends() == 0
        assert "> goodbye" in terminal.screen
        with Terminal(server.url("gone"), "--as", "hume") as terminal:
            terminal.until("Ctrl-D hangs up")
            terminal.type(b"hello\r")
            assert terminal.ends() == 1
        assert "the server ended the call" in terminal.screen
