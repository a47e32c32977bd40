"""What a call begins with when its caller has called before: where ELIZA stands, and what was spoken of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from elizad.eliza import State
from elizad.speech.chunks import split_chunks
from elizad.speech.everyday import FUNCTION_WORDS
from elizad.speech.hearing import hear

LAST_TOPIC: Final = "last_topic"
"""The field by which a text of one's own can name what was spoken of last time."""

# Tags of the packaged scripts. Among the things are words such as "sick", only good at the end of their phrase.
_PEOPLE: Final = ("FAMILY", "SOMEONE")
_THINGS: Final = ("TOPIC",)
_BETWEEN: Final = 1  # words between "my" and the name of it: "my older brother"


class Past(NamedTuple):
    """`topic` is what was spoken of in the call before ("your mother"), `known` a caller who has called before.

    `greeted` says that this very call has been greeted, on a connection that was lost.
    """

    state: State
    topic: str = ""
    known: bool = False
    greeted: bool = False


def topic_of(text: str, tags: Mapping[str, frozenset[str]]) -> str:
    """Return what of the caller's own was spoken of, as it is said back ("your mother"); empty if nothing was.

    `tags` are the script's: only what they call a person or a topic can be named without sounding wrong.
    """
    if "my" not in text.casefold():
        return ""  # as nearly always, and to hear the text once more costs as much as to answer it
    keys, _ = hear(text)
    for start, key in enumerate(keys, 1):
        for end in range(start + 1, start + 2 + _BETWEEN) if key == "MY" else ():
            *between, last = keys[start:end] or [""]
            if not all(map(_describes, between)):
                continue
            after = keys[end] if end < len(keys) else ""
            if _is_one_of(_PEOPLE, tags, last) or (_is_one_of(_THINGS, tags, last) and not _describes(after)):
                return f"your {' '.join(keys[start:end]).lower()}"
    return ""


def remind(opening: str, topic: str) -> str:
    """Put what was spoken of last time before the question with which a greeting ends."""
    *before, last = [sentence.strip() for sentence in split_chunks(opening, "sentence")] or [""]
    reminder = f"Last time you spoke of {topic}."
    return " ".join(filter(None, [*before, reminder, last] if last.endswith("?") else [*before, last, reminder]))


def _is_one_of(names: tuple[str, ...], tags: Mapping[str, frozenset[str]], word: str) -> bool:
    return any(word in tags.get(name, ()) for name in names)


def _describes(word: str) -> bool:
    return word.isalpha() and word not in FUNCTION_WORDS
