"""Random programs that the checker accepts: declarations, predicates and rules, as text.

Expressions are written top down against an environment that knows what can be read where, and what guards have proved;
so nearly every construct of the language turns up, and everything is well-typed. A program that the checker refuses is
a bug, here or there.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, evolve, field, frozen
from hypothesis import strategies as st

from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Libraries, check_sources, standard_library
from kynara_lang.semantics import types as ty
from kynara_lang.semantics.operators import WEEKDAY

from .schema import TENANTED, Schema, schema
from .vocabulary import GLOBS, IDS, LEVELS, POOL, ZONES, Draw, quoted

ORDERED = (ty.INT, ty.DECIMAL, ty.TIME, ty.DURATION)


@frozen
class Facts:
    """What is known: texts of values that are there, and the types that entities can still have."""

    proved: frozenset[str] = frozenset()
    kinds: dict[str, frozenset[str]] = field(factory=dict)

    def both(self, other: Facts) -> Facts:
        kinds = {t: self.kinds.get(t, names) & names for t, names in other.kinds.items()}
        return Facts(self.proved | other.proved, {**self.kinds, **kinds})

    def either(self, other: Facts) -> Facts:
        common = self.kinds.keys() & other.kinds.keys()
        return Facts(self.proved & other.proved, {t: self.kinds[t] | other.kinds[t] for t in common})

    def about(self, parameter: str, argument: str) -> Facts:
        """Return what is known of a predicate's parameter as known of what is passed for it."""

        def renamed(text: str) -> str:
            return argument + text.removeprefix(parameter)

        mine = [t for t in (*self.proved, *self.kinds) if t == parameter or t.startswith(f"{parameter}.")]
        return Facts(
            frozenset(renamed(t) for t in mine if t in self.proved),
            {renamed(t): self.kinds[t] for t in mine if t in self.kinds},
        )


@frozen
class Env:
    """What an expression can read: variables with their types, `args` by name, and what is known."""

    place: str
    variables: dict[str, ty.Type]
    args: dict[str, tuple[ty.Type, bool]] = field(factory=dict)
    maybe: frozenset[str] = frozenset()  # variables that need a guard, such as `delegator`
    facts: Facts = field(factory=Facts)

    def knowing(self, facts: Facts) -> Env:
        return evolve(self, facts=self.facts.both(facts))

    def bind(self, name: str, kind: ty.Type) -> Env:
        return evolve(self, variables={**self.variables, name: kind})

    def absent(self) -> list[str]:
        return sorted(self.maybe - self.facts.proved)


@frozen
class Test:
    """Something true or false: its text, what is known when it holds and when it does not, what is new then."""

    text: str
    yes: Facts = field(factory=Facts)
    no: Facts = field(factory=Facts)
    fresh: str | None = None

    def negated(self) -> Test:
        return Test(f"not {self.text}", self.no, self.yes)


@frozen
class Predicate:
    """A predicate with what is known of its parameters when it holds and when it does not."""

    name: str
    parameters: dict[str, ty.Type]
    yes: Facts
    no: Facts


@define
class Made:
    """A program as text: what is declared (free to move between files), the rules of each file, and who wrote them."""

    author: Author = field(repr=False)
    declarations: list[str]
    rules: dict[str, list[str]]
    header: str

    @property
    def schema(self) -> Schema:
        return self.author.schema

    def files(self, *, only: tuple[str, ...] = ("permit", "forbid", "require approval")) -> dict[str, str]:
        """Return the text of each file, with the rules of some effects."""
        names = sorted(self.rules)
        parts = {name: [r for r in self.rules[name] if r.startswith(only)] for name in names}
        for i, text in enumerate(self.declarations):
            parts[names[i % len(names)]].append(text)
        return {name: self.header + "\n".join(texts) + "\n" for name, texts in parts.items()}

    def check(self, **more: tuple[str, ...]) -> Program:
        """Check the program, which must have no errors."""
        return checked(self.files(**more))


def checked(files: dict[str, str], libraries: Libraries | None = None) -> Program:
    """Check files; fail with everything said about them where that is an error."""
    sources = [Source(name, text) for name, text in files.items()]
    found = check_sources(sources, libraries or standard_library())
    if found.has_errors:
        said = [f"{d.code} {d.span.source.name}: {d.message}\n    {d.span.text}" for d in found.diagnostics]
        raise AssertionError("\n".join([*said, *(f"--- {s.name}\n{s.text}" for s in sources)]))
    return found.program


class Author:
    """Writes expressions and rules about declarations."""

    def __init__(self, draw: Draw, made: Schema) -> None:
        self.draw, self.schema = draw, made
        self.constants: list[tuple[str, ty.Type]] = []
        self.predicates: list[Predicate] = []
        self._bound = 0

    # --- what can be read

    def readable(self, env: Env) -> tuple[list[tuple[str, ty.Type]], list[tuple[str, str, ty.Type]]]:
        """List (text, type) of everything that can be read, and (owner, name, type) of what needs a `has` first."""
        found: list[tuple[str, ty.Type]] = []
        lacking: list[tuple[str, str, ty.Type]] = []
        for name, kind in env.variables.items():
            if name not in env.absent():
                self._expand(name, kind, env, 3, found, lacking)
        for owner, fields in (("args", env.args), ("context", self._context(env))):
            for name, (kind, optional) in fields.items():
                if optional and f"{owner}.{name}" not in env.facts.proved:
                    lacking.append((owner, name, kind))
                else:
                    self._expand(f"{owner}.{name}", kind, env, 2, found, lacking)
        return found, lacking

    def _context(self, env: Env) -> dict[str, tuple[ty.Type, bool]]:
        return {} if env.place == "constant" else {n: (a.type, a.optional) for n, a in self.schema.context.items()}

    def _expand(self, text, kind, env, depth, found, lacking) -> None:
        if isinstance(kind, ty.Entity):
            kind = ty.Entity(kind.names & env.facts.kinds.get(text, kind.names))
            if not kind.names:
                return  # nothing comes here
        found.append((text, kind))
        if depth == 0:
            return
        if isinstance(kind, ty.Record):
            fields = [(f.name, [f.type], f.optional) for f in kind.fields]
        elif isinstance(kind, ty.Entity):
            fields = []
            kinds = [self.schema.kinds[n].attrs for n in sorted(kind.names)]
            for name in dict.fromkeys(n for attrs in kinds for n in attrs):
                having = [attrs[name] for attrs in kinds if name in attrs]
                maybe = len(having) < len(kinds) or any(a.optional for a in having)
                fields.append((name, list(dict.fromkeys(a.type for a in having)), maybe))
        else:
            return
        for name, several, optional in fields:
            if len(several) > 1 and not all(isinstance(t, ty.Entity) for t in several):
                continue
            one = several[0]
            if len(several) > 1:
                one = ty.Entity(frozenset().union(*(t.names for t in several)))
            if optional and f"{text}.{name}" not in env.facts.proved:
                lacking.append((text, name, one))
            else:
                self._expand(f"{text}.{name}", one, env, depth - 1, found, lacking)

    # --- values

    def literal(self, kind: ty.Type) -> str:
        match kind:
            case ty.Enum(values=values):
                return quoted(self.draw.pick(values))
            case ty.SetOf(element=element):
                return "{" + ", ".join(self.literal(element) for _ in range(self.draw.number(3))) + "}"
            case ty.Record(fields=fields):
                given = [f for f in fields if not f.optional or self.draw.chance(50)] or fields[:1]
                return "{" + ", ".join(f"{f.name}: {self.literal(f.type)}" for f in given) + "}"
            case ty.Entity(names=names):
                return f"{self.draw.pick(sorted(names))}::{quoted(self.draw.pick(IDS))}"
        return self.draw.pick(POOL[kind])[0]

    def value(self, env: Env, kind: ty.Type, depth: int = 2) -> str:
        """Write a value that can stand where its type is expected."""
        ways = ["literal"] * 3
        paths = [text for text, found in self.readable(env)[0] if ty.assignable(found, kind)]
        ways += ["path"] * (6 if paths else 0)
        constants = [name for name, found in self.constants if found == kind]
        ways += ["constant"] if constants else []
        ways += ["made"] * 3 if depth > 0 and (kind in MAKERS or isinstance(kind, ty.SetOf)) else []
        match self.draw.pick(ways):
            case "path":
                return self.draw.pick(paths)
            case "constant":
                return self.draw.pick(constants)
            case "made" if isinstance(kind, ty.SetOf):
                items = [self.value(env, kind.element, depth - 1) for _ in range(1 + self.draw.number(2))]
                return "{" + ", ".join(items) + "}"
            case "made":
                return self.draw.pick(MAKERS[kind])(self, env, depth - 1) or self.literal(kind)
        return self.literal(kind)

    def path(self, env: Env, kind: ty.Type) -> str | None:
        """Return something of a type that a dot can follow."""
        paths = [text for text, found in self.readable(env)[0] if found == kind]
        if kind == ty.STRING and self.draw.chance(10):
            return self.literal(kind)
        if kind == ty.TIME and self.draw.chance(20):
            return f"({self.value(env, kind, 1)})"
        return self.draw.pick(paths) if paths else None

    def set_path(self, env: Env) -> tuple[str, ty.SetOf]:
        """Return a set, now and then one written out."""
        paths = [(text, kind) for text, kind in self.readable(env)[0] if isinstance(kind, ty.SetOf)]
        if not paths or self.draw.chance(15):
            # A set written out: its literals are of the type they have by themselves.
            element = self.draw.pick((ty.INT, ty.STRING, self.schema.entity("User")))
            return "{" + ", ".join(self.value(env, element, 0) for _ in range(1 + self.draw.number(2))) + "}", ty.SetOf(element)
        return self.draw.pick(paths)

    # --- tests

    def test(self, env: Env, depth: int) -> Test:
        """Write something that is true or false."""
        ways = ["relation"] * 5
        if depth > 0:
            ways += ["and", "or", "guarded", "guarded", "guarded", "not", "every"]
            ways += ["call"] * 2 if self.predicates else []
        match self.draw.pick(ways):
            case "and":
                return self.joined("and", self.test(env, depth - 1), env, depth)
            case "or":
                return self.joined("or", self.test(env, depth - 1), env, depth)
            case "not":
                return self.test(env, depth - 1).negated()
            case "guarded":
                return self._guarded(env, depth)
            case "every":
                return Test(self._quantified(env, depth))
            case "call":
                return self.call(env) or Test(self.relation(env, depth))
        return Test(self.relation(env, depth))

    def joined(self, word: str, left: Test, env: Env, depth: int, about: str | None = None) -> Test:
        """Write `left and …` or `left or …`, the right side knowing what the left one proved."""
        inner = env.knowing(left.yes if word == "and" else left.no)
        right = self.test(inner, depth - 1) if about is None else Test(self.relation(inner, depth - 1, about))
        text = f"({left.text} {word} {right.text})"
        if word == "and":
            return Test(text, left.yes.both(right.yes), left.no.either(right.no))
        return Test(text, left.yes.either(right.yes), left.no.both(right.no))

    def call(self, env: Env) -> Test | None:
        """Write a use of a predicate, if there is one whose arguments there are."""
        found = self.readable(env)[0]
        called = self.draw.pick(self.predicates)
        arguments, yes, no = [], Facts(), Facts()
        for name, kind in called.parameters.items():
            if not isinstance(kind, ty.Entity):
                arguments.append(self.value(env, kind, 1))
                continue
            fitting = [text for text, other in found if ty.assignable(other, kind)]
            if not fitting:
                return None
            arguments.append(self.draw.pick(fitting))
            yes, no = yes.both(called.yes.about(name, arguments[-1])), no.both(called.no.about(name, arguments[-1]))
        return Test(f"{called.name}({', '.join(arguments)})", yes, no)

    def guard(self, env: Env) -> Test | None:
        """Write a test that proves something."""
        found, lacking = self.readable(env)
        ways: list[Test] = []
        for owner, name, _ in lacking:
            there = f"{owner}.{name}"
            ways.append(Test(f"{owner} has {name}", Facts(frozenset({there})), fresh=there))
        for text in env.absent():
            ways += [Test("delegated", Facts(frozenset({text})), fresh=text)] * 2
            kind = env.variables[text]
            found = [*found, (text, ty.Entity(kind.names & env.facts.kinds.get(text, kind.names)))]
        for text, kind in found:
            if isinstance(kind, ty.Entity) and len(kind.names) > (text not in env.absent()):
                options = [(n, frozenset({n})) for n in sorted(kind.names)]
                options += [(t.name, frozenset(t.members) & kind.names) for t in self.schema.traits.values()]
                name, names = self.draw.pick([o for o in options if o[1]])
                yes = Facts(frozenset({text}), {text: names})
                ways.append(Test(f"{text} is {name}", yes, Facts(kinds={text: kind.names - names}), text))
        if self.predicates and self.draw.chance(20) and (called := self.call(env)) is not None:
            new = sorted(called.yes.proved - env.facts.proved)
            ways += [evolve(called, fresh=new[0])] * 5 if new else []
        return self.draw.pick(ways) if ways else None

    def _guarded(self, env: Env, depth: int) -> Test:
        guard = self.guard(env)
        if guard is None:
            return Test(self.relation(env, depth))
        about = guard.fresh if self.draw.chance(70) else None
        match self.draw.number(4):
            case 2:
                return self.joined("or", guard.negated(), env, depth, about)
            case 3:
                return self.joined("or", guard, env, depth)
            case 4:
                return guard
        return self.joined("and", guard, env, depth, about)

    def _quantified(self, env: Env, depth: int) -> str:
        text, kind = self.set_path(env)
        self._bound += 1
        name = f"x{self._bound}"
        inner = env.bind(name, kind.element)
        body = self.relation(inner, depth - 1, name) if self.draw.chance(70) else self.test(inner, depth - 1).text
        return f"({self.draw.pick(('any', 'all'))} {name} in {text}: {body})"

    def relation(self, env: Env, depth: int, about: str | None = None) -> str:
        """Write a test of one value."""
        found = self.readable(env)[0]
        if about is not None:
            found = [(t, k) for t, k in found if t == about or t.startswith(f"{about}.")] or found
        if not found:
            return self.draw.pick(("true", "false"))
        text, kind = self.draw.pick(found)
        if depth > 0 and kind in MAKERS and kind != ty.BOOL and about is None and self.draw.chance(30):
            text = self.draw.pick(MAKERS[kind])(self, env, 1) or text
        ways = [f"{text} {self.draw.pick(('==', '!='))} {self.value(env, kind, 1)}"]
        same = [t for t, k in self.readable(env)[0] if ty.comparable(k, kind)]
        if same:
            ways.append(f"{text} {self.draw.pick(('==', '!='))} {self.draw.pick(same)}")
        if not isinstance(kind, ty.Record):
            ways.append(f"{text} {self.draw.pick(('in', 'not in'))} {self.literal(ty.SetOf(kind))}")
        more = self._ways(text, kind, env)
        return self.draw.pick([*ways, *more, *more])

    def _ways(self, text: str, kind: ty.Type, env: Env) -> list[str]:
        draw, value = self.draw, self.value
        if kind in ORDERED:
            return [f"{text} {draw.pick(('<', '<=', '>', '>='))} {value(env, kind, 2)}"] * 2
        match kind:
            case ty.BOOL:
                return [text]
            case ty.STRING:
                method = draw.pick(("starts_with", "ends_with", "contains"))
                return [f"{text} like {quoted(draw.pick(GLOBS))}", f"{text}.{method}({value(env, kind, 0)})"]
            case ty.IP:
                block = draw.pick(POOL[ty.BLOCK])[0]
                return [f"{text} within {block}", f"{text} within {{{block}, {draw.pick(POOL[ty.BLOCK])[0]}}}"]
            case ty.HOST | ty.PATH:
                return [f"{text} within {value(env, kind, 0)}", f"{text} within {self.literal(ty.SetOf(kind))}"]
            case ty.EMAIL:
                return [f"{text}.domain within {value(env, ty.HOST, 0)}"]
            case ty.URL:
                part, of = draw.pick((("scheme", ty.STRING), ("host", ty.HOST), ("port", ty.INT), ("path", ty.PATH)))
                return [f"{text}.{part} == {value(env, of, 0)}", f"{text}.host within {value(env, ty.HOST, 0)}"]
            case ty.SetOf(element=element):
                method = draw.pick(("contains_all", "contains_any"))
                some = value(env, kind, 1)
                inside = value(env, element, 0) if not isinstance(element, ty.Record) else None
                return [f"{text}.{method}({some})", f"{text}.size() > 1", *([f"{inside} in {text}"] if inside else [])]
            case ty.Entity(names=names):
                return self._ways_of_entity(text, names, env)
        return [f"{text}.weekday({quoted(draw.pick(ZONES))}) == {self.literal(WEEKDAY)}"] if kind == ty.TIME else []

    def _ways_of_entity(self, text: str, names: frozenset[str], env: Env) -> list[str]:
        draw = self.draw
        reached = self.schema.reachable(names)
        group = draw.pick(sorted(reached))
        ways = [f"{text} {draw.pick(('in', 'in', 'not in'))} {group}::{quoted(draw.pick(IDS))}"]
        others = [t for t, k in self.readable(env)[0] if isinstance(k, ty.Entity) and k.names & reached]
        ways += [f"{text} in {draw.pick(others)}"] if others else []
        if self.schema.roles:
            ways += [f"{text} holds {draw.pick(sorted(self.schema.roles))}"] * 2
        return ways

    # --- lets

    def lets(self) -> list[str]:
        """Write constants and predicates."""
        found = []
        if self.schema.tenancy:
            tenanted = self.schema.entity(*self.schema.traits[TENANTED].members)
            self.predicates.append(Predicate("same_tenant", {"a": tenanted, "b": tenanted}, Facts(), Facts()))
        for i in range(self.draw.number(2)):
            texts = (ty.STRING, ty.SetOf(ty.STRING), ty.HOST, LEVELS)
            kind = self.draw.pick((ty.INT, ty.DECIMAL, ty.TIME, ty.DURATION, *texts))
            self.constants.append((f"c{i}", kind))
            found.append(f"let c{i} = {self.literal(kind)}")
        for i in range(self.draw.number(3)):
            found.append(self.predicate(f"p{i}"))
        return found

    def predicate(self, name: str) -> str:
        draw, made = self.draw, self.schema
        entities = [made.entity(n) for n in made.kinds] + [made.entity(*t.members) for t in made.traits.values()]
        simple = (ty.INT, ty.STRING, ty.TIME, ty.IP, ty.PATH, ty.SetOf(ty.STRING), LEVELS)
        parameters = {"a": draw.pick(entities)}
        if draw.chance(50):
            parameters["b"] = draw.pick((*entities, *simple))
        env = Env("let", parameters)
        body = (self.guard(env) if draw.chance(40) else None) or self.test(env, 2)
        self.predicates.append(Predicate(name, parameters, body.yes, body.no))
        shown = ", ".join(f"{n}: {made.written(k)}" for n, k in parameters.items())
        return f"let {name}({shown}) = {body.text}"

    # --- rules

    def rule(self, name: str, effect: str) -> str:
        """Write a rule."""
        draw, made = self.draw, self.schema
        broad = draw.chance(40)
        actions, named = (list(made.actions), "any") if broad else self._actions()
        reach = sorted({kind for a in actions for kind in made.actions[a].on})
        subjects, of_subjects = "any", frozenset(made.subjects)
        resources, of_resources = "any", frozenset(reach)
        if not broad:
            subjects, of_subjects = self._patterns(made.subjects, roles=True)
            resources, of_resources = self._patterns(reach, roles=False)
        env = self.env(effect, actions, of_subjects, of_resources)
        lines = [f"subject {subjects}", f"action {named}", f"resource {resources}"]
        for bound in draw.some(("from", "until"), 8):
            lines.append(f"valid {bound} {self.literal(ty.TIME)}")
        conditions = []
        if effect == "permit":
            reason = f'any "{draw.pick(("any", "all of them"))}"'
            scope = draw.pick((reason, reason, reason, "delegated", None, None, None, None))
            test = Test(scope) if scope else self.test(env, 2)
            conditions.append(f"scope {self._bare(test.text)}")
            env = env.knowing(test.yes)
        words = [w for w in ("when", "when", "unless") if draw.chance(35)]
        if effect != "permit" and not words:
            words = [draw.pick(("when", "unless"))] if draw.chance(80) else []
        for word in words:
            test = (self.guard(env) if draw.chance(30) else None) or self.test(env, 2)
            if word == "unless" and test.fresh is not None:
                test = test.negated()
            conditions.append(f"{word} {self._bare(test.text)}")
            env = env.knowing(test.yes if word == "when" else test.no)
        if effect == "require approval":
            lines += self._approval(env)
        clauses = "".join(f"\n  {line}" for line in (*draw.shuffled(lines), *conditions))
        return f"{effect} {name} {{{clauses}\n}}"

    def env(self, effect: str, actions: list[str], subjects: frozenset[str], resources: frozenset[str]) -> Env:
        """Return what the conditions of a rule can read."""
        made = self.schema
        args: dict[str, tuple[ty.Type, bool]] = {}
        for name in sorted({n for a in actions for n in made.actions[a].params}):
            having = [made.actions[a].params[name] for a in actions if name in made.actions[a].params]
            if len({a.type for a in having}) == 1:
                args[name] = having[0].type, len(having) < len(actions) or any(a.optional for a in having)
        everyone = made.entity(*made.subjects)
        variables = {"subject": ty.Entity(subjects), "resource": ty.Entity(resources), "delegator": everyone,
                     "delegated": ty.BOOL}  # fmt: skip
        if effect != "permit":
            variables["actor"] = everyone
        return Env(effect, variables, args, maybe=frozenset({"delegator"}))

    def _actions(self) -> tuple[list[str], str]:
        known = self.schema.actions
        ways = [(list(known), "any")] * 2
        some = self.draw.some(list(known), 40) or [self.draw.pick(list(known))]
        ways += [(some, ", ".join(some))] * 4
        for group in sorted({g for a in known.values() for g in a.groups}):
            ways.append(([n for n, a in known.items() if group in a.groups], group))
        for prefix in ("crm", "crm.contacts", "type"):
            below = [n for n in known if n.startswith(f"{prefix}.")]
            ways += [(below, f"{prefix}.*")] if below else []
        return self.draw.pick(ways)

    def _patterns(self, kinds: list[str], *, roles: bool) -> tuple[str, frozenset[str]]:
        """Write patterns over some types; also return the types they cover."""
        draw, made = self.draw, self.schema
        found, covered = [], frozenset()
        for _ in range(1 + (draw.number(3) == 3)):
            options = [("any", frozenset(kinds))] * 3 + [(k, frozenset({k})) for k in kinds] * 2
            options += [(t.name, frozenset(t.members) & frozenset(kinds)) for t in made.traits.values()]
            text, names = draw.pick([o for o in options if o[1]])
            if len(names) == 1 and text in names and draw.chance(20):
                text += f"::{quoted(draw.pick(IDS))}"
            elif draw.chance(15):
                text += f" in {draw.pick(sorted(made.reachable(names)))}::{quoted(draw.pick(IDS))}"
            if roles and made.roles and draw.chance(20):
                text += f" with role {' or '.join(draw.some(sorted(made.roles), 50) or ['r0'])}"
            found.append(text)
            covered |= names
        return ", ".join(found), covered

    def _bare(self, text: str) -> str:
        """Now and then leave out the parentheses around a whole condition, or a quantifier at its end."""
        start = max(text.find("(any x"), text.find("(all x"))
        if start < 0 or not text.endswith(")") or "(" in text[start + 1 :] or not self.draw.chance(50):
            return text
        return text[:start] + text[start + 1 : -1] if text[:start] in ("", "not ") else text

    def family(self, name: str, effect: str) -> list[str]:
        """Write several rules that one value tells apart, so that they become a switch; some can fail before it."""
        draw, made = self.draw, self.schema
        everything = frozenset(k for a in made.actions.values() for k in a.on)
        env = self.env(effect, list(made.actions), frozenset(made.subjects), everything)
        simple = [(t, k) for t, k in self.readable(env)[0] if k in POOL and t.count(".") == 1] or [("delegated", ty.BOOL)]
        anchor, kind = draw.pick(simple)
        rules = []
        for i in range(5 + draw.number(5)):
            roles = f" with role {draw.pick(sorted(made.roles))}" if made.roles and draw.chance(30) else ""
            subject, known = "any", env
            if draw.chance(20):
                name_of = draw.pick(made.subjects)
                subject = f"{name_of}::{quoted(draw.pick(IDS))}"
                known = evolve(env, variables={**env.variables, "subject": made.entity(name_of)})
            lines = [f"subject {subject}{roles}", "action any", "resource any"]
            keyed = f"{anchor} == {self.literal(kind)}" if draw.chance(60) else f"{anchor} in {self.literal(ty.SetOf(kind))}"
            before = [self.test(known, 1).text] if draw.chance(30) else []
            condition = " and ".join([*before, keyed]) if draw.chance(40) else "\n  when ".join([*before, keyed])
            if effect == "permit":
                lines.append('scope any "a family"' if draw.chance(70) else f"scope {condition}")
            if effect == "require approval":
                lines.append("from any")
            lines.append(f"when {condition}")
            rules.append(f"{effect} {name}_{i} {{" + "".join(f"\n  {line}" for line in lines) + "\n}")
        return rules

    def _approval(self, env: Env) -> list[str]:
        draw = self.draw
        approvers, kinds = self._patterns(self.schema.subjects, roles=True)
        where = f" where {self.test(env.bind('approver', ty.Entity(kinds)), 1).text}" if draw.chance(30) else ""
        return [f"from {approvers}{where}", *draw.some(("quorum 2", "expires 4h"), 20)]


# --- how values are made out of others

Maker = Callable[[Author, Env, int], "str | None"]


def _after(kind: ty.Type, suffix: str) -> Maker:
    def make(author: Author, env: Env, depth: int) -> str | None:
        path = author.path(env, kind)
        return path and path + suffix.replace("ZONE", quoted(author.draw.pick(ZONES)))

    return make


def _infix(op: str, left: ty.Type, right: ty.Type) -> Maker:
    return lambda author, env, depth: f"({author.value(env, left, depth)} {op} {author.value(env, right, depth)})"


def _minus(kind: ty.Type) -> Maker:
    def make(author: Author, env: Env, depth: int) -> str | None:
        path = author.path(env, kind)
        return path and f"(-{path})"

    return make


def _size(author: Author, env: Env, depth: int) -> str:
    return f"{author.set_path(env)[0]}.size()"


def _depth(author: Author, env: Env, depth: int) -> str | None:
    return "delegation.depth" if env.place in ("forbid", "require approval") else None


MAKERS: dict[ty.Type, list[Maker]] = {
    ty.INT: [
        *(_infix(op, ty.INT, ty.INT) for op in "+-*"),
        _minus(ty.INT),
        _size,
        _depth,
        _after(ty.STRING, ".length()"),
        _after(ty.TIME, ".hour(ZONE)"),
        _after(ty.URL, ".port"),
    ],
    ty.DECIMAL: [
        *(_infix(op, ty.DECIMAL, ty.DECIMAL) for op in "+-*"),
        _minus(ty.DECIMAL),
        _infix("*", ty.DECIMAL, ty.INT),
        _infix("*", ty.INT, ty.DECIMAL),
    ],
    ty.DURATION: [
        *(_infix(op, ty.DURATION, ty.DURATION) for op in "+-"),
        _minus(ty.DURATION),
        _infix("-", ty.TIME, ty.TIME),
        _infix("*", ty.DURATION, ty.INT),
        _infix("*", ty.INT, ty.DURATION),
    ],
    ty.TIME: [
        _infix("+", ty.TIME, ty.DURATION),
        _infix("+", ty.DURATION, ty.TIME),
        _infix("-", ty.TIME, ty.DURATION),
    ],
    ty.STRING: [
        _after(ty.STRING, ".lower()"),
        _after(ty.URL, ".scheme"),
        _after(ty.PATH, ".name"),
        _after(ty.PATH, ".suffix"),
    ],
    ty.HOST: [_after(ty.URL, ".host"), _after(ty.EMAIL, ".domain")],
    ty.PATH: [_after(ty.URL, ".path")],
    ty.BOOL: [lambda author, env, depth: f"({author.test(env, depth).text})"],
}


HEADERS = {
    (False, False): "",
    (True, False): "import std.tenancy (Tenanted, same_tenant)\n",
    (False, True): "import std.agents\n",
    (True, True): "import std.tenancy (Tenanted, same_tenant)\nimport std.agents\n",
}


def program(draw: Draw) -> Made:
    """Draw a program."""
    author = Author(draw, schema(draw))
    lets = author.lets()
    files = ["main.kyn", "other.kyn"][: 1 + draw.chance(30)]
    declarations = [*author.schema.declarations(), *lets]
    header = HEADERS[author.schema.tenancy, draw.chance(10)]
    made = Made(author, declarations, {name: [] for name in files}, header)
    for i in range(2 + draw.number(5 if not draw.chance(10) else 14)):
        effect = "permit" if i == 0 else draw.pick(("permit", "forbid", "require approval", "permit"))
        made.rules[draw.pick(files)].append(author.rule(f"rule_{i}", effect))
    if draw.chance(20):
        made.rules["main.kyn"] += author.family("family", draw.pick(("permit", "forbid", "require approval")))
    return made


@st.composite
def programs(draw) -> Made:
    """Programs that the checker must accept."""
    return program(Draw(draw))
