"""What one call leaves for the next. A fake clock, a store in memory."""

from __future__ import annotations

import gc
import json
import logging

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.conversation.conversation import Manner
from elizad.eliza import Eliza
from elizad.mind import make_eliza
from elizad.protocols.retell import RetellLlm, RetellOptions
from elizad.service.saving import Saving
from elizad.service.session import Session
from elizad.store.api import Key, Save, SessionRecord
from tests.support.calls import SCRIPT, MemorySocket
from tests.support.kept import ANN, Disk, growing, hold, opened, payload, replies, time_s

DOCTOR = make_eliza("doctor", "spoken")


# Where a call goes on


async def test_a_new_call_goes_on_where_the_last_one_ended(autojump_clock: MockClock) -> None:
    async with opened() as node:
        assert await hold(node, *growing("my sister", "yes")) == ["TELL ME OF YOUR SISTER", "GO ON"]
        # The memory of the call before, and the next reassemblies: alone it would say what it says in the next test.
        said = await hold(node, *growing("hm", "hm hm", "my boat", "yes", "yes yes", "no"))
        assert said == [
            "BEFORE THIS YOU SPOKE OF YOUR SISTER",
            "I HEAR YOU",
            "YOUR BOAT AGAIN",
            "AND THEN",
            "BEFORE THIS YOU SPOKE OF YOUR BOAT",
            "GO ON",
        ]
        kept = await node.disk.kept()
        assert kept is not None
        assert (kept.calls, kept.turns_before, kept.turns) == (2, 2, 6)


async def test_a_call_without_an_id_keeps_nothing_and_knows_nothing(autojump_clock: MockClock) -> None:
    async with opened() as node:
        await hold(node, *growing("my sister", "yes"))
        saved = len(node.disk.saved)
        said = await hold(node, *growing("hm", "hm hm", "my boat", session=None))
        assert said == ["GO ON", "I HEAR YOU", "TELL ME OF YOUR BOAT"]
        assert len(node.disk.saved) == saved
        assert node.tally.loads == 1


async def test_ids_of_others_are_others(autojump_clock: MockClock) -> None:
    async with opened() as node:
        await hold(node, *growing("my sister"))
        assert await hold(node, *growing("my boat", session="ben")) == ["TELL ME OF YOUR BOAT"]


WORDS = st.sampled_from(["my sister", "my boat", "I need rest", "yes", "no", "I walk", "long", ""])


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, min_size=1, max_size=6), st.integers(0, 6), st.booleans())
@settings(max_examples=40)
def test_a_line_that_is_lost_changes_nothing(before: list[str], turns: list[str], cut: int, corrected: bool) -> None:
    """Whatever was said before: the call that comes back on another connection gets the replies of one that did not."""

    async def main() -> None:
        turns_said = ["well", *turns]
        async with opened() as whole, opened() as broken:
            for node in (whole, broken):
                await hold(node, *growing("so", *before))
            messages = growing(*turns_said)
            expected = await hold(whole, *messages)
            at = min(cut + 1, len(messages))
            first = messages[:at]
            if corrected and at > 1:
                first[-1] = payload(*turns_said[: at - 1], "cut o")
            said = await hold(broken, *first)
            again = await hold(broken, *messages[at - 1 :])
            assert again == expected[at - 1 :]
            assert said[: at - 1] == expected[: at - 1]
            kept = [await node.disk.kept() for node in (whole, broken)]
            assert kept[0] is not None
            assert kept[1] is not None
            assert kept[0].state == kept[1].state
            assert kept[0].calls == kept[1].calls == 2

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_the_same_session_and_the_same_payload_get_the_same_reply(autojump_clock: MockClock) -> None:
    disk = Disk(time_s)
    async with opened(disk=disk) as node:
        await hold(node, *growing("my sister", "yes", "no"))
    record = disk._records[ANN]
    found = set()
    for _ in range(3):
        again = Disk(time_s)
        await again.save([Save(record, True)])
        async with opened(disk=again) as node:
            found.add(tuple(await hold(node, payload("hm", "I need rest", "my boat"))))
    assert len(found) == 1


async def test_another_machine_goes_on(autojump_clock: MockClock) -> None:
    disk = Disk(time_s)
    async with opened(disk=disk) as one, opened(disk=disk) as other:
        await hold(one, *growing("my sister", "yes"))
        assert (await hold(other, payload("my sister", "yes", "my boat")))[0] == "YOUR BOAT AGAIN"
        assert (await hold(one, payload("my dog")))[0] == "TELL ME OF YOUR DOG"


async def test_what_waits_to_be_saved_is_known_to_the_next_call(autojump_clock: MockClock) -> None:
    async with opened() as node:
        node.disk.save_s = 10
        await hold(node, *growing("my sister"), gap_s=0.1)
        assert await hold(node, payload("my boat"), gap_s=0.1) == ["YOUR BOAT AGAIN"]


async def test_an_id_that_comes_later(autojump_clock: MockClock) -> None:
    """A web page may set it when the call is under way."""
    async with opened() as node:
        await hold(node, *growing("my sister"))
        said = await hold(node, payload("my boat", session=None), payload("my boat", "my dog"))
        assert said == ["TELL ME OF YOUR BOAT", "TELL ME OF YOUR DOG"]
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.turns == 2


# Who is greeted


async def test_a_known_caller_is_greeted_as_one(autojump_clock: MockClock) -> None:
    async with opened(eliza=DOCTOR) as node:
        (first,) = await hold(node, payload())
        assert first == DOCTOR.opening
        await hold(node, payload(), *growing("hello", "my mother hates me", "it is raining"))
        for _ in range(2):
            (greeting,) = await hold(node, payload())
            assert "Last time you spoke of your mother. " in greeting
            assert greeting.replace("Last time you spoke of your mother. ", "") == DOCTOR.opening


async def test_in_1966_mode_nobody_is_known(autojump_clock: MockClock) -> None:
    async with opened(eliza=make_eliza("doctor", "1966")) as node:
        await hold(node, payload(), *growing("my mother hates me"))
        assert await hold(node, payload()) == [make_eliza("doctor", "1966").opening]


def retell(turn: int, *said: str) -> str:
    transcript = [{"role": "user", "content": text} for text in said]
    return json.dumps({"interaction_type": "response_required", "response_id": turn, "transcript": transcript})


def contents(socket: MemorySocket) -> str:
    return "".join(json.loads(frame).get("content", "") for frame in socket.frames)


async def test_retell_a_call_that_comes_back_to_another_machine_is_not_greeted_again(
    autojump_clock: MockClock,
) -> None:
    disk = Disk(time_s)
    for greeting in (True, False):
        async with opened(disk=disk) as node:
            socket, connection = node.call(RetellLlm(RetellOptions(), "call-1"))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run)
                await trio.sleep(1)
                assert (contents(socket) == "GOOD DAY, I LISTEN") is greeting
                socket.hang_up()


async def test_retell_a_person_is_known_by_a_variable(autojump_clock: MockClock) -> None:
    options = RetellOptions(call_details=True, greet_after_details=True, session_variable="caller_id")
    details = {
        "interaction_type": "call_details",
        "call": {"retell_llm_dynamic_variables": {"caller_id": "+4930123"}},
    }
    async with opened(eliza=DOCTOR) as node:
        for call in ("call-1", "call-2"):
            socket, connection = node.call(RetellLlm(options, call))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(connection.run)
                socket.say(json.dumps(details))
                await trio.sleep(1)
                socket.say(retell(1, "my mother hates me"))
                await trio.sleep(1)
                socket.hang_up()
            assert ("Last time you spoke of your mother." in contents(socket)) is (call == "call-2")
        assert [record.key for record in await node.disk.latest()] == [Key("retell", "caller_id=+4930123")]
        # Without the variable a session is a call.
        socket, connection = node.call(RetellLlm(options, "call-3"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            await trio.sleep(3)
            assert DOCTOR.opening in contents(socket)
            socket.say(retell(1, "my mother hates me"))
            await trio.sleep(1)
            socket.hang_up()
        assert (await node.disk.latest())[0].key == Key("retell", "call-3")


# What is kept


async def test_what_was_said_is_kept_only_if_that_is_wanted(autojump_clock: MockClock) -> None:
    for wanted in (False, True):
        async with opened(keep_transcript=wanted) as node:
            await hold(node, *growing("xyzzy one", "xyzzy two"))
            await hold(node, *growing("xyzzy three"))
            assert (b"xyzzy" in node.disk.saved[-1].payload) is wanted
            kept = await node.disk.kept()
            assert kept is not None
            if wanted:
                assert kept.said is not None
                assert [len(said.lines) for said in kept.said_before] == [4]
                assert kept.said.lines == (("user", "xyzzy three"), ("assistant", "AND THEN"))


async def test_a_script_that_has_changed_in_between(autojump_clock: MockClock) -> None:
    disk = Disk(time_s)
    async with opened(disk=disk) as node:
        await hold(node, *growing("my sister"))
    async with opened(disk=disk, eliza=Eliza(SCRIPT.replace("Tell me of", "What of"))) as node:
        assert (await hold(node, *growing("my boat", "yes")))[:2] == [
            "WHAT OF YOUR BOAT",
            "BEFORE THIS YOU SPOKE OF YOUR SISTER",
        ]


async def test_a_record_that_cannot_be_read_is_replaced(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened() as node:
        await node.disk.save([Save(SessionRecord(ANN, 7, time_s(), b"\xc1 nonsense"), True)])
        assert await hold(node, *growing("my sister")) == ["TELL ME OF YOUR SISTER"]
        kept = await node.disk.kept()
        assert kept is not None
        assert kept.calls == 1
        assert node.tally.unreadable == 1
    assert "nonsense" not in caplog.text


async def test_the_end_of_a_turn_is_not_late_for_nothing(autojump_clock: MockClock) -> None:
    """Relaxed, a turn does not wait for a disk that takes a minute."""
    async with opened() as node:
        node.disk.save_s = 60
        socket, connection = node.call(manner=Manner())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            start = trio.current_time()
            socket.say(payload("my sister"))
            await wait_all_tasks_blocked()
            assert replies(socket) == ["TELL ME OF YOUR SISTER"]
            assert trio.current_time() == start
            socket.hang_up()


async def test_the_names_of_callers_stay_out_of_the_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "elizad")
    async with opened() as node:
        node.disk.is_broken = True
        await hold(node, *growing("my xyzzy", "yes"))
    assert "xyzzy" not in str([record.__dict__ for record in caplog.records])


async def test_the_session_of_a_call_that_has_ended_does_not_wait_for_the_collector(autojump_clock: MockClock) -> None:
    async with opened() as node:
        gc.collect()
        gc.disable()
        try:
            await hold(node, *growing("my boat", "my dog"))
            assert not [kept for kept in gc.get_objects() if isinstance(kept, Session | Saving)]
        finally:
            gc.enable()
