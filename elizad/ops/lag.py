"""How late the event loop is: what every call waits for when one piece of work takes too long."""

from __future__ import annotations

from typing import Final

import trio

from elizad.service.meter import Histogram

_EVERY_S: Final = 1.0  # one wake-up a second is nothing, and a blocked loop is seen within the second
_BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class LoopLag:
    """Counts by how many seconds a sleep overslept; `worst_s` is the worst since the start."""

    def __init__(self) -> None:
        self.histogram = Histogram(_BOUNDS_S)
        self.worst_s = 0.0

    async def run(self) -> None:
        """Never returns. Cancelling: safe."""
        while True:
            due = trio.current_time() + _EVERY_S
            await trio.sleep_until(due)
            late = trio.current_time() - due
            self.histogram.observe(late)
            self.worst_s = max(self.worst_s, late)
