"""`std.mcp`: tools by their hints, which count only for servers that are trusted."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, entity, program

STD = "std.mcp."
HARMLESS = {"readOnlyHint": True, "openWorldHint": False}
DEFAULTS = {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True}


def caller(may_write: bool = True, kind: str = "Agent") -> dict[str, Any]:
    return entity(kind, trusted_servers=["files"], may_write=may_write)


def tool(server: str = "files", **hints: bool) -> dict[str, Any]:
    return entity("Tool", server=server, **hints)


@pytest.mark.parametrize(
    ("hints", "waits"),
    [
        (HARMLESS, set()),
        ({"readOnlyHint": True}, {"open_world_tools"}),
        ({"readOnlyHint": True, "destructiveHint": True, "openWorldHint": False}, set()),  # it only counts for writers
        ({"destructiveHint": False, "openWorldHint": False}, set()),
        ({"openWorldHint": False}, {"destructive_tools"}),
        ({"destructiveHint": True, "openWorldHint": True}, {"destructive_tools", "open_world_tools"}),
    ],
)
def test_destructive_and_open_world_tools_wait(hints: dict[str, bool], waits: set[str]) -> None:
    effect, rules = ask(program("mcp"), caller(), "call", tool(**hints))
    assert rules == ({STD + rule for rule in waits} or {"agents_call"})
    assert effect == ("require_approval" if waits else "allow")


def test_an_absent_hint_means_what_the_protocol_says() -> None:
    for may_write in (True, False):
        assert ask(program("mcp"), caller(may_write), "call", tool()) == ask(
            program("mcp"), caller(may_write), "call", tool(**DEFAULTS)
        )


def test_callers_only_read_unless_they_are_told_to_write() -> None:
    assert ask(program("mcp"), caller(may_write=False), "call", tool(**HARMLESS))[0] == "allow"
    writing = ask(program("mcp"), caller(may_write=False), "call", tool(destructiveHint=False, openWorldHint=False))
    assert writing == ("deny", {STD + "read_only_by_default"})


def test_the_hints_of_a_stranger_count_for_nothing() -> None:
    stranger = tool("evil", **HARMLESS, destructiveHint=False)
    assert ask(program("mcp"), caller(may_write=False), "call", stranger)[0] == "deny"
    assert ask(program("mcp"), caller(), "call", stranger) == (
        "require_approval",
        {STD + "destructive_tools", STD + "open_world_tools"},
    )


@pytest.mark.parametrize(
    ("action", "server", "hints", "effect"),
    [
        ("replay", "files", HARMLESS, "allow"),
        ("replay", "files", {"readOnlyHint": True}, "deny"),
        ("replay", "evil", HARMLESS, "deny"),
        ("rehearse", "sandbox", {"readOnlyHint": True}, "deny"),
        ("rehearse", "files", HARMLESS, "deny"),
    ],
)
def test_the_predicates_serve_the_permits_of_a_program(
    action: str, server: str, hints: dict[str, bool], effect: str
) -> None:
    assert ask(program("mcp"), caller(kind="Script"), action, tool(server, **hints))[0] == effect
