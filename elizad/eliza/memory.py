"""Which of the four MEMORY forms a remembered sentence gets: the hash of the IBM 7094's SLIP library.

The last word of the text is cut in sixes; its last cell, in the machine's six-bit code, is squared, and two bits from
the middle of the product choose the form.
"""

from __future__ import annotations

from typing import Final

_CELL: Final = 6
_SPACE: Final = bytes([0o60])
_WORD_MASK: Final = 2**35 - 1  # the sign bit of the 36-bit word is lost in the square


def _codes() -> dict[int, int]:
    rows = {0o00: "0123456789", 0o13: "='", 0o20: "+ABCDEFGHI", 0o33: ".)", 0o40: "-JKLMNOPQR", 0o53: "$*"}
    rows |= {0o60: " /STUVWXYZ", 0o73: ",("}
    return {ord(letter): first + i for first, letters in rows.items() for i, letter in enumerate(letters)}


_KNOWN: Final = _codes()
# For each byte its six bits. Bytes that the machine had no code for stand for themselves, with their low six bits.
_CODES: Final = bytes(_KNOWN.get(byte, byte & 0o77) for byte in range(256))


def last_cell(word: str) -> int:
    """Return the last six-character cell of `word` as a 36-bit number, filled up with spaces."""
    data = word.encode("utf-8", "surrogatepass")
    cell = data[(max(len(data), 1) - 1) // _CELL * _CELL :]
    a, b, c, d, e, f = cell.translate(_CODES).ljust(_CELL, _SPACE)
    return a << 30 | b << 24 | c << 18 | d << 12 | e << 6 | f


def slip_hash(datum: int, bits: int) -> int:
    """Return SLIP's HASH of a 36-bit datum: `bits` (0 to 15) bits out of the middle of its square."""
    square = (datum & _WORD_MASK) ** 2
    return (square >> (35 - bits // 2)) & ((1 << bits) - 1)


def form_for(word: str) -> int:
    """Return which MEMORY form, 0 to 3, goes with a text that ends in `word`."""
    return slip_hash(last_cell(word), 2)
