"""What the decision trees of a program cost: how many tests a request can need, and which rules no switch can skip.

Everything here is read off the trees as they are compiled. A test is one condition between `and`, `or` and `not`, or
one lookup in a switch; a switch on a set (roles, groups, directories) or on ranges takes one lookup more for each case
that it leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from attrs import frozen

from ..checker.symbols import Program, RuleSymbol
from ..diagnostics.source import Span
from ..semantics.entity import Entity
from . import ir, tree
from .obstacles import Obstacle, obstacle, too_late
from .telling import met_together, telling

EFFECTS = ("forbid", "permit", "require_approval")


@frozen(order=True)
class Place:
    """What a bucket is for: an action, a resource type and a subject type (by key)."""

    action: str
    resource: str
    subject: str


@frozen
class Switched:
    """A switch that every request of a bucket comes to: on what, how many cases and rules it has, and its costs.

    `tests` is the most that one request can need in it, `heaviest` the most in one of its cases.
    """

    on: str
    several: bool
    cases: int
    rules: int
    tests: int
    heaviest: int


@frozen
class Blamed:
    """A clause of a rule, with what keeps each of its conditions from being a case of a switch."""

    kind: str
    span: Span
    obstacles: tuple[Obstacle, ...]


@frozen
class Unskipped:
    """A rule that is looked at for every request of a bucket.

    `could` are the switches that it could be a case of. No switch was made because there are `few` such rules, or
    because too many are `alike` in what they ask for; without any (`no-index`), `blamed` says for each clause why.
    """

    rule: RuleSymbol
    tests: int
    why: Literal["few", "alike", "no-index"]
    could: tuple[str, ...]
    blamed: tuple[Blamed, ...]


@frozen
class Part:
    """The tree of one effect in a bucket."""

    effect: str
    rules: int
    tests: int
    depth: int
    switches: tuple[Switched, ...]
    unskipped: tuple[Unskipped, ...]
    tree: ir.Tree


@frozen
class Inspected:
    """What is known of a bucket's costs. `again` is how many tests a request needs more when a condition is in error.

    It is None where nothing can be in error. `asks_who_acts` says that a link is decided once for each principal up to
    itself, because some rule asks who acts.
    """

    place: Place
    rules: tuple[str, ...]
    parts: tuple[Part, ...]
    again: int | None
    asks_who_acts: bool

    @property
    def tests(self) -> int:
        """How many tests one link can need: no forbid matches, the last permit does, all approvals are looked at."""
        return sum(part.tests for part in self.parts)

    @property
    def depth(self) -> int:
        """How many switches can stand one behind another on the way to a rule."""
        return max((part.depth for part in self.parts), default=0)

    @property
    def unskipped(self) -> Iterator[Unskipped]:
        """The rules that are looked at for every request."""
        return (one for part in self.parts for one in part.unskipped)


class Inspector:
    """Inspects the buckets of a program."""

    def __init__(self, program: Program) -> None:
        """Take a program that was checked without errors."""
        self._program = program
        self._rules: dict[str, list[RuleSymbol]] = {}
        for rule in program.rules:
            for action in rule.actions:
                self._rules.setdefault(action, []).append(rule)

    def places(self) -> Iterator[Place]:
        """Yield every action with the types that it can be about and the types that can ask."""
        subjects = sorted(key for key, kind in self._program.types.items() if kind.kind == "subject")
        for key, action in sorted(self._program.actions.items()):
            for resource in sorted(action.on):
                yield from (Place(key, resource, subject) for subject in subjects)

    def bucket(self, place: Place) -> Inspected:
        """Build the trees of a bucket, as the first request to it would, and inspect them."""
        rules = self._rules.get(place.action, ())
        bucket = tree.bucket(self._program, rules, place.action, place.subject, place.resource, _unknown)
        trees = zip(EFFECTS, (bucket.forbids, bucket.permits, bucket.approvals), strict=True)
        return Inspected(
            place=place,
            rules=tuple(test.rule.name for test in bucket.tests),
            parts=tuple(_part(effect, made, bucket) for effect, made in trees if made),
            again=_again(bucket),
            asks_who_acts=bucket.asks_who_acts,
        )


def _unknown(kind: str, identity: str) -> Entity:
    """Return the entity that a literal names; trees depend on no more than its name."""
    key = f"{kind}::{identity}"
    return Entity(kind, identity, None, frozenset(), frozenset({key}))


def _part(effect: str, made: ir.Tree, bucket: ir.Bucket) -> Part:
    left = [node for node in made if isinstance(node, ir.Test)]
    return Part(
        effect=effect,
        rules=sum(test.rule.effect == effect for test in bucket.tests),
        tests=tests_of_tree(made),
        depth=depth_of(made),
        switches=tuple(_switched(node) for node in made if isinstance(node, ir.Switch)),
        unskipped=tuple(_unskipped(test, few=len(left) <= tree.FEW) for test in left),
        tree=made,
    )


def _switched(switch: ir.Switch) -> Switched:
    rules = {test.rule.index for case in switch.cases.values() for test in _rules_in(case)}
    costs = [tests_of_tree(case) for case in switch.cases.values()]
    return Switched(
        on=switch.label,
        several=switch.several,
        cases=len(switch.cases),
        rules=len(rules),
        tests=tests_of_switch(switch),
        heaviest=max(costs),
    )


def _rules_in(made: ir.Tree) -> Iterator[ir.Test]:
    for node in made:
        if isinstance(node, ir.Test):
            yield node
        else:
            for case in node.cases.values():
                yield from _rules_in(case)


def _unskipped(test: ir.Test, *, few: bool) -> Unskipped:
    could = tuple(sorted(telling(test).usable))
    if could:
        return Unskipped(test.rule, tests_of_rule(test), "few" if few else "alike", could, ())
    return Unskipped(test.rule, tests_of_rule(test), "no-index", (), tuple(_blamed(test)))


def _blamed(test: ir.Test) -> Iterator[Blamed]:
    """Yield the clauses to blame: those that only stand in the wrong place, if there are any, or else all of them."""
    late = {id(one): too_late(label) for label, said in telling(test).late.items() for one in said}
    for guard in test.guards:
        conjuncts = ir.conjuncts(guard.condition)
        found = [late.get(id(c)) if late else obstacle(c) for c in conjuncts]
        known = tuple(dict.fromkeys(one for one in found if one is not None))
        if known:
            yield Blamed(guard.kind, guard.span, known)


def _again(bucket: ir.Bucket) -> int | None:
    """Count the tests of all rules, which are evaluated one by one when something is in error."""
    if not any(guard.condition.fails for test in bucket.tests for guard in test.guards):
        return None
    return sum(tests_of_rule(test) for test in bucket.tests)


# --- counting


def tests_of_tree(made: ir.Tree) -> int:
    """Return how many tests a request can need in a tree."""
    return sum(tests_of_switch(node) if isinstance(node, ir.Switch) else tests_of_rule(node) for node in made)


def tests_of_switch(switch: ir.Switch) -> int:
    """Return how many tests a request can need in a switch: those of the worst cases that it can meet at once."""
    costs: Mapping[object, int] = {value: tests_of_tree(case) + switch.several for value, case in switch.cases.items()}
    return 1 + max(sum(costs[value] for value in met) for met in met_together(switch))


def tests_of_rule(test: ir.Test) -> int:
    """Return how many tests a rule has."""
    return sum(_tests(guard.condition) for guard in test.guards)


def _tests(expr: ir.Expr) -> int:
    match expr:
        case ir.Const():
            return 0
        case ir.And() | ir.Or() | ir.Not():
            return sum(map(_tests, ir.parts(expr)))
    return 1


def depth_of(made: ir.Tree) -> int:
    """Return how many switches can stand one behind another in a tree."""
    switches = (node for node in made if isinstance(node, ir.Switch))
    return max((1 + max(map(depth_of, switch.cases.values())) for switch in switches), default=0)
