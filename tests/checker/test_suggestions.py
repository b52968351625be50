"""What is suggested never permits more than what was written is meant to, and is right as it stands."""

from __future__ import annotations

import re

import pytest

from kynara_lang.checker.linter import LintSettings
from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources

SCHEMA = """\
trait Tenanted { tenant: String }
subject User is Tenanted { mail: Email  role_name: String }
subject Agent is Tenanted
resource Doc is Tenanted { path: Path  host: Host  url: Url  title: String  labels: Set<String>  owner: User }
action docs.read, docs.secret.erase on Doc in reading
action write on Doc
role lead
context { ip: IP }
"""


def found(text: str) -> tuple[Diagnostic, ...]:
    return check_sources([Source("p.kyn", text)], lints=LintSettings(select=("KYN511",))).diagnostics


def permit(when: str) -> str:
    head = 'permit p "d" { subject User action write resource Doc scope subject == resource.owner'
    return f"{SCHEMA}{head}\n when {when} }}\n"


def cure(text: str) -> str:
    (finding,) = found(text)
    return finding.help or ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"a" not in resource.title', 'not resource.title.contains("a")'),
        ('context.ip not in "10.0.0.0/8"', 'not context.ip within "10.0.0.0/8"'),
        ('"lead" not in subject.roles', "not subject holds lead"),
        ('"lead" in subject.roles', "subject holds lead"),
        ('subject.has_role("lead")', "subject holds lead"),
        ('resource.title not in {"a*"}', 'not (resource.title like "a*")'),
        ('"a*" not in resource.labels', 'not (any x in resource.labels: x like "a*")'),
        ('subject.mail like "*@corp.com"', 'subject.mail.domain == "corp.com"'),
        ('subject.mail.ends_with("@corp.com")', 'subject.mail.domain == "corp.com"'),
        ('resource.host like "*.corp.com"', 'resource.host within "corp.com"'),
        ('resource.path like "/work/a/*.txt"', 'resource.path within "/work/a" and resource.path.suffix == ".txt"'),
        (
            'resource.url like "https://x.com/v1/*"',
            'resource.url.scheme == "https" and resource.url.host == "x.com" and resource.url.path within "/v1"',
        ),
    ],
)
def test_a_condition_is_said_otherwise_and_not_more_widely(written: str, meant: str) -> None:
    assert re.findall("`([^`]*)`", cure(permit(written)))[0] == meant
    assert found(permit(meant)) == ()


@pytest.mark.parametrize(
    ("written", "meant"), [('context.count > "5"', "5"), ('context.now < "2027-01-01"', "2027-01-01")]
)
def test_what_is_ordered_stands_without_quotes(written: str, meant: str) -> None:
    text = permit(written).replace("ip: IP", "ip: IP  count: Int  now: Time")
    assert cure(text) == f"write `{meant}` without quotes"
    assert found(text.replace(f'"{meant}"', meant)) == ()


def test_a_pattern_with_a_gap_is_not_taken_for_a_folder() -> None:
    assert "the folders that are meant, such as" in cure(permit('resource.path like "/work/*/drafts/*"'))


def test_a_misspelled_type_is_rather_a_type_than_a_trait() -> None:
    text = SCHEMA.replace("subject Agent", "subject Tenant is Tenanted\nsubject Agent")
    (finding,) = found(f'{text}permit p {{ subject Tenan action write resource Doc scope any "d" }}')
    assert finding.help == "did you mean `Tenant`?"


def test_a_trait_is_suggested_with_what_it_takes_in_and_never_put_in() -> None:
    (finding,) = found(f'{SCHEMA}permit p {{ subject Tenantd action write resource Doc scope any "d" }}')
    assert finding.help == "did you mean the trait `Tenanted`, which is all of `Agent`, `Doc`, `User`?"
    assert finding.fix is None


def test_a_misspelled_action_is_rather_an_action_than_a_group() -> None:
    text = SCHEMA.replace("action write", "action readins, write")
    (finding,) = found(f'{text}permit p {{ subject User action readin resource Doc scope any "d" }}')
    assert finding.help == "did you mean `readins`?"


def test_a_prefix_is_not_made_shorter() -> None:
    (finding,) = found(f'{SCHEMA}permit p {{ subject User action docs.se.* resource Doc scope any "d" }}')
    assert finding.help == "did you mean `docs.secret.*`?"
    (finding,) = found(f'{SCHEMA}permit p {{ subject User action docs.a.* resource Doc scope any "d" }}')
    assert "docs.*" not in (finding.help or "")


@pytest.mark.parametrize("clause", ["subject lead", "subject Lead"])
def test_who_holds_a_role_is_not_suggested_as_anybody(clause: str) -> None:
    text = f'{SCHEMA}permit p {{ {clause} action write resource Doc scope any "d" }}'
    assert "User with role lead" in cure(text)
    assert "any with" not in cure(text)


@pytest.mark.parametrize(("written", "meant"), [("0", "quorum 1"), ("5000", "quorum 1000")])
def test_a_quorum_out_of_range_is_brought_to_the_nearest(written: str, meant: str) -> None:
    rule = f"require approval r {{ subject any action write resource Doc from User with role lead quorum {written} }}"
    assert cure(SCHEMA + rule) == f"write `{meant}`"


def test_an_agent_that_works_for_people_keeps_its_scope() -> None:
    text = SCHEMA.replace("ip: IP", "ip: IP  mfa: Bool") + (
        'permit own "d" { subject User action write resource Doc scope resource.owner == subject }\n'
        'permit p "d" { subject Agent action write resource Doc scope context.mfa }'
    )
    (finding,) = check_sources([Source("p.kyn", text)], lints=LintSettings(select=("KYN605",))).diagnostics
    assert "when     delegated and delegator is User" in (finding.help or "")
    assert (
        check_sources(
            [Source("p.kyn", text.replace("context.mfa }", "context.mfa\n when delegated and delegator is User }"))],
            lints=LintSettings(select=("KYN605",)),
        ).diagnostics
        == ()
    )
