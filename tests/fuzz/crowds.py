"""Many rules that differ in one constant, so that they become a switch, and requests aimed at just these constants.

Below `tree.FEW` rules nothing is switched on, so here are twenty to two hundred. Their constants lie so close to each
other that ranges touch, nest, coincide and are empty. Requests hit them, miss them by the smallest step there is, are
spelled otherwise, or lack the value. What can fail stands before or after what tells the rules apart.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from kynara_lang.semantics import types as ty
from tests.properties.generate import Author, Env, Facts, Made
from tests.properties.vocabulary import JUNK, ZONES, Draw, quoted

SIZES = (*(20, 24, 28, 32) * 4, 48, 64, 120, 200)
ORDERED = ("<", "<=", ">", ">=", "==")
TOP = 2**63 - 1
STEPS = 8  # so many neighbouring constants there are, and one more

JSON = Any


@frozen
class Spelling:
    """How the values of a type are written down: by number in a policy, and in all their ways in a request."""

    literal: Callable[[int], str]
    values: Callable[[int], list[JSON]]


def _decimal(number: int) -> str:
    whole, rest = divmod(abs(number), 10_000)
    return f"{'-' * (number < 0)}{whole}.{rest:04}"


def _moment(number: int, suffix: str = "Z") -> str:
    seconds, rest = divmod(number, 10**9)
    at = datetime.datetime(2026, 3, 29, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds)
    text = at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{rest:09}" if rest else "")
    return text + suffix


def _elsewhere(number: int) -> str:
    """Write a moment as it is called two hours further east."""
    return _moment(number + 2 * 3600 * 10**9, "+02:00")


def _lasting(number: int) -> str:
    seconds, rest = divmod(abs(number), 10**9)
    return f"{'-' * (number < 0)}{seconds}" + (f".{rest:09}" if rest else "") + "s"


def spelling(kind: ty.Type, start: int) -> Spelling | None:
    """Return how neighbours of a type are written, from a start on; None where it has no order."""
    match kind:
        case ty.INT:
            return Spelling(lambda n: _signed(str(start + n)), lambda n: [start + n] if abs(start + n) <= TOP else [TOP])
        case ty.DECIMAL:
            return Spelling(lambda n: _signed(_decimal(start + n)), lambda n: [_decimal(start + n)])
        case ty.TIME:
            return Spelling(lambda n: _moment(start + n), lambda n: [_moment(start + n), _elsewhere(start + n)])
        case ty.DURATION:
            return Spelling(lambda n: f"{n}s", lambda n: [_lasting(n * 10**9), _lasting(n * 10**9 + 1), f"{n - 1}.999999999s"])
    return None


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


STARTS = {
    ty.INT: (0, 0, -3, TOP - STEPS - 1, -TOP),
    ty.DECIMAL: (0, 49_9998, -3, TOP - STEPS - 1, -TOP),
    ty.TIME: (0, -3, 3600 * 10**9 - 2),
    ty.DURATION: (0,),
}


# --- addresses and texts


def blocks() -> list[str]:
    """Return blocks that touch, nest and are the same under two names."""
    found = [f"10.0.{third}.{last}/{bits}" for third in (0, 1) for last, bits in ((0, 24), (0, 25), (128, 25), (4, 30), (4, 31), (6, 32))]
    found += ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/23", "255.255.255.255", "9.255.255.255/32", "::ffff:10.0.0.0/120"]
    return [*found, "::ffff:a00:4/126", "::/0", "::/96", "2001:db8::/32", "2001:db8::/127", "2001:db8::1", "::1"]


def addresses(block: str) -> list[str]:
    """Return the ends of a block and what lies beside them, IPv4 also as IPv6 says it."""
    plain = block
    if block.startswith("::ffff:"):
        address, _, bits = block.partition("/")
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
        plain = f"{mapped}/{int(bits or 128) - 96}"
    net = ipaddress.ip_network(plain)
    most = 2**net.max_prefixlen - 1
    first, last = int(net.network_address), int(net.broadcast_address)
    found = []
    for number in {max(first - 1, 0), first, last, min(last + 1, most)}:
        if net.version == 4:
            dotted = str(ipaddress.IPv4Address(number))
            found += [dotted, f"::ffff:{dotted}", f"0:0:0:0:0:FFFF:{number >> 16:x}:{number & 0xFFFF:x}", f"::fffe:{dotted}"]
        else:
            address = ipaddress.IPv6Address(number)
            found += [str(address), address.exploded, str(address).upper()]
    return found


CASED = (("n1", ("n1", "N1", "n1 ", "n11")), ("n2", ("N2", "n2")), ("é", ("é", "É", "e\u0301")), ("k", ("k", "K", "\u212a")),
         ("ss", ("ss", "SS", "ß", "ẞ")), ("i", ("i", "I", "İ", "ı")), ("", ("", " ")), ("ab", ("ab", "aB", "Ab", "AB")),
         ("É", ("É", "é")), ("n3", ("n3", "N3")), ("n4", ("n4",)), ("n5", ("N5",)))  # fmt: skip
PLACES = (("/n1", ("/n1", "/n1/", "/n1/a", "/n1/../n2", "/n11")), ("/n2", ("/n2", "/N2")), ("/n1/a", ("/n1/a/b", "/n1/./a")),
          ("/", ("/", "/x")), (".", (".", "n1")), ("n1", ("n1", "n1/b")))  # fmt: skip
NAMES = (("example.com", ("example.com", "a.EXAMPLE.com.", "notexample.com")), ("a.example.com", ("a.example.com", "b.a.example.com")),
         ("com", ("com", "x.com")), ("net", ("net", "com.net")), ("10.0.0.1", ("10.0.0.1",)), ("[::1]", ("[::1]",)))  # fmt: skip


# --- rules


@frozen
class Target:
    """A value that rules are told apart by: where it stands in a request, and values aimed at the rules' constants."""

    root: str
    name: str
    values: list[JSON] = field(factory=list)


@frozen
class Anchor:
    """What a condition of a crowd is about: a value, the guard that it needs, its type, and where it stands."""

    text: str
    guard: str
    kind: ty.Type
    target: Target
    start: int
    zone: str


def crowd(draw: Draw, made: Made, name: str) -> list[Target]:
    """Add many rules to a program that one value, or two, tell apart; return what requests are aimed at."""
    author = made.author
    effect = draw.pick(("permit", "forbid", "require approval"))
    everything = frozenset(k for a in made.schema.actions.values() for k in a.on)
    env = author.env(effect, list(made.schema.actions), frozenset(made.schema.subjects), everything)
    anchors = _anchors(draw, author, env)
    if not anchors:
        return []
    chosen = [_anchor(draw, draw.pick(anchors)) for _ in range(1 + draw.chance(30))]
    size = draw.pick(SIZES)
    rules = [_rule(draw, author, env, f"{name}_{i}", effect, draw.pick(chosen)) for i in range(size)]
    if effect != "permit":
        rules.append(f'permit {name}_all {{ subject any action any resource any scope any "a crowd" }}')
    made.rules["main.kyn"] += rules
    return [anchor.target for anchor in chosen if anchor.target.values]


def _anchors(draw: Draw, author: Author, env: Env) -> list[tuple[str, str, ty.Type]]:
    found, lacking = author.readable(env)
    there = [("", text, kind) for text, kind in found if text.count(".") == 1]
    maybe = [(f"{owner} has {name}", f"{owner}.{name}", kind) for owner, name, kind in lacking if "." not in owner]
    others = env.knowing(Facts(frozenset({"delegator"})))
    behind = [("delegated", t, k) for t, k in author.readable(others)[0] if t.startswith("delegator.") and t.count(".") == 1]
    wanted = (ty.STRING, ty.PATH, ty.HOST, ty.IP, ty.URL, ty.EMAIL, *STARTS)
    kept = [(guard, text, kind) for guard, text, kind in (*there, *maybe, *maybe, *behind) if kind in wanted]
    if env.place != "permit":
        kept.append(("", "delegation.depth", ty.INT))
    kept += [("", "subject", ty.BOOL), ("", "resource", ty.BOOL)] * draw.chance(30)
    return kept


def _anchor(draw: Draw, found: tuple[str, str, ty.Type]) -> Anchor:
    guard, text, kind = found
    root, _, name = text.partition(".")
    start = draw.pick(STARTS[kind]) if kind in STARTS and root != "delegation" else 0
    return Anchor(text, guard, kind, Target(root, name), start, draw.pick(ZONES))


def _rule(draw: Draw, author: Author, env: Env, name: str, effect: str, anchor: Anchor) -> str:
    keyed = _condition(draw, author, anchor)
    if draw.chance(15):
        keyed += f" and {_condition(draw, author, anchor)}"
    if anchor.guard:
        keyed = f"{anchor.guard} and {keyed}"
    before = [_failing(draw, author, env)] if draw.chance(12) else []
    after = [_failing(draw, author, env)] if draw.chance(12) else []
    clauses = [*before, keyed, *after]
    condition = " and ".join(clauses) if draw.chance(60) else "\n  when ".join(clauses)
    subject = "any"
    if author.schema.roles and draw.chance(15):
        subject += f" with role {draw.pick(sorted(author.schema.roles))}"
    lines = [f"subject {subject}", "action any", "resource any"]
    if effect == "permit":
        lines.append('scope any "a crowd"')
    if effect == "require approval":
        lines.append("from any")
    return f"{effect} {name} {{" + "".join(f"\n  {line}" for line in (*lines, f"when {condition}")) + "\n}"


def _failing(draw: Draw, author: Author, env: Env) -> str:
    """Write a condition that can fail, if there is a number that it can fail with, or any that proves nothing."""
    numbers = [text for text, kind in author.readable(env)[0] if kind == ty.INT]
    if not numbers or draw.chance(40):
        return author.relation(env, 1)
    text = draw.pick(numbers)
    return draw.pick((f"{text} + 1 > 0", f"{text} * 3 != 4", f"{text} - 2 < 7"))


def _condition(draw: Draw, author: Author, anchor: Anchor) -> str:
    """Write what tells a rule apart, and remember what requests hit and miss it by."""
    text, aimed = anchor.text, anchor.target.values
    written = spelling(anchor.kind, anchor.start)
    if written is not None:
        return _number(draw, anchor, written)
    match anchor.kind:
        case ty.IP:
            some = [draw.pick(blocks()) for _ in range(1 + draw.chance(25) + draw.chance(10))]
            for block in some:
                aimed += addresses(block)
            inner = ", ".join(map(quoted, some))
            return f"{'not ' * draw.chance(8)}{text} within " + (inner if len(some) == 1 else f"{{{inner}}}")
        case ty.STRING:
            constant, values = draw.pick(CASED)
            aimed += values
            if draw.chance(10):
                return f"{text}.length() {draw.pick(ORDERED)} {draw.number(3)}"
            op = f"== {quoted(constant)}" if draw.chance(70) else f"in {{{quoted(constant)}, {quoted(draw.pick(CASED)[0])}}}"
            return f"{text}{'.lower()' * draw.chance(70)} {op}"
        case ty.PATH | ty.HOST:
            pool = PLACES if anchor.kind == ty.PATH else NAMES
            constant, values = draw.pick(pool)
            aimed += values
            return f"{text} within {quoted(constant)}" if draw.chance(60) else f"{text} within {{{quoted(constant)}, {quoted(draw.pick(pool)[0])}}}"
        case ty.EMAIL | ty.URL:
            constant, values = draw.pick(NAMES[:4])
            before, part = ("x@", "domain") if anchor.kind == ty.EMAIL else ("https://", "host")
            aimed += [before + value for value in values]
            return f"{text}.{part} {draw.pick(('within', '=='))} {quoted(constant)}"
    group = f"{draw.pick(sorted(author.schema.reachable(_names(author, text))))}::{quoted(draw.pick(('a', 'b', 'c')))}"
    if author.schema.roles and draw.chance(50):
        return f"{text} holds {draw.pick(sorted(author.schema.roles))}"
    return f"{text} in {group}"


def _names(author: Author, root: str) -> frozenset[str]:
    if root == "subject":
        return frozenset(author.schema.subjects)
    return frozenset(k for a in author.schema.actions.values() for k in a.on)


def _number(draw: Draw, anchor: Anchor, written: Spelling) -> str:
    at, step, text = draw.number(STEPS - 1), 1 if draw.chance(90) else 2, anchor.text
    if anchor.kind == ty.TIME and anchor.start < 0:
        hour = draw.number(23)
        day = (hour - draw.number(14)) * 3600 * 10**9
        for quarter in range(4):
            base = day + quarter * 900 * 10**9
            anchor.target.values.extend((_moment(base), _moment(base - 1), _elsewhere(base + 1)))
        return f"{text}.hour({quoted(anchor.zone)}) {draw.pick(ORDERED)} {hour}"
    for near in (at - 1, at, at + 1):
        anchor.target.values.extend(written.values(near))
    one, other, op = written.literal(at), written.literal(at + step), draw.pick(ORDERED)
    return draw.pick(
        (
            f"{text} {op} {one}",
            f"{text} {op} {one}",
            f"{one} {op} {text}",
            f"{text} >= {one} and {text} < {other}",
            f"{text} > {one} and {other} >= {text}",
            f"not ({text} {op} {one}) and {text} != {other}",
            f"{text} in {{{one}, {other}}}",
        )
    )


# --- requests


def aim(draw: Draw, made: Made, request: JSON, targets: list[Target]) -> None:
    """Put values that rules are told apart by into a request, in place of what it says there; seldom leave one out."""
    for target in targets:
        found = _holder(draw, made, request, target)
        if found is None or draw.chance(15):
            continue
        holder, name = found
        if draw.chance(4):
            holder.pop(name, None)
        else:
            holder[name] = draw.pick(JUNK) if draw.chance(2) else draw.pick(target.values)


def _holder(draw: Draw, made: Made, request: JSON, target: Target) -> tuple[dict[str, JSON], str] | None:
    """Return what holds a value in a request, and its spelling there; None where this request can have none."""
    if target.root == "context":
        return request.setdefault("context", {}), made.schema.context[target.name].external
    if target.root == "args":
        action = next(a for a in made.schema.actions.values() if a.external == request["action"]["name"])
        parameter = action.params.get(target.name)
        return None if parameter is None else (request["action"].setdefault("properties", {}), parameter.external)
    entity = request["resource"] if target.root == "resource" else _principal(draw, request["subject"], target.root)
    if entity is None:
        return None
    kind = next(k for k in made.schema.kinds.values() if k.external == entity["type"])
    attribute = kind.attrs.get(target.name)
    return None if attribute is None else (entity.setdefault("properties", {}), attribute.external)


def _principal(draw: Draw, subject: JSON, root: str) -> JSON:
    if root == "delegator":
        return subject.get("on_behalf_of")
    while root == "subject" and "on_behalf_of" in subject and draw.chance(40):
        subject = subject["on_behalf_of"]
    return subject

