"""`elizad talk` through a pipe: the opening line, then exactly one line for each line of input."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from elizad.eliza import Eliza
from elizad.errors import ScriptError
from tests.support.calls import SCRIPT
from tests.support.conformance import conversations, needs_conformance, subtle_points
from tests.support.daemon import ROOT, elizad, environment


def piped(folder: Path, name: str, script: str, prompts: list[str], *options: str) -> tuple[int, list[str], str]:
    """Return the exit code, the lines on standard output and all of standard error."""
    path = folder / f"{name}.eliza"
    path.write_bytes(script.encode())
    stdin = "".join(prompt + "\n" for prompt in prompts).encode()
    result = elizad("talk", "--mode", "1966", "--script", str(path), *options, stdin=stdin)
    return result.returncode, result.stdout.decode().split("\n"), result.stderr.decode()


@needs_conformance
def test_the_published_conversations_through_the_pipe(tmp_path: Path) -> None:
    def check(case: tuple[str, str, list[tuple[str, str]]]) -> int:
        name, script, turns = case
        code, lines, errors = piped(tmp_path, name, script, [prompt for prompt, _ in turns])
        assert (code, errors) == (0, "")
        assert lines == [Eliza(script).opening, *(reply for _, reply in turns), ""]
        return len(turns)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(check, conversations())) == 271


@needs_conformance
def test_the_subtle_points_through_the_pipe(tmp_path: Path) -> None:
    def check(point: dict) -> bool:  # type: ignore[type-arg]
        prompts = [turn["user"] for turn in point["turns"]]
        code, lines, errors = piped(tmp_path, point["id"], point["script"], prompts)
        if "error" in point:
            assert code == 78
            assert point["error"] in errors
        else:
            assert (code, errors) == (0, "")
            assert lines[1:] == [*(turn["eliza"] for turn in point["turns"]), ""]
        return True

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(check, subtle_points()))) == 99


def test_an_empty_reply_is_an_empty_line_and_line_ends_are_not_heard(tmp_path: Path) -> None:
    script = "(HI)(NONE ((0)()))(MEMORY A (Q=A)(Q=A)(Q=A)(Q=A))(A ((0)(1)))"
    path = tmp_path / "empty.eliza"
    path.write_text(script, encoding="utf-8")
    result = elizad("talk", "--mode", "1966", "--script", str(path), stdin=b"x\na b\r\n\nlast a")
    assert result.stdout == b"HI\n\nA B\n\nLAST A\n"


def test_bytes_that_are_no_text_cost_a_line_and_not_the_conversation(tmp_path: Path) -> None:
    path = tmp_path / "own.eliza"
    path.write_text(SCRIPT, encoding="utf-8")
    result = elizad("talk", "--mode", "1966", "--script", str(path), stdin=b"yes\n\xff\xfe\nyes\n")
    assert result.stdout == b"GOOD DAY, I LISTEN\nGO ON\n\nI HEAR YOU\n"
    assert b"input line 2 is not UTF-8" in result.stderr


def test_an_endless_script_is_a_clear_error_and_the_talk_goes_on(tmp_path: Path) -> None:
    code, lines, errors = piped(tmp_path, "loop", SCRIPT, ["loop", "yes"])
    assert code == 0
    assert lines == ["GOOD DAY, I LISTEN", "", "GO ON", ""]
    assert "round in a circle" in errors


def test_trace_explains_on_standard_error_and_leaves_the_replies_alone(tmp_path: Path) -> None:
    code, lines, errors = piped(tmp_path, "trace", SCRIPT, ["well, my dog and I", "yes", "yes"], "--trace")
    assert code == 0
    assert lines[1:] == ["TELL ME OF YOUR DOG AND YOU", "GO ON", "BEFORE THIS YOU SPOKE OF YOUR DOG AND YOU", ""]
    for explained in (
        "clause: YOUR DOG AND YOU",
        "keywords: MY (rank 2), I (rank 0)",
        "memory: laid with form",
        "rule: MY",
        "decomposition: 1:0=[]  2:YOUR=[YOUR]  3:0=[DOG AND YOU]",
        "reassembly: 1 of 2: (TELL ME OF YOUR 3)",
        "memory: recalled: BEFORE THIS",
        "keywords: none",
    ):
        assert explained in errors


def test_the_default_script_talks_in_prose() -> None:
    result = elizad("talk", stdin=b"My friend Anna lives in Paris and I miss her\n")
    opening, reply, end = result.stdout.decode().split("\n")
    assert end == ""
    for line in (opening, reply):
        assert line[0].isupper()
        assert line[-1] in ".?!"
        assert line != line.upper()


def test_a_script_that_is_not_there_is_exit_78() -> None:
    result = elizad("talk", "--script", "no/such/file")
    assert result.returncode == 78
    assert result.stdout == b""
    assert b"cannot be read" in result.stderr


def test_at_a_terminal_it_is_a_conversation_and_ends_with_ctrl_d() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "elizad", "talk"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(TERM="xterm-256color"),
        cwd=ROOT,
    )
    os.close(theirs)
    screen = b""

    def until(text: bytes, times: int = 1) -> None:
        nonlocal screen
        deadline = time.monotonic() + 20
        while screen.count(text) < times:
            assert time.monotonic() < deadline, screen
            if select.select([ours], [], [], 0.2)[0]:
                screen += os.read(ours, 65536)

    until(b"  you")
    assert screen.count(b"eliza") == 1
    os.write(ours, b"hello\n")
    until(b"  you", times=2)
    assert screen.count(b"eliza") == 2
    os.write(ours, b"\x04")
    until(b"Nothing of it was kept")
    assert process.wait(timeout=10) == 0
    os.close(ours)


def test_a_script_error_names_its_line(tmp_path: Path) -> None:
    try:
        Eliza("(HI)\n(NONE")
    except ScriptError as error:
        assert error.line == 2
    code, _, errors = piped(tmp_path, "bad", "(HI)\n(NONE", [])
    assert code == 78
    assert "Script error on line 2: malformed rule" in errors
