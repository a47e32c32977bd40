"""How words were said, where every expression has a score: read into fields, and a mapping all the same.

To make a dictionary of 48 scores takes longer than all that is asked of them, which is a dozen at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from elizad.eliza.expressions import NAMES

FIELDS: Final = {name: f"score_{place}" for place, name in enumerate(NAMES)}
"""The attributes of `AllScores`, by the names of the expressions."""


class _Scores(msgspec.Struct, gc=False, eq=False):
    """Mapping[str, float]; not its child, which would have another metaclass."""

    def __getitem__(self, name: str) -> float:
        score: float = getattr(self, FIELDS[name])
        if not 0 <= score <= 1:
            raise KeyError(name)
        return score

    def __iter__(self) -> Iterator[str]:
        return (name for name, field in FIELDS.items() if 0 <= getattr(self, field) <= 1)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))

    __eq__, __contains__, get = Mapping.__eq__, Mapping.__contains__, Mapping.get
    keys, values, items = Mapping.keys, Mapping.values, Mapping.items


AllScores: Final = msgspec.defstruct(
    "AllScores",
    [(field, float) for field in FIELDS.values()],
    bases=(_Scores,),
    rename={field: name for name, field in FIELDS.items()},
    gc=False,
    eq=False,
)
"""A score for each of NAMES, in their order. What is not 0 to 1 makes no sense, and is not in the mapping."""
Mapping.register(AllScores)
