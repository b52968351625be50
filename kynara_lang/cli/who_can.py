"""`kynara who-can` and `kynara what-can`: which rules grant something, and the conditions that remain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from .options import Stop, color_option, entities_option
from .output import print_json
from .policies import load_policies

if TYPE_CHECKING:
    from ..analysis.knowledge import Someone
    from ..analysis.partial import Partial, Remains
    from ..runtime.entities import World
    from ..runtime.policyset import PolicySet

_policies = click.option(
    "--policies", "-p", "paths", multiple=True, metavar="PATH", help="The policies, if not those of the configuration."
)
_EFFECTS = {"permits": "permit", "forbids": "forbid", "approvals": "require_approval"}
_format = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)


@click.command("who-can")
@click.argument("action")
@click.argument("resource")
@_policies
@entities_option
@_format
@color_option
@click.pass_context
def who_can(
    ctx: click.Context, action: str, resource: str, paths: tuple[str, ...], entities: str | None, form: str
) -> None:
    """Say who can perform ACTION on RESOURCE, a type or `Type::id`: the rules, and the conditions that remain.

    With --entities, each subject of the store is looked at.

    \b
    Examples:
      kynara who-can refund Order
      kynara who-can refund Order::o-1 --entities entities.json

    Exit codes: 0 somebody can, 1 nobody can, 2 it could not be worked out.
    """
    policies = load_policies(ctx, paths, entities)
    key = _action(policies, action)
    on = _entity(policies, resource, "resource", set(policies.program.actions[key].on))
    subjects = list(_everyone(policies, "subject")) if entities else list(_types(policies, "subject"))
    _answer(ctx, form, [_told(policies, who, key, on) for who in subjects])


@click.command("what-can")
@click.argument("subject")
@_policies
@entities_option
@_format
@color_option
@click.pass_context
def what_can(ctx: click.Context, subject: str, paths: tuple[str, ...], entities: str | None, form: str) -> None:
    """Say what SUBJECT, a type or `Type::id`, can do: on which types, by which rules, under which conditions.

    With --entities, each resource of the store is looked at.

    \b
    Examples:
      kynara what-can Agent
      kynara what-can Agent::refund-bot --entities entities.json

    Exit codes: 0 it can do something, 1 it can do nothing, 2 it could not be worked out.
    """
    policies = load_policies(ctx, paths, entities)
    who = _entity(policies, subject, "subject", None)
    things = list(_everyone(policies, "resource")) if entities else list(_types(policies, "resource"))
    told = []
    for key, action in sorted(policies.program.actions.items()):
        told += [_told(policies, who, key, thing) for thing in things if thing.types & action.on]
    _answer(ctx, form, told)


# --- who and what is meant


def _action(policies: PolicySet, name: str) -> str:
    from ..diagnostics.suggest import near

    actions = policies.program.actions
    for key, action in actions.items():
        if name in (key, action.name, action.external):
            return key
    guess = near(name, [a.name for a in actions.values()])
    raise Stop(f"there is no action `{name}`", f"did you mean `{guess}`?" if guess else None)


def _entity(policies: PolicySet, text: str, what: str, possible: set[str] | None) -> Someone:
    """Return an entity, or any of a type, as it stands on the command line."""
    from ..analysis.knowledge import Someone, described
    from ..diagnostics.suggest import near

    kinds = {k: t for k, t in policies.program.types.items() if what == "resource" or t.kind == "subject"}
    names = {name: k for k, t in reversed(kinds.items()) for name in (k, t.name, t.external)}
    # A type in requests may have `::` itself: of several ways to read the text, the longest known type is meant.
    ends = [at for at in range(len(text)) if text.startswith("::", at)]
    end = next((at for at in (len(text), *reversed(ends)) if text[:at] in names), ends[0] if ends else len(text))
    name, colons, identity = text[:end], text[end : end + 2], text[end + 2 :].strip('"')
    key = names.get(name)
    if key is None:
        guess = near(name, [t.name for t in kinds.values()])
        raise Stop(f"there is no type `{name}` of {what}s", f"did you mean `{guess}`?" if guess else None)
    if possible is not None and key not in possible:
        known = ", ".join(sorted(policies.program.types[k].name for k in possible))
        raise Stop(f"the action does not apply to a {name}", f"it applies to {known}")
    if not colons:
        return Someone(what, frozenset({key}), own=True)
    stored = policies.world.entity(f"{key}::{identity}")
    if stored is not None:
        return described(stored, what, own=True)
    return Someone(what, frozenset({key}), identity, own=True)


def _types(policies: PolicySet, what: str) -> Iterator[Someone]:
    from ..analysis.knowledge import Someone

    for key, kind in sorted(policies.program.types.items()):
        if what == "resource" or kind.kind == "subject":
            yield Someone(what, frozenset({key}), own=True)


def _everyone(policies: PolicySet, what: str) -> Iterator[Someone]:
    """Yield the entities of the store that can be subjects, or resources."""
    from ..analysis.knowledge import described

    world: World = policies.world
    for key in world.stored():
        entity = world.entity(key)
        if entity is not None and (what == "resource" or policies.program.types[entity.type].kind == "subject"):
            yield described(entity, what, own=True)


# --- the answer


def _told(policies: PolicySet, who: Someone, action: str, thing: Someone) -> dict[str, Any]:
    from ..analysis.knowledge import Known
    from ..analysis.partial import Partial, decisions

    def lookup(kind: str, identity: str) -> Any:
        return policies.world.entity(f"{kind}::{identity}")

    known = Known(who, action, thing)
    partial: Partial = Partial(policies.program, known, lookup if policies.world.stored() else None)
    remains = partial.rules()
    possible = decisions(remains)
    program = policies.program
    return {
        "subject": _name(policies, who),
        "action": program.actions[action].name,
        "resource": _name(policies, thing),
        "decisions": sorted(possible),
        **{name: [_rule(one) for one in remains if one.rule.effect == effect] for name, effect in _EFFECTS.items()},
    }


def _name(policies: PolicySet, someone: Someone) -> str:
    from ..semantics.display import display_text

    kind = policies.program.types[next(iter(someone.types))].name
    return kind if someone.id is None else f"{kind}::{display_text(someone.id)}"


def _rule(one: Remains) -> dict[str, Any]:
    """Return whom and what a rule is about, and what remains of it; a rule that always matches asks for nothing."""
    always = one.outcome == "always"
    conditions = () if always else (part for part in one.parts if part.kind not in ("subject", "resource"))
    return {
        "rule": one.rule.name,
        "always": always,
        "subject": one.subject,
        "resource": one.resource,
        "conditions": [str(part) for part in conditions],
        "by_error": one.by_error and not always,
    }


def _answer(ctx: click.Context, form: str, told: list[dict[str, Any]]) -> None:
    from ..diagnostics.excerpt import visible

    able = [one for one in told if {"allow", "require_approval"} & set(one["decisions"])]
    if form == "json":
        print_json({"version": 1, "answers": able})
    else:
        for one in able:
            click.echo(visible(_sentence(one)))
            for line in _lines(one):
                click.echo(visible(f"  {line}"))
        if not able:
            click.echo("Nobody, whatever the request." if told else "Nobody: the store has no such entity.")
    ctx.exit(0 if able else 1)


def _sentence(one: dict[str, Any]) -> str:
    how = {
        ("allow",): "",
        ("require_approval",): ", with an approval,",
        ("deny", "require_approval"): ", under conditions and with an approval,",
    }.get(tuple(one["decisions"]), ", under conditions,")
    return f"{one['subject']} can{how} {one['action']} {one['resource']}"


def _lines(one: dict[str, Any]) -> Iterator[str]:
    kind = one["resource"].partition('::"')[0]
    for word, effect in (("by", "permits"), ("forbidden by", "forbids"), ("asks for", "approvals")):
        for rule in one[effect]:
            narrower = f" on {rule['resource']}" if rule["resource"] != kind else ""
            yield f"{word} {rule['rule']} for {rule['subject']}{narrower}{', always' if rule['always'] else ''}"
            if rule["by_error"]:
                yield "  where evaluating one of these is an error"
            yield from (f"  {condition}" for condition in rule["conditions"])
