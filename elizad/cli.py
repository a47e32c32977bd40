"""The command line: arguments in, an exit code out. What a command does stands elsewhere, imported when asked for."""

from __future__ import annotations

import argparse
import gc
import io
import os
import re
import select
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NoReturn, cast, get_args

from elizad import __version__, script_options, session_options, status_options, systemd_tools
from elizad.bench import options as bench_options
from elizad.call import options as call_options
from elizad.errors import ConfigError, Problem, ScriptError, StartError
from elizad.ops import config
from elizad.ops.visible import visible

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

EXIT_OK: Final = 0
EXIT_CRASH: Final = 1
EXIT_USAGE: Final = 2  # argparse's own
EXIT_CONFIG: Final = 78  # EX_CONFIG of sysexits.h: systemd can be told not to start again (RestartPreventExitStatus)
EXIT_INTERRUPTED: Final = 130  # as a shell reports an end by SIGINT

_EPILOG: Final = """\
examples:
  elizad                                     listen on 127.0.0.1:8765 with the packaged script
  elizad --config config.toml --check        is everything in it right?
  elizad --listen :8765                      listen at every address of this machine
  elizad talk                                a conversation right here

exit codes:
    0  ended as asked
    1  crashed; the reason and a traceback are on standard error
    2  wrong usage
   78  wrong configuration or script; every problem is on standard error
  130  interrupted from the keyboard (the daemon itself then ends with 0)
"""

_COMMAND: Final = "COMMAND"  # what stands for the name of a command

Run = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say (those of the process by default) and return the exit code."""
    try:
        code = _main(argv)
        if sys.stdout is not None:  # closed by who started us
            sys.stdout.flush()
    except ConfigError as error:
        return _report(error.problems, error.source)
    except ScriptError as error:
        return _report([Problem("", str(error))], "")
    except StartError as error:
        _complain(str(error))
        return EXIT_CRASH
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError as error:
        return EXIT_OK if _nobody_reads() else _crash(error)  # `elizad --print-config | head` is no fault
    except (Exception, BaseExceptionGroup) as error:
        return _crash(error)
    return code


def _main(argv: Sequence[str] | None) -> int:
    try:
        args = parser().parse_args(argv)
        run: Run = args.run
        return run(args)
    except SystemExit as leave:  # argparse's, after --help, --version or wrong usage; all is said
        return leave.code if isinstance(leave.code, int) else EXIT_USAGE


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; `run` in what it parses is the function to call."""
    top = _Parser(
        prog="elizad",
        usage="elizad [options]\n       elizad [options] COMMAND ...",
        description="Answer voice platforms with ELIZA, over WebSocket. Without a command, run the daemon.",
        epilog=_EPILOG,
    )
    options = top.add_argument_group("options")
    options.add_argument("-h", "--help", action="help", help="show this and exit")
    options.add_argument(
        "--version", action="version", version=f"elizad {__version__}", help="show the version and exit"
    )
    _common(options, None)
    daemon = top.add_argument_group("options of the daemon")
    daemon.add_argument(
        "--listen",
        metavar="ADDRESS",
        action="append",
        type=_address,
        help="listen on HOST:PORT, [IPV6]:PORT, :PORT or unix:/PATH instead of what the configuration says;"
        " may be given several times; port 0 takes a free one",
    )
    daemon.add_argument(
        "--admin",
        metavar="ADDRESS",
        type=_address,
        help="serve the pages for operators there instead of where the configuration says",
    )
    instead = daemon.add_mutually_exclusive_group()
    instead.add_argument(
        "--check", action="store_true", help="check the configuration and the script, print every problem, and exit"
    )
    instead.add_argument(
        "--print-config",
        action="store_true",
        help="print the configuration in effect as TOML, secrets masked, and exit",
    )
    top.set_defaults(run=_daemon)

    commands = top.add_subparsers(title="commands", metavar=_COMMAND, prog="elizad")
    for name, (summary, build) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[:1].upper() + summary[1:] + ".")
        options = command.add_argument_group("options")
        options.add_argument("-h", "--help", action="help", help="show this and exit")
        # SUPPRESS: not given after the command's name, it must not undo what was given before it.
        _common(options, argparse.SUPPRESS)
        command.set_defaults(run=_without_daemon_options(top, name, build(command)))
    return top


def _common(options: argparse._ArgumentGroup, default: str | None) -> None:
    """Add the options that may stand before or after a command's name."""
    options.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=default,
        help="the TOML file to read; without it, the defaults hold",
    )
    options.add_argument(
        "--log-level",
        metavar="LEVEL",
        choices=get_args(config.LogLevel),
        default=default,
        help="write log lines from this level upwards: " + ", ".join(get_args(config.LogLevel)),
    )


def _talk(command: argparse.ArgumentParser) -> Run:
    command.epilog = (
        "With a terminal there is line editing and a history; with standard input from a pipe or file, the\n"
        "opening line is printed and then exactly one reply line for each line of input."
    )
    options = command.add_argument_group("the conversation")
    options.add_argument(
        "--script",
        metavar="FILE|NAME",
        help="a script file, or the name of a packaged script (default: the configured one)",
    )
    options.add_argument(
        "--mode",
        choices=get_args(config.ScriptMode),
        help="spoken: prose fit to be said aloud; 1966: the program of 1966, byte for byte"
        " (default: the configured one)",
    )
    options.add_argument(
        "--trace", action="store_true", help="explain every reply: keywords, rule, what matched, memory"
    )

    def run(args: argparse.Namespace) -> int:
        from elizad.talk import talk

        return talk(script=args.script, mode=args.mode, trace=args.trace, settings=_settings(args))

    return run


# A command is one function here: it adds its arguments to its parser and returns what to run.
COMMANDS: Final[dict[str, tuple[str, Callable[[argparse.ArgumentParser], Run]]]] = {
    "talk": ("talk with ELIZA in this terminal", _talk),
    "script": (script_options.SUMMARY, script_options.add_options),
    "call": (call_options.SUMMARY, call_options.add_options),
    "bench": (bench_options.SUMMARY, bench_options.add_options),
    "sessions": (session_options.SUMMARY, session_options.add_options),
    "status": (status_options.SUMMARY, status_options.add_options),
    "systemd": (systemd_tools.SUMMARY, systemd_tools.add_options),
}

_SUBCOMMANDS: Final = (*script_options.COMMANDS, *session_options.COMMANDS, *systemd_tools.COMMANDS)


def _daemon(args: argparse.Namespace) -> int:
    """Without a command: run, or --check, or --print-config."""
    if args.check:
        return _check(args)
    if args.print_config:
        print(config.to_toml(_settings(args)), end="")
        return EXIT_OK
    gc.disable()  # until everything is loaded: ops/garbage.py has the rest
    try:
        return _run(args)
    finally:
        gc.enable()


def _run(args: argparse.Namespace) -> int:
    from elizad import app
    from elizad.current import Source

    def load() -> config.Settings:
        fresh = _settings(args)
        if problems := config.masked(fresh):
            raise ConfigError(problems, _source(args))
        return fresh

    return app.run(Source(args.config and args.config.absolute(), load))


def _check(args: argparse.Namespace) -> int:
    from elizad import app

    settings, problems = config.examine(args.config, _overrides(args))
    problems = [*problems, *app.check(settings)]
    if problems:
        return _report(problems, _source(args))
    for problem in config.masked(settings):
        _complain(f"{_source(args)}: {problem} (the daemon will not start until then)")
    for problem in app.advice(settings):
        _complain(f"{_source(args)}: {problem}")
    print(f"{visible(_source(args)) or 'the defaults'}: ok")
    return EXIT_OK


def _settings(args: argparse.Namespace) -> config.Settings:
    return config.load(args.config, _overrides(args))


def _overrides(args: argparse.Namespace) -> dict[str, object]:
    admin = None if args.admin is None else [args.admin]
    given = {"server.listen": args.listen, "admin.listen": admin, "log.level": args.log_level}
    return {key: value for key, value in given.items() if value is not None}


def _source(args: argparse.Namespace) -> str:
    return str(args.config) if args.config else ""


def _address(text: str) -> str:
    from elizad.net.listeners import parse_listen  # brings trio along, which --help can do without

    try:
        parse_listen(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
    return text


def _without_daemon_options(top: argparse.ArgumentParser, name: str, run: Run) -> Run:
    """Refuse what would silently be without effect."""

    def checked(args: argparse.Namespace) -> int:
        given = {
            "--listen": args.listen,
            "--admin": args.admin,
            "--check": args.check,
            "--print-config": args.print_config,
        }
        for option, value in given.items():
            if value:
                top.error(f'{option} is for the daemon and does not go with the command "{name}"')
        return run(args)

    return checked


def _report(problems: Sequence[Problem], source: str) -> int:
    for problem in problems:
        _complain(f"{source}: {problem}" if source else str(problem))
    return EXIT_CONFIG


def _crash(error: BaseException) -> int:
    last = traceback.format_exception_only(error)[-1].strip()
    _complain(f"crashed: {last}")
    print(visible("".join(traceback.format_exception(error)), keep="\n"), end="", file=sys.stderr)
    return EXIT_CRASH


def _complain(line: str) -> None:
    """Print one line to standard error, with the program's name in front."""
    if _colored(sys.stderr):
        from rich.console import Console
        from rich.text import Text

        Console(file=sys.stderr).print(Text.assemble(("elizad: ", "bold red"), visible(line)), soft_wrap=True)
    else:
        from elizad.ops import logs

        # The journal reads a line's priority off its beginning: this is an error, and `journalctl -p warning` shows it.
        priority = "<3>" if sys.stderr is not None and logs.is_journal(sys.stderr) else ""
        print(f"{priority}elizad: {visible(line)}", file=sys.stderr)


def _nobody_reads() -> bool:
    """Whether standard output is a pipe without a reader; if so, what is still to be written to it goes nowhere."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):  # none, not a file, closed
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
        return False
    # Or the interpreter would write the rest at its end, and complain (docs.python.org, signal, "Note on SIGPIPE").
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return True


def _help_width() -> int:
    return min(100, shutil.get_terminal_size().columns - 2)  # longer lines are hard to read


def _colored(file: object) -> bool:
    return (
        isinstance(file, io.TextIOBase)
        and file.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


class _Parser(argparse.ArgumentParser):
    """A parser whose help keeps the line breaks of its texts and is coloured on a terminal."""

    def __init__(self, **settings: object) -> None:
        super().__init__(
            **settings,  # type: ignore[arg-type]  # as argparse passes them to a subparser
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
                prog, max_help_position=26, width=_help_width()
            ),
            add_help=False,
            allow_abbrev=False,
        )
        self.color = False  # Python 3.14 would colour it in its own way

    def error(self, message: str) -> NoReturn:
        if file := re.match(rf"argument {_COMMAND}: invalid choice: '(.+\.toml)'", message):
            message = f"{file[1]!r} is no command: did you mean --config {file[1]}?"
        self.exit(EXIT_USAGE, f"{self.prog}: {visible(message)}\ntry: {self.prog} --help\n")

    def format_help(self) -> str:
        text = super().format_help()
        # argparse lists the commands below a line that stands for all of them, and so indents them twice.
        text = text.replace(f"\n  {_COMMAND}\n", "\n")
        for name in (*COMMANDS, *_SUBCOMMANDS):
            text = text.replace(f"\n    {name} ", f"\n  {name}   ")
        return text

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        file = file or sys.stdout
        if not _colored(file):
            file.write(self.format_help())
            return
        from rich.console import Console
        from rich.text import Text

        text = Text(self.format_help())
        text.highlight_regex(r"(?m)^[a-z][a-z ]*:", "bold yellow")
        names = "|".join(map(re.escape, (*COMMANDS, *_SUBCOMMANDS)))
        text.highlight_regex(rf"(?m)(?<=^  )({names})(?=  +)|(?<![\w-])--?[a-z][a-z-]*", "cyan")
        Console(file=cast("IO[str]", file)).print(text, soft_wrap=True, end="")
