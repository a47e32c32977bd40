"""What the parts of one live chat share: its state, its record, how its messages are written, and who counts."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import trio

from elizad.evi.record import Record
from elizad.protocols.evi.chat import Chat
from elizad.protocols.evi.outgoing import Writer
from elizad.service.meter import Meter


def new_id() -> str:
    """Return an id for a message, a chat or a call of a tool."""
    return str(uuid.uuid4())


@dataclass(slots=True)
class Sitting:
    """One chat, as its parts see it. `conn` is its name in the log, `opened` when it began, in trio's time."""

    chat: Chat
    record: Record
    writer: Writer
    meter: Meter
    conn: str
    opened: float
    clock: Callable[[], float] = time.time
    """The time of day, in Unix seconds."""

    def note(self, role: str, type: str, text: str | None = None) -> None:
        """Take down an event, by the names that REST has for them. Does not wait."""
        self.record.note(role, type, text, at_ms=self.unix_ms())

    def at_ms(self) -> int:
        """Return how long the chat has lasted, in milliseconds."""
        return math.floor((trio.current_time() - self.opened) * 1000)

    def unix_ms(self) -> int:
        """Return the time of day in milliseconds."""
        return math.floor(self.clock() * 1000)
