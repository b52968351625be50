"""Why a condition is no case of a switch, in words, and what to write so that it could be.

Whether a condition can be one is decided in `tree` alone; what is said here only describes the shape of those that are
none. A shape that is not known here is described in general words.
"""

from __future__ import annotations

from attrs import frozen

from . import ir
from .telling import telling_of


@frozen
class Obstacle:
    """What keeps a condition from being a case of a switch; `help` says what could be one, if anything."""

    code: str
    message: str
    help: str | None = None


_NEGATION = Obstacle(
    "negation",
    "says what must not be; a switch needs what must be",
    "say what must be instead, if that can be listed: `==` a constant, `in {…}`, or `within`",
)
_SEVERAL_NEGATED = Obstacle(_NEGATION.code, _NEGATION.message)
_ALTERNATIVES = Obstacle("alternatives", "one of several alternatives is enough, and they ask for different values")
_QUANTIFIER = Obstacle("quantifier", "goes through the elements of a set")
_PRESENCE = Obstacle("presence", "asks whether something is there, not what it is")
_TRUTH = Obstacle("truth", "asks for true or false, which tells few rules apart")
_CALLER = Obstacle(
    "caller",
    "asks who acts, or for whom",
    "ask for something of the subject, the resource, an argument or the context as well",
)
_REFERENCE = Obstacle(
    "reference",
    "follows a reference to another entity",
    "declare what is asked for as an attribute of the subject or resource itself, and compare that",
)
_TWO_VALUES = Obstacle(
    "two-values",
    "compares two values of the request with each other",
    "ask for a role, a group or a constant as well, if that is what is meant",
)
_PATTERN = Obstacle(
    "pattern",
    "looks inside a text",
    "compare whole values with `==` or `in {…}`; for paths and hosts, `within` a directory or a domain",
)
_MEMBER = Obstacle(
    "member",
    "asks what a set of the request holds",
    'use a group or a role where that is what is meant (`resource in Folder::"…"`, `subject holds …`)',
)
_COMPUTED = Obstacle(
    "computed",
    "works a value out before comparing it",
    "declare the value that is worked out as an attribute, and compare that with a constant",
)
_OTHER = Obstacle("other", "is of a form that no switch is made for")

_SETS = ("{0} in {1}", "{0} >= {1}", "not {0}.isdisjoint({1})")
_TEXTS = ("glob_match({1}, {0})", "{0}.startswith({1})", "{0}.endswith({1})", "{1} in {0}")
_FOLLOWING = ("attribute(", "has_attribute(", "roles_of(", "ancestors_of(")


def obstacle(expr: ir.Expr) -> Obstacle | None:
    """Return what keeps a condition from being a case of a switch; a constant is no condition."""
    if isinstance(expr, ir.Const):
        return None
    return _alternatives(expr) if isinstance(expr, ir.Or) else _obstacle(expr)


def too_late(label: str) -> Obstacle:
    """Return what keeps a condition from being a case of the switch that it would be in if it stood elsewhere."""
    return Obstacle(
        "late",
        f"asks for `{label}` too late: what stands before it can be an evaluation error, which nothing may skip",
        f"ask for `{label}` before what can be in error",
    )


def _alternatives(expr: ir.Or) -> Obstacle:
    labels = [telling_of(operand) for operand in expr.operands]
    message = _ALTERNATIVES.message
    if not all(labels):
        return _ALTERNATIVES
    if len(set(labels)) == 1:
        return Obstacle("alternatives", message, f"ask for one of a set: `{labels[0][0]} in {{…}}`")
    return Obstacle("alternatives", message, "write one rule for each alternative")


def _obstacle(expr: ir.Expr) -> Obstacle:
    match expr:
        case ir.Not(operand):
            return _negation(operand)
        case ir.Apply("{0} != {1}", operands):
            return _negation(ir.Apply("{0} == {1}", operands))
        case ir.Each():
            return _QUANTIFIER
    nodes = list(ir.descend(expr))
    if any(_asks_who_acts(node) for node in nodes):
        return _CALLER
    if any(isinstance(node, ir.Apply) and _follows(node.template) for node in nodes):
        return _REFERENCE
    match expr:
        case ir.Present():
            return _PRESENCE
        case ir.Read():
            return _TRUTH
        case ir.Apply(template, operands):
            return _comparison(template, operands)
    return _OTHER


def _negation(expr: ir.Expr) -> Obstacle:
    """Return what keeps the opposite of a condition from being a case; often that is no case either, and says more."""
    if isinstance(expr, ir.And | ir.Or):
        return _SEVERAL_NEGATED
    return _NEGATION if telling_of(expr) else _obstacle(expr)


def _comparison(template: str, operands: tuple[ir.Expr, ...]) -> Obstacle:
    constants = [operand for operand in operands if isinstance(operand, ir.Const)]
    if not constants:
        return _TWO_VALUES
    if any(not isinstance(operand, ir.Const | ir.Read | ir.Root) for operand in operands):
        return _COMPUTED
    if template in _SETS and (template == "{0} in {1}" or isinstance(constants[0].value, frozenset)):
        return _MEMBER
    return _PATTERN if template in _TEXTS else _OTHER


def _follows(template: str) -> bool:
    return any(name in template for name in _FOLLOWING)


def _asks_who_acts(node: ir.Expr) -> bool:
    match node:
        case ir.Root(name) | ir.Read(name) | ir.Present(name):
            return name in ("delegator", "actor", "depth")
    return False
