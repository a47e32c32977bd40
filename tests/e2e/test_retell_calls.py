"""The real daemon and a real client: what Retell does in a call, from config to goodbye, and after a lost line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.calls import SCRIPT
from tests.support.daemon import Daemon

CONFIG = {
    "response_type": "config",
    "config": {"auto_reconnect": True, "call_details": False, "transcript_with_tool_calls": False},
}


class Retell:
    """Retell's side of one call: keeps the transcript, asks with growing ids, checks every frame that comes back."""

    def __init__(self, socket: ClientConnection, first_id: int = 1) -> None:
        self._socket = socket
        self._next_id = first_id
        self.transcript: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def frame(self) -> dict[str, Any]:
        raw = self._socket.recv(timeout=10)
        assert isinstance(raw, str)
        frame: dict[str, Any] = json.loads(raw)
        if frame["response_type"] == "response":
            assert type(frame["response_id"]) is int
            assert type(frame["content"]) is str
            assert type(frame["content_complete"]) is bool
            assert type(frame.get("end_call", False)) is bool
            assert None not in frame.values()
        return frame

    def response(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the whole of response `number`, and its last frame."""
        said = ""
        while True:
            frame = self.frame()
            assert frame["response_type"] == "response"
            assert frame["response_id"] == number
            said += frame["content"]
            if frame["content_complete"]:
                if said:
                    self.transcript.append({"role": "agent", "content": said, "words": []})
                return said, frame

    def ask(self, kind: str = "response_required") -> int:
        number = self._next_id
        self._next_id += 1
        self.send(interaction_type=kind, response_id=number, transcript=self.transcript)
        return number

    def hear(self, text: str) -> None:
        """The caller speaks: Retell tells of it with updates before it asks."""
        words = [{"word": word, "start": 0.1 * i, "end": 0.1 * i + 0.1} for i, word in enumerate(text.split())]
        self.transcript.append({"role": "user", "content": text, "words": words})
        for turntaking in ({}, {"turntaking": "user_turn"}, {"turntaking": "agent_turn"}):
            self.send(interaction_type="update_only", transcript=self.transcript, **turntaking)

    def ping(self, stamp: int) -> None:
        self.send(interaction_type="ping_pong", timestamp=stamp)
        assert self.frame() == {"response_type": "ping_pong", "timestamp": stamp}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "own.eliza"
    path.write_text(SCRIPT, encoding="utf-8")
    return f'[eliza]\nscript = "{path}"\nmode = "1966"\n'


def test_a_whole_call(config: str, tmp_path: Path) -> None:
    with Daemon(config=config, folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket)
            assert call.frame() == CONFIG
            assert call.response(0)[0] == "GOOD DAY, I LISTEN"
            for number in range(5):
                call.ping(1767225600000 + number)
                call.hear(f"I need thing {number}")
                assert call.response(call.ask())[0] == f"WHAT WOULD THING {number} CHANGE"
            reminders = [call.response(call.ask("reminder_required"))[0] for _ in range(4)]
            assert len(set(reminders)) == 4
            assert reminders[-1] == ""
            call.hear("(unintelligible audio)")
            assert call.response(call.ask())[0].endswith("Could you say it again?")
            call.hear("Thank you, goodbye")
            said, last = call.response(call.ask())
            assert said == "FARE WELL"
            assert last["end_call"] is True
    [closed] = [line for line in daemon.log if "call closed" in line]
    for field in ("proto=retell", "session=call-1", "turns=12", "code=1000"):
        assert field in closed


def test_a_higher_id_stops_the_lower_one_and_pings_are_answered_meanwhile(config: str, tmp_path: Path) -> None:
    with Daemon(config=config + "[speech]\npace_s = 5\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket)
            assert call.frame() == CONFIG
            call.response(0)
            call.hear("long")
            first = call.ask()
            frame = call.frame()
            assert (frame["response_id"], frame["content"], frame["content_complete"]) == (first, "ONE. ", False)
            call.ping(7)
            # What the caller heard of it before speaking over it is in the transcript.
            call.transcript.append({"role": "agent", "content": "ONE.", "words": []})
            call.hear("I need quiet")
            assert call.response(call.ask())[0] == "WHAT WOULD QUIET CHANGE"
            call.ping(8)


def test_a_call_that_comes_back_is_not_greeted_twice_and_goes_on(config: str, tmp_path: Path) -> None:
    with Daemon(config=config, folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket)
            call.frame()
            assert call.response(0)[0] == "GOOD DAY, I LISTEN"
            call.hear("my cat")
            assert call.response(call.ask())[0] == "TELL ME OF YOUR CAT"
            transcript = call.transcript
            socket.socket.close()  # no goodbye: the line is lost
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket, first_id=2)
            assert call.frame() == CONFIG
            assert call.response(0)[0] == ""
            call.transcript = transcript
            call.hear("my cat")
            assert call.response(call.ask())[0] == "YOUR CAT AGAIN"
        with connect(f"{daemon.url}/llm-websocket/call-2") as socket:
            call = Retell(socket)
            call.frame()
            assert call.response(0)[0] == "GOOD DAY, I LISTEN"


@pytest.mark.parametrize(
    ("options", "details", "greeting"),
    [
        ("greeting = 'silent'", None, ""),
        ("greeting = 'Hello {name}!'\ncall_details = true", {"name": "Ann"}, "Hello Ann!"),
        ("greeting = 'after_call_details'\ncall_details = true", {}, "GOOD DAY, I LISTEN"),
        ("greeting = 'Hello {name}!'\ncall_details = true", None, "Hello!"),
    ],
    ids=["silent", "fields", "after-details", "details-never-come"],
)
def test_greetings(options: str, details: dict[str, str] | None, greeting: str, config: str, tmp_path: Path) -> None:
    with Daemon(config=f"{config}[retell]\n{options}\n", folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket)
            assert call.frame()["config"]["call_details"] is ("call_details" in options)
            if details is not None:
                call.send(interaction_type="call_details", call={"retell_llm_dynamic_variables": details})
            assert call.response(0)[0] == greeting


@pytest.mark.parametrize(("message", "code"), [("{", 1007), (b"{}", 1003)], ids=["not-json", "binary"])
def test_a_fault_never_closes_with_1000_which_would_hang_up(
    message: str | bytes, code: int, config: str, tmp_path: Path
) -> None:
    with Daemon(config=config, folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket)
            call.frame()
            call.response(0)
            socket.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


def test_what_cannot_be_used_is_one_warning_and_the_call_goes_on(config: str, tmp_path: Path) -> None:
    with Daemon(config=config, folder=tmp_path) as daemon:
        with connect(f"{daemon.url}/llm-websocket/call-1") as socket:
            call = Retell(socket)
            call.frame()
            call.response(0)
            call.send(interaction_type="response_required", transcript=[])
            call.send(interaction_type="xyzzy")
            call.ping(1)
            call.hear("I need tea")
            assert call.response(call.ask())[0] == "WHAT WOULD TEA CHANGE"
    ignored = [line for line in daemon.log if "event=ignored" in line]
    assert len(ignored) == 2
    assert "without a response_id" in ignored[0]
    assert "xyzzy" not in "".join(ignored)


def test_a_call_without_an_id_is_refused() -> None:
    with Daemon() as daemon:
        for path in ("/llm-websocket", "/llm-websocket/"):
            with pytest.raises(Exception, match="HTTP 404"), connect(f"{daemon.url}{path}"):
                pass
