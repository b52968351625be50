"""`--select`, `--ignore`, `--extend-select` and `--show-settings` of `kynara check`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import click
from attrs import frozen

from ..checker.settings import LintSettings, code_problem
from ..configuration import Configuration, ignored_problem
from ..diagnostics.codes import CODES

_Command = TypeVar("_Command", bound=Callable[..., Any])
_COLUMN: Final = 36


@frozen
class Selection:
    """What the command line asks for; it counts more than the configuration."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()

    def applied(self, settings: LintSettings) -> LintSettings:
        """Return the settings of the configuration as this changes them."""
        return settings.asked(select=self.select, ignore=self.ignore, extend_select=self.extend_select)


def selection_options(command: _Command) -> _Command:
    """Add the options that select lints to a command, which gets them together as `selection`."""

    def collect(ctx: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> None:
        codes = tuple(code.strip() for text in texts for code in text.split(",") if code.strip())
        problems = []
        for code in codes:
            if problem := code_problem(code):
                problems.append(problem)
            elif parameter.name == "ignore" and (problem := ignored_problem(code)):
                problems.append(f"it {problem}")
        if problems:
            raise click.BadParameter("\n".join(problems), ctx, parameter)
        ctx.params["selection"] = _with(ctx.params.get("selection", Selection()), str(parameter.name), codes)

    for name, words in (
        ("--extend-select", "Also run these, such as lints that are quiet by default."),
        ("--ignore", "Do not run lints with these codes or prefixes."),
        ("--select", "Run only lints with these codes or prefixes (`KYN302`, `KYN3`), whatever is configured."),
    ):
        command = click.option(
            name,
            metavar="CODES",
            multiple=True,
            expose_value=False,
            callback=collect,
            help=f"{words} Separated by commas, or repeated.",
        )(command)
    return command


def _with(selection: Selection, name: str, codes: tuple[str, ...]) -> Selection:
    match name:
        case "select":
            return Selection(codes, selection.ignore, selection.extend_select)
        case "ignore":
            return Selection(selection.select, codes, selection.extend_select)
    return Selection(selection.select, selection.ignore, codes)


def settings_text(configuration: Configuration, selection: Selection) -> str:
    """Return all settings with what each comes from, as the text of a configuration."""
    return "".join(f"{line}\n" for line in _settings(configuration, selection))


def _settings(configuration: Configuration, selection: Selection) -> Iterator[str]:
    lints = selection.applied(configuration.lints)

    def origin(key: str) -> str:
        sources = [configuration.file] if configuration.file and key in configuration.given else []
        if selection.select and key in ("select", "ignore", "extend-select"):
            sources = ["--select"] if key == "select" else []
        if (key == "ignore" and selection.ignore) or (key == "extend-select" and selection.extend_select):
            sources.append(f"--{key}")
        return ", ".join(sources) or "default"

    lists = {
        "policies": configuration.policies,
        "libraries": configuration.libraries,
        "select": lints.select,
        "extend-select": lints.extend_select,
        "ignore": lints.ignore,
    }
    for key, values in lists.items():
        yield _line(f"{key} = {_value(values)}", origin(key))
    if configuration.baseline is None:
        yield "# there is no baseline"
    else:
        yield _line(f"baseline = {_value(configuration.baseline)}", origin("baseline"))
    ignores = {entry.glob: entry.codes for entry in lints.per_file_ignores}
    yield from _section("per-file-ignores", ignores, origin("per-file-ignores"))
    yield from _section("severity", lints.severities, origin("severity"))
    yield from _options(lints, configuration.file or "")
    yield ""
    yield "# The lints that run:"
    yield from (f"#   {code} {CODES[code].name}" for code in _running(lints))


def _section(name: str, values: Mapping[str, Any], origin: str) -> Iterator[str]:
    if values:
        yield ""
        yield _line(f"[{name}]", origin)
        yield from (f"{_key(key)} = {_value(value)}" for key, value in values.items())


def _options(lints: LintSettings, file: str) -> Iterator[str]:
    from ..checker.linter import lint_of  # only here: lints are many

    for code in _running(lints):
        options = lint_of(code).options
        if not options:
            continue
        yield ""
        yield f"[options.{code}]"
        given = lints.options.get(code, {})
        for option in options:
            value = given.get(option.name, option.default)
            yield _line(f"{_key(option.name)} = {_value(value)}", file if option.name in given else "default")


def _running(lints: LintSettings) -> Iterable[str]:
    from ..checker.linter import running_codes

    return running_codes(lints)


def _line(setting: str, origin: str) -> str:
    return f"{setting:<{_COLUMN}}  # {origin}"


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
    return name if plain else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)
