"""An agent reads secrets and untrusted text and can send out.

## What it finds

A type of AI principals to which permits grant all three:

- an action with the effect `reads_private`: what must not get out;
- an action with the effect `reads_untrusted`: text that anybody can have written;
- an action with the effect `sends_out`: a way to the outside.

One action can have several of the effects. An effect does not count if every action with it that the type is granted is
covered, for that type, by a `require approval` or a `forbid`. A `forbid` that only keeps tenants or the like apart
(subject and resource must have the same `tenant`), or only asks for somebody to act for, for an address or a time, stops
nothing of this and does not count.

Where a permit asks for a role, a group or one entity, the three must come together for subjects that hold that role, are
in that group or are that entity: agents that are kept apart by roles are not reported, one role that has it all is.
It is reported once for each type.

AI principals are the types with a trait of `std.agents` that is for agents only (`Autonomous`, `Supervised`, `Cautious`,
`Graded`, `DepthBound`); if there is none, a type named `Agent`. People are not reported.

## Why it matters

A model cannot tell instructions from data. Whoever writes a web page, an e-mail or an issue that the agent reads can tell
it what to do: read the customer list, and post it to this address. Each of the three is harmless without the other two.
Together they are a leak that needs no bug and no stolen password, and that no prompt has reliably closed: what a model is
asked not to do, the next text asks it to do. It must be stopped where the agent's calls are decided, that is, here.

Simon Willison gave it the name, in 2025; almost every published attack on an agent with tools has this shape.

## Avoid

```kyn
subject Agent {
  team: String
}
resource Contact {
  team: String
}
resource WebPage
resource Mail {
  team: String
}
action look_up    on Contact            effects reads_private
action browse     on WebPage            effects reads_untrusted
action mail_write on Mail (to: Email)   effects sends_out

permit agents_look_up "Agents look up the contacts of their team" {
  subject  Agent
  action   look_up
  resource Contact
  scope    subject.team == resource.team
}

permit agents_browse "Agents read the web" {
  subject  Agent
  action   browse
  resource WebPage
  scope    any "the web is public"
}

permit agents_mail "Agents answer the mail of their team" {
  subject  Agent
  action   mail_write
  resource Mail
  scope    subject.team == resource.team
}
```

## Prefer

```kyn
role editor
subject User
subject Agent {
  team: String
}
resource Contact {
  team: String
}
resource WebPage
resource Mail {
  team: String
}
action look_up    on Contact            effects reads_private
action browse     on WebPage            effects reads_untrusted
action mail_write on Mail (to: Email)   effects sends_out

permit agents_look_up "Agents look up the contacts of their team" {
  subject  Agent
  action   look_up
  resource Contact
  scope    subject.team == resource.team
}

permit agents_browse "Agents read the web" {
  subject  Agent
  action   browse
  resource WebPage
  scope    any "the web is public"
}

permit agents_mail "Agents answer the mail of their team" {
  subject  Agent
  action   mail_write
  resource Mail
  scope    subject.team == resource.team
}

require approval foreign_mail "A person reads what goes to others" {
  subject  Agent
  action   mail_write
  resource Mail
  unless   args.to.domain within "example.com"
  from     User with role editor
  expires  1h
}
```

Better still, two agents: one that reads the web and can send nothing, and one that never sees a foreign text.

## Options

None.

## What it cannot see

Effects that no action declares: an image that the agent shows can send out too. Whether the approval or the `forbid` in
between asks often enough. That conditions keep the three apart in other ways, say by a time of day. What an agent learns
in one request and keeps for the next: the three count together, whenever each of them happens. An agent that gets the three
only together with others it acts as is KYN702.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...diagnostics.source import Span
from ..lint_examples import rules
from ..linter import Context, Lint
from ..reach import Grant, Need, Reach, a_person
from ..symbols import Program, RuleSymbol

_ACTIONS = """\
role other
resource Page
action look on Doc effects reads_private
action browse on Page in outside effects reads_untrusted
action post on Page (text: String) effects sends_out
"""
_LOOK = 'permit look "d" { subject Agent action look resource Doc scope subject.tenant == resource.tenant }\n'
_BROWSE = 'permit browse "d" { subject Agent action browse resource Page scope any "x" }\n'
_POST = 'permit post "d" { subject Agent action post resource Page scope any "x" }\n'
_FOUND = _POST.replace("{", "{  # <-\n")


def _example(*parts: str) -> str:
    return rules(_ACTIONS + "".join(parts))


VALID = (
    _example(_LOOK, _BROWSE),
    _example(_LOOK, _BROWSE, _POST, "require approval r { subject any action post resource any from User }"),
    _example(_LOOK, _BROWSE, _POST, "forbid f { subject Tenanted action outside resource any unless context.mfa }"),
    _example((_LOOK + _BROWSE + _POST).replace("Agent", "User")),
    _example(
        _LOOK.replace("Agent", "Agent with role staff"),
        _BROWSE,
        _POST.replace("Agent", 'Agent::"sender", Agent with role other'),
    ),
    _example(
        "let person(s: Tenanted) = s is User\n",
        _LOOK,
        _BROWSE,
        _POST.replace("subject Agent", "subject Tenanted").replace("}", "when person(subject) }"),
    ),
)
INVALID = (
    _example(_LOOK, _BROWSE, _FOUND),
    _example(
        _LOOK.replace("Agent", "Tenanted"),
        _BROWSE.replace("Agent", "any").replace("browse resource", "outside resource"),
        _FOUND,
        "require approval r { subject User action post resource any from User }\n"
        "forbid f { subject any action post resource any when subject is User and context.mfa }",
    ),
    _example(
        _LOOK.replace("Agent", "Agent with role staff"), _BROWSE, _FOUND.replace("Agent", "User, Agent with role lead")
    ),
    _example(
        'action feed.poll, feed.push on Page effects sends_out, reads_untrusted, reads_private\npermit feed "d" {  # <-\n'
        ' subject Agent::"x", User action feed.* resource any scope any "x" }\n'
        "require approval r { subject any action feed.poll resource any from User }",
    ),
    _example(
        _LOOK,
        _BROWSE,
        _FOUND,
        "forbid never_alone { subject Agent action any resource any unless delegated }\n"
        "forbid late { subject Agent action any resource Tenanted when context.now > 2030-01-01"
        " or (subject.tenant != resource.tenant and delegated) }\n"
        'forbid far { subject Agent action any resource any unless context.ip within "10.0.0.0/8" }',
    ),
    "import std.agents (Autonomous)\nimport std.tenancy (Tenanted)\nsubject Bot is Autonomous, Tenanted\n"
    "resource Doc is Tenanted\naction look on Doc effects reads_private\naction fetch on Doc effects reads_untrusted\n"
    'action send on Doc effects sends_out\npermit all "d" {  # <-\n subject Autonomous action look, fetch, send\n'
    ' resource Tenanted scope any "tenants are kept apart" }',
)
FLOWS_IN_WORDS = {
    "sends_out": "sends to the outside",
    "reads_untrusted": "reads what anybody can have written",
    "reads_private": "reads what is private",
}


def _program(context: Context) -> None:
    reach = context.shared(Reach)
    for agent in sorted(context.program.autonomous):
        found = reach.trifecta(agent)
        if found is not None:
            _report(agent, *found, context)


def _report(agent: str, need: Need, flows: dict[str, Grant], context: Context) -> None:
    said = what_permits_grant(flows)
    blamed = next((permit for permit in said if not permit.library), next(iter(said)))
    program = context.program
    name = program.types[agent].name
    sender = flows["sends_out"].action.name
    context.report(
        where_granted(blamed, context),
        f"{shown_subject(agent, need, program)} can read what is private, read what anybody can have written,"
        " and send it out",
        said.pop(blamed),
        labels=[(where_granted(permit, context), words) for permit, words in said.items()],
        notes=[
            "whoever writes what it reads can tell it what else to read, and where to send that; nothing stands in between",
        ],
        help="\n".join(
            [
                "let a person look at what goes out:",
                f'require approval {sender.replace(".", "_")}_is_read "A person reads what goes out" {{',
                f"  subject  {name}",
                f"  action   {sender}",
                "  resource any",
                f"  from     {a_person(program)}",
                "  expires  1h",
                "}",
                "or let one agent read what is private, and another what comes from outside",
            ]
        ),
    )


def what_permits_grant(flows: Mapping[str, Grant]) -> dict[RuleSymbol, str]:
    """Return what each permit of some grants lets through, in words; what sends out comes first."""
    said: dict[RuleSymbol, dict[str, list[str]]] = {}
    for effect, words in FLOWS_IN_WORDS.items():
        if effect in flows:
            grant = flows[effect]
            said.setdefault(grant.permit, {}).setdefault(grant.action.name, []).append(words)
    return {
        permit: "; ".join(f"`{action}` {' and '.join(words)}" for action, words in actions.items())
        for permit, actions in said.items()
    }


def where_granted(permit: RuleSymbol, context: Context) -> Span:
    """Return where the program grants what a permit does: the permit's name, or the import that names one of a library."""
    if permit.library:
        for module in context.modules:
            for item in module.imports:
                for name in item.names:
                    if f"{item.module.text}.{name.text}" == permit.name:
                        return name.span
    return permit.decl.name.span


def shown_subject(key: str, need: Need, program: Program) -> str:
    """Say which subjects are meant: a type, and what sets them apart."""
    name = program.types[key].name
    if need.entity is not None:
        return f'`{name}::"{need.entity.partition("::")[2]}"`'
    article = "an" if name[0] in "AEIOU" else "a"
    role = f" with role {program.roles[need.role].name}" if need.role is not None else ""
    group = ""
    if need.group is not None:
        kind, _, identity = need.group.partition("::")
        group = f' in {program.types[kind].name}::"{identity}"'
    return f"{article} `{name}{group}{role}`"


LINT = Lint(program=_program)
