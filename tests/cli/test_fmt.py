"""`kynara fmt`: what it reads, writes and says, what it leaves alone, and how it ends."""

from __future__ import annotations

import errno
import os
import re
import shlex
import stat
from pathlib import Path

import pytest

from kynara_lang.cli import fmt as command
from kynara_lang.files import read_bytes
from kynara_lang.syntax import formatter
from kynara_lang.syntax.pieces import FormatterError
from tests.cli.project import ROOT, Run, Spawn

UNTIDY = "role   a\nrole longer extends   a  # why\n"
TIDY = "role a\nrole longer extends a  # why\n"
BROKEN = "role   a\npermit {\n"


@pytest.fixture
def roles(project: Path) -> Path:
    """A folder with an untidy, a tidy and a broken file."""
    folder = project / "roles"
    (folder / "inner").mkdir(parents=True)
    (folder / "untidy.kyn").write_text(UNTIDY, encoding="utf-8")
    (folder / "inner" / "tidy.kyn").write_text(TIDY, encoding="utf-8")
    (folder / "broken.kyn").write_text(BROKEN, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- files and folders


def test_files_are_written_in_their_layout(kynara: Run, roles: Path) -> None:
    result = kynara("fmt", "roles/untidy.kyn", "roles/inner")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 file reformatted, 1 file left unchanged\n"
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY
    assert kynara("fmt", "roles/untidy.kyn", "roles/inner").stderr == "2 files left unchanged\n"


def test_a_file_with_errors_is_left_alone_and_the_others_are_written(kynara: Run, roles: Path) -> None:
    result = kynara("fmt", "roles")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error[KYN001]" in result.stderr
    assert " --> roles/broken.kyn:2:8\n" in result.stderr
    assert result.stderr.endswith(
        "\n1 file reformatted, 1 file left unchanged, 1 file not formatted because of errors\n"
    )
    assert (roles / "broken.kyn").read_text(encoding="utf-8") == BROKEN
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY


def test_what_is_not_text_is_left_alone(kynara: Run, roles: Path) -> None:
    (roles / "broken.kyn").write_bytes("role é\n".encode("latin-1"))
    result = kynara("fmt", "roles")
    assert result.exit_code == 2
    assert "error[KYN006] unreadable-file: the file is not UTF-8 text\n --> roles/broken.kyn:1:6\n" in result.stderr
    assert (roles / "broken.kyn").read_bytes() == "role é\n".encode("latin-1")
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY


def test_names_and_types_do_not_matter(kynara: Run, project: Path) -> None:
    path = project / "rule.kyn"
    path.write_text("permit p { subject Nobody action nothing resource  No  scope 1 + true == unknown }", "utf-8")
    assert kynara("fmt", "rule.kyn").exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("permit p {\n  subject  Nobody\n")


def test_paths_can_come_from_the_configuration(kynara: Run, roles: Path, project: Path) -> None:
    (roles / "broken.kyn").unlink()
    (project / "kynara.toml").write_text('policies = "roles"\nlibraries = ["roles/inner"]\n', encoding="utf-8")
    (roles / "inner" / "tidy.kyn").write_text(UNTIDY, encoding="utf-8")
    assert kynara("fmt").stderr == "1 file reformatted\n"
    assert (roles / "inner" / "tidy.kyn").read_text(encoding="utf-8") == UNTIDY, "a library is left out"
    assert kynara("fmt", "roles/inner").stderr == "1 file reformatted\n", "unless a path names it"


def test_a_file_named_twice_is_formatted_once(kynara: Run, roles: Path) -> None:
    assert kynara("fmt", "roles/untidy.kyn", "./roles/untidy.kyn", "roles/inner/..//untidy.kyn").stderr == (
        "1 file reformatted\n"
    )


def test_a_file_may_be_empty(kynara: Run, project: Path) -> None:
    (project / "empty.kyn").write_bytes(b"")
    assert kynara("fmt", "empty.kyn").stderr == "1 file left unchanged\n"
    (project / "empty.kyn").write_bytes(b"\n\n  \n")
    assert kynara("fmt", "empty.kyn").stderr == "1 file reformatted\n"
    assert (project / "empty.kyn").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.kyn"], "error: there is no file or folder `missing.kyn`\n"),
        (["nothing"], "error: the folder `nothing` contains no `.kyn` files\n"),
        ([], "Error: Give a PATH: there is no kynara.toml here or above"),
        (["-", "policies"], "Error: Where '-' is formatted, it is the only PATH.\n"),
        (["policies", "--stdin-filename", "x.kyn"], "Error: --stdin-filename needs '-' as one PATH.\n"),
    ],
)
def test_wrong_paths_are_said(kynara: Run, project: Path, arguments: list[str], message: str) -> None:
    (project / "nothing").mkdir()
    before = contents(project)
    result = kynara("fmt", *arguments, input="role   a\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert contents(project) == before


# --- looking only


def test_check_lists_what_would_change_and_writes_nothing(kynara: Run, roles: Path) -> None:
    before = contents(roles)
    result = kynara("fmt", "--check", "roles/untidy.kyn", "roles/inner")
    assert (result.exit_code, result.stdout) == (1, "roles/untidy.kyn\n")
    assert result.stderr == "1 file would be reformatted, 1 file left unchanged\n"
    assert contents(roles) == before
    result = kynara("fmt", "--check", "roles/inner")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "1 file left unchanged\n")
    result = kynara("fmt", "--check", "roles")
    assert (result.exit_code, result.stdout) == (2, "roles/untidy.kyn\n")


DIFF = """\
--- roles/untidy.kyn
+++ roles/untidy.kyn
@@ -1,2 +1,2 @@
-role   a
-role longer extends   a  # why
+role a
+role longer extends a  # why
"""


@pytest.mark.parametrize("options", [["--diff"], ["--diff", "--check"]])
def test_diff_shows_what_would_change_and_writes_nothing(kynara: Run, roles: Path, options: list[str]) -> None:
    before = contents(roles)
    result = kynara("fmt", *options, "roles/untidy.kyn", "roles/inner")
    assert (result.exit_code, result.stdout) == (1, DIFF)
    assert result.stderr == "1 file would be reformatted, 1 file left unchanged\n"
    assert contents(roles) == before
    result = kynara("fmt", *options, "roles/inner")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "1 file left unchanged\n")
    assert kynara("fmt", *options, "roles").exit_code == 2


def test_a_name_cannot_act_on_a_terminal(kynara: Run, project: Path) -> None:
    (project / "a\x1b[2Jb.kyn").write_text(UNTIDY, encoding="utf-8")
    for option in ("--check", "--diff"):
        result = kynara("fmt", option, "a\x1b[2Jb.kyn")
        assert result.exit_code == 1
        assert "\x1b" not in result.stdout + result.stderr


# --- standard input


def test_standard_input_goes_to_standard_output(kynara: Run, project: Path) -> None:
    before = contents(project)
    result = kynara("fmt", "-", "--stdin-filename", "policies/shop.kyn", input=UNTIDY)
    assert (result.exit_code, result.stdout, result.stderr) == (0, TIDY, "")
    assert kynara("fmt", "-", input=TIDY).stdout == TIDY
    assert kynara("fmt", "-", input="").stdout == ""
    assert contents(project) == before


def test_standard_input_is_only_looked_at_with_check_and_diff(kynara: Run) -> None:
    result = kynara("fmt", "-", "--check", input=UNTIDY)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "<stdin>\n", "1 file would be reformatted\n")
    assert kynara("fmt", "-", "--check", "--stdin-filename", "roles/x.kyn", input=UNTIDY).stdout == "roles/x.kyn\n"
    result = kynara("fmt", "-", "--diff", "--stdin-filename", "roles/untidy.kyn", input=UNTIDY)
    assert (result.exit_code, result.stdout) == (1, DIFF)
    result = kynara("fmt", "-", "--check", input=TIDY)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "1 file left unchanged\n")


def test_standard_input_with_errors_gives_nothing_out(kynara: Run) -> None:
    result = kynara("fmt", "-", "--stdin-filename", "roles/x.kyn", input=BROKEN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert " --> roles/x.kyn:2:8\n" in result.stderr
    assert " --> <stdin>:2:8\n" in kynara("fmt", "-", input=BROKEN).stderr
    result = kynara("fmt", "-", input=b"\xff")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the file is not UTF-8 text" in result.stderr


def test_bytes_pass_through_a_pipe(spawn: Spawn) -> None:
    text = "\ufeff## é\r\nrole   a\r\n".encode()
    result = spawn("fmt", "-", input=text, environment={"PYTHONIOENCODING": "latin-1"})
    assert (result.returncode, result.stdout, result.stderr) == (0, text.replace(b"   ", b" "), b"")


# --- what a file keeps


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_keeps_its_mode_its_byte_order_mark_and_its_line_ends(
    kynara: Run, project: Path, mark: str, newline: str
) -> None:
    path = project / "a.kyn"
    path.write_bytes((mark + UNTIDY).replace("\n", newline).encode())
    path.chmod(0o640)
    assert kynara("fmt", "a.kyn").stderr == "1 file reformatted\n"
    assert path.read_bytes() == (mark + TIDY).replace("\n", newline).encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert kynara("fmt", "--check", "a.kyn").exit_code == 0


def test_a_file_gets_a_line_end_at_its_end(kynara: Run, project: Path) -> None:
    (project / "a.kyn").write_bytes(TIDY.rstrip().encode())
    assert kynara("fmt", "a.kyn").stderr == "1 file reformatted\n"
    assert (project / "a.kyn").read_bytes() == TIDY.encode()


def test_a_file_that_would_not_change_is_not_written(kynara: Run, roles: Path) -> None:
    path = roles / "inner" / "tidy.kyn"
    os.utime(path, ns=(1, 1))
    before = path.stat()
    assert kynara("fmt", "roles/inner").exit_code == 0
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino) == (1, before.st_ino)


def test_a_link_stays_a_link(kynara: Run, roles: Path, project: Path) -> None:
    (roles / "broken.kyn").unlink()
    (project / "real.kyn").write_text(UNTIDY, encoding="utf-8")
    (roles / "again.kyn").symlink_to("untidy.kyn")
    assert kynara("fmt", "roles").stderr == "1 file reformatted, 1 file left unchanged\n"
    (roles / "link.kyn").symlink_to("../real.kyn")
    assert kynara("fmt", "roles").exit_code == 2, "a folder does not stand for files elsewhere"
    assert (project / "real.kyn").read_text(encoding="utf-8") == UNTIDY
    assert kynara("fmt", "roles/link.kyn").stderr == "1 file reformatted\n"
    assert (roles / "link.kyn").is_symlink()
    assert (roles / "again.kyn").is_symlink()
    assert (project / "real.kyn").read_text(encoding="utf-8") == TIDY
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY


# --- what goes wrong


def test_a_file_that_cannot_be_read_stops_no_other(kynara: Run, roles: Path) -> None:
    (roles / "broken.kyn").unlink()
    (roles / "broken.kyn").symlink_to("nowhere.kyn")
    result = kynara("fmt", "roles")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: `roles/broken.kyn` cannot be read: No such file or directory\n"
        "1 file reformatted, 1 file left unchanged, 1 file not formatted because of errors\n"
    )
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY


def test_a_file_without_leave_to_read_it_is_said(
    kynara: Run, roles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_bytes

    def refuse(path: str, limit: int) -> bytes | None:
        if path.endswith("broken.kyn"):
            with monkeypatch.context() as patch:  # as for a user who is not root
                patch.setattr("builtins.open", _denied)
                return read(path, limit)
        return read(path, limit)

    monkeypatch.setattr(command, "read_bytes", refuse)
    result = kynara("fmt", "roles")
    assert result.exit_code == 2
    assert "error: `roles/broken.kyn` cannot be read: Permission denied\n" in result.stderr
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY


def _denied(*_: object, **__: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_file_that_is_write_protected_stays_as_it_is(
    kynara: Run, roles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(roles)
    monkeypatch.setattr(os, "access", lambda *_: False)  # as for a user who is not root
    result = kynara("fmt", "roles/untidy.kyn", "roles/inner")
    assert result.exit_code == 2
    assert result.stderr == (
        "error: `roles/untidy.kyn` is write-protected; nothing was written\n"
        "1 file left unchanged, 1 file not formatted because of errors\n"
    )
    assert contents(roles) == before
    assert kynara("fmt", "--check", "roles/untidy.kyn").exit_code == 1, "to look at it is fine"


def test_a_full_disk_leaves_a_file_as_it_is(kynara: Run, roles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(roles)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    result = kynara("fmt", "roles/untidy.kyn")
    assert result.exit_code == 2
    assert "error: `roles/untidy.kyn` cannot be written: No space left on device\n" in result.stderr
    assert contents(roles) == before, "nothing is left beside it either"


def test_a_file_that_changes_meanwhile_is_left_alone(
    kynara: Run, roles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*arguments: object) -> str | None:
        (roles / "untidy.kyn").write_text("role  other\n", encoding="utf-8")
        return formatter.formatted(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "formatted", slow)
    result = kynara("fmt", "roles/untidy.kyn")
    assert result.exit_code == 2
    assert "error: `roles/untidy.kyn` changed on disk since it was checked; nothing was written" in result.stderr
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == "role  other\n"


def test_a_mistake_of_the_formatter_costs_nothing(
    kynara: Run, roles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> str:
        raise FormatterError("the program would not be the same")

    monkeypatch.setattr(command, "formatted", wrong)
    before = contents(roles)
    result = kynara("fmt", "roles/untidy.kyn")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "internal error: `roles/untidy.kyn` is left as it is: the program would not be the same\n"
        "this is a bug in kynara, not in your policy; please report it with the line above\n"
        "1 file not formatted because of errors\n"
    )
    assert contents(roles) == before
    assert kynara("fmt", "-", input=UNTIDY).stdout == ""


# --- the hook, and what the help shows


def hook() -> dict[str, str]:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    (mine,) = (part for part in re.split(r"^- ", text, flags=re.MULTILINE) if part.startswith("id: kynara-fmt\n"))
    return dict(re.findall(r"^ *([a-z_]+): (.*)$", mine, re.MULTILINE))


def test_the_hook_formats_the_files_it_is_given(spawn: Spawn, roles: Path) -> None:
    mine = hook()
    assert mine.get("pass_filenames", "true") == "true"
    assert "always_run" not in mine, "without a changed file there would be no PATH"
    assert [bool(re.search(mine["files"], name)) for name in ("a/b.kyn", "b.kyn.txt", "kynara.toml")] == [True, False, False]
    _, *arguments = shlex.split(mine["entry"])
    result = spawn(*arguments, "roles/untidy.kyn", "roles/inner/tidy.kyn")
    assert (result.returncode, result.stdout) == (0, b"")  # pre-commit fails because a file changed
    assert (roles / "untidy.kyn").read_text(encoding="utf-8") == TIDY
    assert spawn(*arguments, "roles/broken.kyn").returncode == 2


def test_the_help_says_how_it_ends(kynara: Run) -> None:
    shown = " ".join(kynara("fmt", "--help").stdout.split())
    assert "Exit codes: 0 all is well laid out, now or already, 1 something would change with --check or --diff, 2 a" in shown
    assert "--stdin-filename NAME" in shown
