"""Kynara: a declarative policy language for deciding what AI agents may do.

    import kynara_lang as kynara

    policies = kynara.load("policies/")
    decision = policies.decide(request)
    decision.effect, decision.rules

Everything public is named here and loaded when it is first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .version import __version__

__all__ = [
    "load",
    "loads",
    "check",
    "program_cache",
    "PolicySet",
    "Request",
    "Entities",
    "Decision",
    "Effect",
    "Explanation",
    "Report",
    "Diagnostic",
    "Severity",
    "CacheError",
    "CompileError",
    "ConfigurationError",
    "EntitiesError",
    "FilesError",
    "__version__",
]

if TYPE_CHECKING:
    from .caching.folder import CacheError
    from .caching.keeper import program_cache
    from .configuration import ConfigurationError
    from .diagnostics.diagnostic import Diagnostic, Severity
    from .files import FilesError
    from .program import CompileError, Report, check, load, loads
    from .runtime.decision import Decision, Effect
    from .runtime.entities import Entities, EntitiesError
    from .runtime.explanation import Explanation
    from .runtime.policyset import PolicySet, Request
else:
    _HOMES = {
        "diagnostics.diagnostic": ("Diagnostic", "Severity"),
        "caching.folder": ("CacheError",),
        "caching.keeper": ("program_cache",),
        "configuration": ("ConfigurationError",),
        "files": ("FilesError",),
        "program": ("CompileError", "Report", "check", "load", "loads"),
        "runtime.decision": ("Decision", "Effect"),
        "runtime.entities": ("Entities", "EntitiesError"),
        "runtime.explanation": ("Explanation",),
        "runtime.policyset": ("PolicySet", "Request"),
    }

    def __getattr__(name: str) -> object:
        """Load a public name from the module it lives in, once."""
        from importlib import import_module

        for home, names in _HOMES.items():
            if name in names:
                found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """List what is public, loaded or not."""
        return sorted({*globals(), *__all__})
