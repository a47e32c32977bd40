"""What a client of EVI sends: text -> typed messages, or a problem that can be told to the client.

Nulls and keys that nobody knows are accepted, since the SDKs of some years send both. No I/O, no state.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Annotated, Final, Literal

import msgspec

from elizad.errors import ElizadError, RemoteError
from elizad.protocols.wire import MAX_SESSION_CHARS, decode

MOST_TOOLS: Final = 64  # a model is given a dozen
MOST_VARIABLES: Final = 100  # a prompt has a handful
_NAME_CHARS: Final = 128  # of a tool or a variable
_VALUE_CHARS: Final = 4000  # of a variable: a page of text
_TEXT_CHARS: Final = 20_000  # of a context, a prompt or what is to be said: ten pages, and twenty minutes of speech

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=_NAME_CHARS)]
_Text = Annotated[str, msgspec.Meta(max_length=_TEXT_CHARS)]
_Value = Annotated[str, msgspec.Meta(max_length=_VALUE_CHARS)] | bool | int | float
SessionName = Annotated[str, msgspec.Meta(max_length=MAX_SESSION_CHARS)]


class EviProblem(ElizadError):
    """Something that the client is told in an `error` message. What is said of it quotes at most its own `type`."""

    def __init__(self, code: str, slug: str, message: str) -> None:
        self.code = code
        self.slug = slug
        self.message = message
        super().__init__(f"{code} {slug}: {message}")


def not_json(why: str) -> EviProblem:
    """Return the problem of a text that is no JSON."""
    return EviProblem("E0100", "invalid_json", f"The message could not be parsed as JSON: {why}.")


def malformed(why: str) -> EviProblem:
    """Return the problem of a message, or an address, that is not what it should be."""
    return EviProblem("E0101", "malformed_message", f"This cannot be taken as it is: {why}.")


class _Message(msgspec.Struct, frozen=True, tag_field="type"):
    """What every message may have. A `custom_session_id` of null says nothing."""

    custom_session_id: SessionName | None = None


class AudioInput(_Message, frozen=True, tag="audio_input", kw_only=True):
    """A piece of the caller's voice, in base64."""

    data: str

    def sound(self) -> bytes:
        """Return the bytes. Raises: EviProblem."""
        try:
            return b64decode(self.data, validate=True)
        except (binascii.Error, ValueError):
            raise EviProblem("E0201", "invalid_base64", "The data of an audio_input is not base64.") from None


class UserInput(_Message, frozen=True, tag="user_input", kw_only=True):
    """What the caller typed."""

    text: str


class AssistantInput(_Message, frozen=True, tag="assistant_input", kw_only=True):
    """What is to be said as if we had thought of it."""

    text: _Text


class ToolResponse(_Message, frozen=True, tag="tool_response", kw_only=True):
    """What a tool came to."""

    tool_call_id: str
    content: str
    tool_name: str | None = None
    tool_type: str | None = None


class ToolError(_Message, frozen=True, tag="tool_error", kw_only=True):
    """A tool that failed; `content` is what may be said of it."""

    tool_call_id: str
    error: str
    content: str | None = None
    code: str | None = None
    level: str | None = None
    tool_type: str | None = None


class Pause(_Message, frozen=True, tag="pause_assistant_message"):
    """Answer nothing from now on."""


class Resume(_Message, frozen=True, tag="resume_assistant_message"):
    """Answer again."""


class Context(msgspec.Struct, frozen=True):
    """A text that goes with what the caller says: with the next message only, or with all of them."""

    text: _Text
    type: Literal["persistent", "temporary", "editable"] | None = None

    @property
    def stays(self) -> bool:
        """Whether it goes with every message. An editable one takes the place of what was there; so does ours."""
        return self.type in ("persistent", "editable")


class Audio(msgspec.Struct, frozen=True):
    """How `audio_input` is encoded; without it, by a file's own head."""

    encoding: str | None = None
    channels: Annotated[int, msgspec.Meta(ge=1, le=8)] | None = None
    sample_rate: Annotated[int, msgspec.Meta(ge=4000, le=192_000)] | None = None
    codec: str | None = None


class Tool(msgspec.Struct, frozen=True):
    """A tool that the client has; `parameters` is a JSON schema as text."""

    name: _Name
    type: Literal["function", "builtin"] | None = None
    parameters: str | None = None
    description: str | None = None
    fallback_content: str | None = None


class SessionSettings(_Message, frozen=True, tag="session_settings"):
    """What is to be different from now on. What is absent stays as it is; a context of null is taken back."""

    system_prompt: _Text | None = None
    context: Context | msgspec.UnsetType | None = msgspec.UNSET
    audio: Audio | None = None
    tools: Annotated[tuple[Tool, ...], msgspec.Meta(max_length=MOST_TOOLS)] | None = None
    builtin_tools: Annotated[tuple[Tool, ...], msgspec.Meta(max_length=MOST_TOOLS)] | None = None
    variables: Annotated[dict[_Name, _Value | None], msgspec.Meta(max_length=MOST_VARIABLES)] | None = None
    voice_id: _Name | None = None
    language_model_api_key: str | None = None
    event_limit: int | None = None
    metadata: dict[str, msgspec.Raw] | None = None


Incoming = AudioInput | UserInput | AssistantInput | ToolResponse | ToolError | Pause | Resume | SessionSettings

_DECODER: Final[msgspec.json.Decoder[Incoming]] = msgspec.json.Decoder(Incoming)


def read(text: str) -> Incoming:
    """Read one message.

    Raises:
        EviProblem: E0100 for what is no JSON, E0101 for a message that is not one of the protocol's.
    """
    try:
        return decode(_DECODER, text)
    except RemoteError as error:
        kind, _, why = error.reason.partition(": ")
        if kind == "not JSON" or not why:
            raise not_json(why or kind) from None
        raise malformed(why) from None
