"""A fold over something that grows: what was folded is kept, and only what is new is folded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
S = TypeVar("S")


class Fold(Generic[T, S]):
    """Folds one sequence after the other, as if each were folded anew from `start`.

    `step` returns the state that more items lead to and leaves the one it is given as it is. A sequence that goes on
    from the last one costs what is new in it, and so does one whose last item was corrected. Items that are the same
    objects are compared in nanoseconds.
    """

    __slots__ = ("_after", "_before", "_start", "_step")

    def __init__(self, start: S, step: Callable[[S, tuple[T, ...]], S]) -> None:
        self._start = start
        self._step = step
        self._before: tuple[tuple[T, ...], S] = (), start  # without the newest item
        self._after: tuple[tuple[T, ...], S] = (), start

    def over(self, items: tuple[T, ...]) -> S:
        """Return the state that `items` lead to."""
        known, state = self._after
        if len(items) == len(known) and items == known:
            return state
        if not _goes_on(items, known):
            known, state = self._before
            if not _goes_on(items, known):
                known, state = items[:0], self._start
        if len(known) < len(items) - 1:
            state = self._step(state, items[len(known) : -1])
            known = items[:-1]
        self._before = known, state
        self._after = items, self._step(state, items[-1:])
        return self._after[1]

    def before_last(self) -> S:
        """Return the state without the last item of the last sequence."""
        return self._before[1]


def _goes_on(items: tuple[T, ...], known: tuple[T, ...]) -> bool:
    return len(known) < len(items) and items[: len(known)] == known
