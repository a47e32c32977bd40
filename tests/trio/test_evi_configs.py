"""Configs: those of the configuration file and those that programs make, versions, bounds, and stores that fail."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from elizad.errors import StoreError
from elizad.evi import configs as module
from elizad.evi.config_checks import BadSpec
from elizad.evi.configs import Configs, Missing, Refused, UnknownConfig
from elizad.evi.profile import Profile
from elizad.store.api import Key
from tests.support.kept import START_S, Node, opened

USUAL = Profile(voice="en-us", inactivity_s=300.0)
BAKER = USUAL._replace(id="baker", version=0, name="baker", script="/a/baker.script", greeting="")
GREETED = {"name": "mine", "event_messages": {"on_new_chat": {"enabled": True, "text": "Hi."}}}


@asynccontextmanager
async def desk() -> AsyncIterator[tuple[Configs, Node]]:
    async with opened() as node:
        yield Configs(node.sessions, lambda: {None: USUAL, "baker": BAKER}, START_S), node


async def make(configs: Configs, **spec: Any) -> str:
    body = (await configs.make({"name": "mine", **spec})).body
    assert isinstance(body["id"], str)
    return body["id"]


async def test_a_chat_finds_what_was_made(autojump_clock: MockClock) -> None:
    async with desk() as (configs, _):
        made = (await configs.make(GREETED)).body
        assert (made["version"], made["name"], made["created_on"]) == (0, "mine", made["modified_on"])
        expected = USUAL._replace(id=made["id"], version=0, name="mine", greeting="Hi.")
        assert await configs.find(made["id"]) == await configs.find(made["id"], 0) == expected
        await trio.sleep(5)
        second = (await configs.add_version(made["id"], {"timeouts": {"inactivity": {"enabled": False}}})).body
        assert (second["version"], second["created_on"]) == (1, made["created_on"])
        assert second["modified_on"] == made["modified_on"] + 5000
        assert await configs.find(made["id"]) == expected._replace(version=1, greeting=None, inactivity_s=0.0)
        assert await configs.find(made["id"], 0) == expected
        await configs.rename(made["id"], {"name": "other"})
        assert [shown.name for shown in await configs.versions(made["id"])] == ["other", "other"]


async def test_without_an_id_a_chat_goes_as_usual_and_by_name_as_the_file_says(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        node.disk.is_broken = True
        for none in (None, ""):
            assert await configs.find(none, None) == USUAL
        assert await configs.find("baker") == await configs.find("baker", 0) == BAKER
        with pytest.raises(UnknownConfig):
            await configs.find("baker", 1)


@pytest.mark.parametrize("config_id", ["nobody", "BAKER", str(uuid.UUID(int=1)), "x" * 5000, "\x00", "../../x"])
async def test_there_is_no_such_config(autojump_clock: MockClock, config_id: str) -> None:
    async with desk() as (configs, _):
        made = await make(configs)
        for unknown, version in ((config_id, None), (config_id, 0), (made, 1)):
            with pytest.raises(UnknownConfig) as caught:
                await configs.find(unknown, version)
            assert (caught.value.code, caught.value.slug) == ("I0100", "config_not_found")
        for do in (configs.versions(config_id), configs.delete(config_id), configs.delete(made, 9)):
            with pytest.raises(Missing):
                await do


async def test_what_stands_in_the_file_is_listed_and_cannot_be_changed(autojump_clock: MockClock) -> None:
    async with desk() as (configs, _):
        made = await make(configs)
        assert [[shown.body["id"] for shown in rows] for rows in await configs.every()] == [[made], ["baker"]]
        (shown,) = await configs.versions("baker")
        assert shown.body["version"] == 0
        assert shown.body["version_description"] == "from the configuration file"
        for do in (
            configs.add_version("baker", {}),
            configs.rename("baker", {"name": "x"}),
            configs.describe("baker", 0, {}),
            configs.delete("baker"),
            configs.delete("baker", 0),
        ):
            with pytest.raises(Refused, match="stands in the configuration file"):
                await do


async def test_all_versions_are_listed_the_newest_first(autojump_clock: MockClock) -> None:
    async with desk() as (configs, _):
        first = await make(configs)
        await trio.sleep(1)
        second = await make(configs, version_description="one")
        await configs.add_version(second, {"version_description": "two"})
        rows = await configs.every()
        assert [(shown.body["id"], shown.body["version"]) for versions in rows[:2] for shown in versions] == [
            (second, 1),
            (second, 0),
            (first, 0),
        ]
        await configs.describe(second, 0, {"version_description": "first"})
        assert [shown.body["version_description"] for shown in await configs.versions(second)] == ["two", "first"]
        await configs.describe(second, 0, {})
        assert [shown.body["version_description"] for shown in await configs.versions(second)] == ["two", None]


async def test_only_the_short_responses_are_taken_over_from_the_version_before(autojump_clock: MockClock) -> None:
    async with desk() as (configs, _):
        made = await make(configs, ellm_model={"allow_short_responses": False}, prompt={"text": "Be kind."})
        body = (await configs.add_version(made, {})).body
        assert body["ellm_model"] == {"allow_short_responses": False}
        assert body["prompt"] is None


async def test_what_is_deleted_is_gone_from_the_store_and_its_number_is_not_given_again(
    autojump_clock: MockClock,
) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        await configs.add_version(made, {})
        await configs.delete(made, 1)
        assert (await configs.find(made)).version == 0
        assert (await configs.add_version(made, {})).body["version"] == 2
        await configs.delete(made, 0)
        await configs.delete(made, 2)
        assert Key(module.CONFIG, made) not in node.disk._records
        other = await make(configs)
        await configs.delete(other)
        await trio.sleep(5)
        assert Key(module.CONFIG, other) not in node.disk._records
        with pytest.raises(UnknownConfig):
            await configs.find(other)
        assert len(await configs.every()) == 1


async def test_configs_do_not_grow_old(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        await configs.rename(made, {"name": "other"})
        a_thousand_years_s = 1000 * 366 * 86_400.0
        assert await node.disk.forget_older_than(START_S + a_thousand_years_s) == 0
        node.disk._clock = lambda: START_S + a_thousand_years_s
        assert (await configs.find(made)).id == made


async def test_nothing_is_stored_of_what_is_refused(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        saved = len(node.disk.saved)
        for body in ({"timeouts": {"inactivity": {"enabled": True, "duration_secs": 0}}}, [], {"prompt": {"text": 1}}):
            with pytest.raises(BadSpec):
                await configs.make({"name": "x", **body} if isinstance(body, dict) else body)
            with pytest.raises(BadSpec):
                await configs.add_version(made, body)
        with pytest.raises(BadSpec, match="more than 65536 bytes"):
            await configs.make({"name": "x", "prompt": {"text": "x" * 70_000}})
        await trio.sleep(1)
        assert len(node.disk.saved) == saved


async def test_how_many_there_may_be(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONFIGS", 3)
    monkeypatch.setattr(module, "MOST_VERSIONS", 2)
    async with desk() as (configs, _):
        made = [await make(configs) for _ in range(3)]
        with pytest.raises(Refused, match="there are 3 configs"):
            await make(configs)
        await configs.delete(made[0])
        await make(configs)
        await configs.add_version(made[1], {})
        with pytest.raises(Refused, match="has 2 versions"):
            await configs.add_version(made[1], {})


async def test_changes_at_once_are_all_made(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        node.disk.save_s = 0.1
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(configs.add_version, made, {})
            nursery.start_soon(configs.rename, made, {"name": "other"})
        rows = await configs.versions(made)
        assert [shown.body["version"] for shown in rows] == list(range(10, -1, -1))
        assert rows[0].name == "other"


async def test_a_store_that_fails_is_told_and_nothing_comes_after(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        node.disk.is_broken = True
        for do in (configs.make(GREETED), configs.add_version(made, {}), configs.versions(made)):
            with pytest.raises(StoreError):
                await do
        with pytest.raises(UnknownConfig, match="just now"):
            await configs.find(made)
        node.disk.is_broken = False
        await trio.sleep(20)
        assert len(await configs.every()) == 2, "what was answered with an error was not made later"
        assert len(await configs.versions(made)) == 1


async def test_a_chat_waits_a_second_for_its_config(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        await trio.sleep(1)
        node.disk.load_s = 0.9
        assert (await configs.find(made)).id == made
        node.disk.load_s = 10
        began = trio.current_time()
        with pytest.raises(UnknownConfig, match="just now"):
            await configs.find(made)
        assert trio.current_time() - began == pytest.approx(1)


async def test_a_record_that_cannot_be_read_is_none(autojump_clock: MockClock) -> None:
    async with desk() as (configs, node):
        made = await make(configs)
        record = node.disk._records[Key(module.CONFIG, made)]
        for rubbish in (
            b"{",
            b'{"id":"x"}',
            msgspec.json.encode({**msgspec.json.decode(record.payload), "versions": []}),
        ):
            node.disk._records[record.key] = msgspec.structs.replace(record, payload=rubbish)
            with pytest.raises(UnknownConfig):
                await configs.find(made)
            assert len(await configs.every()) == 1
