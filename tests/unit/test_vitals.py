"""The figures of a running daemon: percentiles off a histogram, the status line, and how they look."""

from __future__ import annotations

import io
import itertools
import sys
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from elizad.net.tally import Tally
from elizad.ops.lag import LoopLag
from elizad.ops.metrics import Metrics
from elizad.ops.vitals import Status, Vitals, quantile
from elizad.service.meter import Histogram, Meter
from elizad.status_view import History, duration, short, show, sparkline


def make() -> tuple[Vitals, Meter, Tally]:
    meter, tally = Meter(), Tally()
    about = {"config": "/etc/elizad/config.toml", "script": "doctor", "mode": "spoken"}
    return Vitals(meter, tally, LoopLag(), lambda: about, lambda: {"sessions": 3}), meter, tally


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_within_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    histogram = Histogram((0.5, 1, 2, 5, 10))
    for value in values:
        histogram.observe(value)
    found = quantile(histogram.bounds, histogram.counts, share)
    assert found is not None
    rank = max(0, -int(-share * len(values) // 1) - 1)
    true = sorted(values)[min(rank, len(values) - 1)]
    edges = (0.0, *histogram.bounds)
    low, high = next((low, high) for low, high in itertools.pairwise(edges) if true <= high)
    assert low <= found <= high


def test_quantiles_at_the_edges() -> None:
    assert quantile((1, 2), (0, 0, 0), 0.5) is None
    assert quantile((1, 2), (0, 0, 4), 0.5) == 2, "beyond every bound there is only the last"
    assert quantile((1, 2), (0, 4, 0), 0.5) == 1.5
    assert quantile((1, 2), (4, 0, 0), 1.0) == 1


def test_the_status_line() -> None:
    vitals, meter, _ = make()
    assert vitals.line() == "0 calls, 0.0 turns/s, script doctor"
    meter.live["hume"] = 1
    vitals._turns.extend([0, 30])
    assert vitals.turns_per_s == 15.0
    assert vitals.line() == "1 call, 15.0 turns/s, script doctor"
    vitals.reload_refused = True
    assert vitals.line() == "1 call, 15.0 turns/s, script doctor; the last reload was refused, see the log"
    vitals.state = "draining"
    assert vitals.line() == "draining: 1 call left"


def test_the_page_has_everything_and_can_be_read_back() -> None:
    vitals, meter, tally = make()
    meter.calls["hume"], meter.live["hume"], meter.turns["hume"] = 3, 2, 40
    meter.turn_s.observe(0.002)
    tally.refused_for["this token is not accepted here"] = 5
    tally.limited["idle_s"] = 2
    tally.turned_away = 7
    status = msgspec.json.decode(msgspec.json.encode(vitals.status()), type=Status)
    assert status.platforms["hume"].live == 2
    assert status.turns == 40
    assert status.turn.count == 1
    assert status.turn.p50_ms == pytest.approx(1.75)
    assert status.first_chunk.p50_ms is None
    assert status.refusals == {"idle_s": 2, "max_connections": 7, "this token is not accepted here": 5}
    assert status.memory_bytes > 10_000_000
    assert status.store == {"sessions": 3}


def render(status: Status, history: History | None = None) -> str:
    stream = io.StringIO()
    Console(file=stream, width=100).print(show(status, "127.0.0.1:8766", history))
    return stream.getvalue()


def test_how_it_looks() -> None:
    vitals, meter, tally = make()
    meter.calls["retell"] = meter.live["retell"] = 1
    tally.refused_for["[red]this path needs a token"] = 5
    text = render(vitals.status())
    for piece in (
        "doctor, spoken mode",
        "retell",
        "5  [red]this path needs a token",
        "store sessions",
        "at 127.0.0.1:8766",
    ):
        assert piece in text
    assert "turns/s   " not in text
    tally.bugs = 1
    assert "1  errors of our own" in render(vitals.status())


def test_a_history_is_what_each_second_brought() -> None:
    vitals, meter, _ = make()
    history = History()
    for second in range(5):
        meter.turns["hume"] += second * 10
        for _ in range(second * 10):
            meter.turn_s.observe(0.02)
        history.add(vitals.status(), float(second))
    assert list(history.turns_per_s) == [10, 20, 30, 40]
    assert all(value is not None and 10 < value <= 25 for value in history.latency_ms)
    text = render(vitals.status(), history)
    assert sparkline([10, 20, 30, 40]) in text
    assert "most 40" in text
    # Started again: totals begin anew, and nothing of it is counted as a rate.
    meter.turns["hume"] = 1
    history.add(vitals.status(), 6.0)
    assert len(history.turns_per_s) == 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_725, "1 h 2 min"), (90_000, "1 d 1 h"), (86_400, "1 d")],
)
def test_durations_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sparklines() -> None:
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([None, 0, 4, 8]) == " ▁▅█"


@pytest.mark.parametrize(
    ("value", "figure"),
    [(0, "0"), (0.8751, "0.875"), (337.2, "337"), (999.6, "1000"), (1920, "1920"), (1e6, "1000000")],
)
def test_figures_need_no_power_of_ten(value: float, figure: str) -> None:
    assert short(value) == figure


def test_figures_are_read_in_a_thread_while_the_loop_counts() -> None:
    vitals, meter, tally = make()
    metrics = Metrics(meter, tally, LoopLag(), lambda: 0, lambda: "doctor")
    over = threading.Event()

    def count() -> None:
        for number in itertools.cycle(range(900)):
            if over.is_set():
                return
            if number == 0:
                for counter in (tally.closes, tally.refused_for, tally.limited):
                    counter.clear()
            tally.closes[3000 + number] += 1
            tally.refused_for[str(number)] += 1
            tally.limited[str(number)] += 1

    usual = sys.getswitchinterval()
    loop = threading.Thread(target=count)
    loop.start()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(200):
            vitals.status()
            list(metrics.collect())
    finally:
        sys.setswitchinterval(usual)
        over.set()
        loop.join()
