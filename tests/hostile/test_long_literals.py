"""Literals of a policy that are longer than a value may be: a diagnostic where they stand, whatever reads them.

Seen in Kynara itself: a glob of more than 8,192 characters ended `kynara check`, and so a whole run of CI, with an internal error.
"""

from __future__ import annotations

import pytest

from kynara_lang.checker.settings import LintSettings
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources

HEAD = """\
subject User { zone: String }
resource Doc { name: String, at: Path, host: Host, link: Url, mail: Email, ip: IP, level: Int, total: Decimal, until: Time, ttl: Duration }
action read on Doc
"""
LONG = "a*" * 5000
CONDITIONS = {
    "a glob": f'resource.name like "{LONG}"',
    "a glob by name": 'resource.name like pattern',
    "a path": f'resource.at within "/{LONG}"',
    "a host": f'resource.host within "{"a." * 5000}b"',
    "a url": f'resource.link == "https://a.b/{"a/" * 5000}"',
    "an email": f'resource.mail == "{"a" * 10_000}@b.c"',
    "an address": f'resource.ip within "{"1." * 5000}"',
    "a number": f"resource.level == {'9' * 10_000}",
    "a decimal": f"resource.total == 0.{'9' * 10_000}",
    "a time": f"resource.until == 2026-11-22T10:00:00.{'0' * 10_000}Z",
    "a duration": f"resource.ttl == {'9' * 10_000}d",
    "a time zone": f'context.now.hour("{"A/" * 5000}") == 1',
}


@pytest.mark.parametrize("what", CONDITIONS)
def test_a_literal_that_is_too_long_is_a_diagnostic(what: str) -> None:
    text = f'{HEAD}let pattern = "{LONG}"\nforbid f {{ subject User action read resource Doc when {CONDITIONS[what]} }}\n'
    found = check_sources([Source("p.kyn", text)], lints=LintSettings())
    assert found.has_errors
    assert len(found.diagnostics) == 1, found.diagnostics
    (diagnostic,) = found.diagnostics
    assert len(diagnostic.message) < 300
    assert diagnostic.span.start >= text.index("let pattern")


def test_the_longest_glob_that_is_read_is_read() -> None:
    text = f'{HEAD}forbid f {{ subject User action read resource Doc when resource.name like "{"a*" * 4096}" }}\n'
    assert not check_sources([Source("p.kyn", text)]).has_errors
