"""From the tables [evi] and [evi.configs.NAME] to what EVI's rooms need: keys, routes and profiles."""

from __future__ import annotations

from typing import Final

from elizad.evi.keys import Keys
from elizad.evi.profile import Profile
from elizad.net.addresses import Sources
from elizad.net.admission import Route
from elizad.ops.evi import KEY_FORM, Evi, EviConfig, api_key
from elizad.ops.tokens import TokenFile, read_tokens

CHAT_PATHS: Final = ("/v0/evi/chat", "/v0/assistant/chat")
"""The second one is that of early 2024."""


def read_keys(path: str) -> TokenFile:
    """Read the file with API keys. Raises: ValueError as `read_tokens`."""
    return read_tokens(path, api_key, KEY_FORM)


def make_keys(evi: Evi, file: TokenFile | None) -> Keys:
    """Return the keys of the configuration, and those of the file if there is one."""
    return Keys((*evi.keys, *(file.tokens if file else ())), evi.origins, evi.token_s)


def chat_routes(evi: Evi, keys: Keys) -> tuple[Route, ...]:
    """Return the routes of the chat socket."""
    allow_from = Sources(evi.allow_from)
    return tuple(Route("evi", path, allow_from=allow_from, keeper=keys.admit) for path in CHAT_PATHS)


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
