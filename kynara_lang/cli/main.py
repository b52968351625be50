"""The command `kynara`: finds the command that is asked for, and lets no traceback out.

Commands are loaded when they are used: `kynara --help` shows a table and imports none of them.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TextIO

import click

from .. import __version__
from ..diagnostics.suggest import near
from .options import color_option

FINE: Final = 0
USAGE: Final = 2
INTERRUPTED: Final = 130  # what a shell reports for SIGINT
NOBODY_READS: Final = 141  # and for SIGPIPE


class Entry(NamedTuple):
    """A command that is not loaded yet: where it is (`module:attribute`), what it does, and one example."""

    target: str
    summary: str
    example: str


COMMANDS: Final[dict[str, Entry]] = {
    "audit": Entry(
        "kynara_lang.cli.audit:audit",
        "Read, verify, prove and export the log of what was decided.",
        "kynara audit verify audit/ --key audit.pub --checkpoint held.checkpoint",
    ),
    "approvals": Entry(
        "kynara_lang.cli.approvals:approvals",
        "Show the calls that wait for an approval, and approve or reject them.",
        "kynara approvals list --store approvals.db",
    ),
    "check": Entry(
        "kynara_lang.cli.check:check",
        "Check policies and show everything that is wrong with them.",
        "kynara check policies/",
    ),
    "clean": Entry(
        "kynara_lang.cli.clean:clean",
        "Empty the cache of checks and compiled programs.",
        "kynara clean",
    ),
    "decide": Entry(
        "kynara_lang.cli.decide:decide",
        "Decide requests, one a line.",
        "kynara decide policies/ --requests requests.jsonl",
    ),
    "diff": Entry(
        "kynara_lang.cli.diff:diff",
        "Show who may do more and who less between two versions of policies.",
        "kynara diff HEAD~1:policies policies",
    ),
    "escalation": Entry(
        "kynara_lang.cli.escalation:escalation",
        "Show who may change authority, and how anybody comes to more than was permitted.",
        "kynara escalation policies/",
    ),
    "explain": Entry(
        "kynara_lang.cli.explain:explain",
        "Say why a request is decided as it is.",
        "kynara explain policies/ --subject User::alice --action read --resource Order::o-1",
    ),
    "fmt": Entry(
        "kynara_lang.cli.fmt:fmt",
        "Write policies in their canonical layout.",
        "kynara fmt policies/",
    ),
    "import": Entry(
        "kynara_lang.cli.imports:imports",
        "Translate policies of another language: Cedar.",
        "kynara import cedar policies.cedar --schema app.cedarschema -o policies/",
    ),
    "init": Entry(
        "kynara_lang.cli.init:init",
        "Write a project to start from: a policy with tests, settings and a README.",
        "kynara init my-policies",
    ),
    "inspect": Entry(
        "kynara_lang.cli.inspect:inspect",
        "Show what a decision costs at worst, and which rules are looked at for every request.",
        "kynara inspect policies/",
    ),
    "rule": Entry(
        "kynara_lang.cli.rule:rule",
        "Show what a lint or an error is about, and how to cure it.",
        "kynara rule KYN301",
    ),
    "std": Entry(
        "kynara_lang.cli.std:std",
        "Show the modules of the standard library, and what they declare.",
        "kynara std tenancy",
    ),
    "test": Entry(
        "kynara_lang.cli.test:test",
        "Run the tests of policies, and say what they leave untried.",
        "kynara test policies/ --coverage",
    ),
    "what-can": Entry(
        "kynara_lang.cli.who_can:what_can",
        "Say what a subject can do, and under which conditions.",
        "kynara what-can Agent",
    ),
    "who-can": Entry(
        "kynara_lang.cli.who_can:who_can",
        "Say who can perform an action on a resource, and under which conditions.",
        "kynara who-can refund Order",
    ),
}


class LazyGroup(click.Group):
    """A group that loads a command when it is used, and is the door where every exception ends."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command, or return None if there is no such command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; for a name that does not exist, say which one is near."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            guess = near(name, COMMANDS)
            better = f" Did you mean '{guess}'?" if guess else ""
            raise click.UsageError(f"There is no command '{name}'.{better}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show what each command does, and one example of each."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])
        with formatter.section("Examples"):
            for entry in COMMANDS.values():
                formatter.write_text(f"\b\n{entry.example}")

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command line and leave with its exit code, whatever happens."""
        try:
            code = self._run(*args, **kwargs)
        except (BrokenPipeError, SystemExit):  # click turns the first into the second, and nothing else
            _silence()
            code = NOBODY_READS
        sys.exit(code)

    def _run(self, *args: Any, **kwargs: Any) -> int:
        _prepare_streams()
        try:
            code = super().main(*args, **kwargs | {"standalone_mode": False})
            sys.stdout.flush()
            return code if isinstance(code, int) else FINE
        except click.ClickException as error:
            error.show()
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except BrokenPipeError:
            raise
        except OSError as error:
            _say(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        except Exception as error:
            what = f": {error}" if str(error) else ""
            _say(f"internal error{_place(error)}: {type(error).__name__}{what}")
            _say("this is a bug in kynara, not in your policy; please report it with the line above")
        return USAGE


def _prepare_streams() -> None:
    """See to it that nothing that is printed can fail for its characters, or because a stream is closed."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open until the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _say(message: str) -> None:
    """Print one line on standard error, whatever characters the message has."""
    from ..diagnostics.excerpt import visible

    click.echo(visible(" ".join(message.split())), err=True)


def _place(error: BaseException) -> str:
    """Say where an exception comes from, without the stack that led there."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = Path(trace.tb_frame.f_code.co_filename)
    return f" at {file.parent.name}/{file.name}:{trace.tb_lineno}"


def _silence() -> None:
    """Lead the standard streams nowhere, so that the interpreter does not fail to flush them when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):  # a stream without a file needs no flush that could fail
            continue


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 fine, 1 a finding, 2 usage or internal error.",
)
@click.version_option(__version__, prog_name="kynara", message="%(prog)s %(version)s")
@color_option
def cli() -> None:
    """Kynara: policies for what AI agents may do, checked and explained.

    Where a command takes PATH, it is a policy file or a folder with policies; without one, `policies` of
    `kynara.toml`, or of `[tool.kynara]` in `pyproject.toml`, is taken.
    """


def main() -> NoReturn:
    """Run `kynara` with the arguments of the process."""
    cli.main(prog_name="kynara")


if __name__ == "__main__":
    main()
