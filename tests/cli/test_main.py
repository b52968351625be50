"""The door of the command line: help, version, start-up, and what never gets out."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

import kynara_lang
from kynara_lang.cli import main, policies
from kynara_lang.cli.main import COMMANDS, cli
from tests.cli.project import ROOT, Run, Spawn


def test_help_shows_every_command_with_an_example(kynara: Run) -> None:
    result = kynara("--help")
    assert result.exit_code == 0
    for name, entry in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert f"  {entry.example}\n" in result.stdout
        assert f"{entry.example} ".startswith(f"kynara {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_an_example(kynara: Run, name: str) -> None:
    result = kynara(name, "--help")
    assert result.exit_code == 0
    assert f"    kynara {name}" in result.stdout
    assert "Exit codes: 0" in result.stdout
    assert "--color" in result.stdout


def test_the_table_of_commands_tells_what_the_commands_tell() -> None:
    with click.Context(cli) as ctx:
        for name, entry in COMMANDS.items():
            command = cli.get_command(ctx, name)
            assert command is not None
            assert command.name == name
            assert entry.summary.endswith(".")


def test_the_version_is_that_of_the_package(kynara: Run) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert kynara_lang.__version__ == project["version"]
    result = kynara("--version")
    assert (result.exit_code, result.stdout) == (0, f"kynara {project['version']}\n")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["nonsense"]])
def test_finding_the_way_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from kynara_lang.cli.main import cli\n"
        "try: cli.main(sys.argv[1:], prog_name='kynara')\n"
        "except SystemExit: pass\n"
        "heavy = [m for m in sys.modules if m.split('.')[0] in ('lark', 'rich', 'attrs', 'idna')]\n"
        "own = [m for m in sys.modules if m.startswith(('kynara_lang.pipeline', 'kynara_lang.checker'))]\n"
        "assert not heavy + own, heavy + own\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()


def test_a_command_that_does_not_exist_suggests_a_near_one(kynara: Run) -> None:
    result = kynara("chekc")
    assert result.exit_code == 2
    assert "There is no command 'chekc'. Did you mean 'check'?" in result.stderr
    assert "Did you mean" not in kynara("zzzzz").stderr


def test_without_a_command_help_is_shown_and_nothing_is_fine(kynara: Run) -> None:
    result = kynara()
    assert result.exit_code == 2
    assert "Usage: kynara" in result.output


def test_an_unknown_option_is_a_usage_error(kynara: Run) -> None:
    result = kynara("check", "--nonsense")
    assert result.exit_code == 2
    assert "--nonsense" in result.stderr


# What never gets out


@pytest.mark.parametrize(
    "error",
    [
        ValueError("strange\nnews \x1b[31m"),
        RecursionError("too deep"),
        AssertionError(),
        KeyError("x"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    ],
)
def test_an_unexpected_exception_becomes_one_line(
    kynara: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(policies, "find_files", fail)
    result = kynara("check", "policies")
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("internal error at cli/test_main.py:")
    assert f": {type(error).__name__}" in first
    assert "\x1b" not in first
    assert "please report" in second


def test_trouble_of_the_system_is_told_and_is_no_internal_error(kynara: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device", "out.txt")

    monkeypatch.setattr(policies, "find_files", fail)
    result = kynara("check", "policies")
    assert (result.exit_code, result.stderr) == (2, "error: No space left on device: out.txt\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_quiet(kynara: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(policies, "find_files", fail)
    result = kynara("check", "policies")
    assert result.exit_code == main.INTERRUPTED
    assert result.output.strip() == ""


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
def test_an_interrupted_stream_keeps_what_was_answered(project: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kynara_lang.cli.main", "decide", "policies", "--requests", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"{}\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'{"decision": "deny"')  # answered while the stream is open
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes are different there")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", "broken"],
        ["check", "broken", "--output-format", "json"],
        ["decide", "policies", "--requests", "many.jsonl"],
    ],
)
def test_a_reader_who_leaves_is_no_error(project: Path, arguments: list[str]) -> None:
    (project / "many.jsonl").write_text("{}\n" * 20_000)
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "kynara_lang.cli.main", *arguments],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(write)
    assert ran.returncode == main.NOBODY_READS
    assert b"Traceback" not in ran.stderr
    assert b"rror" not in ran.stderr.replace(b"Found 2 errors", b"")


def test_the_process_leaves_with_the_exit_code(spawn: Spawn) -> None:
    assert spawn("check", "policies").returncode == 0
    assert spawn("check", "broken").returncode == 1
    assert spawn("check", "nowhere").returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="closing streams is different there")
@pytest.mark.parametrize("closed", [1, 2])
def test_closed_streams_do_no_harm(project: Path, closed: int) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'exec "$0" -m kynara_lang.cli.main check policies {closed}>&-', sys.executable],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0
    assert b"Traceback" not in ran.stderr
