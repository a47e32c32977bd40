"""Hume EVI's custom language model over WebSocket: Hume sends the whole thread, we send text, and an end.

One payload asks for one turn: any number of `assistant_input`, then one `assistant_end`. Hume has no message for an
interruption; it sends a new payload, and what is left of the old turn, its end included, must not follow. The shapes
accepted are the documented one, the bare array of April 2024, and elements with `role` and `content` flattened.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from elizad.conversation.commands import Command, EndTurn, Speak
from elizad.conversation.events import Ask, Event, TurnRequested
from elizad.eliza.expressions import NAMES, score
from elizad.protocols.hume_thread import GREETING_INSTRUCTION as GREETING_INSTRUCTION
from elizad.protocols.hume_thread import Newest, ThreadReader
from elizad.speech.annotations import context, parse_expressions
from elizad.types import CloseCode

CALL_LIMIT_S: Final = 1800.0
"""EVI ends every chat after half an hour."""

_MOST_GROUPS: Final = 8  # Hume writes two
_GROUP_CHARS: Final = 300  # three phrases have a hundred
_CONTEXT_CHARS: Final = 2000  # of an injected text, in which a rule looks for words


class _PlainProsody(msgspec.Struct, gc=False):
    scores: dict[str, float] | None = None


class _PlainModels(msgspec.Struct, gc=False):
    """As they come from Hume. What is odd in them is read again by the other two, a score at a time."""

    prosody: _PlainProsody | None = None


class _Prosody(msgspec.Struct, gc=False):
    scores: dict[str, msgspec.Raw] | None = None


class _Models(msgspec.Struct, gc=False):
    prosody: _Prosody | None = None


class _AssistantInput(msgspec.Struct, tag="assistant_input", tag_field="type", omit_defaults=True):
    text: str
    custom_session_id: str | None = None


_PLAIN_MODELS: Final = msgspec.json.Decoder(_PlainModels)
_MODELS: Final = msgspec.json.Decoder(_Models)
_NUMBER: Final = msgspec.json.Decoder(float)
_KNOWN: Final = frozenset(NAMES)
_ENCODE: Final = msgspec.json.Encoder().encode
_END: Final = '{"type":"assistant_end"}'


class HumeClm:
    """The adapter of one CLM socket: message -> events, commands -> messages. No I/O, no clock."""

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
        thread, session = self._reader.read(text)
        self._session = session or self._session
        self._turn += 1
        return [
            TurnRequested(
                self._turn,
                thread.transcript,
                Ask.GREETING if thread.greet else Ask.REPLY,
                self._session,
                expressions=_expressions(thread.newest),
                context=tuple(text[:_CONTEXT_CHARS] for text in context(thread.newest.groups)[:_MOST_GROUPS]),
            )
        ]

    def send(self, command: Command) -> list[str]:
        """Write one command as messages to Hume. The session's name is said back once, with the first words."""
        match command:
            case Speak(_, text):
                session = None if self._session == self._announced else self._session
                self._announced = self._session
                return [_ENCODE(_AssistantInput(text, session)).decode()]
            case EndTurn():
                return [_END]
            case _:
                return []  # Hume's socket has no word for anything else


def _expressions(newest: Newest) -> Mapping[str, float]:
    """Return how the newest words were said: the scores, or else what the expression groups say in words."""
    scores = _scores(newest.models)
    if not scores:
        groups = (parse_expressions(group) or () for group in newest.groups[:_MOST_GROUPS] if len(group) < _GROUP_CHARS)
        scores = dict(filter(None, (score(*phrase) for group in groups for phrase in group)))
    return MappingProxyType(scores)


def _scores(models: bytes) -> dict[str, float]:
    """Read the prosody of one message; what makes no sense in it was not heard, and the rest was."""
    if not models:
        return {}
    try:
        plain = _PLAIN_MODELS.decode(models).prosody
    except (msgspec.DecodeError, RecursionError):
        return _odd_scores(models)
    scores = (plain and plain.scores) or {}
    return {name: value for name, value in scores.items() if 0 <= value <= 1 and name in _KNOWN}


def _odd_scores(models: bytes) -> dict[str, float]:
    try:
        prosody = _MODELS.decode(models).prosody
    except (msgspec.DecodeError, RecursionError):
        return {}
    scores: dict[str, float] = {}
    for name, raw in ((prosody and prosody.scores) or {}).items():
        if name in _KNOWN:
            try:
                value = _NUMBER.decode(raw)
            except msgspec.DecodeError:
                continue
            if 0 <= value <= 1:
                scores[name] = value
    return scores
