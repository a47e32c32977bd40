"""What a platform tells a conversation. The counterpart of commands.py, structs as well."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from elizad.types import Utterance

_NOTHING_KNOWN: Final[Mapping[str, str]] = MappingProxyType({})
_NOTHING_HEARD: Final[Mapping[str, float]] = MappingProxyType({})


class Ask(enum.Enum):
    """What a turn of ours is to be."""

    REPLY = "reply"  # an answer to the newest utterance of the caller
    GREETING = "greeting"  # the opening line
    REPEAT = "repeat"  # the caller spoke, but no words were understood
    SILENCE = "silence"  # the caller has said nothing for a while
    NOTHING = "nothing"  # take the turn and leave the word to the caller


class TurnRequested(msgspec.Struct, frozen=True, gc=False):
    """It is our turn.

    `turn` is the adapter's number for it: a higher number supersedes a lower one, and a turn that has ended is not
    taken again. `transcript` is the whole conversation so far, oldest first. `session` is the platform's name for what
    several calls can share, and `call` its name for this call alone, if it has them. A greeting may have its own text
    instead of the script's opening line, with `{name}` fields for `variables`; `hold_s` is how many seconds it may wait
    for these to become known.

    `expressions` says how the newest utterance was said, Hume's names -> 0 to 1, and `context` are texts that came with
    it.
    """

    turn: int
    transcript: tuple[Utterance, ...] = ()
    ask: Ask = Ask.REPLY
    session: str | None = None
    call: str | None = None
    greeting: str | None = None
    variables: Mapping[str, str] = _NOTHING_KNOWN
    hold_s: float = 0.0
    expressions: Mapping[str, float] = _NOTHING_HEARD
    context: tuple[str, ...] = ()


class KeepaliveRequested(msgspec.Struct, frozen=True, gc=False):
    """The platform wants to know, by a message of its own, that we are there; `stamp` comes back to it."""

    stamp: int


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A message that says nothing we can use; `why` is for the log and never quotes it."""

    why: str


Event = TurnRequested | KeepaliveRequested | Ignored
