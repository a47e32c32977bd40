"""What a caller does as lines: scripts, standard input, the keyboard, and the arguments of the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad import cli
from elizad.call.keys import Editor, Key, Line
from elizad.call.lines import Lines
from elizad.call.main import _url
from elizad.call.script import Barge, Say, Silence, Wait, read_script, read_step


def test_a_script_is_steps() -> None:
    script = """
        # a comment
        my mother hates me
        ! no, listen
        !0.4 really
        ~ 1.5
        ...
        \\! said with a mark
        \\# 1
    """
    assert read_script(script.splitlines()) == [
        Say("my mother hates me"),
        Barge("no, listen", None),
        Barge("really", 0.4),
        Wait(1.5),
        Silence(),
        Say("! said with a mark"),
        Say("# 1"),
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("~ soon", 'line 1: a wait looks like "~ 1.5"'),
        ("~ 99999", "with at most 3600 seconds"),
        ("a\n!", 'line 2: a barge-in looks like "! words"'),
        ("a\n!x", 'line 2: a barge-in looks like "! words"'),
        ("# a\n! x", "line 2: there is no reply yet to interrupt"),
        ("~ 1\n! x", "line 2: there is no reply yet to interrupt"),
    ],
)
def test_what_is_wrong_with_a_script_is_said_with_its_line(script: str, words: str) -> None:
    with pytest.raises(ValueError, match="line") as caught:
        read_script(script.splitlines())
    assert words in str(caught.value)


@given(st.text(max_size=40))
def test_any_line_is_a_step_or_nothing_or_a_clear_error(line: str) -> None:
    try:
        step = read_step(line)
    except ValueError as wrong:
        assert "looks like" in str(wrong) or line.strip().startswith("@ ")
    else:
        assert step is None or isinstance(step, Say | Barge | Wait | Silence)


@given(st.lists(st.integers(1, 6)))
def test_lines_come_whole_however_the_bytes_are_cut(cuts: list[int]) -> None:
    data = "héllo\n! no\n~ 1\nlast".encode()
    lines = Lines()
    steps = []
    for cut in cuts:
        part, data = data[:cut], data[cut:]
        if part:
            steps += lines.feed(part)
    if data:
        steps += lines.feed(data)
    assert steps + lines.feed(b"") == [Say("héllo"), Barge("no", None), Wait(1.0), Say("last")]


def test_a_line_that_cannot_be_said_costs_a_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    assert lines.feed(b"! no\n\xff\n~ x\nyes\n") == [Say("yes")]
    first, second, third = capsys.readouterr().err.splitlines()
    assert first == "elizad: input line 1: there is no reply yet to interrupt: not said"
    assert second.startswith("elizad: input line 2: it is not UTF-8 (byte 1)")
    assert third.startswith("elizad: input line 3: a wait looks like")


def test_the_keyboard_edits_a_line() -> None:
    editor = Editor()
    assert editor.feed("héllo wörld".encode()) == []
    assert editor.text == "héllo wörld"
    editor.feed(b"\x7f\x7f")
    assert editor.text == "héllo wör"
    editor.feed(b"\x17")
    assert editor.text == "héllo "
    assert editor.feed(b"\x1b[A\x1b[1;5C\x1bOP\x1bxyou\r") == [Line("héllo you")]
    assert editor.feed(b"abc\x15\x03\x04") == [Key.INTERRUPT, Key.END]
    assert editor.feed(b"a\x04\x00") == []
    assert editor.text == "a"


@given(st.binary(max_size=60), st.integers(1, 5))
def test_any_bytes_are_taken_and_a_line_can_be_printed(data: bytes, size: int) -> None:
    editor = Editor()
    for start in range(0, len(data), size):
        for action in editor.feed(data[start : start + size]):
            assert isinstance(action, Key | Line)
    assert editor.text.isprintable()


def test_retell_appends_the_call_id_to_the_path() -> None:
    assert _url("wss://h/llm-websocket/?tenant=x", "retell", "c1") == "wss://h/llm-websocket/c1?tenant=x"
    assert _url("ws://h/llm-websocket", "retell", "c1") == "ws://h/llm-websocket/c1"
    assert _url("ws://h/llm/", "hume", "c1") == "ws://h/llm/"


URL = "ws://127.0.0.1:1/llm"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([URL], "the following arguments are required: --as"),
        (["--as", "hume"], "the following arguments are required: URL"),
        ([URL, "--as", "vapi"], "invalid choice: 'vapi'"),
        ([URL, "--as", "hume", "--voice", "a.wav"], "--voice goes with --as evi"),
        ([URL, "--as", "retell", "--tool", "a=b"], "--tool goes with --as evi"),
        ([URL, "--as", "evi", "--replay", "x"], "--replay does not go with --as evi"),
        ([URL, "--as", "evi", "--voice", "/nowhere/x.wav"], "/nowhere/x.wav: No such file"),
        ([URL, "--as", "evi", "--calls", "2", "--save-audio", "x"], "--calls does not go with --voice"),
        (["ftp://x", "--as", "hume"], "is no address to dial"),
        (["ws+unix:x", "--as", "hume"], "names no file by its absolute path"),
        ([URL, "--as", "hume", "--prosody", "Joyfulness=1"], '"Joyfulness" is none of the 48 names'),
        ([URL, "--as", "hume", "--prosody", "Joy=2"], '"2" is no score between 0 and 1'),
        ([URL, "--as", "retell", "--prosody", "Joy=1"], "--prosody is Hume's"),
        ([URL, "--as", "hume", "--var", "a=b"], "--var is Retell's"),
        ([URL, "--as", "retell", "--var", "a"], '"a" is not NAME=VALUE'),
        ([URL, "--as", "hume", "--header", "x"], '"x" is not NAME:VALUE'),
        ([URL, "--as", "hume", "--check", "--calls", "2"], "--check and --calls do not go together"),
        ([URL, "--as", "hume", "--say", "a", "--script", "b"], "--say and --script do not go together"),
        ([URL, "--as", "hume", "--rate", "2"], "--rate is for load"),
        ([URL, "--as", "hume", "--json"], "--json is for load"),
        ([URL, "--as", "hume", "--calls", "0"], "no number from 1 to a million"),
        ([URL, "--as", "hume", "--calls", "1", "--rate", "0"], "is not above 0"),
        ([URL, "--as", "hume", "--patience", "nan"], "no number that makes sense"),
        ([URL, "--as", "hume", "--calls", "1", "--record", "x"], "--record does not go with --calls"),
        ([URL, "--as", "hume", "--replay", "x", "--say", "a"], "--say does not go with --replay"),
        ([URL, "--as", "hume", "--script", "/nowhere/x"], "/nowhere/x: No such file or directory"),
        ([URL, "--as", "hume", "--replay", "/nowhere/x"], "/nowhere/x: No such file or directory"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["call", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.endswith("try: elizad call --help\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("{}\n", "line 1: it is no recording of elizad call"),
        ('{"elizad_call":1,"as":"hume"}\nx\n', "line 2: it cannot be read"),
        ('{"elizad_call":1,"as":"retell"}\n', "was recorded as retell, not as hume"),
    ],
)
def test_a_bad_recording_is_wrong_usage(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    assert cli.main(["call", URL, "--as", "hume", "--replay", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_help_reads_well(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.main(["call", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: elizad call URL --as hume|retell|evi [options]\n")
    for option in ("--say", "--script", "--check", "--record", "--replay", "--calls", "--rate", "--insecure", "--json"):
        assert f"\n  {option} " in text
    assert max(map(len, text.splitlines())) <= 100
