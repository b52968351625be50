"""Escalation: whether some subject, by steps that are permitted to it, comes to more than it was permitted.

Types come first: a program without actions on authority, or whose rules read nothing that these change, is done
without the solver. Then paths are tried, shortest first. Every hop of a shortest path is a request that the subject
itself was allowed from the start: had one of them only become possible by those before, or to a principal that it came
to act as, it would itself be the gain of a shorter path. So the subject takes all steps, and what it came to act as
gains or approves.

Where a rule reads on whose behalf a request is made, each request may also be one for somebody else. Of chains of more
than two only what is impossible is found out; what may be possible is unknown.

A path is shown when the evaluator has decided each of its requests as claimed; anything else that cannot be excluded is
unknown. That there is no path of up to so many steps says nothing of longer ones, except where no step is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import product

from attrs import define, evolve, field, frozen

from ..checker.symbols import Program, RuleSymbol
from ..diagnostics.diagnostic import Severity
from ..syntax import ast, walk
from .asking import Chains
from .keys import type_of
from .links import Slice
from .paths import Path
from .question import Verdict
from .rehearsal import Author, Judge, Rehearsal
from .solver import Answer, Limits, Model
from .steps import Step, Steps
from .witness import Json

PATHS = tuple(f"KYN40{number}" for number in range(1, 10))
"""The codes of paths."""
DEPTH = 2
"""How many steps a path has at most, where nobody asks for more."""
PATIENCE = 30.0
"""Seconds for one program, where nobody gives more."""
_MISTAKE = "the solver and the evaluator disagree about a path, which is a mistake in Kynara"
_LONGER = "only chains of two principals were looked at, and who acts for somebody who acts for others may get further"
_NAMED = "a rule reads something of an entity that it names itself, which only an entity store tells"
_NO_TIME = "there was no time left to look any further"


@frozen(eq=False)
class Move:
    """One hop of a path: the permit that allows it, its effects, its request and others that it needs.

    `waits` are the rules that ask for somebody's approval of it.
    """

    rule: RuleSymbol
    where: Slice
    effects: tuple[str, ...]
    request: Json
    needs: tuple[Json, ...] = ()
    waits: tuple[RuleSymbol, ...] = ()


@frozen(eq=False)
class Escalation:
    """A path and what it leads to.

    `gained` is the slice of what is gained, None for authority that is gained with the last hop itself; `request` is
    one such request, `before` how it was decided for the subject, `granted` the permit that allows it afterwards.
    `lifted` are the forbids and approvals that stood in its way. `approved` is whether the subject approves it itself,
    `approvers` are as whom (by key). `own` is whether forbidding the hop on the subject itself is enough. `verdict` is
    REFUTED for a path that the evaluator has gone, else UNKNOWN, and then `reason` says why.
    """

    code: str
    subject: str
    steps: tuple[Step, ...]
    moves: tuple[Move, ...] = ()
    gained: Slice | None = None
    request: Json | None = None
    before: str = ""
    granted: RuleSymbol | None = None
    lifted: tuple[RuleSymbol, ...] = ()
    approved: bool = False
    approvers: tuple[str, ...] = ()
    own: bool = False
    severity: Severity = Severity.ERROR
    verdict: Verdict = Verdict.REFUTED
    reason: str = ""

    @property
    def key(self) -> Move:
        """The hop to blame, and to cut: the last that changes something, else the first."""
        changing = [m for s, m in zip(self.steps, self.moves, strict=True) if s.acting is None]
        return changing[-1] if changing else self.moves[0]


@frozen(eq=False)
class Survey:
    """What is known of escalation in a program.

    `found` are paths, `unknown` what could not be settled, `steps` the steps that some request of each subject type
    (by key) may take, `idle` how many more there are that nothing permits.
    """

    program: Program
    found: tuple[Escalation, ...]
    unknown: tuple[Escalation, ...]
    steps: dict[str, tuple[Step, ...]]
    idle: int
    depth: int

    @property
    def proved(self) -> bool:
        """Whether there is no path of any length: no permitted action changes anything that a rule reads."""
        return not self.found and not self.unknown and not any(self.steps.values())


def escalations(
    program: Program, judge: Judge, limits: Limits | None = None, *, depth: int = DEPTH, seconds: float = PATIENCE
) -> Survey:
    """Look for paths of up to `depth` steps; raise MissingSolver where the extra is not installed."""
    return _Search(program, judge, limits or Limits(), depth, time.monotonic() + seconds).run()


@define(eq=False)
class _Search:
    """One search; everything that was tried is tried once."""

    program: Program
    judge: Judge
    limits: Limits
    depth: int
    end: float
    known: Steps = field(init=False)
    found: list[Escalation] = field(factory=list)
    unknown: list[Escalation] = field(factory=list)
    steps: dict[str, tuple[Step, ...]] = field(factory=dict)
    idle: int = 0

    def __attrs_post_init__(self) -> None:
        self.known = Steps(self.program)

    def run(self) -> Survey:
        for key in sorted(k for k, t in self.program.types.items() if t.kind == "subject"):
            self._powers(key)
            steps = self.known.steps(key)
            reached = {key, *(s.acting.principal for s in steps if s.acting is not None)}
            steps = [s for s in steps if self._leads_somewhere(reached, s)]
            possible = [s for s in steps if self._possible(key, s)]
            self.idle += len(steps) - len(possible)
            self.steps[key] = tuple(possible)
            alone = [s for s in possible if not self._alone(key, s)]
            for length in range(2, self.depth + 1):
                self._together(key, alone, length)
            for step in possible:
                self._with_approval(key, step)
        self._mutual()
        return Survey(self.program, self._distinct(), tuple(self.unknown), self.steps, self.idle, self.depth)

    def _distinct(self) -> tuple[Escalation, ...]:
        """Return one finding for a subject type, a code and the permit that allows the step."""
        kept: dict[tuple[str, str, str], Escalation] = {}
        for one in self.found:
            kept.setdefault((one.subject, one.code, one.key.rule.name), one)
        return tuple(kept.values())

    # --- single steps

    def _permits(self, where: Slice) -> list[RuleSymbol]:
        return Path(self.known, where.subject).permits(where)

    def _leads_somewhere(self, reached: set[str], step: Step) -> bool:
        """Whether a rule could decide otherwise after a step, for the subject or those that it can act as."""
        if step.acting is not None:
            approvals = any(rule.effect == "require_approval" for rule in self.program.rules)
            return approvals or bool(self.known.of_subject(step.acting.principal))
        return any(self.known.matters(step, where) for key in reached for where in self.known.of_subject(key))

    def _possible(self, subject: str, step: Step) -> bool:
        """Whether some request of a step is not denied; a step that may be possible counts."""
        path = Path(self.known, subject, self.limits, Chains.ANY)
        path.take(step, denied=False)
        return path.ask()[0] is not Answer.UNSAT

    def _powers(self, subject: str) -> None:
        for where in self.known.of_subject(subject):
            for effect in self.known.powers(where):
                for rule in self._permits(where):
                    for waits in (False, True)[: 1 + bool(self.known.approvals(where))]:
                        if self._try(_Trial(subject, (Step(where),), rule, waits=waits, power=effect)):
                            break

    def _alone(self, subject: str, step: Step) -> bool:
        found = [self._first(subject, (step,), rule) for rule in self._permits(step.where)]
        return any(found)

    def _with_approval(self, subject: str, step: Step) -> None:
        """Look for a path whose step somebody else has to approve."""
        if self.known.approvals(step.where):
            for rule in self._permits(step.where):
                if not any(e.steps[0] == step and e.moves[0].rule is rule and e.subject == subject for e in self.found):
                    self._first(subject, (step,), rule, waits=True)

    def _first(self, subject: str, steps: tuple[Step, ...], rule: RuleSymbol | None, waits: bool = False) -> bool:
        for who, where, approved in self._goals(subject, steps):
            if self._try(_Trial(subject, steps, rule, waits, who, where, approved)):
                return True
        return False

    def _goals(self, subject: str, steps: tuple[Step, ...]) -> Iterator[tuple[int, Slice, bool]]:
        """Yield what could be gained by some steps: by which principal, in which slice, whether approved by another."""
        acting = [s for s in steps if s.acting is not None]
        changing = [s for s in steps if self._changes(s)]
        types = [subject, *(s.acting.principal for s in acting if s.acting is not None)]
        ends = [(who, where) for who, kind in enumerate(types) for where in self.known.of_subject(kind)]
        if acting:
            yield from ((who, where, True) for who, where in ends if self.known.approvals(where))
        for who, where in ends:
            if who == 0 and (acting or not changing):
                continue  # without approvals it gains nothing itself by who it acts as
            if all(self._used(step, steps, where) for step in changing):
                yield who, where, False

    def _used(self, step: Step, steps: tuple[Step, ...], end: Slice) -> bool:
        later = steps[steps.index(step) + 1 :]
        return self.known.matters(step, end) or any(self.known.matters(step, s.where) for s in later)

    def _changes(self, step: Step) -> bool:
        return bool(self.program.actions[step.where.action].decl.modifies)

    # --- several steps

    def _together(self, subject: str, alone: Sequence[Step], length: int) -> None:
        """Try steps that lead nowhere alone: first those that make it act as somebody, then changes."""
        acting = [s for s in alone if s.acting is not None]
        changing = [s for s in alone if s.acting is None]
        for number in range(length + 1):
            if number > 1 and not self._quorums():
                continue  # a second principal only counts where two have to approve
            for some in product(acting, repeat=number):
                for others in product(changing, repeat=length - number):
                    steps = (*some, *others)
                    known = (e for e in (*self.found, *self.unknown) if e.subject == subject)
                    if not any(set(e.steps) <= set(steps) for e in known):
                        self._first(subject, steps, None)

    def _quorums(self) -> bool:
        return any(r.approval is not None and r.approval.quorum > 1 for r in self.program.rules)

    # --- one question

    def _try(self, trial: _Trial) -> bool:
        """Ask for one path; remember it if it was found, or that nobody knows."""
        if time.monotonic() > self.end:
            self._out_of_time(trial)
            return False
        if self._went(trial):
            return True
        if trial.where is not None and self._named(trial.steps, trial.where):
            self._unsettled(trial, _NAMED)
        places = [place for step in trial.steps for place in self.known.places(step, trial.subject)]
        places += [trial.where] if trial.where is not None else []
        if not any(self.known.asks_delegation(place) for place in places):
            return False
        if self._went(evolve(trial, chains=Chains.TWO)):
            return True
        longer = any(self.known.longer(place) for place in places)
        if longer and self._path(evolve(trial, chains=Chains.LONGER)).ask()[0] is not Answer.UNSAT:
            self._unsettled(trial, _LONGER)
        return False

    def _named(self, steps: Sequence[Step], end: Slice) -> bool:
        """Whether steps change what is read of an entity that a rule names: requests say nothing of that."""
        named = self.known.reading(end).named
        return any(step.where.resource in named and self.known.matters(step, end) for step in steps)

    def _path(self, trial: _Trial) -> Path:
        path = Path(self.known, trial.subject, self.limits, trial.chains)
        for number, step in enumerate(trial.steps):
            path.take(step, rule=trial.rule if number == 0 else None, waits=trial.waits and number == 0)
        if trial.where is not None:
            path.gain(trial.where, trial.who, approved=trial.approved)
        return path

    def _went(self, trial: _Trial) -> bool:
        """Ask for one path with certain chains."""
        path = self._path(trial)
        answer, model = path.ask()
        if model is None:
            if answer is Answer.UNKNOWN:
                self._unsettled(trial, "the solver gave up")
            return False
        rehearsal = self._rehearsed(trial, path, model)
        if rehearsal is None:
            plain, model = path.plainly()  # what was found may be nothing that can be written down
            rehearsal = self._rehearsed(trial, path, model) if model is not None else None
            if rehearsal is None:
                disagree = path.timeline.exact and plain is Answer.SAT
                self._unsettled(trial, _MISTAKE if disagree else "no values were found that the evaluator confirms")
                return False
        self.found.append(self._told(trial, rehearsal.smaller(self.judge)))
        return True

    def _rehearsed(self, trial: _Trial, path: Path, model: Model) -> Rehearsal | None:
        """Return a path as the evaluator goes it, or None if it does not."""
        author = Author(path, model)
        tries = (author.rehearsal(waits=trial.waits, direct=direct) for direct in (False, True))
        return next((one for one in tries if one.holds(self.judge)), None)

    def _out_of_time(self, trial: _Trial) -> None:
        """Say once for a subject type that there was no time left; what was not asked is not listed."""
        if not any(e.subject == trial.subject and e.reason == _NO_TIME for e in self.unknown):
            self._unsettled(trial, _NO_TIME)

    def _unsettled(self, trial: _Trial, reason: str) -> None:
        if not any(e.subject == trial.subject and e.steps == trial.steps for e in self.unknown):
            unknown = Escalation("", trial.subject, trial.steps, verdict=Verdict.UNKNOWN, reason=reason)
            self.unknown.append(unknown)

    # --- telling of a path

    def _told(self, trial: _Trial, rehearsal: Rehearsal) -> Escalation:
        moves = []
        states = rehearsal.states()
        rules = {rule.name: rule for rule in self.program.rules}
        for step, played, facts in zip(trial.steps, rehearsal.played, states, strict=False):
            request = rehearsal.request(played.call, facts)
            matched = [rules[name] for name in sorted(self.judge.matched(request))]
            permits = [r for r in matched if r.effect == "permit"]
            waits = tuple(r for r in matched if r.effect == "require_approval") if trial.waits else ()
            needs = tuple(rehearsal.request(call, facts) for call in played.required)
            rule = trial.rule if trial.rule in permits else permits[0]
            assert rule is not None
            moves.append(Move(rule, step.where, self._effects(step, trial.power), request, needs, waits))
        made = Escalation("", trial.subject, trial.steps, tuple(moves), approved=trial.approved)
        if rehearsal.before is None or rehearsal.after is None:
            return self._weighed(made, trial, rehearsal)
        before, after = rehearsal.request(rehearsal.before, states[0]), rehearsal.request(rehearsal.after, states[-1])
        was = self.judge.matched(before)
        inside = [rules[name] for name in sorted(was)]
        permitted = any(r.effect == "permit" for r in inside)
        now = self.judge.matched(after)
        made = evolve(
            made,
            gained=trial.where,
            request=after,
            before=self.judge.decision(before),
            granted=next((rules[n] for n in sorted(now) if rules[n].effect == "permit"), None),
            approvers=rehearsal.after.approvers if trial.approved else (),
            lifted=tuple(r for r in inside if r.effect != "permit" and r.name not in now) if permitted else (),
        )
        return self._weighed(made, trial, rehearsal)

    def _effects(self, step: Step, power: str | None) -> tuple[str, ...]:
        decl = self.program.actions[step.where.action].decl
        if power is not None:
            return (f"effects {power}",)
        found = [step.acting.effect] if step.acting is not None else []
        return (*found, *(f"modifies {m.span.text}" for m in decl.modifies))

    def _weighed(self, made: Escalation, trial: _Trial, rehearsal: Rehearsal) -> Escalation:
        """Give a path its code and its weight."""
        code = _code(made, trial, rehearsal, self.known)
        severity = Severity.ERROR
        if trial.waits or (trial.power is not None and self._meant(made)):
            severity = Severity.NOTE
        elif _by_wildcard(made.key.rule, self.program.actions[made.key.where.action].name):
            code = "KYN409"
        return evolve(made, code=code, severity=severity, own=self._own(made, trial))

    def _meant(self, made: Escalation) -> bool:
        """Whether a power is given to people whom its permit singles out: somebody has to have it."""
        if made.subject in self.program.autonomous:
            return False
        rule = made.moves[0].rule
        patterns = [p for p in rule.subjects if made.subject in p.types]
        if all(p.roles or p.group or p.entity for p in patterns):
            return True
        conditions = [c.expr for c in rule.conditions if c.kind != "scope" and c.expr is not None]
        return any(isinstance(n, ast.Var) and n.name == "subject" for c in conditions for n in walk.descend(c))

    def _own(self, made: Escalation, trial: _Trial) -> bool:
        """Whether the path is cut where its only step is forbidden on the subject itself."""
        if len(trial.steps) != 1 or trial.where is None or trial.steps[0].where.resource != trial.subject:
            return False
        if trial.steps[0].acting is not None:
            return False
        for who, where, approved in self._goals(trial.subject, trial.steps):
            path = Path(self.known, trial.subject, self.limits, trial.chains)
            path.take(trial.steps[0], rule=trial.rule, waits=trial.waits)
            path.spare_itself()
            path.gain(where, who, approved=approved)
            if time.monotonic() > self.end or path.ask()[0] is not Answer.UNSAT:
                return False
        return True

    # --- agents that approve each other

    def _mutual(self) -> None:
        """Look for rules where an agent can approve what another agent asks for, and the other way round."""
        for rule in self.program.rules:
            if rule.effect != "require_approval" or rule.approval is None or rule.approval.quorum > 1:
                continue
            asking = {where.subject for where in self.known.slices if rule in self.known.approvals(where)}
            anyone = (p for p in rule.approval.approvers if not (p.roles or p.group or p.entity))
            kinds = asking & {key for p in anyone for key in p.types} & self.program.autonomous
            for kind in sorted(kinds):
                self._mutual_of(rule, kind)

    def _mutual_of(self, rule: RuleSymbol, kind: str) -> None:
        for where in self.known.of_subject(kind):
            if rule not in self.known.approvals(where):
                continue
            trial = _Trial(kind, (Step(where),), None)
            if time.monotonic() > self.end:
                self._out_of_time(trial)
                continue
            delegated, longer = self.known.asks_delegation(where), self.known.longer(where)
            for chains in (Chains.ALONE, *[Chains.TWO] * delegated, *[Chains.LONGER] * longer):
                path = Path(self.known, kind, self.limits, chains)
                path.exchange(where, rule)
                answer, model = path.ask()
                shown = self._exchanged(Author(path, model).rehearsal(), where, rule) if model is not None else None
                if shown is not None:
                    self.found.append(shown)
                    return
                if answer is not Answer.UNSAT:
                    self._unsettled(trial, "whether agents can approve each other's requests is not known")

    def _exchanged(self, rehearsal: Rehearsal, where: Slice, rule: RuleSymbol) -> Escalation | None:
        """Return the finding of two requests that two agents approve for each other, if the evaluator agrees."""
        requests = []
        for call in (rehearsal.before, rehearsal.after):
            if call is None or rehearsal.decide(call, rehearsal.facts, self.judge) != "allow":
                return None
            requests.append(rehearsal.request(call, rehearsal.facts))
        first, second = requests
        permit = next(r for r in self._permits(where) if r.name in self.judge.matched(first))
        move = Move(permit, where, (), first, waits=(rule,))
        made = Escalation("KYN406", where.subject, (Step(where),), (move,), where, second, "require_approval", rule)
        return evolve(made, severity=Severity.WARNING)


@frozen(eq=False)
class _Trial:
    """One path to ask for: by which permit its first step is allowed, and what is gained at its end."""

    subject: str
    steps: tuple[Step, ...]
    rule: RuleSymbol | None
    waits: bool = False
    who: int = 0
    where: Slice | None = None
    approved: bool = False
    power: str | None = None
    chains: Chains = Chains.ALONE


def _code(made: Escalation, trial: _Trial, rehearsal: Rehearsal, known: Steps) -> str:
    if trial.power is not None:
        return "KYN401" if trial.power == "registers_tool" else "KYN403"
    if trial.approved:
        return "KYN405"
    first = trial.steps[0]
    if first.acting is not None:
        return "KYN402" if len(trial.steps) > 1 or first.acting.memory else "KYN408"
    if known.has(first.where, "approves"):
        return "KYN405"
    turns = [turn for played in rehearsal.played for turn in played.turns]
    assert rehearsal.before is not None
    if any(turn.key == rehearsal.before.who for turn in turns):
        return "KYN407" if made.lifted else "KYN401"
    if any(turn.key in (rehearsal.before.resource, rehearsal.before.behalf) for turn in turns):
        return "KYN404"
    if made.lifted:
        return "KYN407"
    groups = (known.program.by_external[type_of(turn.key)].kind == "subject" for turn in turns)
    return "KYN401" if any(groups) else "KYN404"


def _by_wildcard(rule: RuleSymbol, action: str) -> bool:
    """Whether a rule covers an action without naming it."""
    clause = next(c for c in rule.decl.clauses if isinstance(c, ast.ActionClause))
    return not any(p.name is not None and not p.prefix and p.name.text == action for p in clause.patterns)
