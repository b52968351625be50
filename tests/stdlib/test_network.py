"""`std.network`: listed hosts, private addresses and metadata services."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, entity, program

STD = "std.network."
PUBLIC = "93.184.216.34"


def service(host: str, address: str) -> dict[str, Any]:
    return entity("Service", host=host, address=address)


def fetch(subject: dict[str, Any], host: str, address: str, scheme: str = "https") -> tuple[str, set[str]]:
    written = f"[{host}]" if ":" in host else host
    return ask(program("network"), subject, "fetch", service(host, address), url=f"{scheme}://{written}/x")


@pytest.mark.parametrize(
    ("host", "address", "rules"),
    [
        ("example.com", PUBLIC, set()),
        ("API.Example.com.", PUBLIC, set()),
        ("example.com", "10.0.0.1", set()),  # a listed host may be inside
        ("example.com.evil.net", PUBLIC, {"only_listed_hosts"}),
        ("notexample.com", PUBLIC, {"only_listed_hosts"}),
        ("example.com", "169.254.169.254", {"no_metadata"}),
        ("example.com", "::ffff:169.254.169.254", {"no_metadata"}),
        ("example.com", "fd00:ec2::254", {"no_metadata"}),
        ("169.254.169.254", "169.254.169.254", {"only_listed_hosts", "no_metadata"}),
        ("metadata.google.internal", PUBLIC, {"only_listed_hosts", "no_metadata"}),
    ],
)
def test_an_agent_connects_to_listed_hosts(host: str, address: str, rules: set[str]) -> None:
    effect, found = fetch(entity("Fetcher", allowed_hosts=["example.com"]), host, address)
    assert effect == ("deny" if rules else "allow")
    assert found
    assert found <= ({STD + rule for rule in rules} or {"surfers_fetch"})  # one forbid is told, though several match


def test_a_list_without_hosts_allows_none() -> None:
    assert fetch(entity("Fetcher", allowed_hosts=[]), "example.com", PUBLIC)[0] == "deny"


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "127.0.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd12::1",
     "::ffff:10.0.0.1", "64:ff9b::a00:1", "224.0.0.1", "255.255.255.255"],
)  # fmt: skip
def test_some_agents_stay_outside(address: str) -> None:
    assert fetch(entity("Surfer"), "evil.example", address) == ("deny", {STD + "no_private_addresses"})


@pytest.mark.parametrize("address", [PUBLIC, "172.32.0.1", "11.0.0.1", "2606:2800:220:1::1", "100.63.255.255"])
def test_public_addresses_are_left_alone(address: str) -> None:
    assert fetch(entity("Surfer"), "anything.example", address) == ("allow", {"surfers_fetch"})


@pytest.mark.parametrize(
    ("host", "scheme", "effect"),
    [
        ("example.org", "https", "allow"),
        ("www.example.org", "https", "allow"),
        ("example.org", "http", "deny"),
        ("example.net", "https", "deny"),
    ],
)
def test_https_to_our_hosts(host: str, scheme: str, effect: str) -> None:
    assert fetch(entity("Operator"), host, PUBLIC, scheme)[0] == effect


@pytest.mark.parametrize(
    ("host", "address", "effect"),
    [("db.internal", "10.0.0.5", "allow"), ("db.internal", PUBLIC, "deny"), ("metadata.goog", "10.0.0.5", "deny")],
)
def test_the_predicates_serve_the_permits_of_a_program(host: str, address: str, effect: str) -> None:
    assert ask(program("network"), entity("Operator"), "repair", service(host, address))[0] == effect
