"""One chat with EVI on one socket: a reader, a speaker, and one that decides and writes.

Everything that happens comes to the writer through one inbox: what the client sends, what the speaker says, what is
heard. So it alone knows what is still wanted: a message of a reply that was cut off is dropped there, and never
follows the user_interruption. Only the writer waits for the client to take bytes.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, Protocol

import trio

from elizad import agent
from elizad.conversation.conversation import Delegated, Turn
from elizad.conversation.events import TurnRequested
from elizad.errors import RemoteError
from elizad.evi.profile import ANSWER_S, HARD_STOP_S, Profile
from elizad.evi.speaker import Piece, Reply, Speaker
from elizad.evi.tools import Tools
from elizad.evi.turns import PLATFORM, Turns
from elizad.net.errors import PeerClosed
from elizad.protocols.evi import incoming
from elizad.protocols.evi.chat import HANG_UP, Chat
from elizad.protocols.evi.incoming import EviProblem, Incoming
from elizad.protocols.evi.outgoing import Writer
from elizad.service.connection import Ending, Socket, gone
from elizad.service.meter import Meter
from elizad.service.responder import Finished, Mind, Spoken
from elizad.types import CloseCode

log = logging.getLogger("elizad.evi")

_INBOX: Final = 1  # the client waits while we write, and so does the speaker
_MOST_PIECES: Final = (
    1000  # of a responder's reply that wait to be spoken; what is spoken takes longer than to think of
)
_MOST_QUEUED: Final = 100  # texts of the client's that wait to be spoken
_PARTING_S: Final = 15.0  # for our last words to be played before the chat ends


class Record(Protocol):
    """What keeps what happens in a chat; an OpenChat of archive.py is one."""

    @property
    def chat_id(self) -> str: ...

    @property
    def chat_group_id(self) -> str: ...

    def note(
        self, role: str, type: str, text: str | None = None, *, emotion: str | None = None, at_ms: int
    ) -> None: ...

    def end(self, status: str) -> None: ...


class _Left(NamedTuple):
    """The client is gone, or cannot be understood any more."""

    ending: Ending


class _Queued(NamedTuple):
    text: str
    from_text: bool


class _Now:
    """The reply that is being spoken, or was spoken last."""

    def __init__(self, number: int, asked: float, event: TurnRequested | None = None, turn: Turn | None = None) -> None:
        """`asked` is when the message came that asked for it, in trio's time."""
        self.number = number
        self.asked = asked
        self.event = event
        self.turn = turn
        self.busy = False  # it has not been said to its end
        self.voiced = False  # a part of it has been sent


_Arrival = Incoming | EviProblem | Piece | _Left

# How the end of a chat is told over REST, by the slug of the error that ended it.
_STATUS: Final[Mapping[str, str]] = {
    "inactivity_timeout": "INACTIVITY_TIMEOUT",
    "max_duration_timeout": "MAX_DURATION_TIMEOUT",
}


class Call:
    """One live chat. Run it once."""

    def __init__(
        self,
        socket: Socket,
        chat: Chat,
        profile: Profile,
        turns: Turns,
        record: Record,
        writer: Writer,
        conn: str,
        meter: Meter,
        *,
        make_speaker: Callable[[Callable[[Piece], Awaitable[None]]], Speaker],
        new_id: Callable[[], str],
        mind: Mind | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`mind` answers the turns that the conversation delegates; `clock` is the time of day."""
        self._socket = socket
        self._chat = chat
        self._profile = profile
        self._turns = turns
        self._record = record
        self._writer = writer
        self._conn = conn
        self._meter = meter
        self._new_id = new_id
        self._mind = mind
        self._clock = clock
        self._speaker = make_speaker(self._put)
        self._tools = Tools(chat, new_id)
        self._frames: list[str] = []  # what is to be sent next
        self._queue: deque[_Queued] = deque()  # what is said when nothing else is
        self._now = _Now(0, 0.0)
        self._waiting: trio.CancelScope | None = None
        self._stopping = False
        self._nudged = False  # the caller was asked whether they are still there
        self._over: tuple[EviProblem | None, Ending] | None = None  # the chat ends with this when our words are played
        self._over_by = math.inf
        self._opened = self._heard_at = 0.0  # in trio's time
        self.turns = 0
        self.ending: Ending | None = None
        self.beside: list[Callable[[], Awaitable[None]]] = []
        """What runs as long as the chat does."""

    @property
    def session(self) -> str | None:
        """The client's name for what this chat belongs to."""
        return self._chat.session

    async def run(self) -> None:
        """Hold the chat until one side ends it, and close the socket; `ending` says how it went.

        Cancelling: ends the chat without a goodbye. Whoever owns the socket closes the transport.
        """
        self._feed, inbox = trio.open_memory_channel[_Arrival](_INBOX)
        self._opened = self._heard_at = trio.current_time()
        status = "ERROR"
        try:
            async with trio.open_nursery() as self._nursery:
                self._nursery.start_soon(self._read)
                for task in self.beside:
                    self._nursery.start_soon(task)
                try:
                    await self._hold(inbox)
                except PeerClosed as closed:
                    self.ending = gone(closed)
                self._nursery.cancel_scope.cancel()
            status = self._status()
        finally:
            self._record.end(status)
        ending = self.ending or Ending(CloseCode.ABNORMAL, "cancelled")
        await self._socket.close(ending.code, ending.reason)

    def stop(self) -> None:
        """End the chat when the reply that is being spoken is finished. Does not wait."""
        self._stopping = True
        self._look()

    def tell(self, problem: EviProblem) -> None:
        """Tell the client of a problem; the chat goes on. Does not wait."""
        self._complain(problem)
        self._look()

    def name(self, session: str) -> None:
        """Take over the session that somebody says this is."""
        self._chat.session = self._writer.session = session

    def _look(self) -> None:
        """Have the writer look again at what there is to do."""
        if self._waiting is not None:
            self._waiting.cancel()

    # -- the reader ----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Read messages until the client is gone. One that cannot be understood is told so."""
        while True:
            try:
                arrival: _Arrival = incoming.read(await self._socket.receive())
            except EviProblem as problem:
                arrival = problem
            except PeerClosed as closed:
                arrival = _Left(gone(closed))
            except RemoteError as error:
                if error.code == CloseCode.UNSUPPORTED_DATA:
                    arrival = incoming.malformed("binary messages are not part of this protocol")
                else:
                    arrival = _Left(Ending(error.code, f"bad input: {error.reason}", error.reason))
            await self._feed.send(arrival)
            if isinstance(arrival, _Left):
                return

    async def _put(self, piece: Piece) -> None:
        await self._feed.send(piece)

    # -- the writer ----------------------------------------------------------------------------------------------

    async def _hold(self, inbox: trio.MemoryReceiveChannel[_Arrival]) -> None:
        record = self._record
        self._frames.insert(0, self._writer.chat_metadata(record.chat_id, record.chat_group_id))
        await self._flush()
        if self._chat.system_prompt:
            self._note("SYSTEM", "SYSTEM_PROMPT", self._chat.system_prompt)
        await self._greet()
        while self.ending is None:
            await self._flush()
            if (arrival := await self._next(inbox)) is not None:
                await self._take(arrival)
            self._next_up()
            self._see_the_time()
        await self._flush()

    async def _flush(self) -> None:
        """Send what there is in one write."""
        while self._frames:
            frames, self._frames = self._frames, []
            await self._socket.send(frames)

    async def _next(self, inbox: trio.MemoryReceiveChannel[_Arrival]) -> _Arrival | None:
        """Wait for what happens next; None if it is time for something of ours first."""
        with trio.CancelScope(deadline=self._deadline()) as self._waiting:
            if self._frames:
                return None
            return await inbox.receive()
        return None

    def _deadline(self) -> float:
        """Return when there is something to do though nothing happens, in trio's time."""
        if self._over is not None:
            return self._over_by if self._now.busy else min(self._over_by, self._speaker.plays_until)
        if self._stopping and not self._now.busy:
            return -math.inf
        return min(self._ends_at(), self._silent_at())

    def _ends_at(self) -> float:
        return self._opened + min(self._profile.max_duration_s, HARD_STOP_S)

    def _silent_at(self) -> float:
        limit_s = self._profile.inactivity_s
        return math.inf if limit_s <= 0 else self._heard_at + limit_s + (ANSWER_S if self._nudged else 0.0)

    def _see_the_time(self) -> None:
        """Do what is due."""
        now, profile = trio.current_time(), self._profile
        if self.ending is not None or self._deadline() > now:
            return
        if self._over is not None:
            problem, self.ending = self._over
            if problem is not None:
                self._frames.append(self._writer.error(problem))
        elif self._stopping and not self._now.busy:
            self.ending = Ending(CloseCode.GOING_AWAY, "the daemon stops", "the server is going away")
        elif now >= self._ends_at():
            limit_s = self._ends_at() - self._opened
            why = f"Chat was ended because it lasted {limit_s:g} seconds, the longest that it may."
            self._end_with(EviProblem("E0715", "max_duration_timeout", why), profile.max_duration_text)
        elif profile.inactivity_text and not self._nudged and not self._chat.paused:
            self._nudged = True
            self._queue.append(_Queued(profile.inactivity_text, False))
            self._next_up()
        else:
            limit_s = profile.inactivity_s
            why = f"Chat was ended because no user message was received in {limit_s:g} seconds."
            self._end_with(EviProblem("E0714", "inactivity_timeout", why))

    def _end_with(self, problem: EviProblem, text: str | None = None) -> None:
        """End the chat with an error message, after `text` if there is one."""
        self._over = problem, Ending(CloseCode.NORMAL, problem.slug)
        self._over_by = -math.inf
        if text and not self._chat.paused:
            self._hush()
            self._over_by = trio.current_time() + _PARTING_S
            self._queue.append(_Queued(text, False))
            self._next_up()

    async def _take(self, arrival: _Arrival) -> None:
        match arrival:
            case Piece():
                self._pass_on(arrival)
            case _Left(ending):
                self.ending = ending
            case EviProblem():
                self._complain(arrival)
            case _ if self._over is None:
                if arrival.custom_session_id:
                    self.name(arrival.custom_session_id)
                try:
                    await self._obey(arrival)
                except EviProblem as problem:
                    self._complain(problem)

    async def _obey(self, message: Incoming) -> None:
        """Do what the client asks for. Raises: EviProblem."""
        match message:
            case incoming.UserInput(text=text):
                at = self._at_ms()
                await self._hear(text, at, at, from_text=True)
            case incoming.AssistantInput(text=text):
                if len(self._queue) >= _MOST_QUEUED:
                    raise incoming.malformed(f"more than {_MOST_QUEUED} texts wait to be spoken")
                self._queue.append(_Queued(text, True))
            case incoming.SessionSettings():
                self._chat.apply(message)
            case incoming.Pause():
                self._chat.pause()
                self._hush()
                self._note("USER", "PAUSE_ONSET")
            case incoming.Resume():
                self._note("USER", "RESUME_ONSET")
                if (event := self._chat.resume()) is not None:
                    await self._answer(event)
            case incoming.ToolResponse(content=content):
                self._take_answer(message, content)
            case incoming.ToolError(error=error):
                self._take_answer(message, error)
            case incoming.AudioInput():
                raise EviProblem("E0200", "no_hearing", "Speech is not understood here: send user_input instead.")

    def _complain(self, problem: EviProblem) -> None:
        self._meter.ignored += 1
        log.warning("ignored", extra={"fields": {"conn": self._conn, "why": f"{problem.code} {problem.slug}"}})
        self._frames.append(self._writer.error(problem))

    # -- turns ---------------------------------------------------------------------------------------------------

    async def _greet(self) -> None:
        greeting = self._profile.greeting
        if greeting is None or self._chat.transcript:
            return
        if not greeting and self._profile.custom_language_model and self._mind is not None:
            self._delegate(self._begin(self._chat.greet(None)), "", Delegated("", False, None))
            return
        await self._answer(self._chat.greet(greeting or None))

    async def _hear(self, text: str, begin_ms: int, end_ms: int, *, from_text: bool) -> None:
        """Take what the caller said: it cuts off what we are saying."""
        self._heard_at, self._nudged = trio.current_time(), False
        self._cut_off()
        self._frames.append(self._writer.user_message(text, begin_ms, end_ms, from_text=from_text))
        self._note("USER", "USER_MESSAGE", text)
        event = self._chat.hear(text)
        if self._chat.is_full:
            why = "More has been said in this chat than in any conversation."
            self._end_with(EviProblem("E0101", "chat_too_long", why))
        elif event is not None:
            await self._flush()
            await self._answer(event)

    def _cut_off(self) -> None:
        """Say no more of what we are saying, and tell the client so if it may be playing it."""
        now = trio.current_time()
        if self._now.voiced and (self._now.busy or now < self._speaker.plays_until):
            unix_ms = self._unix_ms()
            self._frames.append(self._writer.user_interruption(unix_ms))
            self._note("USER", "USER_INTERRUPTION")
        if self._now.busy:
            self._meter.superseded[PLATFORM] += 1
            log.debug("barge-in", extra={"fields": {"conn": self._conn, "turn": self._now.number}})
        self._queue.clear()
        self._hush()

    def _hush(self) -> None:
        """Say no more of what we are saying."""
        if self._mind is not None:
            self._mind.cancel()
        self._speaker.cancel()
        self._now = _Now(-1, 0.0)

    async def _answer(self, event: TurnRequested) -> None:
        """Begin the turn that is asked for."""
        now = self._begin(event)
        turn = now.turn = await self._turns.answer(event._replace(elapsed_s=now.asked - self._opened))
        if turn.delegated is not None:
            self._delegate(now, turn.said, turn.delegated)
        else:
            self._speak(now, Reply(now.number, turn.said))

    def _begin(self, event: TurnRequested) -> _Now:
        self._hush()
        self.turns += 1
        self._meter.turns[PLATFORM] += 1
        self._now = _Now(event.turn, trio.current_time(), event)
        return self._now

    def _delegate(self, now: _Now, first: str, delegated: Delegated) -> None:
        """Have the turn answered by the mind, behind what is said first."""
        assert self._mind is not None, "only a chat with a mind has a conversation that delegates"
        assert now.event is not None
        feed, more = trio.open_memory_channel[tuple[float, Spoken | Finished]](_MOST_PIECES)
        asked = agent.Turn(
            transcript=self._chat.transcript,
            utterance="" if now.turn is None else now.turn.heard,
            platform=PLATFORM,
            session=agent.Session(PLATFORM, self._chat.session, self._turns.data),
            expressions=now.event.expressions,
            seconds_left=delegated.seconds_left,
            ask_eliza=lambda: delegated.eliza,
            context=now.event.context,
            variables=self._chat.variables,
            system_prompt=self._chat.system_prompt,
            call_tool=lambda name, parameters: self._call_tool(now, name, parameters),
        )
        self._mind.begin(self._nursery, feed, now.number, asked)
        self._speak(now, Reply(now.number, first, more))

    def _speak(self, now: _Now, reply: Reply) -> None:
        async def fill(sentence: str) -> str:
            return sentence

        async def settled(said: str) -> None:
            if now.event is not None and now.turn is not None:
                await self._turns.settle(now.event, now.turn._replace(said=said))

        now.busy = True
        self._speaker.begin(self._nursery, reply, fill, settled)

    def _next_up(self) -> None:
        """Say what waits to be said, if nothing else is."""
        if self._queue and not self._now.busy and not self._chat.paused and self.ending is None:
            text, from_text = self._queue.popleft()
            now = self._now = _Now(self._chat.ask(), trio.current_time())
            self._speak(now, Reply(now.number, text, from_text=from_text))

    def _pass_on(self, piece: Piece) -> None:
        """Send what the speaker says, if it is still wanted."""
        now = self._now
        if piece.turn != now.number:
            return
        self._frames.append(piece.frame)
        waited = trio.current_time() - now.asked
        if piece.said:
            self._chat.say(piece.said)
            self._note("AGENT", "AGENT_MESSAGE", piece.said)
            if not now.voiced:
                now.voiced = True
                self._meter.first_chunk_s.observe(waited)
        if piece.ends:
            now.busy = False
            self._meter.turn_s.observe(waited)
            self._hang_up_if_asked(now)

    def _hang_up_if_asked(self, now: _Now) -> None:
        turn = now.turn
        if turn is None or HANG_UP not in self._chat.tools or not _ends_call(turn):
            return
        frame = self._writer.tool_call(self._new_id(), HANG_UP, "{}", builtin=True, response_required=False)
        self._frames.append(frame)
        self._over = None, Ending(CloseCode.NORMAL, "we hung up", "the conversation is over")
        self._over_by = trio.current_time() + _PARTING_S

    # -- tools ---------------------------------------------------------------------------------------------------

    async def _call_tool(self, now: _Now, name: str, parameters: Mapping[str, object]) -> str:
        """Call a tool of the client's for this turn. Raises: ToolFailed. Cancelling: the answer is ignored."""

        async def ask(id: str, name: str, parameters: str) -> None:
            self._note("AGENT", "FUNCTION_CALL", f"{name}({parameters})")
            await self._put(Piece(now.number, self._writer.tool_call(id, name, parameters)))

        return await self._tools.call(ask, name, parameters)

    def _take_answer(self, answer: incoming.ToolResponse | incoming.ToolError, text: str) -> None:
        """Raises: EviProblem."""
        if not self._tools.take(answer):
            raise incoming.malformed("no answer is waited for with this `tool_call_id`")
        self._note("TOOL", "FUNCTION_CALL_RESPONSE", text)
        self._frames.append(self._writer.echo(answer))

    # -- time and the record -------------------------------------------------------------------------------------

    def _at_ms(self) -> int:
        """Return how long the chat has lasted, in milliseconds."""
        return math.floor((trio.current_time() - self._opened) * 1000)

    def _unix_ms(self) -> int:
        return math.floor(self._clock() * 1000)

    def _note(self, role: str, type: str, text: str | None = None) -> None:
        self._record.note(role, type, text, at_ms=self._unix_ms())

    def _status(self) -> str:
        if self.ending is None or self.ending.code == CloseCode.INTERNAL_ERROR:
            return "ERROR"
        return _STATUS.get(self.ending.why, "USER_ENDED")


def _ends_call(turn: Turn) -> bool:
    """Whether we would hang up after this turn, where we can."""
    if turn.delegated is not None:
        return turn.delegated.hang_up
    return bool(turn.cues) and bool(getattr(turn.cues[-1].command, "hang_up", False))
