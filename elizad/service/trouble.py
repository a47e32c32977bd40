"""Something that may fail for a while: told once when it begins, and once when it is over."""

from __future__ import annotations

import logging

from elizad.errors import StoreError

log = logging.getLogger("elizad.service")


class Trouble:
    """Tells once that something fails, and once that it does no longer; `why` is empty in between."""

    def __init__(self, begins: str, ends: str) -> None:
        self._begins = begins
        self._ends = ends
        self.why = ""

    def tell(self, error: StoreError) -> None:
        if not self.why:
            log.error(self._begins, extra={"fields": {"why": str(error)}})
        self.why = str(error)

    def is_over(self) -> None:
        if self.why:
            log.warning(self._ends)
        self.why = ""
