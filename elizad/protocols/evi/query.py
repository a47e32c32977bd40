"""What a client asks for in the address of a chat: its config, the chat it goes on with, and session settings.

The settings are flattened with brackets, `session_settings[audio][channels]=1`. Values are text and stay text where
text is wanted. Of JSON there is only what one SDK writes its variables in.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from elizad.protocols.evi.incoming import EviProblem, SessionSettings, malformed

_MOST_PAIRS: Final = 300  # all variables, and everything else twice over
_DEPTH: Final = 3  # session_settings[audio][channels]
_SETTINGS: Final = "session_settings"


class Wanted(msgspec.Struct, frozen=True):
    """What the address of a chat says. `problem` is what could not be used; the chat goes on without it."""

    config_id: str | None = None
    config_version: int | None = None
    resumed_chat_group_id: str | None = None
    verbose_transcription: bool = False
    event_limit: int | None = None
    voice_id: str | None = None
    settings: SessionSettings = SessionSettings()
    problem: EviProblem | None = None


_PLAIN: Final = frozenset(Wanted.__struct_fields__) - {"settings", "problem"}


def read_query(query: str) -> Wanted:
    """Read the query of an address, as it was sent. What is empty was not said."""
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_PAIRS, errors="replace")
    except ValueError:
        return Wanted(problem=malformed(f"more than {_MOST_PAIRS} parameters in the address"))
    problem = None
    wanted = Wanted()
    for name, value in pairs:
        if name not in _PLAIN:
            continue
        try:  # each by itself: what is wrong with one takes no other away
            one = msgspec.convert({name: value}, Wanted, strict=False)
        except msgspec.ValidationError as error:
            problem = malformed(f"in the address: {error}")
        else:
            wanted = msgspec.structs.replace(wanted, **{name: getattr(one, name)})
    try:
        settings = _settings([(name, value) for name, value in pairs if name.startswith(f"{_SETTINGS}[")])
    except EviProblem as error:
        settings, problem = SessionSettings(), error
    return msgspec.structs.replace(wanted, settings=settings, problem=problem)


def _settings(pairs: list[tuple[str, str]]) -> SessionSettings:
    """Raises: EviProblem."""
    tree: dict[str, object] = {}
    for name, value in pairs:
        path = _path(name)
        place = tree
        for step in path[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                raise malformed(f"{_SETTINGS}[{step}] in the address is both a value and more")
            place = inner
        if isinstance(place.get(path[-1]), dict):
            raise malformed(f"{_SETTINGS}[{path[-1]}] in the address is both a value and more")
        place[path[-1]] = value
    if not tree:
        return SessionSettings()
    if isinstance(written := tree.get("variables"), str):  # the Python SDK up to 0.12: all in one JSON text
        try:
            tree["variables"] = msgspec.json.decode(written, type=dict[str, str | int | float | bool | None])
        except msgspec.MsgspecError as error:
            raise malformed(f"{_SETTINGS}[variables] in the address: {error}") from None
    for name in ("tools", "builtin_tools"):
        if isinstance(listed := tree.get(name), dict):
            tree[name] = list(listed.values())  # [tools][0][name]=...
    try:
        return msgspec.convert({"type": _SETTINGS, **tree}, SessionSettings, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(f"{_SETTINGS} in the address: {error}") from None


def _path(name: str) -> list[str]:
    """Return the steps of `session_settings[audio][channels]`. Raises: EviProblem."""
    steps = name.removeprefix(_SETTINGS).removeprefix("[").removesuffix("]").split("][")
    if not name.endswith("]") or len(steps) > _DEPTH or not all(steps) or any("[" in s or "]" in s for s in steps):
        raise malformed(f"{_SETTINGS} in the address are written {_SETTINGS}[name]=value")
    return steps
