"""Script text -> tokens. Knows brackets, numbers, symbols, comments and lines; knows no grammar."""

from __future__ import annotations

import enum
import re
import sys
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


# White space is any byte up to the space, and DEL; it is passed over. CR LF counts as one line.
_TOKEN: Final = re.compile(
    r"""
    [\x00-\x09\x0e-\x20\x7f]*
    ( [()=]
    | [^\x00-\x20\x7f();=0-9] [^\x00-\x20\x7f();=]*
    | [0-9]+
    | \r\n | [\n\r\v\f]
    | ; [^\n\r\v\f]*
    )
    """,
    re.VERBOSE,
)
_ENDING: Final = Token(Kind.END)


class Lexer:
    """Reads tokens with one token of look-ahead.

    `line` is the line on which the reader stands, which is past a token that was only peeked at; that is the line
    ELIZA's load errors name.
    """

    def __init__(self, source: str) -> None:
        self._texts = iter(_TOKEN.findall(source))
        self._known = {"(": Token(Kind.OPEN), ")": Token(Kind.CLOSE)}  # a script says the same words over and over
        self._peeked: Token | None = None
        self.line = 1

    def peek(self) -> Token:
        """Return the next token without taking it."""
        if self._peeked is None:
            self._peeked = self.next()
        return self._peeked

    def next(self) -> Token:
        """Take the next token; after the last one, END for ever."""
        if (peeked := self._peeked) is not None:
            self._peeked = None
            return peeked
        for text in self._texts:
            token = self._known.get(text)
            if token is not None:
                return token
            if text[0] in "\n\r\v\f":
                self.line += 1
            elif text[0] != ";":
                if "0" <= text[0] <= "9":
                    token = Token(Kind.NUMBER, text, text)
                else:  # a key that is one object in all tables is found sooner
                    token = Token(Kind.SYMBOL, sys.intern(filter_text(text)), text)
                self._known[text] = token
                return token
        return _ENDING
