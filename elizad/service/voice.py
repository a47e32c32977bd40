"""What calls are answered with, the same for all that open until the configuration changes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from elizad.conversation.conversation import Conversation, Manner, Place
from elizad.conversation.guide import UNGUIDED, Guide
from elizad.eliza import Eliza
from elizad.protocols.catalogue import Adapter, Catalogue
from elizad.service.responder import Borrowed

_NOTHING: Final[Catalogue] = MappingProxyType({})
_NO_SCRIPTS: Final[Mapping[str, Eliza]] = MappingProxyType({})


class Voice(NamedTuple):
    """What a call is answered with, from its beginning to its end. `scripts` are those that configs of EVI name."""

    eliza: Eliza
    manner: Manner
    catalogue: Catalogue = _NOTHING
    guide: Guide = UNGUIDED
    borrowed: Borrowed | None = None
    scripts: Mapping[str, Eliza] = _NO_SCRIPTS

    def converse(self, adapter: Adapter) -> Conversation:
        """Begin a conversation on the platform of `adapter`."""
        place = Place(adapter.name, adapter.call_limit_s)
        return Conversation(self.eliza, self.manner, self.guide, place, delegates=self.borrowed is not None)
