"""A rule names an action that its resources do not have.

## What it finds

An action named by a rule that applies to none of the rule's resource types, and a resource type or trait named by a rule that
none of its actions applies to. Where no action and type fit at all, the rule never matches, and that is said. Actions that
come in through `any`, a group or a prefix are not blamed one by one: of a group a rule takes what fits.

## Why it matters

In a permit the line promises a right that nobody has. In a forbid it is worse: `forbid … action read, export … resource Doc`
looks like a ban on exports, and if `export` is declared on `Report`, reports leave the house.

## Avoid

```kyn
subject Agent { tenant: String }
resource Order { tenant: String }
resource Report { tenant: String }
action read on Order
action export on Report

permit use_orders "Agents read and export orders" {
  subject  Agent
  action   read, export
  resource Order
  scope    resource.tenant == subject.tenant
}
```

## Prefer

```kyn
subject Agent { tenant: String }
resource Order { tenant: String }
resource Report { tenant: String }
action read on Order
action export on Report

permit use_orders "Agents read orders and export reports" {
  subject  Agent
  action   read, export
  resource Order, Report
  scope    resource.tenant == subject.tenant
}
```

## Options

None.

## What it cannot see

Whether an action should apply to more types: declarations are taken as they are. Conditions are not looked at, only what the
rule names; `when resource is …` that leaves no type is KYN501.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ...diagnostics.source import Span
from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import ActionSymbol, PatternSymbol, RuleSymbol
from ..words import rule_in_words

_MINE = "scope subject == resource.owner"

VALID = (
    rules(f'permit p "d" {{ subject User action read, write resource Doc {_MINE} }}'),
    rules(
        'permit p "d" { subject User action doc_actions, list resource Doc, Folder scope subject.tenant == resource.tenant }'
    ),
    rules("forbid f { subject any action read, list resource any }"),
    rules("forbid f { subject any action any resource Doc }"),
    rules("forbid f { subject any action doc_actions, list resource Folder }"),
    rules("forbid f { subject any action read, promote resource Ownable, User }"),
    rules('action look on Tenanted\nforbid f { subject any action look, read resource Doc in Folder::"x" }'),
    "trait Tagged { tag: String }\naction mark on Tagged\nforbid f { subject any action mark resource Tagged }",
    "action crm.read on Doc\naction crm.list on Folder\nresource Doc\nresource Folder\nsubject User\n"
    "forbid f { subject any action crm.* resource Doc }",
)
INVALID = (
    rules(f'permit p "d" {{ subject User action read,\n list  # <-\n resource Doc {_MINE} }}'),
    rules(
        'permit p "d" { subject User action read resource Doc,\n Folder  # <-\n scope subject.tenant == resource.tenant }'
    ),
    rules("forbid f { subject any action\n list  # <-\n resource Doc }"),
    rules("forbid f { subject any action\n doc_actions  # <-\n resource Folder }"),
    rules("forbid f { subject any action read resource Doc,\n Team }  # <-"),
    rules('forbid f { subject any action promote, doc_actions,\n list  # <-\n resource Ownable, User::"x" }'),
    rules(
        "action look on Ownable\nforbid f { subject any with role lead action read,\n promote, look  # <-\n resource Ownable }"
    ),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Doc is Tenanted\nresource Sheet\naction read on Doc\n"
    "action print on Sheet\nforbid f { subject any action read,\n print  # <-\n resource Tenanted }",
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    if not context.program.types or not rule.actions:
        return
    actions = [context.program.actions[key] for key in rule.actions]
    covered = frozenset(chain.from_iterable(p.types for p in rule.resources))
    if not covered:
        return  # no type at all, which is KYN501
    if not any(action.on & covered for action in actions):
        _nothing_fits(rule, actions, context)
        return
    for named, node in _named(rule, context):
        if not named.on & covered:
            _report_action(rule, named, node, context)
    reach = frozenset(chain.from_iterable(action.on for action in actions))
    for pattern in rule.resources:
        if pattern.node.type is not None and pattern.types and not pattern.types & reach:
            _report_type(rule, pattern, actions, context)


def _named(rule: RuleSymbol, context: Context) -> Iterator[tuple[ActionSymbol, ast.ActionPattern]]:
    """Yield the actions that a rule names one by one."""
    for pattern in _patterns(rule):
        named = context.tables.targets.get(pattern.name) if pattern.name is not None else None
        if isinstance(named, ActionSymbol) and not pattern.prefix and named.key in rule.actions:
            yield named, pattern


def _patterns(rule: RuleSymbol) -> tuple[ast.ActionPattern, ...]:
    return next((c.patterns for c in rule.decl.clauses if isinstance(c, ast.ActionClause)), ())


# --- what is said of it


def _nothing_fits(rule: RuleSymbol, actions: list[ActionSymbol], context: Context) -> None:
    patterns = _patterns(rule)
    resources = ", ".join(p.node.span.text for p in rule.resources)
    possible = _some_actions([p for p in rule.resources if p.node.type is not None], context)
    context.report(
        patterns[0].span.to(patterns[-1].span),
        f"{rule_in_words(rule)} can never match: {_none(actions)} to `{resources}`",
        "this applies to other resources" if len(actions) == 1 else "these apply to other resources",
        labels=[
            *_declarations(actions),
            (rule.resources[0].node.span.to(rule.resources[-1].node.span), "not to these"),
        ],
        notes=["it grants nothing" if rule.effect == "permit" else "it protects nothing"],
        help=f"name an action that `{resources}` has{possible}, or the resources that are meant",
    )


def _report_action(rule: RuleSymbol, action: ActionSymbol, node: ast.ActionPattern, context: Context) -> None:
    written = list(dict.fromkeys(p.node.span.text for p in rule.resources))
    missing = sorted(context.program.types[key].name for key in action.on)
    cure = f"`resource {', '.join([*written, *missing])}`" if 1 <= len(missing) <= 3 else "its types under `resource`"
    context.report(
        node.span,
        f"`{action.name}` does not apply to `{', '.join(written)}`, so {rule_in_words(rule)} says nothing of it",
        "no action of these resources",
        labels=_declarations([action]),
        notes=["the other actions of this rule are not affected"],
        help=f"if it is meant here, add what it applies to: {cure}; else delete it",
    )


def _report_type(rule: RuleSymbol, pattern: PatternSymbol, actions: list[ActionSymbol], context: Context) -> None:
    patterns, text = _patterns(rule), pattern.node.span.text
    context.report(
        pattern.node.span,
        f"{_none(actions)} to `{text}`, so {rule_in_words(rule)} says nothing of it",
        "not reached by this rule",
        labels=[(patterns[0].span.to(patterns[-1].span), "applies to other resources only")],
        help=f"if it is meant here, add an action that it has{_some_actions([pattern], context)}; else delete it",
    )


def _none(actions: list[ActionSymbol]) -> str:
    return f"`{actions[0].name}` does not apply" if len(actions) == 1 else f"none of its {len(actions)} actions applies"


def _declarations(actions: list[ActionSymbol]) -> list[tuple[Span, str]]:
    """Point at what actions are declared on, a few of them."""
    found = []
    for action in sorted(actions, key=lambda a: a.key)[:3]:
        if action.decl.on:
            found.append((action.decl.on[0].span.to(action.decl.on[-1].span), f"`{action.name}` applies to this"))
    return found


def _some_actions(patterns: list[PatternSymbol], context: Context) -> str:
    types = frozenset(chain.from_iterable(p.types for p in patterns))
    names = sorted(action.name for action in context.program.actions.values() if action.on & types)
    return f", such as `{names[0]}`" if names else ""


LINT = Lint(rule=_rule)
