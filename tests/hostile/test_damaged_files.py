"""Damaged files: configuration, baseline, entities, requests, policies, approvals; cut, doubled or overwritten at random.

Whatever stands in them, the command line answers with a result or a complaint of its own, never with an internal error, and
a damaged file never turns a denial into a permission.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kynara_lang.cli.main import cli
from tests.fuzz.targets_of_files import of_approval_store

POLICY = """\
subject User { level: Int }
resource Doc
action read on Doc
permit p "Those above three read" { subject User action read resource Doc scope any "a test" when subject.level > 3 }
"""
REQUEST = '{"subject": {"type": "User", "id": "u"}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}, "context": {"now": "2026-11-22T10:00:00Z"}}\n'
ENTITIES = '[{"type": "User", "id": "u", "properties": {"level": 1}, "roles": [], "parents": []}]\n'
CONFIGURATION = """\
policies = ["policies"]
select = ["KYN"]
ignore = ["KYN8"]
"""
PIECES = ['"', "'", "{", "}", "[", "]", "\0", "\ud83d", "\\", "\n", "=", ":", ",", "0", "-1", "1e999", "null", "true", "é", "\u202e", "[[", "'''", "NaN", "../../..", "{}" * 50, "[" * 3000]
DAMAGES = 40


def damaged(text: str, chance: random.Random) -> bytes:
    """Return a text with some damage done to its bytes."""
    content = text.encode()
    for _ in range(chance.randint(1, 3)):
        at, until = sorted(chance.randint(0, len(content)) for _ in range(2))
        until = min(until, at + chance.choice((0, 1, 5, 1000)))
        new = chance.choice(PIECES).encode("utf-8", "surrogatepass")
        new = chance.choice((b"", new, content[at:until] * 2, bytes([chance.randrange(256)])))
        content = content[:at] + new + content[until:]
    return content


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    for name, text in (("policies/p.kyn", POLICY), ("requests.jsonl", REQUEST), ("entities.json", ENTITIES)):
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in (0, 1, 2)
    assert "internal error" not in result.output, result.output
    assert "Traceback" not in result.output
    return result


def decisions(result: Result) -> list[str]:
    return [json.loads(line)["decision"] for line in result.stdout.splitlines() if line.startswith('{"')]


DECIDE = ("decide", "policies", "--requests", "requests.jsonl", "--entities", "entities.json")


def test_undamaged_it_denies(home: Path) -> None:
    (home / "kynara.toml").write_text(CONFIGURATION)
    assert run("check", "--no-prove").exit_code in (0, 1)  # it is a good configuration
    assert decisions(run(*DECIDE)) == ["deny"]
    allowed = ENTITIES.replace('"level": 1', '"level": 9')
    (home / "entities.json").write_text(allowed)
    assert decisions(run(*DECIDE)) == ["allow"]


@pytest.mark.parametrize("seed", range(DAMAGES))
def test_a_damaged_request_store_or_policy_is_no_crash(home: Path, seed: int) -> None:
    for name, text in (("requests.jsonl", REQUEST), ("entities.json", ENTITIES), ("policies/p.kyn", POLICY)):
        (home / name).write_bytes(damaged(text, random.Random(f"{seed}{name}")))
        result = run(*DECIDE)
        if name == "requests.jsonl":
            assert "allow" not in decisions(result)
        run("check", "policies", "--no-prove")
        run("fmt", "--diff", "policies")
        (home / name).write_text(text)


@pytest.mark.parametrize("seed", range(DAMAGES))
def test_a_damaged_configuration_or_baseline_is_no_crash(home: Path, seed: int) -> None:
    chance = random.Random(f"configuration{seed}")
    (home / "kynara.toml").write_bytes(damaged(CONFIGURATION, chance))
    assert "allow" not in decisions(run(*DECIDE))
    run("check", "--no-prove")
    (home / "kynara.toml").unlink()
    (home / "policies" / "p.kyn").write_text(POLICY + 'role unused\n')
    run("check", "policies", "--no-prove", "--write-baseline", "baseline.json")
    written = (home / "baseline.json").read_text()
    (home / "baseline.json").write_bytes(damaged(written, chance))
    run("check", "policies", "--no-prove", "--baseline", "baseline.json")


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_approval_store_is_told(seed: int) -> None:
    """SQLite speaks of damage in bytes that are no text, and gives rows that lack a column."""
    chance = random.Random(f"store{seed}")
    for number in range(150):
        at = chance.randrange(4096 if number % 2 else 60_000)  # the first page says which tables and columns there are
        of_approval_store(at.to_bytes(2) + bytes(chance.choices(range(256), k=chance.choice((1, 2, 5, 30, 300)))))
