"""Tools that a client has declared: one is asked for, and what the client answers is waited for, not for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
import trio

from elizad.agent import ToolFailed
from elizad.protocols.evi.chat import Chat
from elizad.protocols.evi.incoming import ToolError, ToolResponse

DEADLINE_S: Final = 10.0
"""For the client's answer: longer than most lookups, and half of what a responder has for its turn."""

_MOST_WAITING: Final = 16  # of one chat: a responder may ask for several at once
_MOST_GIVEN_UP: Final = 64  # calls whose answer may still come: a client has a few under way

_ENCODE: Final = msgspec.json.Encoder().encode

Ask = Callable[[str, str, str], Awaitable[None]]
"""Send a tool_call: its id, the tool's name, its parameters as JSON text."""


class Tools:
    """The tools of one chat, as `chat` knows them now."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._waiting: dict[str, _Waiting] = {}
        self._given_up: deque[str] = deque(maxlen=_MOST_GIVEN_UP)

    async def call(self, ask: Ask, id: str, name: str, parameters: Mapping[str, object]) -> str:
        """Call a tool and return the content of the client's answer; `ask` sends the call, whose name is `id`.

        Raises: ToolFailed. Cancelling: the answer is not waited for, and ignored when it comes.
        """
        tool = self._chat.tools.get(name)
        if tool is None or tool.type == "builtin":
            raise ToolFailed(f'the client has no tool "{name}"')
        fallback = self.fallback(name)
        if len(self._waiting) >= _MOST_WAITING:
            raise ToolFailed("too many tools are being waited for", fallback)
        try:
            text = _ENCODE(parameters).decode()
        except (TypeError, ValueError) as error:
            raise ToolFailed(f"the parameters cannot be written as JSON: {error}", fallback) from None
        waiting = self._waiting[id] = _Waiting()
        try:
            with trio.move_on_after(DEADLINE_S):
                await ask(id, name, text)
                await waiting.answered.wait()
        finally:
            del self._waiting[id]
            if waiting.answer is None:
                self._given_up.append(id)
        match waiting.answer:
            case ToolResponse(content=content):
                return content
            case ToolError(error=why, content=said):
                raise ToolFailed(why, said or fallback)
            case _:
                raise ToolFailed(f"no answer within {DEADLINE_S:g} seconds", fallback)

    def fallback(self, name: str) -> str:
        """Return what is said where the tool has nothing to say; "" if its client has not told."""
        tool = self._chat.tools.get(name)
        return (tool.fallback_content or "") if tool is not None else ""

    def take(self, answer: ToolResponse | ToolError) -> bool:
        """Hand on what the client answers; False if it was not asked for, or has been answered.

        An answer that nobody waits for any more is taken and ignored: the client cannot know that.
        """
        if answer.tool_call_id in self._given_up:
            self._given_up.remove(answer.tool_call_id)
            return True
        waiting = self._waiting.get(answer.tool_call_id)
        if waiting is None or waiting.answer is not None:
            return False
        waiting.answer = answer
        waiting.answered.set()
        return True


class _Waiting:
    def __init__(self) -> None:
        self.answered = trio.Event()
        self.answer: ToolResponse | ToolError | None = None
