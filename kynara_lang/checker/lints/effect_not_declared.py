"""An action's name suggests an effect it does not declare.

## What it finds

An action that declares no effect at all (no `effects`, no `modifies`, no `acts as`), although a verb in its name
suggests one:

| name | suggests |
|---|---|
| `delete`, `destroy`, `purge`, `wipe`, `erase`, `terminate`, `drop_table`, `pay`, `transfer`, `refund` | `effects irreversible` |
| `send`, `email`, `post`, `publish`, `upload`, `notify`, `tweet`, `http.post`, `call_webhook` | `effects sends_out` |
| `browse_web`, `fetch_url`, `read_email`, `read_inbox`, `search_web`, `http.get` | `effects reads_untrusted` |
| `exec`, `spawn`, `run`, `execute`, `eval`, `shell`, `run_command` | `effects executes_code` |
| `grant`, `revoke`, `assign_role`, `set_permissions`; `promote` where it applies to subjects | `modifies roles` |
| `add_member`, `remove_member` | `modifies parents` |
| `impersonate`, `sudo` | `acts as resource` |
| `edit_policy`, `policy.write` | `effects edits_policy` |
| `mint`, `issue_token`, `create_key`, `rotate_credentials` | `effects mints_credential` |
| `disable_audit`, `stop_logging` | `effects disables_audit` |
| `approve`, where the program has a `require approval` | `effects approves` |

Names are read word by word, in `snake_case` and in `camelCase`; a leading `can_` does not count, and what a request
calls the action (`as "…"`) is read too. A verb in front decides: `read_posts`, `list_payments`, `cancel_transfer` and
`create_post` suggest nothing.

An action that declares any effect is left alone: its author has thought about effects.

## Why it matters

The checker cannot look behind a name. What it knows of an action is what its declaration says, and everything about
agents rests on that: that nothing irreversible happens without an approval, that secrets and strangers' text do not
meet where data can leave, that nobody climbs to more rights by steps that are each allowed. An action without its
effects is invisible to all of this, and the report looks clean.

## Avoid

```kyn
subject User
subject Agent
resource Mailbox {
  owner: User
}
action delete_all on Mailbox

permit people_empty_mailboxes "People empty their own mailbox" {
  subject  User
  action   delete_all
  resource Mailbox
  scope    subject == resource.owner
}

permit agents_empty_mailboxes "An agent empties the mailbox of whom it acts for" {
  subject  Agent
  action   delete_all
  resource Mailbox
  scope    delegated and delegator is User
}
```

## Prefer

```kyn
subject User
subject Agent
resource Mailbox {
  owner: User
}
action delete_all on Mailbox effects irreversible

permit people_empty_mailboxes "People empty their own mailbox" {
  subject  User
  action   delete_all
  resource Mailbox
  scope    subject == resource.owner
}

permit agents_empty_mailboxes "An agent empties the mailbox of whom it acts for" {
  subject  Agent
  action   delete_all
  resource Mailbox
  scope    delegated and delegator is User
}

require approval owners_are_asked "The owner says yes before a mailbox is emptied by an agent" {
  subject  Agent
  action   delete_all
  resource Mailbox
  from     User where approver == resource.owner
}
```

## Options

`ignore-words`: verbs that mean nothing special here, such as `["publish"]` where publishing sends nothing out. None by
default.

## What it cannot see

What an action does. A name that says nothing (`process`, `sync`) or says it in another language is not guessed at, and
neither are names on which people differ (`remove`, `share`, `forward`). Where the guess is wrong, declare what is true,
or suppress the finding with the reason.
"""

from __future__ import annotations

from ...syntax import ast
from ..action_words import Guess, guess, words_of
from ..lint_examples import rules
from ..linter import Context, Lint, Option
from ..symbols import ActionSymbol, Program

VALID = (
    "subject User\nresource Post\naction create_post, read_posts, list_payments, cancel_transfer, email_update on Post\n"
    "action todo_view, can_read_posts_sent, restore_deleted, soft_delete, run_report, process, revoke_token on Post\n"
    "action promote, fetch_order, drop_file, execute_trade, issue, policy.read, approve, unpublish, policyholder, create_key_result on Post",
    "subject User\nresource Letter { sent: Bool }\naction delete on Letter effects reads_private\n"
    "action send on Letter modifies sent\naction impersonate on User acts as resource",
    rules('permit p "d" { subject any action any resource any scope delegated }'),
    "import std.tenancy (Tenanted)\nsubject User is Tenanted\nresource Query is Tenanted\naction run on Query in queries\n"
    'permit p "d" { subject User action queries resource Tenanted scope subject.tenant == resource.tenant }',
)
INVALID = (
    "subject User\nresource Todo\naction can_delete_todo on Todo  # <-\naction crm.contacts.purge on Todo  # <-\n"
    "action read,\n bulkDelete,  # <-\n list on Todo",
    "subject User\nresource Site\naction http.post on Site  # <-\naction slack_post_message on Site  # <-\n"
    "action fetch on Site  # <-\naction read_inbox on Site  # <-\naction runCommand on Site  # <-\n"
    'action tidy as "mcp/files:delete-all" on Site  # <-',
    "subject User\nresource Key\naction assign_role on User  # <-\naction groups.add_member on User  # <-\n"
    "action promote on User  # <-\naction impersonate on User  # <-\naction edit_policy on Key  # <-\n"
    "action api_keys.create on Key  # <-\naction disable_audit on Key  # <-\naction grant on User  # <-\n"
    "action approve_key on Key  # <-\nrequire approval r { subject any action any resource any from User }",
    "import std.agents (Autonomous)\nsubject Agent is Autonomous\nresource Tool\naction tool.exec on Tool in tool_use  # <-\n"
    'permit p "d" { subject Autonomous action tool_use resource Tool scope delegated }',
)


def _action(decl: ast.ActionDecl, context: Context) -> None:
    if decl.effects or decl.modifies or decl.acts_as:
        return
    ignored = frozenset(word.lower() for word in context.option("ignore-words"))
    for part in decl.names:
        found = _guess(part, context.program.actions[part.name.text], context)
        if found is not None and found.word not in ignored:
            context.report(
                part.name.span,
                f"the name of `{part.name.text}` suggests {found.meaning}, and it declares no effect",
                f"it sounds like `{found.effect}`",
                notes=[
                    "the checks for agents, escalation and information flow know only the effects that are declared"
                ],
                help=_cure(decl, part, found),
            )


def _guess(part: ast.ActionName, action: ActionSymbol, context: Context) -> Guess | None:
    kinds = [context.program.types[key] for key in action.on] if action.decl.on else []
    types = frozenset(word for kind in kinds for word in words_of(kind.name))
    on_subjects = any(kind.kind == "subject" for kind in kinds)
    found = guess(part.name.text, types, on_subjects=on_subjects)
    if found is None and part.external is not None:
        found = guess(part.external.value, types, on_subjects=on_subjects)
    if found is not None and found.effect == "effects approves" and not context.shared(_asks_for_approval):
        return None
    return found


def _asks_for_approval(program: Program) -> bool:
    return any(rule.effect == "require_approval" for rule in program.rules)


def _cure(decl: ast.ActionDecl, part: ast.ActionName, found: Guess) -> str:
    """Return the declaration with the effect, apart from that of actions that do not have it."""
    text, end = decl.span.source.text, decl.names[-1].span.end
    rest = text[end : decl.span.end].rstrip()
    if "#" in rest or "\n" in rest:
        return f"if that is what it does, declare it: add `{found.effect}` at its end"
    others = [other.span.text for other in decl.names if other is not part]
    lines = [f"action {', '.join(others)}{rest}"] if others else []
    return "\n".join(["if that is what it does, declare it:", *lines, f"action {part.span.text}{rest} {found.effect}"])


LINT = Lint(
    nodes={ast.ActionDecl: _action},
    options=(Option("ignore-words", (), "verbs that mean nothing special here"),),
)
