"""Host and Email values: normalised texts, compared and contained by DNS labels."""

from __future__ import annotations

import re
from typing import Final

import idna

from kynara_lang.semantics.addresses import format_ip, read_ip
from kynara_lang.semantics.problems import ValueProblem, quoted, refuse_long

_LONGEST_HOST: Final = 253
_LONGEST_LABEL: Final = 63
_LONGEST_LOCAL: Final = 64
_LABEL_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_ATEXT: Final = frozenset("!#$%&'*+-/=?^_`{|}~")
# What URL parsers take as an IPv4 address or a part of one: `1`, `0x7f`, and `0x` for zero.
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def read_host(text: str) -> str:
    """Read a DNS name or an IP address literal and return its one normal form.

    Names come out in lower case as A-labels without a trailing dot, IPv6 literals shortened and in brackets.
    """
    refuse_long(text)
    if text.startswith("[") or text.count(":") > 1:
        return _read_ipv6(text)
    _refuse_other_things(text)
    name = _mapped(text)
    # The length first: it bounds the work for everything that follows.
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) <= _LONGEST_HOST:
        if _NUMERIC.fullmatch(labels[-1]):
            return _read_ipv4(name, text)
        name = ".".join([_label(label, text) for label in labels])
    if len(name) > _LONGEST_HOST:
        raise ValueProblem(f"{quoted(text)} is longer than the {_LONGEST_HOST} characters of a host name")
    return name


def host_within(host: str, domain: str) -> bool:
    """Tell whether a normalised host is the domain or lies under it, by whole labels.

    For IP literals only equality counts, which needs no test of its own: a name never ends in a number or in
    a bracket and an IP literal always does, so neither can be a dotted end of the other, nor of a literal.
    """
    return host == domain or host.endswith("." + domain)


def enclosing_domains(host: str) -> list[str]:
    """Return every domain that a normalised host is within, itself included: all for which `host_within` holds."""
    found = [host]
    dot = host.find(".")
    while dot >= 0:
        found.append(host[dot + 1 :])
        dot = host.find(".", dot + 1)
    return found


def read_email(text: str) -> str:
    """Read an e-mail address `local@domain`; the domain is normalised and the local part kept as it is."""
    refuse_long(text)
    local, at, domain = text.partition("@")
    if not at or "@" in domain:
        raise ValueProblem(f"{quoted(text)} is not an e-mail address; it needs exactly one `@`")
    if not 1 <= len(local) <= _LONGEST_LOCAL:
        raise ValueProblem(f"{quoted(text)} needs 1 to {_LONGEST_LOCAL} characters before the `@`")
    if not all(map(_is_atom, local.split("."))):
        raise ValueProblem(f"{quoted(text)} has characters or dots that cannot stand before the `@`")
    try:
        host = read_host(domain)
    except ValueProblem as problem:
        better = problem.suggestion and f"{local}@{problem.suggestion}"
        raise ValueProblem(f"{quoted(text)} has no valid domain: {problem.message}", better) from None
    if host.startswith("[") or _NUMERIC.fullmatch(host.rpartition(".")[2]):
        raise ValueProblem(f"{quoted(text)} has an IP address where a domain is needed")
    return f"{local}@{host}"


def email_domain(email: str) -> str:
    """Return the domain of a normalised e-mail address, as a Host."""
    return email.rpartition("@")[2]


def _is_atom(atom: str) -> bool:
    """Tell whether a dot-separated piece of a local part is well-formed; invisible characters are not."""
    return atom != "" and all(char.isalnum() or char in _ATEXT for char in atom)


def _read_ipv6(text: str) -> str:
    """Read an IPv6 literal with or without brackets; an IPv4-mapped one is the IPv4 address."""
    inner = text
    if text.startswith("["):
        inner = text[1:-1]
        if not text.endswith("]") or ":" not in inner:
            raise ValueProblem(f"{quoted(text)} is not an IPv6 address in brackets")
    try:
        address = format_ip(read_ip(inner))
    except ValueProblem as problem:
        raise ValueProblem(f"{quoted(text)} is not a host: {problem.message}") from None
    return f"[{address}]" if ":" in address else address


def _read_ipv4(name: str, text: str) -> str:
    """Read a name that ends in a number, which is an IPv4 address in its plain form or nothing."""
    try:
        return format_ip(read_ip(name))
    except ValueProblem as problem:
        raise ValueProblem(f"{quoted(text)} is no host: {problem.message}") from None


def _refuse_other_things(text: str) -> None:
    """Raise a problem, with what was probably meant, for texts that hold more or less than a host."""
    if text.strip(".") == "":
        raise ValueProblem(f"{quoted(text)} is not a host; it has no labels")
    if "://" in text:
        host = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?![^:/?#])", text)
        raise ValueProblem(f"{quoted(text)} is a URL, not a host", host[1] if host else None)
    if text.startswith("*."):
        raise ValueProblem(
            f"{quoted(text)} has a wildcard; `within` covers all names under a domain", text[2:] or None
        )
    if text.startswith("."):
        raise ValueProblem(
            f"{quoted(text)} starts with a dot; `within` covers all names under a domain", text[1:]
        )
    if ":" in text:
        raise ValueProblem(
            f"{quoted(text)} has a port, which is not part of a host", text.partition(":")[0] or None
        )


def _mapped(text: str) -> str:
    """Apply the case folding and character mapping of UTS #46."""
    if text.isascii():
        return text.lower()
    if len(text) > _LONGEST_HOST + 1:
        raise ValueProblem(f"{quoted(text)} is longer than the {_LONGEST_HOST} characters of a host name")
    try:
        # std3 rules refuse mapped look-alikes of `/`, `:` and `@`. Processing is not transitional: `ß` stays.
        return idna.uts46_remap(text, std3_rules=True)
    except UnicodeError:
        raise ValueProblem(f"{quoted(text)} has a character that host names cannot have") from None


def _label(label: str, text: str) -> str:
    """Check one mapped label and return it as an A-label; `text` is what to complain about."""
    if not label:
        raise ValueProblem(f"{quoted(text)} has an empty label (two dots in a row)")
    if not label.isascii() or label.startswith("xn--"):
        return _international(label, text)
    if len(label) > _LONGEST_LABEL:
        raise ValueProblem(f"{quoted(text)} has a label longer than {_LONGEST_LABEL} characters")
    if not _LABEL_CHARS.issuperset(label):
        strange = next(char for char in label if char not in _LABEL_CHARS)
        raise ValueProblem(f"{quoted(text)} has {quoted(strange)}, which host names cannot have")
    if label[0] == "-" or label[-1] == "-":
        raise ValueProblem(f"{quoted(text)} has a label that starts or ends with a hyphen")
    return label


def _international(label: str, text: str) -> str:
    """Convert a label to its A-label, or check that it is the only A-label of what it stands for."""
    try:
        ascii_label = idna.alabel(label).decode("ascii")
        if idna.alabel(idna.ulabel(ascii_label)).decode("ascii") == ascii_label:
            return ascii_label
    except UnicodeError:
        pass
    raise ValueProblem(f"{quoted(text)} has the label {quoted(label)}, which is not a valid IDNA label")
