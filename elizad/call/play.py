"""Plays a script on a call: says, interrupts, waits and is silent, and listens to every reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import trio

from elizad.call.phone import Call, Unanswered
from elizad.call.script import Barge, Say, Silence, Step, Wait
from elizad.call.turns import Turn


async def no_more(turn: Turn) -> None:
    """What follows a turn unless somebody wants more."""
    await trio.lowlevel.checkpoint()


async def play(
    call: Call,
    steps: Sequence[Step],
    *,
    after_turn: Callable[[Turn], Awaitable[None]] = no_more,
    forgive: int = 0,
) -> int:
    """Do what a script says, and return how many steps were left when the agent ended the call (0: none).

    So many turns without an end are forgiven: the caller goes on, as people do.

    Raises: Unanswered, PeerClosed. Cancelling: loses nothing that was not said.
    """
    for index, step in enumerate(steps):
        if call.ended_by_agent:
            return len(steps) - index
        match step:
            case Wait(seconds):
                await trio.sleep(seconds)
                continue
            case Silence():
                if not await call.silence():
                    continue
            case Barge(text, after_s):
                await _until_barge_in(call, after_s)
                await call.say(text)
            case Say(text):
                await call.say(text)
        if any(isinstance(later, Barge) for later in steps[index + 1 : index + 2]):
            continue
        turn = call.turn
        assert turn is not None, "something has been said"
        if turn.barge_in:
            await call.settle()
        try:
            await call.reply()
        except Unanswered:
            if call.closed is not None or forgive == 0:
                raise
            forgive -= 1
        await after_turn(turn)
    return 0


async def _until_barge_in(call: Call, after_s: float | None) -> None:
    turn = call.turn
    assert turn is not None, "a script does not begin with a barge-in"
    if after_s is None:
        await call.first_words(call.patience_s)
    else:
        await trio.sleep(max(0.0, turn.asked_at + after_s - call.now))
