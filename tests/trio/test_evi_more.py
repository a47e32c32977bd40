"""A chat with EVI in memory: sessions, a client that does not read, and cancellation anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.agent import Turn
from elizad.eliza import FAITHFUL, Eliza
from elizad.evi.profile import Profile
from elizad.service.responder import Patience
from elizad.service.session import Session
from elizad.store.api import Key
from elizad.types import Utterance
from tests.support.calls import SCRIPT
from tests.support.evi import TOOLS, Client, Ears, Hum, chatting
from tests.support.kept import Disk, Node, opened, time_s

WEATHER = {"type": "function", "name": "get_weather", "parameters": "{}"}

# -- sessions ----------------------------------------------------------------------------------------------------------


def visitor(node: Node, earlier: tuple[Utterance, ...] = ()) -> Client:
    def open_session(id: str, notice: Callable[[], None]) -> Session:
        return Session(node.sessions, Key("evi", id), node.eliza, notice)

    return Client(open_session=open_session, diction=FAITHFUL, earlier=earlier)


async def hold(node: Node, *texts: str, name_at: int = 0) -> list[str]:
    """Have a whole chat of ann's, who says who she is before the text with this number; return the replies."""
    client = visitor(node)
    client.call._answers._turns._group = client.notes.chat_id
    async with chatting(client):
        for number, text in enumerate(texts):
            if number == name_at:
                client.send("session_settings", custom_session_id="ann")
            client.say(text)
            await client.settle(2)
    return client.said


async def test_who_comes_back_is_known(autojump_clock: MockClock) -> None:
    async with opened() as node:
        assert await hold(node, "my dog", "my dog") == ["TELL ME OF YOUR DOG", "YOUR DOG AGAIN"]
        assert await hold(node, "my dog") == ["TELL ME OF YOUR DOG"]
        assert await hold(node, "my dog", name_at=1) == ["TELL ME OF YOUR DOG"]
        assert await hold(node, "my dog") == ["YOUR DOG AGAIN"]


async def test_a_group_that_is_gone_on_with_is_one_call_of_its_session(autojump_clock: MockClock) -> None:
    async with opened() as node:
        said: list[str] = []
        earlier: tuple[Utterance, ...] = ()
        for _ in range(3):
            client = visitor(node, earlier)
            async with chatting(client):
                client.send("session_settings", custom_session_id="ann")
                client.say("my dog")
                await client.settle(2)
            said += client.said
            earlier = client.chat.transcript
        kept = await node.disk.kept(Key("evi", "ann"))
    assert said == ["TELL ME OF YOUR DOG", "YOUR DOG AGAIN", "TELL ME OF YOUR DOG"]
    assert kept is not None
    assert (kept.calls, kept.turns) == (1, 3)


async def test_who_says_it_late_is_known_from_then_on(autojump_clock: MockClock) -> None:
    async with opened() as node:
        await hold(node, "my dog")
        assert await hold(node, "hello", "my dog", name_at=1) == ["GO ON", "YOUR DOG AGAIN"]


async def test_a_session_that_comes_late_is_kept_all_the_same(autojump_clock: MockClock) -> None:
    disk = Disk(time_s)
    async with opened("turn", disk=disk) as node:
        await hold(node, "my dog")
        disk.load_s = 0.5
        assert await hold(node, "my dog") == ["TELL ME OF YOUR DOG"]
        kept = await disk.kept(Key("evi", "ann"))
    assert kept is not None
    assert (kept.calls, kept.turns) == (2, 1)


async def test_a_chat_that_is_over_before_its_session_was_found_is_kept(autojump_clock: MockClock) -> None:
    disk = Disk(time_s)
    async with opened(disk=disk) as node:
        disk.load_s = 0.4
        client = visitor(node)
        async with chatting(client):
            client.send("session_settings", custom_session_id="ann")
            client.say("my dog")
            await client.settle(0.1)
        await trio.sleep(1)
        kept = await disk.kept(Key("evi", "ann"))
    assert client.said == ["TELL ME OF YOUR DOG"]
    assert kept is not None
    assert kept.turns == 1


async def test_a_session_that_comes_while_a_responder_thinks_is_kept(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        await trio.sleep(1)
        yield "Yes."

    disk = Disk(time_s)
    async with opened(disk=disk) as node:
        disk.load_s = 0.5

        def open_session(id: str, notice: Callable[[], None]) -> Session:
            return Session(node.sessions, Key("evi", id), node.eliza, notice)

        client = Client(open_session=open_session, respond=respond)
        async with chatting(client):
            client.send("session_settings", custom_session_id="ann")
            client.say("my dog")
            await client.settle(3)
        disk.load_s = 0.0
        kept = await disk.kept(Key("evi", "ann"))
    assert client.said == ["Yes."]
    assert kept is not None
    assert kept.turns == 1


async def test_the_end_of_a_turn_waits_for_the_disk_where_that_is_asked_for(autojump_clock: MockClock) -> None:
    disk = Disk(time_s)
    async with opened("turn", disk=disk) as node:
        disk.save_s = 0.3
        client = visitor(node)
        async with chatting(client):
            client.send("session_settings", custom_session_id="ann")
            client.say("my dog")
            await client.settle(2)
        times = {message["type"]: at for at, message in client.timed()}
        assert times["assistant_end"] - times["assistant_message"] == pytest.approx(0.3, abs=0.06)


async def test_what_a_responder_keeps_comes_back_in_the_next_chat(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        turn.session.data["count"] = turn.session.data.get("count", 0) + 1
        yield f"Number {turn.session.data['count']}."

    async with opened() as node:
        said = []
        for _ in range(2):

            def open_session(id: str, notice: Callable[[], None]) -> Session:
                return Session(node.sessions, Key("evi", id), node.eliza, notice)

            client = Client(open_session=open_session, respond=respond)
            async with chatting(client):
                client.send("session_settings", custom_session_id="ann")
                client.say("hello")
                await client.settle(2)
                client.say("hello")
                await client.settle(2)
            said += client.said
    assert said == [f"Number {number}." for number in (1, 2, 3, 4)]


# -- clients that do not behave ----------------------------------------------------------------------------------------


async def test_a_client_that_does_not_read_is_not_read_either(autojump_clock: MockClock) -> None:
    client = Client(mouth=Hum(pieces=8))
    async with chatting(client):
        client.socket.reading = trio.Event()
        for number in range(500):
            client.say(f"number {number}")
        await client.settle(100)
        waiting = client.socket._incoming.statistics().current_buffer_used
        assert waiting >= 490
        client.socket.reading.set()
        await client.settle(100)
    assert len(client.of("user_message")) == 500


async def test_nothing_of_a_reply_follows_its_interruption_though_it_was_on_its_way(autojump_clock: MockClock) -> None:
    client = Client(mouth=Hum(pieces=8))
    async with chatting(client):
        client.say("a long story")
        await client.settle(0.5)
        client.socket.reading = trio.Event()
        await client.settle(2)  # the speaker has more to say, and cannot
        client.say("I sing")
        await client.settle(1)
        client.socket.reading.set()
        await client.settle(20)
    at = client.types.index("user_interruption")
    cut = [message["type"] for message in client.got].index("user_interruption")
    before = {message["id"] for message in client.got[:cut] if "id" in message}
    assert before
    assert not before & {message["id"] for message in client.got[cut:] if "id" in message}
    assert client.types[at:] == ["user_interruption", "user_message", "assistant_message", "assistant_end"]


async def test_texts_that_wait_are_bounded(autojump_clock: MockClock) -> None:
    async with chatting(Client(mouth=Hum(pieces=8))) as client:
        for _ in range(110):
            client.send("assistant_input", text="Again.")
        await client.settle()
    assert 5 <= len(client.of("error")) <= 10


async def test_a_responder_that_never_ends_is_cut_off_and_its_pieces_are_bounded(autojump_clock: MockClock) -> None:
    count = 0

    async def respond(turn: Turn) -> AsyncIterator[str]:
        nonlocal count
        while True:
            count += 1
            await trio.lowlevel.checkpoint()
            yield "And on. "

    client = Client(respond=respond, mouth=Hum(pieces=8), patience=Patience(turn_s=5.0))
    async with chatting(client):
        client.say("hello")
        await client.settle(4)
        assert count < 1100
        client.say("stop")
        await client.settle(0.1)
        assert client.types.count("user_interruption") == 1


async def test_a_responder_without_marks_is_spoken_in_pieces(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        for _ in range(1000):
            yield "word "

    async with chatting(Client(respond=respond)) as client:
        client.say("hello")
        await client.settle(1)
    assert " ".join(client.said).split() == ["word"] * 1000
    assert max(map(len, client.said)) < 2200


# -- cancellation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(25))
async def test_a_chat_that_is_cancelled_leaves_nothing_behind(autojump_clock: MockClock, step: int) -> None:
    begun: list[str] = []
    cleaned: list[str] = []

    async def respond(turn: Turn) -> AsyncIterator[str]:
        begun.append(turn.utterance)
        try:
            yield "One moment. "
            await trio.sleep(0.3)
            yield await turn.call_tool("get_weather", {})
        finally:
            cleaned.append(turn.utterance)

    mouth, ears = Hum(), Ears()
    client = Client(Profile(greeting="Hello."), respond=respond, mouth=mouth, hearing=ears)
    said = 0
    say = mouth.say

    def counted(text: str, voice: str):  # type: ignore[no-untyped-def]
        nonlocal said
        said += 1
        return say(text, voice)

    mouth.say = counted  # type: ignore[method-assign]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.call.run)
        client.send("session_settings", tools=[WEATHER])
        client.send("audio_input", data="AAAA")
        client.say("hello")
        for _ in range(step):
            await trio.lowlevel.checkpoint()
        await trio.sleep(step / 12)
        nursery.cancel_scope.cancel()
    await wait_all_tasks_blocked()
    assert begun == cleaned
    assert mouth.closed <= said <= mouth.closed + 1  # a generator that never began has nothing to close
    assert ears.closed == len(ears.opened)
    assert client.notes.status == "ERROR"
    assert client.socket.closed is None


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.5, 1.0, 2.0, 5.0])
async def test_a_client_that_leaves_ends_everything(autojump_clock: MockClock, after_s: float) -> None:
    mouth, ears = Hum(pieces=8), Ears()
    client = Client(Profile(greeting="Hello there. How are you?"), mouth=mouth, hearing=ears)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.call.run)
        client.send("audio_input", data="AAAA")
        client.say("a long story")
        await trio.sleep(after_s)
        client.socket.hang_up(1001)
    assert client.notes.status == "USER_ENDED"
    assert client.call.ending is not None
    assert (client.call.ending.code, client.call.ending.why) == (1001, "the peer closed")
    assert ears.closed == len(ears.opened)


def test_the_script_of_these_tests_loads() -> None:
    assert Eliza(SCRIPT).opening
    assert Eliza(TOOLS).opening
