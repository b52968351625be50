"""Statistics, and the members of the JSON report that only some reports have."""

from attrs import evolve

from kynara_lang.diagnostics.diagnostic import Fix, Severity
from kynara_lang.diagnostics.render_json import diagnostic_dict, report_dict
from kynara_lang.diagnostics.statistics import Statistic, statistics_of
from tests.diagnostics.findings import FIXED, NOTE, PATH, PLAIN

FIXED_SAFELY = evolve(FIXED, fix=Fix("x", (), safe=True))


def test_codes_are_counted_the_most_frequent_first_then_by_code() -> None:
    found = [NOTE, PLAIN, FIXED, FIXED_SAFELY, FIXED, evolve(FIXED, fix=None)]
    assert statistics_of(found) == (
        Statistic(4, "KYN301", Severity.ERROR, safe_fixes=1, unsafe_fixes=2),
        Statistic(1, "KYN305", Severity.NOTE, safe_fixes=1, unsafe_fixes=0),
        Statistic(1, "KYN801", Severity.WARNING, safe_fixes=0, unsafe_fixes=0),
    )
    assert statistics_of([]) == ()


def test_the_json_report_has_statistics_and_what_is_hidden_only_where_asked() -> None:
    plain = report_dict([FIXED, PLAIN, FIXED], files=2, rules=3)
    assert "statistics" not in plain
    assert plain["summary"] == {"errors": 2, "warnings": 1, "notes": 0, "files": 2, "rules": 3}
    found = [FIXED, PLAIN, FIXED]
    full = report_dict(found, files=2, rules=3, hidden=0, statistics=statistics_of(found))
    assert full["diagnostics"] == plain["diagnostics"]
    assert full["summary"] == plain["summary"] | {"hidden": 0}
    assert full["statistics"] == [
        {
            "count": 2,
            "code": "KYN301",
            "name": "permit-without-scope",
            "severity": "error",
            "fixable": {"safely": 0, "unsafely": 2},
        },
        {
            "count": 1,
            "code": "KYN801",
            "name": "undescribed-permit",
            "severity": "warning",
            "fixable": {"safely": 0, "unsafely": 0},
        },
    ]


def test_a_path_is_a_member_with_what_is_known_of_each_hop() -> None:
    first, second = diagnostic_dict(PATH)["path"]
    assert first == {
        "message": "it reads the key",
        "file": "policies/shop.kyn",
        "range": {"start": {"line": 3, "column": 8, "offset": 20}, "end": {"line": 3, "column": 19, "offset": 31}},
        "rule": "shop.read_orders",
        "action": "read",
        "effect": "acts_as",
    }
    assert second["gains"] == "refund on Order"
    assert second["witness"] == {"subject": {"type": "User"}}
    assert "rule" not in second
    assert "path" not in diagnostic_dict(PLAIN)
