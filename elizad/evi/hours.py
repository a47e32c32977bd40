"""How long a chat may last: by what its profile says, when it ends by itself, and what is said then. Pure numbers."""

from __future__ import annotations

import math
from typing import NamedTuple

from elizad.evi.profile import ANSWER_S, HARD_STOP_S, Profile
from elizad.protocols.evi.incoming import EviProblem


class Due(NamedTuple):
    """What is due: `text` to be said, and the problem with which the chat ends then, if it does."""

    text: str | None
    problem: EviProblem | None


class Hours:
    """The time of one chat; all times are of one clock, in seconds."""

    def __init__(self, profile: Profile, opened: float) -> None:
        self._profile = profile
        self._heard_at = opened
        self._nudged = False  # the caller was asked whether they are still there
        self._longest_s = min(profile.max_duration_s or HARD_STOP_S, HARD_STOP_S)
        self._ends_at = opened + self._longest_s

    def heard(self, now: float) -> None:
        """The caller has said something."""
        self._heard_at, self._nudged = now, False

    @property
    def due_at(self) -> float:
        """When `look` has something to say, if nothing happens until then."""
        return min(self._ends_at, self._silent_at)

    @property
    def _silent_at(self) -> float:
        limit_s = self._profile.inactivity_s
        return math.inf if limit_s <= 0 else self._heard_at + limit_s + (ANSWER_S if self._nudged else 0.0)

    def look(self, now: float, *, paused: bool) -> Due | None:
        """Return what is due; who is `paused` says nothing."""
        profile = self._profile
        if now >= self._ends_at:
            why = f"Chat was ended because it lasted {self._longest_s:g} seconds, the longest that it may."
            text = None if paused else profile.max_duration_text
            return Due(text, EviProblem("E0715", "max_duration_timeout", why))
        if now < self._silent_at:
            return None
        if profile.inactivity_text and not self._nudged and not paused:
            self._nudged = True
            return Due(profile.inactivity_text, None)
        why = f"Chat was ended because no user message was received in {profile.inactivity_s:g} seconds."
        return Due(None, EviProblem("E0714", "inactivity_timeout", why))
