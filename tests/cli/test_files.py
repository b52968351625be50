"""Finding and reading policy files."""

import os
import threading
from pathlib import Path

import pytest

from kynara_lang import Entities, EntitiesError, files
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.files import (
    FilesError,
    find_beside,
    find_files,
    find_modules,
    read_source,
    source_of,
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str, text: str = "") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def names(*paths: str, **options: tuple[str, ...]) -> list[str]:
    return [file.name for file in find_files(paths, **options)]


# Finding


def test_a_folder_stands_for_all_policies_below_it_in_order() -> None:
    write("p/b.kyn", "p/a.kyn", "p/a/z.kyn", "p/deep/er/c.kyn", "p/notes.txt", "p/a-b/c.kyn")
    assert names("p") == ["p/a/z.kyn", "p/a-b/c.kyn", "p/a.kyn", "p/b.kyn", "p/deep/er/c.kyn"]


def test_hidden_entries_and_caches_are_passed_over() -> None:
    write("p/a.kyn", "p/.git/x.kyn", "p/__pycache__/x.kyn", "p/.#a.kyn")
    assert names("p") == ["p/a.kyn"]


def test_a_hidden_folder_that_is_named_is_searched() -> None:
    write(".hidden/a.kyn")
    assert names(".hidden") == [".hidden/a.kyn"]


def test_a_named_file_may_have_any_suffix() -> None:
    write("policy.txt")
    assert names("policy.txt") == ["policy.txt"]


def test_overlapping_paths_give_each_file_once() -> None:
    write("p/a.kyn", "p/b.kyn")
    assert names("p", "p/a.kyn", "./p", os.path.abspath("p")) == ["p/a.kyn", "p/b.kyn"]


def test_names_are_relative_to_the_working_folder_where_they_can_be(here: Path) -> None:
    write("p/a.kyn", "q/b.kyn")
    assert names(str(here / "p")) == ["p/a.kyn"]
    os.chdir("q")
    assert names("../p") == ["../p/a.kyn"]
    assert names(str(here / "p")) == [(here / "p" / "a.kyn").as_posix()]


def test_links_that_lead_in_a_circle_end() -> None:
    write("p/a.kyn", "p/inner/b.kyn")
    os.symlink("..", "p/inner/up")
    os.symlink(".", "p/again")
    assert names("p") == ["p/a.kyn", "p/inner/b.kyn"]


def test_a_linked_folder_is_searched_and_the_real_one_gives_the_name() -> None:
    write("p/.elsewhere/c.kyn", "p/z/a.kyn")
    os.symlink(".elsewhere", "p/linked")
    os.symlink("z", "p/before")
    os.symlink("z/a.kyn", "p/alias.kyn")
    assert names("p") == ["p/linked/c.kyn", "p/z/a.kyn"]


def test_links_as_a_mount_of_kubernetes_has_them_are_followed() -> None:
    write("p/..2026_11/x.kyn")
    os.symlink("..2026_11", "p/..data")
    os.symlink("..data/x.kyn", "p/x.kyn")
    os.symlink("p", "mounted")
    assert names("p") == ["p/x.kyn"]
    assert names("mounted") == ["mounted/x.kyn"]


@pytest.mark.parametrize("target", ["../outside/token", "../outside/other.kyn", "../p-more/a.kyn", "inner/up/outside/token"])
def test_a_link_to_a_file_out_of_the_folder_is_refused_by_name(target: str) -> None:
    write("p/a.kyn", "outside/token", "outside/other.kyn", "p-more/a.kyn", "p/inner/b.kyn", text="secret")
    os.symlink(target, "p/x.kyn")
    if "up" in target:
        os.symlink("../..", "p/inner/up")
    with pytest.raises(FilesError) as error:
        names("p")
    assert "is a link that leads out of the folder `p`; it is not followed, because " in str(error.value)
    assert "secret" not in str(error.value)
    assert names("p/x.kyn") == ["p/x.kyn"], "who names a link means it"


def test_a_link_to_a_folder_out_of_the_folder_is_refused_unless_it_is_a_library() -> None:
    write("p/a.kyn", "outside/c.kyn")
    os.symlink("../outside", "p/linked")
    with pytest.raises(FilesError, match=r"^`p/linked` is a link that leads out of the folder `p`;"):
        names("p")
    assert names("p", apart_from=("outside",)) == ["p/a.kyn"]
    assert names("p/linked") == ["p/linked/c.kyn"]
    with pytest.raises(FilesError, match=r"^`p/linked` is a link that leads out of the folder `p`;"):
        find_modules(["p"])


def test_a_link_inside_that_leads_to_no_policy_is_refused() -> None:
    """A checkout holds more than was proposed, such as the token in `.git/config`."""
    write("a.kyn", ".git/config", text="secret")
    os.symlink(".git/config", "x.kyn")
    with pytest.raises(FilesError, match=r"^`x\.kyn` is a link that leads to a file whose name does not end in `\.kyn`;"):
        names(".")


def test_the_files_beside_one_are_those_of_its_folder() -> None:
    write("p/a.kyn", "p/inner/b.kyn", "p/.c.kyn", "p/notes.txt", "token")
    assert find_beside("p/a.kyn") == (os.path.join("p", "a.kyn"),)
    os.symlink("../token", "p/x.kyn")
    with pytest.raises(FilesError, match=r"^`p/x\.kyn` is a link that leads out of the folder `p`;"):
        find_beside("p/a.kyn")


def test_a_dangling_link_is_an_error_and_not_a_missing_forbid() -> None:
    write("p/a.kyn")
    os.symlink("nowhere.kyn", "p/b.kyn")
    (_, dangling) = find_files(["p"])
    with pytest.raises(FilesError, match=r"`p/b\.kyn` cannot be read"):
        read_source(dangling, Report())


def test_a_link_to_itself_is_an_error() -> None:
    os.mkdir("p")
    os.symlink("a.kyn", "p/a.kyn")
    (loop,) = find_files(["p"])
    with pytest.raises(FilesError, match="cannot be read"):
        read_source(loop, Report())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_a_folder_is_an_error_and_does_not_hang() -> None:
    os.mkdir("p")
    os.mkfifo("p/a.kyn")
    with pytest.raises(FilesError, match=r"`p/a\.kyn` is not a regular file"):
        find_files(["p"])


def test_a_folder_that_cannot_be_listed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    write("p/a.kyn", "p/secret/b.kyn")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(FilesError, match="`p/secret` cannot be read: Permission denied"):
        find_files(["p"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nope", "there is no file or folder `nope`"),
        ("empty", "the folder `empty` contains no `.kyn` files"),
        ("nul\0byte", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        ("file.kyn/inner", "cannot be read"),
    ],
)
def test_a_path_without_policies_is_an_error(path: str, message: str) -> None:
    os.mkdir("empty")
    write("file.kyn")
    with pytest.raises(FilesError) as error:
        find_files([path])
    assert message in str(error.value)


def test_libraries_are_no_part_of_the_program_around_them_unless_named() -> None:
    write("p/a.kyn", "p/lib/b.kyn")
    assert names("p", apart_from=("p/lib",)) == ["p/a.kyn"]
    assert names("p/lib", apart_from=("p/lib",)) == ["p/lib/b.kyn"]


def test_modules_are_named_after_their_place_in_a_library() -> None:
    write("lib/acme/base.kyn", "lib/acme.kyn", "lib/not-a-module.kyn", "lib/Acme/x.kyn", "other/b.kyn")
    assert sorted(find_modules(["lib", "other"])) == ["acme", "acme.base", "b"]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["nope"], "the library folder `nope` does not exist"),
        (["one", "two"], "`acme.base` is found twice: `one/acme/base.kyn` and `two/acme/base.kyn`"),
        (["three"], "`three/std/tenancy.kyn` takes the name `std.tenancy`"),
    ],
)
def test_unclear_libraries_are_errors(folders: list[str], message: str) -> None:
    write("one/acme/base.kyn", "two/acme/base.kyn", "three/std/tenancy.kyn")
    with pytest.raises(FilesError) as error:
        find_modules(folders)
    assert message in str(error.value)


# Reading


def read(content: bytes) -> tuple[str | None, list[tuple[str, int, int]]]:
    report = Report()
    source = source_of("a.kyn", content, report)
    found = [(d.code, d.span.first.line, d.span.first.column) for d in report.sorted()]
    return (source.text if source else None), found


def test_text_is_read_as_it_is() -> None:
    assert read("subject Ü\r\n".encode()) == ("subject Ü\r\n", [])
    assert read(b"") == ("", [])


def test_a_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbfsubject U") == ("subject U", [])


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"\xff", 1, 1),
        (b"subject U\n# caf\xe9", 2, 6),
        ("é\n".encode() + b"ab\x80", 2, 3),
        (b"abc\xe2\x82", 1, 4),
        (b"\xef\xbb\xbfab\xff", 1, 3),
    ],
)
def test_what_is_not_utf_8_is_a_diagnostic_with_its_place(content: bytes, line: int, column: int) -> None:
    assert read(content) == (None, [("KYN006", line, column)])


def test_a_file_is_not_read_when_it_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 8)
    write("p/a.kyn", text="123456789")
    write("p/b.kyn", text="12345678")
    report = Report()
    large, fine = (read_source(file, report) for file in find_files(["p"]))
    assert large is None
    assert fine is not None
    assert [d.code for d in report.sorted()] == ["KYN007"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_link_to_a_pipe_is_an_error_and_does_not_hang(request: pytest.FixtureRequest) -> None:
    os.mkdir("p")
    os.mkfifo("p/.pipe.kyn")
    # Whoever waits for it nevertheless finds it at its end after a while, so that this fails and the others run.
    ending = threading.Timer(5, lambda: os.close(os.open("p/.pipe.kyn", os.O_RDWR | os.O_NONBLOCK)))
    ending.start()
    request.addfinalizer(ending.cancel)
    os.symlink(".pipe.kyn", "p/a.kyn")
    (linked,) = find_files(["p"])
    with pytest.raises(FilesError, match=r"^`p/a\.kyn` cannot be read: is not a regular file$"):
        read_source(linked, Report())
    with pytest.raises(EntitiesError, match=r"^p/a\.kyn: cannot be read: is not a regular file$"):
        Entities.from_json("p/a.kyn")
    os.symlink(".", "p/folder")
    with pytest.raises(FilesError, match="Is a directory"):
        files.read_bytes("p/folder", 10)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no names for what is open here")
def test_a_pipe_that_is_named_itself_is_read() -> None:
    there, here = os.pipe()
    os.write(here, b"text")
    os.close(here)
    try:
        assert files.read_bytes(f"/dev/fd/{there}", 100) == b"text"
    finally:
        os.close(there)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no endless file here")
def test_an_endless_file_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.read_bytes("/dev/zero", 3_000_000) is None
