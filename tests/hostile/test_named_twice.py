"""A set that names one entity twice: which of the two does a policy see?

Entities are equal by name, so a set keeps one of them. Where both say the same, it makes no difference; where they do not,
the reader's order would decide (as with duplicate keys of JSON, which parsers in a row read differently), so it is refused.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.hostile.asking import NOW, codes, door

TEXT = """\
type Note = { by: User, text: String }
subject Team in Team
subject User in Team { level: Int, boss: User? }
resource Doc
role admin
role owner extends admin
action share on Doc (with: Set<User>, notes: Set<Note>)
permit p { subject User action share resource Doc scope any "each of them is trusted" when all u in args.with: u.level > 5 }
forbid f { subject User action share resource Doc when any u in args.with: u.level == 1 }
"""
STORE: list[dict[str, Any]] = [{"type": "User", "id": "ann", "properties": {"level": 9}}]


def user(identity: str = "eve", **said: Any) -> dict[str, Any]:
    return {"type": "User", "id": identity, **said}


def level(number: int, **more: Any) -> dict[str, Any]:
    return {"properties": {"level": number, **more}}


def request(*named: dict[str, Any], notes: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "subject": user("bob"),
        "action": {"name": "share", "properties": {"with": list(named), "notes": list(notes)}},
        "resource": {"type": "Doc", "id": "d"},
        "context": {"now": NOW},
    }


DIFFERENT = [
    (user(**level(9)), user(**level(1))),
    (user(**level(9)), user()),
    (user(**level(9)), user(properties={})),
    (user(**level(9)), user(**level(9), roles=["admin"])),
    (user(**level(9), roles=["owner"]), user(**level(9), roles=["admin"])),
    (user(**level(9)), user(**level(9), parents=[{"type": "Team", "id": "ops"}])),
    (user(**level(9, boss=user("ann"))), user(**level(9))),
    (user(**level(9, boss=user("leo", **level(7)))), user(**level(9, boss=user("leo", **level(8))))),
    (user(**level(9, boss=user("leo", **level(7)))), user(**level(9, boss=user("leo")))),
    (user("ann"), user("ann", roles=["admin"])),
]
SAME = [
    (user(**level(9)), user(**level(9))),
    (user(**level(9)), user(**level(9), roles=[])),
    (user(**level(9), roles=["owner"]), user(**level(9), roles=["admin", "owner", "nobody"])),
    (user(**level(9)), user(**level(9, undeclared=1))),
    (user(**level(9, boss=user("leo"))), user(**level(9, boss=user("leo")))),
    (user("ann"), user("ann", **level(1))),
    (user("ann", roles=[]), user("ann")),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_is_refused_in_both_orders(one: Any, other: Any) -> None:
    asked = door(TEXT, STORE)
    for named in ((one, other), (other, one), (one, user("ann"), other)):
        decision = asked.ask(request(*named))
        assert (decision.effect.value, codes(decision)) == ("deny", ["contradictory"])


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_says_the_same_is_one(one: Any, other: Any) -> None:
    asked = door(TEXT, STORE)
    assert asked.effect(request(one, other)) == asked.effect(request(other, one)) == "allow"


def test_it_is_found_in_records_of_a_set_and_where_no_rule_looks() -> None:
    notes = tuple({"by": user(**level(number)), "text": f"{number}"} for number in (9, 8))
    decision = door(TEXT, STORE).ask(request(user("ann"), notes=notes))
    assert (decision.effect.value, codes(decision)) == ("deny", ["contradictory"])
    assert decision.errors[0].path == "action.properties.notes"
