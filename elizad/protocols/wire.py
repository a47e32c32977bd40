"""JSON from a platform -> typed values; whatever is wrong with it -> RemoteError with words for a log."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from elizad.errors import RemoteError
from elizad.types import CloseCode

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], text: str) -> T:
    """Decode one message.

    Raises:
        RemoteError: 1007; the reason names the place and the types, never what the caller said.
    """
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
