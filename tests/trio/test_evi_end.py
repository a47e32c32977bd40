"""How a chat with EVI ends, and what is said to messages that make no sense."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from elizad.conversation.conversation import Conversation
from elizad.errors import RemoteError
from elizad.evi.profile import Profile
from elizad.protocols.evi.incoming import EviProblem
from tests.support.evi import Client, Hum, chatting


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


async def test_what_is_said_for_the_time_has_the_variables_of_the_client(autojump_clock: MockClock) -> None:
    profile = Profile(
        inactivity_s=60.0,
        inactivity_text="Are you there, {name}?",
        max_duration_s=65.0,
        max_duration_text="We have to stop, {{ name }}.",
    )
    async with chatting(Client(profile)) as client:
        client.send("session_settings", variables={"name": "Ada"})
        await client.settle(66)
    assert client.said == ["Are you there, Ada?", "We have to stop, Ada."]


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


async def test_a_client_whose_words_never_end_is_stopped(autojump_clock: MockClock) -> None:
    async with chatting(Client()) as client:
        client.send("assistant_input", text="Go. " * 5_000)
        await client.settle()
    assert client.types[-1] == "error"
    assert client.of("error")[0]["slug"] == "chat_too_long"
    assert len(client.said) == 4_000


async def test_a_problem_from_beside_is_told_at_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with chatting(Client()) as client:
        client.call.tell(EviProblem("E0712", "custom_language_model_timed_out", "No."))
        await client.settle()
        assert client.of("error")[0]["code"] == "E0712"
        assert client.call.ending is None
    assert (client.meter.ignored, caplog.records) == (0, []), "whoever tells has logged it"


async def test_what_was_wrong_with_the_address_comes_after_the_metadata(autojump_clock: MockClock) -> None:
    client = Client()
    client.call.complain(EviProblem("E0101", "malformed_message", "No."))
    async with chatting(client):
        client.say("hello")
        await client.settle()
    assert client.types == ["chat_metadata", "error", "user_message", "assistant_message", "assistant_end"]


async def test_a_bug_costs_an_apology(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Conversation, event: object, elapsed_s: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Conversation, "on", fail)
    async with chatting(Client()) as client:
        client.say("hello")
        await client.settle()
    assert client.said[0].startswith("I'm sorry")
    assert client.meter.failed == 1
