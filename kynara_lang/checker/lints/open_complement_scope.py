"""A scope reaches everything except a few values.

## What it finds

Scopes made of exclusions alone: `!=`, `not in`, `not … like`, `not … within`, `not … in resource.…`, `not … holds …`, also
through predicates, for some or all members of a set, and in one alternative of an `or`. `x < 5 or x > 5` is such an exclusion,
and what is true of every resource does not bound what stands beside it. Whether the other side is a constant (`resource.tenant != "acme"`) or a value of the request
(`resource.tenant != subject.tenant`) does not matter. An exclusion from a closed list is fine: of an enum, of `true` and
`false`, of the declared types. So is any exclusion beside a condition that bounds the resource in the positive.

## Why it matters

A list of exclusions is right on the day it is written. The tenant that is added next year, the folder that nobody thought of,
the misspelt label: all fall into the grant, and nobody has to change the policy for it. Naming what is meant fails the other
way round: what is new stays out until somebody lets it in.

## Avoid

```kyn
subject Agent
resource Repo { team: String }
action read on Repo

permit read_repos "Agents read all repositories but those of security" {
  subject  Agent
  action   read
  resource Repo
  scope    resource.team != "security"
}
```

## Prefer

```kyn
subject Agent
resource Repo { team: String }
action read on Repo

permit read_repos "Agents read the repositories of the teams that take part" {
  subject  Agent
  action   read
  resource Repo
  scope    resource.team in {"web", "search"}
}
```

## Options

None.

## What it cannot see

Ranges with one end are bounds to it, also wide ones (`resource.size > 0`), and so is a pattern that matches nearly everything.
What is excluded by a quantifier over several sets at once is left alone.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from ...semantics.types import BOOL, IP, Enum
from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.bounds import (
    Blamed,
    blamed,
    bounded_by_pattern,
    every_type,
    everywhere,
    of_types,
    scope_of,
    suggested,
    without_idle,
)
from ..logic.domains import Domain, Intervals
from ..logic.formula import All, AnyOf, Fact, Formula, Member, Term, all_of, every_value, negated
from ..logic.reading import DELEGATED
from ..logic.regions import Region, Regions
from ..symbols import RuleSymbol

_HEAD = "subject User action read resource Doc"

VALID = (
    rules(f'permit p "d" {{ {_HEAD} scope resource.tenant == subject.tenant and resource.title != "secret" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.status != "draft" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.title in {{"a", "b"}} and resource.title != "b" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.size > 3 and not (resource.size > 9) }}'),
    rules(f'permit p "d" {{ {_HEAD} scope subject == resource.owner when resource.title != "secret" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope not (resource.path within "/secret") and resource.path within "/docs" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope delegated and resource.title != "secret" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.title != "secret" when subject == resource.owner }}'),
    rules(f'permit p "d" {{ {_HEAD} scope any "all is public" unless resource.title == "secret" }}'),
    rules(f'permit p "d" {{ {_HEAD} scope not (resource.title != "handbook") }}'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.size in {{1, 2}} or not (resource.size != 5) }}'),
    rules(
        'permit p "d" { subject User action read resource Doc in Folder::"public" scope resource.title != "secret" }'
    ),
    rules(
        'permit p "d" { subject Agent action read resource Doc scope subject.trust != "low" and resource.owner == subject.owner }'
    ),
    rules('permit p "d" { subject any action any resource any scope not (resource is Folder) }'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.size < 5 or resource.size in {{7, 9}} }}'),
    rules(f'permit p "d" {{ {_HEAD} scope any r in resource.readers: r == subject }}'),
    rules(f'permit p "d" {{ {_HEAD} scope any t in {{"a", "b"}}: resource.title == t }}'),
    rules(
        'let inside(i: IP) = i within {"::1", "10.0.0.0/8", "240.0.0.0/4", "::/128"}\nresource Box { at: IP }\naction open on Box\n'
        'permit p "d" { subject User action open resource Box scope inside(resource.at) }'
    ),
    rules(f"forbid f {{ {_HEAD} when resource.tenant != subject.tenant }}"),
    rules(
        'let shown(t: Tenanted, d: Doc) = t.tenant == d.tenant and d.title != "secret"\n'
        f'permit p "d" {{ {_HEAD} scope shown(subject, resource) }}'
    ),
)
INVALID = (
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.tenant != "acme" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.tenant != subject.tenant }}  # <-'),
    rules(
        f'permit p "d" {{ {_HEAD}\n scope resource.title not in {{"a", "b"}} and resource.owner != User::"x" }}  # <-'
    ),
    rules(
        f'permit p "d" {{ {_HEAD}\n scope not (resource.title like "secret*" or resource.path within "/secret") }}  # <-'
    ),
    rules(f'permit p "d" {{ {_HEAD} scope subject holds staff and\n  not (resource == Doc::"x") }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.size != 5 when context.mfa unless resource.title == "x" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope "secret" not in resource.labels }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope all l in resource.labels: l != "secret" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} scope subject == resource.owner or\n  resource.title != "secret" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} scope resource has note and\n  resource.note != "secret" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.size < 5 or resource.size > 5 }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope resource.size < subject.level or resource.size > subject.level }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope not (resource.owner holds staff) }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope any l in resource.labels: l != "secret" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope not resource.labels.contains_all({{"secret"}}) }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope not (any t in {{"a", "b"}}: t == resource.title) }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD} scope resource.path within "/" and\n resource.title != "secret" }}  # <-'),
    rules(f'permit p "d" {{ {_HEAD}\n scope (resource.owner == subject) == subject.manager }}  # <-'),
    rules('permit p "d" { subject any action read resource Tenanted\n scope resource not in Folder::"secret" }  # <-'),
    rules(
        'let secret = "secret"\nlet shown(d: Doc) = not (d.title == secret)\n'
        'permit p "d" { subject User with role lead action doc_actions resource Doc\n scope shown(resource) }  # <-'
    ),
    "import std.tenancy (Tenanted, same_tenant)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    'permit p "d" { subject User action read resource Doc\n scope not same_tenant(subject, resource) }  # <-',
)

_TESTS_OF_MEMBERSHIP = (
    "in",
    "element",
    "within",
    "holds",
    "glob",
    ".contains_any()",
    ".contains_all()",
    ".starts_with()",
    ".ends_with()",
    ".contains()",
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

    def is_open(said: Formula) -> bool:
        return _excludes(without_idle(said, vacuous)) is True and regions.possible(types, said)

    said = regions.reading.formula(scope.expr)
    conditions = all_of(part.demands for part in region.parts if part.kind in ("scope", "when", "unless"))
    if not is_open(said) or _excludes(without_idle(conditions, vacuous)) is not True:
        return  # or a `when` bounds the resource
    if vacuous(said) or not regions.possible(region.formula):
        return  # KYN302 and KYN501
    _report(rule, blamed(regions.reading, scope.expr, is_open), region, context)


def _excludes(said: Formula, *, inside: bool = False) -> bool | None:
    """Whether a formula only leaves out some resources; False if it bounds them, None if it says nothing of them.

    `inside` a quantifier over something of the resource, whatever is said counts.
    """
    match said:
        case All(parts):
            found = {_excludes(part, inside=inside) for part in parts}
            return False if False in found else True if True in found else None
        case AnyOf(parts):
            found = {_excludes(part, inside=inside) for part in (*parts, *_joined(parts))}
            return True if True in found else False if False in found else None
        case Fact(term, holds) if term == DELEGATED:
            return False if holds else None
        case Member(term) | Fact(term) if "resource" not in term.roots and not inside:
            return None
        case Member(term, domain):
            return None if term.head == "type" else _is_complement(term, domain)
        case Fact(term, holds):
            return _is_exclusion(term, holds)


def _joined(parts: Iterable[Formula]) -> Iterator[Formula]:
    """Yield what alternatives say together: `x < 5 or x > 5` is `x != 5`, and so with two values.

    Of addresses a list of ranges can hold the first and the last without being all but a few.
    """
    left_out: dict[Term, Intervals] = {}
    below = set[tuple[object, ...]]()
    for part in parts:
        match part:
            case Member(term, Intervals() as domain) if term.kind != IP:
                others = domain.complement()
                left_out[term] = others.meet(left_out.get(term, others))
            case Fact(Term("<", (a, b)) as term):
                if (b, a) in below:
                    yield Fact(Term("==", (a, b), BOOL, roots=term.roots), False)
                below.add((a, b))
    yield from (Member(term, domain.complement()) for term, domain in left_out.items())


def _is_complement(term: Term, domain: Domain) -> bool:
    """Whether a set of values is all but some, of a type that may get further ones."""
    if isinstance(term.kind, Enum):
        return False
    if isinstance(domain, Intervals):
        every = every_value(term)
        if not isinstance(every, Intervals):
            return False
        (lowest, _), (_, highest) = every.ranges[0], every.ranges[-1]
        left = domain.meet(every).ranges
        return bool(left) and left[0][0] == lowest and left[-1][1] == highest
    return domain.others


def _is_exclusion(term: Term, holds: bool) -> bool | None:
    """Whether a fact leaves some resources out and bounds the rest by nothing."""
    match term:
        case Term("has"):
            return None
        case Term("any", (_, said)) if not holds:
            return _excludes(negated(cast(Formula, said)), inside=True) is True
        case Term("any", (_, said)):
            return _excludes(cast(Formula, said), inside=True) is True
        case Term("==", (Term(kind=kind), _)):
            return not holds and kind != BOOL and not isinstance(kind, Enum)
    return not holds and term.head in _TESTS_OF_MEMBERSHIP


def _report(rule: RuleSymbol, found: Blamed, region: Region, context: Context) -> None:
    context.report(
        found.expr.span,
        f"the scope of `{rule.decl.name.text}` only says which resources it leaves out",
        "everything else is reached by this alternative" if found.alternative else "everything else is reached",
        labels=[(found.inner.span, "this only leaves something out")] if found.inner is not None else [],
        notes=[
            f"so {every_type(context.program, region)} that is added later is reached too, unless it happens to be one of these"
        ],
        help=_cure(found, region, context),
    )


def _cure(found: Blamed, region: Region, context: Context) -> str:
    bound = suggested(context.program, region)
    excluded = (found.inner or found.expr).span.text
    if bound is not None and bound.partition(" ")[0].rpartition(".")[2] in excluded:
        bound = None  # it says the contrary of what was meant
    match found.expr:
        case ast.Binary("!=" | "not in", left) if bound is None and not isinstance(left, ast.StringLit):
            bound = f"{left.span.text} in {{…}}" if "\n" not in left.span.text else None
    example = f", such as `scope {bound}`" if bound else " (with `==`, `in` or `within`)"
    return f"say in the positive what is reached{example}; what is left out can stand beside it, joined by `and`"


LINT = Lint(rule=_rule)
