"""Something is declared and never used.

## What it finds

A declaration of the checked files that nothing depends on:

- a **role** that no rule, invariant, fixture or test names, that no such role extends, and that extends no such role
  (who holds `lead extends staff` also holds `staff`, so `lead` is used where `staff` is);
- a **let** that no rule, no invariant and no used let mentions, and a **parameter** of a let that its definition never
  reads;
- an **attribute** that nothing reads, that no action modifies or acts as, and that no fixture and no test gives;
- a **context field** that nothing reads and no test gives (`now` is always used);
- an **entity type** that no declaration names and no rule covers; a **trait** that nothing names, or that has no
  attributes and is only given to types; a **`type`** that nothing has;
- an **action group** behind `in` that no rule, no invariant and no `requires` names: often the name of a library's group,
  misspelt, so that the library's rules do not reach the action;
- an **imported name** of a let, a trait, a role or a `type` that the file does not mention;
- a **fixture** that no test uses.

A parameter whose name begins with `_` is left alone: its author says that it is there for the callers' sake.

Actions and their parameters are never reported: they are what the outside can ask for. An `import` without a list is
always used, because it makes the rules of the library active; so is an imported rule, and an imported action or entity
type, which permits over `any` cover only where it is imported by name.

Files that are a library themselves (all of them modules `std.…`, or none of them declaring an entity type or an
action) declare for others, and files without any rule or invariant are a vocabulary whose rules are yet to come. There
only parameters, imported names and fixtures are looked at.

## Why it matters

Most unused declarations are left over, and only cost whoever reads the policy. Some are the trace of a mistake: a
predicate that forgets one of its parameters compares something with itself; a condition that was deleted leaves its
attribute behind; a role that no rule names gives nothing to those who hold it, whatever they were told.

## Avoid

```kyn
subject Agent {
  tenant: String
  trust: "low" | "high"
}
resource Order {
  tenant: String
}
action refund on Order effects irreversible

let same_tenant(a: Agent, o: Order) = a.tenant == a.tenant
let trusted(a: Agent) = a.trust == "high"

permit refund_orders "Agents refund orders of their tenant" {
  subject  Agent
  action   refund
  resource Order
  scope    same_tenant(subject, resource)
}
```

`same_tenant` forgets the order, and nothing asks `trusted`.

## Prefer

```kyn
subject User
subject Agent {
  tenant: String
  trust: "low" | "high"
}
resource Order {
  tenant: String
}
action refund on Order effects irreversible

let same_tenant(a: Agent, o: Order) = a.tenant == o.tenant
let trusted(a: Agent) = a.trust == "high"

permit refund_orders "Trusted agents refund orders of their tenant" {
  subject  Agent
  action   refund
  resource Order
  scope    same_tenant(subject, resource)
  when     trusted(subject)
}

require approval refunds_are_signed_off "A person signs off on every refund" {
  subject  Agent
  action   refund
  resource Order
  from     User
}
```

## Options

None.

## What it cannot see

Whether a use matters: an attribute that only a fixture gives counts as used. A field of a record counts as used with
its record. What other programs, dashboards or the enforcement point do with a declaration is not in the policy; if they
need it, say so in a suppression.
"""

from __future__ import annotations

from ...diagnostics.diagnostic import Edit, Fix
from ...diagnostics.source import Span
from ...diagnostics.suggest import near
from ...syntax import ast, walk
from ..declarations import module_name
from ..linter import Context, Lint
from ..reach import a_person
from ..symbols import EntityType, Program, TraitSymbol
from ..uses import Uses, is_library, uses_of

_USED = 'permit p "d" { subject any action any resource any scope delegated }\n'
VALID = (
    "subject User\nresource Doc { owner: User  team: String }\naction read on Doc\nrole staff\nrole lead extends staff\n"
    "let own(d: Doc, u: User) = d.owner == u\n"
    'permit p "d" { subject User with role staff action read resource Doc scope own(resource, subject) }\n'
    'fixture doc = Doc::"d" { owner: User::"u", team: "a" }\ntest "t" { given User::"u" expect deny read on doc }',
    "import std.tenancy (Tenanted, same_tenant)\nimport std.agents\nsubject User is Tenanted { tenant: String }\n"
    "resource Doc is Tenanted\naction read on Doc\n"
    'permit p "d" { subject User action read resource Doc scope same_tenant(subject, resource) }',
    "subject User\nresource Doc { title: String }\naction read on Doc\nrole staff",
    "trait Owned { owner: String }\ntrait Marked { }\nrole admin\nlet owned(a: Owned, b: Owned, _c: String) = a.owner == b.owner",
    "subject Team in Team\nsubject User in Team { level: Int }\nresource Doc\naction read on Doc\n"
    "action promote on User (level: Int) modifies level\n"
    'permit p "d" { subject User in Team::"t" action read resource Doc scope delegated }',
    "subject User\nresource Doc { meta: Meta  note: String? }\ntype Meta = { size: Int, kind: Kind }\n"
    'type Kind = "a" | "b"\naction read on Doc\ncontext { ip: IP  mfa: Bool }\n'
    'permit p "d" { subject User action read resource Doc scope resource.meta.size > 1 and resource has note }\n'
    "invariant i { never allow subject any action any resource any when not context.mfa }\n"
    'test "t" { given User::"u" given context { ip: "::1" } expect deny read on Doc::"d" }',
)
INVALID = (
    "subject User\nresource Doc {\n title: String  # <-\n owner: User }\naction read on Doc\n"
    'permit p "d" { subject User action read resource Doc scope resource.owner == subject }',
    "subject User { a: Int  b: Int\n c: Int }  # <-\nresource Doc\naction read on Doc\n"
    "let big(u: User) = bigger(u) and u.a > 1\nlet bigger(u: User) = u.b > 1\n"
    "let dead(u: User) = dying(u)  # <-\nlet dying(u: User) = u.c > 1  # <-\n"
    'permit p "d" { subject User action read resource Doc scope delegated when big(subject) }',
    "import std.tenancy (Tenanted,\n same_tenant)  # <-\nsubject User is Tenanted\nresource Doc\naction read on Doc\n"
    + _USED,
    "subject User\nresource Doc\naction read on Doc\nrole staff\nrole guest  # <-\nrole intern extends guest  # <-\n"
    'permit p "d" { subject User with role staff action read resource Doc scope delegated }',
    "subject User\nresource Doc { owner: User }\nresource Page  # <-\naction read on Doc\ntrait Internal { }  # <-\n"
    'type Kind = "a" | "b"  # <-\ncontext {\n ip: IP\n mfa: Bool }  # <-\n'
    "let own(d: Doc,\n u: User) = d.owner == d.owner  # <-\n"
    'permit p "d" { subject User action read resource Doc scope own(resource, subject) when context.ip within "::/0" }\n'
    'fixture ann = User::"ann"  # <-\nfixture doc = Doc::"d" { owner: bob }\nfixture bob = User::"bob"\n'
    'test "t" { given User::"u" expect deny read on doc }',
    "trait Named { name: String }\ntrait Sized { size: Int }  # <-\nsubject User is Named\nresource Doc is Named, Sized\n"
    "action read on Doc in all_actions\n"
    'permit p "d" { subject User action all_actions resource Named scope subject.name == resource.name }',
    "import std.email\nsubject User\nresource Box { owner: User }\n"
    "action send on Box (to: Set<Email>)\n in inside_mial,  # <-\n reads_box  # <-\n"
    'permit p "d" { subject User action send resource Box scope resource.owner == subject }',
)

_LABELS = {
    "role": "nothing asks who holds it",
    "let": "no rule, invariant or used `let` mentions it",
    "type": "nothing has this type",
    "entity type": "nothing names it, and no rule covers it",
    "trait": "nothing asks who has it",
    "attribute": "nothing reads it, and no fixture gives it",
    "context field": "nothing reads it, and no test gives it",
    "fixture": "no test uses it",
}
_NOTES = {
    "role": "whoever holds it gets nothing by it",
    "attribute": "a caller can leave it out, and no decision changes",
    "context field": "a caller can leave it out, and no decision changes",
}
_HELP = {
    "role": "name it in the rule that it was meant for: `subject {1} with role {0}`",
    "let": "use it in the rule that it was meant for{}",
    "type": "give it to an attribute: `attribute: {}`",
    "entity type": "name it in the rule that it was meant for: `{}`",
    "trait": "name it in a rule: `resource {}`",
    "attribute": "read it in the rule that it was meant for: `{}`",
    "context field": "read it in the rule that it was meant for: `context.{}`",
    "fixture": "ask about it in a test: `given {0}` or `expect … on {0}`",
}


def _program(context: Context) -> None:
    uses = context.shared(uses_of)
    for_others = context.shared(is_library) or not (context.rules or context.program.invariants)
    for module in context.modules:
        _imports(module, context)
        for decl in module.declarations:
            match decl:
                case ast.LetDecl(_, parameters, body) if parameters:
                    _parameters(decl, parameters, body, context)
                case ast.FixtureDecl(name):
                    _unused(name, "fixture", context.program.fixtures[name.text], uses, context)
            if not for_others:
                _declaration(decl, uses, context)


def _declaration(decl: ast.Decl, uses: Uses, context: Context) -> None:
    program = context.program
    match decl:
        case ast.RoleDecl(name):
            _unused(name, "role", program.roles[name.text], uses, context)
        case ast.LetDecl(name, parameters):
            _unused(name, "let", program.lets[name.text], uses, context, predicate=bool(parameters))
        case ast.TypeDecl(name):
            _unused(name, "type", decl, uses, context)
        case ast.EntityDecl(kind=root, name=name):
            kind = program.types[name.text]
            if _unused(name, "entity type", kind, uses, context, before=f"{root} "):
                _attributes(decl, kind, root, uses, context)
        case ast.TraitDecl(name, attributes):
            trait = program.traits[name.text]
            if (trait.members and attributes) or _unused(name, "trait", trait, uses, context):
                root = "subject" if any(program.types[key].kind == "subject" for key in trait.members) else "resource"
                _attributes(decl, trait, root, uses, context)
        case ast.ActionDecl(groups=groups):
            for group in groups:
                _group(group, context)
        case ast.ContextDecl(fields):
            for field in fields:
                if field.name.text != "now":
                    _unused(field.name, "context field", program.context[field.name.text], uses, context)


def _group(group: ast.Ident, context: Context) -> None:
    named = context.shared(groups_named)
    if group.text in named:
        return
    meant = near(group.text, named)
    context.report(
        group.span,
        f"no rule names the action group `{group.text}`",
        "nothing comes of being in it",
        help=f"did you mean `{meant}`?" if meant else f"delete it, or name it in a rule: `action {group.text}`",
    )


def groups_named(program: Program) -> set[str]:
    """Return what rules, invariants and `requires` name as actions or groups, and the groups that libraries offer."""
    decls = [*(rule.decl for rule in program.rules), *(i.decl for i in program.invariants)]
    patterns = (node for decl in decls for node in walk.descend(decl) if isinstance(node, ast.ActionPattern))
    acting = (acts for action in program.actions.values() for acts in action.decl.acts_as)
    required = (name.text for acts in acting for name in acts.requires)
    named = {pattern.name.text for pattern in patterns if pattern.name is not None}
    shared = (a for a in program.actions.values() if a.decl.span.source in program.library_sources)
    return named.union(required, *(action.groups for action in shared))


def _attributes(
    decl: ast.EntityDecl | ast.TraitDecl, owner: EntityType | TraitSymbol, root: str, uses: Uses, context: Context
) -> None:
    for attribute in decl.attributes:
        symbol = owner.attributes[attribute.name.text]
        _unused(attribute.name, f"attribute of {owner.name}", symbol, uses, context, before=f"{root}.")


def _unused(
    name: ast.Ident, what: str, symbol: object, uses: Uses, context: Context, before: str = "", predicate: bool = False
) -> bool:
    """Report a symbol that nothing uses; return whether something does. `before` is what its uses begin with."""
    if symbol in uses:
        return True
    let = uses.idle.get(symbol)
    kind, _, owner = what.partition(" of ")
    use = before + name.text
    if kind == "let":
        use = f": `when {name.text}(…)`" if predicate else ""
    context.report(
        name.span,
        f"the {kind} `{name.text}`{f' of `{owner}`' if owner else ''} is declared and never used",
        _LABELS[kind],
        labels=[(let.decl.name.span, "only this `let` mentions it, and nothing uses that")] if let else (),
        notes=[_NOTES[kind]] if kind in _NOTES else (),
        help=f"delete it, or {_HELP[kind].format(use, a_person(context.program))}",
    )
    return False


def _parameters(decl: ast.LetDecl, parameters: tuple[ast.Parameter, ...], body: ast.Expr, context: Context) -> None:
    read = {node.name for node in walk.descend(body) if isinstance(node, ast.Var)}
    for parameter in parameters:
        name = parameter.name
        if name.text not in read and not name.text.startswith("_"):
            context.report(
                name.span,
                f"`{decl.name.text}` never reads its parameter `{name.text}`",
                "not read",
                labels=[(body.span, "this is all that it tests")],
                notes=["a predicate that forgets a parameter can hold for values that it was meant to refuse"],
                help=f"read `{name.text}`, or delete it here and in every use of `{decl.name.text}`",
            )


# --- imported names


def _imports(module: ast.Module, context: Context) -> None:
    if not any(item.names for item in module.imports):
        return
    nodes = (node for decl in module.declarations for node in walk.descend(decl))
    mentioned = {node.text if isinstance(node, ast.Ident) else getattr(node, "name", "") for node in nodes}
    for item in module.imports:
        for at, name in enumerate(item.names):
            if name.text not in mentioned and _only_a_name(item.module.text, name.text, context.program):
                context.report(
                    name.span,
                    f"`{name.text}` is imported and never used",
                    "this file does not mention it",
                    notes=[f"the rules of `{item.module.text}` are active all the same"],
                    help=f"leave it out: `{_without(item, at)}`",
                    fix=_fix(item, at),
                )


def _only_a_name(module: str, name: str, program: Program) -> bool:
    """Whether importing a name does nothing but make it known: it is not that of a rule, an action or an entity type."""
    key = f"{module}.{name}"
    if key in program.types or key in program.actions or any(rule.name == key for rule in program.rules):
        return False
    if key in program.lets or key in program.traits or key in program.roles:
        return True
    files = (m for m in program.modules if m.source in program.library_sources and module_name(m) == module)
    return any(isinstance(d, ast.TypeDecl) and d.name.text == name for m in files for d in m.declarations)


def _without(item: ast.Import, at: int) -> str:
    names = ", ".join(name.text for i, name in enumerate(item.names) if i != at)
    return f"import {item.module.text}" + (f" ({names})" if names else "")


def _fix(item: ast.Import, at: int) -> Fix | None:
    """Return the edit that leaves a name out; nothing of the program depends on it, so it is safe."""
    names = [name.span for name in item.names]
    source = item.span.source
    if len(names) == 1:
        cut = Span(source, item.module.span.end, item.span.end)
    elif at + 1 < len(names):
        cut = Span(source, names[at].start, names[at + 1].start)
    else:
        cut = Span(source, names[at - 1].end, names[at].end)
    if "#" in cut.text:
        return None
    return Fix(f"leave `{item.names[at].text}` out of the import", (Edit(cut, ""),), safe=True)


LINT = Lint(program=_program)
