"""What the prover says of a program, held against how concrete requests are decided."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from kynara_lang.analysis import invariants
from kynara_lang.analysis.differences import Comparing, Differences
from kynara_lang.analysis.logic import Idle, Logic
from kynara_lang.analysis.question import Verdict
from kynara_lang.analysis.solver import Limits
from kynara_lang.analysis.versions import Version
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

Json = dict[str, Any]
BAD = {"never": True, "always": False}
RANKS = ("deny", "require_approval", "allow")


def program(*texts: str) -> Program:
    """Return a program of one or several files, without errors of the language."""
    result = check_sources([Source(f"file{number}.kyn", text) for number, text in enumerate(texts)])
    assert not result.has_errors, [d.message for d in result.diagnostics]
    return result.program


def entity(kind: str, identity: str, **more: Any) -> Json:
    """Return an entity of a request; what is not `on_behalf_of`, `roles` or `parents` is a property."""
    made: Json = {"type": kind, "id": identity}
    for name in ("on_behalf_of", "roles", "parents"):
        if name in more:
            made[name] = more.pop(name)
    return {**made, "properties": more}


def request(subject: Json, resource: Json, action: str = "read", **context: Any) -> Json:
    """Return a request."""
    return {"subject": subject, "action": {"name": action}, "resource": resource, "context": context}


def verdicts(checked: Program, *requests: Json) -> dict[str, Verdict]:
    """Return what the prover says of each invariant; what it calls proved must hold for every request given."""
    replay = Replay(checked)
    found = {}
    for one in checked.invariants:
        outcome = invariants.prove(checked, one, replay, Limits())
        bad = [d for d in RANKS if (d in one.decisions) == BAD[one.kind]]
        against = [r for r in requests if replay.speaks_of(one, r) and replay.decision(r) in bad]
        assert outcome.verdict is not Verdict.PROVED or not against, f"{one.name} is proved, and broken by {against[0]}"
        if outcome.request is not None:
            assert replay.speaks_of(one, outcome.request)
            assert replay.decision(outcome.request) in bad
        found[one.name.rpartition(".")[2]] = outcome.verdict
    return found


def idle(checked: Program, *requests: Json) -> dict[str, str]:
    """Return why rules make no difference, as the prover has it; without them every request must be decided as with."""
    replay, found = Replay(checked), {}
    for rule in checked.rules:
        said = Logic(checked, Limits()).idle(rule)
        if isinstance(said, Idle):
            others = [r for r in checked.rules if r is not rule]
            without = Replay(evolve(checked, rules=tuple(evolve(r, index=i) for i, r in enumerate(others))))
            for one in requests:
                assert without.decision(one) == replay.decision(one), f"{rule.name} is {said.why}, and decides {one}"
            found[rule.name.rpartition(".")[2]] = said.why
    return found


def difference(old: Program, new: Program, *requests: Json) -> Differences:
    """Return how two versions differ; where nobody gains or loses for sure, no request may be decided otherwise."""
    versions = [Version(one, Replay(one)) for one in (old, new)]
    found = Comparing(*versions).run()
    for one in requests:
        before, after = (RANKS.index(version.decider.decision(one)) for version in versions)
        assert after <= before or found.gains or found.unknown_gains, f"nobody gains, and {one} is decided otherwise"
        assert after >= before or found.slices, f"nobody loses, and {one} is decided otherwise"
    return found
