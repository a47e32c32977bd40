"""How an utterance is known for a leave-taking, which a platform may answer by hanging up."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["PARTING", "PARTING_KEYS", "is_goodbye"]

# "It is good to see you" greets, and who had "a good night" tells of it.
_PARTING: Final = re.compile(
    r"\b(?:good ?bye|bye|byebye|farewell|so long|(?<!to )(?:take care|see you|see ya)|(?<!a )(?<!very )good ?night"
    r"|talk to you (?:later|soon|tomorrow))\b",
    re.IGNORECASE,
)
PARTING: Final = frozenset("bye goodbye byebye farewell long care see night goodnight talk".split())
"""Each leave-taking has one of these words: whoever has the words of an utterance looks for them first."""

PARTING_KEYS: Final = frozenset(map(str.upper, PARTING))
"""The same, as ELIZA spells her keywords."""

_AROUND: Final = frozenset(
    "good bye goodbye byebye farewell so long take care see you ya later soon around tomorrow next time week monday"
    " tuesday wednesday thursday friday saturday sunday ok okay well right alright all anyway now then thanks thank"
    " very much a lot for your the help this talk talking listening chat i i've i'm have has need want got gotta must"
    " should going to go leave run hang up off eliza doctor again too and it was nice with me today"
    " night goodnight".split()
)
"""Words that may stand round a leave-taking without its becoming something else."""

_NOT_WORDS: Final = re.compile(r"[^\w']+")
_LONGEST: Final = 120  # characters; what is longer says something else as well


def is_goodbye(utterance: str) -> bool:
    """Say whether the caller takes leave, and says nothing else: "okay thank you bye", not "I said goodbye to her"."""
    if len(utterance) > _LONGEST:
        return False
    words = _NOT_WORDS.sub(" ", utterance.replace("’", "'").casefold()).split()
    return _AROUND.issuperset(words) and _PARTING.search(utterance) is not None
