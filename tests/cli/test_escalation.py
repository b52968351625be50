"""`kynara escalation`: every format, what it says where nothing is found, and its exit codes."""

import json
import re
from pathlib import Path

import pytest

from kynara_lang.analysis import solver
from tests.cli.project import ROOT, Run

SET = ROOT / "tests" / "analysis" / "escalation"


@pytest.fixture
def policy(project: Path) -> Path:
    """The working folder holds a policy with a path of two steps."""
    text = (SET / "agent_promotes_helper_and_runs_it.kyn").read_text(encoding="utf-8")
    (project / "helpers.kyn").write_text(text, encoding="utf-8")
    return project


def test_the_text_has_the_graph_the_path_and_its_cut(policy: Path, kynara: Run) -> None:
    result = kynara("escalation", "helpers.kyn")
    assert result.exit_code == 1
    assert "helper.run on Helper: acts as resource → Helper  (permitted by run_helpers)  KYN402" in result.stdout
    assert "error[KYN402]" in result.stdout
    assert re.search(r"note: 3\. .*database\.drop", result.stdout)
    assert "forbid no_helper_promote {" in result.stdout
    assert "1 path, the shortest for each permit and code. Nothing else leads further in up to 2 steps" in result.stdout


def test_a_path_longer_than_the_depth_is_not_found(policy: Path, kynara: Run) -> None:
    result = kynara("escalation", "helpers.kyn", "--depth", "1")
    assert result.exit_code == 0
    assert "Nobody gets further in up to 1 step; longer paths were not looked for." in result.stdout


def test_json_has_everything_a_program_needs(policy: Path, kynara: Run) -> None:
    result = kynara("escalation", "helpers.kyn", "--format", "json")
    assert result.exit_code == 1
    shown = json.loads(result.stdout)
    (path,) = shown["paths"]
    assert (path["code"], path["severity"], path["subject"]) == ("KYN402", "error", "Agent")
    assert [hop["rule"] for hop in path["hops"]] == ["helpers.run_helpers", "helpers.promote", "helpers.operators_drop"]
    assert path["hops"][0]["request"]["action"]["name"] == "helper.run"
    assert path["cut"].startswith("forbid ")
    assert (shown["depth"], shown["proved"], shown["unknown"]) == (2, False, [])


def test_dot_and_mermaid_draw_every_edge(policy: Path, kynara: Run) -> None:
    dot = kynara("escalation", "helpers.kyn", "--format", "dot").stdout
    assert dot.startswith("digraph control {")
    assert '"Agent" -> "Helper" [label="helper.run (KYN402)", color=red, fontcolor=red];' in dot
    mermaid = kynara("escalation", "helpers.kyn", "--format", "mermaid").stdout
    assert mermaid.startswith("flowchart LR\n")
    assert 'n0 -->|"helper.run (KYN402)"| n1' in mermaid
    assert "linkStyle 0,1 stroke:red" in mermaid


def test_a_policy_without_authority_is_told_to_be_proved(project: Path, kynara: Run) -> None:
    result = kynara("escalation", "policies")
    assert result.exit_code == 0
    assert "Nothing on authority is permitted to anybody." in result.stdout
    assert "No subject can escalate" in result.stdout


def test_a_note_does_not_fail(project: Path, kynara: Run) -> None:
    result = kynara("escalation", str(SET / "aws_update_function_code.fixed.kyn"))
    assert result.exit_code == 0
    assert "note[KYN408]" in result.stdout


def test_what_is_unknown_fails_and_is_said(policy: Path, kynara: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = lambda *_, **__: (solver.Answer.UNKNOWN, None)  # noqa: E731
    monkeypatch.setattr(solver.Smt, "ask", unknown)
    result = kynara("escalation", "helpers.kyn")
    assert result.exit_code == 1
    assert "the solver gave up" in result.stdout
    assert "could not be settled" in result.stdout
    assert "No subject can escalate" not in result.stdout


def test_without_the_solver_there_is_the_graph_and_a_line_how_to_get_it(
    policy: Path, kynara: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise solver.MissingSolver

    monkeypatch.setattr(solver.Smt, "__init__", missing)
    for output in ("text", "json", "dot", "mermaid"):
        result = kynara("escalation", "helpers.kyn", "--format", output)
        assert result.exit_code == 2
        assert "helper.run" in result.stdout
        assert 'pip install "kynara-lang[prove]"' in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_policy_with_errors_is_not_looked_at(project: Path, kynara: Run) -> None:
    assert kynara("escalation", "broken").exit_code == 2


@pytest.mark.parametrize("depth", ["0", "5", "x"])
def test_the_depth_has_bounds(policy: Path, kynara: Run, depth: str) -> None:
    assert kynara("escalation", "helpers.kyn", "--depth", depth).exit_code == 2
