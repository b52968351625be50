"""A quorum is larger than the number of possible approvers.

## What it finds

A `require approval` whose approvers are all named one by one, and that asks for more of them than there are. They are
named by patterns such as `User::"ann"`, or by a set that `where` compares the approver with, also through a `let`.
Somebody named twice counts once, and who is the only possible subject does not count: nobody in the chain can approve.

## Why it matters

An approval that cannot be given is a `forbid` that does not say so. The agent asks, people approve, and the call still
waits; after a while somebody "fixes" it by deleting the rule. Often the quorum is right and the list has shrunk: whoever
left was taken out, and the number stayed.

## Avoid

```kyn
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

require approval four_eyes "Two people look at it first" {
  subject  Agent
  action   drop
  resource Database
  from     User::"ann"
  quorum   2
}
```

## Prefer

```kyn
role operator
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

require approval four_eyes "Two people look at it first" {
  subject  Agent
  action   drop
  resource Database
  from     User with role operator
  quorum   2
}
```

A role outlives the people who hold it.

## Options

None.

## What it cannot see

How many people hold a role, or are in a group. That somebody named no longer exists. That an approver is in the chain
of some requests and not of others: then one less can approve.
"""

from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..reach import Reach
from ..symbols import RuleSymbol

VALID = (
    rules('require approval r { subject any action write resource Doc from User::"a", User::"b" quorum 2 }'),
    rules("require approval r { subject any action write resource Doc from User with role lead quorum 3 }"),
    rules('require approval r { subject any action write resource Doc from User::"a", User in Team::"t" quorum 2 }'),
    rules(
        'let board = Team::"board"\n'
        "require approval r { subject any action write resource Doc from User where approver in board quorum 2 }"
    ),
    rules(
        'require approval r { subject any action write resource Doc from User where approver != User::"a" quorum 2 }'
    ),
    rules(
        'require approval r { subject any action write resource Doc from User where resource.owner == User::"a" quorum 2 }'
    ),
)
INVALID = (
    rules('require approval r { subject any action write resource Doc from User::"a"\n quorum 2 }  # <-'),
    rules(
        'require approval r { subject Tenanted action doc_actions resource any from User::"a", User::"b", User::"a"\n'
        " quorum 3 }  # <-"
    ),
    rules(
        'let board = {User::"a", User::"b", User::"c"}\nlet may_sign(u: User, d: Doc) = d.size > 3 and u in board\n'
        "require approval r { subject any action write resource Doc from User with role lead where may_sign(approver, resource)\n"
        " quorum 4 }  # <-"
    ),
    rules(
        'require approval r { subject User::"a" action write resource Doc from User::"a", User::"b"\n quorum 2 }  # <-'
    ),
    rules(
        'require approval r { subject any action write resource Doc from User where not (approver != User::"a")\n'
        " quorum 2 }  # <-"
    ),
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    approval = rule.approval
    if approval is None or approval.clause is None:
        return
    reach = context.shared(Reach)
    named = reach.approvers_named(approval)
    if named is None:
        return
    outside = named - reach.only_subject(rule)
    if not 0 < len(outside) < approval.quorum:
        return  # where there is nobody at all, that is what KYN601 reports
    clause = next(clause for clause in rule.decl.clauses if isinstance(clause, ast.QuorumClause))
    people = _people(outside, context)
    notes = [f"who can approve: {people}"]
    if len(outside) < len(named):
        notes.append(
            f"{_people(named - outside, context)} is who asks, and nobody in the chain of a request can approve it"
        )
    context.report(
        clause.count.span,
        f"`{rule.decl.name.text}` asks for {approval.quorum} approvers, and only {len(outside)} can ever approve",
        f"more than the {len(outside)} there {'is' if len(outside) == 1 else 'are'}",
        labels=[(approval.clause.span, "all who can approve are named here")],
        notes=[*notes, "an approval that cannot be given forbids"],
        help="name more approvers, or a role that enough people hold, such as `from User with role operator`",
    )


def _people(entities: frozenset[str], context: Context) -> str:
    shown = []
    for entity in sorted(entities):
        key, _, identity = entity.partition("::")
        shown.append(f'`{context.program.types[key].name}::"{identity}"`')
    return ", ".join(shown[:6]) + (" …" if len(shown) > 6 else "")


LINT = Lint(rule=_rule)
