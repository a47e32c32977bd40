"""Between systemd and us: messages on a real datagram socket, and descriptors that a real parent passes."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from elizad.ops.systemd import Notifier, inherited_sockets, notifier, watchdog_s
from tests.support.daemon import environment


def listener(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind("\0" + address[1:] if address.startswith("@") else address)
    sock.settimeout(5)
    return sock


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_messages_arrive(kind: str, tmp_path: Path) -> None:
    address = str(tmp_path / "notify") if kind == "path" else f"@elizad-{secrets.token_hex(8)}"
    environ = {"NOTIFY_SOCKET": address, "HOME": "/"}
    with listener(address) as systemd:
        told = notifier(environ)
        assert environ == {"HOME": "/"}
        assert told
        told.ready("42 calls\nREADY=0")
        assert systemd.recv(4096) == b"READY=1\nSTATUS=42 calls READY=0"
        told.reloading()
        first, second = systemd.recv(4096).split(b"\n")
        assert first == b"RELOADING=1"
        assert second.startswith(b"MONOTONIC_USEC=")
        assert int(second.partition(b"=")[2]) > 1_000_000
        told.stopping("draining")
        assert systemd.recv(4096) == b"STOPPING=1\nSTATUS=draining"
        told.extend_timeout(2.5)
        assert systemd.recv(4096) == b"EXTEND_TIMEOUT_USEC=2500000"
        told.alive()
        assert systemd.recv(4096) == b"WATCHDOG=1"
        told.status("3 calls")
        assert systemd.recv(4096) == b"STATUS=3 calls"
        told.close()
        told.close()
        assert not told


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "relative", "/nowhere/at/all"])
def test_it_is_silent_where_nobody_listens(address: str) -> None:
    silent = Notifier(address)
    assert not silent
    silent.ready("")
    silent.alive()


def test_a_systemd_that_goes_away_and_one_that_does_not_read_cost_nothing(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listener(address):
        told = Notifier(address)
        for _ in range(20):  # more than a datagram socket holds (net.unix.max_dgram_qlen)
            told.alive()
    told.alive()
    told.close()


def test_the_watchdog_is_fed_twice_in_its_time() -> None:
    assert watchdog_s({"WATCHDOG_USEC": "10000000"}) == 5.0
    assert watchdog_s({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}) == 5.0
    for environ in ({}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}):
        assert watchdog_s(environ) is None


CHILD = """
import os, subprocess, sys
from elizad.ops.systemd import inherited_sockets
os.environ["LISTEN_PID"] = str(os.getpid()) if sys.argv[1] == "ours" else "1"
found = inherited_sockets()
print([(name, sock.getsockname()[1]) for name, sock in found])
print(sorted(name for name in os.environ if name.startswith("LISTEN_")))
seen = subprocess.run([sys.executable, "-c", "import os; print(os.path.exists('/proc/self/fd/3'))"],
                      capture_output=True, text=True, close_fds=False)
print(seen.stdout.strip())
"""


@pytest.mark.parametrize(("names", "expected"), [("public:admin", ["public", "admin"]), ("", ["unknown", "unknown"])])
def test_sockets_are_taken_over_by_name(names: str, expected: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [sock.getsockname()[1] for sock in (one, two)]

        def place() -> None:
            os.dup2(os.dup(one.fileno()), 103)
            os.dup2(os.dup(two.fileno()), 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        def run(whose: str) -> list[str]:
            variables = {"LISTEN_FDS": "2"} | ({"LISTEN_FDNAMES": names} if names else {})
            done = subprocess.run(
                [sys.executable, "-c", CHILD, whose],
                env=environment(**variables),
                capture_output=True,
                text=True,
                timeout=20,
                check=True,
                close_fds=False,
                preexec_fn=place,
            )
            return done.stdout.splitlines()

        found, left, child_sees = run("ours")
        assert found == str(list(zip(expected, ports, strict=True)))
        assert left == "[]"
        assert child_sees == "False", "closed on exec"
        assert run("not ours")[:2] == ["[]", "[]"]


def test_nothing_is_inherited_without_the_variables() -> None:
    assert inherited_sockets({}) == []
    assert inherited_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "none"}) == []
