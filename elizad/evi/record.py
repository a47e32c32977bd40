"""What is taken down of a chat: the seam to archive.py, and a record of which nothing is kept."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Protocol

from elizad.types import Utterance


class Record(Protocol):
    """What keeps what happens in a chat; an OpenChat of archive.py is one."""

    @property
    def chat_id(self) -> str:
        """The name of the chat."""

    @property
    def chat_group_id(self) -> str:
        """The name of what it belongs to, with the chats that it goes on with."""

    @property
    def earlier(self) -> Sequence[Utterance]:
        """What was said in the earlier chats of the group."""

    def note(self, role: str, type: str, text: str | None = None, *, emotion: str | None = None, at_ms: int) -> None:
        """Take down an event, by the names that REST has for them; `at_ms` is Unix time. Does not wait."""

    def end(self, status: str) -> None:
        """Take down how the chat has ended. Does not wait."""


class Unkept:
    """The record of a chat of which nothing is kept."""

    earlier: Sequence[Utterance] = ()

    def __init__(self, group: str | None = None) -> None:
        """`group` is that of an earlier chat."""
        self.chat_id = str(uuid.uuid4())
        self.chat_group_id = group or str(uuid.uuid4())

    def note(self, role: str, type: str, text: str | None = None, *, emotion: str | None = None, at_ms: int) -> None:
        """Forget it."""

    def end(self, status: str) -> None:
        """Forget it."""
