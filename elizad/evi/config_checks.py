"""What a program posts as a configuration of EVI: checked as Hume's API does, and shown as every SDK can read it. Pure.

Parts that nobody here knows are kept and shown again: the SDKs of some years post some that others do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from elizad.evi.profile import HARD_STOP_S, Profile
from elizad.net.dial import parse_url

MOST_NAME_CHARS: Final = 256
_MOST_DEPTH: Final = 20  # of what is posted; Hume's own is 4
_URL: Final = re.compile(r"(?:wss?|https?)://[^\s/]+\S*")
_ESPEAK: Final = re.compile(r"[a-z]{2,3}(?:[-+][A-Za-z0-9+-]+)*")  # what no voice of Hume's is called

_LIMITS: Final = (1, 1800)  # seconds, of both timeouts
_STILL_THERE: Final = "Are you still there?"  # where a text is wanted and none is given
_TIME_IS_UP: Final = "We have come to the end of our time. Goodbye."

_OURS: Final = ("id", "version", "created_on", "modified_on")  # keys that are not for programs to set


class BadSpec(ValueError):
    """It cannot be taken; the message says where and why, in words that go to the program."""


def checked(body: object, *, named: bool) -> dict[str, Any]:
    """Return the posted configuration without what is null, or without meaning here. `named`: it must have a name.

    Raises: BadSpec.
    """
    spec = {key: value for key, value in _object(body, "the body").items() if value is not None and key not in _OURS}
    if _is_deep(spec, _MOST_DEPTH):
        raise BadSpec(f"the body is nested more than {_MOST_DEPTH} deep")
    if named:
        name_of(spec)
    else:
        spec.pop("name", None)
    for key, check in _CHECKS.items():
        if key in spec:
            check(spec[key], key)
    return spec


def name_of(body: object) -> str:
    """Return the name in a body. Raises: BadSpec."""
    name = _object(body, "the body").get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MOST_NAME_CHARS:
        raise BadSpec(f"name is required, a string of 1 to {MOST_NAME_CHARS} characters")
    return name


def description_of(body: object) -> str | None:
    """Return the version_description in a body, None for null or none. Raises: BadSpec."""
    description = _object(body, "the body").get("version_description")
    if description is not None:
        _text(description, "version_description")
    return description


def shown(spec: Mapping[str, Any], usual: Profile, version: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration as the API answers it. `version` has its id, name, number and times.

    What the SDKs' parsers require inside a part is filled in, from `usual` where that says it.
    """
    filled = {key: value for key, value in spec.items() if key not in version}
    filled["timeouts"] = _timeouts(spec.get("timeouts") or {}, usual)
    for key in ("language_model", "ellm_model", "voice", "prompt", "nudges"):
        filled.setdefault(key, None)
    for key in ("tools", "builtin_tools", "webhooks"):
        filled[key] = [entry for entry in spec.get(key) or () if entry is not None]
    filled.setdefault("evi_version", None)
    filled["builtin_tools"] = [{"tool_type": "BUILTIN", **tool} for tool in filled["builtin_tools"]]
    if filled["ellm_model"] is not None:
        filled["ellm_model"] = {"allow_short_responses": True, **_some(filled["ellm_model"])}
    if filled["nudges"] is not None:
        filled["nudges"] = {"enabled": False, **_some(filled["nudges"])}
    if filled["prompt"] is not None:
        filled["prompt"] = _prompt(filled["prompt"], version)
    if filled["voice"] is not None:
        voice = _some(filled["voice"])
        filled["voice"] = {
            **voice,
            "provider": voice.get("provider", "HUME_AI"),
            "name": voice.get("name") or voice.get("id") or "",
            "id": voice.get("id") or voice.get("name") or "",
        }
    messages = _some(spec.get("event_messages") or {})
    filled["event_messages"] = {
        key: {"text": None, **messages[key]} if key in messages else None
        for key in ("on_new_chat", "on_inactivity_timeout", "on_max_duration_timeout")
    }
    return {**version, **filled}


def profile_of(spec: Mapping[str, Any], usual: Profile, id: str, version: int, name: str) -> Profile:
    """Return what a checked configuration comes to for a chat; `usual` is that of a chat without one."""
    timeouts = _timeouts(spec.get("timeouts") or {}, usual)
    inactivity, longest = timeouts["inactivity"], timeouts["max_duration"]
    model = spec.get("language_model") or {}
    own = model.get("model_provider") == "CUSTOM_LANGUAGE_MODEL"
    voice = (spec.get("voice") or {}).get("name") or ""
    messages = spec.get("event_messages") or {}
    return usual._replace(
        id=id,
        version=version,
        name=name,
        greeting=_message(messages, "on_new_chat", ""),
        voice=voice if _ESPEAK.fullmatch(voice) else usual.voice,
        inactivity_s=float(inactivity["duration_secs"]) if inactivity["enabled"] else 0.0,
        inactivity_text=_message(messages, "on_inactivity_timeout", _STILL_THERE),
        max_duration_s=float(longest["duration_secs"]) if longest["enabled"] else HARD_STOP_S,
        max_duration_text=_message(messages, "on_max_duration_timeout", _TIME_IS_UP),
        custom_language_model=(model.get("model_resource") or "") if own else "",
        system_prompt=(spec.get("prompt") or {}).get("text") or "",
        builtin_tools=tuple(tool["name"] for tool in spec.get("builtin_tools") or () if tool is not None),
    )


def spec_of(profile: Profile) -> dict[str, Any]:
    """Return a configuration that comes to `profile`, for showing one that was not posted."""

    def message(text: str | None) -> dict[str, Any] | None:
        return None if text is None else {"enabled": True, "text": text or None}

    spec: dict[str, Any] = {
        "timeouts": {
            "inactivity": _timeout(profile.inactivity_s),
            "max_duration": _timeout(profile.max_duration_s),
        },
        "event_messages": {
            "on_new_chat": message(profile.greeting),
            "on_inactivity_timeout": message(profile.inactivity_text),
            "on_max_duration_timeout": message(profile.max_duration_text),
        },
        "voice": {"provider": "CUSTOM_VOICE", "name": profile.voice} if profile.voice else None,
        "prompt": {"text": profile.system_prompt} if profile.system_prompt else None,
        "language_model": None,
    }
    if profile.custom_language_model:
        address = profile.custom_language_model.partition("?")[0]  # what follows may be a token
        spec["language_model"] = {"model_provider": "CUSTOM_LANGUAGE_MODEL", "model_resource": address}
    spec["event_messages"] = _some(spec["event_messages"])
    return _some(spec)


# -- checks ------------------------------------------------------------------------------------------------------


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadSpec(f"{where} must be an object")
    return value


def _is_deep(value: object, left: int) -> bool:
    """Whether lists and objects are in one another more than `left` deep: JSON can be deeper than can be walked."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_is_deep(entry, left - 1) for entry in inner)


def _some(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is null."""
    return {key: inner for key, inner in value.items() if inner is not None}


def _text(value: object, where: str) -> None:
    if not isinstance(value, str):
        raise BadSpec(f"{where} must be a string")


def _truth(value: object, where: str) -> None:
    if not isinstance(value, bool):
        raise BadSpec(f"{where} must be true or false")


def _seconds(value: object, where: str) -> None:
    least, most = _LIMITS
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadSpec(f"{where} must be between {least} and {most}")


def _evi_version(value: object, where: str) -> None:
    _text(value, where)


def _language_model(value: object, where: str) -> None:
    model = _some(_object(value, where))
    provider, resource, temperature = (model.get(key) for key in ("model_provider", "model_resource", "temperature"))
    if provider is not None:
        _text(provider, f"{where}.model_provider")
    if resource is not None:
        _text(resource, f"{where}.model_resource")
    if provider == "CUSTOM_LANGUAGE_MODEL" and not _can_be_dialled(resource):
        raise BadSpec(f"{where}.model_resource must be the address of your server, such as wss://example.com/llm")
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if temperature is not None and not (is_number and 0 <= temperature <= 1):
        raise BadSpec(f"{where}.temperature must be between 0 and 1")


def _can_be_dialled(resource: object) -> bool:
    if not isinstance(resource, str) or not _URL.fullmatch(resource):
        return False
    try:
        parse_url(resource)
    except ValueError:
        return False
    return True


def _voice(value: object, where: str) -> None:
    for key, inner in _some(_object(value, where)).items():
        if key in ("provider", "name", "id"):
            _text(inner, f"{where}.{key}")


def _prompt_given(value: object, where: str) -> None:
    prompt = _some(_object(value, where))
    if "text" in prompt:
        _text(prompt["text"], f"{where}.text")
    elif "id" in prompt:
        raise BadSpec(f"{where}.id is not known here: give the text of the prompt")


def _ellm_model(value: object, where: str) -> None:
    if "allow_short_responses" in (model := _some(_object(value, where))):
        _truth(model["allow_short_responses"], f"{where}.allow_short_responses")


def _nudges(value: object, where: str) -> None:
    nudges = _some(_object(value, where))
    if "enabled" in nudges:
        _truth(nudges["enabled"], f"{where}.enabled")


def _each(check: Callable[[dict[str, Any], str], None]) -> Callable[[object, str], None]:
    def check_all(value: object, where: str) -> None:
        if not isinstance(value, list):
            raise BadSpec(f"{where} must be a list")
        for index, entry in enumerate(value):
            if entry is not None:
                check(_object(entry, f"{where}[{index}]"), f"{where}[{index}]")

    return check_all


def _tool(tool: dict[str, Any], where: str) -> None:
    raise BadSpec(f"{where}.id is not known here: declare tools in the session_settings of the chat")


def _builtin_tool(tool: dict[str, Any], where: str) -> None:
    _text(tool.get("name"), f"{where}.name")


def _webhook(webhook: dict[str, Any], where: str) -> None:
    _text(webhook.get("url"), f"{where}.url")
    if not isinstance(webhook.get("events"), list):
        raise BadSpec(f"{where}.events must be a list")


def _event_messages(value: object, where: str) -> None:
    for key, message in _some(_object(value, where)).items():
        there = _some(_object(message, f"{where}.{key}"))
        _truth(there.get("enabled"), f"{where}.{key}.enabled")
        if "text" in there:
            _text(there["text"], f"{where}.{key}.text")


def _timeouts_given(value: object, where: str) -> None:
    for key, timeout in _some(_object(value, where)).items():
        there = _some(_object(timeout, f"{where}.{key}"))
        _truth(there.get("enabled"), f"{where}.{key}.enabled")
        if "duration_secs" in there:
            _seconds(there["duration_secs"], f"{where}.{key}.duration_secs")


_CHECKS: Final[Mapping[str, Callable[[object, str], None]]] = {
    "evi_version": _evi_version,
    "version_description": _text,
    "language_model": _language_model,
    "voice": _voice,
    "prompt": _prompt_given,
    "ellm_model": _ellm_model,
    "nudges": _nudges,
    "tools": _each(_tool),
    "builtin_tools": _each(_builtin_tool),
    "webhooks": _each(_webhook),
    "event_messages": _event_messages,
    "timeouts": _timeouts_given,
}


# -- meaning -----------------------------------------------------------------------------------------------------


def _message(messages: Mapping[str, Any], key: str, generated: str) -> str | None:
    """The text of an event message that is enabled; `generated` where it has none."""
    message = messages.get(key) or {}
    return (message.get("text") or generated) if message.get("enabled") else None


def _timeouts(given: Mapping[str, Any], usual: Profile) -> dict[str, Any]:
    inactivity = {**_timeout(usual.inactivity_s), **_some(given.get("inactivity") or {})}
    return {
        **given,
        "inactivity": inactivity,
        "max_duration": {**_timeout(usual.max_duration_s), **_some(given.get("max_duration") or {})},
    }


def _timeout(seconds: float) -> dict[str, Any]:
    return {"enabled": seconds > 0, "duration_secs": int(max(seconds, 1)) if seconds else int(HARD_STOP_S)}


def _prompt(prompt: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt that was made with its configuration."""
    return {
        **_some(prompt),
        "id": version["id"],
        "version": version["version"],
        "version_type": "FIXED",
        "name": version["name"],
        "created_on": version["created_on"],
        "modified_on": version["modified_on"],
        "text": prompt.get("text") or "",
    }
