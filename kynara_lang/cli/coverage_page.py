"""Coverage as one HTML page that needs nothing else: a table of files, and each file with its lines marked.

There is no script and nothing is loaded. Everything that comes from a policy is escaped.
"""

from __future__ import annotations

from html import escape

from ..diagnostics.excerpt import visible
from ..testing.coverage import Count, Coverage, FileCoverage
from .render_coverage import MARKS, states

_STYLE = """
:root { --ok: #dafbe1; --part: #fff8c5; --no: #ffebe9; --line: #c8ccd1; --dim: #656d76; }
@media (prefers-color-scheme: dark) {
  :root { --ok: #12261e; --part: #272115; --no: #2d1517; --line: #3d444d; --dim: #9198a1; color-scheme: dark; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.35rem; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .5rem; }
table { border-collapse: collapse; }
td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; }
pre { font: .88em/1.5 ui-monospace, monospace; overflow-x: auto; border: 1px solid var(--line); padding: .5rem 0; }
pre span { display: block; padding: 0 .8rem; white-space: pre; }
.covered { background: var(--ok); } .partial { background: var(--part); } .missed { background: var(--no); }
i { color: var(--dim); } b { color: var(--dim); font-weight: normal; }
"""


def page(coverage: Coverage) -> str:
    """Return the whole page."""
    rows = [
        f'<tr><td><a href="#f{number}">{_text(file.name)}</a></td>{_cells(file.rule_count, file.clause_count)}</tr>'
        for number, file in enumerate(coverage.files)
    ]
    total = f"<tr><th>total</th>{_cells(coverage.rule_count, coverage.clause_count)}</tr>"
    body = [
        f"<h1>{coverage.count.percent:.1f}% of rules and clauses are covered</h1>",
        "<p>A rule is covered when it matched once, a clause when it held once and failed once.</p>",
        "<table><tr><th>file</th><th>rules</th><th>clauses</th><th>covered</th></tr>",
        *rows,
        f"{total}</table>",
    ]
    for number, file in enumerate(coverage.files):
        body += [f'<h2 id="f{number}">{_text(file.name)}</h2>', _source(file)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Coverage of policies</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _cells(rules: Count, clauses: Count) -> str:
    percent = f"{(rules + clauses).percent:.1f}%"
    cells = (f"{rules.covered}/{rules.total}", f"{clauses.covered}/{clauses.total}", percent)
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _source(file: FileCoverage) -> str:
    known = states(file)
    lines = file.text.splitlines()
    gutter = len(str(len(lines)))
    shown = []
    for at, line in enumerate(lines, 1):
        state, lacks = known.get(at, (None, ""))
        mark = MARKS[state][0] if state is not None else " "
        told = f"  <i>{_text(lacks)}</i>" if lacks else ""
        kind = f' class="{state}"' if state is not None else ""
        shown.append(f"<span{kind}><b>{at:>{gutter}} {mark}</b> {_text(line)}{told}</span>")
    return f"<pre>{''.join(shown)}</pre>"


def _text(text: str) -> str:
    return escape("\t".join(visible(part) for part in text.split("\t")))
