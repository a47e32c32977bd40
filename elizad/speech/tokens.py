"""What the caller said, cut into words as written, with `,` and `.` where a clause ends. Knows no key and no meaning.

Abbreviations, decimals, times, links, initials and an ellipsis do not end a clause; brackets, quotes and emoji are
no part of a word.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from elizad.speech.abbreviations import MAY_END, NEVER_END
from elizad.speech.contractions import EXPANDED
from elizad.speech.everyday import EVERYDAY

__all__ = ["cut"]

# Marks of other keyboards -> those of ASCII; invisible characters go.
_TYPOGRAPHY: Final = str.maketrans(
    dict.fromkeys("’‘‛`´ʼ", "'")
    | dict.fromkeys("“”„«»‹›", '"')
    | {"—": " -- ", "–": "-", "−": "-", "‐": "-", "‑": "-", "…": "...", "¿": " ", "¡": " "}
    | {"。": ". ", "！": "! ", "？": "? ", "，": ", ", "、": ", ", "；": "; ", "：": ": ", "．": "."}
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", None)
)
_STRANGE: Final = re.compile(r"[^\w\s!-~£€°]")  # neither letter nor digit nor a mark that has a meaning here
_SPACED_DASH: Final = re.compile(r"\s–\s")

_SMILEY: Final = re.compile(r"[:;=8xX]['o-]?[()\[\]DPpOo3/\\|*]+|<3+|[xX]D+")
_PIECE: Final = re.compile(
    r"""
      (?P<link>     (?:https?://|www\.)\S*[\w/] | [\w.+-]+@[\w-]+(?:\.[\w-]+)+ )
    | (?P<number>   (?<!\w)(?:[+-]?[$£€\#]?|[$£€]-?)(?:(?<![\d.])\.)?\d+(?:[.,:/-]?\d+)*(?:%|°|[^\W\d_]+)?(?:['-][^\W\d_]+)* )
    | (?P<word>     [^\W\d_]\w*(?:['&/+@.-]\w+)*(?:\+\+|\#)? )
    | (?P<ellipsis> \.{2,} )
    | (?P<stop>     [.!?] )
    | (?P<pause>    [,;:] | --+ | (?<!\S)-(?!\S) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_POINTED: Final = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]")  # e.g, U.S, Ph.D
_CLOSERS: Final = "\"')]}>*_~"


def cut(text: str) -> list[str]:
    """Return the words of `text` in order; every `,` or `.` in the list is a border between clauses."""
    if not text.isascii():
        text = _plain(text)
    tokens: list[str] = []
    raws = text.split()
    for index, raw in enumerate(raws):
        if raw.isalpha() or raw.upper() in EXPANDED:
            tokens.append(raw)
        elif raw[-1] in ",?!;" and raw[:-1].isalpha():
            tokens += raw[:-1], "," if raw[-1] in ",;" else "."
        elif not _SMILEY.fullmatch(raw):
            _cut_raw(raw, raws[index + 1] if index + 1 < len(raws) else "", tokens)
    return tokens


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", _SPACED_DASH.sub(" -- ", text)).translate(_TYPOGRAPHY)
    return _STRANGE.sub(_keep_marks, text)


def _keep_marks(found: re.Match[str]) -> str:
    """Keep what is written above and below letters (Hindi, Arabic, ...); all other strange characters are a space."""
    return found[0] if unicodedata.category(found[0])[0] == "M" else " "


def _cut_raw(raw: str, following: str, tokens: list[str]) -> None:
    """Cut what stands between two spaces."""
    for found in _PIECE.finditer(raw):
        piece, end = found[0], found.end()
        match found.lastgroup:
            case "word":
                if "." in piece:
                    _cut_at_points(piece, tokens)
                else:
                    tokens.append(piece + "g" if piece.endswith("in") and raw[end:] == "'" and raw[0] != "'" else piece)
            case "link":
                tokens.append(piece)
            case "number":
                tokens.append(piece.replace(".", "0.", 1) if piece.lstrip("+-$£€#")[0] == "." else piece)
            case "ellipsis":
                if following and following[0].isupper() and following.upper() in EVERYDAY and not raw[end:]:
                    tokens.append(".")
            case "stop":
                before = tokens[-1] if tokens and found.start() and raw[found.start() - 1].isalnum() else ""
                if piece == "." and before and not raw[end:].strip(_CLOSERS) and _abbreviates(before, following):
                    tokens[-1] += "."
                else:
                    tokens.append(".")
            case _:
                tokens.append(",")
    if raw[-1] == "-" and raw[-2:-1].isalpha() and following not in ("and", "or", "to", "-"):
        tokens.pop()  # a word broken off: "I wa- I was"


def _cut_at_points(piece: str, tokens: list[str]) -> None:
    """Cut `hello.how`, which lacks a space, but not `example.com` or `U.S`."""
    parts = piece.split(".")
    word = parts[0]
    for part in parts[1:]:
        if len(word) > 2 and (part.upper() in EVERYDAY or part == "I" or (part.istitle() and len(part) > 1)):
            tokens += word, "."
            word = part
        else:
            word = f"{word}.{part}"
    tokens.append(word)


def _abbreviates(word: str, following: str) -> bool:
    """Whether the point after `word` belongs to it, so that the clause goes on."""
    if len(word) == 1 and word.isalpha():
        return word.isupper() and word != "I" and following[:1].isupper()
    lower = word.lower()
    if lower in MAY_END or _POINTED.fullmatch(word):
        return not following or not (following[0].isupper() and following.upper() in EVERYDAY)
    return lower in NEVER_END or (lower in ("no", "p", "pp", "fig") and following[:1].isdigit())
