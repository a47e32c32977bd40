"""The calls that are open on the load's side, and the one wait for all of them."""

from __future__ import annotations

import select
import sys
import time
from typing import Final

from elizad.bench import frames
from elizad.bench.line import Cut, Line

PATIENCE_S: Final = 20.0  # for a line, and for the replies that are still to come: a server that is slower is broken
_GOODBYE_S: Final = 3.0  # for lines to be closed,
_GOODBYE_EACH_S: Final = 0.01  # and for each of thousands


class Crowd:
    """Every line that is open. Whatever a server should not do to one of them raises Cut."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}
        self._epoll = select.epoll()
        self._asked = 0
        """Turns that were asked for and have not ended."""
        self.cut: list[tuple[Line, Cut]] = []
        """What was cut while no order was carried out; for those who can bear it."""

    def add(self, line: Line) -> Line:
        """Look after this line as well."""
        self._lines[line.socket.fileno()] = line
        self._epoll.register(line.socket, select.EPOLLIN)
        return line

    def ask(self, line: Line, turn: frames.Turn) -> None:
        """Send a turn. Raises: Cut."""
        self._asked += 1
        if not line.ask(turn):
            self._epoll.modify(line.socket, select.EPOLLIN | select.EPOLLOUT)

    def look_after(self, wait_s: float, *, strict: bool = True) -> list[Line]:
        """Wait until something comes, but not longer than this; the lines whose turn has ended. Raises: Cut."""
        # epoll(7) counts milliseconds in Python, select(2) microseconds; and an epoll can be waited for like a file.
        if wait_s > 0:
            select.select([self._epoll], [], [], wait_s)
        ended = []
        for descriptor, event in self._epoll.poll(0):
            line = self._lines[descriptor]
            if event & select.EPOLLOUT and line.flush():
                self._epoll.modify(line.socket, select.EPOLLIN)
            try:
                if event & ~select.EPOLLOUT and line.read():
                    ended.append(line)
            except Cut as cut:
                if strict:
                    raise
                self.cut.append((line, cut))
                self._forget(line)
                line.socket.close()
        self._asked -= len(ended)
        return ended

    def converse(self, line: Line, turn: frames.Turn) -> None:
        """Have one turn to its end. Raises: Cut."""
        self.ask(line, turn)
        until = time.perf_counter() + PATIENCE_S
        while self._asked:
            self.look_after(max(0.0, until - time.perf_counter()))
            if time.perf_counter() > until:
                raise Cut(f"a turn was not answered within {PATIENCE_S:.0f} s")

    def wait_for_order(self) -> str:
        """Look after the lines until somebody wants something; "" at the end of the input."""
        while True:
            ready, _, _ = select.select([sys.stdin, self._epoll], [], [])
            self.look_after(0, strict=False)
            if sys.stdin in ready:
                return sys.stdin.readline()

    def leave(self, lines: list[Line]) -> None:
        """End these calls in an orderly way."""
        for line in lines:
            self._forget(line)
            line.leave()
        deadline = time.perf_counter() + _GOODBYE_S + _GOODBYE_EACH_S * len(lines)
        for line in lines:
            line.close(deadline)

    def _forget(self, line: Line) -> None:
        self._epoll.unregister(line.socket)
        del self._lines[line.socket.fileno()]

    def drop(self) -> None:
        """Close all lines without a word."""
        for line in self._lines.values():
            line.socket.close()
        self._lines.clear()
        self._asked = 0
        self.cut.clear()
