"""`kynara approvals`: the calls that wait for somebody, shown exactly as they would be made, and answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from .options import Stop, color_option, entities_option

if TYPE_CHECKING:
    from ..audit import Log
    from ..guard.approvals import Approval, ApprovalStore
    from ..runtime.policyset import PolicySet

_Command = TypeVar("_Command", bound=Callable[..., Any])

_store = click.option("--store", metavar="FILE", required=True, help="The approval store of the program.")
_policies = click.option(
    "--policies", "-p", "paths", multiple=True, metavar="PATH", help="The policies, if not those of the configuration."
)
_format = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to show it."
)
_STATES = ("pending", "approved", "rejected", "expired", "consumed")


def _answering(command: _Command) -> _Command:
    """Add what `approve` and `reject` have in common."""
    options: list[Callable[[_Command], _Command]] = [
        click.argument("id"),
        _store,
        click.option("--as", "approver", metavar="TYPE::ID", required=True, help="Who you are, such as User::lea."),
        click.option("--role", metavar="NAME", multiple=True, help="A role you hold, unless --entities knows you."),
        click.option(
            "--attr", metavar="NAME=VALUE", multiple=True, help="A property you have, unless --entities knows you."
        ),
        click.option("--note", metavar="TEXT", help="Why; it is kept with your answer."),
        click.option("--yes", is_flag=True, help="Do not ask whether you are sure."),
        _policies,
        entities_option,
        click.option("--log", metavar="FOLDER", help="Record the answer in this audit log, too."),
        _format,
        color_option,
    ]
    command = cast(_Command, click.pass_context(command))
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
@color_option
def approvals() -> None:
    """Show the calls that wait for an approval, and approve or reject them.

    A call is shown with everything that it would be made with, nothing shortened; control characters are made visible.
    An approval is for this one call under these very policies, and is used once.

    Who you are is what --as says: whoever may write the store may answer, so keep both from those who ask.

    \b
    Examples:
      kynara approvals list --store approvals.db
      kynara approvals show 289c40ef545b --store approvals.db
      kynara approvals approve 289c40ef545b --store approvals.db --as User::lea --entities people.json
      kynara approvals reject 289c --store approvals.db --as User::lea --role lead --note "ask for less"

    Exit codes: 0 done, 1 the answer was not taken, 2 the store or the policies cannot be used.
    """


@approvals.command("list")
@_store
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--all", "everything", is_flag=True, help="Those that are done with, too, not only pending ones.")
@_format
@color_option
@click.pass_context
def list_(ctx: click.Context, store: str, state: str | None, everything: bool, form: str) -> None:
    """List the calls that wait for an approval, the newest last.

    \b
    Examples:
      kynara approvals list --store approvals.db
      kynara approvals list --store approvals.db --all --format json

    Exit codes: 0 listed, 2 the store cannot be used.
    """
    wanted = None if everything else state or "pending"
    found = _reading(ctx, store, lambda opened: opened.requests(wanted, now=time.time_ns()))
    if state is not None:
        found = tuple(approval for approval in found if approval.state == state)
    from .render_approvals import one_line, print_exactly

    if form == "json":
        print_exactly([approval.to_dict() for approval in found])
        return
    for approval in found:
        click.echo(one_line(approval, time.time_ns()))
    if not found:
        click.echo("nothing waits for an approval" if wanted == "pending" else "there is none")


@approvals.command()
@click.argument("id")
@_store
@_policies
@entities_option
@_format
@color_option
@click.pass_context
def show(ctx: click.Context, id: str, store: str, paths: tuple[str, ...], entities: str | None, form: str) -> None:
    """Show one call exactly as it would be made, who asks, and which rules want it approved.

    ID may be shortened to how it begins. With policies, the call is compared with the digest that the approval is for.

    \b
    Examples:
      kynara approvals show 289c40ef545b --store approvals.db --policies policies/

    Exit codes: 0 shown, 1 it is not the call that was asked for, 2 the store or the policies cannot be used.
    """
    from .policies import configuration, load_policies
    from .render_approvals import details, print_exactly

    found = _reading(ctx, store, lambda opened: _now(opened.get(id)))
    problem = None
    compared = bool(paths or configuration().policies)
    if compared:
        problem = _problem(load_policies(ctx, paths, entities), found)
    if form == "json":
        print_exactly({**found.to_dict(), "verified": compared and problem is None, "problem": problem})
    else:
        for line in details(found, time.time_ns()):
            click.echo(line)
        if not compared:
            click.echo("\nnot compared with its digest: give --policies")
    if problem is not None:
        _refuse(ctx, problem)


@approvals.command()
@_answering
def approve(ctx: click.Context, id: str, store: str, yes: bool, form: str, **options: Any) -> None:
    """Approve one call, as somebody whom the rule's `from` names.

    The call is shown first, and on a terminal you are asked whether you are sure; elsewhere --yes says that you are.

    \b
    Examples:
      kynara approvals approve 289c40ef545b --store approvals.db --as User::lea --entities people.json

    Exit codes: 0 approved, 1 the answer was not taken, 2 the store or the policies cannot be used.
    """
    _answer(ctx, id, store, "approve", yes, form, options)


@approvals.command()
@_answering
def reject(ctx: click.Context, id: str, store: str, yes: bool, form: str, **options: Any) -> None:
    """Reject one call, as somebody who could have approved it: it is denied until the request would have expired.

    \b
    Examples:
      kynara approvals reject 289c40ef545b --store approvals.db --as User::lea --note "ask for less"

    Exit codes: 0 rejected, 1 the answer was not taken, 2 the store or the policies cannot be used.
    """
    _answer(ctx, id, store, "reject", yes, form, options)


def _answer(ctx: click.Context, id: str, store: str, what: str, yes: bool, form: str, options: dict[str, Any]) -> None:
    from ..guard import granting
    from ..guard.approvals import ApprovalError, StoreError
    from .policies import load_policies
    from .render_approvals import details, outcome, print_exactly
    from .typed_request import typed_entity

    policies = load_policies(ctx, options["paths"], options["entities"])
    person = typed_entity(policies.program, options["approver"], "--as", options["attr"], options["role"])
    found = _reading(ctx, store, lambda opened: _now(opened.get(id)))
    problem = _problem(policies, found)
    if problem is not None:
        _refuse(ctx, problem)
    if form == "text":
        for line in details(found, time.time_ns()):
            click.echo(line)
        click.echo()
    _confirm(ctx, what, yes)
    opened = _opened(store)
    missing: dict[str, int] = {}
    given: dict[str, Any] = {"now": time.time_ns(), "note": options["note"], "digest": found.digest}
    try:
        with _recording(options["log"], person) as recorded:
            if what == "approve":
                granted = granting.approve(opened, policies, found.id, person, recorded=recorded, **given)
                after, missing = granted.approval, dict(granted.missing)
            else:
                after = granting.reject(opened, policies, found.id, person, recorded=recorded, **given)
    except StoreError as error:
        raise Stop(str(error)) from None
    except ApprovalError as error:
        _refuse(ctx, str(error))
    if form == "json":
        print_exactly({**after.to_dict(), "missing": missing})
    else:
        click.echo(outcome(after, missing, time.time_ns()))


def _confirm(ctx: click.Context, what: str, yes: bool) -> None:
    """Ask whether the approver is sure; a program that answers for them has to say so."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"Nobody is at a terminal to be asked; --yes says that you want to {what} it.", ctx)
    if not click.confirm(f"{what} this call?", err=True):
        click.echo("not answered", err=True)
        ctx.exit(1)


@contextmanager
def _recording(folder: str | None, person: dict[str, Any]) -> Iterator[Callable[[Approval], None] | None]:
    """Give a function that records an answer in a log before it counts, or None without a log."""
    if folder is None:
        yield None
        return
    from ..audit import Log, LogError, records
    from ..guard.granting import step_of

    problem = "the answer was not taken, because it cannot be recorded"
    try:
        with Log.open(folder, keyless=True) as log:
            yield lambda after: _append(log, records.approval_body(step_of(after), after.to_dict(), by=person))
            problem = "the answer was taken and recorded, and then the log failed"
    except (LogError, OSError) as error:
        raise Stop(f"{problem}: {error}") from None


def _append(log: Log, body: dict[str, Any]) -> None:
    log.append("approval", body)


def _opened(path: str) -> ApprovalStore:
    from ..guard.approvals import ApprovalStore, StoreError

    try:
        return ApprovalStore(path, create=False)
    except StoreError as error:
        raise Stop(str(error)) from None


def _reading(ctx: click.Context, path: str, read: Callable[[ApprovalStore], Any]) -> Any:
    from ..guard.approvals import ApprovalError, StoreError

    try:
        return read(_opened(path))
    except StoreError as error:
        raise Stop(str(error)) from None
    except ApprovalError as error:
        _refuse(ctx, str(error))


def _problem(policies: PolicySet, approval: Approval) -> str | None:
    """Say why a call is not the one that was asked for under these policies, or None if it is."""
    from ..guard.approvals import ApprovalError
    from ..guard.granting import verified

    try:
        verified(policies, approval)
    except ApprovalError as error:
        return str(error)
    return None


def _now(approval: Approval) -> Approval:
    from ..guard.approvals import as_of

    return as_of(approval, time.time_ns())


def _refuse(ctx: click.Context, message: str) -> NoReturn:
    """Say why an answer was not taken, and leave with 1."""
    from ..diagnostics.excerpt import visible

    for line in message.splitlines():
        click.echo(visible(f"error: {line}"), err=True)
    ctx.exit(1)
