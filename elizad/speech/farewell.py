"""How an utterance is known for a leave-taking, which a platform may answer by hanging up."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["PARTING", "is_goodbye"]

# "It is good to see you" greets, and who had "a good night" tells of it.
_PARTING: Final = re.compile(
    r"\b(?:good ?bye|bye|byebye|farewell|so long|(?<!to )(?:take care|see you|see ya)|(?<!a )(?<!very )good ?night"
    r"|talk to you (?:later|soon|tomorrow))\b",
    re.IGNORECASE,
)
PARTING: Final = frozenset("BYE GOODBYE BYEBYE FAREWELL LONG CARE SEE NIGHT GOODNIGHT TALK".split())
"""Each leave-taking has one of these words."""

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
    small = utterance.lower()
    hinted = "bye" in small or "see y" in small or "take care" in small or "so long" in small or "farewell" in small
    # The hints are quicker than the expression, but only that knows which letters beyond ASCII are like these.
    if not (hinted or "night" in small or "talk to y" in small) and utterance.isascii():
        return False
    if len(utterance) > _LONGEST or _PARTING.search(utterance) is None:
        return False
    return _AROUND.issuperset(_NOT_WORDS.sub(" ", utterance.replace("’", "'").casefold()).split())
