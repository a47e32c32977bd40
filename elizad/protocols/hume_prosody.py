"""How the caller's words were said, as Hume's prosody model hears it: a score for each of NAMES, with every message.

All of them, and nothing odd among them, is what Hume sends, and that is read at once. Whatever else comes is read a
score at a time: what makes no sense in it was not heard, and the rest was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec.structs import astuple

from elizad.eliza.expressions import NAMES

_Score = Annotated[float, msgspec.Meta(ge=0, le=1)]
_FIELDS: Final = {f"score_{number}": name for number, name in enumerate(NAMES)}
_All = msgspec.defstruct("_All", [(field, _Score) for field in _FIELDS], rename=_FIELDS, gc=False)


class _PlainProsody(msgspec.Struct, gc=False):
    scores: _All | None = None  # type: ignore[valid-type]


class PlainModels(msgspec.Struct, gc=False):
    """What Hume's models say of one message, as it comes from Hume."""

    prosody: _PlainProsody | None = None


class _Prosody(msgspec.Struct, gc=False):
    scores: dict[str, msgspec.Raw] | None = None


class _Models(msgspec.Struct, gc=False):
    prosody: _Prosody | None = None


_PLAIN_MODELS: Final = msgspec.json.Decoder(PlainModels | None)
_MODELS: Final = msgspec.json.Decoder(_Models)
_SCORE: Final = msgspec.json.Decoder(_Score)
_PLACES: Final = {name: place for place, name in enumerate(NAMES)}
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


class Scores(Mapping[str, float]):
    """A score for each of NAMES, without a dictionary: to make one takes longer than all that is asked of it."""

    __slots__ = ("_scores",)

    def __init__(self, scores: tuple[float, ...]) -> None:
        """`scores` are in the order of NAMES."""
        self._scores = scores

    def __getitem__(self, name: str) -> float:
        return self._scores[_PLACES[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def values(self) -> tuple[float, ...]:  # type: ignore[override]  # a view would look each of them up
        return self._scores

    def __repr__(self) -> str:
        return repr(dict(self))


def scores(models: PlainModels | msgspec.Raw | None) -> Mapping[str, float]:
    """Return those scores of one message that make sense; Raw is what nobody has read yet."""
    plain = models
    if isinstance(plain, msgspec.Raw):
        try:
            plain = _PLAIN_MODELS.decode(plain)
        except (msgspec.DecodeError, RecursionError):
            return _one_by_one(plain)
    if plain is None or plain.prosody is None or plain.prosody.scores is None:
        return _NOTHING
    return Scores(astuple(plain.prosody.scores))


def _one_by_one(models: msgspec.Raw) -> Mapping[str, float]:
    try:
        prosody = _MODELS.decode(models).prosody
    except (msgspec.DecodeError, RecursionError):
        return _NOTHING
    heard: dict[str, float] = {}
    for name, raw in ((prosody and prosody.scores) or {}).items():
        if name in _PLACES:
            try:
                heard[name] = _SCORE.decode(raw)
            except msgspec.DecodeError:
                continue
    return MappingProxyType(heard)
