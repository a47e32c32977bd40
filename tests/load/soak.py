"""python -m tests.load.soak: thousands of connections come and go, and memory stays level.

The daemon is the real one, on loopback. Ends by itself, and with 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
from collections import Counter
from collections.abc import Iterator

import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.load.figures import House, Look, Report
from tests.load.peer import Lost, call, dial, sources, upgrade
from tests.support.peers import TEXT, frame, request

_AT_ONCE = 100  # connections at the same time
_ROUNDS = 20  # how often memory is looked at
_SETTLED = 5  # rounds after which it must be level: what Python keeps for reuse has been taken by then
_SLACK = 1.05  # what "level" allows: the allocator's arenas come and go
_PATIENCE_S = 20.0
_END_S = 30.0


async def _come_and_go(number: int, port: int, source: str) -> None:
    """One connection; of ten, six are honest calls and four end badly."""
    way = number % 10
    if way < 6:
        async with call(port, source, number) as caller:
            await caller.turn()
            await caller.leave()
        return
    async with await dial(port, source) as stream:
        if way == 6:  # turned away at the door
            await stream.send_all(request("/nowhere"))
            while await stream.receive_some(4096):
                pass
        elif way == 7:  # leaves inside its request
            await stream.send_all(request("/llm")[:50])
        elif way == 8:  # cut in the middle of a message
            await upgrade(stream)
            await stream.send_all(frame(TEXT, b"x" * 50_000)[:30_000])
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:  # thrown out for nonsense
            await upgrade(stream)
            await stream.send_all(frame(TEXT, b"not JSON"))
            await stream.receive_some(4096)


async def _run(connections: int, house: House, report: Report, progress: Progress) -> None:
    trouble: Counter[str] = Counter()
    done = progress.add_task("connections", total=connections)
    places = sources(1, 100)
    numbers = iter(range(connections))
    # As `_come_and_go` deals them: what has begun as a call must end as an answered one.
    await _come_and_go(0, house.port, "127.0.0.1")
    before = await house.baseline()

    async def work(mine: Iterator[int]) -> None:
        for number in mine:
            try:
                with trio.fail_after(_PATIENCE_S):
                    await _come_and_go(number, house.port, next(places))
            except (OSError, Lost, trio.BrokenResourceError, trio.TooSlowError) as error:
                trouble[str(error) or type(error).__name__] += 1
            progress.advance(done)

    began = trio.current_time()
    looks: list[Look] = []
    for round_ in range(_ROUNDS):
        last = (round_ + 1) * connections // _ROUNDS
        first = round_ * connections // _ROUNDS
        mine = iter([next(numbers) for _ in range(first, last)])
        async with trio.open_nursery() as nursery:
            for _ in range(_AT_ONCE):
                nursery.start_soon(work, mine)
        looks.append(await house.quiet(before.files, _END_S))
    took = trio.current_time() - began
    left = await house.metric("elizad_connections_live")
    bugs = await house.metric("elizad_bugs_total")

    settled = max(look.rss for look in looks[:_SETTLED])
    after = looks[-1]
    report.figure(
        "connections", f"{connections} in {took:.0f} s, {connections / took:.0f} a second, {_AT_ONCE} at once"
    )
    report.figure("daemon's processor", f"{1000 * (after.cpu_s - before.cpu_s) / connections:.1f} ms a connection")
    report.figure("daemon's memory", f"{before.rss:.1f} MiB before, {after.rss:.1f} after, {after.peak:.1f} at most")
    for index in range(0, _ROUNDS, 5):
        rounds = looks[index : index + 5]
        share = f"{(index + len(rounds)) * connections // _ROUNDS}"
        report.figure(f"  until {share}", " ".join(f"{look.rss:.1f}" for look in rounds) + " MiB")
    report.figure("open files", f"{before.files} before, {after.files} after")
    report.figure("threads", f"{before.threads} before, {after.threads} after")
    for what, times in trouble.most_common(5):
        report.figure("trouble", f"{times} x {what}")
    level = max(look.rss for look in looks[_SETTLED:]) <= settled * _SLACK
    report.promise(not trouble, "every honest call was answered, and every other connection ended")
    report.promise(level, f"memory is level after the first {_SETTLED * connections // _ROUNDS} connections")
    report.promise(left == 0 and after.files <= before.files, "no connection and no open file is left")
    report.promise(bugs == 0, "no error of the daemon's own")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.soak", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument("--connections", type=int, default=20_000, help="that come and go")
    given = parser.parse_args(argv)
    report = Report(f"soak: {given.connections} connections come and go")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with House(_AT_ONCE * 5) as house:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            trio.run(_run, given.connections, house, report, progress)
        code, errors = house.stop()
    report.promise(code == 0 and not errors, "the daemon ended as asked, with no error in its log")
    for line in errors[:5]:
        print(line, end="", file=sys.stderr)
    return report.show()


if __name__ == "__main__":
    sys.exit(main())
