"""`elizad sessions`: what is kept of calls, for its operator and for whoever asks what is known of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import trio
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elizad.errors import StartError, StoreError
from elizad.keeping import store_of
from elizad.ops import config
from elizad.ops.config import Settings
from elizad.ops.unit_files import CONFIG
from elizad.ops.visible import visible
from elizad.protocols.catalogue import catalogue
from elizad.protocols.retell import RetellOptions
from elizad.service.kept import Kept, unpack
from elizad.store.api import Key, SessionRecord, Store
from elizad.store.opening import FILE_NAME, session_file

EXIT_DONE: Final = 0
EXIT_NOTHING: Final = 1

T = TypeVar("T")

_PLATFORMS: Final = (*catalogue(RetellOptions()), "evi")
"""Whose sessions these are. What EVI's side keeps beside them, chats and configurations, is not for this tool."""

_SERVICE: Final = Path("/var/lib/elizad", FILE_NAME)
"""Where the packaged unit keeps them: whoever runs this is not the service and has other folders of its own."""


def run(args: argparse.Namespace) -> int:
    """Do what the arguments say and return the exit code.

    Raises:
        ConfigError: the configuration cannot be used.
        StartError: sessions are not kept where this can look, or cannot be read.
    """
    settings = _found(config.load(args.config), args.config)
    match args.tool:
        case "list":
            return _list(settings, args.limit, as_json=args.json)
        case "show":
            return _show(settings, args.id, as_json=args.json)
        case "export":
            return _show(settings, args.id, as_json=True)
        case _:
            return _forget(settings, args.id, args.older_than)


def _list(settings: Settings, limit: int, *, as_json: bool) -> int:
    records = _ask(settings, lambda store: store.latest(limit + 1 if limit else None, _PLATFORMS)) or []
    shown = records[:limit] if limit else records
    if as_json:
        for record in shown:
            _print_json(_summary(record))
    elif sys.stdout.isatty():
        _print_table(settings, shown)
    else:
        for record in shown:
            kept = _unpacked(record)
            counts = f"{kept.calls}\t{kept.turns_before + kept.turns}\t{kept.topic}" if kept else "\t\t"
            print(visible(f"{record.key.platform}\t{record.key.id}\t{_time(record.heard_s)}\t{counts}", keep="\t"))
    if len(records) > len(shown):
        print(f"elizad: there are more than {limit}: --limit", file=sys.stderr)
    return EXIT_DONE


def _show(settings: Settings, id: str, *, as_json: bool) -> int:
    records = _ask(settings, lambda store: _of(store, id)) or []
    for record in records:
        if as_json:
            _print_json({**_summary(record), **_details(record)})
        else:
            _print_session(record)
    return EXIT_DONE if records else _no_such(settings, id)


def _forget(settings: Settings, id: str | None, older_than_s: float | None) -> int:
    async def forget(store: Store) -> int:
        if id is None:
            return await store.forget_older_than(time.time() - (older_than_s or 0.0))
        return sum([await store.forget(record.key) for record in await _of(store, id)])

    count = _ask(settings, forget) or 0
    if id is not None and not count:
        return _no_such(settings, id)
    print(f"{count} session{'' if count == 1 else 's'} removed")
    return EXIT_DONE


async def _of(store: Store, id: str) -> list[SessionRecord]:
    """Return the sessions of this name, whichever platform's."""
    found = [await store.load(Key(platform, id)) for platform in _PLATFORMS]
    return [record for record in found if record is not None]


def _found(settings: Settings, source: Path | None) -> Settings:
    """Return the settings, read from the file `source`, with the file that the daemon keeps sessions in.

    That is the service's if the configuration is, or if there is none where we would keep them.
    """
    sessions = settings.sessions
    if sessions.store == "sqlite" and not sessions.path:
        own = session_file("")
        theirs = source is not None and source.absolute() == CONFIG
        path = str(_SERVICE if _SERVICE.exists() and (theirs or not own.exists()) else own)
        return msgspec.structs.replace(settings, sessions=msgspec.structs.replace(sessions, path=path))
    return settings


def _ask(settings: Settings, question: Callable[[Store], Awaitable[T]]) -> T | None:
    """Ask the store; None if there is none yet. Raises: StartError."""
    if settings.sessions.store == "memory":
        raise StartError('sessions.store is "memory": what is kept is in the daemon, and goes with it')
    opens = store_of(settings)
    if opens is None:
        raise StartError('sessions.store is "off": nothing is kept')
    if settings.sessions.store == "sqlite" and not Path(settings.sessions.path).exists():
        return None  # to look for it must not make it

    async def ask() -> T:
        async with opens() as store:
            return await question(store)

    try:
        return trio.run(ask)
    except* StoreError as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
    raise StartError(str(error)) from None


def _no_such(settings: Settings, id: str) -> int:
    where = settings.sessions.path if settings.sessions.store == "sqlite" else settings.sessions.store
    print(visible(f"elizad: there is no session {id} in {where}"), file=sys.stderr)
    return EXIT_NOTHING


# -- showing -----------------------------------------------------------------------------------------------------


def _unpacked(record: SessionRecord) -> Kept | None:
    try:
        return unpack(record)
    except ValueError:
        return None


def _summary(record: SessionRecord) -> dict[str, Any]:
    kept = _unpacked(record)
    counts: dict[str, Any] = {"readable": False}
    if kept is not None:
        counts = {"calls": kept.calls, "turns": kept.turns_before + kept.turns, "topic": kept.topic}
    return {"platform": record.key.platform, "id": record.key.id, "last_heard": _time(record.heard_s), **counts}


def _details(record: SessionRecord) -> dict[str, Any]:
    kept = _unpacked(record)
    if kept is None:
        return {"bytes": len(record.payload)}
    return {
        "first_heard": _time(kept.first_s),
        "version": record.version,
        "bytes": len(record.payload),
        "remembered": list(kept.state.memories),
        "limit": kept.state.limit,
        "cursors": kept.state.cursors.tobytes().hex(),
        "script": kept.identity.cursors,
        "call": kept.call,
        "data": kept.data,
        "transcripts": [
            {"began": _time(said.began_s), "lines": [{"who": who, "text": text} for who, text in said.lines]}
            for said in (*kept.said_before, *((kept.said,) if kept.said else ()))
        ],
    }


def _print_json(value: dict[str, Any]) -> None:
    print(msgspec.json.encode(value).decode())


def _print_table(settings: Settings, records: list[SessionRecord]) -> None:
    where = settings.sessions.path if settings.sessions.store == "sqlite" else settings.sessions.store
    table = Table("platform", "session", "last heard", "calls", "turns", "of what", title=visible(where), expand=False)
    for column in table.columns[3:5]:
        column.justify = "right"
    for record in records:
        kept = _unpacked(record)
        counts = (str(kept.calls), str(kept.turns_before + kept.turns), kept.topic) if kept else ("", "", "unreadable")
        cells = (record.key.platform, record.key.id, _ago(record.heard_s), *counts)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    Console(highlight=False).print(table)


def _print_session(record: SessionRecord) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold cyan")
    for name, value in _lines(record):
        grid.add_row(name, Text(visible(value)))
    # Into a pipe without the width of a terminal that is not there.
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(grid)


def _lines(record: SessionRecord) -> Iterator[tuple[str, str]]:
    details = _details(record)
    yield "session", f"{record.key.platform} {record.key.id}"
    yield "last heard", f"{_time(record.heard_s)}, {_ago(record.heard_s)}"
    kept = _unpacked(record)
    if kept is None:
        yield "contents", "cannot be read"
        return
    yield "first heard", details["first_heard"]
    yield "calls", str(kept.calls)
    yield "turns", str(kept.turns_before + kept.turns)
    yield "spoken of", kept.topic or "nothing in particular"
    for number, text in enumerate(kept.state.memories):
        yield "" if number else "remembered", text
    if kept.data:
        yield "data", msgspec.json.encode(kept.data).decode()
    for transcript in details["transcripts"]:
        yield "call", transcript["began"]
        for line in transcript["lines"]:
            yield f"  {line['who']}", line["text"]
    yield "takes up", f"{details['bytes']} bytes"


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ago(unix_s: float) -> str:
    seconds = max(time.time() - unix_s, 0)
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
