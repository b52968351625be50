"""Chains with repeated principals: somebody acts for themselves, or through others for themselves.

The confused deputy (Hardy, 1988) is asked by the one who may not to do what it may. A chain in which somebody stands twice
hides who asks: two agents that pass a call to and fro gain depth, or lose it, or become their own approver. RFC 8693 nests
actors without saying what a repetition means. Here it makes the request invalid, and no chain gives more than any of its
members has.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.hostile.asking import NOW, codes, door

TEXT = """\
subject User { level: Int }
subject Bot { level: Int }
resource Doc
action read on Doc
permit p { subject any action read resource Doc scope any "t" }
forbid far { subject any action read resource Doc when delegation.depth > 15 }
require approval a { subject Bot action read resource Doc from any }
"""
RANK = {"deny": 0, "require_approval": 1, "allow": 2}


def chain(*names: str, **more: Any) -> dict[str, Any]:
    """Return a request of `Type:id` principals, the one that acts first."""
    subject: dict[str, Any] | None = None
    for name in reversed(names):
        kind, identity = name.split(":", 1)
        one: dict[str, Any] = {"type": kind, "id": identity, "properties": {"level": 1}}
        subject = one if subject is None else {**one, "on_behalf_of": subject}
    assert subject is not None
    return {"subject": {**subject, **more}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}, "context": {"now": NOW}}


@pytest.mark.parametrize(
    "names",
    [
        ("User:a", "User:a"),
        ("Bot:a", "User:a", "Bot:a"),
        ("Bot:a", "Bot:b", "User:u", "Bot:b"),
        ("User:a", "Bot:b", "Bot:c", "Bot:d", "User:a"),
        tuple(itertools.islice(itertools.cycle(("Bot:a", "Bot:b")), 16)),
    ],
)
def test_nobody_stands_in_a_chain_twice(names: tuple[str, ...]) -> None:
    decision = door(TEXT).ask(chain(*names))
    assert decision.effect.value == "deny"
    assert set(codes(decision)) == {"repeated-principal"}


def test_one_who_differs_in_properties_only_is_still_the_same() -> None:
    """What a principal says of itself does not make it another."""
    hostile = chain("Bot:a", "Bot:a")
    hostile["subject"]["on_behalf_of"]["properties"]["level"] = 9
    assert codes(door(TEXT).ask(hostile)) == ["repeated-principal"]
    hostile["subject"]["on_behalf_of"]["roles"] = []
    assert codes(door(TEXT).ask(hostile)) == ["repeated-principal"]


def test_two_of_one_name_and_two_types_are_two() -> None:
    assert door(TEXT).effect(chain("User:a", "Bot:a")) == "require_approval"
    assert door(TEXT).effect(chain("User:a", "User:A")) == "allow"


def test_two_spellings_of_one_type_are_one_type() -> None:
    text = TEXT.replace("subject Bot {", 'subject Bot as "bot" {')
    assert codes(door(text).ask(chain("bot:a", "bot:a"))) == ["repeated-principal"]
    assert codes(door(text).ask(chain("bot:a", "Bot:a"))) == ["unknown-type"]


@pytest.mark.parametrize("length", [1, 15, 16, 17, 18, 200])
def test_a_chain_has_sixteen_principals_at_most(length: int) -> None:
    decision = door(TEXT.replace("> 15", "> 99")).ask(chain(*(f"User:u{i}" for i in range(length))))
    assert decision.effect.value == ("allow" if length <= 16 else "deny")
    assert codes(decision) == ([] if length <= 16 else ["chain-too-long"])


@pytest.mark.parametrize("name", ["onBehalfOf", "on_behalf", "on_behalf_off", "On_Behalf_Of", "onbehalfof", "act", "delegator"])
def test_a_misspelt_chain_is_refused_or_ignored_as_a_whole(name: str) -> None:
    """What looks like a delegation and is none would take the person, and every limit they have, out of the decision."""
    forbids = TEXT + 'forbid f { subject User::"u" action read resource Doc }\n'
    hostile = chain("User:a")
    hostile["subject"][name] = {"type": "User", "id": "u", "properties": {"level": 1}}
    assert door(forbids).effect(chain("User:a", "User:u")) == "deny"
    assert door(forbids).effect(hostile) == ("allow" if name in ("act", "delegator") else "deny")


CHAINS = [names for n in (1, 2, 3) for names in itertools.permutations(("User:a", "User:low", "Bot:b"), n)]


@pytest.mark.parametrize("names", CHAINS, ids="-".join)
def test_no_chain_gives_more_than_any_of_its_members_has(names: tuple[str, ...]) -> None:
    text = TEXT.replace('scope any "t"', "scope subject.level > 0") + """
forbid g { subject any action read resource Doc when actor is Bot and subject is User and subject.level < 1 }
forbid h { subject any action read resource Doc when delegation.depth == 1 and actor == subject and subject.level < 1 }
"""

    def asked(*some: str) -> str:
        request = chain(*some)
        link: Any = request["subject"]
        while link:
            link["properties"]["level"] = 0 if link["id"] == "low" else 1
            link = link.get("on_behalf_of")
        return door(text).effect(request)

    whole = asked(*names)
    for at in range(len(names)):
        assert RANK[whole] <= RANK[asked(*names[at:])]


def test_nobody_of_a_chain_approves_what_the_chain_asks_for() -> None:
    asked = door(TEXT)
    request = chain("Bot:b", "User:u")
    evidence = {"rule": "policy.a", "digest": asked.policies.approval_digest(request), "expires": "2026-11-22T11:00:00Z"}
    for name, expected in (("Bot:b", "require_approval"), ("User:u", "require_approval"), ("User:other", "allow"), ("Bot:u", "allow")):
        kind, identity = name.split(":")
        given = [{**evidence, "approvers": [{"type": kind, "id": identity}]}]
        assert asked.effect(request, given) == expected, name
