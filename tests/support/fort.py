"""A real daemon under siege: peers made of plain sockets, and proof that nothing is left of them."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import struct
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

from tests.support.daemon import Daemon
from tests.support.metrics import ADMIN, counts, page_url
from tests.support.peers import CLOSE, PING, TEXT, close_code, frame, frames_in, request

PATIENCE_S: Final = 15.0  # for anything a peer waits for; the limits of the daemons are far below it
_GENEROUS_S: Final = 10.0  # for an honest call in the middle of an attack, on a machine that is busy anyway
_HONEST: Final = "127.0.0.9"  # a machine of its own: limits by address are no concern of others

ENDS: Final = b'{"type":"assistant_end"}'


def ask(text: str = "My house is quiet today.", session: str | None = None) -> bytes:
    """A message of Hume's that asks for a turn."""
    thread = [{"role": "user", "content": text}]
    return frame(TEXT, json.dumps({"messages": thread, "custom_session_id": session}).encode())


class Peer:
    """A socket, what it has said to us, and how it can misbehave. Everything waits for PATIENCE_S at most."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE_S)
        self.socket = sock
        self.received = bytearray()

    def send(self, data: bytes) -> bool:
        """Send; whether all of it was taken. A peer that has been thrown out does not complain."""
        try:
            self.socket.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            return False
        return True

    def read_until(self, found: Callable[[bytes], bool], what: str) -> None:
        """Read until `found(everything so far)`; to the end without it is a failure."""
        while not found(bytes(self.received)):
            part = self.socket.recv(65_536)
            assert part, f"the connection ended, but {what} did not come: {bytes(self.received[-200:])!r}"
            self.received += part

    def rest(self) -> bytes:
        """Everything until the daemon closes or resets. Fails with TimeoutError when it does neither."""
        deadline = time.monotonic() + PATIENCE_S
        try:
            while part := self.socket.recv(65_536):
                self.received += part
                assert time.monotonic() < deadline, "the daemon goes on for ever"
        except ConnectionError:
            pass
        return bytes(self.received)

    def upgrade(self, data: bytes = b"", path: str = "/llm") -> None:
        """Shake hands, with `data` sent straight after the request; what is received counts from here."""
        self.send(request(path) + data)
        self.read_until(lambda received: b"\r\n\r\n" in received, "the answer to the handshake")
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.received = bytearray(rest)

    def turn(self) -> str:
        """What is said up to the end of a turn."""
        self.read_until(lambda received: ENDS in received, "the end of the turn")
        texts = [payload for opcode, payload in frames_in(self.received) if opcode == TEXT and payload != ENDS]
        self.received.clear()
        return "".join(json.loads(payload)["text"] for payload in texts)

    def refusal(self) -> int:
        """The status of a plain HTTP answer, after which the daemon must close."""
        head = self.rest().partition(b"\r\n\r\n")[0]
        assert b"\r\nConnection: " in head, head
        return int(head.split(b" ")[1])

    def close_code(self) -> int:
        """The code that the daemon closes with: its last frame, whole, and the connection's end."""
        opcode, payload = frames_in(self.rest())[-1]
        assert opcode == CLOSE, (opcode, payload)
        return close_code(payload)

    def part(self) -> None:
        """The closing handshake."""
        self.send(frame(CLOSE, b"\x03\xe8"))
        assert [one for one in frames_in(self.rest()) if one[0] != PING] == [(CLOSE, b"\x03\xe8")]

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


class Fort:
    """A daemon. `besieged` is where attacks belong."""

    def __init__(self, daemon: Daemon, context: ssl.SSLContext | None = None) -> None:
        """With a `context` the daemon speaks TLS, and honest callers do."""
        self.page = page_url(daemon)
        self.daemon = daemon
        self.pid = daemon.process.pid
        self.port = int(daemon.url.rpartition(":")[2])
        self._context = context
        self._peers: list[Peer] = []
        self._made = 0
        self._honest = 0
        self._clean = False  # whether every line of the log so far has been looked at
        self._reply = ""
        for session in ("siege", None):  # what is opened once and for all is opened now, the store among it
            self._reply = self._converse(session)[0]
        self.wait_for_count("elizad_session_saves_total", 0)
        readings = []
        for _ in range(10):  # the page before this one may still be taking its leave
            readings.append(self.figures())
            time.sleep(0.02)
        self._settled = {name: min(reading[name] for reading in readings) for name in readings[0]}

    def connect(self, *, receive_bytes: int = 0, port: int = 0) -> Peer:
        """A connection that lasts until the end of the siege, unless somebody ends it before.

        With `receive_bytes` it has a small buffer for what it does not read.
        """
        sock = socket.socket()
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", port or self.port))
        return self.take(sock)

    def take(self, sock: socket.socket) -> Peer:
        """Count a socket as a peer."""
        peer = Peer(sock)
        self._made += 1
        self._peers.append(peer)
        return peer

    def call(self, data: bytes = b"", *, receive_bytes: int = 0, path: str = "/llm") -> Peer:
        """A WebSocket that is open."""
        peer = self.connect(receive_bytes=receive_bytes)
        peer.upgrade(data, path)
        return peer

    def count(self, name: str) -> float:
        """One of the daemon's counts; 0 when it has no row yet."""
        return counts(self.page).get(name, 0)

    def wait_for_count(self, name: str, more_than: float) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.count(name) <= more_than:
            assert time.monotonic() < deadline, f"{name} is still {self.count(name)}"
            time.sleep(0.05)

    def resident_bytes(self) -> float:
        return self.count("process_resident_memory_bytes")

    def cpu_s(self) -> float:
        """Processor time that it has used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()  # proc(5): utime and stime are the 14th and 15th
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def figures(self) -> dict[str, float]:
        """What must be as before: descriptors as the kernel has them, tasks, connections and calls as the daemon."""
        found = counts(self.page)
        names = ("elizad_tasks", "elizad_connections_live", "elizad_calls_live")
        return {name: found[name] for name in names} | {"descriptors": len(os.listdir(f"/proc/{self.pid}/fd"))}

    @contextmanager
    def besieged(self, *, served: bool = True, due: Collection[str] = ()) -> Iterator[Fort]:
        """A block in which the daemon is attacked; afterwards it must be as good as new.

        While the peers are still there a fresh client is answered, unless not `served`; when they have gone, tasks
        and descriptors are back where they were, and a fresh client is answered. The log has no more than a line for
        each request refused and two for each call, and the events that are `due`.
        """
        if not self._clean:
            self._wait_for_the_log(self.is_answered())
        mark, bugs, self._clean = len(self.daemon.log), self.count("elizad_bugs_total"), False
        self._made = self._honest = 0
        try:
            yield self
            if served:
                self.is_answered()
        finally:
            for peer in self._peers:
                peer.close()
            self._peers.clear()
        self._settles()
        self._wait_for_the_log(self.is_answered())
        assert self.count("elizad_bugs_total") == bugs
        self._is_quiet(self.daemon.log[mark:], due)
        self._clean = True

    def is_answered(self) -> int:
        """A fresh client has an honest call, and soon. The client's port."""
        began = time.monotonic()
        reply, port = self._converse()
        assert reply == self._reply
        assert time.monotonic() - began < _GENEROUS_S
        return port

    def _converse(self, session: str | None = None) -> tuple[str, int]:
        self._honest += 1
        sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S, source_address=(_HONEST, 0))
        port: int = sock.getsockname()[1]
        if self._context is not None:
            sock = self._context.wrap_socket(sock, server_hostname="localhost")
        with sock:
            peer = Peer(sock)
            peer.upgrade()
            peer.send(ask(session=session))
            reply = peer.turn()
            assert reply
            peer.part()
        return reply, port

    def _wait_for_the_log(self, port: int) -> None:
        """Have every line up to the end of the honest call that came from `port`."""
        self.daemon.wait_for(rf'event="call closed".* peer={re.escape(_HONEST)}:{port}\b')

    def _settles(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.figures()) != self._settled:
            assert time.monotonic() < deadline, f"{found} is not what was before: {self._settled}"
            time.sleep(0.005)

    def _is_quiet(self, lines: list[str], due: Collection[str]) -> None:
        log = "".join(lines[-20:])
        assert not any("Traceback" in line for line in lines), log
        events = Counter(
            match[1].strip('"') if (match := re.search(r' event=("[^"]*"|\S+)', line)) else line
            for line in lines
            if " more_like_this=" not in line  # the sum of what an earlier siege repeated
        )
        assert events.keys() <= {"refused", "no TLS", "call opened", "call closed", *due}, log
        assert events["refused"] + events["no TLS"] <= self._made, log
        assert events["call opened"] == events["call closed"] <= self._made + self._honest, log


@contextmanager
def fort(config: str, *, context: ssl.SSLContext | None = None, files: int = 0) -> Iterator[Fort]:
    """A daemon with `config`, and with no more than so many `files` open when that is given."""
    with Confined(files, config + ADMIN) if files else Daemon(config=config + ADMIN) as daemon:
        yield Fort(daemon, context)


class Confined(Daemon):
    """A daemon that was started with a small RLIMIT_NOFILE, soft and hard."""

    def __init__(self, files: int, config: str) -> None:
        super().__init__(config=config)
        self._command = ["prlimit", f"--nofile={files}", *self._command]
