"""One chat with EVI on one socket: a reader, a speaker, and one that decides and writes.

Everything that happens comes to the writer through one inbox: what the client sends, what the speaker says, what is
heard. So it alone knows what is still wanted: a message of a reply that was cut off is dropped there, and never
follows the user_interruption. Only the writer waits for the client to take bytes.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, Protocol

import trio

from elizad.errors import RemoteError
from elizad.evi.answers import Answers
from elizad.evi.attention import Attention, not_heard
from elizad.evi.ear import Deaf, Heard, Hearing, Interim, Sound, SpeechBegan
from elizad.evi.hours import Hours
from elizad.evi.mouth import Mouth
from elizad.evi.profile import Profile
from elizad.evi.sitting import Sitting, new_id
from elizad.evi.speaker import Piece, Speaker
from elizad.evi.turns import Turns
from elizad.net.errors import PeerClosed
from elizad.protocols.evi import incoming
from elizad.protocols.evi.chat import HANG_UP
from elizad.protocols.evi.incoming import EviProblem, Incoming
from elizad.service.connection import Socket
from elizad.service.ending import Ending, gone
from elizad.service.responder import Mind
from elizad.types import CloseCode

log = logging.getLogger("elizad.evi")

_INBOX: Final = 1  # the client waits while we write, and so does the speaker
_GREETING_S: Final = 0.5  # for a greeting's first words: a script takes a millisecond, and nobody waits for a mind
_PARTING_S: Final = 15.0  # for our last words to be played before the chat ends


class _Left(NamedTuple):
    """The client is gone, or cannot be understood any more."""

    ending: Ending


class EviSocket(Socket, Protocol):
    """What a chat needs of a WebSocket: binary messages are sound."""

    async def receive_any(self) -> str | bytes: ...


class _Microphone(NamedTuple):
    """A binary message: pages on Hume's React provider send sound as their browser records it, without an envelope."""

    data: bytes


_Arrival = Incoming | _Microphone | EviProblem | Piece | Sound | _Left

_STOPS: Final = "the daemon stops"

# How the end of a chat is told over REST, by why it ended; any other was the user's doing.
_STATUS: Final[Mapping[str, str]] = {
    "inactivity_timeout": "INACTIVITY_TIMEOUT",
    "max_duration_timeout": "MAX_DURATION_TIMEOUT",
    "chat_too_long": "ERROR",
    _STOPS: "ERROR",
}


class Call:
    """One live chat. Run it once."""

    def __init__(
        self,
        socket: EviSocket,
        sitting: Sitting,
        profile: Profile,
        turns: Turns,
        mouth: Mouth | None = None,
        mind: Mind | None = None,
        hearing: Hearing | None = None,
        *,
        verbose: bool = False,
    ) -> None:
        """Without a mouth there is no sound; `mind` answers the turns that the conversation delegates.

        `verbose`: the client wants to know what is heard while the caller is still speaking.
        """
        self._socket = socket
        self._sitting = sitting
        self._chat = sitting.chat
        self._writer = sitting.writer
        self._profile = profile
        self._turns = turns
        self._feed, self._inbox = trio.open_memory_channel[_Arrival](_INBOX)
        speaker = Speaker(self._put, sitting.writer, mouth, lambda: sitting.chat.voice_id or profile.voice)
        self._answers = Answers(sitting, turns, speaker, self._put, mind)
        self._attention = Attention(hearing, self._put, interim=verbose)
        self._hours = Hours(profile, sitting.opened)
        self._frames: list[str] = []  # what is to be sent next
        self._waiting: trio.CancelScope | None = None
        self._stopping = False
        self._over: tuple[EviProblem | None, Ending] | None = None  # how the chat ends when our words are played
        self._over_by = math.inf  # when it ends in any case, in trio's time
        self.ending: Ending | None = None
        self.beside: list[Callable[[], Awaitable[None]]] = []
        """What runs as long as the chat does."""

    @property
    def turns(self) -> int:
        """How many turns were asked for."""
        return self._answers.count

    @property
    def session(self) -> str | None:
        """The client's name for what this chat belongs to."""
        return self._chat.session

    async def run(self) -> None:
        """Hold the chat until one side ends it, and close the socket; `ending` says how it went.

        Cancelling: ends the chat without a goodbye. Whoever owns the socket closes the transport.
        """
        status = "ERROR"
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = self._answers.nursery = nursery
                for task in self.beside:
                    nursery.start_soon(task)
                try:
                    await self._hold()
                except PeerClosed as closed:
                    self.ending = gone(closed)
                nursery.cancel_scope.cancel()
            status = self._status()
        finally:
            self._sitting.record.end(status)
        ending = self.ending or Ending(CloseCode.ABNORMAL, "cancelled")
        await self._socket.close(ending.code, ending.reason)
        await self._turns.finish()

    def stop(self) -> None:
        """End the chat when the reply that is being spoken is finished. Does not wait."""
        self._stopping = True
        self._look()

    def tell(self, problem: EviProblem) -> None:
        """Tell the client of a problem that is not its own, and that is logged; the chat goes on. Does not wait."""
        self._frames.append(self._writer.error(problem))
        self._look()

    def complain(self, problem: EviProblem) -> None:
        """Tell the client of something that it asked for in vain; the chat goes on. Does not wait."""
        self._sitting.meter.ignored += 1
        fields = {"conn": self._sitting.conn, "why": f"{problem.code} {problem.slug}"}
        log.warning("ignored", extra={"fields": fields})
        self.tell(problem)

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
                message = await self._socket.receive_any()
                arrival: _Arrival = _Microphone(message) if isinstance(message, bytes) else incoming.read(message)
            except EviProblem as problem:
                arrival = problem
            except PeerClosed as closed:
                arrival = _Left(gone(closed))
            except RemoteError as error:
                arrival = _Left(Ending(error.code, f"bad input: {error.reason}", error.reason))
            await self._feed.send(arrival)
            if isinstance(arrival, _Left):
                return

    async def _put(self, arrival: Piece | Sound) -> None:
        await self._feed.send(arrival)

    # -- the writer ----------------------------------------------------------------------------------------------

    async def _hold(self) -> None:
        record = self._sitting.record
        self._frames.insert(0, self._writer.chat_metadata(record.chat_id, record.chat_group_id))
        await self._flush()
        if self._chat.system_prompt:
            self._sitting.note("SYSTEM", "SYSTEM_PROMPT", self._chat.system_prompt)
        await self._greet()
        self._nursery.start_soon(self._read)
        while self.ending is None:
            await self._flush()
            if (arrival := await self._next()) is not None:
                await self._take(arrival)
            self._answers.next_up()
            self._see_the_time()
        await self._flush()

    async def _flush(self) -> None:
        """Send what there is in one write."""
        while self._frames:
            frames, self._frames = self._frames, []
            await self._socket.send(frames)

    async def _next(self) -> _Arrival | None:
        """Wait for what happens next; None if it is time for something of ours first."""
        with trio.CancelScope(deadline=self._due_at()) as self._waiting:
            if self._frames:
                return None
            return await self._inbox.receive()
        return None

    def _due_at(self) -> float:
        """Return when there is something to do though nothing happens, in trio's time."""
        answers = self._answers
        if self._over is not None:
            return self._over_by if answers.is_busy else min(self._over_by, answers.plays_until)
        if self._stopping and not answers.is_busy:
            return -math.inf
        return self._hours.due_at

    def _see_the_time(self) -> None:
        """Do what is due."""
        now = trio.current_time()
        if self.ending is not None or self._due_at() > now:
            return
        if self._over is not None:
            problem, self.ending = self._over
            if problem is not None:
                self._frames.append(self._writer.error(problem))
        elif self._stopping and not self._answers.is_busy:
            self.ending = Ending(CloseCode.GOING_AWAY, _STOPS, "the server is going away")
        elif (due := self._hours.look(now, paused=self._chat.paused)) is not None:
            text = self._chat.filled(due.text or "")
            if due.problem is not None:
                self._end_with(due.problem, text)
            elif text:
                self._answers.say_next(text, from_text=False)

    def _end_with(self, problem: EviProblem, text: str | None = None) -> None:
        """End the chat with an error message, after `text` if there is one."""
        self._over = problem, Ending(CloseCode.NORMAL, problem.slug)
        self._over_by = -math.inf
        if text:
            self._answers.hush()
            self._answers.forget()
            self._over_by = trio.current_time() + _PARTING_S
            self._answers.say_next(text, from_text=False)

    async def _take(self, arrival: _Arrival) -> None:
        match arrival:
            case Piece():
                if self._answers.take(arrival):
                    self._frames.append(arrival.frame)
                    self._hang_up_if_asked()
                    self._end_if_full()
            case _Left(ending):
                self.ending = ending
            case EviProblem():
                self.complain(arrival)
            case SpeechBegan() | Interim() | Heard() | Deaf():
                await self._listen(arrival)
            case _ if self._over is None:
                try:
                    if isinstance(arrival, _Microphone):
                        self._hear_sound(arrival.data)
                        return
                    if arrival.custom_session_id:
                        self.name(arrival.custom_session_id)
                    await self._obey(arrival)
                except EviProblem as problem:
                    self.complain(problem)

    async def _obey(self, message: Incoming) -> None:
        """Do what the client asks for. Raises: EviProblem."""
        match message:
            case incoming.UserInput(text=text):
                at = self._sitting.at_ms()
                await self._hear(text, at, at, from_text=True)
            case incoming.AssistantInput(text=text):
                self._answers.say_next(text, from_text=True)
            case incoming.SessionSettings():
                self._chat.apply(message)
            case incoming.Pause():
                self._chat.pause()
                self._answers.hush()
                self._sitting.note("USER", "PAUSE_ONSET")
            case incoming.Resume():
                self._sitting.note("USER", "RESUME_ONSET")
                if (event := self._chat.resume()) is not None:
                    await self._answers.answer(event)
            case incoming.ToolResponse() | incoming.ToolError():
                self._answers.take_answer(message)
                self._frames.append(self._writer.echo(message))
            case incoming.AudioInput():
                self._hear_sound(message.sound())

    def _hear_sound(self, data: bytes) -> None:
        """Raises: EviProblem."""
        self._attention.feed(self._nursery, data, self._chat.audio, self._sitting.at_ms())

    async def _listen(self, sound: Sound) -> None:
        """Do what follows from what is heard."""
        if self._over is not None:
            return
        match sound:
            case SpeechBegan():
                self._hours.heard(trio.current_time())
                if self._answers.is_heard:
                    self._cut_off()  # who is still thinking is left to it: it may be a cough
            case Interim(text, begin_ms, end_ms):
                frame = self._writer.user_message(text, begin_ms, end_ms, from_text=False, interim=True)
                self._frames.append(frame)
            case Heard(text, begin_ms, end_ms):
                await self._hear(text, begin_ms, end_ms, from_text=False)
            case Deaf(why):
                self.tell(not_heard(why))

    async def _greet(self) -> None:
        """Speak first, if the profile says so, and in the first chat of a group; who speaks at once is greeted too."""
        greeting, chat = self._profile.greeting, self._chat
        if greeting is None or chat.transcript:
            return
        if not greeting and self._profile.custom_language_model:
            self._answers.delegate(chat.greet(None))
        else:
            await self._answers.answer(chat.greet(greeting or None))
        with trio.move_on_after(_GREETING_S):
            while self._answers.is_busy and not self._answers.is_heard:
                await self._take(await self._inbox.receive())

    async def _hear(self, text: str, begin_ms: int, end_ms: int, *, from_text: bool) -> None:
        """Take what the caller said: it cuts off what is being said."""
        self._hours.heard(trio.current_time())
        self._cut_off()
        self._frames.append(self._writer.user_message(text, begin_ms, end_ms, from_text=from_text))
        self._sitting.note("USER", "USER_MESSAGE", text)
        event = self._chat.hear(text)
        self._end_if_full()
        if event is not None and self._over is None:
            await self._flush()
            await self._answers.answer(event)

    def _end_if_full(self) -> None:
        """End the chat if more has been said, by either side, than is kept of one."""
        if self._chat.is_full and self._over is None:
            why = "More has been said in this chat than in any conversation."
            self._end_with(EviProblem("E0101", "chat_too_long", why))

    def _cut_off(self) -> None:
        """Say no more of what is being said, and tell the client so if it may be playing it."""
        if self._answers.is_heard:
            self._frames.append(self._writer.user_interruption(self._sitting.unix_ms()))
            self._sitting.note("USER", "USER_INTERRUPTION")
        self._answers.forget()
        self._answers.hush()

    def _hang_up_if_asked(self) -> None:
        """End the chat after a goodbye, where the client has declared the tool for it."""
        if self._over is None and HANG_UP in self._chat.tools and self._answers.hangs_up:
            frame = self._writer.tool_call(new_id(), HANG_UP, "{}", builtin=True, response_required=False)
            self._frames.append(frame)
            self._over = None, Ending(CloseCode.NORMAL, "we hung up", "the conversation is over")
            self._over_by = trio.current_time() + _PARTING_S

    def _status(self) -> str:
        """Return how the chat has ended, as REST calls it."""
        if self.ending is None or self.ending.code == CloseCode.INTERNAL_ERROR:
            return "ERROR"
        return _STATUS.get(self.ending.why, "USER_ENDED")
