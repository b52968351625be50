"""Invariants: what holds is proved, what does not is refuted by a request that the evaluator confirms."""

from __future__ import annotations

import pytest

from kynara_lang.analysis import invariants
from kynara_lang.analysis.question import Verdict
from kynara_lang.analysis.solver import Limits
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.runtime.replay import Replay

from .programs import checked, prove

RULES = """
permit work "d" { subject User with role staff action read, write resource Doc scope subject.team == resource.team
  when resource.path within "/work" }
permit help "d" { subject Agent action read resource Doc scope delegated when delegator is User and delegator.level > 3 }
permit pay "d" { subject User with role lead action pay resource Doc scope subject.team == resource.team
  when args.amount <= resource.cost unless args.amount > 100.00 }
require approval finals { subject any action write resource Doc when resource.status == "final" from User with role lead }
forbid network { subject any action any resource Doc unless context.ip within "10.0.0.0/8" }
"""

PROVED = [
    'never allow subject any action write resource Doc when resource.status == "final"',
    'never allow or require_approval subject any action any resource Doc when not (context.ip within "10.0.0.0/8")',
    "never allow subject Agent action read resource Doc when delegated and delegator is User and delegator.level < 4",
    'never allow subject User action read resource Doc when resource.path within "/etc"',
    'never allow subject User action write resource Doc when resource.path within "/work-evil"',
    "always deny subject Agent action write resource Doc",
    "never allow subject User action pay resource Doc when args.amount > 100.00",
    "never allow subject User action pay resource Doc when not (subject holds staff)",
    "always allow subject User action read resource Doc when subject holds lead and subject.team == resource.team "
    'and context.ip within "10.0.0.0/9" and resource.path within "/work/x" unless delegated',
    "never require_approval subject User action read resource Doc",
    "never allow subject User action read resource Doc when subject.regions.size() > 2",
]
REFUTED = [
    ('never allow subject Agent action read resource Doc when subject.trust == "low"', "allow"),
    ("never allow subject User action pay resource Doc when args.amount > 99.99", "allow"),
    ("never require_approval subject User action write resource Doc", "require_approval"),
    ("always allow subject User action read resource Doc when subject holds lead", "deny"),
    ('never allow subject User action read resource Doc when resource.path.name == "passwd"', "allow"),
    ('never allow subject User action read resource Doc when "secret" in resource.labels', "allow"),
    ('never allow subject User action read resource Doc when resource.host within "example.com"', "allow"),
    ('never allow subject User action read resource Doc when resource.mail.domain within "example.com"', "allow"),
    ('never allow subject User action read resource Doc when resource.link.scheme == "http"', "allow"),
    ('never allow subject User action read resource Doc when context.now.hour("Europe/Berlin") == 3', "allow"),
    ('never allow subject User action read resource Doc when context.now.weekday("UTC") == "sunday"', "allow"),
    ("never allow subject User action read resource Doc when resource.size * 3 == 999", "allow"),
    ("never allow subject User action read resource Doc when resource.cost * 0.5 > 10.00", "allow"),
    ("never allow subject User action read resource Doc when any r in resource.readers: r == subject", "allow"),
    ('never allow subject User action read resource Doc when resource in Folder::"public"', "allow"),
    ('never allow subject User action read resource Doc when resource.team.lower() == "sales"', "allow"),
    ('never allow subject User action read resource Doc when resource.team like "a*b*c"', "allow"),
]


def outcome(text: str) -> tuple[invariants.Outcome, PolicySet]:
    program = checked(f"{RULES}\ninvariant claim {{ {text} }}")
    replay = Replay(program)
    return invariants.prove(program, program.invariants[0], replay, Limits()), PolicySet(program)


@pytest.mark.parametrize("text", PROVED)
def test_what_holds_for_every_request_is_proved(text: str) -> None:
    found, _ = outcome(text)
    assert (found.verdict, found.reason) == (Verdict.PROVED, "")


@pytest.mark.parametrize(("text", "decision"), REFUTED)
def test_what_does_not_hold_is_refuted_by_a_request(text: str, decision: str) -> None:
    found, policies = outcome(text)
    assert (found.verdict, found.decision) == (Verdict.REFUTED, decision)
    assert found.request is not None
    decided = policies.decide(found.request)
    assert decided.effect.value == decision
    assert not [e for e in decided.errors if e.path is not None]


def test_a_refuted_invariant_is_an_error_with_the_request() -> None:
    proofs = prove(f"{RULES}\ninvariant claim {{ never allow subject Agent action read resource Doc }}")
    (finding,) = [d for d in proofs.findings if d.code == "KYN901"]
    assert finding.witness is not None
    assert finding.witness["subject"]["type"] == "Agent"
    assert finding.span.text == "claim"
    assert [label.span.text for label in finding.labels[1:]] == ["help"]


def test_a_solver_without_time_proves_nothing() -> None:
    proofs = prove(
        f"{RULES}\ninvariant claim {{ never allow subject User action read resource Doc "
        'when resource.path.suffix == ".env" and resource.path within "/work" }',
        limits=Limits(milliseconds=1, steps=1),
    )
    assert proofs.proved == 0
    assert "KYN903" in {d.code for d in proofs.unsettled}
    assert proofs.findings == ()


def test_what_a_reference_need_not_tell_is_left_out_of_the_request() -> None:
    """`owner` is required of a folder, but a request that only refers to one may leave it out."""
    program = check_sources([Source("p.kyn", """
trait Tagged {}
subject User { home: Tagged }
resource Shelf is Tagged { owner: String }
action read on Shelf
permit p { subject User action read resource Shelf scope any "all" }
forbid f { subject any action any resource any when subject.home has owner }
invariant claim { never allow subject User action read resource Shelf }
""")]).program  # fmt: skip
    found = invariants.prove(program, program.invariants[0], Replay(program), Limits())
    assert (found.verdict, found.decision) == (Verdict.REFUTED, "allow")
    assert found.request is not None
    assert found.request["subject"]["properties"]["home"] == {"type": "Shelf", "id": "home", "properties": {}}
