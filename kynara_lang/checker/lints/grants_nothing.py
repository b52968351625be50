"""A policy permits nothing at all.

## What it finds

A program in which no request can be allowed: it has no `permit`, or every `permit` is over or never valid (KYN507), or
its files are empty. A `permit` of a library counts if the program imports it by name.

Files that are a library themselves are left alone: files that are all modules `std.…`, or of which none declares an
entity type or an action.

## Why it matters

Without a `permit` every request is denied, by default. A policy of nothing but `forbid` rules looks strict and careful,
and means: deny everything. Often the permits are in a file that was not checked with the others, or were expected from
an import: importing a library only ever narrows what is allowed.

## Avoid

```kyn
subject User
subject Agent
resource Doc {
  secret: Bool
}
action read on Doc

forbid no_secrets "Agents read no secrets" {
  subject  Agent
  action   read
  resource Doc
  when     resource.secret
}
```

## Prefer

```kyn
subject User
subject Agent
resource Doc {
  secret: Bool
  owner:  User
}
action read on Doc

permit own_docs "Users read their documents" {
  subject  User
  action   read
  resource Doc
  scope    subject == resource.owner
}

permit for_users "Agents read what those they act for may read" {
  subject  Agent
  action   read
  resource Doc
  scope    delegated and delegator is User
}

forbid no_secrets "Agents read no secrets" {
  subject  Agent
  action   read
  resource Doc
  when     resource.secret
}
```

## Options

None.

## What it cannot see

A permit whose conditions can never hold (KYN501), or that a forbid covers (KYN503).
"""

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import Program
from ..uses import is_library
from ..validity import inverted, later, over

VALID = (
    rules('permit p "d" { subject any action any resource any scope delegated valid until 2099-01-01 }'),
    "trait Tenanted { tenant: String }\nforbid f { subject Tenanted action any resource Tenanted }",
    "module std.github\nsubject User\nresource Repo\naction push on Repo\n"
    "forbid f { subject any action push resource Repo }",
    "let cap = 50.00\nrole staff",
)
INVALID = (
    rules("forbid f { subject any action any resource any }  # <-"),
    "# only a comment  # <-\n",
    rules(
        "forbid f { subject any action any resource any }\npermit p {\n subject any action doc_actions resource any\n"
        " scope delegated valid until 2020-01-01 }"
    ).replace("permit p {", "permit p {  # <-"),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted  # <-\nresource Doc is Tenanted\naction read on Doc",
)


_NOTE = "nothing is allowed without a `permit`; `forbid` and `require approval` only take away"


def _program(context: Context) -> None:
    permits = [rule for rule in context.program.rules if rule.effect == "permit"]
    if any(not inverted(rule) and not over(rule, context.today) for rule in permits):
        return
    if context.shared(is_library):
        return
    declared = [decl for module in context.modules for decl in module.declarations]
    message = "this policy permits nothing, so every request is denied"
    if not declared:
        if context.modules:
            start = Span(context.modules[0].source, 0, 0)
            context.report(start, message, "nothing is declared", notes=[_NOTE], help=_example("User", "read", "Doc"))
        return
    rules = [rule for rule in context.rules if rule.effect == "permit"] or context.rules
    if permits:
        label, cure = "no `permit` is valid today", "move the end of one that is still meant"
        if context.today is not None:
            cure += f", such as `valid until {later(context.today)}`"
    else:
        label = "no rule of the policy is a `permit`" if rules else "the policy has no rules"
        cure = _example(*_names(context.program))
    spans = [rule.decl.name.span for rule in rules] or [_first_word(declared[0].span)]
    place = min(spans, key=lambda span: (span.source.name, span.start))
    context.report(place, message, label, notes=[_NOTE], help=cure)


def _first_word(span: Span) -> Span:
    return Span(span.source, span.start, span.start + len(span.text.split()[0]))


def _names(program: Program) -> tuple[str, str, str]:
    """Return a subject type, an action and a resource type of a program for an example of a permit."""
    groups = {key for kind in program.types.values() for key in kind.parents}
    subjects = [kind.name for kind in program.types.values() if kind.kind == "subject" and kind.key not in groups]
    subject = subjects[0] if subjects else "any"
    action = next((action for action in program.actions.values() if action.on), None)
    if action is None:
        return subject, "any", "any"
    on = min(action.on, key=lambda key: (program.types[key].kind == "subject", key))
    return subject, action.name, program.types[on].name


def _example(subject: str, action: str, resource: str) -> str:
    return (
        'say who may do what, such as\npermit NAME "Who may do this, and what for" {\n'
        f"  subject  {subject}\n  action   {action}\n  resource {resource}\n"
        "  scope    …\n}"
    )


LINT = Lint(program=_program)
