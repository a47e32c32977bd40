"""Chats and their events in the session store: recorded behind the chats' backs, read for the HTTP side.

A chat is two records: what it comes to, which lists are made of, and its events. A group has a third, the chats in it,
so that a chat which goes on with an earlier one finds what was said. Nothing here waits for a disk while a chat runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, get_args

import msgspec
import trio

from elizad.evi.profile import HARD_STOP_S, Profile
from elizad.protocols.evi.incoming import EviProblem
from elizad.service.saving import Loading, Saving
from elizad.service.sessions import Sessions
from elizad.store.api import Key, SessionRecord
from elizad.types import Role, Utterance

CHAT: Final = "evi.chat"
EVENTS: Final = "evi.events"
GROUP: Final = "evi.group"

Status = Literal["ACTIVE", "USER_ENDED", "INACTIVITY_TIMEOUT", "MAX_DURATION_TIMEOUT", "ERROR"]

MOST_LISTED: Final = 10_000  # chats in lists, the newest: a list takes a tenth of a second of the processor then
_AT_A_TIME: Final = 500  # of them, in half a millisecond
MOST_EVENTS: Final = 2000  # of one chat: half an hour, an event a second
MOST_BYTES: Final = 262_144  # of one chat's events: half an hour of speech is a fifth
MOST_TEXT_CHARS: Final = 20_000  # of one event
_MOST_CHATS: Final = 20  # of a group that are looked at for what was said before
_MOST_EARLIER: Final = 400  # utterances of earlier chats, and
_MOST_EARLIER_CHARS: Final = 65_536  # how long they may be together

_PAST_S: Final = 1.0
"""For what was said in earlier chats: who goes on with a group wants that, and bears more than a turn may take."""

_OVERDUE_S: Final = HARD_STOP_S + 120  # a chat that was not ended by then never will be: the daemon was killed

_SPOKEN: Final = {"USER_MESSAGE": Role.USER, "AGENT_MESSAGE": Role.ASSISTANT}


class ChatRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One chat, without what was said in it. Times are Unix milliseconds."""

    id: str
    group: str
    start_ms: int
    status: str = "ACTIVE"
    end_ms: int | None = None
    events: int = 0
    config_id: str | None = None
    config_version: int | None = None


class Event(NamedTuple):
    """Something that happened in a chat, as Hume's history tells it."""

    at_ms: int
    role: str
    type: str
    text: str | None = None
    emotion: str | None = None


class _Group(msgspec.Struct, frozen=True):
    chats: tuple[str, ...]
    """The newest last."""


_READ_CHAT: Final = msgspec.msgpack.Decoder(ChatRecord)
_READ_EVENTS: Final = msgspec.msgpack.Decoder(list[Event])
_READ_GROUP: Final = msgspec.msgpack.Decoder(_Group)
_ENCODE: Final = msgspec.msgpack.encode


class UnknownGroup(EviProblem):
    """There is no such chat group."""

    def __init__(self) -> None:
        super().__init__("I0100", "chat_group_not_found", "There is no chat group with this id to go on with.")


class OpenChat:
    """One chat that is being recorded. Made by Archive.open_chat."""

    def __init__(self, sessions: Sessions, profile: Profile, group: str, begun_ms: int) -> None:
        self.chat_id: Final = str(uuid.uuid4())
        self.chat_group_id: Final = group
        self.earlier: tuple[Utterance, ...] = ()
        """What was said in the earlier chats of the group, as much of its end as is kept."""
        self._sessions = sessions
        self._chat = ChatRecord(self.chat_id, group, begun_ms, config_id=profile.id, config_version=profile.version)
        self._events = bytearray()  # encoded, one behind the other
        self._saving = Saving(Key(CHAT, self.chat_id), None, _nobody)
        self._saving_events = Saving(Key(EVENTS, self.chat_id), None, _nobody)
        self._joining: Loading | None = None
        self._save()

    def note(self, role: str, type: str, text: str | None = None, *, emotion: str | None = None, at_ms: int) -> None:
        """Have something kept that happened at `at_ms` (Unix time). Does not wait; what is too much is left out."""
        self._join_late()
        count = self._chat.events
        if count >= MOST_EVENTS or self._chat.end_ms is not None:
            return
        encoded = _ENCODE(Event(at_ms, role, type, text and text[:MOST_TEXT_CHARS], emotion))
        if len(self._events) + len(encoded) > MOST_BYTES:
            return
        self._events += encoded
        self._chat = msgspec.structs.replace(self._chat, events=count + 1)
        self._save()
        self._sessions.save(self._saving_events, lambda: _array(self._chat.events, self._events))

    def end(self, status: str) -> None:
        """Have it kept how the chat ended. What comes after is not recorded."""
        assert status in get_args(Status)
        self._join_late()
        if self._chat.end_ms is None:
            self._chat = msgspec.structs.replace(self._chat, status=status, end_ms=_ms(self._sessions))
            self._save()

    def begin_group(self) -> None:
        """Make a group of this chat alone."""
        self._save_group(None, ())

    def join(self, loading: Loading) -> None:
        """Put this chat into the group that is being looked for, as soon as it is known."""
        self._joining = loading
        self._join_late()

    def _join_late(self) -> None:
        loading = self._joining
        if loading is None or not loading.done.is_set():
            return
        self._joining = None
        if loading.is_known:
            self._save_group(loading.version, _chats_of(loading.record))

    def _save_group(self, version: int | None, chats: Sequence[str]) -> None:
        group = _Group((*chats[-_MOST_CHATS + 1 :], self.chat_id))
        self._sessions.save(Saving(Key(GROUP, self.chat_group_id), version, _nobody), _ENCODE(group))

    def _save(self) -> None:
        self._sessions.save(self._saving, lambda: _ENCODE(self._chat))


class Archive:
    """The chats of a daemon, and those that were before it."""

    def __init__(self, sessions: Callable[[], Sessions]) -> None:
        """`sessions` returns where chats are kept that begin now; all methods but `open_chat` wait for its store."""
        self._sessions = sessions

    async def open_chat(self, profile: Profile, resumed_group: str | None) -> OpenChat:
        """Begin the record of a chat; only one that goes on with a group waits for the store, a second at most.

        A group whose past comes too late is gone on with, but nothing is known of what was said.

        Raises: UnknownGroup. Cancelling: nothing is recorded.
        """
        sessions = self._sessions()
        if resumed_group is None:
            chat = OpenChat(sessions, profile, str(uuid.uuid4()), _ms(sessions))
            chat.begin_group()
            return chat
        group_id = _uuid(resumed_group)
        if group_id is None:
            raise UnknownGroup
        deadline = trio.current_time() + _PAST_S
        loading = await _found(sessions, Key(GROUP, group_id), deadline)
        if loading.is_known and loading.record is None:
            raise UnknownGroup
        earlier: tuple[Utterance, ...] = ()
        if loading.record is not None:
            earlier = await _earlier(sessions, _chats_of(loading.record), deadline)
        chat = OpenChat(sessions, profile, group_id, _ms(sessions))
        chat.earlier = earlier
        chat.join(loading)
        return chat

    async def chats(self) -> list[ChatRecord]:
        """Return the newest MOST_LISTED chats, in the order in which they began. Raises: StoreError."""
        sessions = self._sessions()
        chats: list[ChatRecord] = []
        for number, record in enumerate(await sessions.latest(CHAT, MOST_LISTED)):
            if number % _AT_A_TIME == 0:
                await trio.lowlevel.checkpoint()  # calls must not stand still for a long list
            if (chat := _read_chat(record, sessions.now_s())) is not None:
                chats.append(chat)
        return sorted(chats, key=lambda chat: (chat.start_ms, chat.id))

    async def chat(self, chat_id: str) -> ChatRecord | None:
        """Return a chat; None if there is none. Raises: StoreError."""
        sessions = self._sessions()
        record = await sessions.fetch(Key(CHAT, chat_id))
        return None if record is None else _read_chat(record, sessions.now_s())

    async def events(self, chat_id: str) -> list[Event]:
        """Return what happened in a chat, in order; nothing for one that there is not. Raises: StoreError."""
        record = await self._sessions().fetch(Key(EVENTS, chat_id))
        return [] if record is None else _events(record)


async def _earlier(sessions: Sessions, chats: Sequence[str], deadline: float) -> tuple[Utterance, ...]:
    """What was said in these chats, the end of it; what is not there by the `deadline` is left out, and all before."""
    newest_first: list[Utterance] = []
    left = _MOST_EARLIER_CHARS
    for chat_id in reversed(chats):
        loading = await _found(sessions, Key(EVENTS, chat_id), deadline)
        if loading.record is None:
            if loading.is_known:
                continue  # nothing was said in it
            break
        for event in reversed(_events(loading.record)):
            if event.text is None or event.type not in _SPOKEN:
                continue
            left -= len(event.text)
            if left < 0 or len(newest_first) >= _MOST_EARLIER:
                return tuple(reversed(newest_first))
            newest_first.append(Utterance(_SPOKEN[event.type], event.text))
    return tuple(reversed(newest_first))


async def _found(sessions: Sessions, key: Key, deadline: float) -> Loading:
    """Look for a record, and wait for it until the `deadline`. Cancelling: safe."""
    loading = await sessions.load(key)
    with trio.CancelScope(deadline=deadline):
        await loading.done.wait()
    return loading


def _read_chat(record: SessionRecord, now_s: float) -> ChatRecord | None:
    try:
        chat = _READ_CHAT.decode(record.payload)
    except msgspec.DecodeError:
        return None
    if chat.status == "ACTIVE" and record.heard_s < now_s - _OVERDUE_S:
        return msgspec.structs.replace(chat, status="ERROR", end_ms=int(record.heard_s * 1000))
    return chat


def _chats_of(group: SessionRecord | None) -> tuple[str, ...]:
    try:
        return () if group is None else _READ_GROUP.decode(group.payload).chats
    except msgspec.DecodeError:
        return ()


def _events(record: SessionRecord) -> list[Event]:
    try:
        return _READ_EVENTS.decode(record.payload)
    except msgspec.DecodeError:
        return []


def _array(count: int, items: bytearray) -> bytes:
    """A MessagePack array of what is encoded already: the marker of the format's "array 32", the length, the items."""
    return b"\xdd" + count.to_bytes(4, "big") + items


def _uuid(text: str) -> str | None:
    """An id as it is written by us, whatever the letters' case; None for what is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def _ms(sessions: Sessions) -> int:
    return int(sessions.now_s() * 1000)


def _nobody() -> None:
    """Nobody waits for these saves."""
