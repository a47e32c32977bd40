"""What the caller said, cut into words as written, with `,` and `.` where a clause ends. Knows no key and no meaning.

Abbreviations, decimals, times, links, initials and an ellipsis do not end a clause; brackets, quotes and emoji are
no part of a word.
"""

from __future__ import annotations

import re
import unicodedata
from string import ascii_lowercase
from typing import Final

from elizad.speech.abbreviations import MAY_END, NEVER_END
from elizad.speech.contractions import EXPANDED
from elizad.speech.everyday import EVERYDAY

__all__ = ["cut", "without_mark"]

# Marks of other keyboards -> those of ASCII; invisible characters go.
_TYPOGRAPHY: Final = str.maketrans(
    dict.fromkeys("’‘‛`´ʼ", "'")
    | dict.fromkeys("“”„«»‹›", '"')
    | {"—": " -- ", "–": "-", "−": "-", "‐": "-", "‑": "-", "…": "...", "¿": " ", "¡": " "}
    | {"。": ". ", "！": "! ", "？": "? ", "，": ", ", "、": ", ", "；": "; ", "：": ": ", "．": "."}
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", None)
)
_STRANGE: Final = re.compile(r"[^\w\s!-~£€°]+")  # neither letter nor digit nor a mark that has a meaning here
_SPACED_DASH: Final = re.compile(r"\s–\s")

_SMILEY: Final = re.compile(r"[:;=8xX]['o-]?[()\[\]DPpOo3/\\|*]+|<3+|[xX]D+")
_LETTER: Final = r"[^\x00-@\[-`{-\x9f£€°\s]"  # with what is written above it, which \w is not
_WORD: Final = rf"(?:{_LETTER}|[0-9])+"
_PIECE: Final = re.compile(
    rf"""
      (?P<link>     (?:https?://|www\.)\S*[\w/] | [\w.+-]+@[\w-]+(?:\.[\w-]+)+ )
    | (?P<number>   (?<!\w)(?:[+-]?[$£€\#]?|[$£€]-?)\.?[0-9]+(?:[.,:/-]?[0-9]+)*(?:%|°|{_LETTER}+)?(?:['-]{_LETTER}+)* )
    | (?P<word>     {_LETTER}(?:{_WORD})?(?:['&/+@._-]{_WORD})*(?:\+\+|\#)? )
    | (?P<ellipsis> \.{{2,}}(?![0-9]) )
    | (?P<stop>     [.!?] )
    | (?P<pause>    [,;:]+ | --+ | (?<!\S)-(?!\S) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_POINTED: Final = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]")  # e.g, U.S, Ph.D
_POINTED_WORDS: Final = NEVER_END | MAY_END | frozenset(("no", "p", "pp", "fig")) | frozenset(ascii_lowercase)
_LONE_MARKS: Final = {"-": ",", "--": ","} | dict.fromkeys(",;:", ",") | dict.fromkeys(".?!", ".")
_CLOSERS: Final = "\"')]}>*_~"


def cut(text: str) -> list[str]:
    """Return the words of `text` in order; every `,` or `.` in the list is a border between clauses."""
    if not text.isascii():
        text = _plain(text)
    raws = text.split()
    tokens: list[str] = []
    for index, raw in enumerate(raws):
        if raw.isalpha() or raw.upper() in EXPANDED:
            tokens.append(raw)
        elif raw in _LONE_MARKS:
            tokens.append(_LONE_MARKS[raw])
        elif word := without_mark(raw):
            tokens += word, "," if raw[-1] in ",;" else "."
        elif not _SMILEY.fullmatch(raw):
            _cut_raw(raw, raws[index + 1] if index + 1 < len(raws) else "", tokens)
    return tokens


def without_mark(raw: str) -> str:
    """Return what stands before the mark that `raw` ends with if it is a word and no abbreviation, else nothing."""
    word, mark = raw[:-1], raw[-1]
    return word if mark in ",.?!;" and word.isalpha() and (mark != "." or word.lower() not in _POINTED_WORDS) else ""


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFC", _SPACED_DASH.sub(" -- ", text)).translate(_TYPOGRAPHY)
    return _STRANGE.sub(_keep_marks, text)


def _keep_marks(found: re.Match[str]) -> str:
    """Keep what is written above and below letters (Hindi, Arabic, ...); all other strange characters are a space."""
    return "".join(char if unicodedata.category(char)[0] == "M" else " " for char in found[0])


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
                pointed = piece == "." and before and not raw[end:].strip(_CLOSERS)
                if pointed and (_is_abbreviation(before) or _counts(before, following)):
                    tokens[-1] += "."
                    pointed = not _ends(before, following)
                else:
                    pointed = False
                if not pointed:
                    tokens.append(".")
            case _:
                tokens.append(",")
    if raw[-1] == "-" and raw[-2:-1].isalpha() and following not in ("and", "or", "to", "-"):
        tokens.pop()  # a word broken off: "I wa- I was"


def _cut_at_points(piece: str, tokens: list[str]) -> None:
    """Cut `hello.how`, which lacks a space, but not `example.com` or `U.S`."""
    word, *parts = piece.split(".")
    last = word
    for part in parts:
        if len(last) > 1 and (part.upper() in EVERYDAY or part == "I" or (part.istitle() and len(part) > 2)):
            tokens += word, "."
            word = part
        else:
            word = f"{word}.{part}"
        last = part
    tokens.append(word)


def _is_abbreviation(word: str) -> bool:
    lower = word.lower()
    return lower in MAY_END or lower in NEVER_END or (len(word) > 1 and _POINTED.fullmatch(word) is not None)


def _ends(abbreviation: str, following: str) -> bool:
    """Whether the sentence ends with an abbreviation: a capital that is no name must follow."""
    lower = abbreviation.lower()
    return (
        (lower in MAY_END or len(lower) > 2)
        and lower not in NEVER_END
        and following[:1].isupper()
        and following.upper() in EVERYDAY
    )


def _counts(word: str, following: str) -> bool:
    """Whether the point after a word that is an abbreviation only here belongs to it: "J. Smith", "no. 5"."""
    if len(word) == 1 and word.isalpha():
        return word.isupper() and word != "I" and following[:1].isupper()
    return word.lower() in ("no", "p", "pp", "fig") and following[:1].isdigit()
