"""The stories whose requests are named after their decisions: policies are clean, tests reach everything, tables are true.

The commands of the READMEs are run by tests/docs/test_documents.py, which compares what they print with what is shown.
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
STORIES = ["cedar_migration", "coding_agent", "data_analyst", "deployment_agent", "mail_and_browse", "sub_agents"]
NAMED = {"allow": "allow", "approval": "require_approval", "deny": "deny"}
ROW = re.compile(r"^\| \[([a-z0-9-]+)\]\(requests/\1\.json\) \| `([a-z_]+)` \| .+ \|$", re.MULTILINE)
REQUESTS = [(story, path) for story in STORIES for path in sorted((ROOT / "examples" / story).glob("requests/*.json"))]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def policies() -> dict[str, kynara.PolicySet]:
    return {story: kynara.load(ROOT / "examples" / story / "policies") for story in STORIES}


@pytest.mark.parametrize("story", STORIES)
def test_the_policy_has_nothing_to_complain_of_and_its_invariants_are_proved(story: str) -> None:
    report = kynara.check(ROOT / "examples" / story / "policies", prove=True)
    assert report.diagnostics == ()
    assert report.proved >= 1


@pytest.mark.parametrize("story", STORIES)
def test_its_tests_pass_and_reach_every_rule_and_clause(story: str) -> None:
    command = [sys.executable, "-m", "kynara_lang.cli.main", "test", f"examples/{story}/policies"]
    done = subprocess.run(
        [*command, "--coverage", "--min-coverage", "100"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("story", "path"), REQUESTS, ids=lambda value: value.stem if isinstance(value, Path) else value
)
def test_each_request_is_decided_as_its_name_says(
    policies: dict[str, kynara.PolicySet], story: str, path: Path
) -> None:
    decision = policies[story].decide(read(path))
    assert decision.errors == ()
    assert str(decision.effect) == NAMED[path.stem.partition("-")[0]]


@pytest.mark.parametrize("story", STORIES)
def test_the_readme_lists_every_request_with_its_decision(policies: dict[str, kynara.PolicySet], story: str) -> None:
    told = dict(ROW.findall((ROOT / "examples" / story / "README.md").read_text(encoding="utf-8")))
    paths = [path for name, path in REQUESTS if name == story]
    assert len(paths) >= 6
    assert told == {path.stem: str(policies[story].decide(read(path)).effect) for path in paths}


@pytest.mark.parametrize("story", STORIES)
def test_the_jsonl_file_has_the_same_requests(story: str) -> None:
    lines = (ROOT / "examples" / story / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [read(path) for name, path in REQUESTS if name == story]
