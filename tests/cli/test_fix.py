"""Fixes: that each cures what it is about and a safe one changes no decision, and what the command line does with them."""

import datetime
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kynara_lang import fixes
from kynara_lang.checker import linter
from kynara_lang.checker.linter import LintSettings, lint_codes, lint_module
from kynara_lang.compiler.digest import digest
from kynara_lang.diagnostics.codes import LANGUAGE_CODES
from kynara_lang.diagnostics.diagnostic import Diagnostic, Edit, Fix, Label, Severity
from kynara_lang.diagnostics.source import Source, Span
from kynara_lang.files import FilesError, PolicyFile
from kynara_lang.fixes import Fixing, brought, chosen, edited, in_bytes, unified_diff
from kynara_lang.pipeline import Checked, check_sources
from tests.cli.project import POLICY, Run, Spawn

TODAY = datetime.date(2026, 11, 23)
GOLDENS = Path(__file__).parents[1] / "golden" / "diagnostics"

# --- every fix there is


def programs() -> Iterator[tuple[str, str, str]]:
    """Yield a code, a name and a program for each example of a lint that must find something."""
    for code in lint_codes():
        module = lint_module(code)
        for number, text in enumerate(module.INVALID, 1):
            yield code, f"{code}-invalid-{number}", text
        avoid = module.__doc__.partition("\n## Avoid\n")[2].partition("\n## ")[0]
        for text in re.findall(r"```kyn\n(.*?)```", avoid, re.DOTALL):
            yield code, f"{code}-avoid", text


def checked(text: str, lints: LintSettings | None = None, name: str = "policy.kyn") -> Checked:
    return check_sources([Source(name, text)], lints=lints, today=TODAY)


def broken(found: Checked) -> list[str]:
    return [d.message for d in found.diagnostics if d.code in LANGUAGE_CODES and d.severity is Severity.ERROR]


def applied(text: str, diagnostic: Diagnostic) -> str:
    assert diagnostic.fix is not None
    assert chosen([diagnostic], {"policy.kyn"}, unsafe=True), "the edits of a fix do not overlap"
    return edited(text, diagnostic.fix.edits)


def count(found: Checked, like: Diagnostic) -> int:
    return sum((d.code, d.message) == (like.code, like.message) for d in found.diagnostics)


@pytest.mark.parametrize(("code", "text"), [pytest.param(code, text, id=name) for code, name, text in programs()])
def test_a_fix_of_a_lint_cures_it_and_a_safe_one_changes_no_decision(code: str, text: str) -> None:
    lints = LintSettings(select=(code,))
    before = checked(text, lints)
    assert not broken(before)
    for diagnostic in before.diagnostics:
        if diagnostic.fix is None:
            continue
        after = checked(applied(text, diagnostic), lints)
        assert not broken(after), "the program still compiles"
        assert count(after, diagnostic) < count(before, diagnostic), "the finding is gone"
        if diagnostic.fix.safe:
            assert digest(after.program) == digest(before.program), "a safe fix changes no decision"


def test_some_lints_have_fixes_of_each_kind() -> None:
    kinds = {
        (code, diagnostic.fix.safe)
        for code, _, text in programs()
        if code == "KYN803"
        for diagnostic in checked(text, LintSettings(select=(code,))).diagnostics
        if diagnostic.fix is not None
    }
    assert ("KYN803", False) in kinds
    unused = 'subject U  # kynara: ignore[KYN305] reason="x"\n'
    (finding,) = checked(unused, LintSettings(select=("KYN305", "KYN803"))).diagnostics
    assert finding.fix is not None
    assert finding.fix.safe


LANGUAGE = [path for path in sorted(GOLDENS.glob("KYN[012]*.kyn")) if " = fix: " in path.with_suffix(".txt").read_text()]


@pytest.mark.parametrize("path", LANGUAGE, ids=lambda path: path.stem)
def test_a_fix_of_a_mistake_in_the_language_cures_it_and_is_never_safe(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    before = checked(text)
    fixable = [d for d in before.diagnostics if d.fix is not None]
    assert fixable
    for diagnostic in fixable:
        assert diagnostic.fix is not None
        assert not diagnostic.fix.safe
        after = checked(applied(text, diagnostic))
        assert count(after, diagnostic) < count(before, diagnostic)
        assert not brought(before.diagnostics, after.diagnostics, [diagnostic])


def test_there_are_such_fixes() -> None:
    kinds = Counter(path.name.split("-")[0] for path in LANGUAGE)
    assert {"KYN001", "KYN002", "KYN101", "KYN202"} <= set(kinds)


# --- edits


def finding(source: Source, *edits: tuple[int, int, str], safe: bool = True, code: str = "KYN803") -> Diagnostic:
    """Return a finding with a fix, at the place of its first edit."""
    made = tuple(Edit(Span(source, start, end), new) for start, end, new in edits)
    return Diagnostic(code, f"wrong {edits}", (Label(made[0].span, ""),), fix=Fix("x", made, safe))


def taken(*found: Diagnostic, unsafe: bool = False, files: tuple[str, ...] = ("a",)) -> list[int]:
    """Return which of some findings are fixed together."""
    return [found.index(d) for d in chosen(found, files, unsafe=unsafe)]


def test_of_overlapping_edits_the_first_wins() -> None:
    a = Source("a", "0123456789")
    assert taken(finding(a, (0, 4, "")), finding(a, (3, 5, "")), finding(a, (4, 5, ""))) == [0, 2]
    assert taken(finding(a, (2, 2, "x")), finding(a, (2, 2, "y")), finding(a, (2, 4, ""))) == [0, 2]
    assert taken(finding(a, (0, 9, "")), finding(a, (5, 5, "x"))) == [0]
    assert taken(finding(a, (5, 5, "x")), finding(a, (0, 9, ""))) == [0]


def test_all_edits_of_a_fix_are_made_or_none() -> None:
    a = Source("a", "0123456789")
    assert taken(finding(a, (0, 2, "")), finding(a, (5, 6, ""), (1, 3, "")), finding(a, (5, 7, ""))) == [0, 2]
    assert taken(finding(a, (5, 7, ""), (6, 8, ""))) == []


def test_the_same_fix_of_two_findings_is_made_once() -> None:
    a = Source("a", "0123456789")
    one, other = finding(a, (0, 2, "")), finding(a, (0, 2, ""), code="KYN802")
    assert taken(one, other) == [0, 1]
    assert edited(a.text, dict.fromkeys(e for d in (one, other) if d.fix for e in d.fix.edits)) == "23456789"


def test_only_files_that_are_given_are_touched_and_only_safe_fixes_made() -> None:
    a, b = Source("a", "0123456789"), Source("b", "0123456789")
    both = Diagnostic(
        "KYN803", "x", (), fix=Fix("x", (Edit(Span(a, 0, 1), ""), Edit(Span(b, 0, 1), "")), safe=True)
    )
    assert taken(both) == []
    assert taken(both, files=("a", "b")) == [0]
    assert taken(finding(a, (0, 1, ""), safe=False)) == []
    assert taken(finding(a, (0, 1, ""), safe=False), unsafe=True) == [0]


def test_a_new_line_is_broken_as_the_others_are() -> None:
    unix, windows = Source("a", "one\ntwo\n"), Source("a", "one\r\ntwo\r\n")
    assert edited(unix.text, [Edit(Span(unix, 4, 4), "x\ny\n")]) == "one\nx\ny\ntwo\n"
    assert edited(windows.text, [Edit(Span(windows, 5, 5), "x\ny\r\n")]) == "one\r\nx\r\ny\r\ntwo\r\n"


def test_a_difference_is_shown_as_patch_reads_it() -> None:
    assert unified_diff("p/a.kyn", "one\ntwo\n", "one\n2\n") == [
        "--- p/a.kyn", "+++ p/a.kyn", "@@ -1,2 +1,2 @@", " one", "-two", "+2",
    ]  # fmt: skip
    assert unified_diff("a", "one", "two")[-4:] == [
        "-one", "\\ No newline at end of file", "+two", "\\ No newline at end of file",
    ]  # fmt: skip
    assert unified_diff("a", "one\x0bx\r\n", "one\x0by\r\n")[3:] == ["-one\x0bx\r", "+one\x0by\r"]


# --- rounds


class Stub:
    """A checker that finds what it is told to find in each text."""

    def __init__(self, texts: Mapping[str, list[Diagnostic]]) -> None:
        self.texts, self.asked = texts, 0

    def __call__(self, texts: Mapping[str, str]) -> Checked:
        self.asked += 1
        return self.of(texts["a"])

    def of(self, text: str) -> Checked:
        return Checked(checked("").program, tuple(self.texts.get(text, ())), False, 1)


def error(code: str, message: str = "broken", at: int = 0) -> Diagnostic:
    return Diagnostic(code, message, (Label(Span(Source("a", ""), at, at), ""),))


def test_rounds_go_on_until_nothing_is_left() -> None:
    one, two = Source("a", "1"), Source("a", "2")
    stub = Stub({"1": [finding(one, (0, 1, "2"))], "2": [finding(two, (0, 1, "3"))]})
    fixing = fixes.fix(stub.of("1"), stub, ["a"], unsafe=False)
    assert (fixing.before, fixing.after, fixing.fixed) == ({"a": "1"}, {"a": "3"}, 2)
    assert (fixing.broke, fixing.unfinished, stub.asked) == ((), False, 2)


def test_rounds_end_for_fixes_that_undo_each_other() -> None:
    one, two = Source("a", "1"), Source("a", "2")
    stub = Stub({"1": [finding(one, (0, 1, "2"))], "2": [finding(two, (0, 1, "1"))]})
    fixing = fixes.fix(stub.of("1"), stub, ["a"], unsafe=False)
    assert (fixing.unfinished, stub.asked) == (True, fixes.ROUNDS)


def test_a_round_that_breaks_the_policy_is_taken_back() -> None:
    one, two = Source("a", "1"), Source("a", "2")
    stub = Stub({"1": [finding(one, (0, 1, "2"))], "2": [finding(two, (0, 1, "3"))], "3": [error("KYN101")]})
    fixing = fixes.fix(stub.of("1"), stub, ["a"], unsafe=False)
    assert (fixing.after, fixing.fixed) == ({"a": "2"}, 1)
    assert [d.code for d in fixing.broke] == ["KYN101"]
    assert fixing.checked.diagnostics == (stub.texts["2"][0],)


def test_what_an_error_hid_is_not_what_its_fix_brought() -> None:
    one = Source("a", "12345")
    syntax = finding(one, (2, 3, "2"), code="KYN001")
    assert not brought([syntax], [error("KYN101"), error("KYN201")], [syntax])
    assert not brought([syntax], [error("KYN002", at=3)], [syntax]), "parsing goes on from there"
    assert brought([syntax], [error("KYN002", at=2)], [syntax])
    assert brought([syntax], [error("KYN101")], [finding(one, (0, 1, "2"))])
    assert brought([error("KYN101")], [error("KYN101"), error("KYN101")], [syntax, finding(one, (0, 1, ""), code="KYN101")]) == ()
    named = finding(one, (0, 1, "2"), code="KYN101")
    assert brought([named, error("KYN101", "x")], [error("KYN101", "x")], [named]) == ()
    assert brought([named, error("KYN101", "x")], [error("KYN101", "y")], [named])


DECLARED = """\
subject User { team: String  level: Int }
resource Doc { team: String  owner: User }
action read on Doc
"""


def fixing_of(text: str) -> Fixing:
    def recheck(texts: Mapping[str, str]) -> Checked:
        return checked(texts["policy.kyn"])

    return fixes.fix(checked(text), recheck, ["policy.kyn"], unsafe=True)


def test_a_mistake_that_two_misspellings_hid_keeps_their_fixes() -> None:
    rule = 'permit p "d" {{ subject User action read resource Doc scope {} }}\n'
    fixing = fixing_of(DECLARED + rule.format("resource.ownr.team == subject.leveel"))
    assert fixing.after == {"policy.kyn": DECLARED + rule.format("resource.owner.team == subject.level")}
    assert (fixing.fixed, fixing.broke) == (2, ())
    assert broken(fixing.checked) == ["a String is never equal to an Int"]


def test_of_a_round_only_the_fixes_that_break_something_are_taken_back() -> None:
    source = Source("a", "1234")
    findings = [finding(source, (n, n + 1, letter)) for n, letter in enumerate("abcd")]

    def recheck(texts: Mapping[str, str]) -> Checked:
        found = [error("KYN101")] if "c" in texts["a"] else []
        return Checked(checked("").program, tuple(found), False, 1)

    fixing = fixes.fix(Checked(checked("").program, tuple(findings), False, 1), recheck, ["a"], unsafe=False)
    assert (fixing.after, fixing.fixed) == ({"a": "ab3d"}, 3)
    assert [d.code for d in fixing.broke] == ["KYN101"]
    assert not fixing.unfinished


# --- on the command line

UNUSED = '# kynara: ignore[KYN305] reason="no longer"\n'


@pytest.fixture
def unused(project: Path) -> Path:
    """A policy with one finding, KYN803, that a safe fix cures."""
    path = project / "policies" / "shop.kyn"
    path.write_text(UNUSED + POLICY, encoding="utf-8")
    return path


FEW = ("--select", "KYN305,KYN803")


def test_fix_writes_and_says_what_remains(kynara: Run, unused: Path) -> None:
    result = kynara("check", "policies", *FEW)
    assert result.exit_code == 1
    assert result.stderr == "Found 1 warning in 1 file\nCan be fixed: 1 with `--fix`\n"
    result = kynara("check", "policies", *FEW, "--fix")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Fixed 1 finding in 1 file\nAll good: 3 rules in 1 file\n"
    assert unused.read_text(encoding="utf-8") == POLICY
    result = kynara("check", "policies", *FEW, "--fix")
    assert result.stderr == "Fixed 0 findings\nAll good: 3 rules in 1 file\n"


def test_findings_that_remain_are_shown(kynara: Run, unused: Path) -> None:
    unused.write_text(unused.read_text() + '\npermit p { subject User action read resource Order scope any "x" }\n')
    result = kynara("check", "policies", *FEW, "--fix", "--output-format", "concise")
    assert result.exit_code == 0
    assert ": note[KYN305] " in result.stdout
    assert result.stderr == "Fixed 1 finding in 1 file\nFound 1 note in 1 file\n"


def test_unsafe_fixes_are_made_only_when_asked_for(kynara: Run, project: Path) -> None:
    path = project / "broken" / "shop.kyn"
    before = path.read_text()
    result = kynara("check", "broken", "--fix")
    assert result.exit_code == 1
    assert result.stderr == "Fixed 0 findings\nFound 2 errors in 1 file\n"
    assert path.read_text() == before
    assert kynara("check", "broken").stderr.endswith("Can be fixed: 2 with `--unsafe-fixes`, to be looked at\n")
    result = kynara("check", "broken", "--unsafe-fixes", *FEW)
    assert (result.exit_code, result.stderr) == (0, "Fixed 2 findings in 1 file\nAll good: 3 rules in 1 file\n")
    assert path.read_text() == POLICY


def test_syntax_is_fixed_and_what_it_hid_in_the_next_round(kynara: Run, project: Path) -> None:
    path = project / "policies" / "shop.kyn"
    path.write_text(POLICY.replace("args.amount <= resource.total", "args.amount = resuorce.total && not args.amuont < 1.00"))
    result = kynara("check", "policies", "--unsafe-fixes", *FEW)
    assert (result.exit_code, result.stderr) == (0, "Fixed 4 findings in 1 file\nAll good: 3 rules in 1 file\n")
    assert "args.amount == resource.total and not args.amount < 1.00" in path.read_text()


def test_a_difference_is_shown_and_nothing_written(kynara: Run, unused: Path) -> None:
    before = unused.read_bytes()
    result = kynara("check", "policies", *FEW, "--diff")
    assert result.exit_code == 1
    assert result.stdout.startswith("--- policies/shop.kyn\n+++ policies/shop.kyn\n@@ -1,4 +1,3 @@\n-# kynara: ignore")
    assert result.stderr == "Would fix 1 finding in 1 file\nAll good: 3 rules in 1 file\n"
    assert unused.read_bytes() == before
    result = kynara("check", "broken", "--diff", "--output-format", "json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert '"KYN101"' in result.stderr
    assert kynara("check", "broken", *FEW, "--diff", "--unsafe-fixes").stdout.count("\n+") == 2
    assert kynara("check", "policies", "--select", "KYN305", "--diff").exit_code == 0


def test_a_difference_has_colour_where_it_is_wanted(kynara: Run, unused: Path) -> None:
    assert "\x1b[31m-# kynara" in kynara("check", "policies", *FEW, "--diff", "--color", "always").stdout
    assert "\x1b" not in kynara("check", "policies", *FEW, "--diff").stdout


def test_byte_order_mark_line_breaks_and_mode_stay(kynara: Run, unused: Path) -> None:
    windows = POLICY.replace("\n", "\r\n").replace("Everybody reads", "Jeder liest 🎉 für sich").encode()
    odd = UNUSED.replace("\n", "\r\n").encode()
    unused.write_bytes(b"\xef\xbb\xbf" + windows.replace(b"module shop\r\n", b"module shop\r\n\r\n" + odd))
    os.chmod(unused, 0o640)
    assert kynara("check", "policies", *FEW, "--fix").exit_code == 0
    assert unused.read_bytes() == b"\xef\xbb\xbf" + windows.replace(b"module shop\r\n", b"module shop\r\n\r\n")
    assert stat.S_IMODE(unused.stat().st_mode) == 0o640
    assert os.listdir(unused.parent) == ["shop.kyn"]


def test_a_link_stays_a_link(kynara: Run, unused: Path, project: Path) -> None:
    unused.rename(project / "real.kyn")
    unused.symlink_to("../real.kyn")
    assert kynara("check", str(unused), *FEW, "--fix").exit_code == 0
    assert unused.is_symlink()
    assert (project / "real.kyn").read_text() == POLICY


def test_libraries_are_left_alone(kynara: Run, unused: Path, project: Path) -> None:
    (project / "lib").mkdir()
    library = UNUSED + "trait Kept { tenant: String }\n"
    (project / "lib" / "base.kyn").write_text(library)
    (project / "kynara.toml").write_text('libraries = ["lib"]')
    unused.write_text(POLICY.replace("module shop\n", "module shop\nimport base (Kept)\n"))
    assert kynara("check", "policies", *FEW, "--fix").stderr.startswith("Fixed 0 findings\n")
    assert (project / "lib" / "base.kyn").read_text() == library


def test_a_file_that_changed_meanwhile_is_not_written(
    kynara: Run, unused: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = project / "policies" / "more.kyn"
    other.write_text(UNUSED + "subject Guest\n")
    fix = fixes.fix

    def slow(*arguments: object, **options: object) -> Fixing:
        fixing = fix(*arguments, **options)  # type: ignore[arg-type]
        unused.write_text("# somebody else was here\n")
        return fixing

    monkeypatch.setattr(fixes, "fix", slow)
    result = kynara("check", "policies", *FEW, "--fix")
    assert result.exit_code == 2
    assert "error: `policies/shop.kyn` changed on disk since it was checked; nothing was written" in result.stderr
    assert unused.read_text() == "# somebody else was here\n"
    assert other.read_text() == UNUSED + "subject Guest\n", "none of several files is written"
    assert sorted(os.listdir(unused.parent)) == ["more.kyn", "shop.kyn"]


def test_a_file_that_cannot_be_written_is_an_error(
    kynara: Run, unused: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    result = kynara("check", "policies", *FEW, "--fix")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: `policies/shop.kyn` is write-protected; nothing was written" in result.stderr

    def full(old: str, new: str) -> None:
        raise OSError(28, "No space left on device", new)

    monkeypatch.undo()
    monkeypatch.chdir(unused.parents[1])
    monkeypatch.setattr(os, "replace", full)
    result = kynara("check", "policies", *FEW, "--fix")
    assert "error: `policies/shop.kyn` cannot be written: No space left on device" in result.stderr
    assert os.listdir(unused.parent) == ["shop.kyn"]


def test_writing_needs_the_file_that_was_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.kyn"
    path.write_text("new")
    fixing = Fixing(checked(""), {"a.kyn": "old"}, {"a.kyn": "better"})
    with pytest.raises(FilesError, match="changed on disk"):
        fixes.write(fixing, [PolicyFile("a.kyn", str(path), str(path))])
    assert path.read_text() == "new"
    assert in_bytes("x", b"\xef\xbb\xbfy") == b"\xef\xbb\xbfx"


def test_a_lint_whose_fix_breaks_the_policy_is_told(
    kynara: Run, unused: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = unused.read_bytes()

    def wrong(context: linter.Context) -> None:
        source = context.modules[0].source
        at = source.text.index("Order")
        span = Span(source, at, at + 5)
        context.report(span, "wrong", "x", fix=Fix("break it", (Edit(span, "Odrer"),), safe=True))

    real = linter.lint_of
    monkeypatch.setattr(linter, "lint_of", lambda code: linter.Lint(program=wrong) if code == "KYN305" else real(code))
    result = kynara("check", "policies", "--select", "KYN305", "--fix")
    assert "error[KYN101]" in result.stderr
    assert "Left out the fixes that would bring the " in result.stderr
    assert "Fixed 0 findings\nFound 1 note" in result.stderr
    assert unused.read_bytes() == before


# --- standard input


def test_of_standard_input_the_fixed_text_goes_to_standard_output(spawn: Spawn, unused: Path) -> None:
    text = ("﻿" + UNUSED + POLICY).replace("\n", "\r\n").encode()
    ran = spawn("check", "-", *FEW, "--fix", input=text)
    assert ran.returncode == 0
    assert ran.stdout == ("﻿" + POLICY).replace("\n", "\r\n").encode()
    assert ran.stderr.decode() == "Fixed 1 finding in 1 file\nAll good: 3 rules in 1 file\n"


def test_of_standard_input_findings_go_to_standard_error(spawn: Spawn, unused: Path) -> None:
    for form in ("full", "concise", "json"):
        ran = spawn("check", "-", "--fix", "--output-format", form, input=b"permit \xff")
        assert (ran.returncode, ran.stdout) == (1, b"permit \xff")
        assert b"KYN006" in ran.stderr


def test_only_standard_input_is_fixed_beside_files(kynara: Run, unused: Path, project: Path) -> None:
    other = project / "policies" / "more.kyn"
    other.write_text(UNUSED + "subject Guest\n")
    name = ("--stdin-filename", "policies/shop.kyn")
    result = kynara("check", "policies", "-", *name, *FEW, "--fix", "--output-format", "concise", input=UNUSED + POLICY)
    assert (result.exit_code, result.stdout) == (1, POLICY)
    assert "policies/more.kyn:1:1: warning[KYN803]" in result.stderr
    assert unused.read_text() == UNUSED + POLICY
    assert other.read_text() == UNUSED + "subject Guest\n"
    result = kynara("check", "policies", "-", *name, *FEW, "--diff", input=UNUSED + POLICY)
    assert result.stdout.startswith("--- policies/shop.kyn\n")
