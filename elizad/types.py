"""Words that every floor shares."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Role(enum.Enum):
    """Who said an utterance. What is neither caller nor agent (system, tool, context) is OTHER."""

    USER = "user"
    ASSISTANT = "assistant"
    OTHER = "other"


class Utterance(NamedTuple):
    """One entry of a transcript: who, and the words, without any platform's annotations."""

    role: Role
    text: str


class CloseCode:
    """WebSocket close codes that elizad sends or reports (RFC 6455 section 7.4.1, and the IANA registry)."""

    NORMAL: Final = 1000
    GOING_AWAY: Final = 1001
    UNSUPPORTED_DATA: Final = 1003
    NO_STATUS: Final = 1005
    ABNORMAL: Final = 1006
    INVALID_PAYLOAD: Final = 1007
    POLICY: Final = 1008
    TOO_BIG: Final = 1009
    INTERNAL_ERROR: Final = 1011
