"""Type confusion within a policy: one name that is an attribute of two types, and of another kind in each.

A value that is read as what it is not has been the beginning of most holes in script engines. Seen in Kynara itself: a clause that
reads `subject.from` of a User, behind `subject is Team or …`, was explained to a Team by showing the Team's own `from`, a text, as
the document that a User's would be; `explain` ended with an `AttributeError`. Decisions were right.
"""

from __future__ import annotations

from typing import Any

import pytest

import kynara_lang as kynara

PROGRAM = """\
trait Owning { }
subject User is Owning { from: Doc, at: Int, due: Time, at_all: Bool, site: Url, some: Set<Int>, more: {a: Int, b: String?} }
subject Team is Owning { from: "low" | "high", at: Path, due: Set<String>, at_all: Decimal, site: Bool, some: Set<Doc>, more: Duration }
resource Doc { owner: Owning }
action read on Doc
permit p "d" { subject any action read resource Doc scope any "t" when subject is Team or not (subject.from in {Doc::"a"}) }
"""
READ_OF = {"site": "site.host", "more": "more.a"}
OF_USER = {
    "from": 'Doc::"a"',
    "at": "5",
    "due": "2026-05-05T00:00:00Z",
    "at_all": "true",
    "site": '"example.com"',
    "some": "{3}",
    "more": "1",
}
NAMES = {
    "from": 'subject.from == Doc::"a"',
    "at": "subject.at > 3",
    "due": "subject.due > 2026-01-01",
    "at_all": "subject.at_all",
    "site": 'subject.site.host == "example.com"',
    "some": "3 in subject.some",
    "more": "subject.more.a == 1",
}
READ = """\
forbid here_f { subject Team action read resource Doc when subject.from == "low" or subject.at == "/y" or subject.due.size() > 5 }
forbid here_g { subject Team action read resource Doc when subject.at_all == 2.5 or not subject.site or subject.some.size() > 4 or subject.more > 9s }
"""
DOC = {"type": "Doc", "id": "a"}
USER = {"from": DOC, "at": 5, "due": "2026-05-05T00:00:00Z", "at_all": True, "site": "https://example.com/", "some": [3], "more": {"a": 1}}
TEAM = {"from": "high", "at": "/x", "due": ["x"], "at_all": "1.5", "site": True, "some": [DOC], "more": "5s"}


def request(subject: dict[str, Any], behind: dict[str, Any] | None = None) -> dict[str, Any]:
    found = {**subject, **({"on_behalf_of": behind} if behind else {})}
    return {"subject": found, "action": {"name": "read"}, "resource": {**DOC, "properties": {"owner": behind or subject}}, "context": {}}


def user(identity: str = "u") -> dict[str, Any]:
    return {"type": "User", "id": identity, "properties": USER}


def team(identity: str = "t") -> dict[str, Any]:
    return {"type": "Team", "id": identity, "properties": TEAM}


WHO = {
    "subject": ("subject", "subject is User"),
    "actor": ("actor", "actor is User"),
    "delegator": ("delegator", "delegated and delegator is User"),
    "the resource's owner": ("resource.owner", "resource.owner is User"),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("who", WHO)
def test_an_explanation_shows_no_value_of_another_type(who: str, name: str) -> None:
    """Both ways round, and guarded by `and` and by `or`: what is shown is the right type's, or nothing."""
    root, guard = WHO[who]
    read = NAMES[name].replace("subject.", f"{root}.")
    unless = guard.replace("delegated and ", "not delegated or not ").replace("resource.owner is", "not resource.owner is")
    unless = unless if "not" in unless else f"not {guard}"
    policies = kynara.loads(
        PROGRAM
        + READ
        + f"forbid f {{ subject any action read resource Doc when {guard} and {read} }}\n"
        + f"forbid g {{ subject any action read resource Doc when ({unless}) or {read} }}\n"
    )
    seen = set()
    for asked in (request(user()), request(team()), request(user(), team()), request(team(), user()), request(team(), team("v"))):
        explanation = policies.explain(asked, all_rules=True)
        assert explanation.decision == policies.decide(asked)
        for link in explanation.to_dict()["links"]:
            for rule in link["considered"]:
                if rule["rule"].startswith("policy.here"):
                    continue  # these mean a Team's
                shown = rule["values"].get(f"{root}.{READ_OF.get(name, name)}", "absent")
                assert shown in ("absent", OF_USER[name]), rule
                seen.add(shown)
    assert seen == {"absent", OF_USER[name]}
