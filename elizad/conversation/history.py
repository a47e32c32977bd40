"""The fold of a transcript: which replies ELIZA gave, recomputed from what the caller said and from nothing else.

Platforms send the whole transcript with every turn, so the same payload gets the same reply on a fresh connection or
on another machine. What this connection has already folded is kept as two checkpoints, before and after the newest
turn: a payload that continues the last one costs one step, and one that corrects its last utterance costs one as well.
Where a call begins can come from earlier calls; from there on it is the transcript's alone.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from elizad.conversation.fold import Fold
from elizad.conversation.phrases import APOLOGY
from elizad.eliza import Eliza, State
from elizad.eliza.expressions import Voice
from elizad.errors import EndlessScript
from elizad.types import Role, Utterance


class _Turns(NamedTuple):
    """The caller's turns that are over, and the utterances of the one that goes on; None when none does."""

    over: tuple[str, ...] = ()
    going_on: tuple[str, ...] | None = None

    def whole(self, limit: int) -> tuple[str, ...]:
        """Return all of them, each up to `limit` characters. What has no word before the first word is no turn."""
        if self.going_on or (self.over and self.going_on is not None):
            return (*self.over, " ".join(self.going_on)[:limit])
        return self.over


class CallerTurns:
    """What the caller said in each turn of a transcript that grows.

    Utterances with no word of the agent between them are one turn: the caller paused, or spoke over the reply. Turns
    without words count, but not before the first word: what comes then is answered with the opening line.
    """

    __slots__ = ("_fold", "_limit")

    def __init__(self, limit: int) -> None:
        """Of a turn `limit` characters are heard."""
        self._limit = limit
        self._fold: Fold[Utterance, _Turns] = Fold(_Turns(), self._hear)

    def of(self, transcript: tuple[Utterance, ...]) -> tuple[str, ...]:
        """Return the turns of this transcript."""
        return self._fold.over(transcript).whole(self._limit)

    def _hear(self, turns: _Turns, utterances: tuple[Utterance, ...]) -> _Turns:
        over: list[str] = []
        going_on = None if turns.going_on is None else list(turns.going_on)
        for role, text in utterances:
            if role is Role.USER:
                going_on = going_on or []
                if text:
                    going_on.append(text)
            elif role is Role.ASSISTANT and going_on is not None:
                if going_on or over or turns.over:
                    over.append(" ".join(going_on)[: self._limit])
                going_on = None
        return _Turns((*turns.over, *over), None if going_on is None else tuple(going_on))


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
        known = (self._after, self._before, self._origin)
        newest = len(turns) - (voice is not None)  # a remark needs the state before the last turn
        point = next(p for p in known if len(p.turns) <= newest and turns[: len(p.turns)] == p.turns)
        problem = None
        for index in range(len(point.turns), len(turns)):
            self._before = point
            try:
                state, reply = self._eliza.reply(point.state, turns[index])
            except EndlessScript as error:
                state, reply, problem = point.state, APOLOGY, str(error)
            point = _Checkpoint(turns[: index + 1], state, reply)
            if index + 1 < len(turns):
                yield
        self._after = point
        remark = None
        if voice is not None and problem is None:
            remark = self._eliza.remark(self._before.state, turns[-1], voice)
        return Answer(remark or point.reply, problem)
