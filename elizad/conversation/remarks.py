"""When a remark on the caller's voice is in place: not again within a few turns, and each in its turn.

What the script says of a voice is found again in the transcript, so that nothing has to be remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Final

from elizad.conversation.said import AlreadySaid, mark
from elizad.conversation.scores import FIELDS, AllScores
from elizad.eliza import Eliza
from elizad.eliza.expressions import BY_SCRIPT_NAME, Voice
from elizad.eliza.script import Say

_ANY_TWO: Final = ("Fear", "Joy")  # looked at in any case: attrgetter makes a tuple of two or more only
_PAUSE: Final = 4  # turns of ours between two remarks: who is told at every turn how they sound feels watched


def _marks_of(eliza: Eliza) -> tuple[str, ...]:
    """Return the words by which the remarks of a script are known again."""
    if eliza.faithful:
        return ()  # the program of 1966 heard no voices
    texts = (
        " ".join("{0}" if isinstance(part, int) else part.said for part in one.parts)
        for expression in eliza.script.expressions
        for transformation in expression.rule.transformations
        for one in transformation.reassemblies
        if isinstance(one, Say)
    )
    return tuple(filter(None, map(mark, texts)))


def _needs_of(eliza: Eliza) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Return what the rules for a voice need, Hume's names and how many hundredths; not what needs more than another.

    Where one of these is heard some rule is, and where none is no rule is.
    """
    kept: list[dict[str, int]] = []
    for one in eliza.script.expressions:
        needs: dict[str, int] = {}
        for name, percent in one.needs:
            known = BY_SCRIPT_NAME.get(name, "")
            needs[known] = max(percent, needs.get(known, 0))
        if not any(_is_met(less, needs) for less in kept):
            kept = [more for more in kept if not _is_met(needs, more)] + [needs]
    return tuple(tuple(needs.items()) for needs in kept)


def _is_met(needs: Mapping[str, int], by: Mapping[str, int]) -> bool:
    """Whether a voice that has all of `by` has all of `needs`."""
    return all(by.get(name, -1) >= percent for name, percent in needs.items())


class Remarks:
    """What one script can say of a voice."""

    __slots__ = ("_first", "_least", "_marks", "_needs")

    def __init__(self, eliza: Eliza) -> None:
        self._marks = _marks_of(eliza)
        self._needs = _needs_of(eliza) if self._marks else ()
        # Of each rule, what must be strongest. Where none of these reaches the least of them no rule is.
        strongest = [max(needs, key=itemgetter(1)) for needs in self._needs]
        least = min((percent for _, percent in strongest), default=math.inf)
        self._least = (least - 0.01) / 100  # surely not too much, however it is rounded
        self._first = attrgetter(*(FIELDS[name] for name in {*_ANY_TWO, *(name for name, _ in strongest)} if name))

    def voice(self, scores: Mapping[str, float], said: AlreadySaid) -> Voice | None:
        """Return how the newest words were said, if that may be spoken of now."""
        if not self.may_be_of(scores):
            return None  # before the transcript is searched: few voices are
        times, since = said.times_and_since(self._marks)
        if since is not None and since < _PAUSE:
            return None
        return Voice(scores, times)

    def may_be_of(self, scores: Mapping[str, float]) -> bool:
        """Whether any rule of the script has all that it needs."""
        if isinstance(scores, AllScores):
            if max(self._first(scores)) <= self._least:
                return False  # a voice in which nothing is strong: most are
        elif not scores:
            return False
        for needs in self._needs:
            for name, least in needs:
                if scores.get(name, 0.0) * 100 < least:
                    break
            else:
                return True
        return False


@lru_cache(maxsize=4)  # scripts: one, and after a reload the one before it, for all calls together
def remarks_of(eliza: Eliza) -> Remarks:
    """Return what the script of `eliza` can say of a voice."""
    return Remarks(eliza)
