"""`std.pii`: levels and clearance, purposes, and columns that stay closed."""

import pytest

from tests.stdlib.asking import ask, entity, program

LEVELS = ["public", "internal", "confidential", "restricted"]
STD = "std.pii."


@pytest.mark.parametrize("clearance", LEVELS)
@pytest.mark.parametrize("level", LEVELS)
def test_nobody_reads_above_their_clearance(clearance: str, level: str) -> None:
    user, report = entity("User", clearance=clearance, team="t"), entity("Report", classification=level, team="t")
    fine = LEVELS.index(clearance) >= LEVELS.index(level)
    decision = ask(program("pii"), user, "read", report)
    assert decision == (("allow", {"all_read"}) if fine else ("deny", {STD + "above_clearance"}))
    assert (ask(program("pii"), user, "archive", report)[0] == "allow") is fine


def test_who_has_no_clearance_is_not_bound() -> None:
    report = entity("Report", classification="restricted", team="t")
    assert ask(program("pii"), entity("Analyst"), "read", report) == ("allow", {"all_read"})


@pytest.mark.parametrize(("purpose", "effect"), [("billing", "allow"), ("marketing", "deny"), ("Billing", "deny")])
def test_personal_data_is_used_for_its_purposes(purpose: str, effect: str) -> None:
    user, profile = entity("User", clearance="public", team="t"), entity("Profile", purposes=["billing", "support"])
    decided, rules = ask(program("pii"), user, "contact", profile, purpose=purpose)
    assert (decided, STD + "other_purposes" in rules) == (effect, effect == "deny")


@pytest.mark.parametrize(
    ("columns", "effect"), [(["total"], "allow"), (["total", "name"], "deny"), (["name"], "deny"), ([], "allow")]
)
def test_personal_columns_stay_closed(columns: list[str], effect: str) -> None:
    table = entity("Table", personal_columns=["name", "birthday"])
    decided, rules = ask(program("pii"), entity("Analyst"), "query", table, columns=columns)
    assert (decided, STD + "no_personal_columns" in rules) == (effect, effect == "deny")
    user = entity("User", clearance="public", team="t")
    assert ask(program("pii"), user, "query", table, columns=columns)[0] == "allow"


@pytest.mark.parametrize("level", LEVELS)
def test_the_predicates_serve_the_permits_of_a_program(level: str) -> None:
    printer, report = entity("Printer", printed_up_to=level), entity("Report", classification=level, team="t")
    assert (ask(program("pii"), printer, "print", report)[0] == "allow") is (level in ("public", "internal"))
