"""The life of the daemon on one page: start, reload, drain, end. Each step is named here and done elsewhere."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Protocol

import trio

from elizad.ops import logs, watch
from elizad.ops.systemd import Notifier
from elizad.ops.vitals import Vitals

log = logging.getLogger("elizad")

_STATUS_S: Final = 2.0
"""Between two status lines for systemd: it is for people, who look at it now and then."""

_EXTEND_S: Final = 5.0
"""What systemd is asked for, each second, while calls come to an end: enough for the last steps as well."""

Signals = AsyncIterator[int]


class House(Protocol):
    """What lives: the daemon's rooms. elizad.house.House is one."""

    vitals: Vitals

    @property
    def upkeep(self) -> Sequence[Callable[[], Awaitable[None]]]: ...
    @property
    def drain_s(self) -> float: ...
    async def open(self) -> None: ...
    async def serve_calls(self, calls: trio.Nursery, task_status: trio.TaskStatus[None]) -> None: ...
    async def serve_pages(self, nursery: trio.Nursery, task_status: trio.TaskStatus[None]) -> None: ...
    def announce(self) -> None: ...
    async def reload(self) -> bool: ...
    def watched(self) -> Sequence[str]: ...
    async def drain(self) -> None: ...
    async def flush(self) -> None: ...
    def stopped(self) -> None: ...


async def live(house: House, notifier: Notifier, watchdog_s: float | None) -> None:
    """Listen, answer, reload on SIGHUP, and on SIGINT or SIGTERM let the calls come to an end; a second one ends them.

    Raises: what `house.open` raises.
    """
    with trio.open_signal_receiver(signal.SIGHUP, signal.SIGINT, signal.SIGTERM) as signals:
        await house.open()
        async with trio.open_nursery() as root:
            for task in house.upkeep:
                root.start_soon(task)
            root.start_soon(_sum_up_the_log)
            if watchdog_s is not None:
                root.start_soon(_feed_the_watchdog, notifier, watchdog_s)
            async with trio.open_nursery() as calls:
                # The admin pages outlive the door for calls: whoever asks is told that no more are taken.
                await root.start(house.serve_pages, root)
                async with trio.open_nursery() as front:
                    await front.start(house.serve_calls, calls)
                    house.announce()
                    house.vitals.state = "ready"
                    notifier.ready(house.vitals.line())
                    root.start_soon(_tell_the_status, house.vitals, notifier)
                    reloads = _Reloads(house, notifier)
                    front.start_soon(reloads.run)
                    front.start_soon(watch.changes, house.watched, reloads.ask)
                    await _until_told_to_stop(signals, house.vitals, reloads)
                    house.vitals.state = "draining"
                    notifier.stopping(house.vitals.line())
                    front.cancel_scope.cancel()
                calls.cancel_scope.deadline = trio.current_time() + house.drain_s
                root.start_soon(_extend_the_time, notifier)
                root.start_soon(_end_at_the_second_signal, signals, calls.cancel_scope)
                await house.drain()
            await house.flush()
            root.cancel_scope.cancel()
    house.stopped()
    logs.write_sums(all_of_them=True)


class _Reloads:
    """Reloads one after the other, whoever asks for them; several that ask at once get one."""

    def __init__(self, house: House, notifier: Notifier) -> None:
        self._house = house
        self._notifier = notifier
        self._asked = trio.Event()

    def ask(self) -> None:
        self._asked.set()

    async def run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            self._notifier.reloading()
            vitals = self._house.vitals
            vitals.state = "reloading"
            vitals.reload_refused = not await self._house.reload()
            if vitals.state == "reloading":  # and not told to stop in the meantime
                vitals.state = "ready"
            self._notifier.ready(vitals.line())


async def _until_told_to_stop(signals: Signals, vitals: Vitals, reloads: _Reloads) -> None:
    async for number in signals:
        if number == signal.SIGHUP:
            reloads.ask()
            continue
        fields = {"signal": signal.Signals(number).name, "calls": vitals.calls_live}
        log.info("stopping", extra={"fields": fields})
        return


async def _end_at_the_second_signal(signals: Signals, calls: trio.CancelScope) -> None:
    async for number in signals:
        if number != signal.SIGHUP:
            log.warning("stopping at once", extra={"fields": {"signal": signal.Signals(number).name}})
            calls.cancel()


async def _extend_the_time(notifier: Notifier) -> None:
    while True:
        notifier.extend_timeout(_EXTEND_S)
        await trio.sleep(1)


async def _tell_the_status(vitals: Vitals, notifier: Notifier) -> None:
    told = vitals.line()
    while notifier:
        await trio.sleep(_STATUS_S)
        if (line := vitals.line()) != told:
            notifier.status(line)
            told = line


async def _feed_the_watchdog(notifier: Notifier, every_s: float) -> None:
    """A loop that is blocked sends no sign of life, and is killed for it."""
    while True:
        notifier.alive()
        await trio.sleep(every_s)


async def _sum_up_the_log() -> None:
    while True:
        await trio.sleep(1)
        logs.write_sums()
