"""What the lints of scope and logic say beyond where they find something: cures that hold, places in libraries, scale."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from kynara_lang.checker.lint_examples import rules
from kynara_lang.checker.linter import LintSettings, lint_module
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.fixes import edited
from kynara_lang.pipeline import Checked, Libraries, check_sources

_HEAD = 'permit p "d" { subject User action read resource Doc'


def checked(text: str, *codes: str, library: str | None = None) -> Checked:
    """Check a text with some lints, and with a library `lib` if one is given."""
    libraries = None if library is None else Libraries({"lib": Source("lib.kyn", library)}.get, ("lib",))
    return check_sources([Source("p.kyn", text)], libraries, lints=LintSettings(select=codes))


def only(text: str, code: str, **more: str) -> Diagnostic:
    """Return the one finding of a lint."""
    found = checked(text, code, **more).diagnostics
    assert [d.code for d in found] == [code]
    return found[0]


# --- cures


@pytest.mark.parametrize("text", lint_module("KYN511").INVALID)
def test_a_fixed_pattern_is_accepted_and_no_longer_found(text: str) -> None:
    found = checked(text, "KYN511")
    fixes = [d.fix for d in found.diagnostics if d.fix is not None]
    for fix in fixes:
        assert not fix.safe  # it may well be the text that is wrong, and in a permit the fix widens
    edits = sorted((edit for fix in fixes for edit in fix.edits), key=lambda edit: edit.span.start)
    assert all(a.span.end <= b.span.start for a, b in pairwise(edits))
    after = checked(edited(text, edits), "KYN511")
    assert not after.has_errors
    assert len(after.diagnostics) == len(found.diagnostics) - len(fixes)


@pytest.mark.parametrize(
    ("written", "fixed"),
    [
        ('resource.title == "a*"', 'resource.title like "a*"'),
        ('resource.title != "a*"', 'not resource.title like "a*"'),
        ('context.mfa and resource.title != "%a"', 'context.mfa and not resource.title like "*a"'),
        ('resource.title like "abc"', 'resource.title == "abc"'),
        ('resource.title like "a%"', 'resource.title like "a*"'),
        ('resource.title.starts_with("a*")', 'resource.title.starts_with("a")'),
        ('resource.path.suffix == "tar.gz"', 'resource.path.suffix == ".gz"'),
        ('resource.title.lower() in {"Ab", "c"}', 'resource.title.lower() in {"ab", "c"}'),
    ],
)
def test_a_pattern_is_rewritten(written: str, fixed: str) -> None:
    text = rules(f"forbid f {{ subject User action read resource Doc when {written} }}")
    fix = only(text, "KYN511").fix
    assert fix is not None
    assert edited(text, list(fix.edits)) == text.replace(written, fixed)


@pytest.mark.parametrize(
    "written",
    [
        '"a*" == resource.title',  # the pattern must stand on the right of `like`
        '(resource.title) != "a*"',
        'resource.title # what it is called\n == "a*"',
        'resource.title in {"a*", "b"}',
        '"a*" in resource.labels',
    ],
)
def test_what_cannot_be_rewritten_for_sure_is_not(written: str) -> None:
    assert only(rules(f"forbid f {{ subject User action read resource Doc when {written} }}"), "KYN511").fix is None


@pytest.mark.parametrize(
    ("declared", "suggested"),
    [
        ("subject User { team: String } resource Doc { team: String }", "resource.team == subject.team"),
        ("subject User resource Doc { owner: User }", "resource.owner == subject"),
        ("subject User resource Doc { readers: Set<User> }", "subject in resource.readers"),
        ("subject User { home: Path } resource Doc { path: Path }", "resource.path within subject.home"),
        ("subject User { team: String untrusted } resource Doc { team: String }", None),
        ("subject User { team: String? } resource Doc { team: String }", None),
        ("subject User { level: Int } resource Doc { level: Int }", None),
        ("subject User { team: Email } resource Doc { team: String }", None),
    ],
)
def test_a_bound_is_suggested_from_what_both_sides_have(declared: str, suggested: str | None) -> None:
    declared = declared.replace(" resource ", "\nresource ")
    found = only(f"{declared}\naction read on Doc\n{_HEAD} scope true }}", "KYN302")
    assert found.help is not None
    assert (f"such as `scope {suggested}`" in found.help) is (suggested is not None)
    if suggested is not None:
        cured = f"{declared}\naction read on Doc\n{_HEAD} scope {suggested} }}"
        assert checked(cured, "KYN3").diagnostics == ()


def test_a_scope_and_a_when_in_each_others_place_are_told_to_swap() -> None:
    found = only(rules(f"{_HEAD} scope context.mfa when subject == resource.owner }}"), "KYN303")
    assert found.help == "swap them: `scope subject == resource.owner`, and this as `when context.mfa`"
    found = only(rules(f"{_HEAD} scope true when subject == resource.owner }}"), "KYN302")
    assert found.help == "write it as the scope: `scope subject == resource.owner`"


EMPTY_OR_NOT = [
    ("when resource.readers.size() > 0", False),
    ("when resource.readers.size() != 0", False),
    ("when 1 <= resource.readers.size()", False),
    ("when resource.readers.size() < 5", True),
    ("when resource.readers != {}", False),
    ("when subject in resource.readers", False),
    ("when subject not in resource.readers", True),
    ("when any r in resource.readers: r.level > 1", False),
    ("when any l in resource.labels: true", True),
    ('when resource.readers.contains_all({User::"a"})', False),
    ('when resource.readers.contains_any({User::"a"})', False),
    ("unless resource.readers.size() == 0", False),
    ("unless resource.readers == {}", False),
    ("when context.mfa or resource.readers.size() > 0", True),
    ("when context.mfa", True),
]


@pytest.mark.parametrize(("clause", "found"), EMPTY_OR_NOT)
def test_a_set_that_must_hold_something_is_no_trap(clause: str, found: bool) -> None:
    text = rules(f"{_HEAD} scope all r in resource.readers: r.manager {clause} }}")
    assert bool(checked(text, "KYN508").diagnostics) is found


# --- places in libraries

_LIBRARY = """\
module lib
trait Labelled { labels: Set<String> }
let cleared(t: Labelled) = all l in t.labels: l == "public"
let same(a: Labelled, b: Labelled) = a.labels == b.labels
let silly(a: Labelled) = a.labels == a.labels
"""
_PROGRAM = """\
import lib (Labelled, cleared, same, silly)
subject User is Labelled
resource Doc is Labelled
action read on Doc
"""


def test_what_a_library_says_is_shown_and_its_use_is_blamed() -> None:
    found = only(f"{_PROGRAM}{_HEAD} scope cleared(resource) }}", "KYN508", library=_LIBRARY)
    assert [(label.span.source.name, label.span.text) for label in found.labels] == [
        ("p.kyn", "cleared(resource)"),
        ("lib.kyn", "all l in t.labels"),
    ]
    found = only(f"{_PROGRAM}{_HEAD} scope same(subject, subject) }}", "KYN510", library=_LIBRARY)
    assert [label.span.source.name for label in found.labels] == ["p.kyn", "lib.kyn"]
    assert checked(f"{_PROGRAM}{_HEAD} scope silly(resource) }}", "KYN510", library=_LIBRARY).diagnostics == ()


def test_a_predicate_is_blamed_once_however_often_it_is_used() -> None:
    text = "let managed(d: Doc) = all r in d.readers: r.manager and r == r\n"
    uses = [f'permit p{i} "d" {{ subject User action read resource Doc scope managed(resource) }}' for i in range(5)]
    found = checked(rules(text + "\n".join(uses)), "KYN508", "KYN510").diagnostics
    assert [d.code for d in found] == ["KYN508", "KYN510"]


# --- scale


def test_large_programs_and_rules_are_looked_at_in_good_time() -> None:
    lets = ["let p0(d: Doc) = (all r in d.readers: r.manager) or d.size > 3"]
    lets += [f"let p{i}(d: Doc) = p{i - 1}(d) and d.size != {i} and p{i - 1}(d)" for i in range(1, 9)]
    many = [
        f'permit q{i} "d" {{ subject User action read, list resource Doc scope resource.title != "t{i}" and p8(resource) }}'
        for i in range(300)
    ]
    long = "\n".join(f'when resource.title like "a{i}" or resource.size != {i}' for i in range(400))
    text = rules("\n".join([*lets, *many, f"{_HEAD} scope subject == resource.owner {long} }}"]))
    before = time.process_time()
    program = checked(text)
    found = checked(text, "KYN302", "KYN303", "KYN307", "KYN508", "KYN510", "KYN511", "KYN512")
    assert {d.code for d in found.diagnostics} == {"KYN508", "KYN511", "KYN512"}
    assert not program.has_errors
    assert time.process_time() - before < 120, "some seconds of processor time; what runs away takes hours"
