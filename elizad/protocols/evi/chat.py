"""The state of one chat with EVI: what was said, what the client has set, whether we are paused.

A client does not send the conversation again, so it is kept here. A user message that nobody answered (the chat was
paused) stands in the transcript with an empty word of ours behind it: it was heard, and the next one is a turn of its
own. Pure: no I/O, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from elizad.conversation.events import Ask, TurnRequested
from elizad.conversation.phrases import fill_fields
from elizad.protocols.evi.incoming import Audio, Context, EviProblem, SessionSettings, Tool
from elizad.protocols.wire import MOST_ENTRIES
from elizad.types import Role, Utterance

_MOST_CHARS: Final = 1_000_000  # of one chat: ten times what can be said in half an hour
_MOST_VARIABLES: Final = 200  # of all settings together
_FIELD: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_UNANSWERED: Final = Utterance(Role.ASSISTANT, "")

HANG_UP: Final = "hang_up"
"""The builtin tool by which we may end a chat."""


class Chat:
    """One chat. Its turns are numbered from 1."""

    def __init__(self, earlier: Sequence[Utterance] = (), builtin_tools: Sequence[Tool] = ()) -> None:
        """`earlier` is what was said in the earlier chats of its group; `builtin_tools` are those of its config."""
        self._transcript: list[Utterance] = list(earlier)
        self._chars = sum(len(entry.text) for entry in earlier)
        self._persistent: Context | None = None
        self._temporary: Context | None = None
        self._variables: dict[str, str] = {}
        self._owed = False  # the newest user message has no answer
        self._turn = 0
        self._tools: Sequence[Tool] = ()
        self._builtin_tools = builtin_tools
        self.tools: dict[str, Tool] = {tool.name: tool for tool in builtin_tools}
        self.session: str | None = None
        self.system_prompt = ""
        self.voice_id = ""
        self.audio: Audio | None = None
        self.paused = False

    @property
    def is_full(self) -> bool:
        """Whether more has been said than in any conversation."""
        return len(self._transcript) >= MOST_ENTRIES or self._chars > _MOST_CHARS

    @property
    def variables(self) -> Mapping[str, str]:
        """The client's variables, as text."""
        return self._variables

    @property
    def transcript(self) -> tuple[Utterance, ...]:
        """What has been said by either side, without what stands for silence."""
        return tuple(entry for entry in self._transcript if entry is not _UNANSWERED)

    def apply(self, settings: SessionSettings) -> None:
        """Take settings over. Raises: EviProblem, and then nothing has changed."""
        variables = self._variables
        if settings.variables:
            variables = variables | {name: _as_text(value) for name, value in settings.variables.items()}
            if len(variables) > _MOST_VARIABLES:
                raise EviProblem("E0101", "malformed_message", f"There are more than {_MOST_VARIABLES} variables.")
        self._variables = variables
        if settings.custom_session_id:
            self.session = settings.custom_session_id
        if settings.system_prompt is not None:
            self.system_prompt = settings.system_prompt
        if settings.context is None:
            self._persistent = self._temporary = None
        elif isinstance(settings.context, Context):
            if settings.context.stays:
                self._persistent = settings.context
            else:
                self._temporary = settings.context
        if settings.audio is not None:
            self.audio = settings.audio
        if settings.voice_id:
            self.voice_id = settings.voice_id
        if settings.tools is not None:
            self._tools = settings.tools
        if settings.builtin_tools is not None:
            self._builtin_tools = [_builtin(tool) for tool in settings.builtin_tools]
        self.tools = {tool.name: tool for tool in (*self._tools, *self._builtin_tools)}

    def greet(self, text: str | None) -> TurnRequested:
        """Return the turn in which we speak first; None is for the script's own words.

        In a text of one's own `{name}` stands for a variable, and so does `{{name}}`, as Hume writes it.
        """
        return replace(self._ask(Ask.GREETING), greeting=text and _FIELD.sub(r"{\1}", text))

    def filled(self, text: str) -> str:
        """Return another text of the config's, with the variables in its fields as in `greet`."""
        return fill_fields(_FIELD.sub(r"{\1}", text), self._variables)

    def hear(self, text: str) -> TurnRequested | None:
        """Take down what the caller said, and return the turn that answers it; None while we are paused."""
        if self._owed and self.paused:
            self._transcript.append(_UNANSWERED)
        self._add(Utterance(Role.USER, text))
        self._owed = True
        return None if self.paused else self._ask(Ask.REPLY)

    def say(self, text: str) -> None:
        """Take down what we have said."""
        self._add(Utterance(Role.ASSISTANT, text))
        self._owed = False

    def pause(self) -> None:
        """Answer nothing from now on; a message whose answer had not begun is still to be answered."""
        self.paused = True

    def resume(self) -> TurnRequested | None:
        """Answer again, and first the last user message, if it has no answer yet."""
        if not self.paused:
            return None
        self.paused = False
        return self._ask(Ask.REPLY) if self._owed else None

    def ask(self) -> int:
        """Return the number of a turn in which we say something by ourselves."""
        self._turn += 1
        return self._turn

    def _ask(self, ask: Ask) -> TurnRequested:
        context = tuple(one.text for one in (self._persistent, self._temporary) if one is not None and one.text)
        if ask is Ask.REPLY:
            self._temporary = None
        return TurnRequested(
            self.ask(),
            tuple(self._transcript),
            ask,
            self.session,
            variables=self._variables,
            context=context,
        )

    def _add(self, entry: Utterance) -> None:
        self._transcript.append(entry)
        self._chars += len(entry.text)


def _as_text(value: str | bool | int | float | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _builtin(tool: Tool) -> Tool:
    return Tool(tool.name, "builtin", tool.parameters, tool.description, tool.fallback_content)
