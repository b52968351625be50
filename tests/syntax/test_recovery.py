"""One broken declaration costs one message: the others are read, and what it may have declared is not missed."""

from __future__ import annotations

import pytest

from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.syntax import ast
from kynara_lang.syntax.parser import parse, read
from tests.syntax.shapes import problems


def names(text: str) -> tuple[list[str], list[str]]:
    """Return the names of what could be read, and the spans that could not."""
    module = read(Source("t.kyn", text), Report())
    found = [getattr(d, "name", None) for d in module.declarations]
    return [n.text if isinstance(n, ast.Ident) else "?" for n in found], [s.text for s in module.broken]


def test_declarations_around_a_broken_one_are_read() -> None:
    read_names, broken = names("role a\nrole 5\nrole b\nrole c\nlet = 3\ntype T = Int\n")
    assert read_names == ["a", "b", "c", "T"]
    assert broken == ["role 5\n", "let = 3\n"]


def test_a_rule_is_set_aside_as_a_whole() -> None:
    text = "role a\npermit p {\n  subject User\n  action x\n  wehn true\n  resource Doc\n}\n\nsubject User\n"
    assert names(text) == (
        ["a", "User"],
        ["permit p {\n  subject User\n  action x\n  wehn true\n  resource Doc\n}\n\n"],
    )


def test_clauses_at_the_margin_do_not_begin_declarations() -> None:
    text = "permit p {\nsubject User\naction x\nwehn true\nresource Doc\n}\nresource Doc\n"
    assert names(text)[0] == ["Doc"]


def test_a_word_at_the_margin_breaks_nothing_before_it() -> None:
    assert names("role a\nallow p {\n  subject User\n}\nrole b\n")[0] == ["a", "b"]


def test_an_unfinished_declaration_ends_where_the_next_begins() -> None:
    assert names("let a =\npermit p { }\n") == (["p"], ["let a =\n"])
    assert names("permit p {\n  when true\n\nrole a\n") == (["a"], ["permit p {\n  when true\n\n"])


def test_late_imports_are_said_once_and_bound_all_the_same() -> None:
    found = check_sources([Source("t.kyn", "role a\nimport std.tenancy (Tenanted)\nsubject User is Tenanted\n")])
    assert [d.code for d in found.diagnostics] == ["KYN001"]


@pytest.mark.parametrize("text", ["role 5", "\0", "role a\n)", "#\u202e", "not " * 200, "let a = " + "not " * 90 + "b"])
def test_whoever_needs_the_whole_file_gets_nothing(text: str) -> None:
    report = Report()
    assert parse(Source("t.kyn", text), report) is None
    assert report.has_errors


def test_each_broken_declaration_has_its_message() -> None:
    found = problems("role 5\nlet = 3\npermit p {\n  when\n}\nrole a\nforbid q { when x = 1 }\n")
    assert [(d.code, d.span.first.line) for d in found] == [
        ("KYN001", 1),
        ("KYN001", 2),
        ("KYN001", 5),
        ("KYN001", 7),
    ]


BROKEN = [
    "subject User is Tenanted { level Int }",
    "subject User {\n  level: Int\n",
    "trait Tenanted { tenant String }",
    "action edit, read on Doc (size Int)",
    "context { mfa Bool }",
    "role lead extend head",
    "let cap == 5",
    'fixture alice = User:"alice"',
    'type State = "a", "b"',
]


@pytest.mark.parametrize("line", BROKEN)
def test_what_a_broken_declaration_declares_is_not_called_unknown(line: str) -> None:
    whole = {
        "trait": "trait Tenanted { tenant: String }",
        "type": 'type State = "a" | "b"',
        "subject": "subject User is Tenanted { level: Int }",
        "resource": "resource Doc { state: State, owner: User }",
        "action": "action edit, read on Doc (size: Int)",
        "context": "context { mfa: Bool }",
        "role": "role lead",
        "let": "let cap = 5",
        "permit": "permit p {\n subject User with role lead\n action edit\n resource Doc\n"
        " scope resource.owner == subject\n"
        ' when subject.level > cap\n when args.size < 5 and context.mfa and subject.tenant == "x"\n'
        ' when resource.state == "a"\n}',
        "fixture": 'fixture alice = User::"alice" with role lead { level: 3, tenant: "x" }',
        "test": 'test "t" { given alice given context { mfa: true } expect deny edit(size: 3) on Doc::"d" because p }',
    }
    good = "\n".join(whole.values())
    assert check_sources([Source("t.kyn", good)]).diagnostics == ()
    whole[line.split()[0]] = line
    for files in (
        [Source("t.kyn", "\n".join(whole.values()))],
        [Source(f"{k}.kyn", v) for k, v in whole.items()],
    ):
        found = check_sources(files).diagnostics
        assert [d.code for d in found] == ["KYN001"], [(d.code, d.message) for d in found]


def test_a_mistake_elsewhere_is_still_found() -> None:
    found = check_sources([Source("a.kyn", "subject User { level Int }"), Source("b.kyn", "role a extends b")])
    assert [d.code for d in found.diagnostics] == ["KYN001", "KYN101"]


SEVERAL = """\
subject User { dept: String, level: Int }
resource Doc { owner: User  dept: String }
action read, write on Doc
role staff

permit one "a" {
  subject User
  action read
  resource Doc
  scope subject.dept = resource.dept
}
allow two {
  subject User action read resource Doc scope any "x"
}
permit three "c" {
  subject User;
  action read
  resource Doc
  scope subject.dept == resource.dept && subject.level > 3
}
forbid four {
  subject User
  action write
  resource Doc
  when { subject.level < 3 }
}
// a comment
permit five "e" {
  subject User
  action read
  resource Doc
  scope subject.dept == 'x'
  when subject.level > None
}
let six := 3
permit seven "g" {
  subject principal
  action read
  resource Doc
  scope subject.dept == "abc
}
permit fine "h" {
  subject User action read resource Doc
  scope subject.dpt == resource.dept
}
"""


def test_every_planted_error_is_told_once_in_order_and_the_rest_is_type_checked() -> None:
    """Errors in several declarations and several clauses of one, as somebody makes who comes from elsewhere."""
    found = check_sources([Source("several.kyn", SEVERAL)]).diagnostics
    assert [(d.code, d.span.first.line, d.span.text) for d in found] == [
        ("KYN001", 10, "="),
        ("KYN001", 12, "allow"),
        ("KYN002", 16, ";"),
        ("KYN002", 19, "&&"),
        ("KYN201", 25, "{ subject.level < 3 }"),
        ("KYN002", 27, "//"),
        ("KYN002", 32, "'x'"),
        ("KYN001", 33, "None"),
        ("KYN001", 35, ":="),
        ("KYN001", 37, "principal"),
        ("KYN003", 40, '"abc'),
        ("KYN202", 44, "dpt"),
    ]
