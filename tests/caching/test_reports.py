"""Reports that are kept: they come back as they were, and only where a check would find the same."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kynara_lang import program
from kynara_lang.caching import keeper as keepers
from kynara_lang.caching import reports
from kynara_lang.caching.folder import Cache, open_cache
from kynara_lang.caching.keeper import Keeper
from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic, Edit, Fix, Hop, Label, Severity
from kynara_lang.diagnostics.source import Source, Span
from kynara_lang.files import find_files
from kynara_lang.inputs import Inputs, read_inputs
from kynara_lang.report import Report

POLICY = """\
module shop
import std.tenancy (Tenanted, same_tenant)
import acme.base (Kept)
subject User is Tenanted
resource Doc is Tenanted, Kept
action read on Doc
permit read_docs "People read their documents" {
  subject User  action read  resource Doc
  scope   same_tenant(subject, resource)
}
"""
LINTS = LintSettings()
DAY = datetime.date(2026, 11, 23)


class Project:
    """A program on disk with a library folder, and how often it was really checked."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        self.folder = folder
        self.policy = folder / "policies" / "shop.kyn"
        self.library = folder / "lib" / "acme" / "base.kyn"
        for path, text in ((self.policy, POLICY), (self.library, "trait Kept { keeper: String }\n")):
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
        self.keeper = Keeper(cache, "parsing", "checking")
        self.checks = 0

    def inputs(self, **options: Any) -> Inputs:
        return read_inputs(find_files([self.folder / "policies"]), [str(self.folder / "lib")], **options)

    def check(self, lints: LintSettings = LINTS, **options: Any) -> Report:
        inputs = self.inputs(**options)
        return self.keeper.find(inputs, lints) or self.keeper.check(inputs, lints)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    cache = open_cache()
    assert cache is not None
    made = Project(tmp_path, cache)
    real = program.check_inputs

    def count(*arguments: Any, **options: Any) -> Any:
        made.checks += 1
        return real(*arguments, **options)

    monkeypatch.setattr(program, "check_inputs", count)
    monkeypatch.setattr(keepers, "_today", lambda: DAY)
    return made


def told(report: Report) -> list[tuple[str, str, str, int, int]]:
    return [(d.code, d.message, d.span.source.name, d.span.start, d.span.end) for d in report.diagnostics]


def test_the_same_check_is_made_once(project: Project) -> None:
    first = project.check()
    second = project.check()
    assert project.checks == 1
    assert told(first) == told(second)
    assert evolve(first, diagnostics=()) == evolve(second, diagnostics=())
    assert (first.files, first.rules, first.linted) == (1, 1, True)


def test_findings_point_into_the_texts_that_were_just_read(project: Project) -> None:
    project.policy.write_text(POLICY.replace("same_tenant(subject, resource)", "nobody"), encoding="utf-8")
    project.check()
    inputs = project.inputs()
    found = project.keeper.find(inputs, LINTS)
    assert found is not None
    assert found.diagnostics[0].code == "KYN101"
    assert found.diagnostics[0].span.source is inputs.sources[0]
    assert found.diagnostics[0].span.text == "nobody"


def test_findings_can_point_into_libraries(project: Project) -> None:
    project.library.write_text("trait Kept { keeper: Strin }\n", encoding="utf-8")
    first = project.check()
    assert "lib/acme/base.kyn" in {label.span.source.name for d in first.diagnostics for label in d.labels}
    assert told(project.check()) == told(first)
    assert project.checks == 1


def _touch(project: Project) -> None:
    project.policy.write_text(POLICY + "\n", encoding="utf-8")


def _rename(project: Project) -> None:
    project.policy.rename(project.policy.with_name("other.kyn"))


def _add(project: Project) -> None:
    (project.policy.parent / "more.kyn").write_text("role r", encoding="utf-8")


def _library(project: Project) -> None:
    project.library.write_text("trait Kept { keeper: String  more: Int }\n", encoding="utf-8")


def _library_gone(project: Project) -> None:
    project.library.unlink()


def _another_module(project: Project) -> None:
    project.library.with_name("bass.kyn").write_text("trait Other", encoding="utf-8")


def _version(project: Project) -> None:
    project.keeper = evolve(project.keeper, checking="other")


@pytest.mark.parametrize(
    "change", [_touch, _rename, _add, _library, _library_gone, _another_module, _version], ids=lambda f: f.__name__
)
def test_after_a_change_it_is_checked_again(project: Project, change: Callable[[Project], None]) -> None:
    project.check()
    change(project)
    found = project.check()
    assert project.checks == 2
    assert told(found) == told(Keeper().check(project.inputs(), LINTS))


def test_after_a_change_is_taken_back_it_is_known_again(project: Project) -> None:
    first = project.check()
    _touch(project)
    project.check()
    project.policy.write_text(POLICY, encoding="utf-8")
    assert told(project.check()) == told(first)
    assert project.checks == 2


def test_a_library_that_nobody_imports_may_change(project: Project) -> None:
    project.library.with_name("unused.kyn").write_text("trait Other", encoding="utf-8")
    project.check()
    project.library.with_name("unused.kyn").write_text("trait Another", encoding="utf-8")
    project.check()
    assert project.checks == 1


@pytest.mark.parametrize(
    "other",
    [LintSettings(ignore=("KYN8",)), LintSettings(severities={"KYN8": Severity.ERROR}), LintSettings(root="/r")],
)
def test_other_settings_are_another_check(project: Project, other: LintSettings) -> None:
    project.check()
    project.check(other)
    assert project.checks == 2


def test_another_day_is_another_check(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.check()
    monkeypatch.setattr(keepers, "_today", lambda: DAY + datetime.timedelta(days=1))
    project.check()
    assert project.checks == 2


def test_unsaved_text_is_known_by_what_it_says(project: Project) -> None:
    name = "policies/shop.kyn"
    for text in (b"role a", b"role b", b"role a"):
        project.check(unsaved=(name, text))
    assert project.checks == 2


def test_a_module_is_read_once(project: Project) -> None:
    inputs = project.inputs()
    found = inputs.libraries.find("acme.base")
    project.library.write_text("trait Other", encoding="utf-8")
    assert inputs.libraries.find("acme.base") is found
    assert inputs.imported == {"acme.base": found}


# What is not kept


@pytest.mark.parametrize("content", [b"\xff", b"role \xc3"])
def test_files_that_cannot_be_read_are_checked_each_time(project: Project, content: bytes) -> None:
    project.check()  # what is known of the files that can be read says nothing of them all
    project.checks = 0
    (project.policy.parent / "binary.kyn").write_bytes(content)
    first, second = project.check(), project.check()
    assert project.checks == 2
    assert told(first) == told(second)
    assert first.diagnostics[0].code == "KYN006"


def test_libraries_that_cannot_be_read_are_checked_each_time(project: Project) -> None:
    project.check()
    project.library.write_bytes(b"trait \xff")
    first, second = project.check(), project.check()
    assert project.checks == 3
    assert told(first) == told(second)
    assert "KYN006" in {d.code for d in first.diagnostics}


def kept(project: Project, report: Report) -> Report | None:
    """Keep a report of the project, and look for it."""
    cache = project.keeper.cache
    assert cache is not None
    inputs = project.inputs()
    reports.keep(cache, "0" * 64, inputs, in_texts_of(report, inputs))
    return reports.find(cache, "0" * 64, inputs)


def in_texts_of(report: Report, inputs: Inputs) -> Report:
    return evolve(report, diagnostics=tuple(_moved(d, inputs.sources[0]) for d in report.diagnostics))


def _moved(value: Any, source: Source) -> Any:
    """Let every span of a finding that has the source None point into a source."""
    span = Span(source, 1, 5)
    return evolve(
        value,
        labels=tuple(Label(span, label.message) for label in value.labels),
        fix=value.fix and evolve(value.fix, edits=tuple(Edit(span, e.replacement) for e in value.fix.edits)),
        path=tuple(evolve(hop, span=span) for hop in value.path),
    )


FAR = Span(Source("elsewhere.kyn", "0123456789"), 1, 5)
FULL = Diagnostic(
    code="KYN301",
    message="a message ☃ \udcff",
    labels=(Label(FAR, "one"), Label(FAR, "")),
    notes=("n", "m"),
    help="help\nwith lines",
    fix=Fix("do it", (Edit(FAR, "text"),), safe=True),
    severity=Severity.NOTE,
    witness={"subject": {"type": "U", "roles": ["a"], "n": 1.5, "none": None, "yes": True}},
    path=(Hop(FAR, "m", "rule", None, "effect", "gains", {"a": [1]}), Hop(FAR, "m")),
)


def test_everything_that_a_finding_can_hold_comes_back(project: Project) -> None:
    report = Report((FULL, evolve(FULL, help=None, fix=None, witness=None)), 1, 2, ("a", "b"), linted=True)
    found = kept(project, report)
    assert found is not None
    assert [str(d) for d in found.diagnostics] == [str(d) for d in in_texts_of(report, project.inputs()).diagnostics]
    assert evolve(found, diagnostics=()) == evolve(report, diagnostics=())


@pytest.mark.parametrize("witness", [{"a": (1, 2)}, {1: "a"}, {"a": {1, 2}}, {"a": object()}])
def test_a_finding_that_would_come_back_otherwise_is_not_kept(project: Project, witness: dict[str, Any]) -> None:
    assert kept(project, Report((evolve(FULL, witness=witness),), 1, 1)) is None


def test_a_finding_in_a_text_that_was_not_read_is_not_kept(project: Project) -> None:
    cache = project.keeper.cache
    assert cache is not None
    inputs = project.inputs()
    reports.keep(cache, "0" * 64, inputs, Report((FULL,), 1, 1))
    assert cache.written == 0


def test_a_signed_entry_that_is_no_report_is_none(project: Project) -> None:
    cache = project.keeper.cache
    assert cache is not None
    inputs = project.inputs()
    report = in_texts_of(Report((FULL,), 1, 1), inputs)
    reports.keep(cache, "0" * 64, inputs, report)
    payload = cache.get("checked", "0" * 64)
    assert payload is not None
    assert reports.find(cache, "0" * 64, inputs) == report

    def broken(value: Any, *places: int) -> bytes:
        data = json.loads(payload)
        at = data["report"]
        for place in places[:-1]:
            at = at[place]
        at[places[-1]] = value
        return json.dumps(data).encode()

    wrong = [b"", b"{}", b"[]", b"null", b"[" * 100_000, b'{"imported": [], "report": []}', b'{"imported": {}}']
    wrong += [broken(value, 0) for value in (None, 1, "x", [1], [[]], {"a": 1})]  # the findings
    wrong += [broken(value, 1) for value in (None, "1", 1.0, True, [])]  # how many files
    wrong += [broken(value, 0, 0, 0) for value in (None, 1, [])]  # the code
    wrong += [broken(value, 0, 0, 2, 0, 0) for value in (None, [0, 1], [7, 1, 5], ["x", 1, 5], [0, -1, 5], [0, 5, 1])]
    wrong += [broken([0, 1, 10**6], 0, 0, 2, 0, 0), broken([0, 1.0, 5], 0, 0, 2, 0, 0)]  # the place of a label
    wrong += [broken("fatal", 0, 0, 6), broken([1], 0, 0, 7), broken("x", 0, 0, 5)]  # severity, witness, fix
    for other in wrong:
        cache.put("checked", "0" * 64, other)
        assert reports.find(cache, "0" * 64, inputs) is None, other[:200]
