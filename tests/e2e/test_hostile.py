"""trio-websocket's hazards at a real port: each of these ends or blinds a server that uses it as it comes.

After each, a fresh client is answered, and no task is left.
"""

from __future__ import annotations

import pytest
import trio

from elizad.errors import RemoteError
from elizad.net.guard import Request
from elizad.net.listeners import UnixAddress, open_listeners
from elizad.net.ws import WebSocket
from tests.support.peers import (
    CLOSE,
    PING,
    TEXT,
    close_code,
    echo,
    frame,
    frames_in,
    read_all,
    read_response_head,
    request,
)
from tests.support.siege import besieged, last_frame, refusal_of, reset


class TestTrioWebsocketHazards:
    @pytest.mark.parametrize(
        "changes",
        [
            {"Host": b"caf\xc3\xa9"},
            {"Host": "xn--"},
            {"Connection": b"Upgrade, \xff"},
            {"Sec_WebSocket_Protocol": b"\xff"},
            {"Sec_WebSocket_Extensions": b"\xff"},
        ],
        ids=str,
    )
    async def test_1_bytes_in_headers_that_do_not_decode(self, changes: dict[str, str | bytes]) -> None:
        async with besieged() as front:
            assert await refusal_of(front, request(**changes)) == b"HTTP/1.1 400 Bad Request"
            assert front.tally.refusals == {400: 1}

    async def test_2_a_ping_while_we_close(self) -> None:
        async def leave(ws: WebSocket, request: Request) -> None:
            if await ws.receive() == "leave":
                raise RemoteError(1008, "go")
            await ws.send(["My house is quiet."])
            await echo(ws, request)

        async with besieged(leave) as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"leave") + frame(PING) * 5)
            assert await stream.receive_some(2)
            await stream.send_all(frame(PING) * 5)
            await read_all(stream)

    async def test_2_a_message_that_is_too_big_and_a_ping_in_one_burst(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 200_001) + frame(PING) * 3)
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)
        assert front.tally.faults == {1009: 1}

    async def test_5_the_rest_of_a_message_that_is_too_big_does_not_drown_our_close(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 5_000_000))
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)

    async def test_2_two_messages_that_are_too_big(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 200_001) * 2)
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)

    async def test_3_bad_http_and_then_a_reset(self) -> None:
        async with besieged() as front:
            for data in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", request(Upgrade=None)):
                stream = await front.connect()
                await stream.send_all(data)
                await reset(stream)

    async def test_4_and_8_a_peer_that_does_not_read(self) -> None:
        async def flood(ws: WebSocket, request: Request) -> None:
            if await ws.receive() == "flood me":
                while True:
                    await ws.send(["x" * 100_000] * 10)
            await ws.send(["My house is quiet."])
            await echo(ws, request)

        async with besieged(flood) as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"flood me"))
            while not front.tally.stalled:  # noqa: ASYNC110
                await trio.sleep(0.02)

    async def test_8_a_peer_that_pings_and_does_not_read(self) -> None:
        async with besieged() as front, await front.open() as stream:
            with pytest.raises(trio.BrokenResourceError):
                while True:
                    await stream.send_all(frame(PING, b"x" * 125) * 500)
        assert front.tally.stalled == 1

    async def test_5_after_a_message_that_is_too_big_the_line_is_closed(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, b"x" * 200_001))
            with trio.fail_after(2):
                assert await last_frame(stream)

    async def test_6_fifty_probes_leave_nothing(self) -> None:
        async with besieged() as front:
            for number in range(50):
                stream = await front.connect()
                await stream.send_all(request()[: number % 5 * 30])
                await (reset(stream) if number % 2 else stream.aclose())
            assert await front.is_empty()
            assert front.tally.connections == 50
            assert not front.tally.bugs

    async def test_6_a_peer_that_says_nothing(self) -> None:
        async with besieged() as front, await front.connect() as stream:
            assert (await read_all(stream)).startswith(b"HTTP/1.1 408 ")

    async def test_7_frames_sent_with_the_request_are_answered(self) -> None:
        async with besieged() as front, await front.connect() as stream:
            await stream.send_all(request() + frame(TEXT, b"early") + frame(TEXT, b"bird"))
            await read_response_head(stream)
            await stream.send_all(frame(CLOSE, b"\x03\xe8"))
            assert frames_in(await read_all(stream)) == [(TEXT, b"early"), (TEXT, b"bird"), (CLOSE, b"\x03\xe8")]

    async def test_7_what_comes_early_is_not_hoarded(self) -> None:
        """A handler that does not receive: the peer is stopped by the kernel's buffers, not by ours."""
        release = trio.Event()
        reading: list[WebSocket] = []

        async def wait(ws: WebSocket, request: Request) -> None:
            reading.append(ws)
            if len(reading) == 1:
                await release.wait()
            await echo(ws, request)

        async with besieged(wait) as front, await front.connect() as stream:
            await stream.send_all(request())
            with trio.move_on_after(0.5):
                while True:
                    await stream.send_all(frame(TEXT, b"x" * 100_000))
            assert reading[0].bytes_in < 300_000
            release.set()

    async def test_10_empty_fragments_without_end(self) -> None:
        async with besieged() as front, await front.open() as stream:
            burst = frame(0, b"", fin=False) * 5000
            with trio.fail_after(8), pytest.raises(trio.BrokenResourceError):
                await stream.send_all(frame(TEXT, b"", fin=False))
                while True:
                    await stream.send_all(burst)
        assert front.tally.faults == {1008: 1}

    async def test_10_large_characters_count_as_bytes(self) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(frame(TEXT, "𝄞".encode() * 50_001))
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, 1009)

    async def test_11_a_reset_before_we_look_and_a_unix_socket(self, tmp_path: object) -> None:
        async with besieged() as front:
            (listener,) = await open_listeners([UnixAddress(f"{tmp_path}/s")])
            await listener.aclose()
            for _ in range(20):
                await reset(await front.connect())
            assert not front.tally.bugs

    @pytest.mark.parametrize(
        ("code", "data"),
        [
            (1002, frame(TEXT, b"x", masked=False)),
            (1002, frame(0x7, b"x")),
            (1002, frame(TEXT, b"x", rsv=2)),
            (1002, frame(0, b"x")),
            (1007, frame(TEXT, b"\xff\xfe")),
        ],
        ids=["unmasked", "opcode", "reserved bit", "continuation of nothing", "invalid UTF-8"],
    )
    async def test_12_a_fault_is_answered_with_its_code_and_counted(self, code: int, data: bytes) -> None:
        async with besieged() as front, await front.open() as stream:
            await stream.send_all(data)
            opcode, payload = await last_frame(stream)
            assert (opcode, close_code(payload)) == (CLOSE, code)
        assert front.tally.faults == {code: 1}
        assert front.tally.closes[code] == 1

    @pytest.mark.parametrize(
        ("line", "data"),
        [
            (b"HTTP/1.1 404 Not Found", request("/")),
            (b"HTTP/1.1 404 Not Found", request("/echo/x")),
            (b"HTTP/1.1 404 Not Found", request("/%65cho")),
            (b"HTTP/1.1 426 Upgrade Required", request(Upgrade=None)),
            (b"HTTP/1.1 426 Upgrade Required", request(Sec_WebSocket_Version="7")),
            (b"HTTP/1.1 405 Method Not Allowed", request(line="POST /echo HTTP/1.1")),
            (b"HTTP/1.1 400 Bad Request", b"\x16\x03\x01\x02\x00"),
            (b"HTTP/1.1 431 Request Header Fields Too Large", request(X="x" * 20_000)),
        ],
        ids=lambda value: value.decode("latin-1")[:40].strip(),
    )
    async def test_13_refusals_are_http(self, line: bytes, data: bytes) -> None:
        async with besieged() as front:
            assert await refusal_of(front, data) == line

    @pytest.mark.parametrize("target", ["/", "/echo"])
    async def test_13_a_refusal_of_head_has_no_body(self, target: str) -> None:
        async with besieged() as front, await front.connect() as stream:
            await stream.send_all(request(line=f"HEAD {target} HTTP/1.1"))
            answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 40")
        assert b"\r\nContent-Length: " in answer
        assert answer.endswith(b"\r\n\r\n")
