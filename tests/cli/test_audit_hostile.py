"""`kynara audit` over records and logs that nobody honest wrote: nothing acts on a terminal, nothing ends in a traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.audit.query_logs import forged

from .project import Run

ESCAPES = "\u001b[2J\u001b]0;x\u0007\u202e\u0085\u009b31m\r\n\t\u0000"
ESCAPED = json.dumps(ESCAPES).encode()
NASTY = [
    b"".join(
        [
            b'{"action":~,"chain":[~],"decision":~,"errors":[{"code":~,"message":~,"rule":~}],"resource":~,',
            b'"rules":[{"effect":~,"file":~,"line":~,"rule":~}],"session":~,"request":{"subject":{"type":~,"id":~,',
            b'"properties":{~:~}},"action":{"properties":{~:{"$number":~}}},"context":{"now":~}},"policy_digest":~,',
            b'"evidence":[~],"approvals":[{"rule":~,"approved_by":[~]}],"degraded":~,"phase":~}',
        ]
    ).replace(b"~", ESCAPED),
    b'{"action":"' + "\u202e\u009b\u200b".encode() + b'","' + "\u202e".encode() + b'":1}',
    b'{"decision":"\\ud800","session":"\\udfff"}',
    b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"request":' + b'{"subject":' * 900 + b"1" + b"}" * 900 + b"}",
    b'{"request":7,"rules":{"a":1},"errors":7,"evidence":"x","approvals":{},"decision":[]}',
    b'{"long":"' + b"x" * 60_000 + b'"}',
    b'{"n":NaN,"i":-Infinity}',
    b"{}",
    *(b'{"request":{"action":{"properties":{"x":' + b"[" * n + b"]" * n + b"}}}}" for n in range(860, 1000, 20)),
]


@pytest.mark.parametrize("number", range(len(NASTY)))
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_record_acts_on_a_terminal_or_ends_in_a_traceback(
    kynara: Run, project: Path, number: int, form: str
) -> None:
    forged(project / "audit", [NASTY[number]])
    for arguments in (
        ["verify", "audit"],
        ["show", "audit", "2"],
        ["tail", "audit"],
        ["query", "audit"],
        ["query", "audit", "--scan"],
        ["replay", "audit", "-p", "policies"],
    ):
        result = kynara("audit", *arguments, "--format", form)
        assert result.exit_code in (0, 1), result.output
        assert "internal error" not in result.output
        shown = result.output.replace("\n", "")
        assert shown.isprintable(), [c for c in shown if not c.isprintable()]
        assert all(len(line) < 70_000 for line in result.output.splitlines())
    for arguments in (["prove", "audit", "2"], ["export", "audit", "--format", "ocsf", "-o", "o", "--unsigned"]):
        result = kynara("audit", *arguments)
        assert result.exit_code in (0, 1), result.output
        assert "internal error" not in result.output
        assert result.output.replace("\n", "").isprintable()


LOGS = {
    "a file": lambda path: path.write_bytes(b"x"),
    "an empty segment": lambda path: (path.mkdir(), (path / "0000000000000000.records").touch()),
    "one long line": lambda path: (path.mkdir(), (path / "0000000000000000.records").write_bytes(b"x" * 900_000)),
    "only line ends": lambda path: (path.mkdir(), (path / "0000000000000000.records").write_bytes(b"\n" * 900_000)),
    "a link to itself": lambda path: path.symlink_to(path),
    "a segment that is a folder": lambda path: (path / "0000000000000000.records").mkdir(parents=True),
    "a segment that is a link": lambda path: (
        path.mkdir(),
        (path / "0000000000000000.records").symlink_to("/etc/passwd"),
    ),
    "a segment that is a pipe": lambda path: (path.mkdir(), os.mkfifo(path / "0000000000000000.records")),
    "a gap": lambda path: (path.mkdir(), (path / "0000000000000005.records").write_bytes(b"x")),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("what", LOGS)
def test_what_is_no_log_is_told(kynara: Run, project: Path, what: str) -> None:
    LOGS[what](project / "odd")
    for arguments in (
        ["verify", "odd"],
        ["show", "odd", "0"],
        ["tail", "odd"],
        ["query", "odd"],
        ["query", "odd", "--scan"],
        ["prove", "odd", "0"],
        ["checkpoint", "odd"],
        ["export", "odd", "--format", "csv", "-o", "o.csv", "--unsigned"],
        ["replay", "odd", "-p", "policies"],
    ):
        result = kynara("audit", *arguments)
        assert result.exit_code in (1, 2), (arguments, result.output)
        assert "error" in result.output.lower()
        assert "internal error" not in result.output
    assert not Path("o.csv").exists()
