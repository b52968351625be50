"""The MCP server of the desk: what a client is shown, what it may call, and that the list and the calls agree.

The README's commands and Python are run by tests/docs/test_documents.py.
"""

import asyncio
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from mcp import Client

import kynara_lang as kynara

ROOT = Path(__file__).parents[2]
STORY = ROOT / "examples" / "mcp_server"
DESK = runpy.run_path(str(STORY / "server.py"))
LARA = {"type": "User", "id": "lara", "roles": ["lead"]}
DAVE = {"type": "User", "id": "dave"}

CALLS: list[tuple[str, dict[str, Any], bool]] = [
    ("read_file", {"path": "/workspace/hello.txt"}, True),
    ("read_file", {"path": "/workspace//./records/a"}, True),
    ("read_file", {"path": "/workspace/../etc/passwd"}, False),
    ("read_file", {"path": "/workspace-evil/a"}, False),
    ("write_file", {"path": "/workspace/drafts/a.md", "text": "Hello"}, True),
    ("write_file", {"path": "/workspace/a.md", "text": "Hello"}, False),
    ("write_file", {"path": "/workspace/drafts/../records/a", "text": ""}, False),
    ("send_mail", {"to": ["lara@ACME.example"], "subject": "a", "body": "b"}, True),
    ("send_mail", {"to": ["lara@acme.example", "eve@evil.example"], "subject": "a", "body": "b"}, False),
    ("send_mail", {"to": ["lara@acme.example.evil.example"], "subject": "a", "body": "b"}, False),
    ("send_mail", {"to": [], "subject": "a", "body": "b"}, False),
    ("refund", {"order": "o-7", "amount": "20.00", "reason": "late"}, True),
    ("refund", {"order": "o-7", "amount": "20.0001", "reason": "late"}, False),
    ("refund", {"order": "o-7", "amount": "100.01", "reason": "late"}, False),
    ("refund", {"order": "o-7", "amount": "-1", "reason": "late"}, False),
    ("refund", {"order": "o-7", "amount": "1.00", "reason": "because"}, False),
    ("refund", {"order": "o-8", "amount": "1.00", "reason": "late"}, False),
    ("refund", {"order": "o-7", "amount": "1.00"}, False),
    ("refund", {"order": "o-7", "amount": "1.00", "reason": "late", "approved": True}, False),
    ("erase_order", {"order": "o-7"}, False),
    ("no_such_tool", {}, False),
]


class Desk:
    """A desk with a client, and what its tools did."""

    def __init__(self, subject: dict[str, Any], mode: str = "auto") -> None:
        self.files = {"/workspace/hello.txt": "hello"}
        self.sent: list[str] = []
        self.server = DESK["desk_server"](subject, self.files, self.sent)
        self.mode = mode

    def run(self, ask: Callable[[Client], Any]) -> Any:
        async def asked() -> Any:
            async with Client(self.server, mode=self.mode) as client:
                return await ask(client)

        return asyncio.run(asked())

    def tools(self) -> dict[str, Any]:
        return {tool.name: tool for tool in self.run(lambda client: client.list_tools()).tools}

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        return self.run(lambda client: client.call_tool(name, arguments))


def test_the_policy_has_nothing_to_complain_of_and_its_invariant_is_proved() -> None:
    report = kynara.check(STORY / "policies", prove=True)
    assert report.diagnostics == ()
    assert report.proved == 1


def test_its_tests_pass_and_reach_every_rule_and_clause() -> None:
    command = [sys.executable, "-m", "kynara_lang.cli.main", "test", "examples/mcp_server/policies"]
    done = subprocess.run(
        [*command, "--coverage", "--min-coverage", "100"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_sees_what_its_subject_could_be_allowed(mode: str) -> None:
    four = {"read_file", "write_file", "send_mail", "refund"}
    assert Desk(DESK["BOT"], mode).tools().keys() == four
    assert Desk(DESK["ALICE"], mode).tools().keys() == four
    assert Desk(LARA, mode).tools().keys() == {*four, "erase_order"}
    assert Desk({**DESK["BOT"], "on_behalf_of": LARA}, mode).tools().keys() == four
    assert Desk({**DESK["BOT"], "on_behalf_of": DAVE}, mode).tools() == {}
    assert Desk({"type": "Agent", "id": "desk-bot"}, mode).tools() == {}


@pytest.mark.parametrize(("name", "arguments", "allowed"), CALLS)
def test_each_call_is_decided_and_none_that_is_refused_does_anything(
    name: str, arguments: dict[str, Any], allowed: bool
) -> None:
    desk = Desk(DESK["BOT"])
    before = dict(desk.files)
    result = desk.call(name, arguments)
    assert result.is_error is not allowed, result
    if not allowed:
        assert (desk.files, desk.sent) == (before, [])


@pytest.mark.parametrize(("name", "arguments", "allowed"), CALLS)
def test_what_is_allowed_fits_the_schema_that_was_listed(name: str, arguments: dict[str, Any], allowed: bool) -> None:
    listed = Desk(DESK["BOT"]).tools()
    if allowed:
        jsonschema.validate(arguments, listed[name].input_schema, jsonschema.Draft202012Validator)


def test_the_schema_rules_out_what_its_text_shows_to_be_denied() -> None:
    listed = Desk(DESK["BOT"]).tools()

    def fits(name: str, **arguments: Any) -> bool:
        return jsonschema.Draft202012Validator(listed[name].input_schema).is_valid(arguments)

    assert not fits("read_file", path="/etc/passwd")
    assert not fits("read_file", path="/workspace-evil/a")
    assert not fits("write_file", path="/workspace/a.md", text="")
    assert not fits("send_mail", to=["eve@evil.example"], subject="", body="")
    assert not fits("send_mail", to=["a@acme.example.evil.example"], subject="", body="")
    assert not fits("send_mail", to=[], subject="", body="")
    assert not fits("refund", order="o-7", amount="100.01", reason="late")
    assert not fits("refund", order="o-7", amount="0.00", reason="late")
    assert not fits("refund", order="o-7", amount="1.00", reason="because")


def test_a_refusal_says_nothing_of_the_policy() -> None:
    desk = Desk(DESK["BOT"])
    for name, arguments, allowed in CALLS:
        if not allowed:
            said = desk.call(name, arguments).content[0].text
            assert not any(word in said for word in ("assistants", "people_", "100.00", "acme", "drafts", "lead")), said
