"""What the tests of the command line share: a project on disk, and two ways to run `kynara` in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kynara_lang.cli.main import cli
from tests.cli.project import POLICY, ROOT, Run, Spawn


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one good policy in `policies/` and one with two errors in `broken/`."""
    for variable in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KYNARA_CACHE_DIR", str(tmp_path / "cache"))
    home = tmp_path / "project"
    (home / "policies").mkdir(parents=True)
    (home / "policies" / "shop.kyn").write_text(POLICY, encoding="utf-8")
    (home / "broken").mkdir()
    broken = POLICY.replace("action read  resource Order", "action raed  resource Ordre")
    (home / "broken" / "shop.kyn").write_text(broken, encoding="utf-8")
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def kynara(project: Path) -> Run:
    """Run the command line in this process; nothing but an exit code may come out of it."""

    def run(*arguments: str, input: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(cli, arguments, input=input, prog_name="kynara")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def spawn(project: Path) -> Spawn:
    """Run the command line in a process of its own."""

    def run(
        *arguments: str, input: bytes = b"", environment: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
        return subprocess.run(
            [sys.executable, "-m", "kynara_lang.cli.main", *arguments],
            input=input,
            capture_output=True,
            cwd=project,
            env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
            timeout=60,
            check=False,
        )

    return run
