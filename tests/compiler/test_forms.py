"""What is made of a clause beside its truth: the values it shows, what it needs, and the form that is quick."""

from __future__ import annotations

import copy
from types import CodeType

import pytest

from kynara_lang.compiler import ir
from kynara_lang.compiler.digest import digest
from kynara_lang.runtime.decision import Effect
from kynara_lang.runtime.policyset import PolicySet
from tests.compiler.test_code import ALICE, DECLARED, ask
from tests.runtime.programs import program

LETS = 'let chief = User::"boss"\nlet late(d: Doc) = d.n > seven\n'


def forbid(condition: str) -> PolicySet:
    return program(LETS + f"forbid f {{ subject User action read resource Doc when {condition} }}", base=DECLARED)


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("subject.n > 1", ["subject.n"]),
        ("mine(subject, resource)", ["subject", "resource.owner"]),
        ("subject.n > seven", ["subject.n", "seven"]),
        ("subject.n > 1 and subject.n < 9", ["subject.n"]),
        ("subject.boss.n == 9", ["subject.boss.n"]),
        ("chief.n == 9", []),
        ("subject == chief", ["subject", "chief"]),
        ("late(resource)", ["resource.n", "seven"]),
        ("above(subject, 6)", ["subject.n"]),
        ('subject.url.host == "x"', ["subject.url.host"]),
        ("subject.line.a == 1", ["subject.line.a"]),
        ("subject.s.length() == 3", ["subject.s"]),
        ('"abc".length() == 3', []),
        ("any x in subject.friends: x.n > 1", ["subject.friends"]),
        ("not delegated", ["delegated"]),
        ("1 == 1", []),
    ],
)
def test_a_clause_shows_the_values_that_it_reads_each_once(condition: str, shown: list[str]) -> None:
    (test,) = forbid(condition)._engine.bucket("read", "User", "Doc").bucket.tests
    assert [read.text for guard in test.guards for read in guard.reads] == shown


@pytest.mark.parametrize(
    "condition",
    [
        "any x in {subject, subject.boss}: x.m > 1",
        "all x in {subject}: x.m > 1",
        "any x in {subject.boss, subject}: any y in {x}: y.m > 1",
    ],
)
def test_what_is_read_of_an_element_that_is_the_subject_itself_is_needed_of_the_request(condition: str) -> None:
    who = copy.deepcopy(ALICE)
    del who["properties"]["m"]
    decision = forbid(condition).decide(ask(who))
    assert (decision.effect, decision.rules) == (Effect.DENY, ())
    assert [(e.code, e.path) for e in decision.errors] == [("missing-attribute", "subject.properties.m")]


@pytest.mark.parametrize("condition", ["any x in {subject}: x.boss.m == 4", "all x in {subject, subject}: x.boss has m"])
def test_what_an_element_refers_to_needs_nothing_of_the_element(condition: str) -> None:
    who = copy.deepcopy(ALICE)
    del who["properties"]["m"]
    who["properties"]["boss"]["properties"]["m"] = 4
    assert forbid(condition).decide(ask(who)).rules == ("f1.f",)


@pytest.mark.parametrize("of", ["subject", "resource"])
def test_whether_an_element_has_an_attribute_is_asked_of_what_the_request_says_of_it(of: str) -> None:
    """Not read from the request, the attribute would be taken as absent, and the forbid be skipped."""
    declared = "subject User { o: Int? }\nresource Doc { o: Int? }\naction read on Doc\n"
    general = 'permit p { subject any action any resource any scope any "t" }\n'
    policies = program(f"{general}forbid f {{ subject User action read resource Doc when any x in {{{of}}}: x has o }}", base=declared)
    parts = {"subject": {"type": "User", "id": "u"}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}}
    assert policies.decide(parts).allowed
    assert policies.decide({**parts, of: {**parts[of], "properties": {"o": 1}}}).rules == ("f1.f",)
    (error,) = policies.decide({**parts, of: {**parts[of], "properties": {"o": "1"}}}).errors
    assert error.path == f"{of}.properties.o"


def parts_of(condition: str) -> list[CodeType]:
    """Return the pieces of code inside the function that decides: a loop over elements is one."""
    decide = forbid(condition)._engine.bucket("read", "User", "Doc").decide
    return [constant for constant in decide.__code__.co_consts if isinstance(constant, CodeType)]


@pytest.mark.parametrize(
    "condition",
    [
        "any x in subject.tags: x in resource.tags",
        "all x in subject.tags: x in resource.tags",
        'all x in subject.tags: x in {"p", "q"}',
        'any x in {Team::"t1", Team::"t2"}: subject in x',
        'any x in {Folder::"f1", Folder::"f2"}: resource in x',
    ],
)
def test_a_question_about_a_whole_set_is_asked_without_a_loop(condition: str) -> None:
    assert parts_of(condition) == []
    assert parts_of("any x in subject.nums: x > 3") != []


@pytest.mark.parametrize("condition", ["any x in subject.nums: x in {1, 2} and x > 1", "any x in subject.nums: 2 in {x, 3}"])
def test_what_only_looks_like_such_a_question_is_asked_of_each(condition: str) -> None:
    assert parts_of(condition) != []
    assert forbid(condition).decide(ask()).rules == ("f1.f",)


@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_few_roles_are_looked_for_one_by_one_and_many_at_once(count: int) -> None:
    roles = [f"role more{i}\n" for i in range(count)]
    names = " or ".join(f"more{i}" for i in range(count))
    text = "".join(roles) + f"forbid f {{ subject User with role {names} action read resource Doc }}"
    policies = program(text, base=DECLARED)
    decide = policies._engine.bucket("read", "User", "Doc").decide
    assert ("isdisjoint" in decide.__code__.co_names) is (count > 4)
    for role in ("more0", f"more{count - 1}"):
        assert policies.decide(ask({**ALICE, "roles": [role]})).rules == ("f1.f",)
    assert policies.decide(ask()).rules == ()


def test_what_a_set_holds_counts_for_the_digest() -> None:
    def of(kind: str) -> str:
        return digest(program(f"resource More {{ x: {kind} }}", base=DECLARED).program)

    kinds = ["Set<Int>", "Set<String>", "Set<User>", "Set<Doc>", 'Set<"a" | "b">', 'Set<"a" | "c">', "Int"]
    assert len({of(kind) for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("who", ["actor", "subject"])
def test_rules_that_roles_tell_apart_look_at_the_roles_of_whom_they_name(who: str) -> None:
    """The agent performs the call, and the user it acts for is decided as the subject."""
    text = "".join(f"role r{i}\n" for i in range(12)) + 'permit p { subject any action any resource any scope any "t" }\n'
    text += "".join(f"forbid f{i} {{ subject User action read resource Doc when {who} holds r{i} }}\n" for i in range(12))
    policies = program(text, base=DECLARED)
    (node,) = policies._engine.bucket("read", "User", "Doc").bucket.forbids
    assert isinstance(node, ir.Switch)
    for of_agent, of_user in ((["r3"], []), ([], ["r3"]), (["r3", "r5"], ["x"]), ([], [])):
        asked = ask({**ALICE, "roles": of_user})
        boss = {"type": "User", "id": "boss", "properties": {"n": 9}}
        agent = {"type": "Agent", "id": "x", "roles": of_agent, "properties": {"owner": boss}}
        asked["subject"] = {**agent, "on_behalf_of": asked["subject"]}
        held = of_user + of_agent if who == "actor" else of_user
        decision = policies.decide(asked)
        assert decision.errors == ()
        assert decision.allowed is ("r3" not in held)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("subject.no or true", True),
        ("subject.no or subject is User", True),
        ("true or subject.no", True),
        ("subject.no or subject.no or true or subject.yes", True),
        ("subject.no or false", False),
        ("false or subject.yes", True),
        ("subject.yes and false", False),
        ("false and subject.yes", False),
        ("subject.yes and subject.yes and false and subject.no", False),
        ("subject.yes and true", True),
        ("true and subject.no", False),
        ("true and true", True),
        ("false or false", False),
        ("(subject.no or true) and (subject.yes and not false)", True),
    ],
)
def test_what_is_known_beforehand_counts_like_what_is_not(condition: str, holds: bool) -> None:
    assert forbid(condition).decide(ask()).rules == (("f1.f",) if holds else ())
    assert forbid(f"not ({condition})").decide(ask()).rules == (() if holds else ("f1.f",))
