"""The page for Prometheus, read back by Prometheus's own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from elizad.net.tally import Tally
from elizad.ops.lag import LoopLag
from elizad.ops.metrics import Metrics
from elizad.service.meter import Histogram, Meter


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    text = metrics.render(tasks=11).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counts_come_out_under_their_names() -> None:
    meter, tally, lag = Meter(), Tally(), LoopLag()
    meter.calls["hume"] = 3
    meter.turns["hume"] = 7
    for decided in ("safety: suicide", "time: over", "time: warning; hours", "hours", "steer[3]", "my: own"):
        meter.count_steered(decided)
    meter.first_chunk_s.observe(0.0003)
    meter.first_chunk_s.observe(99)
    tally.closes[1000] = 2
    tally.closes[4711] = 1
    tally.closes[4712] = 1
    tally.refusals[404] = 5
    found = samples(Metrics(meter, tally, lag, lambda: 2, lambda: "doctor"))
    assert found["elizad_calls_live", ()] == 2
    assert found["elizad_tasks", ()] == 11
    assert found["elizad_calls_total", ("hume",)] == 3
    assert found["elizad_turns_total", ("hume",)] == 7
    assert [found["elizad_turns_steered_total", (kind,)] for kind in ("safety", "time", "rule")] == [1, 2, 3]
    assert found["elizad_refusals_total", ("404",)] == 5
    assert found["elizad_closes_total", ("1000",)] == 2
    assert found["elizad_closes_total", ("other",)] == 2, "a peer's codes are not labels"
    assert found["elizad_first_chunk_seconds_bucket", ("0.00025",)] == 0
    assert found["elizad_first_chunk_seconds_bucket", ("0.0005",)] == 1
    assert found["elizad_first_chunk_seconds_bucket", ("+Inf",)] == 2
    assert found["elizad_first_chunk_seconds_count", ()] == 2
    assert ("elizad_info", ("doctor", "0.1.0")) in found or ("elizad_info", ("0.1.0", "doctor")) in found
    assert found["process_resident_memory_bytes", ()] > 1_000_000


def test_a_histogram_counts_a_value_on_its_bound_below_it() -> None:
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 8
