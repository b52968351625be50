"""The checker's front door: modules in, a checked program and diagnostics out.

The order is the order of dependence: names, then what declarations say of each other, then lets (each after those it
uses), then rules and invariants, then fixtures and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source
from ..semantics.types import ERROR
from ..syntax import ast
from . import expansion, unread
from .bags import context_of
from .declarations import Declarations
from .narrowing import Env, Variable, parameter_root
from .rules import RuleChecks
from .scenarios import ScenarioChecks
from .stored_rules import Kept, StoredRule
from .symbols import Program, RuleSymbol, Scope

Summing: TypeAlias = Callable[[Program], Callable[[RuleSymbol], None]]


def check(
    files: Iterable[ast.Module],
    libraries: Mapping[str, ast.Module],
    available: Iterable[str],
    report: Report,
    summing: Summing | None = None,
) -> Program:
    """Check the files of a program with the library modules they import; findings go into the report.

    Where a file could only be read in part, names that the unread part mentions are not called unknown. Rules that are
    packed are so afterwards, too; then `summing`, given the program, returns what is shown each rule, by name, while
    its body is there.
    """
    files = sorted(files, key=lambda m: m.source.name)
    found = Report()
    program = _check(files, libraries, available, found, summing)
    report.extend(unread.without_guesses(found.sorted(), program.modules))
    return program


def restore(
    files: Iterable[ast.Module], libraries: Mapping[str, ast.Module], available: Iterable[str], kept: Kept
) -> Program | None:
    """Return a program whose rules were checked before, or None if what it is made of does not belong together."""
    report = Report()
    program = _check(sorted(files, key=lambda m: m.source.name), libraries, available, report, kept=kept)
    program.has_trees = False
    return None if report.has_errors else program


def _check(
    files: list[ast.Module],
    libraries: Mapping[str, ast.Module],
    available: Iterable[str],
    report: Report,
    summing: Summing | None = None,
    kept: Kept | None = None,
) -> Program:
    program = Program(modules=(*files, *libraries.values()))
    program.library_sources = frozenset(module.source for module in libraries.values())
    declarations = Declarations(program, report, kept)
    declarations.run(files, libraries, available)
    program.rules = tuple(sorted((r for r, _ in declarations.rules), key=lambda r: r.name))
    for index, rule in enumerate(program.rules):
        rule.index = index
    rules = RuleChecks(program, report)
    _lets(program, declarations, rules, report)
    if kept is None:
        _rules(program, declarations, rules, summing)
    else:
        kept.bodies.begin(program, _scopes(declarations))
    for invariant, module in declarations.invariants:
        rules.invariant(invariant, declarations.scopes[module])
    program.invariants = tuple(i for i, _ in declarations.invariants)
    _scenarios(program, declarations, files, ScenarioChecks(rules))
    program.autonomous = _autonomous(program)
    return program


def _rules(program: Program, declarations: Declarations, rules: RuleChecks, summing: Summing | None) -> None:
    """Check every rule, by name; those that are packed are put away again at once."""
    bodies = declarations.bodies
    bodies.begin(program, _scopes(declarations))
    scopes = {id(rule): declarations.scopes[module] for rule, module in declarations.rules}
    each = summing(program) if summing is not None else _unseen
    for rule in program.rules:
        if isinstance(rule, StoredRule):
            bodies.check(rule, rules, each)
        else:
            rules.rule(rule, scopes[id(rule)])
            each(rule)
    bodies.put_away(rule for rule in program.rules if isinstance(rule, StoredRule))


def _scopes(declarations: Declarations) -> dict[Source, Scope]:
    return {module.source: scope for module, scope in declarations.scopes.items()}


def _unseen(rule: RuleSymbol) -> None:
    """Do nothing with a rule."""


def _scenarios(
    program: Program, declarations: Declarations, files: Iterable[ast.Module], scenarios: ScenarioChecks
) -> None:
    """Check fixtures, which tests name, and tests."""
    fixtures = {id(f.decl): f for f in program.fixtures.values()}
    for module in files:
        for decl in module.declarations:
            if isinstance(decl, ast.FixtureDecl) and id(decl) in fixtures:
                scenarios.name(fixtures[id(decl)], declarations.scopes[module])
    for module in files:
        for decl in module.declarations:
            if isinstance(decl, ast.FixtureDecl) and id(decl) in fixtures:
                scenarios.fixture(fixtures[id(decl)], declarations.scopes[module])
    for test, module in declarations.tests:
        scenarios.test(test, declarations.scopes[module])
    program.tests = tuple(t for t, _ in declarations.tests)


def _lets(program: Program, declarations: Declarations, rules: RuleChecks, report: Report) -> None:
    context = Variable(context_of(program.context), ("context",))
    ordered = expansion.in_order(list(program.lets.values()), report)
    for let in ordered:
        if let.decl.parameters is not None:
            let.parameters = declarations.resolution.parameters(let.decl.parameters, let.scope)
    for let in ordered:
        if let.parameters is None:
            env = Env({}, let.scope, "constant")
        else:
            named = {n: Variable(kind, (parameter_root(let, n),)) for n, kind in let.parameters}
            env = Env({"context": context, **named}, let.scope, "let")
        let.type = rules.check(let.decl.body, env)
        let.size, let.depth = expansion.bounded(let.decl.body, program.tables, report)
    for let in program.lets.values():
        if let not in ordered:
            let.type = ERROR


_FOR_AGENTS = ("Autonomous", "Supervised", "Cautious", "Graded", "DepthBound")
"""The traits of `std.agents` that only an AI principal has; anything can be owned."""


def _autonomous(program: Program) -> frozenset[str]:
    """Return the types that are AI principals: those with a trait for agents, or, if there are none, a type `Agent`."""
    traits = (program.traits.get(f"std.agents.{name}") for name in _FOR_AGENTS)
    members = {key for trait in traits if trait is not None for key in trait.members}
    found = frozenset(key for key in members if program.types[key].kind == "subject")
    return found or frozenset({"Agent"}) & frozenset(program.types)
