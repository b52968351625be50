"""Only what the caller chooses bounds a permit.

## What it finds

A `scope` that ties the resource to nothing but values which whoever asks can choose: arguments (`args`), and attributes and
context fields that are marked `untrusted`. So is one that asks something of a resource's `untrusted` attribute and of
nothing else: whoever writes the resource chooses that. With `or`, each alternative must be bounded by itself.

It is fine to compare with an argument that is tied in turn, in the scope or in a `when`:
`resource.tenant == args.tenant and args.tenant == subject.tenant`. So is a scope that bounds the resource by constants, and
one that asks for the delegator. A condition that is true of everything, or only leaves out some values, is no such bound.

## Why it matters

The scope is what keeps a grant within its bounds, and here the caller draws them. `resource.tenant == args.tenant` looks like
the separation of tenants. In fact an agent of one tenant names another tenant in its arguments, and the condition is true.
Models fill arguments in from the text that they read, so it needs no attacker with access: a sentence in an e-mail is enough.

## Avoid

```kyn
subject Agent {
  tenant: String
}
resource Invoice {
  tenant: String
}
action read on Invoice (tenant: String)

permit agents_read "Agents read the invoices of their tenant" {
  subject  Agent
  action   read
  resource Invoice
  scope    resource.tenant == args.tenant
}
```

## Prefer

```kyn
subject Agent {
  tenant: String
}
resource Invoice {
  tenant: String
}
action read on Invoice

permit agents_read "Agents read the invoices of their tenant" {
  subject  Agent
  action   read
  resource Invoice
  scope    resource.tenant == subject.tenant
}
```

## Options

None.

## What it cannot see

An attribute that somebody can write and that is not marked `untrusted`. Whether the value that an argument is tied to
bounds anything. A `forbid` that bounds the same permit: the scope is worth correcting all the same. A scope that does not
mention the resource at all is KYN303.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from attrs import evolve

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.bounds import everywhere, of_types
from ..logic.regions import Regions
from ..origins import Both, Either, Formula, Path, Read, Test, conjuncts, has_marks, places_in, smaller
from ..reach import Reach
from ..symbols import RuleSymbol

_TYPES = """\
subject User { team: String  desk: String untrusted  home: Folder }
subject Agent { team: String }
resource Folder in Folder { owner: User  team: String }
resource Page in Folder { team: String  author: User  tag: String untrusted  link: Folder untrusted  size: Int }
action read on Page, Folder (team: String, folder: Folder, all: Bool)
action note.edit, note.drop on Page (by: User)
context { portal: String untrusted  site: String  admin: Bool untrusted }
"""


def _permit(scope: str, more: str = "", action: str = "read") -> str:
    return f'{_TYPES}permit p "d" {{ subject User action {action} resource Page\n scope {scope}\n {more} }}\n'


VALID = (
    _permit("resource.team == subject.team"),
    _permit('resource.team == "press" or (resource.team == args.team and resource.author == subject)'),
    _permit("resource.team == args.team and args.team == subject.team"),
    _permit("resource.team == args.team", "when args.team == subject.team"),
    _permit("resource in args.folder and args.folder.owner == subject"),
    _permit("resource.team == args.team", "when subject == resource.author"),
    _permit("delegated and resource.team == args.team"),
    _permit('args.team == "x"'),
    _permit("resource in subject.home and resource.tag == args.team"),
    _permit("resource.size < 5 and resource.tag != context.portal"),
    _TYPES + 'let same(a: String, b: String) = a == b\npermit p "d" { subject User action note.* resource Page\n'
    " scope same(resource.team, subject.team) }",
    rules(
        'permit p "d" { subject User action share resource Doc scope args.tenant == subject.tenant when args.days < 3 }'
    ),
)
INVALID = (
    _permit("resource.team == args.team  # <-"),
    _permit('resource.team == args.team and resource.team != "secret"  # <-'),
    _permit("resource.team == args.team and resource.size == resource.size  # <-"),
    _permit('resource.team == args.team and args.team like "*"  # <-'),
    _permit("resource.team == args.team and (resource.size < 3 or resource.size >= 3)  # <-"),
    _permit("resource.tag == subject.team  # <-", "when resource.size < 5"),
    _permit("resource.team == subject.team or resource.team == args.team  # <-"),
    _permit("args.all or resource.team == subject.team  # <-"),
    _permit("resource in args.folder and not (args.all and subject.team == subject.desk)  # <-"),
    _permit("resource.team == context.portal and context.site == subject.team  # <-"),
    _permit("resource.author == args.by  # <-", 'when resource.team == "press"', "note.*"),
    _permit("resource.link.team == subject.team  # <-"),
    _TYPES
    + "let same(a: String, b: String) = a == b\nlet within_reach(p: Page, t: String) = p is Page and same(p.team, t)\n"
    'permit p "d" { subject User, Agent action read resource Page\n scope within_reach(resource, args.team) }  # <-',
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nresource Doc is Tenanted { shared: Doc untrusted }\n"
    'action read on Doc (other: Doc) in reading\npermit p "d" { subject Tenanted action reading resource Tenanted\n'
    " scope same_tenant(args.other, resource) }  # <-",
)
# What a condition does for the bounds of a permit: it bounds the resource by what can be trusted; it ties it to what the
# caller chooses; it does not look at the resource and is the caller's choice; or it says nothing of either.
_Bound: TypeAlias = Literal["bounds", "ties", "chosen", "neither"]
_EXCLUDING = {"!=": True, "not in": True, "==": False, "in": False, "like": False, "within": False}
_STRONGEST: tuple[_Bound, ...] = ("bounds", "ties")


def _rule(rule: RuleSymbol, context: Context) -> None:
    if rule.effect != "permit":
        return
    scope = next((c for c in rule.conditions if c.kind == "scope"), None)
    if scope is None or scope.expr is None:
        return
    if "args" not in scope.clause.span.text and not context.shared(has_marks):
        return  # nothing in it can be chosen by the caller
    origins = context.shared(Reach).origins
    regions = context.shared(Regions)
    types = of_types(regions.of(rule))

    def idle(part: Formula) -> bool:
        inside = smaller(scope.clause.span, part.node) is part.node.span  # what a predicate says depends on its use
        return inside and regions.implies(types, everywhere(regions.reading.formula(part.node)))

    formula = _telling(origins.condition(scope.expr), idle)
    vouched = {path for part in (formula, *origins.of_rule(rule, "when", "unless")) for path in _vouched(part)}
    if _bound(formula, vouched) != "ties":
        return
    others = [part for condition in origins.of_rule(rule, "when", "unless") for part in conjuncts(condition)]
    if not any(_ties_otherwise(part) for part in others):
        _report(rule, formula, scope.expr.span, vouched, context)


def _telling(formula: Formula, idle: Callable[[Formula], bool]) -> Formula:
    """Return a formula without those of its conditions that always hold: they bound nothing, and vouch for nothing."""
    if isinstance(formula, Test):
        return formula
    parts = tuple(_telling(part, idle) for part in formula.parts if isinstance(formula, Either) or not idle(part))
    return evolve(formula, parts=parts or formula.parts)


def _vouched(formula: Formula) -> Iterator[Path]:
    """Yield what the caller chooses, but a condition compares with a constant or with what can be trusted."""
    for part in conjuncts(formula):
        if not isinstance(part, Test):
            continue
        if part.operator in ("<", "<=", ">", ">=") or part.positive is not (part.operator in ("!=", "not in")):
            reads = part.reads
            trusted = any(not read.chosen for read in reads) or any(not operand.reads for operand in part.operands)
            if trusted and all(read.root != "resource" for read in reads):
                yield from (read.path for read in reads if read.chosen)


def _bound(formula: Formula, vouched: set[Path]) -> _Bound:
    if isinstance(formula, Test):
        return _bound_by(formula, vouched)
    found = {_bound(part, vouched) for part in formula.parts}
    if isinstance(formula, Both):
        return next(
            (bound for bound in _STRONGEST if bound in found), "chosen" if "neither" not in found else "neither"
        )
    if "ties" in found or {"chosen", "bounds"} <= found:
        return "ties"
    return found.pop() if len(found) == 1 else "neither"


def _bound_by(test: Test, vouched: set[Path]) -> _Bound:
    reads = test.reads
    if any(read.root in ("delegated", "delegator") for read in reads):
        return "bounds" if test.positive or test.operator != "true" else "neither"
    if test.operator in ("is", "has") or not reads:
        return "neither"
    loose = {read for read in reads if _is_loose(read, vouched)}
    if all(read.root != "resource" for read in reads):
        return "chosen" if loose == reads else "neither"
    firm = {read for read in reads if read.root == "resource"} - loose
    others = reads - firm
    if not others and test.operator in _EXCLUDING and test.positive is _EXCLUDING[test.operator]:
        return "neither"  # all but some are left to the caller's choice
    return "ties" if not firm or (others and others <= loose) else "bounds"


def _is_loose(read: Read, vouched: set[Path]) -> bool:
    """Whether the caller chooses a value and nothing ties it in turn, nor a part of it, nor what it is a part of."""
    steps = range(2, len(read.path) + 1)
    if any(read.path[:n] in vouched for n in steps):
        return False
    return read.chosen and not any(path[: len(read.path)] == read.path for path in vouched)


def _ties_otherwise(formula: Formula) -> bool:
    """Whether a condition ties the resource to what the caller does not choose."""
    if isinstance(formula, Test):
        trusted = {read.root for read in formula.reads if not read.chosen}
        return "resource" in trusted and len(trusted) > 1
    parts = [_ties_otherwise(part) for part in formula.parts]
    return all(parts) if isinstance(formula, Either) else any(parts)


def _report(rule: RuleSymbol, scope: Formula, within: Span, vouched: set[Path], context: Context) -> None:
    tests = [
        (test, place) for test, place in places_in(scope, within) if _bound_by(test, vouched) in ("ties", "chosen")
    ]
    test, place = next(((t, p) for t, p in tests if _bound_by(t, vouched) == "ties"), tests[0])
    read = min((r for r in test.reads if _is_loose(r, vouched)), key=lambda r: r.path)
    labels = [(test.node.span, "compared here")] if smaller(place, test.node) is not test.node.span else []
    if read.marked is not None:
        labels.append((read.marked.span, "marked as `untrusted`"))
    context.report(
        place,
        f"the caller decides which resources the permit `{rule.decl.name.text}` reaches",
        f"whoever asks chooses `{read.shown}`",
        labels=labels,
        notes=[
            "a scope bounds a permit only as far as nobody who asks can choose what it compares"
            if read.marked is not None
            else "arguments are what the caller says; a model fills them in from texts that it reads"
        ],
        help=_cure(rule, test, context)
        if _bound_by(test, vouched) == "ties"
        else f"leave out `{place.text}`, which lets the caller skip the rest; who may skip it gets a permit of their own",
    )


def _cure(rule: RuleSymbol, test: Test, context: Context) -> str:
    """Say what to compare instead: the subject's attribute of the same name, if it has one."""
    kinds = [context.program.types[key] for pattern in rule.subjects for key in pattern.types]
    for path in sorted(read.path for read in test.reads if read.root == "resource" and not read.chosen):
        having = [kind.attributes.get(path[-1]) for kind in kinds] if len(path) == 2 else []
        if having and all(a is not None and not a.untrusted and not a.optional for a in having):
            return f"compare with the subject instead: `resource.{path[-1]} == subject.{path[-1]}`"
    return "tie the resource to the subject, to the delegator or to a constant, such as `resource.owner == subject`"


LINT = Lint(rule=_rule)
