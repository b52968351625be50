"""One kind of path as a question: which steps, what is gained at its end, and whether a subject can go it.

Every request of the path is encoded in the state that it is made in. At the end some request is allowed, to the subject
or to a principal that it came to act as, which was not allowed to the subject before anything was changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from attrs import define, evolve, field

from ..checker.symbols import RuleSymbol
from .asking import Asked, Call, Caller, Chains, Workflow
from .encoding import Bag, Encoded, Encoder
from .keys import part_of, presence
from .links import Link, Slice, Surroundings, slices_of
from .solver import Answer, Limits, Model, Smt, Term
from .steps import Step, Steps
from .timeline import Change, Timeline, at
from .universe import Mention, Unencodable


@define(eq=False)
class Taken:
    """A step that was taken: its request, what else had to be permitted for it, and what it changed."""

    step: Step
    asked: Asked
    required: list[list[Asked]] = field(factory=list)
    changes: list[Change] = field(factory=list)


class Path:
    """The unknowns of a path of some subject type, step by step."""

    def __init__(self, steps: Steps, subject: str, limits: Limits | None = None, chains: Chains = Chains.ALONE) -> None:
        """Begin where nothing was done yet; `chains` says on whose behalf requests can be made."""
        self._steps = steps
        self._limits = limits or Limits()
        self.program = steps.program
        self.timeline = Timeline(Smt(self._limits), self.program)
        self.smt = self.timeline.smt
        self.subject = subject
        self.taken: list[Taken] = []
        self.claims: list[Term] = []
        self.before: Asked | None = None
        self.after: Asked | None = None
        self._principals: list[tuple[str, Term]] = [(subject, self.smt.variable("subject", self.smt.string))]
        self._at = "context"
        self._caller = Caller(self.timeline, steps, chains)

    # --- requests

    def principal(self, who: int, state: int) -> Mention:
        """Return one of the principals that the subject controls, in a state."""
        kind, key = self._principals[who]
        path = at(state, f"acted as {who}" if who else "subject")
        return self.timeline.mention(path, key, frozenset({self.program.types[kind].external}))

    def number_of(self, taken: Taken) -> int:
        """Return which of the principals a step of the path led to."""
        acting = [t for t in self.taken if t.step.acting is not None]
        return acting.index(taken) + 1

    def others(self, asked: Asked) -> list[Mention]:
        """Return the principals that could approve a request: all that the subject controls by then, but who asks."""
        return [self.principal(i, asked.state) for i in range(asked.controlled) if i != asked.who]

    def _ask(self, name: str, where: Slice, who: int, state: int, *, delegated: Term | None = None) -> Asked:
        """Return a request; `delegated` is whether it is made for others, None where it may be."""
        subject = self.principal(who, state)
        resource = self._resource(name, where, state)
        arguments = Bag(at(state, f"args {name}"), self.program.actions[where.action].parameters)
        context = self._context(state)
        for bag in (arguments, context):
            for symbol in bag.fields.values():
                self.timeline.make(part_of(bag.path, symbol.external), symbol.type, self.program)
        around = Surroundings(resource, arguments, context)
        call = self._caller.call(name, where, subject, around, state, delegated)
        return Asked(where, who, state, len(self._principals), subject, around, call)

    def _context(self, state: int) -> Bag:
        """Return the context of a request; the steps and what is gained have each their own, at one time."""
        bag = Bag(at(state, self._at), self.program.context)
        if "now" in bag.fields and bag.path != "context":
            symbol = bag.fields["now"]
            paths = (part_of(path, symbol.external) for path in ("context", bag.path))
            self.claims.append(self.timeline.equal(*(self.timeline.make(p, symbol.type, self.program) for p in paths)))
        return bag

    def _resource(self, name: str, where: Slice, state: int) -> Mention:
        key = self.smt.variable(f"resource {name}", self.smt.string)
        kind = frozenset({self.program.types[where.resource].external})
        return self.timeline.mention(at(state, f"resource {name}"), key, kind)

    # --- steps

    def permits(self, where: Slice) -> list[RuleSymbol]:
        """Return the permits that can match in a slice."""
        permits = (rule for rule in self.program.rules if rule.effect == "permit")
        return [rule for rule in permits if where in slices_of(self.program, rule)]

    def take(self, step: Step, *, rule: RuleSymbol | None = None, waits: bool = False, denied: bool = True) -> None:
        """Take a step as the subject, by some permit; with `waits`, somebody else has to approve it.

        Without `denied`, it is enough that it is not denied.
        """
        name = f"of step {len(self.taken) + 1}"
        self._at = f"context {name}"
        asked = self._ask(name, step.where, 0, self.timeline.now)
        if rule is not None:
            self.claims.append(asked.call.link.matching(rule).matches)
        if not denied:
            self.claims.append(asked.call.granted)
        elif waits:
            self.claims.append(asked.call.waits)
        else:
            self.claims.append(self.smt.either(asked.call.allowed, self._approved(asked)))
        taken = Taken(step, asked)
        self.taken.append(taken)
        if step.acting is not None:
            self._act(taken, name)
        if self.program.actions[step.where.action].decl.modifies:
            taken.changes, claims = self.timeline.change(self.program.actions[step.where.action], asked.around)
            self.claims += claims

    def _act(self, taken: Taken, name: str) -> None:
        acting, asked = taken.step.acting, taken.asked
        assert acting is not None
        reached = asked.around.resource
        if acting.name is not None:
            if acting.where == "args":
                symbol = self.program.actions[asked.where.action].parameters[acting.name]
                bag = asked.around.arguments
                value = self.timeline.make(part_of(bag.path, symbol.external), symbol.type, self.program)
                present = self._present(bag, acting.name)
            else:
                symbol = self.program.types[asked.where.resource].attributes[acting.name]
                found = self.timeline.attribute(reached, symbol, self.program)
                value, present = found.value, found.present
            assert isinstance(value, Mention)
            reached = value
            self.claims.append(present)
        self.claims += [self.smt.no(self.smt.equal(reached.key, key)) for _, key in self._principals]
        self._principals.append((acting.principal, reached.key))
        who = self.principal(len(self._principals) - 1, asked.state)
        for number, actions in enumerate(acting.requires):
            options = []
            for action in sorted(actions):
                if acting.principal in self.program.actions[action].on:
                    where = Slice(action, self.subject, acting.principal)
                    option = self._ask(f"{name} requires {number} {action}", where, 0, asked.state)
                    self.claims.append(self.smt.equal(option.around.resource.key, who.key))
                    options.append(option)
            taken.required.append(options)
            self.claims.append(self.smt.either(*(o.call.allowed for o in options)))

    def _present(self, bag: Bag, name: str) -> Term:
        symbol = bag.fields[name]
        if not symbol.optional:
            return self.smt.true
        return self.smt.variable(presence(part_of(bag.path, symbol.external)), self.smt.bool)

    def spare_itself(self) -> None:
        """Claim that the last step is not taken on the subject itself."""
        asked = self.taken[-1].asked
        self.claims.append(self.smt.no(self.smt.equal(asked.around.resource.key, asked.subject.key)))

    # --- approvals

    def _approved(self, asked: Asked) -> Term:
        """Return whether a request waits for approvals, and the other principals of the path may give them all."""
        smt = self.smt
        others = [i for i in range(asked.controlled) if i != asked.who]
        if not others:
            return smt.false
        asking = []
        for there, link in asked.call.links:
            for rule in link.rules("require_approval"):
                matches = smt.both(there, link.matching(rule).matches)
                asking.append(smt.implies(matches, self._enough(asked, link, rule, others)))
        return smt.both(asked.call.granted, *asking) if asking else smt.false

    def _enough(self, asked: Asked, link: Link, rule: RuleSymbol, others: Sequence[int]) -> Term:
        assert rule.approval is not None
        may = {i: self._may_approve(asked, link, rule, i) for i in others}
        groups = combinations(others, rule.approval.quorum)
        return self.smt.either(*(self.smt.both(*(may[i] for i in group)) for group in groups))

    def _may_approve(self, asked: Asked, link: Link, rule: RuleSymbol, who: int) -> Term:
        approval, smt = rule.approval, self.smt
        assert approval is not None
        person = self.principal(who, asked.state)
        kind = self._principals[who][0]
        may = [link.fits(person, approval.approvers, kind), smt.no(asked.call.acts_for(person))]
        if approval.where is not None:
            names = {**link.names, "approver": Encoded(person, smt.false)}
            value, wrong = Encoder(self.timeline, self.program, link.delegated).condition(approval.where, names)
            may += [value, smt.no(wrong)]
        if self._steps.approving:
            may.append(self._by_an_action(asked, kind, who))
        return smt.both(*may)

    def _by_an_action(self, asked: Asked, kind: str, who: int) -> Term:
        """Return whether a principal may perform an action that approves: on that very resource, if it can."""
        smt, options = self.smt, []
        for action in sorted(self._steps.approving):
            on = self.program.actions[action].on
            for resource in sorted({asked.where.resource} & on or on):
                where = Slice(action, kind, resource)
                if where not in self._steps.slices:
                    continue
                option = self._ask(f"of approval {action} {resource} by {who}", where, who, asked.state)
                here = smt.equal(option.around.resource.key, asked.around.resource.key)
                options.append(smt.both(option.call.allowed, here if resource == asked.where.resource else smt.true))
        return smt.either(*options)

    # --- the end

    def gain(self, where: Slice, who: int, *, approved: bool = False) -> None:
        """End with a request that one of the principals is allowed and that the subject was not allowed before.

        With `approved`, the request waits for approvals that others of the principals may give.
        """
        smt, last = self.smt, self.timeline.now
        self._at = "context"
        place = Slice(where.action, self.subject, where.resource)
        befores = [self._ask("gained", place, 0, 0, delegated=smt.false)]
        if self._caller.chains is Chains.TWO:
            befores.append(self._ask("gained", place, 0, 0, delegated=smt.true))
        self.before = evolve(befores[0], controlled=1)  # at that time there was nobody else
        self.after = self._ask("gained", where, who, last)
        self.claims += [before.call.refused for before in befores]
        if approved:
            self.claims.append(smt.both(self.after.call.refused, self._approved(self.after)))
        else:
            self.claims.append(self.after.call.allowed)
        if last:
            was, now = self.before.around, self.after.around
            self.claims += [*self._same(was.arguments, now.arguments), *self._same(was.context, now.context)]
            self.claims += [smt.no(self._meanwhile(before, now).allowed) for before in befores]

    def _meanwhile(self, was: Asked, now: Surroundings) -> Call:
        """Return a request as it could be made in the end if only work on the resource had gone on."""
        later: dict[str, Encoded | Bag] = {"resource": Encoded(now.resource, self.smt.false), "args": now.arguments}
        call = self._caller.call("gained", was.where, was.subject, was.around, 0, was.call.delegated, kind=Workflow)
        for _, link in call.links:
            assert isinstance(link, Workflow)
            link.later = {**link.names, **later}
        return call

    def exchange(self, where: Slice, rule: RuleSymbol) -> None:
        """End with two requests of a slice, by two subjects who may approve each other's where a rule asks for it."""
        smt = self.smt
        other = smt.variable("other", smt.string)
        self.claims.append(smt.no(smt.equal(self._principals[0][1], other)))
        self._principals.append((self.subject, other))
        self.before, self.after = self._ask("of the one", where, 0, 0), self._ask("of the other", where, 1, 0)
        for asked in (self.before, self.after):
            self.claims += [asked.call.link.matching(rule).matches, self._approved(asked)]

    def _same(self, a: Bag, b: Bag) -> list[Term]:
        claims = []
        for name, symbol in a.fields.items():
            paths = (part_of(bag.path, symbol.external) for bag in (a, b))
            mine, theirs = (self.timeline.make(path, symbol.type, self.program) for path in paths)
            claims.append(self.smt.equal(self._present(a, name), self._present(b, name)))
            try:
                claims.append(self.timeline.equal(mine, theirs))
            except Unencodable:
                self.timeline.inexact()
        return claims

    def ask(self) -> tuple[Answer, Model | None]:
        """Return whether the path can be gone, and values for it; such that can be written down where soon found."""
        if any(claim == self.smt.false for claim in self.claims):
            return Answer.UNSAT, None
        self.timeline.close()
        # By steps and not by time, so that the answer does not depend on how busy the machine is.
        answer, model = self.plainly(evolve(self._limits, steps=self._limits.steps // 20))
        return (answer, model) if answer is Answer.SAT else self.smt.ask(*self.timeline.valid, *self.claims)

    def plainly(self, limits: Limits | None = None) -> tuple[Answer, Model | None]:
        """Ask for values that can be written down; nothing follows where there are none."""
        return self.smt.ask(*self.timeline.valid, *self.timeline.plain, *self.claims, limits=limits or self._limits)
