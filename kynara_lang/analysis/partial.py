"""Partial evaluation: what rules, and the decision they lead to, come to when only part of a request is known.

Of each rule it is said whether it matches always, never, or depending on what is not known, and which conditions then
remain, with everything known put in. An answer is about every valid request that agrees with what is known: `never` and
`always` are certain, and so is a decision that is missing among those that are possible. A request that is not valid is
denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from attrs import field, frozen

from ..checker.symbols import Condition, PatternSymbol, Program, RuleSymbol
from ..semantics.display import display_text
from ..semantics.times import format_time
from .arithmetic import CONTRARY
from .knowledge import LEVELS, UNKNOWN, Found, Known, Lookup, Someone, plain
from .reduction import Reducer, junction, opposite

RANKS = {"deny": 0, "require_approval": 1, "allow": 2}
Outcome: TypeAlias = Literal["always", "never", "depends"]
PartKind: TypeAlias = Literal["subject", "resource", "valid", "scope", "when", "unless"]


ALWAYS = Found("true", value=True)
NEVER = Found("false", value=False)


@frozen
class Part:
    """A condition that remains of a rule; `fails` says that evaluating it may be an error."""

    kind: PartKind
    text: str
    fails: bool = False

    def __str__(self) -> str:
        """Return the clause as a policy would have it."""
        return f"{self.kind} {self.text}"


@frozen(eq=False)
class Remains:
    """What remains of a rule.

    `subject` and `resource` are the patterns that fit, as policies write them. A forbid or an approval that only
    matches where a condition is in error has `by_error`, and then `parts` are such conditions. `reads` is what the
    outcome depends on. `asks` is everything that the rule asks, as one condition of the language.
    """

    rule: RuleSymbol
    outcome: Outcome
    subject: str = ""
    resource: str = ""
    parts: tuple[Part, ...] = ()
    by_error: bool = False
    reads: frozenset[str] = field(default=frozenset())
    asks: Found = field(default=NEVER)

    @property
    def certain(self) -> bool:
        """Whether what is known decides it."""
        return self.outcome != "depends"


class Partial:
    """Evaluates rules of one program on one request of which something is known."""

    def __init__(self, program: Program, known: Known, lookup: Lookup | None = None) -> None:
        """Take what is known; `lookup` is what a store knows of entities, None where there may be any store."""
        self.program, self.known = program, known
        self.reducer = Reducer(program, known, lookup)

    def rules(self) -> list[Remains]:
        """Return what remains of every rule that may match."""
        found = [self.rule(rule) for rule in self.program.rules if self.known.action in rule.actions]
        return [one for one in found if one.outcome != "never"]

    def rule(self, rule: RuleSymbol) -> Remains:
        """Return what remains of a rule."""
        who, is_who = self._pattern(self.known.subject, rule.subjects)
        what, is_what = self._pattern(self.known.resource, rule.resources)
        if self.known.action not in rule.actions or who.value is False or what.value is False:
            return Remains(rule, "never")
        validity = self._validity(rule)
        tests: list[tuple[PartKind, Found]] = [("subject", who), ("resource", what)]
        tests += [("valid", found) for found, _ in validity]
        first = len(tests)
        for condition in rule.conditions:
            if condition.expr is not None:
                tests.append((condition.kind, self.condition(condition)))
                if tests[-1][1].failed or tests[-1][1].value is False:
                    break
        whole = junction("and", [found for _, found in tests])
        outcome = _outcome(rule, whole)
        subject, resource = who.text, what.text
        if outcome == "never":
            return Remains(rule, outcome, subject, resource)
        before = [is_who, is_what, *(asks for _, asks in validity)]
        asks = whole
        if not all(found.known for found in before):
            asks = junction("and", [*before, *(found for _, found in tests[first:])])
        by_error = whole.value is False or whole.failed
        kept = [(kind, found) for kind, found in tests if not found.known or found.fails or found.failed]
        if by_error:
            kept = [(kind, found) for kind, found in kept if found.fails or found.failed]
        parts = tuple(part for kind, found in kept for part in _parts(kind, found, by_error))
        return Remains(rule, outcome, subject, resource, parts, by_error, whole.reads, asks)

    def condition(self, condition: Condition) -> Found:
        """Return what becomes of what a clause demands; an `unless` demands the contrary of what it says."""
        assert condition.expr is not None
        found = self.reducer.reduce(condition.expr)
        return opposite(found) if condition.kind == "unless" else found

    # --- what a rule asks beside its conditions

    def _pattern(self, entity: Someone, patterns: Sequence[PatternSymbol]) -> tuple[Found, Found]:
        """Return whether an entity fits one of some patterns: the text says who does, and then as a condition."""
        found = [self._fits(entity, pattern) for pattern in patterns if entity.types & pattern.types]
        for as_pattern, asks in found:
            if as_pattern.value is True:
                return as_pattern, asks
        possible = [(f, asks) for f, asks in found if f.value is not False]
        if not possible:
            return Found("", value=False), NEVER
        texts = list(dict.fromkeys(f.text for f, _ in possible))
        reads = frozenset[str]().union(*(f.reads for f, _ in possible))
        return Found(", ".join(texts), reads=reads), junction("or", [asks for _, asks in possible])

    def _fits(self, entity: Someone, pattern: PatternSymbol) -> tuple[Found, Found]:
        """Return whether an entity fits a pattern, as a pattern and as a condition; what is known is left out."""
        kinds = entity.types & pattern.types
        name = self.program.types[min(kinds)].name
        text, unsure = name, not entity.types <= pattern.types
        asks: list[Found] = []
        if unsure:
            names = [self.program.types[key].name for key in sorted(kinds)]
            asks.append(junction("or", [_asked(entity, "is", one) for one in names]))
        if pattern.entity is not None:
            identity = pattern.entity.partition("::")[2]
            text = f"{name}::{display_text(identity)}"
            if entity.id is not None and entity.id != identity:
                return Found(text, value=False), NEVER
            if entity.id is None:
                asks.append(_asked(entity, "==", text))
            unsure = unsure or entity.id is None
        if pattern.group is not None:
            kind, _, identity = pattern.group.partition("::")
            inside = self.reducer.inside(entity, Someone("", frozenset({kind}), identity))
            if inside is False:
                return Found(text, value=False), NEVER
            if inside is None:
                group = f"{self.program.types[kind].name}::{display_text(identity)}"
                asks.append(_asked(entity, "in", group))
                text += f" in {group}"
                unsure = True
        if pattern.roles:
            if entity.roles is not None and entity.roles.isdisjoint(pattern.roles):
                return Found(text, value=False), NEVER
            if entity.roles is None:
                names = [self.program.roles[role].name for role in pattern.roles]
                asks.append(junction("or", [_asked(entity, "holds", one) for one in names]))
                text += f" with role {' or '.join(names)}"
                unsure = True
        if not unsure:
            return Found(text, value=True), ALWAYS
        return Found(text, reads=frozenset({entity.name})), junction("and", asks)

    def _validity(self, rule: RuleSymbol) -> list[tuple[Found, Found]]:
        """Return whether a rule exists at the time: as its clauses say it, and as conditions."""
        found = []
        now = plain(self.known.context.get("now", UNKNOWN))
        for word, bound, op in (("from", rule.valid_from, ">="), ("until", rule.valid_until, "<")):
            if bound is not None:
                value = UNKNOWN if now is UNKNOWN else (now >= bound) is (op == ">=")
                reads = frozenset({"context.now"}) if value is UNKNOWN else frozenset[str]()
                time = format_time(bound)
                contrary = (f"context.now {CONTRARY[op]} {time}", LEVELS[op])
                asks = Found(f"context.now {op} {time}", LEVELS[op], value, contrary=contrary, reads=reads)
                found.append((Found(f"{word} {time}", value=value, reads=reads), asks))
        return found


def _asked(entity: Someone, op: str, whom: str) -> Found:
    """Return something that is not known of an entity, as a condition."""
    contrary = None if op not in CONTRARY else (f"{entity.name} {CONTRARY[op]} {whom}", LEVELS[op])
    return Found(f"{entity.name} {op} {whom}", LEVELS[op], contrary=contrary, reads=frozenset({entity.name}))


def decisions(remains: Iterable[Remains]) -> frozenset[str]:
    """Return the decisions that a link can come to, given what remains of its rules; approvals are not counted."""
    by_effect: dict[str, list[Remains]] = {"permit": [], "forbid": [], "require_approval": []}
    for one in remains:
        if one.outcome != "never":
            by_effect[one.rule.effect].append(one)

    def surely(effect: str) -> bool:
        return any(one.outcome == "always" for one in by_effect[effect])

    found = set()
    if by_effect["forbid"] or not surely("permit"):
        found.add("deny")
    if by_effect["permit"] and not surely("forbid"):
        if by_effect["require_approval"]:
            found.add("require_approval")
        if not surely("require_approval"):
            found.add("allow")
    return frozenset(found)


def least(links: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return the decisions that a request can come to, given those of its links: the least of one of each."""
    found = frozenset({"allow"})
    for link in links:
        found = frozenset(min(a, b, key=RANKS.__getitem__) for a in found for b in link)
    return found


def _outcome(rule: RuleSymbol, whole: Found) -> Outcome:
    """Return whether a rule matches: an error makes a permit not match, and everything else match."""
    on_error = rule.effect != "permit"
    matches = {on_error if outcome == "error" else outcome for outcome in whole.outcomes}
    if matches == {True}:
        return "always"
    return "never" if matches == {False} else "depends"


def _parts(kind: PartKind, found: Found, by_error: bool) -> Iterable[Part]:
    """Yield what a clause says, one part a condition that an `and` joins; where only errors count, those that fail."""
    pieces = found.parts if found.joined == "and" or (by_error and found.parts) else (found,)
    for piece in pieces:
        said = opposite(piece) if kind == "unless" else piece
        yield Part(kind, said.text, piece.fails or piece.failed)
