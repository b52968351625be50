"""How links are decided, as objects that are made once: an outcome for each rule, with the decision that it makes.

An outcome depends on nothing but the rules it names. So all requests that a rule decides share one, and the decision
with it; what comes from evidence or errors is made anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field

from ..checker.symbols import Program, RuleSymbol
from ..compiler import ir
from .decision import ApprovalStatus, Decision, DecisionError, Effect

_SECOND = 10**9
_KEPT = 1024


@define(eq=False)
class LinkOutcome:
    """How one link is decided: the rules that determine it, and the approvals that match (by rule index).

    `decision` is that of a request whose links are all decided so, unless evidence or an error comes in. `after` holds
    what this outcome and a later link's make together.
    """

    effect: Effect
    rules: tuple[int, ...] = ()
    waits: tuple[int, ...] = ()
    errors: tuple[DecisionError, ...] = ()
    decision: Decision | None = None
    denies: bool = field(init=False)
    after: dict[LinkOutcome, LinkOutcome] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Note what is asked most often."""
        self.denies = self.effect is Effect.DENY


class Outcomes:
    """Makes the outcomes of one program; how many are kept is bounded by its rules, or a constant."""

    def __init__(self, program: Program, digest: Callable[[], str]) -> None:
        """Take the program; its digest is asked for when the first decision is made."""
        self._program, self._digest = program, digest
        self._waiting: dict[tuple[tuple[int, ...], tuple[int, ...]], LinkOutcome] = {}

    def denied(self) -> LinkOutcome:
        """Return the outcome where no rule matches."""
        return self._made(Effect.DENY, (), ())

    def of(self, test: ir.Test) -> LinkOutcome:
        """Return the outcome of a forbid or a permit that decides."""
        return self._made(Effect.DENY if test.rule.effect == "forbid" else Effect.ALLOW, (test.rule.index,), ())

    def waiting(self, granted: LinkOutcome, matching: Iterable[int]) -> LinkOutcome:
        """Return the outcome of a permit together with the approvals that match."""
        return self._waits(granted.rules, tuple(sorted(set(matching))))

    def joined(self, first: LinkOutcome, second: LinkOutcome) -> LinkOutcome:
        """Return what two outcomes that do not deny are for the request as a whole."""
        found = first.after.get(second)
        if found is None:
            rules = tuple(dict.fromkeys(first.rules + second.rules))
            waits = tuple(sorted({*first.waits, *second.waits}))
            found = self._waits(rules, waits) if waits else self._made(Effect.ALLOW, rules, ())
            if len(first.after) < _KEPT:
                first.after[second] = found
        return found

    def names(self, indexes: Iterable[int]) -> tuple[str, ...]:
        """Return the names of rules, each once."""
        rules = self._program.rules
        return tuple(dict.fromkeys(rules[i].name for i in indexes))

    def _waits(self, rules: tuple[int, ...], waits: tuple[int, ...]) -> LinkOutcome:
        key = (rules, waits)
        found = self._waiting.get(key)
        if found is None:
            found = self._made(Effect.REQUIRE_APPROVAL, rules, waits)
            if len(self._waiting) < _KEPT:
                self._waiting[key] = found
        return found

    def _made(self, effect: Effect, rules: tuple[int, ...], waits: tuple[int, ...]) -> LinkOutcome:
        statuses = tuple(status(self._program.rules[i], ()) for i in waits)
        decision = Decision(effect, self._digest(), self.names(waits or rules), statuses)
        return LinkOutcome(effect, rules, waits, (), decision)


def status(rule: RuleSymbol, people: tuple[str, ...]) -> ApprovalStatus:
    """Say of an approval whether those who approved are enough."""
    approval = rule.approval
    assert approval is not None
    text = ""
    if approval.clause is not None:
        text = " ".join(approval.clause.span.text.removeprefix("from").split())
    return ApprovalStatus(
        rule.name, approval.quorum, text, approval.expires // _SECOND, len(people) >= approval.quorum, people
    )
