"""What a subject could do at all: the actions that some request of it could be allowed, and what must hold for that.

Everything that rules read of the subject and the context is put in, and what is left is about arguments, resources and
what of the context is not known yet. An action that is left out is denied for every resource and every argument. One
that is listed may still be denied: only the decision on a complete request counts. Nothing is recorded, and nothing is
put before approvers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from ..analysis.knowledge import Found, Known, Lookup, Someone, described
from ..analysis.partial import ALWAYS, Partial, Remains, decisions, least
from ..analysis.reduction import junction, opposite
from ..checker.symbols import ActionSymbol, Program, RuleSymbol
from ..runtime.decision import Effect
from ..runtime.policyset import PolicySet
from ..runtime.request import read_known
from ..semantics.entity import Entity
from ..syntax import ast
from ..syntax.walk import descend
from .constraints import OPEN, Box, one_of
from .constraints_reading import arguments_where
from .schemas import Schema, arguments_schema

_OF_ARGUMENT: Final = re.compile(r"args(?:\.| has )([A-Za-z_][A-Za-z0-9_]*)")
_WHO_ACTS: Final = ("actor", "delegation")


@frozen
class Argument:
    """An argument of an action, by its name in requests, with what must hold of it alone.

    `type` is its type in the policy; `required` says that every call that can be allowed has it.
    """

    name: str
    type: str
    required: bool
    constraints: tuple[str, ...]
    schema: Schema

    def to_dict(self) -> dict[str, Any]:
        """Return the argument as JSON."""
        return {
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "constraints": list(self.constraints),
            "schema": self.schema,
        }


@frozen
class Discovered:
    """An action that could be allowed, or approved, for some resource and arguments.

    `action` and `resources` (types that it is possible on) are spelled as in requests. `effect` is the most that can
    come of a request: with `require_approval`, none is allowed without one. All `constraints` must hold for any request
    that is not denied, in the words of policies; `approval` says when an approval is needed (`always`, a condition, or
    None for never). `json_schema` takes the arguments of every request that is not denied, and leaves out others where
    a schema can. `note` is what of all that a model may be told: it is about arguments alone, which are its own.
    """

    action: str
    effect: Effect
    resources: tuple[str, ...]
    arguments: tuple[Argument, ...]
    constraints: tuple[str, ...]
    approval: str | None
    json_schema: Schema
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "action": self.action,
            "effect": str(self.effect),
            "resources": list(self.resources),
            "arguments": [argument.to_dict() for argument in self.arguments],
            "constraints": list(self.constraints),
            "approval": self.approval,
            "json_schema": self.json_schema,
            "note": self.note,
        }


def discover(
    policies: PolicySet, subject: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> tuple[Discovered, ...]:
    """Return the actions that a subject could be allowed, or could get approved, sorted by name.

    The subject is given as in a request, with everyone it acts for, and is taken as it is: a role or an optional
    attribute that neither it nor the entity store has is absent. What the context does not have may be anything.
    Raises `InvalidRequest` where they are not well-formed; then every request of them would be denied.
    """
    program = policies.program
    chain, fields = read_known(policies.world, subject, {} if context is None else context)
    views = _Views(policies, chain, fields)
    found = [_discovered(program, views, action) for action in program.actions.values()]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.action))


# --- what every link of the chain comes to


class _Views:
    """What is known of a request of a chain of principals, link by link, and what rules come to by that."""

    def __init__(self, policies: PolicySet, chain: Sequence[Entity], context: Mapping[str, Any]) -> None:
        self._program, self._chain, self._context = policies.program, chain, context
        world = policies.world
        self._lookup: Lookup = lambda kind, identity: world.entity(f"{kind}::{identity}")
        self._asking = {rule.name for rule in self._program.rules if len(chain) > 1 and _asks_who_acts(rule)}
        self._rules: dict[str, list[RuleSymbol]] = {}
        for rule in self._program.rules:
            for action in rule.actions:
                self._rules.setdefault(action, []).append(rule)

    def granted(self, action: str) -> bool:
        """Whether any rule permits an action at all."""
        return any(rule.effect == "permit" for rule in self._rules.get(action, ()))

    def remains(self, action: str, resource: str) -> list[list[Remains]]:
        """Return what remains of the rules for each link, for everyone who could have called; [] if one is denied."""
        rules = self._rules.get(action, [])
        permits, others = ([r for r in rules if (r.effect == "permit") is permit] for permit in (True, False))
        asked = any(rule.name in self._asking for rule in rules)
        found = []
        for at in range(len(self._chain)):
            for caller in range(at + 1 if asked else 1):
                partial = Partial(self._program, self._known(action, resource, at, caller), self._lookup)
                possible = [one for one in map(partial.rule, permits) if one.outcome != "never"]
                if not possible:
                    return []
                possible += [one for one in map(partial.rule, others) if one.outcome != "never"]
                if decisions(possible) == {"deny"}:
                    return []
                found.append(possible)
        return found

    def _known(self, action: str, resource: str, at: int, caller: int) -> Known:
        chain = self._chain
        delegator = chain[at + 1] if at + 1 < len(chain) else None
        return Known(
            described(chain[at], "subject", own=True),
            action,
            Someone("resource", frozenset({resource}), own=True),
            context=self._context,
            delegator=None if delegator is None else described(delegator, "delegator", own=True),
            delegated=delegator is not None,
            actor=described(chain[caller], "actor", own=True),
            depth=len(chain) - 1 - caller,
        )


def _asks_who_acts(rule: RuleSymbol) -> bool:
    """Whether a rule reads who performs the call: then it is looked at for everyone who could have."""
    return any(isinstance(node, ast.Var) and node.name in _WHO_ACTS for node in descend(rule.decl))


# --- what that says of an action


@frozen(eq=False)
class _OnType:
    """An action on resources of a type: the decisions that are possible, what must hold, and when to ask a person."""

    effects: frozenset[str]
    holds: Found
    waits: Found
    box: Box


def _discovered(program: Program, views: _Views, action: ActionSymbol) -> Discovered | None:
    if not views.granted(action.key):
        return None
    on = {kind: _on_type(action, views.remains(action.key, kind)) for kind in sorted(action.on)}
    found = {kind: one for kind, one in on.items() if one is not None}
    if not found:
        return None
    effect = Effect.ALLOW if any("allow" in one.effects for one in found.values()) else Effect.REQUIRE_APPROVAL
    holds = _parts(_one_of([one.holds for one in found.values()]))
    waits = junction("or", [one.waits for one in found.values()])
    approval = None if waits.value is False else "always" if waits.value is True else waits.text
    box = one_of(one.box for one in found.values()) or OPEN
    told = _of_each_argument(holds)
    schema = arguments_schema(action.parameters, box, program, {name: _sentence(texts) for name, texts in told.items()})
    arguments = tuple(
        Argument(s.external, str(s.type), not s.optional or name in box.required, told.get(name, ()),
                 schema["properties"][s.external])
        for name, s in action.parameters.items()
    )  # fmt: skip
    return Discovered(
        action.external,
        effect,
        tuple(program.types[kind].external for kind in found),
        arguments,
        tuple(one.text for one in holds),
        approval,
        schema,
        _note(holds, waits),
    )


def _on_type(action: ActionSymbol, links: list[list[Remains]]) -> _OnType | None:
    """Return what is possible on a type of resources, or None if everything on it is denied."""
    if not links:
        return None
    effects = least(decisions(link) for link in links) - {"deny"}
    holds = junction("and", [part for link in links for part in _demands(link)])
    box = arguments_where(holds, action.parameters)
    if box is None:
        return None
    waits = junction("or", [_waits(one) for link in links for one in link if one.rule.effect == "require_approval"])
    if "allow" in effects and waits.value is not False:
        freely = junction("and", [holds, opposite(waits)])
        if arguments_where(freely, action.parameters) is None:
            effects -= {"allow"}
    return _OnType(effects, holds, waits, box) if effects else None


def _waits(one: Remains) -> Found:
    """Return when a rule asks for an approval: where what it asks holds, or cannot be evaluated."""
    if one.outcome == "always":
        return ALWAYS
    if one.asks.known or one.asks.failed:
        return Found(f"{one.rule.name} cannot be evaluated", reads=frozenset({one.rule.name}))
    return one.asks


def _demands(link: Iterable[Remains]) -> Iterable[Found]:
    """Yield what must be true for a link not to be denied: what one of the permits asks, and no forbid does."""
    rules = list(link)
    yield _one_of([one.asks for one in rules if one.rule.effect == "permit"])
    for one in rules:
        if one.rule.effect == "forbid":
            yield opposite(one.asks)


# --- in words


def _one_of(choices: Sequence[Found]) -> Found:
    """Return that one of some conditions holds, what they have in common put before what tells them apart."""
    if len(choices) == 1 or any(choice.known for choice in choices):
        return junction("or", choices)
    every = [{part.text: part for part in _parts(choice)} for choice in choices]
    common = [part for text, part in every[0].items() if all(text in parts for parts in every)]
    told = {part.text for part in common}
    rest = [junction("and", [part for text, part in parts.items() if text not in told]) for parts in every]
    return junction("and", [*common, junction("or", rest)])


def _parts(holds: Found) -> tuple[Found, ...]:
    """Return the conditions that must hold, one by one."""
    if holds.known:
        return ()
    return holds.parts if holds.joined == "and" else (holds,)


def _arguments_of(condition: Found) -> frozenset[str]:
    """Return the arguments that a condition is about, empty if it is about anything else."""
    names = [_OF_ARGUMENT.match(read) for read in condition.reads]
    return frozenset(match[1] for match in names if match is not None) if names and all(names) else frozenset()


def _of_each_argument(conditions: Iterable[Found]) -> dict[str, tuple[str, ...]]:
    """Return the conditions about one argument alone, by argument."""
    found: dict[str, tuple[str, ...]] = {}
    for condition in conditions:
        names = _arguments_of(condition)
        if len(names) == 1:
            name = next(iter(names))
            found[name] = (*found.get(name, ()), condition.text)
    return found


def _note(holds: Iterable[Found], waits: Found) -> str:
    """Return what a model may be told: what must hold of arguments, and whether a person has to approve."""
    about = [one.text for one in holds if _arguments_of(one)]
    said = [f"Allowed only where: {'; '.join(about)}."] if about else []
    if waits.value is True:
        said.append("A person has to approve each call.")
    elif waits.value is not False:
        when = f" where: {waits.text}" if _arguments_of(waits) else ""
        said.append(f"A person may have to approve a call{when}.")
    return " ".join(said)


def _sentence(conditions: Sequence[str]) -> str:
    return f"Allowed where {' and '.join(conditions)}."
