"""Asks the conversation for the turns of one chat, and lets the session it is joined to know what they came to."""

from __future__ import annotations

import logging
from typing import Any

import trio
from msgspec.structs import replace

from elizad.conversation.conversation import Conversation, Turn
from elizad.conversation.events import TurnRequested
from elizad.service.meter import Meter
from elizad.service.responder import facts_of
from elizad.service.session import OpenSession, Session, refolded

log = logging.getLogger("elizad.service")


class Turns:
    """The mind's side of one chat. `group` names what belongs together: a chat that is resumed goes on as one call."""

    def __init__(
        self, conversation: Conversation, group: str, meter: Meter, conn: str, open_session: OpenSession | None
    ) -> None:
        """Without `open_session` nothing outlasts the chat."""
        self.conversation = conversation
        self._group = group
        self._meter = meter
        self._conn = conn
        self._open_session = open_session
        self._session: Session | None = None
        self._data: dict[str, Any] = {}  # what a responder keeps in a chat without a session
        self._newest: tuple[TurnRequested, Turn] | None = None  # the newest turn that is complete, for the session
        self._noticed = trio.Event()

    @property
    def is_faithful(self) -> bool:
        """Whether the program of 1966 answers, which knew no tools."""
        return self.conversation.is_faithful

    @property
    def data(self) -> dict[str, Any]:
        """What a responder keeps."""
        return self._data if self._session is None or not self._session.is_known else self._session.data

    async def answer(self, event: TurnRequested, elapsed_s: float) -> Turn:
        """Return the turn that is asked for, `elapsed_s` into the chat.

        A bug in there costs the caller an apology, not the chat.

        Cancelling: the turn is lost.
        """
        event = replace(event, call=self._group)
        await self._join(event)
        event = replace(event, variables={**facts_of(self.data), **event.variables})
        try:
            while (turn := self.conversation.on(event, elapsed_s)) is None:
                await trio.lowlevel.checkpoint()
        except Exception:  # a bug of ours, whatever it is, is not to end the chat
            self._meter.failed += 1
            log.exception("bug", extra={"fields": {"conn": self._conn, "turn": event.turn}})
            return self.conversation.apologise(event)
        if turn.steered:
            self._meter.count_steered(turn.steered)
        if turn.problem is not None:
            self._meter.failed += 1
            log.warning("turn failed", extra={"fields": {"conn": self._conn, "turn": event.turn, "why": turn.problem}})
        if log.isEnabledFor(logging.DEBUG):
            fields = {"conn": self._conn, "turn": event.turn, "heard": turn.heard, "said": turn.said}
            if turn.steered:
                fields["steered"] = turn.steered
            log.debug("turn", extra={"fields": fields})
        return turn

    async def settle(self, event: TurnRequested, turn: Turn) -> None:
        """Have a complete turn kept, and wait as long as its end has to. Cancelling: safe."""
        event = replace(event, call=self._group)
        self._newest = event, turn
        session = self._session
        if session is None:
            return
        if session.has_come_late:
            await self._catch_up()
        else:
            session.keep(event, turn)
        while (until := session.held_until()) > trio.current_time():
            self._noticed = trio.Event()
            with trio.move_on_at(until):
                await self._noticed.wait()
            await self._catch_up()

    async def finish(self) -> None:
        """Have the newest turn kept although its session is found only when the chat is over. Cancelling: safe."""
        if self._session is not None and await self._session.looked_for():
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Have the newest turn kept as well, if its session became known only after it had begun."""
        if self._session is None or self._newest is None or not self._session.has_come_late:
            return
        event, turn = self._newest
        await self._join(event)
        self._session.keep(event, await refolded(self.conversation, event, turn))

    async def _join(self, event: TurnRequested) -> None:
        """Let the conversation begin where earlier calls of its session ended, once that is known. Cancelling: safe."""
        if event.session is None or self._open_session is None:
            return
        if self._session is None or self._session.key.id != event.session:
            self._session = self._open_session(event.session, self._notice)
        past = await self._session.begin(event, lambda: self.conversation.heard(event.transcript))
        if past is not None:
            self.conversation.resume(past)

    def _notice(self) -> None:
        self._noticed.set()
