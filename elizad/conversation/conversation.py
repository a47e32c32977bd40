"""What to say: a turn that is asked for in, cues out. Knows no platform, no socket and no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from elizad.conversation.commands import Command, Cue, EndTurn, Speak
from elizad.conversation.events import Ask, TurnRequested
from elizad.conversation.guide import UNGUIDED, Guide
from elizad.conversation.history import CallerTurns, History
from elizad.conversation.past import LAST_TOPIC, Past, remind
from elizad.conversation.phrases import APOLOGY, FAREWELL, REPEAT, SILENCE, fill_fields
from elizad.conversation.remarks import remarks_of
from elizad.conversation.said import AlreadySaid
from elizad.conversation.steering import Decision, TurnContext
from elizad.conversation.tools import unmarked, without_tools
from elizad.conversation.wording import letter_runs
from elizad.eliza import Eliza, State
from elizad.speech.chunks import Unit, split_chunks
from elizad.speech.farewell import PARTING, is_goodbye
from elizad.types import Role, Utterance


class Manner(NamedTuple):
    """How replies are spoken and how much of an utterance is heard.

    `unit` is what a chunk is, `pace_s` the seconds between chunks (0: as fast as possible), `utterance_chars` how many
    characters of one turn ELIZA hears.
    """

    unit: Unit = "sentence"
    pace_s: float = 0.0
    utterance_chars: int = 2000


class Folded(msgspec.Struct, frozen=True, gc=False):
    """What the caller said in each turn of the call, and what ELIZA's state is after that."""

    turns: tuple[str, ...]
    state: State


class Delegated(NamedTuple):
    """A turn that somebody else's mind is to answer, behind what is said first; `eliza` is what ELIZA would say."""

    eliza: str
    hang_up: bool
    seconds_left: float | None


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One turn of ours: its number, what was heard, what is said, and when each piece of it is due.

    `folded` is None for a turn that answers no words of the caller. `steered` is the name of the rule that decided what
    to say, if it was not the mind alone. A turn that is `delegated` has no end of its own.
    """

    number: int
    heard: str
    said: str
    cues: tuple[Cue, ...]
    problem: str | None = None
    steered: str = ""
    folded: Folded | None = None
    delegated: Delegated | None = None


class Place(NamedTuple):
    """Where a conversation takes place: the name of the platform, and how many seconds it allows (None: unknown).

    `has_tools`: whoever plays the cues fills in what a script asks of tools.
    """

    platform: str = ""
    limit_s: float | None = None
    has_tools: bool = False


NOWHERE: Final = Place()
_REPLY: Final = Ask.REPLY  # found more quickly than in its enumeration


class Conversation:
    """One call's conversation. A newer turn supersedes an older one; whoever plays the cues drops those of the old."""

    __slots__ = (
        "_delegates",
        "_eliza",
        "_guide",
        "_history",
        "_lasts_s",
        "_misheard",
        "_pace_s",
        "_past",
        "_place",
        "_remarks",
        "_said",
        "_silences",
        "_turns",
        "_unit",
    )

    def __init__(
        self,
        eliza: Eliza,
        manner: Manner,
        guide: Guide = UNGUIDED,
        place: Place = NOWHERE,
        *,
        delegates: bool = False,
    ) -> None:
        """With `delegates`, what the caller says is answered by another mind than ELIZA; all else stays as it is."""
        self._delegates = delegates
        self._eliza = eliza
        self._unit: Unit = manner.unit
        self._pace_s = manner.pace_s
        self._guide = guide
        self._place = place
        self._turns = CallerTurns(manner.utterance_chars)
        self._history = History(eliza)
        self._lasts_s = guide.clock.seconds_left(0.0, place.limit_s)  # None: without an end
        self._remarks = remarks_of(eliza)
        self._past: Past | None = None  # nothing is known of any
        # Made when it is needed: many calls stand open in which nobody has spoken yet.
        self._said: AlreadySaid | None = None
        self._misheard = 0
        self._silences = 0

    @property
    def is_faithful(self) -> bool:
        """Whether the program of 1966 answers."""
        return self._eliza.faithful

    def resume(self, past: Past) -> None:
        """Let the conversation begin where earlier calls ended; what was said in this one is taken up from there."""
        self._past = past
        self._history.begin_at(past.state)

    def heard(self, transcript: tuple[Utterance, ...]) -> tuple[str, ...]:
        """Return what the caller said in each turn, as far as it is heard."""
        return self._turns.of(transcript)

    def on(self, event: TurnRequested, elapsed_s: float = 0.0) -> Turn | None:
        """Take the turn that is asked for, `elapsed_s` into the call.

        None while there is something to replay, a turn at each call: let others work, and call it again.
        """
        if event.ask is not _REPLY:
            return self._prompted(event, elapsed_s)
        self._misheard = self._silences = 0
        turns = self._turns.of(event.transcript)
        if not turns:
            return self._wordless(event)
        answer = self._history.answer(turns)  # whoever answers: the fold is of every turn
        if answer is None:
            return None
        state, text, problem = answer
        guide, heard = self._guide, turns[-1]
        runs = letter_runs(heard)
        leaving = not PARTING.isdisjoint(runs) and is_goodbye(heard)
        left_s = None if self._lasts_s is None else self._lasts_s - elapsed_s
        decision = None
        if guide.steering.may_decide(runs, left_s):
            decision = guide.steering.look(self._context(event, turns, leaving, left_s))
        answers = decision is None or decision.then == "go_on"
        if answers and problem is None and self._remarks.may_be_of(event.expressions):
            voice = self._remarks.voice(event.expressions, self._already_said(event))
            if voice is not None:
                text = self._history.remark(voice) or text
        if leaving and "GOODBYE" not in self._eliza.script.rules:
            text, problem = FAREWELL, None  # the script has no word for it, and hanging up needs one
        folded = Folded(turns, state)
        if self._delegates and answers:
            return self._delegate(event, folded, decision, Delegated(text, leaving, left_s))
        hang_up, steered = leaving and answers, ""
        if decision is not None:
            say = unmarked(guide.spell(decision.say))
            text, problem = (f"{say} {text}".strip(), problem) if answers else (say, None)
            hang_up = hang_up or decision.then == "end"
            steered = decision.rule
        if guide.disclosure:
            text = guide.disclosed(text, len(turns), self._already_said(event))
        return self._turn(event, heard, text, problem, hang_up, steered, folded)

    def refold(self, event: TurnRequested) -> Folded | None:
        """Return what a turn with words comes to from where the conversation begins now; what was said stays said.

        None while there is something to replay, as for `on`.
        """
        turns = self.heard(event.transcript)
        answer = self._history.answer(turns)
        return None if answer is None else Folded(turns, answer[0])

    def apologise(self, event: TurnRequested) -> Turn:
        """Return what is said when something of ours has failed: the caller hears a person's words, not silence."""
        return self._turn(event, "", APOLOGY)

    def _prompted(self, event: TurnRequested, elapsed_s: float) -> Turn:
        """Take a turn that answers no words."""
        match event.ask:
            case Ask.GREETING:
                return self._greet(event)
            case Ask.REPEAT:
                self._misheard += 1
                return self._turn(event, "", REPEAT[(self._misheard - 1) % len(REPEAT)])
            case Ask.SILENCE:
                left_s = None if self._lasts_s is None else self._lasts_s - elapsed_s
                if over := self._guide.steering.over(self._context(event, (), False, left_s)):
                    return self._turn(event, "", over.say, hang_up=True, steered=over.rule)
                self._silences += 1
                said = SILENCE[self._silences - 1] if self._silences <= len(SILENCE) else ""
                return self._turn(event, "", said)
            case Ask.NOTHING | Ask.REPLY:
                return self._turn(event, "", "")

    def _wordless(self, event: TurnRequested) -> Turn:
        """Answer who has not said a word yet: with a greeting, once."""
        said = sum(entry.role is Role.ASSISTANT and bool(entry.text) for entry in event.transcript)
        return self._turn(event, "", SILENCE[(said - 1) % len(SILENCE)]) if said else self._greet(event)

    def _greet(self, event: TurnRequested) -> Turn:
        past = self._past
        if past is not None and past.greeted:
            return self._turn(event, "", "")
        if event.greeting is not None:
            text = unmarked(fill_fields(event.greeting, self._fields(event)))
        elif past is not None and past.topic:
            text = remind(self._eliza.opening, past.topic)
        else:
            text = self._eliza.opening
        return self._turn(event, "", self._guide.disclosed(text, 0, self._already_said(event)))

    def polish(self, text: str) -> str:
        """Return what another mind says as it may be said here: numbers as words, and no word that is never said."""
        return self._guide.hush(self._guide.spell(text))

    def _delegate(self, event: TurnRequested, folded: Folded, decision: Decision | None, delegated: Delegated) -> Turn:
        turns = folded.turns
        first = "" if decision is None else self._guide.spell(decision.say)
        first = self._guide.disclosed(first, len(turns), self._already_said(event))
        steered = "" if decision is None else decision.rule
        first = f"{first} " if first else ""
        return self._turn(event, turns[-1], first, steered=steered, folded=folded, delegated=delegated)

    def _already_said(self, event: TurnRequested) -> AlreadySaid:
        if self._said is None:
            self._said = AlreadySaid()
        return self._said.within(event.transcript)

    def _fields(self, event: TurnRequested) -> Mapping[str, str]:
        if self._past is None or not self._past.topic:
            return event.variables
        return {LAST_TOPIC: self._past.topic, **event.variables}

    def _context(
        self, event: TurnRequested, turns: tuple[str, ...], leaving: bool, left_s: float | None
    ) -> TurnContext:
        return TurnContext(
            turns[-1] if turns else "",
            len(turns),
            self._place.platform,
            event.session,
            self._past is not None and self._past.known,
            event.expressions,
            event.context,
            self._fields(event),
            left_s,
            leaving,
            self._already_said(event),
        )

    def _turn(
        self,
        event: TurnRequested,
        heard: str,
        text: str,
        problem: str | None = None,
        hang_up: bool = False,
        steered: str = "",
        folded: Folded | None = None,
        delegated: Delegated | None = None,
    ) -> Turn:
        if self._guide.hush.words:
            text = self._guide.hush(text)
        if "[" in text and not (self._place.has_tools or self._eliza.faithful):
            text = without_tools(text)
        pace_s = self._pace_s
        number = event.turn
        commands: list[Command] = []
        for chunk in split_chunks(text, self._unit):
            commands.append(Speak(number, chunk))
        if delegated is None:
            commands.append(EndTurn(number, hang_up))
        if pace_s or not commands:
            cues = tuple(_paced(commands, event.hold_s, pace_s))
        else:
            cues = (Cue(event.hold_s, tuple(commands)),)
        return Turn(number, heard, text, cues, problem, steered, folded, delegated)


def _paced(commands: Sequence[Command], hold_s: float, pace_s: float) -> list[Cue]:
    """Return when each of `commands` is due; the end comes with the last piece."""
    cues: list[Cue] = []
    for command in commands:
        if cues and isinstance(command, EndTurn):
            cues[-1] = Cue(cues[-1].due_s, (*cues[-1].commands, command))
        else:
            cues.append(Cue(hold_s + len(cues) * pace_s, (command,)))
    return cues
