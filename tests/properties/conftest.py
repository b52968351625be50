"""Profiles of the property tests: `ci` takes about a minute, `deep` as long as it takes; HYPOTHESIS_PROFILE chooses."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

_PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]

settings.register_profile(
    "ci", max_examples=150, deadline=None, suppress_health_check=_LARGE, phases=_PHASES, print_blob=True
)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=int(os.environ.get("EXAMPLES", "5000")))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
