"""What a conversation tells a platform. The counterpart of events.py; every adapter writes these as its own frames.

A platform that has no word for a command writes nothing. Commands are structs because every turn makes several: a named
tuple costs five times as much.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Speak(msgspec.Struct, frozen=True, gc=False):
    """Say this piece of the reply of turn number `turn`; spacing between pieces is part of the text."""

    turn: int
    text: str


class EndTurn(msgspec.Struct, frozen=True, gc=False):
    """The reply is complete; sent exactly once for each turn that was not superseded.

    When it has been said, the platform may be asked to hang up, or else to put the caller through to a number, or else
    to press keys.
    """

    turn: int
    hang_up: bool = False
    transfer_number: str | None = None
    press_digits: str | None = None


class AnswerKeepalive(msgspec.Struct, frozen=True, gc=False):
    """We are there."""

    stamp: int


class Interject(msgspec.Struct, frozen=True, gc=False):
    """Cut in and say this, whoever is speaking. Pieces with the same number are one interjection."""

    number: int
    text: str
    complete: bool = True
    hang_up: bool = False
    may_be_interrupted: bool = True


class TuneAgent(msgspec.Struct, frozen=True, gc=False):
    """Change how the platform conducts the call; None leaves a thing as it is.

    Responsiveness and interruption sensitivity go from 0 to 1; `reminder_count` 0 turns reminders off.
    """

    responsiveness: float | None = None
    interruption_sensitivity: float | None = None
    reminder_after_s: float | None = None
    reminder_count: int | None = None


class Publish(msgspec.Struct, frozen=True, gc=False):
    """Hand data to whoever watches the call, such as a web page."""

    data: Mapping[str, object]


Command = Speak | EndTurn | AnswerKeepalive | Interject | TuneAgent | Publish


class Cue(msgspec.Struct, frozen=True, gc=False):
    """Commands that are due together, and when: seconds from the start of their turn."""

    due_s: float
    commands: tuple[Command, ...]
