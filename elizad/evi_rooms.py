"""From the tables [evi] and [evi.configs.NAME] to what EVI's rooms need: keys, routes and profiles."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from elizad.evi.archive import Archive
from elizad.evi.configs import Configs
from elizad.evi.history import History
from elizad.evi.keys import Keys
from elizad.evi.profile import Profile
from elizad.evi.rest import SOCKETS, Admission, Rest
from elizad.net.addresses import Sources
from elizad.net.admission import Route
from elizad.ops.evi import KEY_FORM, Evi, EviConfig, api_key
from elizad.ops.tokens import TokenFile, read_tokens
from elizad.service.sessions import SessionOptions, Sessions
from elizad.store.opening import open_store

_MOST_IN_MEMORY: Final = 3000  # records of what is kept nowhere else: a thousand chats

_DAY_S: Final = 86_400.0


class EviNow(NamedTuple):
    """What the configuration says of EVI at a moment."""

    admission: Admission
    profiles: Mapping[str | None, Profile]
    """By the names of the tables; that of None is for chats which name none."""


class EviRooms:
    """The rooms of a daemon that are EVI's, beside the desk that answers chats."""

    def __init__(self, current: Callable[[], EviNow], evi: Callable[[], Evi], sessions: Sessions | None) -> None:
        """`sessions` are the daemon's; what they are not there for is kept in memory, until the daemon ends."""
        fleeting = Sessions(
            functools.partial(open_store, "memory", keep_s=_DAY_S, max_sessions=_MOST_IN_MEMORY), SessionOptions()
        )

        def for_chats() -> Sessions:
            return sessions if sessions is not None and evi().keep_chats else fleeting

        self.configs: Final = Configs(sessions or fleeting, lambda: current().profiles, time.time())
        self.archive: Final = Archive(for_chats)
        self.site: Final = Rest(lambda: current().admission, self.configs, History(self.archive))
        self.upkeep: Final = fleeting.run


def read_keys(path: str) -> TokenFile:
    """Read the file with API keys. Raises: ValueError as `read_tokens`."""
    return read_tokens(path, api_key, KEY_FORM)


def make_keys(evi: Evi, file: TokenFile | None) -> Keys:
    """Return the keys of the configuration, and those of the file if there is one."""
    return Keys((*evi.keys, *(file.tokens if file else ())), evi.origins, evi.token_s)


def chat_routes(evi: Evi, keys: Keys) -> tuple[Route, ...]:
    """Return the routes of the chat socket."""
    allow_from = Sources(evi.allow_from)
    return tuple(Route("evi", path, allow_from=allow_from, keeper=keys.admit) for path in SOCKETS)


def evi_now(evi: Evi, keys: Keys) -> EviNow:
    """Return what the configuration says of EVI."""
    return EviNow(Admission(keys, Sources(evi.allow_from), evi.enabled), make_profiles(evi))


def make_profiles(evi: Evi) -> dict[str | None, Profile]:
    """Return the profile of each table [evi.configs.NAME] by its name, and by None that of chats which name none."""
    profiles: dict[str | None, Profile] = {None: _profile(evi, EviConfig(), None)}
    for name, config in evi.configs.items():
        profiles[name] = _profile(evi, config, name)
    return profiles


def _profile(evi: Evi, config: EviConfig, name: str | None) -> Profile:
    return Profile(
        id=name,
        version=None if name is None else 0,
        name=name or "",
        script=config.script,
        greeting={"silent": None, "doctor": ""}.get(config.greeting, config.greeting),
        voice=config.voice or evi.voice,
        inactivity_s=config.inactivity_s or evi.inactivity_s,
        inactivity_text=config.inactivity_text or None,
        max_duration_s=config.max_duration_s or evi.max_duration_s,
        max_duration_text=config.max_duration_text or None,
        custom_language_model=str(config.custom_language_model),
        system_prompt=config.system_prompt,
    )
