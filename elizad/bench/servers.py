"""The servers that are measured: elizad as people run it, and the peer. Each is started here, or was there before."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from elizad.bench.orders import Target
from elizad.bench.process import family
from elizad.errors import ElizadError

_START_S: Final = 30.0  # for a busy machine
_STOP_S: Final = 15.0  # longer than elizad's own drain; after that a server is killed

# Everything on, at its default, but for the limits that many calls from one address would run into: those are on as
# well, and set to what a load test may do. Pages for operators are there; nobody looks at them meanwhile.
_CONFIG: Final = """\
[server]
listen = ["{listen}"]
reuse_port = {reuse_port}
drain_s = 1.0
[sessions]
store = "sqlite"
path = "{folder}/sessions.sqlite3"
durability = "relaxed"
[limits]
max_connections = {connections}
connections_per_address = {connections}
handshakes_per_s = 100000
messages_per_s = 100000
[admin]
listen = ["unix:{folder}/admin.sock"]
[log]
level = "info"
"""

_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NoServer(ElizadError):
    """A server cannot be measured; the reason is in words."""


@dataclass
class Server:
    """One that runs. `pids` is empty when it is not known, or elsewhere: then there are no figures of its process."""

    name: str
    target: Target
    pid: int | None
    started_at: float | None = None
    """On the machine's monotonic clock; None when somebody else started it."""
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None

    @property
    def ended(self) -> bool:
        """Whether it was started here and has ended."""
        return self.process is not None and self.process.poll() is not None

    @property
    def pids(self) -> list[int]:
        """Its process and those that this one has started."""
        return [] if self.pid is None else family(self.pid)


# As systemd hands over a socket (sd_listen_fds(3)): descriptor 3, and the pid of who is to have it.
_INHERIT: Final = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@contextlib.contextmanager
def elizad(
    connections: int, core: int | None, port: int | None = None, shared: socket.socket | None = None
) -> Iterator[Server]:
    """Run elizad with all that it does by default, for so many connections, for the length of the block.

    With a `port` it is shared with others that are given the same; with a `shared` socket, that is.
    """
    with _folder() as folder:
        at = port or free_port()
        config = Path(folder) / "config.toml"
        config.write_text(
            _CONFIG.format(
                listen=f"127.0.0.1:{at}",
                folder=folder,
                connections=connections + 100,
                reuse_port=str(port is not None).lower(),
            ),
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "elizad", "--config", str(config)]
        descriptors = []
        if shared is not None:
            at, descriptors = shared.getsockname()[1], [shared.fileno()]
            command = [sys.executable, "-c", _INHERIT, str(shared.fileno()), *command[1:]]
        target = Target("127.0.0.1", at, "/llm")
        with _running("elizad", command, target, Path(folder) / "log", core, descriptors) as server:
            yield server


@contextlib.contextmanager
def peer(command: str, path: str, core: int | None) -> Iterator[Server]:
    """Run a server by a command in which {port} is where it is to listen, for the length of the block."""
    with _folder() as folder:
        port = free_port()
        words = [word.replace("{port}", str(port)) for word in shlex.split(command)]
        with _running("peer", words, Target("127.0.0.1", port, path), Path(folder) / "log", core) as server:
            yield server


@contextlib.contextmanager
def _running(
    name: str, command: list[str], target: Target, log: Path, core: int | None, descriptors: Sequence[int] = ()
) -> Iterator[Server]:
    with log.open("wb") as output, contextlib.ExitStack() as at_the_end:
        started_at = time.perf_counter()
        with _held_back():
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C is for the one who measures
                    env=_environment(),
                    pass_fds=descriptors,
                )
            except OSError as wrong:
                raise NoServer(f"{name}: {command[0]} cannot be run: {wrong.strerror}") from None
            at_the_end.callback(end, process)
        try:
            if core is not None:
                with contextlib.suppress(OSError):  # it has ended already; who dials will say so
                    os.sched_setaffinity(process.pid, {core})
            yield Server(name, target, process.pid, started_at, process, log)
        except ElizadError as wrong:
            if process.poll() is None:
                raise
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise NoServer("\n".join([f"{name} ended with {process.returncode}: {wrong}", *last])) from None


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """Make a folder for the length of the block; whoever is ended while it comes or goes leaves none behind."""
    with contextlib.ExitStack() as at_the_end:
        with _held_back():
            folder = tempfile.TemporaryDirectory(prefix="elizad-bench-")
            at_the_end.callback(_remove, folder)
        yield folder.name


def _remove(folder: tempfile.TemporaryDirectory[str]) -> None:
    with _held_back():
        folder.cleanup()


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Let signals that end us wait until the end of the block: amid a start they would leave a process to nobody."""
    came: list[int] = []
    usual = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server that was started here, and what it has started itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # it leads a group of its own
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            return


def wait_until_listening(server: Server) -> None:
    """Wait until an elizad says that it listens: others may answer at the same port. Raises: NoServer."""
    until = time.perf_counter() + _START_S
    while server.log is not None and b"listening on" not in server.log.read_bytes():
        if time.perf_counter() > until or server.ended:
            raise NoServer(f"{server.name} does not listen")
        time.sleep(0.02)  # a log file wakes nobody


def _environment() -> dict[str, str]:
    """Return that of the servers: whoever writes no bytecode would measure the compiler at every start."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if len(kept) < len(os.environ):
        kept["PYTHONPYCACHEPREFIX"] = _bytecode().name
    return kept


@functools.cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="elizad-bench-")


def free_port() -> int:
    """Return a TCP port at which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cores() -> tuple[int | None, int | None]:
    """Return the cores for the server and for the load; None for both when there are not two."""
    ours = sorted(os.sched_getaffinity(0))
    return (ours[-1], ours[0]) if len(ours) > 1 else (None, None)
