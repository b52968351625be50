"""A name is spelled unlike the others of its kind.

## What it finds

The convention is that of the language's own documents: `snake_case` for what can be named freely, `UpperCamelCase` for
types. So it finds

- a rule, an invariant, a role, a `let`, a parameter of a `let` or a fixture with capital letters in its name;
- an entity type, a trait or a `type` with an underscore in its name.

Attributes, context fields, actions and their parameters often mirror what the outside world calls them, and `ownerID` is
a fine name for what is called so. One is found only where it is the odd one out: where, for each such name, the program
spells three others of its kind clearly in `snake_case` (with an underscore), and where no `as` says what requests call
it.

## Why it matters

Spelling is the first thing a reader learns to rely on. `supportLead` beside `support_agent` makes people write
`support_lead` in the identity provider, and a role that nobody holds fails silently: the permit for it just never
matches.

A name that is renamed for the convention keeps its spelling in requests with `as`.

## Avoid

```kyn
subject User
resource Order {
  assignee: User
}
action read on Order
role supportLead

permit readOrders "Support leads read the orders assigned to them" {
  subject  User with role supportLead
  action   read
  resource Order
  scope    subject == resource.assignee
}
```

## Prefer

```kyn
subject User
resource Order {
  assignee: User
}
action read on Order
role support_lead as "supportLead"

permit read_orders "Support leads read the orders assigned to them" {
  subject  User with role support_lead
  action   read
  resource Order
  scope    subject == resource.assignee
}
```

## Options

None.

## What it cannot see

Which spelling the outside world expects: before renaming something that requests contain, add `as`. Words that run
together (`supportlead`), abbreviations and languages are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import frozen

from ...syntax import ast
from ..linter import Context, Lint

VALID = (
    'subject User as "user" { email: Email }\nresource Todo { ownerID: Email  isDone: Bool }\naction canRead on Todo\n'
    'permit p "d" { subject User action canRead resource Todo scope subject.email == resource.ownerID }',
    'subject User { is_new: Bool  team_id: Int  boss_id: Int  ownerID as "ownerId": Int }\nresource API2\n'
    "action read_all, write_all, list_all on API2 (maxSize: Int)\ncontext { sourceIp: IP }",
    "import std.tenancy (Tenanted, same_tenant)\nsubject HTTPServer is Tenanted\ntype Level_ = Int",
    "subject User { a_b: Int  c_d: Int  eF: Int  gH: Int }\nrole _staff\nlet x2 = 1\nlet count_ = 2",
)
INVALID = (
    "subject User\nresource Doc_Page  # <-\naction read on Doc_Page\nrole supportLead  # <-\nrole lead extends supportLead\n"
    "let isOwn(  # <-\n d: Doc_Page, theUser: User) = true  # <-\n"
    'permit readAll "d" {  # <-\n subject User action read resource Doc_Page scope isOwn(resource, subject) }',
    'trait Has_Owner { owner: User }  # <-\nsubject User is Has_Owner\ntype Access_Level = "a" | "b"  # <-\n'
    'fixture bigBoss = User::"u"  # <-\ninvariant neverEver { never allow subject any action any resource any }  # <-',
    "subject User { team_id: Int  boss_id: Int }\nresource Doc { owner_id: Int\n folderId: Int }  # <-\n"
    "action list_all, read_all, write_all on Doc (max_size: Int, page_size: Int, min_size: Int,\n startAt: Int)  # <-\n"
    "action docs.bulkRead on Doc  # <-\ncontext { source_ip: IP  user_agent: String  auth_time: Time\n authLevel: Int }  # <-",
)

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ENOUGH = 3  # names in clear snake_case for each one that is spelled otherwise


@frozen
class _Named:
    """A name with its kind and what it is declared with; `known` says that requests contain it."""

    name: ast.Ident
    kind: str
    external: ast.StringLit | None = None
    known: bool = False


def _program(context: Context) -> None:
    outside: dict[str, list[_Named]] = {}
    for module in context.modules:
        for decl in module.declarations:
            for named in _chosen_freely(decl):
                _judge(named, context)
            for named in _mirrored(decl):
                outside.setdefault(named.kind, []).append(named)
    for kind, names in outside.items():
        clear = [n.name.text for n in names if _is_snake(n.name.text) and "_" in n.name.text.strip("_")]
        odd = [n for n in names if n.external is None and not _is_snake(n.name.text)]
        if odd and len(clear) >= _ENOUGH * len(odd):
            for named in odd:
                label = f"the others are spelled like `{clear[0]}`"
                _report(named, f"the {kind} `{named.name.text}` is spelled unlike the others", label, context)


def _judge(named: _Named, context: Context) -> None:
    text = named.name.text
    if named.kind in ("entity type", "trait", "type"):
        if "_" in text.strip("_"):
            _report(named, f"the {named.kind} `{text}` is not spelled in UpperCamelCase", "", context)
    elif not _is_snake(text):
        _report(named, f"the {named.kind} `{text}` is not spelled in snake_case", "", context)


def _report(named: _Named, message: str, label: str, context: Context) -> None:
    text = named.name.text
    better = _camel(text) if text[0].isupper() else _snake(text)
    cure = f"write `{better}`, here and wherever it is used"
    if named.known:
        outside = named.external.span.text if named.external else f'"{text}"'
        cure = f"write `{better} as {outside}` here, and `{better}` wherever it is used"
    context.report(
        named.name.span,
        message,
        label or f"by convention this would be `{better}`",
        notes=["the text behind `as` is what requests go on saying"] if named.known else (),
        help=cure,
    )


def _chosen_freely(decl: ast.Decl) -> Iterator[_Named]:
    match decl:
        case ast.RuleDecl(name=name):
            yield _Named(name, "rule")
        case ast.InvariantDecl(name):
            yield _Named(name, "invariant")
        case ast.FixtureDecl(name):
            yield _Named(name, "fixture")
        case ast.RoleDecl(name, external):
            yield _Named(name, "role", external, known=True)
        case ast.EntityDecl(name=name, external=external):
            yield _Named(name, "entity type", external, known=True)
        case ast.TraitDecl(name):
            yield _Named(name, "trait")
        case ast.TypeDecl(name):
            yield _Named(name, "type")
        case ast.LetDecl(name, parameters):
            yield _Named(name, "let")
            for parameter in parameters or ():
                yield _Named(parameter.name, "parameter")


def _mirrored(decl: ast.Decl) -> Iterator[_Named]:
    """Yield the names that may mirror what the outside world calls something."""
    match decl:
        case ast.EntityDecl(attributes=fields) | ast.TraitDecl(attributes=fields):
            kind = "attribute"
        case ast.ContextDecl(fields):
            kind = "context field"
        case ast.ActionDecl(names=names, parameters=fields):
            kind = "parameter"
            for part in names:
                yield _Named(part.name, "action", part.external, known=True)
        case _:
            return
    for field in fields:
        yield _Named(field.name, kind, field.external, known=True)


def _is_snake(text: str) -> bool:
    return text == text.lower()


def _snake(text: str) -> str:
    return _HUMP.sub("_", text).lower().replace("__", "_")


def _camel(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in text.split("_"))


LINT = Lint(program=_program)
