"""Code that reads the plain form of a request straight into the values that a bucket's function takes.

Most requests are plain: dicts, lists and texts of exactly these types, no member that nobody knows, every value as
its type wants it. For those one function per bucket does everything that reading a request entails, and nothing
twice; for chains of two, one function reads for both buckets. At the first thing that is not plain it gives up, by
returning None or raising whatever comes; then the exact reader of `runtime.request` takes over, which alone says what
is wrong with a request. So this code never words a problem, and accepts nothing that the exact reader refuses: a
property test holds them together.

Names in the code are our own; everything that a policy author wrote is bound beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from attrs import evolve, frozen

from . import ir
from .fused import Values, compiled, ordered, reached
from .layout import Layout, Place

Inline = Literal["bool", "int", "string", "text", "strings", "set"]
"""How a value is read where that is not left to a converter altogether.

`text` is a text that `Field.read` makes a value of; `strings` a list of texts that are their own values; `set` a list
of what `Field.read` makes values of.
"""


@frozen
class Field:
    """An attribute, argument or context field: `read` makes a value of what JSON holds, or of a text, or raises."""

    name: str
    external: str
    optional: bool
    read: Callable[[Any], Any]
    inline: Inline | None = None


@frozen
class EntityFields:
    """What to read of a subject or resource of one type.

    `declared` are the spellings that its properties may have without a closer look. `roles` gives what a spelling of a
    role amounts to, as far as the bucket asks. `parents` reads the member of that name, and raises for what is wrong.
    """

    key: str
    fields: tuple[Field, ...]
    declared: frozenset[str]
    roles: Mapping[str, frozenset[str]]
    parents: Callable[[Mapping[str, Any]], frozenset[str] | None]


@frozen
class Plan:
    """Everything that reading for one bucket needs to know.

    `stored` finds an entity of the store by key, or is None where there is no store. `strange` says of the name of a
    property that is not declared whether it needs the exact reader.
    """

    subject: EntityFields
    resource: EntityFields
    arguments: tuple[Field, ...]
    declared_arguments: frozenset[str]
    context: tuple[Field, ...]
    stored: Callable[[str], Any] | None
    says_roles: frozenset[str]
    says_parents: frozenset[str]
    strange: Callable[[object], bool]
    is_text: Callable[[str], bool]
    longest: int
    most_elements: int
    least: int
    most: int


Reader = Callable[[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], str | None], Values | None]
"""Takes a request, its subject or who that acts for, its action, its resource, and the key of whom this one acts for.

The key, which knows its type, stands for the delegator. Code that wants more raises, and the exact way has it. Who
acts is left out: the caller adds it.
"""


PairReader = Callable[
    [dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]], tuple[Values, Values] | None
]
"""Takes a request, its subject, who that acts for, its action and its resource; returns the values of both links."""


def reader(layout: Layout, plan: Plan) -> Reader:
    """Return the function that reads the values of one link, or None where the exact reader must."""
    made: Reader = _ReaderWriter(("s",), (layout,), (plan,)).function()
    return made


def pair_reader(layouts: tuple[Layout, Layout], plans: tuple[Plan, Plan]) -> PairReader:
    """Return the function that reads both links of a chain of two, and what they share only once.

    Neither may have rules that ask for the delegator or for who acts.
    """
    made: PairReader = _ReaderWriter(("s", "t"), layouts, plans).function()
    return made


def _together(kinds: Iterable[EntityFields]) -> EntityFields:
    """Return what to read of an entity for all links: for each a little more than its own rules ask for."""
    first, *others = kinds
    fields, roles = {field.name: field for field in first.fields}, dict(first.roles)
    for kind in others:
        fields |= {field.name: field for field in kind.fields}
        roles |= {name: closure | roles.get(name, frozenset()) for name, closure in kind.roles.items()}
    return evolve(first, fields=tuple(fields.values()), roles=roles)


class _ReaderWriter:
    """Writes the function line by line; `subjects` are the names that those of the chain have in it."""

    def __init__(self, subjects: tuple[str, ...], layouts: tuple[Layout, ...], plans: tuple[Plan, ...]) -> None:
        self._subjects, self._layouts, self._plans = subjects, layouts, plans
        self._plan = plans[0]
        self._bound: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._lines: list[str] = []
        self._found: dict[Place, str] = {}
        self._wanted = frozenset(place for layout in layouts for place in layout.places)

    def function(self) -> Callable[..., Any]:
        plan, alone = self._plan, len(self._subjects) == 1
        self._add("n = len(q)")
        self._add("c = none")
        self._add("if 'context' in q:")
        self._add(" n -= 1", " c = q['context']", " if type(c) is not dict: return None")
        self._add("if n != 3: return None")
        if alone:
            self._add("more = 0 if d is None else 1")
        sizes = ("n + more",) if alone else ("n + 1", "n")
        parts = zip(self._layouts, self._subjects, self._plans, sizes, strict=True)
        own = [self._own(layout, at, mine.subject, size) for layout, at, mine, size in parts]
        self._entity("resource", "r", _together(p.resource for p in self._plans), "n", self._asked("resource"))
        self._properties("a", "ap", plan.declared_arguments)
        self._fields("args", "ap", plan.arguments, known=None)
        context = {field.name: field for plan in self._plans for field in plan.context}
        self._fields("context", "c", tuple(context.values()), known=None)
        shared = {Place("delegator", "whole"): "d", **self._found}
        values = [self._values(layout, {**shared, **mine}) for layout, mine in zip(self._layouts, own, strict=True)]
        self._add(f"return {values[0]}" if alone else f"return ({', '.join(values)})")
        self._bound |= {
            "none": {},
            "ordered": ordered,
            "reached": reached,
            "strange": plan.strange,
            "is_text": plan.is_text,
            "longest": plan.longest,
            "most_elements": plan.most_elements,
            "least": plan.least,
            "most": plan.most,
            "type": type,
            "dict": dict,
            "list": list,
            "str": str,
            "int": int,
            "len": len,
        }
        parameters = f"q, {', '.join(self._subjects)}, a, r" + (", d" if alone else "")
        return compiled(self._lines, self._bound, parameters)

    def _own(self, layout: Layout, at: str, of: EntityFields, size: str) -> dict[Place, str]:
        """Read the subject of one link; return where its values are found."""
        everything, self._wanted = self._wanted, frozenset(layout.places)
        self._found = {}
        self._entity("subject", at, of, size, layout.roles["subject"])
        found, self._found, self._wanted = self._found, {}, everything
        return found

    def _asked(self, root: ir.RootName) -> frozenset[str]:
        """Return the roles that the rules of any link ask for."""
        return frozenset().union(*(layout.roles[root] for layout in self._layouts))

    @staticmethod
    def _values(layout: Layout, found: Mapping[Place, str]) -> str:
        def text(place: Place) -> str:
            if place.part == "reached":
                return f"reached({found[Place(place.root, 'value', place.name)]}, {place.beyond!r})"
            return found[place]

        return f"({''.join(f'{text(place)}, ' for place in layout.places[: layout.fixed])})"

    def _add(self, *lines: str) -> None:
        self._lines += lines

    def _bind(self, value: Any) -> str:
        name = self._names.get(id(value))
        if name is None:
            name = self._names[id(value)] = f"k{len(self._names)}"
            self._bound[name] = value
        return name

    # --- entities

    def _entity(
        self, root: Literal["subject", "resource"], at: str, of: EntityFields, size: str, asked: frozenset[str]
    ) -> None:
        """Read an entity whose members are `at`; its type is known to fit. `asked` are the roles that rules ask for."""
        self._add(f"{at}i = {at}['id']", f"if type({at}i) is not str or {_no_text(f'{at}i')}: return None")
        self._add("n = 2")
        self._properties(at, f"{at}p", of.declared, count=True)
        self._roles(root, at, of)
        self._add(f"{at}u = None", f"if 'parents' in {at}:")
        self._add(" n += 1", f" {at}u = {self._bind(of.parents)}({at})")
        self._add(f"if len({at}) != {size}: return None")
        whole, above = Place(root, "whole"), Place(root, "ancestors")
        if self._plan.stored is not None or {whole, above} & self._wanted:
            self._add(f"{at}k = {self._bind(of.key + '::')} + {at}i")
        known = None
        if self._plan.stored is not None:
            known = f"{at}e"
            self._add(f"{at}s = {self._bind(self._plan.stored)}({at}k)")
            self._add(f"{at}e = none if {at}s is None else {at}s.attrs or none")
        self._found[whole] = f"{at}k"
        self._held(root, at, asked)
        if above in self._wanted:
            self._found[above] = f"{at}b"
            self._add(f"{at}b = frozenset(({at}k,)) if {at}u is None else {at}u | {{{at}k}}")
            if self._plan.stored is not None:
                says = self._bind(self._plan.says_parents)
                self._add(f"if {at}s is not None and {at}k in {says}: {at}b = {at}s.ancestors")
        self._fields(root, f"{at}p", of.fields, known)

    def _properties(self, at: str, name: str, declared: frozenset[str], *, count: bool = False) -> None:
        """Find the properties of an entity or the arguments of an action."""
        names = self._bind(declared)
        self._add(f"{name} = none", f"if 'properties' in {at}:")
        self._add(*([" n += 1"] if count else []), f" {name} = {at}['properties']")
        self._add(f" if type({name}) is not dict: return None")
        self._add(f" if not {names}.issuperset({name}):")
        self._add(f"  for x in {name}:")
        self._add(f"   if x not in {names} and strange(x): return None")

    def _roles(self, root: Literal["subject", "resource"], at: str, of: EntityFields) -> None:
        """Read the roles that a request gives, as far as some rule asks for them."""
        asked = Place(root, "roles") in self._wanted
        empty = self._bind(frozenset())
        self._add(f"{at}h = {empty}", f"if 'roles' in {at}:")
        self._add(" n += 1", f" x = {at}['roles']", " if type(x) is not list: return None", " for x in x:")
        self._add("  if type(x) is not str: return None")
        if asked:
            table = self._bind(of.roles)
            self._add(f"  if x in {table}: {at}h = {at}h | {table}[x] if {at}h else {table}[x]")

    def _held(self, root: Literal["subject", "resource"], at: str, roles: frozenset[str]) -> None:
        """Let the roles that the store knows count more than those of the request."""
        place = Place(root, "roles")
        self._found[place] = f"{at}h"
        if place in self._wanted and self._plan.stored is not None:
            says, asked = self._bind(self._plan.says_roles), self._bind(roles)
            self._add(f"if {at}s is not None and {at}k in {says}: {at}h = {at}s.roles & {asked}")
        if place in self._wanted:
            self._add(f"if len({at}h) > 1: {at}h = ordered({at}h)")

    # --- values

    def _fields(
        self,
        root: Literal["subject", "resource", "args", "context"],
        members: str,
        fields: tuple[Field, ...],
        known: str | None,
    ) -> None:
        """Read values; what an entity store knows (`known`) counts more than what the request says."""
        whole = Place(root, "attributes" if root in ("subject", "resource") else "whole")
        if whole in self._wanted:
            self._found[whole] = f"{members}o"
            self._add(f"{members}o = {{}}")
        for number, field in enumerate(fields):
            value = f"{members}{number}"
            external = self._bind(field.external)
            indent = ""
            if known is not None:
                self._add(f"if {field.name!r} in {known}:")
                self._add(f" {value} = {known}[{field.name!r}]")
                self._store(" ", whole, field, value)
                self._add("else:")
                indent = " "
            if field.optional:
                self._add(f"{indent}if {external} in {members}:")
                indent += " "
            self._value(indent, field, value, f"{members}[{external}]")
            self._store(indent, whole, field, value)
            self._found[Place(root, "value", field.name)] = value

    def _store(self, indent: str, whole: Place, field: Field, value: str) -> None:
        """Keep a value that may be absent with others of its kind, if some rule reads one."""
        if field.optional and whole in self._wanted:
            self._add(f"{indent}{self._found[whole]}[{field.name!r}] = {value}")

    def _value(self, indent: str, field: Field, value: str, raw: str) -> None:
        """Read one value; a member that is missing raises, and the exact reader finds out."""
        self._add(f"{indent}{value} = {raw}")
        match field.inline:
            case "bool":
                self._add(f"{indent}if {value} is not True and {value} is not False: return None")
            case "int":
                self._add(f"{indent}if type({value}) is not int or not least <= {value} <= most: return None")
            case "string":
                self._add(f"{indent}if type({value}) is not str or {_no_text(value)}: return None")
            case "text":
                self._add(f"{indent}if type({value}) is not str or {_no_text(value)}: return None")
                self._add(f"{indent}{value} = {self._bind(field.read)}({value})")
            case "strings" | "set":
                self._add(f"{indent}if type({value}) is not list or len({value}) > most_elements: return None")
                if field.inline == "strings":
                    self._add(f"{indent}for x in {value}:")
                    self._add(f"{indent} if type(x) is not str or {_no_text('x')}: return None")
                else:
                    self._add(f"{indent}{value} = [{self._bind(field.read)}(x) for x in {value}]")
                self._add(f"{indent}{value} = frozenset({value})")
            case None:
                self._add(f"{indent}{value} = {self._bind(field.read)}({value})")


def _no_text(value: str) -> str:
    return f"len({value}) > longest or not ({value}.isascii() or is_text({value}))"
