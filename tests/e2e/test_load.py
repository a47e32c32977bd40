"""The load commands at a small size: they run, they keep their promises, and they say so when one is broken."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.load.figures import Report, spread
from tests.support.daemon import ROOT, environment

SIEGE = ["tests.load.siege", "--calls=60", "--hostile=24", "--turns=2", "--period=1", "--ramp=0.5"]
SOAK = ["tests.load.soak", "--connections=400"]


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=90,
        check=False,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_siege() -> None:
    code, out = run(*SIEGE)
    assert code == 0, out
    assert "36 honest, 24 hostile" in out
    assert "72 of 72" in out
    assert out.count("kept ") == 5


def test_soak() -> None:
    code, out = run(*SOAK)
    # So few connections say nothing about level memory.
    broken = [line for line in out.splitlines() if line.startswith("BROKEN") and "memory is level" not in line]
    assert not broken, out
    assert code in (0, 1), out
    assert out.count("kept ") >= 4


def test_a_broken_promise_is_told_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("something")
    report.figure("turns", "3 of 4")
    report.promise(True, "it ended")
    assert report.show() == 0
    report.promise(False, "every turn was answered")
    assert report.show() == 1
    assert "BROKEN every turn was answered" in capsys.readouterr().out


def test_percentiles() -> None:
    assert spread([]) == "none"
    assert spread([0.001 * n for n in range(1, 1001)]) == "median 501, p95 951, p99 991, p99.9 1000, worst 1000 ms"
