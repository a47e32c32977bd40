"""Notices when one of a few files changes, by looking at them: no dependency, and it works on every file system."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import trio

from elizad.ops.config import Settings
from elizad.ops.credentials import config_path, named_files, replaced

_EVERY_S: Final = 1.0
"""A few stat(2) a second are nothing, and a person who saves a file waits no longer than that."""

_Stamp = tuple[int, int, int] | None


async def changes(files: Callable[[], Sequence[str]], tell: Callable[[], None]) -> None:
    """Call `tell` when one of the `files` has changed, come or gone, and has then kept still for a second.

    Which files they are is asked anew each time. Never returns. Cancelling: safe.
    """
    seen = await _stamps(files())
    settled = seen
    while True:
        await trio.sleep(_EVERY_S)
        names = files()
        now = await _stamps(names)
        if set(now) != set(seen):
            seen = settled = now  # other files than before: that is our own doing
        elif now != seen:
            seen = now  # perhaps still being written
        elif now != settled:
            settled = now
            tell()


def files_named(settings: Settings, config: Path | None) -> tuple[str, ...]:
    """The configuration file, and the files that the settings name: those that are read, wherever they are."""
    files = [*named_files(replaced(settings)).values(), *([config_path(config)] if config else [])]
    scripts = [table.script for table in settings.evi.configs.values() if table.script.startswith("/")]
    return (*map(str, files), *scripts)


async def _stamps(names: Sequence[str]) -> dict[str, _Stamp]:
    # In a thread: a file may lie on a disk that does not answer.
    return await trio.to_thread.run_sync(lambda: {name: _stamp(name) for name in names}, abandon_on_cancel=True)


def _stamp(name: str) -> _Stamp:
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
