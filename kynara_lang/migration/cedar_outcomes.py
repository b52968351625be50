"""What a condition can come to for some types: true, false or an error, worked out without any data.

Cedar skips a policy that is in error, so one that is in error, or false, for every entity of a type never matches for
that type. A rule leaves such types out: that changes no decision, and what the rule reads is then declared for all that
it covers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve, frozen

from . import cedar_model as cedar
from .cedar_model import Action, CedarType, EntityTypes, Field, Model, RecordType, SetType, joined

Outcomes = frozenset[str]

TRUE: Final = frozenset("T")
FALSE: Final = frozenset("F")
ERROR: Final = frozenset("E")
EITHER: Final = TRUE | FALSE
ANYTHING: Final = EITHER | ERROR


@frozen
class Head:
    """What a request can be for one policy: types of principals and resources, and actions."""

    model: Model
    principals: frozenset[str]
    resources: frozenset[str]
    actions: tuple[Action, ...]

    def context(self) -> RecordType:
        """Return the fields that the context can have for these actions."""
        fields: dict[str, Field] = {}
        for name in dict.fromkeys(name for action in self.actions for name in action.context):
            having = [action.context[name] for action in self.actions if name in action.context]
            kind: CedarType | None = having[0].type
            for one in having[1:]:
                kind = joined(kind, one.type)
            if kind is not None:
                everywhere = len(having) == len(self.actions) and all(one.required for one in having)
                fields[name] = Field(kind, everywhere)
        return RecordType(fields)


def narrowed(head: Head, conditions: Iterable[tuple[Mapping[str, Any], bool]]) -> Head:
    """Leave out every type and action for which the conditions can never all hold.

    A condition is a node, and whether it must hold or must not.
    """
    listed = list(conditions)

    def possible(one: Head) -> bool:
        for node, positive in listed:
            found = outcomes(node, one)
            if not (TRUE if positive else FALSE) & found:
                return False
        return True

    principals = frozenset(t for t in head.principals if possible(evolve(head, principals=frozenset((t,)))))
    head = evolve(head, principals=principals)
    resources = frozenset(t for t in head.resources if possible(evolve(head, resources=frozenset((t,)))))
    head = evolve(head, resources=resources)
    return evolve(head, actions=tuple(a for a in head.actions if possible(evolve(head, actions=(a,)))))


def outcomes(node: Any, head: Head) -> Outcomes:
    """Return what a condition can come to; never less than is possible, sometimes more."""
    match node:
        case {"Value": bool(value)}:
            return TRUE if value else FALSE
        case {"&&": {"left": left, "right": right}}:
            first = outcomes(left, head)
            return (first - TRUE) | (outcomes(right, head) if "T" in first else frozenset())
        case {"||": {"left": left, "right": right}}:
            first = outcomes(left, head)
            return (first - FALSE) | (outcomes(right, head) if "F" in first else frozenset())
        case {"!": {"arg": arg}}:
            return frozenset({"T": "F", "F": "T", "E": "E"}[one] for one in outcomes(arg, head))
        case {"if-then-else": {"if": test, "then": yes, "else": no}}:
            first = outcomes(test, head)
            found = first & ERROR
            found |= outcomes(yes, head) if "T" in first else frozenset()
            return found | (outcomes(no, head) if "F" in first else frozenset())
        case {"has": {"left": left, "attr": str(attr)}}:
            return _has(kind_of(left, head), attr, head.model)
        case {"is": {"left": left, "entity_type": str(name)}}:
            return _is(kind_of(left, head), name, "in" in node["is"])
        case {"==": {"left": left, "right": right}}:
            return _same(kind_of(left, head), kind_of(right, head))
        case {"in": {"left": left, "right": right}}:
            return _inside(kind_of(left, head), kind_of(right, head), head.model)
    return ERROR if kind_of(node, head) is ABSENT else ANYTHING


class _Absent:
    """Stands for the type of what is in error for every value."""


ABSENT: Final = _Absent()
Kind = CedarType | _Absent | None


def kind_of(node: Any, head: Head) -> Kind:
    """Return the type of a value, None if it is not known, `ABSENT` if reading it is always an error."""
    match node:
        case {"Var": "principal"}:
            return EntityTypes(head.principals)
        case {"Var": "resource"}:
            return EntityTypes(head.resources)
        case {"Var": "context"}:
            return head.context()
        case {"Value": {"__entity": {"type": str(name)}}}:
            return EntityTypes(frozenset((name,)))
        case {"Value": value}:
            return cedar.type_of_value(value)
        case {"Set": list(items)}:
            kinds = [kind_of(item, head) for item in items]
            if any(kind is ABSENT for kind in kinds):
                return ABSENT
            if kinds and all(isinstance(kind, EntityTypes) for kind in kinds):
                return SetType(EntityTypes(frozenset().union(*(kind.names for kind in kinds))))  # type: ignore[union-attr]
            return None
        case {".": {"left": left, "attr": str(attr)}}:
            return _read(kind_of(left, head), attr, head.model)
    return ABSENT if any(kind_of(part, head) is ABSENT for part in _operands(node)) else None


def _operands(node: Any) -> list[Any]:
    """Return the operands of an operator that evaluates all of them."""
    match node:
        case {"&&": _} | {"||": _} | {"if-then-else": _} | {"has": _} | {"Value": _} | {"Record": _}:
            return []
        case {"is": {"left": left}} | {"like": {"left": left}}:
            return [left]
        case dict() if len(node) == 1:
            (inner,) = node.values()
            if isinstance(inner, list):
                return inner
            if isinstance(inner, Mapping):
                return [inner[name] for name in ("left", "right", "arg") if name in inner]
    return []


def _read(kind: Kind, attr: str, model: Model) -> Kind:
    """Return the type of an attribute."""
    match kind:
        case EntityTypes(names=names):
            found = [one for one in model.fields(names, attr) if one is not None]
        case RecordType(fields=fields):
            found = [fields[attr]] if attr in fields else []
        case _:
            return kind if kind is ABSENT else None
    if not found:
        return None if _unheard_of(kind, attr, model) else ABSENT
    joint: CedarType | None = found[0].type
    for one in found[1:]:
        joint = joined(joint, one.type)
    return joint


def _has(kind: Kind, attr: str, model: Model) -> Outcomes:
    match kind:
        case EntityTypes(names=names):
            there = any(model.fields(names, attr))
        case RecordType(fields=fields):
            there = attr in fields
        case _:
            return ERROR if kind is ABSENT else ANYTHING
    if there:
        return ANYTHING
    return ANYTHING if _unheard_of(kind, attr, model) else FALSE


def _unheard_of(kind: CedarType, attr: str, model: Model) -> bool:
    """Whether a guessed model cannot say that something lacks an attribute: what was not seen yet may come."""
    return model.guessed and (not isinstance(kind, EntityTypes) or not any(model.fields(model.kinds, attr)))


def _is(kind: Kind, name: str, inside: bool) -> Outcomes:
    if not isinstance(kind, EntityTypes):
        return ERROR if kind is ABSENT else ANYTHING
    if name not in kind.names:
        return FALSE
    return TRUE | ERROR if kind.names == {name} and not inside else ANYTHING


def _same(left: Kind, right: Kind) -> Outcomes:
    if left is ABSENT or right is ABSENT:
        return ERROR
    if isinstance(left, EntityTypes) and isinstance(right, EntityTypes) and not left.names & right.names:
        return FALSE | ERROR
    return ANYTHING


def _inside(left: Kind, right: Kind, model: Model) -> Outcomes:
    if left is ABSENT or right is ABSENT:
        return ERROR
    if isinstance(right, SetType):
        right = right.element
    if isinstance(left, EntityTypes) and isinstance(right, EntityTypes):
        above = frozenset().union(*(model.above(name) for name in left.names))
        return ANYTHING if above & right.names else FALSE | ERROR
    return ANYTHING
