"""A permit does not say in words what it is for.

## What it finds

A `permit` without a text behind its name, and without a `##` comment in front of it. A text that is empty, or that only
repeats the name, counts as none.

## Why it matters

The conditions of a permit say what it does. Only its author can say what it was meant to do, and a review compares the
two. The text is also what `kynara explain` shows to whoever asks why an agent was let through, perhaps at night and in a
hurry. A grant that nobody can explain is a grant that nobody dares to remove.

Only permits are asked for a description, because only they widen what is allowed.

## Avoid

```kyn
subject Agent {
  team: String
}
resource Ticket {
  team: String
}
action close on Ticket

permit p7 {
  subject  Agent
  action   close
  resource Ticket
  scope    subject.team == resource.team
}
```

## Prefer

```kyn
subject Agent {
  team: String
}
resource Ticket {
  team: String
}
action close on Ticket

permit agents_close_tickets "A team's agent closes the tickets of its own team" {
  subject  Agent
  action   close
  resource Ticket
  scope    subject.team == resource.team
}
```

Had the text said "closes tickets that the customer left unanswered", a reviewer would see that a condition is missing.

## Options

None.

## What it cannot see

Whether the description is true, or says more than the rule's name.
"""

import re

from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import RuleSymbol

VALID = (
    rules('permit p "People read what is theirs" { subject User action read resource Doc scope delegated }'),
    rules("## People read what is theirs.\npermit p { subject User action read resource Doc scope delegated }"),
    rules("forbid f { subject any action any resource any }"),
    rules("require approval r { subject any action any resource any from User }"),
)
INVALID = (
    rules("permit p { subject User action read resource Doc scope delegated }  # <-"),
    rules('permit p "  " { subject User with role staff action doc_actions resource any scope delegated }  # <-'),
    rules('permit read_docs "Read docs." { subject Tenanted action read resource Doc scope delegated }  # <-'),
    rules("# not documentation\npermit p {  # <-\n subject any action any resource any scope delegated }"),
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    "permit p {  # <-\n subject User action read resource Doc scope same_tenant(subject, resource) }",
)

_APART = re.compile(r"[\W_]+")


def _rule(rule: RuleSymbol, context: Context) -> None:
    if rule.effect != "permit":
        return
    name = rule.decl.name
    said = [_plain(text) for text in (rule.description, rule.decl.doc) if text]
    if any(text not in ("", _plain(name.text)) for text in said):
        return
    repeated = any(said)
    context.report(
        name.span,
        f"the permit `{name.text}` does not say what it is for",
        "its description only repeats this name" if repeated else "no description",
        notes=[
            "a review compares what a permit does with what it was meant to do, and `kynara explain` shows the text"
        ],
        help=f'say it behind the name: `permit {name.text} "Who may do this, and what for" {{`',
    )


def _plain(text: str) -> str:
    return _APART.sub(" ", text).strip().casefold()


LINT = Lint(rule=_rule)
