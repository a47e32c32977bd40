"""trio-websocket is called in by the first frame that is unusual, wherever it comes, and not before."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from elizad.net.errors import PeerClosed
from elizad.net.judge import Judge
from elizad.net.ws import WebSocket, accept_websocket
from tests.support import peers
from tests.support.opened import LIMITS, ending, head, opened
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, close_code, frame, frames_in, read_all


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> list[Judge]:
    """Every trio-websocket that is called in."""
    called: list[Judge] = []

    def call(*args: object) -> Judge:
        called.append(Judge(*args))  # type: ignore[arg-type]
        return called[-1]

    monkeypatch.setattr("elizad.net.ws.Judge", call)
    return called


async def receive_all(ws: WebSocket) -> None:
    with pytest.raises(PeerClosed):
        while True:
            await ws.receive_any()


PARTS = frame(TEXT, b"My", fin=False) + frame(0, b"", fin=False) + frame(0, b" house")
WHOLE: list[tuple[bytes, list[str | bytes]]] = [
    (frame(BINARY, b"\x00\xff"), [b"\x00\xff"]),
    (frame(BINARY, b"\x00", fin=False) + frame(0, b"\xff"), [b"\x00\xff"]),
    (frame(BINARY), [b""]),
    (PARTS, ["My house"]),
    (frame(TEXT, "ü".encode()[:1], fin=False) + frame(0, "ü".encode()[1:]), ["ü"]),
    (frame(TEXT, b"", fin=False) + frame(0), [""]),
    (frame(BINARY, b"1") * 3, [b"1"] * 3),
]


@pytest.mark.parametrize(("data", "messages"), WHOLE, ids=lambda value: value.hex() if isinstance(value, bytes) else "")
class TestWherever:
    async def test_as_the_very_first(
        self, data: bytes, messages: list[str | bytes], judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far):
            assert not judges
            await far.send_all(data)
            assert [await ws.receive_any() for _ in messages] == messages
            assert len(judges) == 1
            await far.aclose()

    async def test_with_the_request(
        self, data: bytes, messages: list[str | bytes], judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened(early=data + frame(TEXT, b"bird")) as (ws, far):
            assert ws.bytes_in == len(data) + 10
            assert not judges, "nobody has received"
            assert [await ws.receive_any() for _ in (*messages, 1)] == [*messages, "bird"]
            await far.aclose()

    async def test_between_texts_in_one_segment(
        self, data: bytes, messages: list[str | bytes], judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far):
            await far.send_all(frame(TEXT, b"one") + data + frame(TEXT, b"two") + data + frame(PING) + frame(TEXT))
            assert await ws.receive_any() == "one"
            assert not judges
            assert [await ws.receive_any() for _ in messages] == messages
            assert await ws.receive_any() == "two"
            assert [await ws.receive_any() for _ in messages] == messages
            assert await ws.receive_any() == ""
            assert frames_in(await far.receive_some()) == [(PONG, b"")]
            assert len(judges) == 1
            await far.aclose()

    async def test_a_byte_at_a_time_and_cancelled_after_each(
        self, data: bytes, messages: list[str | bytes], judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        got: list[str | bytes] = []
        async with opened() as (ws, far):
            for byte in frame(TEXT, b"one") + data + frame(TEXT, b"two"):
                await far.send_all(bytes([byte]))
                with trio.move_on_after(0.001):
                    got.append(await ws.receive_any())
            with trio.move_on_after(1):
                while True:
                    got.append(await ws.receive_any())
            await far.aclose()
        assert got == ["one", *messages, "two"]
        assert len(judges) == 1

    @pytest.mark.parametrize("steps", range(12))
    async def test_cancelled_while_it_is_called_in(
        self, data: bytes, messages: list[str | bytes], steps: int, judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        got: list[str | bytes] = []
        async with opened(early=data + frame(TEXT, b"next")) as (ws, far):
            async with trio.open_nursery() as nursery:

                async def receive() -> None:
                    got.append(await ws.receive_any())

                nursery.start_soon(receive)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            while len(got) < len(messages) + 1:
                got.append(await ws.receive_any())
            await far.aclose()
        assert got == [*messages, "next"]
        assert len(judges) == 1


class TestFaults:
    @pytest.mark.parametrize(
        ("code", "data"),
        [
            (1002, frame(0, b"of nothing")),
            (1002, frame(TEXT, b"x", rsv=4)),
            (1002, frame(CLOSE, b"\x03")),
            (1007, frame(TEXT, b"\xff")),
            (1009, frame(BINARY, b"x" * 1001)),
            (1009, frame(BINARY, b"x" * 600, fin=False) + frame(0, b"x" * 600, fin=False)),
        ],
        ids=lambda value: value[:12].hex() if isinstance(value, bytes) else str(value),
    )
    @pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13])
    async def test_found_although_nobody_waits_for_it(
        self, code: int, data: bytes, steps: int, autojump_clock: MockClock
    ) -> None:
        """A read is cancelled after some steps; the next one still tells what was wrong."""
        async with opened(early=frame(TEXT, b"one") + data) as (ws, far):
            assert await ws.receive() == "one"
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ending, ws)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            end = await ending(ws)
            assert (end.code, end.by_peer, ws.fault) == (code, False, code)
            await far.send_eof()  # type: ignore[attr-defined]
        ((opcode, payload),) = frames_in(await read_all(far))
        assert (opcode, close_code(payload)) == (CLOSE, code)

    async def test_a_pong_that_is_owed_comes_before_the_verdict(self, autojump_clock: MockClock) -> None:
        async with opened(early=frame(PING, b"?") + frame(TEXT, b"\xff") + frame(PING, b"??")) as (ws, far):
            assert (await ending(ws)).code == 1007
            await far.send_eof()  # type: ignore[attr-defined]
        pong, (opcode, payload) = frames_in(await read_all(far))
        assert pong == (PONG, b"?")
        assert (opcode, close_code(payload)) == (CLOSE, 1007)


class TestClosing:
    async def test_who_closes_does_not_need_it(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async with opened(early=frame(TEXT, b"never asked for") + frame(BINARY) + PARTS) as (ws, far):
            await far.send_all(frame(CLOSE, b"\x03\xe8"))
            start = trio.current_time()
            await ws.close(1001, "going away")
            assert trio.current_time() == start
            assert not judges
        assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe9going away")]

    async def test_nothing_is_received_after_our_close(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001)
            await wait_all_tasks_blocked()
            await far.send_all(frame(TEXT, b"wait!") + frame(BINARY))
            for _ in range(2):
                end = await ending(ws)
                assert (end.code, end.by_peer) == (1001, False)
            await far.send_all(frame(CLOSE, b"\x03\xe9"))

    @pytest.mark.parametrize("data", [frame(TEXT, b"wait!"), frame(BINARY), PARTS, frame(PONG)], ids=bytes.hex)
    async def test_who_receives_while_we_close_is_told_and_the_peers_half_is_seen(
        self, data: bytes, autojump_clock: MockClock
    ) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ending, ws)
            await wait_all_tasks_blocked()
            nursery.start_soon(ws.close, 1001)
            await wait_all_tasks_blocked()
            await far.send_all(data + frame(CLOSE, b"\x03\xe9"))
            start = trio.current_time()
            await far.aclose()
        assert trio.current_time() == start
        assert ws.bug is None

    @pytest.mark.parametrize("steps", range(0, 20, 2))
    async def test_in_the_middle_of_its_being_called_in(
        self, steps: int, judges: list[Judge], autojump_clock: MockClock
    ) -> None:
        async with opened(early=PARTS) as (ws, far), trio.open_nursery() as nursery:
            got: list[str] = []

            async def receive() -> None:
                try:
                    while True:
                        got.append(await ws.receive())
                except PeerClosed as end:
                    assert (end.code, end.by_peer) == (1001, False)

            nursery.start_soon(receive)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            nursery.start_soon(ws.close, 1001)
            assert frames_in(await far.receive_some()) == [(CLOSE, b"\x03\xe9")]
            await far.send_all(frame(CLOSE, b"\x03\xe9"))
            await far.aclose()
        assert got in ([], ["My house"])
        assert len(judges) <= 1
        assert ws.bug is None

    @pytest.mark.parametrize(
        "half",
        [
            frame(CLOSE),
            frame(CLOSE, b"\x03"),
            frame(CLOSE, b"\x03\xf4again"),
            frame(CLOSE, b"\x03\xe8\xff"),
            frame(CLOSE, b"\x03\xe8", masked=False),
        ],
        ids=bytes.hex,
    )
    @pytest.mark.parametrize("first", [b"", frame(TEXT, b"x", fin=False), frame(BINARY) + frame(PONG)], ids=bytes.hex)
    async def test_any_close_is_the_peers_half(self, first: bytes, half: bytes, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001)
            assert frames_in(await far.receive_some()) == [(CLOSE, b"\x03\xe9")]
            start = trio.current_time()
            for byte in first + half:
                await far.send_all(bytes([byte]))
            assert await read_all(far) == b""
            assert trio.current_time() == start
        assert (ws.bug, ws.fault) == (None, None)

    @pytest.mark.parametrize("early", [frame(CLOSE, b"\x03\xe8"), frame(PING), frame(TEXT)], ids=bytes.hex)
    async def test_our_half_is_out_before_the_line_ends(self, early: bytes, autojump_clock: MockClock) -> None:
        async with opened(early=early) as (ws, far):
            await ws.close(1001)
            assert frames_in(await read_all(far)) == [(CLOSE, b"\x03\xe9")]

    async def test_a_flood_in_answer_to_our_close_is_not_read_on(self, autojump_clock: MockClock) -> None:
        held = replace(LIMITS, messages_per_s=2)
        async with opened(limits=held) as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001)
            assert frames_in(await far.receive_some()) == [(CLOSE, b"\x03\xe9")]
            start = trio.current_time()
            await far.send_all(frame(PONG) * 21)
            assert await far.receive_some() == b""
            assert trio.current_time() == start
            await far.aclose()

    async def test_who_does_not_stop_is_not_listened_to_for_longer_than_is_due(self, autojump_clock: MockClock) -> None:
        async with opened() as (ws, far), trio.open_nursery() as nursery:
            nursery.start_soon(ws.close, 1001)
            await wait_all_tasks_blocked()
            start = trio.current_time()
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await far.send_all(frame(TEXT, b"x" * 100))
                    await trio.sleep(0.1)
            assert trio.current_time() - start == pytest.approx(2, abs=0.2)

    async def test_one_that_cannot_even_shake_hands_is_a_bug(
        self, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
    ) -> None:
        async def fail(*_args: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("trio_websocket.WebSocketConnection._handle_request_event", fail)
        async with opened(early=frame(BINARY)) as (ws, far):
            end = await ending(ws)
            assert (end.code, end.by_peer) == (1011, False)
            assert isinstance(ws.bug, ZeroDivisionError)
            await far.send_eof()  # type: ignore[attr-defined]
        ((opcode, payload),) = frames_in(await read_all(far))
        assert (opcode, close_code(payload)) == (CLOSE, 1011)


class TestTasks:
    @pytest.mark.parametrize("data", [frame(TEXT, b"x", fin=False), frame(BINARY), PARTS, frame(BINARY)[:3]])
    async def test_none_is_left(self, data: bytes, autojump_clock: MockClock) -> None:
        async with trio.open_nursery() as nursery:
            near, far = trio.testing.memory_stream_pair()

            async def hold() -> None:
                async with accept_websocket(near, head(), data, LIMITS) as ws:
                    await receive_all(ws)

            nursery.start_soon(hold)
            await peers.read_response_head(far)
            await wait_all_tasks_blocked()
            assert len(nursery.child_tasks) <= 2
            await far.aclose()
            await wait_all_tasks_blocked()
            assert not nursery.child_tasks

    @pytest.mark.parametrize("steps", range(0, 40, 3))
    async def test_none_is_left_by_who_is_cancelled(self, steps: int, autojump_clock: MockClock) -> None:
        async with trio.open_nursery() as nursery:
            near, _far = trio.testing.memory_stream_pair()
            scope = trio.CancelScope()

            async def hold() -> None:
                with scope:
                    async with accept_websocket(near, head(), frame(PING) + PARTS, LIMITS) as ws:
                        await receive_all(ws)

            nursery.start_soon(hold)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            assert nursery.child_tasks
            scope.cancel()
            start = trio.current_time()
            await wait_all_tasks_blocked()
            assert not nursery.child_tasks
            assert trio.current_time() == start

    async def test_connections_do_not_share_one(self, judges: list[Judge], autojump_clock: MockClock) -> None:
        async def converse(number: int) -> None:
            async with opened(early=frame(TEXT, f"{number}".encode(), fin=False)) as (ws, far):
                waiting: list[str] = []

                async def receive(ws: WebSocket) -> None:
                    waiting.append(await ws.receive())

                async with trio.open_nursery() as nursery:
                    nursery.start_soon(receive, ws)
                    await trio.sleep(1)
                    await far.send_all(frame(0, f" is {number}".encode()))
                assert waiting == [f"{number} is {number}"]
                await far.aclose()

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(converse, number)
        assert len(judges) == 20
