"""Translates conditions of Cedar into conditions of Kynara that come to the same, with their types.

What has no counterpart is refused: `Refused` names it, says why, and what to write instead. Parentheses are put
everywhere; the formatter takes away those that say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from . import cedar_model as cedar
from .cedar_literals import Unfit, address_literal, block_literal, decimal_literal, duration_literal, time_literal
from .cedar_model import CedarType, EntityTypes, Model, RecordType, SetType, joined
from .cedar_names import Names, text_literal
from .cedar_policies import pattern_parts
from .cedar_syntax import MOST_NESTED

NOTHING: Final[frozenset[str]] = frozenset()
_MEMORY: Final = "the policy would have to be split, or its data declared otherwise"


class Refused(Exception):
    """A part of a policy has no counterpart: what it is, why, what to do instead, and the part itself."""

    def __init__(self, what: str, why: str, instead: str, node: Any = None) -> None:
        """Take what is told."""
        super().__init__(what)
        self.what, self.why, self.instead, self.node = what, why, instead, node


@frozen
class Facts:
    """What is known: attributes that are there, by their texts, and the types that entities can still have."""

    proved: frozenset[str] = NOTHING
    kinds: Mapping[str, frozenset[str]] = field(factory=dict)

    def both(self, other: Facts) -> Facts:
        """Return what is known where both hold."""
        kinds = {text: self.kinds.get(text, names) & names for text, names in other.kinds.items()}
        return Facts(self.proved | other.proved, {**self.kinds, **kinds})

    def either(self, other: Facts) -> Facts:
        """Return what is known where one of the two holds."""
        common = self.kinds.keys() & other.kinds.keys()
        return Facts(self.proved & other.proved, {text: self.kinds[text] | other.kinds[text] for text in common})


@frozen
class Said:
    """A translated expression: its text, its type, what it proves, and which of the request's parts it reads.

    `decided` says what a condition is that types alone decide. What is never reached because of it is not translated:
    nothing that it reads need be there.
    """

    text: str
    type: CedarType
    yes: Facts = field(factory=Facts)
    no: Facts = field(factory=Facts)
    reads: frozenset[str] = NOTHING
    literal: bool = False
    decided: bool | None = None


@frozen
class Translator:
    """Translates expressions of one rule: `variables` has the types of what they can read."""

    model: Model
    names: Names
    variables: Mapping[str, CedarType]
    facts: Facts = field(factory=Facts)
    depth: int = 0

    def knowing(self, facts: Facts) -> Translator:
        """Return a translator that knows more."""
        return evolve(self, facts=self.facts.both(facts))

    def say(self, node: Any) -> Said:
        """Translate an expression."""
        if self.depth > MOST_NESTED:
            raise Refused("a condition nested too deeply", f"conditions may be nested {MOST_NESTED} deep", _MEMORY)
        inner = evolve(self, depth=self.depth + 1)
        ((name, value),) = node.items()
        try:
            found = _FORMS.get(name)
            if found is not None:
                return found(inner, value)
            if name in _METHODS and len(value) == (1 if name in _LITERALS or name in _BLOCKS else 2):
                return _METHODS[name](inner, name, value)
            raise Refused(*_UNKNOWN.get(name, (f"`{name}`", "Kynara has nothing like it", "write the rule anew")))
        except Refused as refused:
            if refused.node is None:
                refused.node = node
            raise

    def condition(self, node: Any) -> Said:
        """Translate something that must be true or false."""
        said = self.say(node)
        if said.type != cedar.BOOL:
            raise Refused(f"a {said.type} used as a condition", "Cedar skips such a policy", "compare it", node)
        return said

    # Values

    def value(self, value: Any) -> Said:
        """Translate a literal."""
        match value:
            case bool():
                return Said(str(value).lower(), cedar.BOOL, literal=True)
            case int():
                return Said(f"(-{-value})" if value < 0 else str(value), cedar.LONG, literal=True)
            case str():
                return Said(text_literal(value), cedar.STRING, literal=True)
            case {"__entity": inner}:
                uid = cedar.uid_of(inner)
                if cedar.is_action(uid.type):
                    raise Refused(f"`{uid}` in a condition", _ACTIONS[0], _ACTIONS[1])
                if uid.type not in self.model.kinds:
                    raise Refused(f"`{uid}`", f"there is no entity type `{uid.type}`", "declare it in the schema")
                return Said(self.names.entity(uid), EntityTypes(frozenset((uid.type,))), literal=True)
        raise Refused("a literal that cannot be read", "Cedar's JSON format has no such value", "correct the JSON")

    def variable(self, name: str) -> Said:
        """Translate a variable."""
        if name not in self.variables:
            raise Refused(f"`{name}` in a condition", *_ACTIONS)
        word = "subject" if name == "principal" else name
        return Said(word, self.variables[name], reads=frozenset((name,)))

    def set(self, items: Any) -> Said:
        """Translate a set."""
        found = [self.say(item) for item in items]
        element: CedarType | None = found[0].type if found else None
        for one in found[1:]:
            element = joined(element, one.type)
        if found and element is None:
            raise Refused("a set of several types", "sets have elements of one type", "use one set for each type")
        inside = ", ".join(one.text for one in found)
        return Said(f"{{{inside}}}", SetType(element), reads=_reads(*found), literal=all(one.literal for one in found))

    def attribute(self, parts: Any) -> Said:
        """Translate the reading of an attribute."""
        owner, name = self.say(parts["left"]), parts["attr"]
        text, kind, optional = self._member(owner, name)
        if optional and text not in self.facts.proved:
            shown = f"{cedar_text(parts['left'])} has {name}"
            why = f"`{name}` may be absent; Cedar skips a policy that reads it then, so that a forbid would not forbid"
            raise Refused(f"`{cedar_text({'.': parts})}` without a test", why, f"put `{shown} &&` before it in Cedar")
        return Said(text, kind, reads=owner.reads)

    def _member(self, owner: Said, name: str) -> tuple[str, CedarType, bool]:
        """Return the text and type of an attribute, and whether it may be absent."""
        match owner.type:
            case EntityTypes(names=names):
                names &= self.facts.kinds.get(owner.text, names)
                several = self.model.fields(names, name)
            case RecordType(fields=fields):
                several = [fields.get(name)]
            case _:
                raise Refused(f"`{name}` of a {owner.type}", "it has no attributes", "correct the policy")
        having = [one for one in several if one is not None]
        if not having:
            raise Refused(
                f"the attribute `{name}`",
                f"nothing says that {_owner(owner)} has one",
                "declare it in the schema",
            )
        kind: CedarType | None = having[0].type
        for one in having[1:]:
            kind = joined(kind, one.type)
        if kind is None or not all(declarable(one.type) for one in having):
            why = "its type cannot be declared: entities show several, or none"
            raise Refused(f"the attribute `{name}`", why, "give a schema with one type")
        maybe = len(having) < len(several) or not all(one.required for one in having)
        return f"{owner.text}.{self.names.attribute(name)}", kind, maybe

    # True or false

    def both(self, parts: Any) -> Said:
        """Translate `&&`."""
        left = self.condition(parts["left"])
        if left.decided is not None:
            return self.condition(parts["right"]) if left.decided else left
        right = self.knowing(left.yes).condition(parts["right"])
        if right.decided is True:
            return left
        text = f"({left.text}) and ({right.text})"
        return Said(text, cedar.BOOL, left.yes.both(right.yes), left.no.either(right.no), _reads(left, right))

    def either(self, parts: Any) -> Said:
        """Translate `||`."""
        left = self.condition(parts["left"])
        if left.decided is not None:
            return left if left.decided else self.condition(parts["right"])
        right = self.knowing(left.no).condition(parts["right"])
        if right.decided is False:
            return left
        text = f"({left.text}) or ({right.text})"
        return Said(text, cedar.BOOL, left.yes.either(right.yes), left.no.both(right.no), _reads(left, right))

    def negated(self, parts: Any) -> Said:
        """Translate `!`."""
        said = self.condition(parts["arg"])
        if said.decided is not None:
            return _decided(not said.decided)
        return Said(f"not ({said.text})", cedar.BOOL, said.no, said.yes, said.reads)

    def choice(self, parts: Any) -> Said:
        """Translate `if … then … else …`, which is the one or the other of two conditions."""
        test = self.condition(parts["if"])
        if test.decided is not None:
            return self.condition(parts["then" if test.decided else "else"])
        yes = self.knowing(test.yes).condition(parts["then"])
        no = self.knowing(test.no).condition(parts["else"])
        text = f"(({test.text}) and ({yes.text})) or ((not ({test.text})) and ({no.text}))"
        if len(text) > _MOST_TEXT:
            raise Refused("`if` inside `if`", "Kynara has no `if`, and written out it is too long", "split the policy")
        proved = test.yes.both(yes.yes).either(test.no.both(no.yes))
        return Said(text, cedar.BOOL, proved, reads=_reads(test, yes, no))

    def has(self, parts: Any) -> Said:
        """Translate `has`."""
        owner = self.say(parts["left"])
        text, _, _ = self._member(owner, parts["attr"])
        attribute = self.names.attribute(parts["attr"])
        return Said(f"{owner.text} has {attribute}", cedar.BOOL, Facts(frozenset((text,))), reads=owner.reads)

    def is_type(self, parts: Any) -> Said:
        """Translate `is`, and `is … in`."""
        who, name = self.say(parts["left"]), parts["entity_type"]
        possible = self._entities(who, "is")
        whole = name in possible and len(possible) == 1 and "in" not in parts
        if who.text in ("subject", "resource") and (whole or name not in possible):
            return _decided(whole)
        if name not in possible:
            raise Refused(
                f"`is {name}`", f"{_article(who.type)} never is one, so the condition is never true", "leave it out"
            )
        yes = Facts(kinds={who.text: frozenset((name,))})
        no = Facts(kinds={who.text: possible - {name}})
        said = Said(f"{who.text} is {self.names.types[name]}", cedar.BOOL, yes, no, who.reads)
        if "in" not in parts:
            return said
        inside = self.knowing(yes).inside({"left": parts["left"], "right": parts["in"]})
        return Said(f"({said.text}) and ({inside.text})", cedar.BOOL, yes, reads=_reads(said, inside))

    def like(self, parts: Any) -> Said:
        """Translate `like`."""
        said = self.say(parts["left"])
        pieces = pattern_parts(parts["pattern"])
        if any(piece is not None and "*" in piece for piece in pieces):
            raise Refused(
                "a star in a pattern of `like`", "`*` is always a wildcard in Kynara", "use `==`, if it is no pattern"
            )
        if said.type != cedar.STRING:
            raise Refused(f"`like` on a {said.type}", "only texts have patterns", "correct the policy")
        glob = "".join("*" if piece is None else piece for piece in pieces)
        return Said(f"{said.text} like {text_literal(glob)}", cedar.BOOL, reads=said.reads)

    # Comparisons

    def equal(self, sign: str, parts: Any) -> Said:
        """Translate `==` and `!=`."""
        left, right = self.say(parts["left"]), self.say(parts["right"])
        if isinstance(left.type, EntityTypes) and isinstance(right.type, EntityTypes):
            alike = bool(self._entities(left, sign) & self._entities(right, sign))
        else:
            alike = joined(left.type, right.type) is not None
        if not alike:
            why = f"{_article(left.type)} never equals {_article(right.type)}, so it is decided beforehand"
            raise Refused(f"`{sign}` between different types", why, "leave the comparison out")
        if left.type == cedar.IP and left.literal:
            left, right = right, left
        if left.type == cedar.IP and left.literal:
            raise Refused("a comparison of two written addresses", "it is decided beforehand", "leave it out")
        return Said(f"({left.text}) {sign} ({right.text})", cedar.BOOL, reads=_reads(left, right))

    def ordered(self, sign: str, parts: Any) -> Said:
        """Translate `<` and its kin."""
        left, right = self.say(parts["left"]), self.say(parts["right"])
        if left.type != right.type or left.type not in (cedar.LONG, cedar.DATETIME, cedar.DURATION):
            raise Refused(f"`{sign}` between {left.type} and {right.type}", "Cedar skips such a policy", "correct it")
        return Said(f"({left.text}) {sign} ({right.text})", cedar.BOOL, reads=_reads(left, right))

    def arithmetic(self, sign: str, parts: Any) -> Said:
        """Translate `+`, `-` and `*`."""
        left, right = self.say(parts["left"]), self.say(parts["right"])
        if (left.type, right.type) != (cedar.LONG, cedar.LONG):
            raise Refused(f"`{sign}` between {left.type} and {right.type}", "Cedar skips such a policy", "correct it")
        return Said(f"({left.text}) {sign} ({right.text})", cedar.LONG, reads=_reads(left, right))

    def minus(self, parts: Any) -> Said:
        """Translate a sign before a number."""
        said = self.say(parts["arg"])
        if said.type != cedar.LONG:
            raise Refused(f"`-` before a {said.type}", "Cedar skips such a policy", "correct it")
        return Said(f"-({said.text})", cedar.LONG, reads=said.reads)

    # Hierarchies and sets

    def inside(self, parts: Any) -> Said:
        """Translate `in`: below an entity, or below one of several."""
        who, where = self.say(parts["left"]), parts["right"]
        if isinstance(where, Mapping) and isinstance(where.get("Set"), list):
            places = [self.say(item) for item in where["Set"]]
            near = [one for one in places if self._reaches(who, self._entities(one, "in"))]
            if near:
                text = " or ".join(f"({who.text} in {one.text})" for one in near)
                return Said(text, cedar.BOOL, reads=_reads(who, *near))
            raise _never_inside(who, "these")
        place = self.say(where)
        if isinstance(place.type, SetType):
            kinds = place.type.element
            if not isinstance(kinds, EntityTypes) or not self._reaches(who, kinds.names):
                raise _never_inside(who, str(place.type))
            name = next(letter for letter in "ghijkmn" if f"any {letter} in" not in who.text + place.text)
            text = f"(any {name} in {place.text}: {who.text} in {name})"
            return Said(text, cedar.BOOL, reads=_reads(who, place))
        if not self._reaches(who, self._entities(place, "in")):
            raise _never_inside(who, str(place.type))
        return Said(f"{who.text} in {place.text}", cedar.BOOL, reads=_reads(who, place))

    def _reaches(self, who: Said, names: frozenset[str]) -> bool:
        return any(self.model.above(name) & names for name in self._entities(who, "in"))

    def _entities(self, said: Said, sign: str) -> frozenset[str]:
        """Return the types that an entity can have here."""
        if not isinstance(said.type, EntityTypes):
            raise Refused(f"`{sign}` with a {said.type}", "Cedar skips such a policy", "correct it")
        return said.type.names & self.facts.kinds.get(said.text, said.type.names)

    def contains(self, parts: Any) -> Said:
        """Translate `contains`."""
        many, one = self._set(parts["left"]), self.say(parts["right"])
        assert isinstance(many.type, SetType)
        alike = _alike(many.type.element, one.type)
        if not alike or one.type == cedar.IP:
            raise Refused(f"`contains` of a {one.type}", f"a {many.type} has none", "leave the condition out")
        return Said(f"({one.text}) in {many.text}", cedar.BOOL, reads=_reads(many, one))

    def contains_many(self, method: str, parts: Any) -> Said:
        """Translate `containsAll` and `containsAny`."""
        left, right = self._set(parts["left"]), self._set(parts["right"])
        assert isinstance(left.type, SetType)
        assert isinstance(right.type, SetType)
        if not _alike(left.type.element, right.type.element) or left.type.element == cedar.IP:
            raise Refused(f"`{method}` of different sets", f"{left.type} and {right.type}", "leave the condition out")
        return Said(f"{left.text}.{method}({right.text})", cedar.BOOL, reads=_reads(left, right))

    def empty(self, parts: Any) -> Said:
        """Translate `isEmpty`."""
        said = self._set(parts["arg"])
        return Said(f"{said.text}.size() == 0", cedar.BOOL, reads=said.reads)

    def _set(self, node: Any) -> Said:
        said = self.say(node)
        if not isinstance(said.type, SetType):
            raise Refused(f"a {said.type} used as a set", "Cedar skips such a policy", "correct it", node)
        if said.type.element is None:
            raise Refused("an empty set written out", "what it holds is decided beforehand", "leave it out", node)
        return said

    # Extensions

    def literal(self, name: str, parts: list[Any]) -> Said:
        """Translate `decimal("…")` and its kin."""
        match parts:
            case [{"Value": str(text)}]:
                try:
                    written, kind = _LITERALS[name](text), _KINDS[name]
                except Unfit as unfit:
                    raise Refused(f'`{name}("{text}")`', str(unfit), unfit.instead) from None
                return Said(written, kind, literal=True)
        raise Refused(
            f"`{name}(…)` of something that is no literal",
            "values have their type from the start",
            "store the value as one",
        )

    def compared(self, name: str, parts: list[Any]) -> Said:
        """Translate a comparison of decimals."""
        left, right = (self.say(part) for part in parts)
        if (left.type, right.type) != (cedar.DECIMAL, cedar.DECIMAL):
            raise Refused(f"`{name}` of {left.type} and {right.type}", "Cedar skips such a policy", "correct it")
        sign = {"lessThan": "<", "lessThanOrEqual": "<=", "greaterThan": ">", "greaterThanOrEqual": ">="}[name]
        return Said(f"({left.text}) {sign} ({right.text})", cedar.BOOL, reads=_reads(left, right))

    def in_range(self, name: str, parts: list[Any]) -> Said:
        """Translate `isInRange`, with a block that is written out."""
        match parts:
            case [who, {"ip": [{"Value": str(text)}]}]:
                try:
                    return self._within(who, name, block_literal(text))
                except Unfit as unfit:
                    raise Refused(f'`ip("{text}")`', str(unfit), unfit.instead) from None
        raise Refused(
            f"`{name}` of a block that is no literal", "blocks are constants in Kynara", "write the block out"
        )

    def of_family(self, name: str, parts: list[Any]) -> Said:
        """Translate `isLoopback` and its kin."""
        (who,) = parts
        return self._within(who, name, _BLOCKS[name])

    def _within(self, node: Any, name: str, block: str) -> Said:
        said = self.say(node)
        if said.type != cedar.IP or said.literal:
            raise Refused(
                f"`{name}` of something that is no address of the request", "it is decided beforehand", "leave it out"
            )
        return Said(f"{said.text} within {block}", cedar.BOOL, reads=said.reads)

    def later(self, name: str, parts: list[Any]) -> Said:
        """Translate `offset`."""
        left, right = (self.say(part) for part in parts)
        if (left.type, right.type) != (cedar.DATETIME, cedar.DURATION):
            raise Refused(f"`{name}` of {left.type} and {right.type}", "Cedar skips such a policy", "correct it")
        return Said(f"({left.text}) + ({right.text})", cedar.DATETIME, reads=_reads(left, right))

    def since(self, name: str, parts: list[Any]) -> Said:
        """Translate `durationSince`."""
        left, right = (self.say(part) for part in parts)
        if (left.type, right.type) != (cedar.DATETIME, cedar.DATETIME):
            raise Refused(f"`{name}` of {left.type} and {right.type}", "Cedar skips such a policy", "correct it")
        return Said(f"({left.text}) - ({right.text})", cedar.DURATION, reads=_reads(left, right))


def declarable(kind: CedarType) -> bool:
    """Whether a type can be declared: it has all of its parts, and no references to several types."""
    match kind:
        case SetType(element=element):
            return element is not None and declarable(element)
        case RecordType(fields=fields):
            return all(declarable(one.type) for one in fields.values()) and bool(fields)
        case EntityTypes(names=names):
            return len(names) == 1
    return True


def cedar_text(node: Any) -> str:
    """Return a path as Cedar writes it, for messages."""
    match node:
        case {"Var": str(name)}:
            return name
        case {".": {"left": left, "attr": str(attr)}}:
            return f"{cedar_text(left)}.{attr}"
    return "…"


def _alike(one: CedarType | None, other: CedarType | None) -> bool:
    if isinstance(one, EntityTypes) and isinstance(other, EntityTypes):
        return bool(one.names & other.names)
    return one is not None and other is not None and joined(one, other) is not None


def _never_inside(who: Said, where: str) -> Refused:
    why = f"nothing says that {_article(who.type)} can be in {where}, so it is never true"
    return Refused("`in`", why, "declare the parent in the schema, or leave the condition out")


def _reads(*said: Said) -> frozenset[str]:
    return NOTHING.union(*(one.reads for one in said))


def _decided(value: bool) -> Said:
    return Said(str(value).lower(), cedar.BOOL, decided=value)


def _owner(owner: Said) -> str:
    return "the context" if owner.text == "context" else _article(owner.type)


def _article(kind: CedarType) -> str:
    text = str(kind)
    return (
        f"{'an' if text[:1] in 'AEIOaeio' else 'a'} {text}"
        if isinstance(kind, EntityTypes)
        else f"a value of type {text}"
    )


_MOST_TEXT: Final = 20_000
_ACTIONS: Final = (
    "conditions of Kynara do not read the action; only a whole condition that compares it is taken over",
    'say it in the head of the policy: `action in [Action::"read"]`',
)
_UNKNOWN: Final = {
    "hasTag": ("`hasTag`", "entities have no tags in Kynara", "use an attribute that is a set of records or texts"),
    "getTag": ("`getTag`", "entities have no tags in Kynara", "use an attribute that is a set of records or texts"),
    "Record": ("a record written out", "records are compared field by field", "compare the fields"),
    "Slot": ("a slot of a template", "Kynara has no templates", "write a rule over an attribute that links both"),
    "toDate": ("`toDate`", "times are not cut in Kynara", "compare with the beginning of the day"),
    "toTime": ("`toTime`", "times are not cut in Kynara", 'use `.hour("Europe/Berlin")` in Kynara'),
    **{
        name: (f"`{name}`", "durations are compared as such in Kynara", "compare with a duration")
        for name in ("toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays")
    },
}  # fmt: skip
_BLOCKS: Final = {
    "isIpv4": '"0.0.0.0/0"',
    "isIpv6": '"::/0"',
    "isLoopback": '{"127.0.0.0/8", "::1/128"}',
    "isMulticast": '{"224.0.0.0/4", "ff00::/8"}',
}
_LITERALS: Final[Mapping[str, Callable[[str], str]]] = {
    "decimal": decimal_literal,
    "datetime": time_literal,
    "duration": duration_literal,
    "ip": address_literal,
}
_KINDS: Final = {"decimal": cedar.DECIMAL, "datetime": cedar.DATETIME, "duration": cedar.DURATION, "ip": cedar.IP}

_FORMS: Final[Mapping[str, Callable[[Translator, Any], Said]]] = {
    "Value": Translator.value,
    "Var": Translator.variable,
    "Set": Translator.set,
    ".": Translator.attribute,
    "&&": Translator.both,
    "||": Translator.either,
    "!": Translator.negated,
    "if-then-else": Translator.choice,
    "has": Translator.has,
    "is": Translator.is_type,
    "like": Translator.like,
    "==": lambda self, parts: self.equal("==", parts),
    "!=": lambda self, parts: self.equal("!=", parts),
    "<": lambda self, parts: self.ordered("<", parts),
    "<=": lambda self, parts: self.ordered("<=", parts),
    ">": lambda self, parts: self.ordered(">", parts),
    ">=": lambda self, parts: self.ordered(">=", parts),
    "+": lambda self, parts: self.arithmetic("+", parts),
    "-": lambda self, parts: self.arithmetic("-", parts),
    "*": lambda self, parts: self.arithmetic("*", parts),
    "neg": Translator.minus,
    "in": Translator.inside,
    "contains": Translator.contains,
    "containsAll": lambda self, parts: self.contains_many("contains_all", parts),
    "containsAny": lambda self, parts: self.contains_many("contains_any", parts),
    "isEmpty": Translator.empty,
}
_METHODS: Final[Mapping[str, Callable[[Translator, str, list[Any]], Said]]] = {
    **dict.fromkeys(_LITERALS, Translator.literal),
    **dict.fromkeys(("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"), Translator.compared),
    **dict.fromkeys(_BLOCKS, Translator.of_family),
    "isInRange": Translator.in_range,
    "offset": Translator.later,
    "durationSince": Translator.since,
}
