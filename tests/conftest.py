"""What holds for all tests: none of them touches the cache of whoever runs them, or depends on how busy a machine is."""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from kynara_lang.analysis.solver import Limits, Smt


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KYNARA_CACHE_DIR", str(tmp_path_factory.mktemp("kynara") / "cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_solver() -> Iterator[None]:
    """Give questions five times as long as usual, where a test does not say how long one may take."""
    usual = Limits()

    def ask(self: Smt, *claims: Any, given: Any = (), limits: Limits | None = None) -> Any:
        limits = limits or self._limits
        if limits.milliseconds == usual.milliseconds:
            limits = evolve(limits, milliseconds=10_000)
        return impatient(self, *claims, given=given, limits=limits)

    impatient = Smt.ask
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Smt, "ask", ask)
        yield
