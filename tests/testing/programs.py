"""What the tests of testing share: a small program with fixtures, and ways to make tests of text."""

from __future__ import annotations

from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.policyset import PolicySet
from kynara_lang.testing import cases, running

SHOP = """\
module shop

subject Team in Team
subject User as "user" in Team {
  tenant: String
  boss:   User?
}
subject Bot {
  tenant: String
  owner:  User
}
resource Folder in Folder
resource Order as "order" in Folder {
  tenant as "tenant-id": String
  total:  Decimal
  status: "open" | "shipped"
  seen:   Set<User>
  parcel: { weight as "kg": Int, sent: Time?, to: Set<Email> }
}
action read on Order
action refund as "orders:refund" on Order (amount: Decimal, note as "the-note": String?)

context {
  now: Time
  ip as "addr": IP
}

role support as "Support"
role lead extends support

permit reads "Everybody reads" {
  subject  User, Bot
  action   read
  resource Order
  scope    subject.tenant == resource.tenant
}

permit refunds "Support refunds" {
  subject  User with role support, Bot
  action   refund
  resource Order
  scope    subject.tenant == resource.tenant
  when     args.amount <= resource.total
  unless   resource.status == "open"
}

require approval large {
  subject  any
  action   refund
  resource Order
  when     args.amount > 50.00
  from     User with role lead
}

forbid outside {
  subject  Bot
  action   refund
  resource any
  unless   context.ip within "10.0.0.0/8"
}

fixture staff  = Team::"staff"
fixture crew   = Team::"crew" in staff
fixture alice  = User::"alice" with role support in crew { tenant: "acme" }
fixture bob    = User::"bob" { tenant: "acme", boss: alice }
fixture bot    = Bot::"b-1" { tenant: "acme", owner: bob }
fixture parcel = Order::"o-1" {
  tenant: "acme", total: 80.00, status: "shipped", seen: {alice, User::"carol"},
  parcel: { weight: 3, sent: 2026-11-22, to: {"eve@example.com"} },
}
"""


def policies_of(text: str, *more: str) -> PolicySet:
    """Compile a program of one or several files, which must be free of errors."""
    sources = [Source(f"file{number or ''}.kyn", one) for number, one in enumerate((text, *more))]
    checked = check_sources(sources)
    assert not checked.has_errors, [d.message for d in checked.diagnostics]
    return PolicySet(checked.program)


def shop(tests: str) -> PolicySet:
    """Compile the shop with some tests."""
    return policies_of(SHOP, tests)


def run(policies: PolicySet) -> list[running.TestResult]:
    """Run all tests of a program."""
    return [running.run_test(policies, test) for test in cases.tests_of(policies.program)]


def requests(policies: PolicySet) -> list[cases.Json]:
    """Return the requests of all expectations."""
    return [case.request for test in cases.tests_of(policies.program) for case in test.cases]


def asked(policies: PolicySet) -> list[cases.Case]:
    """Return all expectations."""
    return [case for test in cases.tests_of(policies.program) for case in test.cases]
