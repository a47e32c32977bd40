"""One turn of ours while it is played: what is left of it, and when each piece is due. Sends nothing and waits not."""

from __future__ import annotations

import math

from elizad.conversation.commands import Command, Cue, EndTurn, Speak
from elizad.conversation.conversation import Turn


class Playing:
    """What is left of a turn; the end of it is the last. Times are trio's."""

    __slots__ = ("_at", "_cues", "_pace_s", "_started", "asked", "due", "is_heard", "number")

    def __init__(self, turn: Turn, asked: float, started: float, pace_s: float) -> None:
        """`asked` is when the message came that asked for it, `pace_s` how long each piece takes to say."""
        self._cues = list(turn.cues)
        self._at = 0
        self._pace_s = pace_s
        self._started = started
        self.number = turn.number
        self.asked = asked
        self.is_heard = False
        """Whether the caller has heard anything of it; for whoever sends it to say."""
        self.due = started + self._cues[0].due_s if self._cues else math.inf
        """When the next piece is due; infinity while none is known."""

    @property
    def is_ending(self) -> bool:
        """Whether only the end of it is left."""
        return self._at < len(self._cues) and isinstance(self._cues[self._at].command, EndTurn)

    def take(self) -> Command:
        """Return the next piece; there is one when one is due."""
        command = self._cues[self._at].command
        self._at += 1
        self._look()
        return command

    def say(self, text: str, now: float) -> None:
        """Add something to say behind what there is."""
        since = now - self._started
        due_s = max(since, self._cues[-1].due_s + self._pace_s) if self._cues else since
        self._cues.append(Cue(due_s, Speak(self.number, text)))
        self._look()

    def end(self, now: float, *, hang_up: bool) -> None:
        """Let it end behind what there is."""
        due_s = self._cues[-1].due_s if self._at < len(self._cues) else now - self._started
        self._cues.append(Cue(due_s, EndTurn(self.number, hang_up)))
        self._look()

    def _look(self) -> None:
        self.due = self._started + self._cues[self._at].due_s if self._at < len(self._cues) else math.inf
