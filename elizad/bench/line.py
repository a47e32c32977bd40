"""One call's line on the load's side: a socket that never blocks. What comes is scanned for what must be known."""

from __future__ import annotations

import base64
import errno
import math
import os
import select
import socket
import time
from typing import Final

from elizad.bench import frames
from elizad.bench.orders import Target
from elizad.errors import ElizadError

READ_BYTES: Final = 65_536

_FIRST: Final = b"assistant_input"
_END: Final = b"assistant_end"


class Cut(ElizadError):
    """A line ended, or never began."""


class Line:
    """One open line. `sent_at` and `first_at` are of the newest turn."""

    __slots__ = ("_buffer", "_unsent", "first_at", "number", "said", "sent_at", "session", "socket", "waiting")

    def __init__(self, target: Target, timeout_s: float) -> None:
        """Dial and shake hands. Raises: Cut, OSError."""
        self.session = os.urandom(frames.SESSION_CHARS // 2).hex()
        self.number = self.said = 0
        """Which of a round's lines this is, and how many turns it has had; theirs who use the line."""
        self.sent_at = self.first_at = math.nan
        self.waiting = False
        """A turn is asked for and not ended."""
        self._unsent: list[bytes | memoryview] = []
        self.socket = socket.create_connection((target.host, target.port), timeout_s)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._buffer = bytearray(self._upgrade(target))
            self.socket.setblocking(False)
        except BaseException:  # whatever it was, nobody else knows of the socket yet
            self.socket.close()
            raise

    def _upgrade(self, target: Target) -> bytes:
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = self.socket.recv(READ_BYTES)
            if not part:
                raise Cut("the server closed a line during the handshake")
            answer += part
        status = answer.partition(b"\r\n")[0].decode("latin-1")
        if " 101 " not in f"{status} ":
            raise Cut(f"the server refused a call: {status[:80]}")
        return answer.partition(b"\r\n\r\n")[2]

    def ask(self, turn: frames.Turn) -> bool:
        """Send a turn; False when some of it has to wait until the socket takes more. Raises: Cut."""
        self.waiting = True
        self.first_at = math.nan
        self.sent_at = time.perf_counter()
        return self._send([turn.head, turn.tail(self.session)])

    def flush(self) -> bool:
        """Send what had to wait; False when there is more. Raises: Cut."""
        unsent, self._unsent = self._unsent, []
        return self._send(unsent)

    def _send(self, parts: list[bytes | memoryview]) -> bool:
        if self._unsent:  # a pong, behind a turn that waits
            self._unsent += parts
            return False
        try:
            sent = self.socket.sendmsg(parts)
        except BlockingIOError:
            sent = 0
        except OSError as gone:
            raise Cut(f"a line was cut: {gone.strerror}") from None
        for index, part in enumerate(parts):
            if sent < len(part):
                self._unsent = [memoryview(part)[sent:], *parts[index + 1 :]]
                return False
            sent -= len(part)
        return True

    def read(self) -> bool:
        """Read what there is; True when it ended the turn. Raises: Cut."""
        try:
            data = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError as gone:
            raise Cut(f"a line was cut: {gone.strerror}") from None
        if not data:
            raise Cut("the server cut a line")
        self._buffer += data
        ended = False
        while (found := frames.take(self._buffer)) is not None:
            opcode, payload = found
            if opcode == frames.PING:
                self._send([frames.pong(payload)])
            elif opcode == frames.CLOSE:
                code = int.from_bytes(payload[:2], "big")
                raise Cut(f"the server closed a call with {code}: {payload[2:].decode('utf-8', 'replace')}")
            elif _FIRST in payload:
                if self.waiting and math.isnan(self.first_at):
                    self.first_at = time.perf_counter()
            elif _END in payload:
                ended, self.waiting = self.waiting, False
        return ended

    def leave(self) -> None:
        """Say goodbye; the line is closed by `close`."""
        try:
            self._send([frames.goodbye()])
        except Cut:
            pass  # it has gone first

    def close(self, deadline: float) -> None:
        """Wait until the server has closed its side, and close ours: else a port stays taken for a minute."""
        while (left := deadline - time.perf_counter()) > 0:
            readable = select.poll()
            readable.register(self.socket, select.POLLIN)
            if not readable.poll(left * 1000):
                break
            try:
                if not self.socket.recv(READ_BYTES):
                    break
            except OSError:
                break
        self.socket.close()


def dial(target: Target, patience_s: float) -> Line | None:
    """Dial until somebody listens; None when patience is over. Raises: Cut."""
    until = time.perf_counter() + patience_s
    while True:
        try:
            return Line(target, patience_s)
        except OSError as refused:
            if refused.errno != errno.ECONNREFUSED:
                raise Cut(f"no line to {target.host}:{target.port}: {refused.strerror or refused}") from None
        if time.perf_counter() > until:
            return None
        select.select([], [], [], 0.002)  # a fiftieth of the fastest start
