"""Puts each call through: the route's adapter, a conversation of its own, one line when it opens and one at its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import trio

from elizad.net.guard import Request
from elizad.net.ws import WebSocket
from elizad.protocols.catalogue import Adapter, CallInfo
from elizad.service.connection import Connection
from elizad.service.meter import Meter
from elizad.service.registry import Registry
from elizad.service.session import for_log
from elizad.service.sessions import Sessions
from elizad.service.voice import Voice

log = logging.getLogger("elizad.service")

# Calls that are known again when they come back on a new connection, which platforms do within seconds; each costs
# about a hundred bytes, and the oldest is forgotten first.
_KNOWN_CALLS: Final = 10_000
_CALL_ID_CHARS: Final = 256  # a longer one is cut; platforms' own have 32 to 36


class Switchboard:
    """Answers each call with what `voice` returns when it opens; `registry` has those that are live, `meter` counts."""

    def __init__(self, voice: Callable[[], Voice], sessions: Sessions | None = None) -> None:
        """Without `sessions` nothing outlasts a call."""
        self._voice = voice
        self._sessions = sessions
        self._known: dict[tuple[str, str], None] = {}  # in the order in which they were last seen
        self.registry = Registry()
        self.meter = Meter()

    async def answer(self, socket: WebSocket, request: Request) -> None:
        """Hold one call; the route's name says which platform speaks.

        Cancelling: ends the call without a goodbye.
        """
        voice = self._voice()
        adapter = voice.catalogue[request.route.name](self._recognise(request))
        connection = Connection(socket, adapter, voice, request.conn, self.meter, self._sessions)
        self.meter.calls[adapter.name] += 1
        opened = trio.current_time()
        log.info("call opened", extra={"fields": _who(adapter, request)})
        try:
            self.meter.live[adapter.name] += 1
            self.registry.add(connection)
            await connection.run()
        finally:
            self.registry.discard(connection)
            self.meter.live[adapter.name] -= 1
            fields = _who(adapter, request)
            if connection.session is not None:
                fields["session"] = for_log(connection.session)
            fields |= {
                "turns": connection.turns,
                "seconds": round(trio.current_time() - opened, 1),
                "code": connection.ending.code,
                "why": connection.ending.why,
                "bytes_in": socket.bytes_in,
                "bytes_out": socket.bytes_out,
            }
            log.info("call closed", extra={"fields": fields})

    def _recognise(self, request: Request) -> CallInfo:
        """Return what is known of the call, and remember that it was here."""
        call_id = request.tail[:_CALL_ID_CHARS]
        if not call_id:
            return CallInfo()
        key = (request.route.name, call_id)
        resumed = key in self._known
        self._known.pop(key, None)
        self._known[key] = None
        if len(self._known) > _KNOWN_CALLS:
            del self._known[next(iter(self._known))]
        return CallInfo(call_id, resumed)


def _who(adapter: Adapter, request: Request) -> dict[str, object]:
    return {"conn": request.conn, "proto": adapter.name, "peer": request.peer}
