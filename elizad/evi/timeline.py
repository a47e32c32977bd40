"""When sound was heard: from its place among the samples to the time of the chat. Pure numbers, all milliseconds.

Sound has no clock of its own. A microphone that is off sends nothing, and what comes then was said later than its
samples alone would say.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

_SLACK_MS: Final = 300.0  # by which pieces may come late: a network does that; and so far back speech is noticed
_MOST_STEPS: Final = 200  # of one chat that are remembered: what was said before them has long been told


class _Step(NamedTuple):
    """From `place` among the samples on, the chat is `behind` further than they are."""

    place: float
    behind: float


class Timeline:
    """The time of the sound of one chat, that came from `began_ms` on."""

    def __init__(self, began_ms: int) -> None:
        self._fed = 0.0
        self._steps: deque[_Step] = deque([_Step(0.0, began_ms)], maxlen=_MOST_STEPS)

    def feed(self, length_ms: float, now_ms: float) -> None:
        """Sound of this length has come at this time of the chat."""
        behind = self._steps[-1].behind
        late = now_ms - (self._fed + length_ms + behind)
        if late > _SLACK_MS:  # what comes early is a file, or what a network held up: it is as long as it is
            self._steps.append(_Step(self._fed, behind + late))
        self._fed += length_ms

    def at(self, place_ms: float) -> int:
        """Return when that was heard which is at this place among the samples."""
        behind = self._steps[0].behind
        for step in self._steps:
            if step.place > place_ms + _SLACK_MS:
                break
            behind = step.behind
        return round(place_ms + behind)
