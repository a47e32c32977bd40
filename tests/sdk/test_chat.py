"""Chats through Hume's own SDKs, old and new, with the real daemon in EVI's place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from tests.sdk.conftest import KEY, SECRET, Evi
from tests.sdk.driver import SDKS, Failed, NoMetadata, Program, Refused, Sdk, replies


def test_several_turns(program: Program, evi: Evi) -> None:
    with program.chat(evi.url, KEY) as chat:
        for name in ("chat_id", "chat_group_id"):
            assert str(uuid.UUID(chat.metadata[name])) == chat.metadata[name]
        chat.send("user_input", text="My boat leaks.")
        heard, *spoken, end = chat.until("assistant_end")
        assert (heard["type"], heard["message"]) == ("user_message", {"role": "user", "content": "My boat leaks."})
        assert (heard["from_text"], heard["interim"]) == (True, False)
        assert replies(spoken) == ["Tell me about your boat leaks.", "I have time."]
        said = [one for one in spoken if one["type"] == "assistant_message"]
        assert len({one["id"] for one in said}) == 2
        for one in said:
            assert one["message"]["role"] == "assistant"
            assert (one["from_text"], one["is_quick_response"]) == (False, False)
            sound = [piece for piece in spoken if piece["type"] == "audio_output" and piece["id"] == one["id"]]
            assert [piece["index"] for piece in sound] == list(range(len(sound)))
            assert sound
        assert {one["type"] for one in spoken} == {"assistant_message", "audio_output"}
        assert end["type"] == "assistant_end"
        assert chat.turn("It is raining.") == ["I see.", "Where to?"]
        assert chat.turn("It is raining.") == ["Earlier you spoke of your boat leaks."]
        chat.quiet(0.1)


def test_a_greeting_and_words_put_into_its_mouth(program: Program, evi: Evi) -> None:
    with program.chat(evi.url, KEY, config_id="greeting") as chat:
        assert replies(chat.until("assistant_end")) == ["Ahoy there.", "Anybody on board?"]
        chat.send("assistant_input", text="Cast off. Mind the gap.")
        said = [one for one in chat.until("assistant_end") if one["type"] == "assistant_message"]
        assert replies(said) == ["Cast off.", "Mind the gap."]
        assert all(one["from_text"] for one in said)


def test_session_settings_in_the_address_and_in_a_message(program: Program, evi: Evi) -> None:
    settings = {
        "custom_session_id": "desk-1",
        "variables": {"name": "Jo"},
        "context": {"text": "on the phone", "type": "persistent"},
        "audio": {"encoding": "linear16", "channels": 1, "sample_rate": 16000},
    }
    with program.chat(evi.url, KEY, session_settings=settings, verbose_transcription=True) as chat:
        chat.send("user_input", text="It is raining.")
        assert {one["custom_session_id"] for one in chat.until("assistant_end")} == {"desk-1"}
        chat.send(
            "session_settings",
            custom_session_id="desk-2",
            system_prompt="Be brief.",
            variables={"name": "Ann"},
            context={"text": "at sea", "type": "temporary"},
        )
        chat.send("user_input", text="It is raining.")
        assert {one["custom_session_id"] for one in chat.until("assistant_end")} == {"desk-2"}
        chat.quiet(0.1)


def test_nothing_is_answered_while_paused_and_then_only_the_last(program: Program, evi: Evi) -> None:
    with program.chat(evi.url, KEY) as chat:
        assert chat.turn("It is raining.") == ["I see.", "Where to?"]
        chat.send("pause")
        for text in ("My hat is wet.", "My boat leaks."):
            chat.send("user_input", text=text)
            assert chat.message()["message"]["content"] == text
        chat.quiet(0.3)
        chat.send("resume")
        assert replies(chat.until("assistant_end")) == ["Tell me about your boat leaks.", "I have time."]
        chat.quiet(0.1)


def test_a_tool_of_the_client(program: Program, evi: Evi) -> None:
    tool = {
        "type": "function",
        "name": "get_weather",
        "parameters": '{"type": "object", "properties": {"place": {"type": "string"}}}',
        "description": "What the weather is at a place",
        "fallback_content": "as it always is",
    }
    with program.chat(evi.url, KEY) as chat:
        chat.send("session_settings", tools=[tool])
        chat.send("user_input", text="What is the weather?")
        call = chat.until("tool_call")[-1]
        assert (call["name"], json.loads(call["parameters"])) == ("get_weather", {"place": "the harbour"})
        assert (call["tool_type"], call["response_required"]) == ("function", True)
        chat.send("tool_response", tool_call_id=call["tool_call_id"], content="raining")
        answered = chat.until("assistant_end")
        assert [one["content"] for one in answered if one["type"] == "tool_response"] == ["raining"]
        assert replies(answered) == ["It is raining out there.", "Will you sail?"]

        chat.send("user_input", text="What is the weather?")
        call = chat.until("tool_call")[-1]
        chat.send("tool_error", tool_call_id=call["tool_call_id"], error="no such place")
        answered = chat.until("assistant_end")
        assert [one["error"] for one in answered if one["type"] == "tool_error"] == ["no such place"]
        assert replies(answered)[-1] == "Will you sail?"
        assert "raining" not in " ".join(replies(answered))


def test_speaking_over_it_is_an_interruption(program: Program, evi: Evi) -> None:
    with program.chat(evi.url, KEY) as chat:
        chat.send("user_input", text="When do you sail?")
        chat.until("audio_output")
        chat.send("user_input", text="My boat leaks.")
        before = chat.until("user_interruption")
        assert isinstance(before[-1]["time"], int)
        after = chat.until("assistant_end")
        assert after[0]["message"] == {"role": "user", "content": "My boat leaks."}
        assert replies(after) == ["Tell me about your boat leaks.", "I have time."]
        cut = {one["id"] for one in before if "id" in one}
        assert not cut & {one.get("id") for one in after}
        chat.quiet(0.1)


def test_a_chat_group_is_resumed(program: Program, evi: Evi) -> None:
    with program.chat(evi.url, KEY) as first:
        first.turn("My boat leaks.")
    with program.chat(evi.url, KEY, resumed_chat_group_id=first.metadata["chat_group_id"]) as second:
        assert second.metadata["chat_group_id"] == first.metadata["chat_group_id"]
        assert second.metadata["chat_id"] != first.metadata["chat_id"]
        second.turn("It is raining.")
        assert second.turn("It is raining.") == ["Earlier you spoke of your boat leaks."]


def test_bad_credentials(program: Program, evi: Evi) -> None:
    with pytest.raises(Refused), program.chat(evi.url, "wrong-key-1"):
        pass
    with program.chat(evi.url, KEY) as chat:
        assert chat.turn("It is raining.")


@pytest.fixture(params=[sdk for sdk in SDKS if sdk.token_over], ids=str)
def fetching(request: pytest.FixtureRequest, programs: Callable[[Sdk], Program], evi: Evi) -> Program:
    """A program on an SDK that fetches access tokens."""
    if evi.transport not in request.param.token_over:
        pytest.skip(f"{request.param} fetches access tokens over https only")
    return programs(request.param)


def test_an_access_token(fetching: Program, evi: Evi) -> None:
    with fetching.chat(evi.url, KEY, secret_key=SECRET) as chat:
        assert chat.turn("It is raining.")


def test_a_bad_secret_fetches_no_token(fetching: Program, evi: Evi) -> None:
    with pytest.raises(Failed, match=r"401|no token"), fetching.chat(evi.url, KEY, secret_key="wrong-secret-1"):
        pass


def test_silence_ends_the_chat(program: Program, evi: Evi) -> None:
    with program.chat(evi.url, KEY, config_id="hurried") as chat:
        chat.turn("It is raining.")
        assert chat.closed() == 1000
        error = chat.seen[-1]
        assert (error["type"], error["code"], error["slug"]) == ("error", "E0714", "inactivity_timeout")


def test_an_unknown_config(program: Program, evi: Evi) -> None:
    chat = program.chat(evi.url, KEY, config_id=str(uuid.uuid4()))
    with pytest.raises(NoMetadata), chat:
        pass
    assert (chat.seen[0]["type"], chat.seen[0]["slug"]) == ("error", "config_not_found")
