"""A wildcard covers an action that changes authority.

## What it finds

A `permit` whose action clause says `any`, an action group or a prefix `crm.*`, where that covers an action which
changes who may do what, on a resource type of the permit. Such are actions

- with an effect `edits_policy`, `approves`, `writes_memory`, `registers_tool`, `disables_audit`, `mints_credential` or
  `executes_code`;
- with `acts as`;
- with `modifies roles` or `modifies parents`, or that modify an attribute which some rule reads of its `subject`.

The wildcard is expanded first, and only then judged: one that covers plain actions is fine. So is one beside which the
same clause names the action: then it is meant.

## Why it matters

A wildcard grants what there is today and whatever is declared tomorrow. "The agent may do anything with its own
workspace" then includes the action that makes the agent an administrator of it, or that runs code as its owner, and
nobody ever wrote that down. From there an agent, or whoever talks to it, gets every other right by steps that are each
allowed.

## Avoid

```kyn
subject Agent {
  team: String
}
resource Project {
  team: String
}
action read, comment on Project in daily_work
action run_pipeline on Project in daily_work effects executes_code

permit agents_work "Agents do the daily work of their team" {
  subject  Agent
  action   daily_work
  resource Project
  scope    subject.team == resource.team
}
```

## Prefer

```kyn
subject Agent {
  team: String
}
resource Project {
  team: String
}
action read, comment on Project in daily_work
action run_pipeline on Project effects executes_code

permit agents_work "Agents do the daily work of their team" {
  subject  Agent
  action   daily_work
  resource Project
  scope    subject.team == resource.team
}
```

An agent that shall run pipelines gets a permit of its own, with conditions of its own.

## Options

None.

## What it cannot see

An action whose declaration does not say what it does (KYN807 guesses from names). An attribute of a resource that scopes
or forbids read: changing it can widen a permit too, and the escalation check follows that. The rules of libraries.
"""

from __future__ import annotations

from ...diagnostics.source import Span
from ...syntax import ast
from ..authority import authority_of, subject_reads
from ..linter import Context, Lint
from ..symbols import ActionSymbol, Program, RuleSymbol

_TYPES = """\
subject User { level: Int  team: String }
subject Agent { owner: User }
resource Repo { team: String }
action repo.read, repo.write on Repo in work
"""
_RUN = _TYPES + "action repo.run on Repo in work effects executes_code\n"
_PROMOTE = (
    _TYPES + "action user.promote on User (level: Int) modifies level\naction user.rename on User modifies team\n"
)
_OWN = "scope subject.team == resource.team"
VALID = (
    _TYPES + f'permit p "d" {{ subject User action repo.* resource Repo {_OWN} }}',
    _RUN + f'permit p "d" {{ subject User action repo.read, repo.run resource Repo {_OWN} }}\n'
    f'permit q "d" {{ subject User action repo.*, repo.run resource Repo {_OWN} }}\n'
    "forbid f { subject any action any resource any }",
    _PROMOTE + 'permit p "d" { subject User action any resource Repo scope delegated when subject.level > 3 }\n'
    'permit q "d" { subject Agent action user.rename resource User scope delegated when resource.level > 3 }',
    _TYPES + "action repo.delete on Repo in work effects irreversible, sends_out\n"
    f'permit p "d" {{ subject User action work resource Repo {_OWN} }}',
)
INVALID = (
    _RUN + f'permit p "d" {{ subject User resource Repo {_OWN}\n action work }}  # <-',
    _PROMOTE + 'let senior(u: User) = high(u.team, u)\nlet high(team: String, u: User) = u.level > 3 and team != ""\n'
    'permit p "d" { subject User resource User scope delegated\n action repo.write, user.* }  # <-\n'
    "forbid f { subject User action repo.write resource Repo unless senior(subject) }",
    _TYPES + "action assign on User (role: String) modifies roles = args.role\naction move on User modifies parents\n"
    'permit p "d" { subject Agent resource any scope delegated\n action any }  # <-',
    _TYPES + "trait Owned { owner: User }\nresource Bot is Owned\naction bot.launch on Bot acts as resource.owner\n"
    'permit p "d" { subject User resource Owned scope subject == resource.owner\n action bot.* }  # <-',
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    if rule.effect != "permit":
        return
    clause = next(clause for clause in rule.decl.clauses if isinstance(clause, ast.ActionClause))
    targets = context.tables.targets
    wild = [p for p in clause.patterns if p.name is None or p.prefix or not _action(targets.get(p.name))]
    if not wild:
        return
    types = frozenset[str]().union(*(pattern.types for pattern in rule.resources))
    named = {targets.get(p.name) for p in clause.patterns if p not in wild and p.name is not None}
    reads = context.shared(subject_reads)
    authority: dict[ActionSymbol, str] = {}
    for key in sorted(rule.actions & context.shared(_keys)):
        action = context.program.actions[key]
        if action not in named and action.on & types and (why := authority_of(action, reads, types)):
            authority[action] = why
    for pattern in wild:
        covered = [action for action in authority if _covers(pattern, action)]
        if covered:
            beside = (context.program.actions[key] for key in sorted(rule.actions))
            plain = [
                a for a in beside if a not in authority and a not in named and a.on & types and _covers(pattern, a)
            ]
            _report(rule, pattern, covered, authority, plain, clause, context)


def _keys(program: Program) -> frozenset[str]:
    """Return the keys of the actions that change authority on some resource."""
    reads = subject_reads(program)
    return frozenset(key for key, action in program.actions.items() if authority_of(action, reads, action.on))


def _report(
    rule: RuleSymbol,
    pattern: ast.ActionPattern,
    covered: list[ActionSymbol],
    authority: dict[ActionSymbol, str],
    plain: list[ActionSymbol],
    clause: ast.ActionClause,
    context: Context,
) -> None:
    first, *others = covered
    wildcard = pattern.span.text
    notes = [f"it also covers `{action.name}`: {authority[action]}" for action in others[:5]]
    if len(others) > 5:
        notes.append(f"and {len(others) - 5} more")
    notes.append("a wildcard also grants every such action that is declared later")
    rest = [p.span.text for p in clause.patterns if p is not pattern]
    cure = f"name the actions one by one: `action {', '.join([*rest, *(a.name for a in plain)])}`"
    if not rest and not plain:
        cure = f"if it is meant, name it: `action {', '.join(a.name for a in covered)}`"
    elif len(plain) <= 20:
        cure += f", and `{first.name}` only if it is meant"
    else:
        cure = f"name the actions that are meant one by one instead of `{wildcard}`"
    context.report(
        pattern.span,
        f"`{wildcard}` in the permit `{rule.decl.name.text}` covers `{first.name}`, which changes authority",
        f"covers `{first.name}`" + (f" and {len(others)} more like it" if others else ""),
        labels=[(_place(first), authority[first])],
        notes=notes,
        help=cure,
    )


def _covers(pattern: ast.ActionPattern, action: ActionSymbol) -> bool:
    if pattern.name is None:
        return True
    name = pattern.name.text
    return action.name.startswith(f"{name}.") if pattern.prefix else name in action.groups


def _action(target: object) -> bool:
    return isinstance(target, ActionSymbol)


def _place(action: ActionSymbol) -> Span:
    return next(part.name.span for part in action.decl.names if part.name.text == action.name)


LINT = Lint(rule=_rule)
