"""The character filter: what ELIZA makes of the letters of a prompt or a script before it looks at words.

Letters become capitals one for one, the way an ISO 30112 locale of Unicode 5 had them. Python's own `str.upper()`
knows younger letters and turns some into several, so it is used only inside the ranges where the two agree; whatever
is not listed here passes through unchanged.
"""

from __future__ import annotations

from typing import Final

# Ranges (hexadecimal, inclusive) in which str.upper() says what the old table said.
_PLAIN: Final = (
    "61-7A B5 E0-148 14B-19A 19C-1EF 1F2-23C 242-251 253-25B 260 263 268-269 26B 26F-280 283 288-292 345 371-37D "
    "3AC-3AF 3B1-3D6 3D9-3F2 3F5-3FB 430-523 561-586 1D7D 1E01-1E95 1E9B-1F45 1F51 1F53 1F55 1F57-1F7D 1FB0-1FB1 "
    "1FBE 1FD0-1FD1 1FE0-1FE1 1FE5 214E-2184 24D0-24E9 2C30-2C5E 2C61-2CE3 2D00-2D25 FF41-FF5A 10428-1044F"
)
# Greek letters with an iota below: the old table gives the one-letter form, which Python calls title case.
_TITLED: Final = "1F80-1F87 1F90-1F97 1FA0-1FA7 1FB3 1FC3 1FF3"
_LIGATURES: Final = {0xDF: "SS", 0xFB00: "FF", 0xFB01: "FI", 0xFB02: "FL", 0xFB03: "FFI", 0xFB04: "FFL"}
_LIGATURES_ST: Final = {0xFB05: "ST", 0xFB06: "ST"}
_QUOTES: Final = '"`¡«»¿‘‚‛“”„‟‹›'


def _code_points(ranges: str) -> list[int]:
    points: list[int] = []
    for item in ranges.split():
        first, _, last = item.partition("-")
        points.extend(range(int(first, 16), int(last or first, 16) + 1))
    return points


def _build_table() -> dict[int, str]:
    table = {point: capital for point in _code_points(_PLAIN) if len(capital := chr(point).upper()) == 1}
    table |= {point: chr(point).title() for point in _code_points(_TITLED)}
    table |= _LIGATURES | _LIGATURES_ST
    table |= {ord(quote): " " for quote in _QUOTES}
    table |= {ord(mark): "." for mark in "!?"}
    table |= {ord(mark): "," for mark in ":;–—"}
    table[ord("’")] = "'"
    return table


_TABLE: Final = _build_table()


def filter_text(text: str) -> str:
    """Return `text` as ELIZA reads it: capitals, `!?` as a period, `:;` and dashes as a comma, quotes as spaces."""
    return text.translate(_TABLE)
