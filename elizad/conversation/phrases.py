"""What is said when there is nothing to answer, and how an utterance is known for a goodbye. Our own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

APOLOGY: Final = "I'm sorry, I lost my thread for a moment. Please go on."

REPEAT: Final = (
    "I'm sorry, I didn't catch that. Could you say it again?",
    "I still couldn't make that out. Would you try once more?",
    "The line is a little unclear. What did you say?",
)

# Said into one silence, one after the other; after the last of them we wait without a word.
SILENCE: Final = (
    "Take your time. I'm listening.",
    "Are you still there?",
    "I'm here whenever you want to go on.",
)

FAREWELL: Final = "Goodbye. Take good care of yourself."

_PARTING: Final = re.compile(r"\b(?:good ?bye|bye|byebye|farewell|so long|take care|see you|see ya)\b")
_AROUND: Final = frozenset(
    "good bye goodbye byebye farewell so long take care see you ya later soon around tomorrow next time week monday"
    " tuesday wednesday thursday friday saturday sunday ok okay well right alright all anyway now then thanks thank"
    " very much a lot for your the help this talk talking listening chat i i've i'm have has need want got gotta must"
    " should going to go leave run hang up off eliza doctor again too and it was nice with me today".split()
)
"""Words that may stand round a leave-taking without its becoming something else."""

_NOT_WORDS: Final = re.compile(r"[^\w']+")
_LONGEST_GOODBYE: Final = 120  # characters; what is longer says something else as well

_FIELD: Final = re.compile(r"\{(\w+)\}")
_BEFORE_MARK: Final = re.compile(r"[\s,;:]+(?=[,.!?])")


def is_goodbye(utterance: str) -> bool:
    """Say whether the caller takes leave, and says nothing else: "okay thank you bye", not "I said goodbye to her"."""
    if len(utterance) > _LONGEST_GOODBYE:
        return False
    words = _NOT_WORDS.sub(" ", utterance.replace("’", "'").casefold()).strip()
    return _PARTING.search(words) is not None and _AROUND.issuperset(words.split())


def fill_fields(text: str, values: Mapping[str, str]) -> str:
    """Put values into the `{name}` fields of a text; a field whose value is not known leaves no gap behind."""
    if "{" not in text:
        return text
    filled = _FIELD.sub(lambda field: " ".join(values.get(field[1], "").split()), text)
    return " ".join(_BEFORE_MARK.sub("", filled).split()).lstrip(",;:.!? ")
