"""What to say: events in, cues out. Knows no platform, no socket and no clock."""

from __future__ import annotations

from typing import NamedTuple

from elizad.conversation.commands import Cue, EndTurn, Speak
from elizad.conversation.events import TurnRequested
from elizad.conversation.history import APOLOGY, Answer, History, user_turns
from elizad.eliza import Eliza
from elizad.speech.chunks import Unit, split_chunks
from elizad.speech.pace import due_times


class Manner(NamedTuple):
    """How replies are spoken and how much of an utterance is heard.

    `unit` is what a chunk is, `pace_s` the seconds between chunks (0: as fast as possible), `utterance_chars` how many
    characters of one turn ELIZA hears.
    """

    unit: Unit = "sentence"
    pace_s: float = 0.0
    utterance_chars: int = 2000


class Turn(NamedTuple):
    """One turn of ours: what was heard, what is said, and when each piece of it is due."""

    heard: str
    said: str
    cues: tuple[Cue, ...]
    problem: str | None = None


class Conversation:
    """One call's conversation. A newer turn supersedes an older one; whoever plays the cues drops those of the old."""

    def __init__(self, eliza: Eliza, manner: Manner) -> None:
        self._eliza = eliza
        self._manner = manner
        self._history = History(eliza)

    def on(self, event: TurnRequested) -> Turn:
        """Answer one event."""
        limit = self._manner.utterance_chars
        turns = [text[:limit] for text in user_turns(event.transcript)]
        if event.greet or not turns:
            return self._turn("", Answer(self._eliza.opening))
        return self._turn(turns[-1], self._history.answer(turns))

    def apologise(self) -> Turn:
        """Return what is said when something of ours has failed: the caller hears a person's words, not silence."""
        return self._turn("", Answer(APOLOGY))

    def _turn(self, heard: str, answer: Answer) -> Turn:
        chunks = split_chunks(answer.text, self._manner.unit)
        times = due_times(chunks, self._manner.pace_s)
        cues = [Cue(due_s, Speak(chunk)) for due_s, chunk in zip(times, chunks, strict=True)]
        cues.append(Cue(times[-1] if times else 0.0, EndTurn()))
        return Turn(heard, answer.text, tuple(cues), answer.problem)
