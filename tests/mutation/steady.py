"""A pytest plugin: the same examples in every run, so that a mutant dies of its change and of nothing else."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, core, settings

SEED = 20261122


def pytest_sessionstart(session: Any) -> None:
    """Load the profile after those of the conftest files; what fails need not be made small."""
    core.global_force_seed = SEED
    settings.register_profile(
        "mutation",
        max_examples=100,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    settings.load_profile("mutation")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
