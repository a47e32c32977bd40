"""Taking up a state that was put away: perhaps by a script that has changed since, perhaps damaged.

A state is only good with the script that made it: a cursor is a place in it. What was remembered are sentences, and
they stay good while the script remembers the same kind of thing, in the same mode.
"""

from __future__ import annotations

import operator
from array import array
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from elizad.eliza.script import NO_CURSOR, Script

if TYPE_CHECKING:
    from elizad.eliza.engine import Eliza, State

_LIMITS = range(1, 5)


class Identity(NamedTuple):
    """What made a state: states with the same `cursors` fit in full, those with the same `memories` partly."""

    memories: str
    cursors: str


def identity_of(source: str, mode: str, script: Script) -> Identity:
    """Return the identity of a script that was compiled from `source`; the same on every machine."""
    digest = blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16, key=mode.encode()).hexdigest()
    return Identity(f"{mode} {script.memory_keyword}", digest)


def resumed(eliza: Eliza, state: State, made_by: Identity) -> State:
    """Return as much of `state` as `eliza` can go on with; in a script that has changed, cursors start anew."""
    start = eliza.start()
    cursors = _fitting(eliza, state.cursors.tobytes()) if made_by.cursors == eliza.identity.cursors else None
    return start._replace(
        limit=state.limit if state.limit in _LIMITS else start.limit,
        cursors=start.cursors if cursors is None else cursors,
        memories=state.memories if made_by.memories == eliza.identity.memories else (),
    )


@lru_cache(maxsize=4)  # scripts: one, and after a reload the one before it; 0.4 ms once instead of in every call
def _turns_of(eliza: Eliza) -> tuple[int, ...]:
    """Return of how many each cursor counts the turns."""
    turns = [1] * eliza.script.cursors
    for rule in eliza.script.all_rules:
        for transformation in rule.transformations:
            if transformation.cursor != NO_CURSOR:
                turns[transformation.cursor] = len(transformation.reassemblies)
    return tuple(turns)


def _fitting(eliza: Eliza, data: bytes) -> array[int] | None:
    """Return the cursors that were put away as `data`, if they are places in this script."""
    cursors, turns = array(eliza.start().cursors.typecode), _turns_of(eliza)
    if len(data) != len(turns) * cursors.itemsize:
        return None
    cursors.frombytes(data)
    return cursors if all(map(operator.lt, cursors, turns)) else None
