"""From `test` blocks to requests: outside names, what is carried along, and what replaces what."""

from __future__ import annotations

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.testing import cases
from tests.testing.programs import SHOP, policies_of, requests, run, shop

ALICE = {
    "type": "user",
    "id": "alice",
    "properties": {"tenant": "acme"},
    "roles": ["Support"],
    "parents": [{"type": "Team", "id": "crew", "parents": [{"type": "Team", "id": "staff"}]}],
}
BOB = {"type": "user", "id": "bob", "properties": {"tenant": "acme", "boss": ALICE}}


def test_a_request_is_written_in_outside_names_and_carries_what_is_known() -> None:
    (request,) = requests(
        shop(
            """
test "t" {
  given    bot on behalf of alice
  given    context { now: 2026-11-22T10:00:00+01:00, ip: "10.1.2.3" }
  expect   allow refund(amount: 10.00, note: "a \\"b\\"") on parcel
}
"""
        )
    )
    assert request == {
        "subject": {
            "type": "Bot",
            "id": "b-1",
            "properties": {"tenant": "acme", "owner": BOB},
            "on_behalf_of": ALICE,
        },
        "action": {"name": "orders:refund", "properties": {"amount": "10.00", "the-note": 'a "b"'}},
        "resource": {
            "type": "order",
            "id": "o-1",
            "properties": {
                "tenant-id": "acme",
                "total": "80.00",
                "status": "shipped",
                "seen": [ALICE, {"type": "user", "id": "carol"}],
                "parcel": {"kg": 3, "sent": "2026-11-22T00:00:00Z", "to": ["eve@example.com"]},
            },
        },
        "context": {"now": "2026-11-22T09:00:00Z", "addr": "10.1.2.3"},
    }


def test_what_is_written_at_the_use_replaces_what_the_fixture_says() -> None:
    first, second = requests(
        shop(
            """
test "t" {
  given    alice with role lead in staff { boss: bob }
  expect   allow read on parcel { tenant: "globex" }
  given    User::"dan" with role support, lead
  expect   deny  read on Order::"o-2" in Folder::"f"
}
"""
        )
    )
    assert first["subject"] == {
        "type": "user",
        "id": "alice",
        "properties": {"tenant": "acme", "boss": BOB},
        "roles": ["lead"],
        "parents": [{"type": "Team", "id": "staff"}],
    }
    assert first["resource"]["properties"]["tenant-id"] == "globex"
    assert first["resource"]["properties"]["total"] == "80.00"
    assert second["subject"] == {"type": "user", "id": "dan", "roles": ["Support", "lead"]}
    assert second["resource"] == {"type": "order", "id": "o-2", "parents": [{"type": "Folder", "id": "f"}]}


def test_a_given_counts_for_what_follows_and_contexts_add_up() -> None:
    one, two, three = requests(
        shop(
            """
test "t" {
  given    alice
  expect   allow read on parcel
  given    context { ip: "10.0.0.1", now: 2026-11-22 }
  given    context { ip: "10.0.0.2" }
  expect   allow read on parcel
  given    bob
  expect   allow read on parcel
}
test "another" {
  given    alice
}
"""
        )
    )
    assert "context" not in one
    assert two["context"] == {"addr": "10.0.0.2", "now": "2026-11-22T00:00:00Z"}
    assert three["context"] == two["context"]
    assert [r["subject"]["id"] for r in (one, two, three)] == ["alice", "alice", "bob"]


def test_a_chain_has_the_actor_first() -> None:
    (request,) = requests(
        shop('test "t" { given bot on behalf of alice on behalf of bob  expect deny read on parcel }')
    )
    subject = request["subject"]
    assert [subject["id"], subject["on_behalf_of"]["id"]] == ["b-1", "alice"]
    assert subject["on_behalf_of"]["on_behalf_of"] == BOB


def test_a_fixture_that_mentions_itself_ends_in_its_name() -> None:
    (request,) = requests(
        policies_of(
            """
subject User { friend: User }
resource Door
action open on Door
permit friends { subject User action open resource Door scope subject.friend.friend == subject }
fixture a = User::"a" { friend: b }
fixture b = User::"b" { friend: a }
test "t" { given a  expect allow open on Door::"d" }
"""
        )
    )
    b = request["subject"]["properties"]["friend"]
    assert b == {"type": "User", "id": "b", "properties": {"friend": {"type": "User", "id": "a"}}}


def test_a_fixture_without_attributes_is_known_where_it_is_mentioned() -> None:
    """Its roles can be asked; those of an entity that is only named cannot."""
    text = """
role lead
subject User
subject Bot { owner: User }
resource Door
action open on Door
permit owned { subject Bot action open resource Door scope subject.owner holds lead }
forbid nobody { subject Bot action open resource Door unless subject.owner holds lead }
fixture u = User::"u"
test "known"   { given Bot::"b" { owner: u }          expect deny open on Door::"d" because nobody }
test "unknown" { given Bot::"b" { owner: User::"v" }  expect deny open on Door::"d" because nobody }
"""
    known, unknown = run(policies_of(text))
    assert known.outcomes[0].decision.errors == ()
    assert {error.code for error in unknown.outcomes[0].decision.errors} == {"unknown-entity"}


def test_fixtures_that_mention_each_other_without_bounds_fail_their_test() -> None:
    fixtures = "".join(
        f'fixture u{n} = User::"{n}"{f" {{ a: u{n - 1}, b: u{n - 1} }}" if n else ""}\n' for n in range(40)
    )
    text = f"""
subject User {{ a: User?, b: User? }}
resource Door
action open on Door
permit all {{ subject User action open resource Door scope any "x" }}
{fixtures}
test "t" {{ given u39  expect allow open on Door::"d" }}
"""
    (result,) = run(policies_of(text))
    assert not result.passed
    assert result.test.problem is not None
    assert f"{cases.MOST_CARRIED:,}" in result.test.problem


@pytest.mark.parametrize(
    ("value", "code"), [("79.00 + 1.00", "KYN208"), ("parcel.total", "KYN208"), ("cap", "KYN101")], ids=str
)
def test_a_value_that_would_have_to_be_worked_out_is_refused_by_the_checker(value: str, code: str) -> None:
    text = f'let cap = 1.00\nfixture other = Order::"o-2" {{ total: {value} }}\n'
    checked = check_sources([Source("a.kyn", SHOP), Source("b.kyn", text)])
    assert [d.code for d in checked.diagnostics] == [code]


def test_it_is_refused_inside_sets_and_records_too() -> None:
    text = """
fixture other = Order::"o-2" { parcel: { weight: 1 + 2, to: {} } }
test "t" { given alice  given context { now: 2026-11-22 + 4h }  expect allow refund(amount: parcel.total) on other }
"""
    checked = check_sources([Source("a.kyn", SHOP), Source("b.kyn", text)])
    assert [(d.code, d.span.text) for d in checked.diagnostics] == [
        ("KYN208", "1 + 2"),
        ("KYN208", "2026-11-22 + 4h"),
        ("KYN208", "parcel.total"),
    ]


def test_negative_numbers_are_written_out() -> None:
    (request,) = requests(shop('test "t" { given alice  expect deny refund(amount: -1.50) on parcel }'))
    assert request["action"]["properties"] == {"amount": "-1.50"}
