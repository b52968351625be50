"""What one record becomes in each text format of an export.

JSON Lines are the stored bytes themselves, so their hashes can be computed again. The other formats say the same in the
words of other programs and carry the hash of the record they were made from; those that can carry its text, too.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..version import __version__
from .query_facts import Facts, facts_of, named_entity, time_text
from .reading import Entry

COLUMNS: Final = (
    "seq",
    "time",
    "kind",
    "phase",
    "session",
    "trace_id",
    "subject",
    "chain",
    "action",
    "resource",
    "decision",
    "rules",
    "errors",
    "about",
    "status",
    "policy_digest",
    "hash",
    "record",
)
"""The columns of a table of records, in CSV and Parquet; `record` is its stored text."""

OCSF_VERSION: Final = "1.4.0"
_API_ACTIVITY: Final = 6003
_APPLICATION: Final = 6
_OTHER: Final = 99
_INFORMATIONAL: Final = 1
_OUTCOMES: Final[Mapping[str | None, tuple[int, str, int, str, int, str]]] = {
    # decision: status, OCSF's action and disposition, each with its number
    "allow": (1, "Success", 1, "Allowed", 1, "Allowed"),
    "deny": (2, "Failure", 2, "Denied", 2, "Blocked"),
    "require_approval": (_OTHER, "Approval required", 2, "Denied", _OTHER, "Approval required"),
}
_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠'")


def table_row(entry: Entry) -> dict[str, Any]:
    """Return a record by the columns of a table; what it does not say is None, or an empty list."""
    facts = facts_of(entry)
    return {
        "seq": facts.seq,
        "time": facts.time,
        "kind": facts.kind,
        "phase": facts.phase,
        "session": facts.session,
        "trace_id": facts.trace_id,
        "subject": facts.subject,
        "chain": list(facts.chain),
        "action": facts.action,
        "resource": facts.resource,
        "decision": facts.decision,
        "rules": list(facts.rules),
        "errors": list(facts.errors),
        "about": facts.about,
        "status": facts.status,
        "policy_digest": facts.policy_digest,
        "hash": entry.hash,
        "record": entry.json.decode("utf-8"),
    }


# --- JSON Lines


def json_line(entry: Entry) -> bytes:
    """Return the stored bytes of a record as a line; canonical JSON has no line ends inside."""
    return entry.json + b"\n"


# --- CSV


def csv_header() -> bytes:
    """Return the first line of a CSV file."""
    return _csv_line(COLUMNS)


def csv_line(entry: Entry) -> bytes:
    """Return a record as a line of CSV; lists are JSON."""
    row = table_row(entry)
    row["time"] = time_text(row["time"])
    return _csv_line([_cell(row[name]) for name in COLUMNS])


def _csv_line(cells: list[str] | tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode("utf-8")


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case int():
            return str(value)
        case list():
            return guarded(json.dumps(value, ensure_ascii=False)) if value else ""
        case _:
            return guarded(str(value))


def guarded(text: str) -> str:
    """Return a text so that no spreadsheet takes it for a formula.

    An apostrophe before it says that it is text. One that begins with an apostrophe gets another, so that taking one
    away gives the text back. Spaces before a sign do not hide it: some programs cut them off.
    """
    start = text.lstrip(" \u00a0\ufeff")[:1]
    return f"'{text}" if start in _FORMULA and start else text


# --- CloudEvents


def cloud_event(entry: Entry) -> bytes:
    """Return a record as a CloudEvents 1.0 event in JSON, on one line."""
    facts = facts_of(entry)
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{facts.log}/{facts.seq}",
        "source": f"urn:kynara:log:{facts.log}",
        "type": f"kynara.audit.{facts.kind}",
        "time": time_text(facts.time),
        "sequence": f"{facts.seq:020}",  # the sequence extension compares texts
        "recordhash": entry.hash,
        "datacontenttype": "application/json",
    }
    if facts.resource:
        event["subject"] = facts.resource
    return _with_record(event, "data", entry)


# --- OCSF


def ocsf_event(entry: Entry) -> bytes:
    """Return a record as an event of the OCSF class API Activity, on one line.

    What an action does to data (create, read, update, delete) a log does not say, so the activity is `Other`, by the
    name of the action. Records that are no call, as a change of policy, are activities of Kynara itself.
    """
    facts = facts_of(entry)
    name = facts.action or f"kynara.{facts.kind}"
    event: dict[str, Any] = {
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "Kynara", "vendor_name": "Kynara", "version": __version__},
            "log_name": facts.log,
            "uid": f"{facts.log}/{facts.seq}",
            "sequence": facts.seq,
            "event_code": facts.kind,
        },
        "time": facts.time // 1000,
        "category_uid": _APPLICATION,
        "category_name": "Application Activity",
        "class_uid": _API_ACTIVITY,
        "class_name": "API Activity",
        "activity_id": _OTHER,
        "activity_name": name,
        "type_uid": _API_ACTIVITY * 100 + _OTHER,
        "severity_id": _INFORMATIONAL,
        "severity": "Informational",
        "message": facts.summary,
        "actor": _actor(facts),
        "api": {"operation": name, "service": {"name": "kynara"}, "request": {"uid": str(facts.seq)}},
        "src_endpoint": {"ip": facts.ip} if facts.ip else {"svc_name": "kynara"},
        **_outcome(facts),
    }
    if facts.trace_id:
        event["metadata"]["correlation_uid"] = facts.trace_id
    if facts.resource:
        kind, identity = named_entity(facts.resource)
        event["resources"] = [{"type": kind, "uid": identity}]
    event["unmapped"] = {"hash": entry.hash, "chain": list(facts.chain), "rules": list(facts.rules)}
    if facts.about is not None:
        event["unmapped"]["about"] = facts.about
    event["raw_data"] = entry.json.decode("utf-8")
    return _line(event)


def _actor(facts: Facts) -> dict[str, Any]:
    """Return who acts: the first of the chain; those they act for are under `unmapped`."""
    actor: dict[str, Any] = {"app_name": "kynara"}
    if facts.subject:
        kind, identity = named_entity(facts.subject)
        actor["user"] = {"uid": facts.subject, "name": identity, "type": kind, "type_id": _OTHER}
    if facts.session:
        actor["session"] = {"uid": facts.session}
    return actor


def _outcome(facts: Facts) -> dict[str, Any]:
    """Return how it went: of a decision what was decided, of an outcome whether the call failed."""
    if facts.decision in _OUTCOMES:
        status_id, status, action_id, action, disposition_id, disposition = _OUTCOMES[facts.decision]
        control: dict[str, Any] = {
            "action_id": action_id,
            "action": action,
            "disposition_id": disposition_id,
            "disposition": disposition,
        }
        if facts.policy_digest:
            control["policy"] = {"name": "kynara", "uid": facts.policy_digest}
        return {"status_id": status_id, "status": status, **control}
    if facts.status is None:
        return {"status_id": 0, "status": "Unknown"}
    if facts.status == "ok":
        return {"status_id": 1, "status": "Success"}
    return {"status_id": 2, "status": "Failure", "status_detail": facts.status}


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _with_record(event: dict[str, Any], member: str, entry: Entry) -> bytes:
    """Return an event with the stored text of a record as its last member, not written anew."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return text[:-1] + b"," + json.dumps(member).encode("ascii") + b":" + entry.json + b"}\n"


LINES: Final[Mapping[str, Callable[[Entry], bytes]]] = {
    "jsonl": json_line,
    "csv": csv_line,
    "cloudevents": cloud_event,
    "ocsf": ocsf_event,
}
"""What makes the line of a record, by the name of the format."""
