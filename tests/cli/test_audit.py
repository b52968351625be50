"""`kynara audit`: what people see of a log, and what they are told when it is not in order."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from kynara_lang.audit import Log
from kynara_lang.audit.records import Redaction, approval_body, outcome_body, policy_body
from kynara_lang.cli.audit import audit
from tests.audit.query_logs import (
    LATE,
    POLICIES,
    change_byte,
    decided,
    entries,
    forged,
    key_pair,
    mixed,
    request,
    write,
)

from .project import ROOT, Run

COMMANDS = ["verify", "show", "query", "tail", "export", "prove", "checkpoint", "replay", "key"]


@pytest.fixture
def log(project: Path) -> Path:
    """A signed log of known records in `audit/`, its key in `acme.key` and `acme.pub`, its checkpoints in `held/`."""
    key, _ = key_pair(project)
    with Log.open(project / "audit", key=key, checkpoints=[project / "held"]) as log:
        log.append("policy", policy_body(digest=POLICIES.digest, before=None, problem=None))  # record 2
        log.append("decision", decided(request(1), session="s-1", trace_id="t-1"))
        log.append("outcome", outcome_body(3, status="failed", error="TimeoutError: late", duration_us=12))
        log.append("decision", decided(request(2, tenant="other"), session="s-1"))  # record 5: deny
        log.append("decision", decided(request(3, now=LATE), session="s-2"))  # record 6: require approval
        asked = {"id": "ap-1", "request": request(3, now=LATE), "rules": [{"rule": "shop.late_refunds"}], "session": "s-2"}
        log.append("approval", approval_body("requested", asked))
        log.append("decision", decided(request(4, amount="ten")))  # record 8: an error
    return project / "audit"


# The group


def test_the_commands_are_those_of_the_group(kynara: Run) -> None:
    with click.Context(audit) as ctx:
        assert audit.list_commands(ctx) == COMMANDS
    shown = kynara("audit", "--help").stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_has_an_example(kynara: Run, name: str) -> None:
    result = kynara("audit", name, "--help")
    assert result.exit_code == 0
    assert f"    kynara audit {name}" in result.stdout
    assert "Exit codes: 0" in result.stdout
    assert "--color" in result.stdout


def test_a_command_that_does_not_exist_suggests_a_near_one(kynara: Run) -> None:
    result = kynara("audit", "verfy")
    assert (result.exit_code, "Did you mean 'verify'?" in result.stderr) == (2, True)
    assert kynara("audit").exit_code == 2


# verify


def test_a_log_in_order_is_said_to_be_and_what_was_not_looked_for(kynara: Run, log: Path) -> None:
    result = kynara("audit", "verify", "audit")
    assert result.exit_code == 0
    assert "nothing is wrong with these 10 records\n" in result.stdout
    assert "  level        chain only\n" in result.stdout
    assert "note: only the folder was compared with itself" in result.stdout
    assert "and 0 came after it; its signature was not checked\n" in result.stdout
    result = kynara("audit", "verify", "audit", "--key", "acme.pub")
    assert "  level        signed\n" in result.stdout
    assert "covers 10 records, and 0 came after it\n" in result.stdout
    assert "note: an old copy of the whole folder" in result.stdout
    held = next(Path("held").iterdir())
    result = kynara("audit", "verify", "audit", "--key", Path("acme.pub").read_text(), "--checkpoint", str(held))
    assert (result.exit_code, "level        checkpoint held elsewhere" in result.stdout) == (0, True)


def test_verifying_as_json(kynara: Run, log: Path) -> None:
    found = json.loads(kynara("audit", "verify", "audit", "--format", "json").stdout)
    assert (found["ok"], found["size"], found["level"], found["findings"]) == (True, 10, "chain only", [])


def test_a_log_whose_end_was_cut_off_is_told(kynara: Run, log: Path) -> None:
    held = next(Path("held").iterdir())
    last = entries(log)[-1]
    file = log / last.segment
    file.write_bytes(file.read_bytes()[: last.offset])
    (log / "checkpoint").unlink()
    assert kynara("audit", "verify", "audit").exit_code == 0  # nobody can tell from the folder alone
    result = kynara("audit", "verify", "audit", "--key", "acme.pub", "--checkpoint", str(held))
    assert result.exit_code == 1
    assert "error[short]: the checkpoint that you hold is of 10 records, and the log has 9" in result.stdout
    assert "nothing is wrong" not in result.stdout
    assert "\n9 records were read\n" in result.stdout
    result = kynara("audit", "verify", "audit", "--min-size", "10")
    assert (result.exit_code, "error[short]" in result.stdout) == (1, True)


def test_a_changed_byte_is_told_with_its_place(kynara: Run, log: Path) -> None:
    entry = entries(log)[5]
    change_byte(log / entry.segment, entry.offset + 100)
    result = kynara("audit", "verify", "audit")
    assert result.exit_code == 1
    assert "error[changed]: record 5 does not have the hash that stands before it\n" in result.stdout
    assert f"  --> record 5, {entry.segment}, byte {entry.offset}\n" in result.stdout
    found = json.loads(kynara("audit", "verify", "audit", "--format", "json").stdout)
    assert (found["ok"], found["findings"][0]["seq"]) == (False, 5)


@pytest.mark.parametrize("what", ["missing", "empty", "another"])
def test_no_log_another_log_and_an_empty_one_are_errors(kynara: Run, log: Path, what: str) -> None:
    Path("empty").mkdir()
    write(Path("another"), mixed(3, random.Random(1)))
    identity = entries(log)[0].record["log"]
    result = kynara("audit", "verify", what, "--log-id", str(identity))
    assert result.exit_code == 1
    assert "error[" in result.stdout


def test_verifying_with_what_is_no_key_or_checkpoint_is_a_mistake(kynara: Run, log: Path) -> None:
    Path("nonsense").write_text("nonsense\n")
    for arguments, message in (
        (["--key", "nonsense"], "a public key is a line such as"),
        (["--key", "acme.key"], "this is the private key"),
        (["--key", "nowhere"], "cannot be read"),
        (["--checkpoint", "nonsense"], "this is no checkpoint"),
        (["--checkpoint", "nowhere"], "nowhere"),
    ):
        result = kynara("audit", "verify", "audit", *arguments)
        assert (result.exit_code, message in result.stderr) == (2, True), result.output


@pytest.mark.parametrize(
    "arguments",
    [[], ["audit", "--proof", "x"], ["--proof", "x", "--manifest", "y"], ["--proof", "x", "--min-size", "3"]],
    ids=str,
)
def test_verify_takes_one_thing_at_a_time(kynara: Run, arguments: list[str]) -> None:
    assert kynara("audit", "verify", *arguments).exit_code == 2


# show


def test_a_decision_is_shown_with_all_that_led_to_it(kynara: Run, log: Path) -> None:
    result = kynara("audit", "show", "audit", "3")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"record 3: decision, 20\d\d-\d\d-\d\dT[0-9:.]+Z", lines[0])
    assert lines[1] == 'allow Bot::"bot-1" for user::"bob": orders:refund on Order::"o-1"'
    for line in (
        '  by           Bot::"bot-1" {tenant = "acme"}',
        '  for          user::"bob" {tenant = "acme", roles ["support"]}',
        "  action       orders:refund",
        '  argument     amount = "10.00"',
        '  resource     Order::"o-1" {tenant = "acme", total = "80.00"}',
        '  context      ip = "203.0.113.7"',
        "  decision     allow",
        "  rule         permit shop.refund_orders (policy.kyn:19)",
        "  session      s-1",
        "  trace        t-1",
        f"  policies     {POLICIES.digest}",
        f"  hash         {entries(log)[3].hash}",
    ):
        assert line in lines
    assert kynara("audit", "query", "audit", "--about", "3").stdout.split()[2:4] == ["outcome", "failed"]


def test_approvals_and_errors_are_shown(kynara: Run, log: Path) -> None:
    assert "  approval     shop.late_refunds: missing; 1 needed, approved by nobody\n" in kynara("audit", "show", "audit", "6").stdout
    assert "  error        invalid-value: " in kynara("audit", "show", "audit", "8").stdout
    shown = kynara("audit", "show", "audit", "7").stdout
    assert "requested ap-1 (" in shown
    assert '  approval     id = "ap-1"\n' in shown
    assert "loaded sha256:" in kynara("audit", "show", "audit", "2").stdout
    assert "  error        \"TimeoutError: late\"\n" in kynara("audit", "show", "audit", "4").stdout


def test_redacted_arguments_are_shown_as_such(kynara: Run, project: Path) -> None:
    redaction = Redaction(b"k" * 32, {"*": ["amount"]})
    write(project / "audit", [("decision", decided(request(1), redaction=redaction))])
    shown = kynara("audit", "show", "audit", "2").stdout
    assert "argument     amount = (redacted; commitment " in shown
    assert "10.00" not in shown


def test_a_record_as_json(kynara: Run, log: Path) -> None:
    found = json.loads(kynara("audit", "show", "audit", "3", "--format", "json").stdout)
    entry = entries(log)[3]
    assert found == {
        "seq": 3, "hash": entry.hash, "segment": entry.segment, "offset": entry.offset, "record": entry.record
    }  # fmt: skip


@pytest.mark.parametrize("seq", ["10", "99999999999999999999", "-1", "x"])
def test_a_record_that_is_not_there_is_a_mistake(kynara: Run, log: Path, seq: str) -> None:
    result = kynara("audit", "show", "audit", "--", seq)
    assert result.exit_code == 2


# query and tail


def test_a_query_lists_the_newest_first(kynara: Run, log: Path) -> None:
    result = kynara("audit", "query", "audit", "--kind", "decision")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["8", "6", "5", "3"]
    assert result.stderr == "4 records\n"
    result = kynara("audit", "query", "audit", "--kind", "decision", "--limit", "1", "--oldest")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["3"]
    assert result.stderr == "the 1 oldest of 4 records; --limit shows more\n"


@pytest.mark.parametrize(
    ("arguments", "seqs"),
    [
        (["--decision", "deny"], [8, 5]),
        (["--subject", "Bot::bot-1"], [8, 3]),
        (["--subject", 'Bot::"bot-1"', "--decision", "allow"], [3]),
        (["--member", "user::alice"], [8, 5]),
        (["--resource", "Order::o-3"], [7, 6]),
        (["--resource", "Order"], [8, 7, 6, 5, 3]),
        (["--session", "s-2"], [7, 6]),
        (["--rule", "shop.late_refunds"], [7, 6]),
        (["--action", "orders:refund", "--kind", "approval"], [7]),
        (["--since", "2020-01-01", "--until", "2020-01-02"], []),
        (["--since", "2020-01-01T00:00:00+02:00", "--kind", "policy"], [2]),
    ],
    ids=str,
)
def test_what_can_be_asked_for(kynara: Run, log: Path, arguments: list[str], seqs: list[int]) -> None:
    for more in ([], ["--scan"]):
        result = kynara("audit", "query", "audit", *arguments, *more, "--format", "json")
        found = json.loads(result.stdout)
        assert [one["seq"] for one in found["records"]] == seqs
        assert (found["total"], found["scanned"]) == (len(seqs), bool(more))


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterday"], ["--until", "2026-01-01T10:00:00"], ["--subject", ""], ["--member", "::"], ["--limit", "0"]],
    ids=str,
)
def test_what_cannot_be_asked_for(kynara: Run, log: Path, arguments: list[str]) -> None:
    result = kynara("audit", "query", "audit", *arguments)
    assert (result.exit_code, "Error: Invalid value" in result.stderr) == (2, True)


def test_without_a_place_for_an_index_that_is_said(kynara: Run, log: Path) -> None:
    (log / "index.sqlite").mkdir()
    result = kynara("audit", "query", "audit", "--decision", "deny")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert "note: the whole log was read, because its index cannot be kept" in result.stderr


def test_the_tail_of_a_log(kynara: Run, log: Path) -> None:
    result = kynara("audit", "tail", "audit", "-n", "2")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["8", "9"]
    lines = kynara("audit", "tail", "audit", "--format", "json").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(10))
    assert kynara("audit", "tail", "audit", "-n", "0").stdout == ""


def test_following_a_log_shows_what_is_written(log: Path) -> None:
    command = [sys.executable, "-m", "kynara_lang.cli.main", "audit", "tail", "-n", "1", "-f", str(log), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as follower:
        try:
            assert follower.stdout is not None
            assert json.loads(follower.stdout.readline())["seq"] == 9
            with Log.open(log, key="acme.key", checkpoints=["held"]) as writer:
                for number in range(3):
                    writer.append("decision", decided(request(number)))
            found = [json.loads(follower.stdout.readline()) for _ in range(5)]
            assert [one["seq"] for one in found] == [10, 11, 12, 13, 14]
            assert [one["record"]["kind"] for one in found] == ["open", *["decision"] * 3, "close"]
            last = entries(log)[-1]
            (log / last.segment).write_bytes((log / last.segment).read_bytes()[:-3])
            assert follower.wait(timeout=30) == 1
        finally:
            follower.kill()


# export


def test_an_export_and_its_manifest(kynara: Run, log: Path) -> None:
    for form in ("jsonl", "csv", "parquet", "ocsf", "cloudevents"):
        result = kynara("audit", "export", "audit", "--format", form, "-o", f"all.{form}", "--key", "acme.key")
        assert result.exit_code == 0
        assert result.stderr == f"10 records, all of a range; all.{form}.manifest.json says which\n"
        assert Path(f"all.{form}").stat().st_mode & 0o777 == 0o600
        checked = kynara("audit", "verify", "--manifest", f"all.{form}.manifest.json", "--key", "acme.pub")
        assert checked.exit_code == 0
        assert f"all.{form} is as it was exported: 10 records, complete range\n" in checked.stdout
        assert "  signed by    acme\n" in checked.stdout


def test_a_selection_is_called_one(kynara: Run, log: Path) -> None:
    arguments = ["--decision", "deny", "--first", "4", "-o", "some.csv", "--unsigned"]
    result = kynara("audit", "export", "audit", "--format", "csv", *arguments)
    assert result.stderr == "2 records, a filtered view; some.csv.manifest.json says which\n"
    checked = kynara("audit", "verify", "--manifest", "some.csv.manifest.json")
    assert "2 records, filtered view\n  range        records 4 to 9; decision deny\n" in checked.stdout
    assert "note: its signature was not checked" in checked.stdout
    assert kynara("audit", "verify", "--manifest", "some.csv.manifest.json", "--key", "acme.pub").exit_code == 1


def test_what_was_changed_after_an_export_is_told(kynara: Run, log: Path) -> None:
    kynara("audit", "export", "audit", "--format", "jsonl", "-o", "all.jsonl", "--key", "acme.key")
    check = ["audit", "verify", "--manifest", "all.jsonl.manifest.json", "--key", "acme.pub"]
    assert json.loads(kynara(*check, "--format", "json").stdout)["signed_by"] == "acme"
    whole = Path("all.jsonl").read_bytes()
    Path("all.jsonl").write_bytes(whole.replace(b"alice", b"mallo", 1))
    result = kynara(*check)
    assert (result.exit_code, "was changed after it was exported" in result.stderr) == (1, True)
    Path("all.jsonl").write_bytes(whole)
    manifest = Path("all.jsonl.manifest.json")
    manifest.write_text(manifest.read_text().replace("complete range", "filtered view"))
    result = kynara(*check)
    assert (result.exit_code, "under the manifest is wrong" in result.stderr) == (1, True)
    Path("all.jsonl").unlink()
    manifest.write_text("{}")
    assert kynara(*check).exit_code == 2


def test_a_manifest_names_no_file_elsewhere(kynara: Run, log: Path) -> None:
    kynara("audit", "export", "audit", "--format", "jsonl", "-o", "all.jsonl", "--unsigned")
    manifest = Path("all.jsonl.manifest.json")
    for name in ("../../etc/passwd", "/etc/passwd", "..", "", "sub/all.jsonl"):
        manifest.write_text(json.dumps({"manifest": {"format": "kynara-export/1", "file": name}, "signature": None}))
        result = kynara("audit", "verify", "--manifest", str(manifest))
        assert (result.exit_code, "does not name a file beside it" in result.stderr) == (2, True)


def test_nothing_is_written_over(kynara: Run, log: Path) -> None:
    for taken in ("all.csv", "all.csv.manifest.json"):
        Path(taken).write_text("evidence")
        result = kynara("audit", "export", "audit", "--format", "csv", "-o", "all.csv", "--unsigned")
        assert (result.exit_code, f"{taken} exists already" in result.stderr) == (2, True)
        assert Path(taken).read_text() == "evidence"
        Path(taken).unlink()
    assert not list(Path().glob("all.csv*"))


def test_a_log_that_is_not_in_order_leaves_no_export_behind(kynara: Run, log: Path) -> None:
    change_byte(log / entries(log)[5].segment, entries(log)[5].offset + 100)
    result = kynara("audit", "export", "audit", "--format", "csv", "-o", "all.csv", "--unsigned")
    assert result.exit_code == 1
    assert "error: record 5" in result.stderr
    assert "help: `kynara audit verify audit` says" in result.stderr
    assert not list(Path().glob("all.csv*"))


def test_standard_output_needs_a_manifest_elsewhere(kynara: Run, log: Path) -> None:
    result = kynara("audit", "export", "audit", "--format", "jsonl", "-o", "-", "--unsigned")
    assert (result.exit_code, "give --manifest FILE" in result.stderr) == (2, True)
    result = kynara("audit", "export", "audit", "--format", "jsonl", "-o", "-", "--unsigned", "--manifest", "m.json")
    assert len(result.stdout.splitlines()) == 10
    assert json.loads(Path("m.json").read_text())["manifest"]["file"] is None
    assert kynara("audit", "verify", "--manifest", "m.json").exit_code == 2


AT_ONCE = """
import sys, threading
from kynara_lang.cli.main import cli
class Timer(threading.Timer):
    def start(self):
        self.function()  # not in a thread: however short the work is, it shows before the work begins
threading.Timer = Timer
cli.main(sys.argv[1:], prog_name="kynara")
"""


def on_a_terminal(*arguments: str, both: bool = False) -> tuple[int, str]:
    """Run `kynara audit` with a terminal as standard error, or as both streams; return exit code and what it got."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-c", AT_ONCE, "audit", *arguments]
    stdout = theirs if both else subprocess.DEVNULL
    with subprocess.Popen(command, stdout=stdout, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # how Linux tells that the other side is closed
                break
            if not part:
                break
            shown += part
        os.close(ours)
        return process.wait(timeout=60), shown.decode()


def test_an_export_does_not_go_to_a_terminal(log: Path) -> None:
    arguments = ["--format", "jsonl", "-o", "-", "--unsigned", "--manifest", "m.json"]
    code, shown = on_a_terminal("export", "audit", *arguments, both=True)
    assert (code, "standard output is a terminal" in shown) == (2, True)
    assert not Path("m.json").exists()


def test_a_terminal_shows_that_work_goes_on_and_nobody_else_sees_it(kynara: Run, project: Path) -> None:
    body = json.dumps(decided(request(1)), sort_keys=True, separators=(",", ":")).encode()
    forged(project / "audit", [body] * 2_000)
    code, shown = on_a_terminal("verify", "audit")
    assert code == 0
    assert "verifying" in shown
    assert kynara("audit", "verify", "audit").stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--unsigned", "--key", "acme.key"],
        [],
        ["--key", "acme.pub"],
        ["--key", "nowhere"],
        ["--unsigned", "--first", "5", "--last", "4"],
        ["--unsigned", "--first", "500"],
    ],
    ids=str,
)
def test_exports_that_make_no_sense(kynara: Run, log: Path, arguments: list[str]) -> None:
    result = kynara("audit", "export", "audit", "--format", "csv", "-o", "all.csv", *arguments)
    assert result.exit_code == 2
    assert not list(Path().glob("all.csv*"))


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("pyarrow", "parquet", ["export", "audit", "--format", "parquet", "-o", "x.parquet", "--unsigned"]),
        ("cryptography.hazmat.primitives.asymmetric.ed25519", "audit", ["export", "audit", "--format", "csv", "-o", "x.csv", "--key", "acme.key"]),
        ("cryptography.hazmat.primitives.asymmetric.ed25519", "audit", ["checkpoint", "audit", "--key", "acme.pub"]),
    ],
)
def test_an_extra_that_is_missing_is_named(
    kynara: Run, log: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, arguments: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = kynara("audit", *arguments)
    assert (result.exit_code, f'pip install "kynara-lang[{extra}]"' in result.stderr) == (2, True)
    assert not list(Path().glob("x.*"))


# prove and checkpoint


def test_a_proof_is_checked_without_the_log(kynara: Run, log: Path) -> None:
    assert kynara("audit", "prove", "audit", "5", "-o", "5.json").exit_code == 0
    shutil.rmtree(log)
    held = next(Path("held").iterdir())
    for arguments in (["--key", "acme.pub"], ["--checkpoint", str(held)], ["--key", "acme.pub", "--checkpoint", str(held)]):
        result = kynara("audit", "verify", "--proof", "5.json", *arguments)
        assert result.exit_code == 0
        assert re.match(r"record 5 is in the log [0-9a-f]{32}, as one of its first 10 records\nrecord 5: decision", result.stdout)
        assert 'deny Bot::"bot-2" for user::"alice"' in result.stdout
    found = json.loads(kynara("audit", "verify", "--proof", "5.json", "--key", "acme.pub", "--format", "json").stdout)
    assert (found["ok"], found["seq"], found["record"]["seq"]) == (True, 5, 5)
    result = kynara("audit", "verify", "--proof", "5.json")
    assert (result.exit_code, "a proof says nothing without the key" in result.stderr) == (2, True)
    Path("5.json").write_text(Path("5.json").read_text().replace("alice", "mallo"))
    assert kynara("audit", "verify", "--proof", "5.json", "--key", "acme.pub").exit_code == 1
    key_pair(Path(), "other")
    kynara_again = kynara("audit", "verify", "--proof", "5.json", "--key", "other.pub")
    assert kynara_again.exit_code == 1


def test_a_proof_of_an_unsigned_log_says_that_it_convinces_nobody(kynara: Run, project: Path) -> None:
    write(project / "audit", mixed(3, random.Random(1)))
    result = kynara("audit", "prove", "audit", "3")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["checkpoint"] is None
    assert "note: no signed checkpoint covers record 3 yet" in result.stderr
    assert kynara("audit", "prove", "audit", "333").exit_code == 2


def test_the_newest_checkpoint(kynara: Run, log: Path) -> None:
    result = kynara("audit", "checkpoint", "audit", "--key", "acme.pub")
    assert result.stdout == next(Path("held").iterdir()).read_text()
    key_pair(Path(), "other")
    result = kynara("audit", "checkpoint", "audit", "--key", "other.pub")
    assert (result.exit_code, "has no signature of the key" in result.stderr) == (2, True)
    write(Path("unsigned"), [])
    result = kynara("audit", "checkpoint", "unsigned")
    assert (result.exit_code, "unsigned has no checkpoint" in result.stderr) == (2, True)


def test_a_held_checkpoint_goes_forward_only(kynara: Run, log: Path) -> None:
    shutil.copytree(log, "older")
    update = ["audit", "checkpoint", "audit", "--key", "acme.pub", "--output", "mine"]
    assert kynara(*update).exit_code == 0
    first = Path("mine").read_text()
    with Log.open(log, key="acme.key", checkpoints=["held"]) as writer:
        writer.append("decision", decided(request(1)))
    assert kynara(*update).exit_code == 0
    newer = Path("mine").read_text()
    assert newer != first
    result = kynara("audit", "checkpoint", "older", "--key", "acme.pub", "--output", "mine")
    assert result.exit_code == 1
    assert "error[short]" in result.stderr
    assert "mine is kept as it is" in result.stderr
    assert Path("mine").read_text() == newer


def test_an_older_checkpoint_that_was_put_back_replaces_no_newer_one(kynara: Run, log: Path) -> None:
    older = (log / "checkpoint").read_bytes()
    with Log.open(log, key="acme.key", checkpoints=["held"]) as writer:
        writer.append("decision", decided(request(1)))
    update = ["audit", "checkpoint", "audit", "--key", "acme.pub", "--output", "mine"]
    assert kynara(*update).exit_code == 0
    newer = Path("mine").read_bytes()
    (log / "checkpoint").write_bytes(older)  # it is genuine, and the log extends it
    result = kynara(*update)
    assert result.exit_code == 1
    assert "error: mine is kept as it is: it is of 13 records, and the newest checkpoint that audit has is of 10" in result.stderr
    assert Path("mine").read_bytes() == newer


# replay


def test_the_same_policies_decide_the_same(kynara: Run, project: Path) -> None:
    write(project / "audit", mixed(30, random.Random(3)))
    result = kynara("audit", "replay", "audit", "--policies", "policies")
    assert (result.exit_code, result.stdout) == (0, "30 decisions: 30 come out the same, 0 not\n")


def test_other_policies_are_shown_to_decide_otherwise(kynara: Run, log: Path, project: Path) -> None:
    policy = project / "policies" / "shop.kyn"
    policy.write_text(policy.read_text().replace("args.amount <= resource.total", "args.amount <= 5.00"))
    result = kynara("audit", "replay", "audit")
    assert result.exit_code == 2  # there is no configuration that says where policies are
    result = kynara("audit", "replay", "audit", "-p", "policies")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("3  ")
    assert lines[1:3] == ["  then  allow", "  now   deny  (another policy)"]
    assert lines[-2:] == [
        "4 decisions: 2 come out the same, 2 not",
        "note: 4 were decided under other policies; only the effect is compared",
    ]
    found = json.loads(kynara("audit", "replay", "audit", "-p", "policies", "--format", "json", "--limit", "1").stdout)
    assert (found["decisions"], found["equal"], found["different"], found["other_policy"]) == (4, 2, 2, 4)
    assert [one["seq"] for one in found["differences"]] == [3]


def test_what_cannot_be_decided_again_is_counted(kynara: Run, project: Path) -> None:
    redaction = Redaction(b"k" * 32, {"*": ["amount"]})
    write(project / "audit", [("decision", decided(request(n), redaction=redaction)) for n in range(3)])
    result = kynara("audit", "replay", "audit", "-p", "policies")
    assert result.exit_code == 1  # nothing was shown to be the same
    assert result.stdout == (
        "3 decisions: 0 come out the same, 0 not, 3 not decided again\n"
        "  3: arguments are stored as commitments\n"
        "nothing was decided again, so nothing is shown to be the same\n"
    )
    found = json.loads(kynara("audit", "replay", "audit", "-p", "policies", "--format", "json").stdout)
    assert found["not_decided_again"] == {"redacted": 3}


def test_policies_with_errors_decide_nothing_again(kynara: Run, log: Path) -> None:
    result = kynara("audit", "replay", "audit", "-p", "broken")
    assert (result.exit_code, "a policy with errors decides nothing" in result.stderr) == (2, True)


# key


def test_a_key_pair_signs_and_verifies(kynara: Run, project: Path) -> None:
    result = kynara("audit", "key", "example.com/payments")
    assert result.exit_code == 0
    assert (project / "audit.key").stat().st_mode & 0o777 == 0o600
    assert result.stdout == (project / "audit.pub").read_text(encoding="utf-8")
    with Log.open("audit", key="audit.key", checkpoints=["held"]) as log:
        log.append("policy", policy_body(digest=POLICIES.digest, before=None, problem=None))
    assert kynara("audit", "verify", "audit", "--key", "audit.pub").exit_code == 0


@pytest.mark.parametrize("taken", ["audit.key", "audit.pub"])
def test_no_key_is_written_over(kynara: Run, project: Path, taken: str) -> None:
    (project / taken).write_text("mine", encoding="utf-8")
    result = kynara("audit", "key", "acme")
    assert result.exit_code == 2
    assert f"{taken} is there already" in result.stderr
    assert (project / taken).read_text(encoding="utf-8") == "mine"
    assert not {"audit.key", "audit.pub"} <= {path.name for path in project.iterdir()}


def test_the_two_halves_never_share_a_file(kynara: Run, project: Path) -> None:
    assert kynara("audit", "key", "acme", "-o", "x.pub").exit_code == 0
    assert (project / "x.pub").read_text(encoding="utf-8").startswith("PRIVATE+KEY+acme+")
    assert (project / "x.pub.pub").read_text(encoding="utf-8").startswith("acme+")


def test_a_name_of_a_key_has_no_spaces(kynara: Run, project: Path) -> None:
    result = kynara("audit", "key", "my key")
    assert result.exit_code == 2
    assert "without spaces" in result.stderr
    assert not list(project.glob("audit.*"))
