"""Writes the program: a comment that says what it is, the declarations, and the rules, in their canonical layout.

The checker has the last word on what was written. A rule that it refuses is taken out again, and its policy is refused
with what the checker says.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import define, evolve, field

from ..diagnostics.diagnostic import Report, Severity
from ..diagnostics.excerpt import visible
from ..diagnostics.source import Source
from ..pipeline import check_sources
from ..syntax.formatter import formatted
from . import cedar_model as cedar
from .cedar_expressions import Refused, declarable
from .cedar_inference import asked_of_context, parts
from .cedar_model import CedarError, CedarType, EntityTypes, Field, Model, RecordType, SetType, Uid, joined
from .cedar_names import KEYWORDS, Names, lower_name, names_of
from .cedar_policies import Policy
from .cedar_rules import Block, Refusal, RuleWriter

_SIMPLE: Final[Mapping[CedarType, str]] = {
    cedar.BOOL: "Bool",
    cedar.LONG: "Int",
    cedar.STRING: "String",
    cedar.IP: "IP",
    cedar.DECIMAL: "Decimal",
    cedar.DATETIME: "Time",
    cedar.DURATION: "Duration",
}
_WIDTH: Final = 98
_DIFFERENCE: Final = (
    "It decides the same, with differences that are intended. A forbid that cannot be evaluated, because a number "
    "overflows or a value is missing, is skipped by Cedar, so that what it was to prevent happens. Here it denies. A "
    "permit that cannot be evaluated is skipped by both."
)
_STRICT: Final = (
    "A request is also denied here if it names a type or an action that is not declared, or lacks a value that a rule "
    "which is about it reads. Cedar does the same where it validates requests against a schema."
)
_ADDRESSES: Final = (
    "An IPv4 address written in IPv6 (`::ffff:10.0.0.1`) is the IPv4 address here, and is not in Cedar: what Cedar "
    "denies to it can be allowed here, as to the IPv4 address that it is."
)
_GUESSED: Final = (
    "No schema was given. Types, attributes and what can be in what are those that the entities show; what the context "
    "holds is worked out from the policies; and every type may act, and be acted on. Narrow that down."
)


@define
class Written:
    """A program, what could not be taken over, and how many rules there are."""

    text: str
    model: Model
    names: Names
    context: Mapping[str, Field]
    refusals: list[Refusal]
    rules: int


@define
class _Program:
    """A program that is being written."""

    model: Model
    policies: Sequence[Policy]
    title: str
    module: str
    names: Names = field(init=False)
    context: dict[str, Field] = field(init=False)
    refused: dict[int, Refusal] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.names = names_of(self.model)
        self.context = _context(self.model, self.policies)

    def blocks(self) -> list[Block]:
        """Return the rules; what is refused is remembered."""
        writer = RuleWriter(self.model, self.names, self.context)
        found: list[Block] = []
        for i, policy in enumerate(self.policies):
            name = _rule_name(policy)
            if i not in self.refused:
                try:
                    found += writer.write(policy, name)
                except Refused as refused:
                    self.refused[i] = Refusal(policy, refused.what, refused.why, refused.instead, refused.node)
                except CedarError as error:
                    self.refused[i] = Refusal(policy, "a malformed policy", str(error), "correct the JSON")
            refusal = self.refused.get(i)
            if refusal is not None and self._needs_stand_in(refusal):
                self.refused[i] = evolve(refusal, stand_in=True)
                found.append(writer.stand_in(policy, name))
        return found

    @staticmethod
    def _needs_stand_in(refusal: Refusal) -> bool:
        policy = refusal.policy
        matches = refusal.what != "a policy that can never match" and (policy.linked or not policy.template)
        return matches and policy.effect == "forbid"

    def declarations(self, groups: frozenset[Uid]) -> Iterator[str]:
        """Yield the declarations."""
        subjects = self._subjects()
        for kind in sorted(self.model.kinds, key=lambda name: name not in subjects):
            yield self._entity(kind, "subject" if kind in subjects else "resource") + "\n"
        rows = []
        for action in self.model.performed():
            name = self.names.spelled(self.names.actions[action.uid], self.names.spellings[action.uid])
            on = sorted(self.names.types[one] for one in action.resources or ())
            inside = sorted(self.names.actions[group] for group in self.model.groups(action.uid) & groups)
            applies = "" if self.model.guessed or not on else f" on {', '.join(on)}"
            grouped = f" in {', '.join(inside)}" if inside else ""
            if on:
                rows.append(f"action {name}{applies}{grouped}\n")
        yield "".join(rows)
        if self.context:
            yield f"context {{\n{self._fields(self.context)}}}\n"

    def _subjects(self) -> frozenset[str]:
        """Return the types that act, and those that can contain them."""
        acting = {name for action in self.model.performed() for name in action.principals or ()}
        return frozenset().union(*(self.model.above(name) for name in acting))

    def _entity(self, name: str, word: str) -> str:
        kind = self.model.kinds[name]
        above = sorted(self.names.types[parent] for parent in kind.parents)
        inside = f" in {', '.join(above)}" if above else ""
        attributes = self._fields({n: one for n, one in kind.attributes.items() if declarable(one.type)})
        body = f" {{\n{attributes}}}" if attributes else ""
        return f"{word} {self.names.spelled(self.names.types[name], name)}{inside}{body}"

    def _fields(self, fields: Mapping[str, Field]) -> str:
        return "".join(f"  {self._field(name, one)}\n" for name, one in fields.items())

    def _field(self, name: str, one: Field) -> str:
        own = self.names.spelled(self.names.attribute(name), name)
        return f"{own}: {self._type(one.type)}{'' if one.required else '?'}"

    def _type(self, kind: CedarType) -> str:
        match kind:
            case SetType(element=element):
                assert element is not None
                return f"Set<{self._type(element)}>"
            case RecordType(fields=fields):
                return f"{{{', '.join(self._field(name, one) for name, one in fields.items())}}}"
            case EntityTypes(names=names):
                return self.names.types[next(iter(names))]
        return _SIMPLE[kind]

    def text(self, blocks: Sequence[Block]) -> tuple[str, list[tuple[int, int, Block]]]:
        """Return the program, and where each of its rules stands."""
        groups = frozenset().union(*(block.groups for block in blocks))
        text = f"module {self.module}\n\n" + "\n".join(self.declarations(groups)) + "\n"
        places = []
        for block in blocks:
            about = [*block.policy.comments, f"Cedar: {block.policy.short_place}"]
            text += "".join(f"# {visible(line)}\n" for line in about)
            places.append((len(text), len(text) + len(block.text), block))
            text += block.text + "\n"
        return text, places

    def header(self, blocks: Sequence[Block]) -> str:
        """Return the comment at the beginning."""
        paragraphs = [f"Imported from Cedar by `kynara import cedar`: {self.title}.", _DIFFERENCE, _STRICT]
        if self.model.guessed:
            paragraphs.append(_GUESSED)
        if any(" within " in block.text or ": IP" in block.text for block in blocks):
            paragraphs.append(_ADDRESSES)
        told = [
            f"NOT IMPORTED: {one.policy.effect} {one.policy.name} ({one.policy.short_place}): {one.what}: {one.why}."
            + (" A wider forbid stands in its place." if one.stand_in else "")
            for one in self.refused.values()
        ]
        lines = []
        for paragraph in [*paragraphs, *told]:
            lines += ["#", *(f"# {line}" for line in textwrap.wrap(visible(paragraph), _WIDTH))]
        return "\n".join(lines[1:]) + "\n\n"


def write_program(model: Model, policies: Sequence[Policy], title: str, module: str) -> Written:
    """Write the program of policies; raise `CedarError` where its declarations cannot be."""
    program = _Program(model, policies, title, module)
    while True:
        blocks = program.blocks()
        text, places = program.text(blocks)
        source = Source("imported.kyn", text)
        checked = check_sources([source])
        errors = [one for one in checked.diagnostics if one.severity is Severity.ERROR]
        if not errors:
            break
        before = len(program.refused)
        for error in errors:
            for start, end, block in places:
                at = next(i for i, policy in enumerate(policies) if policy is block.policy)
                if start <= error.span.start < end and at not in program.refused:
                    what = f"`{visible(error.span.text)[:60]}`"
                    why = f"Kynara's checker refuses it: {error.message} ({error.code})"
                    program.refused[at] = Refusal(block.policy, what, why, error.help or "write the rule by hand")
        if len(program.refused) == before:
            raise CedarError(f"the program cannot be written: {errors[0].message}", f"at `{errors[0].span.text[:60]}`")
    report = Report()
    laid_out = formatted(Source("imported.kyn", program.header(blocks) + text), report)
    assert laid_out is not None, "what was checked parses"
    refusals = [program.refused[i] for i in sorted(program.refused)]
    return Written(laid_out, model, program.names, program.context, refusals, len(blocks))


def _context(model: Model, policies: Sequence[Policy]) -> dict[str, Field]:
    """Return the fields of the context.

    A field may be absent if it may for some action that has it, or if some action has none of that name and a policy
    asks for it with `has`. One that actions declare with different types is left out, so that policies which read it
    are refused.
    """
    actions = model.performed()
    asked = {name for policy in policies for node in parts(policy.node) if (name := asked_of_context(node))}
    fields: dict[str, Field] = {}
    for name in dict.fromkeys(name for action in actions for name in action.context):
        having = [action.context[name] for action in actions if name in action.context]
        kind: CedarType | None = having[0].type
        for one in having[1:]:
            kind = joined(kind, one.type) if kind is not None else None
        if kind is not None and declarable(kind):
            everywhere = len(having) == len(actions) or name not in asked
            fields[name] = Field(kind, everywhere and all(one.required for one in having))
    return fields


def _rule_name(policy: Policy) -> str:
    name = lower_name(policy.name)
    return f"{name}_rule" if name in KEYWORDS else name
