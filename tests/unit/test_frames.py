"""Frames told apart by their headers: the same however the bytes are cut, and never an exception."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wsproto import events
from wsproto.connection import SERVER, Connection

from elizad.net.frames import FrameReader, Passed, text_frame
from elizad.net.mask import unmask, unmask_in_python
from tests.support.peers import BINARY, CLOSE, PING, TEXT, frame, frames_in

MOST = 70_000
SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536])
FRAMES = st.lists(
    st.builds(
        lambda opcode, size, masked, fin: frame(opcode, b"x" * size, masked=masked, fin=fin),
        st.sampled_from([0, TEXT, TEXT, BINARY, PING, CLOSE]),
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


def read(parts: list[bytes], most_frames: int = 1000, most_bytes: int = MOST) -> list[str | Passed]:
    reader = FrameReader(most_bytes)
    found = []
    for part in parts:
        reader.feed(part)
        while (one := reader.next(most_frames)) is not None:
            found.append(one)
    return found


def joined(found: list[str | Passed]) -> list[str | bytes]:
    """The same with what was handed on in pieces put together."""
    whole: list[str | bytes] = []
    for one in found:
        if isinstance(one, str):
            whole.append(one)
        elif whole and isinstance(whole[-1], bytes):
            whole[-1] += one.data
        else:
            whole.append(one.data)
    return whole


@given(FRAMES, CUTS)
@example([frame(TEXT, b"x" * 300)] * 2, [1, 2, 3, 4, 5])
@example([frame(PING, b"x"), frame(TEXT)], [6])  # the rest of a ping, and then a message
def test_however_the_bytes_are_cut_the_outcome_is_the_same(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames)
    at_once, cut = read([data]), read(pieces(data, cuts))
    assert joined(cut) == joined(at_once)
    for count in (lambda one: one.frames, lambda one: one.controls, lambda one: one.is_end):
        passed = [[one for one in found if isinstance(one, Passed)] for found in (at_once, cut)]
        assert sum(map(count, passed[0])) == sum(map(count, passed[1]))


@given(FRAMES)
def test_every_frame_is_a_message_or_handed_on(frames: list[bytes]) -> None:
    found = read(frames)
    handed_on = b"".join(one.data for one in found if isinstance(one, Passed))
    texts = [one for one in found if isinstance(one, str)]
    assert len(texts) + sum(one.frames for one in found if isinstance(one, Passed)) == len(frames)
    assert sum(map(len, frames)) == len(handed_on) + sum(len(frame(TEXT, text.encode())) for text in texts)


@given(
    st.lists(
        st.one_of(
            st.builds(lambda text: frame(TEXT, text.encode()), st.text(max_size=300)),
            st.builds(lambda data: frame(TEXT, data), st.binary(max_size=6)),
            st.builds(frame, st.sampled_from([BINARY, PING]), st.binary(max_size=100)),
            st.sampled_from([frame(TEXT, b"a", fin=False), frame(0, b"b"), frame(0, b"c", fin=False)]),
        ),
        max_size=8,
    ),
    st.integers(1, 3),
    CUTS,
)
def test_wsproto_reads_the_same(frames: list[bytes], most: int, cuts: list[int]) -> None:
    """Messages and what wsproto makes of the rest are, in their order, what it makes of everything."""
    data = b"".join(frames)
    alone, beside = Connection(SERVER), Connection(SERVER)
    alone.receive_data(data)
    got: list[object] = []
    for one in read(pieces(data, cuts), most):
        if isinstance(one, str):
            got.append(events.TextMessage(data=one))
        else:
            beside.receive_data(one.data)
            got += beside.events()
        if got and isinstance(got[-1], events.CloseConnection):
            break
    assert messages(got) == messages(list(alone.events()))


def messages(found: list[object]) -> list[object]:
    """The events with the pieces of each message put together; up to a fault."""
    whole: list[object] = []
    parts: list[str | bytes] = []
    for one in found:
        if not isinstance(one, events.Message):
            whole.append(one if not isinstance(one, events.CloseConnection) else one.code)
            continue
        parts.append(one.data)
        if one.message_finished:
            whole.append(type(parts[0])().join(parts))  # type: ignore[arg-type]
            parts = []
    return whole


@given(FRAMES, st.integers(1, 3))
def test_lots_end_between_frames(frames: list[bytes], most: int) -> None:
    reader = FrameReader(-1)
    reader.feed(b"".join(frames))
    left = list(frames)
    while (one := reader.next(most)) is not None:
        assert isinstance(one, Passed)
        assert 0 < one.frames <= most
        assert one.data == b"".join(left[: one.frames])
        del left[: one.frames]
    assert not left


@given(st.binary(max_size=500), st.integers(1, 5), CUTS)
def test_nonsense_is_walked_over_too(data: bytes, most: int, cuts: list[int]) -> None:
    for one in read(pieces(data, cuts), most):
        assert isinstance(one, str) or one.data


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
    ],
    ids=lambda odd: odd[:4].hex(),
)
def test_what_is_odd_is_handed_on(odd: bytes) -> None:
    ((data, frames, controls, _),) = read([odd], most_bytes=100)
    assert (data, frames, controls) == (odd, 1, 0)


def test_the_end_of_a_message_or_of_all_is_told() -> None:
    parts = [
        frame(TEXT, b"a", fin=False),
        frame(PING),
        frame(0, b"b", fin=False),
        frame(0, b"c"),
        frame(PING),
        frame(CLOSE),
    ]
    found = read([part for whole in parts for part in (whole[:3], whole[3:])])
    ends = [one for one in found if isinstance(one, Passed) and one.is_end]
    assert len(ends) == 2
    assert [isinstance(one, Passed) and one.is_end for one in found][-1]
    assert sum(one.controls for one in found if isinstance(one, Passed)) == 3
    together = read([b"".join(parts)])
    assert [one.is_end for one in together if isinstance(one, Passed)] == [True, True]


def test_pass_all() -> None:
    whole = frame(TEXT, b"hello")
    reader = FrameReader(MOST)
    reader.feed(whole[:5])
    assert reader.next(5) is None
    reader.pass_all()
    assert reader.next(5) is None, "the header is not whole"
    reader.feed(whole[5:] + frame(TEXT, b"x"))
    found = []
    while (one := reader.next(5)) is not None:
        assert isinstance(one, Passed)
        found.append(one.data)
    assert b"".join(found) == whole + frame(TEXT, b"x")


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_is_taken_off(data: bytes, key: bytes) -> None:
    clear = bytes(byte ^ key[number % 4] for number, byte in enumerate(data))
    assert unmask(data, key) == unmask_in_python(data, key) == clear


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_our_own_frames(size: int) -> None:
    text = "é" + "x" * (size - 2) if size > 2 else "x" * size
    data = text_frame(text)
    assert frames_in(data) == [(TEXT, text.encode())]


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
