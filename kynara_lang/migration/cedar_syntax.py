"""Reads the text of Cedar policies into Cedar's own JSON format, and remembers where everything stands.

`cedarpy` says what a text means, and where it is in error; it does not say where the parts of a policy are. So the text
is read here once more, and what came of it is used only where it is the same as what `cedarpy` made.
"""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import define, frozen

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<slot>\?[a-z]+)
      | (?P<number>[0-9]+)
      | (?P<word>[_a-zA-Z][_a-zA-Z0-9]*)
      | (?P<sign>::|&&|\|\||==|!=|<=|>=|[-@(),;:.<>!+*\[\]{}?=])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "0": "\0", "'": "'", '"': '"'}
_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9a-fA-F_]+)\}|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_BINARY_METHODS: Final = ("contains", "containsAll", "containsAny", "hasTag", "getTag")
_VARIABLES: Final = ("principal", "action", "resource", "context")
MOST_NESTED: Final = 100
STAR: Final = "\ue000"  # stands for `\*` of a pattern while the other escapes are read

Node = dict[str, Any]


class SyntaxProblem(Exception):
    """The text is not what this reader knows."""


@frozen
class Token:
    """A word of a text, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Return the words of a text, without space and comments, and one more at its end."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise SyntaxProblem(f"unexpected character at {at}")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match[0], at, match.end()))
        at = match.end()
    return [*found, Token("end", "", at, at)]


def unescaped(quoted: str) -> str:
    """Return what a string literal stands for."""

    def one(match: re.Match[str]) -> str:
        number = match[1] or match[2]
        return chr(int(number.replace("_", ""), 16)) if number else _ESCAPES.get(match[3], match[3])

    return _ESCAPE.sub(one, quoted[1:-1])


@define
class Reader:
    """Goes through the words of a text."""

    words: list[Token]
    at: int = 0
    depth: int = 0

    @property
    def word(self) -> Token:
        """The next word."""
        return self.words[self.at]

    def take(self) -> Token:
        """Return the next word and go on."""
        self.at += 1
        return self.words[self.at - 1]

    def sees(self, *texts: str) -> bool:
        """Whether the next word is one of these signs or words."""
        return self.word.kind in ("sign", "word") and self.word.text in texts

    def may(self, text: str) -> bool:
        """Go on if the next word is this."""
        if not self.sees(text):
            return False
        self.at += 1
        return True

    def need(self, text: str) -> Token:
        """Go on over a word that must stand here."""
        if not self.sees(text):
            raise SyntaxProblem(f"`{text}` expected, not `{self.word.text}`")
        return self.take()

    def a(self, kind: str) -> Token:
        """Go on over a word of a kind that must stand here."""
        if self.word.kind != kind:
            raise SyntaxProblem(f"a {kind} expected, not `{self.word.text}`")
        return self.take()

    def path(self) -> str:
        """Read `A::B`, as far as names go."""
        parts = [self.a("word").text]
        while self.sees("::") and self.words[self.at + 1].kind == "word":
            self.at += 1
            parts.append(self.take().text)
        return "::".join(parts)

    def listed(self, one: Any, end: str) -> list[Any]:
        """Read what is separated by commas, up to an ending."""
        found = []
        while not self.sees(end):
            found.append(one())
            if not self.may(","):
                break
        self.need(end)
        return found


@frozen(eq=False)
class PlacedPolicy:
    """A policy in Cedar's JSON format, whether it is a template, and where it stands: its own text, and each part.

    `places` holds the offsets of parts by `id` of the part. `comments` are the lines right above it.
    """

    node: Node
    template: bool
    start: int
    end: int
    places: dict[int, tuple[int, int]]


class PolicyReader(Reader):
    """Reads policies."""

    places: dict[int, tuple[int, int]]

    def policies(self) -> list[PlacedPolicy]:
        """Read all policies of the text."""
        found = []
        while self.word.kind != "end":
            self.places = {}
            found.append(self.policy())
        return found

    def policy(self) -> PlacedPolicy:
        """Read one policy."""
        start = self.word.start
        annotations: dict[str, Any] = {}
        while self.may("@"):
            name = self.a("word").text
            annotations[name] = None
            if self.may("("):
                annotations[name] = unescaped(self.a("string").text)
                self.need(")")
        effect = self.a("word").text
        node: Node = {"effect": effect}
        self.need("(")
        for i, variable in enumerate(("principal", "action", "resource")):
            if i:
                self.need(",")
            node[variable] = self.constraint(variable)
        self.may(",")
        self.need(")")
        node["conditions"] = []
        while self.sees("when", "unless"):
            kind = self.take()
            self.need("{")
            body = self.expression()
            closing = self.need("}")
            condition = {"kind": kind.text, "body": body}
            node["conditions"].append(self.placed(condition, kind.start, closing.end))
        end = self.need(";").end
        if annotations:
            node["annotations"] = annotations
        template = any("slot" in part or "slot" in part.get("in", {}) for part in (node["principal"], node["resource"]))
        return PlacedPolicy(node, template, start, end, self.places)

    def placed(self, node: Node, start: int, end: int | None = None) -> Node:
        """Remember where a part stands."""
        self.places[id(node)] = (start, self.words[self.at - 1].end if end is None else end)
        return node

    def constraint(self, variable: str) -> Node:
        """Read what a policy says of the principal, the action or the resource in its head."""
        start = self.need(variable).start
        if self.may("=="):
            return self.placed({"op": "==", **self.entity_or_slot()}, start)
        if self.may("in"):
            if variable == "action" and self.may("["):
                return self.placed({"op": "in", "entities": self.listed(self.uid, "]")}, start)
            return self.placed({"op": "in", **self.entity_or_slot()}, start)
        if self.may("is"):
            node: Node = {"op": "is", "entity_type": self.path()}
            if self.may("in"):
                node["in"] = self.entity_or_slot()
            return self.placed(node, start)
        return self.placed({"op": "All"}, start)

    def entity_or_slot(self) -> Node:
        """Read an entity, or the place of one in a template."""
        return {"slot": self.take().text} if self.word.kind == "slot" else {"entity": self.uid()}

    def uid(self) -> Node:
        """Read the name of an entity."""
        name = self.path()
        self.need("::")
        return {"type": name, "id": unescaped(self.a("string").text)}

    # Expressions

    def expression(self) -> Node:
        """Read an expression."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise SyntaxProblem("nested too deeply")
        start = self.word.start
        if self.may("if"):
            test = self.expression()
            self.need("then")
            yes = self.expression()
            self.need("else")
            node = self.placed({"if-then-else": {"if": test, "then": yes, "else": self.expression()}}, start)
        else:
            node = self.operation(0)
        self.depth -= 1
        return node

    _LEVELS: Final = (("||",), ("&&",), (), ("+", "-"), ("*",))

    def operation(self, level: int) -> Node:
        """Read operators of a level and those that bind tighter."""
        if level == 2:
            return self.relation()
        if level == len(self._LEVELS):
            return self.unary()
        start = self.word.start
        left = self.operation(level + 1)
        while self.sees(*self._LEVELS[level]):
            sign = self.take().text
            left = self.placed({sign: {"left": left, "right": self.operation(level + 1)}}, start)
        return left

    def relation(self) -> Node:
        """Read a comparison, or what stands alone."""
        start = self.word.start
        left = self.operation(3)
        if self.sees("==", "!=", "<", "<=", ">", ">=", "in"):
            sign = self.take().text
            return self.placed({sign: {"left": left, "right": self.operation(3)}}, start)
        if self.may("like"):
            return self.placed({"like": {"left": left, "pattern": pattern(self.a("string").text)}}, start)
        if self.may("is"):
            inside: Node = {"left": left, "entity_type": self.path()}
            if self.may("in"):
                inside["in"] = self.operation(3)
            return self.placed({"is": inside}, start)
        if self.may("has"):
            if self.word.kind == "string":
                return self.placed({"has": {"left": left, "attr": unescaped(self.take().text)}}, start)
            return self.presence(left, start)
        return left

    def presence(self, left: Node, start: int) -> Node:
        """Read what follows `has`: a name, or several with dots, each of which must be there."""
        name = self.a("word").text
        node = self.placed({"has": {"left": left, "attr": name}}, start)
        while self.may("."):
            left = self.placed({".": {"left": left, "attr": name}}, start)
            name = self.a("word").text
            more = self.placed({"has": {"left": left, "attr": name}}, start)
            node = self.placed({"&&": {"left": node, "right": more}}, start)
        return node

    def unary(self) -> Node:
        """Read signs before a value."""
        start = self.word.start
        if self.may("!"):
            return self.placed({"!": {"arg": self.unary()}}, start)
        if self.may("-"):
            if self.word.kind == "number" and not self._goes_on(self.words[self.at + 1]):
                return self.placed({"Value": -int(self.take().text)}, start)
            return self.placed({"neg": {"arg": self.unary()}}, start)
        return self.member()

    @staticmethod
    def _goes_on(word: Token) -> bool:
        return word.kind == "sign" and word.text in (".", "[")

    def member(self) -> Node:
        """Read a value with what is asked of it."""
        start = self.word.start
        node = self.primary()
        while True:
            if self.may("["):
                node = self.placed({".": {"left": node, "attr": unescaped(self.a("string").text)}}, start)
                self.need("]")
            elif self.may("."):
                name = self.a("word").text
                if not self.may("("):
                    node = self.placed({".": {"left": node, "attr": name}}, start)
                    continue
                node = self.placed(self.method(name, node, self.listed(self.expression, ")")), start)
            else:
                return node

    @staticmethod
    def method(name: str, node: Node, arguments: list[Node]) -> Node:
        """Return a call of a method."""
        if name in _BINARY_METHODS and len(arguments) == 1:
            return {name: {"left": node, "right": arguments[0]}}
        if name == "isEmpty" and not arguments:
            return {name: {"arg": node}}
        return {name: [node, *arguments]}

    def primary(self) -> Node:
        """Read a value."""
        word = self.take()
        match word.kind, word.text:
            case "number", text:
                node: Node = {"Value": int(text)}
            case "string", text:
                node = {"Value": unescaped(text)}
            case "sign", "(":
                node = self.expression()
                self.need(")")
                return node
            case "sign", "[":
                node = {"Set": self.listed(self.expression, "]")}
            case "sign", "{":
                node = {"Record": dict(self.listed(self.pair, "}"))}
            case "slot", text:
                node = {"Slot": text}
            case "word", "true" | "false":
                node = {"Value": word.text == "true"}
            case "word", name if name in _VARIABLES and not self.sees("::"):
                node = {"Var": name}
            case "word", _:
                self.at -= 1
                node = self.named()
            case _:
                raise SyntaxProblem(f"a value expected, not `{word.text}`")
        return self.placed(node, word.start)

    def named(self) -> Node:
        """Read an entity, or a call of a function."""
        name = self.path()
        if self.may("::"):
            return {"Value": {"__entity": {"type": name, "id": unescaped(self.a("string").text)}}}
        self.need("(")
        return {name: self.listed(self.expression, ")")}

    def pair(self) -> tuple[str, Node]:
        """Read a member of a record."""
        word = self.take()
        if word.kind not in ("word", "string"):
            raise SyntaxProblem(f"a name expected, not `{word.text}`")
        self.need(":")
        return (unescaped(word.text) if word.kind == "string" else word.text), self.expression()


def pattern(quoted: str) -> list[Any]:
    """Return a pattern of `like` as Cedar's JSON has it: characters one by one, and wildcards."""
    text = unescaped(quoted.replace("\\\\", "\\u{5c}").replace("\\*", STAR))
    return ["Wildcard" if char == "*" else {"Literal": "*" if char == STAR else char} for char in text]


def read_policies(text: str) -> list[PlacedPolicy]:
    """Read the policies of a text; raise `SyntaxProblem` where it is not understood."""
    return PolicyReader(tokens(text)).policies()


def read_uid(text: str) -> Node:
    """Read one name of an entity; raise `SyntaxProblem` if it is none."""
    reader = PolicyReader(tokens(text))
    found = reader.uid()
    reader.a("end")
    return found
