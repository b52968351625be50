"""What an author is told when a file does not parse: what stood there, what would fit, and an example."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..diagnostics.diagnostic import Edit, Fix, Report
from ..diagnostics.source import Span
from .habits import BEGIN_DECLARATIONS, Habit, habit_at
from .scrutiny import STRING
from .shapes import CLAUSE_WORD

_PLAIN = {
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "DOT": "`.`",
    "VBAR": "`|`",
    "QMARK": "`?`",
    "STAR": "`*`",
    "PLUS": "`+`",
    "MINUS": "`-`",
    "LESSTHAN": "`<`",
    "MORETHAN": "`>`",
    "NAME": "a name",
    "TYPE_NAME": "a type",
    "STRING": 'a text in `"…"`',
    "INT": "a whole number",
    "DECIMAL": "a number",
    "TIME": "a time",
    "DURATION": "a duration such as `15m`",
    "DECISION": "`allow`, `require_approval` or `deny`",
    "REQUIRE_APPROVAL": "`require approval`",
    "ACTS_AS": "`acts as`",
    "WITH_ROLE": "`with role`",
    "ON_BEHALF_OF": "`on behalf of`",
    "APPROVAL_BY": "`approval by`",
    "SET": "`Set<…>`",
    "$END": "the end of the file",
    "DOUBLE_COLON": "`::`",
    "SAME": "`==`",
}
_OPERATORS = {
    "IN",
    "LIKE",
    "WITHIN",
    "HAS",
    "IS",
    "HOLDS",
    "PLUS",
    "MINUS",
    "STAR",
    "LESSTHAN",
    "MORETHAN",
    "NOT",
}
_OPERATORS |= {"SAME", "DIFFERS", "AT_MOST", "AT_LEAST"}
_DECLARATIONS = {"TRAIT", "TYPE", "LET", "ROLE", "PERMIT", "FORBID", "INVARIANT", "FIXTURE"}
_CLAUSES = {"WHEN", "UNLESS", "SCOPE", "VALID"}
_VALUES = {"TRUE", "FALSE", "INT", "STRING", "LPAR"}


def expected_words(terminals: Iterable[str]) -> str:
    """Say in words what the grammar would take at a place."""
    names = set(terminals)
    words: list[str] = []
    if names >= _VALUES:
        words.append("a value or condition")
        names -= _VALUES | {
            "DECIMAL",
            "TIME",
            "DURATION",
            "LBRACE",
            "MINUS",
            "ALL",
            "ANY",
            "NOT",
            "NAME",
            "TYPE_NAME",
        }
        names -= {"SUBJECT", "RESOURCE", "CONTEXT"}
    if names >= _CLAUSES:
        words.append("a clause such as `when`")
        names -= _CLAUSES | {"SUBJECT", "ACTION", "RESOURCE", "FROM", "QUORUM", "EXPIRES", "NEVER", "ALWAYS"}
    if names >= _DECLARATIONS:
        words.append("a declaration such as `permit` or `action`")
        names -= _DECLARATIONS | {
            "SUBJECT",
            "ACTION",
            "RESOURCE",
            "CONTEXT",
            "REQUIRE_APPROVAL",
            "TEST",
            "IMPORT",
        }
    if len(names & _OPERATORS) > 3:
        words.append("an operator")
        names -= _OPERATORS | {"OR", "AND", "DOT"}
    if "NAME" in names and len(names) > 40:
        words.append("a name")
        names.clear()
    for name in sorted(names):
        word = _PLAIN.get(name) or (f"`{name.lower()}`" if not name.startswith("__") else None)
        if word and word not in words:
            words.append(word)
    shown = words[:6]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1] if shown else "something else"


_CHARACTERS = {
    **dict.fromkeys("“”„«»", ("a typographic quote", '"')),
    **dict.fromkeys("‘’‚", ("a typographic quote", '"')),
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000", ("a special space", " ")),
    **dict.fromkeys("–—−", ("a dash", "-")),
    "≥": ("a mathematical sign", ">="),
    "≤": ("a mathematical sign", "<="),
    "≠": ("a mathematical sign", "!="),
    "×": ("a mathematical sign", "*"),
}
_A_RULE = (
    "write a rule: `permit read_doc { subject User action read resource Doc scope subject.team == resource.team }`"
)
_CEDAR = re.compile(r"^(?:permit|forbid)[ \t\n]*\(", re.MULTILINE)
_NOTHING_YET = re.compile(r"(?:\s|#[^\n]*)*+")
_DATA = re.compile(r'(?P<json>[\[{])|---|-[ \t]+["\w-]+[ \t]*:|["\w-]+[ \t]*:(?![:=]|[ \t]*[A-Z]\w*[ \t]*=)')


def _foreign(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Recognise a file that is written in another language: one message, at the same place each time."""
    text = span.source.text
    if (span.text == "(" and accepted == {"NAME"}) or re.compile(r"@\w+\(").match(text, span.start):
        if (found := _CEDAR.search(text)) is not None:
            at = Span(span.source, *found.span())
            return Habit(at, "this is Cedar, and Kynara writes rules with a name", "a rule has no `(…)`", _A_RULE)
    if "LET" not in accepted or _NOTHING_YET.match(text).end() != span.start:  # type: ignore[union-attr]
        return None
    found = _DATA.match(text, span.start)
    if found is None or re.match(rf"(?:{CLAUSE_WORD}|{'|'.join(BEGIN_DECLARATIONS)})\b", found[0]):
        return None
    what = "JSON" if found["json"] else "YAML"
    at = Span(span.source, *found.span())
    return Habit(at, f"this is {what}, and a policy is not written in it", f"looks like {what}", _A_RULE)


def _comma(span: Span, accepted: frozenset[str]) -> Habit | None:
    text = span.source.text
    tail = text[max(0, span.start - 300) : span.start]
    begins = rf"(?:{CLAUSE_WORD}|{'|'.join(BEGIN_DECLARATIONS)}|}})\Z"
    if span.text == "," and {"WHEN", "RBRACE"} <= accepted:
        listed = re.search(r'\d\Z|\bin[ \t]+[A-Z]\w*::"[^"\n]*"\Z', tail)
        if listed and re.compile(r"\d{3}\b|[ \t]*[A-Z]").match(text, span.end):
            return None  # a number with a separator, or a list of groups: these have their own words
        if re.compile(r"[ \t]*[^\s#}]").match(text, span.end):
            cure = "write `and` instead of `,`, or list values in braces: `in {…}`"
            return Habit(span, "conditions are not joined by `,`", "nothing goes on after a comma here", cure)
        return Habit(span, "clauses are not separated by `,`", "one sign too many", "delete the `,`")
    found = re.search(rf"(,)[ \t]*(?:#[^\n]*)?\n\s*(?:(?:{CLAUSE_WORD})[ \t]+)?\Z", tail)
    if found is None or not accepted & {"TYPE_NAME", "NAME", "COMMA"}:
        return None
    after_word = re.search(r"[a-z][ \t]+\Z", tail)
    if not after_word and not re.match(begins, " ".join(span.text.split())):
        return None
    at = span.start - len(tail) + found.start(1)
    return Habit(Span(span.source, at, at + 1), "a list does not end with `,`", "one sign too many", "delete the `,`")


_RULE_HEAD = re.compile(r"^[ \t]*(permit|forbid|require[ \t]+approval|invariant)[ \t]+([^{#\n]*)", re.MULTILINE)


def _rule_name(span: Span, accepted: frozenset[str]) -> Habit | None:
    if accepted not in ({"NAME"}, {"LBRACE", "STRING"}):
        return None
    text = span.source.text
    found = _RULE_HEAD.match(text, text.rfind("\n", 0, span.start) + 1)
    if found is None or span.start > found.end() or span.text == "(" or re.match(r"[A-Z]\w*\Z", span.text):
        return None
    quoted = re.search(r'"[^"]*"', found[2])
    named = (found[2][: quoted.start()] if quoted else found[2]).strip()
    slug = re.sub(r"\W+", "_", named or (quoted[0] if quoted else "")).strip("_").lower()
    slug = f"rule_{slug}" if slug[:1].isdigit() else slug if slug.isascii() else ""
    at = Span(span.source, found.start(2), found.start(2) + len(found[2].rstrip())) if found[2].strip() else span
    message, label = "a rule needs a name of letters, digits and `_`", "not a name" if named else "no name before this"
    if not slug:
        example = {"permit": "read_docs", "forbid": "no_secrets"}.get(found[1], "ask_first")
        return Habit(at, message, label, f"write one, such as `{found[1]} {example} {{`")
    return Habit(at, message, label, f"write `{found[1]} {slug} {quoted[0] + ' ' if quoted else ''}{{`")


def _character(span: Span, accepted: frozenset[str]) -> Habit | None:
    if span.text not in _CHARACTERS:
        return None
    what, right = _CHARACTERS[span.text]
    text, sign = span.source.text, span.text
    code = f"U+{ord(sign):04X}"
    if right == " ":
        first = text.index(sign)
        at = Span(span.source, first, first + 1)
        return Habit(at, f"{code} is a special space", "looks like a space and is none", "write an ordinary space")
    cure = f"write `{right}`"
    if right == '"' and (whole := re.compile(r"[“„«‘‚”’]([^“”„«»‘’‚\"\n]*)[”»’“‘]").match(text, span.start)):
        return Habit(Span(span.source, *whole.span()), f"`{sign}` ({code}) is {what}", what, f'write `"{whole[1]}"`')
    return Habit(span, f"`{sign}` ({code}) is {what}", "not part of the language", cure)


def _role_as_type(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Look at a role that stands where a clause wants the type of who has it."""
    text = span.source.text
    found = re.compile(r"(?:role[ \t]+)?([a-z_]\w*)").match(text, span.start)
    tail = text[max(0, span.start - 60) : span.start]
    clause = re.search(r"\b(subject|from)[ \t]+\Z", tail)
    if not found or not clause or "TYPE_NAME" not in accepted:
        return None
    if span.text != "role" and not re.search(rf"^role[ \t]+{found[1]}\b", text, re.MULTILINE):
        return None
    kinds = set(re.findall(r"^subject[ \t]+([A-Z]\w*)", text, re.MULTILINE))
    # Never `any`: that would be agents, too, where a person was meant.
    kind = "User" if "User" in kinds or not kinds else min(kinds)
    whole = Span(span.source, span.start, found.end())
    cure = f"write `{clause[1]} {kind} with role {found[1]}`"
    return Habit(whole, f"`{clause[1]}` names a type before a role", "a role alone", cure)


_EXPECTED = re.compile(r"\bexpect[ \t]+\w+(?:[ \t]+approval)?[ \t]+([a-z_][\w.]*)[ \t]*\(([^()\n]*)")
_ACTION = re.compile(r"^action\b((?:[^(\n]|\n[ \t])*)\(([^()]*)\)", re.MULTILINE)
_TEXTS = re.compile(r'String|"|Host|Path|Email|Url|IP')


def _argument(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Look at an argument of an expectation that is given by its place instead of its name."""
    if not accepted <= {"NAME", "RPAR", "COLON"}:
        return None
    text = span.source.text
    found = _EXPECTED.search(text, text.rfind("\n", 0, span.start) + 1, span.start + 300)
    if found is None or not found.start(2) <= span.start <= found.end(2):
        return None
    named = re.compile(rf"(?<![\w.]){re.escape(found[1])}(?![\w.])")
    action = next((action for action in _ACTION.finditer(text) if named.search(action[1])), None)
    parameters = re.findall(r"([a-z_]\w*)[ \t]*:[ \t]*([^\s,]+)", action[2]) if action else []
    shown: list[str] = []
    for index, value in enumerate(part.strip() for part in found[2].split(",")):
        name, kind = parameters[index] if index < len(parameters) else ("NAME", "")
        if re.match(r"[a-z_]\w*[ \t]*:(?!:)", value):
            shown.append(value)
            continue
        value = re.sub(r"^\w+[ \t]*=[ \t]*", "", value)
        text_meant = re.fullmatch(r"[A-Za-z_]\w*", value) and _TEXTS.match(kind)
        shown.append(f'{name}: "{value}"' if text_meant else f"{name}: {value}")
    whole = Span(span.source, found.start(2), found.end(2))
    cure = f"write `{found[1]}({', '.join(shown)})`"
    return Habit(whole, "arguments are given by name", "whose value is this?", cure)


def _fixture_as_type(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Look at the name of a fixture where a declaration or a rule wants a type or an entity."""
    if "TYPE_NAME" not in accepted or not re.fullmatch(r"[a-z_]\w{0,99}", span.text):
        return None
    text = span.source.text
    fixture = re.search(rf'^fixture[ \t]+{span.text}[ \t]*=[ \t]*([A-Z]\w*)(::"[^"\n]*")', text, re.MULTILINE)
    line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    word = re.search(r"([a-z]+)[ \t]+\Z", line)
    if fixture is None or word is None:
        return None
    if re.match(r"(?:subject|resource|action)[ \t]+[\w.]", line):
        right, label = f"{word[1]} {fixture[1]}", "a declaration names types"
    else:
        right, label = f"{word[1]} {fixture[1]}{fixture[2]}", "a rule names types and entities"
    return Habit(span, f"`{span.text}` is a fixture, which only tests know", label, f"write `{right}`")


def _told(report: Report, code: str, span: Span, accepted: frozenset[str]) -> bool:
    """Report a habit, if it is one that stands at a place."""
    for look in (_foreign, _comma, _rule_name, _character, _argument, _role_as_type, _fixture_as_type, habit_at):
        if (habit := look(span, accepted)) is not None:
            code = "KYN001" if look is _foreign else code  # one place is blamed once for one code
            fix = _replacement(habit)
            report.add(code, habit.message, habit.span, habit.label, notes=habit.notes, help=habit.help, fix=fix)
            return True
    return False


# What stands for one word or sign of the language, whatever is around it.
_SPELLINGS = {"&&", "||", "&", "|", "===", "!==", "<>", "=", "!", "allow", "deny", "if", "True", "False"}


def _replacement(habit: Habit) -> Fix | None:
    """Return the fix that puts in the right word; not a safe one, because a policy that compiles can permit more."""
    right = re.fullmatch("write `([^`]+)`", habit.help)
    if right is None or habit.span.text not in _SPELLINGS:
        return None
    word = "not " if right[1] == "not" else right[1]
    return Fix(f"replace it with `{right[1]}`", (Edit(habit.span, word),))


def unexpected(report: Report, span: Span, accepted: frozenset[str], since: int) -> None:
    """Report a token that does not fit where it stands; reading began at `since`."""
    opening = _unclosed(span, since)
    if opening is not None and opening.text == "{":
        opening = _closed_by_another(span, since) or opening
    if opening is not None and _begins_anew(span, opening, accepted):
        close = ")" if opening.text == "(" else "}"
        here = "the file ends here" if not span.text else f"`{span.text}` begins something new here"
        report.add(
            "KYN001",
            f"this `{opening.text}` is never closed",
            opening,
            f"its `{close}` is missing",
            labels=[(span, here)],
            help=f"write the missing `{close}`",
        )
        return
    if not span.text:
        report.add("KYN001", "the file ends too early", span, f"expected {expected_words(accepted)}")
        return
    if _told(report, "KYN001", span, accepted):
        return
    cure, word = None, " ".join(span.text.split())
    message = f"`{span.text}` does not fit here"
    dangling = _DANGLING.search(span.source.text, max(0, span.start - 80), span.start) if span.text in "})" else None
    if span.text in (")", "}") and (opening is None or (span.text, opening.text) == (")", "{")):
        label, cure = (
            "closes nothing that is open",
            "delete it, or look for a bracket that is closed too early",
        )
    elif word in _DECLARATION_WORDS | _EITHER and _at_margin(span) and "LET" not in accepted:
        message = f"the declaration before this `{word}` is not finished"
        label = f"expected {expected_words(accepted)} before this"
    elif dangling is not None:
        label, cure = "nothing follows", f"write what comes after `{dangling[1]}`, or delete it"
    elif span.text == "import":
        label, cure = "too late here", "put imports at the top, after `module` and before all declarations"
    elif span.text == "module":
        label, cure = "too late here", "put `module` on the first line of the file, once"
    else:
        label = f"expected {expected_words(accepted)}"
    report.add("KYN001", message, span, label, help=cure)


def unknown_character(report: Report, span: Span, accepted: frozenset[str]) -> None:
    """Report a character that starts no word of the language, or a string that never ends."""
    text = span.source.text
    if span.text == '"':
        line_end = text.find("\n", span.start)
        whole = Span(span.source, span.start, line_end if line_end >= 0 else len(text))
        report.add(
            "KYN003",
            "a string has no closing quote",
            whole,
            'expected `"` before the end of the line',
            help="close the string on the same line; a line break inside is written `\\n`",
        )
        return
    if _told(report, "KYN002", span, accepted):
        return
    word = re.compile(r"[0-9][A-Za-z0-9_]*|.", re.DOTALL).match(text, span.start)
    whole = Span(span.source, span.start, word.end() if word else span.end)
    if span.text.isdigit():
        label, cure = "neither a number nor a duration", _NUMBERS
        message = f"`{whole.text}` is not a number"
    else:
        label, cure = "not part of the language", None
        message = f"`{whole.text}` has no meaning in a policy"
        if span.text.isalpha():
            message = f"`{span.text}` cannot stand in a name"
            cure = "names are written with the letters a-z, digits and `_`; other letters stand only in texts"
    report.add("KYN002", message, whole, label, help=cure)


_DANGLING = re.compile(r"(\b(?:and|or|not)|[=!]=|[<>]=?)\s*\Z")
_NUMBERS = "write whole numbers as `1000`, decimals as `50.00`, durations as `90s`, `15m`, `4h` or `7d`"
_SCANNED = re.compile(rf"{STRING}|#[^\n]*|[({{]|[)}}]")
_CLAUSE_WORDS = {
    "when",
    "unless",
    "scope",
    "subject",
    "action",
    "resource",
    "from",
    "valid",
    "quorum",
    "expires",
}
_DECLARATION_WORDS = {
    "trait", "type", "role", "let", "permit", "forbid", "require approval", "invariant", "fixture", "test",
}  # fmt: skip


_EITHER = {"subject", "resource", "action", "context"}  # these begin clauses as well


def _begins_anew(span: Span, opened: Span, accepted: frozenset[str]) -> bool:
    """Whether a token shows that what is still open should have been closed before it."""
    if not span.text:
        return True
    word, opening = " ".join(span.text.split()), opened.text
    starts_line = not span.source.text[span.source.text.rfind("\n", 0, span.start) + 1 : span.start].strip()
    if opening == "(" and "RPAR" in accepted:
        return word == "}" or (starts_line and word in _CLAUSE_WORDS | _DECLARATION_WORDS)
    if opening == "{" and "RBRACE" in accepted:
        if _holds_values(opened) and starts_line and word in _CLAUSE_WORDS:
            return True
        return _at_margin(span) and word in _DECLARATION_WORDS | _EITHER
    return False


def _at_margin(span: Span) -> bool:
    return span.start == 0 or span.source.text[span.start - 1] == "\n"


def _unclosed(span: Span, since: int) -> Span | None:
    """Find the innermost bracket that is still open at a place."""
    stack: list[Span] = []
    for found in _SCANNED.finditer(span.source.text, since, span.start):
        if found[0] in ("(", "{"):
            stack.append(Span(span.source, *found.span()))
        elif found[0] in (")", "}") and stack:
            stack.pop()
    return stack[-1] if stack else None


def _holds_values(opening: Span) -> bool:
    """Whether a brace opens a set or a record: then it stands after an operator or inside of another bracket."""
    before = opening.source.text[max(0, opening.start - 60) : opening.start]
    return re.search(r"(?:\b(?:in|within)|[=(,:])\s*\Z", before) is not None


def _closed_by_another(span: Span, since: int) -> Span | None:
    """Find a set whose brace took the `}` of what is around it: that one stands further left than the set's line."""
    text = span.source.text
    stack: list[Span] = []
    for found in _SCANNED.finditer(text, since, span.start):
        if found[0] in ("(", "{"):
            stack.append(Span(span.source, *found.span()))
        elif found[0] in (")", "}") and stack:
            opening = stack.pop()
            close = text[text.rfind("\n", max(0, found.start() - 200), found.start()) + 1 : found.start()][-200:]
            if close.strip():
                continue
            line = text[text.rfind("\n", 0, opening.start) + 1 : opening.start]
            if len(close) < len(line) - len(line.lstrip()) and _holds_values(opening):
                return opening
    return None
