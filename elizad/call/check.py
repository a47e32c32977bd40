"""Holds a server to the protocol: a call in which everything happens that the platform does, and what was found.

It judges by the rules in rules.py and nothing else; that the answers make sense is not its business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from elizad.call import rules
from elizad.call.events import Finding, Platform
from elizad.call.phone import Call, Manner, Observe, Unanswered, nobody, open_call
from elizad.call.play import play, source_of
from elizad.call.retell import PING_S, UNHEARD
from elizad.call.script import Barge, Say, Silence, Step, Wait
from elizad.call.turns import Turn
from elizad.net.dial import DialFailed, Place
from elizad.net.errors import PeerClosed

QUIET_S: Final = 0.3  # how long after an end something more would be heard

QUIET_AFTER_BARGE_IN_S: Final = 1.0  # the rest of an interrupted reply may come at the pace of speech

PING_EVERY_S: Final = 0.5  # so that pings fall into replies too

_FORGIVEN: Final = 1  # turns without an end; after a second one there is nothing more to learn

_HUME: Final[tuple[Step, ...]] = (
    Say("Speak your greeting to the user."),
    Say("I can't sleep. {very tired, quite anxious}"),
    Say("My mother is always worried about me, and my father says that it is nothing."),
    Barge("No, wait. I want to talk about my dreams.", None),
    Say("I think"),
    Barge("that nobody — not even you — listens. {quite sad} {Context: the caller's name is Zoë}", 0.0),
    Say("Yes."),
)

_RETELL: Final[tuple[Step, ...]] = (
    Say("I can't sleep."),
    Say("My mother is always worried about me, and my father says that it is nothing."),
    Barge("No, wait. I want to talk about my dreams.", None),
    Say("I think"),
    Barge("that nobody — not even you — listens.", 0.0),
    Silence(),
    Say(UNHEARD),
    Wait(PING_S + 0.3),  # at least two ping_pong fall into the call
)

_EVI: Final[tuple[Step, ...]] = (
    Say("I can't sleep."),
    Say("My mother is always worried about me, and my father says that it is nothing."),
    Barge("No, wait. I want to talk about my dreams.", None),
    Say("I think"),
    Barge("that nobody — not even you — listens.", 0.0),
    Say("Yes."),
)

_GOODBYE: Final = Say("Goodbye.")


@dataclass(slots=True)
class Verdict:
    """What a check has seen."""

    findings: list[Finding] = field(default_factory=list)
    turns: int = 0
    barge_ins: int = 0
    connections: int = 0
    unsaid: int = 0
    """Steps that were left when the agent ended the call."""

    @property
    def violations(self) -> list[Finding]:
        """What fails the check."""
        return [finding for finding in self.findings if not finding.rule.advice]

    def grouped(self) -> list[tuple[Finding, int]]:
        """Each rule that was broken in each turn once, with how often; violations first, a rule's turns together."""
        counts = Counter((f.rule, f.turn) for f in self.findings)
        firsts = {(f.rule, f.turn): f for f in reversed(self.findings)}
        found = [(firsts[key], count) for key, count in counts.items()]
        order = list(dict.fromkeys(f.rule for f in self.findings))
        return sorted(found, key=lambda pair: (pair[0].rule.advice, order.index(pair[0].rule), pair[0].turn))


def routine(platform: str) -> tuple[Sequence[Step], Sequence[Step]]:
    """What is said when nobody gave a script: most of it, and how the call ends, be it on another connection."""
    return {"hume": (_HUME, ()), "evi": (_EVI, ())}.get(platform, (_RETELL, (_GOODBYE,)))


async def check(
    place: Place,
    platform: Platform,
    steps: Sequence[Step],
    last: Sequence[Step],
    manner: Manner,
    observe: Observe = nobody,
) -> Verdict:
    """Call, and return what was found. For Retell with auto_reconnect the connection is then broken and made again.

    Raises: DialFailed, when nobody answers at all. Cancelling: the line is cut.
    """
    verdict = Verdict()

    async def hold(platform: Platform, steps: Sequence[Step], *, first: bool) -> None:
        try:
            async with open_call(place, platform, manner, observe) as call:
                verdict.connections += 1
                try:
                    await _examine(call, steps, last if first else (), verdict)
                finally:
                    if first and not call.ended_by_agent and platform.reconnected() is not None:
                        call.drop()
                    else:
                        await call.hang_up()
                    verdict.findings += call.findings
        except DialFailed as failed:
            if failed.kind in ("handshake", "not http", "closed", "reset") or failed.kind.startswith("status"):
                verdict.findings.append(Finding(rules.HANDSHAKE, str(failed)))
            else:
                raise

    await hold(platform, steps, first=True)
    if not verdict.violations and (again := platform.reconnected()) is not None:
        await hold(again, (Say("Are you still there?"), *last), first=False)
    return verdict


async def _examine(call: Call, steps: Sequence[Step], last: Sequence[Step], verdict: Verdict) -> None:
    async def after_turn(turn: Turn) -> None:
        verdict.barge_ins += turn.barge_in
        await call.quiet(QUIET_AFTER_BARGE_IN_S if turn.barge_in else QUIET_S, QUIET_AFTER_BARGE_IN_S * 3)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ping, call)
        try:
            try:
                await call.opening()
            except Unanswered:
                if call.closed is not None:
                    raise
            await call.quiet(QUIET_S, QUIET_AFTER_BARGE_IN_S)
            verdict.unsaid += await play(call, source_of(steps), after_turn=after_turn, forgive=_FORGIVEN)
            if not verdict.unsaid and call.platform.reconnected() is None:
                await play(call, source_of(last), after_turn=after_turn)
        except (Unanswered, PeerClosed):
            pass  # the finding says it
        nursery.cancel_scope.cancel()
    if call.closed is None and not call.ended_by_agent:
        await call.pongs()
        await _last_ping_pong(call)
    verdict.turns += len(call.platform.turns)


async def _ping(call: Call) -> None:
    try:
        while call.closed is None:
            await call.ping()
            await trio.sleep(PING_EVERY_S)
    except PeerClosed:
        pass  # the reader says so


async def _last_ping_pong(call: Call) -> None:
    """Nothing may be left unanswered at the end."""
    platform = call.platform
    if not await call.wait_for(lambda: not platform.unanswered(), PING_S):
        words = f"a ping_pong had no answer {PING_S:g} s later"
        call.find(Finding(rules.PING_PONG, words, "", platform.turns[-1].number))
