"""Hume EVI's custom language model over WebSocket: Hume sends the whole thread, we send text, and an end.

One payload asks for one turn: any number of `assistant_input`, then one `assistant_end`. Hume has no message for an
interruption; it sends a new payload, and what is left of the old turn, its end included, must not follow. The shapes
accepted are the documented one, the bare array of April 2024, and elements with `role` and `content` flattened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple

import msgspec

from elizad.conversation.commands import Command, EndTurn, Speak
from elizad.conversation.events import Ask, Event, TurnRequested
from elizad.eliza.expressions import NAMES, score
from elizad.protocols.wire import MAX_SESSION_CHARS, check_length, decode
from elizad.speech.annotations import context, parse_expressions, split_annotations
from elizad.types import CloseCode, Role, Utterance

GREETING_INSTRUCTION: Final = "Speak your greeting to the user."
"""What EVI puts into the thread as if the user had said it, when its configuration asks for a greeting."""

CALL_LIMIT_S: Final = 1800.0
"""EVI ends every chat after half an hour."""

_MOST_BRACES: Final = 10_000
"""Closing braces that are read with care in one thread, a microsecond each. Half an hour has a thousand, and nobody
says them; after that, what follows an opening one is all annotation."""

_MOST_GROUPS: Final = 8  # Hume writes two
_GROUP_CHARS: Final = 300  # three phrases have a hundred
_CONTEXT_CHARS: Final = 2000  # of an injected text, in which a rule looks for words

_ROLES: Final = {"user": Role.USER, "assistant": Role.ASSISTANT}
_TYPES: Final = {"user_message": "user", "assistant_message": "assistant"}


class _Message(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None


class _Element(msgspec.Struct, gc=False):
    """One entry of the thread. `time` is only compared, `models` read for the newest words; the rest is skipped."""

    type: str | None = None
    message: _Message | None = None
    role: str | None = None
    content: str | None = None
    time: msgspec.Raw = msgspec.Raw()
    models: msgspec.Raw = msgspec.Raw()

    def flat(self) -> tuple[str, str]:
        """Return (role, content) in either shape."""
        message = self.message or _Message(self.role, self.content)
        return message.role or _TYPES.get(self.type or "", ""), message.content or ""


class _Prosody(msgspec.Struct, gc=False):
    scores: dict[str, msgspec.Raw] | None = None


class _Models(msgspec.Struct, gc=False):
    prosody: _Prosody | None = None


class _Payload(msgspec.Struct):
    messages: list[_Element]
    custom_session_id: Annotated[str, msgspec.Meta(max_length=MAX_SESSION_CHARS)] | None = None


class _AssistantInput(msgspec.Struct, tag="assistant_input", tag_field="type", omit_defaults=True):
    text: str
    custom_session_id: str | None = None


_MODELS: Final = msgspec.json.Decoder(_Models)
_NUMBER: Final = msgspec.json.Decoder(float)
_KNOWN: Final = frozenset(NAMES)
_PAYLOAD: Final = msgspec.json.Decoder(_Payload | list[_Element])
_ENCODE: Final = msgspec.json.Encoder().encode
_END: Final = '{"type":"assistant_end"}'


class HumeClm:
    """The adapter of one CLM socket: message -> events, commands -> messages. No I/O, no clock."""

    name: Final = "hume"
    going_away: Final = CloseCode.GOING_AWAY
    call_limit_s: Final = CALL_LIMIT_S

    def __init__(self) -> None:
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
        payload = decode(_PAYLOAD, text)
        if isinstance(payload, _Payload):
            self._session = payload.custom_session_id or self._session
            elements = payload.messages
        else:
            elements = payload
        check_length(elements)
        transcript, greet, newest = _transcript(elements)
        self._turn += 1
        return [
            TurnRequested(
                self._turn,
                transcript,
                Ask.GREETING if greet else Ask.REPLY,
                self._session,
                expressions=_expressions(newest),
                context=tuple(text[:_CONTEXT_CHARS] for text in context(newest.groups)[:_MOST_GROUPS]),
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


class _Newest(NamedTuple):
    """What came with the caller's newest words: the models, unread, and the insides of the brace groups."""

    models: msgspec.Raw = msgspec.Raw()
    groups: tuple[str, ...] = ()


def _transcript(elements: Iterable[_Element]) -> tuple[tuple[Utterance, ...], bool, _Newest]:
    """Return the thread without annotations, doubles and instructions, and whether the newest word is to greet.

    Beside them what came with the newest words of the caller.
    """
    transcript: list[Utterance] = []
    greet = False
    newest = _Newest()
    braces = 0
    for role, content, models in _distinct(elements):
        known = _ROLES.get(role, Role.OTHER)
        if known is not Role.USER:
            transcript.append(Utterance(known, content))
            continue
        braces += content.count("}")
        text, groups = split_annotations(content) if braces <= _MOST_BRACES else (content.partition("{")[0].strip(), ())
        instruction = text.startswith(GREETING_INSTRUCTION)
        text = text.removeprefix(GREETING_INSTRUCTION).lstrip()
        greet = instruction and not text
        if not greet:
            transcript.append(Utterance(known, text))
            newest = _Newest(models, groups)
    return tuple(transcript), greet, newest


def _distinct(elements: Iterable[_Element]) -> Iterator[tuple[str, str, msgspec.Raw]]:
    """Yield (role, content, models); of neighbours that are the same in role, content and time only the first."""
    last: tuple[str, str, bytes] | None = None
    for element in elements:
        role, content = element.flat()
        entry = (role, content, bytes(element.time))
        if entry != last:
            yield role, content, element.models
        last = entry


def _expressions(newest: _Newest) -> Mapping[str, float]:
    """Return how the newest words were said: the scores, or else what the expression groups say in words."""
    scores = _scores(newest.models)
    if not scores:
        groups = (parse_expressions(group) or () for group in newest.groups[:_MOST_GROUPS] if len(group) < _GROUP_CHARS)
        scores = dict(filter(None, (score(*phrase) for group in groups for phrase in group)))
    return MappingProxyType(scores)


def _scores(models: msgspec.Raw) -> dict[str, float]:
    """Read the prosody of one message; what makes no sense in it was not heard, and the rest was."""
    try:
        prosody = _MODELS.decode(models).prosody if bytes(models) else None
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
