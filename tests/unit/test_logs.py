"""Log lines: their form for each reader, and that nothing a peer chose can forge one."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import socket
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from elizad.ops import logs
from tests.support.records import Ascii, Mute, Terminal, Unwritable, pairs, raised, record, written

ANSI = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = 'a\n<0>level=error event="forged"\r\x1b]0;title\x07\x9b31m\u202e\u2028'


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    """Give back the loggers as they were, whatever a test configured."""
    for name in ("JOURNAL_STREAM", "NO_COLOR", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    root, ours = logging.getLogger(), logging.getLogger("elizad")
    before = (root.level, ours.level, list(root.handlers))
    yield
    root.setLevel(before[0])
    ours.setLevel(before[1])
    root.handlers[:] = before[2]


# Plain


def test_plain_is_one_line_of_logfmt():
    line = written(record(conn="k3f9", proto="hume", turns=3, seconds=1.5, ok=True, session=None), "plain")
    assert line == (
        'time=2026-11-21T01:23:45.678Z level=info event="call opened" '
        "conn=k3f9 proto=hume turns=3 seconds=1.5 ok=true session=null\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("hume", "hume"),
        ("/llm", "/llm"),
        ("[::1]:8765", "[::1]:8765"),
        ("ödipus", "ödipus"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("two\nlines", '"two\\nlines"'),
        ("\x1b[31m", '"\\x1b[31m"'),
        ("\x9b31m", '"\\x9b31m"'),
        ("\u202eabc", '"\\u202eabc"'),
        ("\udcff", '"\\udcff"'),
        ("\U000e0001", '"\\U000e0001"'),
        (("a", 1), "\"('a', 1)\""),
        (Mute(), '"<Mute without a text: RuntimeError>"'),
    ],
)
def test_a_value_is_bare_where_its_end_is_plain_and_else_quoted(value, text):
    assert written(record(x=value), "plain").endswith(f" x={text}\n")


def test_the_words_of_a_line_cannot_be_taken_by_a_field():
    made = record("true")
    made.fields = {"level": "error", "time": 1, "event": 2, "a b\n": 3, "a_b_": 4, "": 5}
    line = written(made, "plain")
    assert line.startswith("time=2026-11-21T01:23:45.678Z level=info event=true ")
    assert line.endswith(" level_=error time_=1 event_=2 a_b_=3 a_b__=4 _=5\n")


def test_an_exception_is_part_of_the_one_line():
    line = written(record("crash", logging.ERROR, raised(ValueError("bad\nvalue")), conn="k3f9"), "plain")
    assert line.count("\n") == 1
    assert ' conn=k3f9 exception="Traceback (most recent call last):\\n  File ' in line
    assert line.endswith('ValueError: bad\\nvalue"\n')


def test_a_logger_that_is_not_ours_is_named():
    foreign = record()
    foreign.name = "trio.abc"
    assert " logger=trio.abc" in written(foreign, "plain")
    assert "logger" not in written(record(), "plain")


@given(st.text(), st.text())
def test_no_text_makes_a_second_line_or_a_control_character(event, value):
    made = record("%s", value=value, conn=value)
    made.args = (event,)
    for format in ("plain", "json", "rich"):
        line = written(made, format)
        assert line.endswith("\n")
        assert line[:-1].isprintable()
    assert json.loads(written(made, "json"))["event"] == event or not event.isprintable()


# JSON


def test_json_is_one_object_with_the_same_fields():
    line = written(record(conn="k3f9", turns=3, seconds=1.5, ok=True, session=None), "json")
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "time": "2026-11-21T01:23:45.678Z",
        "level": "info",
        "event": "call opened",
        "conn": "k3f9",
        "turns": 3,
        "seconds": 1.5,
        "ok": True,
        "session": None,
    }


def test_json_escapes_what_a_terminal_would_obey_and_keeps_the_data():
    line = written(record(x=HOSTILE + "\U000e0001"), "json")
    assert line[:-1].isprintable()
    assert json.loads(line)["x"] == HOSTILE + "\U000e0001"


def test_json_takes_what_it_cannot_hold_as_text_and_leaves_the_rest():
    line = written(record(good=1, bad="\udcff", odd={(1, 2): 3}, mute=Mute(), thing=pytest), "json")
    data = json.loads(line)
    assert data["good"] == 1
    assert data["bad"] == "\\udcff"
    assert data["mute"] == "<Mute without a text: RuntimeError>"
    assert data["thing"] == str(pytest)


def test_json_has_the_exception_as_a_string():
    data = json.loads(written(record("crash", error=raised(ValueError("bad"))), "json"))
    assert data["exception"].startswith("Traceback (most recent call last):\n")
    assert data["exception"].endswith("\nValueError: bad")


# Rich


def test_rich_is_a_table(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    lines = [
        written(record(conn="k3f9", proto="hume"), "rich"),
        written(record("slow", logging.WARNING, conn="a1", ms=3), "rich"),
        written(record("listening", url="ws://127.0.0.1:8765"), "rich"),
    ]
    monkeypatch.undo()
    time.tzset()
    assert lines == [
        "01:23:45 info  k3f9   call opened              proto=hume\n",
        "01:23:45 warn  a1     slow                     ms=3\n",
        "01:23:45 info         listening                url=ws://127.0.0.1:8765\n",
    ]


def test_an_entry_wider_than_its_column_moves_the_rest_and_stays_apart():
    line = written(record("an event that has a great many words", conn="long-connection-id", a=1), "rich")
    assert line.endswith(" info  long-connection-id an event that has a great many words  a=1\n")


def test_a_terminal_cuts_a_line_and_a_pipe_gets_it_whole(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    long = record(conn="k3f9", x="日本" * 100)
    cut = ANSI.sub("", written(long, "rich", stream=Terminal())).rstrip("\n")
    assert "\n" not in cut
    assert cut.endswith("…")
    assert 58 <= cell_len(cut) <= 60
    assert "日本" * 100 in written(long, "rich")


def test_colours_are_stable_for_a_connection():
    def colour(conn: str) -> str:
        match = re.search(rf"(\x1b\[[0-9;]*m){conn}", written(record(conn=conn), "rich", "always"))
        assert match
        return match[1]

    assert colour("k3f9") == colour("k3f9")
    assert len({colour(conn) for conn in ("k3f9", "a1b2", "zz91", "q0q0", "m4m4")}) > 1


@pytest.mark.parametrize(
    ("color", "terminal", "environment", "coloured"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {"FORCE_COLOR": "1"}, False),
        ("always", False, {}, True),
        ("always", False, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("always", True, {"NO_COLOR": "1", "TERM": ""}, True),
        ("never", True, {}, False),
    ],
)
def test_when_there_are_colours(monkeypatch, color, terminal, environment, coloured):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = written(record(conn="k3f9"), "rich", color, Terminal() if terminal else None)
    assert (re.search(r"\x1b\[3\dm", text) is not None) is coloured
    assert ("\x1b" in text) is coloured
    assert "call opened" in ANSI.sub("", text)


def test_a_traceback_shows_the_place_but_no_local_variable():
    error = raised(ExceptionGroup("together", [raised(ValueError(HOSTILE)), raised(KeyError("second"))]))
    error.add_note(HOSTILE)
    text = written(record("crash", logging.ERROR, error, conn="k3f9"), "rich", "always")
    plain = ANSI.sub("", text)
    assert "raise error" in plain
    assert "ValueError: a" in plain
    assert "KeyError: 'second'" in plain
    assert "raised(" not in plain.replace("in raised", "")
    assert all(line.isprintable() for line in plain.split("\n"))
    shown = plain.replace('"my mother hates me"  # what people say', "")  # the source line itself
    assert "my mother" not in shown


def test_a_traceback_in_plain_and_json_shows_no_local_variable():
    error = raised(ValueError("bad"))
    assert "my mother" not in written(record(error=error), "plain") + written(record(error=error), "json")


# Which format


def test_auto_is_rich_on_a_terminal_or_with_colour_forced_and_else_plain():
    assert written(record(), "auto").startswith("time=")
    assert re.match(r"\d\d:\d\d:\d\d info", ANSI.sub("", written(record(), "auto", stream=Terminal())))
    assert "\x1b[" in written(record(), "auto", "always")
    assert written(record(), "plain", "always", Terminal()).startswith("time=")
    assert written(record(), "json", "always", Terminal()).startswith("{")


# The journal


@pytest.fixture
def journal(monkeypatch):
    """A stream as systemd gives it: connected to the journal, which JOURNAL_STREAM names."""
    near, far = socket.socketpair()
    status = os.fstat(near.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    with near, far, near.makefile("w", encoding="utf-8") as stream:

        def read(event: logging.LogRecord, format: str, color: str = "auto") -> list[str]:
            logs.Lines(stream, logs.renderer(format, color, stream), logs.is_journal(stream)).handle(event)
            return far.recv(1 << 20).decode().removesuffix("\n").split("\n")

        yield read


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2), (25, 6)],
)
def test_the_journal_gets_the_priority_and_keeps_the_time_itself(journal, level, priority):
    (line,) = journal(record("event", level, conn="k3f9"), "auto")
    assert re.fullmatch(rf'<{priority}>level=(\w+|"level 25") event=event conn=k3f9', line)


def test_every_line_of_a_forced_rich_traceback_has_its_priority(journal):
    lines = journal(record("crash", logging.ERROR, raised(ValueError("x")), conn="k3f9"), "rich", "always")
    assert len(lines) > 3
    assert all(line.startswith("<3>") for line in lines)
    assert ANSI.sub("", lines[0]) == "<3>error k3f9   crash"


def test_json_leaves_the_time_to_the_journal_as_well(journal):
    (line,) = journal(record(), "json")
    assert "time" not in json.loads(line.removeprefix("<6>"))


def test_another_stream_than_the_journals_has_its_time(journal, tmp_path):
    with (tmp_path / "log").open("w") as stream:
        assert not logs.is_journal(stream)
    assert not logs.is_journal(stream)  # closed
    assert written(record(), "plain").startswith("time=")


# Never raises


def test_a_record_that_cannot_be_rendered_is_still_named():
    broken = record("turn %d", conn="k3f9")
    broken.args = ("x",)
    assert pairs(written(broken, "plain")) == {
        "time": "2026-11-21T01:23:45.678Z",
        "level": "info",
        "event": "turn %d",
        "unrenderable": "TypeError",
    }
    assert json.loads(written(broken, "json"))["unrenderable"] == "TypeError"
    assert "unrenderable=TypeError" in written(broken, "rich")


def test_fields_that_are_no_mapping_are_shown_as_they_are():
    odd = record()
    odd.fields = ["a"]
    assert written(odd, "plain").endswith(" fields=['a']\n")


def test_a_stream_that_fails_is_nobodys_exception():
    written(record(), "plain", stream=Unwritable())
    closed = io.StringIO()
    closed.close()
    logs.Lines(closed, logs.plain_line).handle(record())


def test_a_stream_that_cannot_encode_gets_escapes():
    assert written(record(x="ö"), "plain", stream=Ascii()).endswith(" x=\\xf6\n")


# configure


def logged(level: str) -> list[str]:
    stream = io.StringIO()
    logs.configure(level, "plain", stream=stream)
    for name in ("elizad.net", "trio", "trio-websocket"):
        logging.getLogger(name).debug("d")
        logging.getLogger(name).info("i")
        logging.getLogger(name).warning("w")
        logging.getLogger(name).error("e")
    return [pairs(line).get("logger", "") + ":" + pairs(line)["event"] for line in stream.getvalue().splitlines()]


def test_foreign_loggers_are_heard_from_warning_upwards():
    assert logged("info") == [":i", ":w", ":e", "trio:w", "trio:e", "trio-websocket:w", "trio-websocket:e"]
    assert logged("error") == [":e", "trio:e", "trio-websocket:e"]
    assert len(logged("debug")) == 12


def test_configuring_again_replaces_and_does_not_double():
    first, second = io.StringIO(), io.StringIO()
    logs.configure("info", "plain", stream=first)
    logs.configure("info", "json", stream=second)
    logging.getLogger("elizad.ops").info("once")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_standard_error_is_the_default(capsys):
    logs.configure("info", "plain")
    logging.getLogger("elizad.ops").info("there")
    assert "event=there" in capsys.readouterr().err


def test_a_closed_standard_error_is_no_reason_to_fail(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    logs.configure("info")
    logging.getLogger("elizad.ops").info("nobody reads this")
