"""From settings to an exit code: checks what they name, builds the house and lets it live."""

from __future__ import annotations

import functools
import resource

import trio

from elizad.current import Source, prepare
from elizad.errors import ConfigError, Problem, StartError
from elizad.house import House
from elizad.net.limits import check_file_limit
from elizad.ops import garbage, lifecycle, logs, systemd
from elizad.ops.config import Settings


def check(settings: Settings) -> list[Problem]:
    """Return what is wrong with the things that the settings name, beyond the settings themselves."""
    try:
        prepare(settings)
    except ConfigError as error:
        return list(error.problems)
    return []


def advice(settings: Settings) -> list[Problem]:
    """Return what will trouble callers although the daemon starts; for settings that `check` finds nothing wrong in."""
    return list(prepare(settings).warnings)


def run(source: Source) -> int:
    """Run the daemon until a signal ends it, and return the exit code 0.

    Raises:
        ConfigError: the settings, or something that they name, cannot be used. Nothing has been started.
        StartError: an address cannot be listened at.
    """
    notifier = systemd.notifier()
    try:
        inherited = systemd.inherited_sockets()
    except OSError as error:
        raise StartError(f"a descriptor that systemd passed is not a socket: {error.strerror}") from error
    settings = source.load()
    logs.configure(settings.log.level, settings.log.format, settings.log.color)
    current = prepare(settings)
    try:
        check_file_limit(settings.limits.max_connections, _raise_file_limit())
    except ValueError as error:
        raise ConfigError([Problem("limits.max_connections", str(error))]) from None
    house = House(current, source, inherited)
    garbage.settle()
    trio.run(functools.partial(lifecycle.live, house, notifier, systemd.watchdog_s()))
    return 0


def _raise_file_limit() -> int:
    """Take as many file descriptors as the system grants, and return how many those are."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
