"""Lines that look like another language's: a pattern for each, and what a policy writes instead."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

BEGIN_CLAUSES: Final = (
    "subject", "action", "resource", "scope", "when", "unless", "valid", "from", "quorum", "expires", "never", "always",
)  # fmt: skip
CLAUSE_WORD: Final = "|".join(BEGIN_CLAUSES)


@frozen
class Shape:
    """How a line looks with a habit in it; `\2` and so on in the texts are groups, and group `at` is to blame."""

    needs: frozenset[str]  # one of these would fit
    pattern: re.Pattern[str]
    message: str
    label: str
    help: str


def _shape(needs: str, pattern: str, message: str, label: str, cure: str) -> Shape:
    return Shape(frozenset(needs.split()), re.compile(pattern), message, label, cure)


SHAPES: Final = (
    _shape(
        "AND NAME",
        r"(?P<at>\b(?:holds[ \t]+roles?[ \t]+\"?|has[ \t]+(?:a[ \t]+)?roles?[ \t]+\"?|holds[ \t]+\")"
        r"(?!and\b|or\b)([a-z_]\w*)\"?)",
        "a role is tested with `holds` and its name",
        "not how roles are tested",
        r"write `holds \2`",
    ),
    _shape(
        "WHEN LET EXPECT",
        rf"(?:^|(?<=[\s{{}}]))(?P<at>({CLAUSE_WORD}|given|expect|permit|forbid|role|module|import)[ \t]*:)(?!:)",
        r"`\2` is written without `:`",
        "one sign too many",
        "delete the `:`",
    ),
    _shape(
        "EXPECT",
        r"^[ \t]*(?P<at>(?:as|by|for|subject|actor|principal|user|who)[ \t]+([a-z_]\w*))\b",
        "who asks is said with `given`",
        "not a word of tests",
        r"write `given \2`",
    ),
    _shape(
        "QMARK",
        r"(?P<at>\b(List|Array|Vec|Collection)<([^<>\n]*)>)",
        r"there is no type `\2`",
        "not a type",
        r"write `Set<\3>`",
    ),
    _shape(
        "QMARK",
        r"(?P<at>\b(Optional|Option|Maybe|Nullable)<([^<>\n]*)>)",
        r"there is no type `\2`",
        "not a type",
        r"what may be missing ends with `?`: write `\3?`",
    ),
    _shape("QMARK", r"(?P<at>([A-Z]\w*)\[\])", "there are no lists", "not a type", r"write `Set<\2>`"),
    _shape("SET", r"(?P<at>\[([A-Z]\w*)\])", "there are no lists", "not a type", r"write `Set<\2>`"),
    _shape(
        "IMPORT",
        r"^(?P<at>from[ \t]+([\w.]+)[ \t]+import[ \t]+([\w, \t]*\w))",
        "`import` comes first, and the names after it in parentheses",
        "another language's order",
        r"write `import \2 (\3)`",
    ),
    _shape(
        "NAME",
        r"^(?P<at>import[ \t]+([a-z_][\w.]*)\.([A-Z]\w*))",
        "an imported name stands in parentheses",
        "only the name of a module fits here",
        r"write `import \2 (\3)`",
    ),
    _shape(
        "LET",
        r"^(?P<at>(?:def|fn|func|function)[ \t]+\w+[ \t]*\([^()\n]*\)[ \t]*(?::|\{|->))",
        "there are no functions; what is allowed is said by rules",
        "not a word of the language here",
        "write `permit NAME { … }` or `forbid NAME { … }`; only a condition has a name by `let`",
    ),
)
