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


# --- the layout: what stands above the arrow becomes what stands below it; without an arrow it stays

CASES = {
    "nothing": "",
    "only a comment": "# nothing here\n",
    "module and imports": """
        module   a . b
        import std.tenancy(Tenanted,same_tenant)
        import std.agents
        role a
        =>
        module a.b

        import std.tenancy (Tenanted, same_tenant)
        import std.agents

        role a
        """,
    "short declarations keep their groups": """
        role a
        role b



        role c
        type T = Int
        let x = 1
        =>
        role a
        role b

        role c
        type T = Int
        let x = 1
        """,
    "rules stand apart": """
        role a
        permit p { subject any  action any  resource any  scope any "x" }
        forbid f { subject any  action any  resource any }
        =>
        role a

        permit p {
          subject  any
          action   any
          resource any
          scope    any "x"
        }

        forbid f {
          subject  any
          action   any
          resource any
        }
        """,
    "long declarations of one kind may stand together, of two kinds not": """
        subject A {
          a: Int
        }
        subject B {
          b: Int
        }
        resource C {
          c: Int
        }
        context {
          now: Time
        }
        =>
        subject A {
          a: Int
        }
        subject B {
          b: Int
        }

        resource C {
          c: Int
        }

        context {
          now: Time
        }
        """,
    "attributes are aligned, up to six spaces": """
        resource R as "r"   in A,B is T {
          id:Int, owner : User?
          n as "external":  Set < String >   untrusted

          status: "a"|"b"
          a_very_long_name: {a:Int,b:Bool?}
        }
        =>
        resource R as "r" in A, B is T {
          id:    Int
          owner: User?
          n as "external": Set<String> untrusted

          status: "a" | "b"
          a_very_long_name: {a: Int, b: Bool?}
        }
        """,
    "a body that was begun on one line stays there if it fits": """
        trait T { }
        subject U {a: Int   b: Bool}
        subject V { first: String, second: String, third: String, fourth: String, fifth: String, number: String }
        =>
        trait T { }
        subject U { a: Int, b: Bool }
        subject V {
          first:  String
          second: String
          third:  String
          fourth: String
          fifth:  String
          number: String
        }
        """,
    "actions stand in columns": """
        action read,cancel on Order
        action refund on Order(amount:Decimal) effects irreversible,sends_out
        action x.y as "x:y" on Order in g, h modifies a=args.amount, roles acts as resource.owner requires z effects approves

        action apart on Order   effects approves
        =>
        action read, cancel on Order
        action refund       on Order (amount: Decimal)   effects irreversible, sends_out
        action x.y as "x:y" on Order
          in g, h
          modifies a = args.amount, roles
          acts as resource.owner requires z
          effects approves

        action apart on Order   effects approves
        """,
    "an action that is too long has a line for each of what it does": """
        action create_a_very_long_name as "mcp/server:create" on Order, Invoice (amount: Decimal, reason: String?) effects irreversible, sends_out modifies owner
        =>
        action create_a_very_long_name as "mcp/server:create" on Order, Invoice (amount: Decimal, reason: String?)
          effects irreversible, sends_out
          modifies owner
        """,
    "roles": """
        role viewer
        role editor extends viewer
        role admin_of_us extends editor,viewer
        role root as "A name that is longer" extends viewer
        =>
        role viewer
        role editor      extends viewer
        role admin_of_us extends editor, viewer
        role root as "A name that is longer" extends viewer
        """,
    "every clause": """
        require   approval r "Somebody signs" { subject User with role a or b , Agent::"x" ,T in G::"g"
          action crm . * , read
          resource any
          when not a
          unless b valid from 2026-01-01 valid until 2027-01-01
          from User with role lead,Boss where approver!=subject
          quorum 2 expires 4h }
        invariant i { never allow or require_approval subject any action any resource any }
        =>
        require approval r "Somebody signs" {
          subject  User with role a or b, Agent::"x", T in G::"g"
          action   crm.*, read
          resource any
          when     not a
          unless   b
          valid from  2026-01-01
          valid until 2027-01-01
          from     User with role lead, Boss where approver != subject
          quorum   2
          expires  4h
        }

        invariant i {
          never    allow or require_approval
          subject  any
          action   any
          resource any
        }
        """,
    "parentheses are those that are needed": """
        let a = ((x))
        let b = (x and y) and (z == 1)
        let c = (x + (y * z)) - (u - v)
        let d = -(x) * (-(y + z))
        let e = (x.y).z(((1))) == (2)
        let f = (x or y) and (not (u)) and (any s in t: s)
        let g = (any s in (t): (s and u))
        =>
        let a = x
        let b = (x and y) and z == 1
        let c = x + y * z - (u - v)
        let d = -x * -(y + z)
        let e = x.y.z(1) == 2
        let f = (x or y) and not u and (any s in t: s)
        let g = any s in t: s and u
        """,
    "true and false keep parentheses before a colon, where they would be names": """
        let a = any s in (true): s
        let b = any s in (-(true)): s
        let c = any s in -((false)): s
        let d = any s in ((x) + (y * (true))): s
        let e = any s in (x - (y or (true))): s
        let f = any s in (g(any t in -(true): t) + (true)): s
        let g = any s in (true): (any t in (false): t)
        =>
        let a = any s in (true): s
        let b = any s in -(true): s
        let c = any s in -(false): s
        let d = any s in x + y * (true): s
        let e = any s in x - (y or true): s
        let f = any s in g(any t in -(true): t) + (true): s
        let g = any s in (true): any t in (false): t
        """,
    "parentheses behind not stay where they help": """
        let a = not (x == y) and not (z)
        let b = not x in y
        let c = (not any x in y: z) or u
        =>
        let a = not (x == y) and not z
        let b = not x in y
        let c = not (any x in y: z) or u
        """,
    "long conditions break at and and or": """
        permit p {
          when subject.department == resource.department and (resource.status == "open" or resource.total <= 100.00 or subject.level >= 3) and context.mfa
        }
        =>
        permit p {
          when     subject.department == resource.department
                   and (resource.status == "open" or resource.total <= 100.00 or subject.level >= 3)
                   and context.mfa
        }
        """,
    "long lists break after commas": """
        permit p {
          subject User with role accounting or controlling, Agent::"the-agent-that-files-invoices", Service in Group::"g"
          when resource.status in {"open", "shipped", "refunded", "cancelled", "returned", "lost", "found again"}
        }
        =>
        permit p {
          subject  User with role accounting or controlling,
                   Agent::"the-agent-that-files-invoices",
                   Service in Group::"g"
          when     resource.status
                     in {"open", "shipped", "refunded", "cancelled", "returned", "lost", "found again"}
        }
        """,
    "a set that was begun over several lines stays so, without a last comma": """
        let s = {
          "a", "b",

          "c",
        }
        let t = {"a",
          "b",}
        =>
        let s = {
          "a",
          "b",

          "c"
        }
        let t = {"a", "b"}
        """,
    "lets": """
        let own(s:T,o:U)=same_tenant(s,o)and o.status!="refunded"
        let long(subject_of_it: Tenanted, resource_of_it: Order) = same_tenant(subject_of_it, resource_of_it) and done
        =>
        let own(s: T, o: U) = same_tenant(s, o) and o.status != "refunded"
        let long(subject_of_it: Tenanted, resource_of_it: Order) =
          same_tenant(subject_of_it, resource_of_it) and done
        """,
    "long types": """
        type Zone = "Europe/London" | "Europe/Berlin" | "Europe/Athens" | "America/New_York" | "America/Chicago"
        type Longer = "Europe/London" | "Europe/Berlin" | "Europe/Athens" | "America/New_York" | "America/Los_Angeles" | "Asia/Dubai"
        =>
        type Zone =
          "Europe/London" | "Europe/Berlin" | "Europe/Athens" | "America/New_York" | "America/Chicago"
        type Longer =
          "Europe/London"
          | "Europe/Berlin"
          | "Europe/Athens"
          | "America/New_York"
          | "America/Los_Angeles"
          | "Asia/Dubai"
        """,
    "fixtures and tests": """
        fixture alice = User::"alice" with role a,b in Group::"g" {tenant:"acme"}
        fixture bot = Agent::"bot"
        fixture order = Order::"o" {
          tenant: "acme", id: 1,
        }
        test "limits" { given bot on behalf   of alice given context{mfa:true}
          expect allow refund_it(note:"") on order
          expect require_approval refund(amount:80.00) on order because a,b.c
          expect deny refund(amount: 10.00) on order{tenant:"globex"} }
        =>
        fixture alice = User::"alice" with role a, b in Group::"g" { tenant: "acme" }
        fixture bot   = Agent::"bot"
        fixture order = Order::"o" {
          tenant: "acme",
          id:     1
        }

        test "limits" {
          given    bot on behalf of alice
          given    context { mfa: true }
          expect   allow            refund_it(note: "")   on order
          expect   require_approval refund(amount: 80.00) on order                       because a, b.c
          expect   deny             refund(amount: 10.00) on order { tenant: "globex" }
        }
        """,
    "comments stay where they belong": """
        # first

        ## about R
        ## and more
        resource R {  # its body
          # before a
          a: Int  # a
          ## b is
          b: Int
          # at the end
        }  # behind

        # above the rule
        permit p {  # open
          subject  any  # subject

          # before the condition
          when     a  # one
                   # two
                   and f(
                     # inside
                     x,  # x
                     y
                   )
        }

        # last
        """,
    "comments that are elsewhere keep their order": """
        role # a
          x # b
          extends # c
          y
        permit p # d
        { subject # e
          any , # f
          User }
        =>
        role  # a
        x  # b
        extends  # c
                y

        permit p {  # d
          subject  # e
                   any,  # f
                   User
        }
        """,
    "comments of parentheses that are left out": """
        let x = (f()# a
        )# b
        let y = ({1 # 0
        }# a

        # b

        # c
        )# d
        =>
        let x = f(
          # a
          # b
        )
        let y = {
          1  # 0
          # a
          # b

          # c
          # d
        }
        """,
    "comments between items in braces stay where they are": """
        let x = {
          {a: 1},  # first
          {a: 2},  # second
          {
            a: 3  # third
          }
        }
        let y = {  # why
          {a: 1},
          {a: 2}
        }
        let z = f(  # what
          {1},  # one
          {2}
        )
        """,
    "a brace joins the line before a comment": """
        subject A # why
        {
          b: # what
          { c: Int } }
        permit p "d" # when
        {
          when ## doc
          (({# set
            {}})) == x }
        =>
        subject A {  # why
          b: {  # what
               c: Int
             }
        }

        permit p "d" {  # when
          when  ## doc
                   {  # set
                     {}
                   }
                     == x
        }
        """,
    "a comment does not count for the width": """
        let x = aaaaaaaaaaaaaaaaaaaaaaaa and bbbbbbbbbbbbbbbbbbbbbbbbbbb and ccccccccccccccccccccc  # a long comment about this
        """,
    "documentation is not given to what had none": """
        resource R {
          a: Int
          ## no documentation of b
          , b: Int
        }
        =>
        resource R {
          a: Int
          ## no documentation of b

          b: Int
        }
        """,
    "keywords as names": """
        subject S {
          when as "if": Bool, in: Int,
          role # why
            : String
        }
        =>
        subject S {
          when as "if": Bool
          in:   Int
          role:
                # why
                String
        }
        """,
    "empty lines": """


        permit p {

          subject  any


          action   any

        }
        # one


        # two

        ## three
        role a
        =>
        permit p {
          subject  any

          action   any
        }

        # one

        # two

        ## three
        role a
        """,
}


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
