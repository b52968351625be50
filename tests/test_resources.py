"""The shipped grammar and standard library are found, and nothing outside them is."""

import os
from pathlib import Path

import pytest

from kynara_lang import resources
from kynara_lang.resources import grammar_text, library_modules, library_source


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty package folder in an empty checkout, which `resources` takes for its own."""
    folder = tmp_path / "checkout" / "kynara_lang"
    folder.mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", folder)
    return folder


def ship(root: Path, **texts: str) -> None:
    """Lay out a grammar and a library under `root`, each text marked with where it lies."""
    for name, text in {
        "grammar/kynara.lark": "start:",
        "stdlib_policies/std/tenancy.kyn": "module",
        **texts,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text} {root.name}", encoding="utf-8")


def test_this_checkout_is_complete_where_it_exists() -> None:
    if (resources._PACKAGE.parent / "grammar" / "kynara.lark").exists():
        assert grammar_text().strip()
    if (resources._PACKAGE.parent / "stdlib_policies").exists():
        for module in library_modules():
            found = library_source(module)
            assert found is not None
            assert found[0] == module.replace(".", "/") + ".kyn"


def test_a_checkout_is_found(package: Path) -> None:
    ship(package.parent)
    assert grammar_text() == "start: checkout"
    assert library_modules() == ["std.tenancy"]
    assert library_source("std.tenancy") == ("std/tenancy.kyn", "module checkout")


def test_a_wheel_is_found_and_wins_over_strangers_beside_it(package: Path) -> None:
    ship(package.parent)
    ship(package / "_shipped")
    assert grammar_text() == "start: _shipped"
    assert library_source("std.tenancy") == ("std/tenancy.kyn", "module _shipped")


def test_modules_are_sorted_and_other_files_left_out(package: Path) -> None:
    library = package.parent / "stdlib_policies" / "std"
    (library / "deep").mkdir(parents=True)
    (library / "Upper").mkdir()
    (library / "folder.kyn").mkdir()
    for name in [
        "b.kyn",
        "a.kyn",
        "deep/_c1.kyn",
        "Upper/d.kyn",
        "not-a-name.kyn",
        "two.dots.kyn",
        "README.md",
    ]:
        (library / name).write_text(name, encoding="utf-8")
    assert library_modules() == ["std.a", "std.b", "std.deep._c1"]
    assert library_source("std.deep._c1") == ("std/deep/_c1.kyn", "deep/_c1.kyn")


@pytest.mark.parametrize(
    "module",
    [
        "",
        ".",
        "..",
        "std",
        "std.",
        ".std.tenancy",
        "std..tenancy",
        "std.Tenancy",
        "STD.tenancy",
        "std/tenancy",
    ]
    + [
        "std.tenancy.kyn",
        "std.tenancy\n",
        "std\\tenancy",
        "..secret",
        "../secret",
        "std.../secret",
        "/etc/passwd",
    ]
    + ["std.\0", "std.ténancy", "secret", "std.secret"],
)
def test_other_names_find_nothing(package: Path, module: str) -> None:
    ship(package.parent)
    (package.parent / "secret.kyn").write_text("secret", encoding="utf-8")
    assert library_source(module) is None


def test_an_incomplete_installation_is_said_so(package: Path) -> None:
    for find in (grammar_text, library_modules, lambda: library_source("std.tenancy")):
        with pytest.raises(FileNotFoundError, match="installation of kynara-lang is incomplete"):
            find()


def test_the_working_folder_does_not_matter(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(package.parent)
    elsewhere = tmp_path / "elsewhere"
    ship(elsewhere)
    monkeypatch.chdir(elsewhere)
    assert os.getcwd() == str(elsewhere)
    assert grammar_text() == "start: checkout"
