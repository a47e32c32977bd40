"""One call on trio: a line, the platform at one end of it, and a caller who says, interrupts, waits and hangs up.

A reader task hands every frame to the platform's machine and sends what that answers; whoever drives the call waits
for turns to begin and to end. Every wait has a deadline. What happens is told to one observer, in order.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import trio

from elizad.call import rules
from elizad.call.events import Answer, Finding, HangUp, Happening, Note, Platform, Ponged, Received, Said, Sent
from elizad.call.evi import EviPlatform
from elizad.call.turns import Turn
from elizad.call.voice import Voice
from elizad.errors import ElizadError
from elizad.net.dial import Place, dial
from elizad.net.errors import PeerClosed
from elizad.net.line import Binary, Closed, Line, Pong, Text

Observe = Callable[[float, Happening], None]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to call: what is added to the handshake, whether any certificate will do, how long a reply may take."""

    headers: Sequence[tuple[str, str]] = ()
    insecure: bool = False
    patience_s: float = 10.0


PONG_S: Final = 5.0  # the platforms' proxies and libraries give up after 5 to 20 s

CLOSE_S: Final = 5.0  # for the server's half of a close: a few round trips to anywhere on earth

_STRAY_S: Final = 0.25  # between the end of an interrupted reply and the reply to the interruption

_FENCE_S: Final = 1.0  # a server that does not answer pings has read our request by then

_MAX_FINDINGS: Final = 1000  # a server that talks nonsense for ever is not listened to for ever


class Unanswered(ElizadError):
    """The server did not end its reply in time."""


def nobody(at: float, happening: Happening) -> None:
    """An observer that is not there."""


class Call:
    """One open call; made by `open_call`. One task drives it."""

    def __init__(
        self, line: Line, platform: Platform, observe: Observe, patience_s: float, nursery: trio.Nursery
    ) -> None:
        self._line = line
        self._observe = observe
        self._opened = trio.current_time()
        self._changed = trio.lowlevel.ParkingLot()
        self._nursery = nursery
        self._clock_runs = False
        self._fence = b""
        self._hanging_up = False
        self._dropped = False
        self._last_frame_at = 0.0
        self.platform = platform
        self.patience_s = patience_s
        self.findings: list[Finding] = []
        self.closed: Closed | None = None
        self.ended_by_agent = False

    @property
    def now(self) -> float:
        """Seconds since the call was opened."""
        return trio.current_time() - self._opened

    @property
    def turn(self) -> Turn | None:
        """The current turn."""
        return self.platform.turns[-1] if self.platform.turns else None

    # -- what the driver does ------------------------------------------------------------------------------------------

    async def say(self, text: str) -> None:
        """Say something, over a reply that has not ended if there is one. Does not wait for the answer.

        Raises: PeerClosed. Cancelling: ends the call.
        """
        frames = self.platform.say(text, self.now)
        turn = self.platform.turns[-1]
        self._observe(self.now, Said(turn, text))
        await self._send(frames, barge_in=turn.barge_in)

    async def speak(self, voice: Voice) -> None:
        """Begin to say what a file has, on the one platform that hears. Raises and Cancelling: as for `say`."""
        assert isinstance(self.platform, EviPlatform), "only EVI hears"
        frames = self.platform.speak(voice, self.now)
        turn = self.platform.turns[-1]
        self._observe(self.now, Said(turn, turn.said or ""))
        await self._send(frames)
        self._start_clock()

    async def interrupt(self) -> None:
        """Begin to speak over the reply. Raises and Cancelling: as for `say`."""
        self._observe(self.now, Note("the caller interrupts"))
        await self._send(self.platform.interrupt(self.now))

    async def silence(self) -> bool:
        """Let the platform remind the server; False when it does not. Raises and Cancelling: as for `say`."""
        frames = self.platform.silence(self.now)
        what = "the caller is silent" if frames else f"the caller is silent, of which {self.platform.name} says nothing"
        self._observe(self.now, Note(what))
        await self._send(frames, barge_in=bool(frames) and self.platform.turns[-1].barge_in)
        return bool(frames)

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until the condition holds, looked at after every frame; False when the time or the call is over.

        Cancelling: loses nothing.
        """
        with trio.move_on_after(timeout_s):
            while not condition():
                if self.closed is not None:
                    return condition()
                await self._changed.park()
            return True
        return condition()

    async def opening(self) -> None:
        """Wait until the server has said its opening, on platforms where it speaks first.

        Raises: Unanswered. Cancelling: loses nothing.
        """
        if not self.platform.expects_opening:
            return
        turn = self.platform.turns[0]
        if not await self.wait_for(lambda: turn.ended_at is not None, self.patience_s):
            if self.closed is not None:
                raise Unanswered("the call ended before the begin message was complete")
            what = "no begin message came" if turn.first_at is None else "the begin message was not completed"
            self.find(Finding(rules.NO_BEGIN, f"{what} within {self.patience_s:g} s"))
            raise Unanswered(f"{what} within {self.patience_s:g} s")

    async def reply(self) -> Turn:
        """Wait until the current turn has ended, and return it.

        Raises: Unanswered after `patience_s` seconds or at the end of the call. Cancelling: loses nothing.
        """
        turn = self.turn
        assert turn is not None, "somebody has been asked"
        if not await self.wait_for(lambda: turn.ended_at is not None, self.patience_s):
            if self.closed is not None:
                raise Unanswered("the call ended before the reply did")
            what = "no reply came" if turn.first_at is None else "the reply was not ended"
            self.find(Finding(rules.NO_END, f"{what} within {self.patience_s:g} s", "", turn.number))
            raise Unanswered(f"{what} within {self.patience_s:g} s")
        return turn

    async def first_words(self, within_s: float) -> bool:
        """Wait for the first words of the current turn, or its end; False when neither came. Cancelling: as `reply`."""
        turn = self.turn
        assert turn is not None, "somebody has been asked"
        return await self.wait_for(lambda: turn.first_at is not None or turn.ended_at is not None, within_s)

    async def quiet(self, for_s: float, at_most_s: float) -> None:
        """Wait until no frame has come for so long, but not for ever. Cancelling: loses nothing."""
        until = self.now + at_most_s
        while (  # noqa: ASYNC110  # no event says that nothing has happened
            self.closed is None and (end := min(self._last_frame_at + for_s, until)) > self.now
        ):
            await trio.sleep(end - self.now)

    async def ping(self) -> None:
        """Send a WebSocket ping; a late answer is a finding. Raises and Cancelling: as for `say`."""
        await self._line.ping()

    async def pongs(self) -> None:
        """Wait until every ping has its pong, or is late. Cancelling: loses nothing."""
        if not await self.wait_for(lambda: not self._line.pings_open, PONG_S):
            self.find(Finding(rules.PONG, f"a ping was not answered within {PONG_S:g} s"))

    def drop(self) -> None:
        """Let the connection break without a word, as a network does: leaving `open_call` will not hang up."""
        self._dropped = self._hanging_up = True

    async def hang_up(self, code: int = 1000) -> None:
        """Close the line and wait for the server's half, CLOSE_S at most. Cancelling: closes the line at once."""
        if self.closed is not None or self._dropped:
            return
        self._hanging_up = True
        try:
            await self._line.close(code)
        except PeerClosed:
            return
        if not await self.wait_for(lambda: self.closed is not None, CLOSE_S):
            self.find(Finding(rules.CLOSE_ANSWER, f"no close frame came within {CLOSE_S:g} s of ours"))
            return
        answer = self.closed_now()
        if answer.by == "us" and answer.code not in (code, 1005):
            what = "without a close frame" if answer.code == 1006 else f"with code {answer.code}"
            self.find(Finding(rules.CLOSE_ANSWER, f"our close with {code} was answered {what}"))

    def closed_now(self) -> Closed:
        """How the call has ended, once it has."""
        assert self.closed is not None
        return self.closed

    def find(self, finding: Finding) -> None:
        """Note that a rule was not kept."""
        if len(self.findings) < _MAX_FINDINGS:
            self.findings.append(finding)
        self._observe(self.now, finding)

    async def _send(self, frames: Sequence[str], barge_in: bool = False) -> None:
        if not frames:
            await trio.lowlevel.checkpoint()
            return
        for frame in frames:
            self._observe(self.now, Sent(frame))
        # The pong to a ping behind the request says that everything before it had been under way.
        if barge_in:
            self._fence = secrets.token_bytes(4)
        await self._line.send(frames, ping=self._fence if barge_in else None)

    # -- the tasks -----------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        """Take frames until the line is closed."""
        while self.closed is None:
            frame = await self._line.receive()
            now = self.now
            if isinstance(frame, Text):
                self._last_frame_at = now
                self._observe(now, Received(frame.text))
                await self._understand(frame.text, now)
                self._start_clock()
            elif isinstance(frame, Pong):
                self._pong(frame, now)
            elif isinstance(frame, Binary):
                await self._refuse(frame)
            elif isinstance(frame, Closed):
                self._close(frame, now)
            self._changed.unpark_all()

    async def _understand(self, text: str, now: float) -> None:
        meanings = self.platform.receive(text, now)
        # Before anything is sent: whoever waits for the end of the reply must not go on talking meanwhile.
        self.ended_by_agent = self.ended_by_agent or any(isinstance(meaning, HangUp) for meaning in meanings)
        for meaning in meanings:
            if isinstance(meaning, Answer):
                try:
                    await self._send(meaning.frames)
                except PeerClosed:
                    pass  # the next frame is Closed
            elif isinstance(meaning, Finding):
                self.find(meaning)
            else:
                self._observe(now, meaning)

    def _pong(self, frame: Pong, now: float) -> None:
        if frame.payload == self._fence:
            self.platform.settled(now)
        if frame.latency_s is None:
            return
        self._observe(now, Ponged(frame.latency_s))
        if frame.latency_s > PONG_S:
            self.find(Finding(rules.PONG, f"a ping was answered after {frame.latency_s:.1f} s"))

    async def _refuse(self, frame: Binary) -> None:
        number = self.turn.number if self.turn else 0
        self.find(
            Finding(rules.BINARY, f"a binary frame of {len(frame.data)} bytes came", repr(frame.data[:60]), number)
        )
        if self.platform.name == "retell":  # as Retell does
            self._hanging_up = True
            try:
                await self._line.close(1007)
            except PeerClosed:
                pass

    def _close(self, closed: Closed, now: float) -> None:
        self.closed = closed
        self._observe(now, closed)
        if closed.by == "fault":
            number = self.turn.number if self.turn else 0
            self.find(Finding(rules.FRAMING, f"what the server sent cannot be read: {closed.reason}", "", number))
        elif closed.by == "peer" and not self._hanging_up and not self.ended_by_agent:
            for finding in self.platform.closed(closed, now):
                self.find(finding)

    def _start_clock(self) -> None:
        if not self._clock_runs and self.platform.next_due < math.inf:
            self._clock_runs = True
            self._nursery.start_soon(self._keep_time)

    async def _keep_time(self) -> None:
        """Send what the platform sends by the clock."""
        while self.closed is None and not self._hanging_up and self.platform.next_due < math.inf:
            await trio.sleep(max(0.0, self.platform.next_due - self.now))
            frames, findings = self.platform.tick(self.now)
            for finding in findings:
                self.find(finding)
            try:
                await self._send(frames)
            except PeerClosed:
                return
        self._clock_runs = False

    async def settle(self, within_s: float = _FENCE_S) -> None:
        """After a barge-in: wait until what was under way has come. From then on older words are words too many.

        Cancelling: loses nothing.
        """
        await self.wait_for(lambda: self._fence not in self._line.pings_open, within_s)
        self.platform.settled(self.now)
        if self.turn is not None and self.turn.ended_at is not None:
            await self.quiet(_STRAY_S, within_s)  # was that the old reply's end, and the new one is still to come?


@asynccontextmanager
async def open_call(place: Place, platform: Platform, manner: Manner, observe: Observe = nobody) -> AsyncIterator[Call]:
    """Dial, and hold the call for as long as the block lasts; then hang up with 1000.

    Raises: DialFailed. What the block raises leaves as it is, not in a group.
    Cancelling: the line is cut.
    """
    error: Exception | None = None
    async with dial(place, manner.headers, insecure=manner.insecure) as line, trio.open_nursery() as nursery:
        call = Call(line, platform, observe, manner.patience_s, nursery)
        nursery.start_soon(call.read)
        try:
            await call._send(platform.open(call.now))
            yield call
            await call.hang_up()
        except Exception as failure:
            error = failure
        nursery.cancel_scope.cancel()
    if error is not None:
        raise error
