"""A line of input from the bytes of a terminal in cbreak mode: bytes in, what they ask for out. Pure.

Ctrl-C and Ctrl-D arrive as bytes here, so that an interruption can interrupt a reply and not the program.
"""

from __future__ import annotations

import codecs
from enum import Enum
from typing import Final, NamedTuple


class Line(NamedTuple):
    """Enter was pressed behind this text."""

    text: str


class Key(Enum):
    """What is no text."""

    INTERRUPT = "Ctrl-C"
    END = "Ctrl-D"


_CTRL_C: Final = "\x03"
_CTRL_D: Final = "\x04"
_CTRL_U: Final = "\x15"
_CTRL_W: Final = "\x17"
_ESCAPE: Final = "\x1b"
_RUBOUT: Final = ("\x7f", "\b")

MAX_CHARS: Final = 4000  # a pasted book is not an utterance


class Editor:
    """The line being typed."""

    def __init__(self) -> None:
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escape = ""

    def feed(self, data: bytes) -> list[Line | Key]:
        """Take bytes as they were read, and return what was asked for with them."""
        actions: list[Line | Key] = []
        for char in self._decoder.decode(data):
            if self._escape or char == _ESCAPE:
                self._skip(char)
            elif char == _CTRL_C:
                actions.append(Key.INTERRUPT)
            elif char == _CTRL_D:
                if not self.text:
                    actions.append(Key.END)
            elif char in "\r\n":
                actions.append(Line(self.text))
                self.text = ""
            elif char in _RUBOUT:
                self.text = self.text[:-1]
            elif char == _CTRL_U:
                self.text = ""
            elif char == _CTRL_W:
                self.text = self.text.rstrip()
                self.text = self.text[: self.text.rfind(" ") + 1]
            elif char.isprintable() and len(self.text) < MAX_CHARS:
                self.text += char
        return actions

    def _skip(self, char: str) -> None:
        """Arrows and function keys: ESC, then "[" and parameters up to a final byte (ECMA-48), or one character."""
        self._escape += char
        if len(self._escape) == 1 or self._escape in ("\x1b[", "\x1bO"):
            return
        if not self._escape.startswith("\x1b[") or "\x40" <= char <= "\x7e":
            self._escape = ""
