"""Reading attributes: of entities, of `args` and `context`, of records and of built-in values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..diagnostics.diagnostic import Report
from ..semantics.operators import BUILTINS, receiver_name
from ..semantics.types import ERROR, Entity, Record, Type
from ..syntax import ast
from ..syntax.habits import NO_PATTERNS
from .bags import Bag
from .names import NameChecks, spelled
from .narrowing import Env, Path, path_of
from .symbols import AttributeSymbol, Program, Tables
from .words import in_words

if TYPE_CHECKING:
    from ..diagnostics.source import Span


_COMPARED = 20  # types looked through for what was meant


class AttributeChecks(NameChecks):
    """The part of the type checker that reads attributes."""

    program: Program
    report: Report
    tables: Tables

    def check(self, expr: ast.Expr, env: Env, expected: Type | None = None) -> Type:
        """Work out the type of an expression."""
        raise NotImplementedError

    def looked_into(self, expr: ast.Expr, env: Env) -> Type:
        """Work out the type of what stands before `.name`."""
        raise NotImplementedError

    def attribute(self, expr: ast.Attribute, env: Env) -> Type:
        """Work out the type of `target.name`."""
        target = self.looked_into(expr.target, env)
        path = path_of(expr, env)
        match target:
            case Bag():
                return self._of_bag(expr, target, path, env)
            case Entity():
                return self._of_entity(expr, target, path, env)
            case Record():
                return self._of_record(expr, target, path, env)
        if target == ERROR:
            return ERROR
        builtin = BUILTINS.get((receiver_name(target), expr.name.text))
        if builtin is None or builtin.parameters is not None:
            self.no_builtin(expr.name, target, called=False)
            return ERROR
        self.tables.targets[expr] = builtin
        return builtin.result

    def _of_bag(self, expr: ast.Attribute, bag: Bag, path: Path | None, env: Env) -> Type:
        name = expr.name.text
        field = bag.fields.get(name)
        if field is None:
            self.unknown_attribute(expr.name, f"there is no {bag.what} `{name}`{bag.where}", bag.fields, bag)
            return ERROR
        if field.optional and path not in env.facts.present:
            why = f"`{field.lacking[0]}` has no such {bag.what}" if field.lacking else f"this {bag.what} is optional"
            self._maybe_absent(expr, f"{bag} has {name}", why, field.declared, env)
            return ERROR
        if len(field.types) > 1:
            self._several_types(expr, field.types, field.declared)
            return ERROR
        return self._narrowed(field.types[0], path, env)

    def _of_entity(self, expr: ast.Attribute, target: Entity, path: Path | None, env: Env) -> Type:
        name, proved = expr.name.text, path in env.facts.present
        having = self.attributes_named(target, name)
        lacking = [k for k in sorted(target.names) if name not in self.program.types[k].attributes]
        if not target.names and target.traits and having:
            lacking = []
        unfinished = target.names & self.program.unfinished  # what their unknown traits declare is not known
        lacking = [k for k in lacking if k not in unfinished]
        if not having:
            if unfinished:
                return ERROR
            known = {a for k in target.names for a in self.program.types[k].attributes}
            known |= {a for t in target.traits for a in self.program.traits[t].attributes}
            if target.names or target.traits:
                self.unknown_attribute(expr.name, f"{in_words(target)} has no attribute `{name}`", known, target)
            return ERROR
        if lacking and not proved:
            lacks = self.program.types[lacking[0]].name
            shown = expr.target.span.text
            guard = f"{shown} is {self.program.types[sorted(target.names - set(lacking))[0]].name}"
            self._maybe_absent(expr, guard, f"`{lacks}` has no attribute `{name}`", having, None)
            return ERROR
        if not proved and any(a.optional for a in having):
            self._maybe_absent(expr, f"{expr.target.span.text} has {name}", "this attribute is optional", having, env)
            return ERROR
        types: list[Type] = []
        for symbol in having:
            if symbol.type not in types:
                types.append(symbol.type)
        if len(types) > 1:
            if all(isinstance(t, Entity) for t in types):
                names = frozenset[str]().union(*(t.names for t in types if isinstance(t, Entity)))
                return self._narrowed(Entity(names), path, env)
            self._several_types(expr, types, having)
            return ERROR
        return self._narrowed(types[0], path, env)

    def attributes_named(self, target: Entity, name: str) -> list[AttributeSymbol]:
        """Return the declarations of an attribute in the types an entity can have."""
        types = (self.program.types[k].attributes.get(name) for k in sorted(target.names))
        found = [a for a in types if a is not None]
        if not target.names:
            traits = (self.program.traits[t].attributes.get(name) for t in sorted(target.traits))
            found = [a for a in traits if a is not None]
        return found

    def _of_record(self, expr: ast.Attribute, target: Record, path: Path | None, env: Env) -> Type:
        index = target.index(expr.name.text)
        if index is None:
            names = [f.name for f in target.fields]
            self.unknown_attribute(expr.name, f"this record has no field `{expr.name.text}`", names, target)
            return ERROR
        field = target.fields[index]
        if field.optional and path not in env.facts.present:
            self._maybe_absent(expr, f"{expr.target.span.text} has {field.name}", "this field is optional", (), env)
            return ERROR
        return self._narrowed(field.type, path, env)

    @staticmethod
    def _narrowed(kind: Type, path: Path | None, env: Env) -> Type:
        known = env.facts.kind(path) if path is not None and isinstance(kind, Entity) else None
        if known is None or not isinstance(kind, Entity) or kind.names <= known:
            return kind
        return Entity(known & kind.names)

    def _maybe_absent(
        self, expr: ast.Attribute, guard: str, why: str, declared: Iterable[AttributeSymbol], env: Env | None
    ) -> None:
        labels: list[tuple[Span, str]] = [(a.span, "declared here") for a in declared][:2]
        self.report.add(
            "KYN203",
            f"`{expr.span.text}` may be absent: {why}",
            expr.span,
            "not proved to be there",
            labels=labels,
            help=ask_first(guard, expr.span.text, env),
        )

    def _several_types(self, expr: ast.Attribute, types: Iterable[Type], declared: Iterable[AttributeSymbol]) -> None:
        self.report.add(
            "KYN108",
            f"`{expr.span.text}` has more than one type here",
            expr.span,
            "which one depends on the request",
            labels=[(a.span, f"here it is {a.type}") for a in declared],
            help="write one rule for each, or give them one type",
        )

    def unknown_attribute(self, name: ast.Ident, message: str, known: Iterable[str], owner: Type) -> None:
        """Report a name that its owner does not have."""
        names = sorted(known)
        guess = self.report.near(name.text, names)
        listed = ", ".join(f"`{n}`" for n in names[:12]) + (" …" if len(names) > 12 else "")
        shown = "it" if isinstance(owner, Record) else str(owner)
        cure = None
        if isinstance(owner, Entity):
            cure = self._of_another_kind(name, owner) or self._one_step_further(name, owner)
        self.report.add(
            "KYN202",
            message,
            name.span,
            "no such field" if isinstance(owner, Record) else f"not declared for {owner}",
            notes=[f"{shown} has {listed}" if names else f"{shown} has none"],
            help=cure or (f"did you mean `{guess}`?" if guess else None),
            fix=None if cure else spelled(name.span, guess),
        )

    def _of_another_kind(self, name: ast.Ident, owner: Entity) -> str | None:
        """Say how to ask for a role or for who somebody is, which other languages keep in attributes."""
        text, span = name.span.source.text, name.span
        before = re.search(
            r'(?:"(\w+)"\s+(not\s+)?in\s+)?\b([a-z_][\w.]*?)(?:\.|\s+has\s+)\Z',
            text[max(0, span.start - 200) : span.start],
        )
        after = re.compile(r'\s*(==|!=|\.contains\()\s*("[^"\n]*")').match(text, span.end)
        if before is None:
            return None
        target, roles = before[3], {role.name for role in self.program.roles.values()}
        if name.text in ("role", "roles"):
            sought = before[1] or (after[2].strip('"') if after else "")
            negated = "not " if before[2] or (after and after[1] == "!=") else ""
            return f"write `{negated}{target} holds {sought if sought in roles else 'NAME'}`"
        if name.text in roles:
            return f"write `{target} holds {name.text}`"
        if name.text in ("id", "uid", "identity"):
            kind = owner.label or (self.program.types[min(owner.names)].name if len(owner.names) == 1 else "TYPE")
            sign, sought = (after[1], after[2]) if after and after[1] != ".contains(" else ("==", '"…"')
            return f"compare the entity itself: `{target} {sign} {kind}::{sought}`"
        return None

    def _one_step_further(self, name: ast.Ident, owner: Entity) -> str | None:
        """Say which entity, known as an attribute, has the attribute that was sought."""
        before = re.search(
            r"\b([a-z_][\w.]*?)(\.|\s+has\s+)\Z", name.span.source.text[max(0, name.span.start - 200) : name.span.start]
        )
        if before is None or len(owner.names) > _COMPARED:
            return None
        known = {a.name: a.type for key in owner.names for a in self.program.types[key].attributes.values()}
        entities = [(n, t) for n, t in known.items() if isinstance(t, Entity) and len(t.names) <= _COMPARED]
        ways = sorted(n for n, t in entities if self.attributes_named(t, name.text))
        shown = " or ".join(f"`{before[1]}.{way}{before[2]}{name.text}`" for way in ways[:2])
        return f"did you mean {shown}?" if ways else None

    def no_builtin(self, name: ast.Ident, target: Type, *, called: bool) -> None:
        """Report an attribute or method that a built-in type does not have."""
        receiver = receiver_name(target)
        rows = [row for (kind, _), row in BUILTINS.items() if kind == receiver]
        exact = next((row for row in rows if row.name == name.text), None)
        guess = self.report.near(name.text, [row.name for row in rows])
        shown = exact or next((row for row in rows if row.name == guess), None)
        what = "method" if called else "attribute"
        self.report.add(
            "KYN202",
            f"{in_words(target)} has no {what} `{name.text}`",
            name.span,
            f"no such {what}",
            notes=[f"{receiver} has {', '.join(f'`{row.shown}`' for row in rows)}"] if rows else (),
            help=_role_asked(name)
            if called and isinstance(target, Entity) and name.text in _ROLE_TESTS
            else NO_PATTERNS
            if called and name.text in ("matches", "match", "regex") and receiver == "String"
            else f"write `{shown.shown}`"
            if shown
            else None,
        )


_ROLE_TESTS = ("has_role", "hasRole", "in_role", "inRole", "is_in_role", "isInRole", "holds")


def _role_asked(method: ast.Ident) -> str:
    """Say how to ask for a role, in place of a method that other languages have for it."""
    text, span = method.span.source.text, method.span
    asked = re.search(r"([a-z_][\w.]*)\.\Z", text[max(0, span.start - 200) : span.start])
    sought = re.compile(r'\("?([a-z_]\w*)"?\)').match(text, span.end)
    return f"write `{asked[1] if asked else 'subject'} holds {sought[1] if sought else 'NAME'}`"


def ask_first(guard: str, shown: str, env: Env | None) -> str:
    """Return how to ask whether something is there.

    In the `when` of a forbid or an approval the usual way would let through what lacks it, and nobody would be told.
    """
    usual = f"`{guard} and {shown}…`"
    if env is None or env.excepts or env.place not in ("forbid", "require_approval"):
        return f"ask first: {usual}"
    matches = "is to be forbidden" if env.place == "forbid" else "is to wait"
    strict = f"`not ({guard}) or {shown}…`"
    return f"ask first: {strict} if what has none {matches}, too,\nor {usual} if the rule is not for it"
