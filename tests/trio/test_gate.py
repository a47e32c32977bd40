"""GatedStream: a proper Stream, a gate on input, a deadline on every write, and nothing written after a torn write."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from elizad.net.gate import READ_BYTES, GatedStream, linger


def over_memory(replay: bytes = b"", early: bytes = b"") -> tuple[GatedStream, trio.abc.Stream, trio.abc.Stream]:
    near, far = trio.testing.memory_stream_pair()
    return GatedStream(near, write_timeout_s=10, replay=replay, early=early), near, far


def tight_pair() -> tuple[GatedStream, trio.abc.Stream]:
    """A writer whose bytes go out only as the far end reads them."""
    near, far = trio.testing.lockstep_stream_pair()
    return GatedStream(near, write_timeout_s=10), far


class Recording(trio.abc.Stream):
    """Notes what is asked of a transport."""

    def __init__(self) -> None:
        self.asked: list[int | None] = []
        self.written: list[bytes] = []

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        self.asked.append(max_bytes)
        return b"x"

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    async def wait_send_all_might_not_block(self) -> None: ...

    async def aclose(self) -> None: ...


class TestStreamContract:
    @staticmethod
    def open_pair(pair: tuple[trio.abc.Stream, trio.abc.Stream]) -> tuple[GatedStream, GatedStream]:
        near, far = pair
        one, other = GatedStream(near, write_timeout_s=10), GatedStream(far, write_timeout_s=10)
        one.open_gate()
        other.open_gate()
        return one, other

    async def test_over_memory(self) -> None:
        async def make() -> tuple[GatedStream, GatedStream]:
            return self.open_pair(trio.testing.memory_stream_pair())

        await trio.testing.check_two_way_stream(make, None)

    async def test_over_memory_that_blocks(self) -> None:
        async def make() -> tuple[GatedStream, GatedStream]:
            return self.open_pair(trio.testing.lockstep_stream_pair())

        await trio.testing.check_two_way_stream(make, make)

    async def test_with_bytes_that_came_before(self) -> None:
        async def make() -> tuple[GatedStream, GatedStream]:
            near, far = trio.testing.memory_stream_pair()
            one = GatedStream(near, write_timeout_s=10, replay=b"h", early=b"e")
            one.open_gate()
            assert await one.receive_some() + await one.receive_some() == b"he"
            other = GatedStream(far, write_timeout_s=10)
            other.open_gate()
            return one, other

        await trio.testing.check_two_way_stream(make, None)


class TestGate:
    async def test_replay_comes_first_then_early_bytes_then_the_transport(self) -> None:
        gated, _near, far = over_memory(replay=b"head", early=b"early")
        await far.send_all(b"later")
        assert await gated.receive_some() == b"head"
        gated.open_gate()
        assert await gated.receive_some() == b"early"
        assert await gated.receive_some() == b"later"

    async def test_nothing_behind_the_gate_is_read_before_it_opens(
        self, autojump_clock: trio.testing.MockClock
    ) -> None:
        gated, near, far = over_memory(replay=b"head", early=b"early")
        await far.send_all(b"later")
        assert await gated.receive_some() == b"head"
        with trio.move_on_after(60) as waited:
            await gated.receive_some()
        assert waited.cancelled_caught
        assert await near.receive_some() == b"later", "it is still where the kernel would keep it"

    async def test_max_bytes_cuts_what_is_replayed(self) -> None:
        gated, _near, _far = over_memory(replay=b"head", early=b"early")
        gated.open_gate()
        assert [await gated.receive_some(3) for _ in range(4)] == [b"hea", b"d", b"ear", b"ly"]

    async def test_closing_wakes_who_waits_at_the_gate(self) -> None:
        gated, _near, _far = over_memory()

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await gated.receive_some()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            await gated.aclose()

    async def test_reads_are_large(self) -> None:
        transport = Recording()
        gated = GatedStream(transport, write_timeout_s=1)
        gated.open_gate()
        await gated.receive_some()
        assert transport.asked == [READ_BYTES]


class TestWriting:
    async def test_a_write_that_is_not_read_ends_the_stream(self, autojump_clock: trio.testing.MockClock) -> None:
        gated, far = tight_pair()
        start = trio.current_time()
        with pytest.raises(trio.BrokenResourceError, match="did not read for 10 s"):
            await gated.send_all(b"long")
        assert trio.current_time() - start == pytest.approx(10)
        assert gated.stalled
        with pytest.raises(trio.ClosedResourceError):
            await gated.write(b"more")
        with pytest.raises(trio.BrokenResourceError):
            await far.send_all(b"x")

    async def test_a_cancelled_write_ends_the_stream(self, autojump_clock: trio.testing.MockClock) -> None:
        gated, far = tight_pair()
        with trio.move_on_after(1) as scope:
            await gated.send_all(b"long")
        assert scope.cancelled_caught
        assert not gated.stalled
        with pytest.raises(trio.ClosedResourceError):
            await gated.send_all(b"more")
        with pytest.raises(trio.BrokenResourceError):
            await far.send_all(b"x")

    async def test_waiting_for_another_write_may_be_cancelled(self, autojump_clock: trio.testing.MockClock) -> None:
        gated, far = tight_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gated.send_all, b"first")
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(1) as scope:
                await gated.write(b"second")
            assert scope.cancelled_caught
            assert await far.receive_some(100) == b"first"
        assert gated.bytes_out == len(b"first")

    async def test_writes_of_several_tasks_never_mix(self) -> None:
        gated, far = tight_pair()
        pieces = [bytes([65 + number]) * 50 for number in range(8)]
        async with trio.open_nursery() as nursery:
            for piece in pieces:
                nursery.start_soon(gated.write, piece)
            received = b""
            while len(received) < 400:
                received += await far.receive_some(7)
        assert sorted(received[start : start + 50] for start in range(0, 400, 50)) == pieces

    async def test_each_write_is_one_write_of_the_transport(self) -> None:
        transport = Recording()
        gated = GatedStream(transport, write_timeout_s=1)
        await gated.write(b"one two three")
        await gated.send_all(b"four")
        assert transport.written == [b"one two three", b"four"]

    async def test_bytes_are_counted(self) -> None:
        gated, _near, far = over_memory(replay=b"head", early=b"early")
        gated.open_gate()
        await far.send_all(b"later")
        await gated.write(b"123")
        for _ in range(3):
            await gated.receive_some()
        assert (gated.bytes_in, gated.bytes_out) == (len(b"earlylater"), 3)


class TestSilence:
    async def test_only_time_spent_reading_counts(self, autojump_clock: trio.testing.MockClock) -> None:
        gated, _near, far = over_memory()
        gated.open_gate()
        await trio.sleep(100)
        assert gated.silent_s(trio.current_time()) == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gated.receive_some)
            await trio.sleep(7)
            assert gated.silent_s(trio.current_time()) == pytest.approx(7)
            await far.send_all(b"x")
        assert gated.silent_s(trio.current_time()) == 0


class TestLinger:
    async def test_until_the_peer_closes(self, autojump_clock: trio.testing.MockClock) -> None:
        near, far = trio.testing.memory_stream_pair()
        await far.send_all(b"rest")
        await far.aclose()
        start = trio.current_time()
        await linger(near, 2)
        assert trio.current_time() == start
        with pytest.raises(trio.BrokenResourceError):
            await near.send_all(b"x")

    async def test_not_longer_than_allowed(self, autojump_clock: trio.testing.MockClock) -> None:
        near, _far = trio.testing.memory_stream_pair()
        start = trio.current_time()
        await linger(near, 2)
        assert trio.current_time() - start == pytest.approx(2)
