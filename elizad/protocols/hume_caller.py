"""Hume's side of its custom language model socket: a thread as EVI writes it, one payload for every turn.

The counterpart of hume_clm.py, for whoever plays EVI. No I/O, no clock: times are given, in milliseconds of the chat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from elizad.eliza.expressions import NAMES

FAINT: Final = 0.02  # what every score is that nobody asked for: a voice is never all zeros


class _Message(msgspec.Struct):
    role: str
    content: str


class _Prosody(msgspec.Struct):
    scores: Mapping[str, float]


class _Models(msgspec.Struct):
    prosody: _Prosody | None


class _Time(msgspec.Struct):
    begin: int
    end: int


class _Element(msgspec.Struct):
    type: str
    message: _Message
    models: _Models
    time: _Time | None


class _Payload(msgspec.Struct):
    messages: Sequence[msgspec.Raw]
    custom_session_id: str | None


_ENCODE: Final = msgspec.json.Encoder().encode
_UNHEARD: Final = _Models(None)


def user_element(text: str, times: tuple[int, int] | None, scores: Mapping[str, float] | None) -> msgspec.Raw:
    """Return what the caller said, encoded; `scores` are filled up to all 48, and None is for what was typed."""
    models = _UNHEARD if scores is None else _Models(_Prosody({**dict.fromkeys(NAMES, FAINT), **scores}))
    return _element("user", text, models, None if times is None else _Time(*times))


def assistant_element(text: str) -> msgspec.Raw:
    """Return what was answered, encoded."""
    return _element("assistant", text, _UNHEARD, None)


def payload(thread: Sequence[msgspec.Raw], session: str | None) -> str:
    """Return the message that asks for the next turn."""
    return _ENCODE(_Payload(thread, session)).decode()


def _element(role: str, text: str, models: _Models, time: _Time | None) -> msgspec.Raw:
    return msgspec.Raw(_ENCODE(_Element(f"{role}_message", _Message(role, text.strip()), models, time)))
