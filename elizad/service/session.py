"""One call's part in a session: what it begins with, and what of it is kept for the next one.

A turn leaves only a mark here of what it came to. What is to be kept is made of that when it is about to be saved,
which is after several turns where the caller is quick. kept.py says what that is, and why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import trio

from elizad.conversation.conversation import Conversation, Folded, Turn
from elizad.conversation.events import TurnRequested
from elizad.conversation.past import Past, topic_of
from elizad.eliza import Eliza
from elizad.eliza.resume import resumed
from elizad.service.kept import Digests, Kept, digest_of, is_same_call, newest, pack, unpack, written
from elizad.service.saving import Loading, Saving
from elizad.service.sessions import Sessions
from elizad.store.api import Key, SessionRecord
from elizad.types import Utterance

log = logging.getLogger("elizad.service")

_LATE_S: Final = 1.0
"""How long a call that is over waits for its session: a store that is only slow has answered by then."""

_MOST_MEMORIES: Final = 100  # of a state; spoken mode has 8, and 1966 mode would have no bound
_MOST_BYTES: Final = 1_000_000  # of one record, whatever a responder has put into its data


def for_log(id: str) -> str:
    """Return a session's name as a log may have it: a variable's value can be somebody's telephone number."""
    name, is_variable, _ = id.partition("=")
    return f"{name}=…" if is_variable else id


async def refolded(conversation: Conversation, event: TurnRequested, turn: Turn) -> Turn:
    """Return a turn with what it comes to from where the conversation begins now. Cancelling: safe."""
    if turn.folded is None:
        return turn  # there were no words in it
    while (folded := conversation.refold(event)) is None:
        await trio.lowlevel.checkpoint()
    return msgspec.structs.replace(turn, folded=folded)


OpenSession = Callable[[str, Callable[[], None]], "Session"]
"""Makes what a call has to do with the session of this name; the second is to be called when a save is over."""


class Session:
    """What a connection has to do with a session; `notice` is called when what it may wait for is over."""

    # fmt: off
    __slots__ = (
        "_began_s", "_digests", "_eliza", "_folded", "_is_over", "_kept", "_loading", "_notice", "_said", "_saving",
        "_sessions", "_unread", "key",
    )
    # fmt: on

    def __init__(self, sessions: Sessions, key: Key, eliza: Eliza, notice: Callable[[], None]) -> None:
        self.key: Final = key
        self._sessions = sessions
        self._eliza = eliza
        self._notice = notice
        self._loading: Loading | None = None  # while it is not known what there is
        self._saving: Saving | None = None
        self._kept: Kept | None = None  # as it was when it was last packed; None until it is known what there is
        self._began_s = 0.0
        self._digests = Digests()
        self._folded: Folded | None = None  # what the newest turn with words came to
        self._unread: list[str] = []  # what the caller said since then, in which the topic is still to be looked for
        self._said: tuple[tuple[Utterance, ...], str] | None = None  # the transcript and the newest reply, if wanted
        self._is_over = False

    @property
    def is_known(self) -> bool:
        """Whether it is known what there is of this session, so that what is put into `data` is kept."""
        return self._kept is not None

    def is_begun(self) -> bool:
        """Whether there is nothing left for `begin` to do, as at nearly every turn."""
        return self._is_over or (self._saving is not None and not self._saving.is_gone)

    @property
    def has_come_late(self) -> bool:
        """Whether it has become known what there is, after the turn had to begin without: call `begin` again."""
        return self._loading is not None and self._loading.is_known and self._kept is None and not self._is_over

    @property
    def data(self) -> dict[str, Any]:
        """What a responder keeps; what it changes in there is kept with the next turn."""
        return {} if self._kept is None else self._kept.data

    async def looked_for(self) -> bool:
        """Wait a while for what there is to become known, at the end of a call; whether it has come late.

        Cancelling: safe.
        """
        if self._loading is not None:
            with trio.move_on_after(_LATE_S):
                await self._loading.done.wait()
        return self.has_come_late

    async def begin(self, event: TurnRequested, heard: Callable[[], Sequence[str]]) -> Past | None:
        """Return what the conversation begins with, when that is known and was not known at the turn before.

        `heard` returns what the caller said in each turn. Waits for the store as long as it is allowed, and only once.

        Cancelling: safe.
        """
        if self.is_begun():
            return None
        if self._saving is not None:
            # Somebody has had it removed: nothing of it is kept from here on, and nothing of it is said.
            self._is_over, self._kept = True, None
            log.info("session forgotten", extra={"fields": {"proto": self.key.platform}})
            return Past(self._eliza.start())
        if self._loading is None or self._loading.failed:
            self._loading = await self._sessions.load(self.key, self._notice)
        if not self._loading.is_known:
            return None
        self._saving = Saving(self.key, self._loading.version, self._notice)
        there = self._read(self._loading.record)
        self._loading = None
        self._began_s = self._sessions.now_s()
        if there is not None and is_same_call(there, event.call, heard()):
            self._kept = there
            greeted = event.call is not None
        else:
            self._kept = self._next_call(there, event)
            greeted = False
        origin = self._kept.origin
        return Past(
            self._eliza.start() if origin is None else resumed(self._eliza, origin, self._kept.identity),
            self._kept.topic_before,
            known=self._kept.calls > 1,
            greeted=greeted,
        )

    def keep(self, event: TurnRequested, turn: Turn) -> bool:
        """Have what the turn came to kept, behind the call's back; `held_until` says whether its end must wait.

        Whether that is done. If not, it is not known yet what there is: call it again when that `has_come_late`.
        """
        if self._kept is None or self._saving is None:
            return self._is_over
        if turn.folded is not None:
            turns, known = turn.folded.turns, self._folded
            if (len(turns) == len(known.turns) and turns == known.turns) if known is not None else self._is_kept(turns):
                return True  # the same payload again
            self._folded = turn.folded
            self._unread.append(turns[-1])
        elif self._saving.is_begun:
            return True  # a silence, a greeting: nothing has changed
        if self._sessions.options.keep_transcript:
            self._said = event.transcript, turn.said
        if not self._kept.data:
            self._sessions.save(self._saving, self._packed)
        elif (payload := self._packed()) is not None:  # at once: a responder may change it at any time
            self._sessions.save(self._saving, payload)
        return True

    def held_until(self) -> float:
        """Return until when, in trio's time, the end of the turn waits for the disk; in the past if it need not."""
        waits = self._loading is not None and (self.has_come_late or not self._loading.done.is_set())
        return self._sessions.held_until(self._loading if waits else None, self._saving)

    def _is_kept(self, turns: tuple[str, ...]) -> bool:
        assert self._kept is not None
        return len(turns) == self._kept.turns and digest_of(turns) == self._kept.digest

    def _packed(self) -> bytes | None:
        """Return what is to be saved of the turns until now; None if there is nothing that can be."""
        if self._kept is None:
            return None  # it has been forgotten
        if self._folded is not None:
            self._kept = self._after(self._folded, self._kept)
        if self._said is not None:
            began_s = self._kept.said.began_s if self._kept.said else self._began_s
            self._kept = msgspec.structs.replace(self._kept, said=written(began_s, *self._said))
            self._said = None
        try:
            payload = pack(self._kept)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:  # a responder's data can be anything
            fields = {"proto": self.key.platform, "error": type(error).__name__}
            log.error("session cannot be written", extra={"fields": fields})
            return None
        if len(payload) > _MOST_BYTES:
            log.warning("session too large", extra={"fields": {"proto": self.key.platform, "bytes": len(payload)}})
            return None
        return payload

    def _after(self, folded: Folded, kept: Kept) -> Kept:
        turns, state = folded.turns, folded.state
        digest, digest_before = self._digests.of(turns)
        topic = next(filter(None, map(self._topic, reversed(self._unread))), kept.topic)
        self._unread.clear()
        if len(state.memories) > _MOST_MEMORIES:
            state = state._replace(memories=state.memories[-_MOST_MEMORIES:])
        return msgspec.structs.replace(
            kept,
            identity=self._eliza.identity,
            state=state,
            turns=len(turns),
            digest=digest,
            digest_before=digest_before,
            topic=topic,
        )

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
            return Kept(self._eliza.identity, start, digest=nothing, call=event.call, calls=1, first_s=self._began_s)
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
            said_before=newest([*there.said_before, *([there.said] if there.said else [])]),
        )

    def _topic(self, text: str) -> str:
        return "" if self._eliza.faithful else topic_of(text, self._eliza.script.tags)
