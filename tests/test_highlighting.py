"""The colours of policies: the Pygments lexer and the TextMate grammar, held to the parser and to each other."""

from __future__ import annotations

import importlib
import json
import re
import time
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import lark
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import NullFormatter
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Other, Punctuation, String, Whitespace

from kynara_lang import highlighting
from kynara_lang.checker.origins import ROOTS
from kynara_lang.checker.resolution import EFFECTS
from kynara_lang.highlighting import KEYWORDS, KynaraLexer
from kynara_lang.resources import grammar_text
from kynara_lang.semantics.operators import BUILTINS
from kynara_lang.semantics.types import BUILTIN
from kynara_lang.syntax import tables

ROOT = Path(__file__).parents[1]
GRAMMAR = json.loads((ROOT / "grammar" / "kynara.tmLanguage.json").read_text(encoding="utf-8"))
BLOCK = re.compile(r"^```kyn\n(.*?)^```", re.DOTALL | re.MULTILINE)
LEXER = KynaraLexer(stripnl=False, ensurenl=False)


def texts() -> Iterator[tuple[str, str]]:
    """Yield a name and a text for each policy of the repository, broken ones and those in documents included."""
    for path in sorted(ROOT.rglob("*.kyn")):
        content = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
        yield path.relative_to(ROOT).as_posix(), content.replace("\r\n", "\n").replace("\r", "\n")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("grammar/*.md"), *ROOT.glob("examples/*/*.md")]):
        for number, found in enumerate(BLOCK.finditer(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT).as_posix()}-{number}", found[1]
    yield "what is in no other", "invariant i { always allow subject any action any resource any }"


TEXTS = dict(texts())


def tokens(text: str) -> list[Any]:
    """Return the token of Pygments for each character."""
    return [kind for kind, part in LEXER.get_tokens(text) for _ in part]


# --- a tokenizer as editors have it: line by line, at each place the pattern that matches first, then the one listed first


class Rule(NamedTuple):
    """A pattern of the grammar, and what is looked for inside it."""

    begin: re.Pattern[str]
    name: str | None
    captures: dict[int, str]
    end: str | None
    inner: Patterns | None


class Patterns:
    """Patterns that are looked for at the same place; `end` ends what they stand in."""

    def __init__(self, listed: list[dict[str, Any]], end: str | None = None) -> None:
        self.rules = list(self._resolved(listed))
        sources = [*([end] if end else []), *(rule.begin.pattern for rule in self.rules)]
        self.first = re.compile("|".join(f"(?:{source})" for source in sources))
        self.end = re.compile(end) if end else None

    def _resolved(self, listed: list[dict[str, Any]]) -> Iterator[Rule]:
        for pattern in listed:
            if "include" in pattern:
                assert set(pattern) == {"include"}
                assert pattern["include"][0] == "#"
                yield from self._resolved(GRAMMAR["repository"][pattern["include"][1:]]["patterns"])
                continue
            assert set(pattern) <= {"name", "match", "captures", "begin", "end", "patterns"}
            captures = {int(number): found["name"] for number, found in pattern.get("captures", {}).items()}
            inner = Patterns(pattern["patterns"], pattern["end"]) if "begin" in pattern else None
            begin = re.compile(pattern["begin"] if inner else pattern["match"])
            yield Rule(begin, pattern.get("name"), captures, pattern.get("end"), inner)

    def at(self, line: str, place: int) -> tuple[re.Match[str], Rule | None] | None:
        """Return the next match in a line, and its rule, or None if it is the end."""
        found = self.first.search(line, place)
        if found is None:
            return None
        if self.end and (end := self.end.match(line, found.start())):
            return end, None
        for rule in self.rules:
            if match := rule.begin.match(line, found.start()):
                return match, rule
        raise AssertionError


ALL = Patterns(GRAMMAR["patterns"])


def scopes(text: str) -> list[str | None]:
    """Return the innermost scope of each character, as the TextMate grammar has it."""
    found: list[str | None] = []
    stack: list[tuple[Patterns, str | None]] = [(ALL, None)]
    for line in text.split("\n"):
        here: list[str | None] = []
        while (match := stack[-1][0].at(line, len(here))) is not None:
            (what, rule), (_, outer) = match, stack[-1]
            here += [outer] * (what.start() - len(here))
            part = [outer if rule is None else rule.name] * (what.end() - what.start())
            for number, name in rule.captures.items() if rule else ():
                start, end = (place - what.start() for place in what.span(number))
                part[start:end] = [name] * (end - start)
            here += part
            if rule is None:
                stack.pop()
            elif rule.inner is not None:
                stack.append((rule.inner, rule.name))
            assert part or rule is None, "a pattern that matches nothing would be tried for ever"
        found += [*here, *[stack[-1][1]] * (len(line) - len(here)), None]
    return [name.removesuffix(".kynara") if name else None for name in found[:-1]]


SCOPES = {
    String.Doc: "comment.line.documentation",
    Comment.Special: "comment.line.suppression",
    Comment.Single: "comment.line.number-sign",
    String.Double: "string.quoted.double",
    String.Symbol: "string.quoted.double.identity",
    String.Escape: "constant.character.escape",
    Number.Date: "constant.numeric.time",
    Number.Duration: "constant.numeric.duration",
    Number.Float: "constant.numeric.decimal",
    Number.Integer: "constant.numeric.integer",
    Keyword: "keyword.control",
    Keyword.Namespace: "keyword.control.import",
    Keyword.Declaration: "keyword.declaration",
    Keyword.Constant: "constant.language",
    Keyword.Type: "support.type",
    Operator.Word: "keyword.operator.word",
    Operator: "keyword.operator",
    Punctuation: "punctuation",
    Name: "variable.other",
    Name.Attribute: "variable.other.member",
    Name.Builtin: "support.function",
    Name.Builtin.Pseudo: "variable.language",
    Name.Class: "entity.name.type",
    Name.Constant: "support.constant",
    Name.Function: "entity.name.function",
    Name.Namespace: "entity.name.namespace",
    Whitespace: None,
    Other: None,
}
"""What the tokens of Pygments are called in the TextMate grammar."""


def assert_alike(text: str, name: str = "") -> None:
    kinds, names = tokens(text), scopes(text)
    assert len(kinds) == len(names) == len(text)
    for place, (kind, scope, character) in enumerate(zip(kinds, names, text, strict=True)):
        if not character.isspace():
            assert SCOPES[kind] == scope, f"{name}: {kind} and {scope} behind {text[:place][-40:]!r}"


# --- all policies of the repository


@cache
def parsed(name: str) -> lark.Tree[Any] | None:
    try:
        return _parser().parse(TEXTS[name])
    except lark.exceptions.LarkError:
        return None


@cache
def _parser() -> lark.Lark:
    return tables.load()


def test_every_policy_is_read_without_errors_and_stays_as_it_is() -> None:
    assert len(TEXTS) > 650
    for name, text in TEXTS.items():
        assert "".join(part for _, part in LEXER.get_tokens(text)) == text, name
        kinds = set(tokens(text))
        assert Error not in kinds, name
        assert Other not in kinds or parsed(name) is None, name


def test_every_policy_looks_the_same_in_an_editor() -> None:
    for name, text in TEXTS.items():
        assert_alike(text, name)


LITERALS = {
    "STRING": (String.Double, String.Symbol),
    "INT": (Number.Integer,),
    "DECIMAL": (Number.Float,),
    "TIME": (Number.Date,),
    "DURATION": (Number.Duration,),
    "TYPE_NAME": (Name.Class, Keyword.Type),
    "SET": (Keyword.Type,),
}
KEYWORD = (Keyword.Namespace, Keyword.Declaration, Keyword.Constant, Keyword, Operator.Word)


def wanted(tree: lark.Tree[Any]) -> Iterator[tuple[int, str, str]]:
    """Yield what the parser takes each word for: where it begins, the word, and a kind."""
    for part in tree.iter_subtrees():
        for token in part.children:
            if not isinstance(token, lark.Token) or (not token[0].isalnum() and token[0] != '"'):
                continue
            if part.data == "acts_as" and token.type == "RESOURCE":
                kind = "NAME"  # the grammar's word for whom an action acts as, which is a value
            else:
                kind = "NAME" if part.data in ("attr_name", "variable") else token.type
            assert token.start_pos is not None
            yield token.start_pos, str(token), kind if kind in {"NAME", *LITERALS} else "KEYWORD"


def test_words_are_what_the_parser_takes_them_for() -> None:
    programs = seen = 0
    keywords: set[str] = set()
    for name, text in TEXTS.items():
        tree = parsed(name)
        if tree is None:
            continue
        programs += 1
        kinds = tokens(text)
        for place, word, kind in wanted(tree):
            got = kinds[place]
            where = f"{name}: `{word}`, {kind}, is {got} behind {text[:place][-40:]!r}"
            if kind == "KEYWORD":
                assert got in KEYWORD, where
                keywords.add(" ".join(word.split()))
            elif kind == "NAME":
                bare = word == "action" and name.endswith("action-in-a-condition.kyn")  # a mistake it shows
                assert bare or (got in Name and got is not Name.Class), where
            else:
                assert got in LITERALS[kind], where
            seen += 1
    assert programs > 550
    assert seen > 30_000
    assert keywords == KEYWORDS - {"Set"}, "each has been seen"


# --- the words of the grammar


def grammar_keywords() -> set[str]:
    """Return the keywords of the grammar, with a space in those of several words."""
    found = set()
    for name, source in re.findall(r"^([A-Z_]+)\.[56]: /(.*)/$", grammar_text(), re.MULTILINE):
        body = re.fullmatch(r"(?:\(\?:([a-z_|]+)\)|([A-Za-z]+(?:\\s\+[a-z]+)*))\(\?!\[A-Za-z0-9_\]\).*", source)
        assert body, f"{name} is written as no keyword was before"
        found |= set(body[1].split("|")) if body[1] else {body[2].replace(r"\s+", " ")}
    return found


def test_the_lexer_has_the_keywords_of_the_grammar() -> None:
    rules = re.sub(r"^(?:[A-Z_]+(?:\.\d)?: /.*|//.*)$", "", grammar_text(), flags=re.MULTILINE)
    assert not re.findall(r'"[A-Za-z]\w*"', rules), "a keyword has a terminal, or this test would not see it"
    assert len(grammar_keywords()) > 50
    assert grammar_keywords() == KEYWORDS


def test_the_lexer_has_the_names_that_the_language_gives() -> None:
    assert set(highlighting.EFFECTS) == set(EFFECTS)
    assert set(highlighting.VALUES) == set(ROOTS)
    assert set(highlighting.TYPES) == {*BUILTIN, "Set"}
    assert set(highlighting.METHODS) == {row.name for row in BUILTINS.values() if row.parameters is not None}


def shown(word: str) -> str:
    """Return a keyword with what follows it where it is one."""
    return "context {" if word == "context" else f"{word} User"


@pytest.mark.parametrize("word", sorted(grammar_keywords()))
def test_a_keyword_is_one_in_both(word: str) -> None:
    for text in (shown(word), f"x {shown(word)}", shown(word).replace(" ", " \t ")):
        place = text.index(word.split()[0])
        end = len(text.rstrip("User{ \t"))
        for at in range(place, end):
            if not text[at].isspace():
                kind, scope = tokens(text)[at], scopes(text)[at]
                assert kind in (*KEYWORD, Keyword.Type)
                assert scope is not None
                assert scope.split(".")[0] in ("keyword", "constant", "support")


@pytest.mark.parametrize("word", sorted(grammar_keywords()))
def test_a_keyword_is_none_in_texts_and_comments_nor_in_longer_words(word: str) -> None:
    inside = [f'"{shown(word)}"', f'User::"{shown(word)}"', f"# {shown(word)}", f"## {shown(word)}"]
    for text in [*inside, f'"\\n{shown(word)}', f"# kynara: ignore[{shown(word)}]"]:
        at = text.index(word)
        assert not {*tokens(text)[at : at + len(word)]} & {*KEYWORD, Keyword.Type}, text
        assert_alike(text)
    for text in (f"x{shown(word)}", f"{word}_ User", f"{word}s User", f"{word}2 User"):
        start = text.index(word)
        end = start + len(word) - 1
        assert tokens(text)[end if start == 0 else start] not in {*KEYWORD, Keyword.Type}, text
        assert_alike(text)


@pytest.mark.parametrize("word", sorted(grammar_keywords() - {"Set"} - {w for w in KEYWORDS if " " in w}))
def test_a_keyword_is_none_where_it_is_a_name(word: str) -> None:
    before = ["x.", "x has ", "action a modifies ", "permit ", "let ", "fixture ", "role "]
    samples = [(text, f"{text}{word}") for text in before]
    samples += [("", f"{word}: Bool"), ("", f"{word} : Bool"), ("", f'{word} as "x": Bool')]
    for text, sample in samples:
        assert set(tokens(sample)[len(text) : len(text) + len(word)]) <= {Name.Attribute, Name.Function}, sample
        assert_alike(sample)


def test_the_words_of_the_textmate_grammar_mean_the_same_to_pygments() -> None:
    there = set(re.findall(r"[A-Za-z]\w+", json.dumps(GRAMMAR["repository"])))
    for word in sorted(there | set(" ".join(KEYWORDS).split())):
        for text in (word, shown(word), f"x.{word}(", f"{word}(", f"{word} {{", f"x = {word}"):
            assert_alike(text)


# --- the parts of a policy

PARTS: list[tuple[str, str, Any]] = [
    ("# why", "# why", Comment.Single),
    ("role a  # why", "# why", Comment.Single),
    ("## why", "## why", String.Doc),
    ("  ## why", "## why", String.Doc),
    ("role a  ## why", "## why", Comment.Single),  # it documents nothing
    ("### why", "### why", Comment.Single),
    ('# kynara: ignore[KYN302] reason="x"', '# kynara: ignore[KYN302] reason="x"', Comment.Special),
    ('x  # kynara: ignore[KYN302] reason="x"', '# kynara: ignore[KYN302] reason="x"', Comment.Special),
    ('let a = "b # c"', '"b # c"', String.Double),
    ('User::"alice"', '"alice"', String.Symbol),
    ('User::"alice"', "User", Name.Class),
    ('User::"alice"', "::", Punctuation),
    (r'"a\"b"', r"\"", String.Escape),
    (r'"a\\"', r"\\", String.Escape),
    (r'"\u{1F600}"', r"\u{1F600}", String.Escape),
    (r'User::"a\tb"', r"\t", String.Escape),
    (r'"\q"', r'"\q"', String.Double),
    ("42", "42", Number.Integer),
    ("-42", "-", Operator),
    ("50.00", "50.00", Number.Float),
    ("4h", "4h", Number.Duration),
    ("2026-11-22", "2026-11-22", Number.Date),
    ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z", Number.Date),
    ("2026-11-22T10:00:00.5+01:00", "2026-11-22T10:00:00.5+01:00", Number.Date),
    ("4hours", "4hours", Other),
    ("{1, 2}", "{", Punctuation),
    ("Set<Email>", "Email", Keyword.Type),
    ("Order", "Order", Name.Class),
    ("module a.b", "a.b", Name.Namespace),
    ("import std.tenancy (Tenanted, same_tenant)", "std.tenancy", Name.Namespace),
    ("import std.tenancy (Tenanted, same_tenant)", "same_tenant", Name),
    ("subject User", "subject", Keyword.Declaration),
    ("  subject  any", "subject", Keyword.Declaration),
    ("when subject is User", "subject", Name.Builtin.Pseudo),
    ("when subject.trust == args.x", "args", Name.Builtin.Pseudo),
    ("when subject.trust == args.x", "trust", Name.Attribute),
    ("scope f(subject, resource)", "resource", Name.Builtin.Pseudo),
    ("scope f(subject, resource)", "f", Name.Function),
    ("context { now: Time }", "context", Keyword.Declaration),
    ("given context {}", "context", Keyword.Declaration),
    ("context.now", "context", Name.Builtin.Pseudo),
    ("action read, cancel on Order", "read", Name.Function),
    ("action any", "any", Operator.Word),
    ("action crm.contacts.read", "contacts", Name.Attribute),
    ("permit p", "p", Name.Function),
    ("require approval p", "require approval", Keyword.Declaration),
    ("require approval p", "p", Name.Function),
    ("acts as resource.owner", "acts as", Keyword),
    ("acts as resource.owner", "resource", Name.Builtin.Pseudo),
    ("User with role support", "with role", Keyword),
    ("bot on behalf of alice", "on behalf of", Keyword),
    ("expect require_approval refund() on order", "require_approval", Keyword.Constant),
    ("effects irreversible", "irreversible", Name.Constant),
    ('s.starts_with("a")', "starts_with", Name.Builtin),
    ("s.length == 1", "length", Name.Attribute),
    ("not in {1}", "not", Operator.Word),
    ("a != b", "!=", Operator),
    ("a ! b", "!", Other),
]


@pytest.mark.parametrize(("text", "part", "kind"), PARTS)
def test_each_part_has_its_token(text: str, part: str, kind: Any) -> None:
    at = text.rindex(part)
    assert {k for k, c in zip(tokens(text)[at:], part, strict=False) if not c.isspace()} == {kind}
    assert_alike(text)


def test_a_text_that_is_not_closed_ends_with_its_line() -> None:
    for text in ('let a = "b\nrole c', 'let a = User::"b\nrole c', 'let a = "b\\\nrole c'):
        assert tokens(text)[text.index("role")] is Keyword.Declaration
        assert_alike(text)


# --- files


def test_the_textmate_grammar_names_the_language() -> None:
    assert GRAMMAR["scopeName"] == "source.kynara"
    assert GRAMMAR["fileTypes"] == ["kyn"]
    used = {pattern["include"][1:] for pattern in GRAMMAR["patterns"]}
    assert used == set(GRAMMAR["repository"])


def patterns_of(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for pattern in listed:
        yield pattern
        yield from patterns_of(pattern.get("patterns", []))


def test_the_patterns_mean_the_same_to_all_engines() -> None:
    """What Oniguruma and Python read alike: groups without names, looking around, classes of plain characters."""
    seen = 0
    for part in GRAMMAR["repository"].values():
        for pattern in patterns_of(part["patterns"]):
            for key in ("match", "begin", "end"):
                source = pattern.get(key)
                if source is None:
                    continue
                compiled = re.compile(source)
                plain = source.replace("\\\\", "")
                assert not re.search(r"\(\?(?![:=!]|<[=!])|[*+?}]\+|\\[^.t{}()\[\]]|\[\[|&&", plain), source
                assert all(int(number) <= compiled.groups for number in pattern.get("captures", {}))
                seen += 1
            assert all(name.endswith(".kynara") for name in re.findall(r'"name": "(.*?)"', json.dumps(pattern)))
    assert seen > 30


def test_pygments_finds_the_lexer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pygments.lexers"]["kynara"].partition(":")
    found = getattr(importlib.import_module(module), name)
    assert found is KynaraLexer
    assert (found.name, found.aliases[0], found.filenames) == ("Kynara", "kynara", ["*.kyn"])
    text = TEXTS["tests/syntax/complete_example.kyn"]
    assert highlight("\r\n" + text.replace("\n", "\r\n"), KynaraLexer(), NullFormatter()) == text


# --- any text

FRAGMENTS = [
    *(word for keyword in sorted(KEYWORDS) for word in keyword.split()),
    *("a", "User", "é", "_", "12", "4h", "1.5", "2026-11-22", "2026-11-22T10:00Z", "lower", "irreversible", "args"),
    *('"', "\\", '\\"', "\\u{41}", "#", "##", "# kynara: ignore[", "::", ":", ".", ",", "(", ")", "{", "}", "==", "&"),
    *(" ", " ", " ", " ", "  ", "\t", "\n", "\n", "\x0b", "\u2028"),
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))
def test_any_text_looks_the_same_in_an_editor(text: str) -> None:
    assert_alike(text)
    assert "".join(part for _, part in LEXER.get_tokens(text)) == text
    assert Error not in tokens(text)


HOSTILE = [
    *('"', "\\", '"\\', "#", "a", "a ", "1", "1-", "2026-11-22T1", "2026-11-22T10:00:00+", "a.", ".", ". ", "::", ':: "'),
    *(" ", "a  ", "\t", "acts ", "on behalf ", "has ", "has", "action ", "module a.", 'x as "', "x as ", "permit ", "{(", "é"),
    *("\n", " \n", "##", "# #", '\\u{', '"\\u{1', "subject ", "subject any", "context ", "A", "_", "lower("),
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_is_read_soon(part: str) -> None:
    start = time.process_time()
    for text in (part * 10_000, "a" + part * 10_000 + '"', '"' + part * 10_000, "#" + part * 10_000):
        assert len(tokens(text)) == len(text)
    assert time.process_time() - start < 30  # what is quadratic takes minutes
    assert_alike(part * 300)
