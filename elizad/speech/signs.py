"""Web and mail addresses and single signs (& % @ # + =), as words."""

from __future__ import annotations

import re
from typing import Final

from elizad.speech.number_words import digits
from elizad.speech.rules import spaced

__all__ = ["SIGNS", "speak_addresses", "speak_signs"]

_SIGNS: Final = {
    "&": "and",
    "%": "percent",
    "@": "at",
    "#": "hash",
    "+": "plus",
    "=": "equals",
    "°": "degrees",
    "$": "dollars",
    "€": "euros",
    "£": "pounds",
    "¥": "yen",
    "₹": "rupees",
    "¢": "cents",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "№": "number",
}
SIGNS: Final = "".join(_SIGNS)
_SIGN: Final = re.compile(rf"(?<![{SIGNS}])[{SIGNS}]{{1,2}}(?![{SIGNS}])")  # a longer run is a line or a curse: left

_ADDRESS: Final = re.compile(
    r"(?<![\w.+/-])(?:(?P<mail>[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<web>(?:https?://|www\.)[^\s<>\"”]+|(?:[\w-]+\.)+(?:com|org|net|edu|gov|io|uk|de|eu)\b(?:/[^\s<>\"”]*)?))"
)
_ADDRESS_HINT: Final = re.compile(r"@(?<=[\w.+-]@)|://|[.](?:(?<=www\.)|(?:com|org|net|edu|gov|io|uk|de|eu)\b)")
_PIECE: Final = re.compile(r"[^\W\d_]+|[\d.@/_+:-]")
_PIECES: Final = {".": "dot", "@": "at", "/": "slash", "_": "underscore", "-": "dash", "+": "plus", ":": "colon"}


def speak_addresses(text: str) -> str:
    """Mail and web addresses as people read them out: "anna at example dot com"."""
    return text if _ADDRESS_HINT.search(text) is None else _ADDRESS.sub(_address, text)


def speak_signs(text: str) -> str:
    """Single signs as words: "Tom & Anna" -> "Tom and Anna"."""
    return _SIGN.sub(_sign, text)


def _address(match: re.Match[str]) -> str:
    """Without what nobody reads out: the scheme, "www", the query and the last slash."""
    address = match[0].rstrip(".,;:!?)'’]}")
    tail = match[0][len(address) :]
    path = re.split(r"[?#]", address.removeprefix("https://").removeprefix("http://"), maxsplit=1)[0]
    pieces = _PIECE.findall(path.removeprefix("www.").rstrip("/"))
    words = [digits(piece) if piece.isdecimal() else _PIECES.get(piece, piece) for piece in pieces]
    return (" ".join(words) or "a link") + tail


def _sign(match: re.Match[str]) -> str:
    if match[0] == "#" and match.string[match.end() : match.end() + 1].isalpha():
        return spaced(match, "hashtag")
    return spaced(match, " ".join([_SIGNS[sign] for sign in match[0]]))
