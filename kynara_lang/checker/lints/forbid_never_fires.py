"""A rule narrows what nothing permits.

## What it finds

A `require approval` for requests that no permit allows, and a forbid that names subjects, actions and resources one by one
where no permit has anything in common with it, by types or by conditions. A forbid over `any`, a trait, a group or a prefix
is a guard for whatever comes later, and is left alone.

## Why it matters

An approval does not grant: without a permit the answer is deny, whoever approves. And a forbid that meets no permit is
often the trace of a mistake, such as the wrong action.

## Avoid

```kyn
subject Agent { tenant: String }
resource Order { tenant: String }
action read, cancel on Order

permit read_orders "Agents read orders" {
  subject  Agent
  action   read
  resource Order
  scope    subject.tenant == resource.tenant
}

require approval cancelling {
  subject  Agent
  action   cancel
  resource Order
  from     Agent
}
```

## Prefer

```kyn
subject User { tenant: String }
subject Agent { tenant: String }
resource Order { tenant: String }
action read, cancel on Order

permit read_orders "Agents read and cancel orders" {
  subject  Agent
  action   read, cancel
  resource Order
  scope    subject.tenant == resource.tenant
}

require approval cancelling {
  subject  Agent
  action   cancel
  resource Order
  from     User where approver.tenant == resource.tenant
}
```

## Options

None.

## What it cannot see

Conditions are compared by what they say of the same values, not by calculation. It looks at two hundred permits that share
action and types with the rule, and is silent if there are more.
"""

from itertools import islice

from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.regions import Region, Regions
from ..symbols import ActionSymbol, EntityType, RuleSymbol
from ..words import rule_in_words

_MOST = 200

_PERMIT = 'permit p "d" { subject User action write resource Doc scope subject == resource.owner'

VALID = (
    rules(f"{_PERMIT} }}\nforbid f {{ subject User action write resource Doc when resource.size > 5 }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject any action purge resource Doc }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject Agent action any resource any }}"),
    rules(f"{_PERMIT} }}\nforbid f {{ subject Agent action doc_actions resource Doc }}"),
    rules(f"{_PERMIT} }}\nrequire approval f {{ subject any action any resource any from User }}"),
    rules(
        f"{_PERMIT} when context.mfa }}\n"
        "forbid f { subject User action write resource Doc when not context.mfa and resource.owner.level > 1 }"
    ),
    "trait Tagged { tag: String }\nforbid f { subject Tagged action any resource Tagged }",
)
INVALID = (
    rules(f"{_PERMIT} }}\nforbid f {{  # <-\n subject User action purge resource Doc }}"),
    rules(f"{_PERMIT} }}\nforbid f {{  # <-\n subject Agent action write resource Doc when context.mfa }}"),
    rules(f"{_PERMIT} }}\nrequire approval f {{  # <-\n subject any action purge resource any from User }}"),
    rules(
        "let large(d: Doc) = d.size > 10\n"
        f"{_PERMIT} unless large(resource) }}\n"
        "require approval f {  # <-\n subject User action write resource Doc when resource.size > 20 from User }"
    ),
    rules(
        'permit p "d" { subject User with role staff action doc_actions resource Doc scope delegated }\n'
        "forbid f {  # <-\n subject User with role lead action write resource Doc unless delegated }"
    ),
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    regions = context.shared(Regions)
    region = regions.of(rule)
    if rule.effect == "permit" or region.empty or (rule.effect == "forbid" and not _one_by_one(rule, context)):
        return
    if not context.program.types or not regions.possible(region.formula):
        return
    meeting = list(islice(regions.index("permit").meeting(region), _MOST + 1))
    if len(meeting) > _MOST or (meeting and region.failing):
        return
    if any(regions.possible(region.formula, permit.formula) for permit in meeting):
        return
    asks = rule.effect == "require_approval"
    context.report(
        rule.decl.name.span,
        f"{rule_in_words(rule)} {'asks for an approval of' if asks else 'forbids'} what nothing permits",
        "meets no permit",
        labels=[(p.rule.decl.name.span, "never matches together with it") for p in meeting[:3]],
        notes=[_why(region, meeting, context), *(["an approval grants nothing by itself"] if asks else [])],
        help="add the permit that is missing, or correct the action, the types or the conditions",
    )


def _why(region: Region, meeting: list[Region], context: Context) -> str:
    if meeting:
        return "the permits for these actions and types exclude what this rule demands"
    names = sorted(context.program.actions[key].name for key in region.actions)
    what = " or ".join(f"`{name}`" for name in names) if len(names) <= 3 else "one of its actions"
    return f"no permit is about {what} for its types of subject and resource"


def _one_by_one(rule: RuleSymbol, context: Context) -> bool:
    """Whether a rule names its types and actions themselves, and nothing that stands for several."""
    targets = context.tables.targets
    for clause in rule.decl.clauses:
        match clause:
            case ast.SubjectClause(patterns) | ast.ResourceClause(patterns):
                if not all(p.type is not None and isinstance(targets.get(p.type), EntityType) for p in patterns):
                    return False
            case ast.ActionClause(patterns=actions):
                if not all(a.name is not None and isinstance(targets.get(a.name), ActionSymbol) for a in actions):
                    return False
    return True


LINT = Lint(rule=_rule)
