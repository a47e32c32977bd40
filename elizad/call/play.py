"""Plays what a caller does on a call: says, interrupts, waits and is silent, and listens to every reply.

The steps come through a channel, so that they may be a script or lines that somebody is still typing.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from elizad.call.phone import Call, Unanswered
from elizad.call.script import Barge, Say, Silence, Speak, Step, Wait
from elizad.call.turns import Turn

Source = trio.MemoryReceiveChannel[Step]

_NOT_YET: Final = Wait(0.0)  # stands for a step that has not been looked at


async def no_more(turn: Turn) -> None:
    """What follows a turn unless somebody wants more."""
    await trio.lowlevel.checkpoint()


def source_of(steps: Sequence[Step]) -> Source:
    """Return a channel with all of a script in it."""
    feed, source = trio.open_memory_channel[Step](max(1, len(steps)))
    with feed:
        for step in steps:
            feed.send_nowait(step)
    return source


async def play(
    call: Call,
    source: Source,
    *,
    after_turn: Callable[[Turn], Awaitable[None]] = no_more,
    forgive: int = 0,
) -> int:
    """Do what the steps say until there are no more or the call is over, and return how many were left then.

    So many turns without an end are forgiven: the caller goes on, as people do.

    Raises: Unanswered, PeerClosed. Cancelling: loses nothing that was not said.
    """
    step = await _next(call, source)
    while step is not None:
        if call.ended_by_agent:
            return 1 + source.statistics().current_buffer_used
        following: Step | None = _NOT_YET
        if await _take(call, step):
            turn = call.turn
            assert turn is not None, "something has been said"
            try:
                following = _at_once(source)
                if not isinstance(following, Barge):
                    following = await _listen(call, source, following)
            except Unanswered:
                if call.closed is not None or forgive == 0:
                    raise
                forgive -= 1
            if not isinstance(following, Barge):
                await after_turn(turn)
        step = await _next(call, source) if following is _NOT_YET else following
    return 0


async def _take(call: Call, step: Step) -> bool:
    """Do one step, and return whether there is something to listen to."""
    match step:
        case Wait(seconds):
            await trio.sleep(seconds)
            return False
        case Silence():
            return await call.silence()
        case Barge(text, after_s):
            await _until_barge_in(call, after_s)
            await call.say(text)
        case Say(text):
            await call.say(text)
        case Speak(voice):
            await call.speak(voice)
    return True


def _at_once(source: Source) -> Step | None:
    """The step that follows, if it is there already."""
    try:
        return source.receive_nowait()
    except trio.WouldBlock:
        return _NOT_YET
    except trio.EndOfChannel:
        return None


async def _listen(call: Call, source: Source, following: Step | None) -> Step | None:
    """Wait for the end of the reply, or for a step that interrupts it. Returns the step that follows, if it is known.

    Raises: Unanswered.
    """
    failure: Unanswered | None = None
    async with trio.open_nursery() as nursery:

        async def look_ahead() -> None:
            nonlocal following
            try:
                following = await source.receive()
            except trio.EndOfChannel:
                following = None
            if isinstance(following, Barge):
                nursery.cancel_scope.cancel()

        if following is _NOT_YET:
            nursery.start_soon(look_ahead)
        try:
            if call.turn is not None and call.turn.barge_in:
                await call.settle()
            await call.reply()
        except Unanswered as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None and not isinstance(following, Barge):
        raise failure
    return following


async def _next(call: Call, source: Source) -> Step | None:
    """Wait for a step; None at the end of them, or of the call."""
    step: Step | None = None
    async with trio.open_nursery() as nursery:

        async def until_over() -> None:
            await call.wait_for(lambda: call.closed is not None, math.inf)
            nursery.cancel_scope.cancel()

        nursery.start_soon(until_over)
        try:
            step = await source.receive()
        except trio.EndOfChannel:
            pass
        nursery.cancel_scope.cancel()
    return step


async def _until_barge_in(call: Call, after_s: float | None) -> None:
    turn = call.turn
    assert turn is not None, "a script does not begin with a barge-in"
    if after_s is None:
        await call.first_words(call.patience_s)
    else:
        due = turn.asked_at + after_s
        if due > call.now:
            await trio.sleep(due - call.now)
