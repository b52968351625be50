"""An agent is permitted alone what is somebody's own.

## What it finds

A `permit` for a type of AI principals that is open where people are bound. For the same action on the same type of
resource,

- every permit of people ties the resource to the very person: `resource.owner == subject`, `subject in
  resource.readers`, or two attributes of different names such as `resource.owner_email == subject.email`;
- the agent's permit does not: it compares nothing of the resource with the agent, its scope asks nothing of the resource, and
  it does not ask whom the agent acts for (`delegated`, `delegator`).

So each person reaches what is their own, and the agent, acting for nobody, reaches what belongs to everybody.

AI principals are the types with a trait of `std.agents` that is for agents only (`Autonomous`, `Supervised`, `Cautious`,
`Graded`, `DepthBound`); if there is none, a type named `Agent`.

## Why it matters

An agent that works for people is usually meant to reach what the person behind it reaches. While it acts on behalf of
somebody, that person's own permits hold it back, whatever the agent's permit says. But a request without `on_behalf_of`
has no such person: a scheduled run, a lost header, or a caller that leaves the chain out on purpose. Then only the agent's
permit decides, and one prompt injection reads the mail of the whole company.

## Avoid

```kyn
subject User
subject Agent
resource Mailbox {
  owner: User
}
action read on Mailbox

permit own_mail "People read their own mail" {
  subject  User
  action   read
  resource Mailbox
  scope    resource.owner == subject
}

permit agents_read_mail "Agents sort the mail" {
  subject  Agent
  action   read
  resource Mailbox
  scope    any "the person behind the agent is the bound"
}
```

## Prefer

```kyn
subject User
subject Agent
resource Mailbox {
  owner: User
}
action read on Mailbox

permit own_mail "People read their own mail" {
  subject  User
  action   read
  resource Mailbox
  scope    resource.owner == subject
}

permit agents_read_mail "Agents sort the mail of the person they act for" {
  subject  Agent
  action   read
  resource Mailbox
  scope    delegated and delegator is User
}
```

## Options

None.

## What it cannot see

What is right for an agent that really works alone, such as a nightly indexer. Name that one agent (`Agent::"indexer"`), or
bound its scope by the resource: both are taken as meant. An agent bound by an attribute that it shares with many, such as
a tenant, is not reported, and neither is one where some `forbid` or `require approval` asks whom it acts for or ties the
resource to it. Where one permit of people is open, what the others ask is not compared.
"""

from __future__ import annotations

from typing import TypeAlias

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..logic.bounds import scope_of
from ..origins import Both, Either, Formula, Test, Value, tests_in
from ..reach import Reach, a_person
from ..symbols import Program, RuleSymbol

_Bound: TypeAlias = tuple[RuleSymbol, Span]

_OWN = 'permit own "d" { subject User action read resource Doc scope resource.owner == subject }\n'
VALID = (
    rules(_OWN + 'permit p "d" { subject Agent action read resource Doc scope delegated }'),
    rules(_OWN + 'permit p "d" { subject Agent action read resource Doc scope subject.owner == resource.owner }'),
    rules(_OWN + 'permit p "d" { subject Agent action read resource Doc scope resource.path within "/public" }'),
    rules(_OWN + 'permit p "d" { subject Agent::"indexer" action read resource Doc scope any "it makes the index" }'),
    rules(
        _OWN + 'permit p "d" { subject Agent action read resource Doc in Folder::"public" scope any "all is public" }'
    ),
    rules(_OWN + 'permit p "d" { subject Agent action write resource Doc scope any "x" }'),
    rules(
        _OWN + 'permit all "d" { subject User with role staff action doc_actions resource any scope any "x" }\n'
        'permit p "d" { subject Agent action read resource Doc scope any "x" }'
    ),
    rules(
        _OWN + 'permit p "d" { subject Agent action read resource Doc scope any "x" }\n'
        "let acts(d: Bool) = d\nforbid alone { subject Tenanted action any resource any unless acts(delegated) }"
    ),
    rules(
        'permit t "d" { subject User action read resource Doc scope resource.tenant == subject.tenant }\n'
        'permit p "d" { subject Agent action read resource Doc scope any "x" }'
    ),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nsubject Agent is Tenanted\n"
    "resource Doc is Tenanted { owner: User }\naction read on Doc\n"
    'permit own "d" { subject User action read resource Doc scope resource.owner == subject }\n'
    'permit p "d" { subject Agent action read resource Doc scope any "tenants are kept apart" }',
)
INVALID = (
    rules(_OWN + 'permit p "d" { action read resource Doc scope any "x"\n subject Agent }  # <-'),
    rules(
        "let mine(u: User, o: Ownable) = u == o.owner\nlet one_of(u: User, d: Doc) = any r in d.readers: r == u\n"
        'permit own "d" { subject User action doc_actions resource Doc scope mine(subject, resource) }\n'
        'permit read "d" { subject User action read resource Doc scope mine(subject, resource) or one_of(subject, resource) }\n'
        'permit p "d" { action any resource Ownable scope context.mfa when resource is Doc and resource.status == "draft"\n'
        " subject Agent with role staff }  # <-"
    ),
    rules(
        'permit own "d" { subject User action share resource Doc scope subject in resource.readers when context.mfa }\n'
        'permit people "d" { subject any action share resource Doc scope any "x" when subject is User\n'
        "  and subject == resource.owner }\n"
        'permit p "d" { action share resource Doc scope args.days < 3 when not context.mfa\n'
        " subject Agent }  # <-\n"
        "forbid late { subject Agent action read, list resource any when delegated }"
    ),
    "import std.agents (Autonomous)\nsubject Person { mail: Email }\nsubject Bot is Autonomous\n"
    "resource Note { author: Email }\naction note.read, note.write on Note\n"
    'permit own "d" { subject Person action note.* resource Note scope resource.author == subject.mail }\n'
    'permit p "d" { action note.read resource Note scope any "x"\n subject Autonomous }  # <-',
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    if rule.effect != "permit":
        return
    reach = context.shared(Reach)
    agents = reach.types_of(rule)[0] & context.program.autonomous
    if not agents or not _open(rule, reach):
        return
    for agent in sorted(agents):
        patterns = [p for p in rule.subjects if agent in p.types and p.entity is None]
        for key in sorted(rule.actions) if patterns else ():
            for resource in sorted(reach.resources(rule, agent, key)):
                bound = _bounds_people(key, resource, context)
                if bound is not None and not _answered(agent, key, resource, reach):
                    _report(rule, patterns[0].node.span, (agent, key, resource), bound, context)
                    return


def _open(rule: RuleSymbol, reach: Reach) -> bool:
    """Whether nothing in a permit ties its resources to anybody or bounds them."""
    if reach.reads(rule, "delegated", "delegator") or any(p.entity or p.group for p in rule.resources):
        return False
    for formula in reach.origins.of_rule(rule):
        if any(_ties(test) for test in tests_in(formula)):
            return False
    scope = (test for formula in reach.origins.of_rule(rule, "scope") for test in tests_in(formula))
    return not any(
        test.operator not in ("is", "has") and any(read.root == "resource" for read in test.reads) for test in scope
    )


def _answered(agent: str, action: str, resource: str, reach: Reach) -> bool:
    """Whether another rule asks somebody, asks whom the agent acts for, or ties the resource to it."""
    for rule in reach.narrowing(action):
        if reach.covers(rule, agent, action, resource):
            if rule.effect == "require_approval" or reach.reads(rule, "delegated", "delegator", "actor", "delegation"):
                return True
            if any(_ties(test) for formula in reach.origins.of_rule(rule) for test in tests_in(formula)):
                return True
    return False


def _ties(test: Test) -> bool:
    return {"subject", "resource"} <= {read.root for read in test.reads}


def _bounds_people(action: str, resource: str, context: Context) -> _Bound | None:
    """Return the first permit of people, and where it ties the resource to the person, if all of theirs do so."""
    seen = context.shared(_seen)
    if (action, resource) not in seen:
        seen[action, resource] = _worked_out(action, resource, context.shared(Reach))
    return seen[action, resource]


def _seen(program: Program) -> dict[tuple[str, str], _Bound | None]:
    """Return a place to keep what was worked out once for an action and a type of resource."""
    return {}


def _worked_out(action: str, resource: str, reach: Reach) -> _Bound | None:
    first: _Bound | None = None
    for rule in reach.permits(action):
        people = reach.types_of(rule)[0] - reach.program.autonomous
        if any(reach.covers(rule, person, action, resource) for person in people):
            tied = [
                condition.expr
                for condition in rule.conditions
                if condition.expr is not None
                and _owns(reach.origins.condition(condition.expr, positive=condition.kind != "unless"))
            ]
            if not tied:
                return None
            first = first or (rule, tied[0].span)
    return first


def _owns(formula: Formula) -> bool:
    """Whether a formula holds only for a resource that is the very subject's."""
    if isinstance(formula, Both):
        return any(_owns(part) for part in formula.parts)
    if isinstance(formula, Either):
        return all(_owns(part) for part in formula.parts)
    if (formula.operator, formula.positive) in (("==", True), ("!=", False)):
        one, other = formula.operands
        return _is_own(one, other) or _is_own(other, one)
    if (formula.operator, formula.positive) in (("in", True), ("not in", False)):
        member, group = formula.operands
        return (member.path == ("subject",) and _root(group) == "resource") or (
            member.path == ("resource",) and _root(group) == "subject"
        )
    return False


def _is_own(subject: Value, resource: Value) -> bool:
    """Whether equality with a value of the resource singles the subject out: a shared name is that of a group."""
    if _root(subject) != "subject" or _root(resource) != "resource" or not subject.path or not resource.path:
        return False
    return subject.path == ("subject",) or (not subject.types and subject.path[-1] != resource.path[-1])


def _root(value: Value) -> str | None:
    return value.path[0] if value.path else None


def _report(rule: RuleSymbol, place: Span, found: tuple[str, str, str], bound: _Bound, context: Context) -> None:
    types, person = context.program.types, a_person(context.program)
    agent, action, resource = types[found[0]].name, context.program.actions[found[1]].name, types[found[2]].name
    people, span = bound
    # A scope that bounds something stays: what takes its place would permit more in other respects.
    where, clause = ("in its scope", "scope   ") if scope_of(rule) is None else ("beside its scope", "when    ")
    context.report(
        place,
        f"the permit `{rule.decl.name.text}` lets `{agent}` do `{action}` on any `{resource}`,"
        " where people reach only their own",
        "may act for nobody, and then reaches what belongs to everybody",
        labels=[(span, f"`{people.decl.name.text}` ties it to the person")],
        notes=["on behalf of a person, an agent is bound by what that person may do; acting for nobody, it is not"],
        help=f"if the agent works for people, say so {where}:\n"
        f"{clause} delegated and delegator is {person}\n"
        "if it really works alone, tie the resource to it, or name that one agent: "
        f'`subject {agent}::"…"`',
    )


LINT = Lint(rule=_rule)
