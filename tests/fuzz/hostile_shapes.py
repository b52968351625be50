"""Families of hostile input that can be made of any size: policies, requests and entity stores.

Each has a name, the size to begin with, the largest size, and what makes the text of a size.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Shape = tuple[int, int, Callable[[int], str]]

HEAD = """\
subject User { name: String, level: Int, tags: Set<String>, ok: Bool }
resource Doc { name: String, level: Int, at: Path, host: Host, ip: IP }
action read, write on Doc (n: Int, s: String)
"""
NOW = "2026-11-22T10:00:00Z"


def rule(name: str, *clauses: str, effect: str = "forbid") -> str:
    """Write a rule."""
    scope = ' scope any "t"' if effect == "permit" else ""
    return f"{effect} {name} {{ subject User action read resource Doc{scope} {' '.join(clauses)} }}"


def rules(n: int, clause: Callable[[int], str], effect: str = "forbid", between: str = "\n") -> str:
    """Write many rules."""
    return HEAD + between.join(rule(f"f{i}", clause(i), effect=effect) for i in range(n)) + "\n"


def one(clause: str) -> str:
    """Write one rule."""
    return HEAD + rule("f", clause) + "\n"


def many(n: int, item: Callable[[int], str], between: str) -> str:
    """Write many of something."""
    return between.join(item(i) for i in range(n))


def tree(n: int, depth: int = 0) -> str:
    """Write a balanced tree of `or` and `and` in turn."""
    if n <= 1:
        return f"args.n == {depth}"
    word = "or" if depth % 2 else "and"
    return f"({tree(n // 2, depth + 1)}\n {word} {tree(n - n // 2, depth + 1)})"


def doubling(n: int) -> str:
    """Write predicates each of which is used twice by the next."""
    lets = many(n, lambda i: f"let p{i + 1}(x: User) = p{i}(x) or p{i}(x)", "\n")
    return f"{HEAD}let p0(x: User) = x.level > 1\n{lets}\n{rule('f', f'when p{n}(subject)')}\n"


def nested(n: int) -> str:
    """Write predicates each of which is used by the next."""
    lets = many(n, lambda i: f"let p{i + 1}(x: User) = p{i}(x)", "\n")
    return f"{HEAD}let p0(x: User) = x.level > 1\n{lets}\n{rule('f', f'when p{n}(subject)')}\n"


POLICIES: dict[str, Shape] = {
    "many rules": (50, 3200, lambda n: rules(n, lambda i: f"when args.n == {i}")),
    "many rules on one line": (50, 900, lambda n: rules(n, lambda i: f"when args.n == {i}", between=" ")),
    "permits and forbids in pairs": (100, 1600, lambda n: rules(n, lambda i: f"when args.n == {i}", effect="permit") + rules(n, lambda i: f"when args.n == {i}").removeprefix(HEAD).replace("forbid f", "forbid g")),
    "parentheses": (20, 20_000, lambda n: one("when " + "(" * n + "args.n == 1" + ")" * n)),
    "an or chain": (50, 12_800, lambda n: one("when " + many(n, lambda i: f"args.n == {i}", "\n or "))),
    "an and chain": (50, 12_800, lambda n: one("when " + many(n, lambda i: f"args.n != {i}", "\n and "))),
    "an or chain on one line": (50, 3_200, lambda n: one("when " + many(n, lambda i: f"args.n == {i}", " or "))),
    "a tree of and and or": (50, 6400, lambda n: one(f"when {tree(n)}")),
    "clauses": (50, 6400, lambda n: one(many(n, lambda i: f"when args.n != {i}", "\n"))),
    "lets that double": (4, 512, doubling),
    "predicates nested": (20, 2560, nested),
    "predicates": (50, 3200, lambda n: HEAD + many(n, lambda i: f"let p{i}(u: User) = u.level > {i}\n", "") + rule("f", "when " + many(n, lambda i: f"p{i}(subject)", "\n or ")) + "\n"),
    "a long string": (1000, 64_000, lambda n: one(f'when args.s == "{"a" * n}"')),
    "escapes in a string": (1000, 45_000, lambda n: one('when args.s == "' + "\\n" * n + '"')),
    "comments": (500, 64_000, lambda n: HEAD + "# a comment\n" * n + rule("f") + "\n"),
    "comments at the ends of lines": (200, 12_800, lambda n: one("when " + many(n, lambda i: f"args.n == {i} # c{i}", "\n or "))),
    "documentation": (500, 64_000, lambda n: HEAD + "## doc\n" * n + rule("f") + "\n"),
    "empty lines": (1000, 256_000, lambda n: HEAD + "\n" * n + rule("f") + "\n"),
    "a long line of blanks": (1000, 90_000, lambda n: HEAD + " " * n + rule("f") + "\n"),
    "long lines": (2, 64, lambda n: HEAD + f"# {'x' * 90_000}\n" * n + rule("f") + "\n"),
    "unterminated strings": (20, 20_000, lambda n: HEAD + 'let a = "x\n' * n),
    "a long unterminated string": (1000, 90_000, lambda n: HEAD + 'let a = "' + "x" * n),
    "open braces": (20, 20_000, lambda n: HEAD + "permit p {\n" * n),
    "closing braces": (20, 20_000, lambda n: HEAD + "}\n" * n),
    "declarations that do not parse": (10, 2_560, lambda n: HEAD + "permit p { subject }\n" * n),
    "clauses that do not parse": (10, 2_560, lambda n: HEAD + "forbid f {\n subject User action read resource Doc\n" + "  when and\n" * n + "}\n"),
    "words that nobody knows": (50, 12_800, lambda n: HEAD + "foo bar\n" * n),
    "characters that nobody knows": (50, 12_800, lambda n: HEAD + "?\n" * n),
    "type errors": (20, 2_560, lambda n: rules(n, lambda i: f'when args.n == "{i}"')),
    "unknown names": (20, 2_560, lambda n: rules(n, lambda i: f"when args.nn{i} == 1")),
    "unknown roles beside known ones": (160, 2_560, lambda n: HEAD + many(n, lambda i: f"role abcdefgh{i}\n", "") + many(n, lambda i: f"role x{i} extends abcdefghx{i}\n", "")),
    "names declared twice": (50, 6_400, lambda n: HEAD + "role r\n" * n),
    "names that are alike": (50, 3_200, lambda n: HEAD + many(n, lambda i: f"role l{'I1l'[i % 3]}{i}\n", "")),
    "globs in many rules": (25, 3200, lambda n: rules(n, lambda i: f'when args.s like "{"a" * (i % 30)}*{"b" * (i // 30)}"')),
    "stars in one glob": (100, 51_200, lambda n: one('when args.s like "' + "a*" * n + '"')),
    "overlapping paths": (25, 1600, lambda n: rules(n, lambda i: f'when resource.at within "/{"/".join("a" * (i % 40 + 1))}/{i}"')),
    "overlapping hosts": (25, 1600, lambda n: rules(n, lambda i: f'when resource.host within "{"a." * (i % 40)}h{i}.example"')),
    "overlapping blocks": (25, 1600, lambda n: rules(n, lambda i: f'when resource.ip within "10.{i % 256}.0.0/16"')),
    "overlapping ranges": (25, 1600, lambda n: rules(n, lambda i: f"when args.n > {i} and args.n < {i + 500}")),
    "rules that are alike": (25, 1600, lambda n: rules(n, lambda i: "when args.n == 1")),
    "a large set": (100, 25_600, lambda n: one("when args.n in {" + many(n, str, ",\n") + "}")),
    "a long enum": (100, 12_800, lambda n: HEAD + "type E = " + many(n, lambda i: f'"v{i}"', " |\n ") + "\nsubject Other { e: E }\n"),
    "roles in a chain": (50, 25_600, lambda n: "role r0\n" + many(n, lambda i: f"role r{i + 1} extends r{i}\n", "") + one("when subject holds r0")),
    "roles that extend all before": (20, 320, lambda n: "role r0\n" + many(n, lambda i: f"role r{i + 1} extends {many(i + 1, lambda j: f'r{j}', ', ')}\n", "") + one("when subject holds r0")),
    "types in a chain": (20, 10_240, lambda n: "resource T0\n" + many(n, lambda i: f"resource T{i + 1} in T{i}\n", "") + one('when resource in T0::"a"').replace("resource Doc {", "resource Doc in T1 {")),
    "types": (20, 640, lambda n: many(n, lambda i: f"resource T{i} {{ a: Int }}\n", "") + HEAD + "forbid f { subject User action any resource any }\n"),
    "attributes": (50, 6400, lambda n: HEAD + "resource T {" + many(n, lambda i: f"a{i}: Int", ",\n") + "}\n"),
    "actions": (50, 1600, lambda n: HEAD + many(n, lambda i: f"action a.b{i} on Doc\n", "") + "forbid f { subject User action a.* resource any }\n"),
    "actions and rules for any": (10, 320, lambda n: HEAD + many(n, lambda i: f"action a.b{i} on Doc\n", "") + many(n, lambda i: f"forbid f{i} {{ subject any action any resource any when resource.level == {i} }}\n", "")),
    "action names with many parts": (50, 12_800, lambda n: HEAD + "action a" + ".b" * n + " on Doc\n"),
    "imports": (20, 5_120, lambda n: "import std.tenancy\n" * n + HEAD),
    "suppressions": (20, 2560, lambda n: HEAD + many(n, lambda i: f'# kynara: ignore[KYN305] reason="x"\n{rule(f"f{i}", f"when args.n == {i}")}\n', "")),
    "tests": (20, 1280, lambda n: HEAD + 'fixture u = User::"u" { name: "", level: 1, tags: {}, ok: true }\nfixture d = Doc::"d"\n' + many(n, lambda i: f'test "t{i}" {{ given u expect deny read(n: {i}, s: "") on d }}\n', "")),
    "huge numbers": (100, 90_000, lambda n: one(f"when args.n == {'9' * n}")),
    "decimals with many digits": (100, 90_000, lambda n: one(f"when args.n == 0.{'9' * n}")),
    "a long host": (100, 45_000, lambda n: one(f'when resource.host within "{"a." * n}b"')),
    "a long international host": (10, 20_000, lambda n: one(f'when resource.host within "{"ü" * n}.example"')),
    "a long path": (100, 45_000, lambda n: one(f'when resource.at within "{"/a" * n}"')),
    "a path that climbs": (100, 15_000, lambda n: one(f'when resource.at within "{"/a/.." * n}"')),
    "a long name": (100, 90_000, lambda n: HEAD + f"role {'a' * n}\n"),
    "bidirectional characters": (100, 45_000, lambda n: HEAD + "# " + "\u202e" * n + "\n"),
    "confusable letters": (100, 25_600, lambda n: one('when args.s in {' + many(n, lambda i: f'"pa{chr(0x430)}l{i}"', ",\n") + "}")),
}  # fmt: skip

PROVED: dict[str, Shape] = {
    "rules": (16, 512, lambda n: rules(n, lambda i: f"when args.n == {i}", effect="permit")),
    "globs in one rule": (4, 256, lambda n: one("when " + many(n, lambda i: f'args.s like "*a{i}*b*"', "\n or "))),
    "overlapping ranges": (16, 512, lambda n: rules(n, lambda i: f"when args.n > {i} and args.n < {i + 500}")),
    "overlapping paths": (16, 512, lambda n: rules(n, lambda i: f'when resource.at within "/{"/".join("a" * (i % 40 + 1))}/{i}"')),
    "a tree of and and or": (64, 4096, lambda n: one(f"when {tree(n)}")),
    "products": (8, 256, lambda n: one("when " + many(n, lambda i: "args.n * args.n * args.n == subject.level * resource.level", "\n or "))),
    "invariants": (8, 256, lambda n: rules(4, lambda i: f"when args.n > {i}", effect="permit") + many(n, lambda i: f"invariant i{i} {{ never allow subject User action read resource Doc when args.n < {-i} }}\n", "")),
    "types and actions for any": (8, 128, lambda n: HEAD + many(n, lambda i: f"resource T{i} {{ a: Int }}\naction x{i} on T{i}\n", "") + many(n, lambda i: f"forbid f{i} {{ subject any action any resource any when subject.level == {i} }}\n", "")),
}  # fmt: skip


# --- requests


def request(**changes: Any) -> dict[str, Any]:
    """Write a request that a fuzzed program knows, with members in place of its own."""
    made: dict[str, Any] = {
        "subject": {"type": "user", "id": "u", "properties": {"tenant": "a", "level": 2, "tags": []}, "roles": ["reader"]},
        "action": {"name": "docs:send", "properties": {"to": ["a@example.com"], "amount": "1.00"}},
        "resource": {"type": "Doc", "id": "d", "properties": {"tenant": "a", "at": "/work/a", "meta": {"size": 1}}},
        "context": {"now": NOW},
    }
    return {**made, **changes}


def subject(**changes: Any) -> str:
    """Write a request whose subject is changed."""
    return json.dumps(request(subject={**request()["subject"], **changes}), ensure_ascii=False)


def resource(**properties: Any) -> str:
    """Write a request whose resource has other properties."""
    made = request()
    made["resource"]["properties"] |= properties
    made["resource"]["parents"] = [{"type": "Folder", "id": "open"}]
    return json.dumps(made, ensure_ascii=False)


def sent(**arguments: Any) -> str:
    """Write a request with other arguments."""
    made = request()
    made["action"]["properties"] |= arguments
    return json.dumps(made, ensure_ascii=False)


def inside(n: int, make: Callable[[Any, int], Any], inner: Any) -> Any:
    """Nest something."""
    for i in range(n):
        inner = make(inner, i)
    return inner


def deep(n: int, opening: str, closing: str) -> str:
    """Write a request with a deeply nested member nobody reads."""
    return json.dumps(request())[:-1] + ', "x": ' + opening * n + "1" + closing * n + "}"


def chain(n: int) -> str:
    """Write a chain of principals."""
    people = inside(n, lambda below, i: {"type": "user", "id": f"u{i}", **({"on_behalf_of": below} if below else {})}, None)
    return subject(on_behalf_of=people)


def parents_inside(n: int) -> str:
    """Write parents that have parents."""
    return subject(parents=[inside(n, lambda above, i: {"type": "Folder", "id": f"f{i}", "parents": [above]}, {"type": "Folder", "id": "f"})])


REQUESTS: dict[str, Shape] = {
    "deep lists": (16, 1_000_000, lambda n: deep(n, "[", "]")),
    "deep objects": (16, 500_000, lambda n: deep(n, '{"a":', "}")),
    "brackets that do not close": (1000, 4_000_000, lambda n: "[" * n),
    "brackets that open and close": (1000, 1_000_000, lambda n: "[" + "[]," * n + "[]]"),
    "wide objects": (1000, 256_000, lambda n: json.dumps(request(x={f"k{i}": i for i in range(n)}))),
    "undeclared properties": (1000, 128_000, lambda n: subject(properties={**request()["subject"]["properties"], **{f"k{i}": i for i in range(n)}})),
    "undeclared members": (100, 12_800, lambda n: json.dumps({**request(), **{f"contex{i}": i for i in range(n)}})),
    "a large set": (1000, 128_000, lambda n: subject(properties={**request()["subject"]["properties"], "tags": [f"t{i}" for i in range(n)]})),
    "a set of mail addresses": (500, 32_000, lambda n: sent(to=[f"a@b{i}.example.com" for i in range(n)])),
    "roles": (1000, 128_000, lambda n: subject(roles=[f"r{i}" for i in range(n)])),
    "parents": (500, 64_000, lambda n: subject(parents=[{"type": "Team", "id": f"t{i}"} for i in range(n)])),
    "parents of parents": (5, 160, parents_inside),
    "a chain": (4, 256, chain),
    "a long path": (1000, 512_000, lambda n: resource(at="/a" * n)),
    "a path that climbs": (1000, 256_000, lambda n: resource(at="/a/.." * n)),
    "a path of slashes": (1000, 512_000, lambda n: resource(at="/" * n)),
    "a long url": (1000, 512_000, lambda n: resource(link="https://a.example/" + "a/" * n)),
    "a url of escapes": (1000, 256_000, lambda n: resource(link="https://a.example/" + "%2e" * n)),
    "a url of at signs": (1000, 512_000, lambda n: resource(link="https://" + "a@" * n + "b/")),
    "a long host": (1000, 512_000, lambda n: resource(link="https://" + "a." * n + "b/")),
    "a long international host": (100, 256_000, lambda n: resource(link="https://" + "ü" * n + ".example/")),
    "a host of dots": (1000, 512_000, lambda n: resource(link="https://" + "." * n + "/")),
    "a long mail address": (1000, 512_000, lambda n: sent(to=["a" * n + "@example.com"])),
    "a mail address of at signs": (1000, 512_000, lambda n: sent(to=["a@" * n + "example.com"])),
    "a long ip": (1000, 512_000, lambda n: json.dumps(request(context={"now": NOW, "ip": "1" * n}))),
    "an ip of colons": (1000, 512_000, lambda n: json.dumps(request(context={"now": NOW, "ip": ":" * n}))),
    "a long time": (1000, 512_000, lambda n: json.dumps(request(context={"now": "2026-11-22T10:00:00." + "0" * n + "Z"}))),
    "a long decimal": (1000, 512_000, lambda n: sent(amount="0." + "0" * n)),
    "a long number": (1000, 512_000, lambda n: json.dumps(request()).replace('"level": 2', '"level": ' + "9" * n)),
    "a large exponent": (1, 10**9, lambda n: json.dumps(request()).replace('"1.00"', f"1e{n}")),
    "a long identifier": (1000, 1_024_000, lambda n: subject(id="a" * n)),
    "an identifier of combining marks": (1000, 512_000, lambda n: subject(id="a" + "\u0301" * n)),
    "a long action": (1000, 512_000, lambda n: json.dumps(request(action={"name": "docs:" + "a" * n}))),
    "a long type": (1000, 512_000, lambda n: subject(type="u" * n)),
    "escapes": (1000, 256_000, lambda n: '{"x": "' + "\\u0041" * n + '"}'),
    "backslashes": (1000, 512_000, lambda n: '{"x": "' + "\\\\" * n + '"}'),
    "keys that are alike": (1000, 256_000, lambda n: "{" + ",".join('"a": 1' for _ in range(n)) + "}"),
    "blanks": (1000, 1_024_000, lambda n: " " * n + json.dumps(request())),
}  # fmt: skip


# --- entity stores


def store(items: list[dict[str, Any]]) -> str:
    """Write a store with somebody in it who can be asked for."""
    here = {"type": "Doc", "id": "d0", "properties": {"tenant": "a", "at": "/work/a", "meta": {"size": 1}}, "parents": [{"type": "Folder", "id": "f0"}]}
    who = {"type": "user", "id": "u0", "properties": {"tenant": "a", "level": 3, "tags": []}, "parents": [{"type": "Team", "id": "t0"}]}
    return json.dumps([here, who, *items])


def folders(n: int, parents: Callable[[int], list[int]]) -> str:
    """Write folders that are in others."""
    return store([{"type": "Folder", "id": f"f{i}", "parents": [{"type": "Folder", "id": f"f{p}"} for p in parents(i)]} for i in range(n)])


def users(n: int, **members: Any) -> str:
    """Write users that are alike."""
    properties = {"tenant": "a", "level": 1, "tags": ["x"], **members.pop("properties", {})}
    return store([{"type": "user", "id": f"v{i}", "properties": properties, **members} for i in range(n)])


ENTITIES: dict[str, Shape] = {
    "users": (250, 16_000, users),
    "a deep hierarchy": (500, 32_000, lambda n: folders(n, lambda i: [i + 1] if i + 1 < n else [])),
    "a circle": (500, 32_000, lambda n: folders(n, lambda i: [(i + 1) % n])),
    "a wide hierarchy": (500, 32_000, lambda n: folders(n, lambda i: [0] if i else [])),
    "one in all": (500, 32_000, lambda n: folders(n, lambda i: list(range(1, n)) if i == 0 else [])),
    "a ladder": (250, 16_000, lambda n: folders(n, lambda i: [j for j in (i + 1, i + 2) if j < n])),
    "layers of twenty": (100, 6_400, lambda n: folders(n, lambda i: [j for j in range((i // 20 + 1) * 20, (i // 20 + 2) * 20) if j < n])),
    "roles of one": (500, 64_000, lambda n: users(1, roles=[f"r{i}" for i in range(n)])),
    "roles of all": (100, 6_400, lambda n: users(n, roles=["reader", "the-writer", "nobody"])),
    "owners in a chain": (500, 16_000, lambda n: store([{"type": "user", "id": f"v{i}", "properties": {"tenant": "a", "level": 1, "tags": [], "owner": {"type": "user", "id": f"v{i + 1}"}}} for i in range(n)])),
    "unknown types": (500, 32_000, lambda n: store([{"type": f"T{i}", "id": "a"} for i in range(n)])),
    "types that are nearly known": (100, 6_400, lambda n: store([{"type": "usr", "id": f"a{i}"} for i in range(n)])),
    "entries twice": (500, 32_000, lambda n: store([{"type": "user", "id": "a"} for _ in range(n)])),
    "entries that are wrong": (500, 32_000, lambda n: store([{"type": "user", "id": f"a{i}", "properties": {"level": "x"}} for i in range(n)])),
}  # fmt: skip
