"""Literals with characters that the solver does not have: what reads them is unknown, and nothing comes to a halt."""

from __future__ import annotations

import pytest

from kynara_lang.analysis.escalation import escalations
from kynara_lang.analysis.proving import Prover
from kynara_lang.analysis.question import Verdict
from kynara_lang.analysis.solver import Limits
from kynara_lang.runtime.replay import Replay

from .claims import difference, entity, idle, program, request, verdicts

RARE = "\U00030000"
TYPES = f"""
subject Team as "team{RARE}"
subject User in Team {{ team: String, mood: "good" | "{RARE}" }}
resource Doc {{ team: String, path: Path, mail: Email, labels as "labels{RARE}": Set<String> }}
action read on Doc
role rare as "{RARE}"
"""
CONDITIONS = [
    f'resource.team == "{RARE}"',
    f'resource.team like "*{RARE}*"',
    f'resource.team.starts_with("{RARE}")',
    f'resource.path within "/{RARE}"',
    f'resource.team in {{"{RARE}", "{RARE}x"}}',
    f'"{RARE}" in resource.labels',
    f'any l in resource.labels: l == "{RARE}"',
    f'subject.mood == "{RARE}"',
    f'subject == User::"{RARE}"',
    f'subject in Team::"{RARE}"',
    "subject holds rare",
]
USER = entity("User", RARE, team="t", mood=RARE, roles=[RARE], parents=[{"type": f"team{RARE}", "id": RARE}])
DOC = entity("Doc", "d", team=RARE, path=f"/{RARE}", mail="a@example.com", **{f"labels{RARE}": [RARE]})
ASKED = request(USER, DOC)


@pytest.mark.parametrize("when", CONDITIONS)
def test_what_reads_such_a_literal_is_never_proved(when: str) -> None:
    permit = f"permit p {{ subject User action read resource Doc scope any \"test\" when {when} }}\n"
    claim = f"invariant nobody {{ never allow subject User action read resource Doc when {when} }}\n"
    checked = program(TYPES + permit + claim)
    assert Replay(checked).decision(ASKED) == "allow"
    assert verdicts(checked, ASKED)["nobody"] is not Verdict.PROVED
    assert idle(checked, ASKED) == {}
    proofs = Prover(checked, Replay(checked)).run((), lambda code: True)
    assert (proofs.proved, escalations(checked, Replay(checked)).found) == (0, ())
    assert difference(program(TYPES), checked, ASKED).slices


def test_patterns_with_such_a_literal_are_unknown() -> None:
    checked = program(TYPES + f"""
permit p {{ subject User::"{RARE}" action read resource Doc scope any "test" }}
permit q {{ subject User in Team::"{RARE}" with role rare action read resource Doc scope any "test" }}
forbid f {{ subject User action read resource Doc when resource.team != "{RARE}" }}
invariant same {{ never allow subject User action read resource Doc when resource.team != "{RARE}" }}
invariant nobody {{ never allow subject User action read resource Doc }}
""")  # fmt: skip
    assert Replay(checked).decision(ASKED) == "allow"
    found = verdicts(checked, ASKED)
    assert (found["same"], found["nobody"]) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
    assert idle(checked, ASKED) == {}


def test_time_limits_are_not_what_makes_it_unknown() -> None:
    checked = program(TYPES + f"""
permit p {{ subject User action read resource Doc scope resource.team == "{RARE}" }}
invariant nobody {{ never allow subject User action read resource Doc }}
""")  # fmt: skip
    proofs = Prover(checked, Replay(checked), Limits()).run((), lambda code: True)
    assert [note for d in proofs.unsettled for note in d.notes] == ["a condition has no exact counterpart in the solver"]
