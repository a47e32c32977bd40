"""The load's process, from the side of the one that measures."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from elizad.bench.orders import Answer, Failed, Order
from elizad.errors import ElizadError

_END_S: Final = 5.0  # the load has nothing to finish

A = TypeVar("A", bound=Answer)


class LoadFailed(ElizadError):
    """The load could not do what was asked; the reason is in words."""


class Caller:
    """Made by `caller`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def do(self, order: Order, kind: type[A]) -> A:
        """Have an order carried out. Raises: LoadFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise LoadFailed("the load has ended") from None
        line = self._process.stdout.readline()
        if not line:
            raise LoadFailed("the load has ended")
        answer = msgspec.json.decode(line, type=Answer)
        if isinstance(answer, Failed):
            raise LoadFailed(answer.why)
        assert isinstance(answer, kind)
        return answer


@contextlib.contextmanager
def caller(core: int | None) -> Iterator[Caller]:
    """Run the load's process on a core of its own, if there is one, for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "elizad.bench.load"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the one who measures
    )
    try:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        yield Caller(process)
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
