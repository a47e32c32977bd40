"""What passes between systemd and a daemon: listening sockets in; readiness, status and signs of life out.

Silent where there is no systemd. The protocols are those of the manual pages sd_notify(3), sd_listen_fds(3) and
sd_watchdog_enabled(3); nothing else of systemd is known here.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from typing import Final, NamedTuple

FIRST_FD: Final = 3
"""SD_LISTEN_FDS_START: the first descriptor after the standard three."""

_SEND_S: Final = 0.2
"""The longest that one message may hold up the loop. systemd reads them at once; a stuck one must not take us along."""


class Notifier:
    """Tells systemd how the service is. Every method does nothing when nobody wants to know, and none raises."""

    def __init__(self, address: str = "") -> None:
        """`address` as in $NOTIFY_SOCKET: an absolute path, or the name of an abstract socket after an "@"."""
        self._socket: socket.socket | None = None
        if not address.startswith(("/", "@")):
            return  # none, or a kind that sd_notify(3) has for virtual machines
        try:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(_SEND_S)
            self._socket.connect("\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            self.close()

    def __bool__(self) -> bool:
        """Whether somebody listens."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """Started, or done with reloading."""
        self._send("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def reloading(self) -> None:
        """Reading the configuration again; `ready` follows."""
        # The time is for Type=notify-reload, which has to know that this answers its newest signal.
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str) -> None:
        """Beginning to stop."""
        self._send("STOPPING=1", f"STATUS={status}")

    def extend_timeout(self, seconds: float) -> None:
        """Allow `seconds` from now for what is being done, be it start, stop or reload."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def alive(self) -> None:
        """The sign of life that the watchdog waits for."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _send(self, *assignments: str) -> None:
        if self._socket is None:
            return
        # A line break inside a value would begin another assignment.
        lines = [assignment.replace("\n", " ") for assignment in assignments]
        try:
            self._socket.send("\n".join(lines).encode(), socket.MSG_NOSIGNAL)
        except OSError:
            pass  # lost, or no systemd there: a status line is not worth a call


class Inherited(NamedTuple):
    """A listening socket that systemd opened, under the name that its unit gives it (FileDescriptorName=)."""

    name: str
    socket: socket.socket


def notifier(environ: MutableMapping[str, str] = os.environ) -> Notifier:
    """Return what tells systemd, and take its address out of `environ`: children have nothing to say there."""
    return Notifier(environ.pop("NOTIFY_SOCKET", ""))


def inherited_sockets(environ: MutableMapping[str, str] = os.environ) -> list[Inherited]:
    """Return the sockets that were passed to this process, closed on exec; none when it is not meant.

    To be called once: the variables are removed, so that a child does not think they are for it.

    Raises: OSError when a descriptor that was announced is not a socket.
    """
    pid, count, names = (environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    known = names.split(":") if names else []
    found = []
    for index in range(int(count)):
        descriptor = FIRST_FD + index
        os.set_inheritable(descriptor, False)
        found.append(
            Inherited(known[index] if index < len(known) else "unknown", socket.socket(fileno=descriptor))
        )  # "unknown" is what sd_listen_fds_with_names(3) says then
    return found


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Return every how many seconds a sign of life is due: half of what systemd allows. None when it wants none."""
    limit, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not limit.isdecimal() or int(limit) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(limit) / 1_000_000 / 2
