"""From PATH to a program: what every command that works on policies begins with."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click
from attrs import frozen

from ..checker.settings import LintSettings
from ..collecting import undisturbed
from ..configuration import Configuration, ConfigurationError, find_configuration
from ..diagnostics.diagnostic import Severity
from ..files import MAX_BYTES, FilesError, PolicyFile, find_files, read_bounded
from ..inputs import read_inputs
from ..proofs import ProofWish
from ..report import Report
from .options import STDIN, Stop, read_input, standard_input
from .output import busy, chatter, counted, say
from .reports import print_full, summary

if TYPE_CHECKING:
    from ..caching.keeper import Keeper
    from ..pipeline import Checked
    from ..runtime.entities import Entities
    from ..runtime.policyset import PolicySet

UNNAMED: Final = "<stdin>"
"""What standard input is called if nobody names it."""


@frozen
class Given:
    """What a command line gives to be checked: files, what standard input holds in place of one, and library folders.

    `unsaved` is the name and the content of standard input; the content is None if it was too large to be read. `help`
    is what to say below an error about paths.
    """

    files: tuple[PolicyFile, ...]
    libraries: tuple[str, ...]
    unsaved: tuple[str, bytes | None] | None = None
    help: str | None = None


def configuration(*, options_later: bool = False) -> Configuration:
    """Return the configuration of the working folder; `options_later` leaves the options of lints unchecked."""
    try:
        return find_configuration(os.curdir, options_later=options_later)
    except ConfigurationError as error:
        raise Stop(str(error)) from None


def keeper_of_user(*, asked: bool = False) -> Keeper:
    """Return what keeps things between runs; where the cache cannot be trusted, say so and do without.

    Where there can be none, that is only said to who `asked` for one.
    """
    from ..caching.folder import CacheError
    from ..caching.keeper import Keeper, open_keeper

    try:
        keeper = open_keeper()
        if asked and keeper.cache is None:
            say("note: no cache is used: its folder cannot be made or read")
        return keeper
    except CacheError as error:
        from ..diagnostics.excerpt import visible

        say(visible(f"note: no cache is used: {error}"))
        return Keeper()


def find_policies(
    ctx: click.Context, paths: Sequence[str], settings: Configuration, *, stdin_filename: str | None = None
) -> Given:
    """Find the program in some paths, or in those of the configuration.

    The path `-` is standard input, which stands in for the file `stdin_filename` if a path leads to that, too.
    """
    if stdin_filename is not None and STDIN not in paths:
        raise click.UsageError(f"--stdin-filename needs '{STDIN}' as one PATH.", ctx)
    named = [path for path in paths or _configured(ctx, settings) if path != STDIN]
    unsaved = None
    if STDIN in paths:
        unsaved = (stdin_filename or UNNAMED, read_bounded(standard_input(ctx, "the policy"), MAX_BYTES))
    help = None if paths or settings.file is None else f"the configuration is {settings.file}"
    try:
        return Given(find_files(named, apart_from=settings.libraries), settings.libraries, unsaved, help)
    except FilesError as error:
        raise Stop(str(error), help) from None


def check_given(
    ctx: click.Context,
    given: Given,
    *,
    lints: LintSettings | None = None,
    texts: Mapping[str, str] | None = None,
    keeper: Keeper | None = None,
) -> Checked:
    """Check what was given; `lints` says which lints look at it, `texts` what some files would say instead.

    With `keeper`, the trees that it knows are not made again.
    """
    from ..program import check_files  # only here: a report that is kept needs none of it
    from ..syntax import parser

    read = parser.read if keeper is None else keeper.read
    try:
        with busy(ctx, _checking(given)), undisturbed():
            return check_files(given.files, given.libraries, unsaved=given.unsaved, lints=lints, texts=texts, read=read)
    except FilesError as error:
        raise Stop(str(error), given.help) from None


def report_on(
    ctx: click.Context, given: Given, lints: LintSettings, wish: ProofWish, keeper: Keeper, jobs: int | None
) -> Report:
    """Check what was given with some lints; what `keeper` knows already is not worked out again.

    At most `jobs` processes parse files. The options of the lints may be unchecked: what is known was found with good
    ones.
    """
    try:
        with busy(ctx, _checking(given), total=len(given.files)) as one_more:
            inputs = read_inputs(given.files, given.libraries, unsaved=given.unsaved)
            known = keeper.find(inputs, lints, wish)
            if known is None and lints.options:
                configuration()
            with undisturbed():
                return known or keeper.check(inputs, lints, wish, each=one_more, jobs=jobs)
    except FilesError as error:
        raise Stop(str(error), given.help) from None


def _checking(given: Given) -> str:
    return f"checking {counted(len(given.files), 'file')}"


def load_policies(
    ctx: click.Context, paths: Sequence[str], entities: str | None = None, *, cache: bool = False
) -> PolicySet:
    """Compile the program in some paths; if it has errors, show them on standard error and leave with 2.

    With `cache`, a program that was compiled before may come from the cache of the user.
    """
    from ..program import compile_inputs  # only here: a report that is kept needs none of it

    given = find_policies(ctx, paths, configuration())
    keeper = keeper_of_user(asked=True) if cache else None
    try:
        with busy(ctx, "compiling"):
            inputs = read_inputs(given.files, given.libraries, unsaved=given.unsaved)
            checked = compile_inputs(inputs, keeper, jobs=None)
    except FilesError as error:
        raise Stop(str(error), given.help) from None
    return _ready(ctx, checked, entities)


def load_whole(ctx: click.Context, paths: Sequence[str]) -> PolicySet:
    """Compile as `load_policies` does, and keep everything of the program: trees of rules, tests, comments."""
    return _ready(ctx, check_given(ctx, find_policies(ctx, paths, configuration())), None)


def _ready(ctx: click.Context, checked: Checked, entities: str | None) -> PolicySet:
    from ..program import report_of

    if checked.has_errors:
        console = chatter(ctx)
        print_full(console, [d for d in checked.diagnostics if d.severity is Severity.ERROR])
        console.print(f"{summary(report_of(checked))}; a policy with errors decides nothing", soft_wrap=True)
        ctx.exit(2)
    from ..runtime.entities import EntitiesError  # only here: checking needs no runtime
    from ..runtime.policyset import PolicySet

    try:
        return PolicySet(checked.program, _entities(ctx, entities) if entities is not None else None)
    except EntitiesError as error:
        raise Stop(str(error)) from None


def _configured(ctx: click.Context, settings: Configuration) -> tuple[str, ...]:
    """Return the paths of the configuration, or say how to give some."""
    if settings.policies:
        return settings.policies
    if settings.file is None:
        why = "there is no kynara.toml here or above, nor [tool.kynara] in a pyproject.toml"
    else:
        why = f"{settings.file} does not say where policies are"
    message = f'Give a PATH: {why}.\nWith `policies = "policies/"` in kynara.toml, PATH can be left out.'
    raise click.UsageError(message, ctx)


def _entities(ctx: click.Context, path: str) -> Entities:
    from ..runtime.entities import Entities
    from ..runtime.store import MAX_STORE_BYTES

    if path != STDIN:
        return Entities.from_json(path)
    content = read_input(ctx, path, "the entities", MAX_STORE_BYTES)
    try:
        return Entities.from_text(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Stop("the entities are not UTF-8 text") from None
