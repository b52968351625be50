"""Comments that silence findings: what they cover, and what is said of those that do not."""

import datetime
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from kynara_lang.checker.linter import LintSettings
from kynara_lang.checker.settings import FileIgnores
from kynara_lang.diagnostics.diagnostic import Diagnostic, Severity
from kynara_lang.diagnostics.render_text import render_diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.fixes import edited
from kynara_lang.pipeline import check_sources

TODAY = datetime.date(2026, 11, 23)
BOTH = LintSettings(select=("KYN305", "KYN803"))
HEAD = "subject User\nresource Doc\naction read on Doc\n\n"
OPEN = 'permit p "d" { subject User action read resource Doc scope any "all is public" }'
"""A rule with one finding: KYN305 on its line."""
CLOSED = 'permit q "d" { subject User action read resource Doc scope delegated }'
GOOD = '# kynara: ignore[KYN305] reason="agreed"'


def found(text: str, settings: LintSettings = BOTH, today: datetime.date | None = TODAY) -> tuple[Diagnostic, ...]:
    checked = check_sources([Source("policy.kyn", HEAD + text)], lints=settings, today=today)
    assert {d.code for d in checked.diagnostics} <= {"KYN305", "KYN803"}, checked.diagnostics
    return checked.diagnostics


def told(text: str, settings: LintSettings = BOTH, today: datetime.date | None = TODAY) -> list[str]:
    """Return what is found in a policy, as line (counted from the head) and message of KYN803, or line and code."""
    first = HEAD.count("\n")
    return [
        f"{d.span.first.line - first}: {d.message if d.code == 'KYN803' else d.code}" for d in found(text, settings, today)
    ]


def cured(text: str, diagnostics: Iterable[Diagnostic]) -> str:
    return edited(HEAD + text, [edit for d in diagnostics if d.fix for edit in d.fix.edits]).removeprefix(HEAD)


# What they cover


@pytest.mark.parametrize(
    "text",
    [
        f"{OPEN}  {GOOD}",
        f"{GOOD}\n{OPEN}",
        f"   {GOOD}\n{OPEN}",
        f"{GOOD}\n\n# something else\n   \n## documentation\n{OPEN}",
        f'# kynara: ignore[KYN302] reason="b"\n{GOOD}\n{OPEN}',
        f'# kynara: ignore[KYN302, KYN305,KYN306] reason="b"\n{OPEN}',
        f'{OPEN}  # kynara: ignore[KYN305] until=2026-11-23 reason="with \\"quotes\\" and # and until=1"',
        f"{OPEN}  {GOOD}  # and a remark",
        f"{GOOD}\t \n{OPEN}",
        f"{GOOD}\r\n{OPEN}\r\n",
        'permit p "d" {\n  subject User action read resource Doc\n'
        f'  {GOOD}\n  scope any "x"\n}}',
    ],
)  # fmt: skip
def test_a_suppression_silences_what_starts_on_its_line_or_the_next_with_code(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{GOOD}\n{CLOSED}\n{OPEN}", 3),
        (f"{OPEN}\n{GOOD}\n{CLOSED}", 1),
        (f"{CLOSED}  {GOOD}\n{OPEN}", 2),
        (f'{GOOD}\npermit p "d" {{\n  subject User action read resource Doc\n  scope any "x"\n}}', 4),
    ],
)
def test_it_covers_no_other_line(text: str, line: int) -> None:
    messages = told(text)
    assert f"{line}: KYN305" in messages
    assert any(m.endswith(": this suppression silences nothing") for m in messages)


def test_it_covers_no_other_code_and_no_other_file() -> None:
    other = GOOD.replace("KYN305", "KYN302")
    assert told(f"{other}\n{OPEN}") == ["2: KYN305"]
    sources = [Source("a.kyn", f"{HEAD}{GOOD}\n"), Source("b.kyn", f"\n\n\n\n{OPEN}")]
    codes = [(d.code, d.span.source.name) for d in check_sources(sources, lints=BOTH).diagnostics]
    assert codes == [("KYN803", "a.kyn"), ("KYN305", "b.kyn")]


def test_a_text_is_no_comment() -> None:
    text = OPEN.replace("all is public", "# kynara: ignore[KYN305] reason=x")
    assert told(text) == ["1: KYN305"]
    assert told(OPEN.replace("all is public", "# noqa")) == ["1: KYN305"]


def test_an_error_is_silenced_like_anything_else() -> None:
    settings = LintSettings(select=("KYN305",), severities={"KYN305": Severity.ERROR})
    assert found(OPEN, settings)[0].severity is Severity.ERROR
    assert found(f"{GOOD}\n{OPEN}", settings) == ()


def test_what_the_language_demands_is_not_silenced() -> None:
    text = HEAD + 'permit p "d" { subject User action read resource Doc }  # kynara: ignore[KYN301] reason="x"'
    assert [d.code for d in check_sources([Source("a.kyn", text)], lints=BOTH).diagnostics] == ["KYN301"]
    warned = Source("b.kyn", 'module b\nimport b  # kynara: ignore[KYN107] reason="x"')
    assert [d.code for d in check_sources([warned], lints=BOTH).diagnostics] == ["KYN107", "KYN803"]


# Until when


@pytest.mark.parametrize(
    ("until", "today", "messages"),
    [
        ("2026-11-23", TODAY, []),
        ("2026-11-22", None, []),
        ("9999-12-31", TODAY, []),
        ("2026-11-22", TODAY, ["1: KYN305", "1: this suppression held until 2026-11-22, and silences nothing any more"]),
    ],
)
def test_it_holds_through_its_last_day(until: str, today: datetime.date | None, messages: list[str]) -> None:
    assert told(f"{OPEN}  {GOOD} until={until}", today=today) == messages


def test_an_expired_one_that_has_nothing_to_silence_is_to_be_deleted() -> None:
    (diagnostic,) = found(f"{CLOSED}  {GOOD} until=2026-01-01")
    assert diagnostic.message == "this suppression silences nothing and held until 2026-01-01"
    assert diagnostic.fix is not None
    (expired,) = (d for d in found(f"{OPEN}  {GOOD} until=2026-01-01") if d.code == "KYN803")
    assert expired.fix is None


def test_one_that_holds_counts_more_than_one_that_is_over() -> None:
    assert told(f"{GOOD} until=2026-01-01\n{GOOD}\n{OPEN}") == ["1: this suppression silences nothing and held until 2026-01-01"]


# Unused


@pytest.mark.parametrize(
    ("text", "message", "rest"),
    [
        (f"{CLOSED}  {GOOD}\n", "1: this suppression silences nothing", f"{CLOSED}\n"),
        (f"{CLOSED}\t{GOOD}  # remark\n", "1: this suppression silences nothing", f"{CLOSED}\t# remark\n"),
        (f"{CLOSED}\n  {GOOD}\nrole r\n", "2: this suppression silences nothing", f"{CLOSED}\nrole r\n"),
        (f"{CLOSED}\n{GOOD}", "2: this suppression silences nothing", f"{CLOSED}\n"),
        (f"  {GOOD}  # remark\n{CLOSED}", "1: this suppression silences nothing", f"  # remark\n{CLOSED}"),
        (f"{CLOSED}\r\n{GOOD}\r\n{CLOSED[:7]}r{CLOSED[8:]}", "2: this suppression silences nothing", f"{CLOSED}\r\n{CLOSED[:7]}r{CLOSED[8:]}"),
        (f"{CLOSED}\n# é {GOOD[2:]}\n", "", ""),
        (
            f"{OPEN}  {GOOD.replace('KYN305', 'KYN803x, KYN305')}",
            "",
            "",
        ),
    ],
)  # fmt: skip
def test_an_unused_one_is_deleted_by_a_safe_fix(text: str, message: str, rest: str) -> None:
    if not message:  # these are no suppressions
        assert all(d.fix is None for d in found(text))
        return
    diagnostics = found(text)
    assert told(text) == [message]
    assert diagnostics[0].fix is not None
    assert diagnostics[0].fix.safe
    assert cured(text, diagnostics) == rest
    assert found(rest) == ()


ALL = LintSettings(select=("KYN305", "KYN803", "KYN305"))


@pytest.mark.parametrize(
    ("codes", "rest"),
    [("KYN305, KYN305", "KYN305"), ("KYN305,KYN305 , KYN302", "KYN305,KYN302"), ("KYN302, KYN305, KYN305", "KYN302, KYN305")],
)
def test_of_several_codes_only_the_unused_one_goes(codes: str, rest: str) -> None:
    text = f"{OPEN}  {GOOD}".replace("[KYN305]", f"[{codes}]")
    assert told(text) == ["1: `KYN305` has nothing to silence here"]
    assert cured(text, found(text)) == f"{OPEN}  {GOOD}".replace("[KYN305]", f"[{rest}]")


def test_of_two_that_cover_the_same_one_is_unused() -> None:
    assert told(f"{GOOD}\n{OPEN}  {GOOD}") == ["2: this suppression silences nothing"]


def test_it_says_where_the_finding_is_that_was_meant() -> None:
    text = f'{GOOD}\npermit p "d" {{\n  subject User action read resource Doc\n  scope any "x"\n}}\n'
    (unused,) = (d for d in found(text) if d.code == "KYN803")
    assert unused.notes == ("a `KYN305` starts on line 8; a comment silences it there, or right above",)
    assert unused.labels[0].message == "no `KYN305` starts on line 6"
    (last,) = found(GOOD)
    assert last.labels[0].message == "no `KYN305` starts behind this"


def test_nothing_is_called_unused_that_nobody_looked_for() -> None:
    text = f"{GOOD}\n{CLOSED}"
    assert told(text, LintSettings(select=("KYN803",))) == []
    assert told(text, LintSettings(ignore=("KYN305", "KYN8"), extend_select=("KYN803",))) == []
    here = LintSettings(select=BOTH.select, per_file_ignores=(FileIgnores("*.kyn", ("KYN305",)),))
    assert told(text, here) == []


def test_whether_it_is_reported_is_a_setting_like_any_other() -> None:
    text = f"{CLOSED}  {GOOD}"
    assert found(text)[0].severity is Severity.WARNING
    assert found(text, LintSettings(select=BOTH.select, severities={"KYN8": Severity.ERROR}))[0].severity is Severity.ERROR
    assert found(text, LintSettings(select=("KYN305",))) == ()
    assert found(text, LintSettings(select=BOTH.select, per_file_ignores=(FileIgnores("**", ("KYN8",)),))) == ()
    assert found(f"{OPEN}  {GOOD}", LintSettings(select=("KYN305",))) == (), "it silences all the same"


# Malformed


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# kynara: ignore[KYN305]", "this suppression gives no reason, and silences nothing"),
        ('# kynara: ignore[KYN305] reason="  "', "this suppression gives no reason, and silences nothing"),
        ("# kynara: ignore[KYN305] until=2027-01-01", "this suppression gives no reason, and silences nothing"),
        ('# kynara: ignore reason="x"', "a suppression names the codes that it silences"),
        ("# kynara: ignore", "a suppression names the codes that it silences"),
        ("# kynara: ignore-file", "a suppression names the codes that it silences"),
        ('# kynara: ignore[] reason="x"', "a suppression names the codes that it silences"),
        ('# kynara: ignore[ , ] reason="x"', "a suppression names the codes that it silences"),
        ('# kynara: ignore[KYN] reason="x"', "`KYN` stands for several lints; a suppression names each"),
        ('# kynara: ignore[KYN30] reason="x"', "`KYN30` stands for several lints; a suppression names each"),
        ('# kynara: ignore[all] reason="x"', "`all` stands for several lints; a suppression names each"),
        ('# kynara: ignore[*] reason="x"', "`*` stands for several lints; a suppression names each"),
        ('# kynara: ignore[KYN999] reason="x"', "there is no code `KYN999`, and the suppression silences nothing"),
        ('# kynara: ignore[kyn305] reason="x"', "there is no code `kyn305`, and the suppression silences nothing"),
        ('# kynara: ignore[KYN305 KYN306] reason="x"', "there is no code `KYN305 KYN306`, and the suppression silences nothing"),
        (
            '# kynara: ignore[KYN305, unscoped-on-purpose] reason="x"',
            "`unscoped-on-purpose` is a name, and the suppression silences nothing",
        ),
        ('# kynara: ignore[KYN101] reason="x"', "`KYN101` is a mistake in the language, which nothing silences"),
        ('# kynara: ignore[KYN305,KYN803] reason="x"', "`KYN803` cannot be silenced: it is about suppressions themselves"),
        (f"{GOOD} until=tomorrow", "`tomorrow` is no date, and the suppression silences nothing"),
        (f"{GOOD} until=2026-13-01", "`2026-13-01` is no date, and the suppression silences nothing"),
        (f"{GOOD} until=20270101", "`20270101` is no date, and the suppression silences nothing"),
        (f"{GOOD} until=2027-01-01T00:00:00Z", "`2027-01-01T00:00:00Z` is no date, and the suppression silences nothing"),
        (f'{GOOD} until="2027-01-01"', '`until="2027-01-01"` is no part of a suppression, which silences nothing'),
        (f"{GOOD} until=2027-01-01 until=2028-01-01", "`until=2028-01-01` is said twice, and the suppression silences nothing"),
        (f'{GOOD}, see "ADR 12"', '`, see "ADR 12"` is no part of a suppression, which silences nothing'),
        ("# kynara: ignore[KYN305] reason='agreed'", "a reason stands in double quotes, and this suppression silences nothing"),
        ("# kynara: ignore[KYN305] reason=“agreed”", "a reason stands in double quotes, and this suppression silences nothing"),
        (f"# see ADR 12 {GOOD}", "a suppression stands at the beginning of its comment, and this one silences nothing"),
    ],
)  # fmt: skip
def test_a_malformed_one_silences_nothing_and_is_told(comment: str, message: str) -> None:
    assert told(f"{OPEN}  {comment}") == ["1: KYN305", f"1: {message}"]


@pytest.mark.parametrize(
    "comment",
    [
        '# kynara:ignore[KYN305] reason="agreed"',
        '#kynara: ignore[KYN305] reason="agreed"',
        '#kynara ignore[KYN305] reason="agreed"',
        '#  kynara: ignore[KYN305] reason="agreed"',
        '# kynara: ignore [KYN305] reason="agreed"',
        '# kynara: ignore(KYN305) reason="agreed"',
        '# kynara: ignore KYN305 reason="agreed"',
        "# Kynara: Ignore[KYN305] reason: 'agreed'",
        '# kynara: ingore[KYN305] reason="agreed"',
        '# kynara: disable=KYN305 reason="agreed"',
        '## kynara: ignore[KYN305] reason="agreed"',
        '# kynara-ignore: KYN305 reason="agreed"',
        '# ignore[KYN305] reason="agreed"',
        '# noqa: KYN305 reason="agreed"',
        '# allow KYN305: reason="agreed"',
        '# lint: disable KYN305 reason="agreed"',
    ],
)
def test_what_looks_like_one_is_told_with_the_text_to_copy(comment: str) -> None:
    text = f"{OPEN}  {comment}"
    assert told(text) == ["1: KYN305", "1: this looks like a suppression, and silences nothing"]
    diagnostic = found(text)[1]
    assert diagnostic.help == f"write `{GOOD}`"
    assert diagnostic.fix is not None
    assert not diagnostic.fix.safe, "it would silence something"
    assert cured(text, [diagnostic]) == f"{OPEN}  {GOOD}"
    assert found(cured(text, [diagnostic])) == ()


@pytest.mark.parametrize(
    "comment",
    ["# noqa", "# nolint", "#nosec", "# type: ignore", "# regal ignore:unscoped", "# kynara ignore", "# kynara: disable all"],
)
def test_the_codes_that_were_meant_are_those_that_are_found(comment: str) -> None:
    diagnostic = found(f"{OPEN}  {comment}")[1]
    assert diagnostic.help == 'write `# kynara: ignore[KYN305] reason="why this is fine"`'
    assert diagnostic.fix is None


@pytest.mark.parametrize(
    "comment",
    [
        "# kynara checks this in CI",
        "# kynara ignores roles that nobody declared",
        "# kynara: the policies of the shop",
        "# Kynara: see KYN305 for why this is fine",
        "# KYN305 is fine here",
        "# we ignore drafts",
        "# ignore drafts",
        "# allow reading",
        "# off by default",
        "# silence is golden",
        "# write `# kynara: ignore[KYN305] reason=\"x\"` to silence it",
        '#  permit old "d" { }  # kynara: ignore[KYN305] reason="commented out"',
        "# # kynara: ignore[KYN305]",
        "#",
        "# " + "kynara " * 1000,
        "# " + "ignore " * 1000,
    ],
)  # fmt: skip
def test_what_is_said_in_passing_is_no_suppression(comment: str) -> None:
    assert told(f"{comment}\n{OPEN}") == ["2: KYN305"]


def test_one_that_is_too_long_silences_nothing_and_is_told() -> None:
    assert told(f'# kynara: ignore[KYN305] reason="{"x" * 1950}"\n{OPEN}') == []
    too_long = f'# kynara: ignore[KYN305] reason="{"x" * 2000}"\n{OPEN}'
    assert told(too_long) == ["1: a suppression of more than 2,000 characters silences nothing", "2: KYN305"]
    assert told(f"# kynara {'x' * 2000}\n{OPEN}") == ["2: KYN305"]


def test_everything_that_is_wrong_with_one_is_told() -> None:
    messages = told(f"# kynara: ignore[KYN101, KYN3, nope!] until=soon\n{OPEN}")
    assert len(messages) == 6


def test_a_hostile_comment_takes_no_time() -> None:
    longest = 90_000
    for begin, more in (
        ('# kynara: ignore[KYN305] reason="', "\\"),
        ("# kynara: ignore[KYN305] reason=", '"\\"'),
        ("# kynara: ignore[KYN305]", " "),
        ("# kynara: ignore[", "KYN305,"),
        ("# kynara", " "),
        ("# ignore", " # "),
        ("# ignore #", "#"),
    ):
        for size in (1900, longest):
            found(f"{begin}{more * (size // len(more))}x\n{OPEN}")
    found("\n".join([GOOD] * 2000 + [OPEN]))


def test_the_reference_shows_what_is_found() -> None:
    reference = (Path(__file__).parents[2] / "grammar" / "reference.md").read_text(encoding="utf-8")
    section = reference.partition("\n### Suppressions\n")[2].partition("\n### ")[0]
    good, bad = re.findall(r"```kyn\n(.*?)```", section, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    assert check_sources([Source("site.kyn", good)], lints=BOTH, today=TODAY).diagnostics == ()
    _, told_of = check_sources([Source("site.kyn", bad)], lints=BOTH, today=TODAY).diagnostics
    assert render_diagnostic(told_of).plain + "\n" == shown


@pytest.mark.parametrize(
    ("comment", "meant"),
    [
        ('# noqa: KYN305 reason="  "', '# kynara: ignore[KYN305] reason="why this is fine"'),
        ("# noqa: KYN305", '# kynara: ignore[KYN305] reason="why this is fine"'),
        ('# noqa: KYN803 reason="agreed"', '# kynara: ignore[KYN803] reason="agreed"'),
        ('# noqa: KYN999 reason="agreed"', '# kynara: ignore[KYN999] reason="agreed"'),
        ('# noqa: KYN101 reason="agreed"', '# kynara: ignore[KYN101] reason="agreed"'),
        ('# noqa: KYN305 reason="agreed" until 2026-12-01', None),
    ],
)
def test_what_looks_like_one_and_would_be_none_is_not_rewritten(comment: str, meant: str | None) -> None:
    """It would silence nothing, or less than was meant, so nobody but its author can write it."""
    (_, diagnostic) = found(f"{OPEN}  {comment}")
    assert diagnostic.fix is None
    assert meant is None or diagnostic.help == f"write `{meant}`"
