"""A rule can match no request.

## What it finds

Rules whose clauses cannot all hold for one request: a number that would have to be above and below, a text that would
have to be two texts, a type that is excluded again, a role without the role that comes with it, `in {}`, `when false`.
Lets are looked into.

## Why it matters

A permit that never matches grants nothing, and somebody thinks it does. A forbid or a `require approval` that never
matches is worse: it protects nothing.

## Avoid

```kyn
subject Agent { tenant: String }
resource Order { tenant: String  total: Decimal }
action refund on Order (amount: Decimal) effects irreversible

permit refunds "Agents refund small orders" {
  subject  Agent
  action   refund
  resource Order
  scope    subject.tenant == resource.tenant
  when     args.amount > 100.00 and args.amount <= 50.00
}
```

## Prefer

```kyn
subject Clerk { tenant: String }
resource Order { tenant: String  total: Decimal }
action refund on Order (amount: Decimal) effects irreversible

permit refunds "Clerks refund small orders" {
  subject  Clerk
  action   refund
  resource Order
  scope    subject.tenant == resource.tenant
  when     args.amount <= 50.00 and args.amount <= resource.total
}
```

## Options

None.

## What it cannot see

It compares values with constants, with each other, and types, roles and groups. It does not calculate: `x + 1 < x` passes. It
gives up on conditions with very many cases. A forbid that may end in an error is left alone, because an error makes it
match.
"""

from collections.abc import Iterator
from itertools import permutations

from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.formula import Fact, literals
from ..logic.regions import Part, Region, Regions, needed
from ..symbols import RuleSymbol
from ..words import rule_in_words

_HEAD = "subject User action write resource Doc scope subject == resource.owner"

VALID = (
    rules(f'permit p "d" {{ {_HEAD} when resource.size > 10 and resource.size <= 11 }}'),
    rules(f'permit p "d" {{ {_HEAD} when resource.status != "draft" unless resource.size in {{1, 2}} }}'),
    rules(f'permit p "d" {{ {_HEAD} when resource.title like "a*" and resource.title like "*b" }}'),
    rules(f'permit p "d" {{ {_HEAD} when context.ip within "10.0.0.0/8" unless context.ip within "10.1.0.0/16" }}'),
    rules("forbid f { subject any with role lead action any resource Doc unless subject is Agent }"),
    rules(
        "forbid f { subject User action write resource Doc when resource.owner.level > 2 and resource.owner.level < 1 }"
    ),
    rules(
        "let small(d: Doc) = d.size < 10 or d.size == 20\n"
        f'permit p "d" {{ {_HEAD} when small(resource) when resource.size > 15 }}'
    ),
    "trait Tagged { tag: String }\nforbid f { subject any action any resource any when true }",
)
INVALID = (
    rules(f'permit p "d" {{ {_HEAD}\n when resource.size > 10 and resource.size < 11 }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} when resource.status == "draft"\n when resource.status == "final" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} when resource.title like "a*"\n when resource.title.starts_with("b") }}  # <-'),
    rules(
        f'permit p "d" {{ {_HEAD} when context.ip within "10.1.0.0/16"\n unless context.ip within "10.0.0.0/8" }}  # <-'
    ),
    rules(f'permit p "d" {{ {_HEAD} when resource.path within "/a/b/c"\n unless resource.path within "/a/b" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n when resource.size in {{}} }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n when false }}  # <-'),
    rules("forbid f { subject User with role lead action any resource Doc\n unless subject holds staff }  # <-"),
    rules("forbid f { subject User, Agent action any resource Doc\n when subject is User and subject is Agent }  # <-"),
    rules(
        "let small(d: Doc) = d.size < 10\nlet large(d: Doc) = not small(d) and d.size > 9\n"
        f'permit p "d" {{ {_HEAD} when small(resource)\n when large(resource) }}  # <-'
    ),
    rules(f'permit p "d" {{ {_HEAD} when resource.owner == User::"a"\n when resource.owner == User::"b" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} valid until 2027-01-01\n when context.now > 2027-01-01 }}  # <-'),
    rules(
        "forbid f { subject User action write resource Doc when resource.size < subject.level\n"
        " when subject.level <= resource.size }  # <-"
    ),
    "trait Vip {}\nsubject User\nresource Doc\naction read on Doc\n"
    "forbid f {\n subject Vip  # <-\n action read resource Doc }",
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    regions = context.shared(Regions)
    region = regions.of(rule)
    if region.empty:
        _without_types(region, context)
        return
    if regions.possible(region.formula) or (rule.effect != "permit" and region.failing):
        return
    parts = needed(regions.possible, list(region.parts))
    last, *others = reversed(parts)
    context.report(
        last.clause.span,
        f"{rule_in_words(rule)} can never match",
        _label(last, alone=not others),
        labels=[(part.clause.span, _reason(part)) for part in reversed(others)],
        notes=[*_roles(parts, context), "it grants nothing" if rule.effect == "permit" else "it protects nothing"],
        help="change one of them, or delete the rule",
    )


def _without_types(region: Region, context: Context) -> None:
    """Report patterns that cover no type; a library, which has no types, is no program yet."""
    rule = region.rule
    if not context.program.types or not context.program.actions:
        return
    for kind, patterns in (("subject", rule.subjects), ("resource", rule.resources)):
        if not any(pattern.types for pattern in patterns) and patterns:
            node = patterns[0].node
            context.report(
                node.span,
                f"{rule_in_words(rule)} can never match: no {kind} type is covered",
                f"no type is `{node.span.text}`",
                help=f"name a {kind} type, or give a type this trait: `{kind} … is {node.span.text}`",
            )
            return


def _label(part: Part, *, alone: bool) -> str:
    if part.kind == "unless":
        return "this excludes everything" if alone else "this excludes it"
    return "this never holds" if alone else "this does not hold"


def _reason(part: Part) -> str:
    return "of what this lets through" if part.kind == "unless" else "where this holds"


def _roles(parts: list[Part], context: Context) -> Iterator[str]:
    """Say of roles that contradict each other that one comes with the other."""
    held = [literal for part in parts for literal in literals(part.demands) if literal.term.head == "holds"]
    roles = context.program.roles
    for one, other in permutations(held, 2):
        had, lacking = roles[str(one.term.parts[1])], roles[str(other.term.parts[1])]
        if one == Fact(one.term) and other != Fact(other.term) and had is not lacking and lacking.key in had.closure:
            yield f"whoever holds `{had.name}` holds `{lacking.name}` too"
            return


LINT = Lint(rule=_rule)
