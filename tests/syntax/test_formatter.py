"""The canonical layout: what it is, where comments go, and that it changes nothing but the layout."""

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from kynara_lang.checker.linter import LintSettings, lint_codes, lint_module
from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.syntax import formatter, parser
from kynara_lang.syntax.columns import aligned
from kynara_lang.syntax.formatter import formatted, same_program
from kynara_lang.syntax.pieces import FormatterError, Words, read_pieces
from tests.syntax.formatter_cases import CASES

ROOT = Path(__file__).parents[2]
TODAY = datetime.date(2026, 11, 23)
EVERYTHING = LintSettings(select=("KYN", "KYN305"))
BLOCK = re.compile(r"^```kyn\n(.*?)^```", re.DOTALL | re.MULTILINE)


def laid_out(text: str) -> str:
    """Lay a text out, which must parse; doing it again must change nothing."""
    report = Report()
    once = formatted(Source("policy.kyn", text), report)
    assert once is not None, [d.message for d in report.sorted()]
    assert formatted(Source("policy.kyn", once), Report()) == once
    return once


def programs() -> Iterator[tuple[str, str]]:
    """Yield a name and a text for each program of the repository, broken ones included."""
    for path in sorted(ROOT.rglob("*.kyn")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("grammar/*.md"), *ROOT.glob("examples/*/*.md")]):
        for number, found in enumerate(BLOCK.finditer(path.read_text(encoding="utf-8"))):
            yield f"{path.name}-{number}", found[1]
    for code in lint_codes():
        module = lint_module(code)
        for kind in ("VALID", "INVALID"):
            for number, text in enumerate(getattr(module, kind)[:2]):
                yield f"{code}-{kind.lower()}-{number}", text


PROGRAMS = dict(programs())


@cache
def results() -> dict[str, str]:
    """Return the text of each program that parses, laid out."""
    texts = {name: formatted(Source(name, text), Report()) for name, text in PROGRAMS.items()}
    return {name: text for name, text in texts.items() if text is not None}


# --- all programs of the repository


def test_every_program_that_parses_is_laid_out_and_stays_so() -> None:
    assert len(results()) > 600
    for name, once in results().items():
        assert formatted(Source(name, once), Report()) == once, name
        assert not [line for line in once.splitlines() if line != line.rstrip()], name


def test_no_program_has_long_lines_that_could_be_shorter() -> None:
    for name, once in results().items():
        for line in once.splitlines():
            code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line).partition("#")[0]  # nothing breaks a string
            assert len(code) <= 120, f"{name}: {line}"


def test_the_complete_example_of_the_language_is_laid_out() -> None:
    text = (ROOT / "tests" / "syntax" / "complete_example.kyn").read_text(encoding="utf-8")
    assert laid_out(text) == text


@pytest.mark.parametrize("folder", ["examples", "stdlib_policies"])
def test_what_the_project_ships_is_laid_out(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.kyn"))
    assert paths
    other = [path.relative_to(ROOT).as_posix() for path in paths if laid_out(text := path.read_text("utf-8")) != text]
    assert not other, "run `kynara fmt` on these"


# --- nothing but the layout changes


def found(text: str) -> Counter[tuple[str, str]]:
    checked = check_sources([Source("policy.kyn", text)], lints=EVERYTHING, today=TODAY)
    return Counter((d.code, d.message) for d in checked.diagnostics)


def test_comments_silence_what_they_did_before() -> None:
    silenced = [name for name in results() if "kynara: ignore" in PROGRAMS[name]]
    assert len(silenced) > 20
    for name in silenced:
        assert found(results()[name]) == found(PROGRAMS[name]), name


@pytest.mark.parametrize("own_line", [False, True])
@pytest.mark.parametrize("code", lint_codes())
def test_a_finding_silenced_on_its_line_stays_silenced(code: str, own_line: bool) -> None:
    for text in lint_module(code).INVALID[:2]:
        text = re.sub(r" *# <-.*", "", text)
        codes: dict[int, set[str]] = {}
        for d in check_sources([Source("policy.kyn", text)], lints=EVERYTHING, today=TODAY).diagnostics:
            codes.setdefault(d.span.first.line, set()).add(d.code)
        lines = []
        for number, line in enumerate(text.split("\n"), 1):
            silence = f'# kynara: ignore[{", ".join(sorted(codes.get(number, ())))}] reason="known"'
            if number not in codes or "#" in line:
                lines.append(line)
            else:
                lines += [silence, line] if own_line else [f"{line}  {silence}"]
        silenced = "\n".join(lines)
        once = formatted(Source("policy.kyn", silenced), Report())
        assert once is not None
        assert found(once) == found(silenced)


def test_a_declaration_stays_as_it_is_where_a_suppression_would_cover_something_else() -> None:
    text = dedent("""\
        role   a

        # kynara: ignore[KYN305] reason="public"
        permit p "Everybody" { subject User   action read
           resource Page  scope any "public" }

        permit q "Everybody" { subject User  action read  resource Page  scope any "x" }  # why
        """)
    once = laid_out(text)
    assert once.startswith("role a\n")
    assert 'permit p "Everybody" { subject User   action read\n   resource Page  scope any "public" }\n' in once
    assert 'permit q "Everybody" {\n  subject  User\n' in once


def test_declarations_that_share_a_silenced_line_stay_together() -> None:
    text = 'role  a role  b  # kynara: ignore[KYN804] reason="later"\nrole  c\n'
    assert laid_out(text) == 'role  a role  b  # kynara: ignore[KYN804] reason="later"\nrole c\n'


def test_a_difference_in_meaning_is_never_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "let f(a: Bool, b: Bool) =   a and b\n"
    right = formatter.laid_out
    monkeypatch.setattr(formatter, "laid_out", lambda module: right(module).replace(" and ", " or "))
    with pytest.raises(FormatterError, match="would not be the same"):
        formatted(Source("policy.kyn", text), Report())


@pytest.mark.parametrize("wrong", ["# other\nrole a\n", "role a\n", "## one\nrole a # two\n", "role a # two"])
def test_comments_are_part_of_a_program(wrong: str) -> None:
    def module(text: str) -> parser.ast.Module:
        parsed = parser.parse(Source("policy.kyn", text), Report())
        assert parsed is not None
        return parsed

    right = module("# one\nrole a # two\n")
    assert same_program(right, module("# one   \n\n\nrole   a\n  # two"))
    assert not same_program(right, module(wrong))


def test_a_word_that_the_tree_does_not_demand_is_an_error() -> None:
    words = Words(read_pieces("role a"))
    with pytest.raises(FormatterError, match="`let` was to be printed where `role` stands"):
        words.take("let")


@pytest.mark.parametrize(
    "text", ["permit {", "role a role", 'let x = "\\q"\n', "let x = a and b or c\n", "let x = 1 < 2 < 3"]
)
def test_what_does_not_parse_is_not_laid_out(text: str) -> None:
    report = Report()
    assert formatted(Source("policy.kyn", text), report) is None
    assert report.has_errors


# --- the layout


@pytest.mark.parametrize("name", CASES)
def test_the_layout(name: str) -> None:
    before, _, after = dedent(CASES[name]).removeprefix("\n").partition("=>\n")
    assert laid_out(before) == (after or before)


def test_columns_end_where_they_would_need_more_than_six_spaces() -> None:
    assert aligned([3, 2, 3, 10, 12]) == [3, 3, 3, 12, 12]
    assert aligned([3, None, 9, 10]) == [9, 0, 9, 10]
    assert aligned([10, 3, 9, 10]) == [10, 9, 9, 10]
    assert aligned([]) == []


def test_the_reference_shows_what_comes_of_it() -> None:
    section = (ROOT / "grammar" / "reference.md").read_text(encoding="utf-8").partition("\n## Formatting\n")[2]
    before, after = BLOCK.findall(section)[:2]
    assert laid_out(before) == after


# --- line ends


def test_line_ends_and_byte_order_marks_stay() -> None:
    text = "# a\r\nrole   a\r\n\r\npermit p { }\r\n"
    assert laid_out(text) == "# a\r\nrole a\r\n\r\npermit p { }\r\n"
    assert laid_out("\ufeff" + text) == "\ufeff# a\r\nrole a\r\n\r\npermit p { }\r\n"
    assert laid_out("\ufeff## a\nrole   a") == "\ufeff## a\nrole a\n"


@pytest.mark.parametrize("text", ["", "\n\n", "  \t\n", "\r\n"])
def test_an_empty_file_is_empty(text: str) -> None:
    assert laid_out(text) == ""


# --- the largest programs


@pytest.mark.parametrize(
    "text",
    [
        "let x = " + "not " * 76 + "a",
        "let x = " + "(" * 90 + "a" + ")" * 90,
        "let x = " + "(a or " * 76 + "a" + ")" * 76,
        "let x = " + "f(" * 76 + "a" + ")" * 76,
        "let x = " + "{" * 76 + "a" + "}" * 76,
        "let x = " + "{a: " * 38 + "a" + "}" * 38,
        "let x = a" + ".m(b)" * 76,
        "type X = " + "Set<" * 76 + "Int" + ">" * 76,
        "let x = " + "\nand ".join(f"a{i}" for i in range(5000)),
        "let x = {" + ",\n".join(f'"{i}"' for i in range(5000)) + "}",
    ],
    ids=lambda text: text[:14],
)
def test_deep_and_wide_programs_are_laid_out(text: str) -> None:
    laid_out(text)
