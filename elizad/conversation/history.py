"""The fold of a transcript: which replies ELIZA gave, recomputed from what the caller said and from nothing else.

Platforms send the whole transcript with every turn, so the same payload gets the same reply on a fresh connection or
on another machine. What this connection has already folded is kept as two checkpoints, before and after the newest
turn: a payload that continues the last one costs one step, and one that corrects its last utterance costs one as well.
Where a call begins can come from earlier calls; from there on it is the transcript's alone.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from elizad.conversation.phrases import APOLOGY
from elizad.eliza import Eliza, State
from elizad.eliza.expressions import Voice
from elizad.errors import EndlessScript
from elizad.types import Role, Utterance


class CallerTurns:
    """What the caller said in each turn of a transcript that grows.

    Utterances with no word of the agent between them are one turn: the caller paused, or spoke over the reply. Turns
    without words count, but not before the first word: what comes then is answered with the opening line.
    """

    __slots__ = ("_going_on", "_known", "_limit", "_over")

    def __init__(self, limit: int) -> None:
        """Of a turn `limit` characters are heard."""
        self._limit = limit
        self._known: tuple[Utterance, ...] = ()  # without the newest utterance, which may yet be corrected
        self._over: tuple[str, ...] = ()  # the turns in there that are over
        self._going_on: tuple[str, ...] | None = None  # the utterances of the one that goes on; None when none does

    def of(self, transcript: tuple[Utterance, ...]) -> tuple[str, ...]:
        """Return the turns of this transcript."""
        count = len(self._known)
        if count >= len(transcript) or transcript[:count] != self._known:
            self._known, self._over, self._going_on, count = (), (), None, 0
        over, going_on = self._over, self._going_on
        if count < len(transcript) - 1:
            known = transcript[:-1]
            over, going_on = self._hear(over, going_on, known[count:] if count else known)
            self._known, self._over, self._going_on = known, over, going_on
        over, going_on = self._hear(over, going_on, transcript[-1:])
        if going_on is None or not (going_on or over):
            return over
        return (*over, " ".join(going_on)[: self._limit])

    def _hear(
        self, over: tuple[str, ...], going_on: tuple[str, ...] | None, utterances: tuple[Utterance, ...]
    ) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        ended: list[str] = []
        said = None if going_on is None else list(going_on)
        for role, text in utterances:
            if role is Role.USER:
                if said is None:
                    said = []
                if text:
                    said.append(text)
            elif role is Role.ASSISTANT and said is not None:
                if said or ended or over:
                    ended.append(" ".join(said)[: self._limit])
                said = None
        return ((*over, *ended) if ended else over), None if said is None else tuple(said)


class _Checkpoint(NamedTuple):
    """The fold of these turns."""

    turns: tuple[str, ...]
    state: State
    reply: str


class Answer(NamedTuple):
    """A reply; `problem` says what went wrong on the way, in words for a log."""

    text: str
    problem: str | None = None


class History:
    """Folds one conversation's transcripts; of the conversation it keeps what the caller said."""

    __slots__ = ("_after", "_before", "_eliza", "_origin")

    def __init__(self, eliza: Eliza) -> None:
        self._eliza = eliza
        self.begin_at(eliza.start())

    @property
    def state(self) -> State:
        """What the newest turn that was answered has led to."""
        return self._after.state

    def begin_at(self, state: State) -> None:
        """Let the conversation begin with `state` instead of a script's start; what was folded is folded anew."""
        self._origin = _Checkpoint((), state, "")
        self._before = self._after = self._origin

    def answer(self, turns: tuple[str, ...], voice: Voice | None = None) -> Generator[None, None, Answer]:
        """Return the reply to the last of `turns`, of which there must be one, pausing after each that is replayed.

        With a `voice`, the reply may be a remark on how the last one was said. It leaves no trace in the fold.

        A transcript can hold thousands of turns, each a fraction of a millisecond or more: in the pauses other calls
        get theirs. To leave at one loses this reply and nothing else.
        """
        newest = len(turns) - (voice is not None)  # a remark needs the state before the last turn
        for point in (self._after, self._before, self._origin):
            known = len(point.turns)
            if known <= newest and turns[:known] == point.turns:
                break
        problem = None
        for index in range(known, len(turns)):
            self._before = point
            try:
                state, reply = self._eliza.reply(point.state, turns[index])
            except EndlessScript as error:
                state, reply, problem = point.state, APOLOGY, str(error)
            point = _Checkpoint(turns[: index + 1], state, reply)
            if index + 1 < len(turns):
                yield
        self._after = point
        if voice is not None and problem is None:
            remark = self._eliza.remark(self._before.state, turns[-1], voice)
            return Answer(remark or point.reply, problem)
        return Answer(point.reply, problem)
