"""A client over TLS for tests that block.

That of websockets.sync reads in one thread and writes in another, over one TLS object, which OpenSSL does not allow:
now and then a handshake hangs for ever. This one does both in the thread of the test.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from websockets.asyncio.client import ClientConnection, connect

OPEN_S: Final = 20.0  # two handshakes, on a busy machine


class SecureClient:
    """An open line. Answers pings only while it receives."""

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext,
        *,
        sock: socket.socket | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Raises: InvalidStatus, when the server refuses; OSError; TimeoutError."""
        self._loop = asyncio.Runner()
        try:
            self.line: ClientConnection = self._loop.run(self._open(url, context, sock, headers))
        except BaseException:
            self._loop.close()
            if sock is not None:
                sock.close()
            raise

    @staticmethod
    async def _open(
        url: str, context: ssl.SSLContext, sock: socket.socket | None, headers: Mapping[str, str] | None
    ) -> ClientConnection:
        more = {} if sock is None else {"sock": sock}
        return await connect(
            url, ssl=context, additional_headers=headers, proxy=None, ping_interval=None, open_timeout=OPEN_S, **more
        )

    def __enter__(self) -> SecureClient:
        return self

    def __exit__(self, *wrong: object) -> None:
        self.close()

    @property
    def tls(self) -> ssl.SSLObject:
        """What was agreed on."""
        found: ssl.SSLObject = self.line.transport.get_extra_info("ssl_object")
        return found

    def send(self, text: str) -> None:
        """Raises: ConnectionClosed."""
        self._loop.run(self.line.send(text))

    def recv(self, timeout: float) -> str:
        """Return the next message. Raises: TimeoutError after so many seconds; ConnectionClosed."""
        return self._loop.run(self._recv(timeout))

    async def _recv(self, timeout_s: float) -> str:
        async with asyncio.timeout(timeout_s):
            return str(await self.line.recv())

    def close(self) -> None:
        """Say goodbye, if nobody has."""
        self._loop.run(self.line.close())
        self._loop.close()
