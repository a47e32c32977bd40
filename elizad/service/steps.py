"""Work that is done a step at a time, so that one call does not keep all others waiting."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import trio

T = TypeVar("T")


async def through(steps: Generator[None, None, T]) -> T:
    """Go through the steps, let others work between them, and return what they come to. Cancelling: they are left."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        await trio.lowlevel.checkpoint()
