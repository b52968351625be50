"""Colours for policies: the lexer that Pygments, and with it Sphinx and MkDocs, finds under the name `kynara`.

It reads words, not programs. Where a word can be a keyword or a name, what stands around it on its line decides, as in
the TextMate grammar `grammar/kynara.tmLanguage.json`, which has the same patterns in the same order. A test holds both
to the parser. Nothing is an error here: documents show mistakes, too, and saying what is wrong is the checker's part.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Other,
    Punctuation,
    String,
    Whitespace,
)

DECLARED: Final = ("permit", "forbid", "invariant", "let", "fixture", "role")
"""What a name of the author's follows: any word, be it a keyword elsewhere."""
DECLARING: Final = (*DECLARED, "trait", "type", "action", "test")
EITHER: Final = ("subject", "resource", "context")
"""Keywords that are also values in expressions."""
IMPORTING: Final = ("module", "import")
CLAUSES: Final = (
    *("scope", "when", "unless", "valid", "from", "until", "where", "quorum", "expires", "never", "always"),
    *("given", "expect", "because", "as", "on", "modifies", "requires", "effects", "extends", "untrusted"),
)
PHRASES: Final = ("acts as", "with role", "on behalf of", "approval by")
APPROVAL: Final = "require approval"
OPERATORS: Final = ("and", "or", "not", "in", "has", "is", "holds", "like", "within", "any", "all")
CONSTANTS: Final = ("true", "false", "allow", "deny", "require_approval")
KEYWORDS: Final = frozenset(
    {*DECLARING, *EITHER, *IMPORTING, *CLAUSES, *PHRASES, APPROVAL, *OPERATORS, *CONSTANTS, "Set"}
)

VALUES: Final = (*EITHER, "args", "delegator", "delegated", "delegation", "actor", "approver")
TYPES: Final = ("Bool", "Int", "Decimal", "String", "Time", "Duration", "IP", "Email", "Host", "Url", "Path", "Set")
METHODS: Final = (
    *("hour", "weekday", "lower", "starts_with", "ends_with", "contains", "length"),
    *("size", "contains_all", "contains_any"),
)
EFFECTS: Final = (
    *("edits_policy", "approves", "writes_memory", "registers_tool", "disables_audit", "mints_credential"),
    *("executes_code", "reads_private", "reads_untrusted", "sends_out", "irreversible"),
)

_NAME: Final = r"[a-z_][A-Za-z0-9_]*"
_END: Final = r"(?![A-Za-z0-9_])"
_ESCAPE: Final = r'\\(?:u\{[0-9A-Fa-f]{1,6}\}|["\\nt])'


def _any_of(choice: tuple[str, ...]) -> Any:
    return words(choice, suffix=_END)


def _spaced(text: str) -> str:
    return text.replace(" ", r"[ \t]+")


def _text(kind: Any) -> list[Any]:
    """Return the patterns for the rest of a text, which ends with its line at the latest."""
    return [
        (_ESCAPE, String.Escape),
        (r'[^"\\\n]+|\\', kind),
        (r'"', kind, "#pop"),
        (r"\n", Whitespace, "#pop"),
    ]


class KynaraLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """Reads policies for Pygments."""

    name = "Kynara"
    aliases: ClassVar[list[str]] = ["kynara", "kyn"]
    filenames: ClassVar[list[str]] = ["*.kyn"]
    mimetypes: ClassVar[list[str]] = ["text/x-kynara"]

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            # comments
            (r"^([ \t]*)(##(?!#)[^\n]*)", bygroups(Whitespace, String.Doc)),
            (r"# kynara: ignore\[[^\n]*", Comment.Special),
            (r"#[^\n]*", Comment.Single),
            # texts, and the identity of an entity: `User::"alice"`
            (r'(?<=::)"', String.Symbol, "identity"),
            (r'"', String.Double, "text"),
            # numbers
            (
                r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt][0-9:.]*[0-9](?:[Zz]|[+-][0-9]{2}:[0-9]{2})?)?" + _END,
                Number.Date,
            ),
            (r"[0-9]+[smhd]" + _END, Number.Duration),
            (r"[0-9]+\.[0-9]+" + _END, Number.Float),
            (r"[0-9]+" + _END, Number.Integer),
            # names, whatever words they are: behind a dot, before a colon, before `as "…"`, where one is declared
            (
                rf"(\.)([ \t]*)({'|'.join(METHODS)})(?=\()",
                bygroups(Punctuation, Whitespace, Name.Builtin),
            ),
            (rf"(\.)([ \t]*)({_NAME})(?=\()", bygroups(Punctuation, Whitespace, Name.Function)),
            (rf"(\.)([ \t]*)({_NAME})", bygroups(Punctuation, Whitespace, Name.Attribute)),
            (rf"{_NAME}(?=[ \t]*:(?!:))", Name.Attribute),
            (rf'(?!{_spaced("acts as")}){_NAME}(?=[ \t]+as[ \t]*")', Name.Attribute),
            (rf"(has)([ \t]+)({_NAME})", bygroups(Operator.Word, Whitespace, Name.Attribute)),
            (rf"(modifies)([ \t]+)({_NAME})", bygroups(Keyword, Whitespace, Name.Attribute)),
            (
                rf"({'|'.join(IMPORTING)})([ \t]+)({_NAME}(?:\.{_NAME})*)",
                bygroups(Keyword.Namespace, Whitespace, Name.Namespace),
            ),
            (
                rf"({'|'.join(DECLARED)}|{_spaced(APPROVAL)})([ \t]+)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            (
                rf"(action)([ \t]+)(?!(?:any|in){_END})({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            # keywords
            (rf"(?:subject|resource)(?=[ \t]+(?:[A-Z]|any{_END}))", Keyword.Declaration),
            (r"context(?=[ \t]*\{)", Keyword.Declaration),
            (_any_of(VALUES), Name.Builtin.Pseudo),
            (rf"{_spaced(APPROVAL)}{_END}", Keyword.Declaration),
            (rf"(?:{'|'.join(map(_spaced, PHRASES))}){_END}", Keyword),
            (_any_of(IMPORTING), Keyword.Namespace),
            (_any_of(DECLARING), Keyword.Declaration),
            (_any_of(CLAUSES), Keyword),
            (_any_of(OPERATORS), Operator.Word),
            (_any_of(CONSTANTS), Keyword.Constant),
            # other words
            (_any_of(EFFECTS), Name.Constant),
            (_any_of(TYPES), Keyword.Type),
            (r"[A-Z][A-Za-z0-9_]*", Name.Class),
            (rf"{_NAME}(?=\()", Name.Function),
            (_NAME, Name),
            # signs
            (r"==|!=|<=|>=|[<>+*=|?-]", Operator),
            (r"::|[(){},.:]", Punctuation),
            (r"\n|[ \t\r]+", Whitespace),
            (r"[A-Za-z0-9_]+|.", Other),
        ],
        "text": _text(String.Double),
        "identity": _text(String.Symbol),
    }
