"""An agent may do what cannot be undone, unasked.

## What it finds

A `permit` that lets an AI principal perform an action with the effect `irreversible`, where no `require approval` and no
`forbid` covers that type of agent, that action and that type of resource. A rule that asks only sometimes counts
(`when args.amount > 50.00`): then somebody has thought about where the line is. A `forbid` that only keeps tenants apart
does not, because it says which resources are meant and not whether anybody looks; nor one over `any`
action that only asks for somebody to act for, for an address or for a time.

AI principals are the types with a trait of `std.agents` that is for agents only (`Autonomous`, `Supervised`, `Cautious`,
`Graded`, `DepthBound`); if there is none, a type named `Agent`. People are not reported.

## Why it matters

An agent errs in ways that people do not: it misreads a number, believes an instruction that stood in a web page, or
repeats a step because the answer got lost. Most of that can be put right afterwards. A payment, a deletion or a message
that is out cannot, so for these somebody must look before, at least at the large ones.

## Avoid

```kyn
subject Agent {
  team: String
}
resource Bucket {
  team: String
}
action empty on Bucket effects irreversible

permit agents_tidy "Agents empty the buckets of their team" {
  subject  Agent
  action   empty
  resource Bucket
  scope    subject.team == resource.team
}
```

## Prefer

```kyn
role operator
subject User
subject Agent {
  team: String
}
resource Bucket {
  team:  String
  files: Int
}
action empty on Bucket effects irreversible

permit agents_tidy "Agents empty the buckets of their team" {
  subject  Agent
  action   empty
  resource Bucket
  scope    subject.team == resource.team
}

require approval many_files "An operator looks before many files are lost" {
  subject  Agent
  action   empty
  resource Bucket
  when     resource.files > 100
  from     User with role operator
  expires  1h
}
```

## Options

None.

## What it cannot see

An action that cannot be undone and does not say so in its `effects`. Whether the approval that covers it asks often
enough, or the `forbid` stops the dangerous part. A permit that `when` limits to what is harmless is reported all the
same: suppress it there, with that reason. Permits of libraries.
"""

from ...syntax import ast
from ..lint_examples import rules
from ..linter import Context, Lint
from ..reach import Reach, a_person, patterns_of, place_of
from ..symbols import ActionSymbol, RuleSymbol

_OWN = "scope subject == resource.owner"
_TENANT = "scope subject.tenant == resource.tenant"


def _ask(subject: str, action: str, resource: str, more: str = "") -> str:
    return f"\nrequire approval r {{ subject {subject} action {action} resource {resource} from User with role lead {more} }}"


VALID = (
    rules(f'permit p "d" {{ subject User action purge resource Doc {_OWN} }}'),
    rules(f'permit p "d" {{ subject Agent action doc_actions resource Doc {_TENANT} }}'),
    rules(
        f'permit p "d" {{ subject Agent, User action purge resource Doc {_TENANT} }}'
        + _ask("Tenanted", "any", "Ownable", "when resource is Doc and resource.size > 10")
    ),
    rules(
        f'permit p "d" {{ subject Agent action purge resource Doc {_TENANT} }}\n'
        "forbid f { subject Agent with role staff action purge resource any unless context.mfa }"
    ),
    rules(
        "let person(s: Tenanted) = s is User\n"
        f'permit p "d" {{ subject User, Agent action any resource Tenanted {_TENANT} when person(subject) }}'
    ),
    rules(
        'permit p "d" { subject Agent action purge resource Doc scope delegated }\n'
        f'permit q "d" {{ subject User action purge resource Doc {_OWN} }}' + _ask("User", "purge", "Doc")
    ),
    "import std.agents (Autonomous)\nsubject Bot is Autonomous\nsubject Agent\nresource Doc\n"
    'action burn on Doc effects irreversible\npermit p "d" { subject Agent action burn resource Doc scope any "x" }',
)
INVALID = (
    rules(f'permit p "d" {{ subject Agent resource Doc {_TENANT}\n action read, purge }}  # <-'),
    rules(f'permit p "d" {{ subject Tenanted resource Ownable {_TENANT}\n action any }}  # <-'),
    rules(
        "action erase, wipe on Doc, Folder in clean effects irreversible, sends_out\n"
        'permit p "d" { subject Agent with role staff resource any scope resource is Folder or resource is Doc\n'
        " action clean }  # <-" + _ask("any", "erase", "any") + "\nforbid f { subject any action wipe resource Doc }"
    ),
    rules(
        "let person(s: Tenanted) = s is User\n"
        'permit p "d" { subject any resource Doc scope delegated\n action purge }  # <-\n'
        "forbid f { subject Tenanted action purge resource any when person(subject) and context.mfa and subject is Agent }"
    ),
    "import std.agents (Autonomous)\nimport std.tenancy (Tenanted, same_tenant)\nsubject Bot is Autonomous, Tenanted\n"
    "resource Doc is Tenanted\naction doc.burn, doc.read on Doc effects irreversible\n"
    'permit p "d" { subject Autonomous resource Doc scope same_tenant(subject, resource)\n action doc.* }  # <-',
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    if rule.effect != "permit":
        return
    reach = context.shared(Reach)
    agents = sorted(reach.types_of(rule)[0] & context.program.autonomous)
    unasked: dict[ast.ActionPattern, list[tuple[ActionSymbol, str, list[str]]]] = {}
    for key in sorted(rule.actions) if agents else ():
        action = context.program.actions[key]
        if any(effect.text == "irreversible" for effect in action.decl.effects):
            for agent in agents:
                if resources := _unasked(rule, agent, key, reach):
                    pattern = patterns_of(rule, action)[0]
                    unasked.setdefault(pattern, []).append((action, agent, resources))
                    break
    for pattern, found in unasked.items():
        _report(rule, pattern, found, context)


def _unasked(rule: RuleSymbol, agent: str, action: str, reach: Reach) -> list[str]:
    """Return the types of resources on which an agent may do it and nobody is ever asked."""
    return [
        resource
        for resource in sorted(reach.resources(rule, agent, action))
        if not reach.guarded(agent, action, resource) and not _asked_behind(rule, action, resource, reach)
    ]


def _asked_behind(rule: RuleSymbol, action: str, resource: str, reach: Reach) -> bool:
    """Whether the agent acts for somebody only, and that link of the chain may have to ask."""
    return reach.delegated_only(rule) and any(
        reach.guarded(subject, action, resource) for subject in reach.program.types
    )


def _report(
    rule: RuleSymbol,
    pattern: ast.ActionPattern,
    found: list[tuple[ActionSymbol, str, list[str]]],
    context: Context,
) -> None:
    action, key, resources = found[0]
    types = context.program.types
    agent = types[key].name
    on = " or ".join(f"`{types[resource].name}`" for resource in resources[:3]) + (" …" if len(resources) > 3 else "")
    notes = [f"no `require approval` and no `forbid` covers `{action.name}` by `{agent}` on {on}"]
    if others := [f"`{other.name}`" for other, _, _ in found[1:]]:
        notes.append(f"the same holds for {', '.join(others[:5])}{' …' if len(others) > 5 else ''}")
    written = pattern.span.text
    context.report(
        pattern.span,
        f"the permit `{rule.decl.name.text}` lets `{agent}` do `{action.name}`, which cannot be undone,"
        " and nobody is ever asked",
        "cannot be undone" if written == action.name else f"covers `{action.name}`, which cannot be undone",
        labels=[(place_of(action), "declared with the effect `irreversible`")],
        notes=notes,
        help="\n".join(
            [
                "let somebody look first:",
                f'require approval {action.name.replace(".", "_")}_is_checked "A person looks before it is done" {{',
                f"  subject  {agent}",
                f"  action   {action.name}",
                f"  resource {types[resources[0]].name if len(resources) == 1 else 'any'}",
                f"  from     {a_person(context.program)}",
                "  expires  1h",
                "}",
            ]
        ),
    )


LINT = Lint(rule=_rule)
