"""The real process from outside: reloads, drains, sockets that it is given, and what it tells systemd and `status`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import ROOT, Daemon, elizad, environment

SCRIPT = "({greeting})\n(NONE ((0) (Go on)))\n" + (
    "(MEMORY MY (0 YOUR 0 = Yes) (0 YOUR 0 = Yes) (0 YOUR 0 = Yes) (0 YOUR 0 = Yes))\n(MY = YOUR 2 ((0) (Your own)))\n"
)


def greeting(client: ClientConnection) -> str:
    client.send('{"messages":[]}')
    return str(json.loads(client.recv(timeout=10))["text"])


def write(path: Path, words: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(SCRIPT.format(greeting=words), encoding="utf-8")
    new.rename(path)


def configured(tmp_path: Path, more: str = "") -> str:
    write(tmp_path / "my.eliza", "One")
    return f'[eliza]\nscript = "./my.eliza"\n[admin]\nlisten = []\n{more}'


def test_a_good_reload_is_for_new_calls_and_a_bad_one_for_nobody(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with Daemon(config=config, folder=tmp_path) as daemon, connect(f"{daemon.url}/llm") as old:
        write(tmp_path / "my.eliza", "Two")
        daemon.process.send_signal(signal.SIGHUP)
        assert daemon.wait_for("event=reloaded").string.endswith(" changed=eliza.script\n")
        assert greeting(old) == "One."
        with connect(f"{daemon.url}/llm") as new:
            assert greeting(new) == "Two."

        wrong = config.replace("[admin]", "[log]\nlevle = 1\n[speech]\nchunk = 'letter'\n[admin]")
        (tmp_path / "config.toml").write_text(wrong, encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for("not reloaded, nothing has changed")
        problems = [line for line in daemon.log if "reload: wrong" in line]
        assert len(problems) == 2
        assert "levle" in problems[0]
        assert "speech.chunk" in problems[1]
        with connect(f"{daemon.url}/llm") as new:
            assert greeting(new) == "Two."

        # A file that is no TOML at all has no key to name.
        (tmp_path / "config.toml").write_text("[log\n", encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        assert f"config={tmp_path / 'config.toml'} problem=" in daemon.wait_for('event="reload: wrong".*line 1').string

        # Nothing of it is taken, not even what could be.
        fixed = config + '[limits]\nmax_connections = 5\n[log]\nlevel = "debug"\n'
        (tmp_path / "config.toml").write_text(fixed, encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        assert "cannot change from 900 to 5" in daemon.wait_for("key=limits.max_connections").string
        with connect(f"{daemon.url}/llm") as new:
            greeting(new)
    assert not [line for line in daemon.log if "level=debug" in line]


def test_tokens_paths_and_the_log_level_change_live(tmp_path: Path) -> None:
    config = '[hume]\ntokens = ["first-token-of-all"]\n'
    with Daemon(config=config, folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm?token=first-token-of-all") as client:
            greeting(client)
        more = (
            '[hume]\npath = "/other"\ntokens = ["second-token-of-all"]\n[admin]\nlisten = []\n[log]\nlevel = "debug"\n'
        )
        (tmp_path / "config.toml").write_text(more, encoding="utf-8")
        daemon.process.send_signal(signal.SIGHUP)
        assert "changed=hume.path,hume.tokens,log.level" in daemon.wait_for("event=reloaded").string
        with connect(f"{daemon.url}/other?token=second-token-of-all") as client:
            greeting(client)
        daemon.wait_for("level=debug")
        for path, status in (("/llm?token=second-token-of-all", 404), ("/other?token=first-token-of-all", 403)):
            with pytest.raises(InvalidStatus) as refused, connect(f"{daemon.url}{path}"):
                pass
            assert refused.value.response.status_code == status
    assert "token-of-all" not in "".join(daemon.log)


def test_watch_reloads_what_changes(tmp_path: Path) -> None:
    config = configured(tmp_path, "[server]\nwatch = true\n")
    with Daemon("--listen", "127.0.0.1:0", config=config, folder=tmp_path) as daemon:
        time.sleep(0.2)
        write(tmp_path / "my.eliza", "Two")
        daemon.wait_for("event=reloaded")
        with connect(f"{daemon.url}/llm") as client:
            assert greeting(client) == "Two."
        (tmp_path / "my.eliza").write_text("(nonsense", encoding="utf-8")
        daemon.wait_for("not reloaded")
        with connect(f"{daemon.url}/llm") as client:
            assert greeting(client) == "Two."


def test_retell_is_left_in_a_way_that_makes_it_connect_again(tmp_path: Path) -> None:
    config = "[speech]\nchunk = 'word'\npace_s = 0.1\n"
    with Daemon(config=config, folder=tmp_path) as daemon, connect(f"{daemon.url}/llm-websocket/c1") as call:
        frames = [str(call.recv(timeout=10)) for _ in range(3)]
        daemon.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                frames.append(str(call.recv(timeout=10)))
        assert '"content_complete":true' in frames[-1], "the turn was finished first"
        assert closed.value.rcvd is None, "no close frame: 1006, on which Retell connects again"
        assert daemon.finish() == 0


def test_calls_are_not_all_sent_away_at_the_same_moment(tmp_path: Path) -> None:
    with Daemon(folder=tmp_path) as daemon, ExitStack() as stack:
        clients = [stack.enter_context(connect(f"{daemon.url}/llm")) for _ in range(20)]
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        for client in clients:
            with pytest.raises(ConnectionClosed):
                client.recv(timeout=10)
        assert time.monotonic() - began > 0.15
        assert daemon.finish() == 0


class Systemd:
    """systemd's end of a notification socket."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(20)
        self.heard: list[str] = []

    def hear(self, word: str) -> str:
        while True:
            self.heard.append(self._socket.recv(4096).decode())
            if word in self.heard[-1]:
                return self.heard[-1]

    def __enter__(self) -> Systemd:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


# Becomes the daemon in the same process, as systemd's child does: LISTEN_PID is its own.
AS_A_SERVICE = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "elizad", *sys.argv[1:]])
"""


def test_a_service_from_start_to_end(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[speech]\nchunk = "word"\npace_s = 0.1\n', encoding="utf-8")
    public, admin = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    url = f"ws://127.0.0.1:{public.getsockname()[1]}/llm"
    page = f"127.0.0.1:{admin.getsockname()[1]}"

    def place() -> None:
        high = [os.dup(sock.fileno()) for sock in (public, admin)]
        for target, source in zip((103, 104), high, strict=True):
            os.dup2(source, target)
        for target, source in ((3, 103), (4, 104)):
            os.dup2(source, target)

    with Systemd(tmp_path) as systemd, public, admin:
        service = subprocess.Popen(
            [sys.executable, "-c", AS_A_SERVICE, "--config", str(config)],
            env=environment(
                NOTIFY_SOCKET=systemd.address, WATCHDOG_USEC="400000", LISTEN_FDS="2", LISTEN_FDNAMES="public:admin"
            ),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            close_fds=False,
            preexec_fn=place,
        )
        try:
            assert systemd.hear("READY=1") == "READY=1\nSTATUS=0 calls, 0.0 turns/s, script doctor"
            for _ in range(3):
                systemd.hear("WATCHDOG=1")
            with connect(url) as client:
                assert systemd.hear("STATUS=1 call")
                status = json.loads(elizad("status", "--json", "--at", page).stdout)
                assert status["calls_live"] == 1
                assert "1 now, 1 in all" in elizad("status", "--at", page).stdout.decode()
                service.send_signal(signal.SIGHUP)
                assert "MONOTONIC_USEC=" in systemd.hear("RELOADING=1")
                assert "refused" not in systemd.hear("READY=1")
                good = config.read_text(encoding="utf-8")
                config.write_text(good + "[nonsense]\n", encoding="utf-8")
                service.send_signal(signal.SIGHUP)
                assert "; the last reload was refused" in systemd.hear("READY=1")
                with connect(url):
                    assert "; the last reload was refused" in systemd.hear("STATUS=2 calls"), "it stays said"
                shown = elizad("status", "--at", page).stdout.decode()
                assert "the last one was refused: see the log" in shown
                config.write_text(good, encoding="utf-8")
                service.send_signal(signal.SIGHUP)
                assert "refused" not in systemd.hear("READY=1")
                client.send('{"messages":[]}')
                client.recv(timeout=10)
                service.send_signal(signal.SIGTERM)
                assert systemd.hear("STOPPING=1") == "STOPPING=1\nSTATUS=draining: 1 call left"
                systemd.hear("EXTEND_TIMEOUT_USEC=")
                with pytest.raises(ConnectionClosed):
                    while True:
                        client.recv(timeout=10)
            assert service.wait(20) == 0
            # Our side of the sockets is still open: who calls now waits for the next daemon.
            with socket.create_connection(public.getsockname()):
                pass
        finally:
            service.kill()
            log = service.communicate()[1].decode()
    assert 'key=server.listen warning="systemd listens elsewhere' in log, "not at 8765, as the configuration has it"


def test_status_says_what_is_wrong() -> None:
    nobody = elizad("status", "--at", "127.0.0.1:1")
    assert nobody.returncode == 1
    assert nobody.stderr.decode().splitlines() == ["elizad: no daemon answers at 127.0.0.1:1: connection refused"]
    with Daemon() as daemon:
        calls = elizad("status", "--at", daemon.url.removeprefix("ws://"))
    assert calls.returncode == 1
    assert b"is that the address for calls?" in calls.stderr


def test_a_status_that_is_watched_through_a_pipe_comes_every_second() -> None:
    command = [sys.executable, "-m", "elizad", "status", "--watch", "--at", "127.0.0.1:1"]
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        said = [watch.stdout.readline() for _ in range(2)]
        watch.send_signal(signal.SIGINT)
        assert watch.wait(20) == 0
    assert said == [b"no daemon answers at 127.0.0.1:1: connection refused\n"] * 2
