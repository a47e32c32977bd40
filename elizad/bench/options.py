"""The arguments of `elizad bench`. Brings nothing along that --help can do without."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Final, get_args

from elizad.bench.plan import MOST_CALLS, MOST_HISTORY, Plan, RowName

SUMMARY: Final = "measure elizad, alone or beside another server for Hume's socket"

_EPILOG: Final = """\
elizad is started anew for every round, with all that it does by default and a folder of its own, and so is a
peer given by a command. The two take turns, row by row, on one core, if there are two; the load has a process and
a core of its own. A figure is the median of the rounds, with the least and the most; a ratio is made in each round.

rows:
  start     from the start of the process to the first words of the first turn
  idle      what an idle connection, and an idle call that has had a turn, add to the memory of the process
  cpu       user and system time of the server for one turn, in the middle of calls of several lengths
  latency   from a payload sent to the first words, with many calls at 70% of what the peer can carry
  wakeups   how often the process wakes in a second with no, a tenth of, and all --idle calls (takes minutes)

Do not run it where somebody's calls are answered. Elsewhere other programs run as well: trust the ratios,
and of those the medians.

examples:
  elizad bench
  elizad bench --peer-command "peer-env/bin/python my_server.py {port}"
  elizad bench --peer-url ws://127.0.0.1:9000/llm --peer-pid 4711 --rows cpu,latency
  elizad bench --rows idle,wakeups --idle 10000 --rounds 1
  elizad bench --workers 4

exit codes:
    0  measured
    1  not so: a server did not start, or did what it should not
    2  wrong usage
"""


def add_options(command: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Add the arguments and return what to run."""
    command.usage = "elizad bench [options]"
    command.epilog = _EPILOG
    peer = command.add_argument_group("the peer")
    which = peer.add_mutually_exclusive_group()
    which.add_argument(
        "--peer-command", metavar="COMMAND", help="starts it; {port} is where it is to listen, on 127.0.0.1"
    )
    which.add_argument("--peer-url", metavar="URL", help="where it listens already: ws://HOST:PORT/PATH")
    peer.add_argument("--peer-path", metavar="PATH", default="/llm", help="its path, with --peer-command (/llm)")
    peer.add_argument(
        "--peer-pid", metavar="PID", type=_number(1, 2**22), help="its process, with --peer-url; else no CPU, no memory"
    )
    peer.add_argument("--remote", action="store_true", help="let --peer-url be on another machine")
    plan = Plan()
    what = command.add_argument_group("what is measured")
    what.add_argument(
        "--rows",
        metavar="NAME,...",
        type=_list(_row),
        default=plan.rows,
        help=f"of {', '.join(get_args(RowName))} ({','.join(plan.rows)})",
    )
    what.add_argument(
        "--histories",
        metavar="N,...",
        type=_list(_number(0, MOST_HISTORY)),
        default=plan.histories,
        help=f"messages before the newest words, for the CPU of a turn ({','.join(map(str, plan.histories))})",
    )
    what.add_argument(
        "--calls", metavar="N", type=_number(1, MOST_CALLS), default=plan.calls, help=f"for latency ({plan.calls})"
    )
    what.add_argument(
        "--idle", metavar="N", type=_number(10, MOST_CALLS), default=plan.idle, help=f"idle calls ({plan.idle})"
    )
    what.add_argument("--rounds", metavar="N", type=_number(1, 100), default=plan.rounds, help=f"({plan.rounds})")
    what.add_argument(
        "--seconds",
        metavar="S",
        type=_seconds,
        default=plan.seconds,
        help=f"of turns for each figure in a round, at least ({plan.seconds:g})",
    )
    what.add_argument(
        "--workers",
        metavar="N",
        type=_number(1, 16),
        help="instead of all that: 1 to N daemons on one port; how they share the calls, and what is lost with one",
    )
    what.add_argument("--json", action="store_true", help="print one line of JSON, with the figures of every round")

    def run(args: argparse.Namespace) -> int:
        if args.peer_pid is not None and args.peer_url is None:
            command.error("--peer-pid goes with --peer-url")
        if args.workers and (args.peer_url or args.peer_command):
            command.error("--workers goes without a peer")
        from elizad.bench.main import bench

        return bench(args, command.error)

    return run


def _row(text: str) -> str:
    if text not in get_args(RowName):
        raise argparse.ArgumentTypeError(f'"{text}" is no row: {", ".join(get_args(RowName))}')
    return text


def _list(entry: Callable[[str], object]) -> Callable[[str], Sequence[object]]:
    return lambda text: tuple(dict.fromkeys(entry(part.strip()) for part in text.split(",")))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 60:
        raise argparse.ArgumentTypeError(f'"{text}" is no number from 0.1 to 60')
    return value


def _number(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f'"{text}" is no number from {low} to {high}')
        return int(text)

    return number
