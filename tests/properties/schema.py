"""Random declarations: the types, actions, roles and context that rules are then written about."""

from __future__ import annotations

from attrs import define, field, frozen

from kynara_lang.semantics import types as ty

from .vocabulary import LEVELS, SOME_LEVELS, STATES, Draw, quoted

SUBJECTS = ("User", "Agent", "Team")
RESOURCES = ("Doc", "Folder", "Repo")
NAMES = ("level", "tags", "owner", "total", "status", "peers", "at", "rec", "ip", "host", "path", "url", "mail",
         "ttl", "type", "from", "flag", "note", "site", "rank")  # fmt: skip
TENANTED = "Tenanted"


@frozen
class Attr:
    """An attribute, parameter or context field."""

    name: str
    external: str
    type: ty.Type
    optional: bool = False
    untrusted: bool = False

    def written(self, schema: Schema) -> str:
        spelled = "" if self.external == self.name else f" as {quoted(self.external)}"
        more = "?" * self.optional + " untrusted" * self.untrusted
        return f"{self.name}{spelled}: {schema.written(self.type)}{more}"


@define
class Kind:
    """An entity type."""

    name: str
    external: str
    subject: bool
    parents: list[str] = field(factory=list)
    traits: list[str] = field(factory=list)
    own: list[Attr] = field(factory=list)
    attrs: dict[str, Attr] = field(factory=dict)


@define
class Trait:
    """A trait and the types that have it."""

    name: str
    attrs: list[Attr] = field(factory=list)
    members: list[str] = field(factory=list)


@define
class Action:
    """An action; `on` is empty where it applies to every type."""

    name: str
    external: str
    on: list[str]
    declared_on: list[str]
    params: dict[str, Attr]
    groups: list[str]


@define
class Schema:
    """Everything declared, rules apart."""

    kinds: dict[str, Kind] = field(factory=dict)
    traits: dict[str, Trait] = field(factory=dict)
    aliases: dict[str, ty.Type] = field(factory=dict)
    actions: dict[str, Action] = field(factory=dict)
    roles: dict[str, tuple[str, list[str]]] = field(factory=dict)
    context: dict[str, Attr] = field(factory=dict)
    tenancy: bool = False

    @property
    def subjects(self) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind.subject]

    def entity(self, *names: str) -> ty.Entity:
        return ty.Entity(frozenset(names))

    def reachable(self, names: frozenset[str]) -> set[str]:
        """Return the types that entities of some types can be in, themselves included."""
        found, new = set(names), list(names)
        while new:
            more = [p for p in self.kinds[new.pop()].parents if p not in found]
            found.update(more)
            new += more
        return found

    def written(self, kind: ty.Type) -> str:
        """Write a type."""
        for name, alias in self.aliases.items():
            if kind is alias:
                return name
        match kind:
            case ty.Enum(values=values):
                return " | ".join(map(quoted, values))
            case ty.SetOf(element=element):
                return f"Set<{self.written(element)}>"
            case ty.Record(fields=fields):
                parts = [Attr(f.name, f.external or f.name, f.type, f.optional).written(self) for f in fields]
                return "{" + ", ".join(parts) + "}"
            case ty.Entity(names=names):
                trait = next((t.name for t in self.traits.values() if frozenset(t.members) == names), None)
                return next(iter(names)) if len(names) == 1 else str(trait)
        return str(kind)

    def declarations(self) -> list[str]:
        """Write everything down, one text a declaration."""
        found = [f"type {name} = {self.written_alias(kind)}" for name, kind in self.aliases.items()]
        for trait in self.traits.values():
            if trait.name != TENANTED:
                found.append(f"trait {trait.name} {{ {', '.join(a.written(self) for a in trait.attrs)} }}")
        for kind in self.kinds.values():
            found.append(self._kind(kind))
        for names in _declared_together(self.actions):
            found.append(self._action(names))
        for name, (external, extends) in self.roles.items():
            spelled = "" if external == name else f" as {quoted(external)}"
            found.append(f"role {name}{spelled}" + (f" extends {', '.join(extends)}" if extends else ""))
        fields = [a.written(self) for a in self.context.values() if a.external != "now"]  # that one is built in
        half = len(fields) // 2
        return found + [f"context {{ {chr(10).join(part)} }}" for part in (fields[:half], fields[half:]) if part]

    def written_alias(self, kind: ty.Type) -> str:
        return Schema(kinds=self.kinds, traits=self.traits).written(kind)

    def _kind(self, kind: Kind) -> str:
        text = f"{'subject' if kind.subject else 'resource'} {kind.name}"
        text += "" if kind.external == kind.name else f" as {quoted(kind.external)}"
        text += f" in {', '.join(kind.parents)}" if kind.parents else ""
        text += f" is {', '.join(kind.traits)}" if kind.traits else ""
        return text + (f" {{ {', '.join(a.written(self) for a in kind.own)} }}" if kind.own else "")

    def _action(self, actions: list[Action]) -> str:
        first = actions[0]
        names = [a.name + ("" if a.external == a.name else f" as {quoted(a.external)}") for a in actions]
        text = f"action {', '.join(names)}"
        text += f" on {', '.join(first.declared_on)}" if first.declared_on else ""
        text += f" ({', '.join(a.written(self) for a in first.params.values())})" if first.params else ""
        return text + (f" in {', '.join(first.groups)}" if first.groups else "")


def _declared_together(actions: dict[str, Action]) -> list[list[Action]]:
    found: list[list[Action]] = []
    for action in actions.values():
        if found and found[-1][0].params is action.params and found[-1][0].on is action.on:
            found[-1].append(action)
        else:
            found.append([action])
    return found


def schema(draw: Draw) -> Schema:
    """Draw declarations."""
    made = Schema(tenancy=draw.chance(20))
    _kinds(draw, made)
    made.aliases = {"Level": LEVELS}
    if draw.chance(50):
        made.aliases["Rec"] = _record(draw, made)
    pool = [_attribute(draw, made, name) for name in _names(draw, 9)]
    _attributes(draw, made, pool)
    _roles(draw, made)
    _actions(draw, made)
    for name in _names(draw, 4):
        made.context[name] = _attribute(draw, made, name)
    made.context["now"] = Attr("now", "current-time" if draw.chance(20) else "now", ty.TIME)
    return made


def _names(draw: Draw, most: int) -> list[str]:
    left = list(NAMES)
    return [left.pop(draw.number(len(left) - 1)) for _ in range(draw.number(most))]


def _kinds(draw: Draw, made: Schema) -> None:
    for name in ("User", "Doc", *draw.some(("Agent", "Team", "Folder", "Repo"), 60)):
        external = name.lower() if draw.chance(15) else name
        made.kinds[name] = Kind(name, external, name in SUBJECTS)
    wishes = {"User": ["Team"], "Agent": ["Team", "Agent"], "Team": ["Team"], "Doc": ["Folder"], "Repo": ["Folder", "Doc"],
              "Folder": ["Folder"]}  # fmt: skip
    for kind in made.kinds.values():
        kind.parents = [p for p in wishes[kind.name] if p in made.kinds and draw.chance(70)]
    for name in (*draw.some(("Owned", "Tagged"), 40), *([TENANTED] if made.tenancy else [])):
        members = draw.some(list(made.kinds), 50) or ["User"]
        made.traits[name] = Trait(name, members=members)
        for member in members:
            made.kinds[member].traits.append(name)


def _record(draw: Draw, made: Schema) -> ty.Record:
    fields = []
    for name in sorted(("a", "b", "kind")[: 1 + draw.number(2)]):
        kind = draw.pick((ty.INT, ty.STRING, LEVELS, ty.SetOf(ty.STRING), ty.DECIMAL, *[made.entity("User")][: name == "a"]))
        fields.append(ty.Field(name, kind, draw.chance(30), f"{name}-x" if draw.chance(20) else name))
    return ty.Record(tuple(fields))


def _type(draw: Draw, made: Schema) -> ty.Type:
    simple = (ty.INT, ty.STRING, LEVELS, ty.BOOL, ty.DECIMAL, ty.TIME, ty.IP, ty.PATH, ty.HOST, ty.EMAIL, ty.URL,
              ty.DURATION, SOME_LEVELS, STATES)  # fmt: skip
    at = draw.number(9)
    if at <= 4:
        return draw.pick(simple)
    if at == 5:
        return ty.SetOf(draw.pick(simple))
    if at == 6 and "Rec" in made.aliases:
        return draw.pick((made.aliases["Rec"], ty.SetOf(made.aliases["Rec"])))
    entities = [made.entity(name) for name in made.kinds]
    entities += [made.entity(*t.members) for t in made.traits.values() if t.name != TENANTED]
    one = draw.pick(entities)
    return ty.SetOf(one) if at == 9 else one


def _attribute(draw: Draw, made: Schema, name: str) -> Attr:
    external = draw.pick((name, name, name, name, f"{name}-id", name.upper()))
    return Attr(name, external, _type(draw, made), draw.chance(35), draw.chance(10))


def _varied(draw: Draw, made: Schema, attr: Attr) -> Attr:
    """Return an attribute as another type declares it: now and then optional, or of another type."""
    kind = _type(draw, made) if draw.chance(8) else attr.type
    optional = not attr.optional if draw.chance(20) else attr.optional
    return Attr(attr.name, attr.external, kind, optional, attr.untrusted)


def _attributes(draw: Draw, made: Schema, pool: list[Attr]) -> None:
    free = list(pool)
    for trait in made.traits.values():
        if trait.name == TENANTED:
            trait.attrs = [Attr("tenant", "tenant", ty.STRING)]
        elif free:
            trait.attrs = [free.pop()]
    for kind in made.kinds.values():
        inherited = [a for t in kind.traits for a in made.traits[t].attrs]
        kind.own = [_varied(draw, made, a) for a in draw.some(free, 60)]
        if draw.chance(5):
            kind.own.append(Attr("roles", "roles", ty.SetOf(ty.STRING)))
        kind.attrs = {a.name: a for a in (*inherited, *kind.own)}


def _roles(draw: Draw, made: Schema) -> None:
    for i in range(draw.number(3)):
        extends = draw.some(list(made.roles), 40)
        made.roles[f"r{i}"] = (f"role {i}" if draw.chance(20) else f"r{i}", extends)


def _actions(draw: Draw, made: Schema) -> None:
    sets = (["read"], ["write", "crm.edit"], ["crm.read", "crm.contacts.read"], ["type.from"])
    for names in sets[: 1 + draw.number(3)]:
        declared = draw.some([*made.kinds, *(t.name for t in made.traits.values() if t.members)], 40)
        on = sorted({k for d in declared for k in (made.traits[d].members if d in made.traits else [d])})
        on = on or list(made.kinds)
        params = {name: _attribute(draw, made, name) for name in _names(draw, 3)}
        groups = draw.some(("bulk", "danger.zone"), 25)
        for name in names:
            external = f"mcp/x:{name}" if draw.chance(15) else name
            made.actions[name] = Action(name, external, on, declared, params, groups)
