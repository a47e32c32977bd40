"""Retell's custom LLM WebSocket: Retell asks for numbered responses, we stream them; the transcript comes each time.

We speak first: an optional `config`, then the begin message, which is response 0. Only the newest id is listened to,
and a response that is never completed leaves the line dead, so every turn that is not superseded ends with
`content_complete`. Retell drops what has a wrong type without a word: what we send is typed strictly; what it sends
is read with tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec.structs import replace

from elizad.conversation.commands import (
    AnswerKeepalive,
    Command,
    EndTurn,
    Interject,
    Publish,
    Speak,
    TuneAgent,
)
from elizad.conversation.events import Ask, Event, Ignored, KeepaliveRequested, TurnRequested
from elizad.errors import RemoteError
from elizad.protocols.wire import MAX_SESSION_CHARS, check_length, decode
from elizad.types import CloseCode, Role, Utterance

UNINTELLIGIBLE: Final = "(unintelligible audio)"
"""What stands in the transcript where speech was heard and no words."""

_OTHER: Final = Role.OTHER  # found more quickly than in its enumeration
_ROLES: Final = {"user": Role.USER, "agent": Role.ASSISTANT}

# Requests that can be read while an older turn is still being spoken: those in the channel and in the reader's hands.
_TURNS_AHEAD: Final = 8

# How long a greeting that wants the caller's name waits for it. Retell sends the details right after it is asked; a
# caller who hears nothing for longer says "hello?".
_DETAILS_HOLD_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class RetellOptions:
    """What the configuration says of Retell's calls.

    `greeting` is None for the script's opening line, "" to let the caller speak first, or a text with `{name}` fields.
    `greet_after_details` holds it until the call's details have come, so that the fields can be filled.
    `session_variable` names the dynamic variable that says who calls; without one, a session is a call.
    """

    auto_reconnect: bool = True
    call_details: bool = False
    transcript_with_tool_calls: bool = False
    greeting: str | None = None
    greet_after_details: bool = False
    session_variable: str = ""


# -- what Retell sends -------------------------------------------------------------------------------------------


class _Frame(msgspec.Struct, gc=False):
    """Any message. The transcript stays undecoded: most messages are updates that nobody needs."""

    interaction_type: str = ""
    response_id: int | None = None
    timestamp: int | None = None
    transcript: msgspec.Raw = msgspec.Raw()
    call: msgspec.Raw = msgspec.Raw()


class _Utterance(msgspec.Struct, gc=False):
    role: str | None = None
    content: str | None = None


class _Call(msgspec.Struct, gc=False):
    retell_llm_dynamic_variables: dict[str, str] | None = None


# -- what we send ------------------------------------------------------------------------------------------------


class _Config(msgspec.Struct, gc=False):
    auto_reconnect: bool
    call_details: bool
    transcript_with_tool_calls: bool


class _ConfigMessage(msgspec.Struct, tag="config", tag_field="response_type"):
    config: _Config


class _PingPong(msgspec.Struct, tag="ping_pong", tag_field="response_type"):
    timestamp: int


class _Response(msgspec.Struct, tag="response", tag_field="response_type", omit_defaults=True):
    response_id: int
    content: str
    content_complete: bool
    no_interruption_allowed: bool = False
    end_call: bool = False
    transfer_number: str | None = None
    digit_to_press: str | None = None


class _AgentInterrupt(msgspec.Struct, tag="agent_interrupt", tag_field="response_type", omit_defaults=True):
    interrupt_id: int
    content: str
    content_complete: bool
    no_interruption_allowed: bool = False
    end_call: bool = False


class _AgentConfig(msgspec.Struct, omit_defaults=True):
    responsiveness: float | None = None
    interruption_sensitivity: float | None = None
    reminder_trigger_ms: int | None = None
    reminder_max_count: int | None = None


class _UpdateAgent(msgspec.Struct, tag="update_agent", tag_field="response_type"):
    agent_config: _AgentConfig


class _Metadata(msgspec.Struct, tag="metadata", tag_field="response_type"):
    metadata: Mapping[str, object]


_NO_TRANSCRIPT: Final = (msgspec.Raw(), msgspec.Raw(b"null"))
_FRAME: Final = msgspec.json.Decoder(_Frame)
_TRANSCRIPT: Final = msgspec.json.Decoder(list[_Utterance])
_CALL: Final = msgspec.json.Decoder(_Call)
_ENCODE: Final = msgspec.json.Encoder().encode


class RetellLlm:
    """The adapter of one call's socket: message -> events, commands -> messages. No I/O, no clock."""

    __slots__ = ("_call_id", "_ids", "_options", "_resumed", "_turn", "_variables")

    name: Final = "retell"
    # Of all endings only an abnormal one is documented to make Retell connect again, up to four times: 1000 hangs up
    # the caller, a close without a code is an error, and of 1001 and 1012 nothing is said.
    going_away: Final = CloseCode.ABNORMAL
    call_limit_s: Final = None  # there is one in the agent's settings, which we are not told

    def __init__(self, options: RetellOptions, call_id: str, *, resumed: bool = False) -> None:
        """`resumed` says that this call was greeted before, on a connection that was lost."""
        self._options = options
        self._call_id = call_id
        self._resumed = resumed
        self._turn = 0
        self._variables: Mapping[str, str] = {}
        self._ids: dict[int, int] = {0: 0}  # our number of the newest turns -> Retell's response_id

    def opening(self) -> tuple[list[str], TurnRequested]:
        """Return what is sent before Retell says anything: messages, and the turn that is response 0."""
        options = self._options
        config = _Config(options.auto_reconnect, options.call_details, options.transcript_with_tool_calls)
        greeting = self._greeting(_DETAILS_HOLD_S if options.greet_after_details else 0.0)
        return [_text(_ConfigMessage(config))], greeting

    def receive(self, text: str) -> list[Event]:
        """Read one message from Retell.

        Raises:
            RemoteError: 1007, the message is not a JSON object; 1009, no conversation is that long.
        """
        try:
            frame = decode(_FRAME, text)
        except RemoteError as error:
            if (
                error.code != CloseCode.INVALID_PAYLOAD
                or not text.lstrip().startswith("{")
                or error.reason.startswith("not JSON")
            ):
                raise
            return [Ignored(error.reason)]
        match frame.interaction_type:
            case "update_only":
                return []
            case "ping_pong":
                return [KeepaliveRequested(frame.timestamp or 0)]
            case "response_required":
                return [self._requested(frame, Ask.REPLY)]
            case "reminder_required":
                return [self._requested(frame, Ask.SILENCE)]
            case "call_details":
                return self._details(frame)
            case _:
                return [Ignored("unknown interaction_type")]

    def send(self, commands: Sequence[Command]) -> list[str]:
        """Write commands as messages to Retell."""
        return [_text(self._message(command)) for command in commands]

    def _message(self, command: Command) -> msgspec.Struct:
        match command:
            case Speak(turn, text):
                return _Response(self._ids[turn], text, False)
            case EndTurn(turn, hang_up, transfer_number, press_digits):
                return _Response(
                    self._ids[turn],
                    "",
                    True,
                    end_call=hang_up,
                    transfer_number=transfer_number,
                    digit_to_press=press_digits,
                )
            case AnswerKeepalive(stamp):
                return _PingPong(stamp)
            case Interject(number, text, complete, hang_up, may_be_interrupted):
                return _AgentInterrupt(number, text, complete, not may_be_interrupted, hang_up)
            case TuneAgent(responsiveness, sensitivity, after_s, count):
                after_ms = None if after_s is None else round(after_s * 1000)
                return _UpdateAgent(_AgentConfig(responsiveness, sensitivity, after_ms, count))
            case Publish(data):
                return _Metadata(data)

    # -- reading -------------------------------------------------------------------------------------------------

    def _requested(self, frame: _Frame, ask: Ask) -> Event:
        if frame.response_id is None:
            return Ignored(f"{frame.interaction_type} without a response_id")
        if frame.response_id <= self._ids[self._turn] and self._turn:
            return Ignored("a response_id that is not higher than the last")
        self._turn += 1
        self._ids[self._turn] = frame.response_id
        self._ids.pop(self._turn - _TURNS_AHEAD, None)
        transcript = self._transcript(frame.transcript)
        if transcript is None:
            return self._turn_requested(self._turn, (), Ask.REPEAT)
        if ask is Ask.REPLY and transcript and transcript[-1] == Utterance(Role.USER, UNINTELLIGIBLE):
            ask = Ask.REPEAT
        heard = [utterance for utterance in transcript if utterance[1] != UNINTELLIGIBLE]
        return self._turn_requested(self._turn, tuple(heard), ask)

    def _transcript(self, raw: msgspec.Raw) -> list[Utterance] | None:
        """Return the transcript, or None when it cannot be read: the caller is then asked to say it again."""
        if raw in _NO_TRANSCRIPT:
            return []
        try:
            entries = _TRANSCRIPT.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            return None
        check_length(len(entries))
        return [
            tuple.__new__(Utterance, (_ROLES.get(entry.role or "", _OTHER), (entry.content or "").strip()))
            for entry in entries  # half the cost of a call for each
        ]

    def _details(self, frame: _Frame) -> list[Event]:
        try:
            call = _CALL.decode(frame.call)
        except (msgspec.DecodeError, RecursionError):
            return [Ignored("call_details in a shape that cannot be read")]
        self._variables = call.retell_llm_dynamic_variables or {}
        if self._turn or not self._options.greet_after_details:
            return []
        return [self._greeting(0.0)]

    def _greeting(self, hold_s: float) -> TurnRequested:
        greeting = self._options.greeting
        if self._resumed or greeting == "":
            return self._turn_requested(0, (), Ask.NOTHING)
        return replace(self._turn_requested(0, (), Ask.GREETING), greeting=greeting, hold_s=hold_s)

    def _turn_requested(self, turn: int, transcript: tuple[Utterance, ...], ask: Ask) -> TurnRequested:
        call = self._call_id or None
        return TurnRequested(turn, transcript, ask, self._session(turn), call, variables=self._variables)

    def _session(self, turn: int) -> str | None:
        """Return what the calls of one person have in common: the variable that says who it is, or else the call."""
        name = self._options.session_variable
        value = self._variables.get(name, "").strip()
        if value and len(name) + len(value) < MAX_SESSION_CHARS:
            return f"{name}={value}"
        if name and turn == 0:
            return None  # the greeting waits for the call's details, and so does this
        return self._call_id or None


def _text(message: msgspec.Struct) -> str:
    return _ENCODE(message).decode()
