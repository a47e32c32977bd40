"""`elizad call --as retell` and the real daemon: Retell's flow under --check, recordings that replay to the letter."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, elizad

SLOW = '[speech]\nchunk = "sentence"\npace_s = 0.3\n'


@pytest.fixture(scope="module", params=["at once", "paced"])
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    config = SLOW if request.param == "paced" else ""
    with Daemon(config=config, folder=tmp_path_factory.mktemp("retell")) as running:
        yield running


def retell(daemon: Daemon, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return elizad("call", f"{daemon.url}/llm-websocket", "--as", "retell", *arguments, stdin=stdin)


def test_the_daemon_is_clean_with_a_reconnect_and_a_goodbye(daemon: Daemon) -> None:
    result = retell(daemon, "--check")
    assert (result.returncode, result.stderr) == (0, b"")
    last = result.stdout.decode().splitlines()[-1]
    assert re.fullmatch(r"clean: no rule was broken \(\d+ turns, [12] barge-ins?, 2 connections\)", last), last


def test_a_call_replays_to_the_letter(daemon: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    script = b"hello\nmy mother hates me\n! no, listen\n...\n(unintelligible audio)\n~ 2.1\nI am tired\ngoodbye\n"
    assert retell(daemon, "--record", str(path), stdin=script).returncode == 0
    frames = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][1:]
    assert sum('"ping_pong"' in entry.get("frame", "") for entry in frames) >= 4
    result = retell(daemon, "--replay", str(path))
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == "8 answers: 8 the same to the letter\n"
