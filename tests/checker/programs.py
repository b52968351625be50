"""Checking small programs in tests."""

from __future__ import annotations

from kynara_lang.diagnostics.diagnostic import Diagnostic
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import Checked, Libraries, check_sources

HEAD = """\
trait Tenanted { tenant: String }
trait Named { name: String }
subject Team in Team { lead: User? }
subject User in Team is Tenanted {
  level: Int
  pay: Decimal
  born: Time
  shift: Duration
  mail: Email
  nick: String?
  boss: User?
  teams: Set<Team>
  tags: Set<String>
  grade: "low" | "mid" | "high"
  home: { city: String, zip: String? }
  only_user: Int
}
subject Bot is Tenanted, Named { owner: User, trust: "low" | "high" }
resource Folder in Folder
resource Doc in Folder is Tenanted {
  owner: User
  size: Int
  cost: Decimal
  made: Time
  kept: Duration
  ip: IP
  host: Host
  url: Url
  path: Path
  mail: Email
  text: String
  open: Bool
  readers: Set<User>
  hosts: Set<Host>
  grade: "low" | "high"
  note: String?
}
action read, crm.read, crm.contacts.read on Doc in reading
action move on Doc (to: Path, why: String?)
action send on Doc (to: Email, copy: Bool)
action visit on User
context { ip: IP, mfa: Bool, device: String? }
role lead extends staff
role staff
"""


def check(*texts: str, libraries: dict[str, str] | None = None) -> Checked:
    """Check texts as the files `a.kyn`, `b.kyn` … of one program, with the given library modules."""
    files = [Source(f"{chr(97 + i)}.kyn", text) for i, text in enumerate(texts)]
    if libraries is None:
        return check_sources(files)
    sources = {name: Source(f"{name}.kyn", text) for name, text in libraries.items()}
    return check_sources(files, Libraries(sources.get, tuple(sources)))


def codes(*texts: str, libraries: dict[str, str] | None = None) -> list[str]:
    """Return the codes of everything found."""
    return [d.code for d in check(*texts, libraries=libraries).diagnostics]


def rule(
    *clauses: str, effect: str = "forbid", subject: str = "User", action: str = "read", resource: str = "Doc"
) -> str:
    """Return a program with one rule."""
    lines = "\n  ".join(clauses)
    scope = 'scope any "test"\n  ' if effect == "permit" and not any(c.startswith("scope") for c in clauses) else ""
    return f"{HEAD}{effect} r {{\n  subject {subject}\n  action {action}\n  resource {resource}\n  {scope}{lines}\n}}\n"


def found(text: str) -> tuple[Diagnostic, ...]:
    """Return everything found in one text."""
    return check(text).diagnostics


def when(
    condition: str, subject: str = "User", action: str = "read", resource: str = "Doc", before: str = ""
) -> list[str]:
    """Return the codes of what is found in a condition."""
    return codes(before + rule(f"when {condition}", subject=subject, action=action, resource=resource))
