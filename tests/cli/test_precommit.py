"""The hooks for pre-commit name commands that exist, and look at the whole program on every commit.

They were tried with the real pre-commit; this holds what was found out then, without network. The file is read by a
few lines of its own, which know the part of YAML that it uses and refuse the rest.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from kynara_lang.cli.main import COMMANDS
from tests.cli.project import POLICY, ROOT, Spawn

FILE = ROOT / ".pre-commit-hooks.yaml"
FOR_HOOKS = {"check", "fmt", "test"}  # the commands that a repository of policies wants to run on every commit
KEYS = {
    "id",
    "name",
    "description",
    "language",
    "entry",
    "pass_filenames",
    "always_run",
    "files",
    "stages",
    "minimum_pre_commit_version",
}


def read_hooks(text: str) -> list[dict[str, str]]:
    """Read a list of mappings of plain scalars; a line that is anything else is refused."""
    hooks: list[dict[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = re.fullmatch(r"(- |  )([a-z_]+): ([^\s&*!|>'\"%@`{#].*)", line)
        assert found, f"line {number} is not `key: value`: {line}"
        assert not re.search(r": | #", found[3]), f"line {number} has to be quoted: {line}"
        if found[1] == "- ":
            hooks.append({})
        assert found[2] not in hooks[-1], f"line {number} repeats a key: {line}"
        hooks[-1][found[2]] = found[3]
    return hooks


HOOKS = read_hooks(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text", ["id: x", "- id: x\n  id: y", "- id: >\n", "- id: a: b", "- id:\n    - x", "- id: x # y"]
)
def test_what_the_reader_does_not_know_it_refuses(text: str) -> None:
    with pytest.raises((AssertionError, IndexError)):
        read_hooks(text)


def test_there_is_a_hook_for_every_command_that_wants_one_and_no_other() -> None:
    assert {hook["id"] for hook in HOOKS} == {f"kynara-{name}" for name in FOR_HOOKS & set(COMMANDS)}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_its_command_from_the_package(hook: dict[str, str]) -> None:
    assert set(hook) <= KEYS
    program, command, *options = shlex.split(hook["entry"])
    assert (program, f"kynara-{command}", options) == ("kynara", hook["id"], [])
    assert command in COMMANDS
    assert hook["language"] == "python"
    assert hook["name"] == hook["entry"]


def test_a_check_sees_the_whole_program_on_every_commit() -> None:
    check = next(hook for hook in HOOKS if hook["id"] == "kynara-check")
    assert check["pass_filenames"] == "false"
    assert check["always_run"] == "true"  # a deleted file is no change to pre-commit
    assert check["stages"] == "[pre-commit, pre-merge-commit, pre-push, manual]"  # not for every message and checkout
    assert check["minimum_pre_commit_version"] == "3.2.0"  # the first that knows these names of stages


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("policies/a.kyn", True),
        ("a.kyn", True),
        ("kynara.toml", True),
        ("sub/pyproject.toml", True),
        ("a.kyn.bak", False),
        ("notkynara.toml", False),
        ("README.md", False),
    ],
)
def test_where_it_does_not_always_run_it_runs_for_what_a_program_is_made_of(file: str, counts: bool) -> None:
    check = next(hook for hook in HOOKS if hook["id"] == "kynara-check")
    assert bool(re.search(check["files"], file)) == counts


def test_a_commit_that_deletes_a_file_the_others_need_fails(project: Path, spawn: Spawn) -> None:
    """What the hook runs, as it runs it: in the root of the repository, without file names."""
    declarations, _, rules = POLICY.partition("role support\n")
    (project / "kynara.toml").write_text('policies = "policies/"', encoding="utf-8")
    (project / "policies" / "shop.kyn").write_text(declarations, encoding="utf-8")
    (project / "policies" / "rules.kyn").write_text("role support\n" + rules, encoding="utf-8")
    (hook,) = (hook for hook in HOOKS if hook["id"] == "kynara-check")
    _, *arguments = shlex.split(hook["entry"])
    assert b"error" not in spawn(*arguments).stdout
    (project / "policies" / "shop.kyn").unlink()
    result: subprocess.CompletedProcess[bytes] = spawn(*arguments)
    assert result.returncode == 1
    assert b"error[KYN101]" in result.stdout
