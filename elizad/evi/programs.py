"""Starts the programs that speak and listen. What is started ends with the nursery, killed and waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from subprocess import DEVNULL, PIPE

import trio


async def start(
    nursery: trio.Nursery,
    command: Sequence[str],
    stdin: int | bytes = PIPE,
    stdout: int = PIPE,
    env: Mapping[str, str] | None = None,
) -> trio.Process:
    """Start a program; what it complains of is thrown away. `stdin`: what it reads, or where from.

    Raises: OSError if it cannot be started. Cancelling: it is killed at once, and waited for.
    """
    run = partial(trio.run_process, command, stdin=stdin, stdout=stdout, stderr=DEVNULL, env=env)
    process: trio.Process = await nursery.start(partial(run, check=False, deliver_cancel=_kill))
    return process


async def _kill(process: trio.Process) -> None:
    process.kill()
