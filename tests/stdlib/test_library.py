"""What holds for every module of the standard library: it is documented, it narrows, and it is clean."""

import datetime
import itertools
import re
from typing import Any

import pytest

from kynara_lang import proving
from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.libraries import Libraries, standard_library
from kynara_lang.pipeline import check_sources
from kynara_lang.proofs import ProofWish
from kynara_lang.runtime.decision import Effect
from kynara_lang.syntax import ast, parser
from tests.stdlib.arbitrary import Arbitrary
from tests.stdlib.asking import PROGRAMS, ask, entity, library_text, program, request, text_of, with_library

MODULES = [name.removeprefix("std.") for name in standard_library().names]
TODAY = datetime.date(2026, 11, 23)
PERMISSIVE = [Effect.DENY, Effect.REQUIRE_APPROVAL, Effect.ALLOW]


def tree(module: str) -> ast.Module:
    report = Report()
    found = parser.read(Source(f"std/{module}.kyn", library_text(module)), report)
    assert not report.sorted()
    return found


def test_the_modules_are_those_that_are_promised() -> None:
    assert MODULES == [
        "agents",
        "approvals",
        "break_glass",
        "email",
        "filesystem",
        "hours",
        "mcp",
        "money",
        "network",
        "pii",
        "self_protection",
        "tenancy",
        "trifecta",
    ]


@pytest.mark.parametrize("module", MODULES)
def test_everything_is_documented(module: str) -> None:
    parsed = tree(module)
    assert parsed.name is not None
    assert parsed.name.text == f"std.{module}"
    assert re.match(r"## [A-Z].*[.:]", library_text(module))
    for decl in parsed.declarations:
        assert decl.doc, decl.span.text.splitlines()[0]
        assert re.match(r"[A-Z].*\.$", decl.doc, re.DOTALL), decl.doc
        if isinstance(decl, ast.RuleDecl):
            assert decl.description, decl.name.text


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_program_and_tests(module: str) -> None:
    assert (PROGRAMS / f"{module}.kyn").is_file()
    assert (PROGRAMS.parent / f"test_{module}.py").is_file()


@pytest.mark.parametrize("module", MODULES)
def test_its_program_uses_everything_that_can_be_imported(module: str) -> None:
    """A trait, group, predicate or permit that no program imports is one that no test looks at."""
    names = set()
    for decl in tree(module).declarations:
        match decl:
            case ast.TraitDecl(name):
                names.add(name.text)
            case ast.LetDecl(name, parameters) if parameters is not None:
                names.add(name.text)
            case ast.ActionDecl(groups=groups):
                names |= {group.text for group in groups}
            case ast.RoleDecl(name=name) if not re.search(r"\bpayer|treasurer", name.text):
                names.add(name.text)
            case ast.RuleDecl(effect="permit", name=name):
                names.add(name.text)
    inner = {
        name for name in names if re.fullmatch(r"in_(europe|america|asia)|is_(middle|large)|is_within_limits", name)
    }
    program_tree = parser.read(Source("policy.kyn", text_of(module)), Report())
    imported = {name.text for item in program_tree.imports for name in item.names}
    assert names - inner <= imported


@pytest.mark.parametrize("module", MODULES)
def test_groups_are_named_as_their_actions_are(module: str) -> None:
    """Nobody calls these actions: they are there so that rules can name the group and read what it has."""
    for decl in tree(module).declarations:
        if isinstance(decl, ast.ActionDecl):
            (group,), (action,) = decl.groups, decl.names
            assert action.name.text == f"group.{group.text}"
            assert action.external is not None
            assert action.external.value == f"std.{module}/{group.text}"


def test_the_whole_library_is_clean_with_proofs() -> None:
    sources = [Source(f"std/{module}.kyn", library_text(module)) for module in MODULES]
    assert findings(*sources) == []


@pytest.mark.parametrize("module", MODULES)
def test_a_program_that_uses_a_module_is_clean_with_proofs(module: str) -> None:
    assert findings(Source("policy.kyn", text_of(module))) == []


def findings(*sources: Source) -> list[str]:
    proofs = proving.proving(ProofWish(wanted=True))
    checked = check_sources(sources, lints=LintSettings(), today=TODAY, prove=proofs)
    return [f"{d.code} {d.message}" for d in checked.diagnostics]


# --- importing only narrows


STRANGER = """

subject User
subject Agent
resource Thing
action use, erase on Thing (amount: Decimal, to: Set<Email>)

permit users "Users use" { subject User, Agent action use resource Thing scope any "things are for all" }
"""


def stranger(module: str | None = None) -> str:
    """Return a program that has nothing to do with a module, and imports it all the same."""
    return "module program\n" + (f"import std.{module}" if module else "") + STRANGER


@pytest.mark.parametrize("module", MODULES)
def test_a_program_that_has_no_trait_and_no_group_is_left_alone(module: str) -> None:
    plain, importing = (with_library(text, standard_library()) for text in (stranger(), stranger(module)))
    agent = entity("Agent", behalf=entity("User"))
    for subject, action in itertools.product([entity("User"), entity("Agent"), agent], ["use", "erase"]):
        asked = (subject, action, entity("Thing"))
        arguments = {"amount": "-1.00", "to": ["a@b.example"]}
        assert ask(importing, *asked, **arguments) == ask(plain, *asked, **arguments)


def without_narrowing(module: str) -> Libraries:
    """Return the standard library with the `forbid` and `require approval` rules of one module taken out."""
    text = library_text(module)
    for decl in tree(module).declarations:
        if isinstance(decl, ast.RuleDecl) and decl.effect != "permit":
            text = text.replace(decl.span.text, "")
    shipped = standard_library()

    def find(name: str) -> Source | None:
        return Source(f"std/{module}.kyn", text) if name == f"std.{module}" else shipped.find(name)

    return Libraries(find, shipped.names)


@pytest.mark.parametrize("module", MODULES)
def test_the_rules_of_a_module_only_narrow_and_do_so(module: str) -> None:
    bound, free = program(module), with_library(text_of(module), without_narrowing(module))
    checked = check_sources([Source("policy.kyn", text_of(module))])
    narrowed = 0
    for asked in Arbitrary(checked.program, seed=1).requests(2000):
        before, after = free.decide(asked), bound.decide(asked)
        assert PERMISSIVE.index(after.effect) <= PERMISSIVE.index(before.effect), asked
        narrowed += after.effect != before.effect
    assert narrowed >= 3


@pytest.mark.parametrize("module", MODULES)
def test_only_breaking_the_glass_permits_and_only_by_name(module: str) -> None:
    permits = [d.name.text for d in tree(module).declarations if isinstance(d, ast.RuleDecl) and d.effect == "permit"]
    assert permits == (["emergency_access"] if module == "break_glass" else [])
    checked = check_sources([Source("policy.kyn", stranger(module))])
    assert [rule.name for rule in checked.program.rules if rule.effect == "permit"] == ["program.users"]


@pytest.mark.parametrize("module", MODULES)
def test_no_permit_of_a_program_covers_what_stands_for_a_group(module: str) -> None:
    everything = 'permit all_ "A" { subject any action any resource any scope any "all" }\n'
    policies = with_library(stranger(module) + everything, standard_library())
    for decl in tree(module).declarations:
        if isinstance(decl, ast.ActionDecl):
            (action,) = decl.names
            assert action.external is not None
            arguments: dict[str, Any] = {"amount": "1.00", "currency": "EUR", "to": [], "purpose": "x", "columns": []}
            asked = request(entity("User"), action.external.value, entity("Thing"), **arguments)
            assert policies.decide(asked).effect is Effect.DENY


@pytest.mark.parametrize("module", MODULES)
def test_an_import_without_a_list_collides_with_no_name_of_a_program(module: str) -> None:
    declared = [f"trait {d.name.text} {{ }}" for d in tree(module).declarations if isinstance(d, ast.TraitDecl)]
    declared += [f'type {d.name.text} = "a" | "b"' for d in tree(module).declarations if isinstance(d, ast.TypeDecl)]
    declared += [f"role {d.name.text}" for d in tree(module).declarations if isinstance(d, ast.RoleDecl)]
    declared += [f"let {d.name.text} = 1" for d in tree(module).declarations if isinstance(d, ast.LetDecl)]
    declared += [
        f"action {d.names[0].name.text} on Thing" for d in tree(module).declarations if isinstance(d, ast.ActionDecl)
    ]
    with_library(stranger(module) + "\n".join(declared), standard_library())


APPROVALS = [
    (module, decl.name.text)
    for module in MODULES
    for decl in tree(module).declarations
    if isinstance(decl, ast.RuleDecl) and decl.effect == "require_approval"
]


@pytest.mark.parametrize(("module", "rule"), APPROVALS)
def test_who_approves_has_a_type_of_people_and_a_role(module: str, rule: str) -> None:
    """A trait alone would let everybody of the type approve, a role alone an agent to which it is given by mistake."""
    checked = check_sources([Source("policy.kyn", text_of(module))])
    (found,) = [r for r in checked.program.rules if r.name == f"std.{module}.{rule}"]
    assert found.approval is not None
    assert found.approval.expires <= 4 * 3600 * 10**9
    for pattern in found.approval.approvers:
        assert len(pattern.roles) == 1
        assert pattern.types
        assert not pattern.types & checked.program.autonomous
