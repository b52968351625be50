"""`std.break_glass`: emergency access only where the import names it, for a while, in person, with an approval."""

import re
from typing import Any

import pytest

import kynara_lang as kynara
from tests.stdlib.asking import NOW, ask, entity, program, request, text_of

STD = "std.break_glass."
DATABASE = entity("Database", service="billing", checked=NOW)
SOON = "2026-11-23T13:00:00Z"


def user(
    until: str | None = SOON, *services: str, identity: str = "ann", roles: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    properties = {"on_call_for": list(services or ("billing",)), **({"emergency_until": until} if until else {})}
    return entity(f"User:{identity}", *roles, **properties, **more)


def test_an_emergency_opens_what_somebody_is_on_call_for_once_it_is_confirmed() -> None:
    policies, asked = program("break_glass"), request(user(), "restore", DATABASE)
    assert ask(policies, user(), "restore", DATABASE) == ("require_approval", {STD + "emergency_is_confirmed"})
    approval = {
        "rule": STD + "emergency_is_confirmed",
        "digest": policies.approval_digest(asked),
        "approvers": [user(None, identity="bob", roles=("manager",))],
        "expires": "2026-11-23T10:30:00Z",
    }
    assert policies.decide(asked, approvals=[approval]).effect is kynara.Effect.ALLOW
    for nobody in (user(None, identity="bob"), user(roles=("manager",)), entity("Agent", "manager")):
        approval["approvers"] = [nobody]
        assert policies.decide(asked, approvals=[approval]).effect is kynara.Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize(
    ("subject", "rules"),
    [
        (user(None), set()),
        (user(NOW), set()),  # it ends now
        (user("2026-11-23T09:00:00Z"), set()),
        (user(SOON, "search"), set()),
        (user("2026-11-23T14:00:01Z"), {STD + "endless_emergency"}),
        (user("2036-11-23T14:00:00Z"), {STD + "endless_emergency"}),
    ],
)
def test_without_an_emergency_of_four_hours_at_most_nothing_opens(subject: Any, rules: set[str]) -> None:
    assert ask(program("break_glass"), subject, "restore", DATABASE) == ("deny", rules)


def test_the_emergency_opens_nothing_else() -> None:
    assert ask(program("break_glass"), user(), "page", DATABASE) == ("deny", set())


def test_no_agent_uses_the_emergency_of_a_person() -> None:
    agent = entity("Agent", behalf=user())
    assert ask(program("break_glass"), agent, "restore", DATABASE) == ("deny", {STD + "not_through_others"})


def test_without_the_name_in_the_import_nothing_is_permitted() -> None:
    text = re.sub(r"emergency_access,\s*", "", text_of("break_glass"), count=1)
    assert text != text_of("break_glass")
    closed = kynara.loads(text)
    assert ask(closed, user(), "restore", DATABASE)[0] == "deny"


@pytest.mark.parametrize(("checked", "effect"), [(NOW, "allow"), ("2026-11-23T06:00:00Z", "deny")])
def test_the_names_serve_the_permits_of_a_program(checked: str, effect: str) -> None:
    database = entity("Database", service="billing", checked=checked)
    assert ask(program("break_glass"), user(), "look", database)[0] == effect
    assert ask(program("break_glass"), user(None), "look", database)[0] == "deny"
