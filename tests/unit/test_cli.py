"""The command line: what each argument leads to, what is printed where, and every exit code."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

import elizad
from elizad import cli
from elizad.errors import ConfigError, Problem, ScriptError
from elizad.ops import config

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(monkeypatch):
    """Stands where the daemon is; `ran` holds the settings it was started with."""
    app = types.ModuleType("elizad.app")
    app.ran = []
    app.run = lambda source: app.ran.append(source.load()) or 0
    app.check = lambda settings: []
    app.advice = lambda settings: []
    monkeypatch.setitem(sys.modules, "elizad.app", app)
    monkeypatch.setattr(elizad, "app", app, raising=False)
    return app


@pytest.fixture
def talk(monkeypatch):
    """Stands where the conversation in the terminal is; `calls` holds its arguments."""
    talk = types.ModuleType("elizad.talk")
    talk.calls = []
    talk.talk = lambda **arguments: talk.calls.append(arguments) or 0
    monkeypatch.setitem(sys.modules, "elizad.talk", talk)
    monkeypatch.setattr(elizad, "talk", talk, raising=False)
    return talk


@pytest.fixture
def toml(tmp_path, monkeypatch):
    """Write config.toml into the current folder and return its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        (tmp_path / "config.toml").write_text(text)
        return "config.toml"

    return write


# The daemon


def test_without_arguments_the_daemon_runs_on_the_defaults(app):
    assert cli.main([]) == 0
    assert app.ran == [config.Settings()]


def test_the_daemons_exit_code_is_ours(app):
    app.run = lambda source: 3
    assert cli.main([]) == 3


def test_options_override_the_file(app, toml):
    path = toml('[server]\nlisten = ["127.0.0.1:1"]\n[log]\nlevel = "error"\nformat = "json"\n')
    assert cli.main(["--config", path, "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--log-level", "debug"]) == 0
    (settings,) = app.ran
    assert settings.server.listen == ("127.0.0.1:0", "[::1]:0")
    assert settings.log == config.Log(level="debug", format="json")


def test_a_bad_file_is_told_line_by_line_and_nothing_runs(app, toml, capsys):
    assert cli.main(["--config", toml("[limits]\nping_interval = 1\nhead_bytes = 1\n")]) == 78
    assert app.ran == []
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        'elizad: config.toml: limits.ping_interval: unknown key; did you mean "ping_interval_s"?\n'
        "elizad: config.toml: limits.head_bytes: found 1, expected an integer from 1024 to 1048576\n"
    )


def test_the_journal_is_told_that_it_is_an_error(app, toml, monkeypatch):
    near, far = socket.socketpair()
    status = os.fstat(near.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    with near, far, near.makefile("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert cli.main(["--config", toml("[limts]")]) == 78
        stream.flush()
        assert far.recv(1000).startswith(b"<3>elizad: ")


def test_a_file_that_is_not_there_is_bad_configuration(app, capsys, tmp_path):
    assert cli.main(["--config", str(tmp_path / "none.toml")]) == 78
    assert capsys.readouterr().err.endswith("none.toml: cannot be read: no such file or directory\n")


def test_the_mask_is_no_secret_to_run_with(app, toml, capsys):
    assert cli.main(["--config", toml('[hume]\ntokens = ["********"]\n')]) == 78
    assert app.ran == []
    assert "config.toml: hume.tokens[0]: this is the mask that --print-config writes" in capsys.readouterr().err


def test_what_the_daemon_finds_wrong_at_its_start_is_told_in_the_same_way(app, capsys):
    def run(settings):
        raise ConfigError([Problem("server.listen[0]", "the address is in use")], "config.toml")

    app.run = run
    assert cli.main([]) == 78
    assert capsys.readouterr().err == "elizad: config.toml: server.listen[0]: the address is in use\n"


# --check and --print-config


def test_check_says_ok_on_standard_output(app, toml, capsys):
    assert cli.main(["--config", toml(""), "--check"]) == 0
    assert cli.main(["--check"]) == 0
    assert capsys.readouterr() == ("config.toml: ok\nthe defaults: ok\n", "")
    assert app.ran == []


def test_check_passes_on_advice_and_still_says_ok(app, toml, capsys):
    app.advice = lambda settings: [Problem("tls.certificate", "the certificate has expired")]
    assert cli.main(["--config", toml(""), "--check"]) == 0
    out, err = capsys.readouterr()
    assert out == "config.toml: ok\n"
    assert err == "elizad: config.toml: tls.certificate: the certificate has expired\n"


def test_check_tells_the_problems_of_the_file_and_of_the_script(app, toml, capsys):
    app.check = lambda settings: [Problem("eliza.script", f"{settings.eliza.script}: Script error on line 3: odd")]
    assert cli.main(["--config", toml('[eliza]\nscript = "/x.script"\n[log]\nlevel = 1\n'), "--check"]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        'elizad: config.toml: log.level: found 1, expected "debug", "info", "warning" or "error"',
        "elizad: config.toml: eliza.script: /x.script: Script error on line 3: odd",
    ]


def test_what_is_printed_passes_the_check(app, toml, capsys):
    assert cli.main(["--config", toml('[hume]\ntokens = ["hunter2hunter2"]\n'), "--print-config"]) == 0
    printed, err = capsys.readouterr()
    assert err == ""
    assert tomllib.loads(printed)["hume"]["tokens"] == ["********"]
    assert cli.main(["--config", toml(printed), "--check"]) == 0
    out, err = capsys.readouterr()
    assert out == "config.toml: ok\n"
    assert "hume.tokens[0]: this is the mask" in err
    assert "will not start" in err


def test_print_config_is_the_configuration_in_effect(toml, capsys):
    assert cli.main(["--print-config", "--config", toml("[speech]\npace_s = 1\n"), "--log-level", "error"]) == 0
    printed = tomllib.loads(capsys.readouterr().out)
    assert printed["speech"]["pace_s"] == 1.0
    assert printed["log"]["level"] == "error"
    assert printed["limits"]["head_bytes"] == config.Limits().head_bytes


# Commands


def test_talk_gets_its_options(talk):
    assert cli.main(["talk"]) == 0
    assert cli.main(["talk", "--script", "x.script", "--mode", "1966", "--trace"]) == 0
    settings = config.Settings()
    assert talk.calls == [
        {"script": None, "mode": None, "trace": False, "settings": settings},
        {"script": "x.script", "mode": "1966", "trace": True, "settings": settings},
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ["--config", "config.toml", "--log-level", "debug", "talk"],
        ["talk", "--config", "config.toml", "--log-level", "debug"],
        ["--config", "config.toml", "talk", "--log-level", "debug"],
        ["--config", "other.toml", "--log-level", "error", "talk", "--config", "config.toml", "--log-level", "debug"],
    ],
)
def test_common_options_stand_before_or_after_the_commands_name(talk, toml, argv):
    toml('[eliza]\nmode = "1966"\n')
    assert cli.main(argv) == 0
    (call,) = talk.calls
    assert call["settings"].eliza.mode == "1966"
    assert call["settings"].log.level == "debug"


@pytest.mark.parametrize("option", [["--check"], ["--print-config"], ["--listen", "127.0.0.1:0"]])
def test_an_option_of_the_daemon_does_not_go_with_a_command(talk, option, capsys):
    assert cli.main([*option, "talk"]) == 2
    assert talk.calls == []
    assert capsys.readouterr().err.startswith(f"elizad: {option[0]} is for the daemon")


def test_a_script_that_does_not_load_is_bad_configuration(talk, capsys):
    def fail(**_):
        raise ScriptError("a rule without an end", 7)

    talk.talk = fail
    assert cli.main(["talk"]) == 78
    assert capsys.readouterr().err == "elizad: Script error on line 7: a rule without an end\n"


# Usage


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--nonsense"], "elizad: unrecognized arguments: --nonsense"),
        (["tolk"], "invalid choice: 'tolk' (choose from "),
        (["my.toml"], "'my.toml' is no command: did you mean --config my.toml?"),
        (["--conf", "x"], "elizad: "),
        (["--log-level", "loud"], "invalid choice: 'loud' (choose from "),
        (["--listen", "nowhere"], "elizad: argument --listen: "),
        (["--check", "--print-config"], "elizad: argument --print-config: not allowed with argument --check"),
        (["talk", "--mode", "1967"], "elizad talk: argument --mode: invalid choice"),
        (["--\x1b[31m"], r"elizad: unrecognized arguments: --\x1b[31m"),
    ],
)
def test_wrong_usage_is_two_lines_and_exit_code_2(app, argv, said, capsys):
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert said in first
    assert re.fullmatch(r"try: elizad( talk)? --help", second)
    assert app.ran == []


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"elizad {elizad.__version__}\n"


def test_help_names_every_option_command_and_exit_code(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for word in ("--config FILE", "--listen ADDRESS", "--check", "--print-config", "--log-level LEVEL", "--version"):
        assert f"\n  {word} " in text
    for name in cli.COMMANDS:
        assert f"\n  {name} " in text
    for code in (cli.EXIT_OK, cli.EXIT_CRASH, cli.EXIT_USAGE, cli.EXIT_CONFIG, cli.EXIT_INTERRUPTED):
        assert re.search(rf"\n *{code}  \w", text)
    assert "\x1b" not in text
    assert text.count("COMMAND") == 1  # in the usage


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_a_help_of_its_own(name, capsys):
    assert cli.main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: elizad {name} ")
    assert "--config FILE" in text


# Crashes, interrupts, pipes


@pytest.mark.parametrize("error", [ValueError("odd\x1b[31m"), ExceptionGroup("two", [ValueError("odd\x1b[31m")])])
def test_a_crash_is_one_clear_line_and_a_traceback(app, error, capsys):
    def run(settings):
        raise error

    app.run = run
    assert cli.main([]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"elizad: crashed: {type(error).__name__}: ")
    assert "Traceback (most recent call last):" in err
    assert r"ValueError: odd\x1b[31m" in err
    assert "\x1b" not in err


def test_a_broken_pipe_that_is_not_standard_output_is_a_crash(app):
    def run(settings):
        raise BrokenPipeError

    app.run = run
    assert cli.main([]) == 1


def test_an_interrupt_is_130(talk):
    def interrupt(**_):
        raise KeyboardInterrupt

    talk.talk = interrupt
    assert cli.main(["talk"]) == 130


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("option", ["--help", "--print-config", "--version"])
def test_a_reader_that_goes_away_is_no_error(option, unbuffered):
    read, write = os.pipe()
    os.close(read)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    ran = subprocess.run(
        [sys.executable, "-m", "elizad", option], stdout=write, stderr=subprocess.PIPE, cwd=ROOT, env=environment
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_python_m_elizad_returns_the_exit_code():
    ran = subprocess.run([sys.executable, "-m", "elizad", "--no"], stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"elizad: ")


def test_help_is_quick_to_import():
    code = "import sys; from elizad import cli; cli.parser(); print({'trio', 'rich', 'tomli_w'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout == "set()\n"


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours(no_color, coloured):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": no_color}
    try:
        for argv in (["--help"], ["--config", "/nonexistent", "--print-config"]):
            subprocess.run(
                [sys.executable, "-m", "elizad", *argv],
                stdout=theirs,
                stderr=theirs,
                cwd=ROOT,
                env=environment,
                check=False,
            )
            text = os.read(ours, 1 << 16)
            assert (b"\x1b[" in text) is coloured
            assert b"elizad" in text
    finally:
        os.close(ours)
        os.close(theirs)
