"""A plugin of pytest: `.kyn` files that hold tests are collected, and each `test` block is an item.

A file belongs to the program of the project if it lies in the `policies` of the nearest configuration; else it is a
program together with the policy files beside it. A program is compiled once, however many of its files are collected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..diagnostics.excerpt import visible
from ..files import MAX_BYTES, SUFFIX, FilesError, read_bytes, shown_name

if TYPE_CHECKING:
    from ..runtime.policyset import PolicySet
    from .cases import Test
    from .running import TestResult

_HOLDS_TESTS: Final = re.compile(rb'^\s*test\s+"', re.MULTILINE)
_WIDTH: Final = 100

_PROGRAMS: Final = pytest.StashKey[dict[tuple[str, ...], "PolicySet | str"]]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a policy file, if it holds tests."""
    if file_path.suffix != SUFFIX or not _holds_tests(file_path):
        return None
    collector: pytest.Collector = PolicyTests.from_parent(parent, path=file_path)
    return collector


def _holds_tests(path: Path) -> bool:
    """Whether a file seems to hold tests; one that cannot be read might, and what is wrong is said when it is."""
    try:
        content = read_bytes(str(path), MAX_BYTES)
    except FilesError:
        return True
    return content is None or _HOLDS_TESTS.search(content) is not None


class PolicyTests(pytest.File):
    """A policy file with tests."""

    def collect(self) -> Iterable[pytest.Item]:
        """Yield its tests; a program with errors is an error of collection."""
        from .cases import tests_of

        policies = self._policies()
        names = (shown_name(str(self.path)), self.path.resolve())
        for test in tests_of(policies.program):
            if test.file in names or Path(test.file).resolve() in names:
                yield PolicyTest.from_parent(self, name=test.title, policies=policies, test=test)

    def _policies(self) -> PolicySet:
        """Return the program of the file, or say why there is none."""
        from ..configuration import ConfigurationError

        try:
            paths, libraries = program_of(self.path)
            known = self.config.stash.setdefault(_PROGRAMS, {})
            if paths not in known:
                known[paths] = _compiled(paths, libraries)
        except (ConfigurationError, FilesError) as error:
            raise self.CollectError(str(error)) from None
        found = known[paths]
        if isinstance(found, str):
            raise self.CollectError(found)
        return found


class PolicyTest(pytest.Item):
    """One `test` block."""

    def __init__(self, *, policies: PolicySet, test: Test, **given: Any) -> None:
        """Take the program and the test."""
        super().__init__(**given)
        self._policies, self._test = policies, test

    def runtest(self) -> None:
        """Run the test."""
        from .running import run_test

        result = run_test(self._policies, self._test)
        if not result.passed:
            raise ExpectationNotMet(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return what `kynara test` says of a failure."""
        if not isinstance(excinfo.value, ExpectationNotMet):
            return super().repr_failure(excinfo, style)
        from ..cli.render_tests import failure

        whole = self.config.get_verbosity() > 0
        text = failure(excinfo.value.result, self._policies, _WIDTH, whole=whole).plain
        return f"{excinfo.value}\n{text.partition(chr(10))[2]}"  # the first line is what the short summary shows

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return file, line (counted from 0) and title."""
        return self.path, self._test.line - 1, self._test.title


class ExpectationNotMet(Exception):
    """A test failed."""

    def __init__(self, result: TestResult) -> None:
        """Take what came of the test."""
        super().__init__(result.test.title)
        self.result = result

    def __str__(self) -> str:
        """Return what was wanted first and not met, on one line."""
        if not self.result.failures:
            return self.result.test.problem or "failed"
        outcome = self.result.failures[0]
        got = "an invalid request" if outcome.invalid else outcome.decision.effect.value
        place = outcome.case.expectation.span
        because = f" because {', '.join(outcome.missing)}" if outcome.missing else ""
        return f"{visible(place.source.name)}:{place.first.line}: wanted {outcome.case.wanted}{because}, got {got}"


def program_of(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths of the program that a file belongs to, and the folders of its libraries."""
    from ..configuration import find_configuration
    from ..files import find_beside

    found = find_configuration(path.parent)
    inside = path.resolve()
    for policies in found.policies:
        place = Path(policies).resolve()
        if inside == place or place in inside.parents:
            return found.policies, found.libraries
    return find_beside(str(path)), found.libraries


def _compiled(paths: tuple[str, ...], libraries: tuple[str, ...]) -> PolicySet | str:
    """Compile a program; return what is wrong with it where that fails."""
    from ..diagnostics.diagnostic import Severity
    from ..diagnostics.render_text import render_full
    from ..files import find_files
    from ..program import check_files
    from ..runtime.policyset import PolicySet

    checked = check_files(find_files(paths, apart_from=libraries), libraries)
    if checked.has_errors:
        errors = [d for d in checked.diagnostics if d.severity is Severity.ERROR]
        return render_full(errors, width=_WIDTH).plain
    return PolicySet(checked.program)
