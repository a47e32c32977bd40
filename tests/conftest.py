"""How the tests run: several at a time, since most wait for programs; property tests quickly by default.

`-n 0` runs them one after the other. `HYPOTHESIS_PROFILE=deep` takes as long as it takes.

No deadline in either: the machines that run these tests are shared, and a slow moment is not a wrong result. What must
be fast is bounded by counting work, or measured by a benchmark.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("fast", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("fast"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three for two processors: programs that are waited for need little of them."""
    return len(os.sched_getaffinity(0)) * 3 // 2
