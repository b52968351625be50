"""What the tests of the standard library share: their programs, and short ways to ask them."""

from functools import cache
from pathlib import Path
from typing import Any

import kynara_lang as kynara
from kynara_lang.diagnostics.source import Source
from kynara_lang.libraries import Libraries, standard_library
from kynara_lang.pipeline import check_sources

PROGRAMS = Path(__file__).parent / "programs"
NOW = "2026-11-23T10:00:00Z"  # a Monday


def text_of(module: str) -> str:
    """Return the program that uses a module."""
    return (PROGRAMS / f"{module}.kyn").read_text(encoding="utf-8")


@cache
def program(module: str, more: str = "") -> kynara.PolicySet:
    """Compile the program that uses a module, with more text behind it."""
    return kynara.loads(text_of(module) + more)


def codes(text: str) -> set[str]:
    """Return the codes of what is wrong with a program."""
    return {d.code for d in check_sources([Source("policy.kyn", text)]).diagnostics}


def with_library(text: str, libraries: Libraries) -> kynara.PolicySet:
    """Compile a program with other libraries than those that are shipped."""
    checked = check_sources([Source("policy.kyn", text)], libraries)
    assert not checked.has_errors, [d.message for d in checked.diagnostics]
    return kynara.PolicySet(checked.program)


def library_text(module: str) -> str:
    """Return the text of a module of the standard library."""
    source = standard_library().find(f"std.{module}")
    assert source is not None
    return source.text


def entity(name: str, *roles: str, behalf: Any = None, **properties: Any) -> dict[str, Any]:
    """Return an entity of a request, `Type:id` or only its type; `behalf` is whom it acts for."""
    kind, _, identity = name.partition(":")
    found: dict[str, Any] = {"type": kind, "id": identity or kind.lower(), "properties": properties}
    if roles:
        found["roles"] = list(roles)
    if behalf is not None:
        found["on_behalf_of"] = behalf
    return found


def ask(
    policies: kynara.PolicySet,
    subject: dict[str, Any],
    action: str,
    resource: dict[str, Any],
    now: str = NOW,
    **arguments: Any,
) -> tuple[str, set[str]]:
    """Return the decision on a request and the rules that determined it; a request that is not valid fails the test."""
    decision = policies.decide(request(subject, action, resource, now, **arguments))
    assert not decision.errors, decision.errors
    return str(decision.effect), {rule.removeprefix("program.") for rule in decision.rules}


def request(
    subject: dict[str, Any], action: str, resource: dict[str, Any], now: str = NOW, **arguments: Any
) -> dict[str, Any]:
    """Return a request."""
    return {
        "subject": subject,
        "action": {"name": action, "properties": arguments},
        "resource": resource,
        "context": {"now": now},
    }
