"""Script text -> tokens. Knows brackets, numbers, symbols, comments and lines; knows no grammar."""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from elizad.eliza.characters import filter_text


class Kind(enum.Enum):
    """What a token is."""

    OPEN = "("
    CLOSE = ")"
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"


class Token(NamedTuple):
    """One token. `key` is the symbol after the character filter, `written` as it stands in the script."""

    kind: Kind
    key: str = ""
    written: str = ""


# White space is any byte up to the space, and DEL; CR LF counts as one line.
_TOKEN: Final = re.compile(
    r"""
      (?P<newline> \r\n | [\n\r\v\f] )
    | (?P<space>   [\x00-\x09\x0e-\x20\x7f]+ )
    | (?P<comment> ; [^\n\r\v\f]* )
    | (?P<open>    \( )
    | (?P<close>   \) )
    | (?P<number>  [0-9]+ )
    | (?P<symbol>  = | [^\x00-\x20\x7f();=]+ )
    """,
    re.VERBOSE,
)


class Lexer:
    """Reads tokens with one token of look-ahead.

    `line` is the line on which the reader stands, which is past a token that was only peeked at; that is the line
    ELIZA's load errors name.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._peeked: Token | None = None
        self.line = 1

    def peek(self) -> Token:
        """Return the next token without taking it."""
        if self._peeked is None:
            self._peeked = self._read()
        return self._peeked

    def next(self) -> Token:
        """Take the next token; after the last one, END for ever."""
        token = self.peek()
        self._peeked = None
        return token

    def _read(self) -> Token:
        while (found := _TOKEN.match(self._source, self._position)) is not None:
            self._position = found.end()
            text = found[0]
            match found.lastgroup:
                case "newline":
                    self.line += 1
                case "open":
                    return Token(Kind.OPEN)
                case "close":
                    return Token(Kind.CLOSE)
                case "number":
                    return Token(Kind.NUMBER, text, text)
                case "symbol":
                    return Token(Kind.SYMBOL, filter_text(text), text)
        return Token(Kind.END)
