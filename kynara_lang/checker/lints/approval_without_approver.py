"""An approval does not say who may give it, or nobody can.

## What it finds

A `require approval` without a `from`; that is an error of the language itself, which no setting silences. And one whose
`from` lets nobody approve, whatever the request:

- its patterns cover no type, such as a trait that no subject has (in files that are a library themselves, whoever imports
  them gives some type the trait, so nothing is said there);
- its `where` is never true: a `false`, also through a `let`, or a test that the types decide;
- `where` wants the approver to be the subject, the delegator or the actor, or the only approver named is the only
  subject that the rule is about: nobody in the chain of a request can approve it;
- its patterns name some entities, and its `where` others;
- its `where` needs a delegator, and the rule is also for people who act themselves. Everybody in a chain is asked on their
  own, and whoever is behind all others acts for nobody.

## Why it matters

What needs an approval that nobody can give is forbidden, without saying so. The rule looks like oversight in a review,
and in use it is a door that never opens: sooner or later somebody takes the rule away so that the agent can work, and
then there is no oversight at all. An approval by the one who asks would be worse; so the language does not count it.

## Avoid

```kyn
subject User
subject Agent {
  owner: User
}
resource Invoice {
  owner: User
}
action pay on Invoice (amount: Decimal) effects irreversible

permit agents_pay "Agents pay the invoices of their owner" {
  subject  Agent
  action   pay
  resource Invoice
  scope    subject.owner == resource.owner
}

require approval owner_pays "The owner looks at it" {
  subject  any
  action   pay
  resource Invoice
  from     User where approver == subject
}
```

## Prefer

```kyn
subject User
subject Agent {
  owner: User
}
resource Invoice {
  owner: User
}
action pay on Invoice (amount: Decimal) effects irreversible

permit agents_pay "Agents pay the invoices of their owner" {
  subject  Agent
  action   pay
  resource Invoice
  scope    subject.owner == resource.owner
}

require approval owner_pays "The owner looks at it" {
  subject  any
  action   pay
  resource Invoice
  from     User where approver == resource.owner
}
```

The owner can approve what the agent does by itself. What it does on behalf of the owner, somebody else must approve.

## Options

None.

## What it cannot see

Whether anybody holds the role that `from` asks for, or is in the group. Conditions that contradict each other in other
ways. Whether the approvers are always in the chain, though nothing in the rule says so.
"""

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..origins import Formula, Path, Test, conjuncts
from ..reach import Reach, needs_delegator
from ..symbols import Approval, RuleSymbol
from ..uses import is_library

VALID = (
    rules(
        "require approval r { subject Agent action write resource Doc"
        " from User with role lead where delegated and approver != delegator }"
    ),
    rules(
        "require approval r { subject any action write resource Doc when delegated"
        " from User with role lead where approver != delegator }"
    ),
    "module std.own\ntrait Reviewer { }\naction publish\n"
    "require approval r { subject any action publish resource any from Reviewer }",
    rules(
        "require approval r { subject any action write resource Doc from User with role lead where approver != subject }"
    ),
    rules('require approval r { subject User::"a" action write resource Doc from User::"a", User::"b" }'),
    rules('require approval r { subject User::"a", User::"b" action write resource Doc from User::"a" }'),
    rules(
        "require approval r { subject any action write resource Ownable from Tenanted where approver == resource.owner }"
    ),
    rules(
        'let board = {User::"a", User::"b"}\n'
        'require approval r { subject any action write resource Doc from User::"b", User::"c" where approver in board }'
    ),
    rules(
        "require approval r { subject any action write resource Doc from any where approver is User or subject is User }"
    ),
    rules(
        "require approval r { subject any action write resource Doc from User where approver == subject or context.mfa }"
    ),
)
INVALID = (
    rules("require approval r {  # <-\n subject any action write resource Doc expires 4h }"),
    rules(
        "trait Reviewer { }\nrequire approval r { subject any action doc_actions resource any\n from Reviewer }  # <-"
    ),
    rules("let off = false\nrequire approval r { subject any action write resource Doc\n from User where off }  # <-"),
    rules(
        "let human(u: Tenanted) = u is User\nrequire approval r { subject any action write resource Doc\n"
        " from Agent, Team where approver is Agent and human(approver) and context.mfa }  # <-"
    ),
    rules(
        "let same(a: User, s: Tenanted) = context.mfa and a == s\n"
        "require approval r { subject User with role staff action write resource Doc\n"
        " from User where same(approver, subject) }  # <-"
    ),
    rules('require approval r { subject User::"a" action write resource Doc\n from User::"a" }  # <-'),
    rules(
        "require approval r { subject any action write resource Doc\n"
        " from User with role lead where delegated and approver != delegator }  # <-"
    ),
    rules(
        'let board = {User::"a", User::"b"}\nrequire approval r { subject any action write resource Doc\n'
        ' from User::"c" where approver in board }  # <-'
    ),
    "import std.agents (Autonomous)\nsubject Agent\nresource Doc\naction read on Doc\n"
    "require approval r { subject any action read resource Doc\n from Autonomous }  # <-",
)
_OF_THE_CHAIN = {"subject": "who asks", "delegator": "whom the subject acts for", "actor": "who performs the call"}


def _rule(rule: RuleSymbol, context: Context) -> None:
    approval = rule.approval
    if approval is None or approval.clause is None:
        return
    found = _nobody(rule, approval, context)
    if found is None:
        return
    span, label, note = found
    context.report(
        span,
        f"nobody can give the approval that `{rule.decl.name.text}` asks for",
        label,
        notes=[note, "what needs an approval that cannot be given is forbidden"],
        help="say who looks at it, such as `from User with role lead`, or write a `forbid` if nobody shall",
    )


def _nobody(rule: RuleSymbol, approval: Approval, context: Context) -> tuple[Span, str, str] | None:
    """Return where it shows that nobody can approve, with a label and a note; None if somebody could."""
    assert approval.clause is not None
    reach = context.shared(Reach)
    patterns = approval.clause.patterns
    covered = patterns[0].span.to(patterns[-1].span)
    types = frozenset[str]().union(*(pattern.types for pattern in approval.approvers))
    if not types and context.shared(is_library):
        return None  # whoever imports it says who that is
    if not types:
        return covered, "covers no type of subjects", f"no subject of this program is a `{covered.text}`"
    if approval.where is not None:
        asked = reach.origins.condition(approval.where)
        if all(_never(asked, key, reach) for key in types):
            return (
                approval.where.span,
                "never true",
                "whoever approves must match `from`, and `where` must be true of them",
            )
        for part in conjuncts(asked):
            if (root := _wants_chain(part)) is not None:
                return (
                    approval.where.span,
                    f"wants the approver to be the {root}",
                    f"`{root}` is {_OF_THE_CHAIN[root]}, and nobody in the chain of a request can approve it",
                )
        people = reach.types_of(rule)[0] - context.program.autonomous
        if people and needs_delegator(asked) and not reach.delegated_only(rule):
            return (
                approval.where.span,
                "false for whoever acts for nobody",
                "everybody in the chain of a request is asked on their own, also the person behind all others; nobody in it"
                " can approve, so that need not be said",
            )
    named = reach.approvers_named(approval)
    if named == frozenset():
        return (
            approval.clause.span,
            "contradicts itself",
            "those that the patterns name are not those that `where` names",
        )
    if named is not None and named <= reach.only_subject(rule):
        return covered, "only who asks could approve", "nobody in the chain of a request can approve it"
    return None


def _never(formula: Formula, approver: str, reach: Reach) -> bool:
    types: dict[Path, str] = {("approver",): approver}
    return reach.origins.decided(formula, types) is False


def _wants_chain(part: Formula) -> str | None:
    """Return the member of the chain that the approver would have to be."""
    if not isinstance(part, Test) or (part.operator, part.positive) not in (("==", True), ("!=", False)):
        return None
    roots = [value.path[0] for value in part.operands if value.path is not None and len(value.path) == 1]
    return next((r for r in roots if r in _OF_THE_CHAIN), None) if "approver" in roots else None


LINT = Lint(rule=_rule)
