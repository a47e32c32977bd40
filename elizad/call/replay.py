"""Plays the platform's side of a recorded call again, each frame when the server has said as much as it had then."""

from __future__ import annotations

import trio

from elizad.call.phone import CLOSE_S, Manner
from elizad.call.record import Comparison, Ledger, Record, compare, ledger_of
from elizad.net.dial import Place, dial
from elizad.net.errors import PeerClosed
from elizad.net.line import Closed, Line, Text


async def replay(
    place: Place,
    record: Record,
    name: str,
    manner: Manner,
) -> list[Comparison]:
    """Return how the answers compare. `name` stands for the recorded session or call id in every frame.

    Raises: DialFailed. Cancelling: the line is cut.
    """
    now = Ledger(record.head.platform)
    then = Ledger(record.head.platform)
    changed = trio.lowlevel.ParkingLot()
    old = record.head.name
    closed = False

    async def read(line: Line) -> None:
        nonlocal closed
        while not closed:
            frame = await line.receive()
            if isinstance(frame, Text):
                # Compared with what was said to the recorded name.
                now.received(frame.text.replace(name, old) if old else frame.text)
            closed = isinstance(frame, Closed)
            changed.unpark_all()

    def caught_up() -> bool:
        """Whether the server has said, in answer to the newest request, as much as it had when it was recorded."""
        had, has = then.current, now.current
        return closed or has.ended or (not had.ended and len(has.frames) >= len(had.frames))

    async with dial(place, manner.headers, insecure=manner.insecure) as line, trio.open_nursery() as nursery:
        nursery.start_soon(read, line)
        try:
            for entry in record.entries:
                if entry.close is not None:
                    break
                if entry.dir == "in":
                    then.received(entry.frame)
                    continue
                with trio.move_on_after(manner.patience_s):
                    while not caught_up():
                        await changed.park()
                then.sent(entry.frame)
                now.sent(entry.frame)
                await line.send([entry.frame.replace(old, name) if old else entry.frame])
            with trio.move_on_after(manner.patience_s):
                while not caught_up():
                    await changed.park()
            await line.close()
            with trio.move_on_after(CLOSE_S):
                while not closed:
                    await changed.park()
        except PeerClosed:
            pass  # what is missing shows in the comparison
        nursery.cancel_scope.cancel()
    return compare(ledger_of(record), now)
