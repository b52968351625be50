"""Steps: what actions do to authority, and which later requests could be decided otherwise because of them.

This is the structural half of looking for escalation. It follows types and the attributes that rules read, and asks no
solver; a step whose effect nothing reads is left out here, which is a proof that it leads nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from attrs import define, field, frozen

from ..checker.symbols import ActionSymbol, Program, RuleSymbol
from ..semantics.types import Entity
from ..syntax import ast
from .links import Slice, slices
from .readings import NOTHING, Reader, Reading

POWERS = {
    "edits_policy": "changes the policy, and with it every right",
    "disables_audit": "stops what records misuse",
    "registers_tool": "gives agents new tools",
}
"""Effects that are authority in themselves, and what they do."""

MEMORY = "writes_memory"
APPROVES = "approves"


@frozen
class Acting:
    """One way to come to act as a principal of a type (by key): as the resource, or what it or an argument refers to.

    `requires` holds, for each requirement, the actions (by key) of which one must be permitted on that principal.
    """

    principal: str
    where: str = "resource"
    name: str | None = None
    requires: tuple[frozenset[str], ...] = ()
    memory: bool = False

    @property
    def effect(self) -> str:
        """The effect as it is declared."""
        if self.memory:
            return f"effects {MEMORY}"
        return f"acts as {self.where}" + (f".{self.name}" if self.name else "")


@frozen
class Step:
    """A request that changes what somebody may do: its slice, and whom the subject can then act as, if anybody."""

    where: Slice
    acting: Acting | None = None


@define(eq=False)
class Steps:
    """The authority in one program, as far as types tell."""

    program: Program
    slices: list[Slice] = field(init=False)
    _reader: Reader = field(init=False)
    _readings: dict[Slice, Reading] = field(factory=dict)
    _by_subject: dict[str, list[Slice]] = field(factory=dict)
    _beside: dict[tuple[str, str], list[Slice]] = field(factory=lambda: defaultdict(list))
    _asking: dict[str, list[RuleSymbol]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """List the slices in which anything is permitted, and the rules that ask for approvals by action."""
        self.slices = slices(self.program)
        for where in self.slices:
            self._beside[where.action, where.resource].append(where)
        self._reader = Reader(self.program)
        for rule in self.program.rules:
            for action in rule.actions if rule.effect == "require_approval" else ():
                self._asking.setdefault(action, []).append(rule)

    def of_subject(self, subject: str) -> list[Slice]:
        """Return the slices of a subject type, those that tell most about power first."""
        if subject not in self._by_subject:
            mine = (s for s in self.slices if s.subject == subject)
            self._by_subject[subject] = sorted(mine, key=self._dullness)
        return self._by_subject[subject]

    def _dullness(self, where: Slice) -> tuple[int, str, str]:
        decl = self.program.actions[where.action].decl
        effects = {e.text for e in decl.effects}
        if effects & POWERS.keys():
            rank = 0
        elif decl.acts_as or decl.modifies or effects & {MEMORY, APPROVES, "mints_credential", "executes_code"}:
            rank = 2
        else:
            rank = 1 if effects & {"irreversible", "sends_out", "reads_private"} else 3
        return (rank, where.action, where.resource)

    # --- what actions do

    def powers(self, where: Slice) -> list[str]:
        """Return the effects of a slice's action that are authority in themselves."""
        return [e.text for e in self.program.actions[where.action].decl.effects if e.text in POWERS]

    def has(self, where: Slice, effect: str) -> bool:
        """Return whether a slice's action has an effect."""
        return any(e.text == effect for e in self.program.actions[where.action].decl.effects)

    def steps(self, subject: str) -> list[Step]:
        """Return the steps that a subject type could take; not whether it may."""
        found: list[Step] = []
        for where in self.of_subject(subject):
            action = self.program.actions[where.action]
            acting = list(self.actings(where))
            found += [Step(where, one) for one in acting]
            if not acting and self._modified(action, where.resource):
                found.append(Step(where))
        return found

    def actings(self, where: Slice) -> Iterable[Acting]:
        """Yield every way in which a slice's action makes somebody act as a principal."""
        action, resource = self.program.actions[where.action], where.resource
        if any(e.text == MEMORY for e in action.decl.effects) and self._is_subject(resource):
            yield Acting(resource, memory=True)
        for node in action.decl.acts_as:
            requires = tuple(self._required(name) for name in node.requires)
            if node.attribute is None:
                if self._is_subject(resource):
                    yield Acting(resource, requires=requires)
                continue
            name = node.attribute.text
            bag = action.parameters if node.root.text == "args" else self.program.types[resource].attributes
            symbol = bag.get(name)
            if symbol is not None and isinstance(symbol.type, Entity):
                for key in sorted(symbol.type.names):
                    if self._is_subject(key):
                        yield Acting(key, node.root.text, name, requires)

    def _required(self, name: ast.Ident) -> frozenset[str]:
        target = self.program.tables.targets.get(name)
        if isinstance(target, ActionSymbol):
            return frozenset({target.key})
        return frozenset(key for key, action in self.program.actions.items() if name.text in action.groups)

    def _is_subject(self, key: str) -> bool:
        return self.program.types[key].kind == "subject"

    def _modified(self, action: ActionSymbol, resource: str) -> list[str]:
        """Return what an action changes of a resource type: names of attributes, `roles`, `parents`."""
        attributes = self.program.types[resource].attributes
        names = (modifies.attribute.text for modifies in action.decl.modifies)
        return [name for name in names if name in attributes or name in ("roles", "parents")]

    # --- what later requests read

    def matters(self, step: Step, later: Slice) -> bool:
        """Return whether a rule of a later request reads what a step changes."""
        action, resource = self.program.actions[step.where.action], step.where.resource
        reading = self.reading(later)
        for what in self._modified(action, resource):
            if what in self.program.types[resource].attributes:
                if (resource, what) in reading.attributes:
                    return True
            elif reading.groups if what == "parents" else resource in reading.roles:
                return True
        return False

    def reading(self, where: Slice) -> Reading:
        """Return what decides on a request of a slice reads, also on the actions by which it is approved."""
        if where not in self._readings:
            found = self._of_chain(where)
            approving = self.approving if self.approvals(where) else frozenset()
            for other in self.slices if approving else ():
                found |= self._of_chain(other) if other.action in approving else NOTHING
            self._readings[where] = found
        return self._readings[where]

    def _of_chain(self, where: Slice) -> Reading:
        """Return what the rules of a slice read, and those that decide on a delegator where it can have one."""
        found = self._reader.of_slice(where)
        delegated = found.delegation
        for other in map(self._reader.of_slice, self._beside[where.action, where.resource]):
            if delegated or other.actor:
                found |= other
        return found

    def places(self, step: Step, subject: str) -> list[Slice]:
        """Return the slices of the requests that a step takes: its own, and those that it requires besides."""
        acting = step.acting
        required = frozenset[str]().union(*acting.requires) if acting is not None else frozenset[str]()
        more = [Slice(action, subject, acting.principal) for action in sorted(required)] if acting is not None else []
        return [step.where, *more]

    def asks_delegation(self, where: Slice) -> bool:
        """Return whether what decides on a request of a slice, and on its approval, reads for whom somebody acts."""
        return self.reading(where).delegation

    def longer(self, where: Slice) -> bool:
        """Return whether chains of more than two can be decided otherwise in a slice than all those of two.

        Where nobody asks who the delegator is, the last of a chain can be that: who is between only narrows.
        """
        return self._reader.of_slice(where).whom or self.reading(where).depth

    def delegators(self, where: Slice) -> list[str]:
        """Return the types (by key) of those to whom something is permitted in a slice, so that others may for them."""
        return [other.subject for other in self._beside[where.action, where.resource]]

    def delegated(self, where: Slice) -> bool:
        """Return whether it makes a difference in a slice for whom the principal acts.

        Where it makes none, what it is denied alone it is denied on behalf of everybody.
        """
        return self._reader.of_slice(where).delegation

    def approvals(self, where: Slice) -> list[RuleSymbol]:
        """Return the rules that can ask for an approval in a slice."""
        return [
            rule
            for rule in self._asking.get(where.action, ())
            if any(where.subject in p.types for p in rule.subjects)
            and any(where.resource in p.types for p in rule.resources)
        ]

    @property
    def approving(self) -> frozenset[str]:
        """The actions (by key) by which somebody approves; empty where approving is no action of the program."""
        found = (a for a in self.program.actions.values() if any(e.text == APPROVES for e in a.decl.effects))
        return frozenset(action.key for action in found)
