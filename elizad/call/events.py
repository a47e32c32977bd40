"""What happens on a call, as values: frames on the wire, what they mean, and what was wrong with them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from elizad.call.rules import Rule
from elizad.call.turns import Turn
from elizad.net.line import Closed


class Sent(NamedTuple):
    """A frame went out."""

    frame: str


class Received(NamedTuple):
    """A text frame came in."""

    frame: str


class Said(NamedTuple):
    """The caller has spoken; `turn` is the one that this begins."""

    turn: Turn
    text: str


class Chunk(NamedTuple):
    """Words for the caller's ear."""

    turn: Turn
    text: str


class End(NamedTuple):
    """The server says that a reply is complete."""

    turn: Turn


class Finding(NamedTuple):
    """A rule was not kept: which, how in words, the frame that shows it ("" when it is one that did not come), and
    the turn it happened in (0 is the opening)."""

    rule: Rule
    words: str
    frame: str = ""
    turn: int = 0


class Note(NamedTuple):
    """Something worth a line that is neither speech nor wrong."""

    text: str


class Answer(NamedTuple):
    """Frames that the platform sends because of the one that came."""

    frames: list[str]


class Audio(NamedTuple):
    """Sound for the caller's ear, as a WAV file."""

    data: bytes


class HangUp(NamedTuple):
    """The platform ends the call now, with this close code."""

    code: int
    why: str


class Ponged(NamedTuple):
    """The answer to a ping of ours."""

    latency_s: float


Meaning = Chunk | End | Audio | Finding | Note | Answer | HangUp
Happening = Sent | Received | Said | Chunk | End | Audio | Finding | Note | HangUp | Ponged | Closed


class Platform(Protocol):
    """The platform's side of one call: what the caller does -> frames, a frame that came -> what it means.

    A machine without I/O: `now` is seconds since the call was opened, and comes from outside. Of a server's mistakes
    it makes what the platform would: a frame that the platform drops has no effect beyond its Finding.
    """

    name: str
    turns: list[Turn]
    """Every turn so far, the opening first if there is one; the last one is the current one."""

    expects_opening: bool
    """Whether the server is to speak before the caller does."""

    next_due: float
    """When `tick` wants to be called; infinity for never."""

    def open(self, now: float) -> list[str]:
        """The line is open."""
        ...

    def say(self, text: str, now: float) -> list[str]:
        """The caller has said something, perhaps over a reply that has not ended."""
        ...

    def interrupt(self, now: float) -> list[str]:
        """The caller has begun to speak over a reply, and there are no words yet."""
        ...

    def silence(self, now: float) -> list[str]:
        """The caller has said nothing for long. No frames when the platform does not mind."""
        ...

    def receive(self, frame: str, now: float) -> list[Meaning]:
        """A text frame came in."""
        ...

    def settled(self, now: float) -> None:
        """Whatever the server sent before it had read our last request has arrived."""
        ...

    def tick(self, now: float) -> tuple[list[str], list[Finding]]:
        """Time has passed."""
        ...

    def unanswered(self) -> int:
        """How many signs of life the server still owes."""
        ...

    def reconnected(self) -> Platform | None:
        """The same call on a new connection, or None when the platform would not make one."""
        ...

    def closed(self, closed: Closed, now: float) -> list[Finding]:
        """The server has closed the connection, or dropped it."""
        ...
