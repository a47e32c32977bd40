"""The words of a reply -> prose: marks where they belong, one end mark, sentence case, and nothing too long to say.

Knows neither script nor person. What the caller said at length is marked word by word (`long_words`), so that
`joined` can tell it from the script's words and cut it short; the mark is white space, which no heard word has in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from elizad.speech.abbreviations import MAY_END, NEVER_END, titles_at_ends
from elizad.speech.everyday import FUNCTION_WORDS
from elizad.speech.verbs import AUXILIARIES, DETERMINERS, PRONOUNS, listed

__all__ = ["MAX_PART_WORDS", "finished", "joined", "long_words"]

MAX_PART_WORDS: Final = 18  # of the caller's own, said back at once: some seven seconds of speech
_LEAST_PART_WORDS: Final = 5  # what a cut leaves at least, so that it is still known whose words they were
_MARK: Final = "\x1e"
_NOTHING: Final = "I am listening."  # for a reply without a word in it

# Cut before the first sort of words, and leave none of the second at the end.
_BORDERS: Final = listed(
    "and because so but which when while if although though since unless who where then after before"
)
_LOOSE: Final = listed(
    "and or but so the a an my your his her our their of to in on at with for from that because is was are were am "
    "about very really if when"
)
_BEFORE_MARK: Final = re.compile(r"[ ,;:]+(?<= )(?=[,.?!;:…](?!\w))")
_TWO_POINTS: Final = re.compile(r"(?<!\.)\.\.(?!\.)")
_OWNER: Final = re.compile(r"(\S*) 's\b")
_SMALL_LETTER_NEXT: Final = re.compile(r" (?<=[.?!…\"')] )[^\W\d_A-Z]")  # begins with what is quickly found
_NEXT_SENTENCE: Final = re.compile(r"(\S*[.?!…])([\"')]* )([^\W\d_])")
_ENDS: Final = (".", "?", "!", "…")

_ASKING: Final = AUXILIARIES | listed("what who whom whose where when why how which")
_ASKED: Final = PRONOUNS | DETERMINERS | listed("any anything something anyone anybody these those")


def long_words(words: list[str]) -> list[str]:
    """Return the caller's words of one clause, marked if there are more of them than a reply should say."""
    return words if len(words) <= MAX_PART_WORDS else [_MARK + word for word in words]


def joined(words: Sequence[str]) -> str:
    """Return the words in one line: single spaces, none before a mark, no mark upon a mark, long parts cut short."""
    text = " ".join(words if all(words) else filter(None, words))
    if text[-2:-1] == " " and text[-1] in "?.!":  # the usual case, and the quick one
        text = text[:-2].rstrip(" ,;:") + text[-1]
    if _MARK in text:
        text = " ".join(_shortened(text.split(" ")))
    if "  " in text:
        text = " ".join(text.split())
    if "'s" in text:
        text = _OWNER.sub(_own, text).removeprefix("'s ")
    if " . " in text and ", ." not in text and "; ." not in text and ": ." not in text:
        text = text.replace(" . ", ". ")  # what is usual in the middle, without the search for all that there may be
    if " ," in text or " ." in text or " ?" in text or "!" in text or ";" in text or ":" in text or "…" in text:
        text = _BEFORE_MARK.sub("", text)
    return _TWO_POINTS.sub(".", titles_at_ends(text)) if ".." in text else text


def finished(text: str) -> str:
    """Give a joined text its end mark and its capitals. The reply is never empty."""
    text = text.strip(" ,;:-")
    if not text[:1].isalnum() and not any(map(str.isalnum, text)):
        return _NOTHING
    if text[-1] not in _ENDS:
        text += "?" if _asks(text) else "."
    if not text[0].isupper():
        text = text[0].upper() + text[1:]
    if (". " in text or "? " in text or "! " in text) and _SMALL_LETTER_NEXT.search(text):
        return _NEXT_SENTENCE.sub(_capital, text)
    return text


def _own(found: re.Match[str]) -> str:
    """Join an owner and its 's again; when the owner is not among the words ("about 's house"), the 's goes."""
    return found[1] if found[1].upper() in FUNCTION_WORDS or not found[1] else f"{found[1]}'s"


def _capital(found: re.Match[str]) -> str:
    word = found[1][:-1].lower()
    if found[1][-1] == "." and word != "i" and (word in NEVER_END or word in MAY_END or "." in word or len(word) < 2):
        return found[0]
    return found[1] + found[2] + found[3].upper()


def _asks(text: str) -> bool:
    """Whether a text without an end mark is a question, by its first two words."""
    first, second, *_ = *text.upper().split(" ", 2), "", ""
    if first in AUXILIARIES:
        return second in _ASKED
    if first == "WHAT" and second in ("A", "AN"):
        return False
    return first in _ASKING and (second in AUXILIARIES or not second or first not in ("WHERE", "WHEN"))


def _shortened(words: list[str]) -> list[str]:
    """Take the marks off, and cut each run of marked words that is too long."""
    kept: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if word[:1] == _MARK:
            run.append(word[1:])
        else:
            kept += run if len(run) <= MAX_PART_WORDS else run[: _end(run)]
            kept.append(word)
            run = []
    return kept[:-1]


def _end(run: Sequence[str]) -> int:
    """Return how many words of a long run are said: up to a word that joins clauses, if there is one in reach."""
    for end in range(MAX_PART_WORDS, _LEAST_PART_WORDS - 1, -1):
        if run[end].upper() in _BORDERS and run[end - 1].upper() not in _LOOSE:
            return end
    end = MAX_PART_WORDS
    while end > _LEAST_PART_WORDS and run[end - 1].upper() in _LOOSE:
        end -= 1
    return end
