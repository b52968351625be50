"""`all` holds for an empty set, and permits.

## What it finds

A permit that matches when a set is empty, because it only asks something of all elements: `all x in S: …` in a scope or a
`when`, or the same the other way round, `unless any x in S: not …`. A forbid or a `require approval` that an empty set lifts:
`unless all x in S: …`. And `….contains_all(args.…)` in a permit for an action that `sends_out`, which holds if the caller names
nobody to send to. Predicates are looked into. Nothing is found where the rule demands an element: by `S.size() > 0`, `S != {}`, `any x in S: …`, `… in S` or
`S.contains_any(…)`, or where the set is written out.

## Why it matters

"All labels of the document are cleared" is true of a document without labels, the one that nobody has labelled yet. "All
recipients are inside" is true of a call without recipients, and what the tool then does (send to a default list, to everyone
on the thread) the policy does not know. Whoever chooses the set chooses the decision.

## Avoid

```kyn
subject Agent { cleared: Set<String> }
resource Doc { labels: Set<String> }
action read on Doc

permit read_cleared "Agents read documents whose labels are all cleared for them" {
  subject  Agent
  action   read
  resource Doc
  scope    all l in resource.labels: l in subject.cleared
}
```

## Prefer

```kyn
subject Agent { cleared: Set<String> }
resource Doc { labels: Set<String> }
action read on Doc

permit read_cleared "Agents read labelled documents whose labels are all cleared for them" {
  subject  Agent
  action   read
  resource Doc
  scope    all l in resource.labels: l in subject.cleared
  when     resource.labels.size() > 0
}
```

## Options

None.

## What it cannot see

Whether an empty set is right: some are, and then a suppression with the reason says so. It takes no offence at what only
leaves something out, because "no label is `secret`" is rightly true without labels: `all l in S: l != "secret"`, and
`unless any l in S: l == "secret"`. Other uses of `contains_all` are left alone too: where nothing is required
(`subject.trainings.contains_all(resource.required)`) or nothing is asked for (`resource.hosts.contains_all(args.hosts)`), an
empty set is usually right. Sets inside other quantifiers are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, field, frozen

from ...diagnostics.source import Span
from ...semantics.types import INT
from ...syntax import ast, walk
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.domains import Values, numbers
from ..logic.formula import Fact, Formula, Literal, Member, Term, literals, negated
from ..logic.reading import Names
from ..logic.regions import Regions
from ..symbols import Condition, LetSymbol, Program, RuleSymbol

_MOST = 2_000  # parts of a condition that are looked at, once predicates are expanded

_READ = 'permit p "d" { subject User action read resource Doc'
_MINE = "scope subject == resource.owner"
_ALL = "all r in resource.readers: r.manager"

VALID = (
    rules(f"{_READ} scope {_ALL} when resource.readers.size() > 0 }}"),
    rules(f"{_READ} scope subject in resource.readers and ({_ALL}) }}"),
    rules(f"{_READ} {_MINE} when any r in resource.readers: r.level > 2 when {_ALL} }}"),
    rules(f"{_READ} scope {_ALL} unless resource.readers == {{}} }}"),
    rules(f"{_READ} {_MINE} when context.mfa or (resource.readers != {{}} and ({_ALL})) }}"),
    rules(f'{_READ} scope all l in resource.labels: l != "secret" and not l like "x*" }}'),
    rules(f'{_READ} {_MINE} unless any l in resource.labels: l == "secret" }}'),
    rules(f"{_READ} {_MINE} unless {_ALL} }}"),
    rules(f'{_READ} scope all l in {{"a", "b"}}: l in resource.labels }}'),
    rules(f'{_READ} scope resource.labels.contains_all({{"public"}}) }}'),
    rules(
        "action tag on Doc (labels: Set<String>) modifies labels\n"
        'permit p "d" { subject User action tag resource Doc scope resource.labels.contains_all(args.labels) }'
    ),
    rules(f"{_READ} scope any r in resource.readers: (all s in resource.readers: s == r) }}"),
    rules(f"forbid f {{ subject any action read resource Doc when {_ALL} }}"),
    rules("forbid f { subject any action read resource Doc when any r in resource.readers: not (r holds staff) }"),
    rules(f"forbid f {{ subject any action read resource Doc unless resource.readers.size() > 0 and ({_ALL}) }}"),
    rules(
        f"let managed(d: Doc) = d.readers != {{}} and ({_ALL.replace('resource', 'd')})\n{_READ} scope managed(resource) }}"
    ),
)
INVALID = (
    rules(f"{_READ}\n scope {_ALL} }}  # <-"),
    rules(f"{_READ} {_MINE}\n when {_ALL} }}  # <-"),
    rules(f"{_READ} {_MINE} when resource.size > 3 or (context.mfa and\n ({_ALL})) }}  # <-"),
    rules(f"{_READ} {_MINE} when resource.readers != {{}} or\n ({_ALL}) }}  # <-"),
    rules(f'{_READ} {_MINE}\n unless any l in resource.labels: not (l in {{"a", "b"}}) }}  # <-'),
    rules(f"{_READ} {_MINE}\n when not (any r in resource.readers: r.level != 3) }}  # <-"),
    rules(f"forbid f {{ subject any action read resource Doc\n unless {_ALL} }}  # <-"),
    rules(f"require approval f {{ subject any action read resource Doc from User\n when not ({_ALL}) }}  # <-"),
    rules(
        "let managed(d: Doc) =\n all r in d.readers: r.manager  # <-\nlet fine(d: Doc) = d.size > 3 and managed(d)\n"
        f"{_READ} scope fine(resource) }}"
    ),
    rules(
        "action send on Doc (to: Set<Email>)\n"
        'let inside(to: Set<Email>) =\n all e in to: e.domain within "acme.com"  # <-\n'
        f'permit p "d" {{ subject User with role staff action send resource Doc {_MINE} when inside(args.to) }}'
    ),
    rules(
        "action send on Doc (to: Set<User>) effects sends_out\n"
        'permit p "d" { subject User action send resource Doc\n scope resource.readers.contains_all(args.to) }  # <-'
    ),
)


@frozen
class _Way:
    """How a part of a condition is reached.

    `danger` is the truth of the part that makes a permit match, or another rule not; `beside` is what else holds then.
    `used` is the use of a predicate in the rule. `plain` says that the rule demands the part as it stands.
    """

    danger: bool
    beside: tuple[Formula, ...]
    plain: bool
    names: Names = field(factory=dict)
    used: ast.Expr | None = None


@frozen
class _Found:
    """A demand on all elements of a set that may be empty."""

    expr: ast.Expr
    domain: ast.Expr
    way: _Way


def _rule(rule: RuleSymbol, context: Context) -> None:
    regions = context.shared(Regions)
    for condition in rule.conditions:
        if condition.expr is None or not _asks(condition.expr, context.program, context.shared(_asking)):
            continue
        region = regions.of(rule)
        if region.empty or not regions.possible(region.formula):
            return
        permits = rule.effect == "permit"
        beside = tuple(part.demands for part in region.parts if part.clause is not condition.clause)
        way = _Way((condition.kind != "unless") is permits, beside, permits and condition.kind != "unless")
        for found in _Search(rule, regions, context).within(condition.expr, way):
            _report(rule, condition, found, context)


# --- what asks something of all elements


def _asking(program: Program) -> frozenset[LetSymbol]:
    """Return the predicates that do, directly or through others."""
    found: set[LetSymbol] = set()
    for let in sorted(program.lets.values(), key=lambda let: let.depth):  # each after those that it uses
        if _asks(let.decl.body, program, found):
            found.add(let)
    return frozenset(found)


def _asks(expr: ast.Expr, program: Program, asking: Iterable[LetSymbol]) -> bool:
    for node in walk.descend(expr):
        match node:
            case ast.Quantifier():
                return True
            case ast.MethodCall(_, name, _) if name.text == "contains_all":
                return True
            case ast.Call(function, _) if program.tables.targets[function] in asking:
                return True
    return False


class _Search:
    """Walks through a condition and the predicates that it uses."""

    def __init__(self, rule: RuleSymbol, regions: Regions, context: Context) -> None:
        self._regions, self._reading = regions, regions.reading
        self._program, self._asking = context.program, context.shared(_asking)
        effects = (e.text for key in rule.actions for e in context.program.actions[key].decl.effects)
        self._sends = "sends_out" in effects
        self._permits = rule.effect == "permit"
        self._left = _MOST
        self._seen: set[object] = set()

    def within(self, expr: ast.Expr, way: _Way) -> Iterator[_Found]:
        """Yield what is found in a part of a condition."""
        self._left -= 1
        if self._left < 0 or not _asks(expr, self._program, self._asking):
            return
        match expr:
            case ast.Not(operand):
                yield from self.within(operand, evolve(way, danger=not way.danger, plain=False))
            case ast.And(operands) | ast.Or(operands):
                demanded = isinstance(expr, ast.And)
                for operand in operands:
                    # Either all operands are as the danger needs them, or this one alone makes it.
                    others = [self._so(o, way) for o in operands if o is not operand and demanded is way.danger]
                    inner = evolve(way, beside=(*way.beside, *others), plain=way.plain and demanded)
                    yield from self.within(operand, inner)
            case ast.Quantifier(kind, _, domain, body):
                # Of a forbid, `any` is the plain way to say what it is about, and an empty set is not.
                trap = not self._excluding(body) if kind == "all" else self._permits and self._excluding(body)
                if trap and (kind == "all") is way.danger:
                    yield from self._unless_filled(expr, domain, way)
            case ast.MethodCall(_, name, (argument,)) if name.text == "contains_all" and way.danger:
                if self._sends and self._reading.term(argument, way.names).roots == {"args"}:
                    yield from self._unless_filled(expr, argument, way)
            case ast.Call():
                opened = self._reading.opened(expr, way.names)
                if opened is not None and self._first_time(expr, opened[1], way):
                    yield from self.within(opened[0], evolve(way, names=opened[1], used=way.used or expr))

    def _first_time(self, expr: ast.Call, names: Names, way: _Way) -> bool:
        """Whether a predicate was not yet looked into for the same arguments: predicates use predicates twice."""
        key = (self._program.tables.targets[expr.function].key, tuple(names.items()), way.danger)
        new = key not in self._seen
        self._seen.add(key)
        return new

    def _so(self, expr: ast.Expr, way: _Way) -> Formula:
        said = self._reading.formula(expr, way.names)
        return said if way.danger else negated(said)

    def _excluding(self, body: ast.Expr) -> bool:
        """Whether a condition is written as an exclusion: then an empty set rightly fulfils it."""
        match body:
            case ast.Not(operand):
                return not self._excluding(operand)
            case ast.And(operands) | ast.Or(operands):
                return all(self._excluding(o) for o in operands)
            case ast.Binary(op):
                return op in ("!=", "not in")
            case ast.Call(function, _):
                let: LetSymbol = self._program.tables.targets[function]
                return self._excluding(let.decl.body)
        return False

    def _unless_filled(self, expr: ast.Expr, domain: ast.Expr, way: _Way) -> Iterator[_Found]:
        """Yield a finding, unless the set is known, or what is demanded beside makes sure that it holds something."""
        term = self._reading.term(domain, way.names)
        if term.roots and term.head == "attr" and self._regions.possible(*way.beside, *_emptiness(term, way.beside)):
            yield _Found(expr, domain, way)


def _emptiness(domain: Term, beside: Iterable[Formula]) -> Iterator[Literal]:
    """Yield what is so when a set is empty: of itself, and of every test of it there is."""
    yield Member(Term(".size()", (domain,), INT), numbers([0]))
    yield Member(domain, Values(frozenset({frozenset()})))
    for part in beside:
        for literal in literals(part):
            match literal.term:
                case Term("any", (of, _)) | Term("element", (_, of)) if of == domain:
                    yield Fact(literal.term, False)
                case Term(".contains_any()", operands) if domain in operands:
                    yield Fact(literal.term, False)
                case Term(".contains_all()", (of, Term("const"))) if of == domain:
                    yield Fact(literal.term, False)  # of a constant that is not empty: an empty one is no literal


# --- what is said of it


def _report(rule: RuleSymbol, condition: Condition, found: _Found, context: Context) -> None:
    used, place = found.way.used, found.domain.span.text
    then = {"permit": "the permit matches", "forbid": "the forbid is lifted"}.get(
        rule.effect, "no approval is asked for"
    )
    spot, of_library = _spot(found.expr), found.expr.span.source in context.program.library_sources
    labels = []
    if used is not None:
        span = spot if of_library else used.span
        labels.append(
            (span, f"used here by `{rule.decl.name.text}`" if not of_library else "this is what an empty set decides")
        )
        spot = used.span if of_library else spot
    context.report(
        spot,
        f"this {'holds' if found.way.danger else 'does not hold'} when `{place}` is empty, and then {then}",
        "also true of an empty set" if found.way.danger else "never true of an empty set",
        labels=labels,
        notes=[_why(found.expr)],
        help=_cure(found, condition),
    )


def _spot(expr: ast.Expr) -> Span:
    return (
        expr.span
        if not isinstance(expr, ast.Quantifier)
        else Span(expr.span.source, expr.span.start, expr.domain.span.end)
    )


def _why(expr: ast.Expr) -> str:
    match expr:
        case ast.Quantifier("all"):
            return "an empty set has no element that could break the condition"
        case ast.Quantifier():
            return "an empty set has no element that could be found"
    return "every set contains all elements of an empty one"


def _cure(found: _Found, condition: Condition) -> str:
    filled = f"{found.domain.span.text}.size() > 0"
    if found.way.used is None and (found.way.plain or (condition.kind == "unless" and found.way.danger is False)):
        return f"if an empty set is not meant, add `when {filled}`"
    shown = found.expr.span.text if len(found.expr.span.text) <= 60 and "\n" not in found.expr.span.text else "…"
    word = "and" if found.way.danger else "or"
    start = filled if found.way.danger else f"{found.domain.span.text}.size() == 0"
    return f"if an empty set is not meant, write `{start} {word} ({shown})` here"


LINT = Lint(rule=_rule)
