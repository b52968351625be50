"""Importing a library can only narrow."""

from __future__ import annotations

from typing import Any

import pytest

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources
from kynara_lang.runtime.policyset import PolicySet

PROGRAM = """
subject User is Named { }
resource Doc is Named { }
trait Named { name: String }
action read on Doc in reading
permit all "test" { subject any action any resource any scope any "test" }
permit group "test" { subject any action reading resource any scope any "test" }
"""
LIBRARY = """
module lib.more
subject Ghost { }
resource Safe { }
action open on Safe in reading
action haunt
permit free "test" { subject any action haunt resource any scope any "test" }
"""


def compiled(imports: str, library: str = LIBRARY) -> PolicySet:
    found = {"lib.more": Source("lib/more.kyn", library)}
    checked = check_sources([Source("p.kyn", imports + PROGRAM)], Libraries(found.get, tuple(found)))
    assert not checked.has_errors, [(d.code, d.message, d.span.text) for d in checked.diagnostics]
    return PolicySet(checked.program)


def ask(subject: str, action: str, resource: str) -> dict[str, Any]:
    return {
        "subject": {"type": subject, "id": "s"},
        "action": {"name": action},
        "resource": {"type": resource, "id": "r"},
    }


EVERYTHING = [
    ask(s, a, r) for s in ("User", "Ghost") for a in ("read", "open", "haunt") for r in ("Doc", "Safe", "User", "Ghost")
]


@pytest.mark.parametrize("request_", EVERYTHING)
def test_an_import_allows_nothing_new(request_: dict[str, Any]) -> None:
    before, after = compiled(""), compiled("import lib.more\n")
    assert after.decide(request_).effect.rank <= before.decide(request_).effect.rank


@pytest.mark.parametrize(
    ("names", "request_"),
    [
        ("Ghost", ask("Ghost", "read", "Doc")),
        ("haunt", ask("User", "haunt", "Doc")),
        ("Safe, open", ask("User", "open", "Safe")),
        ("free", ask("User", "haunt", "Doc")),
    ],
)
def test_naming_it_says_that_it_is_meant(names: str, request_: dict[str, Any]) -> None:
    assert not compiled("import lib.more\n").decide(request_).allowed
    assert compiled(f"import lib.more ({names})\n").decide(request_).allowed


def test_a_forbid_of_the_program_reaches_what_libraries_declare() -> None:
    forbid = "forbid no { subject any action any resource any }\n"
    policies = compiled("import lib.more (free)\n" + forbid)
    assert policies.decide(ask("Ghost", "haunt", "Safe")).rules == ("p.no",)


def test_rules_need_not_make_sense_for_what_only_a_library_declares() -> None:
    forbid = 'forbid no { subject any action any resource any when resource.name == "secret" }\n'
    secret = ask("User", "read", "Doc")
    secret["resource"]["properties"] = {"name": "secret"}
    assert compiled("import lib.more\n" + forbid).decide(secret).rules == ("p.no",)
    with pytest.raises(AssertionError, match="KYN203"):  # there a permit could reach a `Safe`, which has no name
        compiled("import lib.more (free)\n" + forbid)
