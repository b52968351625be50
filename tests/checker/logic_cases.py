"""Random rules about few values, and random requests with the same few values, so that rules contradict and imply.

Every program is about two or three topics, such as the size of a document or who owns it; each condition tests some of
them against constants that lie next to each other. Requests take their values from the same constants.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from attrs import frozen

from tests.properties.vocabulary import Draw

SCHEMA = """\
trait Tenanted { tenant: String }
subject Team in Team
subject User in Team is Tenanted { level: Int  manager: Bool  boss: User?  tags: Set<String>  grade: "low" | "mid" | "high" }
subject Bot is Tenanted { owner: User  grade: "low" | "high"  tags: String }
resource Folder in Folder is Tenanted { size: Int }
resource Doc in Folder is Tenanted {
  owner: User  size: Int  price: Decimal  title: String  path: Path  host: Host  ip: IP  mail: Email  url: Url
  made: Time  kept: Duration  labels: Set<String>  readers: Set<User>  note: String?  status: "draft" | "final" | "void"
  open: Bool  last: { by: User, at: Int, why: String? }
}
action read, write on Doc in doc_actions
action share on Doc (days: Int, why: String?, to: Set<String>)
action list on Folder
action look on Doc, Folder
context { ip: IP  mfa: Bool }
role staff
role lead extends staff
role guest
let one = 1
let few = {"a", "b"}
let same(a: Tenanted, b: Tenanted) = a.tenant == b.tenant
let owned(u: User, d: Doc) = u == d.owner and d.size >= one
let small(n: Int) = n < 3 and n != one
let any_label(d: Doc, t: String) = any l in d.labels: l == t or l like "b*"
"""

NUMBERS = ("0", "1", "2", "3", "4")
PRICES = ("1.00", "1.5", "2.00")
TIMES = ("2026-01-01", "2026-01-01T00:00:00.000000001Z", "2026-06-01")
DURATIONS = ("0s", "1h", "2h")
TEXTS = ("", "a", "b", "ab", "ba", "abb")
GLOBS = ("*", "a*", "*b", "ab*", "a*b", "*a*", "b*", "ab", "**b")
PATHS = ("/", "/a", "/a/b", "/ab", "x", ".", "x/y")
HOSTS = ("org", "x.org", "a.x.org", "y.org", "ax.org")
IPS = ("10.0.0.1", "10.0.0.2", "10.1.0.1", "11.0.0.0", "::1")
BLOCKS = ("10.0.0.0/8", "10.0.0.0/16", "10.0.0.1", "10.0.0.0/31", "0.0.0.0/0", "::/0", "::1")
MAILS = ("a@x.org", "b@x.org", "a@y.org")
URLS = ("https://x.org/a", "https://x.org:8443/a/b", "foo://y.org/x")
IDS = ("a", "b")
COMPARED = ("==", "!=", "<", "<=", ">", ">=")


def _listed(draw: Draw, items: tuple[str, ...]) -> str:
    return "{" + ", ".join(draw.pick(items) for _ in range(draw.number(3))) + "}"


def _quoted(items: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'"{item}"' for item in items)


def _ordered(draw: Draw, value: str, constants: tuple[str, ...]) -> str:
    return draw.pick(
        (
            f"{value} {draw.pick(COMPARED)} {draw.pick(constants)}",
            f"{draw.pick(constants)} {draw.pick(COMPARED)} {value}",
            f"{value} {draw.pick(('in', 'not in'))} {_listed(draw, constants)}",
        )
    )


def _of_text(draw: Draw, value: str) -> str:
    texts = _quoted(TEXTS)
    method = draw.pick(("starts_with", "ends_with", "contains"))
    return draw.pick(
        (
            f"{value} {draw.pick(('==', '!='))} {draw.pick(texts)}",
            f"{value} {draw.pick(('in', 'not in'))} {draw.pick((_listed(draw, texts), 'few'))}",
            f'{value} like "{draw.pick(GLOBS)}"',
            f"{value}.{method}({draw.pick(texts)})",
            f"{value}.length() > {draw.pick(NUMBERS)}",
        )
    )


def _within(draw: Draw, value: str, constants: tuple[str, ...]) -> str:
    places = _quoted(constants)
    return draw.pick((f"{value} within {draw.pick(places)}", f"{value} within {_listed(draw, places)}"))


def _contained(draw: Draw, value: str, constants: tuple[str, ...]) -> str:
    texts = _quoted(constants)
    same = f"{value} {draw.pick(('==', '!='))} {draw.pick(texts)}"
    return draw.pick((_within(draw, value, constants), same, f"{value} in {_listed(draw, texts)}"))


def _of_user(draw: Draw, value: str) -> str:
    """Write a test of a value that is a User."""
    return draw.pick(
        (
            f'{value} {draw.pick(("==", "!="))} User::"{draw.pick(IDS)}"',
            f"{value} in {_listed(draw, tuple(f'User::{i}' for i in _quoted(IDS)))}",
            f'{value} in Team::"{draw.pick(IDS)}"',
            f"{value} holds {draw.pick(('staff', 'lead', 'guest'))}",
            _ordered(draw, f"{value}.level", NUMBERS),
            f"{value} has boss",
            f'({value} has boss and {value}.boss == User::"{draw.pick(IDS)}")',
            f"{value}.manager",
            f'{value}.grade {draw.pick(("==", "!="))} "{draw.pick(("low", "mid", "high"))}"',
            f'"{draw.pick(TEXTS)}" in {value}.tags',
        )
    )


def _size(draw: Draw) -> str:
    return draw.pick(
        (
            _ordered(draw, "resource.size", (*NUMBERS, "args.days", "resource.last.at", "resource.title.length()")),
            _ordered(draw, "resource.size", NUMBERS),
            _ordered(draw, "resource.size + 1", NUMBERS),
            "small(resource.size)",
            _ordered(draw, "resource.size + 9223372036854775806", ("0", "9223372036854775807")),
        )
    )


def _labels(draw: Draw) -> str:
    texts = _quoted(TEXTS)
    body = _of_text(draw, "l")
    some = draw.pick((_listed(draw, texts), "few", "args.to"))
    filled = "{" + draw.pick(texts) + ", " + draw.pick(texts) + "}"
    return draw.pick(
        (
            f"{draw.pick(texts)} {draw.pick(('in', 'not in'))} resource.labels",
            f"({draw.pick(('any', 'all'))} l in resource.labels: {body})",
            f"({draw.pick(('any', 'all'))} l in {draw.pick((filled, 'few', 'args.to'))}: {body})",
            f"resource.labels.{draw.pick(('contains_all', 'contains_any'))}({some})",
            f"{some}.{draw.pick(('contains_all', 'contains_any'))}(resource.labels)",
            _ordered(draw, "resource.labels.size()", (*NUMBERS, "-1")),
            f"resource.labels {draw.pick(('==', '!='))} {some}",
            f"any_label(resource, {draw.pick(texts)})",
            'args.to == {"a"}',
        )
    )


def _owner(draw: Draw) -> str:
    return draw.pick(
        (
            _of_user(draw, "resource.owner"),
            _of_user(draw, "resource.owner"),
            "resource.owner == resource.last.by",
            f"({draw.pick(('any', 'all'))} r in resource.readers: {_of_user(draw, 'r')})",
            f"resource.owner {draw.pick(('in', 'not in'))} resource.readers",
            f'User::"{draw.pick(IDS)}" in resource.readers',
            "resource.owner in resource.last.by",
            f'resource {draw.pick(("in", "not in"))} Folder::"{draw.pick(IDS)}"',
            f'resource == Doc::"{draw.pick(IDS)}"',
        )
    )


def _status(draw: Draw) -> str:
    values = _quoted(("draft", "final", "void"))
    return draw.pick(
        (
            f"resource.status {draw.pick(('==', '!='))} {draw.pick(values)}",
            f"resource.status {draw.pick(('in', 'not in'))} {_listed(draw, values)}",
            "resource.open",
            f"resource.open {draw.pick(('==', '!='))} {draw.pick(('true', 'false', 'context.mfa', '(resource.size > 2)'))}",
            f"(resource.size > 2) == {draw.pick(('true', 'false', '(resource.size <= 2)'))}",
            f"resource.open in {_listed(draw, ('true', 'false'))}",
            "context.mfa",
            draw.pick(("true", "false", "1 == 1", '"a" == "b"', "few == few", "resource == resource")),
        )
    )


def _note(draw: Draw) -> str:
    test = draw.pick((_of_text(draw, "resource.note"), "resource.note == resource.title"))
    return draw.pick(
        (
            "resource has note",
            "resource has size",
            f"(resource has note and {test})",
            f"(not resource has note or {test})",
        )
    )


def _of_either(draw: Draw) -> str:
    """Write a test of a resource that is a Doc or a Folder."""
    both = draw.pick((_ordered(draw, "resource.size", NUMBERS), f'resource in Folder::"{draw.pick(IDS)}"'))
    of_doc = draw.pick(("resource.open", "resource has note", 'resource.title like "a*"', "resource.owner holds lead"))
    has = f"resource has {draw.pick(('size', 'owner', 'note', 'open'))}"
    guarded = draw.pick((f"(resource is Doc and {of_doc})", f"(not resource is Doc or {of_doc})"))
    return draw.pick((both, has, has, f"resource is {draw.pick(('Doc', 'Folder', 'Tenanted'))}", guarded, guarded))


def _argument(draw: Draw) -> str:
    test = _of_text(draw, "args.why")
    return draw.pick(("args has why", f"(args has why and {test})", _ordered(draw, "args.days", NUMBERS)))


def _places(draw: Draw) -> str:
    return draw.pick(
        (
            _contained(draw, "resource.path", PATHS),
            _contained(draw, "resource.path", PATHS),
            _contained(draw, "resource.host", HOSTS),
            f"resource.path within {draw.pick(('resource.url.path', 'resource.path'))}",
            f'resource.path.suffix == ".py" or resource.path.name == "{draw.pick(("a", "b"))}"',
        )
    )


def _network(draw: Draw) -> str:
    return draw.pick(
        (
            _contained(draw, "resource.host", HOSTS),
            _within(draw, "resource.mail.domain", HOSTS),
            _within(draw, "context.ip", BLOCKS),
            _within(draw, "resource.ip", BLOCKS),
            f"resource.ip {draw.pick(('==', '!='))} {draw.pick((*_quoted(IPS), 'context.ip'))}",
            _ordered(draw, "resource.url.port", ("443", "8443")),
            f'resource.url.scheme {draw.pick(("==", "!="))} "{draw.pick(("https", "foo"))}"',
            f'resource.mail == "{draw.pick(MAILS)}"',
        )
    )


def _amounts(draw: Draw) -> str:
    return draw.pick(
        (
            _ordered(draw, "resource.price", PRICES),
            _ordered(draw, "resource.made", (*TIMES, "context.now")),
            _ordered(draw, "context.now", TIMES),
            _ordered(draw, "resource.kept", DURATIONS),
            _ordered(draw, "context.now - resource.made", DURATIONS),
            f'context.now.hour("Europe/Berlin") {draw.pick(COMPARED)} {draw.pick(("0", "1", "2", "-1"))}',
            f'resource.made.weekday("UTC") {draw.pick(("==", "!="))} "{draw.pick(("monday", "thursday"))}"',
        )
    )


def _records(draw: Draw) -> str:
    return draw.pick(
        (
            _ordered(draw, "resource.last.at", NUMBERS),
            _of_user(draw, "resource.last.by"),
            "resource.last has why",
            f"(resource.last has why and {_of_text(draw, 'resource.last.why')})",
            f'resource.last == {{by: User::"a", at: {draw.pick(NUMBERS)}}}',
        )
    )


TOPICS: tuple[Callable[[Draw], str], ...] = (
    _size,
    _labels,
    _owner,
    _status,
    _note,
    _argument,
    _places,
    _network,
    _amounts,
    _records,
    lambda draw: _of_text(draw, "resource.title"),
)


@frozen
class Header:
    """Whom a rule is about: its subject patterns, and the types that they cover."""

    text: str
    types: frozenset[str]


def _headers() -> tuple[Header, ...]:
    user, both, everyone = frozenset({"User"}), frozenset({"User", "Bot"}), frozenset({"User", "Bot", "Team"})
    texts = ("User", "User", "User with role staff", "User with role lead", "User with role lead or guest")
    more = ('User::"a"', 'User::"a", User::"b"', 'User in Team::"a"', 'User with role staff, User in Team::"b"')
    return (
        *(Header(text, user) for text in (*texts, *more)),
        *(Header(text, both) for text in ("User, Bot", "Tenanted", "User with role staff, Bot")),
        *(Header(text, everyone) for text in ("any", "any with role staff", "Team, User, Bot")),
        Header("Bot", frozenset({"Bot"})),
    )


HEADERS = _headers()
ACTIONS = ("read", "write", "share", "doc_actions", "read, share", "any", "read, look", "look")
DOCS = ("Doc", "Doc", "Doc", 'Doc::"a"', 'Doc in Folder::"a"')
WIDER = ("any", "Tenanted", "Doc, Folder")


class Writer:
    """Writes conditions about some topics, for one rule."""

    def __init__(self, draw: Draw, topics: list[Callable[[Draw], str]], header: Header, effect: str) -> None:
        self.draw, self.topics, self.header, self.effect = draw, topics, header, effect

    def subject(self) -> str:
        """Write a test of the subject."""
        draw, types = self.draw, self.header.types
        ways = [f"subject holds {draw.pick(('staff', 'lead', 'guest'))}", "delegated"]
        member = f'subject in Team::"{draw.pick(IDS)}"'
        ways += [member, "subject in resource.readers", "subject == resource.owner"] * ("User" in types)
        if types == {"User"}:
            ways += [_of_user(draw, "subject")] * 4
            ways += ["owned(subject, resource)", "subject.level < resource.size", "subject.level >= resource.size"] * 2
        elif "User" in types:
            test = draw.pick((_of_user(draw, "subject"), "owned(subject, resource)"))
            ways += [f"(subject is User and {test})", f"(not subject is User or {test})", "subject is User"] * 3
        if types == {"User", "Bot"}:
            other = draw.pick(('subject.tags like "a*"', f'subject.grade == "{draw.pick(("low", "high"))}"'))
            ways += ["subject is Bot", "same(subject, resource)", "subject.tenant == resource.tenant"] * 2
            ways += [f"(subject is Bot and {other})", f"(not subject is Bot or {other})"] * 2
            ways += [
                '(subject is User and subject.tags == {"a"})',
                '(not subject is User or subject.tags != {"a"})',
            ] * 2
        ways += [f"(delegated and delegator {draw.pick(('is User', 'holds lead', '== resource.owner'))})"]
        ways += [f"(delegator is User and {_of_user(draw, 'delegator')})"]
        if self.effect != "permit":
            ways += [
                f"delegation.depth {draw.pick(COMPARED)} {draw.pick(NUMBERS)}",
                "actor == subject",
                "actor holds lead",
            ]
        return draw.pick(ways)

    def test(self, depth: int = 2) -> str:
        """Write a condition, in parentheses where it needs them."""
        draw = self.draw
        way = draw.pick(("test",) * 6 + ("and", "or", "not")) if depth > 0 else "test"
        if way == "test":
            topic = draw.pick((None, *self.topics * 4))
            return self.subject() if topic is None else topic(draw)
        if way == "not":
            return f"not ({self.test(depth - 1)})"
        return "(" + f" {way} ".join(self._alone(self.test(depth - 1)) for _ in range(2 + draw.chance(30))) + ")"

    @staticmethod
    def _alone(text: str) -> str:
        return text if text.startswith("(") and text.endswith(")") else f"({text})"


@frozen
class Rule:
    """A rule as text, so that others can be made from it."""

    effect: str
    header: Header
    lines: tuple[str, ...]
    wide: bool = False  # about folders too

    def named(self, name: str) -> str:
        return f"{self.effect} {name} {{\n  " + "\n  ".join(self.lines) + "\n}\n"


_OF_A_DOC = ("resource.", "resource has", "resource in", "resource ==", "(resource", ", resource")


def rule(draw: Draw, topics: list[Callable[[Draw], str]], home: Header) -> Rule:
    """Write a rule, most of the time about those at home in its program and one action, so that rules meet."""
    effect = draw.pick(("permit", "permit", "forbid"))
    at_home = draw.chance(70)
    header = home if at_home else draw.pick(HEADERS)
    writer = Writer(draw, topics, header, effect)
    wide = not at_home and draw.chance(40)
    tests = [_of_either(draw) if wide else writer.test() for _ in range(1 + draw.number(2))]
    about = " ".join(tests)
    needs_arguments = "args." in about or "args has" in about
    needs_doc = needs_arguments or any(word in about for word in _OF_A_DOC)
    action = "share" if needs_arguments or at_home else draw.pick(ACTIONS)
    resource = "Doc" if at_home else draw.pick(DOCS if needs_doc else (*DOCS, *WIDER))
    if wide:
        action, resource = "look", draw.pick(WIDER)
    lines = [f"subject {header.text}", f"action {action}", f"resource {resource}"]
    if draw.chance(10):
        lines.append(f"valid {draw.pick(('from', 'until'))} {draw.pick(TIMES)}")
    if effect == "permit":
        lines.append(draw.pick((f"scope {tests.pop()}", 'scope any "x"', "scope delegated")))
    lines += [f"{draw.pick(('when', 'when', 'unless'))} {test}" for test in tests]
    return Rule(effect, header, tuple(lines), wide)


def variation(draw: Draw, of: Rule, topics: list[Callable[[Draw], str]]) -> Rule:
    """Write a rule that says a little more than another, or a little less, or the contrary in one place."""
    head, conditions = of.lines[:3], list(of.lines[3:])
    at = draw.number(len(conditions))
    whens = [i for i, line in enumerate(conditions) if line.startswith(("when", "unless"))]
    match draw.pick(("more", "less", "contrary")):
        case "less" if whens:
            del conditions[draw.pick(whens)]
        case "contrary" if whens:
            i = draw.pick(whens)
            word, test = conditions[i].split(" ", 1)
            conditions[i] = f"{'unless' if word == 'when' else 'when'} {test}"
        case _ if any(word in "".join(of.lines) for word in _OF_A_DOC):
            simple = [topic for topic in topics if topic not in (_labels, _size, _argument)]  # those may need `share`
            test = _of_either(draw) if of.wide else Writer(draw, simple or [_status], of.header, of.effect).test(1)
            conditions.insert(max(at, of.effect == "permit"), f"{draw.pick(('when', 'unless'))} {test}")
    return Rule(of.effect, of.header, (*head, *conditions), of.wide)


def program(draw: Draw, count: int) -> str:
    """Write a program of some rules about the same two or three topics."""
    topics = [draw.pick(TOPICS) for _ in range(draw.pick((1, 1, 2, 3)))]
    home, rules = draw.pick(HEADERS), list[Rule]()
    for _ in range(count):
        varied = bool(rules) and draw.chance(30)
        rules.append(variation(draw, draw.pick(rules), topics) if varied else rule(draw, topics, home))
    return SCHEMA + "".join(made.named(f"r{i}") for i, made in enumerate(rules))


# --- requests


class Requests:
    """Makes requests out of the values that conditions speak of."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one(self) -> dict[str, Any]:
        """Return a request."""
        pick = self._random.choice
        action = pick(("read", "write", "share", "share", "look"))
        arguments: dict[str, Any] = {}
        if action == "share":
            arguments = {"days": pick((0, 1, 2, 3, 4)), "to": self._some(TEXTS)} | self._maybe("why", pick(TEXTS))
        resource = self._folder(pick(IDS)) if action == "look" and self._chance(50) else self._doc()
        now = pick(
            ("2025-12-31T23:30:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000001Z", "2026-06-01T00:00:00Z")
        )
        return {
            "subject": self._chain(),
            "action": {"name": action, "properties": arguments},
            "resource": resource,
            "context": {"now": now, "ip": pick(IPS), "mfa": self._chance(50)},
        }

    def _chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent

    def _some(self, items: tuple[str, ...]) -> list[str]:
        return [item for item in items if self._chance(25)]

    def _maybe(self, name: str, value: Any) -> dict[str, Any]:
        return {name: value} if self._chance(60) else {}

    def _chain(self) -> dict[str, Any]:
        names = [("User", "a"), ("User", "b"), ("Bot", "a"), ("Team", "a"), ("User", "a"), ("User", "b")]
        self._random.shuffle(names)
        length = self._random.choice((1, 1, 2, 3))
        found: dict[str, Any] | None = None
        for kind, identity in list(dict.fromkeys(names))[:length]:
            link = {"User": self._user, "Bot": self._bot, "Team": self._team}[kind](identity)
            if found is not None:
                link["on_behalf_of"] = found
            found = link
        assert found is not None
        return found

    def _user(self, identity: str) -> dict[str, Any]:
        pick = self._random.choice
        properties = {
            "tenant": pick(TEXTS[1:3]),
            "level": pick((0, 1, 2, 3, 4)),
            "manager": self._chance(50),
            "tags": self._some(TEXTS),
            "grade": pick(("low", "mid", "high")),
            **self._maybe("boss", {"type": "User", "id": pick(IDS)}),
        }
        roles = [role for role in ("staff", "lead", "guest") if self._chance(35)]
        parents = [self._team(i) for i in IDS if self._chance(30)]
        return {"type": "User", "id": identity, "properties": properties, "roles": roles, "parents": parents}

    def _bot(self, identity: str) -> dict[str, Any]:
        pick = self._random.choice
        given = {
            "tenant": pick(TEXTS[1:3]),
            "owner": self._known_or_not(),
            "grade": pick(("low", "high")),
            "tags": pick(TEXTS),
        }
        return {
            "type": "Bot",
            "id": identity,
            "properties": given,
            "roles": [r for r in ("staff", "lead") if self._chance(40)],
        }

    def _team(self, identity: str) -> dict[str, Any]:
        return {"type": "Team", "id": identity}

    def _known_or_not(self) -> dict[str, Any]:
        identity = self._random.choice(IDS)
        return self._user(identity) if self._chance(75) else {"type": "User", "id": identity}

    def _folder(self, identity: str) -> dict[str, Any]:
        pick = self._random.choice
        return {"type": "Folder", "id": identity, "properties": {"tenant": pick(TEXTS[1:3]), "size": pick((0, 1, 2))}}

    def _doc(self) -> dict[str, Any]:
        pick = self._random.choice
        readers = [self._user(i) for i in IDS if self._chance(40)]
        last = {"by": self._known_or_not(), "at": pick((0, 1, 2, 3)), **self._maybe("why", pick(TEXTS))}
        properties = {
            "tenant": pick(TEXTS[1:3]),
            "owner": self._known_or_not(),
            "size": pick((0, 1, 2, 3, 4)),
            "price": pick(("1.00", "1.25", "1.5", "2.00", "3")),
            "title": pick((*TEXTS, "aab", "bab")),
            "path": pick((*PATHS, "/a/b/c.py", "/a/x.py", "y")),
            "host": pick((*HOSTS, "b.a.x.org")),
            "ip": pick(IPS),
            "mail": pick(MAILS),
            "url": pick(URLS),
            "made": pick(("2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z")),
            "kept": pick(("0s", "1h", "90m", "2h")),
            "labels": self._some(TEXTS),
            "readers": readers,
            **self._maybe("note", pick(TEXTS)),
            "status": pick(("draft", "final", "void")),
            "open": self._chance(50),
            "last": last,
        }
        parents = [{"type": "Folder", "id": i} for i in IDS if self._chance(40)]
        return {"type": "Doc", "id": pick(IDS), "properties": properties, "parents": parents}
