"""Discovery against brute force: what it hides is denied whatever is asked, and its schemas take whatever is not denied."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import assume, given, note
from hypothesis import strategies as st

import kynara_lang as kynara
from kynara_lang.diagnostics.source import Source
from kynara_lang.guard.discovery import Discovered, discover
from kynara_lang.guard.tools import narrow_tools
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.problems import InvalidRequest
from kynara_lang.semantics import types as ty
from tests.properties.generate import Made, checked, program
from tests.properties.requests import Caller
from tests.properties.schema import Attr
from tests.properties.vocabulary import GLOBS, LEVELS, POOL, Draw, quoted, readable


class Case:
    """A program, perhaps a store, and subjects, each with what is known of the context and with calls it could make."""

    def __init__(self, draw: Draw, calls: int = 8) -> None:
        self.made: Made = program(draw)
        caller = Caller(draw, self.made.schema)
        self.store = caller.store() if draw.chance(30) else None
        self.asking: list[tuple[Any, Any, list[Any]]] = []
        for _ in range(2):
            subject = caller.chain()
            context = caller.members(list(self.made.schema.context.values()), 1, 99)
            told = {name: value for name, value in context.items() if draw.chance(50)}
            asked = []
            for _ in range(calls):
                request = caller.request(bent=0)
                asked.append({**request, "subject": subject, "context": {**request.get("context", {}), **told}})
            self.asking.append((subject, told, asked))

    def policies(self) -> kynara.PolicySet:
        store = None if self.store is None else kynara.Entities.from_list(self.store)
        result = check_sources([Source(name, text) for name, text in self.made.files().items()])
        assume(not result.has_errors)
        return kynara.PolicySet(result.program, store)

    def __repr__(self) -> str:
        return "\n".join([*self.made.files().values(), readable(self.store), readable(self.asking)])


@st.composite
def cases(draw: Any) -> Case:
    return Case(Draw(draw))


@given(cases())
def test_what_is_hidden_is_denied_and_what_is_not_denied_fits_the_schema(case: Case) -> None:
    policies = case.policies()
    for subject, told, requests in case.asking:
        try:
            found = {one.action: one for one in discover(policies, subject, told)}
        except InvalidRequest:
            found = {}
        for one in found.values():
            jsonschema.Draft202012Validator.check_schema(one.json_schema)
        for request in requests:
            decision = policies.decide(request)
            if decision.effect is not kynara.Effect.DENY:
                note(f"{readable(request)}: {decision}")
                fits(found[request["action"]["name"]], request, decision.effect)


def fits(found: Discovered, request: Any, effect: kynara.Effect) -> None:
    """Assert that something which is not denied is among what was discovered."""
    note(readable(found.to_dict()))
    assert found.effect.rank >= effect.rank
    assert request["resource"]["type"] in found.resources
    if effect is kynara.Effect.REQUIRE_APPROVAL:
        assert found.approval is not None
    if effect is kynara.Effect.ALLOW:
        assert found.approval != "always" or len(found.resources) > 1
    arguments = request["action"].get("properties", {})
    jsonschema.validate(arguments, found.json_schema, jsonschema.Draft202012Validator)
    for argument in found.arguments:
        assert argument.name in arguments or not argument.required
        if argument.name in arguments:
            jsonschema.validate(arguments[argument.name], argument.schema, jsonschema.Draft202012Validator)


# --- conditions about arguments alone, where most of what a schema can say is said

KINDS: dict[str, ty.Type] = {
    "flag": ty.BOOL, "n": ty.INT, "sum": ty.DECIMAL, "text": ty.STRING, "level": LEVELS, "path": ty.PATH, "host": ty.HOST,
    "mail": ty.EMAIL, "url": ty.URL, "ip": ty.IP, "at": ty.TIME, "ttl": ty.DURATION,
}  # fmt: skip
SETS = {f"{name}s": ty.SetOf(kind) for name, kind in KINDS.items()}
RECORD = ty.Record((ty.Field("a", ty.INT), ty.Field("b", ty.STRING, True, "b-x")))
PARAMETERS: dict[str, ty.Type] = {**KINDS, **SETS, "rec": RECORD, "recs": ty.SetOf(RECORD)}
OPTIONAL = ("text", "sum", "paths")


class Narrow:
    """A program whose rules are about arguments, and argument lists."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        used = sorted({draw.pick(list(PARAMETERS)) for _ in range(3)})
        self.used = {name: PARAMETERS[name] for name in used}
        rules = [self.rule(f"permit p{i}", "scope any \"a test\"") for i in range(1 + draw.number(1))]
        rules += [self.rule(f"forbid f{i}") for i in range(draw.number(1))]
        rules += [self.rule(f"require approval a{i}", "from User") for i in range(draw.number(1))]
        declared = ", ".join(f"{n}: {written(k)}{'?' * (n in OPTIONAL)}" for n, k in self.used.items())
        head = f"subject User\nresource Thing\naction act on Thing ({declared})\n"
        self.text = head + "\n".join(rules) + "\n"
        attrs = [Attr(n, n, k, n in OPTIONAL) for n, k in self.used.items()]
        caller = Caller(draw, None)  # type: ignore[arg-type]  # values of these types need no declarations
        self.calls = [caller.members(attrs, 1, 100) for _ in range(20)]

    def rule(self, head: str, *more: str) -> str:
        clauses = ["subject any", "action any", "resource any", *more]
        clauses += [f"{self.draw.pick(('when', 'when', 'unless'))} {self.test(2)}" for _ in range(1 + self.draw.number(1))]
        return head + " {\n  " + "\n  ".join(clauses) + "\n}"

    def test(self, depth: int) -> str:
        at = self.draw.number(9)
        if depth and at >= 7:
            word = self.draw.pick((" and ", " or "))
            return f"({word.join(self.test(depth - 1) for _ in range(2))})"
        if depth and at == 6:
            return f"(not {self.test(depth - 1)})"
        name = self.draw.pick(list(self.used))
        found = f"({self.about(f'args.{name}', self.used[name], depth)})"
        if name not in OPTIONAL:
            return found
        return self.draw.pick((f"(args has {name} and {found})", f"(not args has {name} or {found})", f"(args has {name})"))

    def about(self, value: str, kind: ty.Type, depth: int) -> str:
        """Write a condition about one value."""
        draw, literal = self.draw, self.literal
        match kind:
            case ty.SetOf(element=element):
                return self.about_set(value, element, depth)
            case ty.Record():
                inner = f"{value} has b and {self.about(value + '.b', ty.STRING, 0)}"
                return draw.pick((self.about(f"{value}.a", ty.INT, 0), inner))
            case ty.BOOL:
                return draw.pick((value, f"not {value}", f"{value} == {literal(kind)}"))
        choices = [f"{value} == {literal(kind)}", f"{value} != {literal(kind)}"]
        choices += [f"{value} {word} {self.several(kind)}" for word in ("in", "not in")]
        if kind in (ty.INT, ty.DECIMAL, ty.TIME, ty.DURATION):
            choices += [f"{value} {op} {literal(kind)}" for op in ("<", "<=", ">", ">=")] + [f"{literal(kind)} < {value}"]
        match kind:
            case ty.STRING:
                text = draw.pick((value, f"{value}.lower()"))
                method = draw.pick(("starts_with", "ends_with", "contains"))
                choices += [f"{text} like {quoted(draw.pick(GLOBS))}", f"{text}.{method}({literal(kind)})"]
                choices += [f"{text} in {self.several(kind)}", f"{text}.length() {draw.pick(('<', '>=', '=='))} {draw.number(4)}"]
            case ty.PATH:
                choices += [f"{value} within {literal(kind)}", f"{value} within {self.several(kind)}"]
                choices += [f'{value}.suffix == "{draw.pick((".py", ".gz", ""))}"', f'{value}.name in {{"a.py", "work", "c"}}']
            case ty.HOST:
                choices += [f"{value} within {literal(kind)}", f"{value} within {self.several(kind)}"]
            case ty.EMAIL:
                choices += [f"{value}.domain within {literal(ty.HOST)}", f"{value}.domain == {literal(ty.HOST)}"]
            case ty.URL:
                choices += [f"{value}.host within {self.several(ty.HOST)}", f"{value}.host == {literal(ty.HOST)}"]
                choices += [f'{value}.scheme in {{"https", "ssh"}}', f"{value}.path within {literal(ty.PATH)}"]
                choices += [f"{value}.port == 443", f"{value}.scheme.length() <= 4"]
            case ty.IP:
                choices += [f"{value} within {draw.pick(POOL[ty.BLOCK])[0]}"]
        return draw.pick(choices)

    def about_set(self, value: str, element: ty.Type, depth: int) -> str:
        draw = self.draw
        choices = [f"{value}.size() {op} {draw.number(3)}" for op in ("<=", ">", "==")]
        if depth:
            choices += [f"({word} x in {value}: {self.about('x', element, depth - 1)})" for word in ("all", "any", "all")]
        if not isinstance(element, ty.Record):
            choices += [f"{self.literal(element)} in {value}", f"{self.literal(element)} not in {value}"]
        if element in (ty.BOOL, ty.INT, ty.DECIMAL, ty.STRING, ty.TIME, ty.DURATION):  # of others, a literal is one of texts
            choices += [f"{value}.{m}({self.several(element)})" for m in ("contains_all", "contains_any")]
            choices += [f"{self.several(element)}.{m}({value})" for m in ("contains_all", "contains_any")]
        return draw.pick(choices)

    def literal(self, kind: ty.Type) -> str:
        if isinstance(kind, ty.Enum):
            return quoted(self.draw.pick(kind.values))
        return self.draw.pick([text for text, _ in POOL[kind] if not text.startswith("-")])

    def several(self, kind: ty.Type) -> str:
        return "{" + ", ".join(sorted({self.literal(kind) for _ in range(1 + self.draw.number(2))})) + "}"

    def __repr__(self) -> str:
        return self.text + "\n".join(map(readable, self.calls))


def written(kind: ty.Type) -> str:
    if isinstance(kind, ty.Enum):
        return " | ".join(map(quoted, kind.values))
    if kind is RECORD:
        return '{a: Int, b as "b-x": String?}'
    return f"Set<{written(kind.element)}>" if isinstance(kind, ty.SetOf) else str(kind)


@st.composite
def narrow(draw: Any) -> Narrow:
    return Narrow(Draw(draw))


@given(narrow())
def test_conditions_on_arguments_never_leave_out_what_is_not_denied(case: Narrow) -> None:
    policies = kynara.PolicySet(checked({"narrow.kyn": case.text}))
    subject = {"type": "User", "id": "u"}
    found = {one.action: one for one in discover(policies, subject)}
    for one in found.values():
        jsonschema.Draft202012Validator.check_schema(one.json_schema)
    for arguments in case.calls:
        request = {
            "subject": subject,
            "action": {"name": "act", "properties": arguments},
            "resource": {"type": "Thing", "id": "t"},
            "context": {"now": "2026-11-22T10:00:00Z"},
        }
        decision = policies.decide(request)
        if decision.effect is not kynara.Effect.DENY:
            note(f"{readable(arguments)}: {decision}")
            fits(found["act"], request, decision.effect)


# --- tools


class Tooled(Narrow):
    """Rules about arguments, and the schema of a tool that has parameters of the same names."""

    def __init__(self, draw: Draw) -> None:
        super().__init__(draw)
        self.own = {
            "type": "object",
            "properties": {name: self.schema(kind) for name, kind in self.used.items() if draw.chance(90)},
            "$defs": {"Text": {"type": "string", "minLength": 2}},
        }
        if draw.chance(50):
            self.own["required"] = draw.some(list(self.own["properties"]), 60)
        if draw.chance(50):
            self.own["additionalProperties"] = draw.chance(50)
        junk: list[Any] = [None, True, 1, 2.5, "a", "ab", [], ["a", "ab"], {"a": 1}, {"a": 1, "b-x": "a"}, "/work/a", "10.1.2.3"]
        self.calls += [{name: draw.pick(junk) for name in draw.some(list(self.used), 80)} for _ in range(10)]

    def schema(self, kind: ty.Type) -> Any:
        """Write a schema that a tool could have for a parameter; it fits the type more often than not."""
        draw = self.draw
        match kind:
            case ty.BOOL:
                found: Any = {"type": "boolean"}
            case ty.INT:
                found = draw.pick(({"type": "integer"}, {"type": "integer", "minimum": 1, "maximum": 100}, {"type": "number"}))
            case ty.DECIMAL:
                found = draw.pick(({"type": "number"}, {"type": "string"}, {"type": ["number", "string"]}, {"type": "integer"}))
            case ty.SetOf(element=element):
                found = draw.pick(({"type": "array", "items": self.schema(element)}, {"type": "array"}))
                found |= draw.pick(({}, {"minItems": 1}, {"maxItems": 2}, {"contains": {"type": "string"}, "maxContains": 1}))
            case ty.Record():
                found = {"type": "object", "properties": {"a": self.schema(ty.INT)}, "additionalProperties": draw.chance(50)}
                found = draw.pick((found, {"type": "object"}, {"type": "object", "additionalProperties": False}))
            case ty.Enum(values=values):
                found = draw.pick(({"type": "string"}, {"enum": list(values[:2])}, {"type": "string", "enum": [*values, "x"]}))
            case _:
                found = draw.pick(({"type": "string"}, {"type": "string", "minLength": 2}, {"type": "string", "pattern": "a"}))
                found = draw.pick((found, {"$ref": "#/$defs/Text"}, {"allOf": [found]}, {"oneOf": [found, {"const": "a"}]}))
        if draw.chance(15):
            found = draw.pick(({"anyOf": [found, {"type": "null"}]}, {"type": "string"}, {"type": "integer"}, True, {}, False))
        if isinstance(found, dict) and isinstance(found.get("type"), str) and draw.chance(15):
            found = {**found, "type": [found["type"], "null"], "default": None}
        return found


@st.composite
def tooled(draw: Any) -> Tooled:
    return Tooled(Draw(draw))


@given(tooled(), st.booleans())
def test_a_narrowed_tool_takes_nothing_new_and_everything_that_is_not_denied(case: Tooled, strict: bool) -> None:
    policies = kynara.PolicySet(checked({"narrow.kyn": case.text}))
    subject = {"type": "User", "id": "u"}
    tool = {"name": "act", "parameters": case.own, "strict": strict}
    for narrowed in narrow_tools([tool], discover(policies, subject)):
        note(readable(narrowed))
        jsonschema.Draft202012Validator.check_schema(narrowed["parameters"])
        before, after = (jsonschema.Draft202012Validator(s) for s in (case.own, narrowed["parameters"]))
        for arguments in case.calls:
            request = {
                "subject": subject,
                "action": {"name": "act", "properties": arguments},
                "resource": {"type": "Thing", "id": "t"},
                "context": {"now": "2026-11-22T10:00:00Z"},
            }
            note(readable(arguments))
            if after.is_valid(arguments):
                assert before.is_valid(arguments)
            elif before.is_valid(arguments):
                assert policies.decide(request).effect is kynara.Effect.DENY
