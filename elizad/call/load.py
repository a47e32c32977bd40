"""Many calls at once: how many turns a server answers in a second, how soon, and what goes wrong.

It measures itself too. When its own event loop runs late, or its process has no processor time left, then what it
measured of the server is partly its own doing, and it says so.
"""

from __future__ import annotations

import math
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

import trio

from elizad.call.events import Platform
from elizad.call.numbers import percentile
from elizad.call.phone import Call, Manner, Unanswered, open_call
from elizad.call.script import Say, Step
from elizad.call.turns import Turn
from elizad.net.dial import DialFailed, Place
from elizad.net.errors import PeerClosed

LAG_S: Final = 0.02  # how often our own loop is looked at

LATE_S: Final = 0.025  # our loop this late, one time in a hundred, can show in what we measured

LATE_SHARE: Final = 0.25  # and it does when it is this much of the slowest answers, of which it is a part

BUSY: Final = 0.9  # of a core; a process with one thread has no more than one

CALLS_PER_RAMP_S: Final = 200.0  # without a ramp of one's own so many calls are opened in a second

_LINES: Final = (
    "I can't sleep.",
    "My mother is always worried about me.",
    "I think I am tired of my work.",
    "Nobody listens to me.",
    "Yes.",
    "I dreamed about my brother again last night.",
)


@dataclass(slots=True)
class Plan:
    """`rate` is turns per second of all calls together; None: the next turn follows the reply at once."""

    calls: int
    turns: int
    rate: float | None
    ramp_s: float | None

    @property
    def ramp(self) -> float:
        """Seconds over which the calls are opened."""
        return self.calls / CALLS_PER_RAMP_S if self.ramp_s is None else self.ramp_s


@dataclass(slots=True)
class Tally:
    """What a load has measured so far; seconds."""

    first: array[float] = field(default_factory=lambda: array("d"))
    whole: array[float] = field(default_factory=lambda: array("d"))
    opening: array[float] = field(default_factory=lambda: array("d"))
    lag: array[float] = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter)
    open_calls: int = 0
    most_open: int = 0
    late_turns: int = 0
    """Turns that were due before the reply to the one before had ended."""
    elapsed_s: float = 0.0
    began_at: float = 0.0
    asked_at: float = math.inf
    """When the first request was made."""
    ended_at: float = 0.0
    """When the last reply ended."""
    cpu: float = 0.0
    """Of one core, our own."""

    @property
    def lag_s(self) -> float:
        """How late our own loop was, but for one time in a hundred."""
        return percentile(sorted(self.lag), 99) if self.lag else 0.0

    @property
    def answering_s(self) -> float:
        """From the first request to the last end."""
        return max(0.0, self.ended_at - self.asked_at)

    @property
    def turns_per_s(self) -> float:
        """Turns that were answered, in a second."""
        return len(self.whole) / self.answering_s if self.answering_s > 0 else 0.0

    @property
    def we_are_the_limit(self) -> bool:
        """Whether the numbers say as much about us as about the server."""
        slowest = percentile(sorted(self.first), 99) if self.first else 0.0
        return self.cpu > BUSY or self.lag_s > max(LATE_S, LATE_SHARE * slowest)


async def load(
    stage: Callable[[int], tuple[Place, Platform]],
    steps: Sequence[Step],
    plan: Plan,
    tally: Tally,
    manner: Manner,
) -> None:
    """Make the calls of `plan`, the n-th as `stage(n)` says. Errors are counted, not raised.

    `tally` is filled, and may be looked at meanwhile.

    Cancelling: cuts every line; `tally` has what was measured.
    """
    began, cpu = time.perf_counter(), time.process_time()
    tally.began_at = trio.current_time()

    async def one(index: int) -> None:
        await trio.sleep(index / plan.calls * plan.ramp)
        place, platform = stage(index)
        dialled = trio.current_time()
        try:
            async with open_call(place, platform, manner) as call:
                tally.opening.append(trio.current_time() - dialled)
                tally.open_calls += 1
                tally.most_open = max(tally.most_open, tally.open_calls)
                try:
                    await _talk(call, _words(steps), index, plan, tally)
                finally:
                    tally.open_calls -= 1
                    tally.errors.update(f.rule.name for f in call.findings if not f.rule.advice)
        except DialFailed as failed:
            tally.errors[f"dial: {failed.kind}"] += 1
        except Unanswered:
            pass  # counted as the finding it is
        except PeerClosed as gone:
            tally.errors[f"closed: {gone.code}"] += 1

    try:
        async with trio.open_nursery() as watch:
            watch.start_soon(_watch, tally)
            async with trio.open_nursery() as calls:
                for index in range(plan.calls):
                    calls.start_soon(one, index)
            watch.cancel_scope.cancel()
    finally:
        tally.elapsed_s = time.perf_counter() - began
        tally.cpu = (time.process_time() - cpu) / tally.elapsed_s


async def _talk(call: Call, words: Iterator[str], index: int, plan: Plan, tally: Tally) -> None:
    await call.opening()
    period = plan.calls / plan.rate if plan.rate else 0.0
    # The calls' turns are spread over the period, as those of people who do not know each other.
    due = tally.began_at + plan.ramp + period * index / plan.calls if plan.rate else trio.current_time()
    for _ in range(plan.turns):
        if call.ended_by_agent:
            return
        now = trio.current_time()
        if due > now:
            await trio.sleep_until(due)
        elif period and now - due > LATE_S:
            tally.late_turns += 1
        due += period
        await call.say(next(words))
        tally.asked_at = min(tally.asked_at, trio.current_time())
        turn = await call.reply()
        tally.ended_at = max(tally.ended_at, trio.current_time())
        _count(turn, tally)


def _count(turn: Turn, tally: Tally) -> None:
    if turn.first_s is not None:
        tally.first.append(turn.first_s)
    if turn.whole_s is not None:
        tally.whole.append(turn.whole_s)


def _words(steps: Sequence[Step]) -> Iterator[str]:
    return cycle([step.text for step in steps if isinstance(step, Say)] or _LINES)


async def _watch(tally: Tally) -> None:
    """Measure how late our own loop is."""
    while True:
        due = trio.current_time() + LAG_S
        await trio.sleep_until(due)
        tally.lag.append(trio.current_time() - due)
