"""Exports: every format says what the log says, spreadsheets are safe, and the manifest tells what was changed."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import tracemalloc
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kynara_lang.audit import LogError, SigningKey, framing
from kynara_lang.audit.encoding import canonical
from kynara_lang.audit.export import FORMS, Slice, export
from kynara_lang.audit.export_formats import COLUMNS, guarded
from kynara_lang.audit.export_manifest import check_file, manifest_text, read_manifest
from kynara_lang.audit.merkle import Frontier, leaf_hash
from kynara_lang.audit.notes import Checkpoint
from kynara_lang.audit.query import Criteria
from kynara_lang.audit.query_facts import facts_of
from kynara_lang.audit.query_proof import check_proof, own_checkpoint, prove, read_proof
from kynara_lang.audit.reading import Entry
from kynara_lang.audit.tail import segment_name
from tests.audit.query_logs import decided, entries, forged, key_pair, mixed, request, write

KEY = SigningKey.generate("acme")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    write(tmp_path / "audit", mixed(40, random.Random(1)), segment_bytes=20_000)
    return tmp_path / "audit"


def exported(path: Path, form: str, wanted: Slice | None = None) -> tuple[bytes, dict[str, Any]]:
    out = io.BytesIO()
    said = export(str(path), form, out, wanted or Slice())
    return out.getvalue(), said


# What is in a file


def test_json_lines_are_the_stored_bytes(log: Path) -> None:
    content, said = exported(log, "jsonl")
    before = framing.START
    for line, entry in zip(content.split(b"\n")[:-1], entries(log), strict=True):
        before = framing.chained(before, line)  # the chain can be computed again from the export alone
        assert before.hex() == entry.hash
    assert said["tree"]["hash"] == before.hex()


def test_a_csv_file_has_all_records(log: Path) -> None:
    content, _ = exported(log, "csv")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
    assert list(rows[0]) == list(COLUMNS)
    for row, entry in zip(rows, entries(log), strict=True):
        facts = facts_of(entry)
        assert (row["seq"], row["kind"], row["hash"]) == (str(entry.seq), facts.kind, entry.hash)
        assert (row["decision"], row["action"]) == (facts.decision or "", facts.action or "")
        assert json.loads(row["chain"] or "[]") == list(facts.chain)
        assert json.loads(row["rules"] or "[]") == list(facts.rules)
        assert json.loads(row["record"]) == entry.record


def test_a_parquet_file_has_all_records(log: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    content, said = exported(log, "parquet")
    (tmp_path / "all.parquet").write_bytes(content)
    assert said["bytes"] == len(content)
    rows = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    for row, entry in zip(rows, entries(log), strict=True):
        facts = facts_of(entry)
        assert row["seq"] == entry.seq
        assert row["time"] == datetime.fromisoformat(str(entry.record["time"]))
        assert (row["decision"], row["resource"], row["about"]) == (facts.decision, facts.resource, facts.about)
        assert (row["chain"], row["rules"]) == (list(facts.chain), list(facts.rules))
        assert json.loads(row["record"]) == entry.record


def test_cloud_events_have_what_the_standard_demands(log: Path) -> None:
    content, said = exported(log, "cloudevents")
    events = [json.loads(line) for line in content.splitlines()]
    for event, entry in zip(events, entries(log), strict=True):
        assert event["specversion"] == "1.0"
        assert event["type"] == f"kynara.audit.{entry.record['kind']}"
        assert event["source"] == f"urn:kynara:log:{said['log']}"
        assert datetime.fromisoformat(event["time"]).tzinfo is not None
        assert event["data"] == entry.record
        assert all(name.isalnum() and name.islower() for name in event)
    assert len({(event["source"], event["id"]) for event in events}) == len(events)
    assert [event["sequence"] for event in events] == sorted(event["sequence"] for event in events)


OCSF_REQUIRED = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid", "actor", "api"}
OCSF_REQUIRED |= {"src_endpoint"}
ENDPOINT = {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name"}


def test_ocsf_events_have_what_the_class_demands(log: Path) -> None:
    content, _ = exported(log, "ocsf")
    events = [json.loads(line) for line in content.splitlines()]
    for event, entry in zip(events, entries(log), strict=True):
        facts = facts_of(entry)
        assert set(event) >= OCSF_REQUIRED
        assert (event["class_uid"], event["category_uid"]) == (6003, 6)
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["time"] == facts.time // 1000
        assert {"version", "product"} <= set(event["metadata"])
        assert event["api"]["operation"]
        assert set(event["actor"]) & {"process", "user", "invoked_by", "session", "app_name", "app_uid", "idp"}
        assert set(event["src_endpoint"]) & ENDPOINT
        assert json.loads(event["raw_data"]) == entry.record
        assert event["unmapped"]["hash"] == entry.hash
    decisions = {event["unmapped"]["hash"]: event for event in events if event["metadata"]["event_code"] == "decision"}
    assert decisions
    for entry in entries(log):
        facts = facts_of(entry)
        if facts.kind == "decision":
            event = decisions[entry.hash]
            assert event["actor"]["user"]["uid"] == facts.subject
            assert event["action_id"] == (1 if facts.decision == "allow" else 2)
            assert event["disposition_id"] == {"allow": 1, "deny": 2, "require_approval": 99}[str(facts.decision)]
            assert event["resources"] == [{"type": "Order", "uid": f"{str(facts.resource)[8:-1]}"}]
            assert event["src_endpoint"] == {"ip": "203.0.113.7"}
            assert event["policy"]["uid"] == facts.policy_digest


@pytest.mark.parametrize("form", FORMS)
def test_every_format_counts_and_hashes_what_it_wrote(log: Path, form: str) -> None:
    from hashlib import sha256

    content, said = exported(log, form)
    assert said["sha256"] == sha256(content).hexdigest()
    assert said["bytes"] == len(content)
    every = entries(log)
    assert said["records"] == len(every)
    tree = Frontier()
    for entry in every:
        tree.add(leaf_hash(entry.raw))
    assert said["tree"] == {"size": tree.size, "root": tree.root().hex(), "hash": every[-1].hash}


# Spreadsheets


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x", " =1", "\u00a0=1", "'=1", "'x"],
)
def test_no_cell_begins_as_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "1", "User", " x", "{}", '"=1"', "  "])
def test_other_cells_are_left_alone(text: str) -> None:
    assert guarded(text) == text


def test_a_hostile_record_is_no_formula_in_any_cell(tmp_path: Path) -> None:
    hostile = "=HYPERLINK(\"http://evil\",\"x\")"
    asked = request(1)
    body = {
        **decided(asked, session=hostile, trace_id="+1\r\n=2"),
        "action": "@SUM(A1)", "resource": "-2+3", "chain": ["=cmd|' /C calc'!A0"], "phase": "\t=1",
    }  # fmt: skip
    write(tmp_path / "audit", [("decision", body)])
    content, _ = exported(tmp_path / "audit", "csv")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    assert {len(row) for row in rows} == {len(COLUMNS)}
    for row in rows:
        for cell in row:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    (row,) = [row for row in rows if row[2] == "decision"]
    assert row[COLUMNS.index("session")] == f"'{hostile}"


# Parts of a log


def test_a_range_is_complete_and_a_selection_is_not(log: Path) -> None:
    content, said = exported(log, "jsonl", Slice(first=5, last=9))
    assert [json.loads(line)["seq"] for line in content.splitlines()] == [5, 6, 7, 8, 9]
    assert (said["view"], said["range"], said["records"]) == ("complete range", {"first": 5, "last": 9}, 5)
    last = entries(log)[-1].seq
    _, said = exported(log, "jsonl", Slice(first=5, last=10**9))
    assert said["range"] == {"first": 5, "last": last}
    content, said = exported(log, "jsonl", Slice(Criteria(decision="deny"), 5, last))
    assert said["view"] == "filtered view"
    assert said["criteria"] == {"decision": "deny"}
    denied = [e.seq for e in entries(log) if facts_of(e).decision == "deny" and e.seq >= 5]
    assert [json.loads(line)["seq"] for line in content.splitlines()] == denied
    assert said["records"] == len(denied)


def test_a_selection_that_happens_to_have_everything_is_still_one(log: Path) -> None:
    _, said = exported(log, "jsonl", Slice(Criteria(since=0)))
    assert said["records"] == len(entries(log))
    assert said["view"] == "filtered view"
    assert said["criteria"] == {"since": "1970-01-01T00:00:00.000000Z"}


def test_a_range_behind_the_end_is_a_mistake(log: Path) -> None:
    with pytest.raises(LogError) as error:
        exported(log, "jsonl", Slice(first=10**6))
    assert error.value.code == "settings"


# Logs that are not in order


@pytest.mark.parametrize("form", FORMS)
def test_a_log_that_is_not_in_order_is_not_exported(log: Path, form: str) -> None:
    file = log / segment_name(0)
    file.write_bytes(file.read_bytes().replace(b'"10.00"', b'"99.00"', 1))
    with pytest.raises(LogError) as error:
        exported(log, form)
    assert error.value.code == "damaged"


def test_a_log_that_does_not_extend_its_own_checkpoint_is_not_exported(tmp_path: Path) -> None:
    key, _ = key_pair(tmp_path)
    for name in ("audit", "other"):
        write(tmp_path / name, mixed(9, random.Random(1)), key=key, checkpoints=[tmp_path / "held"])
    _, said = exported(tmp_path / "audit", "jsonl")
    assert said["checkpoint"] == (tmp_path / "audit" / "checkpoint").read_text()
    size = said["tree"]["size"]
    (tmp_path / "audit" / "checkpoint").write_bytes((tmp_path / "other" / "checkpoint").read_bytes())
    with pytest.raises(LogError) as error:
        exported(tmp_path / "audit", "jsonl")
    assert error.value.code == "damaged"
    (tmp_path / "audit" / "checkpoint").write_text(str(said["checkpoint"]))
    file = tmp_path / "audit" / segment_name(0)
    file.write_bytes(file.read_bytes()[: entries(tmp_path / "audit")[-1].offset])
    with pytest.raises(LogError, match=f"has {size - 1} records, but its own checkpoint is of {size}"):
        exported(tmp_path / "audit", "jsonl")


SHAPES: list[dict[str, Any]] = [
    {"decision": "deny", "session": "\x00\x1b", "chain": ["\u202e"], "resource": 'Order::"\\ud800"'},
    {"n": 2**53 - 1, "chain": "x", "about": []},
    {"request": {"context": {"ip": 7}}, "resource": "no colons", "chain": ["nor here"]},
    {"resource": 'Order::7', "chain": ['::"x"', '"']},
]


@pytest.mark.parametrize("form", FORMS)
def test_records_of_any_shape_can_be_exported(tmp_path: Path, form: str) -> None:
    forged(tmp_path / "audit", SHAPES)
    _, said = exported(tmp_path / "audit", form)
    assert said["records"] == len(SHAPES) + 2


@pytest.mark.parametrize("form", FORMS)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, form: str) -> None:
    forged(tmp_path / "audit", [b'{"session":"\xed\xa0\x80"}'])
    with pytest.raises(LogError) as error:
        exported(tmp_path / "audit", form)
    assert error.value.code == "damaged"


def test_an_empty_segment_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / segment_name(0)).touch()
    with pytest.raises(LogError):
        exported(tmp_path / "audit", "jsonl")


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_memory_does_not_grow_with_the_log(tmp_path: Path, form: str) -> None:
    """Twice the records may not need noticeably more."""
    body = decided(request(1))
    peaks = []
    for count in (1_500, 6_000):
        path = tmp_path / str(count)
        forged(path, [json.dumps(body, sort_keys=True, separators=(",", ":")).encode()] * count)
        with (tmp_path / f"{count}.out").open("wb") as out:
            tracemalloc.start()
            if form == "parquet":
                import kynara_lang.audit.export_parquet as table

                table._GROUP = 500  # type: ignore[misc]
            export(str(path), form, out, Slice())
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


# Manifests


def manifest(log: Path) -> tuple[bytes, bytes]:
    content, said = exported(log, "jsonl")
    return manifest_text({**said, "file": "all.jsonl"}, KEY).encode(), content


def test_a_manifest_is_signed_and_its_file_is_known(log: Path) -> None:
    text, content = manifest(log)
    read = read_manifest(text, KEY.public)
    assert read.signed_by == "acme"
    check_file(read.said, io.BytesIO(content))
    for other in (content[:-1], content + b"\n", content.replace(b"alice", b"mallo", 1), b""):
        with pytest.raises(LogError) as error:
            check_file(read.said, io.BytesIO(other))
        assert error.value.code == "damaged"


def test_every_change_of_a_manifest_is_noticed(log: Path) -> None:
    text, _ = manifest(log)
    whole = json.loads(text)
    for name in [*whole["manifest"], "more"]:
        changed = json.loads(text)
        changed["manifest"][name] = "another"
        with pytest.raises(LogError):
            read_manifest(json.dumps(changed).encode(), KEY.public)
    for name in whole["manifest"]:
        changed = json.loads(text)
        del changed["manifest"][name]
        with pytest.raises(LogError):
            read_manifest(json.dumps(changed).encode(), KEY.public)


def test_only_the_key_that_signed_will_do(log: Path) -> None:
    _, said = exported(log, "jsonl")
    other = SigningKey.generate("acme")
    cases: Iterable[tuple[str, str]] = [
        (manifest_text(said, None), "is not signed"),
        (manifest_text(said, other), "is not signed with the key `acme`"),
        (manifest_text(said, KEY).replace(KEY.public.text, other.public.text), "is not signed with the key"),
        (manifest_text(said, other).replace(other.public.text, KEY.public.text), "was changed"),
    ]
    for text, message in cases:
        with pytest.raises(LogError, match=message) as error:
            read_manifest(text.encode(), KEY.public)
        assert error.value.code == "damaged"


def test_a_signature_is_of_exports_alone(log: Path) -> None:
    """What is signed under another domain, as a checkpoint is, does not pass for the signature of a manifest."""
    _, said = exported(log, "jsonl")
    bare = base64.b64encode(KEY.sign(canonical(said))).decode()
    whole = {"manifest": said, "signature": {"key": KEY.public.text, "ed25519": bare}}
    with pytest.raises(LogError, match="was changed"):
        read_manifest(json.dumps(whole).encode(), KEY.public)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{}", b'{"manifest": 7}', b'{"manifest": {}}', b"\xff", b"[" * 5000, b'{"manifest":{"format":"x"}}',
        b'{"manifest":{"format":"kynara-export/1","x":1.5},"signature":{"key":"k"}}',
        b'{"manifest":{"format":"kynara-export/1"},"signature":"x"}',
        b'{"manifest":{"format":"kynara-export/1"},"signature":{}}',
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(LogError):
        read_manifest(text, KEY.public)


def test_a_fraction_in_a_manifest_is_refused_not_rounded() -> None:
    signed = json.dumps({"key": KEY.public.text, "ed25519": base64.b64encode(bytes(64)).decode()})
    with pytest.raises(LogError):
        read_manifest(b'{"manifest":{"format":"kynara-export/1","x":1.5},"signature":%b}' % signed.encode(), KEY.public)


# Proofs


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, SigningKey]:
    key, _ = key_pair(tmp_path)
    write(tmp_path / "audit", mixed(20, random.Random(1)), key=key, checkpoints=[tmp_path / "held"], segment_bytes=9_000)
    return tmp_path / "audit", SigningKey.load(key)


def test_every_record_can_be_proven(signed: tuple[Path, SigningKey]) -> None:
    path, key = signed
    own = own_checkpoint(str(path))
    assert own is not None
    for entry in entries(path):
        proof = read_proof(prove(str(path), entry.seq).to_json().encode())
        assert check_proof(proof, key.public, None) == own[0]
        assert check_proof(proof, None, own[0]) == own[0]
        assert proof.record == entry.record


def test_a_record_behind_the_checkpoint_is_proven_to_nobody_else(signed: tuple[Path, SigningKey]) -> None:
    path, key = signed
    (path / "checkpoint").unlink()
    proof = prove(str(path), 3)
    assert proof.checkpoint is None
    with pytest.raises(LogError) as error:
        check_proof(proof, key.public, None)
    assert error.value.code == "missing"
    with pytest.raises(LogError) as error:
        check_proof(proof, None, None)
    assert error.value.code == "settings"


@pytest.mark.parametrize("seq", [-1, 10**6])
def test_what_is_not_there_cannot_be_proven(signed: tuple[Path, SigningKey], seq: int) -> None:
    with pytest.raises(LogError) as error:
        prove(str(signed[0]), seq)
    assert error.value.code == "missing"


def test_every_change_of_a_proof_is_noticed(signed: tuple[Path, SigningKey]) -> None:
    path, key = signed
    text = prove(str(path), 11).to_json()
    chance = random.Random(3)
    accepted = read_proof(text.encode())
    for _ in range(600):
        changed = bytearray(text.encode())
        changed[chance.randrange(len(changed))] = chance.randrange(32, 127)
        try:
            found = read_proof(bytes(changed))
            check_proof(found, key.public, None)
        except LogError:
            continue
        assert found.line == accepted.line  # a space more, or the name of a member that nobody reads
        assert found.root() == accepted.root()


def test_a_proof_for_another_record_does_not_pass(signed: tuple[Path, SigningKey]) -> None:
    path, key = signed
    one, other = (json.loads(prove(str(path), seq).to_json()) for seq in (11, 12))
    for name in ("line", "seq", "nodes", "size", "root", "log"):
        mixed_up = {**one, name: other[name] if name not in ("size", "root", "log") else "0" * 64}
        if name == "size":
            mixed_up["size"] = one["size"] - 1
        with pytest.raises(LogError):
            check_proof(read_proof(json.dumps(mixed_up).encode()), key.public, None)


def test_a_checkpoint_of_another_log_proves_nothing(signed: tuple[Path, SigningKey]) -> None:
    proof = prove(str(signed[0]), 11)
    root = proof.root()
    assert root is not None
    assert check_proof(proof, None, Checkpoint(proof.head.log, proof.size, root)).root == root
    with pytest.raises(LogError, match="of another log"):
        check_proof(proof, None, Checkpoint("f" * 32, proof.size, root))


def test_a_forged_record_with_a_root_of_its_own_does_not_pass(signed: tuple[Path, SigningKey], tmp_path: Path) -> None:
    path, key = signed
    write(tmp_path / "mine", mixed(20, random.Random(1)))
    mine = json.loads(prove(str(tmp_path / "mine"), 11).to_json())
    mine["checkpoint"] = json.loads(prove(str(path), 11).to_json())["checkpoint"]
    with pytest.raises(LogError) as error:
        check_proof(read_proof(json.dumps(mine).encode()), key.public, None)
    assert error.value.code == "damaged"


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[]", b'{"format":"kynara-proof/1"}', b"\xff\xfe", b"[" * 9000,
        b'{"format":"kynara-proof/1","line":"x","size":1,"nodes":[]}',
        b'{"format":"kynara-proof/1","line":"x","size":1,"nodes":["zz"]}',
        b'{"format":"kynara-proof/1","line":"x","size":1,"nodes":[7],"checkpoint":7}',
        b'{"format":"kynara-proof/1","line":"x","size":' + b"9" * 60 + b',"nodes":[]}',
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused(text: bytes) -> None:
    with pytest.raises(LogError):
        read_proof(text)


def test_a_log_that_was_changed_proves_nothing(signed: tuple[Path, SigningKey]) -> None:
    path, _ = signed
    other = entries(path)
    forged_line = other[5]
    assert isinstance(forged_line, Entry)
    file = path / segment_name(0)
    file.write_bytes(file.read_bytes().replace(b'"acme"', b'"emca"', 1))
    with pytest.raises(LogError) as error:
        prove(str(path), 3)
    assert error.value.code == "damaged"


def test_a_log_that_was_written_anew_does_not_fit_its_checkpoint(tmp_path: Path) -> None:
    key, _ = key_pair(tmp_path)
    write(tmp_path / "audit", mixed(20, random.Random(1)), key=key, checkpoints=[tmp_path / "held"])
    whole = len(entries(tmp_path / "audit"))
    log = facts_of(entries(tmp_path / "audit")[0]).log
    note = (tmp_path / "audit" / "checkpoint").read_bytes()
    forged(tmp_path / "anew", [b"{}"] * (whole - 2), log)
    (tmp_path / "anew" / "checkpoint").write_bytes(note)
    for attempt in (lambda: prove(str(tmp_path / "anew"), 3), lambda: exported(tmp_path / "anew", "jsonl")):
        with pytest.raises(LogError, match="does not extend its own checkpoint"):
            attempt()
