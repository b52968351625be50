"""What is said of an entity, in a request, in a reference and in a store: each part read, and each part that is wrong told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kynara_lang.runtime.convert import converter
from kynara_lang.runtime.entities import Entities, EntitiesError, World
from kynara_lang.runtime.hierarchy import Hierarchy
from kynara_lang.runtime.problems import InvalidRequest, Refused
from kynara_lang.runtime.ranges import Range, probes
from kynara_lang.runtime.request import read_known, read_shape
from kynara_lang.semantics.types import INT, PATH, Field, Record, SetOf
from tests.runtime.programs import ask, program
from tests.runtime.small_program import USER, agent, doc, request, team, user, world


def problems_of(**members: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        read_shape(world(), request(**members))
    return [(problem.path, problem.message) for problem in caught.value.problems]


# Names that are nearly right


@pytest.mark.parametrize(
    ("member", "meant"),
    [
        ("onBehalfOf", "on_behalf_of"),
        ("on-behalf-of", "on_behalf_of"),
        ("on_behalf_off", "on_behalf_of"),
        ("ON_BEHALF_OF", "on_behalf_of"),
        ("propertys", "properties"),
        ("role", "roles"),
        ("Parents", "parents"),
        ("TYPE", "type"),
        ("Id", "id"),
    ],
)
def test_a_misspelt_member_is_refused_wherever_it_stands(member: str, meant: str) -> None:
    for place, members in (
        ("subject", {"subject": user(**{member: 1})}),
        ("resource", {"resource": doc(**{member: 1})}),
        ("subject.on_behalf_of", {"subject": agent(on_behalf_of=user(**{member: 1}))}),
        ("subject.parents[0]", {"subject": user(parents=[team("t", **{member: 1})])}),
    ):
        step = f".{member}"
        assert (f"{place}{step}", f"did you mean `{meant}`?") in problems_of(**members)
    with pytest.raises(EntitiesError, match="did you mean"):
        Entities.from_list([user(**{member: 1})])


@pytest.mark.parametrize("member", ["propertys", "role", "Parents", "on-behalf-of"])
def test_a_misspelt_member_of_a_reference_is_refused_as_well(member: str) -> None:
    """It was dropped without a word, and with it the roles or properties that a forbid would have asked for."""
    with pytest.raises(Refused, match="did you mean"):
        converter(USER, world())(user(**{member: 1}), "x")


def test_every_misspelt_member_is_told_and_strange_ones_are_not() -> None:
    found = problems_of(subject=user(uid=1, propertys=1, zzz=2, rolse=[], junk={}, **{"": 3}))
    assert [path for path, _ in found] == ["subject.propertys", "subject.rolse"]
    assert problems_of(subjekt={}, actoin={}, Context={}) == [
        ("request.subjekt", "did you mean `subject`?"),
        ("request.actoin", "did you mean `action`?"),
        ("request.Context", "did you mean `context`?"),
    ]
    assert read_shape(world(), {**request(), 7: 1, "uid": 2}).action.key == "read"


def test_a_chain_among_the_properties_is_refused_each_time() -> None:
    found = problems_of(
        subject=user(properties={"a": 1, "on_behalf_of": {}, "OnBehalfOf": {}}),
        action={"name": "read", "properties": {"onbehalfof": 1}},
    )
    assert [path for path, _ in found] == [
        "subject.properties.on_behalf_of",
        "subject.properties.OnBehalfOf",
        "action.properties.onbehalfof",
    ]


# Roles and parents


def test_every_wrong_role_is_told_and_so_is_every_wrong_place() -> None:
    found = problems_of(subject=user(roles=["a", 1, None], properties={"roles": "x"}))
    assert [path for path, _ in found] == ["subject.roles[1]", "subject.roles[2]", "subject.properties.roles"]
    found = problems_of(subject=user(roles="x", properties={"roles": [1]}))
    assert [path for path, _ in found] == ["subject.roles", "subject.properties.roles[0]"]


def test_every_wrong_parent_is_told() -> None:
    wrong = [1, {"type": "Team"}, {"type": "Taem", "id": "t"}, {"type": "Doc", "id": "d"}, team("t", parents=2)]
    found = problems_of(subject=user(parents=wrong, properties={"parents": {}}))
    assert [path for path, _ in found] == [
        "subject.parents[0]",
        "subject.parents[1].id",
        "subject.parents[2].type",
        "subject.parents[3].type",
        "subject.parents[4].parents",
        "subject.properties.parents",
        "subject.parents",
    ]
    assert dict(found)["subject.parents[2].type"] == "there is no entity type `Taem`; did you mean `Team`?"
    assert dict(found)["subject.parents[3].type"] == "the policy does not declare `user` in `Doc`"


@pytest.mark.parametrize("name", ["roles", "parents"])
def test_what_is_said_twice_has_to_be_the_same(name: str) -> None:
    one, other = (["support"], ["audit"]) if name == "roles" else ([team("a")], [team("b")])
    for beside, among, fine in ((one, one, True), (one, other, False), (one, [], False), ([], one, False), ([], [], True)):
        members = {name: beside, "properties": {"tenant": "t", name: among}}
        store = [user(**members)]
        if fine:
            shape = read_shape(world(), request(subject=user(**members)))
            assert shape.chain[0].roles is not None or shape.chain[0].above is not None
            assert World(world().program, Entities.from_list(store)).entity("User::alice") is not None
            continue
        text = f"`{name}` is given twice, beside the properties and among them, and differs"
        assert problems_of(subject=user(**members)) == [(f"subject.{name}", text)]
        with pytest.raises(EntitiesError, match="is given twice"):
            world(*store)
        with pytest.raises(Refused, match="is given twice"):
            converter(USER, world())(user(**members), "x")


def test_parents_of_parents_count_unless_the_store_knows_better() -> None:
    chain = user(parents=[team("a", parents=[team("b", properties={"parents": [team("c")]})])])
    assert read_shape(world(), request(subject=chain)).chain[0].above == {"Team::a", "Team::b", "Team::c"}
    here = world(team("a", parents=[team("x")]), team("b"))
    assert read_shape(here, request(subject=chain)).chain[0].above == {"Team::a", "Team::x"}
    shape = read_shape(here, request(subject=user(parents=[team("b", parents=[team("c")])])))
    assert shape.chain[0].above == {"Team::b", "Team::c"}


# Sets of things that hold entities


PAIR = Record((Field("n", INT), Field("who", USER)))


def test_records_in_a_set_may_not_contradict_each_other() -> None:
    def read(*values: object) -> Any:
        return converter(SetOf(PAIR), world())(list(values), "x")

    rich, poor = user(properties={"tenant": "a"}), user(properties={"tenant": "b"})
    assert len(read({"n": 1, "who": rich}, {"n": 1, "who": dict(rich)})) == 1
    assert len(read({"n": 1, "who": rich}, {"n": 2, "who": dict(rich)})) == 2
    # Equal, and not the same object.
    assert len(read({"n": int("7" * 9), "who": rich}, {"n": int("7" * 9), "who": dict(rich)})) == 1
    listed = [user("b", properties={"friends": [{**rich}], "mail": "".join(["a@", "x.y"])}) for _ in range(2)]
    assert len(read(*({"n": 1, "who": one} for one in listed))) == 1
    for other in ({"n": 1, "who": poor}, {"n": 2, "who": poor}, {"n": 2, "who": user()}):
        with pytest.raises(Refused, match="named twice with different"):
            read({"n": 1, "who": rich}, other)
    inner = [user("b", properties={"friends": [one]}) for one in (rich, poor)]
    for wrapped in ([{"n": 1, "who": inner[0]}, {"n": 2, "who": inner[1]}],):
        with pytest.raises(Refused, match="named twice with different"):
            read(*wrapped)
    assert len(read({"n": 1, "who": inner[0]}, {"n": 2, "who": dict(inner[0])})) == 2


# Stores


def test_a_store_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(EntitiesError) as caught:
        Entities.from_json(tmp_path / "none.json")
    assert str(caught.value) == f"{tmp_path / 'none.json'}: cannot be read: No such file or directory"


def test_a_store_of_a_program_tells_what_it_has() -> None:
    here = world(user("b", roles=[]), user("a", parents=[]), team("t"), {"type": "Elsewhere", "id": "x"})
    assert here.stored() == ("Team::t", "User::a", "User::b")
    assert [here.says_roles(key) for key in here.stored()] == [False, False, True]
    assert [here.says_parents(key) for key in here.stored()] == [False, True, False]
    assert here.above("User::a") == {"User::a"}
    assert here.above("User::b") is None
    assert here.has_store
    assert not world().has_store
    with pytest.raises(EntitiesError, match="there is no entity type `usr`; did you mean `user`"):
        world({"type": "usr", "id": "x"})
    with pytest.raises(EntitiesError, match="what a parent is in belongs into the parent's own entry"):
        world(user(parents=[team("t", parents=[team("u")])]))


def test_a_store_refers_to_itself() -> None:
    """References inside a store are to its own entities, whatever they carry and wherever those stand."""
    here = world(
        user("a", properties={"tenant": "t", "manager": user("b", properties={"tenant": "lie"})}),
        user("b", properties={"tenant": "t", "manager": user("c")}, roles=["support"]),
    )
    first = here.entity("User::a")
    assert first is not None
    assert first.attrs is not None
    boss = first.attrs["manager"]
    assert boss is here.entity("User::b")
    assert boss.attrs["tenant"] == "t"
    assert boss.attrs["manager"].attrs is None


# Hierarchies


def test_closures_are_worked_out_beforehand_up_to_a_budget() -> None:
    small = Hierarchy({"a": ["b"], "b": ["c"], "c": []})
    assert [small.known(key) for key in "abcd"] == [{"a", "b", "c"}, {"b", "c"}, {"c"}, None]
    assert small.closure("d") == {"d"}
    deep = Hierarchy({str(i): [str(i + 1)] for i in range(2000)})
    known = sum(deep.known(str(i)) is not None for i in range(2000))
    assert 300 < known < 500
    assert deep.closure("0") == {str(i) for i in range(2001)}
    assert deep.closure("0") is deep.closure("0")


# Who will ask


def test_what_is_known_of_who_will_ask() -> None:
    here = world(user("alice", properties={"tenant": "stored"}, roles=["support"]))
    chain, context = read_known(
        here, agent(properties={"trust": "low"}, on_behalf_of=user(properties={"mfa-verified": True})), {"client-ip": "::1"}
    )
    assert [entity.attrs for entity in chain] == [{"trust": "low"}, {"tenant": "stored", "mfa": True}]
    assert chain[1].roles == {"support"}
    assert context == {"ip": 1}
    assert read_known(here, user("new"), {})[0][0].attrs == {}
    with pytest.raises(InvalidRequest) as caught:
        read_known(here, agent(properties={"trust": 1, "owner": 2}), {"now": 3, "client-ip": "x"})
    assert [problem.path for problem in caught.value.problems] == [
        "context.client-ip",
        "context.now",
        "subject.properties.owner",
        "subject.properties.trust",
    ]
    with pytest.raises(InvalidRequest):
        read_known(here, None, {})
    with pytest.raises(InvalidRequest):
        read_known(here, user(), None)


# What stands for a range of values


def tried(rules: str, op: str, limit: Any, kind: Any = INT, name: str = "size") -> Any:
    base = "subject User\nresource Doc { size: Int, more: Int, path: Path }\naction read on Doc\nrole r\n"
    policies = program(rules, base=base)
    asked = ask(resource={"type": "Doc", "id": "d", "properties": {"size": 5, "more": 9, "path": "/a"}})
    prepared = policies._prepare(asked)
    links = [(prepared.buckets[0], policies._engine.views(prepared.request, prepared.buckets, 0)[0])]
    return probes(Range(("resource", name), op, limit, kind, 1, "x"), links)


def forbid(condition: str, name: str = "f") -> str:
    return f"forbid {name} {{ subject User action read resource Doc when {condition} }}\n"


def test_the_limits_that_rules_ask_for_stand_for_all_values() -> None:
    assert tried(forbid("resource.size > 10"), "<=", 10) == [9, 10]
    assert tried(forbid("resource.size > 10"), "<", 10) == [9]
    assert tried(forbid("resource.size > 10"), ">=", 10) == [10, 11]
    assert tried(forbid("resource.size > 10"), ">", 10) == [11]
    assert tried(forbid("10 < resource.size or resource.size == resource.more"), ">", 0) == [8, 9, 10, 11]
    assert tried(forbid("resource.size + 1 > 10"), ">", 0) is None
    assert tried(forbid("resource.size in {1, 2}"), ">", 0) is None
    twelve = " or ".join(f"resource.size == {i * 10}" for i in range(1, 9))
    assert len(tried(forbid(twelve), ">", 0)) == 24
    assert tried(forbid(twelve + " or resource.size == 90"), ">", 0) is None
    assert tried(forbid("resource.more > 10"), ">", 0) == []


def test_a_place_stands_for_what_is_within_it_only_if_nothing_else_is_asked() -> None:
    template = "path_within({0}, {1})"
    inside = forbid('not (resource.path within "/a")')
    assert tried(inside, "within", (template, "/a"), PATH, "path") == []
    assert tried(inside, "within", (template, "/b"), PATH, "path") is None
    narrower = inside + forbid('resource.path within "/a/b"', "g")
    assert tried(narrower, "within", (template, "/a"), PATH, "path") is None
    other = inside + forbid('resource.path.name == "x"', "g")
    assert tried(other, "within", (template, "/a"), PATH, "path") is None


def test_what_differs_between_links_stands_for_nothing() -> None:
    assert probes(Range(("subject", "level"), "<=", 1, INT, 1, "x"), []) is None


def test_for_whom_somebody_acts_stands_inside_the_subject() -> None:
    """Beside the subject it would be ignored, and with it everybody whose permission is needed."""
    found = problems_of(on_behalf_of=user("boss"))
    assert found == [("on_behalf_of", "`on_behalf_of` stands inside the `subject`")]
    policies = program('permit p { subject User action read resource Doc scope any "t" }')
    assert policies.decide(ask()).allowed
    decision = policies.decide({**ask(), "on_behalf_of": {"type": "User", "id": "boss"}})
    assert [(error.code, error.path) for error in decision.errors] == [("malformed-request", "on_behalf_of")]
    assert not decision.allowed
