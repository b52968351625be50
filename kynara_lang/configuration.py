"""The configuration: `kynara.toml`, or `[tool.kynara]` of `pyproject.toml`, found, read and checked.

Every key is checked, and all that is wrong is told at once: a setting that is misspelled and passed over would be one
that its author relies on. Paths in it are relative to the folder it lies in.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from .checker.settings import FileIgnores, LintSettings, beyond_settings, code_problem, glob_problem
from .diagnostics.codes import CODES
from .diagnostics.diagnostic import Severity
from .diagnostics.suggest import near
from .files import BOM, SUFFIX, FilesError, read_bytes, shown_name
from .semantics.problems import quoted

MAX_CONFIGURATION_BYTES: Final = 1024 * 1024

_BEYOND: Final = 2**63  # TOML has whole numbers of 64 bits
_TOO_LARGE: Final = "it has a whole number beyond 64 bits; write a smaller one"
_MAX_PARTS: Final = 100
_LONG_KEY: Final = re.compile(rb"""(?<![\w-])(?:(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)[ \t]*\.[ \t]*){%d}""" % _MAX_PARTS)


class ConfigurationError(ValueError):
    """A configuration cannot be used; the message names the file and has a line for each problem."""


@frozen
class Configuration:
    """What a project says of itself: `kynara.toml`, or `[tool.kynara]` of `pyproject.toml`.

    Paths are as seen from the working folder. `file` is None when there is no configuration; `given` are the keys that
    stand in it.
    """

    file: str | None = None
    policies: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    lints: LintSettings = field(factory=LintSettings)
    baseline: str | None = None
    given: frozenset[str] = frozenset()


def find_configuration(start: str | os.PathLike[str], *, options_later: bool = False) -> Configuration:
    """Return the configuration nearest to a folder: its own, else that of the folders it lies in, upwards.

    In one folder `kynara.toml` counts more than `pyproject.toml`, which counts only if it has `[tool.kynara]`. Raises
    `ConfigurationError` for one that cannot be used. With `options_later` the options of lints are taken as they are:
    only the lints know which they have, and loading these takes time.
    """
    first = Path(os.path.abspath(start))
    for folder in (first, *first.parents):
        own = folder / "kynara.toml"
        if own.is_file():
            return _configuration(own, _parsed(own, _read(own)), options_later)
        shared = folder / "pyproject.toml"
        if shared.is_file():
            content = _read(shared)
            if b"kynara" not in content:  # then what is wrong with it is none of our business
                continue
            tools = _parsed(shared, content).get("tool")
            if isinstance(tools, dict) and "kynara" in tools:
                return _configuration(shared, tools["kynara"], options_later)
    return Configuration()


def _read(file: Path) -> bytes:
    try:
        content = read_bytes(str(file), MAX_CONFIGURATION_BYTES)
    except FilesError as error:
        raise ConfigurationError(str(error)) from None
    if content is None:
        raise _misconfigured(file, [f"it is larger than {MAX_CONFIGURATION_BYTES // 2**20} MiB"])
    return content


def _parsed(file: Path, content: bytes) -> dict[str, Any]:
    """Read TOML, or say readably what is wrong with it."""
    chain = _LONG_KEY.search(content)
    if chain is not None:  # tomllib takes time by the square of its length, and tables nested so deep end the process
        line = content.count(b"\n", 0, chain.start()) + 1
        raise _misconfigured(file, [f"line {line}: a key has more than {_MAX_PARTS} parts"])
    try:
        return tomllib.loads(content.removeprefix(BOM).decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _misconfigured(file, [f"line {line}: it is not UTF-8 text"]) from None
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        where = f"{place.removesuffix(')')}: " if place else ""
        raise _misconfigured(file, [f"{where}this is not valid TOML: {reason[:1].lower()}{reason[1:]}"]) from None
    except ValueError:  # all else that is wrong with a text: Python does not even read numbers of so many digits
        digits = re.compile(rb"[0-9_]{%d}" % sys.get_int_max_str_digits())
        line = next((n for n, text in enumerate(content.split(b"\n"), start=1) if digits.search(text)), 1)
        raise _misconfigured(file, [f"line {line}: this is not valid TOML: {_TOO_LARGE}"]) from None
    except RecursionError:
        raise _misconfigured(file, ["it is nested too deeply"]) from None


def _configuration(file: Path, table: object, options_later: bool) -> Configuration:
    """Read the table of a configuration; complain of everything that is wrong with it at once."""
    if not isinstance(table, Mapping):
        raise _misconfigured(file, [f"`tool.kynara` must be a table, not {_word(table)}"])
    reader = _Reader(file.parent, options_later)
    values: dict[str, Any] = {}
    for key, value in table.items():
        read = _KEYS.get(key)
        if read is None:
            reader.problems.append(f"there is no key {quoted(key)}; {_better(key, _KEYS)}")
        else:
            values[key] = read(reader, f"`{key}`", value)
    if reader.problems:
        raise _misconfigured(file, reader.problems)
    baseline = values.get("baseline", ())
    return Configuration(
        shown_name(str(file)),
        values.get("policies", ()),
        values.get("libraries", ()),
        LintSettings(
            select=values.get("select", LintSettings().select),
            extend_select=values.get("extend-select", ()),
            ignore=values.get("ignore", ()),
            severities=values.get("severity", {}),
            options=values.get("options", {}),
            per_file_ignores=values.get("per-file-ignores", ()),
            root=file.parent.as_posix(),
            working=Path.cwd().as_posix(),
        ),
        baseline[0] if baseline else None,
        frozenset(values),
    )


@define
class _Reader:
    """Reads the values of one configuration, and collects what is wrong with them; `key` is what messages call it."""

    folder: Path
    options_later: bool = False
    problems: list[str] = field(factory=list)

    def wrong(self, key: str, complaint: str) -> None:
        """Note what is wrong with a value."""
        self.problems.append(f"{key} {complaint}")

    def policies(self, key: str, value: object) -> tuple[str, ...]:
        """Read a path or several."""
        if isinstance(value, str):
            value = [value]
        elif not isinstance(value, list) or not value:
            self.wrong(key, f"must be a path or a list of paths, not {_word(value)}")
            return ()
        paths = self.paths(key, value)
        for path in paths:
            if os.path.isfile(path) and not os.path.realpath(path).endswith(SUFFIX):
                why = "a configuration is proposed together with policies, and a check shows what it reads"
                self.wrong(key, f"names {quoted(path)}, which is no `{SUFFIX}` file and is not read: {why}")
        return paths

    def path(self, key: str, value: object) -> tuple[str, ...]:
        """Read one path."""
        if isinstance(value, str):
            return self.paths(key, [value])
        self.wrong(key, f"must be a path, not {_word(value)}")
        return ()

    def paths(self, key: str, value: object) -> tuple[str, ...]:
        """Read a list of paths."""
        if not isinstance(value, list):
            self.wrong(key, f"must be a list of paths, not {_word(value)}")
            return ()
        for item in value:
            if not isinstance(item, str) or not item or "\0" in item:
                self.wrong(key, f"must hold paths, not {_word(item)}")
                return ()
        paths = tuple(_from_here(self.folder, path) for path in value)
        for path in paths:
            if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
                kind = "neither a file nor a folder: reading it could take for ever"
                self.wrong(key, f"names {quoted(path)}, which is {kind}")
        return paths

    def codes(self, key: str, value: object) -> tuple[str, ...]:
        """Read a list of codes and prefixes."""
        if not isinstance(value, list):
            self.wrong(key, f"must be a list of codes, not {_word(value)}")
            return ()
        fine = []
        for item in value:
            if not isinstance(item, str) or not item:
                self.wrong(key, f"must hold codes, not {_word(item)}")
            elif problem := code_problem(item):
                self.wrong(key, f"must hold codes: {problem}")
            else:
                fine.append(item)
        return tuple(fine)

    def ignored(self, key: str, value: object) -> tuple[str, ...]:
        """Read a list of codes that can be ignored."""
        codes = self.codes(key, value)
        for code in codes:
            if problem := ignored_problem(code):
                self.wrong(key, problem)
        return codes

    def ignores(self, key: str, value: object) -> tuple[FileIgnores, ...]:
        """Read what is ignored in some files."""
        found = []
        for glob, codes in self._table(key, value, "a table from globs to lists of codes"):
            if problem := glob_problem(glob):
                self.wrong(f"{key}: the glob {quoted(glob)}", problem)
            found.append(FileIgnores(glob, self.ignored(f"{key} of {quoted(glob)}", codes)))
        return tuple(found)

    def severities(self, key: str, value: object) -> dict[str, Severity]:
        """Read the severities of some codes."""
        found = {}
        words = [severity.value for severity in Severity]
        for code, word in self._table(key, value, "a table from codes to severities"):
            if problem := code_problem(code):
                self.wrong(key, f"must hold codes: {problem}")
            elif beyond_settings(code):
                self.wrong(key, f"names `{code}`, which is a mistake in the language and stays an error")
            elif word not in words:
                choice = ", ".join(f"`{w}`" for w in words[:-1]) + f" or `{words[-1]}`"
                self.wrong(f"{key} of `{code}`", f"must be {choice}, not {_word(word)}")
            else:
                found[code] = Severity(str(word))
        return found

    def options(self, key: str, value: object) -> dict[str, dict[str, Any]]:
        """Read the options of some lints."""
        found: dict[str, dict[str, Any]] = {}
        for code, table in self._table(key, value, "a table from codes to tables of options"):
            if _has_large_number(table):
                self.wrong(f"{key} of {quoted(code)}", f"cannot be used: {_TOO_LARGE}")
                continue
            if problem := code_problem(code):
                self.wrong(key, f"must hold codes: {problem}")
            elif code not in CODES:
                self.wrong(key, f"are of one lint each; `{code}` stands for several")
            else:
                found[code] = self._options_of(code, f"{key} of `{code}`", table)
        return found

    def _options_of(self, code: str, key: str, table: object) -> dict[str, Any]:
        if self.options_later and isinstance(table, Mapping):
            return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
        from .checker.linter import lint_codes, lint_of  # only here: lints are many

        known = {option.name: option for option in lint_of(code).options} if code in lint_codes() else {}
        if not known:
            self.wrong(key, "cannot be set, because it has none")
            return {}
        found: dict[str, Any] = {}
        for name, value in self._table(key, table, "a table of options"):
            if name not in known:
                self.wrong(key, f"know no {quoted(name)}; {_better(name, known)}")
                continue
            default = known[name].default
            read, what = _option(value, default)
            problem = f"must be {what}, not {_word(value)}" if read is None else known[name].problem(read)
            if problem:
                self.wrong(f"{key}: `{name}`", problem)
            found[name] = read
        return found

    def _table(self, key: str, value: object, what: str) -> Iterable[tuple[str, object]]:
        if isinstance(value, Mapping):
            return value.items()
        self.wrong(key, f"must be {what}, not {_word(value)}")
        return ()


_KEYS: Final[Mapping[str, Callable[[_Reader, str, object], Any]]] = {
    "policies": _Reader.policies,
    "libraries": _Reader.paths,
    "select": _Reader.codes,
    "extend-select": _Reader.codes,
    "ignore": _Reader.ignored,
    "per-file-ignores": _Reader.ignores,
    "severity": _Reader.severities,
    "options": _Reader.options,
    "baseline": _Reader.path,
}


def ignored_problem(code: str) -> str | None:
    """Say why a code cannot be ignored, if that is so; the words follow the name of the setting."""
    if not beyond_settings(code):
        return None
    return f"names `{code}`: what the language itself demands cannot be ignored"


def _option(value: object, default: object) -> tuple[str | int | tuple[str, ...] | None, str]:
    """Return a value of an option if it has the type of the default, and what that type is called."""
    match default, value:
        case str(), str():
            return value, "a text"
        case int(), int() if not isinstance(value, bool):
            return value, "a whole number"
        case tuple(), list() if all(isinstance(item, str) for item in value):
            return tuple(value), "a list of texts"
    return None, {str: "a text", int: "a whole number"}.get(type(default), "a list of texts")


def _better(key: str, known: Iterable[str]) -> str:
    guess = near(key, known) or near(key.replace("_", "-"), known)
    return f"did you mean `{guess}`?" if guess else f"known are {', '.join(f'`{k}`' for k in known)}"


def _word(value: object) -> str:
    """Say what a TOML value is."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int() if _is_large(value):  # Python does not even write one of so many digits
            return "a whole number beyond 64 bits"
        case int() | float():
            return f"the number `{value}`"
        case str():
            return f"the text {quoted(value)}" if value else "an empty text"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a table"
    return "a time"


def _has_large_number(value: object) -> bool:
    """Whether a number beyond those of TOML is anywhere in a value, however deep it is nested."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as table:
                waiting += table.values()
            case list() as items:
                waiting += items
            case int() as number if _is_large(number):
                return True
    return False


def _is_large(number: int) -> bool:
    return not -_BEYOND <= number < _BEYOND


def _from_here(folder: Path, path: str) -> str:
    """Return a path that a configuration in a folder names as it is seen from the working folder."""
    if os.path.isabs(path):
        return path
    joined = os.path.join(folder, path)
    try:
        found = os.path.relpath(joined)
    except ValueError:  # on another drive
        return joined
    return os.path.join(os.curdir, found) if found == "-" else found  # commands take `-` for standard input


def _misconfigured(file: Path, problems: Iterable[str]) -> ConfigurationError:
    return ConfigurationError("\n".join(f"{shown_name(str(file))}: {problem}" for problem in problems))
