"""Token buckets: an average, a burst, and a table that forgets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elizad.net.throttle import Bucket, Buckets


def test_ten_seconds_worth_at_once_and_then_the_rate() -> None:
    bucket = Bucket(50, now=100)
    assert [bucket.take(100) for _ in range(501)].count(True) == 500
    assert [bucket.take(101) for _ in range(60)].count(True) == 50
    assert [bucket.take(1000) for _ in range(600)].count(True) == 500


def test_what_may_not_pass_takes_nothing() -> None:
    bucket = Bucket(1, now=0)
    assert bucket.take(0, 8)
    assert not bucket.take(0, 5)
    assert bucket.take(0, 2)


def test_of_more_than_could_ever_pass_all_that_can_must_be_there() -> None:
    bucket = Bucket(1, now=0)
    assert bucket.take(0, 65)
    assert not bucket.take(9, 65)
    assert bucket.take(10, 65)


def test_a_slow_rate_lets_one_pass() -> None:
    bucket = Bucket(0.01, now=0)
    assert bucket.take(0)
    assert not bucket.take(99)
    assert bucket.take(101)


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(1, now=100)
    assert bucket.take(100, 10)
    assert not bucket.take(50)


@given(st.floats(0.1, 100), st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 20)), max_size=60))
def test_never_more_than_burst_and_rate_allow(per_s: float, wishes: list[tuple[float, float]]) -> None:
    bucket = Bucket(per_s, now=0)
    now = passed = 0.0
    most = max(1.0, per_s * 10)
    for pause, amount in wishes:
        now += pause
        passed += min(amount, most) * bucket.take(now, amount)
        assert passed <= (most + now * per_s) * (1 + 1e-9)


def test_names_do_not_share() -> None:
    buckets = Buckets(1, burst_s=2)
    assert [buckets.take("a", 0) for _ in range(3)] == [True, True, False]
    assert buckets.take("b", 0)


def test_the_table_is_bounded_and_forgets_who_was_away_longest() -> None:
    buckets = Buckets(0.001, burst_s=1, most_names=3)
    for name in ("a", "b", "c"):
        assert buckets.take(name, 0)
    assert not buckets.take("a", 1)
    assert buckets.take("d", 2)
    assert len(buckets) == 3
    assert not buckets.take("a", 3), "a was asked for after b"
    assert buckets.take("b", 4), "b was forgotten"


@pytest.mark.parametrize("count", [10_001, 30_000])
def test_many_addresses_cost_no_more_than_the_table(count: int) -> None:
    buckets = Buckets(1)
    for number in range(count):
        buckets.take(str(number), 0)
    assert len(buckets) == 10_000
