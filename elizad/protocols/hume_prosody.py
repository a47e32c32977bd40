"""How the caller's words were said, as Hume's prosody model hears it: a score for each of NAMES, with every message.

All of them, and all numbers, is what Hume sends, and that is read at once. Whatever else comes is read a score at a
time: what makes no sense in it was not heard, and the rest was.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from elizad.conversation.scores import FIELDS, AllScores


class _PlainProsody(msgspec.Struct, gc=False):
    scores: AllScores  # type: ignore[valid-type]


class PlainModels(msgspec.Struct, gc=False):
    """What Hume's models say of one message, as it comes from Hume."""

    prosody: _PlainProsody | None = None


class _Prosody(msgspec.Struct, gc=False):
    scores: dict[str, msgspec.Raw] | None = None


class _Models(msgspec.Struct, gc=False):
    prosody: _Prosody | None = None


_PLAIN_MODELS: Final = msgspec.json.Decoder(PlainModels | None)
_MODELS: Final = msgspec.json.Decoder(_Models)
_SCORE: Final = msgspec.json.Decoder(Annotated[float, msgspec.Meta(ge=0, le=1)])
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


def scores(models: PlainModels | msgspec.Raw | None) -> Mapping[str, float]:
    """Return those scores of one message that make sense; Raw is what nobody has read yet."""
    if isinstance(models, msgspec.Raw):
        try:
            plain = _PLAIN_MODELS.decode(models)
        except (msgspec.DecodeError, RecursionError):
            return _one_by_one(models)
    else:
        plain = models
    if plain is None or plain.prosody is None:
        return _NOTHING
    heard: Mapping[str, float] = plain.prosody.scores
    return heard


def _one_by_one(models: msgspec.Raw) -> Mapping[str, float]:
    try:
        prosody = _MODELS.decode(models).prosody
    except (msgspec.DecodeError, RecursionError):
        return _NOTHING
    heard: dict[str, float] = {}
    for name, raw in ((prosody and prosody.scores) or {}).items():
        if name in FIELDS:
            try:
                heard[name] = _SCORE.decode(raw)
            except msgspec.DecodeError:
                continue
    return MappingProxyType(heard)
