"""A conversation without a connection: payloads in, texts out, as a platform would see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from elizad.conversation.conversation import Conversation, Manner, Place, Turn
from elizad.conversation.events import TurnRequested
from elizad.conversation.guide import UNGUIDED, Guide
from elizad.eliza import Eliza
from elizad.protocols.hume_clm import HumeClm


def take(conversation: Conversation, event: TurnRequested, elapsed_s: float = 0.0) -> Turn:
    """Return the turn that the conversation takes."""
    while (turn := conversation.on(event, elapsed_s)) is None:
        pass
    return turn


def user(text: str, scores: Mapping[str, float] | None = None, **more: Any) -> dict[str, Any]:
    """What the caller said, as Hume sends it."""
    models = {"prosody": None if scores is None else {"scores": scores}}
    return {"type": "user_message", "message": {"role": "user", "content": text}, "models": models, **more}


def agent(text: str) -> dict[str, Any]:
    """What we said, as Hume sends it back."""
    return {"type": "assistant_message", "message": {"role": "assistant", "content": text}}


class HumeCall:
    """One call of Hume's on one connection, which keeps the thread."""

    def __init__(self, eliza: Eliza, guide: Guide = UNGUIDED, limit_s: float | None = None) -> None:
        self._adapter = HumeClm()
        self._conversation = Conversation(eliza, Manner(), guide, Place("hume", limit_s))
        self.thread: list[dict[str, Any]] = []

    def reply(self, thread: Sequence[Mapping[str, Any]], elapsed_s: float = 0.0) -> Turn:
        """Return the turn that answers a payload."""
        [event] = self._adapter.receive(json.dumps({"messages": list(thread)}))
        assert isinstance(event, TurnRequested)
        return take(self._conversation, event, elapsed_s)

    def say(self, text: str, scores: Mapping[str, float] | None = None, elapsed_s: float = 0.0) -> str:
        """Say something, hear the whole reply, and return it."""
        self.thread.append(user(text, scores))
        said = self.reply(self.thread, elapsed_s).said
        self.thread.append(agent(said))
        return said
