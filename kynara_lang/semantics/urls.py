"""Url values: taken apart and normalised once, so that rules compare parts and never spellings."""

from __future__ import annotations

import re
import urllib.parse
from typing import Final, NamedTuple

from kynara_lang.semantics.hosts import read_host
from kynara_lang.semantics.paths import read_path
from kynara_lang.semantics.problems import EvaluationError, ValueProblem, quoted, refuse_long
from kynara_lang.semantics.text import CONTROL, is_scalar_text

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ssh": 22, "git": 9418}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_SPACE: Final = re.compile(r"\s")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_END: Final = re.compile(r"[?#]")
_HOST_END: Final = re.compile(r"[/?#]")
_UNESCAPED: Final = "/:@!$&'()*+,;="


class Url(NamedTuple):
    """A URL in its parts; two spellings of the same URL are equal tuples."""

    scheme: str
    host: str
    port: int | None
    path: str
    rest: str


def read_url(text: str) -> Url:
    """Read a URL such as `https://example.com/a?b`; the query and fragment are kept as they are."""
    refuse_long(text)
    _refuse_characters(text)
    scheme, colon, after = text.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise ValueProblem(f"{quoted(text)} is not a URL; it has no scheme such as `https://`")
    if not after.startswith("//"):
        raise ValueProblem(f"{quoted(text)} has no `//host` after the scheme")
    scheme = scheme.lower()
    end = _HOST_END.search(after, 2)
    authority = after[2 : end.start()] if end else after[2:]
    tail = after[end.start() :] if end else ""
    if "@" in authority:
        raise ValueProblem(f"{quoted(text)} has user information before an `@`, which can hide the real host")
    host, port = _read_authority(authority, text)
    if port is None:
        port = _DEFAULT_PORTS.get(scheme)
    path_end = _PATH_END.search(tail)
    cut = path_end.start() if path_end else len(tail)
    return Url(scheme, host, port, _read_url_path(tail[:cut], text), tail[cut:])


def format_url(url: Url) -> str:
    """Write a URL in its normal spelling, without the port where it is the default one of the scheme."""
    port = "" if url.port is None or url.port == _DEFAULT_PORTS.get(url.scheme) else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}{urllib.parse.quote(url.path, safe=_UNESCAPED)}{url.rest}"


def url_port(url: Url) -> int:
    """Return the port of a URL, the default one of its scheme if it names none."""
    if url.port is None:
        raise EvaluationError("no-port", f"the URL has no port and {quoted(url.scheme)} no default one")
    return url.port


def _refuse_characters(text: str) -> None:
    """Raise a problem for characters that URL parsers drop or replace, each in its own way."""
    # A tab is whitespace to an author and a control character to the standard; both are refused.
    if _SPACE.search(text):
        raise ValueProblem(f"{quoted(text)} contains whitespace")
    if CONTROL.search(text):
        raise ValueProblem(f"{quoted(text)} contains a control character")
    if "\\" in text:
        raise ValueProblem(f"{quoted(text)} contains a backslash, which some programs read as `/`")
    if not is_scalar_text(text):
        raise ValueProblem(f"{quoted(text)} contains a lone surrogate, which is not a character")


def _read_authority(authority: str, text: str) -> tuple[str, int | None]:
    """Read `host` or `host:port`; `text` is what to complain about."""
    bracket = authority.find("]") if authority.startswith("[") else -1
    name, colon, digits = authority[bracket + 1 :].partition(":")
    name = authority[: bracket + 1] + name
    if bracket < 0 and ":" in digits:
        raise ValueProblem(f"{quoted(text)} needs brackets around an IPv6 address")
    if not name:
        raise ValueProblem(f"{quoted(text)} has no host after `//`")
    port = None
    if colon:
        if not _PORT.fullmatch(digits) or int(digits) > 65535:
            raise ValueProblem(f"{quoted(text)} needs a port from 1 to 65535 after the `:`")
        port = int(digits)
    try:
        return read_host(name), port
    except ValueProblem as problem:
        raise ValueProblem(f"{quoted(text)} has no valid host: {problem.message}") from None


def _read_url_path(raw: str, text: str) -> str:
    """Decode each segment once and normalise the result as a Path; `text` is what to complain about."""
    if _BAD_ESCAPE.search(raw):
        raise ValueProblem(f"{quoted(text)} has a `%` without two hex digits; a percent sign is `%25`")
    segments = [_read_segment(segment, text) for segment in raw.split("/")]
    try:
        return read_path("/".join(segments) or "/")
    except ValueProblem as problem:
        raise ValueProblem(f"{quoted(text)} has no valid path: {problem.message}") from None


def _read_segment(raw: str, text: str) -> str:
    """Decode one path segment, refusing what would change how the path is divided."""
    try:
        segment = urllib.parse.unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise ValueProblem(f"{quoted(text)} has percent escapes that are not UTF-8") from None
    for char, name in (("/", "%2f"), ("\\", "%5c"), ("\0", "%00")):
        if char in segment:
            raise ValueProblem(f"{quoted(text)} contains `{name}`, which programs read in different ways")
    # Some servers drop `;parameters` before resolving, so `..;` climbs there and nowhere else.
    if segment.partition(";")[0] in (".", "..") and ";" in segment:
        raise ValueProblem(f"{quoted(text)} has a parameter on a dot segment, which some programs ignore")
    return segment
