"""Why a call has ended, in a code and in words for the log."""

from __future__ import annotations

from typing import Final, NamedTuple

from elizad.errors import RemoteError
from elizad.net.errors import PeerClosed
from elizad.types import CloseCode

# Codes that say what was wrong with what the peer sent: protocol, kind, encoding, size.
_FAULTS: Final = frozenset({1002, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_PAYLOAD, CloseCode.TOO_BIG})


class Ending(NamedTuple):
    """Why a call ended: the close code, whose doing it was, and words for the log.

    `reason` is sent to the peer when the ending is ours.
    """

    code: int
    why: str
    reason: str = ""


def gone(closed: PeerClosed | RemoteError) -> Ending:
    """Say how a call has ended whose socket is closed, or whose peer says what cannot be understood."""
    if isinstance(closed, RemoteError):
        return Ending(closed.code, f"bad input: {closed.reason}", closed.reason)
    if closed.by_peer:
        return Ending(closed.code, "the peer closed")  # its own words are not logged: they can hold anything
    whose = "bad input" if closed.code in _FAULTS else "we closed"
    return Ending(closed.code, f"{whose}: {closed.reason}" if closed.reason else whose)
