"""Counting by address: who is here, who comes too quickly, and who is wrong too often. The clock is a fake."""

from __future__ import annotations

import ipaddress

import trio
from trio.testing import MockClock

from elizad.net.addresses import Sources
from elizad.net.visitors import Trust, Visitors

ONE = ipaddress.ip_address("192.0.2.1")
OTHER = ipaddress.ip_address("192.0.2.2")


def in_network(network: int, host: int) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address((0x20010DB8 << 96) + (network << 64) + host)


async def test_one_address_has_so_many_connections_and_another_its_own() -> None:
    visitors = Visitors(connections_per_address=2, handshakes_per_s=1000)
    assert [visitors.enter(ONE) for _ in range(3)] == [None, None, "connections_per_address"]
    assert visitors.enter(OTHER) is None
    visitors.leave(ONE)
    assert visitors.enter(ONE) is None
    for peer in (ONE, ONE, OTHER):
        visitors.leave(peer)
    assert visitors.addresses == 0


async def test_ipv6_is_counted_by_network() -> None:
    visitors = Visitors(connections_per_address=2, handshakes_per_s=1000)
    assert visitors.enter(in_network(1, 1)) is None
    assert visitors.enter(in_network(1, 2**63)) is None
    assert visitors.enter(in_network(1, 3)) == "connections_per_address"
    assert visitors.enter(in_network(2, 3)) is None


async def test_handshakes_come_at_a_rate(autojump_clock: MockClock) -> None:
    visitors = Visitors(connections_per_address=1000, handshakes_per_s=2)

    def come_and_go(count: int) -> int:
        entered = 0
        for _ in range(count):
            if visitors.enter(ONE) is None:
                entered += 1
                visitors.leave(ONE)
        return entered

    assert come_and_go(25) == 20
    assert visitors.enter(ONE) == "handshakes_per_s"
    await trio.sleep(3)
    assert come_and_go(25) == 6
    assert visitors.enter(OTHER) is None
    visitors.leave(OTHER)
    assert visitors.addresses == 0, "who was turned away leaves no row behind"


async def test_after_ten_wrong_requests_the_answers_wait(autojump_clock: MockClock) -> None:
    visitors = Visitors(connections_per_address=1, handshakes_per_s=1)
    assert [visitors.is_slowed(ONE) for _ in range(12)] == [False] * 10 + [True] * 2
    assert not visitors.is_slowed(OTHER)
    await trio.sleep(10.1)
    assert [visitors.is_slowed(ONE) for _ in range(2)] == [False, True]


async def test_few_answers_wait_at_once_and_the_rest_get_none(autojump_clock: MockClock) -> None:
    visitors = Visitors(connections_per_address=1, handshakes_per_s=1)
    outcomes: list[tuple[bool, float]] = []
    start = trio.current_time()

    async def refuse() -> None:
        answered = await visitors.hold_back()
        outcomes.append((answered, trio.current_time() - start))

    async with trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(refuse)
    assert sorted(outcomes) == [(False, 0)] * 8 + [(True, 2)] * 32
    assert await visitors.hold_back(), "there is room again"


async def test_a_held_answer_that_is_cancelled_gives_its_place_back(autojump_clock: MockClock) -> None:
    visitors = Visitors(connections_per_address=1, handshakes_per_s=1)
    with trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            for _ in range(32):
                nursery.start_soon(visitors.hold_back)
    assert await visitors.hold_back()


async def test_proxies_are_who_is_trusted() -> None:
    visitors = Visitors(1, 1, Trust(Sources(["192.0.2.1", "unix"])))
    assert visitors.is_proxy(ONE)
    assert visitors.is_proxy("unix")
    assert not visitors.is_proxy(OTHER)
    assert not visitors.is_proxy("unknown")
    assert not Visitors(1, 1).is_proxy("unix")
