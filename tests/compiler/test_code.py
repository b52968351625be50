"""The code that is made of rules: for every construct the quick function and the exact one, and that they agree.

Where the quick function raises, a decision is made rule by rule, so one that is broken would only make decisions slow.
Therefore it is called here by itself.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kynara_lang.compiler import codegen, fused, ir, tree
from kynara_lang.compiler.layout import Layout, Place
from kynara_lang.runtime.decision import Effect
from kynara_lang.runtime.outcomes import LinkOutcome
from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

DECLARED = """
type Level = "low" | "high"
subject Team
subject User in Team {
  n: Int, m: Int, d: Decimal, s: String, t: Time, w: Duration, ip: IP, mail: Email, host: Host, url: Url, path: Path
  level: Level, yes: Bool, no: Bool, tags: Set<String>, nums: Set<Int>, hosts: Set<Host>, line: { a: Int, b: String? }
  boss: User, friends: Set<User>, nick: String?, home: Team?
}
subject Agent { owner: User }
resource Folder in Folder
resource Doc in Folder { owner: User, s: String, n: Int, tags: Set<String>, readers: Set<User> }
action read on Doc
action call on Doc (x: Int, note: String?)
context { now: Time, ip: IP? }
role a
role b extends a
role c
role d
role e
role f
let seven = 7
let above(u: User, limit_of: Int) = u.n > limit_of
let mine(u: User, o: Doc) = u == o.owner
"""

BOSS = {"type": "User", "id": "boss", "properties": {"n": 9, "nick": "top"}, "roles": ["c"], "parents": [{"type": "Team", "id": "t9"}]}
ALICE: dict[str, Any] = {
    "type": "User",
    "id": "alice",
    "roles": ["b"],
    "parents": [{"type": "Team", "id": "t1"}],
    "properties": {
        "n": 7, "m": -3, "d": "2.50", "s": "Hello", "t": "2026-11-22T10:30:00Z", "w": "90m", "ip": "10.1.2.3",
        "mail": "a@mail.x.y", "host": "a.x.y", "url": "https://x.y:8443/a/b.py?q", "path": "/srv/a/b.tar.gz", "level": "low",
        "yes": True, "no": False, "tags": ["p", "q"], "nums": [1, 2, 3], "hosts": ["x.y", "z"], "line": {"a": 1},
        "boss": BOSS, "friends": [BOSS, {"type": "User", "id": "eve"}],
    },
}  # fmt: skip
DOC = {
    "type": "Doc",
    "id": "d1",
    "parents": [{"type": "Folder", "id": "f1"}],
    "properties": {
        "owner": {"type": "User", "id": "alice"}, "s": "Hello", "n": 8, "tags": ["q", "r"], "readers": [BOSS],
    },
}  # fmt: skip

TRUE = """
subject.n == 7 | subject.n != 8 | subject.n < 8 | subject.n <= 7 | subject.n > 6 | subject.n >= 7 | 7 == subject.n
subject.n + subject.m == 4 | subject.n - subject.m == 10 | subject.n * subject.m == 0 - 21 | -subject.m == 3
subject.d * 2 == 5.00 | 2 * subject.d == 5.00 | subject.d * subject.d == 6.25 | subject.d + 0.50 == 3.00
subject.w + 30m == 2h | subject.w * 2 == 3h | 2 * subject.w == 3h | subject.t + subject.w == 2026-11-22T12:00:00Z
subject.w + subject.t == 2026-11-22T12:00:00Z | subject.t - subject.w == 2026-11-22T09:00:00Z
subject.t - 2026-11-22 == 630m | subject.w - 1h == 30m | subject.t < 2026-11-23 | subject.w < 91m
subject.t.hour("Europe/Berlin") == 11 | subject.t.weekday("UTC") == "sunday"
subject.s like "H*o" | subject.s like "H*" | subject.s like "*o" | subject.s like "*e*l*" | subject.s like "Hello"
subject.s.lower() == "hello" | subject.s.starts_with("He") | subject.s.ends_with("lo") | subject.s.contains("ell")
subject.s.length() == 5 | subject.tags.size() == 2 | subject.tags.contains_all({"p"}) | subject.tags.contains_any({"q", "z"})
subject.tags.contains_any({"q", "1", "2", "3", "4", "5"}) | subject.tags.contains_any(resource.tags)
subject.ip within "10.0.0.0/8" | subject.ip within {"11.0.0.0/8", "10.1.0.0/16"} | subject.path within "/srv"
subject.path within "/" | subject.path within {"/x", "/srv/a"} | subject.host within "x.y" | subject.host within subject.hosts
subject.mail.domain within "x.y" | subject.url.host == "x.y" | subject.url.port == 8443 | subject.url.scheme == "https"
subject.url.path within "/a" | subject.path.name == "b.tar.gz" | subject.path.suffix == ".gz" | subject.level == "low"
subject.yes | not subject.no | subject.yes and not subject.no | subject.no or subject.yes | subject.yes == true
not (subject.no and subject.yes) | not (subject.no or subject.no) | subject.yes != subject.no
"p" in subject.tags | "z" not in subject.tags | subject.s in {"Hello", "x"} | subject.s not in resource.tags | 2 in {1, 2}
subject in Team::"t1" | not (subject in Team::"t2") | resource in Folder::"f1" | subject holds a | subject holds b
not (subject holds c) | subject == resource.owner | subject == User::"alice" | subject != User::"bob" | subject is User
resource.owner == subject | mine(subject, resource) | above(subject, 6) | not above(subject, seven) | seven == 7
subject.boss.n == 9 | subject.boss holds c | not (subject.boss holds a) | subject.boss in Team::"t9" | subject.boss is User
subject.boss has nick | subject.boss has nick and subject.boss.nick == "top" | not (subject.boss has home)
not (subject has nick) | subject has nick or subject.n == 7 | not (context has ip) | context.now == 2026-01-02
subject.line.a == 1 | not (subject.line has b) | any x in subject.nums: x > 2 | all x in subject.nums: x > 0
not (any x in subject.nums: x > 3) | not (all x in subject.nums: x > 1) | any x in subject.tags: x in resource.tags
all x in {"q"}: x in resource.tags | any x in subject.nums: any y in subject.nums: x + y == 6 | any x in resource.tags: x == "r"
all x in subject.friends: x != subject | any x in resource.readers: x == User::"boss" | any x in {Team::"t1"}: subject in x
any x in subject.hosts: subject.host within x | subject.nums == {3, 2, 1} | subject.tags != resource.tags
{subject.s, resource.s} == {"Hello"} | subject.line == { a: 1 } | subject.s == resource.s | subject.n + 1 == resource.n
subject.friends.contains_any({User::"eve"}) | not delegated | delegation.depth == 0 | actor == subject
"""
CONDITIONS = [part.strip() for line in TRUE.strip().splitlines() for part in line.split(" | ")]


def policies_of(condition: str, effect: str = "forbid") -> PolicySet:
    return program(f"{effect} f {{ subject User action read resource Doc when {condition} }}", base=DECLARED)


def ask(subject: dict[str, Any] = ALICE, resource: dict[str, Any] = DOC, **context: Any) -> dict[str, Any]:
    return {
        "subject": copy.deepcopy(subject),
        "action": {"name": "read"},
        "resource": copy.deepcopy(resource),
        "context": {"now": "2026-01-02T00:00:00Z", **context},
    }


def quickly(policies: PolicySet, request: dict[str, Any]) -> LinkOutcome:
    """Decide the first link by the function of its bucket, which must not raise, and compare with the exact way."""
    prepared = policies._prepare(request)
    bucket = prepared.buckets[0]
    (view, *_) = policies._engine.views(prepared.request, prepared.buckets, 0)
    found = bucket.decide(bucket.values(*view))
    exact = policies._engine.exact(bucket, view)
    assert (found.effect, found.rules, found.waits) == (exact.effect, exact.rules[:1], exact.waits)
    assert exact.errors == ()
    return found


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_construct_is_computed_quickly_and_exactly(condition: str) -> None:
    for text, rules in ((condition, (0,)), (f"not ({condition})", ())):
        assert quickly(policies_of(text), ask()).rules == rules


ERRORS = [
    ("subject.n + 9223372036854775807 > 0", "overflow"),
    ("subject.n * 9223372036854775807 > 0", "overflow"),
    ("-(subject.m - 9223372036854775805) > 0", "overflow"),
    ("subject.d * 0.0001 > 0.00", "inexact"),
    ("9999-12-31T23:59:59Z + subject.w > subject.t", "time-range"),
    ('resource.owner.n == 9', "unknown-entity"),
    ('resource.owner has nick', "unknown-entity"),
    ('resource.owner.boss.n == 9', "unknown-entity"),
    ("any x in subject.friends: x.n == 9", "unknown-entity"),
    ("all x in subject.friends: x.n == 9", "unknown-entity"),
    ("subject.boss.m == 9", "missing-attribute"),
]


@pytest.mark.parametrize(("condition", "code"), ERRORS)
@pytest.mark.parametrize("around", ["{0}", "not ({0})", "{0} or subject.yes", "subject.yes and {0}", "subject.no or {0}"])
def test_an_error_makes_the_quick_function_raise_and_a_forbid_match(condition: str, code: str, around: str) -> None:
    policies = policies_of(around.format(f"({condition})"))
    prepared = policies._prepare(ask())
    bucket = prepared.buckets[0]
    (view,) = policies._engine.views(prepared.request, prepared.buckets, 0)
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the exact way finds out
        bucket.decide(bucket.values(*view))
    decision = policies.decide(ask())
    assert decision.effect is Effect.DENY
    assert decision.rules == ("f1.f",)
    assert [(e.code, e.rule) for e in decision.errors] == [(code, "f1.f")]


@pytest.mark.parametrize(("condition", "code"), ERRORS)
def test_what_stands_before_an_error_can_settle_the_rule(condition: str, code: str) -> None:
    for text in (f"subject.no and ({condition})", f"not (subject.yes or ({condition}))"):
        assert quickly(policies_of(text), ask()).rules == ()
    assert quickly(policies_of(f"subject.yes or ({condition})"), ask()).rules == (0,)


# Switches


def many(head: str, body: str, count: int = 12, declared: str = "") -> PolicySet:
    rules = "".join(f"{head.replace('#', str(i))} {{ {body.replace('#', str(i))} }}\n" for i in range(count))
    return program(declared + rules, base=DECLARED)


ROLES = "".join(f"role r{i}\n" for i in range(12)) + "role boss extends r3, r4\n"


def switches(policies: PolicySet, kind: str) -> ir.Tree:
    built = policies._engine.bucket("read", "User", "Doc").bucket
    return {"forbid": built.forbids, "permit": built.permits, "approval": built.approvals}[kind]


@pytest.mark.parametrize(
    ("declared", "clause", "label", "change", "matching"),
    [
        ("", 'when subject.s == "k#"', "subject.s", {"s": "k5"}, {5}),
        ("", 'when "k#" == resource.s', "resource.s", {}, set()),
        ("", 'when subject.s in {"k#", "l#"}', "subject.s", {"s": "l5"}, {5}),
        ("", "when subject.n == #", "subject.n", {}, {7}),
        ("", 'when subject == User::"u#"', "subject", {"id": "u3"}, {3}),
        ("", 'when subject in Team::"t#"', "subject.ancestors", {}, {1}),
        (ROLES, "when subject holds r#", "subject.roles", {"roles": ["r5", "r6", "nobody"]}, {5, 6}),
        (ROLES, "when subject holds r#", "subject.roles", {"roles": ["boss"]}, {3, 4}),
        (ROLES, "when subject holds r#", "subject.roles", {"roles": [f"r{i}" for i in range(6)]}, set(range(6))),
    ],
)
@pytest.mark.parametrize("effect", ["forbid", "permit", "require approval"])
def test_a_switch_finds_what_the_rules_one_by_one_would(
    effect: str, declared: str, clause: str, label: str, change: dict[str, Any], matching: set[int]
) -> None:
    body = f"subject User action read resource Doc {'scope any &t&' if effect == 'permit' else ''} {clause}".replace("&", '"')
    body += " from User" if effect == "require approval" else ""
    head = f"{effect} x#"
    everyone = 'permit z { subject any action any resource any scope any "t" }' if effect != "permit" else ""
    policies = many(head, body, declared=declared + everyone + "\n")
    (node,) = switches(policies, effect.split()[-1])
    assert isinstance(node, ir.Switch)
    assert node.label == label
    who = copy.deepcopy(ALICE)
    for name, value in change.items():
        (who if name in who else who["properties"])[name] = value
    decision = policies.decide(ask(who))
    found = [o.test.rule.decl.name.text for o in policies.outcomes(ask(who)) if o.counts]
    assert {name for name in found if name.startswith("x")} == {f"x{i}" for i in matching}
    expected = {"forbid": Effect.DENY, "permit": Effect.ALLOW, "require approval": Effect.REQUIRE_APPROVAL}[effect]
    default = Effect.DENY if effect == "permit" else Effect.ALLOW
    assert decision.effect is (expected if matching else default)
    if matching:
        names = {f"f1.x{i}" for i in matching}
        assert set(decision.rules) == names if effect == "require approval" else set(decision.rules) <= names
    prepared = policies._prepare(ask(who))
    (view,) = policies._engine.views(prepared.request, prepared.buckets, 0)
    bucket = prepared.buckets[0]
    quick, exact = bucket.decide(bucket.values(*view)), policies._engine.exact(bucket, view)
    assert (quick.effect, set(quick.rules) <= set(exact.rules), quick.waits) == (exact.effect, True, exact.waits)


def test_a_case_still_tests_what_else_its_rules_ask() -> None:
    policies = many(
        "forbid x#", 'subject User action read resource Doc when subject.s == "k#" and subject.yes when subject.n > #'
    )
    for n, yes, denied in ((6, True, True), (5, True, False), (6, False, False)):
        who = {**ALICE, "properties": {**ALICE["properties"], "s": "k5", "n": n, "yes": yes}}
        text = policies.decide(ask(who))
        assert (text.rules == ("f1.x5",)) is denied


def test_a_case_still_tests_every_other_part_of_one_clause() -> None:
    policies = many(
        "forbid x#",
        'subject User action read resource Doc when subject.yes and subject.s == "k#" and subject.n > # and not subject.no',
    )
    for change, rules in (({}, ("f1.x5",)), ({"n": 5}, ()), ({"yes": False}, ()), ({"no": True}, ())):
        who = {**ALICE, "properties": {**ALICE["properties"], "s": "k5", **change}}
        assert policies.decide(ask(who)).rules == rules
        assert bool(quickly(policies, ask(who)).rules) is bool(rules)


def test_several_approvals_of_one_case_are_all_asked_for() -> None:
    text = 'permit z { subject any action any resource any scope any "t" }\n' + "".join(
        f'require approval x{i}_{j} {{ subject User action read resource Doc when subject.s == "k{i}" '
        f"when subject.n >= {j} from User }}\n"
        for i in range(8)
        for j in (6, 7, 8)
    )
    policies = program(text, base=DECLARED)
    who = {**ALICE, "properties": {**ALICE["properties"], "s": "k5"}}
    assert policies.decide(ask(who)).rules == ("f1.x5_6", "f1.x5_7")
    assert len(quickly(policies, ask(who)).waits) == 2
    assert policies.decide(ask()).effect is Effect.ALLOW


@pytest.mark.parametrize("fallible", ["resource.owner holds a", 'resource.owner in Team::"t"', "resource.owner.n > 1"])
def test_what_follows_a_reference_can_fail_so_nothing_behind_it_skips_a_forbid(fallible: str) -> None:
    policies = many(
        "forbid x#",
        f'subject User action read resource Doc when not ({fallible}) when subject.s == "k#"',
        declared='permit z { subject any action any resource any scope any "t" }\n',
    )
    decision = policies.decide(ask())
    assert decision.effect is Effect.DENY
    assert {error.code for error in decision.errors} == {"unknown-entity"}
    assert len(decision.rules) == 12


def test_a_clause_that_never_holds_does_not_hide_an_error_before_it() -> None:
    policies = program(
        'permit z { subject any action any resource any scope any "t" }\n'
        "forbid f { subject User with role b, Agent action read resource Doc\n"
        "  when resource.n + 9223372036854775807 > 0\n  when subject is Agent }",
        base=DECLARED,
    )
    decision = policies.decide(ask())
    assert (decision.effect, decision.rules) == (Effect.DENY, ("f1.f",))
    assert [error.code for error in decision.errors] == ["overflow"]
    assert policies.decide(ask({**ALICE, "roles": []})).effect is Effect.ALLOW


def test_arguments_that_an_action_has_are_there() -> None:
    policies = program(
        """
permit z { subject any action any resource any scope any "t" }
forbid f { subject User action call resource Doc when args has x and args.x == 7 }
forbid g { subject User action call resource Doc when args has note and args.note == "n" }
forbid h { subject User action any resource Doc when not (args has x) }
""",
        base=DECLARED,
    )
    for arguments, rules in (({"x": 7}, ("f1.f",)), ({"x": 8}, ("f1.z",)), ({"x": 8, "note": "n"}, ("f1.g",))):
        asked = {**ask(), "action": {"name": "call", "properties": arguments}}
        assert policies.decide(asked).rules == rules
        assert policies._plain.decide(asked) is not None
    assert policies.decide(ask()).rules == ("f1.h",)


def test_a_case_with_several_rules_tests_them_all() -> None:
    text = "".join(
        f'forbid x{i}_{j} {{ subject User action read resource Doc when subject.s == "k{i}" when subject.n == {j} }}\n'
        for i in range(8)
        for j in range(3)
    )
    policies = program(text, base=DECLARED)
    for j in range(4):
        who = {**ALICE, "properties": {**ALICE["properties"], "s": "k5", "n": j}}
        assert policies.decide(ask(who)).rules == ((f"f1.x5_{j}",) if j < 3 else ())


def test_rules_without_the_key_are_tested_beside_the_switch() -> None:
    policies = many(
        "forbid x#",
        'subject User action read resource Doc when subject.s == "k#"',
        declared="forbid other { subject User action read resource Doc when subject.n > 7 }\n",
    )
    (node, test) = switches(policies, "forbid")
    assert isinstance(node, ir.Switch)
    assert isinstance(test, ir.Test)
    who = {**ALICE, "properties": {**ALICE["properties"], "n": 8}}
    assert policies.decide(ask(who)).rules == ("f1.other",)
    assert policies.decide(ask()).rules == ()


def test_nine_rules_make_a_switch_and_eight_do_not() -> None:
    body = 'subject User action read resource Doc when subject.s == "k#"'
    assert all(isinstance(node, ir.Test) for node in switches(many("forbid x#", body, 8), "forbid"))
    assert isinstance(switches(many("forbid x#", body, 9), "forbid")[0], ir.Switch)


def test_24_directories_make_a_switch_and_23_do_not() -> None:
    body = 'subject User action read resource Doc when subject.path within "/srv/#"'
    assert all(isinstance(node, ir.Test) for node in switches(many("forbid x#", body, 23), "forbid"))
    policies = many("forbid x#", body, 24)
    (node,) = switches(policies, "forbid")
    assert isinstance(node, ir.Switch)
    for path, rules in (("/srv/7/x/y", ("f1.x7",)), ("/srv/7", ("f1.x7",)), ("/srv", ()), ("/srv/77", ())):
        who = {**ALICE, "properties": {**ALICE["properties"], "path": path}}
        assert policies.decide(ask(who)).rules == rules


def test_the_key_is_the_one_that_leaves_the_fewest_tests() -> None:
    """Twelve values of one attribute and two of another: the first tells the rules apart."""
    text = "".join(
        f'forbid x{i} {{ subject User action read resource Doc when resource.s == "h{i % 2}" when subject.s == "k{i}" }}\n'
        for i in range(12)
    )
    (node,) = switches(program(text, base=DECLARED), "forbid")
    assert isinstance(node, ir.Switch)
    assert node.label == "subject.s"
    assert sorted(node.cases) == sorted(f"k{i}" for i in range(12))


def test_what_leaves_one_test_fewer_is_worth_a_switch() -> None:
    """Eight rules with one value and a ninth with another; and values that are shared evenly."""
    for values in ("kkkkkkkkl", "klklklklk"):
        text = "".join(
            f'forbid x{i} {{ subject User action read resource Doc when subject.s == "{value}" when subject.n > {i} }}\n'
            for i, value in enumerate(values)
        )
        (node,) = switches(program(text, base=DECLARED), "forbid")
        assert isinstance(node, ir.Switch)
        assert {value: len(case) for value, case in node.cases.items()} == {v: values.count(v) for v in "kl"}


def test_one_value_for_all_rules_tells_nothing_apart() -> None:
    policies = many("forbid x#", 'subject User action read resource Doc when subject.s == "k" when subject.n > #')
    assert all(isinstance(node, ir.Test) for node in switches(policies, "forbid"))


def test_warming_compiles_every_case() -> None:
    policies = many("forbid x#", 'subject User action read resource Doc when subject.s == "k#"')
    bucket = policies._engine.bucket("read", "User", "Doc")
    bucket.warm()
    cases = bucket._fuser._cases
    assert cases
    assert all(made is not None for table in cases for made in table.values())


# Pieces


def test_rules_with_one_condition_share_one_function() -> None:
    policies = many(
        "forbid x#",
        'subject User action read resource Doc when subject.s == "k#" when subject.n > 3',
        declared="forbid y { subject User action read resource Doc when subject.n > 4 }\n",
    )
    policies.warm()
    assert len(policies._engine._pool) == 1
    policies = many("forbid x#", 'subject User action read resource Doc when subject.s == "k#" when subject.n > #')
    policies.warm()
    assert len(policies._engine._pool) == 12


def test_what_cannot_fail_is_tested_from_cheap_to_dear_and_never_past_what_can() -> None:
    def order(*clauses: str) -> list[str]:
        policies = program(
            f"forbid f {{ subject User action read resource Doc {' '.join(f'when {c}' for c in clauses)} }}",
            base=DECLARED,
        )
        (test,) = policies._engine.bucket("read", "User", "Doc").bucket.tests
        conjuncts = [part for guard in test.guards for part in ir.conjuncts(guard.condition)]
        by_node = {id(node): clause for node, clause in zip(conjuncts, clauses, strict=True)}
        return [by_node[id(node)] for node in fused._cheap_first(conjuncts)]

    each = "any x in subject.nums: x > 2"
    glob = 'subject.s like "H*o"'
    equal = "subject.n == 7"
    more = "subject.n > 3"
    fails = "subject.n + 1 > 3"
    assert order(each, glob, more, equal) == [equal, more, glob, each]
    assert order(glob, fails, equal) == [glob, fails, equal]
    assert order(each, glob, fails, glob, equal) == [glob, each, fails, equal, glob]
    optional = 'subject has nick and subject.nick == "x"'
    assert order(each, "subject has nick", 'subject.nick == "x"', equal) == [
        "subject has nick", each, 'subject.nick == "x"', equal
    ]  # fmt: skip
    assert quickly(policies_of(optional), ask()).rules == ()


def test_places_are_what_the_rules_read() -> None:
    policies = program(
        """
forbid f { subject User action call resource Doc
  when subject.n > 1 and args.x > 2 and subject holds a and subject in Team::"t" and resource == Doc::"d"
  when subject has nick and subject.nick == "n" and args has note and context has ip and delegator is Agent }
""",
        base=DECLARED,
    )
    layout = Layout(policies._engine.bucket("call", "User", "Doc").bucket)
    assert set(layout.places) == {
        Place("subject", "value", "n"),
        Place("args", "value", "x"),
        Place("subject", "roles"),
        Place("subject", "ancestors"),
        Place("resource", "whole"),
        Place("subject", "attributes"),
        Place("args", "whole"),
        Place("context", "whole"),
        Place("delegator", "whole"),
    }
    assert layout.roles == {"subject": {"a"}, "resource": frozenset()}
    assert [layout.at(place.root, place.part, place.name) for place in layout.places] == list(range(9))


def test_what_is_needed_of_a_request_is_what_the_rules_read() -> None:
    policies = program(
        """
forbid f { subject User action read resource Doc when subject.n > 1 and resource.n > 2 and context has ip }
forbid g { subject User action read resource Doc when delegator is Agent and delegator.owner == User::"x" }
forbid h { subject User action call resource Doc when args.x > 2 and actor is User and actor.n > 1 }
""",
        base=DECLARED,
    )
    read = policies._engine.bucket("read", "User", "Doc").bucket
    assert (read.needs.of("subject"), read.needs.of("resource"), read.needs.of("context")) == ({"n"}, {"n"}, {"ip"})
    assert read.needs.of_other("delegator", "Agent") == {"owner"}
    assert read.needs.of_other("delegator", "User") == read.needs.of_other("actor", "Agent") == frozenset()
    assert not read.asks_who_acts
    call = policies._engine.bucket("call", "User", "Doc").bucket
    assert call.asks_who_acts
    assert call.needs.of_other("actor", "User") == {"n"}
    assert call.required["args"] == {"x"}
    assert call.required["context"] == {"now"}
    assert "nick" not in call.required["subject"]


def test_constants_are_bound_and_not_written() -> None:
    """A text of a policy never becomes a piece of code; equal ones of different types stay apart."""
    writer = codegen.Writer()
    names = [writer.constant(value) for value in (1, "1", True, False, 1, frozenset({1}))]
    assert names == ["k0", "k1", "True", "False", "k0", "k2"]
    assert {name: writer.namespace[name] for name in ("k0", "k1", "k2")} == {"k0": 1, "k1": "1", "k2": frozenset({1})}
    assert type(writer.namespace["k0"]) is int


def test_a_rule_whose_types_never_fit_is_not_in_the_tree() -> None:
    policies = program(
        """
forbid a { subject Agent action read resource Doc }
forbid b { subject User action call resource Doc }
forbid c { subject User action read resource Doc when subject is User and 1 == 2 }
forbid d { subject User action read resource Doc }
""",
        base=DECLARED,
    )
    bucket = policies._engine.bucket("read", "User", "Doc").bucket
    assert [test.rule.decl.name.text for test in bucket.tests] == ["c", "d"]
    assert tree.bucket(
        policies.program, policies.program.rules, "read", "Agent", "Doc", policies._engine._entity
    ).tests[0].rule.decl.name.text == "a"
