"""The JSON form of a report: literal, as a program reads it."""

import json

from kynara_lang.diagnostics.diagnostic import Edit, Fix, Severity
from kynara_lang.diagnostics.render_json import report_dict
from tests.diagnostics.rendering import TYPES, at, finding


def test_the_json_report() -> None:
    found = [
        finding(
            (at("usr"), "no type of this name"),
            (at("User", TYPES), "declared here"),
            message="`usr` is not declared",
            notes=("a note",),
            help="did you mean `User`?",
            fix=Fix("write `User`", (Edit(at("usr"), "User"),), safe=True),
            witness={"subject": {"type": "User", "id": "u"}},
        ),
        finding((at("type User", to="}"), ""), code="KYN107", severity=Severity.WARNING),
    ]
    usr = {
        "start": {"line": 9, "column": 11, "offset": 79},
        "end": {"line": 9, "column": 14, "offset": 82},
    }
    user = {
        "start": {"line": 2, "column": 6, "offset": 17},
        "end": {"line": 2, "column": 10, "offset": 21},
    }
    block = {
        "start": {"line": 3, "column": 1, "offset": 13},
        "end": {"line": 6, "column": 2, "offset": 53},
    }
    report = report_dict(found, files=3, rules=7)
    assert report == {
        "version": 1,
        "diagnostics": [
            {
                "code": "KYN101",
                "name": "unknown-name",
                "severity": "error",
                "message": "`usr` is not declared",
                "file": "policies/a.kyn",
                "range": usr,
                "labels": [
                    {"message": "no type of this name", "file": "policies/a.kyn", "range": usr},
                    {"message": "declared here", "file": "policies/types.kyn", "range": user},
                ],
                "notes": ["a note"],
                "help": "did you mean `User`?",
                "fix": {
                    "message": "write `User`",
                    "safe": True,
                    "edits": [{"file": "policies/a.kyn", "range": usr, "replacement": "User"}],
                },
                "witness": {"subject": {"type": "User", "id": "u"}},
                "url": "kynara:rule/KYN101",
            },
            {
                "code": "KYN107",
                "name": "unneeded-import",
                "severity": "warning",
                "message": "it is wrong",
                "file": "policies/a.kyn",
                "range": block,
                "labels": [{"message": "", "file": "policies/a.kyn", "range": block}],
                "notes": [],
                "help": None,
                "url": "kynara:rule/KYN107",
            },
        ],
        "summary": {"errors": 1, "warnings": 1, "notes": 0, "files": 3, "rules": 7},
    }
    assert json.loads(json.dumps(report)) == report


def test_a_clean_json_report() -> None:
    assert report_dict([], files=2, rules=0) == {
        "version": 1,
        "diagnostics": [],
        "summary": {"errors": 0, "warnings": 0, "notes": 0, "files": 2, "rules": 0},
    }
