"""Strict reading of what a server sent: JSON text -> an object and the rules its fields break. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from elizad.call import rules
from elizad.call.events import Finding

JsonObject = dict[str, Any]

_DECODER: Final = msgspec.json.Decoder()

_KINDS: Final[dict[type, str]] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "an array",
    type(None): "null",
}

_UNSPEAKABLE: Final = re.compile(r"\d|\*\*|__|`|^#+ |^[-*] |https?://|[\U0001F300-\U0001FAFF☀-➿]", re.MULTILINE)

_FULL_STOP: Final = re.compile(r"[.?!:;,]$")


class Field(NamedTuple):
    """What a field must be. `kind` float takes integers too."""

    kind: type
    required: bool = False


def read_object(frame: str) -> JsonObject | Finding:
    """Return the JSON object in a frame, or what is wrong."""
    try:
        value = _DECODER.decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        return Finding(rules.NOT_JSON, f"a frame is not JSON: {error}", frame)
    if not isinstance(value, dict):
        return Finding(rules.NOT_JSON, f"a frame holds {kind_of(value)} instead of a JSON object", frame)
    return value


def check_fields(message: JsonObject, fields: Mapping[str, Field], what: str, frame: str) -> list[Finding]:
    """Return what is missing, of a wrong type, or not documented. `what` names the message; "type" keys are skipped."""
    found = []
    for name, (kind, required) in fields.items():
        if name not in message:
            if required:
                found.append(Finding(rules.MISSING_FIELD, f'{what} lacks "{name}"', frame))
            continue
        value = message[name]
        if value is None and not required:
            found.append(Finding(rules.NULL, f'{what} has "{name}": null; leave it out instead', frame))
        elif not fits(value, kind):
            found.append(
                Finding(rules.WRONG_TYPE, f'"{name}" of {what} is {kind_of(value)} instead of {_KINDS[kind]}', frame)
            )
    known = {*fields, "type", "response_type"}
    for name in message:
        if name not in known:
            found.append(
                Finding(rules.UNKNOWN_FIELD, f'{what} has a field "{name[:40]}", which is not documented', frame)
            )
    return found


def fits(value: object, kind: type) -> bool:
    """Whether a JSON value is exactly of this kind: True is no integer, 1.0 is none either."""
    return type(value) is kind or (kind is float and type(value) is int)


def kind_of(value: object) -> str:
    """A JSON value's type in words."""
    return _KINDS[type(value)]


def drops(found: list[Finding]) -> bool:
    """Whether a platform would drop the message: something in it is wrong, not only inadvisable."""
    return any(not finding.rule.advice for finding in found)


def listen(chunks: list[str], text: str, frame: str) -> list[Finding]:
    """Return advice on how `text` sounds behind what was said before it."""
    found = []
    if (match := _UNSPEAKABLE.search(text)) is not None:
        found.append(Finding(rules.PROSE, f'"{match[0].strip()}" is not written as it is said', frame))
    before = chunks[-1] if chunks else ""
    if _FULL_STOP.search(before) and text[:1].isalpha():
        joined = f"{before[-12:]}{text[:12]}"
        found.append(Finding(rules.SPACING, f'no space between two chunks: "{joined}"', frame))
    return found
