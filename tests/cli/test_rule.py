"""`kynara rule`: pages and the table of contents in every format, and the beginnings of a new lint."""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kynara_lang.checker.linter import LintSettings
from kynara_lang.cli.new_lint import PLACEHOLDER
from kynara_lang.cli.render_page import WIDEST
from kynara_lang.configuration import find_configuration
from kynara_lang.diagnostics.codes import CODES
from kynara_lang.diagnostics.diagnostic import Severity
from kynara_lang.diagnostics.source import Source
from kynara_lang.pages import FAMILIES, SECTIONS, page_of
from kynara_lang.pipeline import check_sources
from tests.cli.project import ROOT, Run

ESCAPE = "\x1b["
COLOR = re.compile(r"\x1b\[[0-9;]*m")


# Pages


def test_a_page_has_a_title_its_sections_and_its_programs(kynara: Run) -> None:
    result = kynara("rule", "KYN301")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:2] == ["error[KYN301] permit-without-scope", CODES["KYN301"].meaning]
    assert [line for line in lines if line in (*SECTIONS, "Severity")] == [*SECTIONS, "Severity"]
    assert '    permit team_reads "A team reads its own documents" {\n      subject  User\n' in result.stdout
    assert ESCAPE not in result.stdout


@pytest.mark.parametrize("code", CODES)
def test_every_page_fits_its_width(kynara: Run, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    for columns in (200, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        shown = kynara("rule", code).stdout
        wrapped = [line for line in shown.splitlines() if not line.startswith("    ")]  # programs are not
        assert max(map(len, wrapped)) <= min(columns, WIDEST)
        assert "```" not in shown
        assert "\n\n\n" not in shown


def test_colour_is_laid_over_the_text_and_says_nothing_of_its_own(kynara: Run) -> None:
    plain, colored = kynara("rule", "KYN001").stdout, kynara("rule", "KYN001", "--color", "always").stdout
    assert ESCAPE in colored
    assert COLOR.sub("", colored) == plain


def test_several_pages_are_shown_in_the_order_they_are_asked_for_each_once(kynara: Run) -> None:
    shown = kynara("rule", "509", "permit-without-scope", "KYN301").stdout
    assert re.findall(r"^\w+\[(KYN\d+)\]", shown, re.MULTILINE) == ["KYN509", "KYN301"]


def test_what_is_unknown_is_told_and_nothing_is_shown(kynara: Run) -> None:
    result = kynara("rule", "KYN301", "permit-without-scop", "zzzzzz")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        "error: no code is `permit-without-scop`, and none is named so; did you mean `permit-without-scope`?",
        "error: no code is `zzzzzz`, and none is named so; `kynara rule` lists everything there is",
    ]


def test_a_terminal_is_never_sent_what_was_typed(kynara: Run) -> None:
    assert "␛[31m" in kynara("rule", "\x1b[31m").stderr


def test_a_page_as_markdown_is_the_page_as_it_is_written(kynara: Run) -> None:
    shown = kynara("rule", "KYN301", "--format", "markdown", "--color", "always").stdout
    assert shown.startswith(f"# KYN301 permit-without-scope\n\n{CODES['KYN301'].meaning}\n\n## What it finds\n\n")
    for text in page_of("KYN301").sections.values():
        assert text in shown


def test_a_page_as_json(kynara: Run) -> None:
    (page,) = json.loads(kynara("rule", "KYN305", "--format", "json").stdout)["pages"]
    assert page == {
        "code": "KYN305",
        "name": "unscoped-on-purpose",
        "severity": "note",
        "quiet": True,
        "meaning": CODES["KYN305"].meaning,
        "can_be_ignored": True,
        "sections": dict(page_of("KYN305").sections),
        "options": [],
    }
    assert page["sections"]["Options"] == "None."


def test_options_are_in_the_json_with_their_defaults(kynara: Run) -> None:
    pages = json.loads(kynara("rule", "--all", "--format", "json").stdout)["pages"]
    told = {page["code"]: {option["name"]: option["default"] for option in page["options"]} for page in pages}
    meant = {
        code: {o.name: list(o.default) if isinstance(o.default, tuple) else o.default for o in page_of(code).options}
        for code in CODES
    }
    assert told == meant
    assert any(meant.values())


@pytest.mark.parametrize("output_format", ["text", "markdown"])
def test_all_shows_every_page(kynara: Run, output_format: str) -> None:
    shown = kynara("rule", "--all", "--format", output_format).stdout
    assert re.findall(r"^(?:# |\w+\[)(KYN\d+)", shown, re.MULTILINE) == list(CODES)


# What a page says of silencing


def test_what_the_language_demands_is_said_to_be_beyond_settings(kynara: Run) -> None:
    shown = kynara("rule", "KYN301").stdout
    assert "  Error. The language itself demands it: no setting and no comment silences it.\n" in shown
    assert "ignore" not in shown.partition("\nSeverity\n")[2]


def test_a_quiet_lint_says_how_it_is_heard(kynara: Run) -> None:
    assert "as with `--extend-select KYN305`" in kynara("rule", "KYN305").stdout
    assert "--extend-select" not in kynara("rule", "KYN801").stdout


def test_the_comment_that_a_page_shows_silences(kynara: Run) -> None:
    shown = kynara("rule", "KYN801").stdout
    (comment,) = re.findall(r"^ +(# kynara: .*)$", shown, re.MULTILINE)
    program = page_of("KYN801").sections["Avoid"].partition("```kyn\n")[2].partition("```")[0]
    rule = re.search(r"^permit", program, re.MULTILINE)
    assert rule is not None
    silenced = program[: rule.start()] + comment + "\n" + program[rule.start() :]
    for text, codes in ((program, ["KYN801"]), (silenced, [])):
        checked = check_sources([Source("policy.kyn", text)], lints=LintSettings(), today=datetime.date(2026, 11, 23))
        assert [d.code for d in checked.diagnostics] == codes


def test_the_settings_that_a_page_shows_are_settings(kynara: Run, project: Path) -> None:
    shown = kynara("rule", "KYN801").stdout
    settings = re.findall(r"`((?:severity|ignore) = [^`]*)`", shown)
    assert len(settings) == 2
    (project / "kynara.toml").write_text("\n".join(settings), encoding="utf-8")
    lints = find_configuration(project).lints
    assert lints.ignore == ("KYN801",)
    assert lints.severities == {"KYN801": Severity.ERROR}


def test_what_is_wrong_with_suppressions_is_not_said_to_be_suppressed(kynara: Run) -> None:
    assert "# kynara:" not in kynara("rule", "KYN803").stdout.partition("\nSeverity\n")[2]


# The table of contents


def test_without_a_code_all_are_listed_by_what_they_are_about(kynara: Run) -> None:
    result = kynara("rule")
    assert (result.exit_code, result.stderr) == (0, "")
    for code in CODES.values():
        quiet = " (quiet)" if code.quiet else ""
        line = rf"^  {code.code}  {code.name} +{code.severity} +{re.escape(code.meaning + quiet)}$"
        assert re.search(line, result.stdout, re.MULTILINE), code
    families = re.findall(r"^(\d)xx (.*)$", result.stdout, re.MULTILINE)
    assert families == [(digit, FAMILIES[digit]) for digit in dict.fromkeys(code[3] for code in CODES)]


def test_the_table_as_markdown_is_the_one_of_the_language_reference(kynara: Run) -> None:
    table = kynara("rule", "--format", "markdown").stdout
    assert f"### Diagnostic codes\n\n{table}" in (ROOT / "grammar" / "reference.md").read_text(encoding="utf-8")


def test_the_table_as_json(kynara: Run) -> None:
    codes = json.loads(kynara("rule", "--format", "json").stdout)["codes"]
    assert [entry["code"] for entry in codes] == list(CODES)
    assert codes[0] == {
        "code": "KYN001",
        "name": "unexpected-text",
        "severity": "error",
        "quiet": False,
        "meaning": CODES["KYN001"].meaning,
    }


# A new lint

TABLE = Path("kynara_lang/diagnostics/codes.py")
LINTS = Path("kynara_lang/checker/lints")


@pytest.fixture
def checkout(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what makes a checkout of Kynara; commands run in a folder of it."""
    home = project / "checkout"
    for part in (TABLE, LINTS / "__init__.py", Path("tests/checker/test_lints.py")):
        (home / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, home / part)
    monkeypatch.chdir(home / "tests")
    return home


def rows(home: Path) -> list[tuple[str, str]]:
    return re.findall(r'^    \("(KYN\d+)", "([a-z0-9-]+)"', (home / TABLE).read_text(encoding="utf-8"), re.MULTILINE)


def test_a_new_lint_gets_a_file_and_the_next_code_of_its_family(kynara: Run, checkout: Path) -> None:
    before = rows(checkout)
    result = kynara("rule", "--new", "secret-in-text", "--family", "7xx")
    assert result.exit_code == 0, result.stderr
    last = max(code for code, _ in before if code < "KYN800")
    new = (f"KYN{int(last[3:]) + 1}", "secret-in-text")
    assert rows(checkout) == sorted([*before, new])
    file = checkout / LINTS / "secret_in_text.py"
    compile(file.read_text(encoding="utf-8"), str(file), "exec")
    assert f"wrote    {(LINTS / 'secret_in_text.py').as_posix()}\n" in result.stdout
    assert f"{new[0]} secret-in-text is begun" in result.stdout
    assert f"pytest tests/checker/test_lints.py tests/checker/test_pages.py -k {new[0]}" in result.stdout


@pytest.mark.parametrize("family", ["9", "9xx", "KYN9", "KYN9xx"])
def test_the_row_of_the_last_family_stands_behind_all_others(kynara: Run, checkout: Path, family: str) -> None:
    before = rows(checkout)
    number = max((int(code[3:]) for code, _ in before if code > "KYN900"), default=900) + 1
    assert kynara("rule", "--new", "loose-invariant", "--family", family).exit_code == 0
    assert rows(checkout) == [*before, (f"KYN{number}", "loose-invariant")]


def test_the_first_row_of_a_family_stands_before_those_of_higher_ones(kynara: Run, checkout: Path) -> None:
    table = (checkout / TABLE).read_text(encoding="utf-8")
    (checkout / TABLE).write_text(re.sub(r'^    \("KYN7.*\n', "", table, flags=re.MULTILINE), encoding="utf-8")
    before = rows(checkout)
    assert kynara("rule", "--new", "leak-in-text", "--family", "7xx").exit_code == 0
    assert rows(checkout) == sorted([*before, ("KYN701", "leak-in-text")])


def test_a_code_can_be_chosen(kynara: Run, checkout: Path) -> None:
    before = rows(checkout)
    assert kynara("rule", "--new", "secret-in-text", "--code", "kyn350").exit_code == 0
    assert rows(checkout) == sorted([*before, ("KYN350", "secret-in-text")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["secret-in-text"], "error: a new lint needs either --family or --code\nhelp: the families of lints are: 3xx"),
        (["secret-in-text", "--family", "8xx", "--code", "KYN850"], "error: a new lint needs either"),
        (["secret-in-text", "--family", "hygiene"], "error: `hygiene` is no family\nhelp: write `8xx`"),
        (["secret-in-text", "--code", "KYN8"], "error: `KYN8` is no code\n"),
        (["secret-in-text", "--family", ""], "error: `` is no family\n"),
        (["secret-in-text", "--code", "KYN8500"], "error: `KYN8500` is no code\n"),
        (["secret-in-text", "--family", "1xx"], "error: 1xx has no lints: what the language demands is no lint\n"),
        (
            ["secret-in-text", "--code", "KYN301"],
            "error: KYN301 is `permit-without-scope` already\nhelp: a code is never",
        ),
        (["never-matches", "--family", "8xx"], "error: KYN501 is called `never-matches` already\n"),
        (
            ["../evil", "--family", "8xx"],
            "error: `../evil` is no name for a lint\nhelp: write words of lower-case letters",
        ),
        (["Secret_In Text", "--family", "8xx"], "at most 40 characters, such as `secret-in-text`\n"),
        (["9-lives", "--family", "8xx"], "error: `9-lives` is no name for a lint\n"),
        (["x" * 41, "--family", "8xx"], "is no name for a lint\n"),
        (["KYN301", "--new", "secret-in-text", "--family", "8xx"], "Error: --new begins a lint and shows no page"),
    ],
)
def test_what_cannot_be_begun_changes_nothing(kynara: Run, checkout: Path, arguments: list[str], message: str) -> None:
    before = {path: path.read_bytes() for path in checkout.rglob("*.py")}
    arguments = arguments if "--new" in arguments else ["--new", *arguments]
    result = kynara("rule", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert {path: path.read_bytes() for path in checkout.rglob("*.py")} == before


def test_a_file_that_is_there_is_not_written_over(kynara: Run, checkout: Path) -> None:
    before = (checkout / TABLE).read_bytes()
    (checkout / LINTS / "secret_in_text.py").write_text("mine", encoding="utf-8")
    result = kynara("rule", "--new", "secret-in-text", "--family", "8xx")
    assert result.exit_code == 2
    assert "error: there is a file `kynara_lang/checker/lints/secret_in_text.py` already\n" in result.stderr
    assert (checkout / LINTS / "secret_in_text.py").read_text(encoding="utf-8") == "mine"
    assert (checkout / TABLE).read_bytes() == before


def test_a_full_family_says_so(kynara: Run, checkout: Path) -> None:
    assert kynara("rule", "--new", "the-last", "--code", "KYN899").exit_code == 0
    assert "error: 8xx is full\n" in kynara("rule", "--new", "one-more", "--family", "8xx").stderr


def test_a_table_that_is_not_as_expected_is_left_alone(kynara: Run, checkout: Path) -> None:
    (checkout / TABLE).write_text("CODES = {}\n", encoding="utf-8")
    result = kynara("rule", "--new", "secret-in-text", "--family", "8xx")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not written as expected\nhelp: add the row by hand\n" in result.stderr
    assert not (checkout / LINTS / "secret_in_text.py").exists()


def test_outside_of_a_checkout_nothing_is_begun(kynara: Run, project: Path) -> None:
    result = kynara("rule", "--new", "secret-in-text", "--family", "8xx")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: this is no checkout of Kynara" in result.stderr


@pytest.mark.parametrize("arguments", [["--family", "8xx"], ["--code", "KYN850", "KYN301"]])
def test_what_belongs_to_a_new_lint_needs_one(kynara: Run, arguments: list[str]) -> None:
    result = kynara("rule", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{arguments[0]} needs --new NAME." in result.stderr


def test_a_lint_that_was_begun_fails_its_tests_until_it_is_written(project: Path) -> None:
    home = project / "copy"
    for part in ("kynara_lang", "tests/checker", "grammar", "stdlib_policies"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", home)
    environment = {**os.environ, "PYTHONPATH": str(home)}

    def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(
            command, cwd=home, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False
        )

    def tests() -> "subprocess.CompletedProcess[str]":
        return python(
            "pytest",
            "-p",
            "no:cacheprovider",
            "tests/checker/test_lints.py",
            "tests/checker/test_pages.py",
            "-k",
            "KYN899",
        )

    begun = python("kynara_lang.cli.main", "rule", "--new", "rule-called-bad", "--code", "KYN899")
    assert begun.returncode == 0, begun.stderr
    failed = tests()
    assert failed.returncode == 1, failed.stdout + failed.stderr
    for test in (
        "test_an_example_finds_what_it_marks[KYN899-invalid-1]",
        "test_there_are_enough_examples[KYN899]",
        "test_what_a_page_avoids_is_found[KYN899]",
        "test_nothing_of_a_new_lint_is_left_to_write[KYN899]",
    ):
        assert f"::{test}" in failed.stdout
    assert "error" not in failed.stdout.rpartition("\n")[2]

    file = home / LINTS / "rule_called_bad.py"
    text = file.read_text(encoding="utf-8")
    text = text.replace("(to write: what it finds, in one sentence.)", "A rule is called bad.")
    text = text.replace("permit read_own", "permit bad", 1)
    text = text.replace("found = False", 'found = rule.decl.name.text == "bad"')
    for example in re.findall(r"^    rules\(.*\),\n", text, re.MULTILINE):
        named = example.replace("permit p", "permit bad") if "# <-" in example else example
        text = text.replace(example, 3 * named)
    file.write_text(re.sub(r"\(to write[^)`]*(?:`[^`]*`[^)`]*)*\)", "words", text), encoding="utf-8")
    assert PLACEHOLDER not in file.read_text(encoding="utf-8")
    table = (home / TABLE).read_text(encoding="utf-8")
    written = table.replace("(to write: what it finds, in one sentence.)", "A rule is called bad.")
    (home / TABLE).write_text(written, encoding="utf-8")
    passed = tests()
    assert passed.returncode == 0, passed.stdout
    assert "KYN899" in python("kynara_lang.cli.main", "rule", "rule-called-bad").stdout
