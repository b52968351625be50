"""Tries changes to a policy: which of them does no test notice?

Every change is checked and compiled like a program of its own, and asked all that the tests ask. A survivor is a change
that no test notices: it is compared once more with the original, because some changes change nothing, and a request is
looked for that both decide differently, which then makes a test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from attrs import evolve, field, frozen

from ..checker.check import check
from ..checker.declarations import module_name
from ..checker.linter import own_modules
from ..checker.symbols import PatternSymbol, Program
from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source
from ..runtime.policyset import PolicySet
from ..syntax import ast, parser
from .cases import Case, Json
from .mutants import Mutant, beyond_tests, mutants
from .neighbours import Neighbours, differ
from .running import notices
from .settling import Settled

Fate = Literal["noticed", "survived", "equivalent", "refused"]

_Demand = tuple[str | None, str | None, frozenset[str]]

PATIENCE: Final = 60.0
"""Seconds that the changes of a program take at most, if nobody says otherwise."""


@frozen(eq=False)
class Tried:
    """A change and its fate: noticed by a test, survived, equal to the original, or refused by the checker.

    `difference` is a request that a survivor decides differently (None if none was found), with the original decision.
    """

    mutant: Mutant
    fate: Fate
    by: Case | None = None
    difference: tuple[Json, str, str] | None = None


@frozen(eq=False)
class Mutation:
    """What came of all changes; `left` counts those for which there was no time, `beyond` what no test can tell."""

    tried: tuple[Tried, ...] = ()
    left: int = 0
    beyond: int = 0

    def count(self, fate: Fate) -> int:
        """Count the changes of one fate."""
        return sum(tried.fate == fate for tried in self.tried)

    @property
    def survivors(self) -> tuple[Tried, ...]:
        """The changes that no test notices, by file and place."""
        found = [tried for tried in self.tried if tried.fate == "survived"]
        return tuple(sorted(found, key=lambda t: (t.mutant.span.source.name, t.mutant.span.start, t.mutant.what)))

    @property
    def score(self) -> float:
        """The share of changes that tests notice, in percent; all of nothing is."""
        noticed, survived = self.count("noticed"), self.count("survived")
        return 100.0 * noticed / (noticed + survived) if noticed + survived else 100.0


Settle = Callable[[PolicySet, PolicySet], Settled]
"""Says of a change that no test notices what is known of it for sure."""


@frozen(eq=False)
class Laboratory:
    """Tries the changes of one program.

    `matched_by` says which rules the request of an expectation matches, so that the likeliest ones are asked first.
    `settle` is asked where no request was found that shows a change.
    """

    policies: PolicySet
    cases: Sequence[Case]
    matched_by: Mapping[Case, frozenset[str]] = field(factory=dict)
    settle: Settle = lambda original, changed: Settled()

    def run(self, *, seconds: float = PATIENCE, each: Callable[[], None] = lambda: None, most: int = 0) -> Mutation:
        """Try all changes, or as many as there is time for; `each` is called for every one."""
        program = self.policies.program
        files, libraries = parts_of(program)
        near = Neighbours(program, self.cases)
        waiting = mutants(program)[: most or None]
        end = time.monotonic() + seconds
        tried: list[Tried] = []
        for mutant in waiting:
            if time.monotonic() >= end:
                break
            tried.append(self.fate_of(mutant, changed_program(mutant, files, libraries), near))
            each()
        return Mutation(tuple(tried), len(waiting) - len(tried), beyond_tests(program))

    def fate_of(self, mutant: Mutant, program: Program | None, near: Neighbours) -> Tried:
        """Return what comes of a change; `program` is what it makes, None where the checker refuses that."""
        if program is None:
            return Tried(mutant, "refused")
        changed = PolicySet(program)
        by = notices(changed, self._in_order(mutant))
        if by is not None:
            return Tried(mutant, "noticed", by)
        if changed.digest == self.policies.digest or same_cover(mutant, self.policies.program, program):
            return Tried(mutant, "equivalent")
        request = near.difference(self.policies, changed, mutant)
        if request is None:
            found = self.settle(self.policies, changed)
            if found.same:
                return Tried(mutant, "equivalent")
            request = found.request
        decided = None if request is None else differ(self.policies, changed, request)
        if request is None or decided is None:
            return Tried(mutant, "survived")
        return Tried(mutant, "survived", difference=(request, *decided))

    def _in_order(self, mutant: Mutant) -> Iterable[Case]:
        """Return all expectations, first those whose requests match the rule that is changed."""
        ends = f".{mutant.decl.name.text}"
        return sorted(self.cases, key=lambda c: not any(rule.endswith(ends) for rule in self.matched_by.get(c, ())))


def same_cover(mutant: Mutant, before: Program, after: Program) -> bool:
    """Whether a change of patterns leaves them covering what they did: `any` action on a type that has only one."""
    decl = mutant.decl
    if not isinstance(decl, ast.RuleDecl):
        return False
    patterns = (ast.SubjectClause, ast.ActionClause, ast.ResourceClause)
    places = [clause.span for clause in decl.clauses if isinstance(clause, patterns)]
    if not all(any(p.start <= e.span.start and e.span.end <= p.end for p in places) for e in mutant.edits):
        return False
    return _cover(decl.name.text, before) == _cover(decl.name.text, after)


def _cover(name: str, program: Program) -> list[object]:
    """Return what the rules of a name cover: who, and which actions on what."""
    found: list[object] = []
    for rule in program.rules:
        if rule.decl.name.text == name:
            what = _demands(rule.resources)
            on = {(a, t, demand) for a in rule.actions for t, demand in what if t in program.actions[a].on}
            found.append((rule.name, _demands(rule.subjects), on))
    return found


def _demands(patterns: Iterable[PatternSymbol]) -> set[tuple[str, _Demand]]:
    """Return the types that patterns cover, each with what else is asked; what asks for nothing makes the rest idle."""
    asked = [(key, (p.entity, p.group, frozenset(p.roles))) for p in patterns for key in p.types]
    free = {key for key, demand in asked if demand == (None, None, frozenset())}
    return {(key, demand) for key, demand in asked if key not in free or demand == (None, None, frozenset())}


def parts_of(program: Program) -> tuple[dict[Source, ast.Module], dict[str, ast.Module]]:
    """Return what the changes of a program are made from: its own files, bare, and its libraries by name."""
    return _bare(own_modules(program)), _libraries(program)


def changed_program(
    mutant: Mutant, files: Mapping[Source, ast.Module], libraries: Mapping[str, ast.Module]
) -> Program | None:
    """Return the program after a change, or None where the checker refuses it."""
    report = Report()
    source = mutant.decl.span.source
    replaced = parser.read(Source(source.name, mutant.declaration()), report).declarations
    if report.sorted():
        return None
    module = files[source]
    declarations = tuple(new for old in module.declarations for new in (replaced if old is mutant.decl else (old,)))
    changed = [evolve(m, declarations=declarations) if m is module else m for m in files.values()]
    program = check(changed, libraries, tuple(libraries), report)
    return None if report.has_errors else program


def _bare(modules: Iterable[ast.Module]) -> dict[Source, ast.Module]:
    """Return modules without what is no part of a compiled program: tests may name a rule that a change drops."""
    left_out = ast.TestDecl | ast.FixtureDecl | ast.InvariantDecl
    return {
        module.source: evolve(module, declarations=tuple(d for d in module.declarations if not isinstance(d, left_out)))
        for module in modules
    }


def _libraries(program: Program) -> dict[str, ast.Module]:
    """Return the library modules of a program by the names under which they are imported."""
    modules = [module for module in program.modules if module.source in program.library_sources]
    imported = {item.module.text for module in program.modules for item in module.imports}
    found: dict[str, ast.Module] = {}
    for module in modules:
        own = module_name(module)
        names = [name for name in imported if own in (name, name.rpartition(".")[2])]
        found[own if own in imported or not names else min(names)] = module
    return found
