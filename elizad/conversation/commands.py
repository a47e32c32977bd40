"""What a conversation tells a platform. The counterpart of events.py; every adapter writes these as its own frames."""

from __future__ import annotations

from typing import NamedTuple


class Speak(NamedTuple):
    """Say this piece of the reply; spacing between pieces is part of the text."""

    text: str


class EndTurn(NamedTuple):
    """The reply is complete; sent exactly once for each turn that was not superseded."""


Command = Speak | EndTurn


class Cue(NamedTuple):
    """A command, and when it is due: seconds from the start of its turn."""

    due_s: float
    command: Command
