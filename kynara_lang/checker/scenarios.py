"""Fixtures and tests: checked like the rest of a program, and never part of what is compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from ..diagnostics.source import Span
from ..semantics.types import ERROR
from ..syntax import ast
from .narrowing import Env
from .rules import RuleChecks
from .symbols import AttributeSymbol, EntityType, FixtureSymbol, RuleSymbol, Scope


class ScenarioChecks:
    """Checks what fixtures and tests say of entities, contexts and expectations."""

    def __init__(self, rules: RuleChecks) -> None:
        """Work with the checks of rules, whose names and types tests use."""
        self._rules = rules
        self._report = rules.report
        self._program = rules.program
        self._titles: dict[str, Span] = {}

    @cached_property
    def _named(self) -> dict[str, list[RuleSymbol]]:
        """Rules by their names, with and without the module; made when a test names one."""
        found: dict[str, list[RuleSymbol]] = {}
        for rule in self._program.rules:
            for name in {rule.name, _own_name(rule)}:
                found.setdefault(name, []).append(rule)
        return found

    def name(self, fixture: FixtureSymbol, scope: Scope) -> None:
        """Find which entity a fixture is."""
        base = fixture.decl.entity.base
        if isinstance(base, ast.Ident):
            self._report.add(
                "KYN106",
                "a fixture is an entity written out",
                base.span,
                "a name cannot stand here",
                help=f'write `fixture {fixture.name} = Type::"id" {{ … }}`',
            )
            return
        kind = self._rules.entity_type(base.type, scope)
        if kind is not None:
            fixture.type, fixture.identity = kind.key, base.id.value

    def fixture(self, fixture: FixtureSymbol, scope: Scope) -> None:
        """Check a fixture's roles, parents and properties."""
        if fixture.type:
            self._entity(fixture.decl.entity, self._program.types[fixture.type], scope)

    def test(self, test: ast.TestDecl, scope: Scope) -> None:
        """Check a test."""
        first = self._titles.setdefault(test.title.value, test.title.span)
        if first is not test.title.span:
            self._report.add(
                "KYN102",
                f"the test {test.title.span.text} is declared twice",
                test.title.span,
                "declared again here",
                labels=[(first, "declared first here")],
                help="give one of them another title",
            )
        subjects = 0
        for item in test.items:
            match item:
                case ast.GivenSubject(uses) | ast.GivenApproval(uses):
                    subjects += isinstance(item, ast.GivenSubject)
                    for use in uses:
                        self._principal(use, scope)
                case ast.GivenContext(context):
                    self._values(context.fields, self._program.context, scope, "context field", "the context")
                case ast.Expectation():
                    self._expectation(item, scope)
                    if not subjects:
                        self._report.add(
                            "KYN009",
                            "nobody asks: this expectation has no `given` subject before it",
                            item.decision.span,
                            "who does this?",
                            help="add a line such as `given alice` before it",
                        )
                        subjects = 1

    def _principal(self, use: ast.EntityUse, scope: Scope) -> None:
        kind = self._use(use, scope)
        if kind is not None and kind.kind != "subject":
            self._report.add(
                "KYN106",
                f"a {kind.name} is no subject",
                use.base.span,
                "declared with `resource`",
                labels=[(kind.decl.name.span, "declared here")],
                help=f"declare it with `subject {kind.name}`",
            )

    def _expectation(self, item: ast.Expectation, scope: Scope) -> None:
        action = scope.actions.get(item.action.text)
        kind = self._use(item.resource, scope)
        if action is None:
            guess = self._report.near(item.action.text, scope.actions)
            self._rules.unknown(item.action.span, "action", item.action.text, guess)
        else:
            self._rules.tables.targets[item.action] = action
            label = f"`{action.name}`"
            self._values(item.arguments, action.parameters, scope, "parameter", label)
            if kind is not None and kind.key not in action.on:
                known = ", ".join(sorted(self._program.types[k].name for k in action.on))
                self._report.add(
                    "KYN201",
                    f"`{action.name}` does not apply to a {kind.name}",
                    item.resource.base.span,
                    f"this is a {kind.name}",
                    notes=[f"it applies to {known}"],
                )
        for name in item.because:
            qualified = self._named.get(name.text, ())
            if not qualified:
                guess = self._report.near(name.text, [_own_name(r) for r in self._program.rules])
                self._rules.unknown(name.span, "rule", name.text, guess)
            elif len(qualified) > 1:
                self._report.add(
                    "KYN108",
                    f"`{name.text}` names {len(qualified)} rules",
                    name.span,
                    "which one is meant?",
                    labels=[(r.name_span, r.name) for r in qualified[:4]],
                    help=f"write `{qualified[0].name}`",
                )
            else:
                self._rules.tables.targets[name] = qualified[0]

    # --- entities and values

    def _use(self, use: ast.EntityUse, scope: Scope) -> EntityType | None:
        kind: EntityType | None = None
        if isinstance(use.base, ast.Ident):
            fixture = scope.fixtures.get(use.base.text)
            if fixture is None:
                guess = self._report.near(use.base.text, scope.fixtures)
                declare = f'fixture {use.base.text} = Type::"id"'
                self._rules.unknown(use.base.span, "fixture", use.base.text, guess, declare=declare)
                return None
            self._rules.tables.targets[use.base] = fixture
            kind = self._program.types.get(fixture.type)
        else:
            kind = self._rules.entity_type(use.base.type, scope)
        if kind is not None:
            self._entity(use, kind, scope)
        return kind

    def _entity(self, use: ast.EntityUse, kind: EntityType, scope: Scope) -> None:
        for role in use.roles:
            self._rules.role(role, scope)
        for parent in use.parents:
            self._parent(parent, kind, scope)
        if use.properties is not None:
            owner = f"{'an' if kind.name[0] in 'AEIO' else 'a'} {kind.name}"
            unfinished = kind.key in self._program.unfinished
            self._values(use.properties.fields, kind.attributes, scope, "attribute", owner, unfinished=unfinished)

    def _parent(self, parent: ast.EntityLit | ast.Ident, kind: EntityType, scope: Scope) -> None:
        if isinstance(parent, ast.Ident):
            fixture = scope.fixtures.get(parent.text)
            if fixture is None:
                guess = self._report.near(parent.text, scope.fixtures)
                known = [self._program.types[key].name for key in kind.parents]
                declare = f'fixture {parent.text} = {known[0] if len(known) == 1 else "Type"}::"{parent.text}"'
                self._rules.unknown(parent.span, "fixture", parent.text, guess, declare=declare)
                return
            self._rules.tables.targets[parent] = fixture
            key = fixture.type
        else:
            found = self._rules.entity_type(parent.type, scope)
            key = found.key if found else ""
        if key and key not in kind.parents:
            name = self._program.types[key].name
            self._report.add(
                "KYN210",
                f"a {kind.name} cannot be in a {name}",
                parent.span,
                "not one of its parents",
                labels=[(kind.decl.name.span, f"`{kind.name}` is declared here")],
                help=f"declare it: `{kind.kind} {kind.name} in {name}`",
            )

    def _values(
        self,
        fields: Iterable[ast.FieldValue],
        declared: Mapping[str, AttributeSymbol],
        scope: Scope,
        what: str,
        owner: str,
        *,
        unfinished: bool = False,
    ) -> None:
        env = Env({}, scope, "fixture")
        seen: dict[str, Span] = {}
        for field in fields:
            name = field.name.text
            if name in seen:
                self._report.add(
                    "KYN102",
                    f"`{name}` is given twice",
                    field.name.span,
                    "given again here",
                    labels=[(seen[name], "given first here")],
                    help="delete one",
                )
            seen[name] = field.name.span
            symbol = declared.get(name)
            if symbol is None and unfinished:
                self._rules.check(field.value, env)
            elif symbol is None:
                guess = self._report.near(name, declared)
                self._report.add(
                    "KYN202",
                    f"{owner} has no {'field' if what == 'context field' else what} `{name}`",
                    field.name.span,
                    "not declared",
                    notes=[f"it has {', '.join(f'`{n}`' for n in sorted(declared))}"] if declared else (),
                    help=f"did you mean `{guess}`?" if guess else None,
                )
                self._rules.check(field.value, env)
            elif symbol.type != ERROR:
                if self._rules.require(field.value, env, symbol.type, f"`{name}`") != ERROR:
                    self._written_out(field.value)

    def _written_out(self, value: ast.Expr) -> None:
        """Report what would have to be worked out: whoever reads a test must see the values that it is about."""
        tables = self._rules.tables
        match value:
            case ast.SetLit(items):
                parts: Iterable[ast.Expr] = items
            case ast.RecordLit(fields):
                parts = [part.value for part in fields]
            case _:
                parts = ()
                if value not in tables.constants and not isinstance(tables.targets.get(value), FixtureSymbol):
                    self._report.add(
                        "KYN208",
                        "a value of a fixture or a test is written out",
                        value.span,
                        "worked out from something else",
                        help="write the value itself, or the name of a fixture",
                    )
        for part in parts:
            self._written_out(part)


def _own_name(rule: RuleSymbol) -> str:
    """Return the name of a rule without its module."""
    return rule.name.rpartition(".")[2]
