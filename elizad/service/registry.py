"""The calls that are live now: how many there are, and how they are asked to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import trio

_GAP_S: Final = 0.01
"""Between asking one call to end and the next: a hundred calls a second come back to whoever answers then, a rate that
one worker bears. Evenly spaced: calls in step with each other are what randomness is for, and these are not."""


class Live(Protocol):
    """A call that can be asked to end."""

    def stop(self) -> None:
        """End when the turn that is being spoken is finished. Does not wait."""


class Registry:
    """Live connections; each is in it exactly while it runs."""

    def __init__(self) -> None:
        self._live: set[Live] = set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._live)

    def add(self, connection: Live) -> None:
        """Hold a connection until `discard`; one that comes while the rest are asked to end is asked as well."""
        self._live.add(connection)
        if self._draining:
            connection.stop()

    def discard(self, connection: Live) -> None:
        """Let go of a connection."""
        self._live.discard(connection)

    @contextmanager
    def entered(self, connection: Live) -> Iterator[None]:
        """Hold `connection` for the length of the block."""
        self.add(connection)
        try:
            yield
        finally:
            self.discard(connection)

    async def drain(self, within_s: float) -> None:
        """Ask every call to end when its turn is finished: one after the other, the last before `within_s` is over.

        Those that were not asked yet are answered as before. Does not wait for any to end.

        Cancelling: the rest are not asked.
        """
        self._draining = True
        asked = list(self._live)
        for connection in asked:
            connection.stop()
            await trio.sleep(min(_GAP_S, within_s / len(asked)))
