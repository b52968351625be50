"""What things of a Cedar program are called in Kynara: names of the language, and `as "…"` where Cedar's differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from ..checker.declarations import RESERVED
from .cedar_model import DATETIME, Action, Field, Model, RecordType, SetType, Uid

_PARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9]+")
_BUILT_IN: Final = "Bool Int Decimal String Time Duration IP Email Host Url Path Set"
_TYPES: Final = frozenset(_BUILT_IN.split())
_WORDS: Final = (
    "module import trait subject resource as in is type action on modifies requires effects context role extends let "
    "untrusted permit forbid invariant scope when unless valid from until where quorum expires never always any all "
    "fixture test given expect because or and not has holds like within true false allow deny require_approval "
    "acts require with behalf args actor delegator delegated delegation approver"
)
KEYWORDS: Final = RESERVED | frozenset(_WORDS.split())
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def text_literal(value: str) -> str:
    """Return a text as a literal; whatever is no plain letter or sign is written as an escape."""
    return f'"{"".join(map(_character, value))}"'


def _character(char: str) -> str:
    plain = (char.isascii() and char.isprintable()) or (char.isalnum() and char.isprintable())
    return _ESCAPES.get(char) or (char if plain else f"\\u{{{ord(char):x}}}")


def lower_name(name: str) -> str:
    """Return a name of the language for an attribute, an action or a rule: `legalHold` is `legal_hold`."""
    words = [word for piece in _UNFIT.split(name) for word in _PARTS.split(piece) if word]
    found = "_".join(word.lower() for word in words if word.isascii()) or "unnamed"
    return f"_{found}" if found[0].isdigit() else found


def upper_name(name: str) -> str:
    """Return a name of the language for a type: the last part of `PhotoApp::User`."""
    words = [word for word in _UNFIT.split(name.rpartition("::")[2]) if word]
    found = "".join(word[0].upper() + word[1:] for word in words) or "Unnamed"
    return f"T{found}" if found[0].isdigit() else found


def distinct(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken yet: it, or it with a number."""
    taken, number, found = set(taken), 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


@frozen
class Names:
    """The names of types, attributes, actions and groups of actions, by what Cedar calls them."""

    types: Mapping[str, str]
    attributes: Mapping[str, str]
    actions: Mapping[Uid, str]
    spellings: Mapping[Uid, str]

    def spelled(self, name: str, external: str) -> str:
        """Return a name as it is declared: with the spelling of requests where that is another."""
        return name if name == external else f"{name} as {text_literal(external)}"

    def attribute(self, external: str) -> str:
        """Return what an attribute, a context field or a field of a record is called."""
        return self.attributes[external]

    def entity(self, uid: Uid) -> str:
        """Return an entity as the language writes it."""
        return f"{self.types[uid.type]}::{text_literal(uid.id)}"


def names_of(model: Model) -> Names:
    """Give everything a name."""
    types: dict[str, str] = {}
    for name in sorted(model.kinds):
        wanted = upper_name(name)
        types[name] = distinct(f"{wanted}Entity" if wanted in _TYPES else wanted, types.values())
    attributes: dict[str, str] = {}
    if any(action.context.get("now", Field(DATETIME)) != Field(DATETIME) for action in model.actions.values()):
        attributes["now"] = "now_given"  # `context.now` is always a Time that is there
    # Those that need no other name have theirs first.
    for name in sorted(_attributes(model) - attributes.keys(), key=lambda one: (lower_name(one) != one, one)):
        attributes[name] = distinct(lower_name(name), attributes.values())
    actions: dict[Uid, str] = {}
    for uid in sorted(model.actions, key=lambda one: (lower_name(one.id) != one.id, one)):
        wanted = ".".join(lower_name(part) for part in uid.id.split("."))
        actions[uid] = distinct(f"{wanted}_action" if wanted.split(".")[0] in KEYWORDS else wanted, actions.values())
    return Names(types, attributes, actions, _spellings(model.actions))


def _spellings(actions: Mapping[Uid, Action]) -> dict[Uid, str]:
    """Return what requests call each action: its id, or all of it where another has the same id."""
    ids = [uid.id for uid, action in actions.items() if action.performed]
    return {uid: uid.id if ids.count(uid.id) <= 1 else str(uid) for uid in actions}


def _attributes(model: Model) -> set[str]:
    """Return the names of all attributes, context fields and fields of records."""
    found: set[str] = set()
    waiting: list[Mapping[str, Field]] = [kind.attributes for kind in model.kinds.values()]
    waiting += [action.context for action in model.actions.values()]
    while waiting:
        for name, field in waiting.pop().items():
            found.add(name)
            kind = field.type
            while isinstance(kind, SetType) and kind.element is not None:
                kind = kind.element
            if isinstance(kind, RecordType):
                waiting.append(kind.fields)
    return found
