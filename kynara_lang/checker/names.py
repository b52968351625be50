"""Looking names up, and what to say when nothing, or something else, has the name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..diagnostics.diagnostic import Edit, Fix, Report
from ..diagnostics.source import Span
from ..semantics.types import BUILTIN
from ..syntax import ast
from ..syntax.builder import MAX_NAME
from .symbols import ActionSymbol, EntityType, LetSymbol, Program, RoleSymbol, Scope, Tables, TraitSymbol


class NameChecks:
    """The part of the checker that turns names into symbols."""

    program: Program
    report: Report
    tables: Tables

    def entity_type(self, name: ast.Ident, scope: Scope) -> EntityType | None:
        """Find an entity type; a trait, a role or nothing of that name is reported."""
        found = scope.types.get(name.text)
        if found is None:
            self._no_type(name, scope, scope.types, "entity type")
            return None
        self.tables.targets[name] = found
        return found

    def types_of(self, name: ast.Ident, scope: Scope) -> tuple[frozenset[str], EntityType | TraitSymbol] | None:
        """Find the entity types that a type or trait name covers."""
        if (kind := scope.types.get(name.text)) is not None:
            self.tables.targets[name] = kind
            return frozenset({kind.key}), kind
        if (trait := scope.traits.get(name.text)) is not None:
            self.tables.targets[name] = trait
            return frozenset(trait.members), trait
        self._no_type(name, scope, scope.types, "entity type or trait")
        return None

    def types_named(self, expr: ast.Is) -> frozenset[str]:
        """Return the entity types that a checked `is` asks for."""
        target = self.tables.targets.get(expr.type)
        if isinstance(target, EntityType):
            return frozenset({target.key})
        return frozenset(target.members) if isinstance(target, TraitSymbol) else frozenset()

    def predicate_of(self, call: ast.Call) -> LetSymbol | None:
        """Return the predicate that a checked call uses."""
        let = self.tables.targets.get(call.function)
        return let if isinstance(let, LetSymbol) else None

    def role(self, name: ast.Ident, scope: Scope) -> RoleSymbol | None:
        """Find a role."""
        found = scope.roles.get(name.text)
        if found is None:
            guess = self.report.near(name.text, scope.roles)
            if guess is None and self.report.may_compare(len(scope.roles)):
                guess = _with_word(name.text, scope.roles)
            self.unknown(name.span, "role", name.text, guess, declare=f"role {name.text}", also=scope.types)
            return None
        self.tables.targets[name] = found
        return found

    def actions_of(self, pattern: ast.ActionPattern, scope: Scope) -> list[ActionSymbol] | None:
        """Find the actions that a pattern covers: one, those of a group, those below a prefix, or all."""
        if pattern.name is None:
            return list(self.program.actions.values())
        name = pattern.name.text
        if pattern.prefix:
            below = [a for key, a in scope.actions.items() if key.startswith(f"{name}.")]
            if not below:
                # Not a shorter prefix: it would take in what the longer one leaves out.
                prefixes = {n for key in scope.actions for n in _prefixes(key) if n.count(".") >= name.count(".")}
                guess = self.report.near(name, prefixes)
                guess = f"{guess}.*" if guess else None
                self.unknown(pattern.span, "action below", name, guess, declare=f"action {name}.read")
                return None
            return below
        if (action := scope.actions.get(name)) is not None:
            self.tables.targets[pattern.name] = action
            return [action]
        if name in scope.groups:
            return [a for a in self.program.actions.values() if name in a.groups]
        guess = self.report.near(name, scope.actions) or self.report.near(name, scope.groups)
        self.unknown(pattern.span, "action or action group", name, guess, declare=f"action {name}")
        return None

    def _no_type(self, name: ast.Ident, scope: Scope, right_kind: Iterable[str], what: str) -> None:
        guess = self.report.near(name.text, right_kind)
        others: dict[str, Any] = {**scope.traits, **scope.aliases, **BUILTIN}
        if name.text in others:
            kind = "a trait" if name.text in scope.traits else "not an entity type"
            self.report.add(
                "KYN106",
                f"`{name.text}` is {kind}",
                name.span,
                f"expected an {what}",
                help=f"did you mean `{guess}`?" if guess else None,
            )
            return
        trait = self.report.near(name.text, scope.traits) if what != "entity type" and guess is None else None
        if trait is not None:
            # No fix: a trait is everything that has it, perhaps more than was meant.
            members = sorted(self.program.types[key].name for key in scope.traits[trait].members)
            listed = ", ".join(f"`{member}`" for member in members[:3]) + (" …" if len(members) > 3 else "")
            cure = f"did you mean the trait `{trait}`" + (f", which is all of {listed}?" if members else "?")
            self.report.add("KYN101", f"there is no {what} `{name.text}`", name.span, "not declared", help=cure)
            return
        role = next((r for r in scope.roles if r.casefold() == name.text.casefold()), None)
        if role is not None and not guess:
            self.report.add(
                "KYN106",
                f"`{name.text}` is no {what}",
                name.span,
                "only a role is called so",
                labels=[(scope.roles[role].decl.name.span, "declared here")],
                help=f"write who holds it: `{_somebody(scope)} with role {role}`",
            )
            return
        self.unknown(name.span, what, name.text, guess, declare=f"subject {name.text}")

    def elsewhere(self, name: str) -> str | None:
        """Say which library declares a name that this file does not bind, imported or not; that is said once."""
        module = self.program.exported.get(name)
        if module is None and self.program.offered is not None:
            module = self.program.offered.declaring(name)
        if module is None:
            return None
        self.program.unimported.add(name)
        return f"import it in this file: `import {module} ({name})`"

    def blamed(self, name: str) -> bool:
        """Whether a name was reported where it was to be imported or was first used: one import cures all of it."""
        return name in self.program.unimported

    def unknown(
        self,
        span: Span,
        what: str,
        name: str,
        guess: str | None,
        *,
        declare: str | None = None,
        also: Iterable[str] = (),
    ) -> None:
        """Report a name that is not declared; one that is too long was reported where it was read."""
        if len(name) > MAX_NAME or self.blamed(name):
            return
        help_text = f"did you mean `{guess}`?" if guess else self.elsewhere(name)
        if help_text is None and declare:
            help_text = f"declare it: `{declare}`"
        notes = [f"`{name}` is something else in this program"] if name in also else ()
        message, fix = f"there is no {what} `{name}`", spelled(span, guess)
        self.report.add("KYN101", message, span, "not declared", notes=notes, help=help_text, fix=fix)


def spelled(span: Span, guess: str | None) -> Fix | None:
    """Return the fix for a misspelled name, if it is known what was meant.

    It is not a safe one: a policy that compiles can permit more than one that does not.
    """
    return None if guess is None else Fix(f"replace it with `{guess}`", (Edit(span, guess),))


def _somebody(scope: Scope) -> str:
    """Return the name of a type of subjects, for examples: rather `User`, never `any`, which would be agents, too."""
    names = sorted(kind.name for kind in scope.types.values() if kind.kind == "subject")
    return "User" if "User" in names else names[0] if names else "User"


def _with_word(word: str, names: Iterable[str]) -> str | None:
    """Return the only name that has a word among the words it is made of, as `team_lead` has `lead`."""
    found = [name for name in names if len(word) > 2 and word.casefold() in name.casefold().split("_")]
    return found[0] if len(found) == 1 else None


def _prefixes(dotted: str) -> Iterable[str]:
    parts = dotted.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts)))
