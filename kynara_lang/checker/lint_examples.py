"""What the example programs of lints have in common: declarations that most of them need, and the mark of a finding."""

from __future__ import annotations

from typing import Final

MARK: Final = "# <-"
"""Ends a line of an example on which the lint must find something."""

SCHEMA: Final = """\
trait Tenanted { tenant: String }
trait Ownable { owner: User }
subject Team in Team
subject User in Team is Tenanted { department: String  level: Int  manager: Bool  boss: User? }
subject Agent is Tenanted, Ownable { trust: "low" | "medium" | "high" }
resource Folder in Folder is Tenanted
resource Doc in Folder is Tenanted, Ownable {
  status: "draft" | "final"  title: String  path: Path  host: Host  size: Int  price: Decimal
  labels: Set<String>  readers: Set<User>  note: String?
}
action read, write on Doc in doc_actions
action share on Doc (to: Email, days: Int, tenant: String)
action purge on Doc effects irreversible
action promote on User (level: Int) modifies level
action list on Folder
context { ip: IP  mfa: Bool  comment: String untrusted }
role staff
role lead extends staff
"""


def rules(text: str) -> str:
    """Return a program made of the common declarations and some rules."""
    return SCHEMA + text
