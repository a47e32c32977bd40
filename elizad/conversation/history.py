"""The fold of a transcript: which replies ELIZA gave, recomputed from what the caller said and from nothing else.

Platforms send the whole transcript with every turn, so the same payload gets the same reply on a fresh connection or
on another machine. What this connection has already folded is kept as two checkpoints, before and after the newest
turn: a payload that continues the last one costs one step, and one that corrects its last utterance costs one as well.
Where a call begins can come from earlier calls; from there on it is the transcript's alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from elizad.conversation.phrases import APOLOGY
from elizad.eliza import Eliza, State
from elizad.eliza.expressions import Voice
from elizad.errors import EndlessScript
from elizad.types import Role, Utterance


def user_turns(transcript: Iterable[Utterance]) -> list[str]:
    """Return what the caller said in each turn.

    Utterances with no word of the agent between them are one turn: the caller paused, or spoke over the reply. Turns
    without words count, but not before the first word: what comes then is answered with the opening line.
    """
    turns: list[list[str]] = []
    going_on = False
    for role, text in transcript:
        if role is Role.USER:
            if not going_on:
                turns.append([])
                going_on = True
            if text:
                turns[-1].append(text)
        elif role is Role.ASSISTANT:
            going_on = False
    first = next((i for i, words in enumerate(turns) if words), len(turns))
    return [" ".join(words) for words in turns[first:]]


class _Checkpoint(NamedTuple):
    """The fold of the first `turns` turns, whose texts have this digest."""

    turns: int
    digest: int
    state: State
    reply: str


class Answer(NamedTuple):
    """A reply; `problem` says what went wrong on the way, in words for a log."""

    text: str
    problem: str | None = None


class History:
    """Folds one conversation's transcripts; memory does not grow with the conversation."""

    def __init__(self, eliza: Eliza) -> None:
        self._eliza = eliza
        self.begin_at(eliza.start())

    @property
    def state(self) -> State:
        """What the newest turn that was answered has led to."""
        return self._after.state

    def begin_at(self, state: State) -> None:
        """Let the conversation begin with `state` instead of a script's start; what was folded is folded anew."""
        self._origin = _Checkpoint(0, 0, state, "")
        self._before = self._after = self._origin

    def answer(self, turns: Sequence[str], voice: Voice | None = None) -> Generator[None, None, Answer]:
        """Return the reply to the last of `turns`, of which there must be one, pausing after each that is replayed.

        With a `voice`, the reply may be a remark on how the last one was said. It leaves no trace in the fold.

        A transcript can hold thousands of turns, each a fraction of a millisecond or more: in the pauses other calls
        get theirs. To leave at one loses this reply and nothing else.
        """
        # hash() of a string is keyed per process: quick, and nobody outside can aim at a collision.
        digests = list(accumulate(turns, lambda digest, text: hash((digest, text)), initial=0))
        known = (self._after, self._before, self._origin)
        newest = len(turns) - (voice is not None)  # a remark needs the state before the last turn
        point = next(p for p in known if p.turns <= newest and digests[p.turns] == p.digest)
        problem = None
        for index in range(point.turns, len(turns)):
            self._before = point
            try:
                state, reply = self._eliza.reply(point.state, turns[index])
            except EndlessScript as error:
                state, reply, problem = point.state, APOLOGY, str(error)
            point = _Checkpoint(index + 1, digests[index + 1], state, reply)
            if point.turns < len(turns):
                yield
        self._after = point
        remark = None
        if voice is not None and problem is None:
            remark = self._eliza.remark(self._before.state, turns[-1], voice)
        return Answer(remark or point.reply, problem)
