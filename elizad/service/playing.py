"""One turn of ours while it is played: what is left of it, and when each piece is due. Sends nothing and waits not."""

from __future__ import annotations

import math

from elizad.conversation.commands import Command, Cue, EndTurn, Speak
from elizad.conversation.conversation import Turn


class Playing:
    """What is left of a turn; the end of it is the last. Times are trio's."""

    __slots__ = ("_at", "_cues", "_pace_s", "_started", "asked", "is_heard", "number")

    def __init__(self, turn: Turn, asked: float, started: float, pace_s: float) -> None:
        """`asked` is when the message came that asked for it, `pace_s` how long each piece takes to say."""
        self._cues = [*turn.cues]
        self._at = 0
        self._pace_s = pace_s
        self._started = started
        self.number = turn.number
        self.asked = asked
        self.is_heard = False
        """Whether the caller has heard anything of it; for whoever sends it to say."""

    def due(self, held_until: float) -> float:
        """Return when the next piece is due, the end not before `held_until`; infinity while none is known."""
        if self._at == len(self._cues):
            return math.inf
        cue = self._cues[self._at]
        due = self._started + cue.due_s
        return max(due, held_until) if isinstance(cue.commands[0], EndTurn) else due

    def take(self, now: float, held_until: float) -> list[Command]:
        """Return the pieces that are due at `now`, the end not before `held_until`."""
        taken: list[Command] = []
        for cue in self._cues[self._at :]:
            if self._started + cue.due_s > now:
                break
            taken += cue.commands
            self._at += 1
        if held_until > now and taken and isinstance(taken[-1], EndTurn):
            self._at -= 1
            self._cues[self._at] = Cue(self._cues[self._at].due_s, (taken.pop(),))
        return taken

    def say(self, text: str, now: float) -> None:
        """Add something to say behind what there is."""
        since = now - self._started
        due_s = max(since, self._cues[-1].due_s + self._pace_s) if self._cues else since
        self._cues.append(Cue(due_s, (Speak(self.number, text),)))

    def end(self, now: float, *, hang_up: bool) -> None:
        """Let it end behind what there is."""
        due_s = self._cues[-1].due_s if self._at < len(self._cues) else now - self._started
        self._cues.append(Cue(due_s, (EndTurn(self.number, hang_up),)))
