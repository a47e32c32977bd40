"""One chat with EVI in memory: what follows what, pauses, timeouts, and what is said to messages that make no sense."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from elizad.agent import ToolFailed, Turn
from elizad.conversation.guide import Guide
from elizad.conversation.steering import Rule, Steering
from elizad.errors import RemoteError
from elizad.evi.profile import Profile
from elizad.protocols.evi.incoming import EviProblem, SessionSettings, read
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


# -- tools -------------------------------------------------------------------------------------------------------------

WEATHER = {"type": "function", "name": "get_weather", "parameters": "{}", "fallback_content": "The tool is away."}


async def _asks(turn: Turn) -> AsyncIterator[str]:
    yield "Let me see. "
    try:
        yield await turn.call_tool("get_weather", {"city": "Rome"})
    except ToolFailed as failed:
        yield f"No: {failed.content}"


async def test_a_responder_calls_a_tool_and_goes_on_with_what_it_says(autojump_clock: MockClock) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.send("session_settings", tools=[WEATHER])
        client.say("hello")
        await client.settle(0.5)
        (call,) = client.of("tool_call")
        id = call.pop("tool_call_id")
        assert call == {
            "type": "tool_call",
            "name": "get_weather",
            "parameters": '{"city":"Rome"}',
            "response_required": True,
            "tool_type": "function",
            "custom_session_id": None,
        }
        assert client.said == ["Let me see."]
        client.send("tool_response", tool_call_id=id, content="Sunny.", tool_name="get_weather")
        await client.settle()
    assert client.said == ["Let me see.", "Sunny."]
    assert client.types[-3:] == ["tool_response", "assistant_message", "assistant_end"]
    assert client.of("tool_response")[0]["content"] == "Sunny."
    assert ("TOOL", "FUNCTION_CALL_RESPONSE", "Sunny.") in client.notes.events


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "broken", "content": "It is broken."}, "No: It is broken."),
        ({"error": "broken"}, "No: The tool is away."),
        (None, "No: The tool is away."),
    ],
)
async def test_a_tool_that_fails_or_does_not_answer(
    autojump_clock: MockClock, answer: dict[str, str] | None, said: str
) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.send("session_settings", tools=[WEATHER])
        client.say("hello")
        await client.settle(0.5)
        id = client.of("tool_call")[0]["tool_call_id"]
        if answer is not None:
            client.send("tool_error", tool_call_id=id, **answer)
        await client.settle(12)
        assert client.said[-1] == said
        client.send("tool_response", tool_call_id=id, content="late")
        await client.settle()
    assert client.types[-1] == "error"
    assert len(client.of("tool_error")) == (answer is not None)


async def test_a_tool_that_nobody_has_declared_fails_at_once(autojump_clock: MockClock) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.say("hello")
        await client.settle()
    assert client.said == ["Let me see.", "No:"]
    assert not client.of("tool_call")


async def test_a_call_of_a_tool_is_given_up_when_the_caller_goes_on(autojump_clock: MockClock) -> None:
    async with chatting(Client(respond=_asks)) as client:
        client.send("session_settings", tools=[WEATHER])
        client.say("hello")
        await client.settle(0.5)
        client.say("never mind")
        await client.settle(0.5)
        first, second = (call["tool_call_id"] for call in client.of("tool_call"))
        client.send("tool_response", tool_call_id=first, content="Rain")
        client.send("tool_response", tool_call_id=second, content="Sunny.")
        await client.settle()
    assert client.said == ["Let me see.", "Let me see.", "Sunny."]
    assert client.types.count("error") == 1


# -- the end -----------------------------------------------------------------------------------------------------------


async def test_without_a_user_message_the_chat_ends(autojump_clock: MockClock) -> None:
    async with chatting(Client(Profile(inactivity_s=60.0))) as client:
        await client.settle(59)
        client.say("hello")
        await client.settle(59.9)
        assert client.call.ending is None
        await client.settle(0.2)
    assert client.got[-1] == {
        "type": "error",
        "code": "E0714",
        "slug": "inactivity_timeout",
        "message": "Chat was ended because no user message was received in 60 seconds.",
        "request_id": "request",
        "custom_session_id": None,
    }
    assert client.socket.closed == (1000, "")
    assert client.notes.status == "INACTIVITY_TIMEOUT"


async def test_the_caller_is_asked_first_and_has_fifteen_seconds_more(autojump_clock: MockClock) -> None:
    profile = Profile(inactivity_s=60.0, inactivity_text="Are you there?")
    async with chatting(Client(profile)) as client:
        await client.settle(60.1)
        assert client.said == ["Are you there?"]
        await client.settle(14)
        client.say("hello")
        await client.settle(60.1)
        assert client.said == ["Are you there?", "Go on.", "Are you there?"]
        await client.settle(14.8)
        assert client.call.ending is None
        await client.settle(0.2)
    assert client.of("error")[0]["code"] == "E0714"


async def test_a_chat_has_a_longest_time(autojump_clock: MockClock) -> None:
    async with chatting(Client(Profile(inactivity_s=0.0, max_duration_s=90.0))) as client:
        await client.settle(80)
        client.say("hello")
        await client.settle(9.9)
        assert client.call.ending is None
        await client.settle(0.2)
    assert client.got[-1]["code"] == "E0715"
    assert client.got[-1]["slug"] == "max_duration_timeout"
    assert client.socket.closed == (1000, "")
    assert client.notes.status == "MAX_DURATION_TIMEOUT"


async def test_half_an_hour_is_the_longest_whatever_the_profile_says(autojump_clock: MockClock) -> None:
    async with chatting(Client(Profile(inactivity_s=0.0, max_duration_s=9000.0))) as client:
        await client.settle(1799.9)
        assert client.call.ending is None
        await client.settle(0.2)
    assert client.got[-1]["code"] == "E0715"


async def test_last_words_are_played_before_the_end_and_nothing_else_is_answered(autojump_clock: MockClock) -> None:
    profile = Profile(inactivity_s=0.0, max_duration_s=90.0, max_duration_text="Time is up.")
    async with chatting(Client(profile, mouth=Hum(pieces=4))) as client:
        await client.settle(90.1)
        assert client.said == ["Time is up."]
        client.say("But")
        await client.settle(1.5)
        assert client.call.ending is None
        await client.settle(0.5)
    assert client.types[-2:] == ["assistant_end", "error"]
    assert len(client.of("user_message")) == 0


async def test_the_daemon_ends_a_chat_when_its_reply_is_finished(autojump_clock: MockClock) -> None:
    async with chatting(Client(mouth=Hum(pieces=8))) as client:
        client.say("a long story")
        await client.settle(1)
        client.call.stop()
        await client.settle(1)
        assert client.call.ending is None
        await client.settle(20)
    assert client.said == ["One.", "Two.", "Three.", "Four."]
    assert client.socket.closed == (1001, "the server is going away")


async def test_a_quiet_chat_ends_with_the_daemon_at_once(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.call.stop()
        await client.settle()
        assert client.socket.closed == (1001, "the server is going away")
    assert client.notes.status == "ERROR"


@pytest.mark.parametrize("declared", [True, False])
async def test_after_a_goodbye_we_hang_up_if_the_client_lets_us(autojump_clock: MockClock, declared: bool) -> None:
    async with chatting(Client(mouth=Hum())) as client:
        if declared:
            client.send("session_settings", builtin_tools=[{"name": "hang_up"}])
        client.say("goodbye")
        await client.settle(1)
        assert client.call.ending is None
        await client.settle(5)
        assert (client.call.ending is not None) is declared
    assert client.said == ["Fare well."]
    if declared:
        assert client.types[-1] == "tool_call"
        assert client.got[-1]["tool_type"] == "builtin"
        assert client.socket.closed == (1000, "the conversation is over")


# -- messages that make no sense ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "E0100"),
        ("", "E0100"),
        ("[]", "E0101"),
        ("{}", "E0101"),
        ('{"type":"dance"}', "E0101"),
        ('{"type":"user_input"}', "E0101"),
        ('{"type":"user_input","text":3}', "E0101"),
        ('{"type":"tool_response","tool_call_id":"x","content":"y"}', "E0101"),
        ('{"type":"audio_input","data":"?"}', "E0201"),
    ],
)
async def test_the_client_is_told_what_is_wrong_and_the_chat_goes_on(
    autojump_clock: MockClock, message: str, code: str
) -> None:
    async with chatting(Client()) as client:
        client.socket.say(message)
        client.say("hello")
        await client.settle()
    assert client.types == ["chat_metadata", "error", "user_message", "assistant_message", "assistant_end"]
    error = client.of("error")[0]
    assert error["code"] == code
    assert all(isinstance(error[name], str) and error[name] for name in ("code", "slug", "message", "request_id"))
    assert client.meter.ignored == 1


async def test_what_breaks_the_rules_of_the_socket_ends_the_chat(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.socket.fail(RemoteError(1009, "too big"))
        await client.settle()
        assert client.socket.closed == (1009, "too big")


async def test_a_chat_that_never_ends_is_ended(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        for _ in range(52):
            client.say("x" * 20_000)
            await client.settle()
    assert client.of("error")[0]["slug"] == "chat_too_long"
    assert client.notes.status == "ERROR"
    assert client.socket.closed == (1000, "")


async def test_a_problem_from_beside_is_told_at_once(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.call.tell(EviProblem("E0712", "custom_language_model_timed_out", "No."))
        await client.settle()
        assert client.of("error")[0]["code"] == "E0712"
        assert client.call.ending is None


async def test_what_was_wrong_with_the_address_comes_after_the_metadata(autojump_clock: MockClock) -> None:
    client = Client()
    client.call.tell(EviProblem("E0101", "malformed_message", "No."))
    async with chatting(client):
        client.say("hello")
        await client.settle()
    assert client.types == ["chat_metadata", "error", "user_message", "assistant_message", "assistant_end"]


async def test_a_bug_costs_an_apology(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()

    def fail(event: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client.call._answers._turns.conversation, "on", fail)
    async with chatting(client):
        client.say("hello")
        await client.settle()
    assert client.said[0].startswith("I'm sorry")
    assert client.meter.failed == 1


def _settings(**fields: object) -> SessionSettings:
    message = read(json.dumps({"type": "session_settings", **fields}))
    assert isinstance(message, SessionSettings)
    return message
