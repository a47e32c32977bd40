"""Callers who come back to a real daemon, as Hume would have them call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.daemon import Daemon

SCRIPT = """
(Good day)
(NONE ((0) (Go on) (I hear you)))
(MEMORY MY (0 YOUR 0 = Before this your 3) (0 YOUR 0 = Before this your 3)
           (0 YOUR 0 = Before this your 3) (0 YOUR 0 = Before this your 3))
(MY = YOUR 2 ((0 YOUR 0) (Tell me of your 3) (Your 3 again)))
"""


class Call:
    """A call at a daemon, as Hume would hold it."""

    def __init__(self, client: ClientConnection, session: str) -> None:
        self._client = client
        self._session = session
        self._messages: list[dict[str, Any]] = []

    def say(self, text: str) -> str:
        self._messages.append({"message": {"role": "user", "content": text}})
        return self._ask()

    def greeting(self) -> str:
        return self._ask()

    def _ask(self) -> str:
        self._client.send(json.dumps({"messages": self._messages, "custom_session_id": self._session}))
        said = ""
        while (message := json.loads(self._client.recv(timeout=10)))["type"] != "assistant_end":
            said += message["text"]
        self._messages.append({"message": {"role": "assistant", "content": said}})
        return said


@contextmanager
def called(daemon: Daemon, session: str) -> Iterator[Call]:
    with connect(f"{daemon.url}/llm") as client:
        yield Call(client, session)
