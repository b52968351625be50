"""What `inspect` says of trees: how many tests a request can need, what is indexed, and why the rest is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kynara_lang.compiler.inspection import Inspected, Inspector, Place
from kynara_lang.runtime.policyset import PolicySet
from tests.compiler.counting import Counting, metered
from tests.runtime.programs import ALICE, BOT, DOC, ask, having, program

BASE = """
subject Team in Team
subject User in Team { tenant: String }
subject Agent { tenant: String }
resource Folder in Folder
resource Doc in Folder {
  tenant: String
  kind: String
  size: Int
  open: Bool
  tags: Set<String>
  nick: String?
  path: Path
  host: Host
  ip: IP
  owner: User
}
action read on Doc (mode: String)
context { now: Time, zone: String }
"""
REFERENCE = Path(__file__).parents[2] / "grammar" / "reference.md"

# What a rule asks for, as the reference has it; the same with `#` for what differs between rules; and what comes of it:
# the label of a switch, or the obstacle.
INDEXED = {
    "subject User with role clerk": ("subject User with role r#", "subject.roles"),
    "subject holds clerk": ("when subject holds r#", "subject.roles"),
    "actor holds clerk": ("when actor holds r#", "actor.roles"),
    'subject User in Team::"a"': ('subject User in Team::"t#"', "subject.ancestors"),
    'subject in Team::"a"': ('when subject in Team::"t#"', "subject.ancestors"),
    'resource Doc in Folder::"a"': ('resource Doc in Folder::"f#"', "resource.ancestors"),
    'resource in Folder::"a"': ('when resource in Folder::"f#"', "resource.ancestors"),
    'subject == User::"a"': ('when subject == User::"u#"', "subject"),
    'resource == Doc::"a"': ('when resource == Doc::"d#"', "resource"),
    'resource.kind == "a"': ('when resource.kind == "k#"', "resource.kind"),
    'resource.kind in {"a", "b"}': ('when resource.kind in {"k#", "l#"}', "resource.kind"),
    'args.mode == "a"': ('when args.mode == "m#"', "args.mode"),
    'context.zone == "a"': ('when context.zone == "z#"', "context.zone"),
    'resource.path within "/srv/a"': ('when resource.path within "/srv/#"', "resource.path.within"),
    'resource.host within "a.example"': ('when resource.host within "h#.example"', "resource.host.within"),
    "resource.size > 5": ("when resource.size > #", "resource.size.range"),
    "valid from 2026-01-01": ("valid from 20#-01-01", "context.now.range"),
    'resource.ip within "10.0.0.0/8"': ('when resource.ip within "#.0.0.0/8"', "resource.ip.range"),
    'resource.path within {"/a", "/b"}': ('when resource.path within {"/a#", "/b#"}', "resource.path.within"),
    'resource.nick == "a"': ('when resource has nick when resource.nick == "n#"', "resource.nick"),
    'resource.kind.lower() == "a"': ('when resource.kind.lower() == "k#"', "resource.kind.lower"),
}
NOT_INDEXED = {
    "subject.tenant == resource.tenant": ("when subject.tenant == resource.tenant", "two-values"),
    "subject.tenant != resource.tenant": ("when subject.tenant != resource.tenant", "two-values"),
    "unless subject.tenant == resource.tenant": ("unless subject.tenant == resource.tenant", "two-values"),
    'resource.kind != "a"': ('when resource.kind != "k#"', "negation"),
    'unless resource.kind == "a"': ('unless resource.kind == "k#"', "negation"),
    'unless resource.kind == "a" or resource.open': ('unless resource.kind == "k#" or resource.open', "negation"),
    'resource.kind == "a" or resource.open': ('when resource.kind == "k#" or resource.open', "alternatives"),
    'resource.kind like "a*"': ('when resource.kind like "k#*"', "pattern"),
    'resource.kind.contains("a")': ('when resource.kind.contains("k#")', "pattern"),
    '"a" in resource.tags': ('when "t#" in resource.tags', "member"),
    'resource.tags.contains_any({"a"})': ('when resource.tags.contains_any({"t#"})', "member"),
    'all t in resource.tags: t == "a"': ('when all t in resource.tags: t == "t#"', "quantifier"),
    "resource has nick": ("when resource has nick", "presence"),
    "resource.open": ("when resource.open", "truth"),
    'resource.owner.tenant == "a"': ('when resource.owner.tenant == "t#"', "reference"),
    "delegated": ("when delegated", "caller"),
}


def policies(rules: str) -> PolicySet:
    return program("".join(f"role r{i}\n" for i in range(10, 50)) + rules, base=BASE)


def many(clauses: str, *, kind: str = "permit", count: int = 30, name: str = "p#") -> str:
    """Return rules that differ in what stands for `#`."""
    given = "" if clauses.startswith("subject User ") else "subject User "
    given += "" if clauses.startswith("resource Doc ") else "resource Doc "
    scope = 'scope any "t" ' if kind == "permit" else ""
    text = f"{kind} {name} {{ {given} action read {scope}{clauses} {'from User' if kind.startswith('require') else ''} }}\n"
    return "".join(text.replace("#", str(10 + i)) for i in range(count))


def inspected(rules: str) -> Inspected:
    return Inspector(policies(rules).program).bucket(Place("read", "Doc", "User"))


def obstacles(bucket: Inspected) -> set[str]:
    return {o.code for one in bucket.unskipped for blamed in one.blamed for o in blamed.obstacles}


# --- what is indexed


@pytest.mark.parametrize("row", INDEXED)
def test_what_is_indexed(row: str) -> None:
    clauses, label = INDEXED[row]
    (part,) = inspected(many(clauses, kind="forbid" if "actor" in clauses else "permit")).parts
    assert [switch.on for switch in part.switches] == [label]
    assert (part.unskipped, part.depth) == ((), 1)


@pytest.mark.parametrize(
    "row", [row for row in INDEXED if row.startswith(("resource.path within", "resource.host within"))]
)
def test_directories_and_domains_are_indexed_from_24_rules_on(row: str) -> None:
    clauses, label = INDEXED[row]
    assert {one.why for one in inspected(many(clauses, count=23)).unskipped} == {"alike"}
    assert {one.could for one in inspected(many(clauses, count=23)).unskipped} == {(label,)}
    assert not list(inspected(many(clauses, count=24)).unskipped)


@pytest.mark.parametrize("row", NOT_INDEXED)
def test_what_is_not_indexed(row: str) -> None:
    clauses, code = NOT_INDEXED[row]
    bucket = inspected(many(clauses))
    (part,) = bucket.parts
    assert (part.switches, len(part.unskipped), part.depth) == ((), 30, 0)
    assert {one.why for one in part.unskipped} == {"no-index"}
    assert code in obstacles(bucket)
    assert obstacles(bucket) <= {code, "presence"}  # which proves that what is optional is there


def rows(title: str) -> list[str]:
    """Return the first cells of the first table below a title of the reference, without backticks."""
    section = REFERENCE.read_text(encoding="utf-8").split(f"\n### {title}\n")[1].split("\n#")[0]
    return [
        re.split(r"(?<!\\)\|", line)[1].strip().strip("`") for line in section.splitlines() if line.startswith("| `")
    ]


def test_the_reference_has_each_of_these_rows_and_no_other() -> None:
    assert rows("What is indexed") == [*INDEXED, *NOT_INDEXED]


def test_the_reference_says_by_what_and_why() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    for row, (_, answer) in {**INDEXED, **NOT_INDEXED}.items():
        assert re.search(rf"^\| `{re.escape(row)}` \| [^|]*`{re.escape(answer)}`", text, re.MULTILINE), row


@pytest.mark.parametrize(("kind", "why"), [("permit", set()), ("forbid", {"late"}), ("require approval", {"late"})])
def test_what_stands_behind_what_can_fail_is_indexed_in_permits_only(kind: str, why: set[str]) -> None:
    bucket = inspected(many('when resource.size + 1 > 2 when resource.kind == "k#"', kind=kind))
    assert obstacles(bucket) == why
    assert bool(bucket.parts[0].switches) != bool(why)
    for one in bucket.unskipped:
        assert [b.span.text for b in one.blamed] == [f'when resource.kind == "k{one.rule.name[-2:]}"']


def test_a_rule_that_asks_for_nothing_has_no_clause_to_blame() -> None:
    (part,) = inspected(many("")).parts
    assert {(one.why, one.blamed, one.tests) for one in part.unskipped} == {("no-index", (), 0)}


def test_an_unknown_shape_has_general_words() -> None:
    assert obstacles(inspected(many("when resource.owner is User"))) == {"other"}


@pytest.mark.parametrize(
    ("clauses", "help"),
    [
        ('when resource.kind == "k#" or resource.kind == "l#"', "`resource.kind in {…}`"),
        ('when resource.kind == "k#" or args.mode == "l#"', "one rule for each alternative"),
        ('when resource.kind == "k#" or resource.open', None),
        ('when resource.kind.contains("k#") and resource.open', "compare whole values"),
        ("when resource.open", None),
        ('unless resource.kind == "k#"', "`in {…}`, or `within`"),
        ('unless resource.kind == "k#" or resource.open', None),
        ("unless resource.open", None),
    ],
)
def test_help_is_given_only_where_it_helps(clauses: str, help: str | None) -> None:
    (one, *_) = inspected(many(clauses)).unskipped
    found = one.blamed[0].obstacles[0]
    assert (found.help is None) if help is None else (found.help is not None and help in found.help)


@pytest.mark.parametrize("pattern", ['resource.nick like "k#*"', 'resource.nick.contains("k#")'])
def test_a_pattern_is_blamed_for_being_one_also_where_its_text_may_be_absent(pattern: str) -> None:
    """To declare the attribute without `?` would change nothing."""
    assert obstacles(inspected(many(f"when resource has nick when {pattern}"))) == {"presence", "pattern"}


def test_a_comparison_of_two_constants_asks_for_nothing() -> None:
    assert obstacles(inspected(many("when # < 50 when resource.open"))) == {"other", "truth"}


def test_few_rules_and_rules_alike_could_be_told_apart() -> None:
    def why(rules: str) -> set[tuple[str, tuple[str, ...]]]:
        return {(one.why, one.could) for one in inspected(rules).unskipped}

    assert why(many('when resource.kind == "k#"', count=8)) == {("few", ("resource.kind",))}
    assert why(many('when resource.kind == "k"', count=9)) == {("alike", ("resource.kind",))}
    assert why(many('when resource.kind == "k#"', count=9)) == set()


def test_what_is_nested_in_a_condition_is_blamed_for_itself() -> None:
    text = 'let odd(d: Doc) = d.size + 1 > 1 and d.kind != "x"\n' + many("when odd(resource) and resource.open")
    (one, *_) = inspected(text).unskipped
    (blamed,) = one.blamed
    assert [o.code for o in blamed.obstacles] == ["computed", "negation", "truth"]
    assert one.tests == 3


def test_a_rule_beside_a_switch_is_looked_at_every_time() -> None:
    text = many('when resource.kind == "k#"') + many("when resource.open", count=1, name="lone")
    (one,) = inspected(text).unskipped
    assert (one.rule.name, one.why, one.tests) == ("f1.lone", "no-index", 1)
    (blamed,) = one.blamed
    assert (blamed.kind, blamed.span.text) == ("when", "when resource.open")


# --- how many tests

DOC_HERE = {
    **DOC,
    "properties": {
        "tenant": "acme",
        "kind": "none",
        "size": 5,
        "open": False,
        "tags": [],
        "path": "/else",
        "host": "else.example",
        "ip": "10.0.0.1",
        "owner": {"type": "User", "id": "olga"},
    },
}
USER = {"type": "User", "id": "alice", "properties": {"tenant": "acme"}}
CONDITION = '(resource.size > 1 and not (resource.open or resource.kind == "x")) or subject.tenant == "y"'


def doc(**properties: object) -> object:
    return having(DOC_HERE, **properties)


def reading(resource: object = DOC_HERE, **subject: object) -> object:
    request = ask({**USER, **subject}, resource=resource, args={"mode": "m"}, zone="z")  # type: ignore[arg-type]
    return request


NESTED = "".join(
    f'permit n{i} {{ subject User action read resource Doc scope resource.path within "/srv{"/a" * i}" '
    f"when resource.size > {10 + i} }}\n"
    for i in range(5)
)
REACHED = {
    "one rule": (f"permit p {{ subject User action read resource Doc scope {CONDITION} }}", reading(doc(kind="x")), 4),
    "nothing to ask": (many("", count=1), reading(), 0),
    "a constant": (many('when resource.kind == "k#" when resource.size > 10'), reading(doc(kind="k17")), 2),
    "a heavy case": (
        many('when resource.kind == "k#" when resource.open')
        + many('when resource.kind == "k12" when resource.kind.contains("z#")', name="q#"),
        reading(doc(kind="k12")),
        1 + 31,
    ),
    "roles": (
        many("subject User with role r# when resource.size > 10"),
        reading(roles=[f"r{i}" for i in range(10, 40)]),
        1 + 30 * 2,
    ),
    "groups": (
        many('subject User in Team::"t#" when resource.size > 10'),
        reading(parents=[{"type": "Team", "id": f"t{i}"} for i in range(10, 40)]),
        1 + 30 * 2,
    ),
    "ranges": (
        many("when resource.size >= #0 and resource.size < #5 when resource.open"),
        reading(doc(size=122)),
        1 + 2,
    ),
    "directories beside each other": (
        many('when resource.path within "/srv/#" when resource.size > 10'),
        reading(doc(path="/srv/12/x")),
        1 + 2,
    ),
    "directories in each other": (
        many('when resource.path within "/else/#" when resource.size > 10') + NESTED,
        reading(doc(path="/srv/a/a/a/a/a/a")),
        1 + 5 * 2,
    ),
    "a permit matches last and asks for approvals": (
        many("when resource.size > 1#", kind="forbid", count=3)
        + many("when resource.size < 10", count=1, name="last")
        + many("when resource.size < 1#", kind="require approval", count=4, name="q#"),
        reading(),
        8,
    ),
}


def decided(policies: PolicySet, request: object) -> tuple[int, int | None, Inspected]:
    with metered() as meter:
        (link,) = Counting(policies).links(request, meter)
    return link


@pytest.mark.parametrize("case", REACHED)
def test_a_request_needs_as_many_tests_as_claimed(case: str) -> None:
    text, request, tests = REACHED[case]
    quick, exact, bucket = decided(policies(text), request)
    assert (quick, exact, bucket.tests) == (tests, None, tests)


@pytest.mark.parametrize("kind", ["permit", "forbid"])
def test_an_error_makes_every_rule_be_looked_at(kind: str) -> None:
    text = many('when resource.kind == "k#" when resource.size + 1 > 10', kind=kind)
    text += many("when resource.size + 1 > 10", kind=kind, count=1, name="lone")
    huge = doc(size=2**63 - 1)
    quick, exact, bucket = decided(policies(text), reading(huge))
    assert exact == 30 + 1
    assert bucket.again == 30 * 2 + 1
    assert quick <= bucket.tests


def test_what_types_decide_is_neither_a_test_nor_to_blame() -> None:
    (part,) = inspected(many("when subject is User when resource.open")).parts
    assert {one.tests for one in part.unskipped} == {1}
    assert {tuple(b.span.text for b in one.blamed) for one in part.unskipped} == {("when resource.open",)}


def test_where_nothing_can_fail_nothing_is_looked_at_again() -> None:
    assert inspected(many("when resource.size > #")).again is None


def test_links_are_decided_once_for_each_who_could_have_called() -> None:
    text = many('when resource.kind == "k#"', count=3)
    text += 'permit b { subject Agent action read resource Doc scope any "t" }\n'
    asking = text + "forbid f { subject any action read resource Doc when delegation.depth > 5 }\n"
    chain = {**ask(BOT, ALICE, resource=DOC_HERE, args={"mode": "m"}, zone="z")}
    chain["subject"]["on_behalf_of"]["properties"] = {"tenant": "acme"}
    chain["subject"]["properties"] = {"tenant": "acme"}
    for rules, views in ((text, 1), (asking, 2)):
        with metered() as meter:
            links = list(Counting(policies(rules)).links(chain, meter))
        assert [bucket.place.subject for _, _, bucket in links] == ["Agent", *["User"] * views]
        assert {bucket.asks_who_acts for _, _, bucket in links} == {views == 2}
        assert all(quick == bucket.tests for quick, _, bucket in links)


def test_depth_counts_switches_behind_switches() -> None:
    text = "".join(
        f'permit q{i}_{j} {{ subject User with role r1{i} action read resource Doc scope resource.kind == "k{j}" }}\n'
        for i in range(9)
        for j in range(10)
    )
    bucket = inspected(text)
    assert bucket.depth == 2
    (switch,) = bucket.parts[0].switches
    assert (switch.rules, switch.cases) in {(90, 9), (90, 10)}
    assert bucket.tests == switch.tests


def test_every_place_of_a_program_is_listed() -> None:
    places = list(Inspector(policies("").program).places())
    assert places == [Place("read", "Doc", subject) for subject in ("Agent", "Team", "User")]
    assert Inspector(policies("").program).bucket(places[0]).rules == ()
