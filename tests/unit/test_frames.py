"""Frames told apart by their headers: the same however the bytes are cut, and never an exception."""

from __future__ import annotations

import base64
import itertools
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto import ConnectionType, WSConnection, events
from wsproto.connection import SERVER, Connection
from wsproto.frame_protocol import FrameProtocol

from elizad.net import frames as kinds
from elizad.net.frames import Control, FrameReader, Passed, close_frame, control_frame, text_frame
from elizad.net.handshake import welcome
from elizad.net.mask import unmask, unmask_in_python
from tests.support.peers import BINARY, CLOSE, PING, PONG, TEXT, frame, frames_in

MOST = 70_000
SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536])
FRAMES = st.lists(
    st.builds(
        lambda opcode, size, masked, fin: frame(opcode, b"x" * size, masked=masked, fin=fin),
        st.sampled_from([0, TEXT, TEXT, BINARY, PING, PONG, CLOSE]),
        SIZES,
        st.sampled_from([True, True, True, False]),
        st.sampled_from([True, True, False]),
    ),
    max_size=6,
)
CUTS = st.lists(st.integers(0, 140_000), max_size=5)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]


def read(parts: list[bytes], most_frames: int = 1000, most_bytes: int = MOST) -> list[str | Control | Passed]:
    reader = FrameReader(most_bytes)
    found: list[str | Control | Passed] = []
    for part in parts:
        reader.feed(part)
        found += rest(reader, most_frames)
    return found


def rest(reader: FrameReader, most_frames: int) -> list[str | Control | Passed]:
    return list(iter(lambda: reader.next(most_frames), None))


def joined(found: list[str | Control | Passed]) -> list[str | Control | bytes]:
    """The same with what was handed on in pieces put together."""
    whole: list[str | Control | bytes] = []
    for one in found:
        if not isinstance(one, Passed):
            whole.append(one)
        elif whole and type(whole[-1]) is bytes:
            whole[-1] += one.data
        else:
            whole.append(one.data)
    return whole


@given(FRAMES, CUTS)
@example([frame(TEXT, b"x" * 300)] * 2, [1, 2, 3, 4, 5])
@example([frame(PING, b"x"), frame(TEXT)], [6])  # the rest of a ping, and then a message
@example([frame(BINARY, b"x"), frame(PING, b"y"), frame(PING, b"z", masked=False)], [8, 9, 15, 18])
def test_however_the_bytes_are_cut_the_outcome_is_the_same(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames)
    at_once, cut = read([data]), read(pieces(data, cuts))
    assert joined(cut) == joined(at_once)
    for count in (lambda one: one.frames, lambda one: one.controls, lambda one: one.is_end):
        passed = [[one for one in found if isinstance(one, Passed)] for found in (at_once, cut)]
        assert sum(map(count, passed[0])) == sum(map(count, passed[1]))


TEXTS = st.builds(
    lambda opcode, size, last: frame(opcode, b"x" * size + last),
    st.sampled_from([TEXT, TEXT, TEXT, BINARY]),
    st.sampled_from([0, 124, 125, 126, 300, 16_384, 65_534, 65_535, 69_999]),
    st.sampled_from([b"x", "é".encode(), b"\xff"]),
)


@given(st.lists(st.one_of(TEXTS, FRAMES.map(b"".join)), max_size=5), CUTS, st.sampled_from([125, 300, 20_000, MOST]))
@example([frame(TEXT, b"x" * 300), frame(TEXT, b"x" * 300)[:-1], b"x"], [], MOST)
@example([frame(TEXT, b"x" * 300, fin=False), frame(TEXT, b"x" * 300), frame(0, b"x" * 300)], [], MOST)
@example([frame(BINARY, b"x" * 600)[:300], frame(TEXT, b"x" * 300)], [], MOST)  # what only looks like one
@example([frame(TEXT, b"x" * 300, masked=False) + b"1234", b"\x81\xff\0\0" + frame(TEXT, bytes(65_540))[4:]], [], MOST)
def test_what_is_taken_at_once_is_what_would_have_been_read(came: list[bytes], cuts: list[int], most: int) -> None:
    fed, took = FrameReader(most), FrameReader(most)
    for part in [*came, *pieces(b"".join(came), cuts)]:
        fed.feed(part)
        message = took.take(part)
        assert ([] if message is None else [message]) + rest(took, 3) == rest(fed, 3)
        for name in "expected", "is_empty", "has_closed":
            assert getattr(took, name) == getattr(fed, name)


@given(FRAMES)
def test_every_frame_is_read_or_handed_on(frames: list[bytes]) -> None:
    found = read(frames)
    handed_on = b"".join(one.data for one in found if isinstance(one, Passed))
    texts = [one for one in found if isinstance(one, str)]
    controls = [one for one in found if isinstance(one, Control)]
    assert len(texts) + len(controls) + sum(one.frames for one in found if isinstance(one, Passed)) == len(frames)
    ours = [frame(TEXT, text.encode()) for text in texts] + [frame(one.kind & 15, one.payload) for one in controls]
    assert sum(map(len, frames)) == len(handed_on) + sum(map(len, ours))


CLOSES = st.one_of(
    st.builds(
        lambda code, reason: code.to_bytes(2, "big") + reason,
        st.one_of(
            st.sampled_from([999, 1000, 1001, 1004, 1005, 1006, 1011, 1012, 1014, 1015, 1016, 2999, 3000, 4999, 5000]),
            st.integers(0, 65_535),
        ),
        st.one_of(st.just(b""), st.text(max_size=30).map(str.encode), st.binary(max_size=123)),
    ),
    st.binary(max_size=3),
)
CONTROLS = st.one_of(
    st.builds(
        frame,
        st.sampled_from([PING, PONG]),
        st.one_of(st.binary(max_size=20), st.sampled_from([b"x" * 125, b"x" * 126, b"x" * 200])),
        fin=st.sampled_from([True] * 5 + [False]),
        rsv=st.sampled_from([0] * 5 + [4]),
        masked=st.sampled_from([True] * 5 + [False]),
    ),
    st.builds(frame, st.just(CLOSE), CLOSES, fin=st.sampled_from([True] * 5 + [False])),
    st.sampled_from(
        [bytes([0x89, 0xFE, 0, 1, 1, 2, 3, 4, 0]), bytes([0x8A, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])]
    ),
)


@given(
    st.lists(
        st.one_of(
            st.builds(lambda text: frame(TEXT, text.encode()), st.text(max_size=300)),
            st.builds(lambda data: frame(TEXT, data), st.binary(max_size=6)),
            st.builds(frame, st.just(BINARY), st.binary(max_size=100)),
            CONTROLS,
            st.sampled_from([frame(TEXT, b"a", fin=False), frame(0, b"b"), frame(0, b"c", fin=False)]),
        ),
        max_size=8,
    ),
    st.integers(1, 3),
    CUTS,
)
@example([frame(TEXT, b"a", fin=False), frame(PING, b"?"), frame(PONG), frame(0, b"b"), frame(CLOSE)], 3, [])
@example([frame(PING, b"x", fin=False)], 1, [])
@example([frame(CLOSE, b"\x03\xec")], 1, [1, 2, 3])
@example([frame(PING), frame(CLOSE, b"\x03\xe8bye"), frame(TEXT, b"after")], 3, [])
def test_wsproto_reads_the_same(frames: list[bytes], most: int, cuts: list[int]) -> None:
    """What is read here and what wsproto makes of the rest are, in their order, what it makes of everything."""
    data = b"".join(frames)
    alone, beside = Connection(SERVER), Connection(SERVER)
    alone.receive_data(data)
    got: list[object] = []
    for one in read(pieces(data, cuts), most):
        if isinstance(one, Passed):
            beside.receive_data(one.data)
            got += beside.events()
        else:
            got.append(as_event(one))
        if got and isinstance(got[-1], events.CloseConnection):
            break
    assert messages(got) == messages(list(alone.events()))


@given(CONTROLS)
def test_only_what_wsproto_takes_is_read_here(data: bytes) -> None:
    """And all of it, but closes with codes that are not in the RFC."""
    (found,) = read([data])
    alone = Connection(SERVER)
    alone.receive_data(data)
    taken = list(alone.events())
    # It reports what is wrong as a close too, but as one that the peer has not sent.
    sound = bool(taken) and not (isinstance(taken[0], events.CloseConnection) and alone.state.name != "REMOTE_CLOSING")
    if isinstance(found, Control):
        assert sound
        assert messages([as_event(found)]) == messages(taken)
    elif sound:
        assert isinstance(taken[0], events.CloseConnection)
        assert taken[0].code in (1012, 1013)


def as_event(found: str | Control) -> events.Event:
    if isinstance(found, str):
        return events.TextMessage(data=found)
    if found.kind == kinds.CLOSE:
        return events.CloseConnection(int.from_bytes(found.payload[:2], "big") or 1005, found.payload[2:].decode())
    return (events.Ping if found.kind == kinds.PING else events.Pong)(payload=found.payload)


def messages(found: Sequence[object]) -> list[object]:
    """The events with the pieces of each message put together; up to a fault."""
    whole: list[object] = []
    parts: list[str | bytes] = []
    for one in found:
        if not isinstance(one, events.Message):
            if isinstance(one, events.CloseConnection):
                whole.append((int(one.code), one.reason or ""))
            else:
                assert isinstance(one, events.Ping | events.Pong)
                whole.append((type(one), bytes(one.payload)))
            continue
        parts.append(one.data)
        if one.message_finished:
            whole.append(type(parts[0])().join(parts))  # type: ignore[arg-type]
            parts = []
    return whole


@given(FRAMES, st.integers(1, 3))
def test_lots_end_between_frames(frames: list[bytes], most: int) -> None:
    reader = FrameReader(-1)  # no text is short enough
    reader.feed(b"".join(frames))
    left = list(frames)
    while (one := reader.next(most)) is not None:
        if isinstance(one, Control):
            assert frame(one.kind & 15, one.payload) == left.pop(0)
            continue
        assert isinstance(one, Passed)
        assert 0 < one.frames <= most
        assert one.data == b"".join(left[: one.frames])
        del left[: one.frames]
    assert not left


@given(st.binary(max_size=500), st.integers(1, 5), CUTS)
def test_nonsense_is_walked_over_too(data: bytes, most: int, cuts: list[int]) -> None:
    for one in read(pieces(data, cuts), most):
        assert not isinstance(one, Passed) or one.data


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_message_comes_with_its_last_byte(size: int) -> None:
    data = frame(TEXT, b"x" * size)
    reader = FrameReader(MOST)
    for part in (data[:1], data[1:3], data[3:-1]):
        reader.feed(part)
        assert reader.next(5) is None
        assert reader.is_empty
    reader.feed(data[-1:] + b"\x81")
    assert reader.next(5) == "x" * size
    assert reader.next(5) is None


@pytest.mark.parametrize(
    "odd",
    [
        frame(TEXT, b"x" * 101),
        frame(TEXT, b"x", masked=False),
        frame(TEXT, b"x", rsv=4),
        frame(TEXT, b"\xff"),
        frame(TEXT, b"x", fin=False),
        frame(BINARY, b"x"),
        bytes([0x81, 0xFE, 0, 5, 1, 2, 3, 4]) + b"hello",
        bytes([0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4]) + b"hello",
        frame(PING, b"x" * 126),
        frame(PING, b"x", fin=False),
        frame(PONG, b"x", masked=False),
        frame(PONG, b"x", rsv=1),
        frame(0xB, b"x"),
        bytes([0x89, 0xFE, 0, 1, 1, 2, 3, 4, 5]),
        frame(CLOSE, b"\x03"),
        frame(CLOSE, b"\x03\xed"),
        frame(CLOSE, b"\x03\xe8\xff"),
    ],
    ids=lambda odd: odd[:8].hex(),
)
def test_what_is_odd_is_handed_on(odd: bytes) -> None:
    (found,) = read([odd], most_bytes=100)
    assert isinstance(found, Passed)
    assert (found.data, found.frames, found.controls) == (odd, 1, odd[0] >> 3 & 1)


@pytest.mark.parametrize("cut", range(14))
def test_a_ping_comes_with_its_last_byte_wherever_it_stands(cut: int) -> None:
    ping = frame(PING, b"are you?")
    reader = FrameReader(MOST)
    reader.feed(frame(TEXT, b"My house", fin=False) + ping[:cut])
    assert isinstance(reader.next(10), Passed)
    assert reader.next(10) is None
    reader.feed(ping[cut:] + frame(0, b" is quiet."))
    assert reader.next(10) == Control(kinds.PING, b"are you?")
    assert reader.next(10) == Passed(frame(0, b" is quiet."), 1, 0, True)


def test_the_end_of_a_message_or_of_all_is_told() -> None:
    parts = [
        frame(TEXT, b"a", fin=False),
        frame(PING, masked=False),
        frame(0, b"b", fin=False),
        frame(0, b"c"),
        frame(PING, masked=False),
        frame(CLOSE, b"?"),
    ]
    found = read([part for whole in parts for part in (whole[:3], whole[3:])])
    ends = [one for one in found if isinstance(one, Passed) and one.is_end]
    assert len(ends) == 2
    assert [isinstance(one, Passed) and one.is_end for one in found][-1]
    assert sum(one.controls for one in found if isinstance(one, Passed)) == 3
    read_here = read([frame(BINARY, b"x") + frame(PING) + frame(BINARY, b"x", fin=False) + frame(CLOSE)])
    assert [one.is_end for one in read_here if isinstance(one, Passed)] == [True, False]


@pytest.mark.parametrize("odd", [b"\x03", b"\x03\xec", b"\x03\xf4", b"\x03\xe8\xff"])
def test_a_close_that_is_handed_on_is_told(odd: bytes) -> None:
    reader = FrameReader(MOST)
    reader.feed(frame(PING, masked=False) + frame(BINARY) + frame(CLOSE, odd))
    while not reader.has_closed:
        assert isinstance(reader.next(1), Passed)
    assert reader.next(1) is None


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_is_taken_off(data: bytes, key: bytes) -> None:
    clear = bytes(byte ^ key[number % 4] for number, byte in enumerate(data))
    assert unmask(data, key) == unmask_in_python(data, key) == clear


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_our_own_frames(size: int) -> None:
    text = "é" + "x" * (size - 2) if size > 2 else "x" * size
    data = text_frame(text)
    assert frames_in(data) == [(TEXT, text.encode())]


@given(st.integers(3000, 4999), st.text(max_size=200))
@example(4000, "ü" * 62)
@example(4000, "x" + "𝄞" * 31)
def test_our_own_pings_pongs_and_closes_are_those_of_wsproto(code: int, reason: str) -> None:
    theirs = FrameProtocol(client=False, extensions=[])
    assert close_frame(code, reason) == theirs.close(code, reason)
    payload = reason.encode()[:125]
    assert control_frame(kinds.PING, payload) == theirs.ping(payload)
    assert control_frame(kinds.PONG, payload) == theirs.pong(payload)
    assert control_frame(kinds.CLOSE) == theirs.close()


@given(st.binary(min_size=16, max_size=16))
def test_our_answer_to_a_handshake_is_that_of_wsproto(nonce: bytes) -> None:
    key = base64.b64encode(nonce).decode()
    theirs = WSConnection(ConnectionType.SERVER)
    head = f"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
    theirs.receive_data(f"{head}Sec-WebSocket-Version: 13\r\n\r\n".encode())
    assert isinstance(next(theirs.events()), events.Request)
    answer = welcome(key).split(b"\r\n")
    assert answer == theirs.send(events.AcceptConnection()).split(b"\r\n")


def test_a_message_in_many_small_pieces_takes_little_more_than_its_bytes() -> None:
    data = frame(TEXT, b"x" * 60_000)
    reader = FrameReader(MOST)
    tracemalloc.start()
    try:
        for start in range(0, len(data) - 2, 2):
            reader.feed(data[start : start + 2])
            assert reader.next(10) is None
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 3 * len(data)
    reader.feed(data[-2:])
    assert reader.next(10) == "x" * 60_000


def test_what_is_expected_next() -> None:
    reader = FrameReader(MOST)
    assert reader.expected == 0
    whole = frame(TEXT, b"x" * 60_000)
    reader.feed(whole[:100])
    assert reader.next(1) is None
    assert reader.expected == len(whole) - 100, "the rest of it"
    reader.feed(whole[100:])
    assert reader.next(1) is not None
    assert len(whole) < reader.expected < len(whole) + 20_000, "one like it, and what has been said since"
    reader.feed(frame(PING, b""))
    assert reader.next(1) is not None
    assert reader.expected > len(whole), "a ping says nothing about messages"
    reader.feed(frame(TEXT, b"x"))
    assert reader.next(1) is not None
    assert reader.expected < 20_000


@pytest.mark.parametrize("more", [b"", b"\x02", b"\x02\xfe\x00"])
def test_a_frame_is_counted_when_its_header_is_whole(more: bytes) -> None:
    begun = frame(BINARY, b"x", fin=False)
    [passed] = read([begun + more])
    assert passed == Passed(begun, 1, 0, is_end=False)
