"""Path values: normalised texts whose containment goes by whole segments."""

from __future__ import annotations

import re
from typing import Final

from kynara_lang.semantics.problems import MAX_TEXT, ValueProblem, quoted, refuse_long
from kynara_lang.semantics.text import CONTROL, is_scalar_text

_DRIVE: Final = re.compile(r"[A-Za-z]:")


def read_path(text: str) -> str:
    """Read and normalise a path such as `/srv/data` or `src/main.py`.

    Nothing is looked up: links, `~` and the case of letters are the file system's matter.
    """
    refuse_long(text)
    if not text:
        raise ValueProblem("a path is empty", ".")
    _refuse_characters(text)
    absolute = text.startswith("/")
    segments: list[str] = []
    for segment in text.split("/"):
        if segment == "..":
            if not segments:
                start = "the root" if absolute else "its start"
                raise ValueProblem(f"{quoted(text)} climbs above {start}")
            segments.pop()
        elif segment not in ("", "."):
            segments.append(segment)
    path = "/".join(segments)
    if absolute:
        return "/" + path
    # On the result, because `./C:/x` is as much a path on a drive as `C:/x`.
    if _DRIVE.match(path):
        raise ValueProblem(f"{quoted(text)} starts with a drive letter, which paths cannot have")
    return path or "."


def _refuse_characters(text: str) -> None:
    """Raise a problem for characters that systems disagree about in paths."""
    if _DRIVE.match(text):
        raise ValueProblem(f"{quoted(text)} starts with a drive letter, which paths cannot have")
    control = CONTROL.search(text)
    if control:
        name = "a NUL character" if control.group() == "\0" else "a control character"
        raise ValueProblem(f"{quoted(text)} contains {name}")
    if "\\" in text:
        raise ValueProblem(f"{quoted(text)} contains a backslash instead of `/`", text.replace("\\", "/"))
    if not is_scalar_text(text):
        raise ValueProblem(f"{quoted(text)} contains a lone surrogate, which is not a character")


def path_within(path: str, directory: str) -> bool:
    """Tell whether a normalised path is the directory or lies under it, by whole segments."""
    if path == directory:
        return True
    if directory == ".":
        return not path.startswith("/")
    if directory == "/":
        return path.startswith("/")
    # Normalised paths hold no `..`, so a common start in whole segments is containment.
    return path.startswith(directory + "/")


def enclosing_paths(path: str, longest: int = MAX_TEXT) -> list[str]:
    """Return every directory that a normalised path is within, itself included: all for which `path_within` holds.

    Those longer than `longest` are left out: who compares with a few short ones must not make thousands of long ones.
    """
    root = "/" if path.startswith("/") else "."
    found = [root]
    if path == root:
        return found
    end = len(path) if len(path) <= longest else path.rfind("/", 0, longest + 1)
    while end > 0:
        found.append(path[:end])
        end = path.rfind("/", 0, end)
    return found


def path_name(path: str) -> str:
    """Return the last segment of a normalised path; the root and `.` have none."""
    return "" if path == "." else path.rpartition("/")[2]


def path_suffix(path: str) -> str:
    """Return the last suffix of the last segment with its dot, such as `.py`, or an empty text.

    Dots at the start of a name do not begin a suffix (`.bashrc` has none), nor does a dot at its end.
    """
    stem, dot, suffix = path_name(path).rpartition(".")
    return dot + suffix if suffix and stem.strip(".") else ""
