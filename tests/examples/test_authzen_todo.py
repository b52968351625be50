"""The vectors of the OpenID AuthZEN Todo scenario, from Python and through `kynara decide`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.runtime.request import expand_evaluations

ROOT = Path(__file__).parents[2]
STORY = ROOT / "examples" / "authzen_todo"
VECTORS = json.loads((STORY / "todo-decisions.json").read_text(encoding="utf-8"))
SINGLES = VECTORS["evaluation"]
BATCHES = VECTORS["evaluations"]
ITEMS = [
    (number, at, single, expected["decision"])
    for number, batch in enumerate(BATCHES)
    for at, (single, expected) in enumerate(zip(expand_evaluations(batch["request"]), batch["expected"], strict=True))
]


@pytest.fixture(scope="module")
def policies() -> kynara.PolicySet:
    return kynara.load(STORY, entities=kynara.Entities.from_json(STORY / "entities.json"))


def told(request: Any) -> str:
    """Name a vector by its action and the end of the user's id."""
    return f"{request['action']['name']}-{request['subject']['id'][10:14]}"


def decide(requests: list[Any]) -> list[Any]:
    """Run `kynara decide` on requests and return its answers."""
    command = [sys.executable, "-m", "kynara_lang.cli.main", "decide", "examples/authzen_todo"]
    command += ["--entities", "examples/authzen_todo/entities.json", "--requests", "-"]
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(
        command, cwd=ROOT, input=lines, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_vectors_are_there() -> None:
    assert len(SINGLES) == 40
    assert len(BATCHES) == 3


def test_the_policy_has_nothing_to_complain_of() -> None:
    assert kynara.check(STORY).diagnostics == ()


@pytest.mark.parametrize("vector", SINGLES, ids=[f"{n}-{told(v['request'])}" for n, v in enumerate(SINGLES)])
def test_single_evaluations(policies: kynara.PolicySet, vector: Any) -> None:
    decision = policies.decide(vector["request"])
    assert decision.allowed is vector["expected"]
    assert decision.effect is not kynara.Effect.REQUIRE_APPROVAL
    assert decision.errors == ()


@pytest.mark.parametrize(("number", "at", "single", "expected"), ITEMS)
def test_items_of_batches(policies: kynara.PolicySet, number: int, at: int, single: Any, expected: bool) -> None:
    decision = policies.decide(single)
    assert decision.allowed is expected, f"item {at} of batch {number}"
    assert decision.errors == ()


def test_single_evaluations_through_the_command() -> None:
    answers = decide([vector["request"] for vector in SINGLES])
    assert [answer["decision"] == "allow" for answer in answers] == [vector["expected"] for vector in SINGLES]


def test_batches_through_the_command() -> None:
    answers = decide([batch["request"] for batch in BATCHES])
    found = [[{"decision": one["decision"] == "allow"} for one in answer["evaluations"]] for answer in answers]
    assert found == [batch["expected"] for batch in BATCHES]


def test_what_a_request_claims_does_not_override_the_store(policies: kynara.PolicySet) -> None:
    request = next(
        v["request"] for v in SINGLES if v["request"]["action"]["name"] == "can_update_todo" and not v["expected"]
    )
    for name, claim in (("roles", ["evil_genius"]), ("properties", {"email": "rick@the-citadel.com"})):
        claimed = {**request, "subject": {**request["subject"], name: claim}}
        assert not policies.decide(claimed).allowed


def test_without_the_store_only_reading_is_left() -> None:
    policies = kynara.load(STORY)
    allowed = {v["request"]["action"]["name"] for v in SINGLES if policies.decide(v["request"]).allowed}
    assert allowed == {"can_read_user", "can_read_todos"}
