"""A program on Hume's Python SDK, old or new: make a config, chat with its id, read what was said, tidy up."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hume import AsyncHumeClient
from hume.core.api_error import ApiError
from hume.empathic_voice.types import UserInput

SAID = ("My boat leaks.", "It is raining.")


def timeouts(seconds: int) -> dict:
    return {
        "inactivity": {"enabled": True, "duration_secs": seconds},
        "max_duration": {"enabled": True, "duration_secs": 600},
    }


@asynccontextmanager
async def connection(client: AsyncHumeClient, **options: object) -> AsyncIterator:
    chat = client.empathic_voice.chat
    if hasattr(chat, "connect_with_callbacks"):  # up to 0.12 the options are one dictionary
        async with chat.connect(options=options) as socket:
            yield socket
    else:
        async with chat.connect(**options) as socket:
            yield socket


async def until(socket: AsyncIterator, kind: str) -> list:
    got = []
    async for message in socket:
        got.append(message)
        if message.type == kind:
            return got
    raise EOFError(kind)


async def status_of(call: AsyncIterator) -> int | None:
    try:
        await call
    except ApiError as refused:
        return refused.status_code
    return None


async def main(url: str, key: str) -> dict:
    client = AsyncHumeClient(api_key=key, base_url=url)
    configs, chats, groups = (getattr(client.empathic_voice, name) for name in ("configs", "chats", "chat_groups"))

    greeting = {"on_new_chat": {"enabled": True, "text": "Ahoy. Ferry office."}}
    made = await configs.create_config(evi_version="3", name="ferries", event_messages=greeting, timeouts=timeouts(30))
    again = await configs.create_config_version(
        made.id, evi_version="3", version_description="shorter", timeouts=timeouts(20)
    )
    await configs.update_config_name(made.id, name="boats")
    await configs.update_config_description(made.id, again.version, version_description="for today")
    others = [await configs.create_config(evi_version="3", name=f"config {number}") for number in range(5)]

    async with connection(client, config_id=made.id, config_version=str(made.version)) as socket:
        met = await until(socket, "assistant_end")
        for text in SAID:
            say = getattr(socket, "send_publish", None) or socket.send_user_input
            await say(UserInput(text=text))
            await until(socket, "assistant_end")
    metadata = met[0]

    events = [event async for event in await chats.list_chat_events(metadata.chat_id, page_size=2)]
    newest = [event async for event in await chats.list_chat_events(metadata.chat_id, ascending_order=False)]
    the_chat = next(
        chat for chat in [one async for one in await chats.list_chats(page_size=100)] if chat.id == metadata.chat_id
    )
    the_group = await groups.get_chat_group(metadata.chat_group_id)
    group_events = await groups.list_chat_group_events(metadata.chat_group_id)
    found = {
        "config": [made.id, made.version, made.name],
        "duration": made.timeouts.inactivity.duration_secs,
        "again": [again.id, again.version, again.timeouts.inactivity.duration_secs],
        "described": (await configs.get_config_version(made.id, again.version)).version_description,
        "versions": sorted(
            [one.version async for one in await configs.list_config_versions(made.id, restrict_to_most_recent=False)]
        ),
        "named": [one.name async for one in await configs.list_configs(name="boats")],
        "listed": [one.name async for one in await configs.list_configs(page_size=2)],
        "greeted": [message.message.content for message in met if message.type == "assistant_message"],
        "events": [[event.role, event.type, event.message_text] for event in events],
        "backwards": [event.id for event in newest] == [event.id for event in reversed(events)],
        "milliseconds": [event.timestamp for event in events],
        "chat": [
            the_chat.chat_group_id == metadata.chat_group_id,
            the_chat.status,
            the_chat.config.id,
            the_chat.config.version,
        ],
        "group": [the_group.num_chats, [one.id for one in the_group.chats_page] == [metadata.chat_id]],
        "group_events": [event.id async for event in group_events] == [event.id for event in events],
        "too_long": await status_of(configs.create_config(evi_version="3", name="x", timeouts=timeouts(1801))),
        "unknown": await status_of(configs.get_config_version("00000000-0000-4000-8000-000000000000", 0)),
        "no_chat": await status_of(chats.list_chat_events("00000000-0000-4000-8000-000000000000")),
    }
    await configs.delete_config_version(made.id, made.version)
    found["versions_left"] = [
        one.version async for one in await configs.list_config_versions(made.id, restrict_to_most_recent=False)
    ]
    for one in (made, *others):
        await configs.delete_config(one.id)
    found["left"] = [one.name async for one in await configs.list_configs()]
    return found


print(json.dumps(asyncio.run(main(*sys.argv[1:3]))))
