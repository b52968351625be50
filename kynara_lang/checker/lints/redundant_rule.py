"""A rule says only what another says already.

## What it finds

A permit of which every request is also permitted by another permit; a forbid all of which another forbid, also one of an
imported library, forbids. The other rule is named.

## Why it matters

Who deletes or narrows the redundant rule expects a change, and there is none: the other rule goes on granting. That is how
a right survives its removal.

## Avoid

```kyn
subject User { team: String }
resource Doc { team: String }
action read on Doc

role staff
role manager extends staff

permit staff_read "Staff reads the documents of its team" {
  subject  User with role staff
  action   read
  resource Doc
  scope    subject.team == resource.team
}

permit managers_read "Managers read the documents of their team" {
  subject  User with role manager
  action   read
  resource Doc
  scope    subject.team == resource.team
}
```

## Prefer

```kyn
subject User { team: String }
resource Doc { team: String }
action read on Doc

role staff
role manager extends staff

permit staff_read "Staff reads the documents of its team" {
  subject  User with role staff
  action   read
  resource Doc
  scope    subject.team == resource.team
}

permit managers_read "Managers read every document" {
  subject  User with role manager
  action   read
  resource Doc
  scope    any "managers answer for all teams"
}
```

## Options

None.

## What it cannot see

It compares one rule with one other, and sixty of them at most; what several rules cover only together is not found. A
`require approval` is never redundant: each asks for an approval of its own.
"""

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.formula import conjuncts, literals
from ..logic.regions import Region, Regions
from ..symbols import RuleSymbol
from ..words import rule_in_words

_WRITE = "subject User action write resource Doc"

VALID = (
    rules(
        f'permit p "d" {{ {_WRITE} scope subject == resource.owner }}\n'
        f'permit q "d" {{ {_WRITE} scope subject in resource.readers }}'
    ),
    rules(
        'permit p "d" { subject User with role lead action write resource Doc scope delegated }\n'
        'permit q "d" { subject User with role staff action read resource Doc scope delegated }'
    ),
    rules(
        f"forbid f {{ {_WRITE} when resource.size > 3 }}\n"
        f"forbid g {{ {_WRITE} when resource.size > 5 and resource.owner.level > 2 }}"
    ),
    rules(
        f"require approval f {{ {_WRITE} from User with role lead }}\n"
        f"require approval g {{ {_WRITE} when resource.size > 5 from User with role staff }}"
    ),
    rules(
        f'permit p "d" {{ {_WRITE} scope subject == resource.owner valid until 2027-01-01 }}\n'
        f'permit q "d" {{ {_WRITE} scope subject == resource.owner valid until 2028-01-01 when context.mfa }}'
    ),
)
INVALID = (
    rules(
        'permit p "d" { subject User action doc_actions resource Doc scope subject == resource.owner }\n'
        f'permit q "d" {{ {_WRITE} scope subject == resource.owner when context.mfa }}  # <-'
    ),
    rules(
        'permit p "d" { subject User with role staff action write resource Doc scope delegated }\n'
        'permit q "d" { subject User with role lead action write resource Doc scope delegated }  # <-'
    ),
    rules(
        "let mine(u: User, d: Doc) = u == d.owner\nlet small(d: Doc) = d.size < 10\n"
        f'permit p "d" {{ {_WRITE} scope mine(subject, resource) }}\n'
        f'permit q "d" {{ {_WRITE} scope subject == resource.owner when small(resource) }}  # <-'
    ),
    rules(
        "forbid f { subject Tenanted action any resource Doc when resource.size > 3 }\n"
        f"forbid g {{ {_WRITE} when resource.size > 5 }}  # <-"
    ),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    "forbid f {  # <-\n subject User action read resource Doc when subject.tenant != resource.tenant }",
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    regions = context.shared(Regions)
    region = regions.of(rule)
    if rule.effect == "require_approval" or region.empty or (rule.effect == "forbid" and region.failing):
        return
    for other in regions.index(rule.effect).might_cover(region):
        if not _certain(region, other) or not regions.implies(region.formula, other.formula):
            continue
        if regions.implies(other.formula, region.formula) and _certain(other, region):
            # They say the same. Said in the same words, that is a duplicate; else the later one is blamed.
            same = set(conjuncts(other.formula)) == set(conjuncts(region.formula))
            if (same and not other.rule.library) or _place(rule) < _place(other.rule):
                continue
        if not regions.possible(region.formula):
            return
        verb = {"permit": "permits", "forbid": "forbids"}[rule.effect]
        context.report(
            rule.decl.name.span,
            f"{rule_in_words(rule)} says nothing new: `{other.rule.decl.name.text}` {verb} all of it",
            "covered by another rule",
            labels=[(other.rule.decl.name.span, f"this {verb} all of it")],
            notes=["deleting it changes no decision"],
            help="delete it" if other.rule.library else "delete it, or narrow the other one",
        )
        return


def _certain(region: Region, other: Region) -> bool:
    """Whether the other rule surely comes to no error where a permit of this region matches."""
    if other.rule.effect == "forbid" or not other.failing:
        return True  # an error in a forbid makes it match
    evaluated = {lit.term for part in conjuncts(region.formula) for lit in literals(part) if part == lit}
    return all(term in evaluated for term in other.failing)


def _place(rule: RuleSymbol) -> tuple[bool, str, int]:
    span: Span = rule.decl.name.span
    return (not rule.library, span.source.name, span.start)


LINT = Lint(rule=_rule)
