"""How words were said, where every expression has a score: read into fields, and a mapping all the same.

To make a dictionary of 48 scores takes longer than all that is asked of them, which is a dozen at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec

from elizad.eliza.expressions import NAMES

Score = Annotated[float, msgspec.Meta(ge=0, le=1)]

FIELDS: Final = {name: f"score_{place}" for place, name in enumerate(NAMES)}
"""The attributes of `AllScores`, by the names of the expressions."""


class _Scores(msgspec.Struct, gc=False, eq=False):
    """Mapping[str, float]; not its child, which would have another metaclass."""

    def __getitem__(self, name: str) -> float:
        score: float = getattr(self, FIELDS[name])
        return score

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __repr__(self) -> str:
        return repr(dict(self))

    __eq__, __contains__, get = Mapping.__eq__, Mapping.__contains__, Mapping.get
    keys, values, items = Mapping.keys, Mapping.values, Mapping.items


AllScores: Final = msgspec.defstruct(
    "AllScores",
    [(field, Score) for field in FIELDS.values()],
    bases=(_Scores,),
    rename={field: name for name, field in FIELDS.items()},
    gc=False,
    eq=False,
)
"""A score for each of NAMES, in their order."""
Mapping.register(AllScores)
