"""The bodies of records: everything that decided is in them, and can be decided again; what is redacted is not."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kynara_lang as kynara
from kynara_lang.audit import Log, LogError, Redaction, read_log
from kynara_lang.audit.encoding import canonical
from kynara_lang.audit.records import (
    approval_body,
    decision_body,
    entities_digest,
    hidden_arguments,
    outcome_body,
    policy_body,
    stored_approvals,
    stored_request,
)
from kynara_lang.audit.stored import Unreadable, restored, stored

STORY = Path(__file__).resolve().parent.parent.parent / "examples" / "support_refunds"
SECRET = b"0123456789abcdef"


@pytest.fixture(scope="module")
def policies() -> kynara.PolicySet:
    return kynara.load(STORY / "policies")


def request(name: str = "allow-small-refund") -> dict[str, Any]:
    files = {path.stem: path for path in (STORY / "requests").glob("*.json")}
    found: dict[str, Any] = json.loads(files.get(name, sorted(files.values())[0]).read_text(encoding="utf-8"))
    return found


def requests() -> list[Path]:
    return sorted((STORY / "requests").glob("*.json"))


def test_everything_that_was_decided_upon_is_in_the_record(policies: kynara.PolicySet) -> None:
    asked = json.loads((STORY / "requests" / "deny-outside-office.json").read_text(encoding="utf-8"))
    decision = policies.decide(asked)
    body = decision_body(policies, asked, decision, phase="enforce", session="s", trace_id="t", degraded="why")
    assert body["request"] == asked
    assert (body["subject"], body["action"], body["resource"]) == ('Agent::"refund-bot"', "refund", 'Order::"o-1"')
    assert body["chain"] == ['Agent::"refund-bot"', 'User::"alice"']
    assert (body["phase"], body["session"], body["trace_id"], body["degraded"]) == ("enforce", "s", "t", "why")
    assert (body["decision"], body["policy_digest"], body["engine"]) == ("deny", policies.digest, kynara.__version__)
    (rule,) = body["rules"]  # type: ignore[misc]
    assert rule["rule"] == "support.refunds.outside_office"  # type: ignore[call-overload,index]
    file, line = rule["file"], rule["line"]  # type: ignore[call-overload,index]
    text = Path(str(file)).read_text(encoding="utf-8").splitlines()[int(str(line)) - 1]
    assert "outside_office" in text
    assert canonical(body)


@pytest.mark.parametrize("path", requests(), ids=lambda path: path.stem)
def test_every_request_is_decided_again_as_it_was(path: Path, policies: kynara.PolicySet, tmp_path: Path) -> None:
    asked = json.loads(path.read_text(encoding="utf-8"))
    decision = policies.decide(asked)
    with Log.open(tmp_path / "log") as log:
        log.append("decision", decision_body(policies, asked, decision))
    body = list(read_log(tmp_path / "log"))[2].record["body"]
    again = policies.decide(stored_request(body), stored_approvals(body))
    assert again == decision


class Number(IntEnum):
    ONE = 1


class Odd(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return {"a": 1}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


VALUES: list[Any] = [
    Decimal("10.00"),
    Decimal("-0"),
    Decimal("1E+5"),
    Decimal("NaN"),
    2**53,
    -(2**63),
    2**200,
    -(2**90_000),
    1.5,
    float("inf"),
    datetime(2026, 11, 22, 10, 0, 0, 5, tzinfo=UTC),
    datetime(2026, 11, 22, 10),
    timedelta(days=-1, microseconds=7),
    ip_address("10.1.2.3"),
    ip_address("::1"),
    "lone \ud800 surrogate",
    {"$number": "1"},
    {"$": 1, "$$x": 2, "y": 3},
    {"$set": [1]},
    ("a", 1),
    Odd(),
    None,
    True,
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_value_comes_back_from_the_log_as_it_was(value: Any) -> None:
    again = restored(json.loads(canonical({"v": stored(value)}))["v"])
    expected = list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Odd) else value
    assert type(again) is type(expected)
    assert again == expected or repr(again) == repr(expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(["$set", "$$", "$number"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_value_comes_back(value: Any) -> None:
    again = restored(json.loads(canonical(stored(value))))
    assert spelled(again) == spelled(value)


def spelled(value: Any) -> object:
    """Return a value so that what differs in type or digits differs, and the order of keys does not count."""
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items()}
    return [spelled(item) for item in value] if isinstance(value, list) else repr(value)


def test_sets_come_back_as_lists_in_one_order() -> None:
    assert stored({"b", "a"}) == {"$set": ["a", "b"]}
    assert restored(stored({"b", "a"})) == ["a", "b"]


@pytest.mark.parametrize("value", [object(), b"bytes", Number.ONE, 1j, 2**200_000, lambda: 1], ids=range(6))
def test_what_is_no_json_is_told_and_no_policy_accepts_it(value: Any, policies: kynara.PolicySet) -> None:
    assert isinstance(restored(stored(value)), Unreadable)
    assert canonical(stored({"deep": [value]}))
    asked = request()
    asked["action"]["properties"]["amount"] = value
    decision = policies.decide(asked)
    assert not decision.allowed
    again = policies.decide(stored_request(decision_body(policies, asked, decision)))
    assert again.effect is decision.effect
    assert {e.code for e in again.errors} <= {"wrong-type", "invalid-value"}


def test_what_is_nested_without_end_is_told() -> None:
    endless: list[Any] = []
    endless.append(endless)
    looped: dict[str, Any] = {}
    looped["a"] = looped
    for value in (endless, looped):
        assert b"nesting" in canonical(stored(value))


@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        "x",
        {},
        {"subject": 1, "action": [], "resource": {}},
        {"subject": {"type": "\ud800", "id": 5}},
        {"action": {"name": {}}, "resource": {"type": "T", "id": "\udfff"}},
    ],
)
def test_requests_that_are_none_have_records_too(asked: Any, policies: kynara.PolicySet) -> None:
    decision = policies.decide(asked)
    body = decision_body(policies, asked, decision)
    assert canonical(body)
    assert (body["decision"], body["subject"], body["resource"]) == ("deny", None, None)
    assert policies.decide(stored_request(body)).effect is decision.effect


# --- redaction


def redacted(policies: kynara.PolicySet, redaction: Redaction, **more: Any) -> dict[str, Any]:
    asked = request()
    asked["action"]["properties"]["reason"] = "arrived broken"
    return dict(decision_body(policies, asked, policies.decide(asked), redaction=redaction, **more))


def test_hidden_arguments_are_commitments(policies: kynara.PolicySet) -> None:
    body = redacted(policies, Redaction(SECRET, {"refund": ["reason"]}))
    properties = body["request"]["action"]["properties"]
    assert properties["reason"].keys() == {"$hmac"}
    assert properties["amount"] == request()["action"]["properties"]["amount"]
    assert hidden_arguments(body) == ("reason",)
    assert b"broken" not in canonical(body)
    assert stored_request(body)["action"]["properties"]["reason"].__class__ is Unreadable


@pytest.mark.parametrize(
    ("arguments", "hidden"),
    [
        ({"*": ["reason"]}, {"reason"}),
        ({"refund": ["*"]}, {"reason", "amount"}),
        ({"*": "*"}, {"reason", "amount"}),
        ({"other": ["reason"]}, set()),
        ({"refund": "reason", "*": ["amount"]}, {"reason", "amount"}),
        ({}, set()),
    ],
)
def test_which_arguments_are_hidden(arguments: Any, hidden: set[str], policies: kynara.PolicySet) -> None:
    assert set(hidden_arguments(redacted(policies, Redaction(SECRET, arguments)))) == hidden


def test_a_commitment_depends_on_key_action_argument_and_value() -> None:
    redaction = Redaction(SECRET, {})
    other = Redaction(SECRET + b"x", {})
    found = [
        redaction.commitment("a", "b", "c"),
        other.commitment("a", "b", "c"),
        redaction.commitment("ab", "", "c"),
        redaction.commitment("a", "bc", ""),
        redaction.commitment("a", "b", "d"),
        redaction.commitment("a", "b", ["c"]),
        redaction.commitment("a", "b", 1),
        redaction.commitment("a", "b", "1"),
    ]
    assert len({f["$hmac"] for f in found}) == len(found)
    assert redaction.commitment("a", "b", "c") == found[0]


def test_an_action_that_is_unknown_hides_all_that_is_hidden_anywhere(policies: kynara.PolicySet) -> None:
    asked = {"action": {"name": 5, "properties": {"reason": "broken", "x": 1}}}
    body = decision_body(policies, asked, policies.decide(asked), redaction=Redaction(SECRET, {"refund": ["reason"]}))
    assert b"broken" not in canonical(body)


def test_errors_cannot_quote_what_is_hidden(policies: kynara.PolicySet) -> None:
    asked = request()
    asked["action"]["properties"]["amount"] = "4111-1111"
    decision = policies.decide(asked)
    assert "4111-1111" in str(decision.errors)
    body = decision_body(policies, asked, decision, redaction=Redaction(SECRET, {"refund": ["amount"]}))
    assert b"4111" not in canonical(body)
    assert [e["code"] for e in body["errors"]] == [e.code for e in decision.errors]  # type: ignore[union-attr,index,call-overload]


def test_digests_of_approvals_do_not_betray_what_is_hidden(policies: kynara.PolicySet) -> None:
    approval = {"rule": "r", "digest": "sha256:abc", "approvers": [], "expires": "2026-11-22T10:00:00Z"}
    body = redacted(policies, Redaction(SECRET, {"refund": ["reason"]}), approvals=[approval])
    assert body["evidence"][0]["digest"].startswith("hmac-sha256:")
    assert b"sha256:abc" not in canonical(body)
    assert redacted(policies, Redaction(SECRET, {}), approvals=[approval])["evidence"] == [approval]
    asked = {
        "id": "a1",
        "digest": "sha256:abc",
        "request": {"action": {"name": "refund", "properties": {"reason": "x"}}},
    }
    told = approval_body("requested", asked, redaction=Redaction(SECRET, {"refund": ["reason"]}))
    assert told["approval"]["digest"] == body["evidence"][0]["digest"]  # type: ignore[index,call-overload]
    assert told["approval"]["request"]["action"]["properties"]["reason"].keys() == {"$hmac"}  # type: ignore


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_key_that_could_be_guessed_is_refused(key: bytes) -> None:
    with pytest.raises(LogError, match="16 bytes"):
        Redaction(key, {})
    assert SECRET.decode() not in repr(Redaction(SECRET, {}))


# --- the other bodies


def test_the_steps_of_an_approval_tell_the_call_once() -> None:
    approval = {"id": "a1", "state": "pending", "digest": "sha256:x", "request": {"a": Decimal("1.0")}}
    assert approval_body("requested", approval) == {
        "step": "requested",
        "approval": {**approval, "request": {"a": {"$number": "1.0"}}},
        "by": None,
    }
    assert approval_body("approved", approval, by={"type": "User", "id": "lea"}) == {
        "step": "approved",
        "approval": {"id": "a1", "state": "pending"},
        "by": {"type": "User", "id": "lea"},
    }


def test_outcomes_and_policies() -> None:
    assert outcome_body(7, status="failed", error="boom \ud800", duration_us=12, session="s")["decision_seq"] == 7
    assert canonical(outcome_body(7, status="failed", error="boom \ud800", duration_us=12))
    assert policy_body(digest="sha256:a", before=None, problem="no") == {
        "digest": "sha256:a",
        "before": None,
        "problem": "no",
        "engine": kynara.__version__,
    }


# --- the entity store

WORLD = """
module m
role chief
subject  User { level: Int, boss: User?, team: Set<String> }
resource Folder in Folder
resource File in Folder { owner: User }
action read on File
permit any_read "All" { subject User  action read  resource File  scope resource.owner == subject }
"""
ENTITIES: list[dict[str, Any]] = [
    {"type": "User", "id": "a", "properties": {"level": 1, "team": ["x", "y"]}, "roles": ["chief"]},
    {"type": "Folder", "id": "f", "parents": []},
    {
        "type": "File",
        "id": "1",
        "properties": {"owner": {"type": "User", "id": "a"}},
        "parents": [{"type": "Folder", "id": "f"}],
    },
]


def digest_of(entities: list[dict[str, Any]] | None) -> str | None:
    program = kynara.loads(WORLD)
    return entities_digest(program if entities is None else program.bind(kynara.Entities.from_list(entities)))


def test_the_digest_of_a_store_changes_with_everything_it_tells_and_with_nothing_else() -> None:
    assert digest_of(None) is None
    base = digest_of(ENTITIES)
    assert base is not None
    assert digest_of(ENTITIES[::-1]) == base
    user, folder, file = ENTITIES
    turned = {**user, "properties": {"level": 1, "team": ["y", "x", "y"]}}
    assert digest_of([turned, folder, file]) == base
    others = [
        [{**user, "properties": {"level": 2, "team": ["x", "y"]}}, folder, file],
        [{**user, "properties": {"level": 1, "team": ["x"]}}, folder, file],
        [{**user, "roles": []}, folder, file],
        [{key: value for key, value in user.items() if key != "roles"}, folder, file],
        [user, folder, {**file, "parents": []}],
        [user, folder, {key: value for key, value in file.items() if key != "parents"}],
        [user, folder, {**file, "properties": {"owner": {"type": "User", "id": "b"}}}],
        [user, folder],
        [*ENTITIES, {"type": "Folder", "id": "g"}],
        [{**user, "properties": {"level": 1, "team": ["x", "y"], "boss": {"type": "User", "id": "z"}}}, folder, file],
        [
            {
                **user,
                "properties": {
                    "level": 1,
                    "team": ["x", "y"],
                    "boss": {"type": "User", "id": "z", "properties": {"level": 3, "team": []}},
                },
            },
            folder,
            file,
        ],
        [
            {
                **user,
                "properties": {
                    "level": 1,
                    "team": ["x", "y"],
                    "boss": {"type": "User", "id": "z", "properties": {"level": 4, "team": []}},
                },
            },
            folder,
            file,
        ],
    ]
    digests = [digest_of(entities) for entities in others]
    assert len({base, *digests}) == len(others) + 1
