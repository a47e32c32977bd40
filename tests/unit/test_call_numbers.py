"""Percentiles and the histogram of a load, and what it says of itself."""

from __future__ import annotations

import io
import json
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.call.load import Plan, Tally
from elizad.call.load_report import as_json, print_report
from elizad.call.numbers import bar, histogram, percentile, seconds, summarise

TIMES = st.lists(st.floats(1e-6, 100), min_size=1, max_size=200)


def test_percentiles_are_nearest_rank() -> None:
    hundred = [float(n) for n in range(1, 101)]
    assert [percentile(hundred, p) for p in (1, 50, 90, 99, 100)] == [1, 50, 90, 99, 100]
    assert percentile([7.0], 50) == 7.0
    assert percentile([1.0, 2.0], 50) == 1.0
    assert percentile([1.0, 2.0], 51) == 2.0


@given(TIMES)
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float]) -> None:
    summary = summarise(values)
    assert summary.number == len(values)
    assert summary.p50 in values
    assert summary.p50 <= summary.p90 <= summary.p99 <= summary.most == max(values)
    assert sum(value <= summary.p90 for value in values) >= 0.9 * len(values)


def test_no_measurements_are_no_error() -> None:
    assert summarise([]) == (0, 0.0, 0.0, 0.0, 0.0)
    assert histogram([]) == []


@given(TIMES)
def test_a_histogram_has_everything_once_and_no_gaps(values: list[float]) -> None:
    buckets = histogram(values)
    assert sum(bucket.number for bucket in buckets) == len(values)
    assert [bucket.low for bucket in buckets[1:]] == [bucket.high for bucket in buckets[:-1]]
    for bucket in buckets:
        assert bucket.number == sum(bucket.low <= value < bucket.high for value in values)
    assert buckets[0].number
    assert buckets[-1].number


def test_the_bounds_of_a_histogram_can_be_read() -> None:
    assert [(b.low, b.high, b.number) for b in histogram([0.001, 0.0019, 0.005])] == [
        (0.001, 0.002, 2),
        (0.002, 0.005, 0),
        (0.005, 0.01, 1),
    ]


def test_bars() -> None:
    assert bar(10, 10, 4) == "████"
    assert bar(5, 10, 4) == "██"
    assert bar(1, 1000, 4) == "▏"
    assert bar(0, 10, 4) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0000123, "12 µs"),
        (0.00123, "1.23 ms"),
        (0.0123, "12.3 ms"),
        (0.123, "123 ms"),
        (1.234, "1.23 s"),
        (12.34, "12.3 s"),
        (0.99999, "1000 ms"),
    ],
)
def test_durations_in_words(value: float, words: str) -> None:
    assert seconds(value) == words


def tally(**more: float) -> Tally:
    result = Tally(first=array("d", [0.002, 0.003]), whole=array("d", [0.004, 0.005]), asked_at=1.0, ended_at=3.0)
    for name, value in more.items():
        setattr(result, name, value)
    return result


PLAN = Plan(calls=2, turns=1, rate=None, ramp_s=None)


@pytest.mark.parametrize(("more", "limit"), [({"cpu": 0.2}, False), ({"cpu": 0.95}, True)])
def test_it_says_when_it_is_the_limit_itself(more: dict[str, float], limit: bool) -> None:
    out = io.StringIO()
    print_report(PLAN, tally(**more), out)
    assert ("It, or this machine, was the limit" in out.getvalue()) is limit
    assert json.loads(as_json(PLAN, tally(**more)))["caller"]["is_the_limit"] is limit


def test_a_late_loop_is_a_limit_when_the_answers_were_fast() -> None:
    late = tally()
    late.lag = array("d", [0.05] * 50)
    assert late.we_are_the_limit
    late.first = array("d", [2.0] * 50)
    assert not late.we_are_the_limit


def test_the_report_has_it_all() -> None:
    measured = tally(late_turns=3)
    measured.errors["closed: 1011"] = 2
    out = io.StringIO()
    print_report(PLAN, measured, out)
    text = out.getvalue()
    assert "2 of 2 turns answered in 2.00 s: 1.0 turns per second" in text
    assert "first words  2.00 ms  3.00 ms" in text
    assert "2.00 ms … 5.00 ms ████████████████████████████████████████ 2" in text
    assert "2  closed: 1011" in text
    assert "3 turns came later than the rate asks for" in text
