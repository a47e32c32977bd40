"""EVI's configurations: those of the configuration file, and those that programs make, with their versions.

What programs make is one record each in the session store, and does not grow old there: a chat may ask for it in a
year. Changes are made one after the other, and are in the store before they are answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import trio

from elizad.errors import StoreError
from elizad.evi.config_checks import BadSpec, checked, description_of, name_of, profile_of, shown, spec_of
from elizad.evi.profile import Profile
from elizad.protocols.evi.incoming import EviProblem
from elizad.service.saving import Saving
from elizad.service.sessions import Sessions
from elizad.store.api import Key, SessionRecord

CONFIG: Final = "evi.config"

MOST_CONFIGS: Final = 1000  # made by programs; with one a test run, that is years
MOST_VERSIONS: Final = 100  # of one
MOST_BYTES: Final = 65_536  # of one version: a prompt of ten pages fits several times

_ALWAYS_S: Final = 253_370_764_800.0  # the year 9999, as the time when it was last heard: it does not grow old

_FIND_S: Final = 1.0  # for a chat that is opened: its config is nearly always in the cache of the system


class UnknownConfig(EviProblem):
    """There is no such config, or no such version of it."""

    def __init__(self, message: str = "There is no configuration with this config_id and config_version.") -> None:
        super().__init__("I0100", "config_not_found", message)


class Missing(Exception):
    """There is no such config or version."""


class Refused(ValueError):
    """It cannot be done, whoever asks; the message says why."""


class Shown(NamedTuple):
    """One version of a config, as the API answers it, and its name."""

    name: str
    body: dict[str, Any]


class _Version(msgspec.Struct, frozen=True):
    number: int
    changed_ms: int
    spec: msgspec.Raw
    """JSON, checked."""
    description: str | None = None


class _Config(msgspec.Struct, frozen=True):
    id: str
    name: str
    made_ms: int
    next_version: int
    versions: tuple[_Version, ...]
    """At least one, in the order in which they were made."""


_READ: Final = msgspec.json.Decoder(_Config)


class Configs:
    """The configs of a daemon."""

    def __init__(
        self, sessions: Sessions, profiles: Callable[[], Mapping[str | None, Profile]], begun_s: float
    ) -> None:
        """`profiles` are those of the configuration file, by name; that of None is the usual one."""
        self._sessions = sessions
        self._profiles = profiles
        self._begun_ms = int(begun_s * 1000)
        self._one_change = trio.Lock()

    # -- for chats -----------------------------------------------------------------------------------------------

    async def find(self, config_id: str | None, version: int | None = None) -> Profile:
        """Return what a chat gets. Raises: UnknownConfig. Cancelling: safe."""
        profiles = self._profiles()
        if not config_id:
            return profiles[None]
        if config_id in profiles:
            if version:
                raise UnknownConfig
            return profiles[config_id]
        try:
            with trio.fail_after(_FIND_S):
                config, _ = await self._load(config_id)
                there = _version(config, version)
        except Missing:
            raise UnknownConfig from None
        except (StoreError, trio.TooSlowError):
            raise UnknownConfig("Configurations cannot be read just now.") from None
        return profile_of(_spec(there), profiles[None], config.id, there.number, config.name)

    # -- for the HTTP side ---------------------------------------------------------------------------------------

    async def every(self) -> list[list[Shown]]:
        """Return all configs, each with all its versions: the newest first, in both. Raises: StoreError."""
        records = await self._sessions.latest(CONFIG, MOST_CONFIGS)
        made = [config for config in map(_read, records) if config is not None]
        made.sort(key=lambda config: (-config.made_ms, config.id))
        fixed = [[self._fixed(name)] for name in self._profiles() if name is not None]
        return [self._all(config) for config in made] + fixed

    async def versions(self, config_id: str) -> list[Shown]:
        """Return all versions of a config, the newest first. Raises: Missing, StoreError."""
        if self._is_fixed(config_id):
            return [self._fixed(config_id)]
        return self._all((await self._load(config_id))[0])

    async def make(self, body: object) -> Shown:
        """Keep a new config. Raises: BadSpec, Refused, StoreError."""
        spec = checked(body, named=True)
        name, now_ms = name_of(spec), self._now_ms()
        config = _Config(str(uuid.uuid4()), name, now_ms, 1, (self._new(0, spec, now_ms),))
        async with self._one_change:
            if len(await self._sessions.latest(CONFIG, MOST_CONFIGS)) >= MOST_CONFIGS:
                raise Refused(f"there are {MOST_CONFIGS} configs, and no more are kept: delete some")
            await self._keep(config, None)
        return self._shown(config, config.versions[0])

    async def add_version(self, config_id: str, body: object) -> Shown:
        """Keep a new version of a config. Raises: BadSpec, Missing, Refused, StoreError."""
        spec = checked(body, named=False)
        async with self._one_change:
            config, stored = await self._own(config_id)
            if len(config.versions) >= MOST_VERSIONS:
                raise Refused(f"this config has {MOST_VERSIONS} versions, and no more are kept: delete some")
            spec = {"ellm_model": _spec(config.versions[-1]).get("ellm_model"), **spec}  # as Hume documents
            spec = {key: value for key, value in spec.items() if value is not None}
            version = self._new(config.next_version, spec, self._now_ms())
            config = msgspec.structs.replace(
                config, next_version=config.next_version + 1, versions=(*config.versions, version)
            )
            await self._keep(config, stored)
        return self._shown(config, version)

    async def rename(self, config_id: str, body: object) -> None:
        """Give a config another name. Raises: BadSpec, Missing, Refused, StoreError."""
        name = name_of(body)
        async with self._one_change:
            config, stored = await self._own(config_id)
            await self._keep(msgspec.structs.replace(config, name=name), stored)

    async def describe(self, config_id: str, number: int, body: object) -> Shown:
        """Describe a version anew. Raises: BadSpec, Missing, Refused, StoreError."""
        description = description_of(body)
        async with self._one_change:
            config, stored = await self._own(config_id)
            old = _version(config, number)
            new = msgspec.structs.replace(old, description=description, changed_ms=self._now_ms())
            versions = tuple(new if version is old else version for version in config.versions)
            config = msgspec.structs.replace(config, versions=versions)
            await self._keep(config, stored)
        return self._shown(config, new)

    async def delete(self, config_id: str, number: int | None = None) -> None:
        """Delete a config, or one version of it; with its last version it is gone. What was there is overwritten.

        Raises: Missing, Refused, StoreError.
        """
        async with self._one_change:
            config, stored = await self._own(config_id)
            left: tuple[_Version, ...] = ()
            if number is not None:
                gone = _version(config, number)
                left = tuple(version for version in config.versions if version is not gone)
            if left:
                await self._keep(msgspec.structs.replace(config, versions=left), stored)
            else:
                await self._sessions.forget(Key(CONFIG, config.id))

    # -- the records ---------------------------------------------------------------------------------------------

    def _is_fixed(self, config_id: str) -> bool:
        return bool(config_id) and config_id in self._profiles()

    async def _own(self, config_id: str) -> tuple[_Config, int]:
        """As `_load`, for a change. Raises: Refused as well."""
        if self._is_fixed(config_id):
            raise Refused(f"the config {config_id} stands in the configuration file, and is changed there")
        return await self._load(config_id)

    async def _load(self, config_id: str) -> tuple[_Config, int]:
        """Return a config, and the version of its record. Raises: Missing, StoreError."""
        try:
            id = str(uuid.UUID(config_id))
        except ValueError:
            raise Missing from None
        record = await self._sessions.fetch(Key(CONFIG, id))
        config = None if record is None else _read(record)
        if record is None or config is None:
            raise Missing
        return config, record.version

    async def _keep(self, config: _Config, stored: int | None) -> None:
        """Have a config saved, and wait for it. Raises: StoreError."""
        saving = Saving(Key(CONFIG, config.id), stored, lambda: None)
        await self._sessions.save_now(saving, msgspec.json.encode(config), _ALWAYS_S)

    def _new(self, number: int, spec: dict[str, Any], now_ms: int) -> _Version:
        """Raises: BadSpec."""
        description = spec.pop("version_description", None)
        spec.pop("name", None)
        encoded = msgspec.json.encode(spec)
        if len(encoded) > MOST_BYTES:
            raise BadSpec(f"it has more than {MOST_BYTES} bytes")
        return _Version(number, now_ms, msgspec.Raw(encoded), description)

    def _now_ms(self) -> int:
        return int(self._sessions.now_s() * 1000)

    # -- showing -------------------------------------------------------------------------------------------------

    def _all(self, config: _Config) -> list[Shown]:
        return [self._shown(config, version) for version in reversed(config.versions)]

    def _shown(self, config: _Config, version: _Version) -> Shown:
        about = {
            "id": config.id,
            "version": version.number,
            "version_description": version.description,
            "name": config.name,
            "created_on": config.made_ms,
            "modified_on": version.changed_ms,
        }
        return Shown(config.name, shown(_spec(version), self._profiles()[None], about))

    def _fixed(self, name: str) -> Shown:
        profiles = self._profiles()
        about = {
            "id": name,
            "version": 0,
            "version_description": "from the configuration file",
            "name": name,
            "created_on": self._begun_ms,
            "modified_on": self._begun_ms,
        }
        return Shown(name, shown(spec_of(profiles[name]), profiles[None], about))


def _version(config: _Config, number: int | None) -> _Version:
    """Return a version; the newest for None. Raises: Missing."""
    if number is None:
        return config.versions[-1]
    for version in config.versions:
        if version.number == number:
            return version
    raise Missing


def _spec(version: _Version) -> dict[str, Any]:
    spec: dict[str, Any] = msgspec.json.decode(version.spec)
    return spec


def _read(record: SessionRecord) -> _Config | None:
    try:
        config = _READ.decode(record.payload)
    except msgspec.DecodeError:
        return None
    return config if config.versions else None
