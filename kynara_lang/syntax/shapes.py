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
        "EXPECT ON_BEHALF_OF",
        r"(?P<at>\bgiven[ \t]+(?:an?[ \t]+)?(?:approvals?|approved|approver)[ \t]+(?:by[ \t]+|from[ \t]+|of[ \t]+)?"
        r"(?!by\b)([\w, \t]*\w))",
        "who approves is said with `approval by`",
        "not a word of tests",
        r"write `given approval by \2`",
    ),
    _shape(
        "ON_BEHALF_OF",
        r"(?P<at>\bgiven[ \t]+([a-z_]\w*)[ \t]+"
        r"(?:(?:acting[ \t]+)?(?:for|as)|acting[ \t]+on[ \t]+behalf[ \t]+of|behalf[ \t]+of|on_behalf_of)"
        r"[ \t]+([a-z_]\w*))",
        "whom somebody acts for is said with `on behalf of`",
        "not a word of tests",
        r"write `given \2 on behalf of \3`",
    ),
    _shape(
        "STRING",
        r"^(?P<at>test[ \t]+([A-Za-z_]\w*(?:[ \t]+\w+)*))[ \t]*\{",
        "the title of a test stands in quotes",
        "a title is a text",
        r'write `test "\2" {`',
    ),
    _shape(
        "QMARK RPAR LET",
        r"(?P<at>\b(List|Array|Vec|Collection)[<\[]([^<>\[\]\n]*)[>\]])",
        r"there is no type `\2`",
        "not a type",
        r"write `Set<\3>`",
    ),
    _shape(
        "WHEN RBRACE",
        r"(?P<at>\bexcept(?:ing)?[ \t]+(?:when|if|where))\b",
        "`except` begins no clause",
        "not a clause",
        "write `unless`",
    ),
    _shape(
        "TYPE_NAME",
        r"\b(?P<at>([a-z_]\w*(?:\.[a-z_]\w*)+)\.([A-Z]\w*))",
        "an imported name stands alone",
        "not with its module",
        r"write `\3` here, and `import \2 (\3)` at the top",
    ),
    _shape(
        "QMARK RPAR LET",
        r"(?P<at>\b(Map|HashMap|Dict|Dictionary|Object|Record)[<\[][^<>\[\]\n]*[>\]])",
        r"there is no type `\2`",
        "not a type",
        "write a record, which names its fields: `{name: String, size: Int}`",
    ),
    _shape(
        "LESSTHAN",
        r"(?P<at>\bSet\[([^<>\[\]\n]+)\])",
        "the elements of a `Set` are named in `<…>`",
        "not in brackets",
        r"write `Set<\2>`",
    ),
    _shape(
        "RPAR",
        r"^let\b.*(?P<at>\b(Optional|Option|Maybe|Nullable)[<\[]([^<>\[\]\n]*)[>\]])",
        r"there is no type `\2`",
        "not a type",
        r"what is given to a predicate is always there: write `\3`",
    ),
    _shape(
        "QMARK",
        r"(?P<at>\b(Optional|Option|Maybe|Nullable)[<\[]([^<>\[\]\n]*)[>\]])",
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
        r"^(?P<at>import[ \t]+([a-z_][\w.]*)(?:[ \t]*\{|[ \t])[ \t]*"
        r"((?!as\b)[A-Za-z_]\w*(?:[ \t]*,[ \t]*[A-Za-z_]\w*)*)[ \t]*\}?)",
        "an imported name stands in parentheses",
        "only the name of a module fits here",
        r"write `import \2 (\3)`",
    ),
    _shape(
        "LET",
        r"^(?P<at>import[ \t]+([a-z_][\w.]*)[ \t]+as[ \t]+\w+)",
        "what is imported keeps its name",
        "no `as` here",
        r"name what is used: `import \2 (NAME, …)`",
    ),
    _shape(
        "EQUAL",
        r"^let[ \t]+([a-z_]\w*)[ \t]*(?P<at>:=)[ \t]*([^#\n]*[^#\s])",
        "`:=` is written `=`",
        "not part of the language",
        r"write `let \1 = \3`",
    ),
    _shape(
        "LET EQUAL",
        r"^(?P<at>(?:let[ \t]+)?([a-z_]\w*)[ \t]*:[ \t]*[A-Z][\w<>]*[ \t]*=[ \t]*([^#\n]*[^#\s{]))[ \t]*(?:#|$)",
        "a value has the type that it is written in",
        "no type is named here",
        r"write `let \2 = \3`",
    ),
    _shape(
        "LET",
        r"^(?P<at>([a-z_]\w*)[ \t]*(?<![:=!<>]):?=(?![=>~])[ \t]*([^#\n]*[^#\s{]))[ \t]*(?:#|$)",
        "what gives a value a name begins with `let`",
        "`let` is missing",
        r"write `let \2 = \3`",
    ),
    _shape(
        "NAME",
        r"\baction[ \t]+(?P<at>(?:(?:==|in|is)[ \t]*)?Action::\"([a-z_][\w.]*)\")",
        "an action is named without a type and quotes",
        "actions are names",
        r"write `action \2`",
    ),
    _shape(
        "NAME DOT",
        r"\baction[ \t]+(?P<at>(?:in\b|is\b|==|=)[ \t]*([a-z_][\w.]*(?:[ \t]*,[ \t]*[a-z_][\w.]*)*))",
        "an `action` clause compares nothing",
        "expected the names alone",
        r"write `action \2`",
    ),
    _shape(
        "WHEN DOT",
        r"\baction[ \t]+(?:[\w.*]+[ \t]*,[ \t]*)*(?P<at>([a-z_]\w*(?:\.\w+)*)\.\w+\*)",
        "the `*` of an action stands right behind a dot",
        "not behind a part of a name",
        r"write `\2.*`, or name each action",
    ),
    _shape(
        "WHEN DOT",
        r"\baction[ \t]+(?:[\w.*]+[ \t]*,[ \t]*)*(?P<at>([a-z_]\w*)\*)",
        "the `*` of an action stands right behind a dot",
        "a dot is missing",
        r"write `\2.*`",
    ),
    *(
        _shape(
            "WHEN TYPE_NAME RBRACE",
            rf"(?:^|\{{)[ \t]*(?P<at>{clause}[ \t]+{head})",
            f"a `{right}` clause compares nothing",
            "expected a type, an entity, or `any in` what they are in",
            rf"write `{right} {names}`",
        )
        for clause, right in (("(?:subject|principal)", "subject"), ("resource", "resource"))
        for head, names in (
            (r"is[ \t]+([A-Z]\w*)[ \t]+in[ \t]+([A-Z]\w*::\"[^\"\n]*\")", r"\2 in \3"),
            (r"in[ \t]+([A-Z]\w*::\"[^\"\n]*\")", r"any in \2"),
            (r"(?:==|=|is)[ \t]*([A-Z]\w*(?:::\"[^\"\n]*\")?)", r"\2"),
        )
    ),
    _shape(
        "LET",
        r"^(?P<at>(?:def|fn|func|function)[ \t]+\w+[ \t]*\([^()\n]*\)[ \t]*(?::|\{|->))",
        "there are no functions; what is allowed is said by rules",
        "not a word of the language here",
        "write `permit NAME { … }` or `forbid NAME { … }`; only a condition has a name by `let`",
    ),
)
