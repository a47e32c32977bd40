"""Idle time, call length and rates of one connection, over memory and with a fake clock; and admission in the guard."""

from __future__ import annotations

import ipaddress
import logging
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from elizad.net.addresses import Sources
from elizad.net.admission import Route
from elizad.net.gate import READ_BYTES
from elizad.net.guard import serve_connection
from elizad.net.heartbeat import Heartbeat
from elizad.net.limits import Limits
from elizad.net.tally import Tally
from elizad.net.visitors import Trust, Visitors
from tests.support import peers
from tests.support.peers import CLOSE, PING, PONG, TEXT, close_code, echo, frame, frames_in, read_all

ROUTES = (Route("echo", "/echo"), Route("guarded", "/guarded", tokens=("hush-hush",)))


class Call:
    """One guarded connection, with the peer's end of it."""

    def __init__(self, limits: Limits, *, visitors: Visitors | None = None, target: str = "/echo") -> None:
        self.tally = Tally()
        self.limits = limits
        self.visitors = visitors
        self.target = target
        self.ended_at = 0.0
        self.far: trio.abc.Stream

    async def __aenter__(self) -> Call:
        near, self.far = trio.testing.memory_stream_pair()
        limits = self.limits
        heartbeat = Heartbeat(
            ping_interval_s=limits.ping_interval_s,
            ping_timeout_s=limits.ping_timeout_s,
            idle_s=limits.idle_s,
            call_s=limits.call_s,
            tally=self.tally,
        )
        self._nursery_manager = trio.open_nursery()
        self.nursery = await self._nursery_manager.__aenter__()
        self.nursery.start_soon(heartbeat.run)
        serve = partial(
            serve_connection,
            routes=ROUTES,
            limits=limits,
            heartbeat=heartbeat,
            tally=self.tally,
            visitors=self.visitors,
        )
        self.nursery.start_soon(serve, near, echo)
        await self.far.send_all(peers.request(self.target))
        assert (await peers.read_response_head(self.far)).startswith(b"HTTP/1.1 101 ")
        self.opened_at = trio.current_time()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.nursery.cancel_scope.cancel()
        await self._nursery_manager.__aexit__(*exc)  # type: ignore[arg-type]

    async def live(self, *, says_every_s: float = 1e9, for_s: float = 1e9) -> list[tuple[int, bytes]]:
        """Answer pings, say something now and then, and return all frames from the first close on."""

        async def talk() -> None:
            with trio.move_on_after(for_s):
                while True:
                    await trio.sleep(says_every_s)
                    await self.far.send_all(frame(TEXT, b"x"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            try:
                while True:
                    data = await self.far.receive_some()
                    frames = frames_in(data)
                    for opcode, payload in frames:
                        if opcode == PING:
                            await self.far.send_all(frame(PONG, payload))
                        if opcode == CLOSE:
                            self.ended_at = trio.current_time()
                            await self.far.send_all(frame(CLOSE, payload))
                            assert await self.far.receive_some() == b""
                            return [(opcode, payload)]
            finally:
                nursery.cancel_scope.cancel()


async def test_without_a_message_the_connection_is_closed_though_pings_are_answered(autojump_clock: MockClock) -> None:
    async with Call(Limits(idle_s=300)) as call:
        ((_, payload),) = await call.live(says_every_s=100, for_s=450)
    assert (close_code(payload), payload[2:]) == (1008, b"no message came for 300 s")
    assert call.ended_at - call.opened_at == pytest.approx(400 + 300, abs=2)
    assert call.tally.limited == {"idle_s": 1}
    assert call.tally.closes == {1008: 1}
    assert not call.tally.bugs


async def test_a_call_ends_though_there_is_talk(autojump_clock: MockClock) -> None:
    async with Call(Limits(call_s=600)) as call:
        ((_, payload),) = await call.live(says_every_s=7)
    assert (close_code(payload), payload[2:]) == (1008, b"a call lasts 600 s at most")
    assert call.ended_at - call.opened_at == pytest.approx(600, abs=2)
    assert call.tally.limited == {"call_s": 1}


async def test_one_that_does_not_answer_the_close_is_cut_off(autojump_clock: MockClock) -> None:
    async with Call(Limits(call_s=100, ping_interval_s=1000, close_timeout_s=2)) as call:
        data = await read_all(call.far)
        assert close_code(frames_in(data)[-1][1]) == 1008
        assert trio.current_time() - call.opened_at == pytest.approx(102, abs=2)
    assert call.tally.limited == {"call_s": 1}


async def test_messages_above_the_rate_are_a_policy_close_and_those_below_are_answered(
    autojump_clock: MockClock,
) -> None:
    async with Call(Limits(messages_per_s=5)) as call:
        for _ in range(40):  # the rate for a good while
            await call.far.send_all(frame(TEXT, b"x") * 5)
            assert frames_in(await call.far.receive_some())[0] == (TEXT, b"x")
            await trio.sleep(1)
            await trio.testing.wait_all_tasks_blocked()
        while frames_in(await call.far.receive_some())[-1] != (TEXT, b"last"):
            await call.far.send_all(frame(TEXT, b"last"))
            await trio.sleep(1)
        await trio.sleep(20)
        await call.far.send_all(frame(TEXT, b"y") * 60)
        answers = frames_in(await read_all(call.far))
        assert [opcode for opcode, _ in answers].count(TEXT) == 50
        assert answers[-1][0] == CLOSE
        assert close_code(answers[-1][1]) == 1008
        assert answers[-1][1][2:] == b"more than 5 messages a second"
    assert call.tally.limited == {"messages_per_s": 1}
    assert call.tally.faults == {1008: 1}


async def test_a_large_message_counts_for_its_size(autojump_clock: MockClock) -> None:
    async with Call(Limits(messages_per_s=1)) as call:
        await call.far.send_all(frame(TEXT, b"x" * (READ_BYTES * 8)))
        await trio.testing.wait_all_tasks_blocked()
        await call.far.send_all(frame(TEXT, b"x" * READ_BYTES))
        answers = frames_in(await read_all(call.far))
        assert [opcode for opcode, _ in answers] == [TEXT, CLOSE]
        assert close_code(answers[-1][1]) == 1008


async def test_pings_count_as_messages(autojump_clock: MockClock) -> None:
    async with Call(Limits(messages_per_s=5)) as call:
        await call.far.send_all(frame(PING) * 50)
        await trio.testing.wait_all_tasks_blocked()
        await call.far.send_all(frame(PING) * 2)
        answers = frames_in(await read_all(call.far))
        assert [opcode for opcode, _ in answers].count(PONG) == 50
        assert close_code(answers[-1][1]) == 1008
    assert call.tally.limited == {"messages_per_s": 1}
    assert call.tally.closes == {1008: 1}


class Requests:
    """Requests to one daemon, each over a connection of its own, from whom a proxy says."""

    def __init__(self, visitors: Visitors) -> None:
        self.tally = Tally()
        self.visitors = visitors

    async def ask(self, target: str, client: str) -> tuple[bytes, float]:
        """The answer's first line, or b"", and after how long it came."""
        near, far = trio.testing.memory_stream_pair()
        heartbeat = Heartbeat(ping_interval_s=20, ping_timeout_s=20)
        start = trio.current_time()
        answer, after_s = b"", 0.0

        async def read() -> None:
            nonlocal answer, after_s
            answer = bytes(await far.receive_some())
            after_s = trio.current_time() - start
            if b" 101 " in answer:
                await read_all(far)
            await far.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await far.send_all(peers.request(target, X_Forwarded_For=client) + frame(CLOSE, b"\x03\xe8"))
            await serve_connection(
                near,
                echo,
                routes=ROUTES,
                limits=Limits(),
                heartbeat=heartbeat,
                tally=self.tally,
                visitors=self.visitors,
            )
        return answer.partition(b"\r\n")[0], after_s


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Every stream in memory is from a trusted proxy."""
    proxy = ipaddress.ip_address("10.0.0.1")
    monkeypatch.setattr("elizad.net.guard.peer_of", lambda stream: (proxy, 4711))
    return Requests(Visitors(connections_per_address=3, handshakes_per_s=100, trust=Trust(Sources(["10.0.0.1"]))))


async def test_the_client_behind_a_proxy_is_who_is_counted_and_logged(
    proxied: Requests, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert await proxied.ask("/guarded?token=wrong-one", "1.1.1.1, 203.0.113.9") == (b"HTTP/1.1 403 Forbidden", 0)
    (record,) = caplog.records
    assert record.fields["peer"] == "203.0.113.9"  # type: ignore[attr-defined]
    assert proxied.visitors.addresses == 0


async def test_clients_behind_a_proxy_have_their_own_limits(proxied: Requests, autojump_clock: MockClock) -> None:
    for _ in range(3):
        assert proxied.visitors.enter(ipaddress.ip_address("203.0.113.9")) is None
    assert await proxied.ask("/echo", "203.0.113.9") == (b"HTTP/1.1 429 Too Many Requests", 0)
    assert (await proxied.ask("/echo", "203.0.113.10"))[0] == b"HTTP/1.1 101 Switching Protocols"
    assert proxied.tally.limited == {"connections_per_address": 1}
    assert proxied.tally.refusals == {429: 1}


async def test_wrong_tokens_are_slowed_down_and_right_ones_never(
    proxied: Requests, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    attacker, other = "203.0.113.9", "203.0.113.10"
    times = [(await proxied.ask("/guarded?token=wrong-one", attacker))[1] for _ in range(12)]
    assert times == [0] * 10 + [2] * 2
    assert proxied.tally.slowed == 2
    assert [record.fields.get("slowed") for record in caplog.records] == [None] * 10 + [True] * 2  # type: ignore[attr-defined]
    assert (await proxied.ask("/guarded?token=wrong-one", other))[1] == 0
    assert await proxied.ask("/guarded?token=hush-hush", attacker) == (b"HTTP/1.1 101 Switching Protocols", 0)
    assert await proxied.ask("/nothing", attacker) == (b"HTTP/1.1 404 Not Found", 0)


async def test_many_wrong_requests_at_once_do_not_pile_up(proxied: Requests, autojump_clock: MockClock) -> None:
    outcomes: list[tuple[bytes, float]] = []
    proxied.visitors = Visitors(1000, 1000, Trust(Sources(["10.0.0.1"])))

    async def guess() -> None:
        outcomes.append(await proxied.ask("/guarded?token=wrong-one", "203.0.113.9"))

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(guess)
    assert outcomes.count((b"HTTP/1.1 403 Forbidden", 0)) == 10
    assert outcomes.count((b"HTTP/1.1 403 Forbidden", 2)) == 32
    assert outcomes.count((b"", 0)) == 58
    assert proxied.tally.slowed == 90
    assert proxied.tally.refusals == {403: 100}
