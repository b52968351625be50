"""One function for each bucket: forbids, then permits, each leaf an outcome that was made beforehand.

It takes the values of a request in one tuple (`layout`) and returns the outcome of the rule that decides, or that of
none. Whatever cannot be computed raises, whichever way is the fastest to notice; the caller then asks rule by rule, by
the code of `codegen`, which alone knows what an error means. One function for each effect, with eight arguments and
attributes read from dicts, took four to eight times as long.

Constants, outcomes and tables are bound as free variables of the function. So conditions that differ only in constants
are one piece of code, and those that do not differ are one function.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from types import CellType, CodeType, FunctionType
from typing import Any

from ..semantics.entity import Entity
from . import codegen, ir
from .keys import proof
from .layout import ANCESTOR, ROLE, ROLES, Layout, attribute_of, container, of_known

Values = tuple[Any, ...]
Decide = Callable[[Values], Any]
Pool = MutableMapping[Hashable, Decide]

_UNHASHABLE: Any = []
_USE = re.compile(r"v\[[0-9]+\]")
_FEW = 4  # up to so many tests for membership beat one for meeting


class _Cases(dict[Any, "tuple[Decide, Any] | None"]):
    """The cases of a switch by value; one that nobody has met yet is None, and is made by `meet`."""

    def __init__(self, trees: Mapping[Any, ir.Tree], make: Callable[[ir.Tree], tuple[Decide, Any]]) -> None:
        super().__init__(dict.fromkeys(trees))
        self._trees, self._make = trees, make

    def meet(self, value: Any) -> tuple[Decide, Any]:
        """Compile the case of a value. Two threads may do so at once; what they make is alike."""
        made = self[value] = self._make(self._trees[value])
        return made


class _Writer(codegen.Writer):
    """Writes expressions over the tuple of values; everything else they need is bound."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self._layout = layout
        self.bound: dict[str, Any] = {}
        self.spelled: list[Hashable] = []

    def constant(self, value: Any) -> str:
        if value is True or value is False:
            return str(value)
        key = (type(value), value)
        if key not in self._constants:
            self.spelled.append(key)
            self._constants[key] = self.bind(value)
        return self._constants[key]

    def bind(self, value: Any) -> str:
        """Return a name for an object that is no constant of the policy."""
        name = f"k{len(self.bound)}"
        self.bound[name] = value
        return name

    def expr(self, node: ir.Expr) -> str:
        match node:
            case ir.Read(root, name) if self._layout.is_value(node):
                return f"v[{self._layout.at(root, 'value', name)}]"
            case ir.Read(root, name):
                return f"{self._container(root)}[{name!r}]"
            case ir.Present() if self._layout.is_value(node):
                return "True"
            case ir.Present(root, name):
                return f"({name!r} in {self._container(root)})"
            case ir.Root(name):
                return f"v[{self._layout.at(name, 'whole')}]"
            case ir.Apply(template, operands):
                return self._quick(template, operands) or super().expr(node)
            case ir.Each(kind, variable, domain, body):
                return self._membership(kind, variable, domain, body) or super().expr(node)
        return super().expr(node)

    def _container(self, root: ir.RootName) -> str:
        place = container(root)
        text = f"v[{self._layout.at(place.root, place.part)}]"
        return text if place.part == "attributes" or root in ("args", "context") else f"{text}.attrs"

    def _quick(self, template: str, operands: tuple[ir.Expr, ...]) -> str | None:
        """Write an operation in a faster way than its row does, where there is one that means the same."""
        match template, operands:
            case _, (ir.Root(name), other) if of_known(template, name):
                return self._of_known(template, name, other)
            case "{1}[0] <= {0} <= {1}[1]", (value, ir.Const((low, high))):
                return f"({self.constant(low)} <= {self.expr(value)} <= {self.constant(high)})"
            case "not {0}.isdisjoint({1})", (ir.Read() as read, ir.Const(found)) if 0 < len(found) <= _FEW:
                return self._any_of(found, self.expr(read))
            case "glob_match({1}, {0})", (value, ir.Const((first, ""))):
                return f"{self.expr(value)}.startswith({self.constant(first)})"
            case "glob_match({1}, {0})", (value, ir.Const(("", last))):
                return f"{self.expr(value)}.endswith({self.constant(last)})"
            case "path_within({0}, {1})", (ir.Read() as read, ir.Const(str() as place)) if place not in (".", "/"):
                path = self.expr(read)
                return f"({path} == {self.constant(place)} or {path}.startswith({self.constant(place + '/')}))"
        if attribute := attribute_of(template):
            return f"{self.expr(operands[0])}.attrs[{attribute!r}]"
        return None

    def _of_known(self, template: str, root: ir.RootName, other: ir.Expr) -> str:
        if template == ANCESTOR:
            at = self._layout.looked_for(other)
            sought = self.expr(other) if at is None else f"v[{at}]"
            return f"({sought} in v[{self._layout.at(root, 'ancestors')}])"
        held = f"v[{self._layout.at(root, 'roles')}]"
        if template == ROLES and isinstance(other, ir.Const):
            if len(other.value) <= _FEW:
                return self._any_of(other.value, held)
            return f"(not {self.constant(other.value)}.isdisjoint({held}))"
        return f"({self.expr(other)} in {held})"

    def _any_of(self, constants: frozenset[Any], place: str) -> str:
        ordered = sorted(constants, key=lambda c: (str(type(c)), str(c)))
        return f"({' or '.join(f'{self.constant(c)} in {place}' for c in ordered)})"

    def _membership(self, kind: str, variable: str, domain: ir.Expr, body: ir.Expr) -> str | None:
        """Write `any x in S: x in T` without a loop; neither side depends on `x` and the domain is evaluated first."""
        match kind, body:
            case "any", ir.Apply("{1} in {0}.ancestors", (ir.Root(name), ir.Local(local))) if local == variable:
                if name in ("subject", "resource"):
                    return f"(not {self.expr(domain)}.isdisjoint(v[{self._layout.at(name, 'ancestors')}]))"
            case "any", ir.Apply("{0} in {1}", (ir.Local(local), ir.Read() | ir.Const() as other)) if local == variable:
                return f"(not {self.expr(domain)}.isdisjoint({self.expr(other)}))"
            case "all", ir.Apply("{0} in {1}", (ir.Local(local), ir.Read() | ir.Const() as other)) if local == variable:
                return f"({self.expr(domain)} <= {self.expr(other)})"
        return None


class Fuser:
    """Makes the functions of one bucket; `pool` holds those of conditions, for all buckets of a program."""

    def __init__(self, layout: Layout, outcome: Callable[[ir.Test], Any], pool: Pool) -> None:
        """Take where values stand and what stands for a rule that decides."""
        self._layout, self._outcome, self._pool = layout, outcome, pool
        self._cases: list[_Cases] = []

    def warm(self) -> None:
        """Compile all cases of all switches now, those inside cases included."""
        for cases in self._cases:  # which grows meanwhile
            for value, made in cases.items():
                if made is None:
                    cases.meet(value)

    def decide(self, bucket: ir.Bucket, default: Any) -> Decide:
        """Return the function that gives the outcome of the first forbid or permit that matches, or the default."""
        writer = _Writer(self._layout)
        lines = [*self._tree(bucket.forbids, writer), *self._tree(bucket.permits, writer)]
        return compiled([*_hoisted(lines), f"return {writer.bind(default)}"], writer.bound)

    def first(self, tree: ir.Tree) -> Decide:
        """Return the function that gives the outcome of the first rule of a tree that matches, or None."""
        writer = _Writer(self._layout)
        return compiled([*self._tree(tree, writer), "return None"], writer.bound)

    def matches(self, tree: ir.Tree) -> Decide:
        """Return the function that lists the indexes of all rules of a tree that match."""
        writer = _Writer(self._layout)
        lines = ["found = []", *self._tree(tree, writer, collect=True), "return found"]
        return compiled(lines, writer.bound)

    def _tree(self, tree: ir.Tree, writer: _Writer, *, collect: bool = False) -> Iterator[str]:
        """Write the tests of a tree; of tests that ask the same, one answers for all."""
        alike: dict[str, list[ir.Test]] = {}
        for node in tree:
            if isinstance(node, ir.Switch):
                yield from self._switch(node, writer, collect=collect)
                continue
            condition = _condition(node, writer)
            same = alike.setdefault(condition, [])
            same.append(node)
            if not collect and len(same) == 1:
                yield f"if {condition}: return {writer.bind(self._outcome(node))}"
        if collect:
            for condition, tests in alike.items():
                yield f"if {condition}: found += {writer.bind(tuple(t.rule.index for t in tests))}"

    def _switch(self, node: ir.Switch, writer: _Writer, *, collect: bool) -> Iterator[str]:
        trees = node.cases
        if node.cover is not None:
            trees = dict(enumerate(node.cases.values()))  # small numbers are found sooner than ranges
        cases = _Cases(trees, self._collected if collect else self._case)
        self._cases.append(cases)
        table, meet = writer.bind(cases), writer.bind(cases.meet)
        there = proof(node.on)
        pad = ""
        if there is not None and not self._layout.is_value(there):
            yield f"if {writer.expr(there)}:"
            pad = " "
        if node.several:
            yield f"{pad}for key in {self._elements(node, writer)}:"
            pad += " "
        else:
            yield f"{pad}key = {writer.expr(node.on)}"
        yield f"{pad}if key in {table}:"
        yield f"{pad} case, leaf = {table}[key] or {meet}(key)"
        yield f"{pad} hit = case(v)"
        yield f"{pad} if hit: {'found += leaf or hit' if collect else 'return leaf or hit'}"

    def _elements(self, node: ir.Switch, writer: _Writer) -> str:
        """Write what a switch over several values looks through: as few of them as can be had for little."""
        if node.cover is not None:
            numbers = {case: number for number, case in enumerate(node.cases)}
            keys = tuple(tuple(numbers[key] for key in piece) for piece in node.cover.keys)
            return f"{writer.bind(keys)}[bisect_right({writer.bind(node.cover.starts)}, {writer.expr(node.on)})]"
        match node.on:
            case ir.Root("subject" | "resource" as name):
                return f"v[{self._layout.at(name, 'roles')}]"
            case ir.Root():
                return f"{writer.bind(sorted)}({writer.expr(node.on)}.roles)"
            case ir.Apply("{0}.ancestors", (ir.Root(name),)):
                # The smaller set is looked through: a hierarchy can be deeper than there are rules.
                met = f"{writer.bind(frozenset(node.cases))} & v[{self._layout.at(name, 'ancestors')}]"
                # In order, so that always the same rule is said to have decided; mostly there is one or none.
                return f"(met if {writer.bind(len)}(met := {met}) < 2 else {writer.bind(sorted)}(met))"
            case ir.Apply("enclosing_paths({0})", (path,)):
                longest = max(map(len, node.cases))  # a path of 8,000 characters has thousands of longer ones above it
                return f"enclosing_paths({writer.expr(path)}, {writer.constant(longest)})"
        return writer.expr(node.on)

    def _case(self, tree: ir.Tree) -> tuple[Decide, Any]:
        """Return the condition of a single rule with its outcome, or a function that returns outcomes with None."""
        match tree:
            case (ir.Test() as test,):
                return self._shared(test), self._outcome(test)
        return self.first(tree), None

    def _collected(self, tree: ir.Tree) -> tuple[Decide, Any]:
        match tree:
            case (ir.Test() as test,):
                return self._shared(test), (test.rule.index,)
        return self.matches(tree), None

    def _shared(self, test: ir.Test) -> Decide:
        """Return the function of a rule's condition; rules with the same condition have the same function."""
        writer = _Writer(self._layout)
        text = _condition(test, writer)
        key = (text, *writer.spelled)
        made = self._pool.get(key)
        if made is None:
            made = self._pool[key] = compiled([f"return {text}"], writer.bound)
        return made


def values_of(layout: Layout) -> Callable[..., Values]:
    """Return the function that puts what a bucket reads into a tuple, with the parameters of `codegen`'s functions."""
    bound: dict[str, Any] = {}
    items = []
    for place in layout.places:
        root = codegen.ROOTS[place.root]
        match place.part:
            case "whole":
                items.append(root)
            case "attributes":
                items.append(f"{root}.attrs")
            case "ancestors":
                items.append(f"{root}.ancestors")
            case "roles":
                bound |= {root + "k": layout.roles[place.root], "ordered": ordered}
                items.append(f"ordered({root}.roles & {root}k)")
            case "value" | "reached":
                attributes = f"{root}.attrs" if place.root in ("subject", "resource") else root
                items.append(f"{attributes}[{place.name!r}]")
        if place.part == "reached":
            items[-1] = f"reached({items[-1]}, {place.beyond!r})"
            bound["reached"] = reached
    if layout.asks_who_acts:
        items.append("()")
    return compiled([f"return ({''.join(item + ', ' for item in items)})"], bound, codegen.PARAMETERS, (None,))


def reached(entity: Entity, name: str) -> Any:
    """Return an attribute of an entity, or what no set can be asked for: then looking for it fails, as it has to."""
    attrs = entity.attrs
    return _UNHASHABLE if attrs is None else attrs.get(name, _UNHASHABLE)


def ordered(roles: frozenset[str]) -> Collection[str]:
    """Return roles by name, so that of two rules that decide alike it is always the same that is said to have decided.

    A few are a tuple: a quarter of the memory of a set, so that more requests fit into caches.
    """
    if len(roles) < 2:
        return tuple(roles)
    return tuple(sorted(roles)) if len(roles) <= _FEW else dict.fromkeys(sorted(roles))


# --- conditions


def _condition(test: ir.Test, writer: _Writer) -> str:
    conjuncts: list[ir.Expr] = []
    for guard in test.guards:
        conjuncts += ir.conjuncts(guard.condition)
    return " and ".join(writer.expr(c) for c in _cheap_first(conjuncts)) or "True"


def _cheap_first(conjuncts: list[ir.Expr]) -> Iterator[ir.Expr]:
    """Order tests by cost as far as that changes nothing.

    What can fail, or leans on an earlier test, stays where it is, and nothing passes it: an error in a rule is found,
    and reported, exactly if what stands before it holds.
    """
    run: list[ir.Expr] = []
    for conjunct in conjuncts:
        if conjunct.fails or not _stands_alone(conjunct):
            yield from sorted(run, key=_cost)
            run.clear()
            yield conjunct
        else:
            run.append(conjunct)
    yield from sorted(run, key=_cost)


def _stands_alone(expr: ir.Expr) -> bool:
    """Whether an expression can be evaluated in every valid request, whatever was tested before."""
    for node in ir.descend(expr):
        match node:
            case ir.Read(root, _, _, optional) if optional or root not in ("subject", "resource", "args", "context"):
                return False
            case ir.Root("delegator" | "actor" | "approver"):
                return False
            case ir.Apply(template) if template.startswith("{0}[") and template.endswith("]"):
                return False  # a field of a record, which may be proved to be there by what stands before it
    return True


def _cost(expr: ir.Expr) -> int:
    """Estimate what a test costs, in parts that only compare with each other."""
    total = 0
    for node in ir.descend(expr):
        match node:
            case ir.Apply(template) if template in (ROLE, ROLES, "{0} == {1}"):
                total += 1  # these tell rules apart, so they fail most often
            case ir.Apply(template):
                total += 10 if "(" in template and "isdisjoint" not in template else 4 if "." in template else 3
            case ir.Each():
                total += 30
            case ir.Read() | ir.Present() | ir.Root():
                total += 1
    return total


def _hoisted(lines: list[str]) -> list[str]:
    """Take the value that most tests ask for out of the tuple once, if the first tests ask for it already."""
    uses = Counter(use for line in lines for use in _USE.findall(line))
    often, times = max(uses.items(), key=lambda use: use[1], default=("", 0))
    if times <= 2 or often not in "".join(lines[:2]):
        return lines
    return [f"often = {often}", *(line.replace(often, "often") for line in lines)]


# --- functions


@lru_cache(maxsize=8192)
def _code(source: str) -> CodeType:
    """Compile a text once; the cache holds code without constants, so it depends on nothing but the text."""
    module = compile(source, "<kynara>", "exec")
    outer = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return next(constant for constant in outer.co_consts if isinstance(constant, CodeType))


def compiled(
    lines: list[str], bound: dict[str, Any], parameters: str = "v", defaults: tuple[Any, ...] | None = None
) -> Callable[..., Any]:
    """Make a function of lines whose only free names are bound, or functions of the operator tables."""
    body = "".join(f"  {line}\n" for line in lines)
    code = _code(f"def make({', '.join(bound)}):\n def f({parameters}):\n{body} return f\n")
    closure = tuple(CellType(bound[name]) for name in code.co_freevars)
    return FunctionType(code, codegen.NAMESPACE, "f", defaults, closure or None)
