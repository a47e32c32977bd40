"""When sound was heard: what was not sent is counted, what comes early or a little late is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from elizad.evi.timeline import Timeline


def fed(*pieces: tuple[float, float], began_ms: int = 0) -> Timeline:
    """A timeline that was fed pieces, each of a length and at a time."""
    time = Timeline(began_ms)
    for length, now in pieces:
        time.feed(length, now)
    return time


def test_sound_that_comes_as_it_is_spoken() -> None:
    time = fed(*((100, 5000 + 100 * n) for n in range(1, 50)), began_ms=5000)
    assert [time.at(place) for place in (0, 1234, 4900)] == [5000, 6234, 9900]


def test_a_microphone_that_was_off_is_counted() -> None:
    time = fed((1000, 1000), (1000, 61_000), (1000, 62_000), (1000, 122_000))
    assert [time.at(place) for place in (500, 1000, 1500, 2500, 3500)] == [500, 60_000, 60_500, 61_500, 121_500]
    assert time.at(800) == 60_000 - 200, "speech is noticed a little before its samples: it is that of after"


def test_a_file_that_is_sent_at_once_is_as_long_as_it_is() -> None:
    time = fed(*((100, 10) for _ in range(50)), *((100, 60_100) for _ in range(50)))
    assert [time.at(place) for place in (0, 4600, 5000, 9900)] == [0, 4600, 60_000, 64_900]


def test_what_a_network_holds_up_is_put_right_by_the_next_pause() -> None:
    time = fed((1000, 1000), (100, 3100), (1900, 3200), (100, 10_100))
    assert [time.at(place) for place in (500, 1000, 3000)] == [500, 3000, 10_000]


@given(st.lists(st.tuples(st.floats(1, 500), st.floats(0, 5000)), max_size=300), st.integers(0, 10_000))
def test_times_go_forward_and_are_those_of_the_chat(gaps: list[tuple[float, float]], began_ms: int) -> None:
    time, now, place = Timeline(began_ms), float(began_ms), 0.0
    told = [time.at(0)]
    for length, gap in gaps:
        now += length + gap
        time.feed(length, now)
        place += length
        assert abs(time.at(place) - now) <= 301
        told.append(time.at(place))
    assert told == sorted(told)
    assert told[0] == began_ms or gaps
