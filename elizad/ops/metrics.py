"""The daemon's counts in the Prometheus text format. Reads them when asked; costs nothing in between.

No label has values that a peer can choose: platforms, close codes and statuses are all from short lists of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from elizad import __version__
from elizad.net.tally import Tally
from elizad.ops.lag import LoopLag
from elizad.service.meter import Histogram, Meter
from elizad.service.sessions import SessionTally

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

# Close codes with a row of their own (RFC 6455 section 7.4.1); any other a peer may choose is "other".
_CODES: Final = frozenset({1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012})


class Metrics:
    """What `/metrics` shows."""

    def __init__(
        self,
        meter: Meter,
        tally: Tally,
        lag: LoopLag,
        live_calls: Callable[[], int],
        script: Callable[[], str],
        sessions: SessionTally | None = None,
    ) -> None:
        self._meter = meter
        self._tally = tally
        self._lag = lag
        self._live_calls = live_calls
        self._script = script
        self._sessions = sessions

    def render(self, tasks: int) -> bytes:
        """Return the page. The first call imports prometheus-client, which takes a tenth of a second.

        `tasks` are those that live on the event loop; this may run in a thread, which cannot see them.
        """
        from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        registry.register(self)
        Gauge("elizad_tasks", "Tasks that live now, the one for this page included.", registry=registry).set(tasks)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric (prometheus-client's collector protocol)."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        meter, tally = self._meter, self._tally

        def counter(name: str, help_text: str, value: float) -> Metric:
            return CounterMetricFamily(name, help_text, value=value)

        def by(label: str, name: str, help_text: str, values: Mapping[str, int]) -> Metric:
            family = CounterMetricFamily(name, help_text, labels=[label])
            for key, value in sorted(dict(values).items()):
                family.add_metric([key], value)
            return family

        info = {"version": __version__, "script": self._script()}
        yield InfoMetricFamily("elizad", "What is running.", value=info)
        yield GaugeMetricFamily("elizad_calls_live", "Calls that are open now.", value=self._live_calls())
        yield GaugeMetricFamily(
            "elizad_connections_live", "Connections that are open now, in whatever stage.", value=tally.connections_open
        )
        yield counter("elizad_connections", "Connections accepted.", tally.connections)
        yield counter("elizad_connections_turned_away", "Connections above max_connections.", tally.turned_away)
        yield by("platform", "elizad_calls", "Calls opened.", meter.calls)
        yield by("platform", "elizad_turns", "Turns begun.", meter.turns)
        yield by("platform", "elizad_turns_superseded", "Turns that a newer one cut off.", meter.superseded)
        yield by("by", "elizad_turns_steered", "Turns in which safety, the time or a rule had its say.", meter.steered)
        yield counter("elizad_turns_failed", "Turns answered with an apology.", meter.failed)
        yield counter("elizad_messages_ignored", "Messages that said nothing we can use.", meter.ignored)
        yield by("status", "elizad_refusals", "Requests refused, by HTTP status.", _named(tally.refusals))
        yield counter("elizad_tls_failed", "TLS handshakes that came to nothing.", tally.tls_failed)
        yield counter("elizad_refusals_slowed", "Refusals held back, the address having had many.", tally.slowed)
        yield by("limit", "elizad_limited", "Connections turned away or closed at a limit.", tally.limited)
        yield by("code", "elizad_closes", "WebSocket connections closed, by close code.", _named_codes(tally.closes))
        yield by("code", "elizad_faults", "Faults found in what peers sent, by code.", _named_codes(tally.faults))
        yield counter("elizad_stalled", "Connections given up because the peer did not read.", tally.stalled)
        yield counter("elizad_silent", "Connections given up because nothing was heard.", tally.silent)
        yield counter("elizad_bugs", "Errors of our own.", tally.bugs)
        yield counter("elizad_received_bytes", "Bytes received on connections that have ended.", tally.bytes_in)
        yield counter("elizad_sent_bytes", "Bytes sent on connections that have ended.", tally.bytes_out)
        if (kept := self._sessions) is not None:
            yield counter("elizad_session_loads", "Sessions looked for.", kept.loads)
            yield counter("elizad_session_loads_late", "Loads that calls went on without.", kept.late)
            yield counter("elizad_session_saves", "Sessions saved.", kept.saves)
            yield counter("elizad_session_save_seconds", "Time that the store needed for saves.", kept.save_s)
            yield counter("elizad_session_saves_outdated", "Saves after another machine's newer one.", kept.outdated)
            yield counter("elizad_session_saves_unawaited", "Turns ended before their save was done.", kept.unawaited)
            failures = {"load": kept.load_failures, "save": kept.save_failures, "unreadable": kept.unreadable}
            yield by("what", "elizad_session_failures", "Sessions not loaded, not saved or not readable.", failures)
            yield counter("elizad_sessions_forgotten", "Sessions removed while a call used them.", kept.forgotten)
        yield _histogram("elizad_first_chunk_seconds", "From a request to the first words sent.", meter.first_chunk_s)
        yield _histogram("elizad_turn_seconds", "From a request to the end of the reply sent.", meter.turn_s)
        yield _histogram("elizad_loop_lag_seconds", "How late the event loop was.", self._lag.histogram)


def _named(counts: Mapping[int, int]) -> dict[str, int]:
    # A copy, made in one go: this runs in a thread, and the loop goes on counting.
    return {str(key): value for key, value in dict(counts).items()}


def _named_codes(counts: Mapping[int, int]) -> dict[str, int]:
    named: dict[str, int] = {}
    for code, value in dict(counts).items():
        name = str(code) if code in _CODES else "other"
        named[name] = named.get(name, 0) + value
    return named


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    from prometheus_client.metrics_core import HistogramMetricFamily

    buckets: list[tuple[str, float]] = []
    count = 0
    for bound, value in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        count += value
        buckets.append(("+Inf" if bound == float("inf") else repr(float(bound)), count))
    return HistogramMetricFamily(name, help_text, buckets=buckets, sum_value=histogram.total)
