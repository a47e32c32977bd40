"""Tokens from a file, so that no secret need stand in the configuration. Never quotes one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Final, NamedTuple

from elizad.ops import forms
from elizad.ops.schema import MASK, Secret

CREDENTIALS: Final = "$CREDENTIALS_DIRECTORY/"
"""What a path begins with that names a credential of the unit (systemd.exec(5), LoadCredential=)."""

_MOST_BYTES: Final = 65_536  # two hundred tokens of the greatest length; a path that leads elsewhere ends here


class TokenFile(NamedTuple):
    """What stood in a file; `warning` is a sentence when others can read it, and else empty."""

    tokens: tuple[Secret, ...]
    warning: str = ""


def read_tokens(
    path: str, check: Callable[[str], None] = forms.token, form: str = f"a token, which has {forms.TOKEN_FORM}"
) -> TokenFile:
    """Read one token a line. Blank lines and lines that begin with "#" count for nothing, nor do spaces round a token.

    `check` raises ValueError for a line that is not of the `form`.

    Raises: ValueError with a sentence that names the file, and the line where there is one.
    """
    where = _expand(path)
    try:
        with open(where, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MOST_BYTES + 1)
    except OSError as wrong:
        raise ValueError(f"{where} cannot be read: {(wrong.strerror or str(wrong)).lower()}") from None
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{where} has more than {_MOST_BYTES} bytes, which are not tokens")
    tokens = []
    for number, line in enumerate(data.decode("utf-8-sig", "replace").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text == MASK:
            raise ValueError(f"{where}, line {number}: this is the mask that --print-config writes, not a token")
        try:
            check(text)
        except ValueError:
            raise ValueError(f"{where}, line {number}: expected {form}") from None
        tokens.append(Secret(text))
    if not tokens:
        raise ValueError(f"{where} holds no token")
    open_to_all = stat.S_ISREG(mode) and mode & stat.S_IROTH
    return TokenFile(tuple(tokens), f"{where} can be read by everybody on this machine" if open_to_all else "")


def _expand(path: str) -> str:
    if not path.startswith(CREDENTIALS):
        return path
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ValueError("CREDENTIALS_DIRECTORY is not set: the unit needs LoadCredential=, or this is not systemd")
    return os.path.join(folder, path.removeprefix(CREDENTIALS))
