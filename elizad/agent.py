"""Your own mind behind the same socket: what a responder is given, and what it has to be.

    from collections.abc import AsyncIterator
    from elizad import Turn

    async def respond(turn: Turn) -> AsyncIterator[str]:
        yield f"You said: {turn.utterance}"

Name it in the configuration, `[agent] respond = "module:respond"`. Everything else is done for you: the wire, chunks,
the spoken form, deadlines, what happens when the caller speaks over the reply, sessions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from elizad.types import Utterance

__all__ = ["CallTool", "Respond", "Session", "ToolFailed", "Turn"]


class ToolFailed(Exception):
    """A tool came to nothing; `content` is what may be said of it, if the client or its declaration said so."""

    def __init__(self, why: str, content: str = "") -> None:
        self.content = content
        super().__init__(why)


CallTool = Callable[[str, Mapping[str, object]], Awaitable[str]]
"""Call a tool that the client has declared, by its name and with its parameters; returns the content of its answer.

Raises: ToolFailed: there is no such tool, it failed, or it did not answer in time. Cancelling: its answer is ignored.
"""


async def _no_tools(name: str, parameters: Mapping[str, object]) -> str:
    raise ToolFailed("this platform has no tools")


@dataclass(slots=True)
class Session:
    """What lasts longer than a turn. `data` is yours: it has to be what JSON can hold, and comes back in the next turn.

    With an `id` from the platform it comes back in the next call as well; without one it ends with this call.
    """

    platform: str
    id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of yours.

    `transcript` is the whole conversation so far, oldest first, without the platform's annotations; `utterance` is
    what the caller has said since your last words. `expressions` says how it was said, name -> 0 to 1, where the
    platform hears that. `seconds_left` is None when nobody knows when the call must end.

    `context` are texts that the application injected, `variables` and `system_prompt` what it has set for the call,
    where the platform passes these on. `call_tool` is for platforms whose client has tools.
    """

    transcript: tuple[Utterance, ...]
    utterance: str
    platform: str
    session: Session
    expressions: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None
    ask_eliza: Callable[[], str] = field(default=lambda: "", repr=False)
    """What ELIZA would say to this, for when you have nothing better."""
    context: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    system_prompt: str = ""
    call_tool: CallTool = field(default=_no_tools, repr=False)


Respond = Callable[[Turn], AsyncIterator[str]]
"""An async generator function. What it yields is spoken as it comes.

It runs in a task of its own. When the caller speaks over the reply it is cancelled, and its `finally` blocks run; they
should not await for long. An exception costs the caller an apology and is logged; the call goes on.
"""
