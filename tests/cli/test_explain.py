"""`kynara explain`: the request from a file or typed by hand, and what is shown."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from kynara_lang import loads as load_policy
from kynara_lang.cli.typed_request import Typed, request_of
from tests.cli.project import Run

REQUEST: dict[str, Any] = {
    "subject": {"type": "user", "id": "alice", "properties": {"tenant": "acme"}, "roles": ["support"]},
    "action": {"name": "orders:refund", "properties": {"amount": "10.00"}},
    "resource": {"type": "Order", "id": "o-1", "properties": {"tenant": "acme", "total": "80.00"}},
    "context": {"now": "2026-11-22T10:00:00Z"},
}
BY_HAND = (
    *("--subject", "user::alice", "--subject-attr", "tenant=acme", "--role", "support"),
    *("--action", "orders:refund", "--arg", "amount=10.00"),
    *("--resource", "Order::o-1", "--resource-attr", "tenant=acme", "--resource-attr", "total=80.00"),
    *("--context", "now=2026-11-22T10:00:00Z"),
)


def explained(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_request_from_a_file(kynara: Run, project: Path) -> None:
    (project / "request.json").write_text(json.dumps(REQUEST, indent=2))
    found = explained(kynara("explain", "policies", "--request", "request.json", "--format", "json"))
    assert found["decision"] == "allow"
    assert found["rules"] == ["shop.refund_orders"]
    assert found["links"][0]["considered"]
    assert {"near_misses", "counterfactual", "ignored_attributes"} <= set(found)


def test_a_request_from_standard_input_as_text(kynara: Run) -> None:
    result = kynara("explain", "policies", "--request", "-", input=json.dumps(REQUEST))
    assert result.exit_code == 0
    assert result.stdout.startswith("allowed: ")
    assert "shop.refund_orders" in result.stdout
    assert "\x1b" not in result.stdout
    coloured = kynara("explain", "policies", "--request", "-", "--color", "always", input=json.dumps(REQUEST))
    assert "\x1b[" in coloured.stdout


def test_a_request_typed_by_hand(kynara: Run) -> None:
    found = explained(kynara("explain", "policies", *BY_HAND, "--format", "json"))
    assert found["decision"] == "allow"


def test_a_line_of_a_log(kynara: Run, project: Path) -> None:
    (project / "log.jsonl").write_text("not json\n\n" + json.dumps(REQUEST) + "\n")
    arguments = ("explain", "policies", "--request", "log.jsonl", "--format", "json", "--request-line")
    assert explained(kynara(*arguments, "3"))["decision"] == "allow"
    piped = ("explain", "policies", "--request", "-", "--format", "json", "--request-line", "1")
    assert explained(kynara(*piped, input=json.dumps(REQUEST)))["decision"] == "allow"
    for line, message in [
        ("1", "error: log.jsonl: line 1, column 1: a value is expected here\n"),
        ("2", "error: log.jsonl: line 2: the document is empty\n"),
        ("9", "error: log.jsonl: there is no line 9; the last one is 3\n"),
    ]:
        result = kynara(*arguments, line)
        assert (result.exit_code, result.stderr) == (2, message)
    assert kynara(*arguments, "0").exit_code == 2


def test_a_log_without_a_line_says_how_to_name_one(kynara: Run, project: Path) -> None:
    (project / "log.jsonl").write_text((json.dumps(REQUEST) + "\n") * 3)
    result = kynara("explain", "policies", "--request", "log.jsonl")
    assert result.exit_code == 2
    assert "--request-line N" in result.stderr


def test_a_denied_or_malformed_request_is_explained_all_the_same(kynara: Run) -> None:
    for request in (3, {}, {**REQUEST, "action": {"name": "nonsense"}}):
        result = kynara("explain", "policies", "--request", "-", "--format", "json", input=json.dumps(request))
        found = explained(result)
        assert found["decision"] == "deny"
        assert found["errors"]
        assert kynara("explain", "policies", "--request", "-", input=json.dumps(request)).exit_code == 0


def test_a_batch_is_explained_one_by_one(kynara: Run) -> None:
    batch = json.dumps({**REQUEST, "evaluations": [{}, {"action": {"name": "read"}}]})
    found = explained(kynara("explain", "policies", "--request", "-", "--format", "json", input=batch))
    assert [one["decision"] for one in found["evaluations"]] == ["allow", "allow"]
    assert kynara("explain", "policies", "--request", "-", input=batch).stdout.count("allowed: ") == 2
    result = kynara("explain", "policies", "--request", "-", input='{"evaluations": 3}')
    assert result.exit_code == 2
    assert "evaluations" in result.stderr


def test_another_time(kynara: Run, project: Path) -> None:
    (project / "request.json").write_text(json.dumps(REQUEST))
    late = ("--now", "2026-12-24T10:00:00Z", "--format", "json")
    assert (
        explained(kynara("explain", "policies", "--request", "request.json", *late))["decision"] == "require_approval"
    )
    assert explained(kynara("explain", "policies", *BY_HAND, *late))["decision"] == "require_approval"
    wrong = kynara("explain", "policies", *BY_HAND, "--now", "yesterday", "--format", "json")
    assert explained(wrong)["errors"][0]["path"] == "context.now"


def test_approvals_are_handed_over(kynara: Run, project: Path) -> None:
    late = ("--now", "2026-12-24T10:00:00Z", "--format", "json")
    for content in ("[3]", '{"approvals": [3]}'):
        (project / "approvals.json").write_text(content)
        found = explained(kynara("explain", "policies", *BY_HAND, *late, "--approvals", "approvals.json"))
        assert found["decision"] == "require_approval"
        assert found["errors"][0]["path"] == "approvals[0]"
    for content, message in [("3", "approvals are a list"), ("{", "line 1, column 2")]:
        (project / "approvals.json").write_text(content)
        result = kynara("explain", "policies", *BY_HAND, "--approvals", "approvals.json")
        assert result.exit_code == 2
        assert message in result.stderr


def test_entities_are_looked_up(kynara: Run, project: Path) -> None:
    (project / "entities.json").write_text(json.dumps([REQUEST["subject"], REQUEST["resource"]]))
    request = ("--subject", "Bot::b", "--subject-attr", "tenant=acme", "--on-behalf-of", "user::alice")
    more = ("--action", "read", "--resource", "Order::o-1", "--entities", "entities.json", "--format", "json")
    found = explained(kynara("explain", "policies", *request, *more))
    assert found["decision"] == "allow"
    assert [link["subject"] for link in found["links"]] == ['Bot::"b"', 'User::"alice"']


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say which request: --request FILE, or --subject, --action and --resource."),
        (["r.json"], "'r.json' is no policy. For requests that are in it, write: kynara explain policies --request r.json"),
        (["--subject", "user::a"], "--action and --resource is missing"),
        (["--subject", "user::a", "--action", "read"], "; --resource is missing"),
        (["--now", "2026-01-01"], "Say which request"),
        (["--request", "r.json", "--action", "read"], "either with --request or by hand"),
        (["--request-line", "3", "--action", "read"], "--request-line needs --request"),
        (["--subject", "alice", "--action", "read", "--resource", "Order::1"], "'alice' is not TYPE::ID"),
        (["--subject", "::alice", "--action", "read", "--resource", "Order::1"], "'::alice' is not TYPE::ID"),
        (["--subject", "user::", "--action", "read", "--resource", "Order::1"], "'user::' is not TYPE::ID"),
        ([*BY_HAND, "--on-behalf-of", "bob"], "--on-behalf-of"),
        ([*BY_HAND, "--arg", "amount"], "'amount' is not NAME=VALUE"),
        ([*BY_HAND, "--arg", "amount=3"], "'amount' is given twice"),
        ([*BY_HAND, "--arg", "=3"], "'=3' is not NAME=VALUE"),
        ([*BY_HAND, "--audience", "nobody"], "--audience"),
        ([*BY_HAND, "--format", "xml"], "--format"),
    ],
)
def test_options_that_do_not_go_together(kynara: Run, arguments: list[str], message: str) -> None:
    result = kynara("explain", "policies", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff", b"[" * 1000, b'{"a":1,"a":2}'])
def test_a_request_that_cannot_be_read_is_an_error(kynara: Run, project: Path, content: bytes | None) -> None:
    if content is not None:
        (project / "request.json").write_bytes(content)
    result = kynara("explain", "policies", "--request", "request.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert "request.json" in result.stderr


def test_a_policy_with_errors_explains_nothing(kynara: Run) -> None:
    result = kynara("explain", "broken", *BY_HAND)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Found 2 errors" in result.stderr


# Typing

NAMES = """\
subject User as "app::user" { tenant as "tenant-id": String }
subject App as "app"
subject Late
resource Doc
action read as "mcp/docs:read" on Doc (max_rows as "maxRows": Int, tags: Set<String>?)
context { now as "time": Time }
role admin as "Administrators"
permit p { subject any action any resource any scope any "test" }
"""


def typed(**options: Any) -> dict[str, Any]:
    named = {"subject": "Late::x", "action": "read", "resource": "Doc::d", **options}
    return request_of(Typed(**named), load_policy(NAMES).program)


@pytest.mark.parametrize(
    ("text", "type", "identity"),
    [
        ("app::user::alice", "app::user", "alice"),
        ("User::alice", "app::user", "alice"),
        ("App::alice", "app", "alice"),
        ("app::bob", "app", "bob"),
        ("Late::a::b", "Late", "a::b"),
        ("Unknown::a::b", "Unknown", "a::b"),
        ('Late::"a b"', "Late", "a b"),
        ('Late::"a\\"b"', "Late", 'a"b'),
        ('Late::"', "Late", '"'),
        ("Late::7", "Late", "7"),
    ],
)
def test_entities_are_typed_as_requests_or_policies_spell_them(text: str, type: str, identity: str) -> None:
    assert typed(subject=text)["subject"] == {"type": type, "id": identity}


def test_whom_the_subject_acts_for_is_described_beside_it() -> None:
    request = typed(
        on_behalf_of=["User::alice", "User::bob"], delegator_attributes=["tenant=acme"], delegator_roles=["admin"]
    )
    alice = request["subject"]["on_behalf_of"]
    assert (alice["id"], alice["properties"], alice["roles"]) == ("alice", {"tenant-id": "acme"}, ["Administrators"])
    assert alice["on_behalf_of"] == {"type": "app::user", "id": "bob"}
    with pytest.raises(click.UsageError, match="are about whom --on-behalf-of names"):
        typed(delegator_roles=["admin"])


def test_an_entity_can_be_typed_as_an_attribute() -> None:
    text = "subject User { boss: User?, nick: String? }\nresource Doc\naction read on Doc (by: User?)"
    program = load_policy(text).program
    found = request_of(
        Typed("User::a", "read", "Doc::d", arguments=["by=User::c"], subject_attributes=["boss=User::b", "nick=a::b"]),
        program,
    )
    assert found["subject"]["properties"] == {"boss": {"type": "User", "id": "b"}, "nick": "a::b"}
    assert found["action"]["properties"] == {"by": {"type": "User", "id": "c"}}


def test_names_of_the_policy_become_those_of_requests() -> None:
    request = typed(
        subject="User::alice",
        subject_attributes=["tenant=acme"],
        roles=["admin", "Administrators", "other"],
        arguments=["max_rows=3"],
        context=["now=2026-01-01T00:00:00Z", "other=1"],
    )
    assert request["subject"]["properties"] == {"tenant-id": "acme"}
    assert request["subject"]["roles"] == ["Administrators", "Administrators", "other"]
    assert request["action"] == {"name": "mcp/docs:read", "properties": {"maxRows": 3}}
    assert request["context"] == {"time": "2026-01-01T00:00:00Z", "other": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10.00", "10.00"),
        ("3", 3),
        ("true", True),
        ("acme", "acme"),
        ('"3"', "3"),
        ('["a", 1]', ["a", 1]),
        ('{"a": 1}', {"a": 1}),
        ("{a: 1}", "{a: 1}"),
        ("NaN", "NaN"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_values_are_json_where_they_can_be(text: str, value: object) -> None:
    found = typed(arguments=[f"x={text}"])["action"]["properties"]["x"]
    assert (str(found) if text == "10.00" else found) == value


def test_the_chain_is_typed_in_order() -> None:
    subject = typed(on_behalf_of=["User::a", "Late::b"])["subject"]
    assert subject["on_behalf_of"] == {"type": "app::user", "id": "a", "on_behalf_of": {"type": "Late", "id": "b"}}
