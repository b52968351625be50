"""The reasoning behind lints: what it says never holds never does, what it says follows does, and it sees what it should."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kynara_lang.checker.logic import formula
from kynara_lang.checker.logic.domains import Covered, Intervals, Space, Values, between, numbers
from kynara_lang.checker.logic.formula import (
    FALSE,
    TRUE,
    Fact,
    Formula,
    Member,
    Term,
    all_of,
    any_of,
    negated,
    satisfiable,
)
from kynara_lang.checker.logic.reading import root
from kynara_lang.checker.logic.regions import Part, Region, Regions, needed
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.semantics.text import compile_glob, glob_match
from kynara_lang.semantics.types import INT, STRING
from tests.checker.logic_cases import SCHEMA


def program(text: str, schema: str = SCHEMA) -> Program:
    """Check a program that must have no errors."""
    checked = check_sources([Source("p.kyn", schema + text)])
    assert not checked.has_errors, [d.message for d in checked.diagnostics]
    return checked.program


def regions_of(text: str) -> dict[str, Region]:
    """Return the regions of the rules of a program, by name."""
    regions = Regions(program(text))
    return {rule.decl.name.text: regions.of(rule) for rule in regions._program.rules}


# --- sets of values

INTERVALS = st.lists(st.integers(-6, 6), max_size=8).map(numbers)
SETS = st.frozensets(st.sampled_from("abcd"))
GLOB_TEXTS = st.text("ab*", max_size=5)


@given(INTERVALS, INTERVALS)
def test_intervals_are_sets_of_numbers(a: Intervals, b: Intervals) -> None:
    for n in range(-8, 9):
        assert _in(a.complement(), n) is not _in(a, n)
        assert _in(a.meet(b), n) is (_in(a, n) and _in(b, n))
    assert a.complement().complement() == a


def _in(intervals: Intervals, n: int) -> bool:
    return any(low <= n <= high for low, high in intervals.ranges)


def test_neighbours_are_one_interval() -> None:
    assert numbers([3, 1, 2, 7]).ranges == ((1, 3), (7, 7))
    assert between(None, 3).complement() == between(4, None)
    assert between(None, None).complement().ranges == ()


@given(SETS, st.booleans(), SETS, st.booleans())
def test_listed_values_and_all_others_are_sets(
    a: frozenset[str], a_others: bool, b: frozenset[str], b_others: bool
) -> None:
    one, two = Values(a, a_others), Values(b, b_others)
    for value in "abcdx":
        in_one, in_two = (value in a) is not a_others, (value in b) is not b_others
        meet = one.meet(two)
        assert ((value in meet.values) is not meet.others) is (in_one and in_two)
        assert ((value in one.complement().values) is not one.complement().others) is not in_one


WORDS = ["".join(letters) for n in range(6) for letters in itertools.product("ab", repeat=n)]


@given(st.lists(st.tuples(GLOB_TEXTS, st.booleans()), min_size=1, max_size=3))
@example([("a*", False), ("*b*", True), ("ab", False)])
def test_patterns_without_a_common_value_are_told_only_where_there_is_none(patterns: list[tuple[str, bool]]) -> None:
    space = Space()
    for text, others in patterns:
        space.within(Covered("glob", compile_glob(text), others))
    common = [w for w in WORDS if all(glob_match(compile_glob(t), w) is not o for t, o in patterns)]
    if space.empty:
        assert common == []


PATHS = ("/", "/a", "/a/b", "/ab", "/a/b/c", ".", "x", "x/y", "xy")
HOSTS = ("org", "x.org", "a.x.org", "y.org", "ax.org", "10.0.0.1")


@pytest.mark.parametrize(("kind", "values"), [("path", PATHS), ("host", HOSTS)])
def test_places_without_a_common_value_are_told_apart(kind: Any, values: tuple[str, ...]) -> None:
    for a, b, x, y in itertools.product(values, values, (False, True), (False, True)):
        one, two = Covered(kind, a, x), Covered(kind, b, y)
        space = Space()
        space.within(one)
        space.within(two)
        common = [v for v in values if one.holds(v) and two.holds(v)]
        assert not (space.empty and common), (one, two, common)
        if not x and not y and not common:
            assert space.empty, (one, two)


def test_a_pattern_that_holds_the_mark_of_a_star_is_not_compared() -> None:
    space = Space()
    space.within(Covered("glob", compile_glob("*x")))
    space.within(Covered("glob", compile_glob("\ue000*"), others=True))
    assert not space.empty


def test_values_and_patterns_together_leave_what_both_allow() -> None:
    space = Space()
    space.within(Values(frozenset({"ab", "b", "abc"})))
    space.within(Covered("glob", compile_glob("a*")))
    assert space.listed == {"ab", "abc"}
    space.within(Covered("glob", compile_glob("a*"), others=True))
    assert space.empty


# --- formulas

X, Y, Z = (Term("attr", (root("resource"), name), INT) for name in "xyz")
TEXT = Term("attr", (root("resource"), "text"), STRING)
A, B, C = (Fact(Term("fact", (name,))) for name in "abc")
FORMULAS = st.recursive(
    st.sampled_from((A, B, C, TRUE, FALSE, *(Member(t, numbers([n])) for t in (X, Y) for n in (1, 2)))),
    lambda inner: st.one_of(
        inner.map(negated), st.lists(inner, max_size=3).map(all_of), st.lists(inner, max_size=3).map(any_of)
    ),
    max_leaves=8,
)


def worlds() -> Iterator[tuple[dict[Term, bool], dict[Term, int]]]:
    for a, b, c, x, y in itertools.product((False, True), (False, True), (False, True), (1, 2, 3), (1, 2, 3)):
        yield {A.term: a, B.term: b, C.term: c}, {X: x, Y: y}


def holds(said: Formula, facts: dict[Term, bool], values: dict[Term, int]) -> bool:
    match said:
        case Fact(term, so):
            return facts[term] is so
        case Member(term, Intervals() as domain):
            return _in(domain, values[term])
        case formula.All(parts):
            return all(holds(p, facts, values) for p in parts)
        case formula.AnyOf(parts):
            return any(holds(p, facts, values) for p in parts)
    raise AssertionError(said)


@given(FORMULAS)
@settings(max_examples=300)
def test_formulas_of_independent_facts_are_decided_exactly(said: Formula) -> None:
    truths = [holds(said, *world) for world in worlds()]
    assert [holds(negated(said), *world) for world in worlds()] == [not truth for truth in truths]
    assert satisfiable([said]) is any(truths)
    assert satisfiable([negated(said)]) is not all(truths)


def test_all_alternatives_are_looked_at_together() -> None:
    clauses = [any_of((a, b)) for a in (A, negated(A)) for b in (B, negated(B))]
    assert not satisfiable(clauses)
    for left_out in clauses:
        assert satisfiable([c for c in clauses if c is not left_out])


def test_what_is_equal_shares_its_values_and_their_order() -> None:
    equal = Fact(Term("==", (X, Y)))
    below = Fact(Term("<", (X, Y)))
    above = Fact(Term("<", (Y, X)))
    one, two = Member(X, numbers([1])), Member(Y, numbers([2]))
    assert not satisfiable([equal, one, two])
    assert not satisfiable([equal, below])
    assert not satisfiable([below, above])
    assert not satisfiable([Member(X, between(3, None)), Member(Y, between(None, 3)), below])
    assert not satisfiable([negated(below), negated(above), negated(equal)])
    assert not satisfiable([Fact(Term("==", (X, Y))), Fact(Term("==", (Y, Z))), one, Member(Z, numbers([2]))])
    assert satisfiable([negated(below), negated(above)])
    assert satisfiable([one, two, below, negated(equal)])


def test_who_holds_a_role_holds_those_that_come_with_it() -> None:
    lead, staff = (Fact(Term("holds", (root("subject"), role))) for role in ("lead", "staff"))

    def including(role: str) -> frozenset[str]:
        return frozenset({role, "staff"})

    assert not satisfiable([lead, negated(staff)], including)
    assert satisfiable([lead, negated(staff)])
    assert satisfiable([staff, negated(lead)], including)


def test_more_alternatives_than_calls_can_be_nested_are_no_trouble() -> None:
    many = [any_of((Member(X, numbers([i]).complement()), Fact(Term("fact", (i,))))) for i in range(1500)]
    assert satisfiable(many)
    assert not satisfiable([*many, Member(Y, numbers([1])), Member(Y, numbers([2]))])


def test_too_much_work_counts_as_possible() -> None:
    pigeons = [any_of(Fact(Term("sits", (p, h))) for h in range(7)) for p in range(8)]
    alone = [
        any_of((Fact(Term("sits", (p, h)), False), Fact(Term("sits", (q, h)), False)))
        for h in range(7)
        for p, q in itertools.combinations(range(8), 2)
    ]
    assert satisfiable([*pigeons, *alone])  # it is not, and finding out takes too long


# --- conditions: what is known to be never, always, or either

NEVER = [
    "resource.size > 1 and resource.size < 2",
    "resource.size in {1, 2} and resource.size not in {2, 1}",
    "resource.size == 3 and resource.size == args.days and args.days > 3",
    "resource.size < args.days and args.days <= resource.size",
    "resource.size < args.days and args.days < 1 and resource.size >= 0",
    "resource.size + 1 > 5 and 1 + resource.size < 3",
    'resource.title == "a" and resource.title == "b"',
    'resource.title like "a*" and resource.title == "b"',
    'resource.title like "a*" and not resource.title.starts_with("a")',
    'resource.title like "ab*" and not resource.title like "a*"',
    'resource.title like "*a" and resource.title.ends_with("b")',
    "resource.title.length() < 0",
    "resource.labels.size() == -1",
    "resource.labels.contains_any({})",
    "not resource.labels.contains_all({})",
    'resource.status == "draft" and resource.status in {"final", "void"}',
    'not resource.status == "draft" and not resource.status == "final" and resource.status != "void"',
    'resource.path within "/a/b" and not resource.path within "/a"',
    'resource.path within "/a" and resource.path within "/b"',
    'resource.path within "/" and resource.path within "."',
    'resource.host within {"x.org", "y.org"} and not resource.host within "org"',
    'context.ip within "10.0.0.0/16" and not context.ip within "10.0.0.0/8"',
    'resource.ip == "10.0.0.1" and resource.ip within "11.0.0.0/8"',
    "resource.open and not resource.open",
    "resource.open == true and resource.open == false",
    "resource.open in {false} and resource.open",
    '"ab" like "b*"',
    "(resource.size > 2) == true and resource.size <= 2",
    "resource.made < 2026-01-01 and resource.made > 2026-06-01",
    'context.now.hour("UTC") == 24',
    "subject holds lead and not subject holds staff",
    "subject is Bot and subject is User",
    "subject is User and subject.level > 2 and subject.level < 2",
    'resource.owner == User::"a" and resource.owner == User::"b"',
    'resource.owner == User::"a" and resource.owner == resource.last.by and resource.last.by == User::"b"',
    "resource not in resource",
    'resource == Doc::"a" and resource not in Doc::"a"',
    "same(subject, resource) and subject.tenant != resource.tenant",
    "small(resource.size) and resource.size > 5",
    'any_label(resource, "a") and not any_label(resource, "a")',
    '(all l in resource.labels: l == "a") and (any l in resource.labels: l != "a")',
    "not resource has size",
    "not args has days",
    "delegator is User and not delegated",
    "delegated and delegator holds lead and not delegated",
    'resource has note and resource.note == "a" and not resource has note',
    'few == {"a"}',
    '"a" not in few',
    'any l in resource.labels: "a" == "b"',
    "false",
]
ALWAYS = [
    "true",
    "one == 1",
    '{"a", "b"} == few',
    "resource.size > 1 or resource.size <= 1",
    "resource.size >= 0 or resource.size < 3",
    "resource.size == resource.size",
    'resource.title like "*"',
    'resource.title like "**"',
    'resource.title.starts_with("")',
    'resource.title.contains("")',
    "resource.labels.size() >= 0",
    "resource.labels.contains_all({})",
    'resource.status in {"draft", "final", "void"}',
    'resource.status != "draft" or resource.status != "final"',
    "resource.open or not resource.open",
    "resource.open in {false, true}",
    '"ab" like "a*"',
    'context.now.hour("UTC") < 24',
    "resource has size",
    "args has days",
    "resource is Doc",
    "subject is User or subject is Bot",
    "subject is Tenanted",
    "resource in resource",
    "not subject holds lead or subject holds staff",
    'resource.path within "/a" or not resource.path within "/a/b"',
    "subject is User or subject.tags == subject.tags",
]
EITHER = [
    "resource.size > 1 and resource.size < 3",
    "resource.size + 1 > 5 and resource.size < 3",  # nothing is calculated
    "resource.size - args.days > 1 and args.days - resource.size < -1",
    'resource.title like "a*" and resource.title like "*b"',
    'resource.title like "a*" and not resource.title like "ab*"',
    'resource.path within "/a" and not resource.path within "/a/b"',
    'resource.path within "/"',
    'context.ip within "0.0.0.0/0"',
    'context.ip within "0.0.0.0/0" or context.ip within "::/1"',
    "subject holds staff and not subject holds lead",
    "subject holds lead and subject holds guest",
    'resource.owner in Team::"a" and not resource.owner in Team::"b"',
    'resource.owner == User::"a" and resource.owner in Team::"a"',
    "resource.owner == resource.last.by",
    "resource has note",
    "args has why",
    "delegated",
    "any l in resource.labels: true",
    "all l in resource.labels: false",
    '(any l in resource.labels: l == "a") and (any l in resource.labels: l == "b")',
    "resource.labels.contains_all(args.to)",
    "resource.labels.size() == 0",
    'context.now.hour("UTC") == 23',
    'context.now.hour("UTC") == 0',
    "delegation.depth == 0",
    '(subject is User and subject.grade == "mid") or (subject is Bot and subject.grade == "high")',
    '(not subject is User or subject.grade == "mid") and (not subject is Bot or subject.grade == "high")',
    "subject is User and subject.level > 2",
]
BOTH = "forbid r { subject User, Bot action share resource Doc when "


def asked(condition: str) -> tuple[bool, bool]:
    """Return whether a condition is known never to hold, and known always to hold."""
    found = Regions(program(f"{BOTH}{condition} }}"))
    region = found.of(found._program.rules[0])
    given = [p.demands for p in region.parts if p.kind != "when"]
    wanted = next(p.demands for p in region.parts if p.kind == "when")
    return not found.possible(*given, wanted), not found.possible(*given, negated(wanted))


@pytest.mark.parametrize("condition", NEVER)
def test_what_never_holds_is_seen(condition: str) -> None:
    assert asked(condition) == (True, False)


@pytest.mark.parametrize("condition", ALWAYS)
def test_what_always_holds_is_seen(condition: str) -> None:
    assert asked(condition) == (False, True)


@pytest.mark.parametrize("condition", EITHER)
def test_what_can_go_either_way_is_left_alone(condition: str) -> None:
    assert asked(condition) == (False, False)


# --- reading

FAILING = [
    ("resource.owner.level > 2", True),
    ("resource.owner.level == resource.owner.level", True),
    ("resource.owner.level in {}", True),
    ("resource.owner.level > 2 or true", True),
    ("true or resource.owner.level > 2", False),
    ("false and resource.owner.level > 2", False),
    ("resource.owner holds lead", True),
    ("resource.owner has boss", True),
    ('resource.owner in Team::"a"', True),
    ("any r in resource.readers: r.manager", True),
    ("any r in resource.readers: r == resource.owner", False),
    ("resource.size + 1 > 2", True),
    ("resource.size > 2", False),
    ("resource.url.port == 443", True),
    ('resource.url.scheme == "https"', False),
    ("resource has note", False),
    ("resource.owner == resource.last.by", False),
    ("resource.last has why", False),
    ("subject holds lead", False),
    ("owned(resource.owner, resource)", False),
    ("small(resource.size + 1)", True),
    ("resource.owner.tags.contains_all({})", True),
    ("resource.path within {}", False),
]


@pytest.mark.parametrize(("condition", "fails"), FAILING)
def test_what_can_be_an_error_is_known_however_simple_it_becomes(condition: str, fails: bool) -> None:
    region = regions_of(f"forbid r {{ subject User action read resource Doc when {condition} }}")["r"]
    assert bool(region.failing) is fails


def test_predicates_and_constants_read_as_what_they_stand_for() -> None:
    text = """
    forbid a { subject User action read resource Doc when owned(subject, resource) }
    forbid b { subject User action read resource Doc when resource.size > 0 and resource.owner == subject }
    forbid c { subject User action read resource Doc when not small(resource.size) }
    forbid d { subject User action read resource Doc unless resource.size < 3 and one != resource.size }
    """
    found = regions_of(text)
    assert set(formula.conjuncts(found["a"].formula)) == set(formula.conjuncts(found["b"].formula))
    assert found["c"].formula == found["d"].formula


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        ("resource has size", True),
        ("not resource has size", False),  # both have it, always
        ("resource has owner and resource is Folder", False),
        ("not resource has owner and resource is Doc", False),
        ("not resource has owner", True),
        ("resource has note and resource is Folder", False),
        ("not resource has note and resource is Doc", True),
        ("resource has note and not resource has owner", False),
    ],
)
def test_has_asks_what_the_types_declare(condition: str, possible: bool) -> None:
    regions = Regions(program(f"forbid r {{ subject User action look resource Doc, Folder when {condition} }}"))
    assert regions.possible(regions.of(regions._program.rules[0]).formula) is possible


def test_a_predicate_means_of_each_type_what_it_says_of_all() -> None:
    schema = SCHEMA + "let noted(d: Tenanted) = d has size\n"
    rules = "forbid f { subject User action look resource Folder when noted(resource) }\n"
    rules += "forbid g { subject User action look resource User when noted(resource) }\n"
    regions = Regions(program(rules, schema.replace("action look on Doc, Folder", "action look on Doc, Folder, User")))
    possible = {r.decl.name.text: regions.possible(regions.of(r).formula) for r in regions._program.rules}
    assert possible == {"f": True, "g": False}


# --- rules

COVERING = """
permit narrow { subject User with role lead action read resource Doc scope subject == resource.owner when resource.size > 9 }
permit role { subject User with role staff action read resource Doc scope subject == resource.owner }
permit kind { subject Tenanted action any resource Doc scope any "x" }
permit other { subject User with role guest action read resource Doc scope subject == resource.owner }
permit elsewhere { subject User action list resource Folder scope any "x" }
permit listed { subject User action read resource Doc scope resource.title in {"a", "b"} }
permit picked { subject User action read resource Doc scope resource.title == "b" }
permit wider { subject User action read resource Doc scope resource.size > 5 when resource.size < 99 }
"""


def test_the_index_finds_whatever_covers_a_rule() -> None:
    regions = Regions(program(COVERING))
    found = {rule.decl.name.text: regions.of(rule) for rule in regions._program.rules}
    index = regions.index("permit")
    for region in found.values():
        candidates = index.might_cover(region)
        for other in found.values():
            if other is not region and region.meets(other) and regions.implies(region.formula, other.formula):
                assert other in candidates, (region.rule.name, other.rule.name)
    assert found["role"] in index.might_cover(found["narrow"])
    assert found["listed"] in index.might_cover(found["picked"])
    assert found["elsewhere"] not in index.might_cover(found["narrow"])


def test_the_index_lists_the_rules_that_share_action_and_types() -> None:
    regions = Regions(program(COVERING))
    found = {rule.decl.name.text: regions.of(rule) for rule in regions._program.rules}
    meeting = {r.rule.decl.name.text for r in regions.index("permit").meeting(found["elsewhere"])}
    assert meeting == {"elsewhere"}
    assert len(list(regions.index("permit").meeting(found["kind"]))) == 7
    assert list(regions.index("forbid").meeting(found["kind"])) == []


def test_few_rules_are_compared_with_one_of_many() -> None:
    rules = [
        f'permit r{i} {{ subject User action read resource Doc scope resource.title == "t{i}" }}' for i in range(400)
    ]
    regions = Regions(program("\n".join(rules)))
    index = regions.index("permit")
    compared = [len(index.might_cover(regions.of(rule))) for rule in regions._program.rules]
    assert sum(compared) == 0


@pytest.mark.parametrize(
    ("clauses", "possible"),
    [
        ("valid until 2026-01-01 when context.now == 2025-12-31T23:59:59.999999999Z", True),
        ("valid until 2026-01-01 when context.now == 2026-01-01", False),
        ("valid from 2026-01-01 when context.now == 2026-01-01", True),
        ("valid from 2026-01-01 when context.now < 2026-01-01", False),
        ("valid from 2026-01-01 valid until 2026-01-01", False),
        ("unless false", True),
        ("unless true", False),
        ("when resource.open unless resource.open", False),
    ],
)
def test_clauses_demand_what_they_say(clauses: str, possible: bool) -> None:
    regions = Regions(program(f"forbid r {{ subject User action read resource Doc {clauses} }}"))
    assert regions.possible(regions.of(regions._program.rules[0]).formula) is possible


def test_types_and_actions_that_cannot_meet_leave_nothing() -> None:
    assert regions_of("forbid r { subject User action list resource Doc }")["r"].empty
    assert not regions_of("forbid r { subject User action list, read resource Doc }")["r"].empty


def test_only_the_parts_that_contradict_are_needed() -> None:
    demands = [Member(Y, between(n, None)) for n in range(40)]
    demands[7:7] = [Member(X, between(5, None))]
    demands.append(Member(X, between(None, 4)))
    parts = [Part("when", None, d) for d in demands]  # type: ignore[arg-type]
    kept = needed(lambda *formulas: satisfiable(formulas), parts)
    assert [p.demands for p in kept] == [demands[7], demands[-1]]
