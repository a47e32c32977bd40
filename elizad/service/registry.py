"""The calls that are live now: how many there are, and how they are asked to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from elizad.service.connection import Connection


class Registry:
    """Live connections; each is in it exactly while it runs."""

    def __init__(self) -> None:
        self._live: set[Connection] = set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._live)

    @contextmanager
    def entered(self, connection: Connection) -> Iterator[None]:
        """Hold `connection` in the registry; one that comes while the rest are asked to end is asked as well."""
        self._live.add(connection)
        if self._draining:
            connection.stop()
        try:
            yield
        finally:
            self._live.discard(connection)

    def drain(self) -> None:
        """Ask every call to end when its turn is finished. Does not wait."""
        self._draining = True
        for connection in self._live:
            connection.stop()
