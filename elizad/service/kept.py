"""What is kept of a session: the shape of a record's payload, and whose call it is of. Knows no store and no clock.

Within a call the transcript is the truth, and ELIZA's state is its fold. A session adds where the fold begins: with
the state that the call before ended with. So that a call which comes back on another connection is not folded upon
itself, the record keeps where its call began, and a digest of what the caller said in it: a transcript that goes on
from there is the same call and begins where that began.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from elizad.eliza import State
from elizad.eliza.resume import Identity
from elizad.store.api import SessionRecord
from elizad.types import Role, Utterance

_MOST_CHARS: Final = 200_000  # of the transcripts of one session: three hours of speech


class Said(msgspec.Struct, frozen=True):
    """The transcript of one call: when it began, in Unix time, and (who, words)."""

    began_s: float
    lines: tuple[tuple[str, str], ...]


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a record's payload holds, as MessagePack.

    Of the newest call: `origin` is the state that it began with, `turns` how many turns of the caller led to `state`,
    `digest` that of these turns and `digest_before` that without the last; `call` is the platform's name for it, where
    it has one. `turns_before`, `topic_before` and `said_before` are of the calls before it; `calls` counts it too. A
    call that began with the script's start has no `origin`: it would make the record twice as long.
    """

    identity: Identity
    state: State
    origin: State | None = None
    turns: int = 0
    digest: bytes = b""
    digest_before: bytes = b""
    call: str | None = None
    calls: int = 0
    turns_before: int = 0
    first_s: float = 0.0
    topic: str = ""
    topic_before: str = ""
    said: Said | None = None
    said_before: tuple[Said, ...] = ()
    data: dict[str, Any] = {}


def _cursors(_: type, data: Any) -> array[int]:
    """Return what a record holds of a state's cursors: bytes, of which `resumed` makes what the script has.

    Numbers of sixteen bits are in the machine's order.
    """
    cursors = array("B")
    cursors.frombytes(data)
    return cursors


pack: Final = msgspec.msgpack.Encoder(enc_hook=array.tobytes).encode
"""Return the payload of a record."""

_DECODE: Final = msgspec.msgpack.Decoder(Kept, dec_hook=_cursors).decode
_LENGTH: Final = struct.Struct("<I").pack  # so that "ab", "c" is not "a", "bc"


def unpack(record: SessionRecord) -> Kept:
    """Return what a record holds. Raises: ValueError."""
    try:
        return _DECODE(record.payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"a session that cannot be read: {error}") from None


def digest_of(turns: Sequence[str]) -> bytes:
    """Return what stands for these turns; the same on every machine."""
    return _grown(blake2b(digest_size=16), turns).digest()


class Digests:
    """Digests of the turns of one call: what they have in common with those of the last time is not read again."""

    __slots__ = ("_known", "_of_known")

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()
        self._of_known: blake2b | None = None  # None while nothing is known, as in most calls that are over soon

    def of(self, turns: tuple[str, ...]) -> tuple[bytes, bytes]:
        """Return the digest of `turns`, and that without the last."""
        before, count = turns[:-1], len(self._known)
        if before[:count] != self._known:
            self._known, self._of_known, count = (), None, 0
        grown = _grown(self._of_known or blake2b(digest_size=16), before[count:])
        if before:
            self._known, self._of_known = before, grown
        digest_before = grown.digest()
        return _grown(grown.copy(), turns[-1:]).digest(), digest_before


def _grown(digest: blake2b, turns: Sequence[str]) -> blake2b:
    for text in turns:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(_LENGTH(len(data)) + data)
    return digest


def is_same_call(kept: Kept, call: str | None, turns: Sequence[str]) -> bool:
    """Whether a transcript with these turns of the caller goes on with the call that was kept.

    Its last turn may have been corrected in the meantime. One turn alone is no evidence of that.
    """
    if call is not None or kept.call is not None:
        return call == kept.call
    if len(turns) < kept.turns:
        return False
    if digest_of(turns[: kept.turns]) == kept.digest:
        return True
    return kept.turns > 1 and digest_of(turns[: kept.turns - 1]) == kept.digest_before


def written(began_s: float, transcript: Sequence[Utterance], reply: str) -> Said:
    """Return what was said in a call, its newest reply included; of a very long one, the end."""
    lines = [(role.value, text) for role, text in transcript if role is not Role.OTHER]
    return newest([Said(began_s, (*lines, (Role.ASSISTANT.value, reply)))])[0]


def newest(calls: Sequence[Said]) -> tuple[Said, ...]:
    """Return the newest of these transcripts that are not too long together; of the first, what is left of its end."""
    left = _MOST_CHARS
    kept: list[Said] = []
    for said in reversed(calls):
        lines: list[tuple[str, str]] = []
        for who, text in reversed(said.lines):
            left -= len(text) + len(who)
            if left < 0:
                break
            lines.append((who, text))
        kept.append(Said(said.began_s, tuple(reversed(lines))))
        if left < 0:
            break
    return tuple(reversed(kept))
