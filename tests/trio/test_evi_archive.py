"""Chats are recorded behind their backs and found again: events, groups, bounds, slow and broken stores."""

from __future__ import annotations

import uuid

import pytest
import trio
from trio.testing import MockClock

from elizad.errors import StoreError
from elizad.evi import archive as module
from elizad.evi.archive import Archive, OpenChat, UnknownGroup
from elizad.evi.profile import Profile
from elizad.store.api import Key
from elizad.types import Role, Utterance
from tests.support.kept import START_S, Disk, opened, time_s

BEGUN_MS = int(START_S * 1000)


def say(chat: OpenChat, *texts: str) -> None:
    """A turn of the user, and one of ours, and so on."""
    for number, text in enumerate(texts):
        role, type_ = (("AGENT", "AGENT_MESSAGE"), ("USER", "USER_MESSAGE"))[number % 2 == 0]
        chat.note(role, type_, text, at_ms=int(time_s() * 1000))


async def test_a_chat_can_be_read_at_once_and_when_it_is_saved(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        chat = await archive.open_chat(Profile(id="baker", version=2), None)
        assert trio.current_time() == 0, "nobody waits for a disk"
        assert chat.earlier == ()
        say(chat, "hello", "How do you do.")
        for _ in range(2):
            found = await archive.chat(chat.chat_id)
            assert found is not None
            assert (found.status, found.end_ms, found.events, found.start_ms) == ("ACTIVE", None, 2, BEGUN_MS)
            assert (found.group, found.config_id, found.config_version) == (chat.chat_group_id, "baker", 2)
            events = await archive.events(chat.chat_id)
            assert [(event.role, event.type, event.text) for event in events] == [
                ("USER", "USER_MESSAGE", "hello"),
                ("AGENT", "AGENT_MESSAGE", "How do you do."),
            ]
            assert [listed.id for listed in await archive.chats()] == [chat.chat_id]
            await trio.sleep(2)
        chat.end("USER_ENDED")
        chat.end("ERROR")
        chat.note("USER", "USER_MESSAGE", "too late", at_ms=0)
        found = await archive.chat(chat.chat_id)
        assert found is not None
        assert (found.status, found.end_ms, found.events) == ("USER_ENDED", BEGUN_MS + 4000, 2)
        for text in (chat.chat_id, chat.chat_group_id):
            assert str(uuid.UUID(text)) == text


async def test_saves_are_gathered(autojump_clock: MockClock) -> None:
    async with opened() as node:
        chat = await Archive(lambda: node.sessions).open_chat(Profile(), None)
        for number in range(50):
            say(chat, f"word {number}")
        await trio.sleep(1)
        assert len([batch for batch in node.disk.batches if batch]) == 1


async def test_what_there_is_not_is_not_found(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        assert await archive.chat(str(uuid.uuid4())) is None
        assert await archive.events(str(uuid.uuid4())) == []
        assert await archive.chats() == []
        for group in (str(uuid.uuid4()), "no-uuid", "", "x" * 10_000):
            with pytest.raises(UnknownGroup) as caught:
                await archive.open_chat(Profile(), group)
            assert caught.value.slug == "chat_group_not_found"


async def test_a_chat_goes_on_with_the_earlier_ones_of_its_group(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        first = await archive.open_chat(Profile(), None)
        say(first, "I am sad", "Why?")
        first.note("SYSTEM", "SYSTEM_PROMPT", "be kind", at_ms=1)
        first.end("USER_ENDED")
        second = await archive.open_chat(Profile(), first.chat_group_id.upper())
        say(second, "because")
        await trio.sleep(1)
        third = await archive.open_chat(Profile(), first.chat_group_id)
        assert second.earlier == (Utterance(Role.USER, "I am sad"), Utterance(Role.ASSISTANT, "Why?"))
        assert third.earlier == (*second.earlier, Utterance(Role.USER, "because"))
        assert {chat.chat_group_id for chat in (first, second, third)} == {first.chat_group_id}
        assert len({chat.chat_id for chat in (first, second, third)}) == 3
        assert [chat.id for chat in await archive.chats()] == [
            chat.chat_id for chat in sorted((first, second), key=lambda chat: chat.chat_id)
        ] + [third.chat_id]


async def test_a_slow_store_costs_a_second_and_the_past(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        first = await archive.open_chat(Profile(), None)
        say(first, "hello")
        await trio.sleep(1)
        node.disk.load_s = 3
        began = trio.current_time()
        second = await archive.open_chat(Profile(), first.chat_group_id)
        assert trio.current_time() - began == pytest.approx(1.0)
        assert second.earlier == ()
        await trio.sleep(5)
        say(second, "again")
        await trio.sleep(5)
        node.disk.load_s = 0
        third = await archive.open_chat(Profile(), first.chat_group_id)
        assert [text for _, text in third.earlier] == ["hello", "again"], "it has joined its group when that was known"


async def test_a_store_that_reads_the_group_but_not_the_events_in_time(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        first = await archive.open_chat(Profile(), None)
        say(first, "hello")
        await trio.sleep(1)
        node.disk.load_s = 0.7
        began = trio.current_time()
        second = await archive.open_chat(Profile(), first.chat_group_id)
        assert trio.current_time() - began == pytest.approx(1.0)
        assert second.earlier == ()
        assert second.chat_group_id == first.chat_group_id


async def test_a_broken_store_does_not_trouble_a_chat(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        old = await archive.open_chat(Profile(), None)
        await trio.sleep(1)
        node.disk.is_broken = True
        chat = await archive.open_chat(Profile(), None)
        again = await archive.open_chat(Profile(), old.chat_group_id)
        assert (again.earlier, again.chat_group_id) == ((), old.chat_group_id)
        say(chat, "hello")
        with pytest.raises(StoreError):
            await archive.chat(old.chat_id)
        node.disk.is_broken = False
        await trio.sleep(10)
        assert [event.text for event in await archive.events(chat.chat_id)] == ["hello"]


async def test_everything_is_bounded(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_EVENTS", 5)
    monkeypatch.setattr(module, "MOST_LISTED", 3)
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        chat = await archive.open_chat(Profile(), None)
        say(chat, *["x" * 50_000] * 9)
        events = await archive.events(chat.chat_id)
        assert [len(event.text or "") for event in events] == [20_000] * 5
        found = await archive.chat(chat.chat_id)
        assert found is not None
        assert found.events == 5
        monkeypatch.setattr(module, "MOST_BYTES", 1000)
        small = await archive.open_chat(Profile(), None)
        say(small, "a" * 600, "b" * 600, "c" * 100)
        assert [(event.text or "")[0] for event in await archive.events(small.chat_id)] == ["a", "c"]
        for _ in range(5):
            await trio.sleep(1)
            await archive.open_chat(Profile(), None)
        assert len(await archive.chats()) == 3
        await trio.sleep(1)
        record = await node.disk.load(Key(module.EVENTS, chat.chat_id))
        assert record is not None
        assert len(record.payload) < 5 * 20_200


async def test_of_a_long_past_the_end_is_kept(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_EARLIER", 3)
    monkeypatch.setattr(module, "_MOST_CHATS", 4)
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        group = None
        for number in range(6):
            chat = await archive.open_chat(Profile(), group)
            say(chat, f"u{number}", f"a{number}")
            group = chat.chat_group_id
        last = await archive.open_chat(Profile(), group)
        assert [text for _, text in last.earlier] == ["a4", "u5", "a5"]
        monkeypatch.setattr(module, "_MOST_EARLIER", 100)
        last = await archive.open_chat(Profile(), group)
        assert [text for _, text in last.earlier] == ["u3", "a3", "u4", "a4", "u5", "a5"], "and the empty one before it"


async def test_a_chat_whose_daemon_was_killed_is_over_after_its_longest_time(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        chat = await archive.open_chat(Profile(), None)
        await trio.sleep(1800)
        assert [found.status for found in await archive.chats()] == ["ACTIVE"]
        await trio.sleep(200)
        found = await archive.chat(chat.chat_id)
        assert found is not None
        assert (found.status, found.end_ms) == ("ERROR", BEGUN_MS)


async def test_what_was_forgotten_while_the_chat_runs_does_not_come_back(autojump_clock: MockClock) -> None:
    async with opened() as node:
        archive = Archive(lambda: node.sessions)
        chat = await archive.open_chat(Profile(), None)
        say(chat, "hello")
        await trio.sleep(1)
        assert await node.disk.forget_older_than(time_s() + 1) == 3
        say(chat, "are you there")
        chat.end("USER_ENDED")
        await trio.sleep(1)
        assert await archive.chats() == []
        assert await archive.events(chat.chat_id) == []


async def test_records_that_cannot_be_read_are_left_out(autojump_clock: MockClock) -> None:
    async with opened(disk=Disk(time_s)) as node:
        archive = Archive(lambda: node.sessions)
        chat = await archive.open_chat(Profile(), None)
        say(chat, "hello")
        await trio.sleep(1)
        ids = {module.CHAT: chat.chat_id, module.EVENTS: chat.chat_id, module.GROUP: chat.chat_group_id}
        for platform, id in ids.items():
            record = node.disk._records[Key(platform, id)]
            record = type(record)(record.key, record.version + 1, record.heard_s, b"\xc1 rubbish")
            node.disk._records[record.key] = record
        assert await archive.chats() == []
        assert await archive.chat(chat.chat_id) is None
        assert await archive.events(chat.chat_id) == []
        assert (await archive.open_chat(Profile(), chat.chat_group_id)).earlier == ()
