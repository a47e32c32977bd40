"""One call: a reader that feeds what the platform asks into a channel, and a writer that streams the reply.

Only the writer waits for the peer to take bytes; the reader waits for the peer's bytes and for room in the channel.
So a peer that does not read stops being read itself, and what one connection can hold is bounded. The writer waits
for "the next event, or the next chunk is due": a newer turn replaces what is left of the older one, and no send is
ever cancelled for it. A call in which nobody has spoken yet has none of that: it only reads.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import trio
from msgspec.structs import replace

from elizad import agent
from elizad.conversation.commands import AnswerKeepalive, Command, EndTurn
from elizad.conversation.conversation import Conversation, Delegated, Turn
from elizad.conversation.events import Event, Ignored, KeepaliveRequested, TurnRequested
from elizad.errors import RemoteError
from elizad.net.errors import PeerClosed
from elizad.protocols.catalogue import Adapter
from elizad.service.ending import Ending, gone
from elizad.service.meter import Meter
from elizad.service.playing import Playing
from elizad.service.responder import Finished, Mind, Spoken, facts_of
from elizad.service.session import Session, refolded
from elizad.service.sessions import Sessions
from elizad.service.voice import Voice
from elizad.store.api import Key
from elizad.types import CloseCode

log = logging.getLogger("elizad.service")

# A payload holds a whole transcript, so one may wait while one is answered and a third is being read.
_INBOX: Final = 1


class Socket(Protocol):
    """What a connection needs of a WebSocket; elizad.net.ws.WebSocket is one."""

    heard_at: float
    """In trio's time: when the last whole message was taken."""

    async def receive(self) -> str: ...

    async def send(self, frames: Sequence[str]) -> None: ...

    async def close(self, code: int = ..., reason: str = ...) -> None: ...


_Arrival = tuple[float, Event | Spoken | Finished]
"""When something came, in trio's time: an event of a message, or a piece of what a responder says."""


class Connection:
    """One live call. Run it once."""

    # fmt: off
    __slots__ = (
        "_adapter", "_answering", "_at_once", "_clock", "_conn", "_conversation", "_data", "_ended", "_feed", "_first",
        "_meter", "_mind", "_newest", "_nursery", "_opened", "_pace_s", "_platform", "_playing", "_quiet", "_session",
        "_sessions", "_socket", "_stopping", "_unread", "_voice", "_waits_for_disk", "ending", "session", "turns",
    )
    # fmt: on

    def __init__(
        self, socket: Socket, adapter: Adapter, voice: Voice, conn: str, meter: Meter, sessions: Sessions | None = None
    ) -> None:
        """Without `sessions` nothing is kept of the call, and nothing known of those before it."""
        self._socket = socket
        self._adapter = adapter
        self._platform = adapter.name
        self._voice = voice
        self._pace_s = voice.manner.pace_s
        self._conn = conn
        self._meter = meter
        self._sessions = sessions
        self._waits_for_disk = sessions is not None and sessions.holds_turns
        self._session: Session | None = None
        self._conversation: Conversation | None = None  # from the first turn on: a call may never have one
        self._mind: Mind | None = None  # answers the turns that the conversation delegates
        self._answering: tuple[TurnRequested, Turn] | None = None  # the turn that `_mind` answers
        self._newest: tuple[TurnRequested, Turn] | None = None  # a complete turn that its session has come too late for
        self._data: dict[str, Any] = {}  # what a responder keeps in a call without a session
        self._quiet: trio.CancelScope | None = None  # while nobody has spoken
        self._first: str | None = None  # the peer's first message, until the reader takes it
        self._feed: trio.MemorySendChannel[_Arrival | None] | None = None
        self._unread = 0  # events of the peer's that the writer has not taken yet, the peer's end being one
        self._stopping = False
        self._at_once: list[str] = []  # frames that wait for nothing
        self._playing: Playing | None = None  # the current turn, until its end has been sent
        self._opened = 0.0  # when the call opened, in trio's time
        self._ended = -1  # the adapter's number of the newest turn that has ended
        self.session: str | None = None
        self.turns = 0
        self.ending = Ending(CloseCode.ABNORMAL, "cancelled")

    async def run(self) -> None:
        """Hold the conversation until one side ends it, and close the socket; `ending` says how it went.

        Cancelling: ends the call without a goodbye. Whoever owns the socket closes the transport.
        """
        self._clock = trio.lowlevel.current_clock()  # to ask it takes half of what trio.current_time does
        self._opened = self._clock.current_time()
        self._at_once, greeting = self._adapter.opening()
        try:
            if greeting is None and not self._at_once:
                await self._wait_for_the_peer()
        except (PeerClosed, RemoteError) as error:
            self.ending = gone(error)
        else:
            await self._talk(greeting)
        await self._socket.close(self.ending.code, self.ending.reason)
        # A session may still be looked for: what was said in so short a call is kept all the same.
        if self._session is not None and await self._session.looked_for():
            await self._catch_up()
        self._session = None  # it leads back to us: nothing of a call that has ended is to wait for the collector

    def stop(self) -> None:
        """End the call when the turn that is being spoken is finished. Does not wait."""
        self._stopping = True
        if self._quiet is not None:
            self._quiet.cancel()
        self._look()

    def _look(self) -> None:
        """Have the writer look again at what there is to do."""
        if self._feed is not None:
            with suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
                self._feed.send_nowait(None)

    async def _wait_for_the_peer(self) -> None:
        """Wait for the peer to speak, or for `stop`."""
        with trio.CancelScope() as self._quiet:
            if self._stopping:
                self._quiet.cancel()
            self._first = await self._socket.receive()
        self._quiet = None

    async def _talk(self, greeting: TurnRequested | None) -> None:
        """Hold the conversation, with a greeting of ours or the peer's first message."""
        feed, inbox = trio.open_memory_channel[_Arrival | None](_INBOX)
        async with trio.open_nursery() as self._nursery:
            self._feed = feed
            self._nursery.start_soon(self._read, feed)
            self._nursery.start_soon(self._write, inbox, greeting)

    # -- the reader ----------------------------------------------------------------------------------------------

    async def _read(self, feed: trio.MemorySendChannel[_Arrival | None]) -> None:
        """Turn messages into events until the peer is gone or says what cannot be understood."""
        async with feed:
            try:
                events = [] if self._first is None else self._adapter.receive(self._first)
                self._first = None
                while True:
                    while events:
                        self._unread += 1
                        try:
                            feed.send_nowait((self._socket.heard_at, events[0]))  # without the checkpoint of the other
                        except trio.WouldBlock:
                            await feed.send((self._socket.heard_at, events[0]))
                        del events[0]  # it is long, and the call may be so too
                    events = self._adapter.receive(await self._socket.receive())
            except (PeerClosed, RemoteError) as error:
                self.ending = gone(error)
            finally:
                self._unread += 1
                if self._mind is not None:
                    self._mind.cancel()  # it holds the channel open

    # -- the writer ----------------------------------------------------------------------------------------------

    async def _write(self, inbox: trio.MemoryReceiveChannel[_Arrival | None], greeting: TurnRequested | None) -> None:
        """Answer events until the reader has ended, or `stop` and the end of the turn; then the call is over."""
        try:
            if greeting is not None:
                await self._begin(greeting, self._opened)
            while True:
                if self._newest is not None:
                    await self._catch_up()
                arrival = None
                if self._playing is None and not self._at_once and not self._stopping:
                    arrival = await inbox.receive()
                elif self._unread or self._mind is not None:  # a mind's pieces are not counted
                    # Another may wait already, which supersedes this one: look before anything is sent.
                    with suppress(trio.WouldBlock):
                        arrival = inbox.receive_nowait()
                if arrival is None and not await self._send_due():
                    if self._playing is not None:
                        with trio.move_on_at(self._playing.due(self._held_until())):
                            arrival = await inbox.receive()
                    elif self._stopping:
                        self.ending = Ending(self._adapter.going_away, "the daemon stops", "the server is going away")
                        return
                if arrival is None:
                    continue
                if isinstance(arrival[1], TurnRequested):
                    self._unread -= 1
                    await self._begin(arrival[1], arrival[0])
                else:
                    self._take(arrival[1])
        except trio.EndOfChannel:
            pass  # the reader says why
        except PeerClosed as closed:
            self.ending = gone(closed)
        finally:
            self._nursery.cancel_scope.cancel()

    def _held_until(self) -> float:
        """Return before when, in trio's time, a turn must not end: it may have to wait for the disk."""
        if not self._waits_for_disk or self._session is None:
            return -math.inf
        return self._session.held_until()

    def _take(self, event: KeepaliveRequested | Ignored | Spoken | Finished) -> None:
        match event:
            case KeepaliveRequested(stamp):
                self._unread -= 1
                self._at_once += self._adapter.send((AnswerKeepalive(stamp),))
            case Ignored(why):
                self._unread -= 1
                self._meter.ignored += 1
                log.warning("ignored", extra={"fields": {"conn": self._conn, "why": why}})
            case _:
                self._add(event)

    async def _begin(self, event: TurnRequested, arrived: float) -> None:
        """Start a turn; it supersedes what is left of an older one. Cancelling: the turn is lost."""
        if event.turn <= self._ended:
            return
        if self._playing is not None:
            self._meter.superseded[self._platform] += 1
            log.debug("barge-in", extra={"fields": {"conn": self._conn, "turn": event.turn}})
        if self._mind is not None:
            self._mind.cancel()
        self._answering = None
        self.turns += 1
        self._meter.turns[self._platform] += 1
        conversation = self._conversation or self._converse()
        if event.session is not None:
            is_another = event.session != self.session
            self.session = event.session
            if self._sessions is not None:
                session = self._session
                if session is None or is_another:
                    session = self._session = self._join(event.session, self._sessions)
                if not session.is_begun():
                    await self._begin_session(session, event)
        if self._mind is not None:
            event = replace(event, variables={**facts_of(self._kept), **event.variables})
        try:
            while (turn := conversation.on(event, arrived - self._opened)) is None:
                await trio.lowlevel.checkpoint()
        except Exception:  # a bug in there costs the caller an apology, not the call
            self._meter.failed += 1
            log.exception("bug", extra={"fields": {"conn": self._conn, "turn": event.turn}})
            turn = conversation.apologise(event)
        if turn.problem is not None:
            self._meter.failed += 1
            log.warning("turn failed", extra={"fields": {"conn": self._conn, "turn": event.turn, "why": turn.problem}})
        self._playing = Playing(turn.number, arrived, self._clock.current_time(), self._pace_s, [*turn.cues])
        if turn.steered:
            self._meter.count_steered(turn.steered)
        if turn.delegated is not None:
            self._delegate(event, turn, turn.delegated)
        else:
            self._keep(event, turn)
        if log.isEnabledFor(logging.DEBUG):
            fields = {"conn": self._conn, "turn": event.turn, "heard": turn.heard, "said": turn.said}
            if turn.steered:
                fields["steered"] = turn.steered
            log.debug("turn", extra={"fields": fields})

    def _converse(self) -> Conversation:
        """Begin the conversation."""
        self._conversation = self._voice.converse(self._adapter)
        if self._voice.borrowed is not None:
            unit, polish = self._voice.manner.unit, self._conversation.polish
            self._mind = Mind(self._voice.borrowed, unit, polish, self._conn)
        return self._conversation

    @property
    def _kept(self) -> dict[str, Any]:
        """What a responder keeps."""
        return self._data if self._session is None or not self._session.is_known else self._session.data

    def _delegate(self, event: TurnRequested, turn: Turn, delegated: Delegated) -> None:
        """Have the turn answered by the responder; its pieces come in by the same way as everything else."""
        assert self._mind is not None, "only a connection with a mind has a conversation that delegates"
        assert self._feed is not None, "it runs"
        asked = agent.Turn(
            transcript=event.transcript,
            utterance=turn.heard,
            platform=self._platform,
            session=agent.Session(self._platform, event.session, self._kept),
            expressions=event.expressions,
            seconds_left=delegated.seconds_left,
            ask_eliza=lambda: delegated.eliza,
        )
        self._answering = (event, turn)
        try:
            self._mind.begin(self._nursery, self._feed.clone(), event.turn, asked)
        except trio.ClosedResourceError:
            pass  # the reader has ended: the caller is gone

    def _add(self, piece: Spoken | Finished) -> None:
        """Put a piece of the responder's reply behind what is left of the turn."""
        if self._answering is None or self._answering[0].turn != piece.turn:
            return  # of a turn that has been superseded
        assert self._playing is not None, "what is answered has not ended"
        event, turn = self._answering
        if isinstance(piece, Spoken):
            self._playing.say(piece.text, self._clock.current_time())
            self._answering = (event, replace(turn, said=turn.said + piece.text))
            return
        hang_up = turn.delegated is not None and turn.delegated.hang_up
        self._playing.end(self._clock.current_time(), hang_up=hang_up)
        self._answering = None
        self._keep(event, turn)

    def _join(self, id: str, sessions: Sessions) -> Session:
        return Session(sessions, Key(self._platform, id), self._voice.eliza, self._look)

    async def _begin_session(self, session: Session, event: TurnRequested) -> None:
        """Let the conversation begin where earlier calls of its session ended, once that is known. Cancelling: safe."""
        conversation = self._conversation
        assert conversation is not None
        past = await session.begin(event, lambda: conversation.heard(event.transcript))
        if past is not None:
            conversation.resume(past)

    def _keep(self, event: TurnRequested, turn: Turn) -> None:
        if self._session is not None:
            self._newest = None if self._session.keep(event, turn) else (event, turn)

    async def _catch_up(self) -> None:
        """Have the newest turn kept as well, if its session became known only after it had begun. Cancelling: safe."""
        assert self._session is not None
        assert self._conversation is not None
        if self._newest is None or self._answering is not None or not self._session.has_come_late:
            return
        event, turn = self._newest
        await self._begin_session(self._session, event)
        self._keep(event, await refolded(self._conversation, event, turn))

    async def _send_due(self) -> bool:
        """Send every frame that is due, in one write; whether anything was."""
        frames, playing = self._at_once, self._playing
        if frames:
            self._at_once = []
        commands: Sequence[Command] = ()
        if playing is not None and (commands := playing.take(self._clock.current_time(), self._held_until())):
            frames = frames + self._adapter.send(commands)
            if isinstance(last := commands[-1], EndTurn):
                self._ended, self._playing = last.turn, None
        if frames:
            await self._socket.send(frames)
        if playing is not None and commands:  # how long the caller has waited for what has just been sent
            waited = self._clock.current_time() - playing.asked
            if not playing.is_heard:
                playing.is_heard = True
                self._meter.first_chunk_s.observe(waited)
            if self._playing is None:
                self._meter.turn_s.observe(waited)
        return bool(frames or commands)
