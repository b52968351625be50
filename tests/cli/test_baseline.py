"""Baselines: what they hide and what they never hide, what is gone, and files that are no baselines."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kynara_lang.baseline import (
    MAX_BASELINE_BYTES,
    BaselineError,
    Entry,
    baseline_of,
    entries_of,
    hold,
    write_baseline,
)
from kynara_lang.checker.linter import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic, Label, Severity
from kynara_lang.diagnostics.source import Source, Span
from kynara_lang.pipeline import check_sources
from tests.cli.project import ROOT, Run

HEAD = """\
subject User { tenant: String }
resource Order { tenant: String }
action read, cancel, refund on Order
"""
PERMIT = """
permit {name} {{
  subject User  action {name}  resource Order
  scope   subject.tenant == resource.tenant
}}
"""
LINT = ("--select", "KYN801")
GOOD: dict[str, Any] = {
    "version": 1,
    "entries": [{"code": "KYN801", "file": "a.kyn", "fingerprint": "0" * 32, "message": "m", "count": 1}],
}


def program(*names: str) -> str:
    """A program of permits without descriptions."""
    return HEAD + "".join(PERMIT.format(name=name) for name in names)


@pytest.fixture(autouse=True)
def shop(project: Path) -> Path:
    """A program with a finding for each of two permits."""
    (project / "shop").mkdir()
    (project / "shop" / "shop.kyn").write_text(program("read", "cancel"), encoding="utf-8")
    return project / "shop"


def written(project: Path) -> Any:
    return json.loads((project / "baseline.json").read_text(encoding="ascii"))


# Writing and heeding


def test_a_baseline_holds_what_was_found_and_hides_it(kynara: Run, project: Path) -> None:
    result = kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Wrote 2 findings to baseline.json\n"
    assert (
        (project / "baseline.json").read_text(encoding="ascii")
        == """\
{
  "version": 1,
  "entries": [
    {
      "code": "KYN801",
      "file": "shop/shop.kyn",
      "fingerprint": "ae3fc501c6fac8f410b9e4c54eadbef5",
      "message": "the permit `read` does not say what it is for",
      "count": 1
    },
    {
      "code": "KYN801",
      "file": "shop/shop.kyn",
      "fingerprint": "fbf5c83deecf4860266e5f2bff7e712e",
      "message": "the permit `cancel` does not say what it is for",
      "count": 1
    }
  ]
}
"""
    )
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "All good: 2 rules in 1 file; 2 findings hidden by the baseline\n"


def test_what_is_new_is_shown_and_fails(kynara: Run, shop: Path) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    (shop / "shop.kyn").write_text("# moved down\n\n" + program("refund", "cancel", "read"), encoding="utf-8")
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json", "--output-format", "concise")
    assert result.exit_code == 1
    assert "the permit `refund` does not say" in result.stdout
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == "Found 1 warning in 1 file; 2 findings hidden by the baseline\n"


def test_a_renamed_file_keeps_its_entries(kynara: Run, shop: Path) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    (shop / "shop.kyn").rename(shop / "store.kyn")
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json")
    assert (result.exit_code, result.stderr) == (0, "All good: 2 rules in 1 file; 2 findings hidden by the baseline\n")


def test_nothing_hidden_is_not_mentioned(kynara: Run, project: Path) -> None:
    (project / "baseline.json").write_text('{"version": 1, "entries": []}')
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json")
    assert (result.exit_code, result.stderr) == (1, "Found 2 warnings in 1 file\n")


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab", "junit", "concise", "full"])
def test_no_format_shows_what_is_hidden(kynara: Run, form: str) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json", "--output-format", form)
    assert result.exit_code == 0
    assert "KYN801" not in result.stdout
    if form == "json":
        assert json.loads(result.stdout)["summary"]["hidden"] == 2


def test_statistics_count_what_is_left(kynara: Run) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json", "--statistics")
    assert (result.exit_code, result.stdout) == (0, "")


def test_writing_again_replaces_the_baseline_and_heeds_none(kynara: Run, project: Path, shop: Path) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    (shop / "shop.kyn").write_text(program("read"), encoding="utf-8")
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json", "--write-baseline", "baseline.json")
    assert (result.exit_code, result.stderr) == (0, "Wrote 1 finding to baseline.json\n")
    assert [entry["message"] for entry in written(project)["entries"]] == [
        "the permit `read` does not say what it is for"
    ]
    assert os.listdir(project).count("baseline.json") == 1
    assert [name for name in os.listdir(project) if name.startswith("baseline.json.")] == []


def test_the_configuration_can_name_a_baseline(kynara: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    (project / "kynara.toml").write_text('policies = "shop"\nbaseline = "baseline.json"')
    monkeypatch.chdir(project / "shop")
    assert kynara("check", *LINT).stderr.endswith("2 findings hidden by the baseline\n")


def test_a_baseline_can_come_from_standard_input(kynara: Run, project: Path) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    text = (project / "baseline.json").read_text()
    assert kynara("check", "shop", *LINT, "--baseline", "-", input=text).exit_code == 0
    both = kynara("check", "-", *LINT, "--baseline", "-", input=text)
    assert both.exit_code == 2
    assert "Standard input cannot be both" in both.stderr


# What is never hidden


def test_errors_of_the_language_prevent_a_baseline(kynara: Run, project: Path) -> None:
    result = kynara("check", "broken", "--write-baseline", "baseline.json")
    assert result.exit_code == 1
    assert "error[KYN101]" in result.stdout
    assert result.stderr.splitlines()[:2] == [
        "Found 2 errors in 1 file",
        "No baseline was written: correct these errors of the language first",
    ]
    assert not (project / "baseline.json").exists()


def test_an_approval_without_from_is_an_error_of_the_language(kynara: Run, shop: Path, project: Path) -> None:
    approval = "require approval big { subject any action read resource Order }\n"
    (shop / "more.kyn").write_text(approval, encoding="utf-8")
    result = kynara("check", "shop", "--write-baseline", "baseline.json")
    assert (result.exit_code, (project / "baseline.json").exists()) == (1, False)
    assert "KYN601" in result.stdout


def test_warnings_of_the_language_stay_out_of_it(kynara: Run, shop: Path, project: Path) -> None:
    (shop / "shop.kyn").write_text("module shop\n" + program("read"), encoding="utf-8")
    (shop / "more.kyn").write_text("import shop\n", encoding="utf-8")
    result = kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    assert (result.exit_code, result.stderr) == (
        0,
        "Wrote 1 finding to baseline.json; 1 finding of the language itself cannot be in a baseline\n",
    )
    assert [entry["code"] for entry in written(project)["entries"]] == ["KYN801"]
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json", "--output-format", "concise")
    assert result.exit_code == 1
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["warning[KYN107]"]


def test_a_baseline_edited_by_hand_hides_no_error_of_the_language(kynara: Run, shop: Path, project: Path) -> None:
    (shop / "shop.kyn").write_text(program("read").replace("scope ", "# "), encoding="utf-8")
    checked = check_sources([Source("shop/shop.kyn", (shop / "shop.kyn").read_text())], lints=LintSettings())
    assert [found.code for found in checked.diagnostics] == ["KYN301"]
    write_baseline(str(project / "baseline.json"), entries_of(checked.diagnostics))
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json")
    assert result.exit_code == 1
    assert "error[KYN301]" in result.stdout
    assert result.stderr.startswith("Found 1 error in 1 file")
    assert "hidden" not in result.stderr


# What is gone


def test_entries_that_are_gone_are_listed_with_how_to_refresh(kynara: Run, shop: Path) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "my base.json")
    (shop / "shop.kyn").write_text(program("read"), encoding="utf-8")
    result = kynara("check", "shop", *LINT, "--baseline", "my base.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == (
        "All good: 1 rule in 1 file; 1 finding hidden by the baseline\n"
        "1 finding of the baseline my base.json no longer occurs; "
        "`kynara check shop --write-baseline 'my base.json'` writes it anew:\n"
        "  KYN801 in shop/shop.kyn: the permit `cancel` does not say what it is for\n"
    )


def test_many_that_are_gone_are_counted(kynara: Run, project: Path) -> None:
    entries = [GOOD["entries"][0] | {"fingerprint": f"{n:032x}", "count": 1 + n % 2} for n in range(30)]
    (project / "baseline.json").write_text(json.dumps({"version": 1, "entries": entries}))
    lines = kynara("check", "shop", *LINT, "--baseline", "baseline.json").stderr.splitlines()
    assert lines[1].startswith("45 findings of the baseline baseline.json no longer occur; ")
    assert lines[2:4] == ["  KYN801 in a.kyn: m", "  KYN801 in a.kyn: m (2 times)"]
    assert (len(lines), lines[-1]) == (23, "  and 10 more")


def test_what_did_not_run_is_not_gone(kynara: Run, shop: Path) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    other_lint = kynara("check", "shop", "--select", "KYN301", "--baseline", "baseline.json")
    assert other_lint.stderr == "All good: 2 rules in 1 file\n"
    (shop / "other.kyn").write_text(program("refund"), encoding="utf-8")
    other_file = kynara("check", "shop/other.kyn", *LINT, "--baseline", "baseline.json")
    assert other_file.stderr == "Found 1 warning in 1 file\n"
    (shop / "shop.kyn").write_text("permit {", encoding="utf-8")
    errors = kynara("check", "shop/shop.kyn", *LINT, "--baseline", "baseline.json")
    assert errors.stderr == "Found 1 error in 1 file\n"


def test_a_file_that_is_no_more_and_a_code_nobody_knows_are_gone(kynara: Run, project: Path) -> None:
    entry = GOOD["entries"][0]
    entries = [entry | {"file": "no\x1bmore.kyn"}, entry | {"code": "KYN899", "file": "shop/shop.kyn"}]
    (project / "baseline.json").write_text(json.dumps({"version": 1, "entries": entries}))
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json")
    assert "  KYN801 in no\u241bmore.kyn: m\n" in result.stderr
    assert "  KYN899 in shop/shop.kyn: m\n" in result.stderr


# Files that cannot be used


def broken(**changes: object) -> str:
    """A baseline whose one entry differs from a good one; a value of None leaves a member out."""
    entry = {k: v for k, v in (GOOD["entries"][0] | changes).items() if v is not None}
    return json.dumps({"version": 1, "entries": [entry]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the document is empty"),
        ("[", "line 1, column 2: a value is expected here"),
        ('{"version": 1, "version": 1}', "the key `version` occurs twice in one object"),
        ("[]", "it must be an object with `version` and `entries`"),
        ("{}", "it does not say its `version`"),
        ('{"version": true, "entries": []}', "it does not say its `version`"),
        ('{"version": 1.0, "entries": []}', "it does not say its `version`"),
        ('{"version": 2, "entries": []}', "its version is 2, and this kynara reads version 1"),
        ('{"version": 1}', "it has no `entries`"),
        ('{"version": 1, "entries": {}}', "`entries` must be a list"),
        ('{"version": 1, "entries": [], "x": 1}', "it has a member `x`, which means nothing in a baseline"),
        ('{"version": 1, "entries": [1]}', "entry 1 must be an object"),
        (broken(message=None), "entry 1 has no `message`"),
        (broken(line=3), "entry 1 has a member `line`, which means nothing in a baseline"),
        (broken(code="W1"), "`code` of entry 1 is `W1`, which is not a code such as `KYN801`"),
        (broken(code=801), "`code` of entry 1 must be a text"),
        (broken(file=[]), "`file` of entry 1 must be a text"),
        (broken(fingerprint="xyz\x1b"), "`fingerprint` of entry 1 is `xyz\\u{1b}`, not 32 hexadecimal digits"),
        (broken(count="1"), "`count` of entry 1 must be a whole number"),
        (broken(count=True), "`count` of entry 1 must be a whole number"),
        (broken(count=0), "`count` of entry 1 must be from 1 to 1000000"),
        (broken(count=10**9), "`count` of entry 1 must be from 1 to 1000000"),
        (
            json.dumps(GOOD | {"entries": GOOD["entries"] * 2}),
            f"two entries have the fingerprint `{'0' * 32}` and the same file",
        ),
        ("[" * 100_000, "the document is nested deeper than 8 levels"),
        ('{"version": 1, "entries": "\\ud800"}', "`\\ud800` is a lone surrogate, not a character"),
    ],
)
def test_a_baseline_is_read_to_the_letter(kynara: Run, project: Path, text: str, message: str) -> None:
    (project / "baseline.json").write_text(text)
    result = kynara("check", "shop", *LINT, "--baseline", "baseline.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: baseline.json: the baseline is not valid: ")
    assert message in result.stderr
    assert "\nhelp: `kynara check --write-baseline FILE` writes one\n" in result.stderr


def test_baselines_that_cannot_be_read_are_errors(kynara: Run, project: Path) -> None:
    missing = kynara("check", "shop", *LINT, "--baseline", "no.json")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr == "error: `no.json` cannot be read: No such file or directory\n"
    assert kynara("check", "shop", *LINT, "--baseline", "shop").exit_code == 2
    (project / "bytes.json").write_bytes(b"\xff\xfe")
    assert "the document is not UTF-8" in kynara("check", "shop", *LINT, "--baseline", "bytes.json").stderr
    with open(project / "large.json", "wb") as file:
        file.truncate(MAX_BASELINE_BYTES + 1)
    large = kynara("check", "shop", *LINT, "--baseline", "large.json")
    assert (large.exit_code, large.stderr) == (2, "error: the baseline may have 32 MiB at most\n")


@pytest.mark.parametrize("target", ["shop/shop.kyn", "notes.txt"])
def test_no_other_file_is_overwritten(kynara: Run, project: Path, target: str) -> None:
    (project / "notes.txt").write_text("{}")
    before = (project / target).read_bytes()
    result = kynara("check", "shop", *LINT, "--write-baseline", target)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: `{target}` exists and is no baseline that can be read, so it is not replaced\n"
    assert (project / target).read_bytes() == before


def test_baselines_that_cannot_be_written_are_errors(kynara: Run, project: Path) -> None:
    no_folder = kynara("check", "shop", *LINT, "--write-baseline", "none/b.json")
    assert no_folder.exit_code == 2
    assert no_folder.stderr == "error: the baseline `none/b.json` cannot be written: No such file or directory\n"
    folder = kynara("check", "shop", *LINT, "--write-baseline", "shop")
    assert (folder.exit_code, folder.stdout) == (2, "")
    assert "`shop` cannot be read: Is a directory" in folder.stderr
    stream = kynara("check", "shop", *LINT, "--write-baseline", "-")
    assert stream.exit_code == 2
    assert "--write-baseline needs the name of a file." in stream.stderr
    assert not (project / "-").exists()


def test_a_failure_leaves_the_old_baseline_and_no_draft(
    kynara: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kynara("check", "shop", *LINT, "--write-baseline", "baseline.json")
    before = (project / "baseline.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    result = kynara("check", "shop", "--select", "KYN301", "--write-baseline", "baseline.json")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: the baseline `baseline.json` cannot be written: No space left on device\n",
    )
    assert (project / "baseline.json").read_bytes() == before
    assert [name for name in os.listdir(project) if name.startswith("baseline.json.")] == []


def test_a_link_to_a_baseline_stays_a_link(kynara: Run, project: Path) -> None:
    (project / "real.json").write_text('{"version": 1, "entries": []}')
    (project / "link.json").symlink_to("real.json")
    kynara("check", "shop", *LINT, "--write-baseline", "link.json")
    assert (project / "link.json").is_symlink()
    assert len(json.loads((project / "real.json").read_text())["entries"]) == 2


def test_a_baseline_that_is_a_link_to_a_pipe_does_not_hang(project: Path) -> None:
    """Standard input is not closed while this runs, so whoever reads it waits."""
    (project / "known.json").symlink_to("/dev/stdin")
    there, here = os.pipe()
    try:
        command = [sys.executable, "-m", "kynara_lang.cli.main", "check", "shop", "--baseline", "known.json"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=project, stdin=there, capture_output=True, timeout=60, env=environment, check=False
        )
    finally:
        os.close(here)
        os.close(there)
    assert (done.returncode, done.stderr) == (2, b"error: `known.json` cannot be read: is not a regular file\n")


# Matching, as a function


def finding(text: str = "permit p {", *, file: str = "a.kyn", code: str = "KYN801") -> Diagnostic:
    return Diagnostic(code, "m", (Label(Span(Source(file, text), 0, len(text)), ""),), severity=Severity.WARNING)


def test_equal_findings_are_hidden_as_often_as_they_are_counted() -> None:
    found = [finding(), finding(), finding()]
    (entry,) = entries_of(found[:2])
    assert entry.count == 2
    held = hold(found, [entry], linted=True)
    assert (held.left, held.hidden, held.stale) == ((found[2],), 2, ())
    held = hold(found, [evolve(entry, count=5)], linted=True)
    assert (held.left, held.hidden, held.stale) == ((), 3, (evolve(entry, count=2),))


def test_findings_in_the_file_of_an_entry_go_first() -> None:
    here, there = finding(file="a.kyn"), finding(file="b.kyn")
    (entry,) = entries_of([there])
    assert hold([here, there], [entry], linted=True).left == (here,)
    assert hold([here], [entry], linted=True).left == ()
    assert len(entries_of([here, there])) == 2


def test_nothing_is_hidden_where_lints_did_not_run() -> None:
    found = [finding(code="KYN601")]
    assert hold(found, entries_of(found), linted=True).left == ()
    assert hold(found, entries_of(found), linted=False).left == tuple(found)


def test_a_baseline_survives_the_way_through_its_file(tmp_path: Path) -> None:
    path = str(tmp_path / "b.json")
    entries = entries_of([finding('"\u2028\\ \x00é😀"', file="\udcff\x1b.kyn"), finding()])
    write_baseline(path, entries)
    assert baseline_of(Path(path).read_bytes()) == entries
    assert {entry.file for entry in entries} == {"a.kyn", "<U+DCFF>\u241b.kyn"}


def test_a_name_with_nul_is_an_error() -> None:
    with pytest.raises(BaselineError, match="cannot be written"):
        write_baseline("a\0b", [])


def test_large_baselines_of_equal_findings_take_a_moment() -> None:
    found = [finding(file=f"{n}.kyn") for n in range(5_000)]
    (entry,) = entries_of(found[:1])
    entries = [evolve(entry, file=f"other{n}", count=1_000_000) for n in range(5_000)]
    start = time.process_time()
    assert hold(found, entries, linted=True).hidden == 5_000
    assert time.process_time() - start < 30


def test_entries_are_sorted(project: Path) -> None:
    entry = Entry("KYN801", "b.kyn", "0" * 32, "m", 1)
    write_baseline("baseline.json", [entry, evolve(entry, code="KYN305"), evolve(entry, file="a.kyn")])
    shown = [(e["code"], e["file"]) for e in written(project)["entries"]]
    assert shown == [("KYN305", "b.kyn"), ("KYN801", "a.kyn"), ("KYN801", "b.kyn")]
