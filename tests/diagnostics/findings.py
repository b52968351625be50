"""Diagnostics that the tests of several formats show: one source, and a finding of every shape in it."""

from kynara_lang.diagnostics.diagnostic import Diagnostic, Edit, Fix, Hop, Label, Severity
from kynara_lang.diagnostics.source import Source, Span

SHOP = Source(
    "policies/shop.kyn",
    """\
module shop

permit read_orders {
  subject  User
  action   read
  resource Order
  scope    any "all is public"
}

permit refund_orders "Support refunds" {
  subject  User
  action   refund
  resource Order
  scope    subject.tenant == resource.tenant
}
""",
)
TYPES = Source("policies/my types.kyn", "subject User\nresource Order\n")

ESCAPE = "\x1b[31m"
HOSTILE = f"{ESCAPE}%0A::error::x\r]]></failure>&<b a='\"'>\x00\u202e\ufffe [click](https://evil.example) \\"


def at(text: str, source: Source = SHOP, *, to: str = "") -> Span:
    """The span of the first occurrence of a text, up to the end of another one after it."""
    start = source.text.index(text)
    end = source.text.index(to, start) + len(to) if to else start + len(text)
    return Span(source, start, end)


PLAIN = Diagnostic(
    "KYN801",
    "the permit `read_orders` does not say what it is for",
    (Label(at("read_orders"), "no description"),),
    help='say it in words\npermit read_orders "…" {',
    severity=Severity.WARNING,
)
FIXED = Diagnostic(
    "KYN301",
    "the permit `refund_orders` does not say which resources it reaches",
    (Label(at("refund_orders"), ""), Label(at("Order", TYPES), "these are reached"), Label(at("User", TYPES), "")),
    notes=("every permit has a scope",),
    fix=Fix("add a scope", (Edit(at("refund\n", to="Order"), "write"), Edit(at("User", TYPES), "Person"))),
)
PATH = Diagnostic(
    "KYN410",
    "support can become admin",
    (Label(at("permit refund_orders", to="tenant\n}"), "from here"),),
    path=(
        Hop(at("read_orders"), "it reads the key", rule="shop.read_orders", action="read", effect="acts_as"),
        Hop(at("refund_orders"), "it refunds", gains="refund on Order", witness={"subject": {"type": "User"}}),
    ),
)
NOTE = Diagnostic(
    "KYN305",
    "the permit `read_orders` reaches every resource of its types, on purpose",
    (Label(at('any "all is public"'), "nothing bounds it"),),
    notes=("the reason given: all is public",),
    fix=Fix("write nothing", (Edit(at("any"), ""),), safe=True),
    severity=Severity.NOTE,
)
ALL = (PLAIN, FIXED, PATH, NOTE)


def hostile(name: str = "policies/shop.kyn") -> Diagnostic:
    """A finding whose every text tries to be more than text, in a file of the given name."""
    source = Source(name, f"permit {HOSTILE}\n")
    span = Span(source, 0, 12)
    labels = (Label(span, HOSTILE), Label(span, HOSTILE))
    fix = Fix(HOSTILE, (Edit(span, HOSTILE),))
    return Diagnostic("KYN101", HOSTILE, labels, (HOSTILE,), HOSTILE, fix, path=(Hop(span, HOSTILE),))
