"""The pages for operators and their monitors: is it alive, does it take calls, and what has it counted."""

from __future__ import annotations

import trio

from elizad.net.http import Page, Pages
from elizad.ops.metrics import CONTENT_TYPE, Metrics


class Admin:
    """Serves `/healthz`, `/readyz` and `/metrics`. `ready` is for whoever starts and stops the daemon to set."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.ready = False

    def pages(self) -> Pages:
        """Return the pages by path."""
        return {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._show_metrics}

    async def _healthz(self) -> Page:
        """Alive: the loop turns, or this would not be answered."""
        return Page(200, b"ok\n")

    async def _readyz(self) -> Page:
        """Whether a call that came now would be taken."""
        return Page(200, b"ready\n") if self.ready else Page(503, b"not taking calls\n")

    async def _show_metrics(self) -> Page:
        # In a thread: the first time it imports what it needs, and reading /proc is not for the loop.
        return Page(200, await trio.to_thread.run_sync(self._metrics.render), CONTENT_TYPE)
