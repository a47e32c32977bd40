"""What the measuring process asks of the one that makes the load, and what it is told: one line of JSON each.

The load has a process of its own, so that what draws tables and reads /proc takes nothing from it.
"""

from __future__ import annotations

import msgspec


class Target(msgspec.Struct):
    """Where a server listens: plain ws://."""

    host: str
    port: int
    path: str


class First(msgspec.Struct, tag=True):
    """Dial until somebody answers, and have one turn."""

    target: Target
    patience_s: float


class Answered(msgspec.Struct, tag=True):
    """`at` is when the first words came, on the machine's monotonic clock; None: nobody listens there yet."""

    at: float | None


class Hold(msgspec.Struct, tag=True):
    """Have so many calls open until told otherwise: more, or fewer; with `talk` each has had one turn then."""

    target: Target
    calls: int
    talk: bool


class Held(msgspec.Struct, tag=True):
    """So many are open."""

    calls: int


class Survey(msgspec.Struct, tag=True):
    """Have a turn in every call that is held; make those anew that were cut meanwhile, and have a turn in them."""

    target: Target


class Surveyed(msgspec.Struct, tag=True):
    """How many calls went on, and how many were cut, made anew and answered."""

    went_on: int
    cut: int


class Talk(msgspec.Struct, tag=True):
    """Have turns, with `calls` open at once, for `seconds` or a little more.

    With a `rate`, in turns a second of all calls together, each call's turns come at their times; without, each follows
    the reply to the one before at once. `pids` are the server's processes, if they are on this machine.
    """

    target: Target
    pids: list[int]
    history: int
    calls: int
    turns: int
    seconds: float
    rate: float | None = None


class Talked(msgspec.Struct, tag=True):
    """What came of it. Seconds; the server's CPU time is that of its turns alone, not of opening and closing calls."""

    turns: int
    bytes_per_turn: float
    elapsed_s: float
    cpu_s: float
    """Of the server."""
    load_s: float
    """CPU time of the load itself."""
    p50_s: float
    """From the payload's first byte sent to the first words read."""
    p99_s: float
    late_p99_s: float
    """How late payloads were sent that had a time."""
    waited: int
    """Turns whose time came before the reply to the one before had."""


class Failed(msgspec.Struct, tag=True):
    """Why it could not be done, in words."""

    why: str


Order = First | Hold | Survey | Talk
Answer = Answered | Held | Surveyed | Talked | Failed
