"""JSON from a platform -> typed values; whatever is wrong with it -> RemoteError with words for a log."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from elizad.errors import RemoteError
from elizad.types import CloseCode

T = TypeVar("T")

MOST_ENTRIES: Final = 4_000
"""Entries of one transcript. EVI ends a chat after half an hour and Retell a call after two: nobody talks in turns of
half a second, or of two for so long. Reading that many takes 25 milliseconds, in which nobody else is served."""

MAX_SESSION_CHARS: Final = 256
"""Of a session's name: a UUID has 36."""

MOST_OBJECTS: Final = 100_000
"""Objects in one message, which are what decoding costs most for: 20 milliseconds. Retell writes one for each word,
and two hours of speech have 20,000; Hume has 6 an entry."""


def decode(decoder: msgspec.json.Decoder[T], text: str) -> T:
    """Decode one message.

    Raises:
        RemoteError: 1007; the reason names the place and the types, never what the caller said. 1009 for more objects
            than any conversation has.
    """
    if len(text) > MOST_OBJECTS:
        check_objects(text.count("{"))
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        reason = f"unexpected shape: {error}"
    except msgspec.DecodeError as error:
        reason = f"not JSON: {error}"
    except RecursionError:
        reason = "nested too deeply"
    except UnicodeEncodeError:
        reason = "not Unicode text"
    raise RemoteError(CloseCode.INVALID_PAYLOAD, reason)


def check_objects(braces: int) -> None:
    """Raises: RemoteError 1009 for a message with more opening braces than that."""
    if braces > MOST_OBJECTS:
        raise RemoteError(CloseCode.TOO_BIG, f"more than {MOST_OBJECTS} objects in a message")


def check_length(entries: int) -> None:
    """Raises: RemoteError 1009 for more than MOST_ENTRIES."""
    if entries > MOST_ENTRIES:
        raise RemoteError(CloseCode.TOO_BIG, f"more than {MOST_ENTRIES} entries in a transcript")
