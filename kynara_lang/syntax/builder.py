"""Builds the syntax tree while the parser reduces: one method for each rule of the grammar.

The parser keeps every token, so the first and last child of a reduction always give its span. What the grammar lets
through but the language does not (mixed `and`/`or`, chained comparisons, unknown escapes) is reported here, and a tree
is made all the same, so that one slip does not hide the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, TypeVar, cast

from attrs import frozen

from ..diagnostics.diagnostic import Report
from ..diagnostics.source import Source, Span
from . import ast, chains
from .chains import Chain, Compared

N = TypeVar("N", bound=ast.Node)
Children = list[Any]
Pack: TypeAlias = Callable[[ast.RuleDecl], ast.RuleDecl | ast.PackedRule]

MAX_NAME = 250

_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|(.)|$)")


@frozen(eq=False)
class _Part(ast.Node):
    """An optional part of a declaration, told from the others by its kind; never part of a finished tree."""

    kind: str
    value: Any


@frozen(eq=False)
class _Group(ast.Node):
    """An expression in parentheses; the parentheses are forgotten once its parent has seen them."""

    inner: ast.Expr


class Builder:
    """Makes nodes of one source at a time; the parser sets `source`, `report` and `pack` before it starts.

    With `pack`, each rule is packed as soon as it is complete, so that the trees of all never exist at one time.
    """

    source: Source
    report: Report
    pack: Pack | None = None

    # --- getting at children

    def span(self, c: Children) -> Span:
        """Return the span from the first to the last child."""
        a, b = c[0], c[-1]
        start = a.span.start if isinstance(a, ast.Node) else a.start_pos
        end = b.span.end if isinstance(b, ast.Node) else b.end_pos
        return Span(self.source, start, end)

    def ident(self, token: Any) -> ast.Ident:
        """Make a name of one token."""
        return self._name(str(token), self.span([token]))

    def _name(self, text: str, span: Span) -> ast.Ident:
        if len(text) > MAX_NAME:
            self.report.add(
                "KYN007",
                f"a name is longer than {MAX_NAME} characters",
                Span(span.source, span.start, span.start + MAX_NAME),
                "the name begins here",
                help="choose a shorter name",
            )
        return ast.Ident(text, span=span)

    def string(self, c: Children) -> ast.StringLit:
        """Make a string of one token, its escapes resolved."""
        token = c[0]
        text = str(token)[1:-1]
        span = self.span(c)
        if "\\" in text:
            text = _ESCAPE.sub(lambda m: self._escape(m, span), text)
        return ast.StringLit(text, span=span)

    def _escape(self, match: re.Match[str], span: Span) -> str:
        digits, letter = match[1], match[2]
        place = Span(self.source, span.start + 1 + match.start(), span.start + 1 + match.end())
        if digits is not None:
            code = int(digits, 16)
            if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
                return chr(code)
            self.report.add(
                "KYN004",
                f"`{match[0]}` is not a Unicode character",
                place,
                "no such character",
                help="characters go from `\\u{0}` to `\\u{10ffff}`, without the halves `\\u{d800}` to `\\u{dfff}`",
            )
            return ""
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        self.report.add(
            "KYN004",
            f"`{match[0]}` is not an escape",
            place,
            "unknown escape",
            notes=['a string knows the escapes `\\"`, `\\\\`, `\\n`, `\\t` and `\\u{…}`'],
            help=self._escape_cure(match),
        )
        return match[0]

    @staticmethod
    def _escape_cure(match: re.Match[str]) -> str:
        if match[2] == "u":
            digits = re.compile(r"[0-9A-Fa-f]{4}").match(match.string, match.end())
            return f"write a character by its number in braces: `\\u{{{digits[0] if digits else '20ac'}}}`"
        return f"write a backslash itself as `\\\\{match[2] or ''}`"

    @staticmethod
    def _all(c: Children, kind: type[N]) -> tuple[N, ...]:
        return tuple(x for x in c if isinstance(x, kind))

    def _exprs(self, c: Children) -> tuple[ast.Expr, ...]:
        return tuple(self._plain(x) for x in c if isinstance(x, ast.Expr | _Group | Chain | Compared))

    def _plain(self, x: Any) -> ast.Expr:
        """Return a finished expression; what was only growing is judged as a whole, so it is blamed once."""
        if isinstance(x, _Group):
            return x.inner
        if isinstance(x, Compared):
            return chains.comparisons(x, self.report)
        if not isinstance(x, Chain):
            return cast(ast.Expr, x)
        inner = [o for o in x.operands if isinstance(o, Chain)]
        if inner:
            chains.mixed(x, inner, self.report)
        operands = tuple(self._plain(o) for o in x.operands)
        made = ast.And if x.word == "and" else ast.Or
        return made(operands, span=x.span)

    @staticmethod
    def _parts(c: Children) -> dict[str, Any]:
        return {x.kind: x.value for x in c if isinstance(x, _Part)}

    def _part(self, kind: str, c: Children, value: Any) -> _Part:
        return _Part(kind, value, span=self.span(c))

    @staticmethod
    def _tokens(c: Children, *kinds: str) -> Iterator[Any]:
        return (x for x in c if getattr(x, "type", None) in kinds and not isinstance(x, ast.Node))

    # --- names

    def dotted(self, c: Children) -> ast.Ident:
        if len(c) == 1:
            return self.ident(c[0])
        if len(c[0].text) > MAX_NAME:  # already reported; not growing keeps a long chain linear
            return ast.Ident(c[0].text, span=self.span(c))
        return self._name(f"{c[0].text}.{c[2].text}", self.span(c))

    def attr_name(self, c: Children) -> ast.Ident:
        return self.ident(c[0])

    role_name = type_name = decision = attr_name

    def import_name(self, c: Children) -> ast.Ident:
        return c[0] if isinstance(c[0], ast.Ident) else self.ident(c[0])

    # --- the file

    def start(self, c: Children) -> ast.Module:
        name = next((x.value for x in c if isinstance(x, _Part)), None)
        packed = tuple(x for x in c if isinstance(x, ast.PackedRule))
        return ast.Module(self.source, name, self._all(c, ast.Import), self._all(c, ast.Decl), (), packed=packed)

    def module(self, c: Children) -> _Part:
        return self._part("module", c, c[1])

    def import_decl(self, c: Children) -> ast.Import:
        return ast.Import(c[1], self._all(c[2:], ast.Ident), span=self.span(c))

    # --- declarations

    def external(self, c: Children) -> _Part:
        return self._part("external", c, self.string(c[1:]))

    def in_types(self, c: Children) -> _Part:
        return self._part("in", c, self._all(c, ast.Ident))

    def is_types(self, c: Children) -> _Part:
        return self._part("is", c, self._all(c, ast.Ident))

    def on_types(self, c: Children) -> _Part:
        return self._part("on", c, self._all(c, ast.Ident))

    def in_groups(self, c: Children) -> _Part:
        return self._part("groups", c, self._all(c, ast.Ident))

    def effects(self, c: Children) -> _Part:
        return self._part("effects", c, self._all(c, ast.Ident))

    def requires(self, c: Children) -> _Part:
        return self._part("requires", c, self._all(c, ast.Ident))

    def extends(self, c: Children) -> _Part:
        return self._part("extends", c, self._all(c, ast.Ident))

    def parameters(self, c: Children) -> _Part:
        return self._part("parameters", c, self._all(c, ast.AttributeDecl))

    def fields(self, c: Children) -> _Part:
        return self._part("fields", c, self._all(c, ast.AttributeDecl))

    def modifies(self, c: Children) -> _Part:
        return self._part("modifies", c, self._all(c, ast.Modifies))

    def acts_as(self, c: Children) -> _Part:
        names = self._all(c[2:], ast.Ident)
        requires = self._parts(c).get("requires", ())
        node = ast.ActsAs(self.ident(c[1]), names[0] if names else None, requires, span=self.span(c))
        return self._part("acts_as", c, node)

    def modification(self, c: Children) -> ast.Modifies:
        names = self._all(c, ast.Ident)
        if len(names) > 1 and str(c[2]) != "args":
            self.report.add(
                "KYN001",
                f"`{c[2]}` cannot set an attribute",
                self.span([c[2]]),
                "only an argument can be named here",
                help=f"write `{names[0].text} = args.{names[1].text}`",
            )
        return ast.Modifies(names[0], names[1] if len(names) > 1 else None, span=self.span(c))

    def trait(self, c: Children) -> ast.TraitDecl:
        return ast.TraitDecl(self.ident(c[1]), c[2].value, span=self.span(c))

    def entity(self, c: Children) -> ast.EntityDecl:
        parts = self._parts(c)
        return ast.EntityDecl(
            "subject" if c[0].type == "SUBJECT" else "resource",
            self.ident(c[1]),
            parts.get("external"),
            parts.get("in", ()),
            parts.get("is", ()),
            parts.get("fields", ()),
            span=self.span(c),
        )

    def type_decl(self, c: Children) -> ast.TypeDecl:
        return ast.TypeDecl(self.ident(c[1]), c[3], span=self.span(c))

    def action_name(self, c: Children) -> ast.ActionName:
        return ast.ActionName(c[0], self._parts(c).get("external"), span=self.span(c))

    def action(self, c: Children) -> ast.ActionDecl:
        found: dict[str, list[Any]] = {}
        for part in self._all(c, _Part):
            found.setdefault(part.kind, []).extend([part.value] if part.kind == "acts_as" else part.value)

        def listed(kind: str) -> tuple[Any, ...]:
            return tuple(found.get(kind, ()))

        return ast.ActionDecl(
            self._all(c, ast.ActionName),
            listed("on"),
            listed("parameters"),
            listed("groups"),
            listed("modifies"),
            listed("acts_as"),
            listed("effects"),
            span=self.span(c),
        )

    def context(self, c: Children) -> ast.ContextDecl:
        return ast.ContextDecl(c[1].value, span=self.span(c))

    def role(self, c: Children) -> ast.RoleDecl:
        parts = self._parts(c)
        return ast.RoleDecl(c[1], parts.get("external"), parts.get("extends", ()), span=self.span(c))

    def let(self, c: Children) -> ast.LetDecl:
        parameters = self._parts(c).get("parameters")
        return ast.LetDecl(self.ident(c[1]), parameters, self._plain(c[-1]), span=self.span(c))

    def let_parameters(self, c: Children) -> _Part:
        return self._part("parameters", c, self._all(c, ast.Parameter))

    def let_parameter(self, c: Children) -> ast.Parameter:
        return ast.Parameter(self.ident(c[0]), c[2], span=self.span(c))

    def attribute(self, c: Children) -> ast.AttributeDecl:
        types = self._all(c, ast.TypeExpr)
        return ast.AttributeDecl(
            self.ident(c[0]),
            self._parts(c).get("external"),
            types[0],
            optional=any(str(x) == "?" for x in c if not isinstance(x, ast.Node)),
            untrusted=any(True for _ in self._tokens(c, "UNTRUSTED")),
            span=self.span(c),
        )

    def named_type(self, c: Children) -> ast.NamedType:
        return ast.NamedType(self.ident(c[0]), span=self.span(c))

    def enum_type(self, c: Children) -> ast.EnumType:
        return ast.EnumType(tuple(self.string([x]) for x in self._tokens(c, "STRING")), span=self.span(c))

    def set_type(self, c: Children) -> ast.SetType:
        return ast.SetType(c[2], span=self.span(c))

    def record_type(self, c: Children) -> ast.RecordType:
        return ast.RecordType(c[0].value, span=self.span(c))

    # --- rules

    def _description(self, c: Children) -> ast.StringLit | None:
        return next((self.string([x]) for x in self._tokens(c, "STRING")), None)

    def rule(self, c: Children) -> ast.RuleDecl | ast.PackedRule:
        effect = cast(ast.Effect, c[0].type.lower())
        clauses = self._all(c, ast.Clause)
        made = ast.RuleDecl(effect, self.ident(c[1]), self._description(c), clauses, span=self.span(c))
        return made if self.pack is None else self.pack(made)

    def invariant(self, c: Children) -> ast.InvariantDecl:
        clauses = self._all(c, ast.Clause)
        return ast.InvariantDecl(self.ident(c[1]), self._description(c), clauses, span=self.span(c))

    def subject_clause(self, c: Children) -> ast.SubjectClause:
        return ast.SubjectClause(self._all(c, ast.Pattern), span=self.span(c))

    def resource_clause(self, c: Children) -> ast.ResourceClause:
        return ast.ResourceClause(self._all(c, ast.Pattern), span=self.span(c))

    def action_clause(self, c: Children) -> ast.ActionClause:
        return ast.ActionClause(self._all(c, ast.ActionPattern), span=self.span(c))

    def scope_clause(self, c: Children) -> ast.ScopeClause:
        return ast.ScopeClause(self._plain(c[1]), span=self.span(c))

    def scope_any_clause(self, c: Children) -> ast.ScopeClause:
        return ast.ScopeClause(None, self.string(c[2:]), span=self.span(c))

    def when_clause(self, c: Children) -> ast.WhenClause:
        return ast.WhenClause(self._plain(c[1]), span=self.span(c))

    def unless_clause(self, c: Children) -> ast.UnlessClause:
        return ast.UnlessClause(self._plain(c[1]), span=self.span(c))

    def valid_clause(self, c: Children) -> ast.ValidClause:
        return ast.ValidClause("from" if c[1].type == "FROM" else "until", self._plain(c[2]), span=self.span(c))

    def from_clause(self, c: Children) -> ast.FromClause:
        return ast.FromClause(self._all(c, ast.Pattern), self._parts(c).get("where"), span=self.span(c))

    def where(self, c: Children) -> _Part:
        return self._part("where", c, self._plain(c[1]))

    def quorum_clause(self, c: Children) -> ast.QuorumClause:
        return ast.QuorumClause(ast.IntLit(str(c[1]), span=self.span(c[1:])), span=self.span(c))

    def expires_clause(self, c: Children) -> ast.ExpiresClause:
        return ast.ExpiresClause(ast.DurationLit(str(c[1]), span=self.span(c[1:])), span=self.span(c))

    def verdict_clause(self, c: Children) -> ast.VerdictClause:
        kind: Literal["never", "always"] = "never" if c[0].type == "NEVER" else "always"
        return ast.VerdictClause(kind, self._all(c, ast.Ident), span=self.span(c))

    def pattern(self, c: Children) -> ast.Pattern:
        parts = self._parts(c)
        head = c[0]
        kind: ast.Ident | None = None
        if isinstance(head, ast.EntityLit):
            kind = head.type
        elif head.type != "ANY":
            kind = self.ident(head)
        identity = head.id if isinstance(head, ast.EntityLit) else None
        return ast.Pattern(kind, identity, parts.get("group"), parts.get("roles", ()), span=self.span(c))

    def in_entity(self, c: Children) -> _Part:
        return self._part("group", c, c[1])

    def with_role(self, c: Children) -> _Part:
        return self._part("roles", c, self._all(c, ast.Ident))

    def action_pattern(self, c: Children) -> ast.ActionPattern:
        return ast.ActionPattern(c[0] if isinstance(c[0], ast.Ident) else None, span=self.span(c))

    def action_prefix(self, c: Children) -> ast.ActionPattern:
        return ast.ActionPattern(c[0], prefix=True, span=self.span(c))

    # --- fixtures and tests

    def fixture(self, c: Children) -> ast.FixtureDecl:
        return ast.FixtureDecl(self.ident(c[1]), c[3], span=self.span(c))

    def entity_use(self, c: Children) -> ast.EntityUse:
        parts = self._parts(c)
        base = c[0] if isinstance(c[0], ast.EntityLit) else self.ident(c[0])
        roles, parents = parts.get("roles", ()), parts.get("parents", ())
        return ast.EntityUse(base, roles, parents, parts.get("block"), span=self.span(c))

    use_roles = with_role

    def use_parents(self, c: Children) -> _Part:
        return self._part("parents", c, self._all(c[1:], ast.EntityLit | ast.Ident))  # type: ignore[arg-type]

    def use_parent(self, c: Children) -> ast.EntityLit | ast.Ident:
        return c[0] if isinstance(c[0], ast.EntityLit) else self.ident(c[0])

    def record_block(self, c: Children) -> _Part:
        return self._part("block", c, ast.RecordLit(self._all(c, ast.FieldValue), span=self.span(c)))

    def test(self, c: Children) -> ast.TestDecl:
        items = self._all(c, ast.GivenSubject | ast.GivenContext | ast.GivenApproval | ast.Expectation)  # type: ignore[arg-type]
        return ast.TestDecl(self.string([c[1]]), items, span=self.span(c))

    def given_subject(self, c: Children) -> ast.GivenSubject:
        return ast.GivenSubject(self._all(c, ast.EntityUse), span=self.span(c))

    def given_approval(self, c: Children) -> ast.GivenApproval:
        return ast.GivenApproval(self._all(c, ast.EntityUse), span=self.span(c))

    def given_context(self, c: Children) -> ast.GivenContext:
        return ast.GivenContext(c[2].value, span=self.span(c))

    def expectation(self, c: Children) -> ast.Expectation:
        parts = self._parts(c)
        return ast.Expectation(
            c[1],
            c[2],
            parts.get("arguments", ()),
            self._all(c, ast.EntityUse)[0],
            parts.get("because", ()),
            span=self.span(c),
        )

    def because(self, c: Children) -> _Part:
        return self._part("because", c, self._all(c, ast.Ident))

    def arguments(self, c: Children) -> _Part:
        return self._part("arguments", c, self._all(c, ast.FieldValue))

    def field_value(self, c: Children) -> ast.FieldValue:
        return ast.FieldValue(self.ident(c[0]), self._plain(c[2]), span=self.span(c))

    # --- expressions

    def or_expr(self, c: Children) -> Chain:
        return self._chain("or", c)

    def and_expr(self, c: Children) -> Chain:
        return self._chain("and", c)

    def _chain(self, word: Literal["and", "or"], c: Children) -> Chain:
        left, right = self._operand(c[0]), self._operand(c[2])
        if isinstance(left, Chain) and left.word == word:
            left.operands.append(right)
            return Chain(word, left.operands, span=self.span(c))
        return Chain(word, [left, right], span=self.span(c))

    def _operand(self, x: Any) -> ast.Expr | Chain:
        return x if isinstance(x, Chain) else self._plain(x)

    def not_expr(self, c: Children) -> ast.Not:
        return ast.Not(self._plain(c[1]), span=self.span(c))

    def quantifier(self, c: Children) -> ast.Quantifier:
        kind: Literal["all", "any"] = "all" if c[0].type == "ALL" else "any"
        return ast.Quantifier(kind, self.ident(c[1]), self._plain(c[3]), self._plain(c[5]), span=self.span(c))

    def binary(self, c: Children) -> ast.Binary:
        op = cast(ast.BinaryOp, " ".join(str(x) for x in c[1:-1]))
        return ast.Binary(op, self._plain(c[0]), self._plain(c[-1]), span=self.span(c))

    def chained(self, c: Children) -> Compared:
        first, right = c[0], self._plain(c[-1])
        operator = cast(ast.BinaryOp, " ".join(str(x) for x in c[1:-1]))
        if not isinstance(first, Compared):
            last, span = first, first.span
            if isinstance(first, ast.Binary):
                last = first.right
                span = Span(self.source, chains.right_start(first), first.span.end)
            first = Compared([last], [span], [], [first], span=first.span)
        left = first.operands[-1]
        whole = Span(self.source, first.spans[-1].start, self.span(c).end)
        first.tests.append(ast.Binary(operator, left, right, span=whole))
        first.operands.append(right)
        first.spans.append(self.span(c[-1:]))
        first.operators.append(operator)
        return Compared(first.operands, first.spans, first.operators, first.tests, span=self.span(c))

    def has_expr(self, c: Children) -> ast.Has:
        return ast.Has(self._plain(c[0]), c[2], span=self.span(c))

    def is_expr(self, c: Children) -> ast.Is:
        return ast.Is(self._plain(c[0]), c[2], span=self.span(c))

    def holds_expr(self, c: Children) -> ast.Holds:
        return ast.Holds(self._plain(c[0]), c[2], span=self.span(c))

    def negate(self, c: Children) -> ast.Negate:
        return ast.Negate(self._plain(c[1]), span=self.span(c))

    def member(self, c: Children) -> ast.Attribute:
        return ast.Attribute(self._plain(c[0]), c[2], span=self.span(c))

    def method(self, c: Children) -> ast.MethodCall:
        return ast.MethodCall(self._plain(c[0]), c[2], c[3].value, span=self.span(c))

    def call_arguments(self, c: Children) -> _Part:
        return self._part("arguments", c, self._exprs(c))

    def call(self, c: Children) -> ast.Call:
        return ast.Call(self.ident(c[0]), c[1].value, span=self.span(c))

    def group(self, c: Children) -> _Group:
        return _Group(self._plain(c[1]), span=self.span(c))

    def true(self, c: Children) -> ast.BoolLit:
        return ast.BoolLit(True, span=self.span(c))

    def false(self, c: Children) -> ast.BoolLit:
        return ast.BoolLit(False, span=self.span(c))

    def int(self, c: Children) -> ast.IntLit:
        return ast.IntLit(str(c[0]), span=self.span(c))

    def decimal(self, c: Children) -> ast.DecimalLit:
        return ast.DecimalLit(str(c[0]), span=self.span(c))

    def time(self, c: Children) -> ast.TimeLit:
        return ast.TimeLit(str(c[0]), span=self.span(c))

    def duration(self, c: Children) -> ast.DurationLit:
        return ast.DurationLit(str(c[0]), span=self.span(c))

    def variable(self, c: Children) -> ast.Var:
        return ast.Var(str(c[0]), span=self.span(c))

    def entity_ref(self, c: Children) -> ast.EntityLit:
        return ast.EntityLit(self.ident(c[0]), self.string([c[2]]), span=self.span(c))

    def set(self, c: Children) -> ast.SetLit:
        return ast.SetLit(self._exprs(c), span=self.span(c))

    def record(self, c: Children) -> ast.RecordLit:
        return ast.RecordLit(self._all(c, ast.FieldValue), span=self.span(c))
