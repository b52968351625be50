"""A log that can be believed: what was decided, durable before the answer, and evident when somebody changed it.

    from kynara_lang.audit import Log, SigningKey

    with Log.open("audit", key="audit.key", checkpoints=["/mnt/witness"]) as log:
        receipt = log.append("decision", decision_body(policies, request, decision))

`framing` has the bytes of one record, `tail` what may follow what, `writer` and `log` the appending, `notes` and
`checkpoints` what is signed, `reading` and `verifying` the way back.
"""

from __future__ import annotations

from .faults import LogError
from .keys import SigningKey, VerifyingKey
from .log import Log
from .places import Folder, Lines, Place, SystemLog, Timestamps
from .reading import Entry, read_log
from .redaction import Redaction
from .verifying import Finding, Level, Policy, Verdict, verify
from .writer import Clock, Receipt

__all__ = [
    "Log",
    "Receipt",
    "LogError",
    "SigningKey",
    "VerifyingKey",
    "Place",
    "Folder",
    "Lines",
    "SystemLog",
    "Timestamps",
    "Clock",
    "Entry",
    "read_log",
    "Redaction",
    "verify",
    "Policy",
    "Verdict",
    "Finding",
    "Level",
]
