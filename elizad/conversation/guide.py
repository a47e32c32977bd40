"""What guides every conversation, whatever mind answers in it: steering, the clock, what is disclosed, what is hushed.

Pure. A guide is made once from the settings and shared by all calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from elizad.conversation.clock import NO_CLOCK, Clock
from elizad.conversation.hush import NOTHING_HUSHED, Hush
from elizad.conversation.said import AlreadySaid, as_it_is, mark
from elizad.conversation.steering import Steering


@dataclass(frozen=True, slots=True)
class Guide:
    """The rules of the house.

    `disclosure` is said once in a call, before anything else. `spell` makes the text of a rule fit to be said, and
    `hush` is the last to see every text.
    """

    steering: Steering
    clock: Clock = NO_CLOCK
    disclosure: str = ""
    hush: Hush = NOTHING_HUSHED
    spell: Callable[[str], str] = as_it_is

    def heard(self, text: str) -> str:
        """Return what is heard of a text of the configuration."""
        return self.hush(self.spell(text))

    def disclosed(self, text: str, turn: int, said: AlreadySaid) -> str:
        """Return `text` with the disclosure before it, unless that has been said; `turn` counts the caller's turns."""
        # Only at the beginning: a platform may write down what it spoke in other words, and nobody bears it each turn.
        if not self.disclosure or turn > 1 or said.times([mark(self.disclosure, self.heard)]):
            return text
        return f"{self.spell(self.disclosure)} {text}".rstrip()


UNGUIDED: Final = Guide(Steering())
