"""A condition is true whenever it is asked.

## What it finds

A `when`, or a part of one joined by `and`, that holds for every request that gets there; an `unless`, or a part of one
joined by `or`, that excludes none. It may be true by itself (`x == 1 or x != 1`), by the types (`subject is Agent` where
only agents are meant), or because an earlier clause says it already. Lets are looked into. Scopes have KYN302.

## Why it matters

A condition was written to leave something out, and this one leaves out nothing. Often the value beside it is wrong.

## Avoid

```kyn
subject Agent { tenant: String }
resource Order { tenant: String  status: "open" | "closed" }
action cancel on Order

permit cancel_orders "Agents cancel open orders" {
  subject  Agent
  action   cancel
  resource Order
  scope    subject.tenant == resource.tenant
  when     resource.status == "open" or resource.status != "open"
}
```

## Prefer

```kyn
subject Agent { tenant: String }
resource Order { tenant: String  status: "open" | "closed" }
action cancel on Order

permit cancel_orders "Agents cancel open orders" {
  subject  Agent
  action   cancel
  resource Order
  scope    subject.tenant == resource.tenant
  when     resource.status == "open"
}
```

## Options

None.

## What it cannot see

It compares values with constants, with each other, and types, roles and groups; it does not calculate. A condition that
can end in an error is left alone, because then it does more than be true. Of a rule with very many conditions only the first
hundred are looked at.
"""

from collections.abc import Iterator

from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.formula import negated
from ..logic.regions import Part, Regions, needed
from ..symbols import Condition, RuleSymbol

_MOST = 100  # conditions of a rule that are looked at

_HEAD = "subject User action write resource Doc scope subject == resource.owner"

VALID = (
    rules(f'permit p "d" {{ {_HEAD} when resource.size > 3 when resource.size < 9 }}'),
    rules(f'permit p "d" {{ {_HEAD} when resource.status == "draft" or context.mfa }}'),
    rules("forbid f { subject User, Agent action any resource any unless subject is Agent }"),
    rules(
        "forbid f { subject User action write resource Doc when resource.owner.level >= 0 or resource.owner.level < 0 }"
    ),
    rules(
        "let small(d: Doc) = d.size < 10 or d.size == 20\n"
        f'permit p "d" {{ {_HEAD} when small(resource) when resource.size < 20 }}'
    ),
)
INVALID = (
    rules(f'permit p "d" {{ {_HEAD}\n when true }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} when resource.size > 5\n when resource.size > 3 }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} when context.mfa and\n resource.status in {{"draft", "final"}} }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} when resource.size > 5\n unless resource.size < 2 }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} when resource.title like "ab*"\n when resource.title.starts_with("a") }}  # <-'),
    rules("forbid f { subject Agent action any resource Doc\n when subject is Agent }  # <-"),
    rules("forbid f { subject any with role lead action any resource Doc\n when subject holds staff }  # <-"),
    rules(
        "let small(d: Doc) = d.size < 10\nlet tiny(d: Doc) = small(d) and d.size < 5\n"
        f'permit p "d" {{ {_HEAD} when tiny(resource)\n when small(resource) }}  # <-'
    ),
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    regions = context.shared(Regions)
    region = regions.of(rule)
    if region.empty or not regions.possible(region.formula):
        return
    given = [part for part in region.parts if part.kind not in ("scope", "when", "unless")]
    for condition in rule.conditions:
        if condition.expr is None:
            continue
        for expr, part in _parts(condition, regions):
            if condition.kind != "scope" and not part.failing:
                if not regions.possible(*(p.demands for p in given), negated(part.demands)):
                    _report(expr, part, given, regions, context)
            given.append(part)
            if len(given) > _MOST:
                return


def _parts(condition: Condition, regions: Regions) -> Iterator[tuple[ast.Expr, Part]]:
    """Yield the expressions of a condition that must each hold, or not hold, and what they demand."""
    expr = condition.expr
    assert expr is not None
    unless = condition.kind == "unless"
    together = ast.Or if unless else ast.And
    for operand in expr.operands if isinstance(expr, together) else (expr,):
        said = regions.reading.read(operand)
        demands = negated(said.formula) if unless else said.formula
        yield operand, Part(condition.kind, condition.clause, demands, said.failing)


def _report(expr: ast.Expr, part: Part, given: list[Part], regions: Regions, context: Context) -> None:
    reasons = needed(regions.possible, list(given), negated(part.demands))
    unless = part.kind == "unless"
    label = "excludes nothing" if unless else "always true here"
    context.report(
        expr.span,
        f"this {'`unless` never applies' if unless else 'condition is always true'}",
        label,
        labels=[(reason.clause.span, "because of this") for reason in reasons if reason.clause is not part.clause],
        notes=[] if reasons else [f"it is {'false' if unless else 'true'} for every value that it can be asked of"],
        help="delete it, or correct the value that it tests",
    )


LINT = Lint(rule=_rule)
