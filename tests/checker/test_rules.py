"""Clauses, patterns, approvals, invariants, fixtures and tests: what must be there, what may not, what they name."""

from __future__ import annotations

import pytest

from tests.checker.programs import HEAD, check, codes, rule

EVERY = {
    "scope true": {"permit"},
    'scope any "why"': {"permit"},
    "when true": {"permit", "forbid", "require approval", "invariant"},
    "unless true": {"permit", "forbid", "require approval", "invariant"},
    "valid from 2026-01-01": {"permit", "forbid", "require approval"},
    "valid until 2026-01-01": {"permit", "forbid", "require approval"},
    "from User": {"require approval"},
    "quorum 2": {"require approval"},
    "expires 4h": {"require approval"},
    "never allow": {"invariant"},
    "always deny or require_approval": {"invariant"},
}
NEEDED = {"permit": 'scope any "x"', "forbid": "", "require approval": "from User", "invariant": "never allow"}


@pytest.mark.parametrize("clause", EVERY)
def test_clauses_stand_where_they_mean_something(clause: str) -> None:
    for place, needed in NEEDED.items():
        if needed.split(" ")[0] in (clause.split(" ")[0], {"always": "never"}.get(clause.split(" ")[0])):
            needed = ""
        text = f"{HEAD}{place} r {{ subject User action read resource Doc {clause} {needed} }}"
        wanted = [] if place in EVERY[clause] else ["KYN011"]
        if not needed and place not in EVERY[clause]:
            wanted = [*wanted, *{"permit": ["KYN301"], "require approval": ["KYN601"]}.get(place, [])]
        assert sorted(codes(text)) == sorted(wanted), (place, clause)


def test_clauses_stand_once() -> None:
    for clause in EVERY:
        place = sorted(EVERY[clause])[0] if len(EVERY[clause]) == 1 else "forbid"
        needed = NEEDED[place] if not clause.startswith(NEEDED[place].split(" ")[0] or "?") else ""
        needed = "" if clause.startswith(("always", "scope")) else needed
        text = f"{HEAD}{place} r {{ subject User action read resource Doc {clause} {clause} {needed} }}"
        assert codes(text) == ([] if clause.startswith(("when", "unless")) else ["KYN010"]), clause
    assert codes(rule("valid from 2026-01-01", "valid until 2027-01-01")) == []


@pytest.mark.parametrize("place", NEEDED)
def test_a_rule_says_who_what_and_on_what(place: str) -> None:
    clauses = {"subject": "subject User", "action": "action read", "resource": "resource Doc"}
    for left_out in clauses:
        rest = " ".join(text for word, text in clauses.items() if word != left_out)
        (diagnostic,) = check(f"{HEAD}{place} r {{ {rest} {NEEDED[place]} }}").diagnostics
        assert (diagnostic.code, f"`{left_out}`" in diagnostic.message) == ("KYN009", True)


def test_a_permit_has_a_scope_and_an_approval_an_approver() -> None:
    assert codes(rule("scope true", effect="permit")) == []
    assert codes(rule(effect="permit").replace('scope any "test"', "")) == ["KYN301"]
    assert codes(rule(effect="require approval")) == ["KYN601"]
    assert (
        codes(rule("from User, Bot with role lead or staff where approver != subject", effect="require approval")) == []
    )


def test_what_an_approval_asks_for_is_in_range() -> None:
    for clause, wanted in {
        "quorum 0": ["KYN013"],
        "quorum 1": [],
        "quorum 1000": [],
        "quorum 1001": ["KYN013"],
        "quorum 99999999999999999999": ["KYN013"],
        "expires 0s": ["KYN013"],
        "expires 1s": [],
        "expires 999999d": ["KYN013"],
    }.items():
        assert codes(rule("from User", clause, effect="require approval")) == wanted, clause
    (approved,) = check(rule("from User", effect="require approval")).program.rules
    assert approved.approval is not None
    assert (approved.approval.quorum, approved.approval.expires) == (1, 24 * 3600 * 10**9)


def test_validity_is_written_out() -> None:
    assert codes(rule("valid from start", effect="forbid")).count("KYN101") == 1
    assert codes(rule("valid until context.now + 1h")) == ["KYN208"]
    assert codes(rule('valid until "2026-01-01"')) == ["KYN201"]
    assert codes(rule("valid until 2026-13-01")) == ["KYN013"]
    (made,) = check(rule("valid from 1970-01-02", "valid until 1970-01-03T00:00:00Z")).program.rules
    assert (made.valid_from, made.valid_until) == (86400 * 10**9, 2 * 86400 * 10**9)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("any", []),
        ("User", []),
        ("Tenanted", []),
        ('User::"a"', []),
        ('User in Team::"a"', []),
        ('any in Team::"a"', []),
        ("User with role lead", []),
        ("User with role lead or staff, Bot", []),
        ('Tenanted in Team::"a" with role lead', []),
        ("Nobody", ["KYN101"]),
        ("Doc", ["KYN106"]),
        ("String", ["KYN106"]),
        ('Tenanted::"a"', ["KYN106"]),
        ('User in Folder::"a"', ["KYN210"]),
        ('User in Nothing::"a"', ["KYN101"]),
        ('Bot in Team::"a"', ["KYN210"]),
        ("User with role nobody", ["KYN101"]),
        ("User with role lead or nobody", ["KYN101"]),
    ],
)
def test_subject_patterns(pattern: str, wanted: list[str]) -> None:
    assert codes(rule(subject=pattern)) == wanted
    assert codes(rule(f"from {pattern}", effect="require approval")) == wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("any", []),
        ("Doc", []),
        ("User", []),
        ("Tenanted", []),
        ('Doc::"a"', []),
        ('Doc in Folder::"a"', []),
        ('Folder in Folder::"a"', []),
        ('Doc in Team::"a"', ["KYN210"]),
        ("User with role lead", ["KYN011"]),
        ("Nothing", ["KYN101"]),
    ],
)
def test_resource_patterns(pattern: str, wanted: list[str]) -> None:
    assert codes(rule(resource=pattern, action="any")) == wanted


def test_invariants_are_checked_like_rules() -> None:
    def invariant(*clauses: str) -> list[str]:
        return codes(f"{HEAD}invariant i {{ {' '.join(clauses)} }}")

    head = "subject User action read resource Doc"
    assert invariant("never allow or require_approval", head, "when resource.size > 1 unless actor is Bot") == []
    assert invariant(head) == ["KYN009"]
    assert invariant("never allow always deny", head) == ["KYN010"]
    assert invariant("never allow", head, "when resource.siz > 1") == ["KYN202"]
    assert invariant("never allow", head, 'when subject.nick == "x"') == ["KYN203"]
    assert invariant("never allow", head, "scope true") == ["KYN011"]
    made = check(f"{HEAD}invariant i {{ never allow or require_approval {head} }}").program.invariants[0]
    assert (made.name, made.kind, made.decisions) == ("a.i", "never", {"allow", "require_approval"})


def scenario(text: str, fixtures: str = "") -> list[str]:
    base = 'fixture alice = User::"alice" { level: 1, tenant: "t" }\nfixture doc = Doc::"d" { owner: alice }\n'
    allowed = rule("scope true", effect="permit").replace(HEAD, "").replace("permit r", "permit reads")
    return codes(f"{HEAD}{base}{fixtures}{allowed}{text}")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('fixture x = User::"x"', []),
        ('fixture x = User::"x" with role lead, staff in Team::"t" { boss: alice, teams: {Team::"a"}, nick: "n" }', []),
        ('fixture x = User::"x" { home: { city: "a" } }', []),
        ('fixture x = User::"x" { home: { city: "a", zip: "b" } }', []),
        ('fixture x = User::"x" { home: { zip: "b" } }', ["KYN201"]),
        ('fixture x = User::"x" { home: { city: 1 } }', ["KYN201"]),
        ('fixture x = User::"x" { home: { city: "a", town: "b" } }', ["KYN201"]),
        ('fixture x = User::"x" { boss: doc }', ["KYN201"]),
        ('fixture x = User::"x" { boss: nobody }', ["KYN101"]),
        ('fixture x = User::"x" { boss: subject }', ["KYN101"]),
        ('fixture x = User::"x" { level: "1" }', ["KYN201"]),
        ('fixture x = User::"x" { grade: "top" }', ["KYN204"]),
        ('fixture x = User::"x" { pay: 1 }', ["KYN201"]),
        ('fixture x = User::"x" { salary: 1 }', ["KYN202"]),
        ('fixture x = User::"x" { level: 1, level: 2 }', ["KYN102"]),
        ('fixture x = User::"x" with role boss', ["KYN101"]),
        ('fixture x = User::"x" in Folder::"f"', ["KYN210"]),
        ('fixture x = User::"x" in doc', ["KYN210"]),
        ('fixture x = User::"x" in nobody', ["KYN101"]),
        ('fixture x = Nobody::"x"', ["KYN101"]),
        ('fixture x = Tenanted::"x"', ["KYN106"]),
        ("fixture x = alice", ["KYN106"]),
        ('fixture x = User::"x" { boss: y }\nfixture y = User::"y" { boss: x }', []),
    ],
)
def test_fixtures(line: str, wanted: list[str]) -> None:
    assert scenario(line) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("given alice expect allow read on doc", []),
        ("given alice expect allow read on doc because reads", []),
        ("given alice expect allow read on doc because a.reads", []),
        ("given alice expect allow read on doc because writes", ["KYN101"]),
        ('given Bot::"b" { trust: "low" } on behalf of alice expect deny read on doc { size: 1 }', []),
        ('given alice on behalf of User::"b" on behalf of Team::"c" expect deny read on doc', []),
        ("given doc expect deny read on doc", ["KYN106"]),
        ("given nobody expect deny read on doc", ["KYN101"]),
        ("given alice with role lead expect deny read on doc", []),
        ("expect deny read on doc", ["KYN009"]),
        ("expect deny read on doc given alice", ["KYN009"]),
        ("expect deny read on doc expect deny read on doc", ["KYN009"]),
        ("given alice given context { mfa: true, now: 2026-01-01 } expect deny read on doc", []),
        ('given alice given context { ip: "x" } expect deny read on doc', ["KYN204"]),
        ("given alice given context { nothing: 1 } expect deny read on doc", ["KYN202"]),
        ('given alice expect deny move(to: "/a") on doc', []),
        ('given alice expect deny move(to: "/a", why: "x") on doc', []),
        ('given alice expect deny move(to: "../a") on doc', ["KYN204"]),
        ("given alice expect deny move(to: 1) on doc", ["KYN201"]),
        ('given alice expect deny move(path: "/a") on doc', ["KYN202"]),
        ("given alice expect deny read(x: 1) on doc", ["KYN202"]),
        ("given alice expect deny raed on doc", ["KYN101"]),
        ("given alice expect deny reading on doc", ["KYN101"]),
        ("given alice expect deny read on alice", ["KYN201"]),
        ('given alice expect deny read on Doc::"x" { owner: alice }', []),
        ('given alice expect deny read on Doc::"x" { owner: 1 }', ["KYN201"]),
    ],
)
def test_scenarios(body: str, wanted: list[str]) -> None:
    assert scenario(f'test "t" {{ {body} }}') == wanted


def test_fixtures_are_for_tests_only() -> None:
    text = rule("when subject == alice") + 'fixture alice = User::"alice"\n'
    assert codes(text) == ["KYN101"]
    assert codes(HEAD + 'let cap = 5\nfixture x = User::"x" { level: cap }') == ["KYN101"]


def test_effects_of_actions_name_what_can_have_them() -> None:
    def action(options: str) -> list[str]:
        return codes(f"{HEAD}action go on User (who: User, what: String) {options}")

    for options, wanted in {
        "modifies level": [],
        "modifies roles, parents": [],
        "modifies tenant = args.what": [],
        "modifies tenant = args.nothing": ["KYN202"],
        "modifies nothing": ["KYN202"],
        "acts as resource": [],
        "acts as resource.boss": [],
        "acts as args.who": [],
        "acts as args.who requires read, reading": [],
        "acts as args.who requires nothing": ["KYN101"],
        "acts as args.what": ["KYN211"],
        "acts as resource.tenant": ["KYN211"],
        "acts as resource.nothing": ["KYN202"],
        "acts as subject": ["KYN211"],
        "acts as args": ["KYN211"],
        "effects sends_out, irreversible": [],
        "effects sends_outt": ["KYN101"],
    }.items():
        assert action(options) == wanted, options
