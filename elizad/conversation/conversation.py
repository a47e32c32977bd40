"""What to say: a turn that is asked for in, cues out. Knows no platform, no socket and no clock."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from elizad.conversation.commands import Cue, EndTurn, Speak
from elizad.conversation.events import Ask, TurnRequested
from elizad.conversation.history import Answer, History, user_turns
from elizad.conversation.phrases import APOLOGY, FAREWELL, REPEAT, SILENCE, fill_fields
from elizad.eliza import Eliza
from elizad.speech.chunks import Unit, split_chunks
from elizad.speech.farewell import is_goodbye
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
    """One turn of ours: its number, what was heard, what is said, and when each piece of it is due."""

    number: int
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
        self._misheard = 0
        self._silences = 0

    def on(self, event: TurnRequested) -> Generator[None, None, Turn]:
        """Take the turn that is asked for, with pauses where there is much to replay: let others work at each."""
        match event.ask:
            case Ask.NOTHING:
                return self._turn(event, "", Answer(""))
            case Ask.GREETING:
                return self._greet(event)
            case Ask.REPEAT:
                self._misheard += 1
                return self._turn(event, "", Answer(REPEAT[(self._misheard - 1) % len(REPEAT)]))
            case Ask.SILENCE:
                self._silences += 1
                said = SILENCE[self._silences - 1] if self._silences <= len(SILENCE) else ""
                return self._turn(event, "", Answer(said))
            case Ask.REPLY:
                return (yield from self._reply(event))

    def apologise(self, event: TurnRequested) -> Turn:
        """Return what is said when something of ours has failed: the caller hears a person's words, not silence."""
        return self._turn(event, "", Answer(APOLOGY))

    def _greet(self, event: TurnRequested) -> Turn:
        text = self._eliza.opening if event.greeting is None else event.greeting
        return self._turn(event, "", Answer(fill_fields(text, event.variables)))

    def _reply(self, event: TurnRequested) -> Generator[None, None, Turn]:
        self._misheard = self._silences = 0
        limit = self._manner.utterance_chars
        turns = [text[:limit] for text in user_turns(event.transcript)]
        if not turns:
            return self._greet(event)
        answer = yield from self._history.answer(turns)
        leaving = is_goodbye(turns[-1])
        if leaving and "GOODBYE" not in self._eliza.script.rules:
            answer = Answer(FAREWELL)  # the script has no word for it, and hanging up needs one
        return self._turn(event, turns[-1], answer, hang_up=leaving)

    def _turn(self, event: TurnRequested, heard: str, answer: Answer, *, hang_up: bool = False) -> Turn:
        chunks = split_chunks(answer.text, self._manner.unit)
        times = [event.hold_s + due_s for due_s in due_times(chunks, self._manner.pace_s)]
        cues = [Cue(due_s, Speak(event.turn, chunk)) for due_s, chunk in zip(times, chunks, strict=True)]
        cues.append(Cue(times[-1] if times else event.hold_s, EndTurn(event.turn, hang_up)))
        return Turn(event.turn, heard, answer.text, tuple(cues), answer.problem)
