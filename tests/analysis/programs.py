"""Small programs for the tests of proofs, and running them."""

from __future__ import annotations

from kynara_lang.analysis.proving import Proofs, Prover
from kynara_lang.analysis.solver import Limits
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

HEAD = """\
subject User { team: String  level: Int  regions: Set<"eu" | "us">  boss: User? }
subject Agent { trust: "low" | "high"  owner: User }
resource Folder in Folder
resource Doc in Folder {
  team: String  status: "draft" | "final"  size: Int  cost: Decimal  path: Path  host: Host  link: Url
  mail: Email  made: Time  region: "eu" | "us"  readers: Set<User>  labels: Set<String>  note: String?
}
action read, write on Doc
action pay on Doc (amount: Decimal, to: Email)
context { ip: IP  mfa: Bool }
role staff
role lead extends staff
"""


def checked(text: str) -> Program:
    """Return a program without errors of the language."""
    result = check_sources([Source("policy.kyn", HEAD + text)])
    assert not result.has_errors, [d.message for d in result.diagnostics]
    return result.program


def prove(text: str, *, limits: Limits | None = None) -> Proofs:
    """Prove what can be proved of a program, without what the lints say."""
    program = checked(text)
    return Prover(program, Replay(program), limits or Limits()).run((), lambda code: True)
