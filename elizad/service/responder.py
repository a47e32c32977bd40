"""Runs a responder, which is somebody else's code, for one turn: deadlines, errors, and text in pieces fit to be said.

A responder may be slow, silent, endless or broken. None of that reaches the caller as silence for longer than
`first_text_s`, or as a turn longer than `turn_s`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Final, NamedTuple, cast

import trio

from elizad.agent import Respond, Turn
from elizad.conversation.phrases import APOLOGY
from elizad.speech.chunks import Unit, split_chunks, split_sentences

log = logging.getLogger("elizad.agent")

# Text that comes without a place to breathe is cut here: about a minute of speech, and a bound on what we hold.
_MOST_HELD: Final = 1000


class Patience(NamedTuple):
    """How long a responder may take: seconds to its first text, seconds in all, and what is said when it is late."""

    first_text_s: float = 1.5
    turn_s: float = 20.0
    holding: str = "One moment, please."
    apology: str = APOLOGY


class Pieces:
    """Collects text as it comes and gives out what is complete enough to be said."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._held = ""

    def add(self, text: str) -> list[str]:
        """Return the chunks that are complete now; the last one may still grow and is held back."""
        self._held += text
        *complete, self._held = split_chunks(self._held, self._unit) or [""]
        # A whole sentence with a space behind it does not grow: what follows would begin another, whatever it is.
        if self._held[-1:].isspace() and len(split_sentences(f"{self._held}0")) > 1:
            complete.append(self._held)
            self._held = ""
        if len(self._held) > _MOST_HELD:
            complete.append(self._held)
            self._held = ""
        return complete

    def rest(self) -> list[str]:
        """Return what is left when no more text comes."""
        held, self._held = self._held, ""
        return split_chunks(held, self._unit)


def facts_of(data: Mapping[str, object]) -> dict[str, str]:
    """Return what a responder keeps in so many words and numbers: fields for the texts of rules."""
    return {name: str(value) for name, value in data.items() if isinstance(value, str | int | float)}


Speak = Callable[[str], Awaitable[None]]


async def respond(
    responder: Respond,
    turn: Turn,
    speak: Speak,
    *,
    unit: Unit,
    patience: Patience,
    spell: Callable[[str], str],
    conn: str,
) -> None:
    """Run `responder` for `turn` and hand each chunk to `speak`, in the form that `spell` gives it.

    Returns when everything has been handed over: after the last text, an apology, or the end of patience.
    Cancelling: cancels the responder, whose `finally` blocks run. Nothing more is spoken.
    """
    pieces = Pieces(unit)
    late = False
    with trio.move_on_after(patience.turn_s) as whole:
        try:
            async with trio.open_nursery() as nursery:
                send, receive = trio.open_memory_channel[str](0)
                nursery.start_soon(_produce, responder, turn, send)
                async with receive:
                    first = await _first(receive, patience, speak, spell)
                    for chunk in pieces.add(first):
                        await speak(spell(chunk))
                    async for text in receive:
                        for chunk in pieces.add(text):
                            await speak(spell(chunk))
        except* Exception as group:
            # The words of the message may be the caller's: only debug shows them, in the traceback.
            fields = {"conn": conn, "error": type(_leaf(group)).__name__}
            log.error(
                "responder failed",
                exc_info=group if log.isEnabledFor(logging.DEBUG) else None,
                extra={"fields": fields},
            )
            late = True
    if whole.cancelled_caught:
        log.warning("responder cut off", extra={"fields": {"conn": conn, "after_s": patience.turn_s}})
        late = True
    rest = pieces.rest()
    if late and rest and not rest[-1][-1:].isspace():
        rest[-1] += " "  # an apology comes behind it
    for chunk in rest:
        await speak(spell(chunk))
    if late:
        for chunk in split_chunks(patience.apology, unit):
            await speak(spell(chunk))


async def _first(
    receive: trio.MemoryReceiveChannel[str], patience: Patience, speak: Speak, spell: Callable[[str], str]
) -> str:
    """Return the first text; say the holding phrase, once, if it takes too long. "" if there is none at all."""
    try:
        with trio.move_on_after(patience.first_text_s):
            return await receive.receive()
        if patience.holding:
            await speak(spell(f"{patience.holding} "))
        return await receive.receive()
    except trio.EndOfChannel:
        return ""


async def _produce(responder: Respond, turn: Turn, send: trio.MemorySendChannel[str]) -> None:
    async with send, aclosing(cast("AsyncGenerator[str, None]", responder(turn))) as texts:
        try:
            async for text in texts:
                if not isinstance(text, str):
                    raise TypeError(f"a responder yields str, not {type(text).__name__}")
                if text:
                    await send.send(text)
        except SystemExit as error:  # of a library made for the command line: no reason to end everybody's call
            raise RuntimeError("a responder may not exit") from error


def _leaf(group: BaseExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first


class Spoken(NamedTuple):
    """A piece of what a responder says in turn `turn`, fit to be said."""

    turn: int
    text: str


class Finished(NamedTuple):
    """A responder has said everything it has to say in turn `turn`."""

    turn: int


class Borrowed(NamedTuple):
    """A responder, and the patience there is with it."""

    respond: Respond
    patience: Patience = Patience()


class Mind:
    """A responder at work for one call: one turn at a time, each in a task of its own that a newer turn cancels."""

    def __init__(self, borrowed: Borrowed, unit: Unit, polish: Callable[[str], str], conn: str) -> None:
        self._borrowed = borrowed
        self._unit = unit
        self._polish = polish
        self._conn = conn
        self._scope: trio.CancelScope | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a turn is being answered."""
        return self._scope is not None

    def begin(
        self,
        nursery: trio.Nursery,
        feed: trio.MemorySendChannel[tuple[float, Spoken | Finished]],
        number: int,
        turn: Turn,
    ) -> None:
        """Start to answer a turn in `nursery`; what comes of it goes into `feed`, which is closed at the end."""
        self.cancel()
        self._scope = trio.CancelScope()
        nursery.start_soon(self._run, self._scope, feed, number, turn)

    def cancel(self) -> None:
        """Stop answering; the responder's `finally` blocks run. Does not wait."""
        if self._scope is not None:
            self._scope.cancel()
            self._scope = None

    async def _run(
        self,
        scope: trio.CancelScope,
        feed: trio.MemorySendChannel[tuple[float, Spoken | Finished]],
        number: int,
        turn: Turn,
    ) -> None:
        async def speak(text: str) -> None:
            await feed.send((trio.current_time(), Spoken(number, text)))

        async with feed:
            with scope:
                await respond(
                    self._borrowed.respond,
                    turn,
                    speak,
                    unit=self._unit,
                    patience=self._borrowed.patience,
                    spell=self._polish,
                    conn=self._conn,
                )
                await feed.send((trio.current_time(), Finished(number)))
            if self._scope is scope:
                self._scope = None
