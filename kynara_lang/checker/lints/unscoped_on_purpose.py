'''A permit says on purpose that nothing bounds it.

## What it finds

Every `scope any "reason"`: a permit that reaches all resources of its types, with the reason its author gives.

## Why it matters

Such a permit can be right, and whoever reviews a policy wants the list of all of them. So this is a note, and quiet:
`kynara check --statistics` lists it, and so does `--select KYN305`.

## Avoid

```kyn
subject User
resource Doc
action read on Doc

permit read_all "People read documents" {
  subject  User
  action   read
  resource Doc
  scope    any "not thought about yet"
}
```

## Prefer

```kyn
subject User { team: String }
resource Doc { team: String }
action read on Doc

permit read_own "People read the documents of their team" {
  subject  User
  action   read
  resource Doc
  scope    subject.team == resource.team
}
```

## Options

None.

## What it cannot see

Whether the reason is a good one.
'''

from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import RuleSymbol

VALID = (
    rules('permit p "d" { subject User action read resource Doc scope subject == resource.owner }'),
    rules('permit p "d" { subject User action read resource Doc scope delegated }'),
    rules("forbid f { subject any action any resource any }"),
)
INVALID = (
    rules('permit p "d" { subject User action read resource Doc\n scope any "all is public" }  # <-'),
    rules('permit p "d" { subject any action doc_actions resource any\n scope any "x" when context.mfa }  # <-'),
    rules('permit p "d" { subject User with role staff action read resource Tenanted\n scope any "x" }  # <-'),
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    for condition in rule.conditions:
        clause = condition.clause
        if isinstance(clause, ast.ScopeClause) and condition.expr is None and clause.reason is not None:
            context.report(
                clause.span,
                f"the permit `{rule.decl.name.text}` reaches every resource of its types, on purpose",
                "nothing bounds it",
                notes=[f"the reason given: {clause.reason.value}"],
            )


LINT = Lint(rule=_rule)
