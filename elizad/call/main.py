"""Runs `elizad call`: from its arguments to a call, a check, a load or a replay, and an exit code."""

from __future__ import annotations

import argparse
import resource
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, NoReturn, TextIO

import trio
from rich.console import Console

from elizad.call import play, script
from elizad.call.check import check, routine
from elizad.call.events import Happening, Platform, Received, Sent
from elizad.call.evi import EviPlatform
from elizad.call.hume import HumePlatform
from elizad.call.lines import play_lines
from elizad.call.load import Plan, Tally, load
from elizad.call.load_report import as_json, print_report, progress
from elizad.call.phone import Manner, Observe, Unanswered, open_call
from elizad.call.plain import PlainLines, print_comparison, print_verdict, timing
from elizad.call.record import VERSION, Entry, Head, Record, line, read_record
from elizad.call.replay import replay
from elizad.call.retell import RetellPlatform
from elizad.call.script import Step
from elizad.call.view import Screen, by_hand
from elizad.call.voice import read_voice, saved_audio
from elizad.net.dial import DialFailed, Place, parse_url
from elizad.net.errors import PeerClosed
from elizad.net.line import Closed
from elizad.ops.visible import visible

_TURNS: Final = 10  # of a load's calls, when nobody says how many: a short conversation

_OK: Final = 0
_FAILED: Final = 1


def call(args: argparse.Namespace, usage: Callable[[str], NoReturn]) -> int:
    """Do what the arguments say and return the exit code. `usage` ends the program with a sentence."""
    name = args.session or (f"call_{secrets.token_hex(12)}" if args.platform == "retell" else "")
    try:
        place = parse_url(_url(args.url, args.platform, name))
        steps = _steps(args)
        record = _recorded(args) if args.replay else None
    except ValueError as wrong:
        usage(str(wrong))
    try:
        if record is not None:
            return trio.run(_replay, args, place, record, name)
        if args.calls:
            return trio.run(_load, args, steps)
        with ExitStack() as files:
            try:
                frames = files.enter_context(_recorder(args, name))
                sound = files.enter_context(saved_audio(args.save_audio))
            except OSError as wrong:
                usage(f"{wrong.filename}: {_reason(wrong)}")
            recorder = _both(frames, sound)
            if args.check_rules:
                return trio.run(_check, args, place, name, steps, recorder)
            if steps is None and sys.stdin.isatty() and sys.stdout.isatty():
                return trio.run(_by_hand, args, place, name, recorder)
            return trio.run(_plain, args, place, name, steps, recorder)
    except DialFailed as failed:
        print(f"elizad: {visible(str(failed))}", file=sys.stderr)
        return _FAILED


def _url(url: str, platform: str, name: str) -> str:
    """Retell appends the call's id to the path, in front of a query, and forgives a slash at the end."""
    if platform != "retell":
        return url
    path, mark, query = url.partition("?")
    return f"{path.rstrip('/')}/{name}{mark}{query}"


def _steps(args: argparse.Namespace) -> list[Step] | None:
    """What the caller does; None when nobody said.

    Raises: ValueError with a sentence.
    """
    steps: list[Step] = [script.Speak(read_voice(args.voice))] if args.voice else []
    if args.script:
        try:
            steps += script.read_script(args.script.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError, ValueError) as wrong:
            raise ValueError(f"{args.script}: {_reason(wrong)}") from None
        if args.platform != "evi" and any(isinstance(step, script.Speak) for step in steps):
            raise ValueError(f"{args.script}: only EVI hears a voice from a file (--as evi)")
    steps += [script.Say(text) for text in args.say or ()]
    return steps or None


def _recorded(args: argparse.Namespace) -> Record:
    try:
        record = read_record(args.replay.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError, ValueError) as wrong:
        raise ValueError(f"{args.replay}: {_reason(wrong)}") from None
    if record.head.platform != args.platform:
        raise ValueError(f"{args.replay} was recorded as {record.head.platform}, not as {args.platform}")
    return record


def _reason(wrong: Exception) -> str:
    if isinstance(wrong, OSError):
        return wrong.strerror or str(wrong)
    return "it is not UTF-8" if isinstance(wrong, UnicodeDecodeError) else str(wrong)


def _platform(args: argparse.Namespace, name: str) -> Platform:
    if args.platform == "hume":
        return HumePlatform(name or None, args.prosody or {})
    if args.platform == "evi":
        return EviPlatform(name or None, dict(args.var or ()), dict(args.tool or ()))
    return RetellPlatform(name, epoch_s=time.time(), variables=dict(args.var or ()))


# -- one call --------------------------------------------------------------------------------------------------------


async def _plain(
    args: argparse.Namespace, place: Place, name: str, steps: Sequence[Step] | None, recorder: Observe
) -> int:
    observer = _both(PlainLines(sys.stdout, sys.stderr), recorder)
    async with open_call(place, _platform(args, name), _manner(args), observer) as call:
        try:
            await call.opening()
            if steps is not None:
                unsaid = await play.play(call, play.source_of(steps))
            else:
                unsaid = await play_lines(call)
        except (Unanswered, PeerClosed) as failed:
            if not isinstance(failed, PeerClosed) and call.closed is None:
                return _FAILED  # the finding has been printed
            unsaid = 0
        if unsaid:
            print(f"  {unsaid} of the caller's lines were not said", file=sys.stderr)
        failed_call = call.closed is not None and not call.ended_by_agent
    return _FAILED if failed_call else _OK


async def _by_hand(args: argparse.Namespace, place: Place, name: str, recorder: Observe) -> int:
    screen = Screen(f"elizad call · {args.platform} · {place.unix or place.authority}")
    console = Console(highlight=False)
    platform = _platform(args, name)
    async with open_call(place, platform, _manner(args), _both(screen, recorder)) as call:
        await by_hand(call, screen, console)
        gone = call.closed is not None and not call.ended_by_agent
    for turn in platform.turns:
        if turn.said is not None:
            print(f"> {visible(turn.said)}")
        print(f"< {visible(' '.join(turn.text.split()))}" + " —" * (turn.interrupted_at is not None))
        print(f"  {timing(turn)}")
    if call.closed is not None and gone:
        print("  the server ended the call")
    return _FAILED if gone else _OK


async def _check(
    args: argparse.Namespace, place: Place, name: str, steps: Sequence[Step] | None, recorder: Observe
) -> int:
    last: Sequence[Step] = ()
    if steps is None:
        steps, last = routine(args.platform)
    verdict = await check(place, _platform(args, name), steps, last, _manner(args), recorder)
    print_verdict(verdict, sys.stdout)
    return _FAILED if verdict.violations else _OK


def _manner(args: argparse.Namespace) -> Manner:
    return Manner(args.header or (), args.insecure, args.patience)


def _both(one: Observe, other: Observe) -> Observe:
    def observe(at: float, happening: Happening) -> None:
        one(at, happening)
        other(at, happening)

    return observe


# -- recordings ------------------------------------------------------------------------------------------------------


@contextmanager
def _recorder(args: argparse.Namespace, name: str) -> Iterator[Observe]:
    """An observer that writes frames as they come, so that a call that breaks is on record too."""
    if args.record is None:
        yield lambda at, happening: None
        return
    with args.record.open("w", encoding="utf-8") as file:
        file.write(line(Head(VERSION, args.platform, name)))

        def observe(at: float, happening: Happening) -> None:
            if isinstance(happening, Sent | Received):
                file.write(line(Entry(round(at, 6), "out" if isinstance(happening, Sent) else "in", happening.frame)))
            elif isinstance(happening, Closed):
                file.write(line(Entry(round(at, 6), "out" if happening.by == "us" else "in", close=happening.code)))
            file.flush()

        yield observe


async def _replay(args: argparse.Namespace, place: Place, record: Record, name: str) -> int:
    # Retell's server would take a call id that it has seen for a reconnect; Hume's session may go on.
    name = name if args.platform == "retell" else record.head.name
    comparisons = await replay(place, record, name, _manner(args))
    print_comparison(comparisons, sys.stdout)
    return _FAILED if any(c.outcome == "different" for c in comparisons) else _OK


# -- load ------------------------------------------------------------------------------------------------------------


async def _load(args: argparse.Namespace, steps: Sequence[Step] | None) -> int:
    """Make the calls; Ctrl-C ends them, and what was measured by then is reported."""
    plan = Plan(args.calls, args.turns or _TURNS, args.rate, args.ramp)
    tally = Tally()
    _allow_files(plan.calls)

    def stage(index: int) -> tuple[Place, Platform]:
        prefix = args.session or "load"
        name = f"{prefix}-{index}" if args.platform == "retell" or args.session else ""
        return parse_url(_url(args.url, args.platform, name)), _platform(args, name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_on_interrupt, nursery.cancel_scope)
        with progress(plan, tally, nursery, sys.stderr):
            await load(stage, steps or (), plan, tally, _manner(args))
        nursery.cancel_scope.cancel()
    _report(plan, tally, args.json, sys.stdout)
    return _FAILED if tally.errors else _OK


def _report(plan: Plan, tally: Tally, json: bool, out: TextIO) -> None:
    if json:
        print(as_json(plan, tally), file=out)
    else:
        print_report(plan, tally, out)


async def _cancel_on_interrupt(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()


def _allow_files(calls: int) -> None:
    """Take as many file descriptors as the system grants, if the usual limit is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < calls + 64:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
