"""Conditions that look like another language's: a pattern for each, and what a policy writes instead."""

from __future__ import annotations

import re
from typing import Final

from .shapes import CLAUSE_WORD, Shape

_VALUE = r"[a-z_][\w.]*(?:\([^()\n]*\))?"
_NUMBER = r"\d[\w.:-]*|\"[^\"\n]*\"|[a-z_][\w.]*"
_CAPITALS = ("AND", "OR", "IN", "IS", "HAS", "LIKE", "WITHIN", "HOLDS")
# What stands around a side that nothing else binds: a side of a comparison would be torn out of it.
_ALONE = r"(?:^|\b(?:when|unless|scope|where|and|or)\b|[({:])[ \t]*"
_ENDS = r"(?=[ \t]*(?:$|[)}#]|\band\b|\bor\b))"


def _shape(pattern: str, message: str, label: str, cure: str) -> Shape:
    """Return a shape that stands wherever a condition does."""
    needs = frozenset({"AND", "OR", "NAME", "TYPE_NAME", "TRUE", "COLON", "STRING", "RPAR", "DOUBLE_COLON", "WHEN"})
    return Shape(needs, re.compile(pattern), message, label, cure)


_QUANTIFIER = "a quantifier is written `any x in S: …` or `all x in S: …`"
_MISSING = "whether something is there is asked with `has`"
CONDITION_SHAPES: Final = (
    _shape(
        r"(?P<at>\b(?P<q>any|all)\([ \t]*(?P<s>[a-z_][\w.]*)[ \t]*,[ \t]*(?P<v>[a-z_]\w*)[ \t]*(?:=>|->|:)[ \t]*"
        r"(?P<p>[^()\n]*)\)?)",
        _QUANTIFIER,
        "another language's order",
        r"write `\g<q> \g<v> in \g<s>: \g<p>`",
    ),
    *(
        _shape(
            rf"(?P<at>\b(?:{words})[ \t]+(?P<v>(?!in\b)[a-z_]\w*)[ \t]+in[ \t]+(?P<s>[a-z_][\w.]*))",
            _QUANTIFIER,
            "not how a quantifier begins",
            rf"write `{right} \g<v> in \g<s>`",
        )
        for words, right in (
            (r"exists|some|for[ \t]+some|there[ \t]+is", "any"),
            (r"for[ \t]*all|every|each|for[ \t]+each|for[ \t]+every", "all"),
        )
    ),
    _shape(
        r"\b(?:any|all)[ \t]+[a-z_]\w*[ \t]+in[ \t]+[a-z_][\w.]*[ \t]*"
        r"(?P<at>where\b|such[ \t]+that\b|satisfies\b|if\b|\|)",
        _QUANTIFIER,
        "what it asks stands behind a `:`",
        "write `:`",
    ),
    _shape(
        rf"{_ALONE}(?P<at>(?P<a>{_VALUE})[ \t]+(?:xor|XOR)[ \t]+(?P<b>{_VALUE})){_ENDS}",
        "there is no `xor`",
        "not an operator",
        r"write `\g<a> != \g<b>`, which holds if one of the two does, and not both",
    ),
    _shape(
        r"(?P<at>\b(?:xor|XOR)\b)",
        "there is no `xor`",
        "not an operator",
        "write both sides out: `(a and not b) or (not a and b)`",
    ),
    _shape(
        rf"{_ALONE}(?P<at>(?P<a>{_VALUE})[ \t]*(?:\bimplies\b|=>|->)[ \t]*(?P<b>{_VALUE})){_ENDS}",
        "there is no implication",
        "not an operator",
        r"write `(not \g<a> or \g<b>)`",
    ),
    _shape(
        r"(?P<at>\bimplies\b|->)",
        "there is no implication",
        "not an operator",
        "write both sides out: `not (a) or (b)`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_][\w.]*)[ \t]+has[ \t]+(?:not|no)[ \t]+(?P<n>[a-z_]\w*))",
        "`not` stands before the whole test",
        "only `not in` has it in the middle",
        r"write `not \g<a> has \g<n>`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_][\w.]*)\.(?P<n>[a-z_]\w*)[ \t]+(?:exists\b|is[ \t]+(?:present|defined|set)\b|"
        r"is[ \t]+not[ \t]+(?:null|none|None|NULL|nil|undefined|missing|empty)\b))",
        _MISSING,
        "nothing is ever null",
        r"write `\g<a> has \g<n>`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_][\w.]*)\.(?P<n>[a-z_]\w*)[ \t]+is[ \t]+(?:missing|absent|undefined|unset)\b)",
        _MISSING,
        "nothing is ever null",
        r"write `not \g<a> has \g<n>`",
    ),
    *(
        _shape(
            rf"(?P<at>(?P<a>{_VALUE})[ \t]+is[ \t]+(?i:{words}))\b",
            "what is true or false is not compared with `is`",
            "a type is tested with `is`",
            rf"write `{right}\g<a>`",
        )
        for words, right in (
            (r"true|not[ \t]+false", ""),
            (r"false|not[ \t]+true", "not "),
        )
    ),
    _shape(
        rf"(?P<at>(?P<a>(?!not\b){_VALUE})[ \t]+in[ \t]+(?P<x>\d+)[ \t]*\.\.\.?=?[ \t]*(?P<y>\d+))",
        "there are no ranges",
        "not a value",
        r"write `(\g<a> >= \g<x> and \g<a> <= \g<y>)`",
    ),
    _shape(
        rf"(?P<at>(?P<a>(?!not\b){_VALUE})[ \t]+between[ \t]+(?P<x>{_NUMBER})[ \t]+(?:and|to)[ \t]+(?P<y>{_NUMBER}))",
        "there is no `between`",
        "not an operator",
        r"write `(\g<a> >= \g<x> and \g<a> <= \g<y>)`",
    ),
    *(
        _shape(rf"(?P<at>\b{word}\b)", f"`{word}` is written small", "capital letters", f"write `{word.lower()}`")
        for word in _CAPITALS
    ),
    _shape(
        r"(?P<at>\b(?P<i>in|within)[ \t]*\((?P<x>[^(){}\n]*,[^(){}\n]*)\))",
        "sets are written in braces",
        "parentheses only group",
        r"write `\g<i> {\g<x>}`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_]\w*(?:\.[a-z_]\w*)*)\.(?P<n>[a-z_]\w*)\?\.(?P<m>[a-z_]\w*))",
        "what may be missing is asked for first",
        "there is no `?.`",
        r"ask first: `\g<a> has \g<n> and \g<a>.\g<n>.\g<m>…`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_]\w*)\?\.(?P<n>[a-z_]\w*))",
        "what may be missing is asked for first",
        "there is no `?.`",
        r"ask first: `\g<a> has \g<n> and \g<a>.\g<n>…`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_][\w.]*)[ \t]+isn'?t[ \t]+(?P<t>[A-Z]\w*))",
        "`not` stands before the whole test",
        "not an operator",
        r"write `not \g<a> is \g<t>`",
    ),
    _shape(
        r"(?P<at>(?P<a>[a-z_][\w.]*)[ \t]+in[ \t]+"
        r"(?P<l>[A-Z]\w*::\"[^\"\n]*\"(?:[ \t]*,[ \t]*[A-Z]\w*::\"[^\"\n]*\")+))",
        "several groups are asked one by one",
        "a list of groups is no value",
        r"write `any g in {\g<l>}: \g<a> in g`",
    ),
    _shape(
        r"(?<![\w.])(?P<at>(?P<x>\d{1,3}),(?P<y>\d{3}))(?![\w,])",
        "a number is written without `,`",
        "read as two",
        r"write `\g<x>\g<y>`",
    ),
    _shape(
        r"(?<![\w)\].])(?P<at>\.(?P<d>\d{1,4}))\b",
        "a number begins with a digit",
        "what stands before the dot?",
        r"write `0.\g<d>`",
    ),
    _shape(
        r"(?P<at>\b(?P<t>[A-Z]\w*)(?:[:.][ \t]*|\()(?P<i>\"[^\"\n]*\")\)?)",
        "an entity is its type, `::` and its id",
        "not how an entity is written",
        r"write `\g<t>::\g<i>`",
    ),
    _shape(
        r"(?P<at>\b(?P<t>[A-Z]\w*)::(?P<i>[A-Za-z_][\w-]*))",
        "the id of an entity stands in quotes",
        "quotes are missing",
        r'write `\g<t>::"\g<i>"`',
    ),
    _shape(
        rf"^[ \t]*(?P<at>-[ \t]+(?:{CLAUSE_WORD})\b[^\n]*)",
        "clauses are no list",
        "one sign too many",
        "delete the `-`",
    ),
)
