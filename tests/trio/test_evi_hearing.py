"""A chat with EVI that hears: what the caller says aloud is a message, and cuts off what is being said."""

from __future__ import annotations

from base64 import b64encode

import trio
from trio.testing import MockClock

from elizad.evi.ear import Deaf, Heard, Interim, SpeechBegan
from elizad.evi.profile import Profile
from elizad.protocols.evi.incoming import Audio
from tests.support.evi import Client, Ears, Hum, chatting

LINEAR = {"encoding": "linear16", "channels": 1, "sample_rate": 16000}


def sound(client: Client, data: bytes = b"\0\0") -> None:
    client.send("audio_input", data=b64encode(data).decode())


async def test_what_is_heard_is_a_message_and_answered(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears)) as client:
        client.send("session_settings", audio=LINEAR)
        await client.settle(1.5)
        sound(client, b"ab")
        sound(client, b"cd")
        await client.settle()
        assert (ears.fed, ears.opened) == ([b"ab", b"cd"], [(Audio("linear16", 1, 16000), 1500, False)])
        ears.hears.send_nowait(SpeechBegan(1600))
        ears.hears.send_nowait(Heard("I sing", 1600, 2400))
        await client.settle()
    heard = client.of("user_message")
    assert [(message["message"]["content"], message["time"]) for message in heard] == [
        ("I sing", {"begin": 1600, "end": 2400})
    ]
    assert (heard[0]["from_text"], heard[0]["interim"], heard[0]["models"]) == (False, False, {"prosody": None})
    assert client.said == ["You sing."]
    assert ears.closed == 1
    assert ("USER", "USER_MESSAGE", "I sing") in client.notes.events


async def test_a_binary_message_is_sound_as_it_is(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears)) as client:
        client.socket.say(b"ab")
        sound(client, b"cd")
        client.socket.say(b"ef")
        await client.settle()
        assert ears.fed == [b"ab", b"cd", b"ef"]
        assert client.of("error") == []


async def test_binary_messages_that_nobody_can_hear_are_told_once(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        for _ in range(3):
            client.socket.say(b"ab")
        client.say("hello")
        await client.settle()
    assert client.types[1:3] == ["error", "user_message"]
    assert client.of("error")[0]["code"] == "E0200"
    assert client.types.count("error") == 1


async def test_speech_over_a_reply_interrupts_before_it_is_understood(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears, mouth=Hum(pieces=8))) as client:
        sound(client)
        client.say("a long story")
        await client.settle(1)
        count = len(client.got)
        ears.hears.send_nowait(SpeechBegan(1000))
        await client.settle(5)
        assert [message["type"] for message in client.got[count:]] == ["user_interruption"]
        ears.hears.send_nowait(Heard("I sing", 1000, 6000))
        await client.settle(1)
    assert client.types.count("user_interruption") == 1
    assert client.said[-1] == "You sing."


async def test_a_cough_does_not_stop_who_is_thinking(autojump_clock: MockClock) -> None:
    async def respond(turn: object):  # type: ignore[no-untyped-def]
        await trio.sleep(2)
        yield "Here I am."

    ears = Ears()
    async with chatting(Client(hearing=ears, respond=respond)) as client:
        sound(client)
        client.say("hello")
        await client.settle(1)
        ears.hears.send_nowait(SpeechBegan(1000))
        await client.settle(2)
    assert "user_interruption" not in client.types
    assert client.said[-1] == "Here I am."


async def test_what_is_understood_so_far_is_told_and_not_answered(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears, verbose=True)) as client:
        sound(client)
        await client.settle()
        assert ears.opened[0][2] is True
        ears.hears.send_nowait(Interim("My", 0, 400))
        ears.hears.send_nowait(Heard("My dog", 0, 900))
        await client.settle()
    assert [(m["message"]["content"], m["interim"]) for m in client.of("user_message")] == [
        ("My", True),
        ("My dog", False),
    ]
    assert client.said == ["Tell me of your dog."]
    assert [type for _, type, _ in client.notes.events] == ["USER_MESSAGE", "AGENT_MESSAGE"]


async def test_who_cannot_be_heard_is_told_so_once(autojump_clock: MockClock) -> None:
    ears = Ears()
    ears.why = "No ear."
    async with chatting(Client(hearing=ears)) as client:
        for _ in range(5):
            sound(client)
        client.say("hello")
        await client.settle()
        assert [error["message"] for error in client.of("error")] == ["No ear."]
        assert client.said == ["Go on."]
        ears.why = ""
        client.send("session_settings", audio=LINEAR)
        sound(client)
        await client.settle()
    assert len(ears.fed) == 1


async def test_without_hearing_one_error_says_so(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        sound(client)
        sound(client)
        await client.settle()
    assert [error["slug"] for error in client.of("error")] == ["speech_not_heard"]


async def test_an_ear_that_fails_is_told_of_and_not_opened_again(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears)) as client:
        sound(client)
        await client.settle()
        ears.hears.send_nowait(Deaf("It broke."))
        await client.settle()
        sound(client)
        client.say("hello")
        await client.settle()
    assert [error["message"] for error in client.of("error")] == ["It broke."]
    assert len(ears.opened) == 1
    assert client.said == ["Go on."]


async def test_another_kind_of_sound_is_another_ear(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears)) as client:
        sound(client)
        client.send("session_settings", audio=LINEAR)
        sound(client)
        await client.settle()
        assert [audio for audio, _, _ in ears.opened] == [None, Audio("linear16", 1, 16000)]
        assert ears.closed == 1


async def test_somebody_who_speaks_is_there(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(Profile(inactivity_s=60.0), hearing=ears)) as client:
        sound(client)
        await client.settle(50)
        ears.hears.send_nowait(SpeechBegan(50_000))
        await client.settle(50)
        assert client.call.ending is None


async def test_while_paused_what_is_heard_is_told_and_not_answered(autojump_clock: MockClock) -> None:
    ears = Ears()
    async with chatting(Client(hearing=ears)) as client:
        client.send("pause_assistant_message")
        sound(client)
        await client.settle()
        ears.hears.send_nowait(Heard("My dog", 0, 900))
        await client.settle()
        assert client.types == ["chat_metadata", "user_message"]
        client.send("resume_assistant_message")
        await client.settle()
    assert client.said == ["Tell me of your dog."]
