"""`elizad call` as a user runs it: by script, through a pipe, at a terminal, under load, recorded and replayed."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import backends as b
from tests.support.daemon import ROOT, Daemon, elizad, environment

SLOW = '[speech]\nchunk = "word"\npace_s = 0.1\n'


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon() as running:
        yield running


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that leaves time between two words, so that it can be interrupted."""
    with Daemon(config=SLOW, folder=tmp_path_factory.mktemp("slow")) as running:
        yield running


@pytest.fixture(scope="module")
def retell() -> Iterator[b.Backends]:
    opening = (b.config(auto_reconnect=True, call_details=True), b.GREETING)
    wordy = ("no", "two ends")
    backends = {
        "good": b.retell(opening=opening),
        "other": b.retell(_says("Something else."), opening=opening),
        "wrong": b.retell_frames(lambda number: [b.response(number, word, "true") for word in wordy]),
        "hume": b.hume(),
        "gone": b.hume(_closes),
    }
    with b.Backends(backends) as server:
        yield server


def _says(words: str) -> Callable[..., Any]:
    async def reply(ws: Any, number: int, said: str) -> None:
        await ws.send(b.response(number, words, True))

    return reply


async def _closes(ws: Any, payload: dict[str, Any]) -> None:
    await ws.close(1011, "too bad")


def hume(daemon: Daemon, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return elizad("call", f"{daemon.url}/llm", "--as", "hume", *arguments, stdin=stdin)


def said(result: subprocess.CompletedProcess[bytes]) -> list[str]:
    return result.stdout.decode().splitlines()


# -- by script and by pipe -------------------------------------------------------------------------------------------


def test_what_is_said_is_answered_with_its_timing(daemon: Daemon) -> None:
    result = hume(daemon, "--say", "hello", "--say", "I can't sleep.", "--prosody", "sadness=0.8", "--session", "s-7")
    assert result.returncode == 0
    lines = said(result)
    assert [line[:2] for line in lines] == ["> ", "< ", "> ", "< "]
    assert lines[0::2] == ["> hello", "> I can't sleep."]
    assert all(len(line) > 5 for line in lines)
    timing = result.stderr.decode()
    assert re.search(r"turn 1: first words [\d.]+ .?s, end [\d.]+ .?s, \d chunks?\n", timing)
    assert re.search(r"turn 2: ", timing)
    assert "hung up: 1000" in timing
    daemon.wait_for("session=s-7")


def test_a_pipe_says_the_same_as_a_script_and_the_same_every_time(daemon: Daemon, tmp_path: Path) -> None:
    script = "hello\n# not said\nmy mother hates me\n~ 0.1\nyes\n"
    path = tmp_path / "script.txt"
    path.write_text(script, encoding="utf-8")
    by_script = hume(daemon, "--script", str(path))
    by_pipe = hume(daemon, stdin=script.encode())
    assert by_script.returncode == by_pipe.returncode == 0
    assert by_script.stdout == by_pipe.stdout
    assert len(said(by_pipe)) == 6


def test_a_pipe_is_answered_line_by_line(daemon: Daemon) -> None:
    """Somebody at the other end of two pipes can hold a conversation."""
    process = subprocess.Popen(
        [sys.executable, "-m", "elizad", "call", f"{daemon.url}/llm", "--as", "hume"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(PYTHONUNBUFFERED="1"),
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for words in (b"hello", b"yes"):
            process.stdin.write(words + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"> " + words + b"\n"
            assert process.stdout.readline().startswith(b"< ")
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_barge_in_cuts_the_reply_and_gets_its_own(slow: Daemon) -> None:
    result = hume(slow, stdin=b"hello\n! no, wait\n")
    assert result.returncode == 0
    lines = said(result)
    assert [line[:2] for line in lines] == ["> ", "< ", "> ", "< "]
    assert lines[1].endswith(" —")
    assert not lines[3].endswith(" —")


def test_a_unix_socket_and_a_secret(tmp_path: Path) -> None:
    settings = '[hume]\ntokens = ["open-sesame"]\n'
    with Daemon("--listen", f"unix:{tmp_path}/e.sock", config=settings, folder=tmp_path):
        url = f"ws+unix:{tmp_path}/e.sock:/llm"
        refused = elizad("call", url, "--as", "hume", "--say", "hello")
        assert refused.returncode == 1
        assert re.search(rb"elizad: the server answered 40[13] ", refused.stderr)
        for arguments in ([f"{url}?token=open-sesame"], [url, "--header", "Authorization: Bearer open-sesame"]):
            assert elizad("call", *arguments, "--as", "hume", "--say", "hello").returncode == 0


def test_nobody_answers(daemon: Daemon) -> None:
    result = elizad("call", "ws://127.0.0.1:1/llm", "--as", "hume", "--say", "hello")
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr == b"elizad: 127.0.0.1:1: Connection refused\n"
    result = elizad("call", f"{daemon.url}/nothing", "--as", "hume", "--check")
    assert result.returncode == 1
    assert b"violation: no WebSocket  [handshake]" in result.stdout
    assert b"404 Not Found" in result.stdout
    result = elizad("call", "ws://no.such.host.invalid/llm", "--as", "hume", "--say", "hello")
    assert b"there is no such host" in result.stderr


def test_a_server_that_hangs_up_is_exit_1(retell: b.Backends) -> None:
    result = elizad("call", retell.url("gone"), "--as", "hume", "--say", "hello", "--say", "are you there?")
    assert result.returncode == 1
    assert b"the server closed with 1011 (too bad)" in result.stderr
    assert said(result) == ["> hello"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate is made with openssl")
def test_a_certificate_is_looked_at_unless_told_not_to(tmp_path: Path) -> None:
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    make += ["-subj", "/CN=localhost", "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(make, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with b.Backends({"hume": b.hume()}, tls) as server:
        strict = elizad("call", server.url("hume"), "--as", "hume", "--say", "hello")
        assert strict.returncode == 1
        assert b"its certificate is not trusted: self-signed certificate (--insecure" in strict.stderr
        lax = elizad("call", server.url("hume"), "--as", "hume", "--say", "hello", "--insecure")
        assert (lax.returncode, said(lax)) == (0, ["> hello", "< " + "".join(b.HUME_REPLY)])


# -- Retell ----------------------------------------------------------------------------------------------------------


def test_retell_is_spoken_to_first_and_told_who_calls(retell: b.Backends) -> None:
    result = elizad("call", f"{retell.url('good')}/?t=x", "--as", "retell", "--session", "call_1", stdin=b"yes\n...\n")
    assert result.returncode == 0
    reply = "< I hear you. Tell me more about that. Take your time."
    assert said(result) == ["< Hello, what is troubling you?", "> yes", reply, reply]
    assert retell.paths[-1] == "/good/call_1?t=x"
    assert b"config: auto_reconnect, call_details" in result.stderr


def test_a_goodbye_ends_the_call_and_the_rest_is_not_said(retell: b.Backends) -> None:
    result = elizad("call", retell.url("good"), "--as", "retell", "--say", "goodbye", "--say", "wait", "--say", "no")
    assert result.returncode == 0
    assert said(result)[-2:] == ["> goodbye", "< Take care."]
    assert b"the agent ended the call" in result.stderr
    assert b"2 of the caller's lines were not said" in result.stderr


# -- check -----------------------------------------------------------------------------------------------------------


def test_the_daemon_is_clean(daemon: Daemon) -> None:
    result = hume(daemon, "--check")
    assert (result.returncode, result.stderr) == (0, b"")
    # On a busy machine every reply has ended before it can be interrupted, and one more line says so.
    assert "clean: no rule was broken (7 turns, " in result.stdout.decode(), said(result)


def test_the_daemon_is_clean_when_it_is_interrupted(slow: Daemon) -> None:
    result = hume(slow, "--check")
    assert (result.returncode, result.stderr) == (0, b"")
    assert "violation" not in result.stdout.decode()
    assert re.search(r"clean: no rule was broken \(7 turns, [12] barge-ins?\)", result.stdout.decode())


def test_a_violation_is_told_in_words_with_the_frame_and_the_rule(retell: b.Backends) -> None:
    result = elizad("call", retell.url("wrong"), "--as", "retell", "--check", "--patience", "0.5", "--say", "yes")
    assert result.returncode == 1
    assert said(result)[:4] == [
        "violation: wrong type  [wrong-type]",
        '  turn 1  "content_complete" of response is a string instead of true or false (2 times)',
        '  frame   {"response_type": "response", "response_id": 1, "content": "no", "content_complete": "true"}',
        "  rule    every field has the documented JSON type, exactly"
        " (Hume's guide to custom language models; Retell's reference of the LLM WebSocket)",
    ]
    assert "violation: no end in time  [no-end]" in said(result)
    assert "2 violations (2 turns, 0 barge-ins)" in said(result)


# -- load ------------------------------------------------------------------------------------------------------------


def test_load_in_numbers_for_machines(daemon: Daemon) -> None:
    result = hume(daemon, "--calls", "8", "--turns", "5", "--json")
    assert (result.returncode, result.stderr) == (0, b"")
    (line,) = said(result)
    report = json.loads(line)
    assert (report["answered"], report["errors"], report["calls"]) == (40, {}, 8)
    assert report["turns_per_s"] > 1
    for name in ("first_s", "whole_s"):
        numbers = report[name]
        assert numbers["count"] == 40
        assert 0 < numbers["p50"] <= numbers["p90"] <= numbers["p99"] <= numbers["max"] < 10
    assert report["opening_s"]["count"] == 8
    assert 0 < report["caller"]["cpu"] <= 1.5


def test_load_keeps_to_its_rate_and_draws(daemon: Daemon) -> None:
    began = time.monotonic()
    result = hume(daemon, "--calls", "10", "--turns", "3", "--rate", "15", "--ramp", "0.2")
    assert result.returncode == 0
    assert time.monotonic() - began > 30 / 15 - 0.2
    text = result.stdout.decode()
    rate = re.search(r"30 of 30 turns answered in .*: ([\d.]+) turns per second; at most 10 calls at once", text)
    assert rate is not None, text
    assert 12 < float(rate[1]) < 18
    assert re.search(r"first words +[\d.]+ .?s +[\d.]+ .?s", text)
    assert re.search(r"… .* █+ \d+\n", text)
    assert "no errors" in text


def test_load_counts_errors_by_kind(retell: b.Backends) -> None:
    result = elizad("call", "ws://127.0.0.1:1/", "--as", "hume", "--calls", "3", "--turns", "1", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["errors"] == {"dial: refused": 3}
    result = elizad("call", retell.url("gone"), "--as", "hume", "--calls", "2", "--turns", "2", "--json")
    assert json.loads(result.stdout)["errors"] == {"hang-up": 2}
    result = elizad("call", retell.url("good"), "--as", "retell", "--calls", "4", "--turns", "2", "--json")
    assert json.loads(result.stdout)["answered"] == 8
    assert len({path for path in retell.paths if "/load-" in path}) == 4


# -- recordings ------------------------------------------------------------------------------------------------------


def test_a_recording_of_the_daemon_replays_to_the_letter(daemon: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    words = ["hello", "my mother hates me", "I dreamed of my brother", "yes", "yes", "yes"]
    recorded = hume(daemon, "--record", str(path), "--session", "s-1", *(a for w in words for a in ("--say", w)))
    assert recorded.returncode == 0
    head, *entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert head == {"elizad_call": 1, "as": "hume", "name": "s-1"}
    assert [e["dir"] for e in entries].count("out") == 6 + 1
    assert [e["at"] for e in entries] == sorted(e["at"] for e in entries)
    with Daemon() as another:
        result = hume(another, "--replay", str(path))
    assert (result.returncode, result.stderr) == (0, b"")
    assert said(result) == ["6 answers: 6 the same to the letter"]


def test_a_recording_with_barge_ins_replays_too(slow: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    script = b"hello\n! my mother hates me\nI am ill\n!0.05 I am tired\n"
    assert hume(slow, "--record", str(path), stdin=script).returncode == 0
    result = hume(slow, "--replay", str(path))
    assert said(result) == ["4 answers: 4 the same to the letter"]
    assert result.returncode == 0


def test_another_script_is_found_out_by_a_replay(daemon: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    assert hume(daemon, "--record", str(path), "--say", "my mother hates me", "--say", "hm").returncode == 0
    with Daemon(config='[eliza]\nmode = "1966"\n', folder=tmp_path) as other:
        result = hume(other, "--replay", str(path))
    assert result.returncode == 1
    lines = said(result)
    assert lines[0] == "answer 1 differs"
    assert lines[1].startswith("  then    ")
    assert lines[2].startswith("  now     ")
    assert lines[-1] == "2 answers: 0 the same to the letter, 2 different"


def test_retell_is_replayed_under_a_new_call_id(retell: b.Backends, tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    url = retell.url("good")
    script = b"yes\n! no, wait\n~ 2.2\nI am tired\n"
    assert elizad("call", url, "--as", "retell", "--record", str(path), stdin=script).returncode == 0
    result = elizad("call", url, "--as", "retell", "--replay", str(path))
    assert said(result) == ["4 answers: 4 the same to the letter"]
    assert retell.paths[-1] != retell.paths[-2]
    result = elizad("call", retell.url("other"), "--as", "retell", "--replay", str(path))
    assert result.returncode == 1
    assert "answer 3 differs" in said(result)
