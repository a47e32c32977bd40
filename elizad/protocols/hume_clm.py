"""Hume EVI's custom language model over WebSocket: Hume sends the whole thread, we send text, and an end.

One payload asks for one turn: any number of `assistant_input`, then one `assistant_end`. Hume has no message for an
interruption; it sends a new payload, and what is left of the old turn, its end included, must not follow. The shapes
accepted are the documented one, the bare array of April 2024, and elements with `role` and `content` flattened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from elizad.conversation.commands import Command, EndTurn, Speak
from elizad.conversation.events import Ask, Event, TurnRequested
from elizad.eliza.expressions import score
from elizad.protocols.hume_thread import GREETING_INSTRUCTION as GREETING_INSTRUCTION
from elizad.protocols.hume_thread import ThreadReader
from elizad.speech.annotations import context, parse_expressions
from elizad.types import CloseCode

CALL_LIMIT_S: Final = 1800.0
"""EVI ends every chat after half an hour."""

_MOST_GROUPS: Final = 8  # Hume writes two
_GROUP_CHARS: Final = 300  # three phrases have a hundred
_CONTEXT_CHARS: Final = 2000  # of an injected text, in which a rule looks for words


_ENCODE: Final = msgspec.json.Encoder().encode
_GREETING: Final = Ask.GREETING  # found more quickly than in their enumeration
_REPLY: Final = Ask.REPLY
_END: Final = '{"type":"assistant_end"}'


class HumeClm:
    """The adapter of one CLM socket: message -> events, commands -> messages. No I/O, no clock."""

    __slots__ = ("_announced", "_reader", "_session", "_turn")

    name: Final = "hume"
    going_away: Final = CloseCode.GOING_AWAY
    call_limit_s: Final = CALL_LIMIT_S

    def __init__(self) -> None:
        self._reader = ThreadReader()
        self._session: str | None = None
        self._announced: str | None = None
        self._turn = 0

    def opening(self) -> tuple[list[str], TurnRequested | None]:
        """Return what is said before Hume says anything: nothing."""
        return [], None

    def receive(self, text: str) -> list[Event]:
        """Read one message from Hume.

        Raises:
            RemoteError: 1007, the message is not a payload; 1009, no conversation is that long.
        """
        reader = self._reader
        transcript, greet, expressions, groups = reader.read(text)
        if reader.session:
            self._session = reader.session
        turn = self._turn = self._turn + 1
        return [
            TurnRequested(
                turn,
                transcript,
                _GREETING if greet else _REPLY,
                self._session,
                expressions=expressions or _phrases(groups) if groups else expressions,
                context=_context(groups) if groups else (),
            )
        ]

    def send(self, commands: Sequence[Command]) -> list[str]:
        """Write commands as messages to Hume. The session's name is said back once, with the first words.

        Hume's socket has a word for what is said, and for its end.
        """
        messages: list[str] = []
        for command in commands:
            if isinstance(command, Speak):
                name = ""
                if self._announced != self._session:
                    self._announced = self._session
                    name = f',"custom_session_id":{_ENCODE(self._session).decode()}'
                messages.append(f'{{"type":"assistant_input","text":{_ENCODE(command.text).decode()}{name}}}')
            elif isinstance(command, EndTurn):
                messages.append(_END)
        return messages


def _context(groups: Sequence[str]) -> tuple[str, ...]:
    return tuple(text[:_CONTEXT_CHARS] for text in context(groups)[:_MOST_GROUPS])


def _phrases(groups: Sequence[str]) -> Mapping[str, float]:
    """Return what the expression groups say in words, where there are no scores."""
    read = (parse_expressions(group) or () for group in groups[:_MOST_GROUPS] if len(group) < _GROUP_CHARS)
    return MappingProxyType(dict(filter(None, (score(*phrase) for group in read for phrase in group))))
