"""The pure parts of `elizad bench`: frames made ahead, figures, what /proc says, and its arguments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad import cli
from elizad.bench import frames, process, report, servers
from elizad.bench.figures import Book, Row, Spread, ratios, spread
from elizad.bench.main import _target
from elizad.bench.plan import Plan
from elizad.bench.workers import steps
from elizad.protocols.hume_clm import HumeClm
from tests.support.peers import frame, frames_in

SESSION = "0123456789abcdef"


def payload(turn: frames.Turn, session: str = SESSION) -> bytes:
    """What a server reads from the frame of a turn."""
    data = turn.head + turn.tail(session)
    assert data[0] == 0x81
    assert data[1] & 0x80, "a client masks"
    size, start = data[1] & 0x7F, 2
    if size >= 126:
        start = 4 if size == 126 else 10
        size = int.from_bytes(data[2:start], "big")
    key, body = data[start : start + 4], data[start + 4 :]
    assert len(body) == size
    return frames.mask(body, key)


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_is_taken_off_by_putting_it_on_again(data: bytes, key: bytes) -> None:
    masked = frames.mask(data, key)
    assert masked == bytes(byte ^ key[index % 4] for index, byte in enumerate(data))
    assert frames.mask(masked, key) == data


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_as_a_client_writes_it(size: int) -> None:
    data = bytes(size)
    assert frames.header(0x1, size, b"\1\2\3\4") + frames.mask(data, b"\1\2\3\4") == frame(0x1, data)


@pytest.mark.parametrize("history", [0, 1, 20, 100])
def test_turns_are_payloads_that_elizad_reads(history: int) -> None:
    for turn in frames.turns(history, 3):
        text = payload(turn)
        [asked] = HumeClm().receive(text.decode())
        assert asked.session == SESSION  # type: ignore[union-attr]
        assert len(text) + 4 <= frames.size_of(turn) <= len(text) + 14


def test_every_call_has_a_session_of_its_own() -> None:
    turn = frames.turns(20, 1)[0]
    ours, theirs = json.loads(payload(turn)), json.loads(payload(turn, "f" * 16))
    assert ours.pop("custom_session_id") == SESSION
    assert theirs.pop("custom_session_id") == "f" * 16
    assert ours == theirs


@pytest.mark.parametrize("history", [20, 100, 400])
def test_a_call_grows_round_its_history(history: int) -> None:
    threads = [json.loads(payload(turn))["messages"] for turn in frames.turns(history, 9)]
    lengths = [len(thread) - 1 for thread in threads]
    assert sum(lengths[1:]) / 9 == history
    assert {later - sooner for sooner, later in pairwise(lengths)} == {2}
    for sooner, later in pairwise(threads):
        assert later[: len(sooner)] == sooner, "a thread only grows"
    assert all(thread[-1]["message"]["role"] == "user" for thread in threads)


def test_without_a_history_all_payloads_are_first_ones_with_other_words() -> None:
    threads = [json.loads(payload(turn))["messages"] for turn in frames.turns(0, 9)]
    assert {len(thread) for thread in threads} == {1}
    assert len({thread[0]["message"]["content"] for thread in threads}) > 3
    assert len(threads[0][0]["models"]["prosody"]["scores"]) == 48


def test_payloads_have_the_size_of_those_that_hume_sends() -> None:
    assert 1_600 < frames.size_of(frames.turns(0, 9)[-1]) < 2_000
    assert 80_000 < frames.size_of(frames.turns(100, 9)[5]) < 110_000


@given(st.lists(st.binary(max_size=70_000), max_size=3), st.integers(1, 1000))
def test_answers_are_taken_apart_however_they_come(payloads: list[bytes], step: int) -> None:
    data = b"".join(frame(0x1, payload, masked=False) for payload in payloads)
    buffer, found = bytearray(), []
    for start in range(0, len(data), step * 100):
        buffer += data[start : start + step * 100]
        while (one := frames.take(buffer)) is not None:
            found.append(one)
    assert found == frames_in(data)
    assert not buffer


def test_the_median_of_rounds_and_how_far_they_are_apart() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([]) is None
    assert ratios([1.0, 4.0], [2.0, 2.0]) == [0.5, 2.0]
    assert ratios([1.0], [0.0]) == []


def test_a_ratio_is_made_in_each_round() -> None:
    book = Book()
    row = Row("cpu", "CPU", "s")
    for ours, theirs in ((1.0, 2.0), (10.0, 40.0), (3.0, 3.0)):
        book.add(row, "elizad", ours)
        book.add(row, "peer", theirs)
    assert book.of("cpu", "elizad") == Spread(3.0, 1.0, 10.0)
    assert book.ratio("cpu", "elizad", "peer") == Spread(0.5, 0.25, 1.0)
    assert book.ratio("cpu", "elizad", "nobody") is None


def test_the_table_has_ratios_only_beside_a_peer() -> None:
    book = Book()
    book.add(Row("cpu-0", "CPU of a turn", "s"), "elizad", 0.0001)
    book.note("once")
    book.note("once")
    alone, paired = StringIO(), StringIO()
    report.print_table(Plan(rounds=1), book, alone)
    book.add(Row("cpu-0", "CPU of a turn", "s"), "peer", 0.0004)
    report.print_table(Plan(rounds=1), book, paired)
    assert "elizad / peer" not in alone.getvalue()
    assert "0.25" in paired.getvalue()
    assert "100 µs" in paired.getvalue()
    assert alone.getvalue().count("once") == 1
    [row] = json.loads(report.as_json(Plan(), book))["rows"]
    assert row["ratio"]["median"] == 0.25
    assert row["elizad"] == [0.0001]


def test_bytes_are_written_in_figures_that_can_be_read() -> None:
    sizes = (26_400, 1_234_567, 266_000_000, 2_000_000_000)
    assert [report.written(size, "B") for size in sizes] == ["26.4 kB", "1.23 MB", "266 MB", "2,000 MB"]


def test_what_proc_says() -> None:
    assert process.parent("17 (a) b) R 4 17 17 0") == 4
    assert process.field_of("Name:\tx\nRss:    2048 kB\n", "Rss") == 2048
    with pytest.raises(ValueError, match="Pss"):
        process.field_of("Rss: 1 kB", "Pss")
    assert process.descendants(1, {2: 1, 3: 2, 4: 9, 5: 1}) == [1, 2, 5, 3]


def test_wake_ups_of_threads_that_began_count_and_of_those_that_ended_do_not() -> None:
    assert process.woken({1: 10, 2: 500}, {1: 14, 3: 2}) == 6


def test_a_process_is_measured_from_outside() -> None:
    pids = process.family(os.getpid())
    assert pids[0] == os.getpid()
    before = process.cpu_s([os.getpid()])
    sum(range(2_000_000))
    spent = process.cpu_s([os.getpid()]) - before
    times = os.times()
    assert 0 < spent < 60
    assert process.cpu_s([os.getpid()]) == pytest.approx(times.user + times.system, abs=0.1)
    assert process.rss_bytes([os.getpid()]) > 5_000_000
    assert os.getpid() in process.wake_ups([os.getpid()]), "the main thread"
    with pytest.raises(OSError):  # noqa: PT011 - whichever: nobody has this pid
        process.cpu_s([2**22])


@pytest.fixture
def ended_by_sigterm() -> Iterator[None]:
    """As `elizad bench` has it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("ended_by_sigterm")
def test_whoever_is_ended_amid_a_start_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(popen(*args, **options))
        signal.raise_signal(signal.SIGTERM)
        return begun[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", begin)
    with pytest.raises(KeyboardInterrupt), servers.peer("sleep 60", "/", None):
        pytest.fail("it goes on")
    assert begun[0].poll() is not None
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.mark.usefixtures("ended_by_sigterm")
@pytest.mark.parametrize(("module", "name"), [(tempfile, "mkdtemp"), (os, "rmdir")])
def test_whoever_is_ended_while_a_folder_comes_or_goes_leaves_none(
    module: Any, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = getattr(module, name)

    def ended(*args: Any, **options: Any) -> Any:
        if module is os:
            signal.raise_signal(signal.SIGTERM)
        made = usual(*args, **options)
        signal.raise_signal(signal.SIGTERM)
        return made

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, name, ended)
    with pytest.raises(KeyboardInterrupt), servers._folder() as folder:
        assert module is os
        assert list(tmp_path.iterdir()) == [Path(folder)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "words"),
    [("wss://127.0.0.1/llm", "plain"), ("ws+unix:/run/x.sock:/", "plain"), ("ws://192.0.2.1/llm", "--remote")],
)
def test_a_peer_is_on_this_machine_and_plain(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _target(url, remote=False)


def test_a_peer_may_be_elsewhere_when_told() -> None:
    assert _target("ws://192.0.2.1:81/llm?x=1", remote=True).host == "192.0.2.1"
    assert _target("ws://[::1]:81/llm", remote=False).port == 81


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rows", "cpu,speed"], '"speed" is no row'),
        (["--histories", "5,x"], '"x" is no number'),
        (["--rounds", "0"], '"0" is no number from 1 to 100'),
        (["--peer-pid", "1"], "goes with --peer-url"),
        (["--workers", "2", "--peer-url", "ws://localhost/"], "without a peer"),
        (["--peer-url", "ws://192.0.2.1/"], "--remote"),
        (["--peer-url", "ws://localhost/", "--peer-command", "x"], "not allowed with"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", *arguments]) == cli.EXIT_USAGE
    assert words in capsys.readouterr().err


def test_workers_are_doubled_up_to_the_most() -> None:
    assert [steps(most) for most in (1, 2, 3, 4, 6)] == [2, 4, 6, 6, 8]


def test_help_brings_nothing_along() -> None:
    code = "import sys; from elizad import cli; cli.main(['bench', '--help']); print('trio' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)
    assert shown.stdout.endswith("False\n")
