"""`elizad bench` from end to end, a few turns of each: figures for a table, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon import ROOT, Daemon, environment

SHORT = (
    "--rounds",
    "1",
    "--rows",
    "idle,cpu,latency",
    "--seconds",
    "0.2",
    "--idle",
    "200",  # fewer fit into memory that was freed before them, and cost nothing
    "--calls",
    "10",
    "--histories",
    "0,20",
)
CONFIG = "[limits]\nhandshakes_per_s = 10000\nmessages_per_s = 10000\n"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "elizad", "bench", *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        timeout=60,
        check=False,
    )


def test_elizad_beside_a_peer_that_runs_already() -> None:
    with Daemon(config=CONFIG) as peer:
        port = peer.url.rpartition(":")[2]
        url = ("--peer-url", f"ws://127.0.0.1:{port}/llm")
        ended = bench(*SHORT, *url, "--peer-pid", str(peer.process.pid), "--json")
        assert peer.process.poll() is None, "what it has not started it does not end"
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    rows = {row["key"]: row for row in found["rows"]}
    both = ("idle", "idle-call", "idle-all", "cpu-0", "cpu-20", "rate-0", "rate-20", "load-20", "p50", "p99")
    for key in both:
        [ours], [theirs] = rows[key]["elizad"], rows[key]["peer"]
        assert rows[key]["ratio"]["median"] == pytest.approx(ours / theirs)
    assert 5e-5 < rows["cpu-0"]["elizad"][0] < 0.05, "seconds of a turn"
    assert 1e4 < rows["idle-call"]["elizad"][0] < 1e6, "bytes of a call"
    assert rows["p99"]["elizad"][0] >= rows["p50"]["elizad"][0]


def test_elizad_beside_a_peer_by_command(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG + '[admin]\nlisten = []\n[sessions]\nstore = "memory"\n')
    command = [sys.executable, "-m", "elizad", "--config", str(config), "--listen", "127.0.0.1:{port}"]
    ended = bench("--rounds", "1", "--rows", "start", "--peer-command", shlex.join(command))
    assert ended.returncode == 0, ended.stderr
    assert "elizad / peer" in ended.stdout
    assert "start of the process to first answered turn" in ended.stdout
    assert "round 1 of 1" in ended.stderr, "progress, without a terminal"


def test_a_peer_that_does_not_start_is_told_with_its_last_words() -> None:
    words = "print('no such module'); raise SystemExit(3)"
    ended = bench("--rounds", "1", "--rows", "start", "--peer-command", f"{sys.executable} -c {shlex.quote(words)}")
    assert ended.returncode == 1
    assert "peer ended with 3" in ended.stderr
    assert "no such module" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_peer_that_speaks_something_else_is_told() -> None:
    ended = bench("--rounds", "1", "--rows", "cpu", "--peer-command", f"{sys.executable} -m http.server {{port}}")
    assert ended.returncode == 1
    assert "the server refused a call" in ended.stderr


def test_workers_share_calls_and_lose_none() -> None:
    ended = bench("--workers", "2", "--seconds", "0.2", "--json")
    assert ended.returncode == 0, ended.stderr
    workers = json.loads(ended.stdout)["workers"]
    assert [(one["way"], one["number"]) for one in workers] == [
        *(("reuse_port", number) for number in (1, 2)),
        *(("one socket", number) for number in (1, 2)),
    ]
    for one in workers:
        assert len(one["calls"]) == one["number"]
        assert sum(one["calls"]) == 60 * one["number"], "every call is somebody's"
        assert min(one["calls"]) > 0, "and everybody has some"
        if one["number"] == 2:
            assert one["cut"] == one["calls"][0], "the killed one's, and no other"
            assert one["went_on"] == one["calls"][1]


def test_what_was_started_ends_with_it(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "elizad", "bench", "--rounds", "9", "--rows", "start"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(tmp_path)),
        cwd=ROOT,
    )
    assert running.stderr is not None
    while "round 2 of 9" not in running.stderr.readline():
        assert running.poll() is None
    running.terminate()
    shown, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "first answered turn" in shown, "what it knows by then"
    assert "ended early" in shown
    assert not processes_of(tmp_path)
    assert list(tmp_path.iterdir()) == []


def processes_of(folder: Path) -> list[str]:
    """The command lines in which a folder is named."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(entry.read_text().replace("\0", " "))
    return [line for line in lines if str(folder) in line]
