"""A call whose caller is standard input: each line is a step of a script, taken when it comes."""

from __future__ import annotations

import os
import sys
from typing import Final

import trio

from elizad.call.evi import EviPlatform
from elizad.call.phone import Call, Unanswered
from elizad.call.play import play
from elizad.call.script import Barge, Say, Silence, Speak, Step, read_step
from elizad.net.errors import PeerClosed

_READ_BYTES: Final = 4096

_STDIN: Final = 0


class Lines:
    """Bytes as they were read -> steps. What cannot be read costs its line and a complaint, not the call."""

    def __init__(self, *, hears: bool = False) -> None:
        """`hears` says whether the platform takes a voice from a file."""
        self._hears = hears
        self._rest = b""
        self._number = 0
        self._spoken = False

    def feed(self, data: bytes) -> list[Step]:
        """Take some bytes; none means the end."""
        *lines, self._rest = (self._rest + data).split(b"\n") if data else (self._rest, b"")
        return [step for line in lines if (step := self._read(line)) is not None]

    def _read(self, line: bytes) -> Step | None:
        self._number += 1
        try:
            step = read_step(line.decode())
            if isinstance(step, Barge) and not self._spoken:
                raise ValueError("there is no reply yet to interrupt")
            if isinstance(step, Speak) and not self._hears:
                raise ValueError("only EVI hears a voice from a file (--as evi)")
        except UnicodeDecodeError as wrong:
            self._complain(f"it is not UTF-8 (byte {wrong.start + 1})")
            return None
        except ValueError as wrong:
            self._complain(str(wrong))
            return None
        self._spoken = self._spoken or isinstance(step, Say | Speak | Silence)
        return step

    def _complain(self, why: str) -> None:
        print(f"elizad: input line {self._number}: {why}: not said", file=sys.stderr)


async def play_lines(call: Call) -> int:
    """Say what comes in at standard input, and return how many lines were left when the agent ended the call.

    Raises: Unanswered, PeerClosed. Cancelling: a line that is being read is lost.
    """
    feed, source = trio.open_memory_channel[Step](1)
    lines = Lines(hears=isinstance(call.platform, EviPlatform))
    unsaid = 0
    failure: Exception | None = None

    async def read() -> None:
        # A thread, since epoll knows nothing of regular files; os.read, since a buffered reader that a thread is
        # still in cannot be closed at the end of the program.
        async with feed:
            data = b"."
            while data:
                data = await trio.to_thread.run_sync(os.read, _STDIN, _READ_BYTES, abandon_on_cancel=True)
                for step in lines.feed(data):
                    await feed.send(step)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        try:
            unsaid = await play(call, source)
        except (Unanswered, PeerClosed) as failed:
            failure = failed
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return unsaid
