"""Begins a new lint in a checkout of Kynara: its file with everything a lint must have, and its row in the table.

Nothing of what is written works yet, and the tests say so until every `(to write …)` is replaced: what is missing can
be seen, and a lint that was only begun cannot be merged.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import frozen

from ..pages import FAMILIES
from .options import Stop

PLACEHOLDER: Final = "(to write"
"""Begins whatever a contributor has to replace."""

_LINTS: Final = "kynara_lang/checker/lints"
_TABLE: Final = "kynara_lang/diagnostics/codes.py"
_MARKS_OF_A_CHECKOUT = (_TABLE, f"{_LINTS}/__init__.py", "tests/checker/test_lints.py")

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LONGEST_NAME = 40
_ROW = re.compile(r'^    \(\s*"KYN([0-9]{3})",\s*"([a-z0-9-]+)"', re.MULTILINE)
_END_OF_TABLE = re.compile(r"^\)$", re.MULTILINE)
_FIRST_FAMILY = 3  # what is below is demanded by the language, and no lint

_MEANING = f"{PLACEHOLDER}: what it finds, in one sentence.)"

_TEMPLATE = '''\
"""{meaning}

## What it finds

(to write: what is reported, and what comes to the same and is reported too, as through lets, traits or groups)

## Why it matters

(to write: what happens to whoever has this in a policy; an example of a request says more than a principle)

## Avoid

```kyn
subject User {{ team: String }}
resource Doc {{ team: String }}
action read on Doc

# (to write: make this the shortest program with the mistake)
permit read_own "People read the documents of their team" {{
  subject  User
  action   read
  resource Doc
  scope    subject.team == resource.team
}}
```

## Prefer

```kyn
subject User {{ team: String }}
resource Doc {{ team: String }}
action read on Doc

# (to write: make this the same program without the mistake; no lint may find anything in it)
permit read_own "People read the documents of their team" {{
  subject  User
  action   read
  resource Doc
  scope    subject.team == resource.team
}}
```

## Options

None.

## What it cannot see

(to write: what a reader might expect it to find and it does not; who knows where it is blind can trust it elsewhere)
"""

from ..lint_examples import rules
from ..linter import Context, Lint
from ..symbols import RuleSymbol

# (to write: at least three programs each; `# <-` ends the lines on which the lint must find something. Think of what is
# nearly the mistake, and of what reaches it through a let, a trait, a group, a role or an import.)
VALID = (
    rules('permit p "d" {{ subject User action read resource Doc scope subject == resource.owner }}'),
)
INVALID = (
    rules('permit p "d" {{ subject User action read resource Doc scope subject == resource.owner }}  # <-'),
)


def _rule(rule: RuleSymbol, context: Context) -> None:
    found = False  # (to write: what to look for; `RuleSymbol` in checker/symbols.py has what is known of a rule)
    if found:
        context.report(
            rule.decl.name.span,
            f"(to write: the mistake of `{{rule.decl.name.text}}`, on one line)",
            "(to write: what stands here)",
            help="(to write: the cure, as text to copy)",
        )


LINT = Lint(rule=_rule)
'''

_NEXT = """\
{code} {name} is begun:
  wrote    {file}
  changed  {table}

Next:
  1. Replace every `{placeholder} …)` in these two files; nothing works until then, and the tests say so. The first line
     of the docstring is the meaning in the table. The name should read well after "allow": the pattern, not the cure.
  2. Run `pytest tests/checker/test_lints.py tests/checker/test_pages.py -k {code}`.
  3. Show the message: put a program into tests/golden/diagnostics/{code}-what-it-shows.kyn, run
     `KYNARA_UPDATE_GOLDENS=1 pytest tests/golden`, and read the text beside it as somebody new would.
  4. See that it stays silent where nothing is wrong: `kynara check FOLDER --select {code}` for each folder of
     examples/, and for stdlib_policies/.
  5. Put the row that `kynara rule --format markdown` shows into the table of grammar/reference.md, and a line into
     CHANGELOG.md.

CONTRIBUTING.md has more under "Writing a lint". `kynara rule {code}` shows the page as users will read it.
"""


@frozen
class Begun:
    """A lint that was begun: its code and its name."""

    code: str
    name: str

    @property
    def file(self) -> str:
        """Where the lint is, from the root of the checkout."""
        return f"{_LINTS}/{self.name.replace('-', '_')}.py"


def begin(folder: Path, name: str, family: str | None, code: str | None) -> Begun:
    """Write the file of a new lint and its row in the table of codes of the checkout that a folder is in."""
    root = _checkout(folder)
    table = (root / _TABLE).read_text(encoding="utf-8")
    taken = dict(_ROW.findall(table))
    _refuse_name(name, taken)
    begun = Begun(f"KYN{_number(family, code, taken)}", name)
    if (root / begun.file).exists():
        raise Stop(f"there is a file `{begun.file}` already", "choose another name")
    (root / _TABLE).write_text(_with_row(table, begun), encoding="utf-8", newline="\n")
    (root / begun.file).write_text(_TEMPLATE.format(meaning=_MEANING), encoding="utf-8", newline="\n")
    return begun


def what_next(begun: Begun) -> str:
    """Say what was written, and what has to be done with it."""
    return _NEXT.format(code=begun.code, name=begun.name, file=begun.file, table=_TABLE, placeholder=PLACEHOLDER)


def _checkout(folder: Path) -> Path:
    for root in (folder, *folder.parents):
        if all((root / mark).is_file() for mark in _MARKS_OF_A_CHECKOUT):
            return root
    raise Stop(
        "this is no checkout of Kynara: no folder from here upwards has its sources and tests",
        "--new is for contributors; clone the repository, and run it there",
    )


def _refuse_name(name: str, taken: dict[str, str]) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        better = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:_LONGEST_NAME].strip("-")
        fits = f", such as `{better}`" if _NAME.fullmatch(better) else ""
        raise Stop(
            f"`{name}` is no name for a lint",
            f"write words of lower-case letters with hyphens between them, at most {_LONGEST_NAME} characters{fits}",
        )
    for number, called in taken.items():
        if called == name:
            raise Stop(f"KYN{number} is called `{name}` already", "choose another name")


def _number(family: str | None, code: str | None, taken: dict[str, str]) -> str:
    """Return the number of the new lint: the one that is asked for, or the next of a family."""
    if (family is None) == (code is None):
        families = ", ".join(f"{d}xx {what}" for d, what in FAMILIES.items() if int(d) >= _FIRST_FAMILY)
        raise Stop("a new lint needs either --family or --code", f"the families of lints are: {families}")
    given, what = (family, "family") if code is None else (code, "code")
    wanted = re.fullmatch(r"(?:KYN)?([0-9])(XX|[0-9]{2})?", (given or "").upper())
    if wanted is None or (what == "code" and not (wanted[2] or "").isdigit()):
        raise Stop(f"`{given}` is no {what}", "write `8xx` or `KYN810`")
    if int(wanted[1]) < _FIRST_FAMILY:
        raise Stop(f"{wanted[1]}xx has no lints: what the language demands is no lint", "lints begin at 3xx")
    if code is not None:
        number = wanted[1] + wanted[2]
        if number in taken:
            raise Stop(f"KYN{number} is `{taken[number]}` already", "a code is never reused, and never renumbered")
        return number
    last = max((int(number) for number in taken if number[0] == wanted[1]), default=int(wanted[1]) * 100)
    if last % 100 == 99:
        raise Stop(f"{wanted[1]}xx is full", "say with --code which number it is to have")
    return str(last + 1)


def _with_row(table: str, begun: Begun) -> str:
    """Return the table of codes with a row more, before the first that has a higher code."""
    row = f'    ("{begun.code}", "{begun.name}", "{_MEANING}", "warning"),\n'
    rows = list(_ROW.finditer(table))
    place = next((found.start() for found in rows if f"KYN{found[1]}" > begun.code), None)
    if place is None:
        end = _END_OF_TABLE.search(table, rows[-1].end()) if rows else None
        if end is None:
            raise Stop(f"the table in `{_TABLE}` is not written as expected", "add the row by hand")
        place = end.start()
    return table[:place] + row + table[place:]
