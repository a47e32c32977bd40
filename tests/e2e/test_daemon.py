"""The real process: options, exit codes, signals and the log."""

from __future__ import annotations

import json
import signal
import socket
import tomllib
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from elizad import __version__
from tests.support.daemon import ROOT, Daemon, elizad

PAYLOAD = '{"messages":[{"message":{"role":"user","content":"my xyzzy is broken"}}]}'


def test_it_runs_without_any_configuration_but_the_port() -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8766)) == 0:
            pytest.skip("somebody listens at 127.0.0.1:8766, where the admin pages are by default")
    with Daemon("--listen", "127.0.0.1:0", admin="default") as daemon:
        assert daemon.url.startswith("ws://127.0.0.1:")
        assert not daemon.url.endswith(":0")


def test_it_listens_at_every_address_given(tmp_path: Path) -> None:
    unix = tmp_path / "elizad.sock"
    with Daemon("--listen", "127.0.0.1:0", "--listen", f"unix:{unix}") as daemon:
        daemon.wait_for("listening on ws.unix")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(unix))
            with connect("ws://localhost/llm", sock=sock) as client:
                client.send('{"messages":[]}')
                assert "assistant_input" in str(client.recv(timeout=10))
    assert not unix.exists()


def test_two_daemons_share_a_port() -> None:
    config = "[server]\nreuse_port = true\n"
    with Daemon(config=config) as one:
        with Daemon("--listen", one.url.removeprefix("ws://"), config=config) as two, ExitStack() as calls:
            assert one.url == two.url
            for _ in range(40):  # the kernel tosses a coin for each
                client = calls.enter_context(connect(f"{one.url}/llm"))
                client.send('{"messages":[]}')
                client.recv(timeout=10)
        with connect(f"{one.url}/llm") as client:  # the other has gone, and all calls come here
            client.send('{"messages":[]}')
            client.recv(timeout=10)
    taken = [sum("call opened" in line for line in daemon.log) for daemon in (one, two)]
    assert sum(taken) == 41
    assert min(taken) > 1, "one in 10**10 runs fails"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_turn_says_goodbye_and_exits_with_0(number: int, tmp_path: Path) -> None:
    with Daemon(config="[speech]\nchunk = 'word'\npace_s = 0.1\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm") as client, connect(f"{daemon.url}/llm") as idle:
            client.send('{"messages":[]}')
            frames = [str(client.recv(timeout=10))]
            daemon.process.send_signal(number)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    frames.append(str(client.recv(timeout=10)))
            with pytest.raises(ConnectionClosed) as idle_closed:
                idle.recv(timeout=10)
        assert len(frames) > 3
        assert "assistant_end" in frames[-1]
        assert closed.value.rcvd is not None
        assert idle_closed.value.rcvd is not None
        assert closed.value.rcvd.code == idle_closed.value.rcvd.code == 1001
        assert daemon.finish() == 0
    assert "event=stopped" in daemon.log[-1]


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with Daemon(config="[speech]\nchunk = 'word'\npace_s = 10\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            client.send('{"messages":[]}')
            client.recv(timeout=10)
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait_for("event=stopping")
            assert daemon.end(signal.SIGTERM) == 0


def test_calls_that_do_not_end_are_cut_after_drain_s(tmp_path: Path) -> None:
    config = "[server]\ndrain_s = 0.2\n[speech]\nchunk = 'word'\npace_s = 10\n"
    with Daemon("--listen", "127.0.0.1:0", config=config, folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            client.send('{"messages":[]}')
            client.recv(timeout=10)
            assert daemon.end() == 0


def test_an_address_in_use_is_one_clear_line_and_exit_1() -> None:
    with Daemon() as daemon:
        address = daemon.url.removeprefix("ws://")
        second = elizad("--listen", address)
    assert second.returncode == 1
    assert second.stderr.decode().splitlines()[-1] == (
        f"elizad: cannot listen on {address}: Address already in use (server.listen)"
    )
    assert b"Traceback" not in second.stderr


def test_check_and_exit_codes(tmp_path: Path) -> None:
    assert elizad("--config", "config.toml", "--check").returncode == 0
    assert elizad("--nonsense").returncode == 2
    script = tmp_path / "bad.eliza"
    script.write_text("(Hello)\n(NONE ((0) (Go on)))\n(MEMORY MY (0 = A))", encoding="utf-8")
    bad = tmp_path / "bad.toml"
    bad.write_text('[eliza]\nscript = "./bad.eliza"\n[limits]\nwrite_timeout = 3\n', encoding="utf-8")
    for arguments in (["--check"], []):
        result = elizad("--config", str(bad), *arguments)
        assert result.returncode == 78
        assert b"write_timeout" in result.stderr
        assert b"Traceback" not in result.stderr
    assert b"Script error on line 3" in elizad("--config", str(bad), "--check").stderr
    script_only = tmp_path / "script.toml"
    script_only.write_text('[eliza]\nscript = "docter"\n', encoding="utf-8")
    result = elizad("--config", str(script_only))
    assert result.returncode == 78
    assert b'did you mean "doctor"' in result.stderr


def test_version_and_print_config_round_trip(tmp_path: Path) -> None:
    assert elizad("--version").stdout.decode().strip() == f"elizad {__version__}"
    config = tmp_path / "c.toml"
    config.write_text('[hume]\ntokens = ["correct-horse-battery"]\n[log]\nlevel = "debug"\n', encoding="utf-8")
    printed = elizad("--config", str(config), "--print-config")
    assert printed.returncode == 0
    assert b"correct-horse" not in printed.stdout
    assert tomllib.loads(printed.stdout.decode())["log"]["level"] == "debug"
    again = tmp_path / "again.toml"
    again.write_bytes(printed.stdout)
    assert elizad("--config", str(again), "--check").returncode == 0
    assert elizad("--config", str(again), "--print-config").stdout == printed.stdout
    assert elizad("--config", str(again)).returncode == 78, "the mask must not become a secret"


@pytest.mark.parametrize("chosen", ["plain", "json", "rich"])
def test_one_line_when_a_call_opens_and_one_when_it_closes(chosen: str, tmp_path: Path) -> None:
    with Daemon(config=f"[log]\nformat = '{chosen}'\ncolor = 'never'\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm") as client:
            client.send(PAYLOAD)
            client.recv(timeout=10)
    assert len([line for line in daemon.log if "call opened" in line]) == 1
    [closed] = [line for line in daemon.log if "call closed" in line]
    assert "xyzzy" not in "".join(daemon.log)
    if chosen == "json":
        record = json.loads(closed)
        assert record["proto"] == "hume"
        assert record["turns"] == 1
        assert record["bytes_out"] > 100
    else:
        for field in ("proto=hume", "turns=1", "seconds=", "bytes_in=", "bytes_out=", "why="):
            assert field in closed


def test_utterances_appear_at_debug() -> None:
    with Daemon("--log-level", "debug") as daemon, connect(f"{daemon.url}/llm") as client:
        client.send(PAYLOAD)
        client.recv(timeout=10)
    assert "xyzzy" in "".join(daemon.log)


def test_a_token_is_asked_for(tmp_path: Path) -> None:
    with Daemon(config="[hume]\ntokens = ['correct-horse-battery']\n", folder=tmp_path) as daemon:
        for address in ("/llm", "/llm?token=wrong-horse-battery"):
            with pytest.raises(Exception, match=r"HTTP 40[13]"), connect(f"{daemon.url}{address}"):
                pass
        for address in ("/llm?token=correct-horse-battery", "/llm/correct-horse-battery"):
            with connect(f"{daemon.url}{address}") as client:
                client.send('{"messages":[]}')
                client.recv(timeout=10)
    assert "horse" not in "".join(daemon.log)


def test_the_configuration_file_of_the_project_runs() -> None:
    with Daemon("--config", str(ROOT / "config.toml"), "--listen", "127.0.0.1:0") as daemon:
        assert daemon.urls


def test_the_admin_pages(tmp_path: Path) -> None:
    with Daemon(
        config="[admin]\nlisten = ['127.0.0.1:0']\n[speech]\nchunk = 'word'\npace_s = 0.2\n", folder=tmp_path
    ) as daemon:
        admin = daemon.wait_for(r"admin pages on (http://[\d.:]+)")[1]
        assert urlopen(f"{admin}/healthz").read() == b"ok\n"
        assert urlopen(f"{admin}/readyz").read() == b"ready\n"
        with connect(f"{daemon.url}/llm") as client:
            client.send('{"messages":[]}')
            client.recv(timeout=10)
            metrics = urlopen(f"{admin}/metrics").read().decode()
            assert 'elizad_turns_total{platform="hume"} 1.0' in metrics
            assert "elizad_calls_live 1.0" in metrics
            for path, code in (("/llm", 404), ("/", 404)):
                with pytest.raises(HTTPError) as refused:
                    urlopen(f"{admin}{path}")
                assert refused.value.code == code
                refused.value.close()
            # Not at the address for calls.
            with pytest.raises(HTTPError) as refused:
                urlopen(f"{daemon.url.replace('ws', 'http')}/metrics")
            assert refused.value.code == 404
            refused.value.close()
            # While calls come to an end, a monitor is told that no more are taken.
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait_for("stopping")
            with pytest.raises(HTTPError) as refused:
                urlopen(f"{admin}/readyz")
            assert refused.value.code == 503
            refused.value.close()
        assert daemon.finish() == 0  # a second signal could meet it at its very end
