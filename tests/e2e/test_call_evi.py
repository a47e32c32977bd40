"""`elizad call --as evi` and the real daemon: typed and spoken chats, sound in a file, and a server that is wrong."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, elizad

CONFIG = """
[evi]
sound = "silence"

[evi.configs.front]
script = "frontdesk"
greeting = "Welcome, {name}."

[evi.configs.nobody]
custom_language_model = "ws://127.0.0.1:1/llm"
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(config=CONFIG, folder=tmp_path_factory.mktemp("evi")) as running:
        yield running


def evi(daemon: Daemon, *arguments: str, query: str = "", stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return elizad("call", f"{daemon.url}/v0/evi/chat{query}", "--as", "evi", *arguments, stdin=stdin)


def test_the_daemon_is_clean(daemon: Daemon) -> None:
    result = evi(daemon, "--check")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode().splitlines()[-1].startswith("clean: no rule was broken (6 turns")


def test_lines_from_a_pipe(daemon: Daemon) -> None:
    result = evi(daemon, stdin=b"I can't sleep.\n! wait, my mother hates me\n")
    lines = result.stdout.decode().splitlines()
    assert result.returncode == 0
    assert [line[:2] for line in lines] == ["> ", "< ", "> ", "< "]
    assert "mother" in lines[3]
    assert b"chat " in result.stderr
    assert b"EVI stops: the caller speaks" in result.stderr


def test_a_configuration_greets_with_variables_from_the_address(daemon: Daemon) -> None:
    query = "?config_id=front&session_settings[variables][name]=Ada"
    result = evi(daemon, query=query, stdin=b"~ 1\nGoodbye\n")
    assert result.returncode == 0
    assert result.stdout.decode().splitlines()[0].startswith("< Welcome, Ada.")


def test_the_sound_of_the_replies_is_kept(daemon: Daemon, tmp_path: Path) -> None:
    result = evi(daemon, "--say", "I can't sleep.", "--save-audio", str(tmp_path / "reply.wav"))
    assert result.returncode == 0
    with wave.open(str(tmp_path / "reply.wav"), "rb") as file:
        assert file.getframerate() == 48_000
        assert file.getnframes() > 48_000  # nobody says so much in a second


def test_a_configuration_that_is_not_there_is_told(daemon: Daemon) -> None:
    result = evi(daemon, "--say", "Hello", query="?config_id=nope")
    assert b"config_not_found" in result.stderr
    assert b"< " not in result.stdout


def test_a_language_model_that_is_not_there_is_told_and_the_chat_goes_on(daemon: Daemon) -> None:
    result = evi(daemon, "--say", "Hello", "--say", "Are you there?", query="?config_id=nobody")
    assert result.returncode == 0
    assert result.stderr.count(b"custom_language_model_timed_out") == 2
    assert result.stdout.count(b"< ") == 2


def test_a_hume_server_is_no_evi(daemon: Daemon) -> None:
    result = elizad("call", f"{daemon.url}/llm", "--as", "evi", "--patience", "1", "--say", "Hello")
    assert result.returncode == 1
