"""Cyclic and very deep hierarchies: a question about groups that never ends, or ends with everybody in everything.

OpenFGA answered some questions over circular relationships for ever (CVE-2023-43645); recursive walks end with the stack;
closures worked out beforehand can be quadratic in the store. Here a circle is a group like any other, whoever is in one
of its members is in all and in nothing else, and what is kept is linear in the store.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

import kynara_lang as kynara
from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from tests.hostile.asking import NOW, codes, door, refusal

TEXT = """\
subject Team in Team
subject User in Team { boss: User? }
resource Folder in Folder
resource Doc in Folder
action read on Doc
permit p { subject User in Team::"ops" action read resource Doc scope any "t" }
permit q { subject User action read resource Doc in Folder::"public" scope any "t" }
"""


def request(parents: Any = None, folders: Any = None, user: str = "u") -> dict[str, Any]:
    found: dict[str, Any] = {
        "subject": {"type": "User", "id": user},
        "action": {"name": "read"},
        "resource": {"type": "Doc", "id": "d"},
        "context": {"now": NOW},
    }
    if parents is not None:
        found["subject"]["parents"] = parents
    if folders is not None:
        found["resource"]["parents"] = folders
    return found


def team(name: str, *parents: str) -> dict[str, Any]:
    return {"type": "Team", "id": name, "parents": [{"type": "Team", "id": p} for p in parents]}


def member(name: str, *teams: str) -> dict[str, Any]:
    return {"type": "User", "id": name, "parents": [{"type": "Team", "id": t} for t in teams]}


CIRCLE = [team("a", "b"), team("b", "c"), team("c", "a"), team("self", "self"), team("two", "one"), team("one", "two", "ops")]
MEMBERS = [member("in-a", "a"), member("in-self", "self"), member("in-two", "two"), member("in-ops", "ops"), member("alone")]


@pytest.mark.parametrize(("user", "expected"), [("in-a", "deny"), ("in-self", "deny"), ("in-two", "allow"), ("in-ops", "allow"), ("alone", "deny")])
def test_a_circle_contains_its_members_and_nothing_else(user: str, expected: str) -> None:
    assert door(TEXT, [*CIRCLE, *MEMBERS]).effect(request(user=user)) == expected
    with_ops = [*CIRCLE, team("ops", "a"), *MEMBERS]  # the circle is above `ops` now, not below it
    assert door(TEXT, with_ops).effect(request(user=user)) == expected


def test_a_member_of_the_circle_is_in_itself() -> None:
    circle = [team("ops", "b"), team("b", "ops"), member("in-b", "b"), member("in-c", "c")]
    assert door(TEXT, circle).effect(request(user="in-b")) == "allow"
    assert door(TEXT, circle).effect(request(user="in-c")) == "deny"


@pytest.mark.parametrize("depth", [10, 10_000, 50_000])
def test_a_deep_chain_of_groups_is_walked_to_its_end(depth: int) -> None:
    chain = [team(f"g{i}", f"g{i + 1}") for i in range(depth)]
    start = time.process_time()
    policies = kynara.loads(TEXT, entities=kynara.Entities.from_list([*chain, team(f"g{depth}", "ops"), member("u", "g0"), member("v", f"h{depth}")]))
    assert policies.decide(request(user="u")).allowed
    assert not policies.decide(request(user="v")).allowed
    assert policies.explain(request(user="v")).decision.effect is kynara.Effect.DENY
    assert time.process_time() - start < 60


def test_a_wide_and_layered_store_is_loaded_in_bounded_time() -> None:
    """Thirty layers of forty groups, each in all of the next: 40 to the 30th paths."""
    layers = [[team(f"{layer}.{i}", *(f"{layer + 1}.{j}" for j in range(40))) for i in range(40)] for layer in range(30)]
    start = time.process_time()
    store = [*(one for layer in layers for one in layer), team("30.0", "ops"), member("u", "0.0")]
    policies = kynara.loads(TEXT, entities=kynara.Entities.from_list(store))
    assert policies.decide(request(user="u")).allowed
    assert time.process_time() - start < 60


def nested(depth: int, last: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"type": "Team", "id": last}]
    for i in range(depth):
        found = [{"type": "Team", "id": f"n{i}", "parents": found}]
    return found


@pytest.mark.parametrize("depth", [0, 1, 30, 60])
def test_parents_in_a_request_are_followed(depth: int) -> None:
    assert door(TEXT).effect(request(parents=nested(depth, "ops"))) == "allow"
    assert door(TEXT).effect(request(parents=nested(depth, "other"))) == "deny"


@pytest.mark.parametrize("depth", [100, 900, 5_000, 100_000])
def test_a_request_that_nests_parents_too_deep_is_refused(depth: int) -> None:
    policies = kynara.loads(TEXT)
    decision = policies.decide(request(parents=nested(depth, "ops")))
    assert decision.effect is kynara.Effect.DENY
    assert codes(decision) != ["internal-error"]
    assert policies.explain(request(parents=nested(depth, "ops"))).decision == decision


def test_a_request_that_contains_itself_is_refused() -> None:
    """JSON cannot say that, a Python dictionary can."""
    policies = kynara.loads(TEXT)
    loop: dict[str, Any] = {"type": "Team", "id": "a"}
    loop["parents"] = [loop]
    chain: dict[str, Any] = {"type": "User", "id": "u"}
    chain["on_behalf_of"] = chain
    boss: dict[str, Any] = {"type": "User", "id": "u", "properties": {}}
    boss["properties"]["boss"] = boss
    for hostile in (request(parents=[loop]), {**request(), "subject": chain}):
        assert policies.decide(hostile).effect is kynara.Effect.DENY
        assert policies.explain(hostile).decision.effect is kynara.Effect.DENY
    reads = TEXT + "forbid f { subject User action read resource Doc when subject has boss and subject.boss == subject }\n"
    assert kynara.loads(reads).decide({**request(), "subject": boss}).effect is kynara.Effect.DENY


def test_what_the_store_says_above_a_parent_that_the_request_names_counts() -> None:
    store = [team("mid", "ops"), team("wild", "a"), *CIRCLE]
    asked = door(TEXT, store)
    assert asked.effect(request(parents=[{"type": "Team", "id": "mid"}])) == "allow"
    assert asked.effect(request(parents=[{"type": "Team", "id": "wild"}])) == "deny"
    # And what the request says above it does not, because the store knows it.
    lying = [{"type": "Team", "id": "wild", "parents": [{"type": "Team", "id": "ops"}]}]
    assert asked.effect(request(parents=lying)) == "deny"


CIRCLES = [
    ("role a extends a\n", "KYN410"),
    ("role a extends b\nrole b extends a\n", "KYN410"),
    ("".join(f"role r{i} extends r{(i + 1) % 500}\n" for i in range(500)), "KYN410"),
    ("let a = b\nlet b = a\n", "KYN105"),
    ("type A = Set<A>\n", "KYN105"),
]


@pytest.mark.parametrize(("text", "code"), CIRCLES, ids=[c for _, c in CIRCLES])
def test_circles_of_a_policy_are_errors(text: str, code: str) -> None:
    assert code in refusal(text)


def test_a_deep_chain_of_roles_is_followed() -> None:
    roles = "role r0\n" + "".join(f"role r{i} extends r{i - 1}\n" for i in range(1, 1000))
    text = f'subject User\nresource Doc\naction read on Doc\n{roles}permit p {{ subject User with role r0 action read resource Doc scope any "t" }}\n'
    asked = request()
    asked["subject"]["roles"] = ["r999"]
    assert not check_sources([Source("p.kyn", text)], lints=LintSettings()).has_errors
    assert kynara.loads(text).decide(asked).allowed
    asked["subject"]["roles"] = ["r1000"]
    assert not kynara.loads(text).decide(asked).allowed
