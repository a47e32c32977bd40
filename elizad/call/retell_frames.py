"""The messages of Retell's LLM socket by their shape: what Retell's own hold, and what a server's must. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from elizad.call import rules
from elizad.call.events import Finding
from elizad.call.fields import Field, JsonObject, check_fields, drops, fits, kind_of

_ACTIONS: Final = ("end_call", "transfer_number", "digit_to_press")

_SPEECH: Final = {
    "content": Field(str, True),
    "content_complete": Field(bool, True),
    "no_interruption_allowed": Field(bool),
    "end_call": Field(bool),
    "transfer_number": Field(str),
    "digit_to_press": Field(str),
}

_FIELDS: Final[Mapping[str, Mapping[str, Field]]] = {
    "config": {"config": Field(dict, True)},
    "update_agent": {"agent_config": Field(dict, True)},
    "ping_pong": {"timestamp": Field(int, True)},
    "response": {"response_id": Field(int, True), **_SPEECH, "show_transferee_as_caller": Field(bool)},
    "agent_interrupt": {"interrupt_id": Field(int, True), **_SPEECH},
    "tool_call_invocation": {"tool_call_id": Field(str, True), "name": Field(str, True), "arguments": Field(str, True)},
    "tool_call_result": {"tool_call_id": Field(str, True), "content": Field(str, True), "successful": Field(bool)},
    "metadata": {"metadata": Field(dict, True)},
}

_CONFIG: Final = {
    "auto_reconnect": Field(bool),
    "call_details": Field(bool),
    "transcript_with_tool_calls": Field(bool),
}

_AGENT_CONFIG: Final = {
    "responsiveness": Field(float),
    "interruption_sensitivity": Field(float),
    "reminder_trigger_ms": Field(float),
    "reminder_max_count": Field(int),
}

_ENCODE: Final = msgspec.json.Encoder().encode

_WORD_S: Final = 0.35  # how long a spoken word takes


def message_type(message: JsonObject, frame: str) -> str | Finding:
    """Return the response_type of a message, or what is wrong with it. Without one Retell takes it for a response."""
    if "response_type" not in message:
        return Finding(rules.NO_RESPONSE_TYPE, "a message has no response_type", frame)
    kind = message["response_type"]
    if not isinstance(kind, str):
        return Finding(rules.WRONG_TYPE, f'"response_type" of a message is {kind_of(kind)} instead of a string', frame)
    if kind not in _FIELDS:
        return Finding(rules.UNKNOWN_TYPE, f'a message with response_type "{kind[:40]}" is not known', frame)
    return kind


def check_message(message: JsonObject, kind: str, frame: str) -> list[Finding]:
    """Return what is wrong with a message of a known type, apart from when it comes."""
    found = check_fields(message, _FIELDS[kind], kind, frame)
    if drops(found):
        return found
    if kind == "config":
        found += check_fields(message["config"], _CONFIG, "config", frame)
    elif kind == "update_agent":
        found += _check_agent(message["agent_config"], frame)
    elif kind in ("response", "agent_interrupt"):
        found += _check_actions(message, kind, frame)
    elif kind == "tool_call_invocation" and not _is_object(message["arguments"]):
        found.append(Finding(rules.TOOLS, '"arguments" of a tool call is no JSON object written as a string', frame))
    return found


def _check_agent(settings: JsonObject, frame: str) -> list[Finding]:
    found = check_fields(settings, _AGENT_CONFIG, "agent_config", frame)
    if drops(found):
        return found
    for name in ("responsiveness", "interruption_sensitivity"):
        if not 0 <= (settings.get(name) or 0) <= 1:
            found.append(Finding(rules.RANGE, f'"{name}" is not between 0 and 1', frame))
    if (trigger := settings.get("reminder_trigger_ms")) is not None and trigger <= 0:
        found.append(Finding(rules.RANGE, '"reminder_trigger_ms" is not above 0', frame))
    if (settings.get("reminder_max_count") or 0) < 0:
        found.append(Finding(rules.RANGE, '"reminder_max_count" is below 0', frame))
    return found


def _check_actions(message: JsonObject, kind: str, frame: str) -> list[Finding]:
    asked = [name for name in _ACTIONS if message.get(name)]
    found = []
    if len(asked) > 1:
        found.append(Finding(rules.ACTIONS, f"{kind} asks for {' and '.join(asked)} at once", frame))
    if asked and not message["content_complete"]:
        found.append(Finding(rules.ACTIONS, f"{asked[0]} stands on a chunk that does not complete the {kind}", frame))
    digits = message.get("digit_to_press")
    if digits is not None and not (digits and all(key in "0123456789*#" for key in digits)):
        found.append(Finding(rules.RANGE, '"digit_to_press" is not one or more keys of a telephone', frame))
    return found


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False


# -- what Retell sends -----------------------------------------------------------------------------------------------


def utterance(role: str, content: str, start_s: float) -> msgspec.Raw:
    """One entry of a transcript. The caller's words carry their times in the audio, the agent's do not."""
    words = []
    if role == "user":
        words = [
            {"word": word, "start": round(start_s + i * _WORD_S, 3), "end": round(start_s + (i + 1) * _WORD_S, 3)}
            for i, word in enumerate(content.split())
        ]
    return encode_raw({"role": role, "content": content, "words": words})


def encode_raw(value: Mapping[str, Any]) -> msgspec.Raw:
    """JSON that is written once and repeated in every transcript."""
    return msgspec.Raw(_ENCODE(value))


def encode(value: Mapping[str, Any]) -> str:
    """One frame."""
    return _ENCODE(value).decode()


def is_true(message: JsonObject, name: str) -> bool:
    """Whether an optional flag is set, exactly."""
    return fits(message.get(name), bool) and message[name]
