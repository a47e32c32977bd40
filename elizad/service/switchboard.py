"""Puts each call through: the route's adapter, a conversation of its own, one line when it opens and one at its end."""

from __future__ import annotations

import logging

import trio

from elizad.conversation.conversation import Conversation, Manner
from elizad.eliza import Eliza
from elizad.net.guard import Request
from elizad.net.ws import WebSocket
from elizad.protocols.catalogue import ADAPTERS
from elizad.service.connection import Connection
from elizad.service.registry import Registry

log = logging.getLogger("elizad.service")


class Switchboard:
    """Answers calls with one ELIZA; `registry` has those that are live."""

    def __init__(self, eliza: Eliza, manner: Manner) -> None:
        self._eliza = eliza
        self._manner = manner
        self.registry = Registry()

    async def answer(self, socket: WebSocket, request: Request) -> None:
        """Hold one call; the route's name says which platform speaks.

        Cancelling: ends the call without a goodbye.
        """
        adapter = ADAPTERS[request.route.name]()
        connection = Connection(socket, adapter, Conversation(self._eliza, self._manner), request.conn)
        opened = trio.current_time()
        fields: dict[str, object] = {"conn": request.conn, "proto": adapter.name, "peer": request.peer}
        log.info("call opened", extra={"fields": fields})
        try:
            with self.registry.entered(connection):
                await connection.run()
        finally:
            if connection.session is not None:
                fields["session"] = connection.session
            fields |= {
                "turns": connection.turns,
                "seconds": round(trio.current_time() - opened, 1),
                "bytes_in": socket.bytes_in,
                "bytes_out": socket.bytes_out,
                "code": connection.ending.code,
                "why": connection.ending.why,
            }
            log.info("call closed", extra={"fields": fields})
