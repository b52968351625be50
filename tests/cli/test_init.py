"""`kynara init`: what it writes is complete and clean, and nothing that is there is touched."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

import kynara_lang as kynara_package
from kynara_lang.cli.init import STARTER, starter_files
from kynara_lang.cli.main import COMMANDS
from kynara_lang.runtime import strict_json
from tests.cli.project import ROOT, Run

FILES = [
    ".pre-commit-config.yaml",
    "README.md",
    "kynara.toml",
    "policies/assistant.kyn",
    "policies/fixtures.kyn",
    "policies/tests.kyn",
    "requests/for-somebody-else.json",
    "requests/large-refund.json",
    "requests/small-refund.json",
]


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def started(kynara: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder is a new project."""
    assert kynara("init", "new").exit_code == 0
    monkeypatch.chdir(project / "new")
    return project / "new"


# what is written


def test_a_folder_is_made_and_everything_is_listed_with_what_to_do_next(kynara: Run, project: Path) -> None:
    result = kynara("init", "some/new folder")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[: len(FILES)] == [f"wrote some/new folder/{name}" for name in FILES]
    assert lines[len(FILES) :] == [
        "",
        "9 files. Next:",
        "",
        "  cd 'some/new folder'",
        "  kynara check",
        "  kynara test",
        "",
        "README.md says what everything is for.",
    ]
    assert written(project / "some" / "new folder") == FILES


def test_without_a_folder_it_is_this_one(kynara: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "empty").mkdir()
    monkeypatch.chdir(project / "empty")
    result = kynara("init")
    assert result.exit_code == 0
    assert "  cd " not in result.stdout
    assert written(project / "empty") == FILES


def test_files_that_have_nothing_to_do_with_it_are_left_alone(kynara: Run, project: Path) -> None:
    (project / "new" / "policies").mkdir(parents=True)
    (project / "new" / "policies" / "notes.txt").write_text("mine", encoding="utf-8")
    assert kynara("init", "new").exit_code == 0
    assert written(project / "new") == sorted([*FILES, "policies/notes.txt"])
    assert (project / "new" / "policies" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_the_starter_ships_with_the_package() -> None:
    assert STARTER.is_relative_to(Path(kynara_package.__file__).parent)
    assert list(starter_files()) == FILES
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["kynara_lang"]


# what is in the way


@pytest.mark.parametrize("name", ["README.md", "policies/tests.kyn"])
def test_nothing_is_overwritten_and_nothing_else_is_written(kynara: Run, project: Path, name: str) -> None:
    (project / "new" / name).parent.mkdir(parents=True)
    (project / "new" / name).write_text("mine", encoding="utf-8")
    result = kynara("init", "new")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[:2] == [f"error: `new/{name}` is in the way", "error: nothing was written"]
    assert "help: `kynara init` never overwrites" in result.stderr
    assert written(project / "new") == [name]
    assert (project / "new" / name).read_text(encoding="utf-8") == "mine"


def test_all_that_is_in_the_way_is_told(kynara: Run, started: Path) -> None:
    before = {name: (started / name).read_bytes() for name in FILES}
    result = kynara("init")
    assert result.exit_code == 2
    assert result.stderr.count("is in the way") == len(FILES)
    assert {name: (started / name).read_bytes() for name in FILES} == before


def test_a_file_where_a_folder_has_to_be_is_in_the_way(kynara: Run, project: Path) -> None:
    (project / "new").mkdir()
    (project / "new" / "policies").write_text("mine", encoding="utf-8")
    result = kynara("init", "new")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: `new/policies` is in the way\n")
    assert written(project / "new") == ["policies"]
    result = kynara("init", "new/policies")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: `new/policies` is in the way\n")


def test_a_link_to_nowhere_is_in_the_way(kynara: Run, project: Path) -> None:
    (project / "new").mkdir()
    (project / "new" / "README.md").symlink_to(project / "elsewhere.md")
    assert kynara("init", "new").exit_code == 2
    assert not (project / "elsewhere.md").exists()


def test_a_folder_that_cannot_be_written_is_no_traceback(kynara: Run, project: Path) -> None:
    (project / "file").write_text("", encoding="utf-8")
    result = kynara("init", "file/new")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


def test_force_is_not_offered(kynara: Run) -> None:
    assert kynara("init", "--force").exit_code == 2
    assert "force" not in kynara("init", "--help").stdout


# what was written is good


@pytest.mark.parametrize("proofs", ["--prove", "--no-prove"])
def test_the_check_finds_nothing_at_all(kynara: Run, started: Path, proofs: str) -> None:
    result = kynara("check", proofs)
    assert result.exit_code == 0, result.output
    assert kynara("check", proofs, "--output-format", "json").stdout.count('"code"') == 0
    assert result.stderr.startswith("All good: 6 rules in 3 files"), result.stderr


def test_even_what_is_quiet_by_default_is_not_found(kynara: Run, started: Path) -> None:
    result = kynara("check", "--extend-select", "KYN305", "--output-format", "concise")
    assert (result.exit_code, result.stdout) == (0, "")


def test_the_tests_pass_and_reach_everything(kynara: Run, started: Path) -> None:
    result = kynara("test", "--coverage", "--min-coverage", "100")
    assert result.exit_code == 0, result.output


def test_the_layout_is_the_canonical_one(kynara: Run, started: Path) -> None:
    result = kynara("fmt", "--check")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("name", "effect"),
    [("small-refund", "allow"), ("large-refund", "require_approval"), ("for-somebody-else", "deny")],
)
def test_the_requests_are_decided_as_the_readme_says(started: Path, name: str, effect: str) -> None:
    request = strict_json.loads((started / "requests" / f"{name}.json").read_text(encoding="utf-8"))
    decision = kynara_package.load(started / "policies").decide(request)  # type: ignore[arg-type]
    assert (str(decision.effect), decision.errors) == (effect, ())


def test_the_mistake_that_the_readme_proposes_is_found(kynara: Run, started: Path) -> None:
    policy = started / "policies" / "assistant.kyn"
    text = policy.read_text(encoding="utf-8")
    scopes = re.findall(r"^  scope .*\n", text, re.MULTILINE)
    assert len(scopes) == 3
    for scope in scopes:
        policy.write_text(text.replace(scope, "", 1), encoding="utf-8")
        result = kynara("check", "--no-prove", "--output-format", "json")
        assert (result.exit_code, "KYN301" in result.stdout) == (1, True)


def test_the_commands_of_the_readme_work(kynara: Run, started: Path) -> None:
    readme = (started / "README.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"^```sh\n(.*?)^```", readme, re.M | re.S) for line in block.splitlines()]
    assert len(commands) == 7
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "kynara"
        result = kynara(*arguments)
        assert result.exit_code == 0, (command, result.output)


def test_the_readme_names_every_file(started: Path) -> None:
    readme = (started / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        assert name == "README.md" or f"`{name}`" in readme or f"`{name.partition('/')[0]}/`" in readme, name


def test_the_hooks_run_commands_that_there_are(started: Path) -> None:
    text = (started / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    entries = re.findall(r"^ +entry: kynara (\w+)(?: --check)?$", text, re.MULTILINE)
    assert {"check", "test", "fmt"} == set(entries)
    assert set(entries) <= set(COMMANDS)
    assert text.count("entry:") == text.count("pass_filenames: false") == text.count("always_run: true") == len(entries)
