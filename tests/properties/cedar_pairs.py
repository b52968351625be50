"""Random policies as text in Cedar and in Kynara at once, with entities and requests: what both languages can say.

Every expression is written twice where it is drawn, once in each language, so neither text is made from the other. What
is read may be in error: numbers overflow, and `ghost` is a user of whom nobody knows anything.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from .vocabulary import Draw

LAST = 2**63 - 1
NUMBERS = (-1, 0, 1, 2, 5, 4_611_686_018_427_387_904, LAST)
TEXTS = ("", "a", "ab", "b*", "ä")
TIMES = ("2024-01-01T00:00:00Z", "2024-01-02T12:30:00.500Z", "2024-02-29T23:59:59Z")
LENGTHS = (("1h", "1h"), ("1d", "1d"), ("90s", "90s"), ("-36h", "(-36h)"))
DECIMALS = ("0.0", "1.5", "1.5001", "99.99")
ADDRESSES = ("10.1.2.3", "192.168.0.1", "127.0.0.1", "::1", "2001:db8::7", "ff02::1")
BLOCKS = ("10.0.0.0/8", "192.168.0.0/16", "::/0", "0.0.0.0/0", "2001:db8::/32")

SCHEMA = """
entity Team in [Team];
entity Folder in [Folder];
entity User in [Team] { level: Long, name: String, tags: Set<String>, boss?: User };
entity Bot in [Team] { level: Long };
entity Doc in [Folder] {
  owner: User, size: Long, title: String, open: Bool, labels: Set<String>, note?: String,
  team: Team, teams: Set<Team>, editors: Set<User>, at: datetime, price: decimal
};
action change;
action read appliesTo { principal: [User, Bot], resource: [Doc], context: Context };
action edit, share in [change] appliesTo { principal: [User, Bot], resource: [Doc], context: Context };
type Context = { mfa: Bool, level: Long, ip: ipaddr, at: datetime, reason?: String };
"""

DECLARATIONS = """\
module pairs
subject Team in Team
subject User in Team { level: Int, name: String, tags: Set<String>, boss: User? }
subject Bot in Team { level: Int }
resource Folder in Folder
resource Doc in Folder {
  owner: User, size: Int, title: String, open: Bool, labels: Set<String>, note: String?
  team: Team, teams: Set<Team>, editors: Set<User>, at: Time, price: Decimal
}
action read on Doc
action edit, share on Doc in change
context { mfa: Bool, level: Int, ip: IP, at: Time, reason: String? }
"""

ACTIONS = ("read", "edit", "share")
KINDS = {"Team": 3, "Folder": 3, "User": 3, "Bot": 1, "Doc": 2}


@frozen
class Pair:
    """One thing said in both languages."""

    cedar: str
    kynara: str


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal_set(items: list[str]) -> Pair:
    inside = ", ".join(items)
    return Pair(f"[{inside}]", f"{{{inside}}}")


def call(method: str, subject: str, argument: str) -> str:
    return f"{subject}.{method}({argument})"


@define
class Author:
    """Writes conditions about a principal of some types."""

    draw: Draw
    principals: tuple[str, ...]
    proved: frozenset[str] = field(default=frozenset())

    def one(self, *pairs: tuple[str, str]) -> Pair:
        return Pair(*self.draw.pick(pairs))

    def entity(self, kind: str) -> str:
        return f'{kind}::"{kind.lower()}{self.draw.number(KINDS[kind] - 1)}"'

    # Values

    def number(self, depth: int) -> Pair:
        if depth == 0 or self.draw.chance(60):
            value = self.draw.pick(NUMBERS)
            written = str(value) if value >= 0 else f"({value})"
            return self.one(
                (written, written),
                ("principal.level", "subject.level"),
                ("resource.size", "resource.size"),
                ("context.level", "context.level"),
                ("resource.owner.level", "resource.owner.level"),
            )
        left, right = self.number(depth - 1), self.number(depth - 1)
        sign = self.draw.pick("+-*")
        return Pair(f"({left.cedar} {sign} {right.cedar})", f"({left.kynara} {sign} {right.kynara})")

    def text(self) -> Pair:
        value = quoted(self.draw.pick(TEXTS))
        found = [(value, value), ("resource.title", "resource.title"), ("resource.owner.name", "resource.owner.name")]
        if self.principals == ("User",):
            found.append(("principal.name", "subject.name"))
        found += [(path, path) for path in ("resource.note", "context.reason") if path in self.proved]
        return self.one(*found)

    def texts(self) -> Pair:
        if self.draw.chance(30):
            return literal_set([quoted(self.draw.pick(TEXTS)) for _ in range(1 + self.draw.number(2))])
        found = [("resource.labels", "resource.labels"), ("resource.owner.tags", "resource.owner.tags")]
        if self.principals == ("User",):
            found.append(("principal.tags", "subject.tags"))
        return self.one(*found)

    # Conditions

    def condition(self, depth: int) -> Pair:
        if depth == 0 or self.draw.chance(40):
            return self.draw.pick(self.atoms())()
        match self.draw.pick(("not", "and", "or", "if", "guard", "unless")):
            case "not":
                inner = self.condition(depth - 1)
                return Pair(f"!({inner.cedar})", f"not ({inner.kynara})")
            case "if":
                test, yes, no = (self.condition(depth - 1) for _ in range(3))
                chosen = f"(({test.kynara}) and ({yes.kynara})) or (not ({test.kynara}) and ({no.kynara}))"
                return Pair(f"(if {test.cedar} then {yes.cedar} else {no.cedar})", f"({chosen})")
            case "guard":
                return self.guarded(depth - 1, "&&", "and", "")
            case "unless":
                return self.guarded(depth - 1, "||", "or", "not")
            case word:
                left, right = self.condition(depth - 1), self.condition(depth - 1)
                sign = "&&" if word == "and" else "||"
                return Pair(f"({left.cedar} {sign} {right.cedar})", f"(({left.kynara}) {word} ({right.kynara}))")

    def guarded(self, depth: int, sign: str, word: str, negated: str) -> Pair:
        """Ask for something first, and read it only where it is there."""
        paths = ["resource.note", "context.reason"]
        if len(self.principals) > 1:
            paths.append("principal")
        path = self.draw.pick(paths)
        before = self.proved, self.principals
        if path == "principal":
            kind = self.draw.pick(self.principals)
            test = Pair(f"principal is {kind}", f"subject is {kind}")
            self.principals = (kind,)
        else:
            owner, _, name = path.partition(".")
            test = Pair(f"{owner} has {name}", f"{owner} has {name}")
            self.proved |= {path}
        inner = self.condition(depth)
        self.proved, self.principals = before
        not_cedar, not_kynara = ("!", "not ") if negated else ("", "")
        return Pair(
            f"({not_cedar}({test.cedar}) {sign} {inner.cedar})",
            f"({not_kynara}({test.kynara}) {word} ({inner.kynara}))",
        )

    def atoms(self) -> list[Any]:
        found = [
            self.compared, self.strained, self.texts_compared, self.like, self.flag, self.member, self.contained,
            self.hierarchy, self.hierarchy, self.entities, self.presence, self.decimal, self.time, self.address,
        ]  # fmt: skip
        return [*found, self.boss] if self.principals == ("User",) else found

    def compared(self) -> Pair:
        left, right, sign = self.number(2), self.number(1), self.draw.pick(("<", "<=", ">", ">=", "==", "!="))
        return Pair(f"({left.cedar} {sign} {right.cedar})", f"({left.kynara} {sign} {right.kynara})")

    def strained(self) -> Pair:
        """Compare a sum that may not fit, or what belongs to an owner who may be unknown."""
        left = self.number(1)
        return self.one(
            (f"{left.cedar} + principal.level <= 0", f"({left.kynara} + subject.level <= 0)"),
            (f"resource.size * 2 > {left.cedar}", f"(resource.size * 2 > {left.kynara})"),
            (f"resource.owner.level == {left.cedar}", f"(resource.owner.level == {left.kynara})"),
        )

    def texts_compared(self) -> Pair:
        left, right, sign = self.text(), self.text(), self.draw.pick(("==", "!="))
        return Pair(f"({left.cedar} {sign} {right.cedar})", f"({left.kynara} {sign} {right.kynara})")

    def like(self) -> Pair:
        text, glob = self.text(), quoted(self.draw.pick(("*", "a*", "*b", "a*b", "ab", "")))
        return Pair(f"{text.cedar} like {glob}", f"{text.kynara} like {glob}")

    def flag(self) -> Pair:
        return self.one(
            ("resource.open", "resource.open"), ("context.mfa", "context.mfa"), ("true", "true"), ("false", "false")
        )

    def member(self) -> Pair:
        many, one = self.texts(), self.text()
        return Pair(call("contains", many.cedar, one.cedar), f"({one.kynara} in {many.kynara})")

    def contained(self) -> Pair:
        many, more = self.texts(), self.texts()
        if self.draw.chance(30):
            return Pair(f"{many.cedar}.isEmpty()", f"({many.kynara}.size() == 0)")
        names = self.draw.pick((("containsAll", "contains_all"), ("containsAny", "contains_any")))
        return Pair(call(names[0], many.cedar, more.cedar), call(names[1], many.kynara, more.kynara))

    def hierarchy(self) -> Pair:
        who = self.one(("principal", "subject"), ("resource.owner", "resource.owner"))
        team, other = self.entity("Team"), self.entity("Team")
        folder = self.entity("Folder")
        return self.one(
            (f"{who.cedar} in {team}", f"({who.kynara} in {team})"),
            (f"{who.cedar} in [{team}, {other}]", f"({who.kynara} in {team} or {who.kynara} in {other})"),
            (f"{who.cedar} in resource.team", f"({who.kynara} in resource.team)"),
            (f"{who.cedar} in resource.teams", f"(any g in resource.teams: {who.kynara} in g)"),
            (f"resource.team in {team}", f"(resource.team in {team})"),
            (f"resource in {folder}", f"(resource in {folder})"),
            (f"resource is Doc in {folder}", f"(resource is Doc and resource in {folder})"),
        )

    def entities(self) -> Pair:
        user, doc = self.entity("User"), self.entity("Doc")
        found = [
            (f"resource == {doc}", f"(resource == {doc})"),
            (f"resource.owner != {user}", f"(resource.owner != {user})"),
            (f"resource.editors.contains({user})", f"({user} in resource.editors)"),
            ("resource.editors.contains(resource.owner)", "(resource.owner in resource.editors)"),
        ]
        if "User" in self.principals:
            found += [
                ("principal == resource.owner", "(subject == resource.owner)"),
                (f"principal == {user}", f"(subject == {user})"),
                ("resource.editors.contains(principal)", "(subject in resource.editors)"),
            ]
        return self.one(*found)

    def presence(self) -> Pair:
        return self.one(
            ("resource has note", "(resource has note)"),
            ("context has reason", "(context has reason)"),
            ("resource.owner has boss", "(resource.owner has boss)"),
        )

    def boss(self) -> Pair:
        number = self.number(1)
        return Pair(
            f"(principal has boss && principal.boss.level < {number.cedar})",
            f"(subject has boss and subject.boss.level < {number.kynara})",
        )

    def decimal(self) -> Pair:
        value = self.draw.pick(DECIMALS)
        written = f'decimal("{value}")'
        return self.one(
            (f"resource.price.lessThan({written})", f"(resource.price < {value})"),
            (f"resource.price.greaterThanOrEqual({written})", f"(resource.price >= {value})"),
            (f"resource.price == {written}", f"(resource.price == {value})"),
        )

    def time(self) -> Pair:
        time, (length, written) = self.draw.pick(TIMES), self.draw.pick(LENGTHS)
        sign = self.draw.pick(("<", "<=", ">", ">="))
        return self.one(
            (f'resource.at {sign} datetime("{time}")', f"(resource.at {sign} {time})"),
            (f"resource.at {sign} context.at", f"(resource.at {sign} context.at)"),
            (
                f'resource.at.offset(duration("{length}")) {sign} context.at',
                f"(resource.at + {written} {sign} context.at)",
            ),
            (
                f'context.at.durationSince(resource.at) {sign} duration("{length}")',
                f"(context.at - resource.at {sign} {written})",
            ),
        )

    def address(self) -> Pair:
        block, address = self.draw.pick(BLOCKS), self.draw.pick(ADDRESSES)
        return self.one(
            (f'context.ip.isInRange(ip("{block}"))', f'(context.ip within "{block}")'),
            (f'context.ip == ip("{address}")', f'(context.ip == "{address}")'),
            ("context.ip.isLoopback()", '(context.ip within {"127.0.0.0/8", "::1/128"})'),
            ("context.ip.isMulticast()", '(context.ip within {"224.0.0.0/4", "ff00::/8"})'),
            ("context.ip.isIpv4()", '(context.ip within "0.0.0.0/0")'),
        )


def rule(draw: Draw, name: str) -> Pair:
    """Write one policy."""
    effect = draw.pick(("permit", "forbid"))
    everybody = ("User", "Bot")
    team, folder = f'Team::"team{draw.number(2)}"', f'Folder::"folder{draw.number(2)}"'
    principal, subject, principals = draw.pick((
        ("principal", "User, Bot", everybody),
        ("principal is User", "User", ("User",)),
        ("principal is Bot", "Bot", ("Bot",)),
        (f"principal in {team}", f"User in {team}, Bot in {team}", everybody),
        (f"principal is User in {team}", f"User in {team}", ("User",)),
        ('principal == User::"user0"', 'User::"user0"', ("User",)),
    ))  # fmt: skip
    action, actions = draw.pick((
        ("action", "any"),
        ('action == Action::"read"', "read"),
        ('action in Action::"change"', "change"),
        ('action in [Action::"read", Action::"share"]', "read, share"),
    ))  # fmt: skip
    head, resource = draw.pick((
        ("resource", "any"),
        ("resource is Doc", "Doc"),
        (f"resource in {folder}", f"Doc in {folder}"),
        ('resource == Doc::"doc0"', 'Doc::"doc0"'),
    ))  # fmt: skip
    author = Author(draw, principals)
    whens = [author.condition(2) for _ in range(draw.number(2))]
    unlesses = [author.condition(1) for _ in range(draw.number(1))]
    clauses = [f"subject {subject}", f"action {actions}", f"resource {resource}"]
    rest = whens
    if effect == "permit":
        clauses.append(f"scope {whens[0].kynara}" if whens else 'scope any "drawn without one"')
        rest = whens[1:]
    clauses += [f"when {one.kynara}" for one in rest]
    clauses += [f"unless {one.kynara}" for one in unlesses]
    text = f"{effect} ({principal}, {action}, {head})"
    text += "".join(f"\nwhen {{ {one.cedar} }}" for one in whens)
    text += "".join(f"\nunless {{ {one.cedar} }}" for one in unlesses)
    return Pair(f"{text};\n", f"{effect} {name} {{\n  " + "\n  ".join(clauses) + "\n}\n")


def policies(draw: Draw) -> Pair:
    """Write a program."""
    rules = [rule(draw, f"policy{i}") for i in range(1 + draw.number(4))]
    if draw.chance(50):  # so that what is forbidden, or not, makes a difference
        name = f"policy{len(rules)}"
        everything = (
            f'permit {name} {{ subject User, Bot  action any  resource any  scope any "so that forbids count" }}\n'
        )
        rules.append(Pair("permit (principal, action, resource);\n", everything))
    return Pair("".join(one.cedar for one in rules), DECLARATIONS + "".join(one.kynara for one in rules))


# Data


@define
class Facts:
    """What there is, as Cedar's JSON has it; `kynara` is the same for the entity store."""

    draw: Draw
    cedar: list[Any] = field(factory=list)
    kynara: list[Any] = field(factory=list)

    def user(self) -> dict[str, str]:
        number = self.draw.number(3)
        return {"type": "User", "id": "ghost" if number == 3 else f"user{number}"}

    def add(
        self, kind: str, number: int, attrs: dict[str, Any], properties: dict[str, Any], parents: list[Any]
    ) -> None:
        uid = {"type": kind, "id": f"{kind.lower()}{number}"}
        self.cedar.append({"uid": uid, "attrs": attrs, "parents": parents})
        self.kynara.append({**uid, "properties": properties, "roles": [], "parents": parents})

    def some(self, kind: str, below: int) -> list[dict[str, str]]:
        numbers = [n for n in range(below) if self.draw.chance(40)]
        return [{"type": kind, "id": f"{kind.lower()}{n}"} for n in numbers]

    def texts(self) -> list[str]:
        return sorted({self.draw.pick(TEXTS) for _ in range(self.draw.number(2))})

    def level(self) -> int:
        return self.draw.pick(NUMBERS)

    def fill(self) -> None:
        group = {"type": "Action", "id": "change"}
        for action in ACTIONS:  # without a schema, actions and their groups are known from entities alone
            parents = [] if action == "read" else [group]
            self.cedar.append({"uid": {"type": "Action", "id": action}, "attrs": {}, "parents": parents})
        for kind in ("Team", "Folder"):
            for number in range(KINDS[kind]):
                self.add(kind, number, {}, {}, self.some(kind, number))
        for number in range(KINDS["User"]):
            attrs: dict[str, Any] = {"level": self.level(), "name": self.draw.pick(TEXTS), "tags": self.texts()}
            boss = self.user() if self.draw.chance(50) else None
            entity = {"boss": {"__entity": boss}} if boss else {}
            plain = {"boss": boss} if boss else {}
            self.add("User", number, {**attrs, **entity}, {**attrs, **plain}, self.some("Team", 3))
        self.add("Bot", 0, level := {"level": self.level()}, level, self.some("Team", 3))
        for number in range(KINDS["Doc"]):
            self.doc(number)
        # Cedar takes an entity that it does not know for one that is in nothing and has nothing.
        self.kynara.append({"type": "User", "id": "ghost", "properties": {}, "roles": [], "parents": []})

    def doc(self, number: int) -> None:
        attrs: dict[str, Any] = {
            "size": self.level(),
            "title": self.draw.pick(TEXTS),
            "open": self.draw.chance(50),
            "labels": self.texts(),
            **({"note": self.draw.pick(TEXTS)} if self.draw.chance(50) else {}),
        }
        owner, team = self.user(), {"type": "Team", "id": f"team{self.draw.number(2)}"}
        teams, editors = self.some("Team", 3), [self.user() for _ in range(self.draw.number(2))]
        at, price = self.draw.pick(TIMES), self.draw.pick(DECIMALS)
        cedar = {
            "owner": {"__entity": owner},
            "team": {"__entity": team},
            "teams": [{"__entity": one} for one in teams],
            "editors": [{"__entity": one} for one in editors],
            "at": {"__extn": {"fn": "datetime", "arg": at}},
            "price": {"__extn": {"fn": "decimal", "arg": price}},
        }
        plain = {"owner": owner, "team": team, "teams": teams, "editors": editors, "at": at, "price": price}
        self.add("Doc", number, {**attrs, **cedar}, {**attrs, **plain}, self.some("Folder", 3))


def exemplars() -> list[Any]:
    """Entities that show every attribute and parent that there can be, for an import without a schema."""

    def one(kind: str, parent: str, **attrs: Any) -> Any:
        return {"uid": {"type": kind, "id": "all"}, "attrs": attrs, "parents": [{"type": parent, "id": "all"}]}

    user, team = {"__entity": {"type": "User", "id": "all"}}, {"__entity": {"type": "Team", "id": "all"}}
    at, price = {"__extn": {"fn": "datetime", "arg": TIMES[0]}}, {"__extn": {"fn": "decimal", "arg": "1.0"}}
    plain = {"size": 1, "title": "", "open": True, "labels": ["a"], "note": ""}
    return [
        {"uid": {"type": kind, "id": "top"}, "attrs": {}, "parents": []} for kind in ("Team", "Folder")
    ] + [
        {"uid": {"type": kind, "id": "all"}, "attrs": {}, "parents": [{"type": kind, "id": "top"}]}
        for kind in ("Team", "Folder")
    ] + [
        one("User", "Team", level=1, name="", tags=["a"], boss=user),
        one("Bot", "Team", level=1),
        one("Doc", "Folder", **plain, owner=user, team=team, teams=[team], editors=[user], at=at, price=price),
    ]  # fmt: skip


def request(draw: Draw) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask the same of both."""
    subject = draw.pick(({"type": "User", "id": f"user{draw.number(2)}"}, {"type": "Bot", "id": "bot0"}))
    resource = {"type": "Doc", "id": f"doc{draw.number(1)}"}
    action, ip, at = draw.pick(ACTIONS), draw.pick(ADDRESSES), draw.pick(TIMES)
    plain: dict[str, Any] = {"mfa": draw.chance(50), "level": draw.pick(NUMBERS)}
    if draw.chance(50):
        plain["reason"] = draw.pick(TEXTS)
    extensions = {"ip": {"__extn": {"fn": "ip", "arg": ip}}, "at": {"__extn": {"fn": "datetime", "arg": at}}}
    cedar = {"principal": subject, "action": {"type": "Action", "id": action}, "resource": resource}
    kynara = {"subject": subject, "action": {"name": action}, "resource": resource}
    return {**cedar, "context": {**plain, **extensions}}, {**kynara, "context": {**plain, "ip": ip, "at": at}}
