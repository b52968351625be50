"""Many rules that differ in an interval, a block or a constant, against the oracle, which tests every rule.

Ends lie close to each other, so that ranges touch, nest, coincide and are empty; requests hit them, miss them by one,
or lack the value, or have one of another type. Some rules can fail before or after what tells them apart.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st

from kynara_lang.runtime.policyset import PolicySet

from .generate import checked
from .test_oracle import agree
from .vocabulary import Draw, readable

BASE = """
subject User { level: Int, nick: String? }
resource Doc { size: Int, price: Decimal, made: Time, kept: Duration, kind: String, limit: Int?, home: Path }
action read on Doc (at: IP, from: IP?)
context { }
"""
RULES = 24
KINDS = ("permit", "forbid", "require approval")
MOST = 2**63 - 1
STRANGE: list[Any] = [
    None, True, float("nan"), float("inf"), 1.0, 1.5, Decimal("NaN"), Decimal("1E+400"), -0.0, 10**400, MOST, MOST + 1,
    -MOST - 1, "", "1", "NaN", [], {}, "10.0.0.256", "::ffff:10.0.0.1%1", "010.0.0.1", "10.0.0.1/32", "-0s",
]  # fmt: skip
BLOCKS = [
    "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/31", "10.0.0.0/32", "10.0.0.1", "10.0.0.2/31", "10.0.1.0/24", "11.0.0.0/8",
    "255.255.255.255", "::/0", "::/128", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "2001:db8::/32", "2001:db8::/33",
    "8000::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]  # fmt: skip
ADDRESSES = [
    "0.0.0.0", "9.255.255.255", "10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.1.255", "10.0.2.0",
    "11.255.255.255", "12.0.0.0", "255.255.255.255", "255.255.255.254", "::", "::1", "::ffff:10.0.0.1",
    "::ffff:a00:1", "::ffff:9.255.255.255", "::fffe:10.0.0.1", "0:0:0:0:0:ffff:0a00:0001", "2001:db8::", "2001:db8:8000::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "7fff::", "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]  # fmt: skip


def number(draw: Draw) -> int:
    return draw.pick((*range(12), -1, MOST, MOST - 1, -MOST - 1, -MOST))


def decimal(draw: Draw) -> str:
    whole = draw.number(3)
    return f"{whole}.{draw.pick(('00', '0001', '50', '9999'))}"


def time(draw: Draw) -> str:
    return f"2026-01-0{1 + draw.number(2)}T0{draw.number(3)}:00:00{draw.pick(('', '.000000001', '.999999999'))}Z"


def duration(draw: Draw) -> str:
    return draw.pick(("0s", "1s", "59s", "60s", "61s", "2m", "1h", "1d"))


WAYS: dict[str, tuple[Any, bool]] = {
    "resource.size": (number, False),
    "resource.limit": (number, True),
    "resource.price": (decimal, False),
    "resource.made": (time, False),
    "resource.kept": (duration, False),
    'resource.made.hour("Asia/Kathmandu")': (lambda draw: draw.number(23), False),
    "resource.kind.length()": (lambda draw: draw.number(4), False),
}


def literal(made: Any) -> str:
    return f"({made})" if str(made).startswith("-") else str(made)


def comparison(draw: Draw, value: str) -> str:
    """Write one or two comparisons of a value, or a comparison the other way round."""
    make, optional = WAYS[value]
    one, other = literal(make(draw)), literal(make(draw))
    op = draw.pick(("<", "<=", ">", ">=", "=="))
    text = draw.pick(
        (
            f"{value} {op} {one}",
            f"{one} {op} {value}",
            f"{value} >= {one} and {value} < {other}",
            f"{value} > {one} and {other} >= {value}",
            f"not ({value} {op} {one}) and {value} != {other}",
        )
    )
    return f"resource has limit and {text}" if optional else text


def block(draw: Draw, value: str) -> str:
    blocks = [f'"{draw.pick(BLOCKS)}"' for _ in range(1 + draw.number(2))]
    inner = blocks[0] if len(blocks) == 1 else "{" + ", ".join(blocks) + "}"
    if draw.chance(15):
        inner, word = blocks[0], "not "
    else:
        word = ""
    text = f"{word}{value} within {inner}"
    return f"args has from and {text}" if value == "args.from" else text


def constant(draw: Draw, value: str) -> str:
    match value:
        case "subject.nick":
            return f'subject has nick and subject.nick == "n{draw.number(4)}"'
        case "resource.kind.lower()":
            return f'{value} in {{"n{draw.number(4)}", "n{draw.number(4)}"}}'
    return f'resource.home within {{"/n{draw.number(2)}", "/n{draw.number(2)}/b"}}'


OTHERS = ("subject.level > 2", "subject.level + 1 > 2", "resource.size * 2 >= 4", 'resource.kind == "n1"')


def rule(draw: Draw, name: str, kind: str, value: str) -> str:
    if value.startswith("args"):
        condition = block(draw, value)
    elif value in WAYS:
        condition = comparison(draw, value)
    else:
        condition = constant(draw, value)
    clauses = [condition] + draw.some(OTHERS, 20)
    clauses = draw.shuffled(clauses) if draw.chance(40) else clauses
    text = " and ".join(clauses) if draw.chance(50) else " when ".join(clauses)
    scope = 'scope any "t" ' if kind == "permit" else ""
    approver = " from User" if kind.startswith("require") else ""
    return f"{kind} {name} {{ subject any action read resource Doc {scope}when {text}{approver} }}"


def request(draw: Draw) -> Any:
    def maybe(value: Any, percent: int) -> Any:
        return draw.pick(STRANGE) if draw.chance(percent) else value

    doc = {
        "size": number(draw),
        "price": decimal(draw),
        "made": time(draw),
        "kept": duration(draw),
        "kind": draw.pick(("", "n1", "N1", "n2", "n3", "xxxx")),
        "home": draw.pick(("/", ".", "/n1", "/n1/b", "/n1/b/c", "/n11", "n1", "/n2/b")),
    }
    if draw.chance(70):
        doc["limit"] = number(draw)
    args = {"at": draw.pick(ADDRESSES)}
    if draw.chance(70):
        args["from"] = draw.pick(ADDRESSES)
    user: dict[str, Any] = {"level": draw.pick((1, 2, 3, MOST))}
    if draw.chance(70):
        user["nick"] = f"n{draw.number(5)}"
    for members in (doc, args, user):
        for name in list(members):
            members[name] = maybe(members[name], 2)
            if draw.chance(2):
                del members[name]
    return {
        "subject": {"type": "User", "id": "a", "properties": user},
        "action": {"name": "read", "properties": args},
        "resource": {"type": "Doc", "id": "d", "properties": doc},
        "context": {"now": "2026-01-01T00:00:00Z"},
    }


@st.composite
def cases(draw: Any) -> tuple[str, list[Any]]:
    source = Draw(draw)
    value = source.pick(
        (
            *WAYS,
            "args.at",
            "args.from",
            "args.at",
            "args.from",
            "subject.nick",
            "resource.kind.lower()",
            "resource.home",
        )
    )
    kind = source.pick(KINDS)
    rules = [rule(source, f"r{i}", kind, value) for i in range(RULES)]
    if kind != "permit":
        rules.append('permit all { subject any action read resource Doc scope any "t" }')
    return BASE + "\n".join(rules) + "\n", [request(source) for _ in range(12)]


@given(cases())
def test_many_rules_that_one_value_tells_apart(case: tuple[str, list[Any]]) -> None:
    text, requests = case
    note(text)
    policies = PolicySet(checked({"main.kyn": text}))
    for one in requests:
        note(readable(one))
        agree(policies, [], one)
