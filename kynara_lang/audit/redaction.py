"""Keeps chosen arguments out of a log, and keyed commitments in their place.

A commitment is an HMAC of the value. Who has the key can show later which value it was; nobody else can find out by
trying values, however few are possible. Equal values of one argument have equal commitments: that much stays visible.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from .encoding import Json, canonical
from .faults import LogError

_DOMAIN: Final = b"kynara-audit/1 argument\n"
_DIGEST_DOMAIN: Final = b"kynara-audit/1 digest\n"
_SHORTEST_KEY: Final = 16
_EVERY: Final = "*"
_ARGUMENT_PATH: Final = re.compile(r"action\.properties(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\[)")


def _by_action(arguments: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    return {action: frozenset((names,) if isinstance(names, str) else names) for action, names in arguments.items()}


@frozen
class Redaction:
    """Which arguments are stored as commitments: names by action, where `*` is every action or every argument.

    Redaction(key, {"send_mail": ["body"], "*": ["password"]})
    """

    key: bytes = field(repr=False)
    arguments: Mapping[str, frozenset[str]] = field(converter=_by_action)

    def __attrs_post_init__(self) -> None:
        """Raise `LogError` for a key that could be guessed."""
        if len(self.key) < _SHORTEST_KEY:
            raise LogError("key", f"redaction needs a secret key of at least {_SHORTEST_KEY} bytes: os.urandom(32)")

    def hides(self, action: str | None, argument: str) -> bool:
        """Tell whether an argument is not to be stored; without an action, whether it is for any."""
        if action is None:
            return any(_EVERY in names or argument in names for names in self.arguments.values())
        names = self.arguments.get(action, frozenset()) | self.arguments.get(_EVERY, frozenset())
        return _EVERY in names or argument in names

    def commitment(self, action: str | None, argument: str, value: Json) -> dict[str, Json]:
        """Return what is stored in place of a value, which is as `stored` returns it."""
        parts = [(action or "").encode(), argument.encode(), canonical(value)]
        return {"$hmac": self._mac(_DOMAIN, parts)}

    def digest(self, digest: str) -> str:
        """Return what is stored in place of an approval's digest, from which a value could be found by trying."""
        return f"hmac-sha256:{self._mac(_DIGEST_DOMAIN, [digest.encode()])}"

    def _mac(self, domain: bytes, parts: Iterable[bytes]) -> str:
        framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.digest(self.key, domain + framed, "sha256").hex()

    def request(self, request: Json) -> tuple[Json, bool]:
        """Return a stored request with commitments in place of what is hidden, and whether anything is."""
        action = request.get("action") if isinstance(request, dict) else None
        properties = action.get("properties") if isinstance(action, dict) else None
        if not isinstance(request, dict) or not isinstance(action, dict) or not isinstance(properties, dict):
            return request, False
        name = action.get("name")
        known = name if isinstance(name, str) else None
        kept: dict[str, Json] = {
            argument: self.commitment(known, argument, value) if self.hides(known, argument) else value
            for argument, value in properties.items()
        }
        if kept == properties:
            return request, False
        return {**request, "action": {**action, "properties": kept}}, True


def hidden_in(request: Json) -> Iterator[str]:
    """List the arguments of a stored request that are commitments."""
    action = request.get("action") if isinstance(request, dict) else None
    properties = action.get("properties") if isinstance(action, dict) else None
    for name, value in properties.items() if isinstance(properties, dict) else ():
        if isinstance(value, dict) and value.keys() == {"$hmac"}:
            yield name


def speaks_of_argument(path: str | None) -> bool:
    """Tell whether an error at a path, or at none, could quote an argument."""
    return path is None or _ARGUMENT_PATH.match(path) is not None


def outer_path(path: str) -> str:
    """Return the path of the argument that an error is about, without what is inside it: keys can be secrets, too."""
    found = _ARGUMENT_PATH.match(path)
    return path if found is None else found[0].removesuffix("[")
