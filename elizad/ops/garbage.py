"""When Python's cyclic collector looks at everything there is: after calls have ended, not in the middle of them.

With 5000 open calls such a look takes most of a second, in which nobody is answered, and by default it came round every
three seconds. What ends within a turn is found by the collector's quick looks at what is new, which go on as ever. A
call that ends as usual leaves nothing to be found; what one leaves that was broken off is old by then: for that we look
ourselves, once as many calls have ended as are open. So what waits to be found is never more than what is in use.
"""

from __future__ import annotations

import gc
from typing import Final

import trio

from elizad.net.tally import Tally

_THRESHOLDS: Final = (2000, 10, 1000)
"""In allocations, and in quick looks of the two younger generations (gc.set_threshold). The second is 20,000 objects,
some 20 ms; the last, twenty million allocations, is for whatever is no call."""

_EVERY_S: Final = 1.0  # how often the count is looked at

_LEAST: Final = 500  # ended connections: what they could leave is 12 MB, and a look with few calls takes 3 ms


def settle() -> None:
    """Set the collector up once everything is loaded: what is there now will stay, and need not be looked at again.

    Until then it is best turned off (gc.disable): it would look for a tenth of a second, all told, and find 2,500
    objects. Those are frozen too.
    """
    gc.set_threshold(*_THRESHOLDS)
    gc.freeze()
    gc.enable()


class Garbage:
    """Looks at everything once as many connections have ended as are open, and at least _LEAST."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._ended = 0
        self.looks = 0

    def look_if_due(self) -> None:
        """Count what has ended; collect when that is enough."""
        still_open = self._tally.connections_open
        ended = self._tally.connections - still_open
        if ended - self._ended >= max(_LEAST, still_open):
            self._ended = ended
            self.looks += 1
            gc.collect()

    async def run(self) -> None:
        """Never returns. Cancelling: safe."""
        while True:
            await trio.sleep(_EVERY_S)
            self.look_if_due()
