"""The table [sessions] of the configuration: what is kept of calls, where and for how long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, Literal

from elizad.errors import Problem
from elizad.ops.forms import FILE
from elizad.ops.schema import Key, Secret, Table

StoreKind = Literal["sqlite", "memory", "redis", "off"]
Durability = Literal["relaxed", "turn"]


class Sessions(Table, frozen=True):
    """What outlasts a call."""

    store: Annotated[
        StoreKind,
        Key("where sessions are kept: a file, memory until the daemon ends, Redis for several machines, nowhere"),
    ] = "sqlite"  # lasts, and needs nothing beside it
    path: Annotated[
        str,
        Key(
            "the file for sqlite; empty: sessions.sqlite3 in $STATE_DIRECTORY, else in ~/.local/state/elizad",
            form=FILE,
        ),
    ] = ""  # systemd and the desktop each have a place for it
    url: Annotated[
        Secret,
        Key(
            "the Redis, as redis://:PASSWORD@HOST:6379/0, rediss:// for TLS, or unix:///PATH",
            form="the address of a Redis",
        ),
    ] = Secret("")  # nobody has one by chance
    keep_days: Annotated[float, Key("days that a session is kept after its caller was last heard", 0.01, 36_500)] = (
        30.0  # who comes back does so within weeks, and what nobody needs should not lie about
    )
    max_sessions: Annotated[
        int, Key("sessions kept in a file or in memory; beyond, those not heard for longest go", 1, 100_000_000)
    ] = 100_000  # at about 2 KB each 200 MB
    durability: Annotated[
        Durability,
        Key(
            "turn: the end of a turn is sent when its state is on disk; relaxed: a crash may cost the last second,"
            " a stop nothing"
        ),
    ] = "relaxed"  # what is lost is a cursor or a memory, and a slow disk is heard
    keep_transcript: Annotated[bool, Key("keep what was said as well")] = False  # private by default
    load_timeout_s: Annotated[
        float, Key("seconds that a call waits for its session before it goes on without", 0, 5)
    ] = 0.05  # a pause that nobody hears


def together(sessions: Sessions) -> Iterator[Problem]:
    """Values that are fine alone and wrong together."""
    if sessions.store == "redis" and not sessions.url:
        yield Problem("sessions.url", 'sessions.store is "redis", and this says where that is')
    if sessions.store == "sqlite" and os.path.isdir(sessions.path):
        yield Problem("sessions.path", f'"{sessions.path}" is a folder, and sessions go into a file: name one in it')
