"""Regular expressions that a text surely matches if the value it stands for is as a policy wants it.

A value can be spelled in several ways: `/work/./a` is a path within `/work`, `EXAMPLE.com.` a host in `example.com`.
Every pattern here takes all spellings of all values that are meant, and as few others as can be told from the text;
a path with `..` and a host with letters beyond ASCII are left to the policy. The patterns mean the same to Python and
to ECMA-262, which JSON Schema refers to, and have no look-around.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ..semantics.addresses import V4
from ..semantics.numbers import SCALE

ANYTHING: Final = r"[\s\S]*"
DECIMAL: Final = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,4})?$"
"""What the text of a Decimal looks like."""
DURATION: Final = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,9})?[smhd]$"
"""What the text of a Duration looks like."""

_SPECIAL: Final = frozenset(r"\^$.*+?()[]{}|")
_BEYOND_ASCII: Final = r"[^\u0000-\u007f]"
_FRACTION_DIGITS: Final = 4
_MOST_NUMBERS: Final = 16


def literal(text: str, *, fold: bool = False) -> str:
    """Return what matches a text; with `fold`, its ASCII letters in either case."""
    return "".join(_char(char, fold) for char in text)


def _char(char: str, fold: bool) -> str:
    if fold and char.isascii() and char.isalpha():
        return f"[{char.lower()}{char.upper()}]"
    return f"\\{char}" if char in _SPECIAL else char


def either(patterns: Iterable[str]) -> str:
    """Return what matches what one of some patterns does, as a whole."""
    found = list(dict.fromkeys(patterns))
    return found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"


def whole(patterns: Iterable[str]) -> str:
    """Return the pattern of texts that one of some patterns matches from start to end."""
    return f"^(?:{'|'.join(dict.fromkeys(patterns))})$"


def one_of(found: Iterable[str]) -> str:
    """Return the pattern of what one of some patterns that begin with `^` and end with `$` matches."""
    return whole(pattern.removeprefix("^").removesuffix("$") for pattern in found)


# --- texts


def equal(texts: Iterable[str], *, fold: bool = False) -> str:
    """Return the pattern of some texts."""
    return whole(literal(text, fold=fold) for text in sorted(texts))


def glob(parts: Sequence[str], *, fold: bool = False) -> str:
    """Return the pattern of what a compiled glob matches."""
    return f"^{ANYTHING.join(literal(part, fold=fold) for part in parts)}$"


# --- hosts


def _names(hosts: Iterable[str], under: str) -> Iterable[str]:
    """Yield what matches the spellings of names in ASCII; `under` is what may stand before a domain."""
    for host in sorted(hosts):
        if not host.startswith("["):
            yield f"{under}{literal(host, fold=True)}\\.?"


def _addresses(hosts: Iterable[str]) -> bool:
    """Whether a host is an IP address, which IPv6 can spell in many ways."""
    return any(host.startswith("[") or host.rpartition(".")[2].isdigit() for host in hosts)


def hosts(of: Iterable[str], *, within: bool) -> str:
    """Return the pattern of the spellings of some hosts; with `within`, of everything under them, too."""
    of = list(of)
    found = [*_names(of, f"(?:{ANYTHING}\\.)?" if within else ""), f"{ANYTHING}{_BEYOND_ASCII}{ANYTHING}"]
    return whole([*found, f"{ANYTHING}:{ANYTHING}"] if _addresses(of) else found)


def email_hosts(of: Iterable[str], *, within: bool) -> str:
    """Return the pattern of e-mail addresses whose domain is one of some hosts, or within one."""
    found = [*_names(of, f"(?:{ANYTHING}\\.)?" if within else ""), f"{ANYTHING}{_BEYOND_ASCII}{ANYTHING}"]
    return f"^[^@]*@{either(found)}$"


def url_hosts(of: Iterable[str], *, within: bool) -> str:
    """Return the pattern of URLs whose host is one of some hosts, or within one."""
    of = list(of)
    named = either([*_names(of, r"(?:[^/?#]*\.)?" if within else ""), *([r"\[[^/?#]*\]"] if _addresses(of) else [])])
    after = rf"(?::[0-9]*)?(?:[/?#]{ANYTHING})?"
    strange = f"[^/?#]*{_BEYOND_ASCII}{ANYTHING}"
    return rf"^[A-Za-z][A-Za-z0-9+.\-]*://(?:{named}{after}|{strange})$"


def email(text: str) -> str:
    """Return the pattern of the spellings of an e-mail address."""
    local, _, domain = text.rpartition("@")
    found = [*_names([domain], ""), f"{ANYTHING}{_BEYOND_ASCII}{ANYTHING}"]
    return f"^{literal(local)}@{either(found)}$"


def schemes(of: Iterable[str]) -> str:
    """Return the pattern of URLs with one of some schemes."""
    return f"^{either(literal(scheme, fold=True) for scheme in sorted(of))}:"


# --- paths

_CLIMBS: Final = rf"(?:{ANYTHING}/)?\.\.(?:/{ANYTHING})?"
_SLASH: Final = r"/(?:\.?/)*"


def _path(path: str) -> str:
    """Return what matches the spellings of a path that do not climb, up to its last segment."""
    if path == ".":
        return r"\."
    start, segments = (_SLASH, path[1:]) if path.startswith("/") else (rf"(?:\.{_SLASH})?", path)
    return start + _SLASH.join(literal(segment) for segment in segments.split("/"))


def paths(of: Iterable[str], *, within: bool) -> str:
    """Return the pattern of the spellings of some paths; with `within`, of everything under them, too."""
    return whole([*(_below(path) if within else _itself(path) for path in sorted(of)), _CLIMBS])


def _below(path: str) -> str:
    if path == "/":
        return f"/{ANYTHING}"
    return f"[^/]{ANYTHING}" if path == "." else f"{_path(path)}(?:/{ANYTHING})?"


def _itself(path: str) -> str:
    return rf"{_SLASH}\.?" if path == "/" else rf"{_path(path)}(?:/\.?)*"


def path_ends(ends: Iterable[str], *, after: str = "") -> str:
    """Return the pattern of paths that end in one of some texts, behind `after`."""
    return whole([*(rf"(?:{ANYTHING}{after})?{literal(end)}(?:/\.?)*" for end in sorted(ends)), _CLIMBS])


# --- addresses


def block(low: int, high: int) -> str:
    """Return the pattern of the spellings of the IP addresses from one to another."""
    as_v6 = f"{ANYTHING}:{ANYTHING}"
    if low < V4:
        return whole([as_v6])
    first, last = _octets(low), _octets(high)
    same = next((i for i in range(4) if first[i] != last[i]), 4)
    octets = [str(octet) for octet in first[:same]]
    if same < 4:
        count = last[same] - first[same] + 1
        numbers = [str(n) for n in range(first[same], last[same] + 1)]
        octets.append(either(numbers) if count <= _MOST_NUMBERS else "[0-9]{1,3}")
    octets += ["[0-9]{1,3}"] * (4 - len(octets))
    return whole([r"\.".join(octets), as_v6])


def _octets(address: int) -> list[int]:
    return [address - V4 >> shift & 255 for shift in (24, 16, 8, 0)]


# --- numbers written as text


def at_most(units: int) -> str:
    """Return the pattern of the texts of Decimals up to a bound, in ten-thousandths."""
    if units < 0:
        return whole([f"-{_magnitude(-units, up=True)}"])
    return whole([r"-(?:0|[1-9][0-9]*)(?:\.[0-9]{1,4})?", _magnitude(units, up=False)])


def at_least(units: int) -> str:
    """Return the pattern of the texts of Decimals from a bound on, in ten-thousandths."""
    if units > 0:
        return whole([_magnitude(units, up=True)])
    return whole([r"(?:0|[1-9][0-9]*)(?:\.[0-9]{1,4})?", f"-{_magnitude(-units, up=False)}"])


def _magnitude(units: int, *, up: bool) -> str:
    """Return what matches digits from a bound on (`up`), or up to it."""
    number, rest = divmod(units, SCALE)
    digits, fraction = str(number), f"{rest:0{_FRACTION_DIGITS}}"
    others = list(_other_numbers(digits, up))
    beyond = [rf"{either(others)}(?:\.[0-9]{{1,4}})?"] if others else []
    return either([*beyond, f"{digits}{_fraction(fraction, up)}"])


def _other_numbers(digits: str, up: bool) -> Iterable[str]:
    """Yield what matches the whole numbers that are surely beyond a bound (`up`), or below it."""
    count = len(digits)
    if up:
        yield f"[1-9][0-9]{{{count},}}"
    elif count > 1:
        yield "0"
        yield f"[1-9]{_digits(0, count - 2)}"
    for i, digit in enumerate(digits):
        least = 1 if i == 0 and count > 1 else 0
        low, high = (int(digit) + 1, 9) if up else (least, int(digit) - 1)
        if low <= high:
            yield f"{digits[:i]}{_range(low, high)}{_digits(count - i - 1, count - i - 1)}"


def _fraction(fraction: str, up: bool) -> str:
    """Return what matches a fraction from one on (`up`), or up to one; it may be cut, or absent where that is zero."""
    if not up and not fraction.strip("0"):
        return r"(?:\.0{1,4})?"
    found = []
    for i, digit in enumerate(fraction):
        low, high = (int(digit) + 1, 9) if up else (0, int(digit) - 1)
        if low <= high:
            found.append(f"{fraction[:i]}{_range(low, high)}{_digits(0, _FRACTION_DIGITS - i - 1)}")
        if not up or not fraction[i + 1 :].strip("0"):
            found.append(fraction[: i + 1])
    optional = "?" if not up or not fraction.strip("0") else ""
    return f"(?:\\.{either(found)}){optional}"


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def _digits(least: int, most: int) -> str:
    if most == 0:
        return ""
    if least == most:
        return "[0-9]" if most == 1 else f"[0-9]{{{most}}}"
    return "[0-9]?" if most == 1 else f"[0-9]{{{least},{most}}}"
