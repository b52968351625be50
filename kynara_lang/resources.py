"""Finds the grammar and the standard library that ship with the package.

In a wheel both lie inside the package, under `_shipped/`. In a checkout, and in an editable install that
points to one, they lie beside the package, where readers look for them. Nothing is cached and nothing is
found by import, so that the answer depends on the files alone.
"""

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_SEGMENT = re.compile(r"[a-z_][A-Za-z0-9_]*")
_SUFFIX = ".kyn"


def grammar_text() -> str:
    """Return the text of `grammar/kynara.lark`.

    Raises FileNotFoundError if the installation lacks it.
    """
    return (_shipped_folder("grammar") / "kynara.lark").read_text(encoding="utf-8")


def library_source(module: str) -> tuple[str, str] | None:
    """Return the display name and the text of a library module, or None if there is no such module.

    `std.tenancy` gives `("std/tenancy.kyn", "…")`. The name is looked up among the modules that exist, never
    turned into a path, so it cannot lead out of the library, nor match in another case on a file system that
    ignores case.
    """
    folder = _shipped_folder("stdlib_policies")
    path = _modules_in(folder).get(module)
    if path is None:
        return None
    return path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def library_modules() -> list[str]:
    """Return the dotted names of all library modules, sorted."""
    return sorted(_modules_in(_shipped_folder("stdlib_policies")))


def _shipped_folder(name: str) -> Path:
    """Return the shipped folder of that name: the wheel's if there is one, else the checkout's."""
    candidates = (_PACKAGE / "_shipped" / name, _PACKAGE.parent / name)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation of kynara-lang is incomplete: no folder `{candidates[0]}`")


def _modules_in(folder: Path) -> dict[str, Path]:
    """Map each module name to its file, leaving out files whose names are not module names."""
    modules: dict[str, Path] = {}
    for path in folder.rglob(f"*{_SUFFIX}"):
        segments = path.relative_to(folder).with_suffix("").parts
        if path.is_file() and all(_SEGMENT.fullmatch(segment) for segment in segments):
            modules[".".join(segments)] = path
    return modules
