"""Chats, chat groups and their events, as EVI's HTTP calls tell them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from elizad.evi.archive import Archive, ChatRecord, Event
from elizad.evi.asking import Page, Query

Body = dict[str, Any]


class Unknown(Exception):
    """There is no such chat or chat group."""


class History:
    """What has been said at this desk, read from the archive. All raise StoreError and BadRequest."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def chats(self, query: Query) -> Body:
        """The chats, a page of them."""
        page, config, status = query.page(), query.text("config_id"), query.text("status")
        wanted = [
            chat
            for chat in await self._archive.chats()
            if config in (None, chat.config_id) and status in (None, chat.status)
        ]
        entries = [_chat(chat) for chat in page.cut(_ordered(wanted, page))]
        return page.around("chats_page", entries, len(wanted))

    async def chat(self, chat_id: str, query: Query) -> Body:
        """A chat, with a page of its events. Raises: Unknown."""
        page = query.page()
        chat = await self._archive.chat(chat_id)
        if chat is None:
            raise Unknown
        events = list(enumerate(await self._archive.events(chat.id)))
        entries = [_event(chat.id, index, event) for index, event in page.cut(_ordered(events, page))]
        return {**_chat(chat), **page.around("events_page", entries, len(events))}

    async def groups(self, query: Query) -> Body:
        """The chat groups, a page of them, in the order in which they began."""
        page, config = query.page(), query.text("config_id")
        groups: dict[str, list[ChatRecord]] = {}
        for chat in await self._archive.chats():
            groups.setdefault(chat.group, []).append(chat)
        wanted = [chats for chats in groups.values() if config is None or any(c.config_id == config for c in chats)]
        entries = [_group(chats) for chats in page.cut(_ordered(wanted, page))]
        return page.around("chat_groups_page", entries, len(wanted))

    async def group(self, group_id: str, query: Query) -> Body:
        """A chat group, with a page of its chats. Raises: Unknown."""
        page = query.page()
        chats = await self._of_group(group_id)
        entries = [_chat(chat) for chat in page.cut(_ordered(chats, page))]
        return {**_group(chats), **page.around("chats_page", entries, len(chats))}

    async def group_events(self, group_id: str, query: Query) -> Body:
        """What happened in all chats of a group, a page of it. Raises: Unknown."""
        page = query.page()
        chats = await self._of_group(group_id)
        places = [(chat, index) for chat in chats for index in range(chat.events)]
        events: dict[str, list[Event]] = {}
        entries = []
        for chat, index in page.cut(_ordered(places, page)):
            if chat.id not in events:  # of the others nothing need be read
                events[chat.id] = await self._archive.events(chat.id)
            if index < len(events[chat.id]):
                entries.append(_event(chat.id, index, events[chat.id][index]))
        return {"id": group_id, **page.around("events_page", entries, len(places))}

    async def _of_group(self, group_id: str) -> list[ChatRecord]:
        chats = [chat for chat in await self._archive.chats() if chat.group == group_id]
        if not chats:
            raise Unknown
        return chats


def _ordered(items: Sequence[Any], page: Page) -> Sequence[Any]:
    return items if page.ascending else items[::-1]


def _chat(chat: ChatRecord) -> Body:
    return {
        "id": chat.id,
        "chat_group_id": chat.group,
        "status": chat.status,
        "start_timestamp": chat.start_ms,
        "end_timestamp": chat.end_ms,
        "event_count": chat.events,
        "metadata": None,
        "config": _config(chat),
    }


def _config(chat: ChatRecord) -> Body | None:
    return None if chat.config_id is None else {"id": chat.config_id, "version": chat.config_version}


def _event(chat_id: str, index: int, event: Event) -> Body:
    return {
        "id": str(uuid.uuid5(uuid.UUID(chat_id), str(index))),  # the same whenever it is asked for
        "chat_id": chat_id,
        "timestamp": event.at_ms,
        "role": event.role,
        "type": event.type,
        "message_text": event.text,
        "emotion_features": event.emotion,
        "metadata": None,
        "related_event_id": None,
    }


def _group(chats: Sequence[ChatRecord]) -> Body:
    """A group, whose chats are given in the order in which they began."""
    newest = chats[-1]
    return {
        "id": newest.group,
        "first_start_timestamp": chats[0].start_ms,
        "most_recent_start_timestamp": newest.start_ms,
        "most_recent_chat_id": newest.id,
        "most_recent_config": _config(newest),
        "num_chats": len(chats),
        "active": any(chat.status == "ACTIVE" for chat in chats),
    }
