"""What EVI sends: the superset of fields that every generation of its SDKs can parse.

Fields that only newer ones require (`interim`, `is_quick_response`, `index`, `tool_type`) are always there, and older
ones do not mind them. No I/O, no state.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final, Literal

import msgspec

from elizad.protocols.evi.incoming import EviProblem, ToolError, ToolResponse

_ENCODE: Final = msgspec.json.Encoder().encode


class _Frame(msgspec.Struct, tag_field="type", kw_only=True):
    custom_session_id: str | None = None


class _ChatMetadata(_Frame, tag="chat_metadata"):
    chat_group_id: str
    chat_id: str
    request_id: str


class _Words(msgspec.Struct):
    role: Literal["user", "assistant"]
    content: str


class _Time(msgspec.Struct):
    begin: int
    end: int


class _Models(msgspec.Struct):
    """No prosody: its scores would have to be all 48."""

    prosody: None = None


class _UserMessage(_Frame, tag="user_message"):
    message: _Words
    models: _Models
    time: _Time
    from_text: bool
    interim: bool


class _AssistantMessage(_Frame, tag="assistant_message"):
    id: str
    message: _Words
    models: _Models
    from_text: bool
    is_quick_response: bool


class _AudioOutput(_Frame, tag="audio_output"):
    id: str
    index: int
    data: str


class _AssistantEnd(_Frame, tag="assistant_end"):
    pass


class _UserInterruption(_Frame, tag="user_interruption"):
    time: int


class _ToolCall(_Frame, tag="tool_call"):
    tool_call_id: str
    name: str
    parameters: str
    response_required: bool
    tool_type: Literal["function", "builtin"]


class _Error(_Frame, tag="error"):
    code: str
    slug: str
    message: str
    request_id: str


class Writer:
    """Writes the messages of one chat. `session` is the custom session id, once there is one."""

    def __init__(self, request_id: str) -> None:
        self.session: str | None = None
        self._request_id = request_id

    def chat_metadata(self, chat_id: str, chat_group_id: str) -> str:
        """The first message of a chat."""
        return self._write(_ChatMetadata(chat_group_id=chat_group_id, chat_id=chat_id, request_id=self._request_id))

    def user_message(self, text: str, begin_ms: int, end_ms: int, *, from_text: bool, interim: bool = False) -> str:
        """What the caller said; the times are of the chat."""
        return self._write(
            _UserMessage(
                message=_Words("user", text),
                models=_Models(),
                time=_Time(begin_ms, end_ms),
                from_text=from_text,
                interim=interim,
            )
        )

    def assistant_message(self, id: str, text: str, *, from_text: bool) -> str:
        """One sentence of ours; `from_text` says that the client gave us the words."""
        return self._write(
            _AssistantMessage(
                id=id,
                message=_Words("assistant", text),
                models=_Models(),
                from_text=from_text,
                is_quick_response=False,
            )
        )

    def audio_output(self, id: str, index: int, wav: bytes) -> str:
        """A piece of the sound of the message with this id, a whole WAV file; the first has the index 0."""
        return self._write(_AudioOutput(id=id, index=index, data=b64encode(wav).decode("ascii")))

    def assistant_end(self) -> str:
        """We have said what we had to say."""
        return self._write(_AssistantEnd())

    def user_interruption(self, unix_ms: int) -> str:
        """The caller spoke over us: nothing more follows of what we were saying."""
        return self._write(_UserInterruption(time=unix_ms))

    def tool_call(
        self, id: str, name: str, parameters: str, *, builtin: bool = False, response_required: bool = True
    ) -> str:
        """Ask the client for what a tool comes to; `parameters` is JSON as text."""
        return self._write(
            _ToolCall(
                tool_call_id=id,
                name=name,
                parameters=parameters,
                response_required=response_required,
                tool_type="builtin" if builtin else "function",
            )
        )

    def echo(self, answer: ToolResponse | ToolError) -> str:
        """What a tool came to, said back."""
        fields = {"type": answer.__struct_config__.tag, **msgspec.structs.asdict(answer)}
        return _ENCODE(
            {name: value for name, value in fields.items() if value is not None} | {"custom_session_id": self.session}
        ).decode()

    def error(self, problem: EviProblem) -> str:
        """Something is wrong."""
        return self._write(
            _Error(code=problem.code, slug=problem.slug, message=problem.message, request_id=self._request_id)
        )

    def _write(self, frame: _Frame) -> str:
        frame.custom_session_id = self.session
        return _ENCODE(frame).decode()
