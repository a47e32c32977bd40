"""The arguments of `elizad call`, and what must not be asked for together. Brings nothing along that --help can do
without."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

SUMMARY: Final = "be the platform: call any server that brings the words, as Hume or Retell, or be EVI's client"

_EPILOG: Final = """\
In a terminal the reply is seen as it streams in, with every frame and the timing of every turn;
typing on over a reply, or Ctrl-C, interrupts it. With standard input from a pipe each line is
said, as in a script, and the call is printed in plain lines: "> " is the caller, "< " the server;
timing and problems go to standard error.

addresses:
  ws://127.0.0.1:8765/llm            also wss://, and ws+unix:/run/elizad.sock:/llm
  ws://127.0.0.1:8765/llm-websocket  with --as retell the call's id is appended, as Retell does
  ws://127.0.0.1:8765/v0/evi/chat    with --as evi; keys and config_id go into the query

scripts, a line each:
  my mother hates me      is said when the reply before has ended
  ! no, listen to me      is said over the reply, at its first words
  !0.4 no, listen to me   is said 0.4 s after the utterance before, whatever has come by then
  ~ 1.5                   nothing is said for 1.5 s
  ...                     silence, until the platform reminds the server of it (Retell)
  @ hello.wav             the voice in that file, in pieces of 0.1 s as from a microphone (EVI)
  # a comment

examples:
  elizad call ws://127.0.0.1:8765/llm --as hume
  elizad call ws://127.0.0.1:8765/llm --as hume --say "I can't sleep." --prosody Sadness=0.8
  elizad call wss://example.com/llm-websocket --as retell --check
  elizad call ws://127.0.0.1:8765/llm --as hume --calls 500 --turns 20 --rate 100
  elizad call ws://127.0.0.1:8765/llm --as hume --script sleep.txt --record sleep.jsonl
  elizad call ws://127.0.0.1:8765/llm --as hume --replay sleep.jsonl
  elizad call "ws://127.0.0.1:8765/v0/evi/chat?config_id=desk" --as evi --say "I can't sleep."
  elizad call ws://127.0.0.1:8765/v0/evi/chat --as evi --voice hello.wav --save-audio reply.wav

exit codes:
    0  as expected: the call was held, the check is clean, the load had no errors, or the
       replay is the same
    1  not so, or there was no call
    2  wrong usage
"""


def add_options(command: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments and return what to run."""
    command.usage = "elizad call URL --as hume|retell|evi [options]"
    command.epilog = _EPILOG
    line = command.add_argument_group("the call")
    line.add_argument("url", metavar="URL", help="the server's address, as it would be configured on the platform")
    line.add_argument(
        "--as",
        dest="platform",
        choices=("hume", "retell", "evi"),
        required=True,
        help="which platform to be; evi: a client of EVI",
    )
    line.add_argument(
        "--session",
        metavar="ID",
        help="Hume's and EVI's custom_session_id (default: none) or Retell's call id (default: random)",
    )
    line.add_argument(
        "--prosody",
        metavar="NAME=SCORE,...",
        type=_scores,
        help="what Hume hears in the caller's voice, such as Sadness=0.8,Tiredness=0.5 (default: a calm voice)",
    )
    line.add_argument(
        "--var",
        metavar="NAME=VALUE",
        type=_variable,
        action="append",
        help="a dynamic variable of a Retell call, or a variable of an EVI chat",
    )
    line.add_argument(
        "--header", metavar="NAME:VALUE", type=_header, action="append", help="send this header with the handshake"
    )
    line.add_argument(
        "--tool",
        metavar="NAME=TEXT",
        type=_variable,
        action="append",
        help="declare this tool in an EVI chat, and answer every call of it with TEXT",
    )
    line.add_argument(
        "--save-audio", metavar="FILE", type=Path, help="keep the sound of EVI's replies in FILE, as one WAV file"
    )
    line.add_argument("--insecure", action="store_true", help="take any certificate of a wss:// server")
    line.add_argument(
        "--patience",
        metavar="SECONDS",
        type=_positive,
        default=10.0,
        help="wait so long for a reply's end (default: 10)",
    )
    words = command.add_argument_group("what the caller says, if nobody types it")
    words.add_argument("--say", metavar="TEXT", action="append", help="say this; may be given several times")
    words.add_argument("--script", metavar="FILE", type=Path, help="say and do what the file has, a line at a time")
    words.add_argument("--voice", metavar="FILE", type=Path, help="say what this WAV file has, before all else (EVI)")
    instead = command.add_argument_group("what the call is for")
    instead.add_argument(
        "--check",
        dest="check_rules",
        action="store_true",
        help="hold the server to the protocol and report every violation",
    )
    instead.add_argument("--record", metavar="FILE", type=Path, help="keep the call in FILE, as JSON lines")
    instead.add_argument(
        "--replay", metavar="FILE", type=Path, help="play the platform's side of a recorded call again, compare answers"
    )
    load = command.add_argument_group("load")
    load.add_argument("--calls", metavar="N", type=_count, help="make N calls at once and measure")
    load.add_argument("--turns", metavar="M", type=_count, help="of so many turns each (default: 10)")
    load.add_argument(
        "--rate",
        metavar="R",
        type=_positive,
        help="so many turns per second, of all calls together (default: the next turn follows the reply at once);"
        " 500 calls of people who speak every 5 s make 100",
    )
    load.add_argument(
        "--ramp", metavar="SECONDS", type=_not_negative, help="open the calls over so long (default: 200 a second)"
    )
    load.add_argument("--json", action="store_true", help="print the measurements as one line of JSON")

    def run(args: argparse.Namespace) -> int:
        refuse(args, command)
        from elizad.call.main import call

        return call(args, command.error)

    return run


def refuse(args: argparse.Namespace, command: argparse.ArgumentParser) -> None:
    """End with the usage when options do not go together."""
    given = {"check": args.check_rules, "replay": args.replay, "calls": args.calls}
    ways = [name for name, value in given.items() if value]
    if len(ways) > 1:
        command.error(f"--{ways[0]} and --{ways[1]} do not go together")
    if args.say and args.script:
        command.error("--say and --script do not go together: write it all into the script")
    loads = [name for name in ("turns", "rate", "ramp", "json") if getattr(args, name) not in (None, False)]
    if loads and not args.calls:
        command.error(f"--{loads[0]} is for load: it goes with --calls")
    if args.record and (args.calls or args.replay):
        command.error(f"--record does not go with --{'calls' if args.calls else 'replay'}")
    if args.replay:
        for name in ("say", "script", "prosody", "var"):
            if getattr(args, name):
                command.error(f"--{name} does not go with --replay, which says what was recorded")
    if args.platform != "hume" and args.prosody:
        command.error("--prosody is Hume's: nobody else sends scores to the server")
    if args.platform == "hume" and args.var:
        command.error("--var is Retell's and EVI's: Hume sends no variables to the server")
    if args.platform != "evi":
        for name in ("voice", "save_audio", "tool"):
            if getattr(args, name):
                command.error(f"--{name.replace('_', '-')} goes with --as evi")
    elif args.replay:
        command.error("--replay does not go with --as evi, where every chat has ids of its own")
    if args.calls and (args.save_audio or args.voice):
        command.error("--calls does not go with --voice and --save-audio")


def _scores(text: str) -> dict[str, float]:
    from elizad.eliza.expressions import NAMES

    scores = {}
    known = {name.lower(): name for name in NAMES}
    for part in text.split(","):
        name, _, value = part.rpartition("=")
        spelt = known.get(name.strip().lower())
        if spelt is None:
            raise argparse.ArgumentTypeError(f'"{name or part}" is none of the 48 names, such as Sadness or Tiredness')
        try:
            score = float(value)
        except ValueError:
            score = -1.0
        if not 0 <= score <= 1:
            raise argparse.ArgumentTypeError(f'"{value}" is no score between 0 and 1')
        scores[spelt] = score
    return scores


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME=VALUE')
    return name, value


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME:VALUE')
    return name.strip(), value.strip()


def _positive(text: str) -> float:
    value = _not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f'"{text}" is not above 0')
    return value


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86_400 * 365:
        raise argparse.ArgumentTypeError(f'"{text}" is no number that makes sense here')
    return value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f'"{text}" is no number from 1 to a million')
    return int(text)
