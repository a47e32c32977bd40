"""One call's part in a session: what it begins with, and what of it is kept for the next one.

Within a call the transcript is the truth, and ELIZA's state is its fold. A session adds where the fold begins: with
the state that the call before ended with. So that a call which comes back on another connection is not folded upon
itself, the record keeps where its call began, and a digest of what the caller said in it: a transcript that goes on
from there is the same call and begins where that began.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from elizad.conversation.conversation import Turn
from elizad.conversation.events import TurnRequested
from elizad.conversation.fold import Fold
from elizad.conversation.past import Past, topic_of
from elizad.eliza import Eliza, State
from elizad.eliza.resume import Identity, resumed
from elizad.service.sessions import Loading, Saving, Sessions
from elizad.store.api import Key, SessionRecord
from elizad.types import Role, Utterance

log = logging.getLogger("elizad.service")

_MOST_MEMORIES: Final = 100  # of a state; spoken mode has 8, and 1966 mode would have no bound
_MOST_CHARS: Final = 200_000  # of the transcripts of one session: three hours of speech
_MOST_BYTES: Final = 1_000_000  # of one record, whatever a responder has put into its data


class Said(msgspec.Struct, frozen=True):
    """The transcript of one call: when it began, in Unix time, and (who, words)."""

    began_s: float
    lines: tuple[tuple[str, str], ...]


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a record's payload holds, as MessagePack.

    Of the newest call: `origin` is the state that it began with, `turns` how many turns of the caller led to `state`,
    `digest` that of these turns and `digest_before` that without the last; `call` is the platform's name for it, where
    it has one. `turns_before`, `topic_before` and `said_before` are of the calls before it; `calls` counts it too.
    """

    identity: Identity
    origin: State
    state: State
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


_LENGTH: Final = struct.Struct("<I").pack  # so that "ab", "c" is not "a", "bc"
_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(Kept).decode


def for_log(id: str) -> str:
    """Return a session's name as a log may have it: a variable's value can be somebody's telephone number."""
    name, is_variable, _ = id.partition("=")
    return f"{name}=…" if is_variable else id


def unpack(record: SessionRecord) -> Kept:
    """Return what a record holds. Raises: ValueError."""
    try:
        return _DECODE(record.payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"a session that cannot be read: {error}") from None


def digest_of(turns: Sequence[str]) -> bytes:
    """Return what stands for these turns; the same on every machine."""
    return _grown(blake2b(digest_size=16), turns).digest()


def _grown(digest: blake2b, turns: Sequence[str]) -> blake2b:
    digest = digest.copy()
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


class Session:
    """What a connection has to do with a session; `notice` is called when what it may wait for is over."""

    def __init__(self, sessions: Sessions, key: Key, eliza: Eliza, notice: Callable[[], None]) -> None:
        self.key: Final = key
        self._sessions = sessions
        self._eliza = eliza
        self._notice = notice
        self._loading: Loading | None = None
        self._saving: Saving | None = None
        self._kept: Kept | None = None  # None until it is known what there is
        self._began_s = 0.0
        self._digests: Fold[str, blake2b] = Fold(blake2b(digest_size=16), _grown)
        self._is_over = False

    @property
    def is_known(self) -> bool:
        """Whether it is known what there is of this session, so that what is put into `data` is kept."""
        return self._kept is not None

    @property
    def has_come_late(self) -> bool:
        """Whether it has become known what there is, after the turn had to begin without: call `begin` again."""
        return self._kept is None and not self._is_over and self._loading is not None and self._loading.is_known

    @property
    def data(self) -> dict[str, Any]:
        """What a responder keeps; what it changes in there is kept with the next turn."""
        return {} if self._kept is None else self._kept.data

    async def looked_for(self) -> None:
        """Wait until it is known what there is, or that it cannot be known. Cancelling: safe."""
        if self._loading is not None:
            await self._loading.done.wait()

    async def begin(self, event: TurnRequested, heard: Callable[[], Sequence[str]]) -> Past | None:
        """Return what the conversation begins with, when that is known and was not known at the turn before.

        `heard` returns what the caller said in each turn. Waits for the store as long as it is allowed, and only once.

        Cancelling: safe.
        """
        if self._saving is not None and self._saving.is_gone and not self._is_over:
            # Somebody has had it removed: nothing of it is kept from here on, and nothing of it is said.
            self._is_over, self._kept = True, None
            log.info("session forgotten", extra={"fields": {"proto": self.key.platform}})
            return Past(self._eliza.start())
        if self._kept is not None or self._is_over:
            return None
        if self._loading is None or self._loading.failed:
            self._loading = await self._sessions.load(self.key, self._notice)
        if not self._loading.is_known:
            return None
        self._saving = Saving(self.key, self._loading.version, self._notice)
        there = self._read(self._loading.record)
        self._began_s = self._sessions.now_s()
        if there is not None and is_same_call(there, event.call, heard()):
            self._kept = there
            greeted = event.call is not None
        else:
            self._kept = self._next_call(there, event)
            greeted = False
        return Past(
            resumed(self._eliza, self._kept.origin, self._kept.identity),
            self._kept.topic_before,
            known=self._kept.calls > 1,
            greeted=greeted,
        )

    def keep(self, event: TurnRequested, turn: Turn) -> None:
        """Have what the turn came to kept, behind the call's back; `held_until` says whether its end must wait."""
        if self._kept is None or self._saving is None:
            return
        kept = self._kept
        if turn.folded is not None:
            turns, state = turn.folded
            digest = self._digests.over(turns).digest()
            if len(turns) == kept.turns and digest == kept.digest:
                return  # the same payload again
            kept = msgspec.structs.replace(
                kept,
                identity=self._eliza.identity,
                state=state._replace(memories=state.memories[-_MOST_MEMORIES:]),
                turns=len(turns),
                digest=digest,
                digest_before=self._digests.before_last().digest(),
                topic=self._topic(turns[-1]) or kept.topic,
            )
        elif self._saving.is_begun:
            return  # a silence, a greeting: nothing has changed
        if self._sessions.options.keep_transcript:
            kept = self._with_transcript(kept, event.transcript, turn.said)
        self._kept = kept
        payload = _ENCODE(kept)
        if len(payload) > _MOST_BYTES:
            log.warning("session too large", extra={"fields": {"proto": self.key.platform, "bytes": len(payload)}})
            return
        self._sessions.save(self._saving, payload)

    def held_until(self) -> float:
        """Return until when, in trio's time, the end of the turn waits for the disk; in the past if it need not."""
        waits = self._loading is not None and (self.has_come_late or not self._loading.done.is_set())
        return self._sessions.held_until(self._loading if waits else None, self._saving)

    def _read(self, record: SessionRecord | None) -> Kept | None:
        if record is None:
            return None
        try:
            return unpack(record)
        except ValueError:
            # Of no use to anybody, so the next save takes its place.
            self._sessions.tally.unreadable += 1
            log.warning("session unreadable", extra={"fields": {"proto": self.key.platform}})
            return None

    def _next_call(self, there: Kept | None, event: TurnRequested) -> Kept:
        """Return what is kept of a call that has just begun."""
        if there is None:
            start, nothing = self._eliza.start(), digest_of([])
            return Kept(self._eliza.identity, start, start, 0, nothing, call=event.call, calls=1, first_s=self._began_s)
        state = resumed(self._eliza, there.state, there.identity)
        return msgspec.structs.replace(
            there,
            identity=self._eliza.identity,
            origin=state,
            state=state,
            turns=0,
            digest=digest_of([]),
            digest_before=b"",
            call=event.call,
            calls=there.calls + 1,
            turns_before=there.turns_before + there.turns,
            topic_before=there.topic,
            said=None,
            said_before=_newest([*there.said_before, *([there.said] if there.said else [])]),
        )

    def _topic(self, text: str) -> str:
        return "" if self._eliza.faithful else topic_of(text, self._eliza.script.tags)

    def _with_transcript(self, kept: Kept, transcript: Sequence[Utterance], reply: str) -> Kept:
        lines = [(role.value, text) for role, text in transcript if role is not Role.OTHER]
        began_s = kept.said.began_s if kept.said else self._began_s
        said = Said(began_s, (*lines, (Role.ASSISTANT.value, reply)))
        return msgspec.structs.replace(kept, said=_newest([said])[0])


def _newest(calls: Sequence[Said]) -> tuple[Said, ...]:
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
