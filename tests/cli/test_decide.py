"""`kynara decide`: JSON lines in, JSON lines out, and nothing that stops in the middle."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.cli.answers import answer_all
from kynara_lang.cli.json_lines import Line, in_line, read_lines
from tests.cli.project import POLICY, ROOT, Run, Spawn

READ: dict[str, Any] = {
    "subject": {"type": "user", "id": "alice", "properties": {"tenant": "acme"}},
    "action": {"name": "read"},
    "resource": {"type": "Order", "id": "o-1", "properties": {"tenant": "acme", "total": "80.00"}},
}
REFUND: dict[str, Any] = {
    **READ,
    "subject": {**READ["subject"], "roles": ["support"]},
    "action": {"name": "orders:refund", "properties": {"amount": "10.00"}},
    "context": {"now": "2026-12-24T10:00:00Z"},
}
DENIED: dict[str, Any] = {**READ, "resource": {"type": "Order", "id": "o-2", "properties": {"tenant": "globex"}}}


def lines(*requests: Any) -> str:
    return "".join(json.dumps(r) + "\n" for r in requests)


def decisions(text: str) -> list[Any]:
    return [json.loads(line)["decision"] for line in text.splitlines()]


def test_one_decision_a_line(kynara: Run, project: Path) -> None:
    (project / "requests.jsonl").write_text(lines(READ, REFUND, DENIED))
    result = kynara("decide", "policies", "--requests", "requests.jsonl")
    assert (result.exit_code, result.stderr) == (0, "")
    assert decisions(result.stdout) == ["allow", "require_approval", "deny"]
    first, second, third = (json.loads(line) for line in result.stdout.splitlines())
    assert first["rules"] == ["shop.read_orders"]
    assert second["approvals"][0]["rule"] == "shop.late_refunds"
    assert set(third) == {"decision", "rules", "approvals", "errors", "policy_digest"}


def test_standard_input_and_a_summary(kynara: Run) -> None:
    result = kynara("decide", "policies", "--requests", "-", "--summary", input=lines(READ, DENIED, READ))
    assert result.exit_code == 0
    assert decisions(result.stdout) == ["allow", "deny", "allow"]
    assert result.stderr == "3 requests: 2 allow, 0 require_approval, 1 deny\n"


@pytest.mark.parametrize(("requests", "code"), [([READ], 0), ([READ, REFUND], 0), ([READ, DENIED, READ], 1), ([3], 1)])
def test_exit_on_deny(kynara: Run, requests: list[Any], code: int) -> None:
    assert kynara("decide", "policies", "--requests", "-", input=lines(*requests)).exit_code == 0
    assert kynara("decide", "policies", "--requests", "-", "--exit-on-deny", input=lines(*requests)).exit_code == code


def test_blank_lines_and_line_ends_do_not_matter(kynara: Run) -> None:
    text = "\n  \n" + lines(READ).replace("\n", "\r\n") + "\n\t\n" + lines(READ).rstrip()
    assert decisions(kynara("decide", "policies", "--requests", "-", input=text).stdout) == ["allow", "allow"]
    empty = kynara("decide", "policies", "--requests", "-", "--summary", input="")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert empty.stderr.startswith("0 requests")


@pytest.mark.parametrize("jobs", [(), ("--jobs", "2")], ids=["one process", "two processes"])
@pytest.mark.parametrize("space", ["\f", "\v", " \f\t", "\u00a0"])
def test_a_line_of_space_that_is_none_in_json_is_answered(spawn: Spawn, space: str, jobs: tuple[str, ...]) -> None:
    """Python strips more than JSON knows; without an answer every later one would be taken for that of another line."""
    given = lines(READ).encode() + f"{space}\n".encode() + b"\r\n \t\n" + lines(READ).encode()
    told = spawn("decide", "policies", "--requests", "-", *jobs, input=given)
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert [one["decision"] for one in found] == ["allow", "deny", "allow"]
    assert found[1]["errors"][0]["code"] == "malformed-request"
    assert "line 2" in found[1]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "line 3, column 2: a key in double quotes is expected here"),
        (b"nonsense", "line 3, column 1: a value is expected here"),
        (b'{"a": 1, "a": 2}', "line 3: the key `a` occurs twice in one object"),
        (b"\xff\xfe", "line 3: the document is not UTF-8: byte 1 fits no character"),
        (b"[" * 100_000, "line 3: the document is nested deeper than 64 levels"),
        (b'{"a": NaN}', "line 3: `NaN` is not a JSON value"),
        (b'{"a": "\\ud800"}', "is a lone surrogate, not a character"),
        (b"\xef\xbb\xbf{}", "line 3, column 1: a byte order mark must be left out"),
    ],
)
def test_a_line_that_is_not_json_is_denied_and_the_stream_goes_on(kynara: Run, line: bytes, message: str) -> None:
    text = lines(READ).encode() + b"\n" + line + b"\n" + lines(READ).encode()
    result = kynara("decide", "policies", "--requests", "-", input=text)
    assert result.exit_code == 0
    assert decisions(result.stdout) == ["allow", "deny", "allow"]
    (error,) = json.loads(result.stdout.splitlines()[1])["errors"]
    assert error["code"] == "malformed-request"
    assert message in error["message"]


@pytest.mark.parametrize("value", [3, None, [], "x", {}, {"subject": 3}, {**READ, "action": {"name": "raed"}}])
def test_a_line_that_is_no_request_is_denied_and_says_why(kynara: Run, value: Any) -> None:
    result = kynara("decide", "policies", "--requests", "-", input=lines(value, READ))
    assert decisions(result.stdout) == ["deny", "allow"]
    assert json.loads(result.stdout.splitlines()[0])["errors"]


def test_a_huge_line_is_denied_without_being_kept(kynara: Run) -> None:
    text = lines(READ) + '{"a": "' + "x" * 5_000_000 + '"}\n' + lines(READ)
    result = kynara("decide", "policies", "--requests", "-", input=text)
    assert decisions(result.stdout) == ["allow", "deny", "allow"]
    (error,) = json.loads(result.stdout.splitlines()[1])["errors"]
    assert error["message"] == "line 2: the line is longer than 4 MiB"


def test_nothing_of_a_request_can_act_on_a_terminal(kynara: Run) -> None:
    evil = {**READ, "action": {"name": "\x1b]0;owned\x07\x9b31m\u202e"}}
    result = kynara("decide", "policies", "--requests", "-", input=lines(evil))
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout


# Batches


def test_a_batch_is_answered_by_one_line(kynara: Run) -> None:
    other = {"resource": DENIED["resource"]}
    batch = {"subject": READ["subject"], "action": READ["action"], "evaluations": [{}, other, 3]}
    batch["resource"] = READ["resource"]
    result = kynara("decide", "policies", "--requests", "-", "--summary", input=lines(batch, READ))
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert [d["decision"] for d in first["evaluations"]] == ["allow", "deny", "deny"]
    assert second["decision"] == "allow"
    assert result.stderr == "4 requests: 2 allow, 0 require_approval, 2 deny\n"


def test_a_batch_without_evaluations_is_one_request(kynara: Run) -> None:
    result = kynara("decide", "policies", "--requests", "-", input=lines({**READ, "evaluations": []}))
    assert [d["decision"] for d in json.loads(result.stdout)["evaluations"]] == ["allow"]


def test_a_long_batch_is_answered_whole_and_in_order(kynara: Run) -> None:
    batch = {**READ, "evaluations": [{} if n % 3 else {"resource": DENIED["resource"]} for n in range(2500)]}
    result = kynara("decide", "policies", "--requests", "-", input=lines(batch))
    found = [d["decision"] for d in json.loads(result.stdout)["evaluations"]]
    assert found == ["allow" if n % 3 else "deny" for n in range(2500)]


@pytest.mark.parametrize("value", [7, None, {}, "x"])
def test_a_malformed_batch_is_denied(kynara: Run, value: Any) -> None:
    result = kynara("decide", "policies", "--requests", "-", "--exit-on-deny", input=lines({"evaluations": value}))
    assert result.exit_code == 1
    (error,) = json.loads(result.stdout)["errors"]
    assert error["path"] == "evaluations"
    assert error["message"].startswith("line 1: ")


# Entities


def test_entities_are_looked_up(kynara: Run, project: Path) -> None:
    bare = {**READ, "subject": {"type": "user", "id": "alice"}, "resource": {"type": "Order", "id": "o-1"}}
    store = [READ["subject"], READ["resource"]]
    (project / "entities.json").write_text(json.dumps(store))
    (project / "bare.jsonl").write_text(lines(bare))
    assert decisions(kynara("decide", "policies", "--requests", "bare.jsonl").stdout) == ["deny"]
    found = kynara("decide", "policies", "--requests", "bare.jsonl", "--entities", "entities.json")
    assert decisions(found.stdout) == ["allow"]
    piped = kynara("decide", "policies", "--requests", "bare.jsonl", "--entities", "-", input=json.dumps(store))
    assert decisions(piped.stdout) == ["allow"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "error: entities.json: cannot be read: No such file or directory"),
        (b"{", "error: entities.json: line 1, column 2: "),
        (b"\xff", "error: entities.json: the document is not UTF-8"),
        (b"3", "error: entities.json: a list of entities"),
        (b'[{"type": "user"}]', "error: entities.json: [0]"),
        (
            b'[{"type": "user", "id": "a", "properties": {"tenant": 3}}]',
            "error: entities.json: [0].properties.tenant: ",
        ),
    ],
)
def test_entities_that_cannot_be_used_are_an_error(
    kynara: Run, project: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (project / "entities.json").write_bytes(content)
    result = kynara("decide", "policies", "--requests", "-", "--entities", "entities.json", input=lines(READ))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message)


# What cannot begin


def test_a_policy_with_errors_decides_nothing(kynara: Run) -> None:
    result = kynara("decide", "broken", "--requests", "-", input=lines(READ))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error[KYN101] unknown-name: " in result.stderr
    assert "Found 2 errors in 1 file; a policy with errors decides nothing\n" in result.stderr


def test_requests_that_are_not_there_are_an_error(kynara: Run) -> None:
    result = kynara("decide", "policies", "--requests", "nowhere.jsonl")
    assert result.exit_code == 2
    assert result.stderr == "error: the requests cannot be read: nowhere.jsonl: No such file or directory\n"
    assert kynara("decide", "policies", "--requests", "policies").exit_code == 2
    assert kynara("decide", "policies").exit_code == 2
    assert "Say which requests: --requests FILE" in kynara("decide", "policies").stderr
    assert "write: kynara decide policies --requests my.jsonl" in kynara("decide", "policies", "my.jsonl").stderr


@pytest.mark.parametrize(
    "arguments",
    [["-", "--requests", "-"], ["policies", "--requests", "-", "--entities", "-"]],
)
def test_standard_input_has_one_purpose(kynara: Run, arguments: list[str]) -> None:
    result = kynara("decide", *arguments, input=POLICY)
    assert result.exit_code == 2
    assert "Standard input cannot be both" in result.stderr


def test_the_policy_may_come_from_standard_input(kynara: Run, project: Path) -> None:
    (project / "r.jsonl").write_text(lines(READ))
    assert decisions(kynara("decide", "-", "--requests", "r.jsonl", input=POLICY).stdout) == ["allow"]


def test_the_configured_policies_are_the_default(kynara: Run, project: Path) -> None:
    (project / "kynara.toml").write_text('policies = "policies"')
    assert decisions(kynara("decide", "--requests", "-", input=lines(READ)).stdout) == ["allow"]


def test_a_process_of_its_own(spawn: Spawn) -> None:
    ran = spawn("decide", "policies", "--requests", "-", "--exit-on-deny", input=(lines(READ) + "{\n").encode())
    assert ran.returncode == 1
    assert decisions(ran.stdout.decode()) == ["allow", "deny"]


# Reading lines


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 65536])
def test_lines_come_out_as_they_went_in_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr("kynara_lang.cli.json_lines._CHUNK", chunk)
    text = b"ab\n\nc\r\n" + b"x" * 6 + b"\n" + b"y" * 5 + b"\nlast"
    assert list(read_lines(io.BytesIO(text), limit=5)) == [
        Line(1, b"ab"),
        Line(2, b""),
        Line(3, b"c\r"),
        Line(4, None),
        Line(5, b"yyyyy"),
        Line(6, b"last"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [(b"", []), (b"\n", [b""]), (b"toolong", [None]), (b"toolong\n", [None])]
)
def test_the_end_of_a_stream(text: bytes, expected: list[bytes | None]) -> None:
    assert [line.content for line in read_lines(io.BytesIO(text), limit=5)] == expected


def test_answers_are_sent_before_more_is_waited_for() -> None:
    happened: list[str] = []

    chunks = [b"a\nb\nc", b"c\n", b""]

    class Slow(io.RawIOBase):
        def read1(self, size: int) -> bytes:
            happened.append("wait")
            return chunks.pop(0)

    for line in read_lines(Slow(), before_waiting=lambda: happened.append("send")):
        happened.append((line.content or b"").decode())
    assert happened == ["send", "wait", "a", "b", "send", "wait", "cc", "send", "wait"]


def test_places_are_told_in_terms_of_the_stream() -> None:
    assert in_line(7, "line 1, column 2: x") == "line 7, column 2: x"
    assert in_line(7, "x") == "line 7: x"


def test_memory_does_not_grow_with_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of a line once it is answered: the lines are made one by one, and so are the answers."""
    alive = 0
    most = 0

    class Counted(bytes):
        def __new__(cls, *arguments: Any) -> "Counted":
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return super().__new__(cls, *arguments)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    class Policies:
        digest = "sha256:0"

    from collections import Counter

    made = (Line(n, Counted(b"{")) for n in range(1000))
    answer_all(Policies(), made, Counter(), lambda text: None)  # type: ignore[arg-type]
    assert most <= 3


def test_several_processes_answer_in_order(spawn: Spawn, project: Path) -> None:
    requests: list[Any] = []
    for i in range(700):
        tenant = "acme" if i % 3 else "globex"
        requests.append({**READ, "resource": {"type": "Order", "id": f"o-{i}", "properties": {"tenant": tenant, "total": i}}})
    text = lines(*requests) + "nonsense\n\n" + json.dumps({"evaluations": [{}, READ]}) + "\n"
    (project / "requests.jsonl").write_text(text)
    for source, given in (("requests.jsonl", b""), ("-", text.encode())):
        common = ("decide", "policies", "--requests", source, "--summary")
        for more in ((), ("--with-request",)):
            alone = spawn(*common, *more, input=given)
            shared = spawn(*common, *more, "--jobs", "3", input=given)
            assert (alone.returncode, alone.stderr) == (shared.returncode, shared.stderr)
            assert alone.stdout == shared.stdout
            assert alone.stdout.count(b"\n") == 702
    assert spawn("decide", "policies", "--requests", "requests.jsonl", "--jobs", "2", "--exit-on-deny").returncode == 1


def test_whoever_waits_for_an_answer_gets_it_from_several_processes_too(project: Path) -> None:
    """Lines that come one at a time are answered one at a time."""
    command = [sys.executable, "-m", "kynara_lang.cli.main", "decide", "policies", "--requests", "-", "--jobs", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=project, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for request, decision in ((READ, "allow"), (DENIED, "deny"), (READ, "allow")):
            process.stdin.write(lines(request).encode())
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["decision"] == decision
        process.stdin.close()
        assert process.wait(timeout=30) == 0
