"""EVI's HTTP calls as programs make them: what each answers, its errors, pages, and anything at all."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from elizad.evi.archive import Archive
from elizad.evi.configs import Configs
from elizad.evi.history import History
from elizad.evi.keys import Keys
from elizad.evi.profile import Profile
from elizad.evi.rest import Rest
from elizad.evi.ways import Admission
from elizad.net.addresses import Sources, parse_address
from elizad.net.errors import Refusal
from elizad.net.head import Head
from elizad.net.http import Ask
from tests.support.kept import START_S, Node, opened

HERE, THERE = parse_address("127.0.0.1"), parse_address("192.0.2.7")
LOCAL = (("host", "localhost:8765"),)
BODY = {"name": "mine", "evi_version": "3"}
NOBODY = str(uuid.UUID(int=7))


class Desk:
    """The HTTP side, with a store in memory."""

    def __init__(self, node: Node, keys: Keys) -> None:
        self.node = node
        self.admission = Admission(keys, Sources())
        self.archive = Archive(lambda: node.sessions)
        configs = Configs(node.sessions, lambda: {None: Profile(), "baker": Profile("baker", 0, "baker")}, START_S)
        self.rest = Rest(lambda: self.admission, configs, History(self.archive))

    async def ask(
        self, call: str, body: object = None, *headers: tuple[str, str], raw: bytes | None = None
    ) -> tuple[int, Any]:
        """Make a call, such as "GET configs?page_size=1", and return the status and the body."""
        answer = await self.answer(call, body, *headers, raw=raw)
        if answer.status == 204 or not answer.body:
            assert answer.body == b""
            return answer.status, None
        assert answer.content_type == "application/json"
        return answer.status, msgspec.json.decode(answer.body)

    async def answer(self, call: str, body: object = None, *headers: tuple[str, str], raw: bytes | None = None) -> Any:
        method, _, target = call.partition(" ")
        path, _, query = target.partition("?")
        path = path if path.startswith("/") else f"/v0/evi/{path}"
        assert self.rest.covers(path)
        head = Head(method, path, query, headers=(*LOCAL, *headers))
        encoded = b"" if body is None else msgspec.json.encode(body)
        return await self.rest.answer(Ask("conn", "127.0.0.1", head, encoded if raw is None else raw))

    async def chat(self, *texts: str, group: str | None = None, profile: Profile | None = None) -> tuple[str, str]:
        """Have a chat in which so much was said; its id and its group's."""
        chat = await self.archive.open_chat(profile or Profile(), group)
        for text in texts:
            await trio.sleep(1)
            chat.note("USER", "USER_MESSAGE", text, at_ms=int(self.node.sessions.now_s() * 1000))
        await trio.sleep(1)
        chat.end("USER_ENDED")
        return chat.chat_id, chat.chat_group_id


@asynccontextmanager
async def desk(keys: Keys | None = None) -> AsyncIterator[Desk]:
    async with opened() as node:
        yield Desk(node, keys or Keys())


def is_error(body: Any) -> bool:
    """Whether it is an error as the SDKs' parsers want it: three strings."""
    return set(body) == {"code", "error", "message"} and all(isinstance(value, str) for value in body.values())


async def test_the_life_of_a_config(autojump_clock: MockClock) -> None:
    async with desk() as ours:
        status, made = await ours.ask("POST configs", BODY)
        assert (status, made["name"], made["version"], made["evi_version"]) == (201, "mine", 0, "3")
        id = made["id"]
        status, second = await ours.ask(f"POST configs/{id}", {"version_description": "second"})
        assert (status, second["version"], second["name"], second["created_on"]) == (201, 1, "mine", made["created_on"])
        assert (await ours.ask(f"GET configs/{id}"))[1]["configs_page"] == [second]
        status, page = await ours.ask(f"GET configs/{id}?restrict_to_most_recent=false")
        assert (status, page["configs_page"]) == (200, [second, made])
        assert await ours.ask(f"GET configs/{id}/version/0") == (200, made)
        assert await ours.ask(f"PATCH configs/{id}", {"name": "other"}) == (200, None)
        status, described = await ours.ask(f"PATCH configs/{id}/version/0", {"version_description": "first"})
        assert (status, described["version_description"], described["name"]) == (200, "first", "other")
        assert await ours.ask(f"DELETE configs/{id}/version/0") == (204, None)
        assert (await ours.ask(f"GET configs/{id}/version/0"))[0] == 404
        assert await ours.ask(f"DELETE configs/{id}") == (204, None)
        for call in (f"GET configs/{id}", f"DELETE configs/{id}", f"GET configs/{id}/version/1"):
            status, body = await ours.ask(call)
            assert status == 404
            assert is_error(body)


async def test_lists_of_configs(autojump_clock: MockClock) -> None:
    async with desk() as ours:
        ids = []
        for name in ("a", "b", "a"):
            ids.append((await ours.ask("POST configs", {"name": name}))[1]["id"])
            await trio.sleep(1)
        await ours.ask(f"POST configs/{ids[0]}", {})

        async def rows(query: str) -> list[tuple[str, int]]:
            status, page = await ours.ask(f"GET configs?{query}")
            assert status == 200
            assert "pagination_direction" not in page
            return [(row["id"], row["version"]) for row in page["configs_page"]]

        newest = [(ids[2], 0), (ids[1], 0), (ids[0], 1), ("baker", 0)]
        assert await rows("") == newest
        assert await rows("restrict_to_most_recent=false") == [*newest[:3], (ids[0], 0), ("baker", 0)]
        assert await rows("name=a") == [newest[0], newest[2]]
        assert await rows("name=nobody") == []
        assert await rows("page_size=3&page_number=1") == newest[3:]
        assert await rows("page_size=3&page_number=2") == []
        _, page = await ours.ask("GET configs?page_size=3&page_number=5")
        assert (page["page_number"], page["page_size"], page["total_pages"]) == (5, 3, 2)


async def test_chats_their_events_and_groups(autojump_clock: MockClock) -> None:
    async with desk() as ours:
        first, group = await ours.chat("one", "two", "three", profile=Profile(id="baker", version=0))
        second, _ = await ours.chat("four", group=group)
        third, other = await ours.chat()
        status, page = await ours.ask("GET chats")
        assert [chat["id"] for chat in page["chats_page"]] == [first, second, third]
        assert page["chats_page"][0] == {
            "id": first,
            "chat_group_id": group,
            "status": "USER_ENDED",
            "start_timestamp": int(START_S * 1000),
            "end_timestamp": int(START_S * 1000) + 4000,
            "event_count": 3,
            "metadata": None,
            "config": {"id": "baker", "version": 0},
        }
        status, page = await ours.ask("GET chats?ascending_order=false&page_size=2")
        assert ([chat["id"] for chat in page["chats_page"]], page["total_pages"]) == ([third, second], 2)
        assert page["pagination_direction"] == "DESC"
        assert [chat["id"] for chat in (await ours.ask("GET chats?config_id=baker"))[1]["chats_page"]] == [first]
        assert (await ours.ask("GET chats?status=ACTIVE"))[1]["chats_page"] == []

        status, chat = await ours.ask(f"GET chats/{first}?page_size=2&page_number=1")
        assert (status, chat["id"], chat["status"], chat["total_pages"]) == (200, first, "USER_ENDED", 2)
        (event,) = chat["events_page"]
        assert (event["message_text"], event["role"], event["type"]) == ("three", "USER", "USER_MESSAGE")
        assert (event["chat_id"], event["timestamp"]) == (first, int(START_S * 1000) + 3000)
        events = (await ours.ask(f"GET chats/{first}?ascending_order=false"))[1]["events_page"]
        assert [event["message_text"] for event in events] == ["three", "two", "one"]
        assert events[0] == event, "an event is the same from whichever end it is read"
        assert len({event["id"] for event in events}) == 3

        status, page = await ours.ask("GET chat_groups")
        assert [(found["id"], found["num_chats"], found["active"]) for found in page["chat_groups_page"]] == [
            (group, 2, False),
            (other, 1, False),
        ]
        assert page["chat_groups_page"][0]["most_recent_chat_id"] == second
        assert page["chat_groups_page"][0]["most_recent_config"] is None
        assert len((await ours.ask("GET chat_groups?config_id=baker"))[1]["chat_groups_page"]) == 1
        status, found = await ours.ask(f"GET chat_groups/{group}")
        assert [chat["id"] for chat in found["chats_page"]] == [first, second]
        assert found["num_chats"] == 2
        texts = []
        for number in range(4):
            status, found = await ours.ask(f"GET chat_groups/{group}/events?page_size=3&page_number={number}")
            assert (status, found["id"], found["total_pages"]) == (200, group, 2)
            texts.append([event["message_text"] for event in found["events_page"]])
        assert texts == [["one", "two", "three"], ["four"], [], []]
        assert (await ours.ask(f"GET chat_groups/{group}/events?page_size=1"))[1]["total_pages"] == 4


async def test_a_chat_that_is_running_can_be_read(autojump_clock: MockClock) -> None:
    async with desk() as ours:
        chat = await ours.archive.open_chat(Profile(), None)
        chat.note("USER", "USER_MESSAGE", "hello", at_ms=1)
        status, body = await ours.ask(f"GET chats/{chat.chat_id}")
        assert (status, body["status"], body["end_timestamp"]) == (200, "ACTIVE", None)
        assert [event["message_text"] for event in body["events_page"]] == ["hello"]
        assert (await ours.ask(f"GET chat_groups/{chat.chat_group_id}"))[1]["active"] is True


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("POST configs", {}, 400),
        ("POST configs", [], 400),
        ("POST configs", {**BODY, "timeouts": {"inactivity": {"enabled": True, "duration_secs": 1801}}}, 400),
        ("PATCH configs/{id}", {}, 400),
        ("PATCH configs/{id}/version/0", {"version_description": 1}, 400),
        ("POST configs/baker", {}, 400),
        ("DELETE configs/baker", None, 400),
        ("GET configs?page_size=101", None, 400),
        ("GET configs?restrict_to_most_recent=maybe", None, 400),
        ("GET chats?page_number=-1", None, 400),
        (f"GET chats/{NOBODY}?page_size=0", None, 400),
        (f"POST configs/{NOBODY}", {}, 404),
        (f"PATCH configs/{NOBODY}", {"name": "x"}, 404),
        ("GET configs/{id}/version/1", None, 404),
        ("GET configs/{id}/version/-1", None, 404),
        ("GET configs/{id}/version/one", None, 404),
        ("DELETE configs/{id}/version/7", None, 404),
        (f"GET chats/{NOBODY}", None, 404),
        ("GET chats/nobody", None, 404),
        ("GET chats/%00%ff", None, 404),
        (f"GET chats/{NOBODY}/audio", None, 404),
        (f"GET chat_groups/{NOBODY}", None, 404),
        (f"GET chat_groups/{NOBODY}/events", None, 404),
        ("GET prompts", None, 404),
        ("GET tools", None, 404),
        ("GET configs/{id}/version", None, 404),
        ("GET configs//x", None, 404),
        ("GET /v0/evi/", None, 404),
        ("GET /v0/evi/chat/x/connect", None, 404),
        ("DELETE configs", None, 405),
        ("PUT configs/{id}", {}, 405),
        ("POST chats", {}, 405),
        ("GET /oauth2-cc/token", None, 405),
    ],
)
async def test_a_programs_mistake_is_told_and_never_tried_again(
    autojump_clock: MockClock, call: str, body: object, status: int
) -> None:
    async with desk() as ours:
        id = (await ours.ask("POST configs", BODY))[1]["id"]
        found, answer = await ours.ask(call.replace("{id}", id), body)
        assert found == status
        assert is_error(answer)
        assert len((await ours.ask("GET configs?restrict_to_most_recent=false"))[1]["configs_page"]) == 2


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"nothing", b"[" * 100_000, b'{"name": "\\ud800"}', b"1" * 9999])
async def test_a_body_that_is_no_json(autojump_clock: MockClock, raw: bytes) -> None:
    async with desk() as ours:
        for call in ("POST configs", "PATCH configs/baker"):
            status, body = await ours.ask(call, raw=raw)
            assert (status, body["message"]) == (400, "the body is not JSON")


async def test_a_trailing_slash_and_encoded_letters_are_understood_and_head_is_get(autojump_clock: MockClock) -> None:
    async with desk() as ours:
        for call in ("GET configs/", "GET %63onfigs", "HEAD configs", "GET configs/%62aker"):
            assert (await ours.ask(call))[0] == 200


async def test_a_store_that_fails_is_not_the_programs_mistake(autojump_clock: MockClock) -> None:
    async with desk() as ours:
        chat, _ = await ours.chat("hello")
        await trio.sleep(1)
        ours.node.disk.is_broken = True
        for call in ("POST configs", f"GET chats/{chat}", f"GET configs/{NOBODY}"):
            status, body = await ours.ask(call, BODY)
            assert (status, is_error(body)) == (503, True)


async def test_tokens(autojump_clock: MockClock) -> None:
    keys = Keys(["key-of-mine:secret-of-mine"], token_s=1800)
    async with desk(keys) as ours:
        basic = ("authorization", "Basic a2V5LW9mLW1pbmU6c2VjcmV0LW9mLW1pbmU=")
        form = b"grant_type=client_credentials"
        status, body = await ours.ask("POST /oauth2-cc/token", None, basic, raw=form)
        assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 1800)
        ours.rest.admit(Head("GET", "/v0/evi/configs", f"accessToken={body['access_token']}"), THERE, THERE)  # type: ignore[arg-type]
        answer = await ours.answer("POST /oauth2-cc/token", None, basic, raw=form)
        assert ("Cache-Control", "no-store") in answer.headers
        for wrong in (b"", b"grant_type=password", b"{}", b"\xff\x00", b"grant_type="):
            assert (await ours.ask("POST /oauth2-cc/token", None, basic, raw=wrong))[0] == 400


async def test_who_may_ask() -> None:
    async with desk(Keys(["key-of-mine:secret-of-mine"])) as ours:

        def status(method: str, path: str, query: str = "", *headers: tuple[str, str]) -> int | None:
            try:
                ours.rest.admit(Head(method, path, query, headers=headers), THERE, THERE)  # type: ignore[arg-type]
            except Refusal as refusal:
                body = ours.rest.refuse(refusal)
                assert is_error(msgspec.json.decode(body.body))
                return refusal.status
            return None

        for path in ("/v0/evi/configs", "/v0/evi/nothing"):
            assert status("GET", path) == status("POST", path, "api_key=wrong") == 401
            assert status("DELETE", path, "", ("x-hume-api-key", "key-of-mine")) is None
            assert status("OPTIONS", path) is None
        assert status("POST", "/oauth2-cc/token", "", ("x-hume-api-key", "key-of-mine")) == 401
        ours.admission = ours.admission._replace(allow_from=Sources(["10.0.0.0/8"]))
        assert status("GET", "/v0/evi/configs", "api_key=key-of-mine") == 403
        ours.admission = ours.admission._replace(enabled=False)
        assert not ours.rest.covers("/v0/evi/configs")
        assert not ours.rest.covers("/oauth2-cc/token")


async def test_the_sockets_are_not_the_sites() -> None:
    async with desk() as ours:
        for path in ("/v0/evi/chat", "/v0/assistant/chat", "/v0/evi", "/llm", "/v0/tts", "/oauth2-cc", "/v0/evix/"):
            assert not ours.rest.covers(path)
        for path in ("/v0/evi/chats", "/v0/evi/chat/", "/v0/evi/configs", "/oauth2-cc/token"):
            assert ours.rest.covers(path)


async def test_pages_in_browsers(autojump_clock: MockClock) -> None:
    async with desk(Keys(["key-of-mine"], ["https://a.example"])) as ours:
        page, other = ("origin", "https://a.example"), ("origin", "https://b.example")
        wants = ("access-control-request-headers", "X-Hume-Api-Key,content-type")
        answer = await ours.answer("OPTIONS configs", None, page, wants)
        assert answer.status == 204
        assert ("Access-Control-Allow-Methods", "GET, OPTIONS, POST") in answer.headers
        assert ("Access-Control-Allow-Headers", "X-Hume-Api-Key,content-type") in answer.headers
        odd = ("access-control-request-headers", "a\tb; c=<>")
        assert "Access-Control-Allow-Headers" not in dict((await ours.answer("OPTIONS configs", None, odd)).headers)
        head = Head("GET", "/v0/evi/configs", headers=(page,))
        assert ("Access-Control-Allow-Origin", "https://a.example") in ours.rest.headers(head)
        assert ours.rest.headers(Head("GET", "/v0/evi/configs", headers=(other,))) == (("Vary", "Origin"),)
        assert ours.rest.headers(Head("GET", "/v0/evi/configs")) == ()


async def test_the_log_has_the_call_and_nothing_of_the_program(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with desk() as ours:
        id = (await ours.ask("POST configs?api_key=hush", {"name": "hush"}))[1]["id"]
        await ours.ask(f"GET configs/{id}/version/0?name=hush")
        await ours.ask("HUSH configs/hush")
        await ours.ask("GET hush/hush")
    fields = [record.fields for record in caplog.records if record.message == "request answered"]  # type: ignore[attr-defined]
    assert [(found["call"], found["status"]) for found in fields] == [
        ("POST configs", 201),
        ("GET configs/*/version/*", 200),
        ("another method configs/*", 405),
        ("GET nothing", 404),
    ]
    assert "hush" not in str([record.__dict__ for record in caplog.records]).lower()


PATHS = st.lists(
    st.sampled_from(
        ["configs", "chats", "chat_groups", "version", "events", "audio", "baker", "0", NOBODY, "%ff", "..", "", "x"]
    ),
    max_size=5,
).map("/".join)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(
            ["page_number", "page_size", "ascending_order", "restrict_to_most_recent", "name", "config_id"]
        ),
        st.sampled_from(["0", "1", "-1", "true", "false", "", "999999999", "%00", "x"]),
    ),
    max_size=3,
).map(lambda pairs: "&".join("=".join(pair) for pair in pairs))
BODIES = st.binary(max_size=30) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["name", "timeouts", "inactivity", "enabled", "tools"]), inner, max_size=3)
    ),
    max_leaves=6,
).map(msgspec.json.encode)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "HEAD", "X"]), PATHS, QUERIES, BODIES)
def test_anything_is_answered_and_never_as_our_fault(method: str, path: str, query: str, body: bytes) -> None:
    async def ask() -> None:
        async with desk() as ours:
            if path:
                answer = await ours.answer(f"{method} /v0/evi/{path}?{query}", raw=body)
                assert answer.status in (200, 201, 204, 400, 404, 405)
                if answer.status >= 400:
                    assert is_error(msgspec.json.decode(answer.body))

    trio.run(ask, clock=MockClock(autojump_threshold=0))
