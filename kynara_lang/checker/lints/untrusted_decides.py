"""What the caller chooses decides a permit.

## What it finds

A condition that whoever asks can make come out as they like, where that makes the decision more permissive. Its values
are attributes or context fields marked `untrusted`, compared with constants, with arguments or with one another, and with
nothing else. Each part of an `and` is looked at by itself; of an `or`, one such alternative is enough.

- In a `permit`: a `when` that wants a certain value (`when context.client == "backend"`), or an `unless` that wants the
  opposite.
- In a `forbid`: an `unless` that a certain value lifts (`unless context.client == "backend"`), or a `when` that does the same.
- In a `require approval`: every condition of that kind, since nobody is asked if the caller says something else.

A permit that refuses a certain value, and a forbid that stops one (`forbid … when context.comment like "*bot*"`), are
weak, but they open nothing: they are not reported. Neither is a condition on arguments alone: what is asked for is what a
rule decides about.

## Why it matters

A condition on such a value looks like a lock, and the key hangs beside it. A user agent, a header, a note in a ticket: whoever
calls can set it, and an agent sets it as soon as a text that it reads tells it to. In a review the rule passes as
protection, so nobody adds the one that would have protected.

## Avoid

```kyn
subject Agent {
  team: String
}
resource Repository {
  team: String
}
action push on Repository
context {
  client: String untrusted
}

permit agents_push "Agents push to the repositories of their team, from the build system" {
  subject  Agent
  action   push
  resource Repository
  scope    subject.team == resource.team
  when     context.client == "build-system"
}
```

## Prefer

```kyn
subject Agent {
  team: String
}
resource Repository {
  team: String
}
action push on Repository
context {
  ip: IP
}

permit agents_push "Agents push to the repositories of their team, from the build system" {
  subject  Agent
  action   push
  resource Repository
  scope    subject.team == resource.team
  when     context.ip within "10.20.0.0/16"
}
```

The enforcement point sees the address of the connection itself. What the caller writes about itself it can only pass on.

## Options

None.

## What it cannot see

A value that the caller can choose and that is not marked `untrusted`. A condition that compares an untrusted value with a
trusted one (`context.code == subject.code`): it may be a secret that the caller has to know. What stands in a `scope` is
KYN306.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..origins import Both, Either, Formula, Test, has_marks, places_in, smaller
from ..reach import Reach
from ..symbols import RuleSymbol

_TYPES = """\
trait Noted { note: String untrusted  draft: Bool }
subject User { team: String  claim: String untrusted  code: String }
subject Agent { team: String  claim: String untrusted }
resource Page is Noted { team: String  size: Int  risk: Int untrusted }
action read, edit on Page (days: Int, reason: String) in work
context { mfa: Bool  portal: String untrusted  trusted: Bool untrusted  tags: Set<String> untrusted  score: Int untrusted }
"""


def _permit(more: str, subject: str = "User") -> str:
    return f'{_TYPES}permit p "d" {{ subject {subject} action work resource Page scope subject.team == resource.team\n {more}\n }}'


VALID = (
    _permit("when context.mfa and args.days < 30"),
    _permit("when context.portal == subject.team"),
    _permit('unless context.portal like "*bot*"'),
    _permit('when not ("spam" in context.tags) and resource.note != ""'),
    _permit('when context.mfa and (subject.team == "ops" or resource.size < 5)'),
    _permit('when context.mfa or args.reason == "x"'),
    _permit('when context.mfa and ((context.trusted and subject.team == "x") or resource.draft)'),
    _TYPES + 'forbid f { subject any action any resource Page when context.portal == "evil" unless context.mfa }',
    _TYPES + 'forbid f { subject Agent action any resource Noted when resource.note == "secret" }',
    _TYPES + "require approval r { subject Agent action any resource Page when args.days > 30 from User }",
    rules('permit p "d" { subject User action read resource Doc scope delegated when context.mfa }'),
)
INVALID = (
    _permit('when context.portal == "intranet"  # <-'),
    _permit("unless not context.trusted  # <-"),
    _permit('when subject.claim in {"x", "y"}  # <-', "User, Agent"),
    _permit("when context.mfa\n or context.trusted  # <-"),
    _permit("when args.days < context.score  # <-"),
    _TYPES + 'let cleared(n: Noted, u: User) = n.draft or any t in context.tags: t == "cleared"\n'
    'permit p "d" { subject User action work resource Page scope subject.team == resource.team\n'
    " when cleared(resource, subject) }  # <-",
    _TYPES + 'let from_build(p: String) = p.starts_with("build")\n'
    "forbid f { subject Agent action any resource Noted\n unless from_build(context.portal) }  # <-",
    _TYPES + 'forbid f { subject any action any resource Page\n when not (resource.note == "public") }  # <-',
    _TYPES
    + "require approval r { subject Agent action edit resource Page\n when resource.risk > 5  # <-\n from User }",
    _TYPES
    + 'require approval r { subject Agent action edit resource Page\n unless subject.claim == "x"  # <-\n from User }',
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Doc is Tenanted\naction read on Doc\n"
    "context { internal: Bool untrusted }\nforbid f { subject Tenanted action any resource Tenanted\n"
    " unless context.internal }  # <-",
)
# Who decides how a condition comes out: the caller by untrusted values, the caller by arguments alone, or others too.
_Decider: TypeAlias = Literal["untrusted", "arguments", "others"]
_EASIEST: tuple[_Decider, ...] = ("untrusted", "arguments", "others")
_EITHER_WAY = frozenset({"<", "<=", ">", ">="})


def _rule(rule: RuleSymbol, context: Context) -> None:
    if not context.shared(has_marks):
        return
    origins = context.shared(Reach).origins
    permit = rule.effect == "permit"
    for condition in rule.conditions:
        if condition.expr is None or condition.kind == "scope":
            continue
        # What must come out for a more permissive decision: that a permit matches, that another rule does not.
        wanted = origins.condition(condition.expr, positive=(condition.kind == "when") is permit)
        for part, place in _parts(wanted, condition.expr.span, all_of=permit):
            if _decider(part, everything=rule.effect == "require_approval") == "untrusted":
                _report(rule, part, place, context)


def _parts(formula: Formula, place: Span, *, all_of: bool) -> Iterator[tuple[Formula, Span]]:
    """Yield the parts of a condition that count each by itself, with their places; what lets stand for is split too."""
    place = smaller(place, formula.node)
    if isinstance(formula, Test) or (len(formula.parts) > 1 and isinstance(formula, Both) is not all_of):
        yield formula, place
    else:
        for part in formula.parts:
            yield from _parts(part, place, all_of=all_of)


def _decider(formula: Formula, *, everything: bool) -> _Decider:
    """Return who can make a condition hold; with `everything`, also by not saying a certain value."""
    if isinstance(formula, Test):
        return _decider_of(formula, everything=everything)
    found = {_decider(part, everything=everything) for part in formula.parts}
    if isinstance(formula, Either):
        return next(decider for decider in _EASIEST if decider in found)
    return "others" if "others" in found else "untrusted" if "untrusted" in found else "arguments"


def _decider_of(test: Test, *, everything: bool) -> _Decider:
    if not all(read.chosen for read in test.reads):
        return "others"
    says = test.operator in _EITHER_WAY or test.positive is not (test.operator in ("!=", "not in")) or everything
    # That something is there, or of some type, is usually asked before its value, and is no claim by itself.
    claims = says and test.operator not in ("has", "is")
    return "untrusted" if claims and any(read.marked is not None for read in test.reads) else "arguments"


def _report(rule: RuleSymbol, part: Formula, within: Span, context: Context) -> None:
    everything = rule.effect == "require_approval"
    test, place = next(
        (test, place)
        for test, place in places_in(part, within)
        if _decider_of(test, everything=everything) == "untrusted"
    )
    read = min((read for read in test.reads if read.marked is not None), key=lambda read: read.path)
    assert read.marked is not None
    labels = [(read.marked.span, "marked as `untrusted`")]
    if smaller(place, test.node) is not test.node.span:
        labels.insert(0, (test.node.span, "compared here"))
    name = rule.decl.name.text
    message, note = {
        "permit": (
            f"the caller can satisfy a condition of the permit `{name}` at will",
            "the condition keeps nobody out who knows what to say",
        ),
        "forbid": (
            f"the caller can lift the forbid `{name}`",
            "the forbid stops nobody who knows what to say",
        ),
        "require_approval": (
            f"the caller can get around the approval `{name}`",
            "nobody is asked about the calls of somebody who knows what to say",
        ),
    }[rule.effect]
    context.report(
        place,
        message,
        f"whoever asks chooses `{read.shown}`",
        labels=labels,
        notes=[note],
        help="test what the caller cannot choose: something that the enforcement point sees itself, such as"
        ' `context.ip within "10.0.0.0/8"`, or an attribute that the entity store supplies',
    )


LINT = Lint(rule=_rule)
