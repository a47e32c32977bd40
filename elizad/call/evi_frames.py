"""What every message of EVI must have so that all generations of its SDKs can read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from elizad.call import rules
from elizad.call.events import Finding
from elizad.call.fields import JsonObject, kind_of

_SAID: Final[Mapping[str, type]] = {"message": dict, "models": dict, "from_text": bool}

REQUIRED: Final[Mapping[str, Mapping[str, type]]] = {
    "chat_metadata": {"chat_group_id": str, "chat_id": str},
    "user_message": {**_SAID, "interim": bool, "time": dict},
    "assistant_message": {**_SAID, "is_quick_response": bool},
    "audio_output": {"id": str, "index": int, "data": str},
    "assistant_end": {},
    "assistant_prosody": {"models": dict},
    "user_interruption": {"time": int},
    "tool_call": {"name": str, "parameters": str, "tool_call_id": str, "response_required": bool, "tool_type": str},
    "tool_response": {"tool_call_id": str, "content": str},
    "tool_error": {"tool_call_id": str, "error": str},
    "error": {"code": str, "slug": str, "message": str},
    "session_settings": {},
}

_ROLES: Final = frozenset({"assistant", "system", "user", "all", "tool", "context"})

_SCORES: Final = 48


def wrong_with(message: JsonObject, kind: str, frame: str) -> list[Finding]:
    """Return what would make an SDK refuse the message; nothing for one that all of them take."""
    required = REQUIRED.get(kind)
    if required is None:
        return [Finding(rules.UNKNOWN_TYPE, f'a message of type "{kind[:40]}" is not known', frame)]
    found = list(_check(message, required, kind, frame))
    if found:
        return found
    if required.get("message") is dict:
        said = message["message"]
        if not isinstance(role := said.get("role"), str) or role not in _ROLES:
            found.append(Finding(rules.WRONG_TYPE, f'"role" of {kind} is none of those that are known', frame))
        elif not isinstance(said.get("content"), str | None):
            found.append(Finding(rules.WRONG_TYPE, f'"content" of {kind} is {kind_of(said["content"])}', frame))
    if "time" in required and kind == "user_message":
        found += _check(message["time"], {"begin": int, "end": int}, '"time" of user_message', frame)
    prosody = message["models"].get("prosody") if "models" in required else None
    scores = prosody.get("scores") if isinstance(prosody, dict) else None
    if isinstance(prosody, dict) and not (isinstance(scores, dict) and len(scores) == _SCORES):
        found.append(Finding(rules.WRONG_TYPE, f"the scores of {kind} are not all of the {_SCORES}", frame))
    return found


def _check(message: JsonObject, required: Mapping[str, type], what: str, frame: str) -> list[Finding]:
    found = []
    for name, kind in required.items():
        if name not in message:
            found.append(Finding(rules.MISSING_FIELD, f'{what} lacks "{name}"', frame))
        elif type(message[name]) is not kind:
            words = f'"{name}" of {what} is {kind_of(message[name])}'
            found.append(Finding(rules.WRONG_TYPE, words, frame))
    return found
