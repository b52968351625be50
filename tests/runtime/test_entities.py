"""The entity store: what it accepts, how it complains, and that hierarchies of any shape cost little."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kynara_lang.runtime.entities import Entities, EntitiesError, World
from kynara_lang.runtime.hierarchy import Hierarchy, union
from tests.runtime.small_program import agent, doc, program, team, user, world


def complaint(*entities: Any) -> EntitiesError:
    with pytest.raises(EntitiesError) as caught:
        world(*entities)
    assert all(line.isprintable() for line in str(caught.value).split("\n"))
    return caught.value


def the_problem(*entities: Any) -> tuple[str, str]:
    (problem,) = complaint(*entities).problems
    return problem.code, problem.path


# Reading


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"entities": x}], ids=["list", "object"])
def test_reads_files_and_texts(tmp_path: Path, wrap: Any) -> None:
    text = json.dumps(wrap([user(), doc()]))
    file = tmp_path / "entities.json"
    file.write_text(text, encoding="utf-8")
    for store in (Entities.from_json(file), Entities.from_json(str(file)), Entities.from_text(text)):
        assert len(store) == 2
        assert World(program(), store).entity("User::alice") == "User::alice"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the document is empty"),
        ("{}", "a list of entities"),
        ('{"entities": {}}', "a list of entities"),
        ("1", "a list of entities"),
        ('[{"type": "a", "type": "b"}]', "occurs twice"),
        ("[NaN]", "`NaN` is not a JSON value"),
        ("[1]", "[0]: an object with `type` and `id` is expected here, not `1`"),
        ('{"entities": [{"id": "a"}]}', "entities[0].type: the entity has no `type`"),
        ('[{"type": "a", "id": 1}]', "[0].id: a text is expected here, not `1`"),
    ],
)
def test_refuses_documents(text: str, part: str) -> None:
    with pytest.raises(EntitiesError) as caught:
        Entities.from_text(text)
    assert part in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_complaints_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "e.json"
    with pytest.raises(EntitiesError, match=r"e\.json: cannot be read: "):
        Entities.from_json(file)
    file.write_text('[{"type": "user", "id": "a", "properties": {"tenant": 1}}]', encoding="utf-8")
    store = Entities.from_json(file)
    with pytest.raises(EntitiesError, match=r"e\.json: \[0\]\.properties\.tenant: a String is expected here"):
        World(program(), store)


def test_an_entity_is_described_once() -> None:
    with pytest.raises(EntitiesError) as caught:
        Entities.from_list([user(), doc(), user(properties={})])
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("contradictory", "[2]")
    assert "`user::alice` is already described at [0]" in problem.message


def test_all_problems_are_reported_and_a_few_shown() -> None:
    error = complaint(*[user(f"u{i}", properties={"tenant": i}) for i in range(30)])
    assert len(error.problems) == 30
    assert str(error).endswith("\nand 20 more")


# Binding


def test_entities_are_converted() -> None:
    here = world(
        user(properties={"tenant": "acme", "manager": user("bob"), "junk": 1}, roles=["team-lead", "x"]),
        user("bob", properties={"manager": user("alice", properties={"tenant": "evil"})}, parents=[team("a")]),
        team("a", parents=[team("b")]),
        team("b", parents=[team("a"), team("c")]),
    )
    alice, bob = here.entity("User::alice"), here.entity("User::bob")
    assert alice is not None
    assert bob is not None
    assert alice.attrs == {"tenant": "acme", "manager": "User::bob"}
    assert alice.attrs["manager"] is bob
    assert bob.attrs is not None
    assert bob.attrs["manager"] is alice
    assert alice.roles == {"lead", "support"}
    assert alice.ancestors == {"User::alice"}
    assert bob.ancestors == {"User::bob", "Team::a", "Team::b", "Team::c"}
    assert here.entity("Team::c") is None
    assert (here.says_roles("User::alice"), here.says_parents("User::alice")) == (True, False)
    assert (here.says_roles("User::bob"), here.says_parents("User::bob")) == (False, True)


def test_roles_and_parents_may_stand_among_the_properties() -> None:
    here = world(
        user(properties={"roles": ["support"], "parents": [team("a")]}),
        agent(properties={"roles": ["support"]}),
    )
    alice, bot = here.entity("User::alice"), here.entity("std.agents.Agent::bot")
    assert alice is not None
    assert bot is not None
    assert alice.roles == {"support"}
    assert alice.attrs == {}
    assert alice.ancestors == {"User::alice", "Team::a"}
    # An agent's `roles` are an attribute of its own.
    assert bot.roles == frozenset()
    assert bot.attrs == {"roles": {"support"}}


def test_types_of_other_programs_are_left_out() -> None:
    here = world({"type": "Alien", "id": "x", "roles": [], "parents": [user()]})
    assert here.entity("Alien::x") is None


@pytest.mark.parametrize(
    ("entity", "code", "path"),
    [
        (user(properties=[]), "malformed-request", "[0].properties"),
        (user(properties={"mail": "x"}), "invalid-value", "[0].properties.mail"),
        (user(properties={"mail": None}), "wrong-type", "[0].properties.mail"),
        (user(roles="support"), "malformed-request", "[0].roles"),
        (user(parents=team("a")), "malformed-request", "[0].parents"),
        (user(parents=["a"]), "malformed-request", "[0].parents[0]"),
        (user(parents=[team("a"), {"type": "Team"}]), "malformed-request", "[0].parents[1].id"),
        (user(parents=[{"type": "Tean", "id": "a"}]), "unknown-type", "[0].parents[0].type"),
        (user(parents=[{"type": "Folder", "id": "a"}]), "wrong-type", "[0].parents[0].type"),
        (user(parents=[team("a", parents=[team("b")])]), "malformed-request", "[0].parents[0].parents"),
        (user(roles=["support"], properties={"roles": []}), "contradictory", "[0].roles"),
        (user(parents=[team("a")], properties={"parents": [team("b")]}), "contradictory", "[0].parents"),
    ],
)
def test_what_does_not_fit_the_program(entity: Any, code: str, path: str) -> None:
    assert the_problem(entity) == (code, path)


def test_given_twice_alike_is_fine() -> None:
    here = world(user(roles=["a", "support"], properties={"roles": ["support", "a", "a"]}))
    assert here.entity("User::alice").roles == {"support"}  # type: ignore[union-attr]


# Hierarchies


def reachable(parents: dict[str, list[str]], start: str) -> set[str]:
    reached, pending = {start}, [start]
    while pending:
        for parent in parents.get(pending.pop(), ()):
            if parent not in reached:
                reached.add(parent)
                pending.append(parent)
    return reached


NODES = st.sampled_from("abcdefgh")


@settings(max_examples=300)
@given(st.dictionaries(NODES, st.lists(NODES, max_size=3)), st.sampled_from([0, 3, 10**6]))
def test_closures_are_what_can_be_reached(parents: dict[str, list[str]], budget: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kynara_lang.runtime.hierarchy._BUDGET_BASE", budget)
        patch.setattr("kynara_lang.runtime.hierarchy._BUDGET_PER_ENTITY", 0)
        hierarchy = Hierarchy(parents)
    for key in "abcdefgh":
        assert hierarchy.closure(key) == reachable(parents, key)
        assert hierarchy.known(key) in (None, hierarchy.closure(key))
        if budget > 3 and key in parents:
            assert hierarchy.known(key) is not None


def test_a_circle_shares_its_closure() -> None:
    hierarchy = Hierarchy({str(i): [str((i + 1) % 1000)] for i in range(1000)})
    assert len({id(hierarchy.closure(str(i))) for i in range(1000)}) == 1


@pytest.mark.parametrize("shape", ["up", "down", "circle"])
def test_a_deep_chain_costs_little(shape: str) -> None:
    n = 100_000
    numbers = range(n) if shape != "down" else range(n - 1, -1, -1)
    entities = [
        team(str(i), parents=[team(str((i + 1) % n))] if i + 1 < n or shape == "circle" else []) for i in numbers
    ]
    store = Entities.from_list(entities)
    start = time.process_time()
    here = World(program(), store)
    assert time.process_time() - start < 30  # on a slow machine; quadratic would be hours
    for i in (0, 50_000, n - 1):
        entity = here.entity(f"Team::{i}")
        assert entity is not None
        assert len(entity.ancestors) == (n if shape == "circle" else n - i)
        assert entity.ancestors >= {f"Team::{i}", f"Team::{n - 1}"}
        assert entity.attrs == {}


@pytest.mark.parametrize("layers", [1, 3, 50, 1000])
def test_what_is_kept_is_linear_in_the_store(layers: int) -> None:
    width = 6000 // layers
    names = [[f"{layer}:{i}" for i in range(width)] for layer in range(layers)]
    parents = {
        key: [above[i % width], above[(i * 7 + 1) % width]]
        for below, above in pairwise([*names, ["top"] * width])
        for i, key in enumerate(below)
    }
    hierarchy = Hierarchy(parents)
    kept = {id(known): len(known) for key in parents if (known := hierarchy.known(key)) is not None}
    assert sum(kept.values()) <= 100_000 + 16 * len(parents) + 6_001
    assert hierarchy.closure("0:0") == reachable(parents, "0:0")


def test_a_late_entity_has_nothing_else_to_offer() -> None:
    parents = {str(i): [str(i + 1)] for i in range(5_000)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kynara_lang.runtime.hierarchy._BUDGET_BASE", 0)
        patch.setattr("kynara_lang.runtime.hierarchy._BUDGET_PER_ENTITY", 0)
        here = world(*[team(key, parents=[team(up) for up in ups]) for key, ups in parents.items()])
    first = here.entity("Team::0")
    assert first is not None
    assert len(first.ancestors) == 5_001
    with pytest.raises(AttributeError):
        first.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_union_of_one_set_is_that_set() -> None:
    one = frozenset({"a"})
    assert union([one]) is one
    assert union([]) == frozenset()
    assert union([one, frozenset({"b"})]) == {"a", "b"}
