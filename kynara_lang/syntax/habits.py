"""Words and signs that authors bring from other languages, and what a policy writes instead.

Each entry is one habit: where it is recognised, and the message. Nothing here changes what parses; it only turns
"does not fit here" into the text to copy.
"""

from __future__ import annotations

import re

from attrs import frozen

from ..diagnostics.source import Span
from ..diagnostics.suggest import near
from .condition_shapes import CONDITION_SHAPES
from .shapes import BEGIN_CLAUSES, SHAPES


@frozen
class Habit:
    """What to say about a place: the message, the label under the span, and the help."""

    span: Span
    message: str
    label: str
    help: str
    notes: tuple[str, ...] = ()


NO_PATTERNS = (
    "compare all of it with `==`, parts of a text with `.starts_with(…)`, `.ends_with(…)` or `.contains(…)`,"
    " a Path or a Host with `within`"
)
# Signs, longest first, with what stands for them.
_SIGNS: dict[str, tuple[str, str]] = {
    "&&": ("`&&` is written `and`", "write `and`"),
    "||": ("`||` is written `or`", "write `or`"),
    "===": ("`===` is written `==`", "write `==`"),
    "!==": ("`!==` is written `!=`", "write `!=`"),
    "<>": ("`<>` is written `!=`", "write `!=`"),
    "=~": ("there are no regular expressions", NO_PATTERNS),
    "```": ("a code fence is no part of a policy", "delete the lines that begin with three backticks"),
    "=>": ("`=>` has no meaning in a policy", "write a condition as `when …`"),
    ":=": ("`:=` is written `=`", "write `=`"),
    "//": ("comments begin with `#`", "write `#` instead of `//`"),
    "/*": ("comments begin with `#`", "write `#` at the beginning of each line of the comment"),
    "--": ("comments begin with `#`", "write `#` instead of `--`"),
    "!": ("`!` is written `not`", "write `not`"),
    ";": ("nothing ends with `;`", "delete the `;`"),
    "[": ("sets are written in braces", "write `{…}` instead of `[…]`"),
    "]": ("sets are written in braces", "write `{…}` instead of `[…]`"),
    "?": ("there is no `… ? … : …`", "write two rules, or `(c and a) or (not c and b)`"),
    "/": ("there is no division", "multiply the other side instead"),
    "%": ("there is no remainder", "write the values that are meant: `in {1, 2}`"),
    "$": ("names stand without `$`", "delete the `$`"),
    "@": ("this looks like an address without quotes", 'write it in quotes: `"eve@example.com"`'),
    "&": ("`&` is written `and`", "write `and`"),
    "|": ("`|` is written `or`", "write `or`"),
    "=": ("`=` does not compare", "write `==`"),
}
_DECLARES = {
    "allow": "permit",
    "grant": "permit",
    "accept": "permit",
    "deny": "forbid",
    "reject": "forbid",
    "block": "forbid",
    "prohibit": "forbid",
    "require_approval": "require approval",
    "require": "require approval",
    "approve": "require approval",
    "approval": "require approval",
    "rule": "permit` or `forbid",
    "policy": "permit` or `forbid",
    "const": "let",
    "var": "let",
    "def": "let",
    "fn": "let",
    "func": "let",
    "function": "let",
    "enum": "type",
    "record": "type",
    "struct": "type",
    "entity": "subject` or `resource",
    "class": "subject` or `resource",
    "object": "resource",
    "principal": "subject",
    "user": "subject",
    "actor": "subject",
    "interface": "trait",
    "mixin": "trait",
    "package": "module",
    "namespace": "module",
    "use": "import",
    "using": "import",
    "include": "import",
    "from": "import",
    "actions": "action",
    "roles": "role",
    "resources": "resource",
    "subjects": "subject",
    "assert": "invariant",
    "property": "invariant",
}
_CLAUSES = {
    "if": "when",
    "where": "when",
    "condition": "when",
    "conditions": "when",
    "provided": "when",
    "principal": "subject",
    "principals": "subject",
    "subjects": "subject",
    "user": "subject",
    "users": "subject",
    "who": "subject",
    "actions": "action",
    "operation": "action",
    "resources": "resource",
    "object": "resource",
    "target": "resource",
    "on": "resource",
    "approver": "from",
    "approvers": "from",
    "by": "from",
    "expire": "expires",
    "timeout": "expires",
    "and": "when",
    "except": "unless",
    "excepting": "unless",
    "scoped": "scope",
}
_NO_CLAUSES = {
    **dict.fromkeys(
        ("effect", "decision", "outcome"),
        ("the word before a rule's name is its effect", "delete it: `permit NAME` allows, `forbid NAME` denies"),
    ),
    **dict.fromkeys(
        ("allow", "deny", "then", "permit"),
        ("a rule does not end in a decision", "delete it: `permit NAME` allows, `forbid NAME` denies"),
    ),
    **dict.fromkeys(
        ("log", "audit", "notify", "alert", "oblige"),
        ("a rule does nothing but decide", "delete it; whoever asks may record each decision"),
    ),
    **dict.fromkeys(
        ("priority", "order", "precedence", "weight"),
        ("rules have no order", "delete it: every `forbid` outweighs every `permit`, wherever they stand"),
    ),
    **dict.fromkeys(
        ("name", "id", "description", "reason", "message"),
        ("what a rule is for stands after its name", 'write it before the `{`: `permit NAME "description" {`'),
    ),
}
_INFIX = {
    "contains": ".contains(…)",
    "startswith": ".starts_with(…)",
    "starts_with": ".starts_with(…)",
    "endswith": ".ends_with(…)",
    "ends_with": ".ends_with(…)",
    "equals": "==",
    "eq": "==",
    "under": "within",
    "inside": "within",
    "isin": "in",
}
NULLS = {"null", "nil", "None", "none", "undefined", "NULL", "Null", "Nil", "NIL", "NONE"}
_TRUTH = {"True": "true", "False": "false", "TRUE": "true", "FALSE": "false"}


_DECISIONS = {
    "permit": "allow",
    "permitted": "allow",
    "allowed": "allow",
    "forbid": "deny",
    "forbidden": "deny",
    "denied": "deny",
    "reject": "deny",
    "approval": "require_approval",
    "require": "require_approval",
    "require approval": "require_approval",
}
BEGIN_DECLARATIONS = (
    "module", "import", "trait", "subject", "resource", "type", "action", "context", "role", "let", "permit", "forbid",
    "require approval", "invariant", "fixture", "test",
)  # fmt: skip
_OPERAND_BEFORE = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)\s*\Z")
_OPERAND = re.compile(r'\s*("[^"\n]*"|[A-Za-z_][A-Za-z0-9_.]*|[0-9.]+)')


def habit_at(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Return what to say where a word or sign does not fit, or None when it is no known habit."""
    for look in (_shaped, _roles, _before, _sign, _word, _misspelled, _case):
        if (found := look(span, accepted)) is not None:
            return found
    return None


def _shaped(span: Span, accepted: frozenset[str]) -> Habit | None:
    text = span.source.text
    begin = max(text.rfind("\n", 0, span.start) + 1, span.start - 300)
    end = text.find("\n", span.start)
    line = text[begin : min(end if end >= 0 else len(text), span.start + 300)]
    for shape in (*SHAPES, *CONDITION_SHAPES):
        if not shape.needs & accepted:
            continue
        for found in shape.pattern.finditer(line):
            if found.start("at") <= span.start - begin < found.end("at"):
                at = Span(span.source, begin + found.start("at"), begin + found.end("at"))
                return Habit(at, found.expand(shape.message), shape.label, found.expand(shape.help))
    return None


_ROLE_LIST = re.compile(r"[\[{(]?[ \t]*\"?([a-z_]\w*)\"?((?:[ \t]*(?:,|\bor\b)[ \t]*\"?[a-z_]\w*\"?)*)[ \t]*[\]})]?")


def _roles(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Look at what stands after `with`: the roles, in whatever way they are listed."""
    text = span.source.text
    begin = max(text.rfind("\n", 0, span.start) + 1, span.start - 300)
    head = re.compile(r"\bwith\b(?:[ \t]+roles?\b)?[ \t]*")
    found = next((f for f in head.finditer(text, begin, span.start + 30) if f.start() <= span.start), None)
    if found is None or not accepted & {"WITH_ROLE", "NAME", "TYPE_NAME"}:
        return None
    if re.compile(r"\{\s*[a-z_]\w*\s*:").match(text, found.end()):
        return Habit(
            Span(span.source, found.start(), found.end() + 1),
            "attributes stand right behind the entity",
            "no `with` here",
            "delete the `with`, such as in `order { total: 10.00 }`",
        )
    listed = _ROLE_LIST.match(text, found.end())
    if listed is None or not found.start() <= span.start < listed.end():
        return None
    names = re.findall(r"[a-z_]\w*", re.sub(r"\bor\b", " ", listed[0]))
    several = re.match(r"\s*(?:fixture|given|expect)\b", text[begin : found.start()])
    whole = Span(span.source, found.start(), listed.end())
    right = f"with role {(', ' if several else ' or ').join(names)}"
    if whole.text == right:
        return None
    if '"' in listed[0]:
        return Habit(whole, "a role is named without quotes", "roles are names", f"write `{right}`")
    label = "`role` is missing" if len(found[0].split()) == 1 else "not how roles are listed"
    return Habit(whole, "a role is named after `with role`", label, f"write `{right}`")


def _listed(span: Span, tail: str) -> Habit | None:
    """Look at what stands right after the word of a clause: brackets, quotes, or a word too many."""
    text = span.source.text
    found = re.search(r"(?:\A|[\n{])[ \t]*(subject|action|resource|from)[ \t]+((?:in|==)[ \t]*)?\Z", tail)
    if found is None or (found[2] and span.text not in ("[", "{")):
        return None
    clause = found[1]
    inner = re.compile(r"[\[{]([^\[\]{}\n]*)[\]}]").match(text, span.start)
    if (
        inner
        and not re.search(r"(?<!:):(?!:)|=", inner[1])
        and (names := re.findall(r"[\w.]+(?:::\"[^\"\n]*\")?", inner[1]))
    ):
        names = [re.sub(r'^Action::"(.*)"$', r"\1", name) for name in names]
        whole = Span(span.source, span.start - len(found[2] or ""), inner.end())
        message = f"what `{clause}` names stands without brackets"
        return Habit(whole, message, "no brackets are needed", f"write `{clause} {', '.join(names)}`")
    if clause == "action" and (name := re.fullmatch(r'"([a-z_][\w.]*)"', span.text)):
        return Habit(span, "an action is named without quotes", "actions are names", f"write `action {name[1]}`")
    if span.text in ("in", "is") and (kind := re.compile(r'\s+([A-Z]\w*)(::"[^"\n]*")?').match(text, span.end)):
        right = f"any in {kind[1]}{kind[2]}" if kind[2] and span.text == "in" else kind[1] + (kind[2] or "")
        whole = Span(span.source, span.start, kind.end())
        return Habit(whole, f"a type stands right after `{clause}`", "one word too many", f"write `{clause} {right}`")
    return None


def _indexed(span: Span) -> Habit | None:
    text = span.source.text
    before = re.search(r"(?<![\w.])[a-z_][\w.]*\Z", text[max(0, span.start - 200) : span.start])
    found = re.compile(r"\[([^\[\]\n]*)\](?:\s*==\s*(\"[^\"\n]*\"|[\w.]+))?").match(text, span.start)
    if before is None or found is None:
        return None
    at = Span(span.source, span.start - len(before[0]), text.index("]", span.start) + 1)
    if found[1].startswith('"'):
        right = f"write `{before[0]}.{found[1][1:-1]}`" if re.fullmatch(r'"[a-z_]\w*"', found[1]) else ""
        return Habit(at, "a field is read with a dot", "not part of the language", right or "write `value.field`")
    cure = f"ask whether a set has an element: `{found[2] or chr(34) + '…' + chr(34)} in {before[0]}`"
    return Habit(at, "sets have no order and no index", "nothing is read by its position", cure)


def _path(span: Span) -> Habit | None:
    text = span.source.text
    tail = text[max(0, span.start - 60) : span.start]
    found = re.compile(r"~?(?:/[\w.*-]*)+").match(text, span.start)
    if found is None or not re.search(r"(?:\b(?:within|in|like)|[=!]=|[{(,])\s*\Z", tail):
        return None
    whole = Span(span.source, *found.span())
    if found[0].startswith("~"):
        cure = 'write the whole path in quotes, such as `"/home/ann"`'
        return Habit(whole, "a path begins with `/`", "no home is known here", cure)
    return Habit(whole, "a path is written in quotes", "looks like a path", f'write `"{found[0]}"`')


def _sign(span: Span, accepted: frozenset[str]) -> Habit | None:
    text = span.source.text
    for sign, (message, cure) in _SIGNS.items():
        at = span.start
        if sign in ("===", "!==") and text[at - 2 : at + 1] == sign:
            at -= 2
        elif sign in ("||", "&&", "=>", "===", "!==", "<>", "--") and text[at - 1 : at - 1 + len(sign)] == sign:
            at -= 1  # its first half was still taken for an operator
        if not text.startswith(sign, at):
            continue
        whole = Span(span.source, at, at + len(sign))
        if sign == "=":
            if "DIFFERS" not in accepted:
                return None
            return Habit(whole, message, "`=` only gives a name its value", cure)
        if sign == "|" and not accepted & {"OR", "AND"}:
            return None
        if sign == "[" and (indexed := _indexed(span)):
            return indexed
        if sign == "```":
            at = text.index(sign)  # one message for all of them
            return Habit(Span(span.source, at, at + 3), message, "this belongs to Markdown", cure)
        if sign == "/" and (path := _path(span)):
            return path
        if sign == "[" and (listed := re.compile(r"\[([^\[\]{}\n]*)\]").match(text, at)):
            cure, whole = f"write `{{{listed[1]}}}`", Span(span.source, *listed.span())
        if sign == "@" and (address := re.compile(r"[A-Za-z0-9_.+-]*\Z").search(text, max(0, at - 80), at)):
            end = re.compile(r"[A-Za-z0-9_.-]*").match(text, at + 1)
            whole = Span(span.source, address.start(), end.end() if end else at + 1)
            cure = f'write it in quotes: `"{whole.text}"`'
        return Habit(whole, message, "not part of the language", cure)
    if span.text == "~" and (path := _path(span)):
        return path
    if text.startswith("'", span.start):
        found = re.compile(r"'([^'\n\"]*)'").match(text, span.start)
        whole = Span(span.source, span.start, found.end() if found else span.start + 1)
        cure = f'write `"{found[1]}"`' if found else 'write `"…"`'
        return Habit(whole, "text is written in double quotes", "single quotes", cure)
    return None


def _word(span: Span, accepted: frozenset[str]) -> Habit | None:
    word = " ".join(span.text.split())
    if "LET" in accepted and "SCOPE" not in accepted and word in _DECLARES:
        right = _DECLARES[word]
        return Habit(span, f"`{word}` begins no declaration", "not a word of the language here", f"write `{right}`")
    if {"WHEN", "RBRACE"} <= accepted and word in _NO_CLAUSES:
        message, cure = _NO_CLAUSES[word]
        return Habit(span, message, "not a clause", cure)
    if word == "module" and "LET" in accepted and "MODULE" not in accepted:
        return Habit(span, "`module` comes first", "too late here", "put `module` on the first line of the file, once")
    if {"WHEN", "RBRACE"} <= accepted and word in _CLAUSES:
        return Habit(span, f"`{word}` begins no clause", "not a clause", f"write `{_CLAUSES[word]}`")
    if accepted == {"DECISION"} and word in _DECISIONS:
        right = _DECISIONS[word]
        rule = word in ("permit", "forbid", "require", "require approval")
        label = "rules have such words, decisions do not" if rule else "not one of the three decisions"
        return Habit(span, f"`{word}` is no decision", label, f"write `{right}`")
    if "LIKE" in accepted and word in ("matches", "match", "regex", "regexp"):
        return Habit(span, "there are no regular expressions", "not an operator", NO_PATTERNS)
    if "LIKE" in accepted and word in _INFIX:
        return _infix(span, word)
    if accepted == {"DURATION"}:
        return _duration(span)
    if "MODIFIES" in accepted and word in ("on", "("):
        return Habit(
            span,
            "an action's parts stand in another order",
            "too late here",
            "write `action NAME on TYPE, … (parameter: TYPE, …)`, each part once, then `in`, `modifies`, `effects`",
        )
    if "ON" in accepted and "LPAR" in accepted and "MODIFIES" not in accepted and span.text[:1].isalpha():
        return Habit(span, "`on` is missing", "on what?", "an expectation reads `expect allow read on order`")
    if "RBRACE" in accepted and "COMMA" in accepted and re.match(r"[a-z_]\w*\s*:", span.source.text[span.start :][:99]):
        return Habit(span, "a comma is missing", "expected `,` before this", f"write `, {word}: …`")
    return None


def _infix(span: Span, word: str) -> Habit:
    right = _INFIX[word]
    before = _OPERAND_BEFORE.search(span.source.text, max(0, span.start - 200), span.start)
    after = _OPERAND.match(span.source.text, span.end)
    value, other = before[1] if before else "value", after[1] if after else "…"
    if right.startswith("."):
        shown = f"{value}{right.replace('…', other)}"
    else:
        shown = f"{value} {right} {other}"
    return Habit(span, f"`{word}` is no operator", "not an operator", f"write `{shown}`")


def _duration(span: Span) -> Habit:
    found = re.compile(r"([0-9]+)(\.[0-9]+)?[ \t]*([A-Za-z]*)").match(span.source.text, span.start)
    if found is None:
        cure = "write seconds `90s`, minutes `15m`, hours `4h` or days `7d`"
        return Habit(span, "a duration is needed here", "not a duration", cure)
    whole = Span(span.source, *found.span())
    if found[2]:
        cure = "write it in a smaller unit: `90m` instead of `1.5h`"
        return Habit(whole, "a duration has no fraction", "not a whole number", cure)
    unit = found[3][:1].lower()
    if unit in "smhd" and unit:
        return Habit(whole, "a duration is one word", "not a duration", f"write `{found[1]}{unit}`")
    n = found[1]
    cure = f"write `{n}s` for seconds, `{n}m` for minutes, `{n}h` for hours or `{n}d` for days"
    return Habit(whole, "a duration needs a unit", "not a duration", cure)


def _misspelled(span: Span, accepted: frozenset[str]) -> Habit | None:
    if not re.fullmatch(r"[A-Za-z_]+", span.text) or span.text in (*BEGIN_CLAUSES, *BEGIN_DECLARATIONS):
        return None
    if {"WHEN", "RBRACE"} <= accepted and (right := near(span.text, BEGIN_CLAUSES)):
        return Habit(span, f"`{span.text}` begins no clause", "not a clause", f"did you mean `{right}`?")
    if "LET" in accepted and "WHEN" not in accepted and (right := near(span.text, BEGIN_DECLARATIONS)):
        cure = f"did you mean `{right}`?"
        return Habit(span, f"`{span.text}` begins no declaration", "not a word of the language here", cure)
    return None


def _before(span: Span, accepted: frozenset[str]) -> Habit | None:
    """Look at the word before the place: what it began is what does not fit."""
    text = span.source.text
    tail = text[max(0, span.start - 300) : span.start]
    offset = span.start - len(tail)

    if span.text in ("[", "{", "in", "is", "role") or span.text[:1] == '"' or accepted == {"NAME"}:
        if (listed := _listed(span, tail)) is not None:
            return listed

    def place(found: re.Match[str], group: int = 1) -> Span:
        return Span(span.source, offset + found.start(group), offset + found.end(group))

    if found := re.search(r"\bscope\s+(any)\b\s*(?:[a-z]+\s*)?\Z", tail):
        return Habit(
            place(found),
            "`scope any` must say why nothing bounds this permit",
            "the reason is missing",
            'write `scope any "why every resource may be reached"`',
        )
    if found := re.search(r"\b(when|unless|scope)[ \t]*\n\s*(?:when|unless|from|valid|quorum|expires)\s*\Z", tail):
        return Habit(place(found), f"this `{found[1]}` has no condition", "nothing follows", "write one, or delete it")
    if found := re.search(r"\b(?:or|and|not|==|!=|when|unless)[ \t]+(or|and|like|within|has|is)\b\s*\S*\s*\Z", tail):
        message = f"`{found[1]}` stands where a value is needed"
        return Habit(place(found), message, "a value is missing before this", "write the value, or delete the word")
    if span.text in ("has", "is", "like", "holds", "within") and (found := re.search(r"(\S+)\s+(not)\s+\Z", tail)):
        whole = Span(span.source, place(found, 2).start, span.end)
        after = _OPERAND.match(text, span.end)
        cure = f"write `not {found[1]} {span.text} {after[1] if after else '…'}`"
        return Habit(whole, "`not` stands before the whole test", "only `not in` has it in the middle", cure)
    if span.text == "not" and (found := re.search(r"(\S+)\s+(is|has|like|holds|within)\s+\Z", tail)):
        after = _OPERAND.match(text, span.end)
        cure = f"write `not {found[1]} {found[2]} {after[1] if after else '…'}`"
        return Habit(place(found, 2).to(span), f"`{found[2]} not` does not exist", "put `not` in front", cure)
    if found := re.search(r"([A-Za-z_][A-Za-z0-9_]*)\s*\Z", tail):
        return _after_word(place(found), span, accepted)
    if found := re.search(r"([0-9]+(?:\.[0-9]+)*\.?)\s*\Z", tail):
        return _after_number(Span(span.source, place(found).start, span.end), found[1])
    return None


def _after_word(before: Span, span: Span, accepted: frozenset[str]) -> Habit | None:
    word = before.text
    if accepted == {"LESSTHAN"} and word == "Set":
        return Habit(before, "a `Set` says what its elements are", "of what?", "write `Set<String>`")
    if accepted <= {"COLON", "AS"} and "COLON" in accepted:
        late = re.compile(r"\?\s*:\s*([A-Z]\w*(?:<[^>\n]*>)?|\"[^,}\n]*\")").match(span.source.text, span.start)
        if late:
            return Habit(span, "`?` stands after the type", "too early", f"write `{word}: {late[1].strip()}?`")
        return _without_colon(before, span)
    if accepted != {"DOUBLE_COLON"}:
        return None
    if word == "NOT":
        return Habit(before, "`NOT` is written small", "capital letters", "write `not`")
    if word in _TRUTH:
        return Habit(before, f"`{word}` is written small", "looks like a type", f"write `{_TRUTH[word]}`")
    if word in NULLS:
        return no_null(before)
    text = span.source.text[max(0, before.start - 200) : before.start]
    if found := re.search(r"(?<!any )(?<!all )\b([a-z_][\w.]*)\s*(==|!=|not\s+in\b|in\b)\s*\Z", text):
        whole = Span(span.source, before.start - len(found[0]), before.end)
        if "in" in found[2]:
            sign, negated = ("in", "") if found[2] == "in" else ("not in", "not ")
            cure = f'name the group: `{found[1]} {sign} {word}::"…"`;'
            cure += f" or test the type, if that is meant: `{negated}{found[1]} is {word}`"
            return Habit(whole, f"the type `{word}` is no group", "which one?", cure)
        right = f"{'' if found[2] in ('==', 'in') else 'not '}{found[1]} is {word}"
        notes = (f'an entity is written `{word}::"id"`',)
        return Habit(whole, f"the type `{word}` is no value", "a type is tested with `is`", f"write `{right}`", notes)
    return Habit(
        before,
        f"the type `{word}` is no value",
        "a type stands here where a value is needed",
        f'an entity is written `{word}::"id"`; a type is tested with `subject is {word}`',
    )


_BEGUN = re.compile(rf"^(?:{'|'.join(BEGIN_DECLARATIONS)})\b", re.MULTILINE)


def _without_colon(before: Span, span: Span) -> Habit:
    """Say what stands after `:`: the type of a parameter or attribute, in a fixture or a test a value."""
    word, text = before.text, span.source.text
    begun = ""
    for found in _BEGUN.finditer(text, 0, before.start):
        begun = found[0]
    kind = span.text if re.fullmatch(r"[A-Z]\w*", span.text) else "String"
    if begun in ("fixture", "test"):
        value = re.compile(r'[ \t]*=?[ \t]*("[^"\n]*"|[\w.:-]+)?').match(text, before.end)
        cure = f"write `{word}: {(value and value[1]) or '…'}`"
        return Habit(before, f"`{word}` has no value", "expected `:` and a value after this", cure)
    if begun == "let" and kind == "String":
        types = re.findall(r"^(?:subject|resource|trait)[ \t]+([A-Z]\w*)", text, re.MULTILINE)
        kind = next((name for name in types if name[0].lower() == word[0]), types[0] if types else kind)
        cure = f"write `{word}: {kind}`, or another type"
    else:
        cure = f"write `{word}: {kind}`"
    return Habit(before, f"`{word}` has no type", "expected `:` and a type after this", cure)


def _after_number(whole: Span, number: str) -> Habit | None:
    rest = re.compile(r"[0-9A-Fa-f.:/_]*").match(whole.source.text, whole.start)
    shown = rest[0] if rest else whole.text
    wide = Span(whole.source, whole.start, whole.start + len(shown))
    if re.fullmatch(r"\d+\.\d+\.\d+\.\d+(/\d+)?", shown):
        return Habit(wide, "an address is written in quotes", "looks like an IP address", f'write `"{shown}"`')
    if re.fullmatch(r"\d{4}/\d{1,2}/\d{1,2}", shown):
        year, month, day = shown.split("/")
        cure = f"write `{year}-{int(month):02}-{int(day):02}`"
        return Habit(wide, "a date is written with `-`", "looks like a date", cure)
    if number.endswith(".") and re.fullmatch(r"[0-9]+[smhd]", whole.text[len(number) :]):
        cure = "write it in a smaller unit: `90m` instead of `1.5h`"
        return Habit(whole, "a duration has no fraction", "not a whole number", cure)
    if count := re.fullmatch(r"([0-9]+)[ \t]+(s|m|h|d|w|(?:sec|min|hr|hour|second|minute|day|week)s?)", whole.text):
        n, unit = int(count[1][:9]), count[2][0]
        cure = f"write `{7 * n}d`" if unit == "w" else f"write `{n}{unit}`"
        return Habit(whole, "a duration is one word", "not a duration", cure)
    return None


def no_null(span: Span) -> Habit:
    """Say that nothing is ever null, and how to ask whether an attribute is there."""
    text, path = span.source.text, r"([a-z_][\w.]*)\.([a-z_]\w*)"
    before = re.search(path + r"\s*(==|!=|is)\s*\Z", text[max(0, span.start - 200) : span.start])
    after = re.compile(r"\s*(==|!=)\s*" + path).match(text, span.end)
    target, name, sign = before.groups() if before else (after[2], after[3], after[1]) if after else ("", "", "")
    cure = f"write `{'' if sign == '!=' else 'not '}{target} has {name}`" if name else "ask for it: `value has attr`"
    if name:
        cure += f", which tests whether `{name}` is there"
    return Habit(span, "there is no null", "nothing is ever null", cure, ("what may be missing is declared with `?`",))


def _case(span: Span, accepted: frozenset[str]) -> Habit | None:
    word = span.text
    if "TYPE_NAME" in accepted and word in NULLS:
        return no_null(span)
    values = re.compile(r"\w+(?:\s*\|\s*\w+)+").match(span.source.text, span.start)
    if values and "SET" in accepted:
        cure = " | ".join(f'"{value.strip()}"' for value in values[0].split("|"))
        whole = Span(span.source, span.start, values.end())
        return Habit(whole, "the values of a type stand in quotes", "expected texts", f"write `{cure}`")
    if "TYPE_NAME" in accepted and "NAME" not in accepted and re.fullmatch(r"[a-z_][A-Za-z0-9_]*", word):
        right = "".join(part[:1].upper() + part[1:] for part in word.split("_"))
        if "LET" not in accepted and "WHEN" not in accepted and right:
            return Habit(
                span,
                f"`{word}` is not the name of a type",
                "expected a type",
                f"types begin with a capital letter: `{right}`",
            )
    if "NAME" in accepted and "TYPE_NAME" not in accepted and re.fullmatch(r"[A-Z][A-Za-z0-9_]*", word):
        right = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
        return Habit(
            span,
            f"`{word}` begins with a capital letter",
            "only types and traits do",
            f"write `{right}`",
        )
    return None
