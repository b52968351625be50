"""What the lints of hygiene do beyond their examples: fixes, options, days, and staying silent where nothing is wrong."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from kynara_lang.checker.lint_examples import SCHEMA, rules
from kynara_lang.checker.linter import LintSettings
from kynara_lang.compiler.digest import digest
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources

ROOT = Path(__file__).parents[2]
TODAY = datetime.date(2026, 11, 23)
HYGIENE = ("KYN304", "KYN507", "KYN801", "KYN802", "KYN804", "KYN805", "KYN806", "KYN807", "KYN808", "KYN809")


def found(
    *texts: str, code: str, today: datetime.date | None = TODAY, libraries: Libraries | None = None, **options: object
) -> list[Diagnostic]:
    sources = [Source(f"{number}.kyn", text) for number, text in enumerate(texts)]
    settings = LintSettings(select=(code,), options={code: {n.replace("_", "-"): v for n, v in options.items()}})
    checked = check_sources(sources, libraries, lints=settings, today=today)
    assert not any(d.code < "KYN300" for d in checked.diagnostics), checked.diagnostics
    return list(checked.diagnostics)


def names(diagnostics: list[Diagnostic]) -> list[str]:
    return [d.span.text for d in diagnostics]


def fixed(diagnostic: Diagnostic) -> str:
    assert diagnostic.fix is not None
    text = diagnostic.span.source.text
    for edit in sorted(diagnostic.fix.edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text


def digest_of(text: str) -> str:
    checked = check_sources([Source("0.kyn", text)])
    assert not checked.has_errors, checked.diagnostics
    return digest(checked.program)


# --- silence

CLEAN = [
    *(path for path in (ROOT / "examples").glob("*") if any(path.rglob("*.kyn"))),
    ROOT / "stdlib_policies" / "std",
    *(ROOT / "stdlib_policies" / "std").glob("*.kyn"),
    ROOT / "tests" / "syntax" / "complete_example.kyn",
]


@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_shipped_is_clean(path: Path) -> None:
    files = [path] if path.is_file() else sorted(path.rglob("*.kyn"))
    assert files
    sources = [Source(file.name, file.read_text(encoding="utf-8")) for file in files]
    assert check_sources(sources, lints=LintSettings(select=HYGIENE), today=TODAY).diagnostics == ()


# --- KYN802

IMPORTS = """\
import std.tenancy ({names})
subject User{traits}
resource Doc
action read on Doc
permit p "d" {{ subject User action read resource Doc scope delegated }}
"""


@pytest.mark.parametrize(
    ("names", "traits", "left"),
    [
        ("same_tenant", "", "import std.tenancy\n"),
        ("Tenanted, same_tenant", " is Tenanted", "import std.tenancy (Tenanted)\n"),
        ("same_tenant, Tenanted", " is Tenanted", "import std.tenancy (Tenanted)\n"),
        ("same_tenant,\n  Tenanted", " is Tenanted", "import std.tenancy (Tenanted)\n"),
    ],
)
def test_an_unused_import_is_left_out_without_a_change_of_meaning(names: str, traits: str, left: str) -> None:
    text = IMPORTS.format(names=names, traits=traits)
    (diagnostic,) = found(text, code="KYN802")
    after = fixed(diagnostic)
    assert diagnostic.fix is not None
    assert diagnostic.fix.safe
    assert after.startswith(left)
    assert digest_of(after) == digest_of(text)
    assert found(after, code="KYN802") == []


def test_no_comment_is_deleted_with_an_import() -> None:
    text = IMPORTS.format(names="same_tenant, # for later\n Tenanted", traits=" is Tenanted")
    (diagnostic,) = found(text, code="KYN802")
    assert diagnostic.fix is None


LIBRARY = """\
module lib.things
resource Thing
action take on Thing
action drop on Thing in handling
role keeper
type Kind = "a" | "b"
permit take_all "d" { subject any action take resource Thing scope any "library" }
forbid nothing { subject any action drop resource Thing }
"""


def test_an_imported_name_that_means_more_than_itself_is_used() -> None:
    libraries = Libraries(lambda name: Source("things.kyn", LIBRARY) if name == "lib.things" else None, ("lib.things",))
    program = (
        "import lib.things (Thing, take, handling, keeper, Kind, take_all, nothing)\nsubject User\n"
        'permit p "d" { subject any action any resource any scope delegated }'
    )
    assert names(found(program, code="KYN802", libraries=libraries)) == ["keeper", "Kind"]


def test_files_see_each_others_uses() -> None:
    uses = 'permit p "d" { subject User with role staff action read resource Doc scope own(subject, resource) }'
    declares = "subject User\nresource Doc { owner: User }\naction read on Doc\nrole staff\n"
    assert found(declares + "let own(u: User, d: Doc) = d.owner == u", uses, code="KYN802") == []


def test_a_library_and_a_vocabulary_declare_for_others() -> None:
    library = "trait T { a: Int }\nrole r\nlet f(x: T, y: T) = x.a > 1\nforbid g { subject T action any resource any }"
    assert names(found(library, code="KYN802")) == ["y"]
    assert names(found("module std.x\nsubject User { a: Int }\naction go on User\n" + library, code="KYN802")) == ["y"]
    assert found(SCHEMA, code="KYN802") == []


def test_an_effect_uses_what_it_names() -> None:
    program = (
        "subject User { rank: Int  proxy: User  spare: Int }\naction promote on User modifies rank\n"
        "action be on User acts as resource.proxy\n"
        'permit p "d" { subject User action promote, be resource User scope subject == resource }'
    )
    assert names(found(program, code="KYN802")) == ["spare"]


# --- KYN507 and KYN806


def test_without_a_day_only_what_can_never_be_valid_is_found() -> None:
    over = rules('permit p "d" { subject any action any resource any scope delegated valid until 2020-01-01 }')
    never = over.replace("valid until", "valid from 2021-01-01 valid until")
    assert found(over, code="KYN507", today=None) == found(over, code="KYN806", today=None) == []
    assert len(found(never, code="KYN507", today=None)) == len(found(never, code="KYN806", today=None)) == 1


@pytest.mark.parametrize(("day", "findings"), [(22, 0), (23, 1), (24, 1)])
def test_a_rule_is_over_from_the_day_on_that_it_ends_with(day: int, findings: int) -> None:
    text = rules("forbid f { subject any action any resource any valid until 2026-11-23 }")
    assert len(found(text, code="KYN507", today=datetime.date(2026, 11, day))) == findings
    later = text.replace("2026-11-23", "2026-11-23T00:00:01Z")
    assert len(found(later, code="KYN507", today=datetime.date(2026, 11, day))) == (findings if day > 23 else 0)


def test_a_permit_of_a_library_grants_only_if_it_is_named() -> None:
    libraries = Libraries(lambda name: Source("things.kyn", LIBRARY) if name == "lib.things" else None, ("lib.things",))
    named = "import lib.things (Thing, take_all)\nsubject User\naction look on Thing"
    assert found(named, code="KYN806", libraries=libraries) == []
    assert len(found(named.replace(", take_all", ""), code="KYN806", libraries=libraries)) == 1


def test_the_example_of_a_permit_is_in_the_words_of_the_program() -> None:
    (diagnostic,) = found("subject Team\nsubject Bot in Team\naction join on Team, Bot", code="KYN806")
    assert "subject  Bot\n  action   join\n  resource Bot" in str(diagnostic.help)


# --- KYN807


def test_words_can_be_ignored() -> None:
    text = "subject User\nresource Page\naction publish, delete on Page"
    assert names(found(text, code="KYN807")) == ["publish", "delete"]
    assert names(found(text, code="KYN807", ignore_words=("publish",))) == ["delete"]


@pytest.mark.parametrize(
    "declaration",
    ["action read, delete on Page (id: Int) in g", 'action delete as "x", purge on Page', "action delete"],
)
def test_the_declaration_that_is_proposed_declares_the_effect(declaration: str) -> None:
    base = "subject User\nresource Page\n"
    text = f"{base}{declaration}\n"
    while diagnostics := found(text, code="KYN807"):
        _, _, proposed = str(diagnostics[0].help).partition("\n")
        text = text.replace(diagnostics[0].span.source.line_text(diagnostics[0].span.first.line), proposed)
    assert text.count("effects irreversible") == len(re.findall("delete|purge", declaration))


def test_an_effect_is_proposed_even_where_the_declaration_is_long() -> None:
    (diagnostic,) = found("subject User\nresource Page\naction delete on Page (\n id: Int)", code="KYN807")
    assert "add `effects irreversible`" in str(diagnostic.help)


# --- KYN809

CONDITIONS = [
    ("unless not context.mfa", "when context.mfa"),
    ("unless not (context.mfa and subject.manager)", "when context.mfa and subject.manager"),
    ("unless resource.size != 3", "when resource.size == 3"),
    ("unless (resource.size) != (3)", "when (resource.size) == (3)"),
    ('unless resource.status  not  in {"final"}', 'when resource.status  in {"final"}'),
    ("unless not context.mfa or not subject.manager", "when context.mfa and subject.manager"),
    ("unless not context.mfa and resource.size != 3", "when context.mfa or resource.size == 3"),
    (
        "unless not (context.mfa or subject.manager) or not context.mfa",
        "when (context.mfa or subject.manager) and context.mfa",
    ),
    (
        "unless not (any r in resource.readers: r == subject) or not context.mfa",
        "when (any r in resource.readers: r == subject) and context.mfa",
    ),
    ("when not (not context.mfa)", "context.mfa"),
    ("when not (not context.mfa and not subject.manager)", "(context.mfa or subject.manager)"),
    ("when (context.mfa or subject.manager) == false", "not (context.mfa or subject.manager)"),
    ("when true == context.mfa", "context.mfa"),
    ("when true != context.mfa", "not context.mfa"),
]


@pytest.mark.parametrize(("clause", "plain"), CONDITIONS)
def test_the_plain_condition_is_proposed(clause: str, plain: str) -> None:
    text = rules(f'permit p "d" {{ subject User action read resource Doc scope delegated {clause} }}')
    (diagnostic,) = found(text, code="KYN809")
    assert diagnostic.help == f"write `{plain}`"
    written = plain if plain.startswith("when ") else f"when {plain}"
    assert found(text.replace(clause, written), code="KYN809") == []


def test_a_comparison_with_true_is_fixed_on_request_only() -> None:
    text = rules('permit p "d" { subject User action read resource Doc scope delegated when context.mfa == false }')
    (diagnostic,) = found(text, code="KYN809")
    assert diagnostic.fix is not None
    assert not diagnostic.fix.safe
    assert fixed(diagnostic) == text.replace("context.mfa == false", "not context.mfa")


def test_how_many_parts_are_too_many_can_be_set() -> None:
    text = rules(
        'permit p "d" { subject User action read resource Doc scope delegated when context.mfa and subject.manager }'
    )
    assert found(text, code="KYN809", at_most=2) == []
    (diagnostic,) = found(text, code="KYN809", at_most=1)
    assert str(diagnostic.help).splitlines()[1:] == ["when context.mfa", "when subject.manager"]


def test_values_of_one_thing_become_a_set() -> None:
    many = " and ".join(f'resource.title != "{n}"' for n in range(9))
    text = rules(f'permit p "d" {{ subject User action read resource Doc scope any "x" when {many} }}')
    (diagnostic,) = found(text, code="KYN809")
    assert str(diagnostic.help).startswith('name the values in a set: `resource.title not in {"0", "1", ')


# --- KYN304


def test_a_wildcard_is_judged_by_what_it_grants_here() -> None:
    base = "subject User { rank: Int }\nresource Doc\naction read on Doc\naction raise on User modifies rank\n"
    rule = 'permit p "d" { subject User action any resource any scope delegated }\n'
    assert found(base + rule, code="KYN304") == []
    reads = "forbid f { subject User action read resource Doc when subject.rank < 3 }"
    (diagnostic,) = found(base + rule + reads, code="KYN304")
    assert "`action read`" in str(diagnostic.help)
    assert found(base + rule.replace("resource any", "resource Doc") + reads, code="KYN304") == []


def test_a_rank_that_only_resources_are_asked_for_is_no_authority() -> None:
    base = "subject User { rank: Int }\nresource Doc\naction read on Doc\naction raise on User modifies rank\n"
    rule = 'permit p "d" { subject User action any resource any scope delegated }\n'
    reads = "forbid f { subject User action raise resource User when resource.rank > 3 }"
    assert found(base + rule + reads, code="KYN304") == []


# --- KYN808


def test_one_type_of_a_trait_can_lack_what_another_has() -> None:
    text = """\
trait Tenanted { tenant: String }
subject User is Tenanted
resource Doc is Tenanted
resource Page is Tenanted
action read on Doc
let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant
permit p "d" { subject User action read resource Doc scope same(subject, resource) }
fixture ann = User::"ann" { tenant: "a" }
fixture doc = Doc::"d"
fixture page = Page::"p"
"""
    (diagnostic,) = found(text, code="KYN808")
    assert "`tenant` of `Doc`" in diagnostic.message
    assert found(text.replace('Doc::"d"', 'Doc::"d" { tenant: "a" }'), code="KYN808") == []
