"""Code generation: expressions into Python functions, one for each, which say exactly what is an error.

The code is built from checked values only: operator templates of our own tables, names that the grammar limits to
letters, digits and underscores (written with `repr` all the same), and constants, which are never written into the code
but bound beside it as `k0`, `k1`, …. So nothing a policy author or a request says can become code.

Every function takes `(s, r, a, c, d, x, n, p)`: subject, resource, arguments, context, delegator or None, actor, depth
of delegation, approver or None.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from ..semantics.entity import Entity
from ..semantics.hosts import enclosing_domains
from ..semantics.missing import MISSING
from ..semantics.operators import FUNCTIONS
from ..semantics.paths import enclosing_paths
from ..semantics.problems import EvaluationError
from . import ir

Function = Callable[..., Any]
PARAMETERS = "s, r, a, c, d, x, n, p"
_DEFAULTS = (None,)  # there is an approver only where one is asked about
ROOTS = {
    "subject": "s",
    "resource": "r",
    "args": "a",
    "context": "c",
    "delegator": "d",
    "actor": "x",
    "approver": "p",
    "depth": "n",
}
_ENTITIES = ("subject", "resource", "delegator", "actor", "approver")


def _known(entity: Entity) -> Mapping[str, Any]:
    attrs = entity.attrs
    if attrs is None:
        raise EvaluationError("unknown-entity", f'nothing is known of {entity.type}::"{entity.id}"')
    return attrs


def attribute(entity: Entity, name: str) -> Any:
    """Return an attribute of an entity reached by a reference; an unknown one is an evaluation error."""
    try:
        return _known(entity)[name]
    except KeyError:
        message = f'{entity.type}::"{entity.id}" has no attribute `{name}`'
        raise EvaluationError("missing-attribute", message) from None


def has_attribute(entity: Entity, name: str) -> bool:
    """Say whether an entity reached by a reference has an attribute."""
    return name in _known(entity)


def roles_of(entity: Entity) -> frozenset[str]:
    """Return the roles of an entity reached by a reference."""
    _known(entity)
    return entity.roles


def ancestors_of(entity: Entity) -> frozenset[str]:
    """Return what an entity reached by a reference is in."""
    _known(entity)
    return entity.ancestors


NAMESPACE: dict[str, Any] = {
    **FUNCTIONS,
    "attribute": attribute,
    "has_attribute": has_attribute,
    "roles_of": roles_of,
    "ancestors_of": ancestors_of,
    "enclosing_paths": enclosing_paths,
    "enclosing_domains": enclosing_domains,
    "bisect_right": bisect_right,
    "MISSING": MISSING,
    "frozenset": frozenset,
    "all": all,
    "any": any,
    "__builtins__": {},
}


class Writer:
    """Writes expressions as Python text and keeps their constants."""

    def __init__(self) -> None:
        """Start without constants."""
        self.namespace: dict[str, Any] = dict(NAMESPACE)
        self._constants: dict[tuple[type, Any], str] = {}

    def constant(self, value: Any) -> str:
        """Return the name under which a constant is bound.

        None is written out, so conditions that differ only in constants have one text, which is compiled once.
        """
        if value is True or value is False:
            return str(value)
        key = (type(value), value)
        if key not in self._constants:
            name = f"k{len(self._constants)}"
            self._constants[key] = name
            self.namespace[name] = value
        return self._constants[key]

    def expr(self, node: ir.Expr) -> str:
        """Return an expression as Python text that can be an operand."""
        match node:
            case ir.Const(value):
                return self.constant(value)
            case ir.Root(name):
                return ROOTS[name]
            case ir.Local(name):
                return name
            case ir.Read(root, name):
                return f"{_attributes(root)}[{name!r}]"
            case ir.Present(root, name):
                return f"({name!r} in {_attributes(root)})"
            case ir.Apply(template, operands):
                text = template.format(*(self.expr(o) for o in operands))
                return text if text.endswith((")", "]")) and text[0].isalpha() and " " not in template else f"({text})"
            case ir.Not(operand):
                return f"(not {self.expr(operand)})"
            case ir.And(operands):
                return f"({' and '.join(self.expr(o) for o in operands)})"
            case ir.Or(operands):
                return f"({' or '.join(self.expr(o) for o in operands)})"
            case ir.Collect("set", items):
                return f"frozenset(({''.join(self.expr(i) + ', ' for i in items)}))"
            case ir.Collect(_, items):
                return f"({''.join(self.expr(i) + ', ' for i in items)})"
            case ir.Each(kind, variable, domain, body):
                return f"{kind}([{self.expr(body)} for {variable} in {self.expr(domain)}])"
        raise AssertionError(f"no code for {type(node).__name__}")


def _attributes(root: ir.RootName) -> str:
    return f"{ROOTS[root]}.attrs" if root in _ENTITIES else ROOTS[root]


def function(expr: ir.Expr) -> Function:
    """Compile one expression into a function."""
    writer = Writer()
    return _compile(f"def f({PARAMETERS}):\n return {writer.expr(expr)}\n", writer)


@lru_cache(maxsize=8192)
def _code(source: str) -> CodeType:
    """Compile a text once; the cache holds code without constants, so it depends on nothing but the text."""
    module = compile(source, "<kynara>", "exec")
    return next(constant for constant in module.co_consts if isinstance(constant, CodeType))


def _compile(source: str, writer: Writer) -> Function:
    return FunctionType(_code(source), writer.namespace, "f", _DEFAULTS)
