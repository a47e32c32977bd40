"""What is said when there is nothing to answer. Our own words."""

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

NO_TOOL: Final = "I'm sorry, I can't look that up just now."

_FIELD: Final = re.compile(r"\{(\w+)\}")
_BEFORE_MARK: Final = re.compile(r"[\s,;:]+(?=[,.!?])")


def fill_fields(text: str, values: Mapping[str, str]) -> str:
    """Put values into the `{name}` fields of a text; a field whose value is not known leaves no gap behind."""
    if "{" not in text:
        return text
    filled = _FIELD.sub(lambda field: " ".join(values.get(field[1], "").split()), text)
    return " ".join(_BEFORE_MARK.sub("", filled).split()).lstrip(",;:.!? ")
