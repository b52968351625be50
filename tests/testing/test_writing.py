"""Requests as tests to copy: what is written, read again, is the request."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.testing.writing import TestWriter
from tests.testing.programs import SHOP, policies_of, requests, shop

ALICE = {
    "type": "user",
    "id": "alice",
    "properties": {"tenant": "acme"},
    "roles": ["Support"],
    "parents": [{"type": "Team", "id": "crew", "parents": [{"type": "Team", "id": "staff"}]}],
}
PARCEL = {
    "tenant-id": "acme",
    "total": "80.00",
    "status": "shipped",
    "seen": [],
    "parcel": {"kg": 3, "to": ["c@example.com"]},
}


def request(subject: dict[str, Any], resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a request to read."""
    order = {"type": "order", "id": "o-9", "properties": PARCEL}
    return {"subject": subject, "action": {"name": "read"}, "resource": resource or order} | more


@pytest.mark.parametrize(
    "asked",
    [
        request(ALICE),
        request(ALICE | {"id": 'o\\"hara\n\u202e'}),
        request(ALICE | {"roles": ["lead"]}),
        request(ALICE | {"properties": {"tenant": "globex"}}),
        request({"type": "user", "id": "alice", "properties": {"tenant": "acme"}}),
        request({"type": "user", "id": "alice"}),
        request(ALICE | {"properties": {"tenant": "acme", "boss": ALICE}}),
        request(ALICE | {"properties": {"tenant": "acme", "boss": {"type": "user", "id": "alice"}}}),
        request(ALICE | {"properties": {"tenant": "acme", "boss": ALICE | {"roles": ["lead"], "id": "zoe"}}}),
        request(ALICE | {"on_behalf_of": {"type": "Bot", "id": "b-1", "properties": {"tenant": "x"}}}),
        request(ALICE | {"parents": [{"type": "Team", "id": "new", "parents": [{"type": "Team", "id": "staff"}]}]}),
        request(ALICE, context={"now": "2026-11-22T00:00:00.5Z", "addr": "::1"}),
        request(
            ALICE, {"type": "order", "id": "o-1", "properties": PARCEL, "parents": [{"type": "Folder", "id": "f"}]}
        ),
        request(ALICE)
        | {"action": {"name": "orders:refund", "properties": {"amount": "-1.50", "the-note": 'line\nand "quote"'}}},
    ],
    ids=lambda asked: None,
)
def test_what_is_written_is_read_as_the_same_request(asked: dict[str, Any]) -> None:
    text = TestWriter(policies_of(SHOP).program).test('a `title` with "quotes"', asked, "deny")
    (again,) = requests(shop(text))
    assert without_emptiness(again) == without_emptiness(asked)


def without_emptiness(value: Any) -> Any:
    """Leave out empty properties: a fixture that is mentioned is known, even if nothing is said of it."""
    if isinstance(value, dict):
        return {k: without_emptiness(v) for k, v in value.items() if not (k == "properties" and v == {})}
    return [without_emptiness(item) for item in value] if isinstance(value, list) else value


def test_what_a_fixture_says_is_not_written_again() -> None:
    program = policies_of(SHOP).program
    (whole,) = requests(shop('test "t" { given bot on behalf of alice  expect allow read on parcel }'))
    assert TestWriter(program).test("t", whole, "allow", ["reads"]) == (
        'test "t" {\n  given    bot on behalf of alice\n  expect   allow read on parcel because reads\n}\n'
    )
    whole["resource"]["properties"]["tenant-id"] = "globex"
    assert '  expect   deny read on parcel { tenant: "globex" }\n' in TestWriter(program).test("t", whole, "deny")
