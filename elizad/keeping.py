"""From what the configuration says of sessions to the daemon's sessions, or to their store for the command line."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from elizad.errors import ConfigError, Problem
from elizad.ops.config import Settings
from elizad.service.sessions import SessionOptions, Sessions
from elizad.store.api import Store
from elizad.store.opening import open_store

_DAY_S: Final = 86_400.0

_MOST_IN_MEMORY: Final = 3000  # records of what is kept nowhere else: a thousand chats


def store_of(settings: Settings) -> Callable[[], AbstractAsyncContextManager[Store]] | None:
    """Return what opens the store that `settings` name; None when nothing is kept.

    Raises: ConfigError for a Redis that cannot be used, whether it is there or not.
    """
    wanted = settings.sessions
    if wanted.store == "off":
        return None
    if wanted.store == "redis":
        try:
            from elizad.store.redis import RedisStore

            RedisStore(wanted.url, 1)
        except ImportError as error:
            raise ConfigError([Problem("sessions.store", f'needs "elizad[redis]": {error}')]) from None
        except ValueError as error:
            raise ConfigError([Problem("sessions.url", str(error))]) from None
    return functools.partial(
        open_store,
        wanted.store,
        path=wanted.path,
        url=wanted.url,
        keep_s=wanted.keep_days * _DAY_S,
        max_sessions=wanted.max_sessions,
        sync=wanted.durability == "turn",
    )


def make_sessions(settings: Settings) -> Sessions | None:
    """Return the daemon's sessions; None when nothing is kept. Raises: ConfigError."""
    opens, wanted = store_of(settings), settings.sessions
    options = SessionOptions(wanted.durability, wanted.load_timeout_s, wanted.keep_transcript)
    return None if opens is None else Sessions(opens, options)


def fleeting_sessions() -> Sessions:
    """Return what keeps in memory, until the daemon ends, what the daemon's sessions are not there for."""
    return Sessions(
        functools.partial(open_store, "memory", keep_s=_DAY_S, max_sessions=_MOST_IN_MEMORY), SessionOptions()
    )
