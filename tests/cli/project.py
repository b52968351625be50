"""What the tests of the command line share: a small policy, and the types of the fixtures that run `kynara`."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

ROOT = Path(__file__).resolve().parents[2]

POLICY = """\
module shop

subject User as "user" { tenant: String }
subject Bot { tenant: String }
resource Order { tenant: String, total: Decimal }

action read on Order
action refund as "orders:refund" on Order (amount: Decimal, note as "the-note": String?) effects irreversible

context { now: Time }

role support

permit read_orders "Everybody reads" {
  subject User, Bot  action read  resource Order
  scope   subject.tenant == resource.tenant
}

permit refund_orders "Support refunds" {
  subject User with role support, Bot  action refund  resource Order
  scope   subject.tenant == resource.tenant
  when    args.amount <= resource.total
}

require approval late_refunds {
  subject any  action refund  resource Order
  when    context.now >= 2026-12-01
  from    User with role support
}
"""

Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[bytes]"]
