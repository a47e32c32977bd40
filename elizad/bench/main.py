"""Runs `elizad bench`: from its arguments to a table and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import NoReturn

from elizad.bench import report, servers
from elizad.bench.caller import Caller, LoadFailed, caller
from elizad.bench.figures import Book
from elizad.bench.measure import Round, started
from elizad.bench.orders import Target
from elizad.bench.plan import Plan
from elizad.bench.servers import NoServer, Server
from elizad.bench.workers import measure_workers, print_workers, steps, workers_json
from elizad.net.dial import parse_url
from elizad.ops.visible import visible


def bench(args: argparse.Namespace, usage: Callable[[str], NoReturn]) -> int:
    """Measure what the arguments say, print it, and return the exit code. `usage` ends the program with a sentence."""
    there = None
    if args.peer_url:
        try:
            there = _target(args.peer_url, remote=args.remote)
        except ValueError as wrong:
            usage(str(wrong))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # what was started is ended then, too
    try:
        return _workers(args) if args.workers else _rounds(args, there)
    except (NoServer, LoadFailed, OSError) as wrong:
        print(f"elizad: {visible(str(wrong), keep=chr(10))}", file=sys.stderr)
        return 1


def _workers(args: argparse.Namespace) -> int:
    _, core = servers.cores()
    with caller(core) as load, report.progress(steps(args.workers), sys.stderr) as tell:
        found = measure_workers(args.workers, args.seconds, load, tell)
    if args.json:
        print(workers_json(found))
    else:
        print_workers(found, sys.stdout)
    return 0


def _rounds(args: argparse.Namespace, there: Target | None) -> int:
    plan = Plan(args.rows, args.rounds, args.seconds, args.histories, args.calls, args.idle)
    server_core, load_core = servers.cores()
    makers = list(_makers(args, plan, server_core, there))
    book = Book()
    try:
        with caller(load_core) as load, report.progress(plan.rounds, sys.stderr) as tell:
            _measure(plan, makers, book, load, tell)
    except BaseException:  # Ctrl-C too: what was measured is printed, and says that it is not all
        book.note("This is not all: it was ended early.")
        raise
    finally:
        if book.rows:
            print(report.as_json(plan, book)) if args.json else report.print_table(plan, book, sys.stdout)
    return 0


Maker = tuple[str, Callable[[], AbstractContextManager[Server]]]


def _makers(args: argparse.Namespace, plan: Plan, core: int | None, there: Target | None) -> Iterator[Maker]:
    yield "elizad", lambda: servers.elizad(max(plan.idle, plan.calls), core)
    if args.peer_command:
        yield "peer", lambda: servers.peer(args.peer_command, args.peer_path, core)
    if there is not None:
        yield "peer", lambda: contextlib.nullcontext(Server("peer", there, args.peer_pid))


def _measure(plan: Plan, makers: list[Maker], book: Book, load: Caller, tell: report.Tell) -> None:
    if "start" in plan.rows:
        for name, make in makers:  # once unseen: what is read from the disk and compiled stays
            tell(0, "start", name)
            with make() as server:
                started(server, load, None)
    for number in range(1, plan.rounds + 1):
        with contextlib.ExitStack() as running:
            both = []
            for name, make in makers:
                tell(number, "start", name)
                both.append(running.enter_context(make()))
                started(both[-1], load, book if "start" in plan.rows else None)
            Round(plan, both, load, book, partial(tell, number)).run()
            if any(not server.pids for server in both):
                book.note("Without --peer-pid there is nothing to say of the peer's process.")


def _target(url: str, *, remote: bool) -> Target:
    """Read a peer's address. Raises: ValueError with a sentence."""
    place = parse_url(url)
    if place.tls or place.unix is not None:
        raise ValueError("the peer is reached over plain ws://")
    if not remote and place.host != "localhost" and not _loopback(place.host):
        raise ValueError(f"{place.host} is not this machine; with --remote it may be another")
    return Target(place.host, place.port, place.target)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
