"""A scope is true of every resource.

## What it finds

Scopes that hold whatever the resource is: `true`, `1 == 1`, a value compared with itself, `like "*"`, `.starts_with("")`,
a path `within "/"`, an address `within "0.0.0.0/0"` or `"::/0"`, `has` of an attribute that is never missing, all values of
an enum listed, or a condition joined by `or` with its contrary. One such alternative is enough to make a whole `or` true.
Types count: `resource is Doc` says nothing in a permit on `Doc`. Predicates are looked into, and so is what a quantifier says
of each member of a set that is written out.

## Why it matters

The scope says which resources a grant reaches. This one looks like a limit in a review and is none: the permit reaches every
resource of its types, those of other tenants too. If that is meant, `scope any "reason"` says so, and who reads it knows why.

## Avoid

```kyn
subject Agent { home: Path }
resource File { path: Path }
action read on File effects reads_private

permit read_files "Agents read files" {
  subject  Agent
  action   read
  resource File
  scope    resource.path within "/"
}
```

## Prefer

```kyn
subject Agent { home: Path }
resource File { path: Path }
action read on File effects reads_private

permit read_files "Agents read the files below their folder" {
  subject  Agent
  action   read
  resource File
  scope    resource.path within subject.home
}
```

## Options

None.

## What it cannot see

It compares values with constants, with each other, and types; it does not calculate: `resource.size * 0 == 0` passes. A scope
that is true of every resource of one of several types (`resource is Folder or resource.owner == subject`) is left alone, and
so is one that happens to hold for all the data there is.
"""

from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.bounds import (
    Blamed,
    blamed,
    bounding_when,
    every_type,
    everywhere,
    in_line,
    of_types,
    scope_of,
    suggested,
)
from ..logic.formula import Formula
from ..logic.regions import Region, Regions
from ..symbols import RuleSymbol

_HEAD = "subject User action read resource Doc"

VALID = (
    rules(f'permit p "d" {{ {_HEAD} scope subject == resource.owner or subject in resource.readers }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.status in {{"draft", "final"}} and subject == resource.owner }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.path within "/" and subject == resource.owner }}'),
    rules(f'permit p "d" {{ {_HEAD} scope not (resource.path within "/") }}'),
    rules(f'permit p "d" {{ {_HEAD} scope context.ip within "0.0.0.0/1" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope not (context.ip within {{"10.0.0.0/8", "::1"}}) }}'),
    rules('permit p "d" { subject any action read resource any scope resource is Doc and resource.size > 3 }'),
    rules('permit p "d" { subject any action any resource any scope resource is Doc }'),
    rules(f'permit p "d" {{ {_HEAD} scope any "all documents are public" when true }}'),
    rules(f'permit p "d" {{ {_HEAD} scope delegated }}'),
    rules(f'permit p "d" {{ {_HEAD} scope false }}'),
    rules(f'permit p "d" {{ {_HEAD} scope any d in {{Doc::"x", Doc::"y"}}: d == resource }}'),
    rules(f'permit p "d" {{ {_HEAD} scope all r in resource.readers: r in subject }}'),
    rules(f'let twice(n: Int) = n * 2\npermit p "d" {{ {_HEAD} scope twice(resource.size) == subject.level }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource has note }}'),
    rules("let own(u: User, d: Doc) = u == d.owner\n" + f'permit p "d" {{ {_HEAD} scope own(subject, resource) }}'),
    rules(f"forbid f {{ {_HEAD} when resource.size == resource.size }}"),
)
INVALID = (
    rules(f'permit p "d" {{ {_HEAD}\n scope true }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope 1 == 1 and resource.owner == resource.owner }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.title like "*" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.title.starts_with("") }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.path within "/" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope context.ip within {{"0.0.0.0/0", "::/0"}} }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope subject == resource.owner or\n  resource.path within "/" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.size > 5 or resource.size <= 5 }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.status in {{"draft", "final"}} }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource has owner when subject == resource.owner }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope any d in {{resource}}: d == resource }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope any u in {{subject, resource.owner}}: u == subject }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope all l in resource.labels: l in resource.labels }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope all r in resource.readers: r == subject or r != subject }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.labels.contains_all(resource.labels) }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.path within resource.path }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.owner is User }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope (resource.size == 1) != (resource.size != 1) }}  # <-'),
    rules('permit p "d" { subject User action read resource Tenanted\n scope resource is Tenanted }  # <-'),
    rules('permit p "d" { subject User action doc_actions resource any\n scope resource is Doc }  # <-'),
    rules(
        'let root = "/"\nlet readable(d: Doc) = d.path within root\n'
        f'permit p "d" {{ {_HEAD}\n scope readable(resource) }}  # <-'
    ),
    rules(
        'let known(t: Tenanted) = t.tenant != "" or t.tenant.length() >= 0\n'
        'permit p "d" { subject User with role lead action read resource Doc\n scope known(resource) when context.mfa }  # <-'
    ),
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    'permit p "d" { subject User action read resource Doc\n scope same_tenant(resource, resource) }  # <-',
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    scope = scope_of(rule)
    if scope is None or scope.expr is None:
        return
    regions = context.shared(Regions)
    region = regions.of(rule)

    def vacuous(said: Formula) -> bool:
        return regions.implies(of_types(region), everywhere(said))

    if region.empty or not vacuous(regions.reading.formula(scope.expr)):
        return
    found = blamed(regions.reading, scope.expr, vacuous)
    _report(rule, found, region, context)


def _report(rule: RuleSymbol, found: Blamed, region: Region, context: Context) -> None:
    when = bounding_when(rule, context.shared(Regions).reading)
    labels = []
    if found.inner is not None:
        inner = "this alternative always holds" if found.inner_alternative else "this always holds"
        labels.append((found.inner.span, inner))
    if when is not None:
        labels.append((when.span, "what bounds the resource stands here"))
        consequence = "what bounds the resources of a permit belongs into its scope, where it is looked for"
    else:
        consequence = f"so the permit reaches {every_type(context.program, region)}"
    reason = _why(found.inner or found.expr)
    context.report(
        found.expr.span,
        f"the scope of `{rule.decl.name.text}` is true of every resource",
        "true of everything, and so is the whole scope" if found.alternative else "true of everything",
        labels=labels,
        notes=[*([reason] if reason else []), consequence],
        help=_cure(found, when, region, context),
    )


def _cure(found: Blamed, when: ast.Expr | None, region: Region, context: Context) -> str:
    otherwise = 'if all are meant, say why: `scope any "reason"`'
    if found.alternative:
        return f"delete this alternative, or narrow it; {otherwise}"
    if when is not None:
        return f"write it as the scope: `scope {in_line(when) or '…'}`"
    bound = suggested(context.program, region)
    if bound is not None:
        return f"write what bounds it, such as `scope {bound}`; {otherwise}"
    return f"compare the resource, or an attribute of it, with the subject or with constants; {otherwise}"


def _why(expr: ast.Expr) -> str | None:
    """Say what makes a test true of everything, where that may need saying."""
    match expr:
        case ast.Binary("like"):
            return "a `*` stands for any text, also the empty one"
        case ast.Binary("within", _, ast.StringLit(place)) if "/" in place:
            return (
                "every absolute path lies within `/`"
                if place == "/"
                else f"every address of its kind lies in `{place}`"
            )
        case ast.Binary("==", left, right) if left.span.text == right.span.text:
            return "a value is always equal to itself"
        case ast.MethodCall(_, name, _) if name.text in ("starts_with", "ends_with", "contains"):
            return "every text holds the empty one"
        case ast.Has(_, name):
            return f"`{name.text}` is not optional, so it is never missing"
        case ast.Binary("in"):
            return "all possible values are listed"
        case ast.Is(ast.Attribute() as value):
            return f"`{value.span.text}` is never anything else"
        case ast.Is(_, kind):
            return f"the permit is about nothing but `{kind.text}`"
        case ast.Or():
            return "what one alternative leaves out, another takes in"
    return None


LINT = Lint(rule=_rule)
