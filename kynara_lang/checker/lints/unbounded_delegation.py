"""Agents may act for agents without a bound.

## What it finds

A type of AI principals that some permit lets act for whoever delegates to it (`scope delegated`, or another condition
that needs a delegator), where nothing bounds chains of agents that act for agents:

- the permit also matches where the delegator is an agent of the same type, and compares it with nobody and asks for no
  role of it;
- no `forbid` and no `require approval` for that action reads `delegation.depth` or `actor`, and none for that type of
  agent tests the delegator's type, roles or identity.

It is reported once for each type of agents, at the first such permit: one `forbid` cures all.

AI principals are the types with a trait of `std.agents` that is for agents only (`Autonomous`, `Supervised`, `Cautious`,
`Graded`, `DepthBound`); if there is none, a type named `Agent`.

## Why it matters

An agent that may act for an agent may do so again, up to the sixteen principals that a chain can have. No step gets more
than the one before it, that the language guarantees. But with every step it becomes harder to say who asked for what: the
instruction has passed through several models, each of which may have been talked into something, and the person at the
end never sees whom their permission was handed to. Agents that spawn agents also fan out: one task becomes hundreds of
calls, all of them in the name of the same person.

Most systems need one agent behind a person, sometimes two. Say so.

## Avoid

```kyn
subject User {
  team: String
}
subject Agent
resource Document {
  team: String
}
action read on Document

permit team_reads "A team reads its own documents" {
  subject  User
  action   read
  resource Document
  scope    subject.team == resource.team
}

permit agents_help "An agent reads what whoever it acts for may read" {
  subject  Agent
  action   read
  resource Document
  scope    delegated
}
```

## Prefer

```kyn
subject User {
  team: String
}
subject Agent
resource Document {
  team: String
}
action read on Document

permit team_reads "A team reads its own documents" {
  subject  User
  action   read
  resource Document
  scope    subject.team == resource.team
}

permit agents_help "An agent reads what whoever it acts for may read" {
  subject  Agent
  action   read
  resource Document
  scope    delegated
}

forbid deep_chains "At most two agents in a row" {
  subject  any
  action   any
  resource any
  when     delegation.depth > 2
}
```

`delegation.depth` is the number of principals in the chain but one: 1 where an agent acts for a person.

## Options

None.

## What it cannot see

Whether the bound is a good one: any rule that reads the depth of the chain or who performs the call counts, and so does
one for some agents only. Two types of agents that act for each other in turn, but not for their like. How many agents act for
the same person side by side.
"""

from __future__ import annotations

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..origins import Path, tests_in
from ..reach import Reach, a_person, needs_delegator
from ..symbols import RuleSymbol

_HELPS = 'permit p "d" { subject Agent action read resource Doc scope delegated }\n'
VALID = (
    rules(_HELPS + "forbid deep { subject any action any resource any when delegation.depth > 2 }"),
    rules(_HELPS + "forbid chains { subject Agent action read resource any when delegated and delegator is Agent }"),
    rules(
        _HELPS + "forbid chains { subject User action doc_actions resource any when actor is Agent and context.mfa }"
    ),
    rules('permit p "d" { subject Agent action read resource Doc scope delegated and delegator is User }'),
    rules('permit p "d" { subject Agent action read resource Doc scope delegated and delegator == subject.owner }'),
    rules('permit p "d" { subject Agent action read resource Doc scope delegated when delegator holds staff }'),
    rules('permit p "d" { subject User action read resource Doc scope delegated }'),
    rules('permit p "d" { subject any action read resource Doc scope delegated unless subject is Agent }'),
    rules(
        'permit p "d" { subject Agent action read resource Doc scope delegated or subject.tenant == resource.tenant }'
    ),
    rules(
        "let person(s: Tenanted) = s is User\nlet known(s: Tenanted, o: Ownable) = person(s) and s.tenant == o.tenant\n"
        'permit p "d" { subject Agent action read resource Doc scope delegated\n'
        "  when delegator is Tenanted and known(delegator, resource) }"
    ),
)
INVALID = (
    rules('permit p "d" { subject Agent action read resource Doc\n scope delegated }  # <-'),
    rules(
        'permit p "d" { subject Tenanted action doc_actions resource any\n'
        " scope delegated and context.mfa }  # <-\n"
        'permit q "d" { subject Agent action list resource any scope delegated }'
    ),
    rules(
        "let in_time(yes: Bool) = yes and context.now > 2026-01-01\n"
        'permit q "d" { subject Agent action list resource Folder scope subject.tenant == resource.tenant\n'
        " when in_time(delegated) }  # <-\n"
        "forbid deep { subject any action doc_actions resource any when delegation.depth > 2 }"
    ),
    rules(
        "let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant\n"
        'permit q "d" { subject Agent with role staff action share resource Doc\n'
        " scope delegator is Tenanted and same(delegator, resource) }  # <-\n"
        "forbid far { subject Agent action share resource Doc when delegated and context.mfa }"
    ),
    "import std.agents (Autonomous)\nsubject Bot is Autonomous\nsubject Agent\nsubject User\nresource Doc\n"
    'action doc.read on Doc\npermit q "d" { subject Autonomous action doc.* resource Doc\n scope delegated }  # <-\n'
    'permit r "d" { subject Agent action doc.read resource Doc scope delegated }\n'
    "forbid chains { subject Agent action any resource any when delegated and delegator is Bot }",
)


def _program(context: Context) -> None:
    reach = context.shared(Reach)
    bounded: dict[tuple[str, str], bool] = {}
    found: dict[str, list[tuple[RuleSymbol, Span]]] = {}
    for rule in context.rules:
        agents = reach.types_of(rule)[0] & context.program.autonomous if rule.effect == "permit" else frozenset()
        place = _where_it_delegates(rule, reach) if agents else None
        if place is not None and not _asks_who(rule, reach):
            for agent in sorted(agents):
                if not _open_to_its_like(rule, agent, reach):
                    continue
                for action in rule.actions:
                    if (agent, action) not in bounded:
                        bounded[agent, action] = _bounded(agent, action, reach)
                    if not bounded[agent, action] and reach.resources(rule, agent, action):
                        found.setdefault(agent, []).append((rule, place))
                        break
    for agent, permits in sorted(found.items()):
        _report(context.program.types[agent].name, permits, context)


def _where_it_delegates(rule: RuleSymbol, reach: Reach) -> Span | None:
    """Return the condition by which a permit matches only where there is a delegator."""
    for condition in rule.conditions:
        if condition.expr is not None and needs_delegator(
            reach.origins.condition(condition.expr, positive=condition.kind != "unless")
        ):
            return condition.expr.span
    return None


def _asks_who(rule: RuleSymbol, reach: Reach) -> bool:
    """Whether a rule tests a role of the delegator, or compares it with an entity."""
    tests = (test for formula in reach.origins.of_rule(rule) for test in tests_in(formula))
    return any(
        value.path == ("delegator",) for test in tests if test.operator not in ("is", "has") for value in test.operands
    )


def _open_to_its_like(rule: RuleSymbol, agent: str, reach: Reach) -> bool:
    """Whether a permit can match for an agent that acts for an agent of the same type."""
    types: dict[Path, str] = {("subject",): agent, ("delegator",): agent}
    return not any(reach.origins.decided(formula, types) is False for formula in reach.origins.of_rule(rule))


def _bounded(agent: str, action: str, reach: Reach) -> bool:
    """Whether some forbid or approval bounds the chains in which an agent does something."""
    return any(
        (reach.types_of(rule)[0] and reach.reads(rule, "delegation", "actor"))
        or (agent in reach.types_of(rule)[0] and (_asks_who(rule, reach) or _tests_type(rule, reach)))
        for rule in reach.narrowing(action)
    )


def _tests_type(rule: RuleSymbol, reach: Reach) -> bool:
    tests = (test for formula in reach.origins.of_rule(rule) for test in tests_in(formula))
    return any(test.operator == "is" and test.operands[0].path == ("delegator",) for test in tests)


def _report(agent: str, permits: list[tuple[RuleSymbol, Span]], context: Context) -> None:
    (rule, place), *others = sorted(permits, key=lambda found: (found[1].source.name, found[1].start))
    notes = ["a chain can have sixteen principals, and each agent in it passes on what it was told"]
    if others:
        names = ", ".join(f"`{other.decl.name.text}`" for other, _ in others[:5]) + (" …" if len(others) > 5 else "")
        notes.append(f"the same holds for {names}")
    context.report(
        place,
        f"the permit `{rule.decl.name.text}` lets `{agent}` act for any agent, which acts for any agent, and so on without a bound",
        "an agent that acts for an agent passes too",
        notes=notes,
        help="\n".join(
            [
                "say how many agents may act one for the other:",
                'forbid deep_chains "At most two agents in a row" {',
                "  subject  any",
                "  action   any",
                "  resource any",
                "  when     delegation.depth > 2",
                "}",
                f"or for whom an agent may act: `scope delegated and delegator is {a_person(context.program)}`",
            ]
        ),
    )


LINT = Lint(program=_program)
