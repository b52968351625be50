"""The checker's front door: modules in, a checked program and diagnostics out.

The order is the order of dependence: names, then what declarations say of each other, then lets (each after those it
uses), then rules and invariants, then fixtures and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..diagnostics.diagnostic import Report
from ..semantics.types import ERROR
from ..syntax import ast
from . import expansion, unread
from .bags import context_of
from .declarations import Declarations
from .narrowing import Env, Variable, parameter_root
from .rules import RuleChecks
from .scenarios import ScenarioChecks
from .symbols import Program


def check(
    files: Iterable[ast.Module],
    libraries: Mapping[str, ast.Module],
    available: Iterable[str],
    report: Report,
) -> Program:
    """Check the files of a program with the library modules they import; findings go into the report.

    Where a file could only be read in part, names that the unread part mentions are not called unknown.
    """
    files = sorted(files, key=lambda m: m.source.name)
    found = Report()
    program = _check(files, libraries, available, found)
    report.extend(unread.without_guesses(found.sorted(), program.modules))
    return program


def _check(
    files: list[ast.Module], libraries: Mapping[str, ast.Module], available: Iterable[str], report: Report
) -> Program:
    program = Program(modules=(*files, *libraries.values()))
    program.library_sources = frozenset(module.source for module in libraries.values())
    declarations = Declarations(program, report)
    declarations.run(files, libraries, available)
    program.rules = tuple(sorted((r for r, _ in declarations.rules), key=lambda r: r.name))
    for index, rule in enumerate(program.rules):
        rule.index = index
    rules = RuleChecks(program, report)
    _lets(program, declarations, rules, report)
    for rule, module in declarations.rules:
        rules.rule(rule, declarations.scopes[module])
    for invariant, module in declarations.invariants:
        rules.invariant(invariant, declarations.scopes[module])
    program.invariants = tuple(i for i, _ in declarations.invariants)
    scenarios = ScenarioChecks(rules)
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
    program.autonomous = _autonomous(program)
    return program


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
