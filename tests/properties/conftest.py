"""Profiles of the property tests: `ci` takes about a minute, `deep` as long as it takes; HYPOTHESIS_PROFILE chooses."""

from __future__ import annotations

import os
import random
from typing import Any

from hypothesis import HealthCheck, Phase, core, settings

# One seed for the whole run, printed at its end: `--hypothesis-seed` runs the same examples again. The `ci` profile always
# takes the same one, so that a change is judged by what it changed; `deep` takes a new one each time.
_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SEED = core.global_force_seed if core.global_force_seed is not None else random.getrandbits(64) if _DEEP else 20261122
core.global_force_seed = SEED

_LARGE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

_PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]

settings.register_profile(
    "ci", max_examples=100, deadline=None, suppress_health_check=_LARGE, phases=_PHASES, print_blob=True
)
settings.register_profile("deep", settings.get_profile("ci"), max_examples=int(os.environ.get("EXAMPLES", "5000")))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how to run the same examples again."""
    terminalreporter.write_line(f"property tests ran with --hypothesis-seed={SEED}")
