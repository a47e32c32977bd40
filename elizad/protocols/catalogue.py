"""Which adapter speaks which protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from elizad.conversation.commands import Command
from elizad.conversation.events import Event, TurnRequested
from elizad.protocols.hume_clm import HumeClm
from elizad.protocols.retell import RetellLlm, RetellOptions


class CallInfo(NamedTuple):
    """What is known of a call when its connection opens.

    `call_id` is the platform's name for it, if the address has one; `resumed` says that this call was on another
    connection before.
    """

    call_id: str = ""
    resumed: bool = False


class Adapter(Protocol):
    """What every platform's adapter does. No awaits, no clock, no randomness."""

    @property
    def name(self) -> str:
        """The platform's name in logs."""

    @property
    def going_away(self) -> int:
        """The close code when the daemon stops; ABNORMAL is no code to send, and means without a close frame."""

    @property
    def call_limit_s(self) -> float | None:
        """How many seconds the platform lets a call last; None if it does not say."""

    def opening(self) -> tuple[list[str], TurnRequested | None]:
        """Return what is sent as soon as the connection is open: messages, and a turn of ours if we speak first."""

    def receive(self, text: str) -> list[Event]:
        """Read one whole text message.

        Raises:
            RemoteError: what came cannot be understood; the connection ends with the error's close code.
        """

    def send(self, commands: Sequence[Command]) -> list[str]:
        """Write commands as the text messages that the platform expects; none for what it has no word for."""


Catalogue = Mapping[str, Callable[[CallInfo], Adapter]]
"""Route name -> what makes an adapter for a call on that route."""


def catalogue(retell: RetellOptions) -> Catalogue:
    """Return every adapter there is."""
    return {
        "hume": lambda call: HumeClm(),
        "retell": lambda call: RetellLlm(retell, call.call_id, resumed=call.resumed),
    }
