"""An approval lasts longer than a week.

## What it finds

A `require approval` whose `expires` is longer than `at-most`, a week unless the settings say otherwise. Without
`expires` an approval lasts a day, which is never too long.

## Why it matters

Whoever approves looks at one call, as things stand now. The approval is bound to that call: same chain, same arguments,
same resource. But attributes and context are not part of it, and they move on: the order is disputed, the agent's owner
has left, the recipient's domain is sold. An agent that keeps an approval for a month can use it at the one moment
when nobody would give it again. A stolen one is worth as long as it lasts, too.

An agent acts within minutes of being allowed to. What needs longer can ask again.

## Avoid

```kyn
role treasurer
subject User
subject Agent {
  team: String
}
resource Account {
  team: String
}
action transfer on Account (amount: Decimal) effects irreversible

permit agents_transfer "Agents pay the bills of their team" {
  subject  Agent
  action   transfer
  resource Account
  scope    subject.team == resource.team
}

require approval every_transfer "A treasurer looks at every transfer" {
  subject  Agent
  action   transfer
  resource Account
  from     User with role treasurer
  expires  90d
}
```

## Prefer

```kyn
role treasurer
subject User
subject Agent {
  team: String
}
resource Account {
  team: String
}
action transfer on Account (amount: Decimal) effects irreversible

permit agents_transfer "Agents pay the bills of their team" {
  subject  Agent
  action   transfer
  resource Account
  scope    subject.team == resource.team
}

require approval every_transfer "A treasurer looks at every transfer" {
  subject  Agent
  action   transfer
  resource Account
  from     User with role treasurer
  expires  4h
}
```

## Options

- `at-most` (default `"7d"`): the longest time that an approval may last, as a duration such as `"12h"`.

## What it cannot see

How soon what was approved is really used, and how often: an approval counts for the same call until it expires. A week
is far too long for many actions; the lint finds only what is long for all of them.
"""

from ...diagnostics.diagnostic import Edit, Fix
from ...semantics import times
from ...semantics.problems import ValueProblem
from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint, Option
from ..symbols import RuleSymbol


def _length(text: str) -> int:
    return times.read_duration(text)


def _problem(text: str) -> str | None:
    try:
        return None if _length(text) > 0 else "must be longer than nothing, such as `7d`"
    except ValueProblem:
        return "must be a duration, such as `7d` or `12h`"


AT_MOST = Option("at-most", "7d", "the longest time that an approval may last", _problem)
VALID = (
    rules("require approval r { subject any action write resource Doc from User with role lead expires 7d }"),
    rules("require approval r { subject any action write resource Doc from User with role lead expires 168h }"),
    rules("require approval r { subject any action write resource Doc from User with role lead }"),
)
INVALID = (
    rules("require approval r { subject any action write resource Doc from User\n expires 8d }  # <-"),
    rules(
        "require approval r { subject Tenanted action doc_actions resource Ownable from Tenanted\n expires 169h }  # <-"
    ),
    rules(
        "let peer(a: User, o: Ownable) = a != o.owner\n"
        "require approval r { subject User with role staff action any resource Ownable\n"
        " expires 604801s  # <-\n from User with role lead where peer(approver, resource) quorum 2 }"
    ),
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nresource Doc is Tenanted\naction burn on Doc\n"
    "require approval r { subject any action burn resource any\n"
    " expires 100000d  # <-\n from User where same_tenant(approver, resource) }",
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    if rule.approval is None:
        return
    longest = _longest(context)
    shown = times.format_duration(longest)
    cure = shown if longest < _length("24h") else "24h"
    for clause in rule.decl.clauses:
        if isinstance(clause, ast.ExpiresClause) and rule.approval.expires > longest:
            after = clause.after.span
            context.report(
                after,
                f"an approval for `{rule.decl.name.text}` lasts {after.text}, longer than {shown}",
                "counts that long for the same call",
                notes=[
                    "an approval holds while attributes and context change: it can be used when nobody would give it again"
                ],
                help=f"let it end sooner, and ask again where that is too short: `expires {cure}`",
                fix=Fix(f"let it last {shown}", (Edit(after, shown),)),
            )


def _longest(context: Context) -> int:
    """Return the longest time allowed, in nanoseconds."""
    return _length(context.option(AT_MOST.name))


LINT = Lint(rule=_rule, options=(AT_MOST,))
