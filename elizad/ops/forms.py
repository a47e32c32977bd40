"""What a string in the configuration has to look like: checks, and types of keys that several tables share."""

from __future__ import annotations

import re
from typing import Annotated, Final

from elizad.ops.schema import Key, Secret
from elizad.ops.visible import quoted

_URL_PATH: Final = re.compile(r"/[!-~]*")
_TOKEN: Final = re.compile(r"[!-~]+")
_TOKEN_CHARS: Final = (8, 256)
TOKEN_FORM: Final = "8 to 256 printable ASCII characters without spaces"
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(?::[0-9]{1,5})?|[a-z]+://\[[0-9a-f:.]+\](?::[0-9]{1,5})?|null"
)
FILE: Final = "a path (relative to the folder of this file)"


def listen_address(text: str) -> None:
    """Raises: ValueError."""
    from elizad.net.listeners import parse_listen  # brings trio along, which --help can do without

    parse_listen(text)


def visible_text(text: str) -> None:
    """Raises: ValueError."""
    if not text.isprintable():
        raise ValueError(f"found {quoted(text)}, which holds a character that cannot be seen")


def url_path(text: str) -> None:
    """Raises: ValueError."""
    if not _URL_PATH.fullmatch(text) or "?" in text or "#" in text:
        raise ValueError


def token(text: str) -> None:
    """Raises: ValueError."""
    least, most = _TOKEN_CHARS
    if not (least <= len(text) <= most and _TOKEN.fullmatch(text)):
        raise ValueError


def source(text: str) -> None:
    """Raises: ValueError."""
    from elizad.net.addresses import parse_source  # brings ipaddress along

    parse_source(text)


def origin(text: str) -> None:
    """Raises: ValueError."""
    if not _ORIGIN.fullmatch(text):
        raise ValueError


Listen = Annotated[str, Key(form='"HOST:PORT", "[IPV6]:PORT", ":PORT" or "unix:/PATH"', check=listen_address)]
Source = Annotated[str, Key(form='an address, a network such as "192.0.2.0/24", or "unix"', check=source)]
Origin = Annotated[str, Key(form='an origin such as "https://example.com", as browsers write it', check=origin)]
Token = Annotated[Secret, Key("", *_TOKEN_CHARS, form=TOKEN_FORM, check=token)]

# Who may call: the same keys at every endpoint.
Tokens = Annotated[
    tuple[Token, ...],
    Key("secrets of which a connection must present one; with no token here and in the file, none is asked for"),
]
TokensFile = Annotated[
    str,
    Key(
        "a file with more of them, one a line; lines that begin with # are comments",
        form='a path (relative to the folder of this file), or "$CREDENTIALS_DIRECTORY/NAME"',
        check=visible_text,
    ),
]
AllowFrom = Annotated[tuple[Source, ...], Key("who may connect; empty: everybody")]
Origins = Annotated[
    tuple[Origin, ...], Key("the web pages that may connect from a browser; empty: any, and what is no browser always")
]
