"""`std.money`: limits by currency, by person and by role."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, entity, program

ACCOUNT = entity("Account")
CARD = entity("Card", limits=[{"currency": "EUR", "most": "100.00"}, {"currency": "JPY", "most": "9000"}])


def pay(subject: dict[str, Any], amount: str, currency: str) -> tuple[str, set[str]]:
    return ask(program("money"), subject, "pay", ACCOUNT, amount=amount, currency=currency)


@pytest.mark.parametrize(
    ("amount", "currency", "rules"),
    [
        ("100.00", "EUR", set()),
        ("0.01", "EUR", set()),
        ("9000", "JPY", set()),
        ("100.01", "EUR", {"over_the_limit"}),
        ("9000", "EUR", {"over_the_limit"}),
        ("1.00", "USD", {"over_the_limit"}),
        ("1.00", "eur", {"over_the_limit"}),
        ("0.00", "EUR", {"nothing_negative"}),
        ("-5.00", "EUR", {"nothing_negative"}),
    ],
)
def test_a_spender_has_limits_of_its_own(amount: str, currency: str, rules: set[str]) -> None:
    effect, found = pay(CARD, amount, currency)
    assert found == ({f"std.money.{rule}" for rule in rules} or {"all_pay"})
    assert effect == ("deny" if rules else "allow")


@pytest.mark.parametrize(
    ("role", "most", "yen"),
    [
        (None, None, None),
        ("std.money/payer", 500, 75000),
        ("accountant", 500, 75000),
        ("std.money/senior_payer", 5000, 750000),
        ("head_accountant", 5000, 750000),
        ("std.money/treasurer", 50000, 7500000),
        ("cfo", 50000, 7500000),
    ],
)
def test_roles_go_so_far(role: str | None, most: int | None, yen: int | None) -> None:
    user = entity("User", *([role] if role else []))
    if most is None or yen is None:
        assert pay(user, "1.00", "EUR") == ("deny", {"std.money.beyond_the_role"})
        return
    for currency, limit in (("EUR", most), ("CHF", most), ("JPY", yen)):
        assert pay(user, str(limit), currency) == ("allow", {"all_pay"})
        assert pay(user, f"{limit}.01", currency) == ("deny", {"std.money.beyond_the_role"})
    assert pay(user, "1.00", "XAU")[0] == "deny"
    assert pay(user, "-1.00", "EUR") == ("deny", {"std.money.nothing_negative"})


@pytest.mark.parametrize(("amount", "effect"), [("500.00", "allow"), ("500.01", "deny")])
def test_the_predicates_serve_the_permits_of_a_program(amount: str, effect: str) -> None:
    till = entity("Till", limit_of_day={"currency": "EUR", "most": "1.00"})
    assert ask(program("money"), till, "refund", ACCOUNT, amount=amount, currency="EUR")[0] == effect
