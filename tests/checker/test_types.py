"""Types: every operator and builtin with what it takes and what it refuses, and literals read as their place needs."""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

import pytest

from kynara_lang.semantics.operators import BUILTINS, OPERATORS
from tests.checker.programs import HEAD, check, codes, found, rule, when

VALUES = {
    "Int": "resource.size",
    "Decimal": "resource.cost",
    "Time": "resource.made",
    "Duration": "resource.kept",
    "String": "resource.text",
    "Bool": "resource.open",
    "IP": "resource.ip",
    "Host": "resource.host",
    "Url": "resource.url",
    "Path": "resource.path",
    "Email": "resource.mail",
    "enum": "resource.grade",
    "User": "subject",
    "Set<Host>": "resource.hosts",
    "record": "subject.home",
}
ORDERED = ("Int", "Decimal", "Time", "Duration")
ARITHMETIC = {
    *((op, t, t, t) for op in "+-" for t in ("Int", "Decimal", "Duration")),
    ("+", "Time", "Duration", "Time"),
    ("+", "Duration", "Time", "Time"),
    ("-", "Time", "Duration", "Time"),
    ("-", "Time", "Time", "Duration"),
    ("*", "Int", "Int", "Int"),
    ("*", "Decimal", "Decimal", "Decimal"),
    ("*", "Decimal", "Int", "Decimal"),
    ("*", "Int", "Decimal", "Decimal"),
    ("*", "Duration", "Int", "Duration"),
    ("*", "Int", "Duration", "Duration"),
}


def test_the_table_of_arithmetic_is_the_one_written_down_here() -> None:
    rows = {(r.op, str(r.left), str(r.right), str(r.result)) for op in "+-*" for r in OPERATORS[op]}
    assert rows == ARITHMETIC


@pytest.mark.parametrize("op", ["+", "-", "*"])
def test_arithmetic_takes_its_rows_and_nothing_else(op: str) -> None:
    results = {(left, right): result for o, left, right, result in ARITHMETIC if o == op}
    for left, right in product(VALUES, VALUES):
        result = results.get((left, right))
        both = f"{VALUES[left]} {op} {VALUES[right]}"
        if result is None:
            assert when(f"{both} == {both}") == ["KYN201"] * 2, (left, op, right)
        else:
            assert when(f"{both} == {VALUES[result]}") == [], (left, op, right)
            wrong = "String" if result != "String" else "Int"
            assert when(f"{both} == {VALUES[wrong]}") == ["KYN205"]


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_only_numbers_times_and_durations_are_ordered(op: str) -> None:
    for left, right in product(VALUES, VALUES):
        fine = left == right and left in ORDERED
        assert when(f"{VALUES[left]} {op} {VALUES[right]}") == ([] if fine else ["KYN205"]), (left, right)


@pytest.mark.parametrize("op", ["==", "!="])
def test_only_values_of_one_type_are_compared(op: str) -> None:
    for left, right in product(VALUES, VALUES):
        assert when(f"{VALUES[left]} {op} {VALUES[right]}") == ([] if left == right else ["KYN205"]), (left, right)


def test_like_is_for_strings_and_constant_patterns() -> None:
    for kind, value in VALUES.items():
        wanted = [] if kind == "String" else ["KYN209"] if kind in ("Path", "Host", "Url", "Email") else ["KYN201"]
        assert when(f'{value} like "a*"') == wanted, kind
        if kind != "String":
            assert when(f"resource.text like {value}") == ["KYN201"], kind
    assert when("resource.text like subject.tenant") == ["KYN208"]
    assert when("resource.text like pattern", before='let pattern = "a*"\n') == []
    assert when("resource.text like again", before='let pattern = "a*"\nlet again = pattern\n') == []


def test_within_is_for_addresses_paths_and_hosts() -> None:
    for kind, value in VALUES.items():
        right = {"IP": '"10.0.0.0/8"', "Path": '"/a"', "Host": '"example.com"'}.get(kind)
        assert when(f"{value} within {right or chr(34) + 'x' + chr(34)}") == ([] if right else ["KYN201"]), kind
    assert when("resource.path within resource.path") == []
    assert when("resource.host within resource.url.host") == []
    assert when("resource.host within resource.path") == ["KYN201"]
    assert when("resource.ip within resource.ip") == ["KYN201"]  # an address is no block
    assert when('resource.ip within {"10.0.0.0/8", "192.168.0.0/16", "::1/128"}') == []
    assert when('resource.host within {"example.com", "example.org"}') == []
    assert when('resource.path within {"/a", "/b"}') == []
    assert when("resource.host within resource.hosts") == []
    assert when('resource.ip within {"10.0.0.0/8", "nonsense"}') == ["KYN204"]
    assert when("resource.ip within office", before='let office = "10.0.0.0/8"\n') == []
    assert when("resource.ip within offices", before='let offices = {"10.0.0.0/8", "::/0"}\n') == []
    assert when("resource.ip within offices", before='let offices = {"10.0.0.0/8", "x"}\n') == ["KYN204"]
    assert when("resource.ip within again", before='let offices = {"10.0.0.0/8"}\nlet again = offices\n') == []


def test_in_tests_sets_and_hierarchies() -> None:
    for condition, wanted in {
        "resource.size in {1, 2}": [],
        "resource.size not in {1, 2}": [],
        "resource.size in {}": [],
        "subject in resource.readers": [],
        'subject in {User::"a", User::"b"}': [],
        "resource.owner in {subject}": [],
        'subject in Team::"a"': [],
        "subject in resource.owner": [],
        'resource in Folder::"a"': [],
        'resource in Team::"a"': ["KYN210"],
        "subject in subject.teams": ["KYN205"],
        "any t in subject.teams: subject in t": [],
        "subject.tenant in subject.tags": [],
        'resource.grade in {"low", "high"}': [],
        'resource.grade in {"low", "mid"}': ["KYN204"],
        '"x" in subject.tags': [],
        "1 in subject.tags": ["KYN205"],
        "resource.cost in {1, 2}": ["KYN205"],
        'resource.mail in {"a@b.example"}': [],
        'resource.mail in {"nonsense"}': ["KYN204"],
        'resource.ip in "10.0.0.0/8"': ["KYN201"],
        '"x" in "xyz"': ["KYN201"],
        "resource.size in {1, 2.0}": ["KYN201"],
        'resource.size in {1, "a"}': ["KYN201"],
    }.items():
        assert when(condition) == wanted, condition


LITERALS = {
    "IP": ('"10.0.0.1"', '"10.0.0.256"'),
    "Email": ('"a@b.example"', '"a"'),
    "Host": ('"b.example"', '"b example"'),
    "Url": ('"https://b.example/x"', '"b.example"'),
    "Path": ('"/a/b"', '"../a"'),
    "enum": ('"low"', '"lo"'),
}


@pytest.mark.parametrize("kind", LITERALS)
def test_a_string_is_read_as_the_type_of_its_place(kind: str) -> None:
    good, bad = LITERALS[kind]
    value = VALUES[kind]
    declared = '"low" | "high"' if kind == "enum" else kind
    for text, wanted in ((good, []), (bad, ["KYN204"])):
        assert when(f"{value} == {text}") == wanted
        assert when(f"{text} != {value}") == wanted
        assert when(f"{value} in {{{text}}}") == wanted
        assert when(f"{value} == c", before=f"let c = {text}\n") == wanted
        assert when(f"c == {value}", before=f"let b = {text}\nlet c = b\n") == wanted
        assert when(f"{value} in c", before=f"let c = {{{text}, {good}}}\n") == wanted
        assert when(f"f({text})", before=f"let f(v: {declared}) = v == v\n") == wanted
        assert when("f(c)", before=f"let c = {text}\nlet f(v: {declared}) = v == v\n") == wanted
        assert when(f"s({{{text}}})", before=f"let s(v: Set<{declared}>) = v.size() > 1\n") == wanted
        fixture = (
            f'subject X {{ v: {declared}, s: Set<{declared}> }}\nfixture x = X::"x" {{ v: {text}, s: {{{text}}} }}'
        )
        assert codes(fixture) == wanted * 2
    assert when(f"{value} == 5") == ["KYN205"]


@pytest.mark.parametrize("char", ["0", "1f", "7f", "80", "85", "9f"])
def test_a_literal_holds_no_control_character(char: str) -> None:
    assert when(f'resource.path == "/a/\\u{{{char}}}"') == ["KYN204"]
    assert when(f'resource.url == "https://b.example/\\u{{{char}}}"') == ["KYN204"]
    assert when(f'resource.url == "https://b.example/{quote(chr(int(char, 16)))}"') == ["KYN204"]
    assert when('resource.path == "/a/\\u{a0}"') == []


def test_a_let_can_be_read_as_different_types_where_it_is_used() -> None:
    before = 'let name = "example.com"\n'
    assert when("resource.host == name and resource.text == name and resource.path == name", before=before) == []


def test_numbers_have_ranges() -> None:
    assert when("resource.size == 9223372036854775807 or resource.size == -9223372036854775808") == []
    assert when("resource.size == 9223372036854775808") == ["KYN013"]
    assert when("resource.size == -9223372036854775809") == ["KYN013"]
    assert when("resource.cost == 922337203685477.5807 or resource.cost == -922337203685477.5808") == []
    assert when("resource.cost == 922337203685477.5808") == ["KYN013"]
    assert when("resource.cost == 0.12345") == ["KYN013"]
    assert when("resource.made == 2026-02-29") == ["KYN013"]
    assert when("resource.kept == 106752d") == ["KYN013"]


def test_every_builtin_is_known_and_checks_its_arguments() -> None:
    arguments = {"zone": '"Europe/Berlin"', "String": '"x"', "None": "{}"}
    values = {**VALUES, "Set": "resource.hosts"}
    for (receiver, name), row in BUILTINS.items():
        use = f"{values[receiver]}.{name}"
        if row.parameters is None:
            assert when(f"{use} == {use}") == []
            assert when(f"{use}() == {use}") == ["KYN202"]
            continue
        given = ", ".join(arguments[str(p)] for p in row.parameters)
        assert when(f"{use}({given}) == {use}({given})") == [], use
        assert when(f"{use}({given}{', ' if given else ''}1) == {use}({given})") == ["KYN206"], use
        if row.parameters:
            assert when(f"{use}() == {use}({given})") == ["KYN206"], use
            assert when(f"{use}(5) == {use}({given})") == ["KYN201"], use
        assert when(f"{use} == 1") == ["KYN202"]


def test_builtins_belong_to_their_types() -> None:
    for condition, wanted in {
        "subject.tags.contains_any(subject.tags)": [],
        'subject.tags.contains_all({"a"})': [],
        "subject.tags.contains_all({1})": ["KYN201"],
        'subject.tags.contains_all("a")': ["KYN201"],
        "subject.teams.contains_any(resource.readers)": ["KYN201"],
        'resource.text.lower().contains("x")': [],
        'resource.url.host within "example.com"': [],
        'resource.url.scheme == "https"': [],
        "resource.url.port == 443": [],
        'resource.url.path within "/api"': [],
        'resource.mail.domain within "example.com"': [],
        'resource.path.suffix == ".pdf"': [],
        'context.now.weekday("Europe/Berlin") == "monday"': [],
        'context.now.weekday("Europe/Berlin") in {"saturday", "sunday"}': [],
        'context.now.weekday("Europe/Berlin") == "montag"': ["KYN204"],
        'context.now.hour("Nowhere/City") == 1': ["KYN204"],
        "context.now.hour(resource.text) == 1": ["KYN208"],
        "context.now.hour(zone) == 1": [],
        'resource.size.hour("UTC") == 1': ["KYN202"],
        'resource.path.starts_with("/a")': ["KYN209"],
        'resource.url.contains("a")': ["KYN209"],
        "resource.text.upper() == resource.text": ["KYN202"],
    }.items():
        assert when(condition, before='let zone = "Europe/Berlin"\n') == wanted, condition


def test_conditions_are_true_or_false() -> None:
    for kind, value in VALUES.items():
        wanted = [] if kind == "Bool" else ["KYN201"]
        assert when(value) == wanted
        assert when(f"not {value}") == wanted
        assert when(f"{value} and true") == wanted
        assert when(f"false or {value}") == wanted
        assert when(f"any t in subject.tags: {value}") == wanted
        assert when(f"f({value})", before="let f(b: Bool) = b\n") == wanted
        assert codes(rule(f"unless {value}")) == wanted
        assert codes(rule(f"scope {value}", effect="permit")) == wanted
        assert codes(rule(f"from User where {value}", effect="require approval")) == wanted


def test_a_minus_stands_before_numbers_and_durations() -> None:
    for kind, value in VALUES.items():
        fine = kind in ("Int", "Decimal", "Duration")
        assert when(f"-{value} == {value}") == ([] if fine else ["KYN201"]), kind


def test_quantifiers_go_over_sets() -> None:
    for condition, wanted in {
        "all u in resource.readers: u.level > 1": [],
        "any u in resource.readers: all t in u.teams: t == t": [],
        'all h in resource.hosts: h within "example.com"': [],
        "any n in {1, 2}: n == resource.size": [],
        "all n in {}: n == resource.size": [],
        "any n in resource.size: n == 1": ["KYN201"],
        "any n in subject: n == 1": ["KYN201"],
        "any n in resource.readers: n.nothing": ["KYN202"],
        "(any n in {1}: n == 1) and n == 1": ["KYN101"],
        "any n in {1}: any n in {2}: n == 1": ["KYN102"],
        "any subject in resource.readers: true": ["KYN102"],
        "any n in args: true": ["KYN201"],
    }.items():
        assert when(condition) == wanted, condition


def test_what_has_no_value_is_not_one() -> None:
    for word in ("args", "context"):
        for condition in (
            "{w} == 1",
            "{w} == {w}",
            "{w} in {{1}}",
            "1 in {{{w}}}",
            "f({w})",
            "{w} is User",
            "{w} holds lead",
        ):
            assert set(when(condition.format(w=word), before="let f(u: User) = true\n")) == {"KYN201"}, condition
    assert codes(HEAD + "let f(u: User) = context") == ["KYN201"]


def test_a_permit_does_not_read_who_acts() -> None:
    for name in ("actor == subject", "actor is User", "actor holds lead", "delegation.depth > 1", "f(actor)"):
        before = "let f(u: User) = true\n"
        assert codes(before + rule(f"when {name}", effect="permit")) == ["KYN207"], name
        assert codes(before + rule(f"scope {name}", effect="permit")) == ["KYN207"], name
        for effect in ("forbid", "require approval"):
            clauses = [f"when {name}" if name != "f(actor)" else "when actor is User and f(actor)"]
            clauses += ["from User"] if effect != "forbid" else []
            assert codes(before + rule(*clauses, effect=effect)) == []
    assert codes(rule("when delegated and delegator is User", effect="permit")) == []
    assert codes("let f(u: User) = actor is User\n" + HEAD) == ["KYN101"]


def test_lets_read_nothing_but_their_parameters_and_predicates_the_context() -> None:
    for name in ("subject", "resource", "args", "actor", "delegator", "delegated", "delegation", "approver"):
        for head in ("let f(u: User) =", "let c ="):
            assert codes(HEAD + f"{head} {name} == {name}") == ["KYN101"] * 2
    assert codes(HEAD + "let f(u: User) = context.mfa") == []
    assert codes(HEAD + "let c = context.mfa") == ["KYN101"]


def test_traits_are_interfaces() -> None:
    lets = "let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant\n"
    assert when("same(subject, resource)", before=lets) == []
    assert when("same(subject, resource)", subject="User, Bot", before=lets) == []
    assert when("same(subject, resource)", subject="Tenanted", resource="Tenanted", before=lets) == []
    assert when('same(subject, Team::"a")', before=lets) == ["KYN201"]
    assert when("same(subject, 5)", before=lets) == ["KYN201"]
    assert codes("trait T { a: Int }\nlet f(t: T) = t.a > 1 and t.b") == ["KYN202"]
    assert codes("trait T { a: Int }\nsubject S is T { a: Int }") == []
    assert codes("trait T { a: Int }\ntrait U { a: String }\nsubject S is T, U") == ["KYN102"]


def test_one_mistake_gives_one_message_where_it_spreads() -> None:
    for text in (
        HEAD
        + "let c = nothing\nlet d = c + 1\nlet e(u: User) = d > 1\n"
        + rule("when e(subject) and c").replace(HEAD, ""),
        "subject User { a: Strin }\naction x on User\n"
        "forbid f { subject User action x resource User when subject.a + 1 > 5 }",
        "subject User { a: Set<Nope> }\naction x on User\n"
        "forbid f { subject User action x resource User when any y in subject.a: y.z == 1 }",
        rule("when (resource.nothing + 1) * 2 > 3 and true"),
        rule("when f(subject).x.y > 1"),
        rule('when resource.grade == "lo" or true'),
    ):
        assert len(found(text)) == 1, [(d.code, d.message) for d in found(text)]


def test_the_context_always_has_the_time() -> None:
    assert codes("forbid f { subject any action any resource any when context.now > 2026-01-01 }") == []
    assert codes("context { now: Time }") == []
    assert codes("context { now: String }") == ["KYN201"]
    assert codes("context { now: Time? }") == ["KYN201"]
    program = check("context { a: Int }", "context { b: Int, a: Int }").program
    assert sorted(program.context) == ["a", "b", "now"]


def test_a_record_written_out_has_the_type_of_what_it_is_compared_with() -> None:
    for condition in (
        '{city: "x"} == subject.home',
        'subject.home != {city: "x"}',
        '{city: "x"} in {subject.home}',
        'subject.home not in {{city: "x"}, subject.home}',
        '{{city: "x"}} == {subject.home}',
    ):
        assert when(condition) == [], condition
    for condition in ("{city: 1} == subject.home", '{zip: "x"} == subject.home', '{city: "x", no: 1} in {subject.home}'):
        assert when(condition) == ["KYN205"], condition


@pytest.mark.parametrize(
    ("condition", "cure"),
    [
        ("resource.of == {}", "not (resource.of has a or resource.of has b)"),
        ("{} == resource.of", "not (resource.of has a or resource.of has b)"),
        ("{} != resource.of", "resource.of has a or resource.of has b"),
        ("{} in resource.all", "any r in resource.all: not (r has a)"),
        ("{} not in resource.all", "all r in resource.all: r has a"),
        ("resource.full == {}", "{k: …}"),
    ],
)
def test_an_empty_record_cannot_be_written_and_the_message_says_what_can(condition: str, cure: str) -> None:
    text = (
        "subject U\nresource R { of: {a: Int?, b: Int?}, all: Set<{a: Int?}>, full: {k: Int, a: Int?} }\naction go on R\n"
        'permit p { subject U action go resource R scope any "x" when CONDITION }'
    )
    (diagnostic,) = found(text.replace("CONDITION", condition))
    assert diagnostic.code == "KYN205"
    assert str(diagnostic.help).startswith("`{}` is the empty set; ")
    assert f"`{cure}`" in str(diagnostic.help)
    if "…" not in cure:
        assert codes(text.replace("CONDITION", cure)) == []
