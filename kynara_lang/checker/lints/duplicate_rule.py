"""Two rules say the same.

## What it finds

Two rules with the same effect that demand the same of subject, action, resource and everything else, however they are laid
out: the order of clauses does not matter, lets are looked into, names and descriptions do not count.

## Why it matters

Somebody will change one of them and wonder why nothing changes. Two equal `require approval` rules ask for two approvals.

## Avoid

```kyn
subject Agent { tenant: String }
resource Order { tenant: String }
action read on Order

permit read_orders "Agents read orders" {
  subject  Agent
  action   read
  resource Order
  scope    subject.tenant == resource.tenant
}

permit look_at_orders "Agents look at orders" {
  subject  Agent
  action   read
  resource Order
  scope    resource.tenant == subject.tenant
}
```

## Prefer

```kyn
subject Agent { tenant: String }
resource Order { tenant: String }
action read on Order

permit read_orders "Agents read orders" {
  subject  Agent
  action   read
  resource Order
  scope    subject.tenant == resource.tenant
}
```

## Options

None.

## What it cannot see

Rules that come to the same by calculation. Rules of which one says less are KYN504.
"""

from collections.abc import Hashable

from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.formula import conjuncts
from ..logic.reading import root
from ..logic.regions import Regions
from ..symbols import Approval, RuleSymbol
from ..words import rule_in_words

_WRITE = "subject User action write resource Doc"
_MINE = "scope subject == resource.owner"

VALID = (
    rules(f'permit p "d" {{ {_WRITE} {_MINE} }}\npermit q "d" {{ {_WRITE} {_MINE} when context.mfa }}'),
    rules(f"forbid f {{ {_WRITE} when context.mfa }}\nrequire approval g {{ {_WRITE} when context.mfa from User }}"),
    rules(
        f"require approval f {{ {_WRITE} from User with role lead }}\n"
        f"require approval g {{ {_WRITE} from User with role staff }}"
    ),
    rules(f"require approval f {{ {_WRITE} from User }}\nrequire approval g {{ {_WRITE} from User quorum 2 }}"),
)
INVALID = (
    rules(
        f'permit p "d" {{ {_WRITE} {_MINE} when context.mfa when resource.size < 3 }}\n'
        f'permit q "e" {{ {_WRITE} {_MINE} when resource.size < 3 and context.mfa }}  # <-'
    ),
    rules(f"forbid f {{ {_WRITE} unless context.mfa }}\nforbid g {{ {_WRITE} when not context.mfa }}  # <-"),
    rules(
        "let mine(u: User, d: Doc) = d.owner == u\n"
        f'permit p "d" {{ {_WRITE} scope mine(subject, resource) }}\n'
        f'permit q "d" {{ {_WRITE} {_MINE} }}  # <-'
    ),
    rules(
        'permit p "d" { subject User action read, write resource Doc scope delegated }\n'
        'permit q "d" { subject User action doc_actions resource Doc scope delegated }  # <-'
    ),
    rules(
        f"require approval f {{ {_WRITE} from User where approver.level > 3 }}\n"
        f"require approval g {{ {_WRITE} from User where 3 < approver.level }}  # <-"
    ),
)


def _program(context: Context) -> None:
    regions = context.shared(Regions)
    first: dict[Hashable, RuleSymbol] = {}
    ordered = sorted(context.rules, key=lambda r: (r.decl.name.span.source.name, r.decl.name.span.start))
    for rule in ordered:
        region = regions.of(rule)
        if region.empty:
            continue
        key = (rule.effect, frozenset(conjuncts(region.formula)), _asked(rule.approval, regions))
        other = first.setdefault(key, rule)
        if other is not rule:
            context.report(
                rule.decl.name.span,
                f"{rule_in_words(rule)} says the same as `{other.decl.name.text}`",
                "says the same",
                labels=[(other.decl.name.span, "as this one")],
                notes=["so two approvals are asked for"] if rule.approval else ["deleting one changes no decision"],
                help="delete one of them, or correct the one that was meant to differ",
            )


def _asked(approval: Approval | None, regions: Regions) -> Hashable:
    """Return what an approval asks for, equal for those that ask for the same."""
    if approval is None:
        return None
    approver = root("approver")
    patterns = frozenset(regions.pattern(approver, p, p.types) for p in approval.approvers)
    where = None if approval.where is None else regions.reading.formula(approval.where)
    return patterns, where, approval.quorum, approval.expires


LINT = Lint(program=_program)
