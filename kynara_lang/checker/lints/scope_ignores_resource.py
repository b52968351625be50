"""A scope does not mention the resource.

## What it finds

Scopes that can hold without a look at the resource: conditions about the subject, the context or the arguments alone, and
predicates that take the resource and never use it. In an `or`, one such alternative is enough; in an `and`, one condition
that mentions the resource suffices, unless it is true of every resource. `scope delegated` is fine, because the delegator's own permissions bound it, and so is
a permit whose resource patterns each name one entity or a group.

## Why it matters

Who may do something, and when, does not say on what. A permit with `scope context.mfa` lets whoever has signed in twice reach
every resource of its types, and the line looks as if there were a limit. Scopes that only compare arguments with each other
or with the subject are worse: the caller chooses both sides.

## Avoid

```kyn
subject User { team: String }
resource Doc { team: String }
action read on Doc
context { mfa: Bool }

permit read_docs "People read documents once they have signed in twice" {
  subject  User
  action   read
  resource Doc
  scope    context.mfa
}
```

## Prefer

```kyn
subject User { team: String }
resource Doc { team: String }
action read on Doc
context { mfa: Bool }

permit read_docs "People read the documents of their team once they have signed in twice" {
  subject  User
  action   read
  resource Doc
  scope    resource.team == subject.team
  when     context.mfa
}
```

## Options

None.

## What it cannot see

Whether what is said of the resource is a bound: `resource.size > 0` mentions it. A scope that is always true has KYN302, one
that excludes only some values KYN307, and one that rests on what the caller chooses KYN306.
"""

from ...syntax import ast, walk
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.bounds import (
    Blamed,
    blamed,
    bounded_by_pattern,
    bounding_when,
    every_type,
    everywhere,
    ignores_resource,
    in_line,
    mentions_resource,
    of_types,
    scope_of,
    suggested,
    without_idle,
)
from ..logic.formula import Formula
from ..logic.regions import Region, Regions
from ..symbols import RuleSymbol

_HEAD = "subject User action read resource Doc"

VALID = (
    rules(f'permit p "d" {{ {_HEAD} scope subject == resource.owner when context.mfa }}'),
    rules(f'permit p "d" {{ {_HEAD} scope context.mfa and subject in resource.readers }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.tenant == "acme" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope delegated and subject holds staff }}'),
    rules(f'permit p "d" {{ {_HEAD} scope delegated or subject == resource.owner }}'),
    rules(
        f'permit p "d" {{ {_HEAD} scope (context.mfa and subject in resource.readers) or subject == resource.owner }}'
    ),
    rules(f'permit p "d" {{ {_HEAD} scope subject has boss and subject.boss == resource.owner unless context.mfa }}'),
    rules(
        'permit p "d" { subject User action read resource Doc::"handbook", Doc in Folder::"public" scope subject holds staff }'
    ),
    rules('permit p "d" { subject User action read resource Doc scope any "all is public" when subject holds staff }'),
    rules(f'permit p "d" {{ {_HEAD} scope true }}'),  # KYN302
    rules(f'permit p "d" {{ {_HEAD} scope subject.level > 3 and subject.level < 2 }}'),  # KYN501
    rules(
        'permit p "d" { subject User action read resource Doc scope subject is Tenanted and resource in Folder::"x" }'
    ),
    rules(f"forbid f {{ {_HEAD} when context.mfa }}"),
    rules(
        "let own(u: User, d: Doc) = context.mfa and u == d.owner\n"
        f'permit p "d" {{ {_HEAD} scope own(subject, resource) }}'
    ),
)
INVALID = (
    rules(f'permit p "d" {{ {_HEAD}\n scope context.mfa }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope context.mfa when subject == resource.owner }}  # <-'),
    rules('permit p "d" { subject any action read resource any\n scope subject holds staff }  # <-'),
    rules('permit p "d" { subject User action share resource Doc\n scope args.tenant == subject.tenant }  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope subject in Team::"x" and context.ip within "10.0.0.0/8" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} scope subject == resource.owner or\n  subject holds lead }}  # <-'),
    rules(
        f'permit p "d" {{ {_HEAD} scope subject holds staff and (subject == resource.owner or\n  context.mfa) }}  # <-'
    ),
    rules(f'permit p "d" {{ {_HEAD}\n scope context.mfa and resource.path within "/" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope subject.manager and (resource.size < 3 or resource.size >= 3) }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope any u in {{subject}}: u.manager }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} scope delegated or\n subject.manager }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope not delegated }}  # <-'),
    rules('permit p "d" { subject User action read resource Doc::"handbook", Doc\n scope subject holds staff }  # <-'),
    rules(
        "let senior(u: User, d: Doc) = u.level > 3 or u.manager\n"
        f'permit p "d" {{ {_HEAD}\n scope senior(subject, resource) }}  # <-'
    ),
    rules(
        "let own(u: User, d: Doc) = u == d.owner\nlet mine(u: User, d: Doc) = own(u, d) or u holds lead\n"
        f'permit p "d" {{ {_HEAD}\n scope mine(subject, resource) }}  # <-'
    ),
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted { boss: User }\nresource Doc is Tenanted\n"
    "action read on Doc\n"
    'permit p "d" { subject User action read resource Doc\n scope same_tenant(subject, subject.boss) }  # <-',
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    scope = scope_of(rule)
    regions = context.shared(Regions)
    region = regions.of(rule)
    if scope is None or scope.expr is None or region.empty or bounded_by_pattern(rule):
        return
    types = of_types(region)

    def vacuous(said: Formula) -> bool:
        return regions.implies(types, everywhere(said))

    def ignoring(said: Formula) -> bool:
        return ignores_resource(without_idle(said, vacuous)) and regions.possible(types, said)

    said = regions.reading.formula(scope.expr)
    if not ignoring(said) or vacuous(said) or not regions.possible(region.formula):
        return
    found = blamed(
        regions.reading, scope.expr, ignoring, first=lambda said: mentions_resource(without_idle(said, vacuous))
    )
    _report(rule, found, region, context)


def _report(rule: RuleSymbol, found: Blamed, region: Region, context: Context) -> None:
    always = "always " if found.alternative or found.inner_alternative else ""
    when = bounding_when(rule, context.shared(Regions).reading)
    labels = [] if found.inner is None else [(found.inner.span, _inner_label(found))]
    if when is not None:
        labels.append((when.span, "what is said of the resource stands here"))
        note = "what bounds the resources of a permit belongs into its scope, where it is looked for"
    else:
        note = f"so the permit reaches {every_type(context.program, region)} once this holds"
    context.report(
        found.expr.span,
        f"the scope of `{rule.decl.name.text}` does not {always}look at the resource",
        _label(found, context.shared(Regions).reading.formula(found.expr)),
        labels=labels,
        notes=[note],
        help=_cure(found, when, region, context),
    )


def _label(found: Blamed, said: Formula) -> str:
    if found.inner_alternative:
        return "this can hold without a look at the resource"
    if mentions_resource(said):
        return "what this says of the resource is true of every resource"
    if any(isinstance(node, ast.Var) and node.name == "resource" for node in walk.descend(found.expr)):
        return "the resource is passed on, and not looked at"
    return (
        "this alternative does not look at the resource" if found.alternative else "this does not look at the resource"
    )


def _inner_label(found: Blamed) -> str:
    return "by this alternative" if found.inner_alternative else "this is all it asks"


def _cure(found: Blamed, when: ast.Expr | None, region: Region, context: Context) -> str:
    moved = f"`when {text}`" if (text := in_line(found.expr)) else "a `when`"
    if when is not None and not found.alternative:
        return f"swap them: `scope {in_line(when) or '…'}`, and this as {moved}"
    if found.alternative or found.inner_alternative:
        return "bound this alternative too, or delete it; what is about the subject or the context alone goes into a `when`"
    bound = suggested(context.program, region)
    example = f", such as `scope {bound}`" if bound else ""
    return f"write in the scope what bounds the resource{example}, and this as {moved}"


LINT = Lint(rule=_rule)
