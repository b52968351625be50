"""`kynara check`: paths, formats, exit codes, colour, standard input."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.project import POLICY, Run, Spawn

ESCAPE = "\x1b["


def test_all_good(kynara: Run) -> None:
    result = kynara("check", "policies")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "All good: 3 rules in 1 file\n")


def test_errors_are_shown_in_full_and_fail(kynara: Run) -> None:
    result = kynara("check", "broken")
    assert result.exit_code == 1
    assert "error[KYN101] unknown-name: " in result.stdout
    assert " --> broken/shop.kyn:15:" in result.stdout
    assert result.stderr.startswith("Found 2 errors in 1 file\n")


def test_concise_is_one_line_a_finding(kynara: Run) -> None:
    result = kynara("check", "broken", "--output-format", "concise")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("broken/shop.kyn:15:") and ": error[KYN101] " in line for line in lines)


def test_json_is_the_report_of_the_interface(kynara: Run) -> None:
    result = kynara("check", "broken", "--output-format", "json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["version"] == 1
    assert report["summary"] == {"errors": 2, "warnings": 0, "notes": 0, "files": 1, "rules": 3}
    finding = report["diagnostics"][0]
    assert finding["file"] == "broken/shop.kyn"
    assert finding["range"]["start"]["line"] == 15
    assert result.stdout.isascii()
    assert ESCAPE not in kynara("check", "broken", "--output-format", "json", "--color", "always").stdout


def test_json_of_a_good_policy(kynara: Run) -> None:
    result = kynara("check", "policies", "--output-format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["diagnostics"] == []


def test_all_paths_are_one_program(kynara: Run, project: Path) -> None:
    (project / "more.kyn").write_text('permit p "Tests" { subject Bot action refund resource Order scope any "tests" }')
    assert kynara("check", "policies", "more.kyn").stderr == "All good: 4 rules in 2 files\n"
    assert kynara("check", "more.kyn").exit_code == 1


def test_an_unreadable_file_is_a_finding_with_its_place(kynara: Run, project: Path) -> None:
    (project / "policies" / "binary.kyn").write_bytes(bytes(range(256)) * 100)
    (project / "policies" / "latin.kyn").write_bytes(b"# caf\xe9\n")
    (project / "policies" / "nul.kyn").write_bytes(b"subject\0U\n")
    result = kynara("check", "policies", "--output-format", "concise")
    assert result.exit_code == 1
    assert [line.split(" ")[1] for line in result.stdout.splitlines()] == ["error[KYN006]"] * 3
    assert "policies/latin.kyn:1:6:" in result.stdout
    assert result.stderr == "Found 3 errors in 4 files\n"
    assert kynara("check", "policies").exit_code == 1  # in full, too


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "error: there is no file or folder `nowhere`\n"),
        ("empty", "error: the folder `empty` contains no `.kyn` files\n"),
        ("bad\x1b[31m", "error: there is no file or folder `bad␛[31m`\n"),
    ],
)
def test_a_path_without_policies_is_no_finding_but_an_error(
    kynara: Run, project: Path, path: str, message: str
) -> None:
    (project / "empty").mkdir()
    result = kynara("check", path)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", message)


# Configuration


def test_without_path_and_configuration_it_says_what_to_do(kynara: Run) -> None:
    result = kynara("check")
    assert result.exit_code == 2
    assert "Give a PATH: there is no kynara.toml here or above" in result.stderr
    assert 'With `policies = "policies/"` in kynara.toml, PATH can be left out.' in result.stderr


def test_the_configuration_gives_the_path_from_any_folder_below(
    kynara: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "kynara.toml").write_text('policies = "broken"')
    assert " --> broken/shop.kyn:" in kynara("check").stdout
    (project / "sub" / "folder").mkdir(parents=True)
    monkeypatch.chdir(project / "sub" / "folder")
    assert " --> ../../broken/shop.kyn:" in kynara("check").stdout


def test_a_path_counts_more_than_the_configuration(kynara: Run, project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.kynara]\npolicies = ["broken"]')
    assert kynara("check").exit_code == 1
    assert kynara("check", "policies").exit_code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("policies = = 3", "error: kynara.toml: line 1, column 12: this is not valid TOML: "),
        ('polices = "x"', "error: kynara.toml: there is no key `polices`; did you mean `policies`?\n"),
        ("policies = 3", "error: kynara.toml: `policies` must be a path or a list of paths"),
        ('libraries = ["lib"]', "Give a PATH: kynara.toml does not say where policies are."),
        (
            'policies = "nowhere"',
            "error: there is no file or folder `nowhere`\nhelp: the configuration is kynara.toml\n",
        ),
        ('policies = "policies"\nlibraries = ["lib"]', "error: the library folder `lib` does not exist"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_an_error(kynara: Run, project: Path, text: str, message: str) -> None:
    (project / "kynara.toml").write_text(text)
    result = kynara("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_libraries_of_the_configuration_can_be_imported(kynara: Run, project: Path) -> None:
    (project / "policies" / "lib" / "acme").mkdir(parents=True)
    (project / "policies" / "lib" / "acme" / "base.kyn").write_text("trait Kept { tenant: String }")
    (project / "policies" / "shop.kyn").write_text(
        POLICY.replace("subject Bot {", "import acme.base (Kept)\nsubject Bot is Kept {")
        .replace("module shop\n\n", "module shop\nimport acme.base (Kept)\n")
        .replace("import acme.base (Kept)\nsubject Bot is Kept { tenant: String }", "subject Bot is Kept")
    )
    assert "there is no module `acme.base`" in kynara("check", "policies").stdout
    (project / "kynara.toml").write_text('policies = "policies"\nlibraries = ["policies/lib"]')
    result = kynara("check")
    assert (result.exit_code, result.stderr) == (0, "All good: 3 rules in 1 file\n"), result.stdout
    (project / "policies" / "lib" / "acme" / "base.kyn").write_bytes(b"\xff")
    assert "policies/lib/acme/base.kyn:1:1: error[KYN006]" in kynara("check", "--output-format", "concise").stdout


# Standard input


def test_standard_input_is_a_file(kynara: Run) -> None:
    assert kynara("check", "-", input=POLICY).stderr == "All good: 3 rules in 1 file\n"
    result = kynara("check", "-", "--output-format", "concise", input="permit")
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:1:7: error[KYN001]")


def test_standard_input_is_named_and_takes_the_place_of_the_file_of_that_name(kynara: Run) -> None:
    options = ("--stdin-filename", "policies/shop.kyn", "--output-format", "concise")
    assert kynara("check", "policies", "-", *options, input=POLICY).exit_code == 0
    result = kynara("check", "policies", "-", *options, input="permit")
    assert result.stdout.startswith("policies/shop.kyn:1:7: error[KYN001]")
    assert result.stderr == "Found 1 error in 1 file\n"


def test_what_standard_input_holds_need_not_be_text(kynara: Run) -> None:
    result = kynara("check", "-", "--output-format", "concise", input=b"a\xff\xfe")
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:1:2: error[KYN006]")


def test_a_name_for_standard_input_needs_standard_input(kynara: Run) -> None:
    result = kynara("check", "policies", "--stdin-filename", "a.kyn")
    assert result.exit_code == 2
    assert "--stdin-filename needs '-'" in result.stderr


# Colour


@pytest.mark.parametrize(
    ("arguments", "environment", "colored"),
    [
        ([], {}, False),
        (["--color", "auto"], {}, False),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": ""}, False),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(
    kynara: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], colored: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for order in (["check", "broken", *arguments], [*arguments, "check", "broken"]):
        result = kynara(*order)
        assert result.exit_code == 1
        assert (ESCAPE in result.stdout) is colored


def test_colour_in_a_process_of_its_own(spawn: Spawn) -> None:
    assert ESCAPE.encode() not in spawn("check", "broken").stdout
    assert ESCAPE.encode() in spawn("check", "broken", environment={"FORCE_COLOR": "1"}).stdout
    assert ESCAPE.encode() not in spawn("check", "broken", environment={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout


def test_an_unknown_colour_choice_is_a_usage_error(kynara: Run) -> None:
    assert kynara("check", "policies", "--color", "sometimes").exit_code == 2


def test_text_is_laid_out_for_the_width_that_is_asked_for(kynara: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    assert max(len(line) for line in kynara("check", "broken").stdout.splitlines()) <= 50
    monkeypatch.setenv("COLUMNS", "nonsense")
    assert kynara("check", "broken").exit_code == 1


def test_output_survives_a_narrow_encoding(spawn: Spawn, project: Path) -> None:
    (project / "policies" / "more.kyn").write_text('let ü = "日本語"\n', encoding="utf-8")
    ran = spawn("check", "policies", environment={"PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 1
    assert b"\\xfc" in ran.stdout
    assert b"internal error" not in ran.stderr


def test_a_name_that_is_not_utf_8_can_be_shown(kynara: Run, project: Path) -> None:
    if os.name == "nt":
        pytest.skip("names are text there")
    os.makedirs(b"odd")
    Path(os.fsdecode(b"odd/\xff.kyn")).write_text("permit")
    for form in ("full", "concise", "json"):
        result = kynara("check", "odd", "--output-format", form)
        assert result.exit_code == 1
        assert "xff.kyn" in result.stdout
