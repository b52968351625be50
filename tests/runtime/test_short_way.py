"""The short way of reading requests: every type goes it, in every place, and it decides as the exact way does."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kynara_lang.runtime.policyset import PolicySet
from tests.runtime.programs import program

DECLARED = """
type Level = "low" | "high"
subject Team
subject User in Team {
  flag: Bool, count: Int, price: Decimal, name: String, born: Time, pause: Duration, ip: IP, mail: Email, host: Host,
  url: Url, path: Path, level: Level, line: { n: Int, note: String? }, boss: User, names: Set<String>, counts: Set<Int>,
  levels: Set<Level>, ips: Set<IP>, lines: Set<{ n: Int }>, friends: Set<User>
}
resource Doc {
  flag: Bool, count: Int, price: Decimal, name: String, born: Time, pause: Duration, ip: IP, mail: Email, host: Host,
  url: Url, path: Path, level: Level, line: { n: Int, note: String? }, boss: User, names: Set<String>, counts: Set<Int>,
  levels: Set<Level>, ips: Set<IP>, lines: Set<{ n: Int }>, friends: Set<User>
}
action read on Doc
action call on Doc (
  flag: Bool, count: Int, price: Decimal, name: String, born: Time, pause: Duration, ip: IP, mail: Email, host: Host,
  url: Url, path: Path, level: Level, line: { n: Int, note: String? }, boss: User, names: Set<String>, counts: Set<Int>,
  levels: Set<Level>, ips: Set<IP>, lines: Set<{ n: Int }>, friends: Set<User>
)
context {
  flag: Bool, count: Int, price: Decimal, name: String, born: Time, pause: Duration, ip: IP, mail: Email, host: Host,
  url: Url, path: Path, level: Level, line: { n: Int, note: String? }, boss: User, names: Set<String>, counts: Set<Int>,
  levels: Set<Level>, ips: Set<IP>, lines: Set<{ n: Int }>, friends: Set<User>
}
role reader
"""

# Of each type: the value that the rule asks for in the words of a policy, how a request can say it, one that is of the
# type and another value, and some that are not of the type.
TYPES: dict[str, tuple[str, list[Any], Any, list[Any]]] = {
    "flag": ("{0}", [True], False, [1, "true", None, 0]),
    "count": ("{0} == 7", [7], 8, ["7", 7.0, True, 2**63, -(2**63) - 1]),
    "price": ("{0} == 1.50", ["1.5", "1.50"], 1, ["1,5", 1.5, True, "1.00001"]),
    "name": ('{0} == "a"', ["a"], "A", [1, None, "\ud800", ["a"]]),
    "born": ("{0} == 2026-01-01", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"], "2026-01-01T00:00:01Z", ["x", 0]),
    "pause": ("{0} == 15m", ["15m", "900s"], "16m", ["15", 900, "1h30m"]),
    "ip": ('{0} within "10.0.0.0/8"', ["10.1.2.3", "::ffff:10.0.0.1"], "11.0.0.1", ["10.1", 1, "10.0.0.0/8"]),
    "mail": ('{0} == "a@x.y"', ["a@x.y", "a@X.Y"], "A@x.y", ["a", 1]),
    "host": ('{0} within "x.y"', ["x.y", "a.X.y."], "ax.y", ["", 1]),
    "url": ('{0}.host == "x.y"', ["https://X.y/a"], "https://x.z/", ["x.y", 1, "https://x.y/%7f", "https://x.y/%c2%85"]),
    "path": ('{0} within "/a"', ["/a", "/b/../a/c"], "/ab", ["", 1, "/..", "/a/\x7f", "/a/\x85"]),
    "level": ('{0} == "low"', ["low"], "high", ["Low", 1]),
    "line": ("{0}.n == 7", [{"n": 7}, {"n": 7, "note": "x", "more": 1}], {"n": 8}, [{"n": "7"}, {}, 7]),
    "boss": ('{0} == User::"b"', [{"type": "User", "id": "b"}], {"type": "User", "id": "c"}, ["b", {"type": "Doc", "id": "b"}]),
    "names": ('"a" in {0}', [["a", "b"], ["a", "a"]], ["b"], ["a", [1], {"a": 1}, ["\ud800"]]),
    "counts": ("7 in {0}", [[7, 7, 8]], [], [[True], ["7"], 7]),
    "levels": ('"low" in {0}', [["low"]], ["high"], [["Low"], "low"]),
    "ips": ('any i in {0}: i within "10.0.0.0/8"', [["10.1.2.3"]], ["11.0.0.1"], [["10.1"], "10.1.2.3"]),
    "lines": ("any i in {0}: i.n == 7", [[{"n": 7}]], [{"n": 8}], [[7], {"n": 7}]),
    "friends": ('User::"b" in {0}', [[{"type": "User", "id": "b"}]], [], [["b"], [{"type": "Doc", "id": "b"}]]),
}
DEFAULTS = {name: given[0] for name, (_, given, _, _) in TYPES.items()}
PLACES = {"subject": "subject.{0}", "resource": "resource.{0}", "args": "args.{0}", "context": "context.{0}"}


def asking(place: str, name: str) -> PolicySet:
    read = PLACES[place].format(name)
    action = "call" if place == "args" else "read"
    condition = TYPES[name][0].format(read)
    return program(
        f'permit p {{ subject User action {action} resource Doc scope any "test" when {condition} }}', base=DECLARED
    )


def request(place: str, name: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy({**DEFAULTS, name: value})
    one = {name: value}
    asked: dict[str, Any] = {
        "subject": {"type": "User", "id": "u", "properties": one if place == "subject" else {}},
        "action": {"name": "call", "properties": values} if place == "args" else {"name": "read"},
        "resource": {"type": "Doc", "id": "d", "properties": one if place == "resource" else {}},
        "context": one if place == "context" else {},
    }
    return asked


def short(policies: PolicySet, asked: Any) -> Any:
    """Decide on the short way alone; what it raises is as good as None."""
    try:
        return policies._plain.decide(asked)
    except Exception:
        return None


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("place", PLACES)
def test_every_type_is_read_on_the_short_way(place: str, name: str) -> None:
    policies = asking(place, name)
    _, given, another, wrong = TYPES[name]
    for value, allowed in [*((value, True) for value in given), (another, False)]:
        asked = request(place, name, value)
        found = short(policies, asked)
        assert found is not None, value
        assert found.decision.allowed is allowed, value
        assert found.decision == policies._decide(policies._prepare(asked), ()) == policies.decide(asked)
    for value in wrong:
        asked = request(place, name, value)
        assert short(policies, asked) is None, value
        decision = policies.decide(asked)
        assert not decision.allowed
        assert {e.code for e in decision.errors} <= {
            "wrong-type", "invalid-value", "missing-attribute", "malformed-request"
        }, value  # fmt: skip
        assert decision.errors


ODD: list[tuple[str, dict[str, Any]]] = [
    ("subject", {"on_behalf_of": None}),
    ("subject", {"roles": "reader"}),
    ("subject", {"roles": [1]}),
    ("subject", {"parents": "t"}),
    ("subject", {"parents": [{"type": "Doc", "id": "d"}]}),
    ("subject", {"properties": None}),
    ("subject", {"properties": {"onBehalfOf": {}}}),
    ("subject", {"id": 1}),
    ("subject", {"id": "\ud800"}),
    ("subject", {"type": "user"}),
    ("subject", {"type": "Doc"}),
    ("subject", {"role": ["reader"]}),
    ("resource", {"type": "Team"}),
    ("resource", {"id": None}),
    ("resource", {"propertys": {}}),
    ("action", {"name": "raed"}),
    ("action", {"name": None}),
    ("action", {"properties": []}),
]


@pytest.mark.parametrize(("member", "change"), ODD)
def test_what_is_odd_goes_the_exact_way_and_is_denied(member: str, change: dict[str, Any]) -> None:
    policies = program('permit p { subject any action read resource Doc scope any "t" }', base=DECLARED)
    asked = request("subject", "flag", True)
    assert short(policies, asked).decision.allowed
    asked[member] = {**asked[member], **change}
    assert short(policies, asked) is None
    decision = policies.decide(asked)
    assert not decision.allowed
    assert decision.errors


@pytest.mark.parametrize("member", ["subject", "action", "resource"])
def test_what_is_missing_goes_the_exact_way_and_is_denied(member: str) -> None:
    policies = program('permit p { subject any action read resource Doc scope any "t" }', base=DECLARED)
    asked = request("subject", "flag", True)
    for value in (None, [], "x", type("Sub", (dict,), {})(asked[member])):
        changed = {**asked, member: value}
        assert short(policies, changed) is None
        assert policies.decide(changed).allowed is isinstance(value, dict)
    del asked[member]
    assert short(policies, asked) is None
    assert not policies.decide(asked).allowed


STORED = [
    {"type": "User", "id": "u", "properties": {"count": 7}, "roles": ["reader"], "parents": [{"type": "Team", "id": "t"}]},
    {"type": "User", "id": "v", "properties": {"count": 8}, "roles": [], "parents": []},
    {"type": "User", "id": "w"},
    {"type": "Team", "id": "t", "parents": []},
]


@pytest.mark.parametrize(
    ("rule", "answers"),
    [
        ("subject User with role reader", {"u": True, "v": False, "w": True, "x": True}),
        ('subject User in Team::"t"', {"u": True, "v": False, "w": True, "x": True}),
        ("subject User when subject.count == 7", {"u": True, "v": False, "w": True, "x": True}),
    ],
)
def test_the_store_counts_more_on_the_short_way_too(rule: str, answers: dict[str, bool]) -> None:
    head, _, condition = rule.partition(" when ")
    text = f'permit p {{ {head} action read resource Doc scope any "t" {"when " + condition if condition else ""} }}'
    policies = program(text, base=DECLARED, entities=STORED)
    for name, allowed in answers.items():
        asked = request("subject", "count", 7)
        asked["subject"] |= {"id": name, "roles": ["reader"], "parents": [{"type": "Team", "id": "t"}]}
        found = short(policies, asked)
        assert found is not None
        assert found.decision.allowed is allowed
        assert policies._decide(policies._prepare(asked), ()) == found.decision
        bare = {**asked, "subject": {"type": "User", "id": name, "properties": {"count": 8}}}
        assert policies.decide(bare).allowed is (name == "u")
        assert policies._decide(policies._prepare(bare), ()).allowed is (name == "u")


def test_a_chain_that_is_odd_anywhere_goes_the_exact_way() -> None:
    policies = program('permit p { subject any action read resource Doc scope any "t" }', base=DECLARED)

    def chain(*names: str, last: Any = None) -> dict[str, Any]:
        subject = last
        for name in reversed(names):
            subject = {"type": "User", "id": name} | ({} if subject is None else {"on_behalf_of": subject})
        return {**request("subject", "flag", True), "subject": subject}

    for size in (2, 3, 15, 16):
        assert short(policies, chain(*map(str, range(size)))).decision.allowed
    assert short(policies, chain(*map(str, range(17)))) is None
    assert [e.code for e in policies.decide(chain(*map(str, range(17)))).errors] == ["chain-too-long"]
    for last in ("b", [], {"type": "Doc", "id": "b"}, {"type": "User", "id": 1}, {"type": "User"}, {"type": "User", "id": "a"}):
        odd = chain("a", last=last)
        assert short(policies, odd) is None
        assert not policies.decide(odd).allowed
    assert short(policies, chain("a", "b", "a")) is None
    assert [e.code for e in policies.decide(chain("a", "b", "a")).errors] == ["repeated-principal"]


MAYBE = """
subject User { n: Int?, m: Int?, always: Int }
resource Doc { n: Int?, owner: User? }
action read on Doc
action call on Doc (n: Int?, m: Int)
context { n: Int?, ip: IP? }
permit p { subject User action any resource Doc scope any "t" }
"""


@pytest.mark.parametrize("place", ["subject", "resource", "args", "context"])
@pytest.mark.parametrize("stored", [None, {"always": 1}, {"always": 1, "n": 7}, {"always": 1, "n": 8}])
def test_what_may_be_absent_is_read_on_the_short_way(place: str, stored: dict[str, int] | None) -> None:
    """Absent, there, and there in the store only: each is what the rule sees."""
    entities = None if stored is None else [{"type": "User", "id": "u", "properties": stored}]
    action = "call" if place == "args" else "read"
    rule = f"forbid f {{ subject User action {action} resource Doc when {place} has n and {place}.n == 7 }}"
    policies = program(rule, base=MAYBE, entities=entities)
    for given in (None, 7, 8):
        values = {} if given is None else {"n": given}
        asked: dict[str, Any] = {
            "subject": {"type": "User", "id": "u", "properties": {"always": 1}},
            "action": {"name": action, "properties": {"m": 1}},
            "resource": {"type": "Doc", "id": "d"},
            "context": {},
        }
        if place == "subject":
            asked["subject"]["properties"] |= values
        elif place == "resource":
            asked["resource"]["properties"] = values
        elif place == "args":
            asked["action"]["properties"] |= values
        else:
            asked["context"] = values
        counts = stored.get("n", given) if stored and place == "subject" else given
        found = short(policies, asked)
        assert found is not None
        assert found.decision.allowed is (counts != 7)
        assert policies._decide(policies._prepare(asked), ()) == found.decision


def test_a_request_has_its_members_and_a_context_if_it_likes() -> None:
    policies = program("", base=MAYBE)
    asked = {"subject": {"type": "User", "id": "u"}, "action": {"name": "read"}, "resource": {"type": "Doc", "id": "d"}}
    assert short(policies, asked).decision.allowed
    assert short(policies, {**asked, "context": {}}).decision.allowed
    for more in ({"evaluation": 1}, {"contexts": {}}, {"context": {}, "x": 1}, {"context": []}, {"context": None}):
        assert short(policies, {**asked, **more}) is None
    assert policies.decide({**asked, "x": 1}).allowed
    assert not policies.decide({**asked, "context": []}).allowed
    for size in (1_048_576, 1_048_577):
        long = {**asked, "subject": {"type": "User", "id": "u" * size}}
        assert (short(policies, long) is not None) is policies.decide(long).allowed is (size == 1_048_576)


def test_sets_and_numbers_have_their_limits_on_the_short_way() -> None:
    policies = asking("subject", "names")
    for size in (100_000, 100_001):
        asked = request("subject", "names", ["a"] * size)
        assert (short(policies, asked) is not None) is policies.decide(asked).allowed is (size == 100_000)
    policies = asking("subject", "counts")
    for size in (100_000, 100_001):
        asked = request("subject", "counts", [7] * size)
        assert (short(policies, asked) is not None) is policies.decide(asked).allowed is (size == 100_000)
    policies = asking("context", "count")
    for value, fine in ((2**63 - 1, True), (2**63, False), (-(2**63), True), (-(2**63) - 1, False)):
        assert (short(policies, request("context", "count", value)) is not None) is fine
