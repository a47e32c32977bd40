"""What is said in one chat, and when it is no longer wanted: one reply at a time, and texts that wait for their turn.

A reply is ELIZA's, a responder's, or the client's own words. A newer one takes the place of what is left of it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import trio
from msgspec.structs import replace

from elizad import agent
from elizad.conversation.commands import EndTurn
from elizad.conversation.conversation import Delegated, Turn
from elizad.conversation.events import TurnRequested
from elizad.conversation.phrases import NO_TOOL
from elizad.conversation.tools import told, tool_mark, unmarked
from elizad.evi.sitting import Sitting, new_id
from elizad.evi.speaker import Piece, Reply, Speaker
from elizad.evi.tools import Tools
from elizad.evi.turns import Turns
from elizad.evi.ways import PLATFORM
from elizad.protocols.evi.incoming import ToolError, ToolResponse, malformed
from elizad.service.responder import Finished, Mind, Spoken

log = logging.getLogger("elizad.evi")

_MOST_PIECES: Final = 1000  # of a responder's reply that wait to be spoken; it thinks faster than anybody speaks
_MOST_QUEUED: Final = 100  # texts of the client's that wait to be spoken
_MOST_MARKS: Final = 4  # of one sentence, each a wait for the client
_MOST_CONTENT: Final = 4000  # characters of what a tool says that a script says: four minutes


class _Queued(NamedTuple):
    text: str
    from_text: bool


class _Now:
    """The reply that is being spoken, or was spoken last."""

    def __init__(self, number: int, event: TurnRequested | None = None) -> None:
        self.number = number
        self.asked = trio.current_time()
        self.event = event
        self.turn: Turn | None = None
        self.busy = False  # it has not been said to its end
        self.voiced = False  # a part of it has been sent


class Answers:
    """Says things in one chat. Every message of it passes `take`, in the task of whoever writes to the client."""

    def __init__(
        self,
        sitting: Sitting,
        turns: Turns,
        speaker: Speaker,
        put: Callable[[Piece], Awaitable[None]],
        mind: Mind | None = None,
    ) -> None:
        """`put` hands a message to the writer; `mind` answers the turns that the conversation delegates."""
        self._sitting = sitting
        self._turns = turns
        self._speaker = speaker
        self._put = put
        self._mind = mind
        self._tools = Tools(sitting.chat)
        self._queue: deque[_Queued] = deque()  # what is said when nothing else is
        self._now = _Now(0)
        self.nursery: trio.Nursery
        """Where replies are spoken: set before the first."""
        self.count = 0
        """Turns that were asked for."""

    @property
    def is_busy(self) -> bool:
        """Whether a reply has not been said to its end."""
        return self._now.busy

    @property
    def plays_until(self) -> float:
        """When the client has played what was sent, in trio's time."""
        return self._speaker.plays_until

    @property
    def is_heard(self) -> bool:
        """Whether the client may be playing something of ours now, or is about to."""
        return self._now.voiced and (self._now.busy or trio.current_time() < self._speaker.plays_until)

    def hush(self) -> None:
        """Say no more of what is being said."""
        if self._now.busy:
            self._sitting.meter.superseded[PLATFORM] += 1
            log.debug("barge-in", extra={"fields": {"conn": self._sitting.conn, "turn": self._now.number}})
        if self._mind is not None:
            self._mind.cancel()
        self._speaker.cancel()
        self._now = _Now(-1)

    def forget(self) -> None:
        """Say nothing of what waits to be said."""
        self._queue.clear()

    async def answer(self, event: TurnRequested) -> None:
        """Begin the turn that is asked for, in place of what is being said."""
        now = self._begin(event)
        turn = now.turn = await self._turns.answer(event, now.asked - self._sitting.opened)
        if turn.delegated is not None:
            self._delegate(now, turn.said, turn.delegated)
        else:
            self._speak(now, Reply(now.number, turn.said))

    def delegate(self, event: TurnRequested) -> None:
        """Begin a turn that is the mind's alone."""
        self._delegate(self._begin(event), "", Delegated("", hang_up=False, seconds_left=None))

    def say_next(self, text: str, *, from_text: bool) -> None:
        """Have a text said when nothing else is; `from_text`: the client's own words.

        Raises: EviProblem, if too many of these wait.
        """
        if from_text and len(self._queue) >= _MOST_QUEUED:
            raise malformed(f"more than {_MOST_QUEUED} texts wait to be spoken")
        self._queue.append(_Queued(text, from_text))
        self.next_up()

    def next_up(self) -> None:
        """Say what waits to be said, if nothing else is."""
        if self._queue and not self._now.busy and not self._sitting.chat.paused:
            text, from_text = self._queue.popleft()
            now = self._now = _Now(self._sitting.chat.ask())
            self._speak(now, Reply(now.number, text, from_text=from_text))

    def take(self, piece: Piece) -> bool:
        """Take down a message that the speaker says; False for one that is not wanted any more."""
        now, sitting = self._now, self._sitting
        if piece.turn != now.number:
            return False
        waited = trio.current_time() - now.asked
        if piece.said:
            sitting.chat.say(piece.said)
            sitting.note("AGENT", "AGENT_MESSAGE", piece.said)
            if not now.voiced:
                now.voiced = True
                sitting.meter.first_chunk_s.observe(waited)
        if piece.ends:
            now.busy = False
            sitting.meter.turn_s.observe(waited)
        return True

    @property
    def hangs_up(self) -> bool:
        """Whether the call is over with what was said last."""
        turn = self._now.turn
        if turn is None or self._now.busy:
            return False
        if turn.delegated is not None:
            return turn.delegated.hang_up
        end = turn.cues[-1].commands[-1]
        return isinstance(end, EndTurn) and end.hang_up

    def _begin(self, event: TurnRequested) -> _Now:
        self.hush()
        self.count += 1
        self._sitting.meter.turns[PLATFORM] += 1
        self._now = _Now(event.turn, event)
        return self._now

    def _delegate(self, now: _Now, first: str, delegated: Delegated) -> None:
        """Have the turn answered by the mind, behind what is said first."""
        assert self._mind is not None, "only a chat with a mind has a conversation that delegates"
        assert now.event is not None
        chat = self._sitting.chat
        asked = agent.Turn(
            transcript=chat.transcript,
            utterance="" if now.turn is None else now.turn.heard,
            platform=PLATFORM,
            session=agent.Session(PLATFORM, chat.session, self._turns.data),
            expressions=now.event.expressions,
            seconds_left=delegated.seconds_left,
            ask_eliza=lambda: delegated.eliza,
            context=now.event.context,
            variables=chat.variables,
            system_prompt=chat.system_prompt,
            call_tool=lambda name, parameters: self._call_tool(now, name, parameters),
        )
        feed, more = trio.open_memory_channel[tuple[float, Spoken | Finished]](_MOST_PIECES)
        self._mind.begin(self.nursery, feed, now.number, asked)
        self._speak(now, Reply(now.number, first, more))

    def _speak(self, now: _Now, reply: Reply) -> None:
        async def fill(sentence: str) -> str:
            scripted = now.turn is not None and now.turn.delegated is None and not self._turns.is_faithful
            return await self._fill(now, sentence) if scripted else sentence

        async def settled(said: str) -> None:
            if now.event is not None and now.turn is not None:
                await self._turns.settle(now.event, replace(now.turn, said=said))

        now.busy = True
        self._speaker.begin(self.nursery, reply, fill, settled)

    # -- tools ---------------------------------------------------------------------------------------------------

    def take_answer(self, answer: ToolResponse | ToolError) -> None:
        """Hand on what the client says of a tool. Raises: EviProblem."""
        if not self._tools.take(answer):
            raise malformed("no answer is waited for with this `tool_call_id`")
        text = answer.content if isinstance(answer, ToolResponse) else answer.error
        self._sitting.note("TOOL", "FUNCTION_CALL_RESPONSE", text)

    async def _call_tool(self, now: _Now, name: str, parameters: Mapping[str, object]) -> str:
        """Call a tool of the client's for this turn. Raises: ToolFailed. Cancelling: the answer is ignored."""

        async def ask(id: str, name: str, parameters: str) -> None:
            self._sitting.note("AGENT", "FUNCTION_CALL", f"{name}({parameters})")
            await self._put(Piece(now.number, self._sitting.writer.tool_call(id, name, parameters)))

        return await self._tools.call(ask, new_id(), name, parameters)

    async def _fill(self, now: _Now, text: str) -> str:
        """Return what a script says with what tools say in the place of its marks. Cancelling: safe."""
        polish = self._turns.conversation.polish
        for _ in range(_MOST_MARKS):
            if (mark := tool_mark(text)) is None:
                break
            try:
                content = told(await self._call_tool(now, mark.name, mark.parameters))
            except agent.ToolFailed as failed:
                log.info("tool failed", extra={"fields": {"conn": self._sitting.conn}})
                return polish(failed.content or NO_TOOL)
            if not content.strip():  # it has nothing to say, and the sentence would have a hole
                return polish(self._tools.fallback(mark.name) or NO_TOOL)
            text = mark.filled(unmarked(polish(content[:_MOST_CONTENT])))
        return text
