"""The length of a call: a warning before its end, and a closing remark. Knows no clock: seconds come with the turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from elizad.conversation.said import AlreadySaid, as_it_is, mark
from elizad.speech.number_words import cardinal

# A platform that ends a call does not wait for the end of a sentence: a turn comes every ten seconds or so, and the
# closing remark takes five.
_RESERVE_S: Final = 20.0

AFTER_THE_END: Final = "Our time is over for today. Goodbye."
"""What is said when the closing remark has been said and the caller is still there: not every platform can hang up."""


class _Now(Protocol):
    """What the clock has to know of a turn."""

    @property
    def seconds_left(self) -> float | None: ...
    @property
    def said(self) -> AlreadySaid: ...


class Clock(NamedTuple):
    """How long a call lasts, and what is said of it; `length_s` 0 is the platform's own limit, if it has one.

    `warning_s` is how many seconds before the end the warning comes, once. An empty text is not said, and without a
    closing remark nothing ends the call. `said_as` makes of a text what is heard of it.
    """

    length_s: float = 0.0
    warning_s: float = 0.0
    warning: str = ""
    closing: str = ""
    said_as: Callable[[str], str] = as_it_is

    def seconds_left(self, elapsed_s: float, platform_limit_s: float | None) -> float | None:
        """Return the seconds until the end, negative after it; None when there is no end."""
        if platform_limit_s is None:
            return self.length_s - elapsed_s if self.length_s else None
        end_s = platform_limit_s - _RESERVE_S
        return (min(end_s, self.length_s) if self.length_s else end_s) - elapsed_s

    def warns(self, now: _Now) -> bool:
        """Whether it is time for the warning, and it has not been said."""
        if not self.warning or now.seconds_left is None or now.seconds_left > self.warning_s:
            return False
        return not now.said.times([mark(self.warning, self.said_as)])

    def closes(self, now: _Now) -> str | None:
        """Return what is to be said because the time is over."""
        if not self.closing or now.seconds_left is None or now.seconds_left > 0:
            return None
        return AFTER_THE_END if now.said.times([mark(self.closing, self.said_as)]) else self.closing


NO_CLOCK: Final = Clock()


def time_words(seconds: float | None) -> str:
    """Say a length of time as a person would, also after "about": "three minutes", "ten seconds"; nothing for None."""
    if seconds is None:
        return ""
    if seconds >= 90:
        return f"{cardinal(round(seconds / 60))} minutes"
    if seconds >= 45:
        return "one minute"
    if seconds >= 20:
        return "half a minute"
    return "ten seconds" if seconds >= 8 else "five seconds" if seconds > 0 else "no time"
