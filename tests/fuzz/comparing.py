"""What the fuzz runner compares: everything that can answer a request, and everything that can be made of a program.

The oracle and the compiled trees see every request of every program. Of a hundred programs `CROWDED` have a crowd of rules
that one value tells apart, and requests aimed at it; of those the oracle, which then takes long, sees every `EVERY`th, and
the trees see all. What makes the program anew is done with some programs of a hundred, which `SAMPLED` says. It sees every
`EVERY`th request, and so does the way that evidence takes; what evidence counts is compared by `approving`. Explanations, partial evaluation and malformed variants see
`SOME` requests of each program. Each comparison takes a case, raises `Difference` where two answers differ, and returns how
many it compared. An exception that is none of Kynara's own is a difference, too.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from kynara_lang.analysis.partial import Partial, decisions, least
from kynara_lang.caching import programs, trees
from kynara_lang.caching.folder import Cache
from kynara_lang.checker.symbols import Program
from kynara_lang.compiler.fused import Fuser
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.render_json import diagnostic_dict
from kynara_lang.diagnostics.source import Source
from kynara_lang.inputs import Inputs, _once
from kynara_lang.pipeline import check_sources, compile_sources
from kynara_lang.runtime import strict_json
from kynara_lang.runtime.decision import Decision
from kynara_lang.runtime.engine import CompiledBucket
from kynara_lang.runtime.entities import Entities, EntitiesError
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.syntax import parser
from kynara_lang.syntax.formatter import formatted
from tests import oracle
from tests.properties import malformed as wrong
from tests.properties.generate import Made, program
from tests.properties.requests import Caller
from tests.properties.test_partial import everything, less, links, lookup, outcomes
from tests.properties.vocabulary import Draw

from . import approving, crowds, solving

REQUESTS = 700
EVERY = 4
SOME = 5
PROVED = 8
CROWDED = 25
STAMP = "fuzz"


class Difference(AssertionError):
    """Two that must agree do not; the text says how. `kind` says which two, `comparison` where it was found."""

    comparison = ""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


@define
class Case:
    """A program with a store, requests that fit, and requests that are bent; `forget` says what is not known, and
    `approvals` what is said by those who approve.

    `picks` are numbers that comparisons choose by, `invariant` is what the prover is asked, of few programs, and
    `chosen` are the comparisons of `SAMPLED` that this program takes part in; `crowded` says whether it has a crowd.
    """

    draw: Draw
    made: Made
    store: list[Any]
    requests: list[Any]
    bent: list[Any]
    forget: list[bool]
    approvals: list[approving.Recipe]
    picks: list[int]
    invariant: str
    chosen: frozenset[str]
    crowded: bool
    cache: Cache
    program: Program = field(init=False)
    policies: PolicySet = field(init=False)
    decided: list[Decision] = field(init=False)

    def sources(self) -> list[Source]:
        """Return the files of the program."""
        return [Source(name, text) for name, text in self.made.files().items()]


def case(draw: Draw, cache: Cache) -> Case:
    """Draw a case."""
    made = program(draw)
    targets = crowds.crowd(draw, made, "crowd") if draw.chance(CROWDED) else []
    caller = Caller(draw, made.schema)
    store = caller.store() if draw.chance(20 if targets else 40) else []
    requests = []
    for _ in range(REQUESTS):
        aimed = targets and draw.chance(85)
        requests.append(caller.request(bent=0 if aimed else 4))
        if aimed:
            crowds.aim(draw, made, requests[-1], targets)
    bent = [caller.bend(caller.bend(draw.pick(requests))) for _ in range(REQUESTS // 10)]
    picks = [draw.number(999) for _ in range(SOME)]
    invariant = solving.invariant(draw, made) if draw.chance(PROVED) else ""
    forget = [draw.chance(50) for _ in range(12)]
    approvals = approving.recipes(draw, caller)
    chosen = frozenset(name for name, percent in SAMPLED.items() if draw.chance(percent))
    return Case(draw, made, store, requests, bent, forget, approvals, picks, invariant, chosen, bool(targets), cache)


def compiled(kind: str, files: list[Source], store: list[Any], read: Any = parser.read) -> PolicySet:
    """Compile files that must have no errors."""
    checked = check_sources(files, read=read)
    if checked.has_errors:
        raise Difference(kind, "; ".join(f"{d.code} {d.message}: {d.span.text}" for d in checked.diagnostics))
    return PolicySet(checked.program, Entities.from_list(store))


def same(kind: str, expected: object, found: object, request: object = None) -> None:
    """Raise a difference unless two answers are equal."""
    if expected != found:
        raise Difference(kind, f"{expected}\n  is not {found}\n  for {request}")


# --- comparisons


def with_oracle(one: Case) -> int:
    """The decision of a naive evaluator, written apart."""
    naive = oracle.Oracle(one.program, one.store)
    asked = list(zip(one.requests, one.decided, strict=True))[:: EVERY if one.crowded else 1]
    for request, decision in asked:
        verdict = naive.verdict(request)
        same("oracle", verdict.decision, decision.effect.value, request)
        same("oracle", verdict.valid, not any(e.path is not None for e in decision.errors), request)
        if not set(decision.rules) <= verdict.rules:
            raise Difference("oracle", f"{decision.rules} are not among {verdict.rules} for {request}")
    return len(asked)


def trees_with_rules(one: Case) -> int:
    """Every link by its trees, and rule by rule; no rule hides behind another that decides as it does."""
    engine, count = one.policies._engine, 0
    lists: dict[int, dict[str, Any]] = {}
    for request in one.requests:
        for bucket, view, _ in links(one.policies, request):
            outcomes = list(engine.outcomes(bucket, view))
            quick, exact = engine.link(bucket, view), engine.settled(outcomes)
            same("trees", exact.effect, quick.effect, request)
            same("trees", exact.waits, quick.waits, request)
            if id(bucket) not in lists:
                lists[id(bucket)] = _lists(bucket)
            values = bucket.values(*view)
            for effect, matches in lists[id(bucket)].items():
                try:
                    found = set(matches(values))
                except Exception:  # then the engine goes rule by rule
                    continue
                expected = {o.test.rule.index for o in outcomes if o.counts and o.test.rule.effect == effect}
                same("trees", expected, found, request)
            count += 1
    return count


def _lists(bucket: CompiledBucket) -> dict[str, Any]:
    """Return functions that list what matches in each tree of a bucket."""
    fuser, made = Fuser(bucket.layout, lambda test: None, {}), bucket.bucket
    trees = {"forbid": made.forbids, "permit": made.permits, "require_approval": made.approvals}
    return {effect: fuser.matches(tree) for effect, tree in trees.items()}


def fast_with_exact(one: Case) -> int:
    """The fast way of a decision without evidence, and of a prepared request, with the way that evidence takes."""
    some = list(zip(one.requests, one.decided, strict=True))[::EVERY]
    for request, decision in some:
        same("exact", one.policies.decide(request, []), decision, request)
        if isinstance(request, dict) and request.keys() == {"subject", "action", "resource", "context"}:
            if all(isinstance(part, dict) for part in request.values()):
                same("prepared", one.policies.decide(one.policies.request(**request)), decision, request)
    return len(some)


def with_approvals(one: Case) -> int:
    """Approvals beside requests: who counts, and what is decided then."""
    naive = oracle.Oracle(one.program, one.store)
    asked = list(zip(one.requests, one.decided, strict=True))[:: EVERY if one.crowded else 1]
    try:
        return approving.with_approvals(one.policies, naive, one.approvals, asked)
    except approving.Unlike as found:
        raise Difference("approvals", str(found)) from found


def with_explanation(one: Case) -> int:
    """The explanation and its advice; explaining takes long, so not every request is explained."""
    some = one.requests[:SOME]
    for request in some:
        explanation = one.policies.explain(request)
        same("explanation", one.policies.decide(request), explanation.decision, request)
        for link in explanation.links:
            if link.effect.rank < explanation.decision.effect.rank:
                raise Difference("explanation", f"a link is decided {link.effect} for {request}")
        for change in explanation.counterfactual:
            found = one.policies.decide(change.request, change.approvals)
            same("advice", change.decision, found.effect, change.request)
        json.dumps(explanation.to_dict())
    return len(some)


def with_partial(one: Case) -> int:
    """Partial evaluation: with everything known it says the same, with less it never excludes the truth."""
    some = one.requests[:SOME]
    for request in some:
        possible = []
        for bucket, view, action in links(one.policies, request):
            said = outcomes(one.policies, bucket, view)
            known = everything(view, action)
            whole = Partial(one.program, known, lookup(one.policies))
            some_of_it = Partial(one.program, less(known, one.forget), lookup(one.policies) if one.forget[-1] else None)
            remains = []
            for rule in one.program.rules:
                counts = said.get(rule.name, False)
                same("partial", "always" if counts else "never", whole.rule(rule).outcome, request)
                remains.append(some_of_it.rule(rule))
                if remains[-1].outcome == ("never" if counts else "always"):
                    raise Difference("partial", f"{rule.name} excludes the truth for {request}")
            possible.append(decisions(remains))
        if possible and one.policies.decide(request).effect.value not in least(possible):
            raise Difference("partial", f"the decision is not among {least(possible)} for {request}")
    return len(some)


def _like(one: Case, kind: str, other: PolicySet) -> int:
    same(kind, one.policies.digest, other.digest)
    some = list(zip(one.requests, one.decided, strict=True))[::EVERY]
    for request, decision in some:
        same(kind, _said(decision), _said(other.decide(request)), request)
    return len(some)


def _said(decision: Decision) -> Decision:
    """Leave out who may approve in the words of the author, which a layout may change."""
    return evolve(decision, approvals=tuple(evolve(a, approvers="") for a in decision.approvals))


def reformatted(one: Case) -> int:
    """The program in its canonical layout, parsed again."""
    files = []
    for source in one.sources():
        text = formatted(source, Report())
        if text is None:
            raise Difference("format", f"{source.name} has no layout")
        files.append(Source(source.name, text))
    return _like(one, "format", compiled("format", files, one.store))


def from_cache(one: Case) -> int:
    """The program whose trees come from a cache."""
    for _ in range(2):
        asked = one.cache.written
        policies = compiled("cache", one.sources(), one.store, lambda s, r: trees.read(one.cache, STAMP, s, r))
    same("cache", asked, one.cache.written)  # the second time everything came out of it
    return _like(one, "cache", policies)


def packed_and_kept(one: Case) -> int:
    """The program as it is loaded, with its rules packed, and the same from the cache of programs."""
    made = _inputs(one)
    loaded = compile_sources(made.sources, made.libraries, report=made.findings)
    if loaded.has_errors:
        raise Difference("packed", f"{loaded.diagnostics}")
    programs.keep(one.cache, STAMP, made, loaded.program)
    count = _explained(one, "packed", PolicySet(loaded.program, Entities.from_list(one.store)))
    found = programs.find(one.cache, STAMP, _inputs(one))
    if found is None:
        raise Difference("program cache", "the program was kept, and is not found")
    return count + _explained(one, "program cache", PolicySet(found, Entities.from_list(one.store)))


def _explained(one: Case, kind: str, other: PolicySet) -> int:
    """Compare the decisions of a program that was loaded otherwise, and how it explains some, in all words."""
    for request in one.requests[:SOME]:
        expected = one.policies.explain(request, all_rules=True).to_dict()
        same(kind, expected, other.explain(request, all_rules=True).to_dict(), request)
    return _like(one, kind, other)


def same_mistakes(one: Case) -> int:
    """The program with a mistake: what is found in it is the same whether its rules are packed or not."""
    for pick in one.picks:
        sources = [Source(s.name, spoilt(s.text, pick)) for s in one.sources()]
        whole, packed = check_sources(sources), compile_sources(sources)
        expected = [diagnostic_dict(found) for found in whole.diagnostics]
        same("mistakes", expected, [diagnostic_dict(found) for found in packed.diagnostics], sources)
        same("mistakes", whole.has_errors, packed.has_errors, sources)
    return len(one.picks)


def spoilt(text: str, pick: int) -> str:
    """Leave out a word of a program, or put another of its words in its place."""
    words = re.findall(r"\w+|\s+|[^\w\s]", text)
    at = pick * 7919 % len(words)
    words[at] = "" if pick % 3 == 0 else words[pick * 104_729 % len(words)]
    return "".join(words)


def _inputs(one: Case) -> Inputs:
    findings, imported = Report(), dict[str, Source | None]()
    sources = tuple(one.sources())
    return Inputs(sources, len(sources), _once((), findings, imported), findings, imported)


def shuffled(one: Case) -> int:
    """The program with its files, declarations and rules in another order."""
    made, draw = copy.copy(one.made), one.draw
    made.declarations = draw.shuffled(made.declarations)
    made.rules = {name: draw.shuffled(rules) for name, rules in made.rules.items()}
    files = [Source(name, text) for name, text in draw.shuffled(list(made.files().items()))]
    return _like(one, "order", compiled("order", files, one.store))


def narrowed(one: Case) -> int:
    """Less is asked for: without permits nothing is allowed, and each part of a chain is allowed what the whole is."""
    sources = [Source(n, t) for n, t in one.made.files(only=("forbid", "require approval")).items()]
    without = compiled("promise 1", sources, one.store)
    some = list(zip(one.requests, one.decided, strict=True))[::EVERY]
    for request, decision in some:
        same("promise 1", "deny", without.decide(request).effect.value, request)
        subject = request.get("subject") if isinstance(request, dict) else None
        while isinstance(subject, dict) and "on_behalf_of" in subject:
            subject = subject["on_behalf_of"]
            if one.policies.decide({**request, "subject": subject}).effect.rank < decision.effect.rank:
                raise Difference("promise 3", f"{decision.effect} for {request}")
    return len(some)


def malformed(one: Case) -> int:
    """Requests and stores that are bent, as values and as texts: no exception but Kynara's own, and no permission."""
    naive = oracle.Oracle(one.program, one.store)
    for at, request in enumerate(one.bent):
        decision = one.policies.decide(request)
        same("malformed", naive.verdict(request).decision, decision.effect.value, request)
        if at < 2 * SOME:
            same("malformed", decision, one.policies.explain(request).decision, request)
        if any(e.code == "internal-error" for e in decision.errors):
            raise Difference("malformed", f"{decision.errors} for {request}")
        text = json.dumps(request, default=str)
        at = one.draw.number(max(len(text) - 1, 0))
        hostile = text[:at] + one.draw.pick(('"', "}", "[", "\\u", "\x00", "1e9", ",,", "")) + text[at + one.draw.number(3) :]
        with contextlib.suppress(strict_json.JsonProblem):
            one.policies.decide(strict_json.loads(hostile))  # type: ignore[arg-type]
    if one.store:
        bent = Caller(one.draw, one.made.schema).bend(one.store)
        with contextlib.suppress(EntitiesError):
            PolicySet(one.program, Entities.from_list(bent)).decide(one.requests[0])
    return 2 * len(one.bent)


def variants(one: Case) -> int:
    """Well-formed requests with one thing wrong, in value or in text: denied, and told why, whatever is wrong."""
    fine = [r for r, d in zip(one.requests, one.decided, strict=True) if not any(e.path is not None for e in d.errors)]
    for request, pick in zip(fine, one.picks, strict=False):
        known = list(wrong.variants(request, one.made.schema))
        how, changed = known[pick % len(known)]
        decision = one.policies.decide(changed)
        if decision.effect.value != "deny" or decision.rules or not any(e.path is not None for e in decision.errors):
            raise Difference("variant", f"{how}: {decision} for {changed}")
        same("variant", decision, one.policies.decide(changed, []), changed)
        texts = list(wrong.texts(request))
        how, text = texts[pick % len(texts)]
        try:
            strict_json.loads(text)
        except strict_json.JsonProblem:
            continue
        raise Difference("variant", f"{how} is read: {text}")
    return 2 * min(len(fine), len(one.picks))


def with_prover(one: Case) -> int:
    """The prover, of few programs: what it excludes, finds, proves and refutes. It knows no store."""
    if not one.invariant:
        return 0
    whole = [r for r in one.requests if isinstance(r, dict)]
    try:
        count = solving.with_slices(one.program, whole)
        return count + solving.with_invariant(one.made.files(), one.invariant, whole)
    except solving.Disagreement as found:
        raise Difference("prover", str(found)) from None


COMPARISONS: dict[str, Callable[[Case], int]] = {
    "oracle": with_oracle,
    "compiled trees": trees_with_rules,
    "exact and prepared": fast_with_exact,
    "approvals": with_approvals,
    "explanation": with_explanation,
    "partial evaluation": with_partial,
    "formatted": reformatted,
    "from cache": from_cache,
    "packed, and from the cache of programs": packed_and_kept,
    "mistakes": same_mistakes,
    "other order": shuffled,
    "promises": narrowed,
    "malformed": malformed,
    "malformed variants": variants,
    "prover": with_prover,
}


SAMPLED = {
    "formatted": 15,
    "from cache": 15,
    "packed, and from the cache of programs": 30,
    "mistakes": 15,
    "other order": 15,
    "promises": 25,
}
"""Of a hundred programs so many are made anew in each of these ways; everything else is done with every program."""


def compare(draw: Draw, cache: Cache, only: str | None = None) -> tuple[Case, dict[str, int]]:
    """Draw a case and compare everything; raise `Difference` where something differs, whatever was raised."""
    one = case(draw, cache)
    counts: dict[str, int] = {}
    kind = "check"
    try:
        one.policies = compiled("check", one.sources(), one.store)
        one.program = one.policies.program
        kind = "decide"
        one.decided = [one.policies.decide(request) for request in one.requests]
        for decision, request in zip(one.decided, one.requests, strict=True):
            if any(e.code == "internal-error" for e in decision.errors):
                raise Difference("decide", f"{decision.errors} for {request}")
        for kind, comparison in COMPARISONS.items():
            if only == kind or (only is None and (kind not in SAMPLED or kind in one.chosen)):
                counts[kind] = comparison(one)
    except Difference as found:
        found.comparison = kind
        raise
    except Exception as error:
        found = Difference(kind, f"{type(error).__name__}: {error}")
        found.comparison = kind
        raise found from error
    return one, counts


def open_own_cache(folder: Path) -> Cache:
    """Return a cache of this run alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return Cache(folder, b"fuzz" * 8)
