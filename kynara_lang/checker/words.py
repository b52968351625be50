"""Types said in a sentence, for messages."""

from __future__ import annotations

from ..semantics.types import BOOL, Entity, Enum, Record, SetOf, Type
from .symbols import RuleSymbol


def in_words(kind: Type) -> str:
    """Say a type in a sentence: `an Int`, `a User`, `one of "a" | "b"`."""
    text = str(kind)
    match kind:
        case Enum():
            return f"one of {text}"
        case Entity():
            if not kind.names and not kind.label:
                return "an entity"
        case SetOf():
            return f"a `{text}`"
        case Record():
            return f"a record `{text}`"
    if kind == BOOL:
        return "true or false"
    return f"{'an' if text[0] in 'AEIOaeio' else 'a'} {text}"


def not_one_kind(a: Type, op: str, b: Type) -> str:
    """Say in a label what stands on both sides of an operator."""
    return f"{in_words(a)} {op} {in_words(b)}"


def rule_in_words(rule: RuleSymbol) -> str:
    """Return how messages name a rule: "the permit `refunds`"."""
    kind = "`require approval`" if rule.effect == "require_approval" else rule.effect
    return f"the {kind} `{rule.decl.name.text}`"
