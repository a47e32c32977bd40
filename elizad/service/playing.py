"""One turn of ours while it is played: what is left of it, and when each piece is due. Sends nothing and waits not."""

from __future__ import annotations

import math

import msgspec

from elizad.conversation.commands import Command, Cue, EndTurn, Speak


class Playing(msgspec.Struct, gc=False):
    """The turn `number` and what is left of it; the end of it is the last. Times are trio's.

    `asked` is when the message came that asked for it, `pace_s` how long each piece takes to say. `is_heard` says
    whether the caller has heard anything of it; for whoever sends it to say.
    """

    number: int
    asked: float
    started: float
    pace_s: float
    cues: list[Cue]
    taken: int = 0
    is_heard: bool = False

    def due(self, held_until: float) -> float:
        """Return when the next piece is due, the end not before `held_until`; infinity while none is known."""
        if self.taken == len(self.cues):
            return math.inf
        cue = self.cues[self.taken]
        due = self.started + cue.due_s
        return max(due, held_until) if isinstance(cue.commands[0], EndTurn) else due

    def take(self, now: float, held_until: float) -> list[Command]:
        """Return the pieces that are due at `now`, the end not before `held_until`."""
        commands: list[Command] = []
        for cue in self.cues[self.taken :]:
            if self.started + cue.due_s > now:
                break
            commands += cue.commands
            self.taken += 1
        if held_until > now and commands and isinstance(commands[-1], EndTurn):
            self.taken -= 1
            self.cues[self.taken] = Cue(self.cues[self.taken].due_s, (commands.pop(),))
        return commands

    def say(self, text: str, now: float) -> None:
        """Add something to say behind what there is."""
        since = now - self.started
        due_s = max(since, self.cues[-1].due_s + self.pace_s) if self.cues else since
        self.cues.append(Cue(due_s, (Speak(self.number, text),)))

    def end(self, now: float, *, hang_up: bool) -> None:
        """Let it end behind what there is."""
        due_s = self.cues[-1].due_s if self.taken < len(self.cues) else now - self.started
        self.cues.append(Cue(due_s, (EndTurn(self.number, hang_up),)))
