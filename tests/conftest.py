"""How the property tests run: quickly by default, `HYPOTHESIS_PROFILE=deep` for as long as it takes.

No deadline in either: the machines that run these tests are shared, and a slow moment is not a wrong result. What must
be fast is bounded by counting work, or measured by a benchmark.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("fast", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", settings.get_profile("fast"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
