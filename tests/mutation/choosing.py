"""A pytest plugin: runs the tests that a file lists, in the order in which it lists them."""

import json
import os
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what is listed."""
    listed = json.loads(Path(os.environ["KYNARA_MUTATION_CHOICE"]).read_text(encoding="utf-8"))
    place = {test: index for index, test in enumerate(listed)}
    items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])
