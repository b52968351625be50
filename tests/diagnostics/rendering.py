"""A source, findings in it, and what is shown of them, for the tests of the text and of the JSON form."""

from kynara_lang.diagnostics.diagnostic import Diagnostic, Fix, Label, Severity
from kynara_lang.diagnostics.render_text import render_diagnostic, render_excerpt
from kynara_lang.diagnostics.source import Source, Span

POLICY = Source(
    "policies/a.kyn",
    """\
module shop

type User {
  tenant: Str
  dept: Str?
}

permit refund
  subject usr
  action  refund
  resource Order
  when subject.tenant == resource.tenant and subject.dept == 5 or resource.total <= 100
}
""",
)
TYPES = Source("policies/types.kyn", "# the types\ntype User\n")


def at(text: str, source: Source = POLICY, *, to: str = "") -> Span:
    """The span of the first occurrence of a text, up to the end of another one after it."""
    start = source.text.index(text)
    end = source.text.index(to, start) + len(to) if to else start + len(text)
    return Span(source, start, end)


def one(text: str, name: str = "a.kyn") -> Source:
    return Source(name, text)


def finding(
    *labels: tuple[Span, str],
    message: str = "it is wrong",
    code: str = "KYN101",
    notes: tuple[str, ...] = (),
    help: str | None = None,
    fix: Fix | None = None,
    severity: Severity = Severity.ERROR,
    witness: dict[str, object] | None = None,
) -> Diagnostic:
    places = tuple(Label(span, text) for span, text in labels)
    return Diagnostic(code, message, places, notes, help, fix, severity, witness)


def shown(diagnostic: Diagnostic, width: int = 100) -> str:
    return "\n" + render_diagnostic(diagnostic, width=width).plain + "\n"


def excerpt(*labels: tuple[Span, str], width: int = 100) -> str:
    """The source lines alone, without the place."""
    lines = render_excerpt([Label(*label) for label in labels], width=width).plain.split("\n")
    return "\n" + "\n".join(lines[2:]) + "\n"
