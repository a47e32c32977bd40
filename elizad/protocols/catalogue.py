"""Which adapter speaks which protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from elizad.conversation.commands import Command
from elizad.conversation.events import Event
from elizad.protocols.hume_clm import HumeClm


class Adapter(Protocol):
    """What every platform's adapter does. No awaits, no clock, no randomness."""

    @property
    def name(self) -> str:
        """The platform's name in logs."""

    def receive(self, text: str) -> list[Event]:
        """Read one whole text message.

        Raises:
            RemoteError: what came cannot be understood; the connection ends with the error's close code.
        """

    def send(self, command: Command) -> list[str]:
        """Write a command as the text messages that the platform expects."""


ADAPTERS: Final[Mapping[str, Callable[[], Adapter]]] = {"hume": HumeClm}
