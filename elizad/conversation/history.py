"""The fold of a transcript: which replies ELIZA gave, recomputed from what the caller said and from nothing else.

Platforms send the whole transcript with every turn, so the same payload gets the same reply on a fresh connection or
on another machine. What this connection has already folded is kept as two checkpoints, before and after the newest
turn: a payload that continues the last one costs one step, and one that corrects its last utterance costs one as well.
Where a call begins can come from earlier calls; from there on it is the transcript's alone.
"""

from __future__ import annotations

from typing import Final

from elizad.conversation.phrases import APOLOGY
from elizad.eliza import Eliza, State
from elizad.eliza.expressions import Voice
from elizad.errors import EndlessScript
from elizad.types import Role, Utterance

_USER: Final = Role.USER  # found more quickly than in its enumeration
_ASSISTANT: Final = Role.ASSISTANT

_Checkpoint = tuple[tuple[str, ...], State, str]
"""Some turns, the state that they lead to, and the reply to the last of them."""


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
        if not transcript:
            return ()
        count = len(self._known)
        if count and (count >= len(transcript) or transcript[:count] != self._known):
            self._known, self._over, self._going_on, count = (), (), None, 0
        if count < len(transcript) - 1:
            known = transcript[:-1]
            self._hear(known[count:] if count else known)
            self._known = known
        over, said = self._over, self._going_on
        role, newest = transcript[-1]
        if role is not _USER:
            if said is None:
                return over
            newest = " ".join(said)
        elif said:
            newest = " ".join((*said, newest) if newest else said)
        turn = (newest[: self._limit],)
        return over + turn if newest or over else over

    def _hear(self, utterances: tuple[Utterance, ...]) -> None:
        over: list[str] = []
        said = None if self._going_on is None else list(self._going_on)
        for role, text in utterances:
            if role is _USER:
                if said is None:
                    said = []
                if text:
                    said.append(text)
            elif role is _ASSISTANT and said is not None:
                if said or over or self._over:
                    over.append(" ".join(said)[: self._limit])
                said = None
        if over:
            self._over = (*self._over, *over)
        self._going_on = None if said is None else tuple(said)


class History:
    """Folds one conversation's transcripts; of the conversation it keeps what the caller said."""

    __slots__ = ("_after", "_before", "_eliza", "_origin")

    def __init__(self, eliza: Eliza) -> None:
        self._eliza = eliza
        self.begin_at(eliza.start())

    def begin_at(self, state: State) -> None:
        """Let the conversation begin with `state` instead of a script's start; what was folded is folded anew."""
        self._origin: _Checkpoint = (), state, ""
        self._before: _Checkpoint = self._origin
        self._after: _Checkpoint = self._origin

    def answer(self, turns: tuple[str, ...]) -> tuple[State, str, str | None] | None:
        """Return the state that `turns` lead to, the reply to the last, and any problem, in words for a log.

        None when a turn of what comes before the last was replayed instead: call it again. A transcript can hold
        thousands, each a fraction of a millisecond or more: let others work in between.
        """
        known, state, reply = self._after
        if known == turns:
            return state, reply, None  # the same payload again
        newest, before = turns, turns[:-1]
        if known == before:  # it goes on
            self._before = self._after
        elif self._before[0] != before:  # nor is its last utterance corrected
            self._before = self._nearest(turns)
            if (at := len(self._before[0])) < len(before):
                newest = turns[: at + 1]
        state, problem = self._before[1], None
        try:
            state, reply = self._eliza.reply(state, newest[-1])
        except EndlessScript as error:
            reply, problem = APOLOGY, str(error)
        self._after = newest, state, reply
        return (state, reply, problem) if newest is turns else None

    def _nearest(self, turns: tuple[str, ...]) -> _Checkpoint:
        """Return the last checkpoint from which `turns` go on."""
        for point in (self._after, self._before):
            at = len(point[0])
            if at < len(turns) and turns[:at] == point[0]:
                return point
        return self._origin

    def remark(self, voice: Voice) -> str | None:
        """Return a remark on how the turn was said that was answered last, if one is in place: no trace in the fold."""
        return self._eliza.remark(self._before[1], self._after[0][-1], voice)
