"""Unknown action, type, role or entity: what nobody declared falls through to a rule that was meant for others.

A misspelt action that matches `any`, a type that no rule mentions, a role that only exists in the request, an entity that
only the caller has heard of. AWS IAM accepts policies about actions that do not exist; they silently do nothing. Here an
unknown name is an error of the policy, and an unknown name in a request refuses it.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.hostile.asking import NOW, codes, door, refusal

TEXT = """\
subject Team
subject User in Team { boss: User? }
subject Bot
resource Doc { owner: User? }
resource Secret
action read on Doc
action doc.write on Doc
action peek on Secret
role reader
role admin extends reader
permit p { subject any action any resource any scope any "everything there is" }
"""
REQUEST: dict[str, Any] = {
    "subject": {"type": "User", "id": "u"},
    "action": {"name": "read"},
    "resource": {"type": "Doc", "id": "d"},
    "context": {"now": NOW},
}


def changed(place: str, value: Any) -> dict[str, Any]:
    found = copy.deepcopy(REQUEST)
    owner = found
    *path, last = place.split(".")
    for name in path:
        owner = owner.setdefault(name, {})
    owner[last] = value
    return found


UNKNOWN = [
    *[("action.name", name, "unknown-action") for name in ("reed", "READ", "read ", " read", "read\0", "doc", "doc.", "doc.*",
      "*", "any", "", "p", "read,doc.write", "doc/write", "doc..write", "ｒead", "read\u200b", "__init__", "kynara")],
    *[("resource.type", name, "unknown-type") for name in ("doc", "Docs", "DOC", "Doc ", "any", "*", "", "Object", "std.Doc", "Doc\0", "Dос")],
    *[("subject.type", name, "unknown-type") for name in ("user", "Root", "System", "Admin", "any", "", "User,Bot", "Uѕer")],
    ("subject.type", "Doc", "not-a-subject"),
    ("resource.type", "Secret", "action-not-applicable"),
    ("resource.type", "User", "action-not-applicable"),
    ("action.name", "peek", "action-not-applicable"),
    ("subject.on_behalf_of", {"type": "Ghost", "id": "g"}, "unknown-type"),
    ("subject.on_behalf_of", {"type": "Doc", "id": "d"}, "not-a-subject"),
    ("subject.parents", [{"type": "Ghost", "id": "g"}], "unknown-type"),
    ("subject.parents", [{"type": "Doc", "id": "g"}], "wrong-type"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "value", "code"), UNKNOWN)
def test_an_unknown_name_in_a_request_refuses_it(place: str, value: Any, code: str) -> None:
    """Even under a rule about everything."""
    asked = door(TEXT)
    assert asked.effect(REQUEST) == "allow"
    decision = asked.ask(changed(place, value))
    assert decision.effect.value == "deny"
    assert codes(decision) == [code]


@pytest.mark.parametrize("head", ["permit q {", "forbid q {", "require approval q { from any "])
@pytest.mark.parametrize(
    "clauses",
    [
        "subject Usr action read resource Doc",
        "subject User action reed resource Doc",
        "subject User action doc.reed resource Doc",
        "subject User action write.* resource Doc",
        "subject User action read resource Dok",
        "subject User with role reeder action read resource Doc",
        "subject User in Tem::\"x\" action read resource Doc",
        'subject User action read resource Doc when subject holds admn',
        "subject User action read resource Doc when subject.bos == subject",
        "subject User action read resource Doc when sbject == subject",
        'subject any action read resource Doc when subject is Usr',
        'subject User action read resource Doc when subject == Usr::"x"',
        "subject User action read resource Doc when same_tenant(subject, resource)",
    ],
)  # fmt: skip
def test_an_unknown_name_in_a_policy_is_an_error(head: str, clauses: str) -> None:
    scope = ' scope any "t"' if head.startswith("permit") else ""
    clauses = clauses.replace(" when", f"{scope} when") if " when" in clauses else clauses + scope
    found = refusal(TEXT + f"{head} {clauses} }}\n")
    assert all(code.startswith(("KYN1", "KYN2")) for code in found), found


ROLES = """\
subject User
resource Doc
action read on Doc
role reader
role admin extends reader
permit p { subject User with role admin action read resource Doc scope any "t" }
"""


@pytest.mark.parametrize(
    "role", ["Admin", "ADMIN", "admin ", "admin,reader", "admin\0", "аdmin", "superadmin", "administrator", "*", "", "any", "reader"]
)
def test_a_role_that_nobody_declared_gives_nothing(role: str) -> None:
    request = changed("subject.roles", [role])
    assert door(ROLES).effect(request) == "deny"
    assert door(ROLES).effect(changed("subject.roles", [role, "admin"])) == "allow"


@pytest.mark.parametrize("roles", ["admin", {"admin": True}, ["admin", 1], [["admin"]], [None], None, 1, True], ids=repr)
def test_roles_that_are_no_list_of_texts_are_refused(roles: Any) -> None:
    decision = door(ROLES).ask(changed("subject.roles", roles))
    assert (decision.effect.value, codes(decision)) == ("deny", ["malformed-request"])


def test_an_entity_that_the_store_does_not_know_gets_nothing_by_being_unknown() -> None:
    """What an unknown entity is, in or holds is an error: a permit does not match and a forbid does."""
    store = [{"type": "User", "id": "boss", "properties": {}, "roles": ["admin"]}]
    conditions = ["resource.owner holds admin", 'resource.owner in Team::"x"', "resource.owner has boss"]
    for condition in conditions:
        guarded = f"resource has owner and {condition}"
        for negated in (guarded, f"resource has owner and not ({condition})"):
            request = changed("resource.properties", {"owner": {"type": "User", "id": "nobody"}})
            head = TEXT[: TEXT.index("permit")]
            permit = head + f"permit q {{ subject User action read resource Doc scope {negated} }}\n"
            decision = door(permit, store).ask(request)
            assert (decision.effect.value, codes(decision)) == ("deny", ["unknown-entity"])
            forbid = TEXT + f"forbid q {{ subject User action read resource Doc when {negated} }}\n"
            decision = door(forbid, store).ask(request)
            assert (decision.effect.value, codes(decision)) == ("deny", ["unknown-entity"])


def test_an_entity_whose_name_holds_another_is_another() -> None:
    """`User::"a"` and the user named `User::a`, or one whose name ends a quotation, are different people."""
    head = "subject User\nresource Doc\naction read on Doc\n"
    asked = door(head + 'permit p { subject User::"a" action read resource Doc scope any "t" }\n')
    for identity in ("a", "User::a", '"a"', "a\"", "::a", "a::a", "A", "a ", "a\n", "a\0", "а"):
        assert asked.effect(changed("subject.id", identity)) == ("allow" if identity == "a" else "deny")
