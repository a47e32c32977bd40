"""The rooms of a daemon that are EVI's: the desk that answers chats, the HTTP calls round them, and what both keep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from elizad.current import Current
from elizad.evi.archive import Archive
from elizad.evi.configs import Configs
from elizad.evi.desk import Desk
from elizad.evi.ear import Hearing
from elizad.evi.history import History
from elizad.evi.mouth import Mouth, open_mouth
from elizad.evi.rest import Rest
from elizad.ops.evi import Evi
from elizad.service.meter import Meter
from elizad.service.registry import Registry
from elizad.service.sessions import Sessions


class EviRooms:
    """All of EVI. `current` says what holds now; a reload changes it, and chats from then on get it."""

    def __init__(
        self,
        current: Callable[[], Current],
        registry: Registry,
        meter: Meter,
        sessions: Sessions | None,
        fleeting: Sessions,
    ) -> None:
        """`sessions` are the daemon's; what they are not there for is kept in those that are `fleeting`."""
        self._mouth: tuple[Evi, Mouth | None] | None = None  # and what it was opened for
        self._current = current
        hearing = Hearing(lambda: self._evi.max_listeners)
        configs = Configs(sessions or fleeting, lambda: current().evi.profiles, time.time())
        archive = Archive(lambda: sessions if sessions is not None and self._evi.keep_chats else fleeting)
        self.desk: Final = Desk(
            lambda: current().voice,
            configs.find,
            archive.open_chat,
            registry,
            meter,
            sessions,
            self._open_mouth,
            lambda: hearing if self._evi.hearing else None,
        )
        self.site: Final = Rest(lambda: current().evi.admission, configs, History(archive))

    @property
    def _evi(self) -> Evi:
        return self._current().settings.evi

    def _open_mouth(self) -> Mouth | None:
        evi = self._evi
        if self._mouth is None or self._mouth[0] != evi:
            self._mouth = evi, open_mouth(evi.sound, evi.voice, evi.words_per_minute)
        return self._mouth[1]
