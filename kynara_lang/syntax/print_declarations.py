"""Lays out declarations: each gives its layout, and the cells that neighbours of its kind are aligned by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, ParamSpec, TypeVar, assert_never

from attrs import define

from . import ast
from .columns import OPTIONS_GAP, Row, align_rows, on_one_line, set_gap
from .layout import TABLE_WIDTH, Cat, Choice, Group, Layout, Line, Nest
from .pieces import FormatterError
from .print_expressions import STEP, SUM, Printer

P = ParamSpec("P")
T = TypeVar("T")

_CLAUSE: Final = 9  # the column of a clause's content, counted from its keyword
_REASONS_GAP: Final = 2
_CONTINUED: Final = 4  # how far the rest of a heading is indented


@define(eq=False)
class Shown:
    """The layout of a declaration; `row` is there if neighbours of its kind are aligned."""

    layout: Layout
    row: Row | None = None


class DeclarationPrinter(Printer):
    """Makes layouts of declarations."""

    def module(self, name: ast.Ident) -> Shown:
        """Lay out the first line of a file."""
        return Shown(Cat([self.word("module"), " ", self.name(name)]))

    def imported(self, node: ast.Import) -> Shown:
        """Lay out an import."""
        parts: list[Layout] = [self.word("import"), " ", self.name(node.module)]
        if node.names:
            parts += [" ", self.in_parentheses(node.names, self.name)]
        return Shown(Cat(parts))

    def declaration(self, node: ast.Decl) -> Shown:
        """Lay out a declaration."""
        match node:
            case ast.ActionDecl():
                return self._action(node)
            case ast.RoleDecl():
                return self._role(node)
            case ast.FixtureDecl():
                return self._fixture(node)
            case ast.TraitDecl(name, attributes):
                head = Cat([self.word("trait"), " ", self.name(name), " "])
                return Shown(Cat([head, self.braces(attributes, self.attribute)]))
            case ast.EntityDecl():
                return Shown(self._entity_type(node))
            case ast.TypeDecl(name, kind):
                return Shown(self._type(name, kind))
            case ast.ContextDecl(fields):
                return Shown(Cat([self.word("context"), " ", self.braces(fields, self.attribute)]))
            case ast.LetDecl():
                return Shown(self._let(node))
            case ast.RuleDecl(effect, name, description, clauses):
                return Shown(self._rule(effect.replace("_", " "), name, description, clauses))
            case ast.InvariantDecl(name, description, clauses):
                return Shown(self._rule("invariant", name, description, clauses))
            case ast.TestDecl():
                return Shown(self._test(node))
        raise FormatterError(f"`{type(node).__name__}` is no declaration")

    # --- types

    def _entity_type(self, node: ast.EntityDecl) -> Layout:
        name: list[Layout] = [self.word(node.kind), " ", self.name(node.name), *self.external(node.external)]
        parts: list[Layout] = []
        for word, names in (("in", node.parents), ("is", node.traits)):
            if names:
                parts += [Line(), self.word(word), " ", self.column(names, self.name)]
        head = Group(Cat([*name, Nest(Cat(parts), _CONTINUED)]))
        return Cat([head, " ", self.braces(node.attributes, self.attribute)]) if self.follows("{") else head

    def _type(self, name: ast.Ident, kind: ast.TypeExpr) -> Layout:
        head: list[Layout] = [self.word("type"), " ", self.name(name), " ", self.word("=")]
        break_first = isinstance(kind, ast.EnumType)
        return Group(Cat([*head, Nest(Cat([Line() if break_first else " ", self.type(kind)]), STEP)]))

    # --- actions

    def _action(self, node: ast.ActionDecl) -> Shown:
        keyword, groups = self.word("action"), iter(node.groups)
        names = Cat([keyword, " ", self.column(node.names, self._action_name)])
        target: list[Layout] = []
        if self.follows("on"):
            target += [self.word("on"), " ", self.column(node.on, self.name)]
        if self.follows("("):
            target += [" "] if target else []
            target.append(self.in_parentheses(node.parameters, self.attribute))
        while self._option_follows(node, "in"):
            words: list[Layout] = [self.word("in"), " ", self._some(groups, self.name)]
            target.append(Nest(Cat([Line() if target else "", *words]), STEP))
        options = list(self._options(node, groups))
        before_target, before_options = Choice(" ", " "), Line(" " * OPTIONS_GAP)
        parts: list[Layout] = [names, *([before_target, *target] if target else [])]
        parts += [Nest(Cat([before_options, *options]), STEP)] if options else []
        cells = [names, Cat(target) if target else None, Cat(options) if options else None]
        return Shown(Group(Cat(parts)), Row(cells, [before_target, before_options]))

    def _option_follows(self, node: ast.ActionDecl, *words: str) -> bool:
        return self.words.next.text in words and self.words.next.start < node.span.end

    def _action_name(self, node: ast.ActionName) -> Layout:
        return Cat([self.name(node.name), *self.external(node.external)])

    def _options(self, node: ast.ActionDecl, groups: Iterator[ast.Ident]) -> Iterator[Layout]:
        """Lay out what an action does in the order in which it is written, a line each where it breaks."""
        effects, modifies, acts_as = iter(node.effects), iter(node.modifies), iter(node.acts_as)
        first = True
        while self._option_follows(node, "in", "modifies", "acts", "effects"):
            if not first:
                yield Line()
            first = False
            word = self.words.take()
            match word.text:
                case "in":
                    yield Cat([word, " ", self._some(groups, self.name)])
                case "effects":
                    yield Cat([word, " ", self._some(effects, self.name)])
                case "modifies":
                    yield Cat([word, " ", self._some(modifies, self._modifies)])
                case _:
                    yield Cat([word, " ", self.word("as"), " ", self._acts_as(next(acts_as))])

    def _some(self, nodes: Iterator[T], show: Callable[[T], Layout]) -> Layout:
        """Lay out those nodes of a list that stand behind one keyword."""
        parts: list[Layout] = [show(next(nodes))]
        while self.follows(","):
            parts += [self.word(","), Line(), show(next(nodes))]
        return Nest(Group(Cat(parts)))

    def _modifies(self, node: ast.Modifies) -> Layout:
        parts: list[Layout] = [self.name(node.attribute)]
        if node.parameter is not None:
            parts += [" ", self.word("="), " ", self.word("args"), self.word("."), self.name(node.parameter)]
        return Cat(parts)

    def _acts_as(self, node: ast.ActsAs) -> Layout:
        parts: list[Layout] = [self.name(node.root)]
        if node.attribute is not None:
            parts += [self.word("."), self.name(node.attribute)]
        if node.requires:
            parts += [" ", self.word("requires"), " ", self.column(node.requires, self.name)]
        return Cat(parts)

    # --- roles and lets

    def _role(self, node: ast.RoleDecl) -> Shown:
        head = Cat([self.word("role"), " ", self.name(node.name), *self.external(node.external)])
        gap = Choice(" ", " ")
        if not node.extends:
            return Shown(head, Row([head, None], [gap]))
        rest = Cat([self.word("extends"), " ", self.column(node.extends, self.name)])
        return Shown(Group(Cat([head, gap, rest])), Row([head, rest], [gap]))

    def _let(self, node: ast.LetDecl) -> Layout:
        head: list[Layout] = [self.word("let"), " ", self.name(node.name)]
        if node.parameters is not None:
            head.append(self.in_parentheses(node.parameters, self._parameter))
        head += [" ", self.word("=")]
        if isinstance(node.body, ast.SetLit | ast.RecordLit | ast.Call):
            return Cat([*head, " ", self.expression(node.body)])
        return Cat([*head, Group(Nest(Cat([Line(), self.expression(node.body)]), STEP))])

    def _parameter(self, node: ast.Parameter) -> Layout:
        return Cat([self.name(node.name), self.words.join(":"), " ", self.type(node.type)])

    # --- rules and invariants

    def _rule(
        self, keyword: str, name: ast.Ident, description: ast.StringLit | None, clauses: Sequence[ast.Clause]
    ) -> Layout:
        head: list[Layout] = [*self.worded(keyword), " ", self.name(name)]
        if description is not None:
            head.append(Nest(Cat([Line(), self.literal(description)]), _CONTINUED))
        return Cat([Group(Cat(head)), " ", self.block(clauses, self._clause)])

    def _clause(self, node: ast.Clause) -> Layout:
        match node:
            case ast.SubjectClause(patterns):
                return self._led("subject", self.column, patterns, self._pattern)
            case ast.ResourceClause(patterns):
                return self._led("resource", self.column, patterns, self._pattern)
            case ast.ActionClause(actions):
                return self._led("action", self.column, actions, self._action_pattern)
            case ast.ScopeClause(condition, reason):
                if reason is not None:
                    return self._led("scope", self._unbounded, reason)
                assert condition is not None
                return self._led("scope", self.expression, condition)
            case ast.WhenClause(condition):
                return self._led("when", self.expression, condition)
            case ast.UnlessClause(condition):
                return self._led("unless", self.expression, condition)
            case ast.ValidClause(bound, time):
                words = Cat([self.word("valid"), " ", self.word(bound), " " * (1 + len("until") - len(bound))])
                return Cat([words, Nest(self.expression(time, SUM))])
            case ast.FromClause():
                return self._led("from", self._approvers, node)
            case ast.QuorumClause(count):
                return self._led("quorum", self.literal, count)
            case ast.ExpiresClause(after):
                return self._led("expires", self.literal, after)
            case ast.VerdictClause(kind, decisions):
                return self._led(kind, self._verdicts, decisions)
        raise FormatterError(f"`{type(node).__name__}` is no clause")

    def _led(self, keyword: str, show: Callable[P, Layout], *args: P.args, **more: P.kwargs) -> Layout:
        """Lay out what begins with a keyword and stands in the column of all clauses."""
        return Cat([self.word(keyword), " " * (_CLAUSE - len(keyword)), Nest(show(*args, **more))])

    def _unbounded(self, reason: ast.StringLit) -> Layout:
        return Cat([self.word("any"), " ", self.literal(reason)])

    def _verdicts(self, decisions: Sequence[ast.Ident]) -> Layout:
        return Group(self.alternatives("or", decisions, self.name))

    def _approvers(self, node: ast.FromClause) -> Layout:
        patterns = self.column(node.patterns, self._pattern)
        if node.where is None:
            return patterns
        return Group(Cat([patterns, Line(), self.word("where"), " ", Nest(self.expression(node.where))]))

    def _pattern(self, node: ast.Pattern) -> Layout:
        parts: list[Layout] = [self.word("any") if node.type is None else self.name(node.type)]
        if node.id is not None:
            parts += [self.word("::"), self.literal(node.id)]
        if node.group is not None:
            parts += [" ", self.word("in"), " ", self.entity(node.group)]
        if node.roles:
            parts += [" ", *self.worded("with role"), " ", self.name(node.roles[0])]
            for role in node.roles[1:]:
                parts += [" ", self.word("or"), " ", self.name(role)]
        return Cat(parts)

    def _action_pattern(self, node: ast.ActionPattern) -> Layout:
        if node.name is None:
            return self.word("any")
        return Cat([self.name(node.name), self.word("."), self.word("*")]) if node.prefix else self.name(node.name)

    # --- fixtures and tests

    def _fixture(self, node: ast.FixtureDecl) -> Shown:
        head = Cat([self.word("fixture"), " ", self.name(node.name)])
        gap = Choice(" ", " ")
        rest = Cat([self.word("="), " ", self._entity(node.entity)])
        return Shown(Cat([head, gap, rest]), Row([head, rest], [gap]))

    def _entity(self, node: ast.EntityUse) -> Layout:
        parts: list[Layout] = [self._entity_or_name(node.base)]
        if node.roles:
            parts += [" ", *self.worded("with role"), " ", self.column(node.roles, self.name)]
        if node.parents:
            parts += [" ", self.word("in"), " ", self.column(node.parents, self._entity_or_name)]
        if node.properties is not None:
            parts += [" ", self.braces(node.properties.fields, self.field)]
        return Cat(parts)

    def _entity_or_name(self, node: ast.EntityLit | ast.Ident) -> Layout:
        return self.name(node) if isinstance(node, ast.Ident) else self.entity(node)

    def _test(self, node: ast.TestDecl) -> Layout:
        expected: list[_Expected] = []

        def item(node: ast.GivenSubject | ast.GivenContext | ast.GivenApproval | ast.Expectation) -> Layout:
            match node:
                case ast.GivenSubject(chain):
                    return self._led("given", self._chain_of, chain)
                case ast.GivenContext(context):
                    return self._led("given", self._context, context)
                case ast.GivenApproval(approvers):
                    return self._led("given", self._approval, approvers)
                case ast.Expectation():
                    expected.append(self._expectation(node))
                    return expected[-1].layout
            assert_never(node)

        head: list[Layout] = [self.word("test"), " ", self.literal(node.title), " "]
        body = self.block(node.items, item)
        _align_expectations(expected)
        return Cat([*head, body])

    def _chain_of(self, chain: Sequence[ast.EntityUse]) -> Layout:
        parts: list[Layout] = [self._entity(chain[0])]
        for link in chain[1:]:
            parts += [Line(), *self.worded("on behalf of"), " ", self._entity(link)]
        return Group(Cat(parts))

    def _approval(self, approvers: Sequence[ast.EntityUse]) -> Layout:
        return Cat([*self.worded("approval by"), " ", Group(self.alternatives("and", approvers, self._entity))])

    def _context(self, node: ast.RecordLit) -> Layout:
        return Cat([self.word("context"), " ", self.braces(node.fields, self.field)])

    def _expectation(self, node: ast.Expectation) -> _Expected:
        lead: list[Layout] = [self.word("expect"), " " * (_CLAUSE - len("expect")), self.name(node.decision)]
        asked: list[Layout] = [self.name(node.action)]
        if self.follows("("):
            asked.append(self.in_parentheses(node.arguments, self.field))
        of = Cat([self.word("on"), " ", self._entity(node.resource)])
        because = Cat([self.word("because"), " ", self.column(node.because, self.name)]) if node.because else None
        behind, before_on, before_because = Choice(" ", " "), Choice(" ", " "), Line(" " * _REASONS_GAP)
        request = Cat(asked)
        row = Row([request, of, because], [before_on, before_because])
        rest: list[Layout] = [request, before_on, of]
        rest += [before_because, because] if because else []
        return _Expected(Cat([*lead, behind, Nest(Group(Cat(rest)))]), node.decision.text, behind, row)


@define(eq=False)
class _Expected:
    """The layout of an expectation, its decision, the spaces behind that, and the cells of the rest."""

    layout: Layout
    decision: str
    behind: Choice
    row: Row


def _align_expectations(expected: Sequence[_Expected]) -> None:
    """Let what is asked stand in one column, on what in another, and because of what in a third."""
    decision = max((len(one.decision) for one in expected), default=0)
    for one in expected:
        set_gap(one.behind, " " * (decision - len(one.decision) + 1))
    room = TABLE_WIDTH - STEP - _CLAUSE - decision - 1
    align_rows([one.row for one in expected if on_one_line(one.row, room)], room, _REASONS_GAP, everywhere=True)
