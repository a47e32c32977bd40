"""Drives the programs of tests/sdk/programs: chats through a platform's SDK, and what its callbacks are given."""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from tests.sdk import environments

PROGRAMS: Final = Path(__file__).parent / "programs"
PATIENCE_S: Final = 20.0  # for an SDK that is being imported on a busy machine; an answer takes milliseconds
_FREE: Final = ("variables", "scores", "models", "metadata")  # their keys are the user's own
_KNOWN: Final = {"chat_group_id", "from_text", "tool_call_id"}  # to every generation, so each turns them into camelCase

Message = dict[str, Any]


class Sdk(NamedTuple):
    """One generation of one SDK: its program, and what sets it apart."""

    name: str
    program: str
    camel: bool = False  # gives keys in camelCase, after it has checked a message
    token_over: tuple[str, ...] = ()  # fetches an access token over these

    def __str__(self) -> str:
        return self.name

    def command(self, modules: Callable[[], Path]) -> Sequence[str]:
        """What runs the program; `modules` returns the folder where the programs stand beside `node_modules`."""
        if self.program.endswith(".mjs"):
            return (environments.node(), str(modules() / self.program))
        version = self.name.removeprefix("python-")
        return (str(environments.python_with(version)), str(PROGRAMS / self.program))


SDKS: Final = (
    Sdk("python-0.12.1", "quickstart.py", token_over=("ws", "wss")),
    Sdk("python-0.14.1", "newest.py"),
    Sdk("node-0.8.3", "chat_0_8.mjs", camel=True, token_over=("wss",)),
    Sdk("node-0.16.0", "chat.mjs", camel=True, token_over=("wss",)),
)


class Failed(Exception):
    """The SDK could not open a chat, or gave up on it."""


class Refused(Failed):
    """The server did not take the credentials."""


class NoMetadata(Exception):
    """The first message was another."""


class Program:
    """A running program; it has one chat at a time."""

    def __init__(self, sdk: Sdk, command: Sequence[str], **env: str) -> None:
        self.sdk = sdk
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environments.child(), **env},
        )
        self.events: queue.Queue[Message] = queue.Queue()
        self.is_free = True  # no chat is open
        self.complaints: list[str] = []
        self._threads = [threading.Thread(target=self._collect), threading.Thread(target=self._listen)]
        for thread in self._threads:
            thread.start()

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.events.put(json.loads(line))
        self.events.put({"event": "ended"})

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self.complaints.extend(self._process.stderr)

    def write(self, **line: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def next(self, timeout: float = PATIENCE_S) -> Message:
        try:
            event = self.events.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"{self.sdk} said nothing for {timeout} s; {''.join(self.complaints)}") from None
        assert event["event"] != "ended", f"{self.sdk} ended: {''.join(self.complaints)}"
        return event

    def chat(self, url: str, key: str = "any", **options: object) -> Chat:
        """A chat to be entered with `with`; `url` is the daemon's http or https address."""
        return Chat(self, url, key, options)

    def end(self) -> None:
        """Stop, and hold that the SDK found nothing to complain of."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
            assert self._process.wait(timeout=PATIENCE_S) == 0, "".join(self.complaints)
        finally:
            self.kill()
        assert not [line for line in self.complaints if "DeprecationWarning" not in line], "".join(self.complaints)

    def kill(self) -> None:
        """Stop at once, in whatever state."""
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                pass  # what was not yet written is of no use any more


class Chat:
    """One chat, from the SDK's side of it."""

    def __init__(self, program: Program, url: str, key: str, options: Mapping[str, object]) -> None:
        self._program = program
        self._opening = {"url": url, "key": key, "options": options}
        self.seen: list[Message] = []
        self.metadata: Message = {}

    def __enter__(self) -> Self:
        self._program.is_free = False
        self._program.write(**self._opening)
        try:
            while self._next()["event"] != "open":
                pass
            self.metadata = self.message()
            if self.metadata["type"] != "chat_metadata":
                raise NoMetadata(self.metadata)
        except BaseException:
            self._leave()
            raise
        return self

    def _next(self, timeout: float = PATIENCE_S) -> Message:
        event = self._program.next(timeout)
        if event["event"] == "failed":  # the program has left the chat by itself
            assert self._program.next() == {"event": "over"}
            self._program.is_free = True
        if event["event"] in ("failed", "error"):
            wrong = Refused if event.get("status") == 401 or re.search(r"\b401\b", event["text"]) else Failed
            raise wrong(event["text"])
        return event

    def send(self, what: str, **fields: object) -> None:
        self._program.write(do=what, fields=fields)

    def message(self, timeout: float = PATIENCE_S) -> Message:
        """The next message, whatever its type, with the keys that it has on the wire."""
        event = self._next(timeout)
        assert event["event"] == "message", event
        message = event["message"]
        kind = event.get("kind")
        if kind is not None:  # the SDK's class is of the type that the message says it is
            assert kind == CLASSES[message["type"]], event
        if self._program.sdk.camel:
            assert not _KNOWN & message.keys(), f"not what the SDK's schema allows: {message}"
            message = snake(message)
        self.seen.append(message)
        return message

    def until(self, *types: str) -> list[Message]:
        """The messages up to the next one of these types, which is the last of them."""
        got = [self.message()]
        while got[-1]["type"] not in types:
            got.append(self.message())
        return got

    def quiet(self, seconds: float) -> None:
        """Hold that no message comes for so long."""
        try:
            event = self._program.events.get(timeout=seconds)
        except queue.Empty:
            return
        raise AssertionError(f"unexpected: {event}")

    def turn(self, text: str) -> list[str]:
        """Say `text` and return what is answered, sentence by sentence."""
        self.send("user_input", text=text)
        return replies(self.until("assistant_end"))

    def closed(self) -> int:
        """Wait for the server's close and return its code; messages that came before are in `seen`."""
        self.send("wait_closed")
        while (event := self._next())["event"] != "closed":
            if event["event"] == "message":
                self.seen.append(snake(event["message"]))
        return int(event["code"])

    def _leave(self) -> None:
        if not self._program.is_free:
            self._program.write(do="close")
            while self._program.next()["event"] != "over":
                pass
            self._program.is_free = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()


CLASSES: Final = {
    "chat_metadata": "ChatMetadata",
    "user_message": "UserMessage",
    "assistant_message": "AssistantMessage",
    "assistant_end": "AssistantEnd",
    "assistant_prosody": "AssistantProsody",
    "audio_output": "AudioOutput",
    "user_interruption": "UserInterruption",
    "tool_call": "ToolCallMessage",
    "tool_response": "ToolResponseMessage",
    "tool_error": "ToolErrorMessage",
    "error": "WebSocketError",
    "session_settings": "SessionSettings",
}


def replies(messages: Sequence[Message]) -> list[str]:
    return [one["message"]["content"] for one in messages if one["type"] == "assistant_message"]


def snake(value: Any) -> Any:
    """The keys as they are on the wire."""
    if isinstance(value, dict):
        return {
            re.sub(r"[A-Z]", lambda letter: "_" + letter[0].lower(), key): part if key in _FREE else snake(part)
            for key, part in value.items()
        }
    return [snake(part) for part in value] if isinstance(value, list) else value
