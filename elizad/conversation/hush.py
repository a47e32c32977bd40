"""Words that are never said aloud, whoever said them first: the last to touch a text before it is spoken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

# A sentence cannot do without what comes after these: "tell me of your -" becomes "tell me of that".
_OWNERS: Final = r"(?:a|an|the|my|your|his|her|its|our|their|this|that|these|those|some|any|no)"
_LEADERS: Final = (
    r"(?:of|about|with|for|to|from|by|at|in|on|into|is|are|was|were|be|am|like|than|and|or|say|says|said|mean|means"
    r"|called|as|hate|love|like|want|need|see|find|get|make)"
)
_FOLLOWERS: Final = r"(?:and|or|but|is|are|was|were|when|because|if|to|of|in|on|at|for|with|again|too|now|then)"
_END: Final = rf"(?=\s*(?:[.,;:!?…]|$|{_FOLLOWERS}\b))"
_NOTHING_LEFT: Final = "I see."


class Hush:
    """Some words, whole ones only, that are left out of a text or become "that" where it needs a word."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        """`words` may be of several words each. Upper and lower case are the same."""
        self.words: Final = tuple(words)
        gaps = (r"\s+".join(map(re.escape, word.split())) for word in sorted(words, key=len, reverse=True))
        never = rf"(?<!\w)(?<!\w['’])(?:{'|'.join(gaps)})(?:['’]s)?(?!['’]?\w)" if words else r"(?!)"
        run = rf"(?:{never}(?:[\s,]+{never})*)"
        self._never = _any_case(never)
        # Of each the longest word, where only its look in lower case counts: a quick look that spares most the search.
        parts = ([part.lower() for part in word.split() if part.isascii()] for word in words)
        self._signs = tuple({max(some, key=len, default="") for some in parts})
        self._needed = _any_case(rf"(?P<lead>\b{_LEADERS}\s+)?(?P<owner>\b{_OWNERS}\s+)?{run}{_END}")
        self._before_vowel = _any_case(rf"\b(a|an)\s+{run}\s+(?=(\w))")
        self._cursed = _any_case(rf"\b(what|how|who|why|where|when)\s+the\s+{run}(?=\s)")
        self._left_out = _any_case(rf"\s*{run}(?:\s*,(?=\s*[.!?]|\s*$))?")

    def __call__(self, text: str) -> str:
        """Return `text` without the words; the text itself if it has none of them."""
        signed = any(map(text.lower().__contains__, self._signs))
        if (not signed and text.isascii()) or self._never.search(text) is None:
            return text
        sentences = (self._hushed(sentence) for sentence in re.split(r"(?<=[.!?…])(?=\s)", text))
        said = "".join(sentence for sentence in sentences if re.search(r"\w", sentence)).strip() or _NOTHING_LEFT
        while self._never.search(said):  # what stood apart may have come together, and "that" may be on the list
            said = " ".join(self._never.sub(" ", said).split())
        return said

    def _hushed(self, sentence: str) -> str:
        if self._never.search(sentence) is None:
            return sentence
        lead_space = sentence[: len(sentence) - len(sentence.lstrip())]
        sentence = self._cursed.sub(r"\1", sentence)
        sentence = self._before_vowel.sub(lambda found: _article(found[1], found[2]), sentence)
        sentence = self._needed.sub(_instead, sentence)
        sentence = self._left_out.sub("", sentence).strip()
        sentence = " ".join(sentence.split())
        sentence = re.sub(r"\s+([.,;:!?…])", r"\1", re.sub(r"^[\s,;:]+|,(?=\s*[,.!?])", "", sentence))
        return lead_space + sentence[:1].upper() + sentence[1:]


def _any_case(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _instead(found: re.Match[str]) -> str:
    """A word that the sentence needs becomes "that", with its article; one that it does not need goes."""
    lead, owner = found["lead"], found["owner"]
    that = "THAT" if found[0].isupper() else "that"
    return f"{lead or ''}{that}" if lead or owner else ""


def _article(article: str, following: str) -> str:
    a = "an" if following.lower() in "aeiou" else "a"
    return (a.capitalize() if article[0].isupper() else a) + " "


NOTHING_HUSHED: Final = Hush()
