"""Shows requests for approval to whoever is to answer them: the exact call, nothing shortened, nothing that can act.

Values are JSON as it would be sent. Whatever could act on a terminal, hide, or reorder what stands around it is made
visible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from ..diagnostics.excerpt import visible
from ..guard.approvals import Approval, State
from ..runtime.canonical import canonical_json
from ..semantics.times import format_time
from .output import counted

_SECOND: Final = 10**9
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7e]+")
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def print_exactly(value: Any) -> None:
    """Print a value as JSON on one line: numbers digit for digit, and ASCII alone."""
    click.echo(_NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], canonical_json(value)))


def one_line(approval: Approval, now: int) -> str:
    """Return what a list shows of a request."""
    return visible(f"{approval.id}  {_standing(approval, now):<24}  {_sentence(approval.request)}")


def details(approval: Approval, now: int) -> Iterator[str]:
    """Yield the lines that show a request with the whole call."""
    for line in _lines(approval, now):
        yield visible(line)


def _lines(approval: Approval, now: int) -> Iterator[str]:
    request = approval.request
    yield f"{approval.id}: {_standing(approval, now)}"
    yield ""
    yield _sentence(request)
    yield ""
    yield "The call, in full"
    for path, value in _call(request):
        yield f"  {path} = {value}"
    yield ""
    yield "What is known of it"
    for path, value in _known(request):
        yield f"  {path} = {value}"
    yield ""
    yield "Who may approve"
    for asked in approval.rules:
        lasts = _length(asked.expires_in * _SECOND)
        yield f"  {asked.rule}: {asked.quorum} of {asked.approvers}, for {lasts}"
    for answer in approval.answers:
        note = f", saying {_exact(answer.note)}" if answer.note else ""
        yield f"  {answer.verdict} by {answer.name} at {_second(answer.at)}{note}"
    yield ""
    yield f"asked at  {_second(approval.opened)}" + (f" in session {approval.session}" if approval.session else "")
    yield f"bound to  {approval.digest}"
    yield f"policies  {approval.policy_digest}"


def outcome(approval: Approval, missing: Mapping[str, int], now: int) -> str:
    """Say what came of an answer."""
    if approval.state is State.APPROVED:
        return visible(f"{approval.id} is approved: the call can be made once, within {_left(approval.expires, now)}")
    if approval.state is State.REJECTED:
        return visible(f"{approval.id} is rejected: the call is denied until {_second(approval.expires)}")
    rest = "; ".join(f"{rule} waits for {counted(number, 'more approver')}" for rule, number in missing.items())
    return visible(f"{approval.id} has your approval, and is still pending: {rest}")


def _call(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what an approval is bound to, and what the tool would be called with."""
    action = request.get("action", {})
    yield "action", _exact(action.get("name"))
    arguments = action.get("properties", {})
    for name in sorted(arguments):
        yield f"args.{_name(name)}", _exact(arguments[name])
    yield "resource", _entity(request.get("resource"))
    link: Any = request.get("subject")
    path = "subject"
    while isinstance(link, Mapping):
        yield path, _entity(link)
        link, path = link.get("on_behalf_of"), "acting for"


def _known(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield all else that was said of the call: properties, roles, groups and the context."""
    links: list[tuple[str, Any]] = [("resource", request.get("resource"))]
    link: Any = request.get("subject")
    while isinstance(link, Mapping):
        links.append((_plain(link), link))
        link = link.get("on_behalf_of")
    for path, described in links:
        for member in ("properties", "roles", "parents"):
            value = described.get(member) if isinstance(described, Mapping) else None
            if isinstance(value, Mapping):
                yield from ((f"{path}.{_name(name)}", _exact(value[name])) for name in sorted(value))
            elif value is not None:
                yield f"{path}.{member}", _exact(value)
    context = request.get("context", {})
    for name in sorted(context):
        yield f"context.{_name(name)}", _exact(context[name])


def _sentence(request: Mapping[str, Any]) -> str:
    names = []
    link: Any = request.get("subject")
    while isinstance(link, Mapping):
        names.append(_plain(link))
        link = link.get("on_behalf_of")
    action = request.get("action", {}).get("name")
    return f"{' for '.join(names)} wants to {_name(str(action))} {_plain(request.get('resource', {}))}"


def _plain(entity: Mapping[str, Any]) -> str:
    return f"{entity.get('type')}::{_entity_id(entity)}"


def _entity(entity: Any) -> str:
    return _plain(entity) if isinstance(entity, Mapping) else _exact(entity)


def _entity_id(entity: Mapping[str, Any]) -> str:
    return _exact(entity.get("id"))


def _exact(value: Any) -> str:
    """Return a value as JSON in which everything that could act or hide is an escape; a backslash itself is one."""
    return "".join(c if visible(c) == c else json.dumps(c)[1:-1] for c in canonical_json(value))


def _name(name: str) -> str:
    """Return a name as it is if it cannot be mistaken for anything else, else as a text."""
    return name if re.fullmatch(r"[A-Za-z0-9_.:/-]+", name) else _exact(name)


def _standing(approval: Approval, now: int) -> str:
    if approval.state in (State.PENDING, State.APPROVED):
        return f"{approval.state}, {_left(approval.expires, now)} left"
    return f"{approval.state} {_second(approval.ended)}" if approval.ended is not None else str(approval.state)


def _left(until: int, now: int) -> str:
    return _length(max(until - now, 0))


def _length(nanoseconds: int) -> str:
    """Return a length of time in its two largest units, rounded down."""
    rest, parts = nanoseconds // _SECOND, []
    for size, unit in _UNITS:
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _second(instant: int) -> str:
    return format_time(instant // _SECOND * _SECOND)
