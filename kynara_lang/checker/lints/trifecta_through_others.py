"""An agent reaches all three through others it acts as.

## What it finds

A type of AI principals that has the three of KYN701 only together with others: it reads what is
private, it reads what anybody can have written, and it sends out, partly by itself and partly as a principal that it can
come to act as. The steps are permitted actions

- with `acts as resource`, `acts as resource.attr` or `acts as args.param`, if what they require is permitted as well;
- with the effect `writes_memory`, on a resource that is a principal: whoever writes what it remembers steers it.

Steps may follow one another. A step, or a flow, does not count where every action for it is covered by a
`require approval` or a `forbid`, as in KYN701. Types that have all three by themselves are that lint's.

## Why it matters

Splitting the work is the best cure of the lethal trifecta: the agent that reads the web cannot send, the one that sends
never sees a foreign text. But agents talk. If the reader may start the sender with a task of its own words, or write into
its memory, then a text from outside reaches the sender after all, one step later, and the split protects nothing.

## Avoid

```kyn
import std.agents (Autonomous)

subject Reader is Autonomous
subject Sender is Autonomous
resource WebPage
resource Contact
resource Mail
action browse     on WebPage                 effects reads_untrusted
action look_up    on Contact                 effects reads_private
action mail_write on Mail                    effects sends_out
action start      on Sender (task: String)   acts as resource

permit readers_browse "Readers read the web" {
  subject  Reader
  action   browse
  resource WebPage
  scope    any "the web is public"
}

permit senders_write "Senders write to our contacts" {
  subject  Sender
  action   look_up, mail_write
  resource Contact, Mail
  scope    any "there is one address book"
}

permit readers_start "Readers hand over what they found" {
  subject  Reader
  action   start
  resource Sender
  scope    any "there is one sender"
}
```

## Prefer

```kyn
import std.agents (Autonomous)

role editor
subject User
subject Reader is Autonomous
subject Sender is Autonomous
resource WebPage
resource Contact
resource Mail
action browse     on WebPage                 effects reads_untrusted
action look_up    on Contact                 effects reads_private
action mail_write on Mail                    effects sends_out
action start      on Sender (task: String)   acts as resource

permit readers_browse "Readers read the web" {
  subject  Reader
  action   browse
  resource WebPage
  scope    any "the web is public"
}

permit senders_write "Senders write to our contacts" {
  subject  Sender
  action   look_up, mail_write
  resource Contact, Mail
  scope    any "there is one address book"
}

permit readers_start "Readers hand over what they found" {
  subject  Reader
  action   start
  resource Sender
  scope    any "there is one sender"
}

require approval tasks_are_read "A person reads the task that a sender gets" {
  subject  Reader
  action   start
  resource Sender
  from     User with role editor
  expires  1h
}
```

A fixed task without free text (`action start_digest on Sender`, without `acts as`) needs no approval.

## Options

None.

## What it cannot see

Ways to steer an agent that no action declares: a shared file, a ticket that one writes and the other reads. Which entity is
acted as: all principals of a type count as one, whatever roles they hold. Conditions of the permits, apart from the types
that they ask for.
"""

from __future__ import annotations

from ..lint_examples import rules
from ..linter import Context, Lint
from ..reach import FLOWS, Grant, Hop, Need, Reach, a_person, effects_of
from ..symbols import RuleSymbol
from .lethal_trifecta import shown_subject, what_permits_grant, where_granted

_ACTIONS = """\
subject Helper is Tenanted
resource Page
action look on Doc effects reads_private
action browse on Page in outside effects reads_untrusted
action post on Page (text: String) effects sends_out
role other
action run on Helper acts as resource
action conduct on Helper acts as resource requires run
action impersonate on Team (as_whom: User) acts as args.as_whom
action remind on Agent, Doc effects writes_memory
"""
_SENDER = """\
permit look "d" { subject Helper action look resource Doc scope subject.tenant == resource.tenant }
permit post "d" { subject Helper action post resource Page scope any "x" }
"""
_READER = 'permit browse "d" { subject Agent action browse resource Page scope any "x" }\n'
_RUN = 'permit hand "d" { subject Agent action run resource Helper scope any "x" }\n'
_FOUND = _RUN.replace("{", "{  # <-\n")


def _example(*parts: str) -> str:
    return rules(_ACTIONS + "".join(parts))


VALID = (
    _example(_SENDER, _READER),
    _example(_SENDER, _READER, _RUN, "require approval r { subject any action run resource any from User }"),
    _example(_SENDER, _READER, _RUN, "forbid f { subject Tenanted action post resource any when subject is Helper }"),
    _example(_SENDER, _RUN, _READER.replace("Agent", "User")),
    _example(_SENDER, _READER, _RUN.replace("run resource Helper", "conduct resource Helper")),
    _example(_SENDER, _READER, 'permit remind "d" { subject Agent action remind resource Doc scope any "x" }'),
    _example(
        _SENDER, _READER.replace("Agent", "Agent with role staff"), _RUN.replace("Agent", "Agent with role other")
    ),
)
INVALID = (
    _example(_SENDER, _READER, _FOUND),
    _example(
        "let person(s: Tenanted) = s is User\n",
        _SENDER.replace("Helper", "User"),
        'permit out "d" { subject User, Team with role other action outside resource Page scope any "x" }\n',
        'permit pose "d" {  # <-\n subject Tenanted action impersonate resource Team scope any "x" unless person(subject) }',
    ),
    _example(
        _SENDER,
        _READER.replace("Agent", "Agent with role staff"),
        'permit tell "d" {  # <-\n subject Agent action remind resource Tenanted scope any "x" }\n',
        _RUN.replace("Agent", "Agent with role lead"),
    ),
    _example(
        _SENDER.replace("Helper", "User"),
        _READER,
        _FOUND,
        'permit pose "d" { subject Helper action impersonate resource any scope any "x" }',
    ),
    "import std.agents (Autonomous)\nsubject Bot is Autonomous { boss: Chief }\nsubject Chief\nresource Doc\n"
    "action look, scan on Doc, Chief effects reads_private, reads_untrusted\naction send on Doc effects sends_out\n"
    "action ask, lead on Bot in talking acts as resource.boss requires look\n"
    'permit all "d" { subject any action look, scan resource any scope any "x" }\n'
    'permit send "d" { subject Chief action send resource Doc scope any "x" }\n'
    'permit talk "d" {  # <-\n subject Autonomous action talking resource Bot scope any "x" }',
)


def _program(context: Context) -> None:
    reach = context.shared(Reach)
    for agent in sorted(context.program.autonomous):
        if reach.trifecta(agent) is None:
            for need in reach.needs(agent):
                if _found(agent, need, context):
                    break


def _found(agent: str, need: Need, context: Context) -> bool:
    """Report what subjects of a type that meet a need reach through others, if that is all three."""
    reach = context.shared(Reach)
    hops = reach.hops(agent, need)
    if any(reach.trifecta(other) is not None for other in hops if other in context.program.autonomous):
        return False  # that one is reported itself
    flows = reach.flows(agent, need)
    through: dict[str, tuple[Hop, ...]] = {}
    for other, way in hops.items():
        for effect, grant in reach.flows(other, None).items():
            if effect not in flows:
                flows[effect], through[effect] = grant, way
    if len(flows) < len(FLOWS):
        return False
    _report(agent, need, flows, through, context)
    return True


def _report(
    agent: str, need: Need, flows: dict[str, Grant], through: dict[str, tuple[Hop, ...]], context: Context
) -> None:
    types = context.program.types
    said: dict[RuleSymbol, list[str]] = {}
    for hop in dict.fromkeys(hop for way in through.values() for hop in way):
        acts = "act as" if "acts as" in effects_of(hop.grant.action) else "steer"
        other = "another " * (hop.origin == hop.target)
        words = f"`{hop.grant.action.name}` lets `{types[hop.origin].name}` {acts} {other}`{types[hop.target].name}`"
        said.setdefault(hop.grant.permit, []).append(words)
    for permit, words in what_permits_grant(flows).items():
        said.setdefault(permit, []).append(words)
    blamed = next((permit for permit in said if not permit.library), next(iter(said)))
    others = list(dict.fromkeys(way[-1].target for way in through.values()))
    names = [f"{'another ' * (key == agent)}`{types[key].name}`" for key in others]
    first = next(iter(through.values()))[0]
    primary = "; ".join(said.pop(blamed))
    context.report(
        where_granted(blamed, context),
        f"{shown_subject(agent, need, context.program)} reads what is private, reads what anybody can have written, and sends out,"
        f" through {' and '.join(names)}",
        primary,
        labels=[(where_granted(permit, context), "; ".join(words)) for permit, words in said.items()],
        notes=[
            "apart, they could not leak; whoever writes what one of them reads can now tell it what the other shall do"
        ],
        help="\n".join(
            [
                "let a person look at the step from one to the other:",
                f'require approval {first.grant.action.name.replace(".", "_")}_is_checked "A person looks first" {{',
                f"  subject  {types[first.origin].name}",
                f"  action   {first.grant.action.name}",
                "  resource any",
                f"  from     {a_person(context.program)}",
                "  expires  1h",
                "}",
            ]
        ),
    )


LINT = Lint(program=_program)
