"""A renewed certificate is picked up while the daemon runs: when it is looked for, and what comes of it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from elizad.net.tls import Certificate
from tests.support.certificates import Files, client_context, files, issue


async def shown(certificate: Certificate) -> bytes:
    """What a new connection gets to see."""
    ours, theirs = trio.socket.socketpair()
    server = certificate.secure(trio.SocketStream(ours))
    client = trio.SSLStream(trio.SocketStream(theirs), client_context(), server_hostname="localhost")
    async with server, client, trio.open_nursery() as nursery:
        nursery.start_soon(server.shake_hands, 5)
        await client.do_handshake()
        found: bytes = client.getpeercert(binary_form=True)
        return found


@pytest.fixture
def found(tmp_path: Path) -> Files:
    return files(tmp_path)


async def test_it_is_looked_for_once_in_a_minute(
    found: Files, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "elizad.net")
    certificate = Certificate(str(found.certificate), str(found.key))
    old = await shown(certificate)
    found.write(issue())
    mock_clock.jump(59)
    assert await shown(certificate) == old
    assert not caplog.messages
    mock_clock.jump(2)
    new = await shown(certificate)
    assert new != old
    mock_clock.jump(61)
    assert await shown(certificate) == new
    assert caplog.messages == ["new certificate"]


async def test_half_of_a_renewal_is_not_taken_and_told_once(
    found: Files, mock_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "elizad.net")
    certificate = Certificate(str(found.certificate), str(found.key))
    old = await shown(certificate)
    renewed = issue()
    found.key.write_bytes(renewed.private_key_pem.bytes())
    for _ in range(3):
        mock_clock.jump(61)
        assert await shown(certificate) == old
    assert caplog.messages == ["certificate not taken, the old one stays"]
    found.write(renewed)
    mock_clock.jump(61)
    assert await shown(certificate) != old
    assert caplog.messages[1:] == ["new certificate"]


async def test_files_that_are_gone_for_a_while(found: Files, mock_clock: MockClock) -> None:
    certificate = Certificate(str(found.certificate), str(found.key))
    old = await shown(certificate)
    away = found.key.with_name("away")
    found.key.rename(away)
    mock_clock.jump(61)
    assert await shown(certificate) == old
    away.rename(found.key)
    mock_clock.jump(61)
    assert await shown(certificate) == old
