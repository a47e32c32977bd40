"""The paths at which EVI is reached, and who may take them. Light: it is loaded where EVI's rooms are not yet."""

from __future__ import annotations

from typing import Final, NamedTuple

from elizad.evi.keys import Keys
from elizad.net.addresses import Sources

PLATFORM: Final = "evi"

PREFIX: Final = "/v0/evi/"
TOKEN_PATH: Final = "/oauth2-cc/token"
SOCKETS: Final = ("/v0/evi/chat", "/v0/assistant/chat")
"""The paths of the chat socket. The second one is that of early 2024."""


class Admission(NamedTuple):
    """Who may make calls, as the configuration says at this moment."""

    keys: Keys
    allow_from: Sources
    enabled: bool = True

    def covers(self, path: str) -> bool:
        """Whether this path, as sent, is one of the HTTP calls."""
        return self.enabled and (path == TOKEN_PATH or (path.startswith(PREFIX) and path not in SOCKETS))
