"""The heartbeat: who is pinged, who is given up, and who is left alone."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from elizad.net.head import HeadReader
from elizad.net.heartbeat import Due, Heartbeat, what_is_due
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from elizad.net.ws import WebSocket, accept_websocket
from tests.support import peers
from tests.support.peers import PING, PONG, TEXT, frame, frames_in


class Peer:
    """A connection whose silence began at a given time, or which nobody reads from (None)."""

    def __init__(self, silent_since: float | None, *, answers: bool = False) -> None:
        self.silent_since = silent_since
        self.answers = answers
        self.pings: list[float] = []
        self.aborted: list[float] = []
        self.closed: list[tuple[float, int, str]] = []
        self.heard_at = self.opened_at = trio.current_time()
        self.writes = trio.Event()
        self.writes.set()

    async def close(self, code: int, reason: str) -> None:
        self.closed.append((trio.current_time(), code, reason))
        await self.writes.wait()

    def silent_s(self, now: float) -> float:
        return 0.0 if self.silent_since is None else now - self.silent_since

    async def ping(self) -> None:
        self.pings.append(trio.current_time())
        await self.writes.wait()
        if self.answers:
            self.silent_since = trio.current_time()

    async def abort(self, reason: str) -> None:
        self.aborted.append(trio.current_time())
        self.silent_since = None


@pytest.mark.parametrize(
    ("silent_s", "pinged", "due"),
    [
        (0, False, Due.NOTHING),
        (19.9, False, Due.NOTHING),
        (20, False, Due.PING),
        (20, True, Due.NOTHING),
        (29.9, True, Due.NOTHING),
        (30, True, Due.ABORT),
        (1000, False, Due.PING),
    ],
)
async def test_what_is_due(silent_s: float, pinged: bool, due: Due) -> None:
    assert what_is_due(silent_s, pinged=pinged, interval_s=20, timeout_s=10) is due


async def beat(*connections: Peer, for_s: float, every_s: float = 20, tally: Tally | None = None) -> Heartbeat:
    heartbeat = Heartbeat(ping_interval_s=every_s, ping_timeout_s=10, tally=tally)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(heartbeat.run)
        for connection in connections:
            nursery.start_soon(watch, heartbeat, connection)
        await trio.sleep(for_s)
        nursery.cancel_scope.cancel()
    return heartbeat


async def watch(heartbeat: Heartbeat, connection: Peer) -> None:
    with heartbeat.watching(connection):
        await trio.sleep_forever()


async def test_a_peer_that_answers_is_asked_again_and_again(autojump_clock: MockClock) -> None:
    peer = Peer(trio.current_time(), answers=True)
    heartbeat = await beat(peer, for_s=100)
    assert 4 <= len(peer.pings) <= 5
    assert peer.aborted == []
    assert len(heartbeat) == 0


async def test_one_that_answers_pings_a_second_apart_is_not_given_up(autojump_clock: MockClock) -> None:
    """The next silence has lasted as long as it takes when it is looked at for the first time."""
    peer = Peer(silent_since=0, answers=True)
    await beat(peer, for_s=30.5, every_s=1)
    assert peer.pings == list(range(1, 31))
    assert not peer.aborted


async def test_a_peer_that_does_not_answer_is_given_up(autojump_clock: MockClock) -> None:
    tally = Tally()
    start = trio.current_time()
    peer = Peer(start)
    await beat(peer, for_s=100, tally=tally)
    assert [time - start for time in peer.pings] == pytest.approx([20], abs=1.01)
    assert [time - start for time in peer.aborted] == pytest.approx([30], abs=1.01)
    assert tally.silent == 1


async def test_who_is_not_read_from_is_left_alone(autojump_clock: MockClock) -> None:
    peer = Peer(None)
    await beat(peer, for_s=1000)
    assert (peer.pings, peer.aborted) == ([], [])


async def test_one_that_does_not_read_holds_up_nobody(autojump_clock: MockClock) -> None:
    start = trio.current_time()
    stuck, well = Peer(start), Peer(start, answers=True)
    stuck.writes = trio.Event()
    await beat(stuck, well, for_s=100)
    assert len(stuck.pings) == 1
    assert len(stuck.aborted) == 1
    assert len(well.pings) >= 4


class TestOverAWebSocket:
    @staticmethod
    async def converse(ws: WebSocket) -> None:
        while True:
            await ws.send([await ws.receive()])

    async def test_a_silent_peer_is_pinged_and_then_cut_off(self, autojump_clock: MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        heartbeat = Heartbeat(ping_interval_s=20, ping_timeout_s=10)
        head = HeadReader(16_384).feed(peers.request())
        assert head is not None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(heartbeat.run)

            async def serve() -> None:
                async with accept_websocket(near, head, b"", Limits()) as ws:
                    with heartbeat.watching(ws):
                        with pytest.raises(BaseException, match="nothing was heard") as caught:
                            await self.converse(ws)
                        assert caught.type.__name__ == "PeerClosed"
                nursery.cancel_scope.cancel()

            nursery.start_soon(serve)
            await peers.read_response_head(far)
            start = trio.current_time()
            # It answers twice, which counts as a sign of life, and speaks once, which does too.
            for _ in range(2):
                assert frames_in(await far.receive_some()) == [(PING, b"")]
                await far.send_all(frame(PONG))
            await trio.sleep(15)
            await far.send_all(frame(TEXT, b"x"))
            assert frames_in(await far.receive_some()) == [(TEXT, b"x")]
            spoke = trio.current_time()
            assert frames_in(await far.receive_some()) == [(PING, b"")]
            assert await far.receive_some() == b""
            assert trio.current_time() - spoke == pytest.approx(30, abs=2)
            assert trio.current_time() - start > 80
