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


# White space is any byte up to the space, and DEL; CR LF counts as one line. What is most common comes first.
_TOKEN: Final = re.compile(
    r"""
    [\x00-\x09\x0e-\x20\x7f]*
    (?: (?P<symbol>  (?![0-9]) [^\x00-\x20\x7f();=]+ | = )
      | (?P<close>   \) )
      | (?P<open>    \( )
      | (?P<newline> \r\n | [\n\r\v\f] )
      | (?P<number>  [0-9]+ )
      | (?P<comment> ; [^\n\r\v\f]* )
    )
    """,
    re.VERBOSE,
)
_SYMBOL, _CLOSE, _OPEN, _NEWLINE, _NUMBER = (
    _TOKEN.groupindex[name] for name in ("symbol", "close", "open", "newline", "number")
)

_OPENING: Final = Token(Kind.OPEN)
_CLOSING: Final = Token(Kind.CLOSE)
_ENDING: Final = Token(Kind.END)


class Lexer:
    """Reads tokens with one token of look-ahead.

    `line` is the line on which the reader stands, which is past a token that was only peeked at; that is the line
    ELIZA's load errors name.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._peeked: Token | None = None
        self._symbols: dict[str, Token] = {}  # a script says the same words over and over
        self.line = 1

    def peek(self) -> Token:
        """Return the next token without taking it."""
        if self._peeked is None:
            self._peeked = self._read()
        return self._peeked

    def next(self) -> Token:
        """Take the next token; after the last one, END for ever."""
        token = self._peeked
        if token is None:
            return self._read()
        self._peeked = None
        return token

    def _read(self) -> Token:
        while (found := _TOKEN.match(self._source, self._position)) is not None:
            self._position = found.end()
            kind = found.lastindex
            if kind == _SYMBOL:
                text = found[_SYMBOL]
                token = self._symbols.get(text)
                if token is None:
                    token = self._symbols[text] = Token(Kind.SYMBOL, filter_text(text), text)
                return token
            if kind == _CLOSE:
                return _CLOSING
            if kind == _OPEN:
                return _OPENING
            if kind == _NEWLINE:
                self.line += 1
            elif kind == _NUMBER:
                return Token(Kind.NUMBER, found[_NUMBER], found[_NUMBER])
        return _ENDING
