"""Types said in a sentence, for messages."""

from __future__ import annotations

from ..semantics.types import BOOL, Entity, Enum, Record, SetOf, Type


def in_words(kind: Type) -> str:
    """Say a type in a sentence: `an Int`, `a set`, `one of "a" | "b"`."""
    text = str(kind)
    match kind:
        case Enum():
            return f"one of {text}"
        case Entity():
            return f"an entity ({text})" if kind.names or kind.label else "an entity"
        case SetOf():
            return f"a `{text}`"
        case Record():
            return f"a record `{text}`"
    if kind == BOOL:
        return "true or false"
    return f"{'an' if text[0] in 'AEIOaeio' else 'a'} {text}"
