"""An AI principal can give an approval.

## What it finds

A `require approval` whose `from` covers a type of AI principals, unless its `where` says by types that they are not meant
(`approver is User`).

AI principals are the types with a trait of `std.agents` that is for agents only (`Autonomous`, `Supervised`, `Cautious`,
`Graded`, `DepthBound`); if there is none, a type named `Agent`.

## Why it matters

An approval is there so that a person looks before something happens. Nobody in the chain of a request can approve it, but
another agent can, and two agents that read the same poisoned page make the same mistake. `from any`, or a role that
agents hold too, is rarely meant so; tests cannot show it, because an `expect` hands in no approvals.

## Avoid

```kyn
role lead
subject User
subject Agent {
  team: String
}
resource Database {
  team: String
}
action drop on Database effects irreversible

permit agents_drop "Agents drop databases of their team that are no longer used" {
  subject  Agent
  action   drop
  resource Database
  scope    subject.team == resource.team
}

require approval second_look "Somebody looks at it first" {
  subject  Agent
  action   drop
  resource Database
  from     any with role lead
}
```

## Prefer

```kyn
role lead
subject User
subject Agent {
  team: String
}
resource Database {
  team: String
}
action drop on Database effects irreversible

permit agents_drop "Agents drop databases of their team that are no longer used" {
  subject  Agent
  action   drop
  resource Database
  scope    subject.team == resource.team
}

require approval second_look "Somebody looks at it first" {
  subject  Agent
  action   drop
  resource Database
  from     User with role lead
}
```

## Options

None.

## What it cannot see

Whether agents of the type ever hold the role that `from` asks for, and agents that use a person's credentials to
approve.
"""

from __future__ import annotations

from ..lint_examples import rules
from ..linter import Context, Lint
from ..reach import Reach, a_person
from ..symbols import RuleSymbol

VALID = (
    rules("require approval r { subject any action write resource Doc from User with role lead }"),
    rules("require approval r { subject any action write resource Doc from any where approver is User }"),
    rules("require approval r { subject any action write resource Doc from Tenanted where not (approver is Agent) }"),
    "import std.agents (Autonomous)\nsubject Bot is Autonomous\nsubject Agent\nresource Doc\naction read on Doc\n"
    "require approval r { subject any action read resource Doc from Agent }",
)
INVALID = (
    rules("require approval r { subject any action write resource Doc\n from any }  # <-"),
    rules("require approval r { subject User action write resource Doc\n from User, Agent with role lead }  # <-"),
    rules('require approval r { subject any action write resource Doc\n from Agent::"reviewer" }  # <-'),
    rules(
        "let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant\n"
        "require approval r { subject any action write resource Doc\n from Tenanted where same(approver, resource) }  # <-"
    ),
    "import std.agents (Supervised)\nsubject Bot is Supervised\nresource Doc\naction read on Doc\n"
    "require approval r { subject any action read resource Doc\n from Bot }  # <-",
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    approval = rule.approval
    if approval is None or approval.clause is None:
        return
    reach = context.shared(Reach)
    for pattern in approval.approvers:
        for key in sorted(pattern.types & context.program.autonomous):
            if approval.where is not None:
                asked = reach.origins.condition(approval.where)
                if reach.origins.decided(asked, {("approver",): key}) is False:
                    continue
            name = context.program.types[key].name
            roles = " or ".join(role.text for role in pattern.node.roles)
            context.report(
                pattern.node.span,
                f"an agent can give the approval that `{rule.decl.name.text}` asks for",
                f"covers `{name}`",
                notes=["an approval is there so that a person looks; what misleads one agent misleads the next"],
                help=f"name the people who may: `from {a_person(context.program)}{' with role ' + roles if roles else ''}`",
            )
            break


LINT = Lint(rule=_rule)
