"""What a process loads: help and a check that is known load nothing that takes long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kynara_lang.cli.reports import FORMATS
from tests.cli.project import ROOT

CODE = """
import sys
from kynara_lang.cli.main import cli
try:
    cli.main(sys.argv[1:], prog_name="kynara")
except SystemExit as end:
    code = end.code
sys.stderr = sys.__stderr__
print("modules:", *sys.modules, file=sys.stderr)
sys.exit(code)
"""
HEAVY = ("lark", "rich", "hypothesis", "cvc5", "asyncio", "email", "importlib.metadata", "difflib", "tempfile")
OWN = (
    "checker.linter",
    "checker.lints",
    "checker.check",
    "checker.symbols",
    "syntax",
    "pipeline",
    "program",
    "runtime",
)


def loaded(*arguments: str, code: int = 0) -> set[str]:
    """Run `kynara` in a process of its own; return the modules that it loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == code, ran.stderr.decode()
    return set(ran.stderr.decode().rpartition("modules: ")[2].split())


def heavy(modules: set[str], *names: str) -> set[str]:
    """Return those of some modules, and of what lies below them, that were loaded."""
    return {module for module in modules if module in names or module.startswith(tuple(f"{n}." for n in names))}


@pytest.fixture
def clean(project: Path) -> Path:
    """A folder in the working folder with a policy in which nothing is found."""
    (project / "clean").mkdir()
    (project / "clean" / "clean.kyn").write_text(
        "subject User { team: String }\nresource Doc { team: String }\naction read on Doc\n"
        'permit read_own "People read the documents of their team" {\n'
        "  subject User  action read  resource Doc  scope subject.team == resource.team\n}\n",
        encoding="utf-8",
    )
    return project / "clean"


def own(*names: str) -> tuple[str, ...]:
    return tuple(f"kynara_lang.{name}" for name in names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["clean"]])
def test_the_way_to_a_command_loads_next_to_nothing(project: Path, arguments: list[str]) -> None:
    modules = loaded(*arguments)
    assert "click" in modules
    assert not heavy(modules, *HEAVY, "idna", "tomllib", *own(*OWN))


def test_the_help_of_check_loads_no_checker(project: Path) -> None:
    assert not heavy(loaded("check", "--help"), *HEAVY, *own(*OWN))


def test_a_first_check_loads_what_it_needs(clean: Path) -> None:
    modules = loaded("check", "clean", "--select", "KYN8")
    assert heavy(modules, "lark")
    assert heavy(modules, *own("checker.lints"))


def test_a_check_that_is_known_loads_no_parser_no_checker_and_nothing_to_show_findings_with(clean: Path) -> None:
    options = ("check", "clean", "--select", "KYN8")
    loaded(*options)
    assert not heavy(loaded(*options), *HEAVY, "idna", *own(*OWN, "baseline", "diagnostics.excerpt", "analysis"))


@pytest.mark.parametrize("form", FORMATS)
def test_findings_that_are_known_are_shown_without_parser_and_checker(project: Path, form: str) -> None:
    options = ("check", "broken", "--output-format", form)
    loaded(*options, code=1)
    not_needed = [name for name in HEAVY if name not in ("rich", "difflib", "tempfile")]
    assert not heavy(loaded(*options, code=1), *not_needed, *own(*OWN))


def test_settings_need_no_lints_where_the_check_is_known(clean: Path) -> None:
    (clean.parent / "kynara.toml").write_text(
        'policies = "clean"\nselect = ["KYN801"]\n[per-file-ignores]\n"clean/*" = ["KYN804"]\n'
        '[options.KYN603]\nat-most = "14d"\n',
        encoding="utf-8",
    )
    loaded("check")
    assert not heavy(loaded("check"), *HEAVY, *own(*OWN))
