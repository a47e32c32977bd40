"""Steering, safety, time and voices in the real daemon, as Hume and Retell meet them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import Daemon, elizad
from tests.support.guided import agent, user

RULES = """
[safety]
locale = "uk"
[conversation]
disclosure = "You are talking to a computer program."
[speech]
never_say = ["damn"]
[[steer]]
name = "hours"
words = ["opening|office hours"]
say = "We are open until {closing}, {name}."
[[steer]]
pattern = 'order (?P<order>\\d+)'
say = "I will look up order {order}."
limit = 1
[[steer]]
context = ["vip"]
say = "It is an honour to have you here."
then = "go_on"
limit = 1
"""


class Hume:
    """Hume's side of one call."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.thread: list[dict[str, Any]] = []

    def say(self, text: str, **scores: float) -> str:
        self.thread.append(user(text, scores or None))
        self._socket.send(json.dumps({"messages": self.thread, "custom_session_id": "s-1"}))
        texts = []
        while (frame := json.loads(self._socket.recv(10)))["type"] != "assistant_end":
            texts.append(frame["text"])
        self.thread.append(agent("".join(texts)))
        return "".join(texts)


class Retell:
    """Retell's side of one call."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.transcript: list[dict[str, str]] = []
        assert json.loads(socket.recv(10))["response_type"] == "config"
        self.ended = False

    def hear(self) -> str:
        texts = []
        while True:
            frame = json.loads(self._socket.recv(10))
            texts.append(frame["content"])
            if frame["content_complete"]:
                self.ended = frame.get("end_call", False)
                self.transcript.append({"role": "agent", "content": "".join(texts)})
                return "".join(texts)

    def send(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def say(self, text: str) -> str:
        self._number += 1
        self.transcript.append({"role": "user", "content": text})
        self.send(interaction_type="response_required", response_id=self._number, transcript=self.transcript)
        return self.hear()


@contextmanager
def hume(daemon: Daemon) -> Iterator[Hume]:
    with connect(f"{daemon.url}/llm") as socket:
        yield Hume(socket)


@contextmanager
def retell(daemon: Daemon) -> Iterator[Retell]:
    with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
        yield Retell(socket)


def test_voices_are_heard_and_remarked_on_now_and_then() -> None:
    with Daemon() as daemon, hume(daemon) as call:
        assert call.say("it is what it is", Tiredness=0.7, Calmness=0.5).startswith(
            "You say it calmly, but you sound tired."
        )
        plain = call.say("so it goes", Tiredness=0.9)
        assert not any(word in plain for word in ("voice", "sound", "hear"))
        with hume(daemon) as other:  # the same thread on another connection
            other.thread = call.thread[:2]
            assert other.say("so it goes", Tiredness=0.9) == call.thread[-1]["message"]["content"]
        assert "tired" in hume_fresh(daemon, "so it goes {very tired}")
        assert "tired" not in hume_fresh(daemon, "my mother called", Tiredness=0.7)


def hume_fresh(daemon: Daemon, text: str, **scores: float) -> str:
    with hume(daemon) as call:
        return call.say(text, **scores)


def test_rules_safety_and_disclosure_on_both_platforms() -> None:
    config = RULES + '\n[retell]\ncall_details = true\ngreeting = "after_call_details"\n'
    with Daemon(config=config) as daemon:
        with hume(daemon) as call:
            first = call.say("What are your opening hours?")
            assert first == "You are talking to a computer program. We are open until."
            assert call.say("It is about order 30") == "I will look up order thirty."
            assert call.say("It is about order 30") != "I will look up order thirty."
            honoured = call.say("hello {Context: vip}")
            assert honoured == "It is an honour to have you here. Hello. How are you today?"
            care = call.say("I want to kill myself")
            assert "Please call the Samaritans on one one six, one two three, or nine nine nine" in care
            assert call.say("I want to die") not in (care, "")
            assert "Samaritans" not in call.say("I could kill for a coffee")
            assert call.say("I need a damn holiday") == "Why do you need a holiday?"
        with retell(daemon) as call_:
            call_.send(
                interaction_type="call_details",
                call={"retell_llm_dynamic_variables": {"name": "Ann", "closing": "five o'clock"}},
            )
            assert call_.hear().startswith("You are talking to a computer program. Hello")
            assert call_.say("office hours please") == "We are open until five o'clock, Ann."
            assert "nine nine nine" in call_.say("my husband hits me")
            assert not call_.ended
    assert not any("kill" in line or "husband" in line for line in daemon.log)


def test_a_short_call_is_warned_and_ended_where_that_can_be() -> None:
    config = "[conversation]\nlength_s = 3\nwarning_s = 2\n"
    with Daemon(config=config) as daemon:
        with retell(daemon) as call, hume(daemon) as other:
            opened = time.monotonic()
            call.hear()
            assert "our time" not in call.say("hello")
            time.sleep(max(opened + 1.4 - time.monotonic(), 0))
            assert call.say("so it goes").startswith("I should tell you that our time is nearly over. We have about")
            assert not call.ended
            assert "nearly over" in other.say("so it goes")
            assert "nearly over" not in call.say("so it goes")
            time.sleep(max(opened + 3.3 - time.monotonic(), 0))
            assert call.say("and then").startswith("That is all the time we have today.")
            assert call.ended
            assert other.say("and then").startswith("That is all the time we have today.")
            assert other.say("yes") == "Our time is over for today. Goodbye."
            assert "you deserve a person" in other.say("I want to die")  # safety comes before the end


def test_check_and_talk(tmp_path: Any) -> None:
    path = tmp_path / "config.toml"
    path.write_text(RULES + '[[steer]]\nwords = ["opening hours"]\nsay = "Never."\n', encoding="utf-8")
    checked = elizad("--config", str(path), "--check")
    assert checked.returncode == 0
    assert b"steer[3]: never fires: steer[0] fires whenever this one could" in checked.stderr
    talked = elizad("--config", str(path), "talk", "--trace", stdin=b"opening hours?\nI want to die\nso {very tired}\n")
    lines = talked.stdout.decode().splitlines()
    assert lines[0].startswith("You are talking to a computer program. Hello, this is Eliza.")
    assert lines[1] == "We are open until."
    assert "Samaritans" in lines[2]
    assert len(lines) == 4
    assert b"steered: hours: stay" in talked.stderr
    assert b"steered: safety: suicide: stay" in talked.stderr
    assert b"expression: EXPRESSION (TIREDNESS 60), rank 6, is heard" in talked.stderr
    faithful = elizad("--config", str(path), "talk", "--mode", "1966", stdin=b"I want to die\n")
    assert b"SAMARITANS" not in faithful.stdout.upper()
