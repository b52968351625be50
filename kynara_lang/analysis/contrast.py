"""Where one version of a program grants what the other does not: in one slice, for every possible request.

A request is looked for that the `giver` decides more permissively than the other version. Whatever explains it, a
permit that only the giver has, a forbid or an approval that only the other has, is then excluded, and another request
is looked for, until there is none: so every way to get more is found once. Each request is decided by both evaluators
before it counts.

A request tells everything that the giver's declarations require. Where the other version cannot read such a request, it
denies it; requests that one version cannot read only because of a membership that no rule asks about are left aside.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import evolve, frozen

from ..checker.symbols import AttributeSymbol, RuleSymbol
from .keys import part_of
from .links import Slice
from .question import Question
from .solver import Answer, Limits, Model, Smt, Term
from .versions import Pair, Triple, Version, VersionLink, Versions, same_type
from .witness import Json, smaller

MOST_WITNESSES = 8
NO_TIME = "there was no time left"
_Declared = tuple[Mapping[str, AttributeSymbol], Mapping[str, AttributeSymbol]]
Kind = Literal["permit", "forbid", "approval", "eased", "unreadable", "elsewhere"]


@frozen(eq=False)
class Item:
    """A part of a request that two versions declare differently.

    `place` is its name in a universe, `wanted` what the other version declares, `written` what the giver does;
    `readable` is whether the other version can read what the giver's declarations let stand there.
    """

    path: tuple[str, ...]
    place: str
    wanted: AttributeSymbol
    written: AttributeSymbol | None
    readable: Term


@frozen
class Witness:
    """One request that two versions decide differently.

    `kind` says what explains it: a permit of the giver, a forbid or an approval of the other version, an approval that
    asks for less (`eased`), something that the other version cannot read, or somebody else in the chain (`elsewhere`).
    `rule` is that rule, `permits` are the giver's permits that match.
    """

    kind: Kind
    request: Json
    given: str
    taken: str
    rule: RuleSymbol | None = None
    permits: tuple[RuleSymbol, ...] = ()
    item: Item | None = None


@frozen
class Search:
    """What was found in one slice.

    `complete` says that there is nothing else, for sure, and `reason` why that is not so.
    """

    witnesses: tuple[Witness, ...] = ()
    complete: bool = True
    reason: str = ""


class Contrast:
    """Asks where a giver grants what another version does not, in one slice, for one kind of chain."""

    def __init__(
        self,
        giver: Version,
        other: Version,
        triple: Triple,
        limits: Limits,
        *,
        chain: Sequence[str] = (),
        anywhere: bool = False,
        left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Make the unknowns of one request; `chain` holds the types (as requests spell them) of delegators.

        `left` says how many seconds there are for all questions that are still to come.
        """
        self.giver, self.other, self.limits, self._left = giver, other, limits, left
        self.where, self.theirs = _place(giver, triple, chain), _place(other, triple, chain)
        assert self.where is not None, "the giver grants nothing here"
        self.alike = alike(giver, other, triple, chain=bool(chain) or anywhere)
        self.universe = Versions(Smt(limits), (giver, other), alike=self.alike)
        self.smt = self.universe.smt
        self.mine = self._question(giver, self.where, chain, anywhere)
        self.its = None if self.theirs is None else self._question(other, self.theirs, chain, anywhere)
        self.items: list[Item] = []
        self._complete: list[Term] = []
        if self.its is not None:
            for question in (self.mine, self.its):
                question.at_least("allow")  # so that all that rules read has its unknowns
            if not self.alike:
                self.items = list(self._items())
        self.blocks: list[Term] = []
        self.gave_up = False

    def _question(self, version: Version, where: Slice, chain: Sequence[str], anywhere: bool) -> Question:
        keys = [version.program.by_external[name].key for name in chain]
        return Question(
            version.program, where, chain=keys, anywhere=anywhere, universe=self.universe, link=VersionLink
        )

    # --- what the versions declare differently

    def _items(self) -> Iterator[Item]:
        """Yield every part of a request that both could read and do not declare alike."""
        assert self.its is not None
        pair = (self.other, self.giver)
        mentioned = frozenset[str]().union(
            *(self.other.mentioned(link.slice).names for callers in self.its.links for link in callers[:1])
        )
        around = self.its.around
        bags: list[tuple[str, str, _Declared, frozenset[str] | None]] = [
            ("action", around.arguments.path, self._parameters(), None),
            ("context", "context", (self.other.program.context, self.giver.program.context), mentioned),
        ]
        subject = "subject"
        for mention in self.its.chain:
            bags.append((subject, mention.path, self._attributes(mention.type or ""), mentioned))
            subject += ".on_behalf_of"
        resource = around.resource
        bags.append(("resource", resource.path, self._attributes(resource.type or ""), mentioned))
        for name, path, (wanted, written), names in bags:
            told = {symbol.external: symbol for symbol in written.values()}
            inner = [] if name == "context" else ["properties"]
            for symbol in wanted.values():
                given = told.get(symbol.external)
                if (names is not None and symbol.name not in names) or _same(symbol, given, pair):
                    continue
                place = part_of(path, symbol.external)
                if given is not None and not given.optional and symbol.optional:
                    self._complete.append(self.universe.present(place))
                readable = self.universe.readable(place, symbol, given, pair)
                yield Item((*name.split("."), *inner, symbol.external), place, symbol, given, readable)

    def _parameters(self) -> _Declared:
        assert self.theirs is not None
        assert self.where is not None
        mine = self.giver.program.actions[self.where.action].parameters
        return self.other.program.actions[self.theirs.action].parameters, mine

    def _attributes(self, kind: str) -> _Declared:
        return self.other.program.by_external[kind].attributes, self.giver.program.by_external[kind].attributes

    # --- claims

    def more(self) -> list[Term]:
        """Return that the giver decides a request more permissively, which both can read."""
        mine, its, smt = self.mine, self.its, self.smt
        if its is None:
            return [mine.at_least("require_approval"), self.universe.members_readable(self.giver.program)]
        rises = (smt.both(mine.at_least(e), smt.no(its.at_least(e))) for e in ("allow", "require_approval"))
        return [smt.either(*rises), *self._complete, *(item.readable for item in self.items), *self._members()]

    def _members(self) -> list[Term]:
        """Return that both can read who is in which group; the giver could not grant what it cannot read."""
        return [] if self.alike else [self.universe.members_readable(v.program) for v in (self.giver, self.other)]

    def ask(self, *claims: Term) -> tuple[Answer, Model | None]:
        """Ask for a request; those regions that are known already are left out. Without time nothing is known."""
        left = self._left()
        if left <= 0:
            self.gave_up = True
            return Answer.UNKNOWN, None
        limits = evolve(self.limits, milliseconds=max(1, int(min(self.limits.milliseconds, left * 1000))))
        answer, model = self.mine.ask(*claims, *self.blocks, limits=limits)
        self.gave_up = self.gave_up or answer is Answer.UNKNOWN
        return answer, model

    # --- answers

    def search(self) -> Search:
        """Return one request for each way in which the giver grants more."""
        found: list[Witness] = []
        for _ in range(MOST_WITNESSES):
            answer, model = self.ask(*self.more())
            if answer is Answer.UNSAT:
                return self._beside(found)
            witness = None if model is None else self._most(model)
            if witness is None:
                return Search((*found, *self._beside([]).witnesses), False, self._why(answer, *self.more()))
            found.append(witness)
            if witness.kind == "elsewhere":
                break
            self.blocks.append(self.smt.no(self.region(witness)))
        if self.ask(*self.more())[0] is Answer.UNSAT and found[-1].kind != "elsewhere":
            return self._beside(found)
        reason = NO_TIME if self._left() <= 0 else "there are more ways than are shown"
        return Search((*found, *self._beside([]).witnesses), False, reason)

    def beyond(self, known: Sequence[Witness]) -> Witness | None:
        """Return a request that is explained by nothing that is known, if one is found."""
        self.blocks = [self.smt.no(self.region(witness)) for witness in known]
        _, model = self.ask(*self.more())
        return None if model is None else self._most(model)

    def _most(self, model: Model) -> Witness | None:
        """Return the witness of a model, or one for the same reason that the giver allows outright."""
        witness = self._confirmed(model)
        if witness is None or witness.given == "allow" or witness.rule is None:
            return witness
        _, better = self.ask(*self.more(), self.mine.at_least("allow"), self.region(witness))
        found = None if better is None else self._confirmed(better)
        same = found is not None and (found.kind, found.rule) == (witness.kind, witness.rule)
        return found if same else witness

    def _why(self, answer: Answer, *claims: Term) -> str:
        if self._left() <= 0:
            return NO_TIME
        return "the solver gave up" if answer is Answer.UNKNOWN else self.mine.unconfirmed(*claims, *self.blocks)

    def _beside(self, found: list[Witness]) -> Search:
        """Add what no decision shows: approvals that ask for less, and requests that the other version cannot read."""
        self.blocks = []
        more, reason = list(found), ""
        for ways in (self._eased(), self._unreadable()):
            for witness in ways:
                if isinstance(witness, str):
                    reason = witness
                else:
                    more.append(witness)
        return Search(tuple(more), not reason, reason)

    def _eased(self) -> Iterator[Witness | str]:
        """Yield a request for each approval that the other version asks for and the giver asks less for."""
        if self.its is None:
            return
        link, theirs, smt = self.mine.link, self.its.link, self.smt
        mine = [r for r in self.giver.rules(self.where) if r.approval is not None]
        for rule in self.other.rules(self.theirs):
            if rule.approval is None or any(_same_rule(self, own, rule) for own in mine):
                continue
            as_strict = [own for own in mine if self._as_strict(own, rule)]
            less = smt.no(smt.either(*(link.matching(own).matches for own in as_strict)))
            both = (self.mine.decided("require_approval"), self.its.decided("require_approval"))
            readable = (*self._complete, *(item.readable for item in self.items), *self._members())
            claims = (*both, theirs.matching(rule).matches, less, *readable)
            answer, model = self.ask(*claims)
            if answer is Answer.UNSAT:
                continue
            request = None if model is None else self._written(model)
            names = {own.name for own in as_strict}

            def keeps(changed: Json, rule: RuleSymbol = rule, names: set[str] = names) -> bool:
                waits = self._decided(changed) == ("require_approval", "require_approval")
                mine, theirs = self.giver.decider.matched(changed), self.other.decider.matched(changed)
                return waits and rule.name in theirs and not names & mine

            if request is None or not keeps(request):
                yield self._why(answer, *claims)
                continue
            shown = smaller(request, self.giver.program, keeps)
            yield Witness("eased", shown, "require_approval", "require_approval", rule, self._permits(shown))

    def _as_strict(self, own: RuleSymbol, rule: RuleSymbol) -> bool:
        """Whether an approval is as hard to get as another: from the same people, as many, and as often."""
        assert own.approval is not None
        assert rule.approval is not None
        mine, its = self.giver.prints.approval(own.approval), self.other.prints.approval(rule.approval)
        return mine[0] == its[0] and mine[1] >= its[1] and mine[2] <= its[2]

    def _unreadable(self) -> Iterator[Witness | str]:
        """Yield a request for each part that the other version cannot read, where the giver grants something."""
        for item in self.items:
            if item.readable == self.smt.true:
                continue
            others = [one.readable for one in self.items if one is not item]
            grants, unread = self.mine.at_least("require_approval"), self.smt.no(item.readable)
            claims = (grants, unread, *self._complete, *others, *self._members())
            answer, model = self.ask(*claims)
            if answer is Answer.UNSAT:
                continue
            request = None if model is None else self._written(model)
            if request is None or self._decided(request)[1] != "invalid":
                yield self._why(answer, *claims)
                continue
            value, decided = _at(request, item.path), self._decided(request)
            if decided[0] not in ("allow", "require_approval"):
                yield self._why(answer, *claims)
                continue

            def keeps(
                changed: Json, item: Item = item, value: Any = value, decided: tuple[str, str] = decided
            ) -> bool:
                return self._decided(changed) == decided and _at(changed, item.path) == value

            shown = smaller(request, self.giver.program, keeps)
            yield Witness("unreadable", shown, *decided, None, self._permits(shown), item)

    def _decided(self, request: Json) -> tuple[str, str]:
        return self.giver.decider.decision(request), self.other.decider.decision(request)

    def _permits(self, request: Json) -> tuple[RuleSymbol, ...]:
        names = self.giver.decider.matched(request)
        return tuple(r for r in self.giver.rules(self.where) if r.effect == "permit" and r.name in names)

    # --- a witness

    def _written(self, model: Model) -> Json:
        """Return the request of a model, with what only the other version declares."""
        request = self.mine.written(model)
        if self.its is not None:
            theirs = self.its.written(model)
            for item in self.items:
                if item.written is None and model.value(self.universe.present(item.place)):
                    value = _at(theirs, item.path)
                    if value is not _NOTHING:
                        _put(request, item.path, value)
        return request

    def _confirmed(self, model: Model) -> Witness | None:
        """Return the witness of a model, made small, or None where the evaluators say otherwise."""
        request = self._written(model)
        found = self._blamed(request)
        if found is None:
            return None
        kind, rule, decided = found

        def keeps(changed: Json) -> bool:
            return self._blamed(changed) == (kind, rule, decided)

        shown = smaller(request, self.giver.program, keeps)
        return Witness(kind, shown, *decided, rule, self._permits(shown))

    def _blamed(self, request: Json) -> tuple[Kind, RuleSymbol | None, tuple[str, str]] | None:
        """Return what explains that two versions decide a request differently, None where they do not."""
        given, taken = self._decided(request)
        ranks = {"allow": 2, "require_approval": 1}
        if ranks.get(given, 0) <= ranks.get(taken, 0):
            return None
        matched = self.other.decider.matched(request)
        theirs = [r for r in self.other.rules(self.theirs) if r.name in matched]
        if taken == "require_approval":
            waits = [r for r in theirs if r.effect == "require_approval"]
            if waits:
                return "approval", self._rather_changed(waits), (given, taken)
            return "elsewhere", None, (given, taken)
        forbids = [r for r in theirs if r.effect == "forbid"]
        if forbids:
            return "forbid", self._rather_changed(forbids), (given, taken)
        if any(r.effect == "permit" for r in theirs):
            return "elsewhere", None, (given, taken)
        permits = self._permits(request)
        return ("permit", self._rather_changed(permits), (given, taken)) if permits else None

    def _rather_changed(self, rules: Sequence[RuleSymbol]) -> RuleSymbol:
        """Return the first of some rules that the other side does not have, else the first."""
        mine = rules[0] in self.giver.rules(self.where)
        version, where = (self.giver, self.where) if mine else (self.other, self.theirs)
        across, there = (self.other, self.theirs) if mine else (self.giver, self.where)
        assert where is not None
        known = across.content(there, rules[0].effect) if there is not None else frozenset()
        return next((r for r in rules if version.prints.rule(r, where) not in known), rules[0])

    def region(self, witness: Witness) -> Term:
        """Return which requests a witness stands for."""
        smt = self.smt
        rule = witness.rule
        assert rule is not None
        if witness.kind == "permit":
            denied = smt.true if self.its is None else smt.no(self.its.link.granted)
            return smt.both(self.mine.link.matching(rule).matches, denied)
        assert self.its is not None
        match = self.its.link.matching(rule).matches
        return match if witness.kind == "forbid" else smt.both(match, self.its.link.granted)


def alike(one: Version, two: Version, triple: Triple, *, chain: bool) -> bool:
    """Whether two versions declare the same of all that their rules read in a slice."""
    here, there = _place(one, triple, ()), _place(two, triple, ())
    if here is None or there is None:
        return False
    mentioned = one.mentioned(here) | two.mentioned(there)
    others = chain or one.asks_about_others(here) or two.asks_about_others(there)
    a = one.prints.declarations(here, mentioned, others=others)
    return a == two.prints.declarations(there, mentioned, others=others)


def _place(version: Version, triple: Triple, chain: Sequence[str]) -> Slice | None:
    """Return a slice if a version declares it, and principals of some types."""
    kinds = (version.program.by_external.get(name) for name in chain)
    return version.find(triple) if all(k is not None and k.kind == "subject" for k in kinds) else None


def _same(symbol: AttributeSymbol, other: AttributeSymbol | None, versions: Pair) -> bool:
    return other is not None and symbol.optional == other.optional and same_type(symbol, other, versions)


def _same_rule(contrast: Contrast, own: RuleSymbol, rule: RuleSymbol) -> bool:
    assert contrast.where is not None
    assert contrast.theirs is not None
    mine = contrast.giver.prints.rule(own, contrast.where)
    return contrast.alike and mine == contrast.other.prints.rule(rule, contrast.theirs)


# --- places in a request

_NOTHING = object()


def _at(request: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(request, dict) or step not in request:
            return _NOTHING
        request = request[step]
    return request


def _put(request: Json, path: tuple[str, ...], value: Any) -> None:
    *where, last = path
    for step in where:
        request = request.setdefault(step, {})
    request[last] = copy.deepcopy(value)
