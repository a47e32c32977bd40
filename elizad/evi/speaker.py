"""Says one reply at a time, sentence by sentence, with its sound; a task of its own that an interruption cancels.

What it says goes into the call's inbox, where the one who writes to the socket decides whether it is still wanted.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, NamedTuple

import trio

from elizad.evi.mouth import Mouth, wav_seconds
from elizad.evi.sitting import new_id
from elizad.protocols.evi.outgoing import Writer
from elizad.service.responder import Finished, Spoken
from elizad.speech.chunks import split_sentences

AHEAD_S: Final = 3.0
"""How much more sound the client gets than has been played: enough for any hiccup of a network, and an interruption
throws no more than that away."""

_GAP_S: Final = 0.25
"""Between the sound of two sentences. Hume's React provider decodes each piece by itself, plays the sentence that is
ready first, and drops the rest of the other: so the first gets its time."""

_MOST_HELD: Final = 1000  # characters without the end of a sentence: a minute of speech


class Piece(NamedTuple):
    """One message of reply number `turn`. `said` are the words that it says, `ends` that it is the last."""

    turn: int
    frame: str
    said: str = ""
    ends: bool = False


Pieces = trio.MemoryReceiveChannel[tuple[float, Spoken | Finished]]
"""What a responder says, as it comes."""

Fill = Callable[[str], Awaitable[str]]
"""Returns a sentence with what it asks of tools filled in."""


class Reply(NamedTuple):
    """What is to be said in one turn: `text`, and then what comes from `more`. `from_text`: the client's own words."""

    turn: int
    text: str
    more: Pieces | None = None
    from_text: bool = False


Settled = Callable[[str], Awaitable[None]]
"""Takes what was said in a turn, and waits until its end may be told."""


class Speaker:
    """The voice of one chat."""

    def __init__(
        self,
        put: Callable[[Piece], Awaitable[None]],
        writer: Writer,
        mouth: Mouth | None,
        voice: Callable[[], str],
    ) -> None:
        """`put` takes each message in its turn; without a mouth there is no sound. `voice` says whose it is."""
        self._put = put
        self._writer = writer
        self._mouth = mouth
        self._voice = voice
        self._scope: trio.CancelScope | None = None
        self.plays_until = -math.inf
        """When all sound that was sent has been played, in trio's time."""
        self._sounded_at = -math.inf  # when the last of it was sent

    def begin(self, nursery: trio.Nursery, reply: Reply, fill: Fill, settled: Settled) -> None:
        """Start to say a reply in `nursery`; what is left of an older one is not said."""
        self._stop()
        self._scope = trio.CancelScope()
        nursery.start_soon(self._run, self._scope, reply, fill, settled)

    def cancel(self) -> None:
        """Say nothing more, and take what was sent as not played. Does not wait."""
        self.plays_until = -math.inf
        self._stop()

    def _stop(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
            self._scope = None

    async def _run(self, scope: trio.CancelScope, reply: Reply, fill: Fill, settled: Settled) -> None:
        with scope:
            said: list[str] = []
            async with aclosing(_sentences(reply)) as sentences:
                async for sentence in sentences:
                    for one in split_sentences(await fill(sentence)):
                        await self._say(reply, one.strip())
                        said.append(one)
            await settled("".join(said))
            await self._put(Piece(reply.turn, self._writer.assistant_end(), ends=True))
        if self._scope is scope:
            self._scope = None

    async def _say(self, reply: Reply, sentence: str) -> None:
        if not sentence:
            return
        id = new_id()
        await self._keep_pace()
        frame = self._writer.assistant_message(id, sentence, from_text=reply.from_text)
        await self._put(Piece(reply.turn, frame, said=sentence))
        if self._mouth is None:
            return
        index = 0
        async with aclosing(self._mouth.say(sentence, self._voice())) as sound:
            async for wav in sound:
                await self._keep_pace()
                if index == 0:
                    await trio.sleep_until(max(self._sounded_at + _GAP_S, trio.current_time()))
                await self._put(Piece(reply.turn, self._writer.audio_output(id, index, wav)))
                self._sounded_at = trio.current_time()
                self.plays_until = max(self.plays_until, self._sounded_at) + wav_seconds(wav)
                index += 1

    async def _keep_pace(self) -> None:
        """Wait until the client has played enough."""
        await trio.sleep_until(max(self.plays_until - AHEAD_S, trio.current_time()))


async def _sentences(reply: Reply) -> AsyncGenerator[str, None]:
    """Yield what is said, a sentence at a time, as soon as each is complete."""
    for sentence in split_sentences(reply.text):
        yield sentence
    if reply.more is None:
        return
    held = ""
    async with reply.more:
        async for _, piece in reply.more:
            if isinstance(piece, Finished):
                break
            # A sentence has ended when what follows would begin another, whatever that is.
            *complete, held = split_sentences(f"{held}{piece.text}0")
            for sentence in complete:
                yield sentence
            held = held[:-1]
            if len(held) > _MOST_HELD:
                yield held
                held = ""
    if held:
        yield held
