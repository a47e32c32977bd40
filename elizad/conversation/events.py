"""What a platform tells a conversation. The counterpart of commands.py; every adapter speaks in these words."""

from __future__ import annotations

from typing import NamedTuple

from elizad.types import Utterance


class TurnRequested(NamedTuple):
    """It is our turn: answer the newest utterance of the caller.

    `transcript` is the whole conversation so far, oldest first. `greet` asks for the opening line instead of an answer.
    `session` is the platform's name for the conversation, if it has one.
    """

    transcript: tuple[Utterance, ...]
    greet: bool = False
    session: str | None = None


Event = TurnRequested
