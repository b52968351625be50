"""What to ask of a path, host, e-mail address or URL instead of how it is spelled."""

from __future__ import annotations

import re

from ..semantics.types import EMAIL, PATH, URL, Type


def contained(value: str, kind: Type, sought: str, *, at_end: bool) -> str:
    """Say what to ask instead of how a value is spelled: no less than what was sought, as far as that can be read."""
    domain = re.fullmatch(r"(?:\*?@|\*?\.|\*)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)", sought)
    name = domain[1] if domain else "example.com"
    if kind == EMAIL:
        if domain and "@" in sought:
            return f'ask for the domain: `{value}.domain == "{name}"`'
        return f'ask for containment: `{value}.domain within "{name}"`'
    if kind == URL:
        found = re.match(r"(https?)://([A-Za-z0-9.-]+[A-Za-z0-9])(/[\w./-]*\w)?", sought)
        if found is None:
            return f'ask for containment: `{value}.host within "{name}"`'
        below = f' and {value}.path within "{found[3]}"' if found[3] else ""
        return f'ask for its parts: `{value}.scheme == "{found[1]}" and {value}.host == "{found[2]}"{below}`'
    if kind != PATH:
        return f'ask for containment: `{value} within "{name}"`'
    path = None if at_end else re.fullmatch(r"(/[\w.-]+(?:/[\w.-]+)*?)(?:/?\*+(\.\w+)?|/)?", sought)
    ending = f' and {value}.suffix == "{path[2]}"' if path and path[2] else ""
    if path is None and sought:
        return f'ask for containment in the folders that are meant, such as `{value} within "/work"`'
    return f'ask for containment: `{value} within "{path[1] if path else "/work"}"{ending}`'
