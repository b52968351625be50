"""`kynara explain`: why a request is decided as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar, cast

import click

from ..runtime.audience import AgentReason, agent_reason
from ..runtime.explanation import Explanation
from ..runtime.problems import InvalidRequest
from ..runtime.request import expand_evaluations
from ..runtime.strict_json import JsonProblem, loads
from .json_lines import MAX_LINE, Readable, bare, in_line, read_lines
from .options import (
    STDIN,
    Stop,
    cache_option,
    color_option,
    entities_option,
    no_requests,
    paths_argument,
    read_input,
    standard_input,
)
from .output import print_json, results, width
from .policies import load_policies
from .recorded import Recorded, unwrapped
from .typed_request import Typed, at_time, request_of

MAX_REQUEST: Final = MAX_LINE

_Command = TypeVar("_Command", bound=Callable[..., Any])


def request_options(command: _Command) -> _Command:
    """Add the options that say which request is meant."""
    options = [
        click.option(
            "--request",
            "--requests",
            "request",
            metavar="FILE",
            help="The request as JSON, or a log of them with --request-line; `-` reads standard input.",
        ),
        click.option(
            "--request-line",
            metavar="N",
            type=click.IntRange(min=1),
            help="Take line N of a JSON-lines file.",
        ),
        click.option("--subject", metavar="TYPE::ID", help="Who asks."),
        click.option("--subject-attr", metavar="NAME=VALUE", multiple=True, help="A property of the subject."),
        click.option("--role", metavar="NAME", multiple=True, help="A role of the subject."),
        click.option(
            "--on-behalf-of",
            metavar="TYPE::ID",
            multiple=True,
            help="Whom the subject acts for, and so on when repeated.",
        ),
        click.option(
            "--delegator-attr",
            metavar="NAME=VALUE",
            multiple=True,
            help="A property of whom the subject acts for; what others in the chain have comes from --entities.",
        ),
        click.option("--delegator-role", metavar="NAME", multiple=True, help="A role of whom the subject acts for."),
        click.option("--action", metavar="NAME", help="What the subject wants to do."),
        click.option("--arg", metavar="NAME=VALUE", multiple=True, help="An argument of the action."),
        click.option("--resource", metavar="TYPE::ID", help="On what."),
        click.option("--resource-attr", metavar="NAME=VALUE", multiple=True, help="A property of the resource."),
        click.option("--context", metavar="NAME=VALUE", multiple=True, help="A field of the context."),
        click.option("--now", metavar="TIME", help="The time of the request: `context.now`."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@paths_argument
@request_options
@entities_option
@click.option("--approvals", metavar="FILE", help="Approvals given for the request, as a JSON list.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="How to show it; `html` is one page that needs nothing else.",
)
@click.option(
    "--audience",
    type=click.Choice(["author", "agent"]),
    default="author",
    show_default=True,
    help="For whom: an author sees everything, an agent a reason that says nothing of the policy.",
)
@click.option("--all", "all_rules", is_flag=True, help="List every rule, even those that are otherwise only counted.")
@cache_option
@color_option
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    request: str | None,
    request_line: int | None,
    entities: str | None,
    approvals: str | None,
    now: str | None,
    output: str,
    audience: str,
    all_rules: bool,
    cache: bool,
    **typed: Any,
) -> None:
    """Say why a request is decided as it is: rule by rule, for everyone in its chain, and what would change it.

    The request comes from a file, or is typed by hand. A VALUE that is JSON is taken as that (`amount=10.00`,
    `tags=["a"]`, `code="42"` with its quotes), anything else as text.

    \b
    Examples:
      kynara explain policies/ --request request.json
      kynara explain policies/ --request decisions.jsonl --request-line 17 --entities entities.json
      kynara explain policies/ --subject User::alice --role support --subject-attr tenant=acme \\
          --action refund --arg amount=10.00 --resource Order::o-1 --resource-attr tenant=acme

    A line that `kynara decide --with-request` wrote is explained, too; if the policy has changed since, that is said.

    Exit codes: 0 the request was explained, however it is decided; 2 it could not be read.
    """
    by_hand = _typed(ctx, paths, request, request_line, typed)
    if audience == "agent" and output == "html":
        raise click.UsageError("What an agent is told is one sentence: use --format text or json.", ctx)
    policies = load_policies(ctx, paths, entities, cache=cache)
    evidence = _approvals(ctx, approvals)
    if request is None:
        raw: object = request_of(by_hand, policies.program)
    else:
        raw = _from_file(ctx, request, request_line)
    answers = []
    for single in _singles(raw):
        asked, recorded = unwrapped(single)
        if now is not None and isinstance(asked, Mapping):
            asked = at_time(asked, now, policies.program)
        wanted = cast("Mapping[str, Any]", asked)
        if audience == "agent":
            answers.append(_Answer(agent_reason(policies.decide(wanted, evidence), asked), None))
        else:
            answers.append(_Answer(policies.explain(wanted, evidence, all_rules=all_rules), recorded))
    _show(ctx, answers, output, batch=_is_batch(raw), all_rules=all_rules)


class _Answer(NamedTuple):
    """What is told of one request, and what was recorded of it."""

    told: Explanation | AgentReason
    recorded: Recorded | None

    def to_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told.to_dict()
        if self.recorded is not None and isinstance(self.told, Explanation):
            found["recorded"] = self.recorded.to_dict(self.told)
        return found


def _show(ctx: click.Context, answers: list[_Answer], output: str, *, batch: bool, all_rules: bool) -> None:
    if output == "json":
        shown = [answer.to_dict() for answer in answers]
        print_json({"evaluations": shown} if batch else shown[0])
        return
    from .render_explanation import renderables
    from .render_html import page

    if output == "html":
        if batch:
            raise Stop("a page shows one request, and this is a batch", "take --format text or json")
        told = answers[0].told
        assert isinstance(told, Explanation)
        click.echo(page(told), nl=False)
        return
    console = results(ctx)
    for at, (told, recorded) in enumerate(answers):
        if at:
            console.print()
        if isinstance(told, AgentReason):
            console.print(
                f"{told.decision} ({told.reason}): {told.message}", soft_wrap=True, markup=False, highlight=False
            )
            continue
        remark = recorded.remark(told) if recorded else None
        if remark is not None:
            console.print(remark, style="yellow", markup=False, highlight=False)
            console.print()
        for part in renderables(told, width(console), all_rules=all_rules):
            console.print(part, soft_wrap=True)


def _typed(
    ctx: click.Context, paths: tuple[str, ...], request: str | None, line: int | None, options: dict[str, Any]
) -> Typed:
    """Return what was typed by hand, after a look at which options go together."""
    typed = Typed(
        subject=options["subject"],
        action=options["action"],
        resource=options["resource"],
        arguments=options["arg"],
        context=options["context"],
        on_behalf_of=options["on_behalf_of"],
        subject_attributes=options["subject_attr"],
        resource_attributes=options["resource_attr"],
        roles=options["role"],
        delegator_attributes=options["delegator_attr"],
        delegator_roles=options["delegator_role"],
    )
    if request is not None and typed.given:
        raise click.UsageError("Give the request either with --request or by hand, not both.", ctx)
    if request is None and line is not None:
        raise click.UsageError("--request-line needs --request.", ctx)
    if request is None and not typed.given:
        otherwise = "Say which request: --request FILE, or --subject, --action and --resource."
        raise no_requests(ctx, paths, "--request", otherwise)
    return typed


# Reading


def _from_file(ctx: click.Context, path: str, number: int | None) -> object:
    if number is not None:
        return _line_of(ctx, path, number)
    content = read_input(ctx, path, "the request", MAX_REQUEST)
    try:
        return loads(content, max_bytes=MAX_REQUEST)
    except JsonProblem as problem:
        several = bare(content).count(b"\n") and problem.message.endswith("after the end of the document")
        help = "for one line of a JSON-lines file, add --request-line N" if several else None
        raise Stop(f"{_shown(path)}: {problem.message}", help) from None


def _line_of(ctx: click.Context, path: str, number: int) -> object:
    """Read one line of a file; the others may be anything."""
    if path == STDIN:
        return _wanted_line(cast(Readable, standard_input(ctx, "the request")), path, number)
    try:
        stream = open(path, "rb")  # noqa: SIM115 - what is wrong with the line is not an error of opening
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Stop(f"{path}: {reason}") from None
    with stream:
        return _wanted_line(stream, path, number)


def _wanted_line(stream: Readable, path: str, number: int) -> object:
    last = 0
    for line in read_lines(stream):
        last = line.number
        if last < number:
            continue
        if line.content is None:
            raise Stop(f"{_shown(path)}: line {number} is longer than {MAX_LINE // 2**20} MiB")
        try:
            return loads(line.content, max_bytes=MAX_LINE)
        except JsonProblem as problem:
            raise Stop(f"{_shown(path)}: {in_line(number, problem.message)}") from None
    raise Stop(f"{_shown(path)}: there is no line {number}; the last one is {last}")


def _approvals(ctx: click.Context, path: str | None) -> list[Any]:
    if path is None:
        return []
    content = read_input(ctx, path, "the approvals", MAX_REQUEST)
    try:
        found = loads(content, max_bytes=MAX_REQUEST)
    except JsonProblem as problem:
        raise Stop(f"{_shown(path)}: {problem.message}") from None
    if isinstance(found, dict) and "approvals" in found:
        found = found["approvals"]
    if not isinstance(found, list):
        raise Stop(f'{_shown(path)}: approvals are a list, or an object {{"approvals": […]}}')
    return found


def _is_batch(raw: object) -> bool:
    return isinstance(raw, Mapping) and "evaluations" in raw


def _singles(raw: object) -> list[object]:
    """Return the single requests of a batch, or the one request."""
    try:
        return expand_evaluations(raw)
    except InvalidRequest as invalid:
        raise Stop(str(invalid)) from None


def _shown(path: str) -> str:
    return "standard input" if path == STDIN else path
