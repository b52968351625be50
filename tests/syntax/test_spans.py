"""Every node knows exactly where it stands, and comments and documentation are kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kynara_lang.syntax import ast, walk
from tests.syntax.shapes import module

EXAMPLE = Path(__file__).with_name("complete_example.kyn").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [EXAMPLE, "\r\n".join(EXAMPLE.split("\n")), "\ufeff" + EXAMPLE])
def test_every_node_spans_its_own_text(text: str) -> None:
    found = module(text)
    for top in (*found.declarations, *found.imports):
        for node in walk.descend(top):
            shown = node.span.text
            assert shown.strip() == shown, type(node).__name__
            assert shown, type(node).__name__
            for child in walk.children(node):
                assert node.span.start <= child.span.start <= child.span.end <= node.span.end
            match node:
                case ast.Ident(name):
                    assert re.sub(r"\s", "", shown) == name
                case ast.Var(name):
                    assert shown == name
                case ast.IntLit(written) | ast.DecimalLit(written) | ast.TimeLit(written) | ast.DurationLit(written):
                    assert shown == written
                case ast.StringLit():
                    assert shown.startswith('"')
                    assert shown.endswith('"')
                case ast.BoolLit(value):
                    assert shown == str(value).lower()
                case ast.WhenClause():
                    assert shown.startswith("when")
                case ast.RuleDecl(effect) if effect != "require_approval":
                    assert shown.startswith(effect)
                    assert shown.endswith("}")


def spans(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for declaration in module(text).declarations:
        for node in walk.descend(declaration):
            found.setdefault(type(node).__name__, []).append(node.span.text)
    return found


def test_operators_span_from_their_first_to_their_last_operand() -> None:
    found = spans("forbid f { when (a + b) * c == -d and not (e or f.g(h)) }")
    assert found["And"] == ["(a + b) * c == -d and not (e or f.g(h))"]
    assert found["Binary"] == ["(a + b) * c == -d", "(a + b) * c", "a + b"]
    assert found["Not"] == ["not (e or f.g(h))"]
    assert found["Or"] == ["e or f.g(h)"]
    assert found["MethodCall"] == ["f.g(h)"]
    assert found["Negate"] == ["-d"]


def test_declarations_and_patterns_span_what_was_written() -> None:
    found = spans('subject User as "user" in Team, Org is A, B { x as "y": Set<Int>? untrusted }')
    assert found["AttributeDecl"] == ['x as "y": Set<Int>? untrusted']
    assert found["SetType"] == ["Set<Int>"]
    found = spans('forbid f { subject User::"a" in Team::"b" with role r or s, any resource any action crm.*, any }')
    assert found["Pattern"] == ['User::"a" in Team::"b" with role r or s', "any", "any"]
    assert found["ActionPattern"] == ["crm.*", "any"]
    found = spans(
        'test "t" { given a with role r { b: 1 } on behalf of User::"c" expect deny x.y(p: 1) on d because m.r }'
    )
    assert found["EntityUse"] == ["a with role r { b: 1 }", 'User::"c"', "d"]
    assert found["Expectation"] == ["expect deny x.y(p: 1) on d because m.r"]


def test_comments_are_kept_with_their_place() -> None:
    found = module('# one\nrole a # two\n  ## three\nrole b\nlet s = "# no"\n#four')
    assert [(c.text, c.own_line) for c in found.comments] == [
        ("# one", True),
        ("# two", False),
        ("## three", True),
        ("#four", True),
    ]
    assert [c.span.text for c in found.comments] == [c.text for c in found.comments]


def test_documentation_belongs_to_what_follows() -> None:
    found = module(
        "## first\n## second\nrole a\n\n## lost\n\nrole b\nrole c ## behind\nrole d\n### a banner\nrole e\n"
        "## a subject\nsubject User {\n  ## a name\n  name: String\n  age: Int\n}\n## an action\n"
        "action x (\n  ## why\n  p: Int)\ncontext {\n  ## when\n  now: Time\n}"
    )
    docs = {d.span.text.split()[1]: d.doc for d in found.declarations}
    assert docs == {
        "a": "first\nsecond",
        "b": None,
        "c": None,
        "d": None,
        "e": None,
        "User": "a subject",
        "x": "an action",
        "{": None,
    }
    user, action, context = found.declarations[-3:]
    assert isinstance(user, ast.EntityDecl)
    assert [a.doc for a in user.attributes] == ["a name", None]
    assert isinstance(action, ast.ActionDecl)
    assert [a.doc for a in action.parameters] == ["why"]
    assert isinstance(context, ast.ContextDecl)
    assert [a.doc for a in context.fields] == ["when"]


def test_documentation_is_about_the_first_thing_on_its_line() -> None:
    found = module("## a type\nsubject User { name: String }  role r\nrole s\ncontext {\n  ## one\n  a: Int, b: Int\n}")
    assert [d.doc for d in found.declarations] == ["a type", None, None, None]
    user, _, _, context = found.declarations
    assert isinstance(user, ast.EntityDecl)
    assert isinstance(context, ast.ContextDecl)
    assert [a.doc for a in (*user.attributes, *context.fields)] == [None, "one", None]
