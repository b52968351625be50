"""Rules read an attribute that no fixture gives.

## What it finds

An attribute of an entity type that has fixtures, which rules read of such entities (in their own conditions or through a
`let`), and which no fixture of that type gives, nor any test where it uses an entity of that type.

The rules of imported libraries count too: what they read has to be there as well.

## Why it matters

A request without a required attribute that a rule reads is not valid, and is denied. So a test with such a fixture
expects `deny` and gets it, for a reason that has nothing to do with the rule it was written for. When the rule is later
changed so that it allows too much, the test still passes.

Of an optional attribute that no fixture has, only the half of a condition is ever tested in which it is absent.

## Avoid

```kyn
subject Agent {
  team:  String
  trust: "low" | "high"
}
resource Ticket {
  team: String
}
action close on Ticket

permit close_tickets "Trusted agents close the tickets of their team" {
  subject  Agent
  action   close
  resource Ticket
  scope    subject.team == resource.team
  when     subject.trust == "high"
}

fixture bot    = Agent::"bot" { team: "support" }
fixture ticket = Ticket::"t-1" { team: "support" }

test "agents that are not trusted close nothing" {
  given  bot
  expect deny close on ticket
}
```

## Prefer

```kyn
subject Agent {
  team:  String
  trust: "low" | "high"
}
resource Ticket {
  team: String
}
action close on Ticket

permit close_tickets "Trusted agents close the tickets of their team" {
  subject  Agent
  action   close
  resource Ticket
  scope    subject.team == resource.team
  when     subject.trust == "high"
}

fixture bot    = Agent::"bot" { team: "support", trust: "high" }
fixture novice = Agent::"novice" { team: "support", trust: "low" }
fixture ticket = Ticket::"t-1" { team: "support" }

test "only trusted agents close tickets" {
  given  bot
  expect allow close on ticket
  given  novice
  expect deny close on ticket
}
```

## Options

None.

## What it cannot see

Whether the values that fixtures give are interesting, or whether every fixture that needs the attribute has it; `kynara
test --coverage` says which conditions were never decided either way. Types without any fixture are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from ...diagnostics.source import Span
from ...semantics.types import Entity, Enum, Type
from ...syntax import ast, walk
from ..linter import Context, Lint
from ..symbols import EntityType, FixtureSymbol, LetSymbol, Program, RuleSymbol
from ..words import rule_in_words

_TYPES = """\
subject User { team: String  level: Int  boss: User? }
resource Doc { team: String  size: Int }
action read on Doc
"""
VALID = (
    _TYPES + 'permit p "d" { subject User action read resource Doc scope subject.team == resource.team }\n'
    'fixture ann = User::"ann" { team: "a" }\nfixture bob = User::"bob"\nfixture doc = Doc::"d"\n'
    'test "t" { given ann expect deny read on doc { team: "a" } }',
    _TYPES + "let senior(u: User) = u.level > 3\n"
    'permit p "d" { subject User action read resource Doc scope subject.team == resource.team when senior(subject) }',
    _TYPES + 'permit p "d" { subject User action read resource Doc scope resource.size > 3 }\n'
    "invariant i { never allow subject User action read resource Doc when subject.level < 0 }\n"
    'fixture ann = User::"ann"\ntest "t" { given ann { level: 1 } expect deny read on Doc::"d" { size: 1 } }',
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nsubject Robot is Tenanted\n"
    'resource Doc is Tenanted\naction read on Doc\npermit p "d" { subject User action read resource Doc'
    ' scope same_tenant(subject, resource) }\nfixture ann = User::"ann" { tenant: "a" }\n'
    'fixture doc = Doc::"d" { tenant: "a" }\ntest "t" { given ann expect allow read on doc }',
)
INVALID = (
    "subject User { team: String\n level: Int }  # <-\nresource Doc { team: String }\naction read on Doc\n"
    "let senior(u: User) = high(u)\nlet high(u: User) = u.level > 3\n"
    'permit p "d" { subject User action read resource Doc scope subject.team == resource.team when senior(subject) }\n'
    'fixture ann = User::"ann" { team: "a" }\ntest "t" { given ann expect deny read on Doc::"d" { team: "a" } }',
    "trait Owned {\n owner: User }  # <-\nsubject User {\n boss: User? }  # <-\nresource Doc is Owned\n"
    "action read on Doc in reading\nforbid f { subject User action reading resource Owned"
    " unless resource.owner == subject or (subject has boss and subject.boss == resource.owner) }\n"
    'fixture ann = User::"ann"\nfixture doc = Doc::"d"\ntest "t" { given ann expect deny read on doc }',
    "import std.tenancy (Tenanted)\nsubject User is Tenanted  # <-\nresource Doc is Tenanted\naction read on Doc\n"
    'permit p "d" { subject User action read resource Doc scope delegated }\nfixture ann = User::"ann"\n'
    'test "t" { given ann expect deny read on Doc::"d" }',
    "subject User {\n level: Int }  # <-\nresource Doc { owner: User }\naction read on Doc\n"
    "let owner_is_senior(d: Doc) = d.owner.level > 3\n"
    "require approval r { subject any action any resource any when owner_is_senior(resource) from User }\n"
    'fixture ann = User::"ann"\nfixture doc = Doc::"d" { owner: ann }\ntest "t" { given ann expect deny read on doc }',
)

_Read = tuple[str, str]  # the key of an entity type and the name of an attribute
_SAMPLES = {
    "String": '"…"',
    "Bool": "true",
    "Int": "1",
    "Decimal": "1.00",
    "Time": "2026-01-01T10:00:00Z",
    "Duration": "1h",
    "IP": '"10.0.0.1"',
    "Email": '"ann@example.com"',
    "Host": '"example.com"',
    "Url": '"https://example.com/"',
    "Path": '"/tmp"',
}


def _program(context: Context) -> None:
    program = context.program
    fixtures = {fixture.type: fixture for fixture in reversed(program.fixtures.values())}  # the first of each type
    given = _given(context)
    wanted = {(key, name) for key in fixtures for name in program.types[key].attributes if (key, name) not in given}
    if not wanted:
        return
    own = {module.source for module in context.modules}
    reader = _Reader(program, wanted)
    found: dict[_Read, tuple[RuleSymbol, Span]] = {}
    for rule in sorted(program.rules, key=lambda rule: rule.library):
        for read, span in reader.of_rule(rule):
            found.setdefault(read, (rule, span))
    for (key, name), (rule, span) in sorted(found.items(), key=lambda item: item[0]):
        kind = program.types[key]
        places = (kind.attributes[name].span, kind.decl.name.span)  # the attribute may be that of a library's trait
        place = next((place for place in places if place.source in own), None)
        if place is not None:
            _report(kind, name, fixtures[key], place, rule, span, context)


def _report(
    kind: EntityType, name: str, fixture: FixtureSymbol, place: Span, rule: RuleSymbol, span: Span, context: Context
) -> None:
    symbol = kind.attributes[name]
    base = fixture.decl.entity.base.span
    if symbol.optional:
        why = "no test decides what happens where it is present"
    else:
        why = (
            "a request without it is denied as incomplete; a test that expects `deny` then passes for the wrong reason"
        )
    notes = [why]
    labels = [(base, "it could be given here")]
    if rule.library:
        notes.insert(0, f"`{rule.name}`, a rule of a library, reads it")
    else:
        labels.insert(0, (span, f"{rule_in_words(rule)} reads it here"))
    before = "…, " if fixture.decl.entity.properties else ""
    context.report(
        place,
        f"rules read `{name}` of `{kind.name}`, and no fixture gives it",
        f"no fixture of `{kind.name}` gives `{name}`",
        labels=labels,
        notes=notes,
        help=f"give it: `fixture {fixture.name} = {base.text} {{ {before}{name}: {_sample(symbol.type)} }}`",
    )


def _sample(kind: Type) -> str:
    return f'"{kind.values[0]}"' if isinstance(kind, Enum) else _SAMPLES.get(str(kind), "…")


def _given(context: Context) -> set[_Read]:
    """Return the attributes that fixtures and tests give."""
    found: set[_Read] = set()
    for module in context.modules:
        for decl in module.declarations:
            if not isinstance(decl, ast.FixtureDecl | ast.TestDecl):
                continue
            for use in walk.descend(decl):
                if isinstance(use, ast.EntityUse) and use.properties is not None:
                    target = context.tables.targets.get(use.base if isinstance(use.base, ast.Ident) else use.base.type)
                    key = target.type if isinstance(target, FixtureSymbol) else getattr(target, "key", "")
                    found.update((key, value.name.text) for value in use.properties.fields)
    return found


@define(eq=False)
class _Reader:
    """Finds which of the wanted attributes rules read; each predicate is looked at once.

    What a predicate reads of its parameters themselves depends on what it is called with, so it is kept apart.
    """

    program: Program
    wanted: set[_Read]
    _of_lets: dict[LetSymbol, tuple[set[_Read], set[_Read]]] = field(factory=dict)

    def of_rule(self, rule: RuleSymbol) -> Iterator[tuple[_Read, Span]]:
        """Yield what a rule reads, and where."""
        exprs = [condition.expr for condition in rule.conditions]
        exprs.append(rule.approval.where if rule.approval else None)
        for expr in exprs:
            for node in walk.descend(expr) if expr is not None else ():
                found, _ = self._of_node(node, frozenset())
                for read in found:
                    yield read, node.span

    def _of_node(self, node: ast.Node, parameters: frozenset[str]) -> tuple[set[_Read], set[_Read]]:
        """Return what one node reads: of anything, and of the given parameters themselves."""
        match node:
            case ast.Attribute(target, name) | ast.Has(target, name):
                reads = {(key, name.text) for key in self._types(target)} & self.wanted
                return (set(), reads) if _is_one_of(target, parameters) else (reads, set())
            case ast.Call(function, arguments):
                let = self.program.tables.targets.get(function)
                if isinstance(let, LetSymbol):
                    anything, of_parameters = self._of_let(let)
                    passed_on = any(_is_one_of(argument, parameters) for argument in arguments)
                    others = (a for a in arguments if not _is_one_of(a, parameters))
                    keys = frozenset[str]().union(*map(self._types, others))
                    here = {read for read in of_parameters if read[0] in keys}
                    return anything | here, of_parameters if passed_on else set()
        return set(), set()

    def _of_let(self, let: LetSymbol) -> tuple[set[_Read], set[_Read]]:
        if let not in self._of_lets:
            names = frozenset(name for name, _ in let.parameters or ())
            anything: set[_Read] = set()
            of_parameters: set[_Read] = set()
            for node in walk.descend(let.decl.body):
                one, other = self._of_node(node, names)
                anything |= one
                of_parameters |= other
            self._of_lets[let] = anything, of_parameters
        return self._of_lets[let]

    def _types(self, expr: ast.Expr) -> frozenset[str]:
        kind = self.program.tables.types.get(expr)
        return kind.names if isinstance(kind, Entity) else frozenset()


def _is_one_of(expr: ast.Expr, names: frozenset[str]) -> bool:
    return isinstance(expr, ast.Var) and expr.name in names


LINT = Lint(program=_program)
