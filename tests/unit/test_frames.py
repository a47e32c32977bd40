"""Counting frames by their headers: the same count however the bytes are cut, and never an exception."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elizad.net.frames import FrameCounter
from tests.support.peers import PING, TEXT, frame

FRAMES = st.lists(
    st.builds(
        lambda opcode, size, masked: frame(opcode, bytes(size), masked=masked),
        st.sampled_from([0, TEXT, PING]),
        st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536]),
        st.booleans(),
    ),
    max_size=6,
)


@given(FRAMES, st.lists(st.integers(0, 70_000), max_size=5))
@example([frame(TEXT, bytes(300))] * 2, [1, 2, 3, 4, 5])
def test_however_the_bytes_are_cut_the_count_is_the_same(frames: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    counter = FrameCounter()
    total = 0
    for start, end in itertools.pairwise(edges):
        walked, count = counter.advance(data[start:end], most=1000)
        assert walked == end - start
        total += count
    assert total == len(frames)


@given(FRAMES, st.integers(1, 3))
def test_lots_end_between_frames(frames: list[bytes], most: int) -> None:
    data = b"".join(frames)
    counter = FrameCounter()
    expected = iter(frames)
    while data:
        end, count = counter.advance(data, most)
        assert data[:end] == b"".join(itertools.islice(expected, most))
        assert count <= most
        data = data[end:]
    assert next(expected, None) is None


@given(st.binary(max_size=500), st.integers(1, 5))
def test_nonsense_is_walked_over_too(data: bytes, most: int) -> None:
    counter = FrameCounter()
    while data:
        end, _count = counter.advance(data, most)
        assert end > 0
        data = data[end:]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_counted_when_its_header_is_whole(size: int) -> None:
    data = frame(TEXT, bytes(size))
    header = len(data) - size
    counter = FrameCounter()
    assert counter.advance(data[: header - 1], 5) == (header - 1, 0)
    assert counter.advance(data[header - 1 :], 5) == (size + 1, 1)
