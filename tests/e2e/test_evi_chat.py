"""A chat with EVI over the real process: turns, settings in the address, sound, tools, a group that is gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import Daemon

FERRY = """(Ferry office, good morning. Where would you like to go?)
(SEA 5 ((0) (Let me ask. The sea is [look_at_sea place: the pier] just now.)))
(STORY 5 ((0) (One is a long sentence about the sea. Two is as long. Three is the last of them.)))
(NONE ((0) (Which island please?)))
(MEMORY SEA (0 = a) (0 = b) (0 = c) (0 = d))
"""

CONFIG = """
[evi]
sound = "off"
[evi.configs.ferry]
script = "./ferry.eliza"
greeting = "doctor"
[evi.configs.brief]
inactivity_s = 1
max_duration_s = 20
[evi.configs.quiet]
script = "./ferry.eliza"
"""


class Chat:
    """One chat with a daemon."""

    def __init__(self, daemon: Daemon, query: str = "", path: str = "/v0/evi/chat") -> None:
        self._opening = connect(f"{daemon.url}{path}?{query}", open_timeout=20, proxy=None)

    def __enter__(self) -> Self:
        self.ws: ClientConnection = self._opening.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._opening.__exit__(*error)

    def send(self, type: str, **fields: Any) -> None:
        self.ws.send(json.dumps({"type": type, **fields}))

    def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.ws.recv(timeout=20))
        return message

    def until(self, type: str) -> list[dict[str, Any]]:
        """Return all messages up to the first of this type."""
        messages = [self.next()]
        while messages[-1]["type"] != type:
            messages.append(self.next())
        return messages

    def say(self, text: str) -> list[str]:
        """Return what is said to it."""
        self.send("user_input", text=text)
        return said(self.until("assistant_end"))


def said(messages: list[dict[str, Any]]) -> list[str]:
    return [message["message"]["content"] for message in messages if message["type"] == "assistant_message"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("evi")
    (folder / "ferry.eliza").write_text(FERRY)
    with Daemon(config=CONFIG, folder=folder) as daemon:
        yield daemon


@pytest.mark.parametrize("path", ["/v0/evi/chat", "/v0/assistant/chat"])
def test_a_conversation(daemon: Daemon, path: str) -> None:
    with Chat(daemon, "apiKey=any&fernSdkLanguage=JavaScript", path) as chat:
        metadata = chat.next()
        assert metadata["type"] == "chat_metadata"
        assert all(metadata[name] for name in ("chat_id", "chat_group_id", "request_id"))
        assert any("mother" in text for text in chat.say("My mother hates me."))
        chat.ws.send("no JSON")
        assert chat.next()["code"] == "E0100"
        chat.ws.send(b"\0")  # sound, of no known kind
        assert chat.next()["slug"] == "speech_not_heard"
        chat.send("assistant_input", text="A word of mine.")
        assert said(chat.until("assistant_end")) == ["A word of mine."]


def test_a_config_has_its_own_script_and_greeting(daemon: Daemon) -> None:
    with Chat(daemon, "config_id=ferry&session_settings%5Bcustom_session_id%5D=ann") as chat:
        greeted = chat.until("assistant_end")
        assert said(greeted) == ["Ferry office, good morning.", "Where would you like to go?"]
        assert {message["custom_session_id"] for message in greeted} == {"ann"}
        assert chat.say("somewhere") == ["Which island please?"]


def test_a_script_asks_a_tool(daemon: Daemon) -> None:
    with Chat(daemon, "config_id=quiet") as chat:
        assert chat.say("How is the sea?") == ["Let me ask.", "I'm sorry, I can't look that up just now."]
        chat.send("session_settings", tools=[{"type": "function", "name": "look_at_sea", "parameters": "{}"}])
        chat.send("user_input", text="How is the sea?")
        call = chat.until("tool_call")[-1]
        assert json.loads(call["parameters"]) == {"place": "the pier"}
        chat.send("tool_response", tool_call_id=call["tool_call_id"], content="rather rough")
        messages = chat.until("assistant_end")
        assert messages[0]["type"] == "tool_response"
        assert said(messages) == ["The sea is rather rough just now."]


def test_an_unknown_config_is_told_and_the_socket_closed(daemon: Daemon) -> None:
    with Chat(daemon, "config_id=nobody") as chat:
        error = chat.next()
        assert (error["type"], error["slug"]) == ("error", "config_not_found")
        with pytest.raises(ConnectionClosed) as caught:
            chat.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1000


def test_a_group_is_gone_on_with(daemon: Daemon) -> None:
    with Chat(daemon) as chat:
        group = chat.next()["chat_group_id"]
        first = chat.say("My dog is ill.")
    time.sleep(1)  # saves gather
    with Chat(daemon, f"resumed_chat_group_id={group}") as chat:
        metadata = chat.next()
        assert metadata["chat_group_id"] == group
        assert chat.say("My dog is ill.") != first
    with Chat(daemon, "resumed_chat_group_id=11111111-1111-4111-8111-111111111111") as chat:
        assert chat.next()["slug"] == "chat_group_not_found"


def test_a_chat_without_a_word_ends(daemon: Daemon) -> None:
    with Chat(daemon, "config_id=brief") as chat:
        assert chat.next()["type"] == "chat_metadata"
        assert "time" not in " ".join(chat.say("hello"))
        error = chat.next()
        assert (error["code"], error["slug"]) == ("E0714", "inactivity_timeout")
        with pytest.raises(ConnectionClosed) as caught:
            chat.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1000


def test_sound_comes_and_stops_at_an_interruption(tmp_path: Path) -> None:
    (tmp_path / "ferry.eliza").write_text(FERRY)
    with Daemon(config=CONFIG.replace('"off"', '"silence"'), folder=tmp_path) as daemon:
        with Chat(daemon, "config_id=quiet") as chat:
            chat.next()
            chat.send("user_input", text="Tell me a story")
            messages = chat.until("audio_output")
            assert messages[-1]["id"] == messages[-2]["id"]
            assert messages[-1]["index"] == 0
            chat.send("user_input", text="Stop")
            chat.until("user_interruption")
            after = chat.until("assistant_end")
            assert [message["type"] for message in after[:2]] == ["user_message", "assistant_message"]
            assert {message["id"] for message in after if message["type"] == "audio_output"} == {after[1]["id"]}
            assert said(after) == ["Which island please?"]
    closed = next(line for line in daemon.log if "call closed" in line)
    assert "proto=evi" in closed
    assert "turns=2" in closed


def test_the_daemon_says_goodbye_with_1001() -> None:
    with Daemon(config='[evi]\nsound = "off"\n') as daemon, Chat(daemon) as chat:
        chat.say("hello")
        assert daemon.end() == 0
        with pytest.raises(ConnectionClosed) as caught:
            chat.next()
            chat.next()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


def test_somebody_elses_language_model_answers_as_it_would_at_hume(tmp_path: Path) -> None:
    with Daemon(config="[evi]\nenabled = false\n") as theirs:
        config = f"""
[evi]
sound = "off"
[evi.configs.mine]
custom_language_model = "{theirs.url}/llm"
greeting = "doctor"
[evi.configs.away]
custom_language_model = "ws://127.0.0.1:9/llm?token=secret"
"""
        with Daemon(config=config) as daemon:
            with Chat(daemon, "config_id=mine&session_settings[custom_session_id]=ann") as chat:
                assert said(chat.until("assistant_end"))
                assert any("mother" in text for text in chat.say("My mother hates me."))
            with Chat(daemon, "config_id=away") as chat:
                chat.next()
                chat.send("user_input", text="hello")
                messages = chat.until("assistant_end")
                (error,) = (message for message in messages if message["type"] == "error")
                assert (error["code"], error["slug"]) == ("E0712", "custom_language_model_timed_out")
                assert "ws://127.0.0.1:9" in error["message"]
                assert "secret" not in error["message"]
                assert len(said(messages)) > 0
    assert any("proto=hume" in line and "session=ann" in line for line in theirs.log)


def test_a_rule_can_be_for_chats_of_evi_alone() -> None:
    rule = """
[evi]
sound = "off"
[[steer]]
platform = "evi"
context = ["harbour"]
say = "The harbour it is, {name}."
"""
    query = "session_settings[context][text]=At%20the%20harbour&session_settings[variables][name]=Ann"
    with Daemon(config=rule) as daemon, Chat(daemon, query) as chat:
        chat.next()
        assert chat.say("well") == ["The harbour it is, Ann."]


def test_who_comes_back_is_greeted_as_somebody_known() -> None:
    config = '[evi]\nsound = "off"\n[evi.configs.hello]\ngreeting = "doctor"\n'
    query = "config_id=hello&session_settings[custom_session_id]=ann"
    with Daemon(config=config) as daemon:
        with Chat(daemon, query) as chat:
            first = said(chat.until("assistant_end"))
            chat.say("My mother hates me.")
        time.sleep(1)  # saves gather
        with Chat(daemon, query) as chat:
            second = said(chat.until("assistant_end"))
    assert "Last time you spoke of your mother." not in first
    assert "Last time you spoke of your mother." in second


def test_of_earlier_chats_no_more_is_taken_up_than_asked_for(daemon: Daemon) -> None:
    with Chat(daemon) as chat:
        group = chat.next()["chat_group_id"]
        first = chat.say("My dog is ill.")
        chat.say("hello")
    time.sleep(1)
    with Chat(daemon, f"resumed_chat_group_id={group}&event_limit=1") as chat:
        chat.next()
        assert chat.say("My dog is ill.") == first


def test_messages_that_make_no_sense_leave_the_daemon_as_it_was() -> None:
    deep = '{"type":"session_settings","metadata":{"a":' + "[" * 5000 + "]" * 5000 + "}}"
    rude = [
        *("", "{", "[]", "null", '"\\ud800"', '{"type":"user_input","text":"\\ud800"}', deep, "[" * 20_000),
        '{"type":"session_settings","variables":{"a":1e400,"b":-0.0,"c":123456789012345678901234567890}}',
        '{"type":"session_settings","tools":[{"name":"' + "a" * 200 + '"}]}',
        '{"type":"session_settings","audio":{"channels":99999999999999999999}}',
        '{"type":"audio_input","data":"' + "A" * 400_000 + '"}',
        '{"type":"assistant_input","text":"' + "\\u0000\\u001b[2J " * 50 + '"}',
        '{"type":"user_input","text":"' + "word " * 20_000 + '"}',
        '{"type":"tool_response","tool_call_id":"' + "x" * 10_000 + '","content":""}',
    ]
    with Daemon(config='[evi]\nsound = "silence"\n') as daemon:
        with Chat(
            daemon, "config_version=%00&session_settings[%00]=1&session_settings[audio][channels]=%EF%BF%BF"
        ) as chat:
            assert [message["type"] for message in chat.until("error")] == ["chat_metadata", "error"]
            for message in rude:
                chat.ws.send(message)
            chat.send("session_settings", custom_session_id="still-here")
            chat.send("user_input", text="hello")
            while True:
                *_, last = chat.until("assistant_end")
                if last["custom_session_id"] == "still-here":
                    break
        with Chat(daemon) as chat:
            chat.next()
            assert chat.say("hello")
    assert not any("bug" in line for line in daemon.log)


def test_a_microphone_may_send_more_messages_than_others() -> None:
    with Daemon(config="[evi]\nhearing = false\n[limits]\nmessages_per_s = 2\n") as daemon:
        with Chat(daemon) as chat:
            for _ in range(60):  # three times what would close another connection
                chat.send("audio_input", data="")
            chat.send("user_input", text="hello")
            assert "assistant_message" in [message["type"] for message in chat.until("assistant_end")]
            with pytest.raises(ConnectionClosed) as closed:
                for _ in range(200):
                    chat.send("audio_input", data="")
                chat.until("nothing")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
