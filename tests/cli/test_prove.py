"""`kynara check` and proofs: what is proved, refuted, unknown, and what is said where there is no solver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kynara_lang as kynara_api
from kynara_lang import proofs, proving

from .project import Run

POLICY = """\
subject Agent { tenant: String }
resource Order { tenant: String  status: "open" | "shipped" }
action read, cancel on Order

permit agents_work "Agents work on the orders of their tenant" {
  subject  Agent
  action   read, cancel
  resource Order
  scope    subject.tenant == resource.tenant
}
"""
INVARIANT = """
invariant shipped_orders_stay {
  never    allow
  subject  Agent
  action   cancel
  resource Order
  when     resource.status == "shipped"
}
"""
FORBID = """
forbid cancel_shipped "What was shipped is not cancelled" {
  subject  any
  action   cancel
  resource Order
  when     resource.status == "shipped"
}
"""
HARD = """
action open on File
subject Robot { home: Set<Path> }
resource File { path: Path }
permit read_homes "Robots open what lies in their homes" {
  subject Robot  action open  resource File
  scope   any home in subject.home: resource.path within home
}
invariant nobody_knows {
  never   allow  subject Robot  action open  resource File
  when    all home in subject.home: home within "/srv/agents"
  when    not (resource.path within "/srv/agents")
}
"""


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "policy.kyn"


def test_a_proved_invariant_is_counted(kynara: Run, policy: Path) -> None:
    policy.write_text(POLICY + FORBID + INVARIANT, encoding="utf-8")
    for _ in range(2):  # the second time from the cache
        result = kynara("check", "policy.kyn")
        assert (result.exit_code, result.stderr) == (0, "All good: 2 rules in 1 file, 1 invariant proved\n")


def test_a_broken_invariant_comes_with_a_request_that_explain_takes(kynara: Run, policy: Path) -> None:
    policy.write_text(POLICY + INVARIANT, encoding="utf-8")
    result = kynara("check", "policy.kyn", "--output-format", "json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)["diagnostics"]
    assert found["code"] == "KYN901"
    Path("request.json").write_text(json.dumps(found["witness"]), encoding="utf-8")
    told = json.loads(kynara("explain", "policy.kyn", "--request", "request.json", "--format", "json").stdout)
    assert told["decision"] == "allow"
    full = kynara("check", "policy.kyn").stdout
    assert 'resource Order::"resource" {tenant: "a", status: "shipped"}' in full


def test_what_is_unknown_is_a_note_and_an_error_to_those_who_asked(kynara: Run, policy: Path) -> None:
    policy.write_text(POLICY + FORBID + HARD, encoding="utf-8")
    soon = ("--output-format", "concise", "--prove-timeout", "0.5")
    result = kynara("check", "policy.kyn", *soon)
    assert result.exit_code == 0
    assert "note[KYN903] not-proved: the invariant `nobody_knows` could be neither proved nor refuted" in result.stdout
    asked = kynara("check", "policy.kyn", "--prove", *soon)
    assert asked.exit_code == 1
    assert "error[KYN903]" in asked.stdout


def test_proofs_can_be_refused(kynara: Run, policy: Path) -> None:
    policy.write_text(POLICY + INVARIANT, encoding="utf-8")
    assert kynara("check", "policy.kyn", "--no-prove").exit_code == 0


def test_a_broken_invariant_can_be_suppressed_with_a_reason(kynara: Run, policy: Path) -> None:
    silenced = INVARIANT.replace(
        "invariant", '# kynara: ignore[KYN901] reason="ticket 12 mends it" until=2099-01-01\ninvariant', 1
    )
    policy.write_text(POLICY + silenced, encoding="utf-8")
    assert kynara("check", "policy.kyn").exit_code == 0


def test_without_the_solver_one_line_says_what_is_missing(
    kynara: Run, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy.write_text(POLICY + INVARIANT, encoding="utf-8")
    for module in (proofs, proving):
        monkeypatch.setattr(module, "solver_installed", lambda: False)
    monkeypatch.setattr("kynara_lang.cli.check.solver_installed", lambda: False)
    result = kynara("check", "policy.kyn")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[1] == (
        'Not proved: 1 invariant and what structure does not show of rules; pip install "kynara-lang[prove]"'
    )
    asked = kynara("check", "policy.kyn", "--prove")
    assert asked.exit_code == 2
    assert 'pip install "kynara-lang[prove]"' in asked.stderr


@pytest.mark.parametrize(("effect", "said"), [(" effects edits_policy", True), (" effects irreversible", False)])
def test_without_the_solver_ways_to_more_rights_are_not_taken_for_looked_for(
    kynara: Run, policy: Path, monkeypatch: pytest.MonkeyPatch, effect: str, said: bool
) -> None:
    policy.write_text(
        "subject User { team: String }\nresource Rules { team: String }\n"
        f"action change on Rules{effect}\n"
        'permit change_rules "Teams change what is theirs" {\n'
        "  subject User action change resource Rules scope subject.team == resource.team\n}\n",
        encoding="utf-8",
    )
    for module in (proofs, proving):
        monkeypatch.setattr(module, "solver_installed", lambda: False)
    result = kynara("check", "policy.kyn")
    assert ("Not proved: that nobody comes to more rights than are meant; pip" in result.stderr) is said


def test_what_breaks_an_invariant_is_written_as_a_test(kynara: Run, policy: Path) -> None:
    policy.write_text(POLICY + INVARIANT, encoding="utf-8")
    result = kynara("check", "policy.kyn", "--write-tests", "found.kyn")
    assert result.exit_code == 1
    assert result.stderr.startswith("Wrote 1 test to found.kyn\n")
    assert "expect   deny cancel on shipped_orders_stay_resource" in Path("found.kyn").read_text(encoding="utf-8")
    again = kynara("check", "policy.kyn", "--write-tests", "found.kyn")
    assert again.exit_code == 2
    assert "found.kyn cannot be written" in again.stderr


def test_python_proves_too(policy: Path) -> None:
    policy.write_text(POLICY + INVARIANT, encoding="utf-8")
    assert not kynara_api.check(policy).ok
    assert kynara_api.check(policy, prove=False).ok
