"""The expressions that are measured in a voice: how they are named, in a script and in words.

The names and their spelling are Hume's (its 48 prosody scores). Nothing here measures anything, and no score is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

# fmt: off
NAMES: Final = (
    "Admiration", "Adoration", "Aesthetic Appreciation", "Amusement", "Anger", "Anxiety", "Awe",
    "Awkwardness", "Boredom", "Calmness", "Concentration", "Confusion", "Contemplation", "Contempt",
    "Contentment", "Craving", "Desire", "Determination", "Disappointment", "Disgust", "Distress", "Doubt",
    "Ecstasy", "Embarrassment", "Empathic Pain", "Entrancement", "Envy", "Excitement", "Fear", "Guilt",
    "Horror", "Interest", "Joy", "Love", "Nostalgia", "Pain", "Pride", "Realization", "Relief", "Romance",
    "Sadness", "Satisfaction", "Shame", "Surprise (negative)", "Surprise (positive)", "Sympathy", "Tiredness",
    "Triumph",
)

_ADJECTIVES: Final = {
    "Admiration": "admiring", "Adoration": "adoring", "Aesthetic Appreciation": "appreciative",
    "Amusement": "amused", "Anger": "angry", "Anxiety": "anxious", "Awe": "awestruck awed", "Awkwardness": "awkward",
    "Boredom": "bored", "Calmness": "calm", "Concentration": "concentrated concentrating focused",
    "Confusion": "confused", "Contemplation": "contemplative", "Contempt": "contemptuous",
    "Contentment": "content contented", "Craving": "craving", "Desire": "desirous", "Determination": "determined",
    "Disappointment": "disappointed", "Disgust": "disgusted", "Distress": "distressed", "Doubt": "doubtful",
    "Ecstasy": "ecstatic", "Embarrassment": "embarrassed", "Empathic Pain": "empathic", "Entrancement": "entranced",
    "Envy": "envious", "Excitement": "excited", "Fear": "fearful afraid scared", "Guilt": "guilty",
    "Horror": "horrified", "Interest": "interested", "Joy": "joyful", "Love": "loving", "Nostalgia": "nostalgic",
    "Pain": "pained hurt", "Pride": "proud", "Realization": "realizing", "Relief": "relieved",
    "Romance": "romantic", "Sadness": "sad", "Satisfaction": "satisfied", "Shame": "ashamed",
    "Sympathy": "sympathetic", "Tiredness": "tired", "Triumph": "triumphant",
}
# fmt: on

# Hume says how much in six words; these are our marks on its scale, evenly spread, so that "quite" passes a threshold
# of 60 and "moderately" does not.
_MODIFIERS: Final = {
    "very slightly": 0.15,
    "slightly": 0.3,
    "moderately": 0.45,
    "quite": 0.6,
    "very": 0.75,
    "extremely": 0.9,
}


class Voice(NamedTuple):
    """How the newest words were said: name (one of NAMES) -> 0 to 1, any of them missing.

    `remarks` is how many remarks on the voice have been made in this conversation; it chooses whose turn it is.
    """

    scores: Mapping[str, float]
    remarks: int = 0


def script_name(name: str) -> str:
    """Write a name as a script does: "Surprise (negative)" -> `SURPRISE.NEGATIVE`."""
    return name.upper().replace(" ", ".").replace("(", "").replace(")", "")


BY_SCRIPT_NAME: Final[Mapping[str, str]] = {script_name(name): name for name in NAMES}

_BY_PHRASE: Final = {
    **{name.lower(): name for name in NAMES},
    **{word: name for name, words in _ADJECTIVES.items() for word in words.split()},
    **{f"surprised ({side})": f"Surprise ({side})" for side in ("negative", "positive")},
}


def named(name: str) -> str | None:
    """Return the exact name that is meant, whatever its case, or None."""
    return next((known for known in NAMES if known.lower() == name.lower()), None)


def score(modifier: str, emotion: str) -> tuple[str, float] | None:
    """Return the name and the score of a phrase such as ("very", "tired"); None when it is not known."""
    name = _BY_PHRASE.get(emotion.lower())
    mark = _MODIFIERS.get(modifier)
    return None if name is None or mark is None else (name, mark)
