"""The reasoning behind lints against the real evaluator: rules about few values, and requests with the same ones."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from kynara_lang.checker.logic.formula import Formula, negated
from kynara_lang.checker.logic.regions import Region, Regions
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.engine import RuleOutcome
from kynara_lang.runtime.entities import Entities
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.problems import InvalidRequest
from tests.checker import logic_cases
from tests.checker.logic_cases import SCHEMA, Requests
from tests.properties import generate
from tests.properties.requests import Caller
from tests.properties.vocabulary import Draw, readable

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
SEARCHING = settings(
    max_examples=int(os.environ.get("EXAMPLES", "2000")) if DEEP else 40,
    deadline=None,
    suppress_health_check=_CHECKS,
    derandomize=not DEEP,
)


class Checked:
    """What is claimed of the rules of a program, to be held against requests."""

    def __init__(self, program: Program, entities: Entities | None = None) -> None:
        self.policies = PolicySet(program, entities)
        regions = Regions(program)
        self.regions = {rule.name: regions.of(rule) for rule in program.rules}
        self.dead = {name for name, r in self.regions.items() if r.empty or not regions.possible(r.formula)}
        self.implied = {
            (a, b)
            for a, b in itertools.permutations(self.regions, 2)
            if a not in self.dead and regions.implies(self.regions[a].formula, self.regions[b].formula)
        }
        self.always = {name: {c.span for c in self._always(r, regions)} for name, r in self.regions.items()}
        self.seen: dict[str, int] = {}

    @staticmethod
    def _always(region: Region, regions: Regions) -> Iterator[Any]:
        """Yield the clauses that surely hold whenever those before them do, in the order of evaluation."""
        order = ["action", "subject", "resource", "valid", "scope", "when", "unless"]
        before: list[Formula] = []
        for part in sorted(region.parts, key=lambda p: order.index(p.kind)):
            if not regions.possible(*before, negated(part.demands)):
                yield part.clause
            before.append(part.demands)

    def hold_against(self, request: Any) -> None:
        """Evaluate every rule for every link of a request, and compare with what was claimed."""
        prepared = self.policies._prepare(request)
        for at, bucket in enumerate(prepared.buckets):
            for arguments in self.policies._engine.views(prepared.request, prepared.buckets, at):
                found = {f.test.rule.name: f for f in self.policies._engine.outcomes(bucket, arguments)}
                for name, outcome in found.items():
                    self._count(outcome.outcome)
                    self._alone(name, outcome)
                for covered, covering in self.implied:
                    if covered in found and found[covered].outcome == "matched":
                        self._count("implied")
                        assert covering in found, (
                            f"{covered} matches and {covering} is not even asked: {readable(request)}"
                        )
                        assert found[covering].outcome != "failed", f"{covered} matches, {covering} does not"

    def _alone(self, name: str, found: RuleOutcome) -> None:
        region = self.regions[name]
        match found.outcome:
            case "matched":
                assert name not in self.dead, f"{name} matches, and was said never to"
            case "error":
                assert found.guard is not None
                part = next(p for p in region.parts if p.clause.span == found.guard.span)
                assert part.failing, f"{name} comes to an error that was not foreseen: {found.error}"
            case "failed":
                assert found.guard is not None
                assert found.guard.span not in self.always[name], f"{found.guard.span.text} was said always to hold"

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1


# What the checker refuses where a test before it leaves a value no fitting type.
REFUSED = {"KYN201", "KYN202", "KYN205", "KYN210"}


@given(st.data(), st.integers(0, 2**32))
@SEARCHING
def test_rules_about_few_values_do_what_is_claimed(data: st.DataObject, seed: int) -> None:
    text = logic_cases.program(Draw(data.draw), 8)
    note(text.removeprefix(SCHEMA))
    found = check_sources([Source("p.kyn", text)])
    assert {d.code for d in found.diagnostics} <= REFUSED
    assume(not found.has_errors)
    claims, requests = Checked(found.program), Requests(seed)
    for _ in range(60):
        request = requests.one()
        note(readable(request))
        claims.hold_against(request)


@given(st.data())
@SEARCHING
def test_rules_of_every_kind_do_what_is_claimed(data: st.DataObject) -> None:
    draw = Draw(data.draw)
    made = generate.program(draw)
    note("\n".join(made.files().values()))
    found = check_sources([Source(name, text) for name, text in made.files().items()])
    assume(not found.has_errors)  # that the checker accepts what is generated is tested with the generator
    caller = Caller(draw, made.schema)
    store = caller.store() if draw.chance(40) else []
    claims = Checked(found.program, Entities.from_list(store))
    for _ in range(8):
        request = caller.request(bent=0)
        note(readable(request))
        try:
            claims.hold_against(request)
        except InvalidRequest:
            continue  # it lacks an attribute that some rule reads


class Seeded(Draw):
    """Draws by a seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def number(self, most: int) -> int:
        return self._random.randint(0, most) if most > 0 else 0


def test_claims_are_many_and_requests_put_them_to_the_test() -> None:
    """Of many rules like those above a good part is decided, and requests meet what was claimed."""
    rules = dead = implied = always = 0
    seen: dict[str, int] = {}
    for seed in range(120):
        found = check_sources([Source("p.kyn", logic_cases.program(Seeded(seed), 8))])
        if found.has_errors:
            continue
        claims, requests = Checked(found.program), Requests(seed)
        for _ in range(30):
            claims.hold_against(requests.one())
        rules += len(claims.regions)
        dead += len(claims.dead)
        implied += len(claims.implied)
        always += sum(map(len, claims.always.values()))
        seen = {what: seen.get(what, 0) + claims.seen.get(what, 0) for what in {*seen, *claims.seen}}
    assert rules > 900
    assert dead > 50
    assert implied > 400
    assert always > 80
    assert min(seen[what] for what in ("matched", "failed", "implied")) > 1_000
    assert seen["error"] > 100
