"""Who is calling: the subject, whom it acts for, and what is known of the situation, as context variables.

They follow a call through `await` and into the tasks it starts, and never from one thread or task to another. All of it
comes from the program, none of it from the arguments of a tool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType, TracebackType
from typing import Any, Final

from attrs import frozen

from ..runtime.convert import shown
from ..runtime.request import MAX_CHAIN
from ..semantics.problems import quoted
from .values import Unusable, as_json

EntityLike = str | Mapping[str, Any]
"""An entity in its JSON shape, or as a text such as `User::alice`."""

_ENTITY: Final = ("type", "id", "properties", "roles", "parents", "on_behalf_of")


def entity(value: object, path: str) -> dict[str, Any]:
    """Return an entity in its JSON shape, as a copy; raise `Unusable` for what is none."""
    if isinstance(value, str):
        kind, sign, identity = value.partition("::")
        if not sign or not kind or not identity:
            raise Unusable(path, f"{quoted(value)} is no entity; write it as `Type::id`")
        return {"type": kind, "id": identity}
    if not isinstance(value, Mapping):
        raise Unusable(path, f"an entity is expected here, not {shown(value)}")
    for name in value:
        if name not in _ENTITY:
            raise Unusable(path, f"an entity has no member {quoted(str(name))}; facts about it stand in `properties`")
    found: dict[str, Any] = as_json(value, path)
    return found


def links(subject: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    """Return a subject and everyone it acts for, each without the others; raise `Unusable` for a broken chain."""
    found: list[dict[str, Any]] = []
    at: object = subject
    while True:
        if not isinstance(at, Mapping):
            raise Unusable(path, f"`on_behalf_of` is an entity, not {shown(at)}")
        found.append({name: value for name, value in at.items() if name != "on_behalf_of"})
        if "on_behalf_of" not in at:
            return found
        if len(found) > MAX_CHAIN:
            raise Unusable(path, f"a chain may have {MAX_CHAIN} principals")
        at = at["on_behalf_of"]


def chained(chain: list[dict[str, Any]]) -> dict[str, Any]:
    """Return principals as a subject that acts for the next one, and so on."""
    *most, subject = chain
    for link in reversed(most):
        subject = {**link, "on_behalf_of": subject}
    return subject


@frozen
class Situation:
    """What the program has said of who is calling.

    `subject` performs calls, for `principals`, each of whom acts for the next. `requester` is all of them in one
    subject.
    """

    subject: tuple[dict[str, Any], ...] = ()
    principals: tuple[dict[str, Any], ...] = ()
    context: Mapping[str, Any] = MappingProxyType({})
    session: str | None = None
    trace_id: str | None = None
    requester: dict[str, Any] | None = None

    def asking(self, subject: EntityLike | None) -> Mapping[str, Any]:
        """Return the subject of a request: the one given, or that of the session, acting for whomever it acts for."""
        if subject is None:
            if self.requester is None:
                message = "nobody is said to be calling: name a subject, or open `guard.session(subject)`"
                raise Unusable("subject", message)
            return self.requester
        if not self.principals and isinstance(subject, Mapping):
            return subject
        return chained(_joined(links(entity(subject, "subject"), "subject"), self.principals))


NOBODY: Final = Situation()


def in_session(
    subject: EntityLike | None, session: str | None, context: Mapping[str, Any] | None, trace_id: str | None
) -> Callable[[Situation], Situation]:
    """Return how a session changes a situation: its subject acts for everyone who was calling before."""
    own = None if subject is None else tuple(links(entity(subject, "subject"), "subject"))
    added = as_json(context, "context") if context is not None else {}
    if not isinstance(added, dict) or "now" in added:
        raise Unusable("context", "the context of a session is an object without `now`, which the guard sees to")

    def inside(outer: Situation) -> Situation:
        return _situation(
            outer.subject if own is None else own,
            outer.principals if own is None else (*outer.subject, *outer.principals),
            {**outer.context, **added},
            session if session is not None else outer.session,
            trace_id if trace_id is not None else outer.trace_id,
        )

    return inside


def acting_for(principal: EntityLike) -> Callable[[Situation], Situation]:
    """Return how a situation changes where whoever is calling acts for somebody more."""
    added = tuple(links(entity(principal, "acting_for"), "acting_for"))

    def inside(outer: Situation) -> Situation:
        principals = tuple(_joined(list(outer.principals), added))
        return _situation(outer.subject, principals, outer.context, outer.session, outer.trace_id)

    return inside


def _joined(chain: list[dict[str, Any]], more: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """Return a chain that goes on with more principals; those it ends with already are not said twice."""
    return chain if chain[-len(more) :] == list(more) else [*chain, *more]


def _situation(
    subject: tuple[dict[str, Any], ...],
    principals: tuple[dict[str, Any], ...],
    context: Mapping[str, Any],
    session: str | None,
    trace_id: str | None,
) -> Situation:
    requester = chained(_joined(list(subject), principals)) if subject else None
    return Situation(subject, principals, MappingProxyType(dict(context)), session, trace_id, requester)


class Entered:
    """A situation for the length of a `with` statement, made of the one that holds where it begins."""

    def __init__(self, variable: ContextVar[Situation], inside: Callable[[Situation], Situation]) -> None:
        """Take how the situation inside follows from that outside."""
        self._variable = variable
        self._inside = inside
        self._token: Token[Situation] | None = None

    def __enter__(self) -> Situation:
        """Let it hold."""
        if self._token is not None:
            raise RuntimeError("this was entered already; call `session` or `acting_for` again")
        situation = self._inside(self._variable.get())
        self._token = self._variable.set(situation)
        return situation

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let hold what held before."""
        assert self._token is not None
        self._variable.reset(self._token)
        self._token = None
