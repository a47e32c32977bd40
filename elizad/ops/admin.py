"""The pages for operators and their monitors: is it alive, does it take calls, how is it, and what has it counted."""

from __future__ import annotations

import msgspec
import trio

from elizad.net.http import Page, Pages
from elizad.ops.config import PAGES
from elizad.ops.metrics import CONTENT_TYPE, Metrics
from elizad.ops.vitals import Vitals


class Admin:
    """Serves PAGES."""

    def __init__(self, metrics: Metrics, vitals: Vitals) -> None:
        self._metrics = metrics
        self._vitals = vitals

    def pages(self) -> Pages:
        """Return the pages by path."""
        return dict(zip(PAGES, (self._healthz, self._readyz, self._status, self._show_metrics), strict=True))

    async def _healthz(self) -> Page:
        """Alive: the loop turns, or this would not be answered."""
        return Page(200, b"ok\n")

    async def _readyz(self) -> Page:
        """Whether a call that came now would be taken."""
        taken = self._vitals.state in ("ready", "reloading")
        return Page(200, b"ready\n") if taken else Page(503, b"not taking calls\n")

    async def _status(self) -> Page:
        # In a thread: reading /proc is not for the loop.
        status = await trio.to_thread.run_sync(self._vitals.status)
        return Page(200, msgspec.json.encode(status) + b"\n", "application/json")

    async def _show_metrics(self) -> Page:
        # In a thread: the first time it imports what it needs, and reading /proc is not for the loop.
        tasks = trio.lowlevel.current_statistics().tasks_living
        return Page(200, await trio.to_thread.run_sync(self._metrics.render, tasks), CONTENT_TYPE)
