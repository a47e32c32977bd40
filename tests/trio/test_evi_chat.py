"""One chat with EVI in memory: what follows what, pauses, timeouts, and what is said to messages that make no sense."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from elizad.agent import Turn
from elizad.conversation.guide import Guide
from elizad.conversation.steering import Rule, Steering
from elizad.evi.profile import Profile
from elizad.protocols.evi.incoming import SessionSettings, read
from elizad.types import Role, Utterance
from tests.support.evi import Client, Hum, chatting


async def test_a_turn_goes_as_the_sdks_expect_it(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        await client.settle(2.5)
        client.say("I need a boat")
        await client.settle()
    metadata, heard, said, end = client.got
    assert metadata == {
        "type": "chat_metadata",
        "chat_group_id": "group",
        "chat_id": client.notes.chat_id,
        "request_id": "request",
        "custom_session_id": None,
    }
    assert heard == {
        "type": "user_message",
        "message": {"role": "user", "content": "I need a boat"},
        "models": {"prosody": None},
        "time": {"begin": 2500, "end": 2500},
        "from_text": True,
        "interim": False,
        "custom_session_id": None,
    }
    assert said.pop("id")
    assert said == {
        "type": "assistant_message",
        "message": {"role": "assistant", "content": "What would a boat change?"},
        "models": {"prosody": None},
        "from_text": False,
        "is_quick_response": False,
        "custom_session_id": None,
    }
    assert end == {"type": "assistant_end", "custom_session_id": None}
    assert client.call.ending is not None
    assert client.call.ending.code == 1000
    assert client.notes.status == "USER_ENDED"
    assert client.notes.events == [
        ("USER", "USER_MESSAGE", "I need a boat"),
        ("AGENT", "AGENT_MESSAGE", "What would a boat change?"),
    ]


async def test_each_sentence_is_a_message_with_an_id_of_its_own(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.say("a long story")
        await client.settle()
    assert client.said == ["One.", "Two.", "Three.", "Four."]
    assert len({message["id"] for message in client.of("assistant_message")}) == 4
    assert client.types[-1] == "assistant_end"


async def test_what_is_said_before_is_known_in_the_next_turn(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        for text in ("hello", "hello", "my dog", "my dog"):
            client.say(text)
            await client.settle()
    assert client.said == ["Go on.", "I hear you.", "Tell me of your dog.", "Your dog again."]


async def test_words_of_the_client_are_spoken_and_closed(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.send("assistant_input", text="Good day. Who are you?")
        client.send("assistant_input", text="I wonder.")
        await client.settle()
    assert client.said == ["Good day.", "Who are you?", "I wonder."]
    assert all(message["from_text"] for message in client.of("assistant_message"))
    assert client.types[1:] == ["assistant_message"] * 2 + ["assistant_end"] + ["assistant_message", "assistant_end"]


@pytest.mark.parametrize(
    ("greeting", "said"),
    [(None, []), ("", ["Good day, I listen."]), ("Hi {{name}}. Well?", ["Hi Ann.", "Well?"])],
)
async def test_the_profile_says_who_greets(autojump_clock: MockClock, greeting: str | None, said: list[str]) -> None:
    client = Client(Profile(greeting=greeting))
    client.chat.apply(_settings(variables={"name": "Ann"}))
    async with chatting(client):
        pass
    assert client.said == said
    assert client.types[0] == "chat_metadata"
    assert client.types[-1] == ("assistant_end" if said else "chat_metadata")


async def test_who_speaks_at_once_is_greeted_all_the_same(autojump_clock: MockClock) -> None:
    client = Client(Profile(greeting="Hello. Well?"), mouth=Hum())
    client.say("I need a boat")  # before anything was sent
    async with chatting(client):
        await client.settle(3)
    said = [type for type in client.types if type != "audio_output"]
    assert said[:4] == ["chat_metadata", "assistant_message", "user_interruption", "user_message"]
    assert client.said == ["Hello.", "What would a boat change?"]


async def test_who_speaks_before_a_slow_greeting_is_answered_instead(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        await trio.sleep(1)
        yield f"You said {turn.utterance}."

    client = Client(Profile(greeting="", custom_language_model="ws://x"), respond=respond)
    client.say("hello")
    async with chatting(client):
        await client.settle(4)
    assert client.types == ["chat_metadata", "user_message", "assistant_message", "assistant_end"]
    assert client.said == ["You said hello."]


async def test_a_chat_that_is_gone_on_with_is_not_greeted_and_knows_what_was_said(autojump_clock: MockClock) -> None:
    earlier = [Utterance(Role.USER, "my dog"), Utterance(Role.ASSISTANT, "Tell me of your dog.")]
    async with chatting(Client(Profile(greeting="Hello."), earlier=earlier)) as client:
        client.say("my dog")
        await client.settle()
    assert client.said == ["Your dog again."]


# -- settings ----------------------------------------------------------------------------------------------------------


async def test_a_session_that_is_named_stands_in_every_message_from_then_on(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.send("session_settings", custom_session_id="ann")
        client.say("hello")
        await client.settle()
        client.send("user_input", text="hello", custom_session_id="ben")
        await client.settle()
    assert [message["custom_session_id"] for message in client.got] == [None, *["ann"] * 3, *["ben"] * 3]
    assert client.call.session == "ben"


async def test_somebody_else_may_say_which_session_this_is(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.call.name("ann")
        client.say("hello")
        await client.settle()
    assert [message["custom_session_id"] for message in client.got[1:]] == ["ann"] * 3
    assert client.call.session == "ann"


async def test_context_reaches_rules_for_as_long_as_it_is_meant(autojump_clock: MockClock) -> None:
    rules = [Rule(context=("harbour",), say="The harbour it is."), Rule(context=("storm",), say="A storm, then.")]
    async with chatting(Client(guide=Guide(Steering(rules)))) as client:

        async def said(*settings: object) -> str:
            for context in settings:
                client.send("session_settings", context=context)
            client.say("well")
            await client.settle()
            return client.said[-1]

        assert await said() == "Go on."
        assert await said({"text": "A storm is coming", "type": "temporary"}) == "A storm, then."
        assert await said() == "And then."
        assert await said({"text": "At the harbour", "type": "persistent"}) == "The harbour it is."
        assert await said({"text": "A storm again"}) == "The harbour it is."
        assert await said() == "The harbour it is."
        assert await said({"text": "Now a storm", "type": "editable"}) == "A storm, then."
        assert await said() == "A storm, then."
        assert await said(None) == "And then."


async def test_variables_fill_the_fields_of_rules(autojump_clock: MockClock) -> None:
    guide = Guide(Steering([Rule(words=("who",), say="You are {name}, {age}, {known}.")]))
    async with chatting(Client(guide=guide)) as client:
        client.send("session_settings", variables={"name": "Ann", "age": 33, "known": True})
        client.say("who am I")
        await client.settle()
    assert client.said == ["You are Ann, 33, true."]


async def test_the_voice_is_that_of_the_profile_until_the_client_wants_another(autojump_clock: MockClock) -> None:
    mouth = Hum(pieces=1)
    async with chatting(Client(Profile(voice="en-gb"), mouth=mouth)) as client:
        client.say("hello")
        await client.settle(5)
        client.send("session_settings", voice_id="de")
        client.say("hello")
        await client.settle(5)
    assert mouth.voices == ["en-gb", "de"]


async def test_a_responder_sees_what_the_client_has_set(autojump_clock: MockClock) -> None:
    seen: list[Turn] = []

    async def respond(turn: Turn) -> AsyncIterator[str]:
        seen.append(turn)
        yield "One moment please. And "
        yield "so on."

    client = Client(respond=respond)
    async with chatting(client):
        client.send(
            "session_settings",
            system_prompt="Be brief.",
            variables={"name": "Ann"},
            context={"text": "At sea", "type": "temporary"},
            custom_session_id="ann",
        )
        client.say("hello there")
        await client.settle()
    (turn,) = seen
    assert (turn.system_prompt, turn.variables, turn.context) == ("Be brief.", {"name": "Ann"}, ("At sea",))
    assert (turn.platform, turn.session.id, turn.utterance) == ("evi", "ann", "hello there")
    assert turn.transcript == (Utterance(Role.USER, "hello there"),)
    assert client.said == ["One moment please.", "And so on."]
    assert client.types[-1] == "assistant_end"


# -- pause and resume --------------------------------------------------------------------------------------------------


async def test_while_paused_nothing_is_answered_and_then_only_the_last_message(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.send("pause_assistant_message")
        for text in ("my dog", "my cat", "I sing"):
            client.say(text)
            await client.settle(5)
        client.send("assistant_input", text="Spoken later.")
        await client.settle(5)
        assert client.types == ["chat_metadata"] + ["user_message"] * 3
        client.send("resume_assistant_message")
        await client.settle()
        assert client.said == ["You sing.", "Spoken later."]
        client.send("resume_assistant_message")
        await client.settle()
    assert client.types.count("assistant_end") == 2
    assert [text for _, type, text in client.notes.events if type == "USER_MESSAGE"] == ["my dog", "my cat", "I sing"]


async def test_a_message_that_was_not_answered_was_heard_all_the_same(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.send("pause_assistant_message")
        client.say("my dog")
        client.say("my dog")
        client.send("resume_assistant_message")
        await client.settle()
    assert client.said == ["Your dog again."]
    assert client.chat.transcript == (
        Utterance(Role.USER, "my dog"),
        Utterance(Role.USER, "my dog"),
        Utterance(Role.ASSISTANT, "Your dog again."),
    )


async def test_without_a_message_in_the_pause_there_is_nothing_to_answer(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.say("hello")
        client.send("pause_assistant_message")
        client.send("resume_assistant_message")
        await client.settle()
        assert client.said == ["Go on."]
        client.say("hello")
        await client.settle()
    assert client.said == ["Go on.", "I hear you."]


async def test_a_pause_stops_a_reply_and_an_answer_that_had_not_begun_comes_after_it(autojump_clock: MockClock) -> None:
    cancelled = trio.Event()
    calls = 0

    async def respond(turn: Turn) -> AsyncIterator[str]:
        nonlocal calls
        calls += 1
        try:
            await trio.sleep(1)
            yield "Here I am. "
            yield "And more."
        finally:
            if calls == 1:
                cancelled.set()

    async with chatting(Client(respond=respond)) as client:
        client.say("hello")
        await client.settle(0.5)
        client.send("pause_assistant_message")
        await client.settle(10)
        assert cancelled.is_set()
        assert client.types == ["chat_metadata", "user_message"]
        client.send("resume_assistant_message")
        await client.settle(2)
    assert client.said == ["Here I am.", "And more."]


# -- interruption ------------------------------------------------------------------------------------------------------


async def test_the_sound_of_a_sentence_has_time_to_be_decoded_before_the_next(autojump_clock: MockClock) -> None:
    async with chatting(Client(mouth=Hum(pieces=2))) as client:
        client.send("assistant_input", text="Cast off. Mind the gap.")
        await client.settle(5)
    sent = [(at, json.loads(frame)) for at, write in client.socket.writes for frame in write]
    sounds = [(at, message["id"], message["index"]) for at, message in sent if message["type"] == "audio_output"]
    assert [index for _, _, index in sounds] == [0, 1, 0, 1]
    assert sounds[1][0] - sounds[0][0] < 0.01
    assert sounds[2][0] - sounds[1][0] >= 0.25


async def test_sound_follows_its_message_and_does_not_run_far_ahead(autojump_clock: MockClock) -> None:
    async with chatting(Client(mouth=Hum(pieces=8))) as client:
        began = trio.current_time()
        client.say("a long story")
        await client.settle(30)
    id, index, played = "", 0, began
    for at, message in client.timed():
        if message["type"] == "assistant_message":
            id, index = message["id"], 0
        elif message["type"] == "audio_output":
            assert (message["id"], message["index"]) == (id, index)
            index += 1
            played = max(played, at) + 0.5
            assert played - at <= 3.5 + 1e-9
    assert index == 8
    assert len(client.of("audio_output")) == 32
    assert played == began + 16
    assert client.types[-1] == "assistant_end"


async def test_what_is_said_over_a_reply_cuts_it_off(autojump_clock: MockClock) -> None:
    mouth = Hum(pieces=8)
    async with chatting(Client(mouth=mouth)) as client:
        client.say("a long story")
        await client.settle(2)
        before = len(client.of("audio_output"))
        client.say("I sing")
        await client.settle(30)
    assert client.types == [
        *("chat_metadata", "user_message", "assistant_message", "assistant_message"),
        *("user_interruption", "user_message", "assistant_message", "assistant_end"),
    ]
    assert client.said == ["One.", "Two.", "You sing."]
    *cut_off, newest = [message["id"] for message in client.of("assistant_message")]
    assert len([sound for sound in client.of("audio_output") if sound["id"] in cut_off]) == before == 11
    assert len([sound for sound in client.of("audio_output") if sound["id"] == newest]) == 8
    assert isinstance(client.of("user_interruption")[0]["time"], int)
    assert client.of("user_interruption")[0]["time"] > 1_700_000_000_000
    assert mouth.closed == 3
    assert ("USER", "USER_INTERRUPTION", None) in client.notes.events
    assert client.meter.superseded["evi"] == 1


async def test_a_reply_that_is_still_being_played_can_be_interrupted(autojump_clock: MockClock) -> None:
    async with chatting(Client(mouth=Hum(pieces=4))) as client:
        client.say("hello")
        await client.settle(1.5)
        assert client.types[-1] == "assistant_end"
        client.say("hello")
        await client.settle(2.1)
        client.say("hello")
        await client.settle()
    assert client.types.count("user_interruption") == 1


async def test_who_has_said_nothing_yet_is_not_interrupted(autojump_clock: MockClock) -> None:
    async def respond(turn: Turn) -> AsyncIterator[str]:
        await trio.sleep(1)
        yield f"You said {turn.utterance}."

    async with chatting(Client(respond=respond)) as client:
        client.say("one")
        await client.settle(0.5)
        client.say("two")
        await client.settle(2)
    assert client.types == ["chat_metadata", "user_message", "user_message", "assistant_message", "assistant_end"]
    assert client.said == ["You said one two."]


async def test_an_interruption_forgets_what_waits_to_be_said(autojump_clock: MockClock) -> None:
    async with chatting(Client(mouth=Hum(pieces=8))) as client:
        client.send("assistant_input", text="One. Two.")
        client.send("assistant_input", text="Three.")
        await client.settle(1)
        client.say("hello")
        await client.settle(30)
    assert "Three." not in client.said
    assert client.said[-1] == "Go on."


def _settings(**fields: object) -> SessionSettings:
    message = read(json.dumps({"type": "session_settings", **fields}))
    assert isinstance(message, SessionSettings)
    return message
