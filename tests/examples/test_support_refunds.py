"""The story of support_refunds: every request is decided as its file name and the README say.

The commands of the README are run by tests/docs/test_documents.py, which compares what they print with what is shown.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara

ROOT = Path(__file__).parents[2]
STORY = ROOT / "examples" / "support_refunds"
REQUESTS = sorted(STORY.glob("requests/*.json"))
NAMED = {"allow": "allow", "approval": "require_approval", "deny": "deny"}
ROW = re.compile(r"^\| \[([a-z-]+)\]\(requests/\1\.json\) \| `([a-z_]+)` \| .+ \|$", re.MULTILINE)

RULES = {
    "allow-agent-alone": ("support.refunds.refund_orders",),
    "allow-agent-for-alice": ("support.refunds.refund_orders",),
    "allow-person-outside-office": ("support.refunds.refund_orders",),
    "approval-large-amount": ("support.refunds.large_refunds",),
    "deny-agent-for-person-without-role": (),
    "deny-malformed": (),
    "deny-more-than-the-total": (),
    "deny-other-tenant": ("std.tenancy.no_crossing",),
    "deny-outside-office": ("support.refunds.outside_office",),
    "deny-person-without-role": (),
}


@pytest.fixture(scope="module")
def policies() -> kynara.PolicySet:
    return kynara.load(STORY / "policies")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def decide(*options: str) -> subprocess.CompletedProcess[str]:
    """Run `kynara decide` on the policy, as the README does."""
    command = [sys.executable, "-m", "kynara_lang.cli.main", "decide", "examples/support_refunds/policies", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=False)


def test_the_policy_has_nothing_to_complain_of() -> None:
    assert kynara.check(STORY / "policies").diagnostics == ()


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_each_request_is_decided_as_its_name_says(policies: kynara.PolicySet, path: Path) -> None:
    decision = policies.decide(read(path))
    assert decision.effect == NAMED[path.stem.partition("-")[0]]
    assert decision.rules == RULES[path.stem]


def test_only_the_malformed_request_has_errors(policies: kynara.PolicySet) -> None:
    found = {path.stem: [e.code for e in policies.decide(read(path)).errors] for path in REQUESTS}
    assert {name: codes for name, codes in found.items() if codes} == {
        "deny-malformed": ["invalid-value", "missing-attribute"]
    }


def test_the_readme_lists_every_request_with_its_decision(policies: kynara.PolicySet) -> None:
    told = dict(ROW.findall((STORY / "README.md").read_text(encoding="utf-8")))
    assert told == {path.stem: str(policies.decide(read(path)).effect) for path in REQUESTS}


def test_the_jsonl_file_has_the_same_requests() -> None:
    lines = (STORY / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [read(path) for path in REQUESTS]


def test_decide_answers_every_line_and_sums_up_as_the_readme_says(policies: kynara.PolicySet) -> None:
    done = decide("--requests", "examples/support_refunds/requests.jsonl", "--summary")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [json.loads(json.dumps(policies.decide(read(path)).to_dict())) for path in REQUESTS]
    assert done.stderr.strip() in (STORY / "README.md").read_text(encoding="utf-8")


# --- the approval


@pytest.fixture
def waiting() -> Any:
    return read(STORY / "requests" / "approval-large-amount.json")


@pytest.fixture
def approvals() -> list[Any]:
    found = read(STORY / "approvals.json")
    assert isinstance(found, list)
    return found


def test_the_approval_is_bound_to_the_request(policies: kynara.PolicySet, waiting: Any, approvals: list[Any]) -> None:
    # After a change of the policy or of its digest this is the value to write into approvals.json.
    assert approvals[0]["digest"] == policies.approval_digest(waiting)
    assert policies.decide(waiting, approvals=approvals).effect is kynara.Effect.ALLOW


def test_the_approval_counts_for_no_other_amount(
    policies: kynara.PolicySet, waiting: Any, approvals: list[Any]
) -> None:
    waiting["action"]["properties"]["amount"] = "79.99"
    decision = policies.decide(waiting, approvals=approvals)
    assert decision.effect is kynara.Effect.REQUIRE_APPROVAL
    assert [error.code for error in decision.errors] == ["approval-refused"]


def test_the_approval_counts_for_no_other_order(policies: kynara.PolicySet, waiting: Any, approvals: list[Any]) -> None:
    waiting["resource"]["id"] = "o-2"
    assert policies.decide(waiting, approvals=approvals).effect is kynara.Effect.REQUIRE_APPROVAL


def test_the_approval_expires(policies: kynara.PolicySet, waiting: Any, approvals: list[Any]) -> None:
    waiting["context"]["now"] = approvals[0]["expires"]
    assert policies.decide(waiting, approvals=approvals).effect is kynara.Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize(
    "approver",
    [
        {"type": "User", "id": "alice", "properties": {"tenant": "acme"}, "roles": ["support_lead"]},
        {"type": "Agent", "id": "refund-bot", "properties": {"tenant": "acme"}, "roles": ["support_lead"]},
        {"type": "User", "id": "carol", "properties": {"tenant": "globex"}, "roles": ["support_lead"]},
        {"type": "User", "id": "carol", "properties": {"tenant": "acme"}, "roles": ["support"]},
    ],
    ids=["in the chain", "the agent", "another tenant", "no lead"],
)
def test_who_may_not_approve_does_not_count(
    policies: kynara.PolicySet, waiting: Any, approvals: list[Any], approver: Any
) -> None:
    approvals[0]["approvers"] = [approver]
    assert policies.decide(waiting, approvals=approvals).effect is kynara.Effect.REQUIRE_APPROVAL


def test_an_approval_inside_the_request_counts_for_nothing(
    policies: kynara.PolicySet, waiting: Any, approvals: list[Any]
) -> None:
    waiting["approvals"] = approvals
    waiting["context"]["approvals"] = approvals
    assert policies.decide(waiting).effect is kynara.Effect.REQUIRE_APPROVAL


# --- what the README says about working alone


def test_one_more_forbid_demands_a_person(policies: kynara.PolicySet) -> None:
    rule = """
    forbid agents_need_a_person { subject Agent action refund resource any unless delegated }
    """
    text = (STORY / "policies" / "refunds.kyn").read_text(encoding="utf-8")
    narrower = kynara.loads(text + rule, name="refunds.kyn")
    for path in REQUESTS:
        before, after = policies.decide(read(path)).effect, narrower.decide(read(path)).effect
        assert after == ("deny" if path.stem == "allow-agent-alone" else before)
