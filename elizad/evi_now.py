"""From the tables [evi] and [evi.configs.NAME] to keys, routes and profiles; and a way to the rooms that use them.

Most daemons are never asked for EVI, and its rooms are much to load: until somebody comes, or the start is over, there
is only this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from elizad.evi.keys import Keys
from elizad.evi.profile import Profile
from elizad.evi.ways import SOCKETS, Admission
from elizad.net.addresses import Peer, Sources
from elizad.net.admission import Route
from elizad.net.errors import Refusal
from elizad.net.head import Head
from elizad.net.http import Answer, Ask, Site
from elizad.ops.evi import KEY_FORM, Evi, EviConfig, api_key
from elizad.ops.tokens import TokenFile, read_tokens


class EviNow(NamedTuple):
    """What the configuration says of EVI at a moment."""

    admission: Admission
    profiles: Mapping[str | None, Profile]
    """By the names of the tables; that of None is for chats which name none."""


class LaterSite:
    """The Site of EVI's HTTP calls, which is built when the first request for it comes."""

    def __init__(self, admission: Callable[[], Admission], site: Callable[[], Site]) -> None:
        self._admission = admission
        self._site = site

    @property
    def body_bytes(self) -> int:
        """See net.http.Site."""
        return self._site().body_bytes

    @property
    def body_timeout_s(self) -> float:
        """See net.http.Site."""
        return self._site().body_timeout_s

    def covers(self, path: str) -> bool:
        """See net.http.Site."""
        return self._admission().covers(path)

    def admit(self, head: Head, client: Peer, peer: Peer) -> None:
        """See net.http.Site."""
        self._site().admit(head, client, peer)

    async def answer(self, ask: Ask) -> Answer:
        """See net.http.Site."""
        return await self._site().answer(ask)

    def refuse(self, refusal: Refusal) -> Answer:
        """See net.http.Site."""
        return self._site().refuse(refusal)

    def headers(self, head: Head) -> Sequence[tuple[str, str]]:
        """See net.http.Site."""
        return self._site().headers(head)


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
