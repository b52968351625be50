"""`std.tenancy`: tenants are kept apart, and what has no tenant is left alone."""

import pytest

from tests.stdlib.asking import ask, codes, entity, program, text_of


@pytest.mark.parametrize(
    ("subject", "action", "resource", "decision"),
    [
        (entity("User", tenant="acme"), "read", entity("Page", tenant="acme"), ("allow", {"everybody_reads"})),
        (entity("User", tenant="acme"), "read", entity("Page", tenant="globex"), ("deny", {"std.tenancy.no_crossing"})),
        (entity("User", tenant="acme"), "read", entity("Page", tenant="Acme"), ("deny", {"std.tenancy.no_crossing"})),
        (entity("User", tenant="acme"), "read", entity("Clock"), ("allow", {"everybody_reads"})),
        (entity("Robot"), "read", entity("Page", tenant="globex"), ("allow", {"everybody_reads"})),
        (entity("User", tenant="acme"), "show", entity("Page", tenant="acme"), ("allow", {"own_tenant_is_shown"})),
    ],
)
def test_tenants_are_kept_apart(subject: object, action: str, resource: object, decision: object) -> None:
    assert ask(program("tenancy"), subject, action, resource) == decision  # type: ignore[arg-type]


@pytest.mark.parametrize("links", [("acme", "globex"), ("globex", "acme")])
def test_every_link_of_a_chain_is_of_the_tenant(links: tuple[str, str]) -> None:
    subject = entity("User:a", tenant=links[0], behalf=entity("User:b", tenant=links[1]))
    effect, rules = ask(program("tenancy"), subject, "read", entity("Page", tenant="acme"))
    assert (effect, "std.tenancy.no_crossing" in rules) == ("deny", True)


def test_the_predicate_is_about_what_has_a_tenant() -> None:
    more = "\nforbid f { subject Robot action show resource Page unless same_tenant(subject, resource) }"
    assert codes(text_of("tenancy") + more) == {"KYN201"}
