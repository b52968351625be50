'''A suppression is unused, expired or malformed.

## What it finds

Comments that were meant to silence a finding and do not, or need not: one that silences nothing, one whose last day is
over, one without a reason, one that names no codes, groups of codes (`KYN3`), unknown codes or mistakes in the
language, one whose date is none, and comments that look like a suppression and are not written as one (`# noqa`,
`# kynara:ignore`). None of those that are expired or malformed silences anything.

## Why it matters

Whoever wrote the comment believes that the finding was looked at. One that silences nothing will silence the next
finding on its line, which nobody has looked at.

## Avoid

```kyn
subject User
resource Doc
action read on Doc

# kynara: ignore[KYN305] reason="all documents are public until the move" until=2026-03-31
permit read_all "People read documents" {
  subject  User
  action   read
  resource Doc
  scope    any "until the move"
}
```

## Prefer

```kyn
subject User { team: String }
resource Doc { team: String }
action read on Doc

permit read_own "People read the documents of their team" {
  subject  User
  action   read
  resource Doc
  scope    subject.team == resource.team
}
```

## Options

None. It cannot be silenced by a comment, only in the configuration.

## What it cannot see

Whether a reason is a good one. A suppression of a lint that does not run, because it is not selected or not quiet, is
never called unused: nobody knows whether it is.
'''

from ..lint_examples import rules
from ..linter import Lint

_PERMIT = 'permit p "d" { subject User action read resource Doc scope subject == resource.owner }'

VALID = (
    rules(f'# kynara: ignore[KYN804] reason="the name is that of the ticket"\n{_PERMIT}'),
    rules(f'{_PERMIT}  # kynara: ignore[KYN302, KYN306] reason="see \\"ADR 12\\"" until=2026-11-23'),
    rules(f"# kynara: the rules here were agreed on with the team; ignore KYN302 in old copies\n{_PERMIT}"),
    rules(f'## Documents are private; a suppression would be `# kynara: ignore[KYN302] reason="x"`.\n{_PERMIT}'),
    rules(f'# kynara: ignore[KYN302] reason="a"\n# kynara: ignore[KYN306] until=2027-01-01 reason="b"\n{_PERMIT}'),
)
INVALID = (
    rules(f"{_PERMIT}  # kynara: ignore[KYN302]  # <-"),
    rules(f'# kynara: ignore reason="all of it"  # <-\n{_PERMIT}'),
    rules(f'# kynara: ignore[KYN3] reason="all of scope"  # <-\n{_PERMIT}'),
    rules(f'# kynara: ignore[KYN101] reason="comes later"  # <-\n{_PERMIT}'),
    rules(f'{_PERMIT}  # kynara: ignore[KYN302] reason="until the move" until=2026-11-22  # <-'),
    rules(f'{_PERMIT}  # kynara: ignore[KYN302] reason="until the move" until=soon  # <-'),
    rules(f'{_PERMIT}  # kynara:ignore KYN302, reason: "the move"  # <-'),
    rules(f"{_PERMIT}  # noqa  # <-"),
)

LINT = Lint()
