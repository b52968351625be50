"""The digest of a program: anything that can change a decision changes it, and nothing else does."""

from __future__ import annotations

import pytest

from kynara_lang.compiler.digest import digest
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources

BASE = """
trait Owned { tenant: String }
type Level = "low" | "high"
subject Team as "team"
subject User in Team is Owned { level: Level, marks: Set<Int>, home: { city: String, zip: String? }, boss: User?, nick: String untrusted }
subject Agent is Owned
resource Folder
resource Doc in Folder is Owned { size: Int, kind: String, path: Path, at: Time }
action read, write on Doc
action pay as "pay-it" on Doc (amount: Decimal, note: String?) in moving modifies size = args.amount2 effects sends_out
action grow on Doc modifies size
action become on User acts as resource
context { now: Time, ip: IP?, mfa as "mfa-verified": Bool }
role reader
role editor as "ed" extends reader
let cap = 10
let same(a: Owned, b: Owned) = a.tenant == b.tenant
permit p {
  subject User with role reader, Team
  action read, pay
  resource Doc
  scope any "for a test"
  when resource.kind in {"a", "b"}
  unless resource.size > cap
  valid from 2026-01-01
  valid until 2027-01-01
}
permit q { subject User in Team::"t" action write resource Doc scope same(subject, resource) when resource.kind like "a*" }
permit r { subject User::"u" action write resource Doc in Folder::"f" scope resource.path within "/a" }
forbid f { subject User action read resource Doc when subject holds editor and context has ip and context.ip within "10.0.0.0/8" }
forbid g { subject User action read resource Doc when context has ip and all x in subject.marks: x < 3 }
forbid h { subject any action read resource Doc when delegator is Agent and resource.at.hour("Europe/Berlin") > 3 }
forbid i { subject User action read resource Doc when subject has boss and subject.boss == User::"v" }
require approval a {
  subject any action pay resource Doc when args.amount > 2.00
  from User with role editor where approver.tenant == resource.tenant quorum 2 expires 4h
}
""".replace("modifies size = args.amount2 ", "")


def digest_of(text: str) -> str:
    checked = check_sources([Source("m.kyn", text)])
    assert not checked.has_errors, [(d.code, d.message) for d in checked.diagnostics]
    return digest(checked.program)


CHANGES = [
    ("size: Int", "size: Int?", "when resource.kind in", "when resource has size and resource.kind in"),
    ("tenant: String", "tenant: Email"),
    ('"low" | "high"', '"low" | "middle" | "high"'),
    ('as "team"', 'as "crew"'),
    ("subject User in Team is", "subject User in Team, User is"),
    ("marks: Set<Int>, home", "home", " and all x in subject.marks: x < 3", ""),
    ("zip: String?", "zip: String"),
    ("city: String", "town: String"),
    ("nick: String untrusted", "nick: String"),
    ("nick: String untrusted", "nick as \"n\": String untrusted"),
    ("boss: User?", "boss: User"),
    ("resource Folder\n", "subject Folder\n"),
    ('as "pay-it"', 'as "pay"'),
    ("action read, write on Doc", "action read, write on Doc, Folder"),
    ("note: String?", "note: Int?"),
    ("note: String?", "note: String"),
    (" in moving", ""),
    ("effects sends_out", "effects irreversible"),
    ("action grow on Doc modifies size", "action grow on Doc modifies kind"),
    ("acts as resource", "acts as resource requires read", "action read, write on Doc", "action read, write on Doc, User"),
    ('mfa as "mfa-verified"', 'mfa as "mfa"'),
    ("mfa as \"mfa-verified\": Bool", "mfa as \"mfa-verified\": Bool untrusted"),
    ('"ed" extends reader', '"ed"'),
    ('"ed" extends', '"editor" extends'),
    ("let cap = 10", "let cap = 11"),
    ("a.tenant == b.tenant", "b.tenant == a.tenant"),
    ("let same(a: Owned, b: Owned)", "let same(a: User, b: Owned)"),
    ("permit p", "permit pp"),
    ("forbid f", "permit f", "when subject holds", 'scope any "t" when subject holds'),
    ("action read, pay", "action read"),
    ("User with role reader, Team", "User with role reader"),
    ("User with role reader, Team", "User with role editor, Team"),
    ("User with role reader, Team", "User with role reader or editor, Team"),
    ("User with role reader, Team", "User, Team"),
    ('{"a", "b"}', '{"a", "c"}'),
    ("unless resource.size > cap", "when resource.size > cap"),
    ("unless resource.size > cap", "unless resource.size >= cap"),
    ("unless resource.size > cap", "unless resource.size > 10"),
    ("unless resource.size > cap", "unless cap > resource.size"),
    ("valid from 2026-01-01", "valid from 2026-01-02"),
    ("  valid from 2026-01-01\n", ""),
    ("valid until 2027-01-01", "valid until 2027-01-02"),
    ('Team::"t"', 'Team::"s"'),
    ("User in Team::", "Team in Team::", "as \"team\"", "as \"team\" in Team", "same(subject, resource)", 'any "t"'),
    ("same(subject, resource)", "same(resource, subject)"),
    ('like "a*"', 'like "a*b"'),
    ('User::"u"', 'User::"w"'),
    ('Folder::"f"', 'Folder::"g"'),
    ('within "/a"', 'within "/b"'),
    ("holds editor", "holds reader"),
    ("10.0.0.0/8", "10.0.0.0/9"),
    ("f { subject User action read resource Doc when subject holds", "f { subject User action read resource Doc when not subject holds"),
    ("all x in", "any x in"),
    ("x < 3", "x < 4"),
    ("delegator is Agent", "delegator is User"),
    ("Europe/Berlin", "Europe/Paris"),
    ("at.hour", "at.weekday", "> 3 }", '== "monday" }'),
    ('User::"v"', 'User::"x"'),
    ("subject.boss == User", "subject.boss != User"),
    ("args.amount > 2.00", "args.amount > 2.01"),
    ("from User with role editor", "from User"),
    ("approver.tenant == resource.tenant", "approver.tenant != resource.tenant"),
    (" where approver.tenant == resource.tenant", ""),
    ("quorum 2", "quorum 3"),
    ("quorum 2", ""),
    ("expires 4h", "expires 5h"),
    ("resource.kind in", "resource.kind not in"),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[1][:40] or f"without {change[0][:40].strip()}")
def test_what_can_change_a_decision_changes_the_digest(change: tuple[str, ...]) -> None:
    text = BASE
    for before, after in zip(change[::2], change[1::2], strict=True):
        assert before in text
        text = text.replace(before, after)
    assert digest_of(text) != digest_of(BASE)


def test_no_two_changes_have_one_digest() -> None:
    found = {digest_of(BASE.replace(*change)) for change in CHANGES if len(change) == 2}
    assert len(found) == sum(len(change) == 2 for change in CHANGES)


SAME = [
    ('permit p {', 'permit p "Described" {'),
    ("permit p", "## Documented\npermit p"),
    ("permit p", "# a comment\n\npermit p"),
    ('"low" | "high"', '"high" | "low"'),
    ("action read, pay", "action pay, read"),
    ("User with role reader, Team", "Team, User with role reader"),
    ("home: { city: String, zip: String? }, boss: User?", "boss: User?, home: { city: String, zip: String? }"),
    ("(amount: Decimal, note: String?)", "(note: String?, amount: Decimal)"),
    ("quorum 2 expires 4h", "expires 240m quorum 2"),
    ("2027-01-01", "2027-01-01T00:00:00Z"),
    ('"for a test"', '"for another"'),
    ("args.amount > 2.00", "args.amount > 2.0"),
    ('within "/a"', 'within "/b/../a/"'),
    ("x in subject.marks: x < 3", "x in subject.marks: (x < 3)"),
]


@pytest.mark.parametrize("change", SAME, ids=lambda change: change[1][:40])
def test_what_cannot_change_a_decision_does_not(change: tuple[str, str]) -> None:
    assert digest_of(BASE.replace(*change)) == digest_of(BASE)


def test_fixtures_tests_and_invariants_do_not_count() -> None:
    more = """
fixture u = User::"u" with role reader { tenant: "t", level: "low", marks: {1}, home: { city: "x" }, nick: "n" }
invariant never_grows { never allow subject any action grow resource Doc }
"""
    assert digest_of(BASE + more) == digest_of(BASE)


def test_the_order_of_declarations_does_not_count() -> None:
    head, *rules = BASE.partition("permit p")[0], *("permit p" + BASE.partition("permit p")[2]).split("\nforbid ")
    text = head + rules[0] + "".join(f"\nforbid {rule}" for rule in (rules[2], rules[1], *rules[3:]))
    assert text != BASE
    assert digest_of(text) == digest_of(BASE)


def test_the_order_of_types_roles_and_actions_does_not_count() -> None:
    lines = BASE.split("\npermit p")[0].strip().split("\n")
    rest = BASE[BASE.index("permit p") :]
    assert digest_of("\n".join([*reversed(lines), rest])) == digest_of(BASE)


def test_names_count_by_what_they_stand_for() -> None:
    """The same words with other declarations behind them, and other words for the same."""
    one = digest_of(BASE)
    assert digest_of(BASE.replace("let cap = 10", "let cap = 10\nlet top = 10").replace("> cap", "> top")) != one
    both = BASE.replace("let same(", "let alike(a: Owned, b: Owned) = a.tenant == b.tenant\nlet same(")
    assert digest_of(both) != digest_of(both.replace("scope same(", "scope alike("))
    assert digest_of(BASE.replace("delegator is Agent", "delegator is Team")) != one


def test_a_name_counts_by_the_module_that_it_comes_from() -> None:
    """Both programs hold both libraries and the same words; what the words stand for differs."""
    library = "let near(n: Int) = n > {0}\nlet far(n: Int) = n < {0}\n"
    sources = {name: Source(f"{name}.kyn", library.format(at)) for at, name in enumerate(("one", "two"))}

    def of(near: str, far: str) -> str:
        text = (
            f"import {near} (near)\nimport {far} (far)\nsubject User\nresource Doc {{ n: Int }}\naction read on Doc\n"
            "forbid f { subject User action read resource Doc when near(resource.n) and far(resource.n) }\n"
        )
        checked = check_sources([Source("m.kyn", text)], Libraries(sources.get, tuple(sources)))
        assert not checked.has_errors, [(d.code, d.message) for d in checked.diagnostics]
        return digest(checked.program)

    assert of("one", "two") != of("two", "one")
