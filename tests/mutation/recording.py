"""A pytest plugin: which lines of the package each test runs, how long it takes, and whether it passes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutation.groups import ROOT


class Recorder:
    """Runs beside the tests and writes one JSON file when they are done."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.coverage = coverage.Coverage(data_file=None, source=[str(ROOT / "kynara_lang")], config_file=False)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        result = yield
        self.coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.outcome != "passed":
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        data = self.coverage.get_data()
        tests = sorted(set(self.seconds) - self.failed)
        number = {test: index for index, test in enumerate(tests)}
        lines: dict[str, dict[int, list[int]]] = {}
        for file in sorted(data.measured_files()):
            path = Path(file).relative_to(ROOT).as_posix()
            lines[path] = {
                line: [number[test] for test in contexts if test in number]
                for line, contexts in data.contexts_by_lineno(file).items()
            }
        written = {
            "tests": tests,
            "seconds": [round(self.seconds[test], 4) for test in tests],
            "not_passed": sorted(self.failed),
            "lines": lines,
        }
        self.target.write_text(json.dumps(written), encoding="utf-8")


def pytest_configure(config: Any) -> None:
    """Begin before the first import of the package."""
    config.pluginmanager.register(Recorder(Path(os.environ["KYNARA_MUTATION_RECORD"])))
