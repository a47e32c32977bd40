"""The errors of elizad.

    ElizadError
    ├── ConfigError      the operator's: what the configuration or its files say cannot be used (exit 78)
    ├── StartError       the machine's: something that the daemon needs cannot be had, such as an address (exit 1)
    ├── ScriptError      the script writer's: an ELIZA script that does not load, with its line
    ├── EndlessScript    the script writer's: one reply took more steps than the guard allows
    ├── StoreError       the machine's: sessions cannot be read or kept just now
    └── RemoteError      the peer's: carries the WebSocket close code to answer with

RemoteError is caught in one place, the border of a connection. How a connection can be refused or end is told in
net/errors.py, which belongs to this tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class ElizadError(Exception):
    """Base of every error that elizad raises on purpose."""


class Problem(NamedTuple):
    """One thing that is wrong with the configuration: the key path (`limits.idle_s`) and a sentence."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(ElizadError):
    """The configuration cannot be used; `problems` names every reason that was found, not only the first."""

    def __init__(self, problems: Sequence[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("; ".join(str(problem) for problem in self.problems))


class StartError(ElizadError):
    """The daemon cannot start although its configuration is right; the message is a line for the operator."""


class ScriptError(ElizadError):
    """An ELIZA script that does not load. `line` is where the reader stood, or None for a fault of the whole."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(f"Script error on line {line}: {message}" if line is not None else f"Script error: {message}")


class EndlessScript(ElizadError):
    """One reply followed more links than the step guard allows: the script goes round in a circle."""


class StoreError(ElizadError):
    """Sessions cannot be read or kept just now; the message says why, and never names anybody's session."""


class RemoteError(ElizadError):
    """The peer sent something that cannot be answered: close with `code` (RFC 6455 section 7.4) and `reason`.

    `reason` says what was wrong in words that are ours: it never quotes what the peer sent.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")
