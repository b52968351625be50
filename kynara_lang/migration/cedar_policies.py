"""Policies as they were given, in Cedar's JSON format, each with its name and the places of its parts.

Text is read by `cedarpy`, an optional extra. Cedar's JSON format needs nothing but this package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from ..diagnostics.source import Source, Span
from ..runtime.strict_json import JsonProblem, loads
from .cedar_model import CedarError
from .cedar_syntax import PlacedPolicy, SyntaxProblem, read_policies

INSTALL: Final = 'pip install "kynara-lang[bench]"'
MAX_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 400
_FORMAT: Final = "see Cedar's JSON policy format; `cedar translate-policy` makes it of text"
_COMMENT: Final = re.compile(r"(?:^[ \t]*//[^\n]*\n)+[ \t]*\Z", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d+")


@frozen(eq=False)
class Policy:
    """A policy: its name, the node of Cedar's JSON format, and where it comes from.

    `span` covers the whole of it, or is None where it comes from JSON. `comments` stood right above it.
    """

    id: str
    node: Mapping[str, Any]
    source: Source
    span: Span | None
    template: bool
    places: Mapping[int, tuple[int, int]]
    comments: tuple[str, ...] = ()
    linked: bool = False

    @property
    def effect(self) -> str:
        """`permit` or `forbid`; what is neither could be a forbid."""
        return "permit" if self.node.get("effect") == "permit" else "forbid"

    @property
    def annotations(self) -> Mapping[str, Any]:
        """What `@name("…")` says."""
        found = self.node.get("annotations", {})
        return found if isinstance(found, Mapping) else {}

    @property
    def name(self) -> str:
        """What people call it: its `@id`, or else the name that Cedar gives it."""
        own = self.annotations.get("id")
        return own if isinstance(own, str) and own else self.id

    @property
    def place(self) -> str:
        """The file and line where it stands."""
        if self.span is None:
            return f"{self.source.name}, {self.id}"
        return f"{self.source.name}:{self.span.first.line}"

    @property
    def short_place(self) -> str:
        """The file, without its folders, and line where it stands."""
        return self.place.replace("\\", "/").rpartition("/")[2]

    def span_of(self, node: Any) -> Span | None:
        """Return where a part stands, or else the whole policy."""
        place = self.places.get(id(node))
        return Span(self.source, *place) if place else self.span


def read_policy_file(source: Source) -> list[Policy]:
    """Return the policies of a file: of Cedar's JSON format if it begins as JSON does, of text otherwise."""
    if source.text.lstrip("\ufeff \t\r\n").startswith("{"):
        return list(_from_json(source))
    return list(_from_text(source))


def cedarpy_or_none() -> Any:
    """Return the package `cedarpy`, or None where it is not installed."""
    try:
        import cedarpy
    except ImportError:
        return None
    return cedarpy


def _from_text(source: Source) -> Iterator[Policy]:
    """Read text through `cedarpy`; places come from reading it once more here."""
    cedarpy = cedarpy_or_none()
    if cedarpy is None:
        raise CedarError(
            f"`{source.name}` is Cedar text, and `cedarpy`, which reads it, is not installed",
            f"{INSTALL}, or hand in Cedar's JSON format (`cedar translate-policy --direction cedar-to-json`)",
        )
    try:
        data = json.loads(cedarpy.policies_to_json_str(source.text))
    except ValueError as error:
        raise CedarError(f"`{source.name}` is not Cedar: {error}", "`cedar check-parse` shows the place") from None
    except RecursionError:
        raise CedarError(f"`{source.name}` has conditions that are nested too deeply") from None
    theirs = {**data.get("staticPolicies", {}), **data.get("templates", {})}
    placed = _placed(source)
    for i, name in enumerate(sorted(theirs, key=_number)):
        mine = placed[i] if i < len(placed) and len(placed) == len(theirs) else None
        span = Span(source, mine.start, mine.end) if mine else None
        template = name in data.get("templates", {})
        comments = _comments(source.text, mine.start) if mine else ()
        if mine is not None and _same(mine.node, theirs[name]):
            yield Policy(name, mine.node, source, span, template, mine.places, comments)
        else:
            yield Policy(name, theirs[name], source, span, template, {}, comments)


def _number(name: str) -> int:
    found = _NUMBER.search(name)
    return int(found[0]) if found else 0


def _placed(source: Source) -> list[PlacedPolicy]:
    try:
        return read_policies(source.text)
    except (SyntaxProblem, RecursionError, IndexError, ValueError):
        return []


def _same(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Whether two readings say the same; Cedar joins the literal characters of a pattern as it likes."""
    return bool(_plain(mine) == _plain(theirs))


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {
            name: pattern_parts(inner) if name == "pattern" else _plain(inner)
            for name, inner in node.items()
            if not (name == "conditions" and not inner)
        }
    if isinstance(node, list):
        return [_plain(item) for item in node]
    return (type(node), node)


def pattern_parts(pattern: Any) -> list[str | None]:
    """Return the parts of a pattern of `like`: literal text, and None for each wildcard."""
    parts: list[str | None] = []
    for item in pattern if isinstance(pattern, list) else ():
        literal = item.get("Literal") if isinstance(item, Mapping) else None
        if literal is None:
            parts.append(None)
        elif parts and parts[-1] is not None:
            parts[-1] += str(literal)
        else:
            parts.append(str(literal))
    return parts


def _comments(text: str, start: int) -> tuple[str, ...]:
    """Return the lines of comments right above a policy."""
    found = _COMMENT.search(text, 0, start)
    return tuple(line.strip().lstrip("/").strip() for line in found[0].splitlines() if line.strip()) if found else ()


def _from_json(source: Source) -> Iterator[Policy]:
    """Read Cedar's JSON format: a set of policies, or a single one."""
    try:
        data = loads(source.text.lstrip("\ufeff"), max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except JsonProblem as problem:
        raise CedarError(f"`{source.name}` is not JSON: {problem}") from None
    if not isinstance(data, dict):
        raise CedarError(f"`{source.name}` holds no Cedar policies", _FORMAT)
    if "effect" in data:
        data = {"staticPolicies": {"policy0": data}}
    if not {"staticPolicies", "templates", "templateLinks"} & data.keys():
        raise CedarError(f"`{source.name}` holds no Cedar policies", _FORMAT)
    for member, template in (("staticPolicies", False), ("templates", True)):
        found = data.get(member, {})
        if not isinstance(found, dict) or not all(isinstance(node, dict) for node in found.values()):
            raise CedarError(f"`{member}` of `{source.name}` is no object of policies", _FORMAT)
        for name, node in found.items():
            yield Policy(name, node, source, None, template, {})
    links: Any = data.get("templateLinks", [])
    if not isinstance(links, list):
        raise CedarError(f"`templateLinks` of `{source.name}` is no list", _FORMAT)
    templates = data.get("templates", {})
    for link in links:
        match link:
            case {"templateId": str(template_id), "newId": str(new_id)} if template_id in templates:
                yield Policy(new_id, templates[template_id], source, None, True, {}, linked=True)
            case _:
                raise CedarError(f"a link of `templateLinks` of `{source.name}` names no template", _FORMAT)
