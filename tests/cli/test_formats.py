"""The formats of `kynara check`, each as a whole for one small program, and its statistics."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import jsonschema
import pytest

from tests.cli.project import ROOT, Run, Spawn

SHOP = """\
module shop

subject User { tenant: String }
resource Order { tenant: String }

action read, cancel on Order

permit read_orders {
  subject  User
  action   read
  resource Order
  scope    any "all is public"
}

permit cancel_orders "People cancel their orders" {
  subject  User
  action   cancel
  resource Order
  scope    subject.tenant == resource.tenant
}
"""
LINTS = ("--select", "KYN801,KYN305")
SUMMARY = "Found 1 warning and 1 note in 1 file\n"
MACHINE_FORMATS = ("sarif", "github", "gitlab", "junit")

FULL = """\
warning[KYN801] undescribed-permit: the permit `read_orders` does not say what it is for
 --> shop/shop.kyn:8:8
  |
8 | permit read_orders {
  |        ^^^^^^^^^^^ no description
  |
  = note: a review compares what a permit does with what it was meant to do, and `kynara explain`
          shows the text
  = help: say it behind the name: `permit read_orders "Who may do this, and what for" {`

note[KYN305] unscoped-on-purpose: the permit `read_orders` reaches every resource of its types,
    on purpose
  --> shop/shop.kyn:12:3
   |
12 |   scope    any "all is public"
   |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ nothing bounds it
   |
   = note: the reason given: all is public

"""

CONCISE = """\
shop/shop.kyn:8:8: warning[KYN801] undescribed-permit: the permit `read_orders` does not say what it is for
shop/shop.kyn:12:3: note[KYN305] unscoped-on-purpose: the permit `read_orders` reaches every resource of its types, on purpose
"""

GITHUB = (
    "::warning file=shop/shop.kyn,line=8,endLine=8,col=8,endColumn=19,title=KYN801 undescribed-permit"
    "::the permit `read_orders` does not say what it is for"
    "%0Anote: a review compares what a permit does with what it was meant to do, and `kynara explain` shows the text"
    '%0Ahelp: say it behind the name: `permit read_orders "Who may do this, and what for" {`\n'
    "::notice file=shop/shop.kyn,line=12,endLine=12,col=3,endColumn=31,title=KYN305 unscoped-on-purpose"
    "::the permit `read_orders` reaches every resource of its types, on purpose"
    "%0Anote: the reason given: all is public\n"
)

GITLAB = """\
[
  {
    "description": "KYN801 undescribed-permit: the permit `read_orders` does not say what it is for",
    "check_name": "KYN801",
    "fingerprint": "364b5353c0b9c3344c81caa248fbab6b:1",
    "severity": "major",
    "location": {
      "path": "shop/shop.kyn",
      "lines": {
        "begin": 8,
        "end": 8
      }
    }
  },
  {
    "description": "KYN305 unscoped-on-purpose: the permit `read_orders` reaches every resource of its types, on purpose",
    "check_name": "KYN305",
    "fingerprint": "238d77ee8267a076741399c63199173e:1",
    "severity": "info",
    "location": {
      "path": "shop/shop.kyn",
      "lines": {
        "begin": 12,
        "end": 12
      }
    }
  }
]
"""

JUNIT = (
    """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="kynara check" tests="1" failures="1" errors="0">
  <testsuite name="kynara check" tests="1" failures="1" errors="0" skipped="0">
    <testcase name="shop/shop.kyn" classname="kynara.check" file="shop/shop.kyn">
      <failure message="shop/shop.kyn:8:8: warning[KYN801] undescribed-permit: the permit `read_orders` does not say what it is for (and 1 more)" type="warning">"""
    + FULL.rstrip("\n").replace(">", "&gt;")
    + """</failure>
    </testcase>
  </testsuite>
</testsuites>
"""
)

TABLE = """\
count  code    name                 severity  fixable
    1  KYN305  unscoped-on-purpose  note      no
    1  KYN801  undescribed-permit   warning   no

KYN305 unscoped-on-purpose: A permit says on purpose that nothing bounds it.
  shop/shop.kyn:12: the permit `read_orders` reaches every resource of its types, on purpose; the reason given: all is public
"""


@pytest.fixture(autouse=True)
def shop(project: Path) -> Path:
    """A good program with one warning and, for those who ask, one note."""
    (project / "shop").mkdir()
    (project / "shop" / "shop.kyn").write_text(SHOP, encoding="utf-8")
    return project / "shop"


def sarif(text: str) -> dict[str, Any]:
    """The one run of a report in SARIF that is valid."""
    schema = json.loads((ROOT / "tests" / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    log = json.loads(text)
    jsonschema.Draft7Validator(schema).validate(log)
    (run,) = log["runs"]
    return run


@pytest.mark.parametrize(
    ("form", "expected"),
    [("full", FULL), ("concise", CONCISE), ("github", GITHUB), ("gitlab", GITLAB), ("junit", JUNIT)],
)
def test_the_whole_output(kynara: Run, form: str, expected: str) -> None:
    result = kynara("check", "shop", *LINTS, "--output-format", form)
    assert result.stdout == expected
    assert (result.exit_code, result.stderr) == (1, SUMMARY)


def test_sarif_is_valid_and_has_pages_rules_and_results(kynara: Run) -> None:
    result = kynara("check", "shop", *LINTS, "--output-format", "sarif")
    assert (result.exit_code, result.stderr) == (1, SUMMARY)
    assert result.stdout.isascii()
    run = sarif(result.stdout)
    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["defaultConfiguration"]["level"]) for rule in rules] == [
        ("KYN305", "note"),
        ("KYN801", "warning"),
    ]
    assert rules[0]["help"]["markdown"].startswith("# KYN305 unscoped-on-purpose\n")
    found = [(r["ruleId"], r["level"], r["partialFingerprints"]["kynaraFingerprint/v1"]) for r in run["results"]]
    assert found == [
        ("KYN801", "warning", "364b5353c0b9c3344c81caa248fbab6b:1"),
        ("KYN305", "note", "238d77ee8267a076741399c63199173e:1"),
    ]
    assert run["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "shop/shop.kyn", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 8, "startColumn": 8, "endLine": 8, "endColumn": 19},
            },
            "message": {"text": "no description"},
        }
    ]


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_a_good_program_makes_a_good_report(kynara: Run, form: str) -> None:
    result = kynara("check", "shop", "--select", "KYN305", "--ignore", "KYN305", "--output-format", form)
    assert (result.exit_code, result.stderr) == (0, "All good: 2 rules in 1 file\n")
    match form:
        case "sarif":
            assert sarif(result.stdout)["results"] == []
        case "github":
            assert result.stdout == ""
        case "gitlab":
            assert json.loads(result.stdout) == []
        case "junit":
            (case,) = xml.fromstring(result.stdout).iter("testcase")
            assert (case.attrib["name"], list(case)) == ("shop/shop.kyn", [])


def test_junit_knows_the_good_files_beside_the_bad_and_the_unreadable(kynara: Run, shop: Path) -> None:
    (shop / "bad.kyn").write_text("permit p {", encoding="utf-8")
    (shop / "unread.kyn").write_bytes(b"\xff")
    result = kynara("check", "shop", "--output-format", "junit")
    failed = {case.attrib["name"]: len(case) for case in xml.fromstring(result.stdout).iter("testcase")}
    assert failed == {"shop/bad.kyn": 1, "shop/shop.kyn": 0, "shop/unread.kyn": 1}
    assert result.exit_code == 1


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_hostile_names_and_texts_stay_text(kynara: Run, shop: Path, form: str) -> None:
    name = "\x1b[31m%0A::error::x,y]]><&'\".kyn"
    (shop / name).write_text('let a = "\x1b[0m ]]></failure> ::error::" + raed\n', encoding="utf-8")
    result = kynara("check", "shop", "--output-format", form, "--color", "always")
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    match form:
        case "sarif":
            uris = {
                r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                for r in sarif(result.stdout)["results"]
            }
            assert uris == {"shop/%1B%5B31m%250A%3A%3Aerror%3A%3Ax%2Cy%5D%5D%3E%3C%26%27%22.kyn"}
        case "github":
            file = "shop/\u241b[31m%250A%3A%3Aerror%3A%3Ax%2Cy]]><&'\".kyn"
            assert all(line.startswith(f"::error file={file},line=1,") for line in result.stdout.splitlines())
        case "gitlab":
            assert {entry["location"]["path"] for entry in json.loads(result.stdout)} == {f"shop/{name}"}
        case "junit":
            cases = [case.attrib["name"] for case in xml.fromstring(result.stdout).iter("testcase")]
            assert sorted(cases) == ["shop/shop.kyn", "shop/\u241b[31m%0A::error::x,y]]><&'\".kyn"]


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_formats_survive_a_narrow_encoding(spawn: Spawn, shop: Path, form: str) -> None:
    (shop / "more.kyn").write_text('let ü = "日本語" + 1\n', encoding="utf-8")
    ran = spawn("check", "shop", "--output-format", form, environment={"PYTHONIOENCODING": "ascii"})
    assert (ran.returncode, b"internal error" in ran.stderr) == (1, False)
    match form:
        case "sarif":
            assert sarif(ran.stdout.decode("ascii"))["results"]
        case "junit":
            (failure,) = xml.fromstring(ran.stdout).iter("failure")
            assert "日本語" in str(failure.text)


def test_an_unknown_format_is_a_usage_error(kynara: Run) -> None:
    result = kynara("check", "shop", "--output-format", "xml")
    assert result.exit_code == 2
    assert "'sarif', 'github', 'gitlab', 'junit'" in result.stderr


# Statistics


@pytest.mark.parametrize("form", ["full", "concise"])
def test_statistics_take_the_place_of_findings_in_text(kynara: Run, form: str) -> None:
    result = kynara("check", "shop", "--select", "KYN801", "--statistics", "--output-format", form)
    assert (result.exit_code, result.stdout, result.stderr) == (1, TABLE, SUMMARY)


def test_statistics_are_a_member_in_json(kynara: Run) -> None:
    result = kynara("check", "shop", "--select", "KYN801", "--statistics", "--output-format", "json")
    assert (result.exit_code, result.stderr) == (1, SUMMARY)
    report = json.loads(result.stdout)
    assert [diagnostic["code"] for diagnostic in report["diagnostics"]] == ["KYN801", "KYN305"]
    assert [(row["count"], row["code"]) for row in report["statistics"]] == [(1, "KYN305"), (1, "KYN801")]
    plain = kynara("check", "shop", "--select", "KYN801", "--output-format", "json")
    assert "statistics" not in json.loads(plain.stdout)


@pytest.mark.parametrize("form", MACHINE_FORMATS)
def test_statistics_leave_standard_output_to_services(kynara: Run, form: str) -> None:
    result = kynara("check", "shop", "--select", "KYN801", "--statistics", "--output-format", form)
    assert result.stdout == kynara("check", "shop", *LINTS, "--output-format", form).stdout
    assert result.stderr == TABLE + SUMMARY


def test_statistics_of_a_good_program_are_the_summary(kynara: Run) -> None:
    result = kynara("check", "shop", "--select", "KYN301", "--ignore", "KYN305", "--statistics")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "All good: 2 rules in 1 file\n")


def test_quiet_notes_alone_do_not_fail(kynara: Run) -> None:
    result = kynara("check", "shop", "--select", "KYN301", "--statistics")
    assert (result.exit_code, result.stderr) == (0, "Found 1 note in 1 file\n")
    assert "KYN305" in result.stdout
    assert kynara("check", "shop", "--select", "KYN301").stderr == "All good: 2 rules in 1 file\n"


def test_statistics_of_errors_of_the_language(kynara: Run) -> None:
    result = kynara("check", "broken", "--statistics")
    assert result.exit_code == 1
    head, row = result.stdout.splitlines()
    assert head == "count  code    name          severity  fixable"
    assert row.startswith("    2  KYN101  unknown-name  error     ")


def test_statistics_show_texts_harmlessly(kynara: Run, shop: Path) -> None:
    hostile = SHOP.replace("all is public", "x\x1b[31m").replace("\x1b", "\\u{1b}")
    (shop / "shop.kyn").write_text(hostile, encoding="utf-8")
    result = kynara("check", "shop", "--statistics")
    assert "\x1b" not in result.stdout
    assert "the reason given: x" in result.stdout
