"""The grammar has no conflicts, its tables are current, and everything the design shows parses and means something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.resources import grammar_text
from kynara_lang.syntax import ast, tables
from tests.syntax.shapes import expression, module, problems, shape, whole

EXAMPLE = Path(__file__).with_name("complete_example.kyn").read_text(encoding="utf-8")


def test_the_grammar_has_no_conflict_and_no_colliding_terminals() -> None:
    pytest.importorskip("interegular")
    tables.build(strict=True)


def test_the_shipped_tables_are_those_of_the_grammar() -> None:
    shipped = json.loads(tables.SHIPPED.read_bytes())
    assert shipped["stamp"] == tables._stamp(grammar_text()), "run `python -m kynara_lang.syntax.tables`"


def test_the_shipped_tables_parse_like_tables_made_anew() -> None:
    mine, theirs = tables.load().parse(EXAMPLE), tables.build().parse(EXAMPLE)
    assert mine == theirs


def test_tables_that_do_not_fit_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in ("", "[]", "{}", '{"stamp": "lark 0 sha256:0", "data": {}, "memo": {}}', "\x00"):
        wrong = tmp_path / "tables.json"
        wrong.write_text(content, encoding="utf-8")
        monkeypatch.setattr(tables, "SHIPPED", wrong)
        assert tables.load().parse("role a") is not None


def test_the_complete_example_is_without_findings() -> None:
    checked = check_sources([Source("refunds.kyn", EXAMPLE)])
    assert checked.diagnostics == ()
    own = [rule.decl.name.text for rule in checked.program.rules if not rule.library]
    assert own == ["large_refunds", "outside_office", "read_orders", "refund_orders"]
    assert "std.tenancy.no_crossing" in {rule.name for rule in checked.program.rules}


def test_parsing_is_deterministic() -> None:
    assert whole(module(EXAMPLE)) == whole(module(EXAMPLE))


def test_line_ends_do_not_matter() -> None:
    mine, theirs = module(EXAMPLE), module(EXAMPLE.replace("\n", "\r\n"))
    assert len(mine.declarations) == len(theirs.declarations)
    assert [c.text for c in mine.comments] == [c.text for c in theirs.comments]
    assert [d.doc for d in mine.declarations] == [d.doc for d in theirs.declarations]
    checked = check_sources([Source("refunds.kyn", EXAMPLE.replace("\n", "\r\n"))])
    assert checked.diagnostics == ()


def test_a_byte_order_mark_is_skipped() -> None:
    found = module("\ufeff## who leads\nrole lead\n")
    assert [d.doc for d in found.declarations] == ["who leads"]
    assert found.declarations[0].span.text == "role lead"
    assert problems("role lead\n\ufeff")[0].code == "KYN005"


@pytest.mark.parametrize("text", ["", "\n", "# only\n# comments", "## nothing to document", "\ufeff", "  \t\r\n"])
def test_a_file_may_say_nothing(text: str) -> None:
    assert module(text).declarations == ()


EXPRESSIONS = [
    ("true", "true"),
    ("false", "false"),
    ("1", "1"),
    ("-1", "(- 1)"),
    ("- -x", "(- (- x))"),
    ("50.00", "50.00"),
    ("2026-11-22", "2026-11-22"),
    ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
    ("2026-11-22T10:00:00.5+01:00", "2026-11-22T10:00:00.5+01:00"),
    ("90s", "90s"),
    ("15m", "15m"),
    ("4h", "4h"),
    ("7d", "7d"),
    ('"a"', '"a"'),
    ('"a # b"', '"a # b"'),
    (r'"\"\\\n\t\u{20ac}"', '""\\\n\t€"'),
    ('User::"alice"', 'User::"alice"'),
    ("{}", "{}"),
    ("{1, 2}", "{1, 2}"),
    ("{1, 2,}", "{1, 2}"),
    ("{a: 1, b: {c: 2},}", "{a: 1, b: {c: 2}}"),
    ("{a}", "{a}"),
    ("a or b or c", "(or a b c)"),
    ("a and b and c", "(and a b c)"),
    ("(a or b) and c", "(and (or a b) c)"),
    ("a or (b and c)", "(or a (and b c))"),
    ("a or (b or c)", "(or a (or b c))"),
    ("not a", "(not a)"),
    ("not not a", "(not (not a))"),
    ("not a and b", "(and (not a) b)"),
    ("a and not b", "(and a (not b))"),
    ("not (a and b)", "(not (and a b))"),
    ("not a in b", "(not (in a b))"),
    ("a not in b", "(not in a b)"),
    ("not a not in b", "(not (not in a b))"),
    ("a not\n # really\n in b", "(not in a b)"),
    ("not a == b", "(not (== a b))"),
    ("not a has b", "(not (has a b))"),
    ("a == b", "(== a b)"),
    ("a != b", "(!= a b)"),
    ("a < b", "(< a b)"),
    ("a <= b", "(<= a b)"),
    ("a > b", "(> a b)"),
    ("a >= b", "(>= a b)"),
    ("a in b", "(in a b)"),
    ("a has b", "(has a b)"),
    ("a is User", "(is a User)"),
    ("a holds lead", "(holds a lead)"),
    ('a like "b*"', '(like a "b*")'),
    ('a within "/b"', '(within a "/b")'),
    ("a + b - c", "(- (+ a b) c)"),
    ("a + b * c", "(+ a (* b c))"),
    ("(a + b) * c", "(* (+ a b) c)"),
    ("a - -b", "(- a (- b))"),
    ("-a * b", "(* (- a) b)"),
    ("-a.b", "(- a.b)"),
    ("a - 1", "(- a 1)"),
    ("a -1", "(- a 1)"),
    ("a + 1 == b * 2", "(== (+ a 1) (* b 2))"),
    ("a.b.c", "a.b.c"),
    ("a.b().c(1, 2)", "a.b().c(1, 2)"),
    ("(a).b", "a.b"),
    ('"a".lower()', '"a".lower()'),
    ("f()", "f()"),
    ("f(a, b or c)", "f(a, (or b c))"),
    ("all x in a: x", "(all x a x)"),
    ("any x in a: x and b", "(any x a (and x b))"),
    ("a and any x in b: x or c", "(and a (any x b (or x c)))"),
    ("a or any x in b: x and c", "(or a (any x b (and x c)))"),
    ("not any x in a: x and b", "(not (any x a (and x b)))"),
    ("(any x in a: x) and b", "(and (any x a x) b)"),
    ("all x in a: any y in x: y", "(all x a (any y x y))"),
    ("f(any x in a: x, b)", "f((any x a x), b)"),
    ("all x in a.b + c: x", "(all x (+ a.b c) x)"),
    ("subject.in", "subject.in"),
    ("args.from", "args.from"),
    ("context.when.not", "context.when.not"),
    ("subject has is", "(has subject is)"),
    ("resource.allow", "resource.allow"),
    ("args.resource == resource", "(== args.resource resource)"),
    ("android", "android"),
    ("nothing or inner", "(or nothing inner)"),
    ("isx and hasx", "(and isx hasx)"),
    ("a.permitA", "a.permitA"),
    ("trueish", "trueish"),
]


@pytest.mark.parametrize(("text", "wanted"), EXPRESSIONS)
def test_an_expression_means_what_its_author_wrote(text: str, wanted: str) -> None:
    found = expression(text)
    assert shape(found) == wanted
    assert found.span.text == text


@pytest.mark.parametrize("text", ["a == b == c", "1 < x < 5", "a in b in c", "a has b == true", "a is B is C"])
def test_comparisons_do_not_chain(text: str) -> None:
    assert [d.code for d in problems(f"forbid f {{ when {text} }}")] in (["KYN008"], ["KYN001"])


@pytest.mark.parametrize(
    "text",
    [
        "a and b or c",
        "a or b and c",
        "a and b or c and d",
        "a or b and c or d",
        "f(a and b or c)",
        "not (a or b and c)",
        "any x in a: x and b or c",
        "a and b or c and d or e and f or g",
    ],
)
def test_and_with_or_needs_parentheses_and_is_said_once(text: str) -> None:
    found = problems(f"forbid f {{ when {text} }}")
    assert [d.code for d in found] == ["KYN509"]
    cure = found[0].help or ""
    shown = cure[cure.index("`") + 1 : -1]
    assert problems(f"forbid f {{ when {shown} }}") == ()  # what is offered is accepted


@pytest.mark.parametrize(
    "text", ["1 < x < 5", "a < (b + 1) * 2 <= c", "a == b == true", "a has b == false", "a < b < c < d"]
)
def test_what_is_offered_for_a_chained_comparison_is_accepted(text: str) -> None:
    (found,) = problems(f"forbid f {{ when {text} }}")
    cure = found.help or ""
    assert problems(f"forbid f {{ when {cure[cure.index('`') + 1 : -1]} }}") == ()


def test_keywords_name_attributes_parameters_and_fields() -> None:
    words = sorted(
        [
            "module",
            "import",
            "trait",
            "subject",
            "resource",
            "as",
            "in",
            "is",
            "type",
            "action",
            "on",
            "modifies",
            "requires",
            "effects",
            "context",
            "role",
            "extends",
            "let",
            "untrusted",
            "permit",
            "forbid",
            "invariant",
            "scope",
            "when",
            "unless",
            "valid",
            "from",
            "until",
            "where",
            "quorum",
            "expires",
            "never",
            "always",
            "any",
            "all",
            "fixture",
            "test",
            "given",
            "expect",
            "because",
            "or",
            "and",
            "not",
            "has",
            "holds",
            "like",
            "within",
            "true",
            "false",
            "allow",
            "deny",
            "require_approval",
            "acts",
            "with",
            "require",
            "behalf",
        ]
    )
    fields = "\n".join(f"  {word}: String" for word in words)
    spelled = "\n".join(f'  {word} as "x-{word}": Bool' for word in words if word != "as")
    parameters = ", ".join(f"{word}: Int" for word in words)
    reads = "\n".join(f"  when subject.{word} == args.{word}" for word in words)
    values = ", ".join(f'{word}: "{word}"' for word in words)
    found = module(
        f"subject User {{\n{fields}\n}}\nresource Doc {{\n{spelled}\n}}\naction a on Doc ({parameters})\n"
        f'forbid f {{\n{reads}\n}}\nfixture u = User::"u" {{ {values} }}\ncontext {{\n{fields}\n}}'
    )
    kind = found.declarations[0]
    assert isinstance(kind, ast.EntityDecl)
    assert [a.name.text for a in kind.attributes] == words


def test_keywords_end_at_word_boundaries() -> None:
    assert problems("permitA x { }")[0].code == "KYN001"
    assert problems("rolelead")[0].code == "KYN001"
    assert problems("permit a {}permit b {}") == ()
    found = module("role in_charge\nrole is_lead\nrole permit_all\nlet not_now = true\naction read_all")
    assert [d.span.text.split()[1] for d in found.declarations] == [
        "in_charge",
        "is_lead",
        "permit_all",
        "not_now",
        "read_all",
    ]


def test_action_names_are_dotted_and_patterns_take_prefixes() -> None:
    found = module('action crm.contacts.read, crm . x as "y"\nforbid f { action crm.*, crm.contacts.read, any }')
    action, rule = found.declarations
    assert isinstance(action, ast.ActionDecl)
    assert [n.name.text for n in action.names] == ["crm.contacts.read", "crm.x"]
    assert isinstance(rule, ast.RuleDecl)
    clause = rule.clauses[0]
    assert isinstance(clause, ast.ActionClause)
    shown = [(p.name.text if p.name else None, p.prefix) for p in clause.patterns]
    assert shown == [("crm", True), ("crm.contacts.read", False), (None, False)]


def test_every_part_of_an_action_is_read() -> None:
    (action,) = module(
        'action a as "x:a", b on T, U (p: Int?, q as "Q": Set<String> untrusted) in g, h.i modifies s, roles = args.p'
        " acts as resource acts as args.q requires b, c.d effects sends_out, irreversible"
    ).declarations
    assert isinstance(action, ast.ActionDecl)
    assert [(n.name.text, n.external.value if n.external else None) for n in action.names] == [
        ("a", "x:a"),
        ("b", None),
    ]
    assert [t.text for t in action.on] == ["T", "U"]
    assert [(p.name.text, p.optional, p.untrusted) for p in action.parameters] == [
        ("p", True, False),
        ("q", False, True),
    ]
    assert [g.text for g in action.groups] == ["g", "h.i"]
    changes = [(m.attribute.text, m.parameter.text if m.parameter else None) for m in action.modifies]
    assert changes == [("s", None), ("roles", "p")]
    acting = [(a.root.text, a.attribute and a.attribute.text, [r.text for r in a.requires]) for a in action.acts_as]
    assert acting == [("resource", None, []), ("args", "q", ["b", "c.d"])]
    assert [e.text for e in action.effects] == ["sends_out", "irreversible"]


def test_clauses_come_in_any_order_and_lines_do_not_matter() -> None:
    one = module(
        'permit p "d" { subject any action any resource any scope any "r" when a unless b valid from 2026-01-01 }'
    )
    rule = one.declarations[0]
    assert isinstance(rule, ast.RuleDecl)
    assert [type(c).__name__ for c in rule.clauses] == [
        "SubjectClause", "ActionClause", "ResourceClause", "ScopeClause", "WhenClause", "UnlessClause", "ValidClause",
    ]  # fmt: skip
    other = module(
        "require approval r { expires 4h quorum 2 from User with role a or b where x when any y in z: y unless c }"
    )
    rule = other.declarations[0]
    assert isinstance(rule, ast.RuleDecl)
    assert [type(c).__name__ for c in rule.clauses][-1] == "UnlessClause"
