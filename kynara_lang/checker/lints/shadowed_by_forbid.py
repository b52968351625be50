"""A permit grants nothing, because a forbid covers it.

## What it finds

Permits of which every request is also matched by a forbid, or by several forbids together. Those of imported libraries
count. Lets, roles, groups of actions and types are looked into.

## Why it matters

A forbid beats every permit, wherever it stands. The permit looks like a right in a review, and is none; or the forbid is
wider than its author thinks, and takes away what people need.

## Avoid

```kyn
subject Agent { tenant: String }
resource Order { tenant: String  total: Decimal }
action refund on Order effects irreversible

permit refunds "Agents refund large orders" {
  subject  Agent
  action   refund
  resource Order
  scope    subject.tenant == resource.tenant
  when     resource.total > 500.00
}

forbid large_refunds "Nobody refunds large orders" {
  subject  any
  action   refund
  resource Order
  when     resource.total >= 500.00
}
```

## Prefer

```kyn
subject Clerk { tenant: String }
resource Order { tenant: String  total: Decimal }
action refund on Order effects irreversible

permit refunds "Clerks refund orders" {
  subject  Clerk
  action   refund
  resource Order
  scope    subject.tenant == resource.tenant
}

forbid large_refunds "Nobody refunds large orders" {
  subject  any
  action   refund
  resource Order
  when     resource.total >= 500.00
}
```

## Options

None.

## What it cannot see

It compares what permit and forbid say of the same values; it does not calculate. A permit is compared with some
hundred forbids at most, the most likely ones first.
"""

from collections.abc import Callable
from itertools import islice

from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.formula import negated
from ..logic.regions import MOST_COMPARED, Region, Regions
from ..symbols import RuleSymbol

_PERMIT = 'permit p "d" { subject User action write resource Doc scope subject == resource.owner'

VALID = (
    rules(f"{_PERMIT} }}\nforbid f {{ subject User action write resource Doc when resource.size > 5 }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject User action read resource Doc }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject User with role staff action any resource any }}"),
    rules(f"{_PERMIT} when context.mfa }}\nforbid f {{ subject any action any resource any unless context.mfa }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject any action any resource any valid until 2027-01-01 }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject User action write resource Doc when delegation.depth > 2 }}"),
)
INVALID = (
    rules(f"{_PERMIT} }}  # <-\nforbid f {{ subject any action doc_actions resource any }}"),
    rules(
        f"{_PERMIT} when resource.size > 9 }}  # <-\nforbid f {{ subject User action any resource Tenanted "
        "when resource.tenant == resource.tenant or context.mfa }"
    ),
    rules(
        'permit p "d" { subject User with role lead action write resource Doc  # <-\n scope delegated }\n'
        "forbid f { subject any with role staff action any resource Doc }"
    ),
    rules(
        f"{_PERMIT} }}  # <-\nforbid f {{ subject User action write resource Doc when context.mfa }}\n"
        "forbid g { subject User action any resource Doc unless context.mfa }"
    ),
    rules(
        "let cap = 100\nlet huge(d: Doc) = d.size > cap\n"
        f"{_PERMIT} when resource.size >= 200 }}  # <-\n"
        "forbid f { subject any action write resource Doc when huge(resource) }"
    ),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    'permit p "d" {  # <-\n subject User action read resource Doc scope subject.tenant != resource.tenant }',
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    regions = context.shared(Regions)
    region = regions.of(rule)
    if rule.effect != "permit" or region.empty:
        return
    forbids = regions.index("forbid")
    covering = list(dict.fromkeys([*forbids.might_cover(region), *islice(forbids.meeting(region), MOST_COMPARED)]))
    if not covering or not regions.possible(region.formula):
        return

    def cover(some: list[Region]) -> bool:
        return not regions.possible(region.formula, *(negated(f.formula) for f in some))

    if not cover(covering):
        return
    covering = _needed(covering, cover)
    one = len(covering) == 1
    names = " and ".join(f"`{f.rule.decl.name.text}`" for f in covering)
    together = "by this, together with the other" + ("s" if len(covering) > 2 else "")
    context.report(
        rule.decl.name.span,
        f"the permit `{rule.decl.name.text}` grants nothing: {names} {'forbids' if one else 'together forbid'} all of it",
        "every request that matches this is forbidden",
        labels=[(f.rule.decl.name.span, "by this" if one else together) for f in covering],
        notes=["a forbid counts more than any permit, wherever it stands"],
        help="delete the permit; or, if the forbid was not meant to cover it, add an `unless` to the forbid",
    )


def _needed(covering: list[Region], cover: Callable[[list[Region]], bool]) -> list[Region]:
    """Return those of the regions that cover together of which none can be left out.

    One that covers alone is looked for first: it is what there mostly is, and asking about one is cheap, while asking
    about hundreds together, once for each, would take minutes in a program of many forbids.
    """
    alone = next((one for one in covering if cover([one])), None)
    if alone is not None:
        return [alone]
    size = len(covering) // 2
    while size:  # halves first, so that few questions are about many
        start = 0
        while start < len(covering):
            fewer = covering[:start] + covering[start + size :]
            if cover(fewer):
                covering = fewer
            else:
                start += size
        size //= 2
    return covering


LINT = Lint(rule=_rule)
