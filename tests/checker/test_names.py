"""Names: files see each other, imports bind per file, a library only narrows, and two declarations show both places."""

from __future__ import annotations

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources
from kynara_lang.runtime.policyset import PolicySet
from tests.checker.programs import check, codes, found

LIBRARY = """\
module acme.base
trait Owned { owner: String }
subject Robot is Owned
action ping on Robot
role helper
type Level = "a" | "b"
let same(a: Owned, b: Owned) = a.owner == b.owner
permit all_ping { subject Robot action ping resource Robot scope any "test" }
permit other { subject Robot action ping resource Robot scope any "test" }
forbid no_ping { subject Robot action ping resource Robot unless same(subject, resource) }
require approval ask { subject Robot action ping resource Robot from Robot }
"""
LIBRARIES = {"acme.base": LIBRARY}


def active(*texts: str, libraries: dict[str, str] = LIBRARIES) -> list[str]:
    checked = check(*texts, libraries=libraries)
    assert checked.diagnostics == ()
    return [rule.name for rule in checked.program.rules]


def test_files_of_a_program_see_each_other_in_any_order() -> None:
    a, b, c = (
        "forbid f { subject User action a resource User when ok(subject) }",
        "let ok(u: User) = u.n > cap\naction a on User",
        ("subject User { n: Int }\nlet cap = 5"),
    )
    for texts in ((a, b, c), (c, b, a), (b, a, c)):
        assert codes(*texts) == []


def test_declaration_order_does_not_matter() -> None:
    lines = [
        "subject A in T",
        "subject B is T",
        "subject C is T",
        "trait T { n: Int }",
        "action x on T in g",
        'forbid f { subject A in B::"b" action g resource C when resource.n == k }',
        "type N = M",
        "type M = Int",
        "let k = j",
        "let j = 5",
    ]
    first = check("\n".join(lines))
    assert first.diagnostics == ()
    for turn in range(len(lines)):
        checked = check("\n".join(lines[turn:] + lines[:turn]))
        assert checked.diagnostics == ()
        assert checked.program.types["A"].parents == {"B", "C"}
        assert checked.program.actions["x"].on == {"B", "C"}


def test_the_rules_of_an_import_that_narrow_are_active_and_permits_are_not() -> None:
    assert active("import acme.base") == ["acme.base.ask", "acme.base.no_ping"]
    assert active("import acme.base (all_ping)") == ["acme.base.all_ping", "acme.base.ask", "acme.base.no_ping"]
    assert active("import acme.base (same)") == ["acme.base.ask", "acme.base.no_ping"]
    assert active("") == []


def test_a_library_brings_libraries_but_never_permits() -> None:
    libraries = {**LIBRARIES, "top": "module top\nimport acme.base (same, Owned)\nlet s(a: Owned) = same(a, a)"}
    assert active("import top", libraries=libraries) == ["acme.base.ask", "acme.base.no_ping"]
    libraries["top"] = "module top\nimport acme.base (all_ping)"
    diagnostics = check("import top", libraries=libraries).diagnostics
    assert [(d.code, d.message) for d in diagnostics] == [("KYN104", "a library cannot activate a permit")]


def test_imported_names_are_bound_in_their_file_only() -> None:
    uses = "subject User is Owned { level: Level }\nlet mine(a: Owned) = same(a, a)"
    assert codes("import acme.base (Owned, Level, same)\n" + uses, libraries=LIBRARIES) == []
    both = check("import acme.base (Owned, Level, same)", uses, libraries=LIBRARIES).diagnostics
    assert {d.code for d in both} == {"KYN101"}
    assert {d.help for d in both} == {
        f"import it in this file: `import acme.base ({n})`" for n in ("Owned", "Level", "same")
    }


def test_every_kind_of_name_can_be_imported() -> None:
    text = (
        "import acme.base (Robot, ping, helper, Owned, Level, same)\nsubject User is Owned { l: Level }\n"
        'forbid f { subject Robot with role helper action ping resource Robot when same(subject, resource) }\n'
        'let l = "a"'
    )
    assert codes(text, libraries=LIBRARIES) == []


def test_names_of_a_library_do_not_clash_with_those_of_a_program_that_does_not_bind_them() -> None:
    assert codes('import acme.base\nsubject Robot as "r"\nlet same = 5\nrole helper as "h"', libraries=LIBRARIES) == []


def test_an_import_that_clashes_shows_both_places() -> None:
    two = {**LIBRARIES, "other": "module other\nlet same = 5\ntrait Robot { n: Int }"}
    for text, label in (
        ("import acme.base (same)\nlet same = 5", "declared here"),
        ("import acme.base (Owned)\nsubject Owned", "declared here"),
        ("import acme.base (same)\nimport other (same)", "imported here"),
        ("import acme.base (Robot)\nimport other (Robot)", "imported here"),
    ):
        (diagnostic,) = check(text, libraries=two).diagnostics
        assert diagnostic.code == "KYN102"
        assert [place.message for place in diagnostic.labels[1:]] == [label]
    assert codes("import acme.base (same)\nimport acme.base (same)", libraries=two) == []


def test_what_a_library_does_wrong_is_reported_at_its_place() -> None:
    (diagnostic,) = check("import acme.base", libraries={"acme.base": "role a extends b"}).diagnostics
    assert (diagnostic.code, diagnostic.span.source.name) == ("KYN101", "acme.base.kyn")


TWICE = {
    "subject User": "subject User",
    "trait User { }": "subject User",
    "type User = Int": "resource User",
    "action read": "action edit, read",
    "role a": 'role a as "b"',
    "let a = 1": "let a(b: Int) = b > 1",
    'fixture u = User::"a"\nsubject User': 'fixture u = User::"b"',
    "subject User { a: Int\n a: Int }": "",
    'subject User { a as "x": Int\n b as "x": Int }': "",
    "action read (a: Int, a: Int)": "",
    'action read (a as "x": Int, b as "x": Int)': "",
    "context { a: Int }": "context { a: Bool }",
    "context { a: Int\n a: Int }": "",
    "context { a: Int? }": "context { a: Int }",
    'subject User as "u"': 'subject Person as "u"',
    'subject User as "Person"': "subject Person",
    'action read as "x"': 'action edit as "x"',
    'role a as "x"': 'role b as "x"',
    "let f(a: Int, a: Int) = a > 1": "",
    'test "t" { }': 'test "t" { }',
    'type E = "a" | "a"': "",
    "action a in b": "action b",
}


@pytest.mark.parametrize("first", TWICE)
def test_what_is_declared_twice_shows_both_places(first: str) -> None:
    second = TWICE[first]
    for texts in ([f"{first}\n{second}"], [first, second]) if second else ([first],):
        (diagnostic,) = check(*texts).diagnostics
        assert diagnostic.code == "KYN102"
        assert len(diagnostic.labels) == 2
        assert diagnostic.labels[0].span != diagnostic.labels[1].span


def test_rules_are_named_within_their_module() -> None:
    one = "forbid f { subject any action any resource any }"
    assert codes(one, one) == []  # modules `a` and `b`
    assert codes("module m\n" + one, "module m\n" + one) == ["KYN102"]
    assert [r.name for r in check(one, one).program.rules] == ["a.f", "b.f"]


def test_names_of_different_kinds_do_not_clash() -> None:
    assert (
        codes(
            'role x\nlet x = 1\naction x\nsubject User { x: Int }\nfixture x = User::"x"\n'
            "invariant x { never allow subject any action any resource any }"
        )
        == []
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("role editor\nrole a extends editr", "editor"),
        ("role support_lead\nrole a extends lead_support", None),
        ("subject User\naction a on Usr", "User"),
        ("subject User { name: Strin }", "String"),
        ("subject User { name: int }".replace("int", "Integer"), "Int"),
        (
            "subject User { department: String }\naction a on User\n"
            'forbid f { subject User action a resource any when subject.dept == "x" }',
            "department",
        ),
        ("action crm.read\nforbid f { subject any action cmr.* resource any }", "crm.*"),
        ("import std.tenacy", "std.tenancy"),
        ("let cap = 5\nlet a = cpa", "cap"),
    ],
)
def test_a_near_name_is_offered(text: str, wanted: str | None) -> None:
    (diagnostic,) = found(text)
    assert diagnostic.help is not None
    assert (f"`{wanted}`" in diagnostic.help) if wanted else ("did you mean" not in diagnostic.help)


def test_a_library_that_nobody_imports_is_read_only_when_a_name_is_unknown() -> None:
    read: list[str] = []

    def find(module: str) -> Source | None:
        read.append(module)
        return Source(f"{module}.kyn", LIBRARIES[module])

    def helps(text: str) -> list[str | None]:
        return [d.help for d in check_sources([Source("a.kyn", text)], Libraries(find, tuple(LIBRARIES))).diagnostics]

    assert helps("subject User") == []
    assert read == []
    assert helps("subject User is Owned") == ["import it in this file: `import acme.base (Owned)`"]
    assert helps("subject User { l: Level }") == ["import it in this file: `import acme.base (Level)`"]
    assert helps("subject User { l: Levl }\ntype Levels = String") == ["did you mean `Levels`?"]
    assert helps("subject User is Ownd") == ["declare it: `trait Ownd { … }`"]
    assert read == ["acme.base", "acme.base", "acme.base"]


def test_what_an_import_would_cure_is_said_once() -> None:
    uses = "subject User is Owned { l: Level }\nsubject Bot is Owned { l: Level }\nresource Doc\naction go on Doc\n"
    uses += "forbid f { subject User action go resource Doc when subject.x == 3 and subject has y }"
    assert codes(uses, libraries=LIBRARIES) == ["KYN101", "KYN101"]
    assert codes("import acme.bas (Owned, Level)\n" + uses, libraries=LIBRARIES) == ["KYN103"]
    assert codes("import acme.base (Ownd, Level)\n" + uses, libraries=LIBRARIES) == ["KYN104"]
    other = uses + "\nforbid g { subject any action go resource Doc when resource.x == 3 and z }"
    assert codes("import acme.bas (Owned, Level)\n" + other, libraries=LIBRARIES) == ["KYN103", "KYN202", "KYN101"]


def test_groups_and_prefixes_cover_their_actions() -> None:
    text = (
        "resource Doc\naction read, crm.read, crm.contacts.read, crmx on Doc in reading, all_of_it\n"
        "forbid f { subject any action ACTION resource any }"
    )
    for pattern, wanted in {
        "reading": {"read", "crm.read", "crm.contacts.read", "crmx"},
        "crm.*": {"crm.read", "crm.contacts.read"},
        "crm.contacts.*": {"crm.contacts.read"},
        "crm.read, read": {"crm.read", "read"},
        "any": {"read", "crm.read", "crm.contacts.read", "crmx"},
    }.items():
        checked = check(text.replace("ACTION", pattern))
        assert checked.diagnostics == ()
        assert checked.program.rules[0].actions == wanted
    assert codes(text.replace("ACTION", "cr.*")) == ["KYN101"]
    assert codes(text.replace("ACTION", "read.*")) == ["KYN101"]


def test_external_names_are_found_by_their_spelling() -> None:
    program = check(
        'subject User as "user" { id_no as "ID": Int }\naction go as "mcp/x:go" on User\nrole lead as "Lead"'
    ).program
    assert program.by_external["user"].name == "User"
    assert program.actions_by_external["mcp/x:go"].name == "go"
    assert program.roles_by_external["Lead"].name == "lead"
    assert program.types["User"].attributes["id_no"].external == "ID"


@pytest.mark.parametrize("word", ["history", "seen", "count", "sum", "limit", "oblige", "grant", "template"])
def test_words_kept_for_later_name_no_declaration(word: str) -> None:
    for text in (
        f"let {word} = 1",
        f"role {word}",
        f"forbid {word} {{ subject any action any resource any }}",
        f'subject U\nfixture {word} = U::"a"',
    ):
        assert codes(text) == ["KYN012"]
    assert codes(f"subject User {{ {word}: Int }}\naction {word} on User ({word}: Int)") == []


@pytest.mark.parametrize("spelling", ["on_behalf_of", "onBehalfOf", "on-behalf-of", "OnBehalfOf", "ON BEHALF OF"])
def test_nothing_is_called_like_the_chain_where_requests_give_properties(spelling: str) -> None:
    """The decision point refuses such a member of `properties`, so what is declared there could never be given."""
    for text in (
        'subject U { a as "SPELLING": Int }',
        'resource R { a as "SPELLING": Int? }',
        'trait T { a as "SPELLING": Int }',
        'subject U\naction go on U (a as "SPELLING": Int)',
    ):
        (diagnostic,) = check(text.replace("SPELLING", spelling)).diagnostics
        assert diagnostic.code == "KYN012"
        assert spelling in diagnostic.message
        assert '`a as "acting_for"`' in str(diagnostic.help)
        assert codes(text.replace("SPELLING", f"{spelling}_x")) == []
    assert codes("subject U { on_behalf_of: Int }") == codes("subject U { onBehalfOf: Int }") == ["KYN012"]
    assert codes('subject U { on_behalf_of as "acting_for": Int }') == []


def test_what_is_no_property_may_be_called_like_the_chain() -> None:
    text = (
        "subject U { of: {on_behalf_of: Int} }\naction go on U\ncontext { on_behalf_of: Int }\n"
        'permit p { subject U action go resource U scope any "x" '
        "when context.on_behalf_of == 1 and subject.of.on_behalf_of == 2 }"
    )
    policies = PolicySet(check(text).program)
    u = {"type": "U", "id": "u", "properties": {"of": {"on_behalf_of": 2}}}
    request = {"subject": u, "action": {"name": "go"}, "resource": u, "context": {"on_behalf_of": 1}}
    assert policies.decide(request).allowed
