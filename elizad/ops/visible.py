"""Text that may come from a peer or a file, made fit for one line of a terminal or a log.

A newline in a value would forge a log line, an escape sequence would command the terminal, a bidirectional override
would turn the line around: whatever is not printable is written as an escape. Pure; knows nothing of logging.
"""

from __future__ import annotations

from typing import Final

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, keep: str = "") -> str:
    """Return `text` with every character that is not printable, except those in `keep`, as a backslash escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else escape(char) for char in text)


def quoted(text: str) -> str:
    """Return `text` between double quotes, so that its end cannot be mistaken."""
    return '"' + visible(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def escape(char: str) -> str:
    """Return one character as an escape that people and Python read."""
    if char in _SHORT:
        return _SHORT[char]
    number = ord(char)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
