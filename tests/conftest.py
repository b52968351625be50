"""What holds for all tests: none of them reads or writes the cache of whoever runs them."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KYNARA_CACHE_DIR", str(tmp_path_factory.mktemp("kynara") / "cache"))
        yield
