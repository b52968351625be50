"""A rule is never valid, or no longer.

## What it finds

A rule whose `valid until` is not after its `valid from`, so that there is no time at which it exists; and a rule whose
`valid until` is over on the day of the check. A time stands for an instant in UTC: `valid until 2026-11-22` ends with
the first moment of that day.

## Why it matters

An expired `permit` grants nothing. That is what its author wanted, and now it is only in the way of whoever reads the
policy.

An expired `forbid` or `require approval` is worse: it protects nothing any more, silently, and reads as if it did. If an
agent was to be kept from something during an incident, nobody may have decided that it can do it again.

## Avoid

```kyn
subject Agent
resource Server {
  frozen: Bool
}
action restart on Server

permit restart_servers "Agents restart servers that are not frozen" {
  subject  Agent
  action   restart
  resource Server
  scope    not resource.frozen
}

forbid during_the_audit "Nothing is restarted while the auditors are here" {
  subject     any
  action      restart
  resource    Server
  valid from  2025-03-31
  valid until 2025-03-01
}
```

## Prefer

```kyn
subject Agent
resource Server {
  frozen: Bool
}
action restart on Server

permit restart_servers "Agents restart servers that are not frozen" {
  subject  Agent
  action   restart
  resource Server
  scope    not resource.frozen
}

forbid during_the_audit "Nothing is restarted while the auditors are here" {
  subject     any
  action      restart
  resource    Server
  valid from  2098-03-01
  valid until 2098-03-31
}
```

## Options

None.

## What it cannot see

Times in conditions (`when context.now < …`), and the rules of libraries. A rule that begins in the future is left alone.
"""

from ...diagnostics.source import Span
from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import RuleSymbol
from ..validity import inverted, later, over
from ..words import rule_in_words

_ANY = "subject any action any resource any"
VALID = (
    rules(f"forbid f {{ {_ANY} valid from 2026-01-01 valid until 2027-01-01 }}"),
    rules(f"forbid f {{ {_ANY} valid from 2030-01-01 }}"),
    rules(f"forbid f {{ {_ANY} valid until 2026-11-24 }}"),
    rules(f"forbid f {{ {_ANY} valid from 2026-11-23T10:00:00Z valid until 2026-11-23T10:00:01Z }}"),
)
INVALID = (
    rules(f'permit p "d" {{ {_ANY} scope delegated\n valid until 2026-11-23 }}  # <-'),
    rules(f"forbid f {{ {_ANY}\n valid until 2027-01-01  # <-\n valid from 2028-01-01 }}"),
    rules(
        "require approval r { subject Tenanted action doc_actions resource Tenanted from any with role lead\n"
        " valid from 2027-01-01T12:00:00Z\n valid until 2027-01-01T13:00:00+01:00 }  # <-"
    ),
    rules("forbid f { subject any action doc_actions resource Ownable\n valid until 2020-01-01 }  # <-"),
)

_LOST = {
    "permit": "it grants nothing any more",
    "forbid": "it stops nothing any more, although it reads as if it did",
    "require_approval": "nobody is asked any more, although it reads as if somebody were",
}
_NEVER = {"permit": "it grants nothing", "forbid": "it stops nothing", "require_approval": "nobody is ever asked"}


def _rule(rule: RuleSymbol, context: Context) -> None:
    never = inverted(rule)
    if not never and not over(rule, context.today):
        return
    bounds = {clause.bound: clause for clause in rule.decl.clauses if isinstance(clause, ast.ValidClause)}
    until = bounds["until"].time.span
    name = rule_in_words(rule)
    if never:
        _inverted(name, rule, bounds["from"].time.span, until, context)
        return
    assert context.today is not None
    end = f"such as `valid until {later(context.today)}`"
    cure = f"if it is still meant, move the end, {end}; if not, delete the rule"
    if rule.effect != "permit":
        cure = f"if it still protects something, delete this line or move the end, {end}"
    context.report(
        bounds["until"].span,
        f"{name} expired on {until.text}",
        f"over on {context.today}, the day of this check",
        notes=[_LOST[rule.effect]],
        help=cure,
    )


def _inverted(name: str, rule: RuleSymbol, begin: Span, end: Span, context: Context) -> None:
    same = rule.valid_from == rule.valid_until
    context.report(
        end,
        f"{name} ends {'when' if same else 'before'} it begins, so it is never valid",
        "not after its beginning",
        labels=[(begin, "it would begin here")],
        notes=[_NEVER[rule.effect]],
        help="give it a later end"
        if same
        else f"if the two are swapped, write `valid from {end.text}` and `valid until {begin.text}`",
    )


LINT = Lint(rule=_rule)
