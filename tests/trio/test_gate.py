"""Gate: a deadline on every write, nothing written after a torn write, writers one after the other; and bounds."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trio
import trio.testing

from elizad.net.gate import READ_BYTES, Gate, linger
from elizad.net.limits import Limits

LIMITS = Limits(write_timeout_s=10, messages_per_s=10)


def over_memory(early: int = 0) -> tuple[Gate, trio.abc.Stream, trio.abc.Stream]:
    near, far = trio.testing.memory_stream_pair()
    return Gate(near, LIMITS, early), near, far


def tight_pair() -> tuple[Gate, trio.abc.Stream]:
    """A writer whose bytes go out only as the far end reads them."""
    near, far = trio.testing.lockstep_stream_pair()
    return Gate(near, LIMITS), far


@asynccontextmanager
async def over_sockets(limits: Limits = LIMITS) -> AsyncIterator[tuple[Gate, trio.SocketStream]]:
    near, far = (trio.SocketStream(trio.socket.from_stdlib_socket(one)) for one in socket.socketpair())
    async with near, far:
        yield Gate(near, limits), far


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


class TestReading:
    async def test_reads_are_large(self) -> None:
        transport = Recording()
        await Gate(transport, LIMITS).read()
        assert transport.asked == [READ_BYTES]

    async def test_what_is_expected_comes_in_one_read(self) -> None:
        async with over_sockets() as (gate, far):
            await far.send_all(b"x" * 150_000)
            assert len(await gate.read(200_000)) == 150_000
            await far.send_all(b"x" * 150_000)
            assert len(await gate.read(10)) == READ_BYTES

    async def test_every_read_lets_others_work(self) -> None:
        async with over_sockets() as (gate, far):
            await far.send_all(b"x" * (READ_BYTES + 1))
            for size in (READ_BYTES, 1):
                with trio.testing.assert_checkpoints():
                    assert len(await gate.read()) == size

    async def test_a_read_has_a_bound_whatever_is_expected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[int] = []
        read = os.read
        monkeypatch.setattr(os, "read", lambda file, most: asked.append(most) or read(file, most))
        async with over_sockets() as (gate, far):
            await far.send_all(b"x")
            await gate.read(1 << 30)
        assert asked[-1] == 1 << 20

    async def test_what_comes_and_the_end(self) -> None:
        async with over_sockets() as (gate, far):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(far.send_all, b"x" * 150_000)
                received = 0
                while received < 150_000:
                    received += len(await gate.read())
            await far.aclose()
            assert await gate.read() == b""
            assert gate.bytes_in == 150_000

    async def test_one_reads(self) -> None:
        async with over_sockets() as (gate, _far):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gate.read)
                await trio.testing.wait_all_tasks_blocked()
                with pytest.raises(trio.BusyResourceError):
                    await gate.read()
                nursery.cancel_scope.cancel()

    async def test_a_cancelled_read_loses_nothing(self) -> None:
        async with over_sockets() as (gate, far):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gate.read)
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
            await far.send_all(b"here")
            with trio.CancelScope() as scope:
                scope.cancel()
                await gate.read()
            assert await gate.read() == b"here"

    async def test_who_reads_is_told_that_the_line_is_cut(self) -> None:
        async def read(gate: Gate) -> None:
            with pytest.raises(trio.ClosedResourceError):
                await gate.read()

        async with over_sockets() as (over_socket, _far):
            for gate in (over_memory()[0], over_socket):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(read, gate)
                    await trio.testing.wait_all_tasks_blocked()
                    await gate.cut()
                await read(gate)

    async def test_a_reset(self) -> None:
        def fail(*_args: object) -> bytes:
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

        async with over_sockets() as (gate, far):
            await far.send_all(b"x")
            with (
                pytest.MonkeyPatch.context() as patch,
                pytest.raises(trio.BrokenResourceError, match="Connection reset"),
            ):
                patch.setattr("elizad.net.gate.os.read", fail)
                await gate.read()
            assert gate.silent_s(1e9) == 0

    async def test_what_is_cut_is_not_looked_for_under_its_number(self) -> None:
        """Its descriptor is the next connection's."""
        async with over_sockets() as (gate, _far):
            transport = gate.transport
            assert isinstance(transport, trio.SocketStream)
            number = transport.socket.fileno()
            await gate.cut()
            async with over_sockets() as (other, far):
                near = other.transport
                assert isinstance(near, trio.SocketStream)
                assert number in (near.socket.fileno(), far.socket.fileno()), "the number is used again"
                await far.send_all(b"for the other")
                with pytest.raises(trio.ClosedResourceError):
                    await gate.read()
                with pytest.raises(trio.ClosedResourceError):
                    gate.write_at_once(b"x")
                assert await other.read() == b"for the other"


class TestWriting:
    async def test_a_write_that_is_not_read_ends_the_stream(self, autojump_clock: trio.testing.MockClock) -> None:
        gate, far = tight_pair()
        start = trio.current_time()
        with pytest.raises(trio.BrokenResourceError, match="did not read for 10 s"):
            await gate.write(b"long")
        assert trio.current_time() - start == pytest.approx(10)
        assert gate.stalled
        with pytest.raises(trio.ClosedResourceError):
            await gate.write(b"more")
        with pytest.raises(trio.BrokenResourceError):
            await far.send_all(b"x")

    async def test_a_socket_that_is_not_read_from(self) -> None:
        async with over_sockets(replace(LIMITS, write_timeout_s=0.2)) as (gate, _far):
            with pytest.raises(trio.BrokenResourceError, match=r"did not read for 0\.2 s"):
                await gate.write(b"x" * 5_000_000)
            assert gate.stalled
            assert gate.bytes_out > 0, "some of it had gone"
            with pytest.raises(trio.ClosedResourceError):
                gate.write_at_once(b"more")

    async def test_a_cancelled_write_ends_the_stream(self, autojump_clock: trio.testing.MockClock) -> None:
        gate, far = tight_pair()
        with trio.move_on_after(1) as scope:
            await gate.write(b"long")
        assert scope.cancelled_caught
        assert not gate.stalled
        with pytest.raises(trio.ClosedResourceError):
            await gate.write(b"more")
        with pytest.raises(trio.BrokenResourceError):
            await far.send_all(b"x")

    async def test_a_write_that_is_torn_although_it_was_cancelled_before_ends_the_stream(self) -> None:
        async with over_sockets() as (gate, _far):
            with trio.CancelScope() as scope:
                scope.cancel()
                await gate.write(b"x" * 5_000_000)
            assert scope.cancelled_caught
            with pytest.raises(trio.ClosedResourceError):
                await gate.write(b"more")

    async def test_waiting_for_another_write_may_be_cancelled(self, autojump_clock: trio.testing.MockClock) -> None:
        gate, far = tight_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gate.write, b"first")
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(1) as scope:
                await gate.write(b"second")
            assert scope.cancelled_caught
            assert await far.receive_some(100) == b"first"
        assert gate.bytes_out == len(b"first")

    async def test_writes_of_several_tasks_never_mix(self) -> None:
        gate, far = tight_pair()
        words = [letter * 50 for letter in (b"a", b"b", b"c", b"d")]
        async with trio.open_nursery() as nursery:
            for word in words:
                nursery.start_soon(gate.write, word)
            data = b""
            while len(data) < 200:
                data += await far.receive_some(7)
        assert sorted(data[start : start + 50] for start in range(0, 200, 50)) == words

    async def test_a_short_write_waits_for_a_long_one(self) -> None:
        async with over_sockets() as (gate, far):
            received = bytearray()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gate.write, b"x" * 3_000_000)
                await trio.testing.wait_all_tasks_blocked()
                received += os.read(far.socket.fileno(), 1_000_000)
                assert gate.write_at_once(b"short") == 0, "there is room now, but it is not its turn"
                nursery.start_soon(gate.write, b"short")
                await trio.testing.wait_all_tasks_blocked()
                while len(received) < 3_000_005:
                    received += await far.receive_some()
            assert bytes(received) == b"x" * 3_000_000 + b"short"
            assert gate.bytes_out == 3_000_005
            assert gate.write_at_once(b"at once") == 7, "nobody writes any more"

    async def test_what_fits_is_written_without_a_checkpoint(self) -> None:
        async with over_sockets() as (gate, far):
            with trio.CancelScope() as scope:
                scope.cancel()
                await gate.write(b"fits")
            assert not scope.cancelled_caught
            assert await far.receive_some() == b"fits"

    async def test_one_write_for_each_piece(self) -> None:
        transport = Recording()
        gate = Gate(transport, LIMITS)
        await gate.write(b"one two three")
        await gate.write(b"four")
        assert transport.written == [b"one two three", b"four"]

    async def test_the_end_waits_for_a_write(self) -> None:
        async with over_sockets() as (gate, far):
            received = bytearray()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gate.write, b"x" * 1_000_000)
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(gate.send_eof)
                async for part in far:
                    received += part
            assert len(received) == 1_000_000

    async def test_bytes_are_counted(self) -> None:
        gate, _near, far = over_memory(early=5)
        await far.send_all(b"later")
        await gate.write(b"123")
        await gate.read()
        assert (gate.bytes_in, gate.bytes_out) == (10, 3)


class TestBounds:
    async def test_messages(self, autojump_clock: trio.testing.MockClock) -> None:
        gate, _near, _far = over_memory()
        now = trio.current_time()
        assert [gate.admit_message(now, 10) for _ in range(100)] == [None] * 100
        assert gate.admit_message(now, 10) == "more than 10 messages a second"
        assert gate.admit_message(now + 0.1, 10) is None
        gate.take_at_most(1)
        assert gate.admit_message(now, 5 * READ_BYTES) is None
        assert gate.admit_message(now, 5 * READ_BYTES) == "more than 1 messages a second"

    async def test_control_frames_count_as_messages(self) -> None:
        gate, _near, _far = over_memory()
        assert gate.admit_frames(5000, 0) is None
        assert gate.admit_frames(100, 100) is None
        assert gate.admit_frames(1, 1) == "more than 10 messages a second"

    async def test_frames_without_a_message(self) -> None:
        gate, _near, _far = over_memory()
        for _ in range(3):
            assert gate.admit_frames(16_384, 0) is None
            assert gate.admit_message(trio.current_time(), 1) is None
        assert gate.admit_frames(16_384, 0) is None
        assert gate.admit_frames(1, 0) == "too many frames without a whole message"


class TestSilence:
    async def test_only_time_spent_reading_counts(self, autojump_clock: trio.testing.MockClock) -> None:
        gate, _near, far = over_memory()
        await trio.sleep(100)
        assert gate.silent_s(trio.current_time()) == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gate.read)
            await trio.sleep(7)
            assert gate.silent_s(trio.current_time()) == pytest.approx(7)
            await far.send_all(b"x")
        assert gate.silent_s(trio.current_time()) == 0


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
