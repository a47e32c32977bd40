"""Sessions of the real daemon: kept over a restart, looked at and removed beside it, and a disk that is of no use."""

from __future__ import annotations

import io
import json
import stat
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from urllib.request import urlopen

import pytest
import trio

from elizad.cli import main
from elizad.service.kept import unpack
from elizad.store.api import Key, SessionRecord
from elizad.store.opening import open_store
from tests.support.daemon import Daemon, elizad
from tests.support.returning import SCRIPT, called


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "test.eliza").write_text(SCRIPT)
    return f'[eliza]\nscript = "{tmp_path}/test.eliza"\nmode = "1966"\n'


def sessions(tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `elizad sessions` beside the daemon, on the same file: in this process, which costs no start each time."""
    path = tmp_path / "cli.toml"
    path.write_text(f'[sessions]\npath = "{tmp_path}/sessions.sqlite3"\n')
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["sessions", "--config", str(path), *arguments])
    return code, out.getvalue(), err.getvalue()


def wait_until_kept(tmp_path: Path, id: str, turns: int) -> None:
    path = str(tmp_path / "sessions.sqlite3")

    async def load() -> SessionRecord | None:
        async with open_store("sqlite", path=path, keep_s=1e9, max_sessions=1000) as store:
            return await store.load(Key("hume", id))

    for _ in range(100):
        record = trio.run(load)
        if record is not None and unpack(record).turns >= turns:
            return
        time.sleep(0.05)
    raise AssertionError(f"{id} is not kept")


def test_a_session_outlasts_the_daemon(tmp_path: Path, config: str) -> None:
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        with called(daemon, "ann") as call:
            assert call.say("my sister") == "TELL ME OF YOUR SISTER"
        assert daemon.end() == 0, "a stop at once loses nothing"
    file = tmp_path / "sessions.sqlite3"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        with called(daemon, "ann") as call:
            assert call.say("my boat") == "YOUR BOAT AGAIN"
            assert call.say("well") == "BEFORE THIS YOUR SISTER"
        with called(daemon, "ben") as call:
            assert call.say("my boat") == "TELL ME OF YOUR BOAT"


def test_the_greeting_of_the_doctor_knows_who_calls(tmp_path: Path) -> None:
    with Daemon(state=tmp_path) as daemon:
        with called(daemon, "ann") as call:
            opening = call.greeting()
            call.say("my mother hates me")
        with called(daemon, "ann") as call:
            assert "Last time you spoke of your mother." in call.greeting()
        with called(daemon, "ben") as call:
            assert call.greeting() == opening


def test_list_show_export_and_forget(tmp_path: Path) -> None:
    assert sessions(tmp_path, "list") == (0, "", "")
    config = "[sessions]\nkeep_transcript = true\n"
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        for id in ("ann", "ben"):
            with called(daemon, id) as call:
                call.say("my mother hates me")
                call.say("nobody listens")
        wait_until_kept(tmp_path, "ben", 2)

        code, out, _ = sessions(tmp_path, "list")
        assert code == 0
        rows = [line.split("\t") for line in out.splitlines()]
        assert [(row[0], row[1], *row[3:]) for row in rows] == [
            ("hume", "ben", "1", "2", "your mother"),
            ("hume", "ann", "1", "2", "your mother"),
        ]
        found = [json.loads(line) for line in sessions(tmp_path, "list", "--json")[1].splitlines()]
        assert [one["id"] for one in found] == ["ben", "ann"]
        code, out, err = sessions(tmp_path, "list", "--limit", "1")
        assert (len(out.splitlines()), code) == (1, 0)
        assert "more than 1" in err

        code, out, _ = sessions(tmp_path, "show", "ann")
        assert code == 0
        for expected in ("hume ann", "your mother", "my mother hates me", "just now"):
            assert expected in out

        exported = json.loads(sessions(tmp_path, "export", "ann")[1])
        assert exported["calls"] == 1
        lines = exported["transcripts"][0]["lines"]
        assert [line["text"] for line in lines if line["who"] == "user"] == ["my mother hates me", "nobody listens"]
        assert [line["who"] for line in lines] == ["user", "assistant", "user", "assistant"]
        assert exported["remembered"]

        assert sessions(tmp_path, "forget", "ann")[:2] == (0, "1 session removed\n")
        files = b"".join(path.read_bytes() for path in tmp_path.glob("sessions.sqlite3*"))
        assert b"ann" not in files
        code, out, err = sessions(tmp_path, "show", "ann")
        assert (code, out) == (1, "")
        assert "there is no session ann in" in err
        assert sessions(tmp_path, "forget", "ann")[0] == 1
        assert sessions(tmp_path, "forget", "--older-than", "1h")[:2] == (0, "0 sessions removed\n")
        assert sessions(tmp_path, "forget", "--older-than", "0m")[:2] == (0, "1 session removed\n")
        files = b"".join(path.read_bytes() for path in tmp_path.glob("sessions.sqlite3*"))
        assert b"mother" not in files


@pytest.mark.parametrize("durability", ["turn", "relaxed"])
def test_a_call_that_goes_on_does_not_bring_back_what_was_forgotten(
    tmp_path: Path, config: str, durability: str
) -> None:
    config += f'[sessions]\ndurability = "{durability}"\n'
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        with called(daemon, "ann") as call:
            call.say("my sister")
            wait_until_kept(tmp_path, "ann", 1)
            call.say("my boat")
            assert sessions(tmp_path, "forget", "ann")[0] == 0
            for text in ("my dog", "my hat", "my cat", "my cap"):
                call.say(text)
                time.sleep(0.5)
        assert daemon.end() == 0
        assert any("session forgotten" in line for line in daemon.log), daemon.log
    assert sessions(tmp_path, "show", "ann")[0] == 1


@pytest.mark.parametrize(
    "arguments", [["forget"], ["forget", "x", "--older-than", "1d"], ["forget", "--older-than", "1"]]
)
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    code, _, err = sessions(tmp_path, *arguments)
    assert code == 2
    assert "elizad sessions forget: " in err


@pytest.mark.parametrize("store", ["memory", "off"])
def test_where_there_is_nothing_to_look_at(tmp_path: Path, store: str) -> None:
    (tmp_path / "config.toml").write_text(f'[sessions]\nstore = "{store}"\n')
    done = elizad("sessions", "--config", str(tmp_path / "config.toml"), "list")
    assert done.returncode == 1
    assert f'sessions.store is "{store}"' in done.stderr.decode()


def test_a_file_that_cannot_be_read_is_told_and_calls_go_on(tmp_path: Path, config: str) -> None:
    (tmp_path / "sessions.sqlite3").write_text("once upon a time " * 1000)
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        with called(daemon, "ann") as call:
            assert call.say("my sister") == "TELL ME OF YOUR SISTER"
            assert call.say("my boat") == "YOUR BOAT AGAIN"
        assert daemon.end() == 0
    told = [line for line in daemon.log if "file is not a database" in line]
    assert len(told) <= 2, "once for reading, once for keeping"
    assert any("sessions are not kept" in line for line in told)
    code, _, err = sessions(tmp_path, "list")
    assert code == 1
    assert "sessions.sqlite3: file is not a database" in err


def test_metrics_and_status_tell_of_sessions(tmp_path: Path, config: str) -> None:
    config += '[admin]\nlisten = ["127.0.0.1:0"]\n'
    with Daemon(config=config, state=tmp_path, folder=tmp_path) as daemon:
        admin = daemon.wait_for(r"admin pages on ([^\s\"]+)")[1]
        with called(daemon, "ann") as call:
            call.say("my sister")
        wait_until_kept(tmp_path, "ann", 1)
        with urlopen(f"{admin}/metrics", timeout=10) as page:
            text = page.read().decode()
        assert "elizad_session_loads_total 1.0" in text
        assert "elizad_session_saves_total 1.0" in text
        assert 'elizad_session_failures_total{what="save"} 0.0' in text
        with urlopen(f"{admin}/status", timeout=10) as page:
            assert json.load(page)["store"] == {"kind": "sqlite", "state": "ok", "waiting": 0}


def test_redis_that_is_not_installed_or_no_address_is_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[sessions]\nstore = "redis"\n')
    done = elizad("--config", str(tmp_path / "config.toml"), "--check")
    assert done.returncode == 78
    assert "sessions.url" in done.stderr.decode()
    (tmp_path / "config.toml").write_text('[sessions]\nstore = "redis"\nurl = "http://secret@here"\n')
    done = elizad("--config", str(tmp_path / "config.toml"), "--check")
    assert done.returncode == 78
    assert "sessions." in done.stderr.decode()
    assert "secret" not in done.stderr.decode()
