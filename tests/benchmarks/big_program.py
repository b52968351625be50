"""A large program such as a company grows: many files of one shape, no two rules alike, and nothing to find in it.

Every file is one department with its own types, actions, roles, predicates, fixtures and a test; all of them share the
people and agents of `company.kyn`. The text depends on the numbers alone.
"""

from __future__ import annotations

from kynara_lang.diagnostics.source import Source

RULES_A_FILE = 20
_SHARED_RULES = 4

_COMPANY = """\
module company

import std.tenancy (Tenanted, same_tenant)
import std.agents (Autonomous)

## A group of people; groups can be in groups.
subject Team in Team is Tenanted
## Somebody who works for a tenant.
subject Person in Team is Tenanted {
  email:    Email
  country:  String
  level:    Int
  contract: "employee" | "contractor" | "guest"
}
## An AI agent that acts for people.
subject Bot is Tenanted, Autonomous {
  owner: Person
  trust: "low" | "medium" | "high"
}

context {
  now:    Time
  ip:     IP
  mfa:    Bool
  region: "eu" | "us" | "asia"
}

role member
role auditor
role director extends member

let office = "10.0.0.0/8"
let trusted(b: Bot) = b.trust != "low"

action profile.read on Person

permit read_profiles "Members see who works beside them" {
  subject  Person with role member
  action   profile.read
  resource Person
  scope    same_tenant(subject, resource) and resource.level <= subject.level
}

permit audit_profiles "Auditors in the office read all profiles of their tenant" {
  subject  Person with role auditor
  action   profile.read
  resource Person
  scope    same_tenant(subject, resource)
  when     context.ip within office
}

permit bots_read_owner "Trusted agents read the profile of their owner" {
  subject  Bot
  action   profile.read
  resource Person
  scope    resource == subject.owner
  when     trusted(subject)
}

forbid guests_from_outside "Guests work in the office" {
  subject  Person
  action   profile.read
  resource Person
  when     subject.contract == "guest"
  unless   context.ip within office
}

fixture home  = Team::"home" { tenant: "acme" }
fixture alice = Person::"alice" with role director in home {
  tenant: "acme", email: "alice@example.com", country: "DE", level: 3, contract: "employee"
}
fixture carol = Person::"carol" with role member in home {
  tenant: "acme", email: "carol@example.com", country: "FR", level: 2, contract: "guest"
}
fixture helper = Bot::"helper" { tenant: "acme", owner: alice, trust: "high" }

test "agents see their owner" {
  given  helper
  given  context { now: 2026-11-22T10:00:00Z, ip: "10.1.2.3", mfa: true, region: "eu" }
  expect allow profile.read on alice
  expect deny  profile.read on carol
}

test "people see each other" {
  given  alice
  given  context { now: 2026-11-22T10:00:00Z, ip: "10.1.2.3", mfa: true, region: "eu" }
  expect allow profile.read on carol
  expect deny  profile.read on carol { tenant: "globex" }
}
"""

_DEPARTMENT = """\
module departments.NAME

import std.tenancy (Tenanted, same_tenant)

## What TYPE cases are kept in.
resource TYPEFolder in TYPEFolder is Tenanted {
  place: Path
  kind:  "open" | "sealed"
}
## One case of the department.
resource TYPECase in TYPEFolder is Tenanted {
  owner:    Person
  readers:  Set<Person>
  status:   "draft" | "filed" | "closed"
  amount:   Decimal
  country:  String
  labels:   Set<String>
  due:      Time
  reviewer: Person?
}

action NAME.browse on TYPEFolder
action NAME.read, NAME.list on TYPECase in NAME_reading
action NAME.edit on TYPECase (title: String, amount: Decimal)
action NAME.file on TYPECase (amount: Decimal, note: String?)
action NAME.close on TYPECase (reason: String)
action NAME.settle on TYPECase (amount: Decimal) effects irreversible

role NAME_clerk extends member
role NAME_lead extends NAME_clerk

let NAME_limit = LIMIT.00
let NAME_own(p: Person, c: TYPECase) = same_tenant(p, c) and c.owner == p
let NAME_open(c: TYPECase) = c.status == "draft" or c.status == "filed"

permit NAME_browse "Clerks browse what is not sealed" {
  subject  Person with role NAME_clerk
  action   NAME.browse
  resource TYPEFolder
  scope    same_tenant(subject, resource) and resource.kind == "open"
}

permit NAME_browse_sealed "Leads browse sealed folders of the department" {
  subject  Person with role NAME_lead
  action   NAME.browse
  resource TYPEFolder
  scope    same_tenant(subject, resource) and resource.place within "/NAME"
  when     context.mfa and resource.kind == "sealed"
}

permit NAME_read_own "People read their own cases" {
  subject  Person
  action   NAME_reading
  resource TYPECase
  scope    NAME_own(subject, resource)
}

permit NAME_read_shared "People read what is shared with them" {
  subject  Person
  action   NAME_reading
  resource TYPECase
  scope    same_tenant(subject, resource) and subject in resource.readers
  unless   subject.contract == "guest"
}

permit NAME_read_country "Clerks read the open cases of their country" {
  subject  Person with role NAME_clerk
  action   NAME.read
  resource TYPECase
  scope    same_tenant(subject, resource) and resource.country == subject.country
  when     NAME_open(resource)
}

permit NAME_read_reviewed "Reviewers read what they review" {
  subject  Person
  action   NAME.read
  resource TYPECase
  scope    resource has reviewer and resource.reviewer == subject
}

permit NAME_audit "Auditors read closed cases of their tenant" {
  subject  Person with role auditor
  action   NAME_reading
  resource TYPECase
  scope    same_tenant(subject, resource)
  when     resource.status == "closed" and context.mfa
}

permit NAME_bot_reads "Agents read open cases of their owner" {
  subject  Bot
  action   NAME.read
  resource TYPECase
  scope    subject.owner == resource.owner
  when     trusted(subject) and NAME_open(resource)
}

permit NAME_bot_lists "Agents list cases of the country of their owner" {
  subject  Bot
  action   NAME.list
  resource TYPECase
  scope    same_tenant(subject, resource) and resource.country == subject.owner.country
  unless   "secret" in resource.labels
}

permit NAME_edit_own "People edit their drafts" {
  subject  Person
  action   NAME.edit
  resource TYPECase
  scope    NAME_own(subject, resource)
  when     resource.status == "draft"
  when     args.title.length() <= LENGTH and args.amount >= 0.00
}

permit NAME_edit_lead "Leads correct small amounts until the case is due" {
  subject  Person with role NAME_lead
  action   NAME.edit
  resource TYPECase
  scope    same_tenant(subject, resource) and resource.status == "filed"
  when     args.amount <= NAME_limit and context.now < resource.due
  unless   resource.labels.contains_any({"frozen", "NAME"})
}

permit NAME_file_own "People file their drafts with a note" {
  subject  Person
  action   NAME.file
  resource TYPECase
  scope    NAME_own(subject, resource)
  when     args has note and args.note != ""
  when     resource.status == "draft"
}

permit NAME_file_bot "Agents file small cases for their owner" {
  subject  Bot
  action   NAME.file
  resource TYPECase
  scope    resource.owner == subject.owner
  when     trusted(subject) and args.amount <= NAME_limit * 2
  when     resource.status == "draft" and context.region in {"eu", "us"}
}

permit NAME_close "Leads close what is filed" {
  subject  Person with role NAME_lead
  action   NAME.close
  resource TYPECase
  scope    same_tenant(subject, resource) and resource.status == "filed"
  when     args.reason.length() > MINIMUM
}

permit NAME_settle "Leads settle filed cases of their tenant" {
  subject  Person with role NAME_lead
  action   NAME.settle
  resource TYPECase
  scope    same_tenant(subject, resource) and args.amount <= resource.amount
  when     resource.status == "filed" and subject.level >= LEVEL
}

forbid NAME_no_own_settling "Nobody settles a case of their own" {
  subject  Person
  action   NAME.settle
  resource TYPECase
  when     resource.owner == subject
}

forbid NAME_frozen "Nothing frozen changes" {
  subject  Person, Bot
  action   NAME.edit, NAME.file, NAME.close
  resource TYPECase
  when     "frozen" in resource.labels
}

forbid NAME_contractors_outside "Contractors edit from the office alone" {
  subject  Person
  action   NAME.edit
  resource TYPECase
  when     subject.contract == "contractor"
  unless   context.ip within office
}

require approval NAME_large "A second lead signs off on large settlements" {
  subject  Person
  action   NAME.settle
  resource TYPECase
  when     args.amount > NAME_limit
  from     Person with role NAME_lead where same_tenant(approver, resource)
  expires  8h
}

require approval NAME_late "A director lets late cases be filed" {
  subject  Person, Bot
  action   NAME.file
  resource TYPECase
  when     context.now >= resource.due
  from     Person with role director where same_tenant(approver, resource) and approver.level >= LEVEL
  quorum   1
}

fixture NAME_folder = TYPEFolder::"f-1" { tenant: "acme", place: "/NAME/open", kind: "open" }
fixture NAME_case = TYPECase::"c-1" in NAME_folder {
  tenant: "acme", owner: carol, readers: {alice}, status: "draft", amount: 80.00, country: "DE",
  labels: {"new"}, due: 2026-12-24, reviewer: alice
}

test "NAME: who reads and who edits" {
  given  carol
  given  context { now: 2026-11-22T10:00:00Z, ip: "10.1.2.3", mfa: true, region: "eu" }
  expect allow NAME.read on NAME_case                              because NAME_read_own
  expect allow NAME.edit(title: "x", amount: 1.00) on NAME_case    because NAME_edit_own
  expect deny  NAME.edit(title: "x", amount: 1.00) on NAME_case { status: "closed" }
  expect deny  NAME.close(reason: "no longer needed") on NAME_case
}
"""


def big_program(files: int = 51) -> list[Source]:
    """Return a program of that many files: `company.kyn`, and departments of `RULES_A_FILE` rules each."""
    sources = [Source("policies/company.kyn", _COMPANY)]
    for number in range(1, files):
        name = f"d{number:03}"
        text = _DEPARTMENT.replace("NAME", name).replace("TYPE", name.capitalize())
        text = text.replace("LIMIT", str(100 + 10 * number)).replace("LEVEL", str(2 + number % 7))
        text = text.replace("LENGTH", str(40 + number)).replace("MINIMUM", str(5 + number % 20))
        sources.append(Source(f"policies/departments/{name}.kyn", text))
    return sources


def rules_in(files: int) -> int:
    """Return how many rules a program of that many files has."""
    return _SHARED_RULES + RULES_A_FILE * (files - 1)
