"""What differs between two settings, and which of it a running daemon can take over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from elizad.errors import Problem
from elizad.ops.schema import Table, plain

LIVE: Final = (
    "server.drain_s",
    "server.watch",
    "tls",
    "eliza",
    "hume",
    "retell",
    "evi",
    "speech",
    "conversation",
    "safety",
    "steer",
    "limits.max_message_bytes",
    "limits.head_bytes",
    "limits.head_timeout_s",
    "limits.handshake_timeout_s",
    "limits.write_timeout_s",
    "limits.close_timeout_s",
    "limits.messages_per_s",
    "limits.utterance_chars",
    "log",
)
"""Tables and keys that new calls take over. Every other one belongs to what is built once, when the daemon starts."""


def changed_keys(old: Table, new: Table) -> list[str]:
    """The paths of the keys whose values differ."""
    return [path for path, _, _ in _differences(old, new)]


def refuse_fixed(old: Table, new: Table) -> list[Problem]:
    """A problem for each key that cannot change while the daemon runs, with both values."""
    problems = [
        Problem(path, f"cannot change from {_shown(was)} to {_shown(is_)} while the daemon runs: restart it")
        for path, was, is_ in _differences(old, new)
        if not any(path == live or path.startswith(live + ".") for live in LIVE)
    ]
    return problems + [
        Problem(path, "TLS cannot be turned on or off while the daemon runs: restart it")
        for path, was, is_ in _differences(old, new)
        if path == "tls.certificate" and bool(was) != bool(is_)
    ]


def _differences(old: Table, new: Table, prefix: str = "") -> Iterator[tuple[str, object, object]]:
    for name in old.__struct_fields__:
        was, is_ = getattr(old, name), getattr(new, name)
        if isinstance(was, Table):
            yield from _differences(was, is_, f"{prefix}{name}.")
        elif was != is_:
            yield prefix + name, was, is_


def _shown(value: object) -> str:
    return json.dumps(plain(value))
